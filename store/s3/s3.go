// Package s3 keeps objects in a bucket of a server that speaks the S3
// protocol, through minio-go.
//
// # Writing
//
// Objects of up to one part (16 MiB) are written by a single conditional PUT
// (If-None-Match or If-Match). Larger ones, and those whose size turns out to
// be larger, are multipart uploads whose Complete is conditional, the only
// step at which all servers check it. One part is held in memory at a time,
// for each Create. Every write carries a CRC-64/NVME over the whole object,
// which the server checks and keeps, and a random mark of its own: when a
// condition fails, possibly because an earlier attempt of the same write went
// through and only its answer was lost, the mark tells whose object it is.
// Create ends by reading size, checksum and version back.
//
// A multipart upload that fails or is cancelled is aborted. That of a process
// that crashed stays, invisible, until the bucket's own rule removes it
// (AbortIncompleteMultipartUpload).
//
// # Errors
//
// Requests that fail for want of an answer, or because the server is busy, are
// repeated for some seconds (see retry.go). HEAD answers carry no error text,
// so after a refused one the bucket is asked again by GET for the reason.
package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// Store is a bucket, or what lies below a prefix in it. It implements
// store.Store.
type Store struct {
	core     minio.Core
	idle     func() // closes idle connections
	bucket   string
	prefix   string // empty or ends with a slash
	secure   bool
	partSize int // of parts, unless more than maxParts of them are known to be needed
	maxParts int
	patience time.Duration
}

var _ store.Store = (*Store)(nil)

// Open connects to the store and checks that address, credentials, clock and
// bucket are good, by asking for one key: credentials that may not list are
// good enough, though List will then fail. It changes nothing.
func Open(ctx context.Context, c Config) (*Store, error) {
	bucket, prefix, err := c.bucket()
	if err != nil {
		return nil, &store.Error{Op: "connect", Store: withoutQuery(c.URL), Kind: store.ErrAddress, Err: err}
	}
	s := &Store{bucket: bucket, prefix: prefix, partSize: partSize, maxParts: maxParts, patience: openPatience}
	client, transport, err := c.client()
	if err != nil {
		var e *store.Error
		if errors.As(err, &e) {
			e.Op, e.Store = "connect", s.String()
		}
		return nil, err
	}
	s.core, s.idle = minio.Core{Client: client}, transport.CloseIdleConnections
	s.secure = client.EndpointURL().Scheme == "https"
	if err := s.probe(ctx); err != nil {
		var answer minio.ErrorResponse
		denied := errors.As(err, &answer) && classifyAnswer(answer) == store.ErrDenied && !anonymous(answer)
		if !denied {
			s.Close()
			if errors.As(err, &answer) && anonymous(answer) && answer.StatusCode == http.StatusForbidden {
				return nil, s.refuse("connect", "", store.ErrProtocol, s.cause(err))
			}
			return nil, s.fail(ctx, "connect", "", err)
		}
	}
	s.patience = patience
	return s, nil
}

// withoutQuery keeps what somebody may have pasted behind an address, or
// before its host, out of error texts.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		if _, host, ok := strings.Cut(rest, "@"); ok {
			return scheme + "://" + host
		}
	}
	return address
}

// String is s3://bucket or s3://bucket/prefix.
func (s *Store) String() string {
	return strings.TrimSuffix("s3://"+s.bucket+"/"+s.prefix, "/")
}

// Close closes idle connections. The store stays usable.
func (s *Store) Close() error {
	s.idle()
	return nil
}

// name is the name of a key in the bucket.
func (s *Store) name(key string) (string, error) {
	if err := store.ValidateKey(key); err != nil {
		return "", err
	}
	if err := store.ValidateKey(s.prefix + key); err != nil {
		return "", err
	}
	return s.prefix + key, nil
}

// probe asks for one key of the bucket, by GET: the answer to that says why.
func (s *Store) probe(ctx context.Context) error {
	return s.retry(ctx, func() error {
		type answer struct {
			list minio.ListBucketV2Result
			err  error
		}
		done := make(chan answer, 1)
		go func() { // the client has no context for this; its own time limits end it
			list, err := s.core.ListObjectsV2(s.bucket, s.prefix, "", "", "", 1)
			done <- answer{list, err}
		}()
		select {
		case a := <-done:
			if a.err == nil && a.list.Name != s.bucket {
				return errNotS3
			}
			return a.err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// errNotS3 is for an answer that is well-formed, or nothing, but no list.
var errNotS3 = errors.New("answer is no list of a bucket")
