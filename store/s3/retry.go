package s3

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// How long after its first failure a request is begun again: long enough for
// a server to be restarted; at the first request, which fails most often
// because the address is wrong, shorter.
const (
	patience     = 8 * time.Second
	openPatience = 2 * time.Second
)

// Waiting times between attempts, doubled from the first to the last; half of
// each is random.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = time.Second
)

// retry calls do, which must be safe to repeat, until it succeeds, fails for
// good, or patience ends.
func (s *Store) retry(ctx context.Context, do func() error) error {
	var failed time.Time
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		err := do()
		if err == nil || ctx.Err() != nil || !transient(err) {
			return err
		}
		now := time.Now()
		if failed.IsZero() {
			failed = now
		}
		pause := wait/2 + rand.N(wait/2)
		if now.Add(pause).Sub(failed) > s.patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// transient reports whether the same request may succeed in a moment.
func transient(err error) bool {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return classify(err) == store.ErrUnreachable
	}
	switch answer.Code {
	case "RequestTimeout", "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException",
		"RequestLimitExceeded", "RequestThrottled", "InternalError", "ServiceUnavailable", "OperationAborted",
		"ConditionalRequestConflict":
		return true
	}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// lost reports whether a request that failed with err may have been carried
// out all the same.
func lost(err error) bool {
	var answer minio.ErrorResponse
	return !errors.As(err, &answer) || answer.StatusCode >= 500 || answer.StatusCode == http.StatusRequestTimeout
}
