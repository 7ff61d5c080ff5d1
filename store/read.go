package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// ReadAll reads an object of at most limit bytes; ErrTooLarge if it is larger.
func ReadAll(ctx context.Context, r Reader, key string, limit int64) ([]byte, error) {
	body, err := r.Open(ctx, key, 0, -1) // whole, so that its checksum is checked
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, max(limit, limit+1)))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &Error{Op: "read", Key: key, Store: address(r), Kind: ErrTooLarge,
			Err: fmt.Errorf("more than %d bytes", limit)}
	}
	return data, nil
}

// CreateIdempotent creates an object, and succeeds as well if it is there
// already with equal bytes; if it is there with other bytes, ErrExists. So it
// may be repeated after any error.
func CreateIdempotent(ctx context.Context, s interface {
	Reader
	Creator
}, key string, data []byte) (Info, error) {
	info, err := s.Create(ctx, key, bytes.NewReader(data), int64(len(data)))
	if err == nil || !errors.Is(err, ErrExists) {
		return info, err
	}
	there, readErr := ReadAll(ctx, s, key, int64(len(data)))
	if errors.Is(readErr, ErrTooLarge) || readErr == nil && !bytes.Equal(there, data) {
		return Info{}, &Error{Op: "create", Key: key, Store: address(s), Kind: ErrExists,
			Err: errors.New("with other content")}
	}
	if readErr != nil {
		return Info{}, readErr
	}
	return s.Stat(ctx, key)
}

// address is the address of a store, where it has one.
func address(r any) string {
	if s, ok := r.(fmt.Stringer); ok {
		return s.String()
	}
	return ""
}
