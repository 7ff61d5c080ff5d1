package s3

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"exhibit/store"
	"exhibit/store/storetest"
)

func TestPartSize(t *testing.T) {
	s := &Store{partSize: partSize, maxParts: maxParts}
	const most = int64(partSize) * maxParts
	tests := []struct {
		size int64
		part int
	}{
		{-1, partSize}, {0, partSize}, {most, partSize}, {most + 1, partSize + 1<<20},
		{most + maxParts<<20, partSize + 1<<20}, {most + maxParts<<20 + 1, partSize + 2<<20},
		{maxPartSize * maxParts, maxPartSize}, {maxPartSize*maxParts + 1, maxPartSize}, {math.MaxInt64, maxPartSize},
	}
	for _, tt := range tests {
		if part := s.partSizeFor(tt.size); part != tt.part {
			t.Errorf("%d bytes: parts of %d, want %d", tt.size, part, tt.part)
		}
	}
}

// TestMaxParts: what does not fit in the parts that there may be is refused,
// as soon as that is known, and leaves nothing.
func TestMaxParts(t *testing.T) {
	ctx := t.Context()
	server := storetest.StartVersityGW(t)
	bucket := server.Bucket(t, storetest.BucketOptions{})
	s, err := Open(ctx, ConfigFromEnv("s3://"+bucket, server.Getenv))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const part = 5 << 20 // the least that servers take
	s.partSize, s.maxParts = part, 3
	full := make([]byte, 3*part)
	if _, err := s.Create(ctx, "full", bytes.NewReader(full), -1); err != nil {
		t.Error(err)
	}
	_, err = s.Create(ctx, "over", bytes.NewReader(make([]byte, 3*part+1)), -1)
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("one byte over: %v", err)
	}
	untouched := strings.NewReader("x")
	_, err = s.Create(ctx, "over", untouched, 3*maxPartSize+1)
	if !errors.Is(err, store.ErrTooLarge) || untouched.Len() != 1 {
		t.Errorf("announced: %v, %d bytes unread", err, untouched.Len())
	}
	for upload := range server.Client.ListIncompleteUploads(ctx, bucket, "", true) {
		t.Errorf("left behind %+v", upload)
	}
	if _, err := s.Stat(ctx, "over"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("stat: %v", err)
	}
}
