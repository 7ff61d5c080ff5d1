package store_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"exhibit/store"
)

func TestErrorIsOneLine(t *testing.T) {
	cause := errors.New("<Error>\r\n\t<Message>no\x1b[2J\u202e way\x00</Message>\n</Error>")
	err := error(&store.Error{Op: "create", Key: "a/b", Store: "s3://bucket", Kind: store.ErrDenied, Err: cause})
	if want := "create a/b in s3://bucket: permission denied: <Error> <Message>no[2J way</Message> </Error>"; err.Error() != want {
		t.Errorf("text is %q, want %q", err, want)
	}
	if !errors.Is(err, store.ErrDenied) || !errors.Is(err, cause) || errors.Is(err, store.ErrNotFound) {
		t.Error("kind and cause cannot be told")
	}
	long := &store.Error{Op: "list", Err: errors.New(strings.Repeat("ü", 5000))}
	if n := len(long.Error()); n > 700 || !strings.HasSuffix(long.Error(), "ü…") {
		t.Errorf("text has %d bytes", n)
	}
	bare := &store.Error{Op: "open", Err: io.EOF}
	if bare.Error() != "open: EOF" || !errors.Is(bare, io.EOF) {
		t.Errorf("text is %q", bare)
	}
}

// TestDeletedIsNotAbsent: what asks for absence must not get a deletion.
func TestDeletedIsNotAbsent(t *testing.T) {
	if err := (&store.Error{Op: "stat", Kind: store.ErrDeleted}); errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrChanged) {
		t.Error("a deletion passes for absence")
	}
}
