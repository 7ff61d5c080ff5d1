package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// kinds says what the error codes of S3, and of the servers that this package
// is tested against, mean.
var kinds = map[string]error{
	"NoSuchKey":     store.ErrNotFound,
	"NoSuchVersion": store.ErrNotFound,
	"NoSuchBucket":  store.ErrNoBucket,

	"InvalidAccessKeyId":           store.ErrCredentials,
	"SignatureDoesNotMatch":        store.ErrCredentials,
	"ExpiredToken":                 store.ErrCredentials,
	"ExpiredTokenException":        store.ErrCredentials,
	"InvalidToken":                 store.ErrCredentials,
	"TokenRefreshRequired":         store.ErrCredentials,
	"AuthorizationHeaderMalformed": store.ErrCredentials,
	"InvalidSecurity":              store.ErrCredentials,
	"NotSignedUp":                  store.ErrCredentials,
	"XAdminUserNotFound":           store.ErrCredentials,

	"AccessDenied":      store.ErrDenied,
	"AllAccessDisabled": store.ErrDenied,
	"AccountProblem":    store.ErrDenied,

	"RequestTimeTooSkewed": store.ErrClockSkew,

	"InvalidBucketName": store.ErrAddress,
	"PermanentRedirect": store.ErrAddress,
	"TemporaryRedirect": store.ErrAddress,
	"InvalidRegion":     store.ErrAddress,

	"InvalidRange":            store.ErrRange,
	"EntityTooLarge":          store.ErrTooLarge,
	"KeyTooLongError":         store.ErrInvalidKey,
	"XMinioInvalidObjectName": store.ErrInvalidKey,

	"QuotaExceeded":                  store.ErrNoSpace,
	"XMinioAdminBucketQuotaExceeded": store.ErrNoSpace,
	"XMinioStorageFull":              store.ErrNoSpace,
	"InsufficientStorage":            store.ErrNoSpace,

	"XMinioParentIsObject":              store.ErrConflict,
	"XMinioObjectExistsAsDirectory":     store.ErrConflict,
	"ParentIsObject":                    store.ErrConflict,
	"ObjectParentIsFile":                store.ErrConflict,
	"ExistingObjectIsDirectory":         store.ErrConflict,
	"BadDigest":                         store.ErrCorrupt,
	"InvalidDigest":                     store.ErrCorrupt,
	"XAmzContentSHA256Mismatch":         store.ErrCorrupt,
	"XAmzContentChecksumMismatch":       store.ErrCorrupt,
	"PreconditionFailed":                store.ErrChanged,
	"ConditionalRequestConflict":        store.ErrUnreachable,
	"SlowDown":                          store.ErrUnreachable,
	"ServiceUnavailable":                store.ErrUnreachable,
	"InternalError":                     store.ErrUnreachable,
	"AuthorizationQueryParametersError": store.ErrProtocol,
}

// classify finds the kind of an error of the client; nil for an end of the
// context.
func classify(err error) error {
	var answer minio.ErrorResponse
	var syntax *xml.SyntaxError
	var unmarshal xml.UnmarshalError
	var netError net.Error
	var requestError *url.Error
	switch {
	case errors.As(err, &answer):
		return classifyAnswer(answer)
	case errors.Is(err, context.Canceled):
		return nil
	case isTLS(err):
		return store.ErrTLS
	case errors.As(err, &syntax), errors.As(err, &unmarshal), errors.Is(err, io.EOF):
		return store.ErrProtocol // where XML should be
	case errors.As(err, &netError), errors.As(err, &requestError), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return store.ErrUnreachable
	}
	return store.ErrProtocol
}

// madeUp reports whether the client made the error up: where an answer has no
// error document it goes by the status, and any web server's 404 would be a
// missing bucket. (A HEAD never has one.)
func madeUp(answer minio.ErrorResponse) bool {
	return answer.Code == minio.NoSuchBucket && anonymous(answer)
}

// anonymous reports whether an answer carries no identifier of S3.
func anonymous(answer minio.ErrorResponse) bool {
	return answer.RequestID == "" && answer.HostID == ""
}

func classifyAnswer(answer minio.ErrorResponse) error {
	if madeUp(answer) {
		return store.ErrProtocol
	}
	if kind, ok := kinds[answer.Code]; ok {
		return kind
	}
	switch {
	case answer.StatusCode == http.StatusInsufficientStorage:
		return store.ErrNoSpace
	case answer.StatusCode >= 500:
		return store.ErrUnreachable
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		return store.ErrDenied
	}
	return store.ErrProtocol
}

// isTLS reports whether err is about the security of the connection.
func isTLS(err error) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &host) || errors.As(err, &verify) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.Is(err, http.ErrSchemeMismatch)
}

// fail makes the error of a method out of one of the client. Where the answer
// to a HEAD is a refusal, it first asks for the reason.
func (s *Store) fail(ctx context.Context, op, key string, err error) error {
	var done *store.Error
	if errors.As(err, &done) {
		return err
	}
	if ctx.Err() != nil {
		return s.refuse(op, key, nil, ctx.Err())
	}
	return s.refuse(op, key, classify(err), s.cause(err))
}

// failHead is fail for a HEAD, whose answer has no body: the reason for a
// refusal is asked for by GET.
func (s *Store) failHead(ctx context.Context, op, key string, err error) error {
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusBadRequest) {
		if reason := s.probe(ctx); reason != nil {
			err = reason
		}
	}
	return s.fail(ctx, op, key, err)
}

// refuse makes an error of a kind.
func (s *Store) refuse(op, key string, kind, err error) error {
	return &store.Error{Op: op, Key: key, Store: s.String(), Kind: kind, Err: err}
}

// cause makes an error of the client short: of a request that failed, the
// host instead of the whole URL; of an answer, its code too.
func (s *Store) cause(err error) error {
	host := s.core.EndpointURL().Host
	var request *url.Error
	var answer minio.ErrorResponse
	switch {
	case errors.As(err, &answer):
		text := answer.Error()
		if strings.HasPrefix(strings.TrimSpace(text), "<") || madeUp(answer) {
			text = fmt.Sprintf("status %d with a page that is no S3 error", answer.StatusCode)
		} else if answer.Code != "" {
			text = answer.Code + ": " + text
		}
		return &answerError{text: text, err: err}
	case errors.As(err, &request):
		if strings.HasPrefix(request.Err.Error(), "Connection closed by foreign host") { // the client's words, with the whole URL
			return fmt.Errorf("%s: %w", host, errClosed)
		}
		return fmt.Errorf("%s: %w", host, request.Err)
	}
	return fmt.Errorf("%s: %w", host, err)
}

// errClosed is also what some servers do to a client that does not speak TLS.
var errClosed = errors.New("connection closed without an answer")

// answerError is an error answer with a text that names its code.
type answerError struct {
	text string
	err  error
}

func (e *answerError) Error() string { return e.text }
func (e *answerError) Unwrap() error { return e.err }
