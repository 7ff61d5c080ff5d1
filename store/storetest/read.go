package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"exhibit/store"
)

func testOpenRanges(t *testing.T, s store.Store) {
	ctx := t.Context()
	sizes := map[string]int{"empty": 0, "ten": 10, "large": part + 100}
	for key, size := range sizes {
		if _, err := s.Create(ctx, key, bytes.NewReader(pattern(size)), int64(size)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		key            string
		offset, length int64
	}{
		{"empty", 0, -1}, {"empty", 0, 0}, {"empty", 0, 5},
		{"ten", 0, -1}, {"ten", 0, 10}, {"ten", 0, 11}, {"ten", 0, 1}, {"ten", 9, 1}, {"ten", 9, 5}, {"ten", 9, -1},
		{"ten", 3, 4}, {"ten", 3, 0}, {"ten", 10, -1}, {"ten", 10, 0}, {"ten", 10, 1}, {"ten", 0, 1<<63 - 1}, {"ten", 5, 1<<63 - 1},
		{"large", part - 1, 2}, {"large", part, -1}, {"large", part + 99, 7}, {"large", 1, -1},
	}
	for _, tt := range tests {
		data := pattern(sizes[tt.key])[tt.offset:]
		if tt.length >= 0 && tt.length < int64(len(data)) {
			data = data[:tt.length]
		}
		r, err := s.Open(ctx, tt.key, tt.offset, tt.length)
		if err != nil {
			t.Errorf("open %s at %d, %d bytes: %v", tt.key, tt.offset, tt.length, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("open %s at %d, %d bytes: got %d bytes, %v", tt.key, tt.offset, tt.length, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, offset := range []int64{-1, 11, 1 << 62} {
		for _, length := range []int64{-1, 0, 1} {
			_, err := s.Open(ctx, "ten", offset, length)
			wantKind(t, err, store.ErrRange)
		}
	}
}

func testOpenCancelled(t *testing.T, s store.Store) {
	if _, err := s.Create(t.Context(), "large", bytes.NewReader(pattern(part+1)), -1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := s.Open(ctx, "large", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
		t.Fatal(err)
	}
	cancel()
	_, err = io.Copy(io.Discard, r)
	wantKind(t, err, context.Canceled)
	_, err = s.Open(ctx, "large", 0, -1)
	wantKind(t, err, context.Canceled)
	_, err = s.Stat(ctx, "large")
	wantKind(t, err, context.Canceled)
	wantKind(t, listError(s.List(ctx, "")), context.Canceled)
}

func testList(t *testing.T, s store.Store) {
	ctx := t.Context()
	keys := []string{"a+c", "a-b", "a.b", "a/+", "a/1", "a/b/c", "a/b/d", "a0", "aB", "a_", "b=/x", "z"}
	if !slices.IsSorted(keys) {
		t.Fatal("keys are not sorted")
	}
	for i := range keys {
		key := keys[(i*5+3)%len(keys)]
		if _, err := s.Create(ctx, key, strings.NewReader(key), -1); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, s, "", keys...)
	wantKeys(t, s, "a/", "a/+", "a/1", "a/b/c", "a/b/d")
	wantKeys(t, s, "a/b", "a/b/c", "a/b/d")
	wantKeys(t, s, "a/b/", "a/b/c", "a/b/d")
	wantKeys(t, s, "a/b/c", "a/b/c")
	wantKeys(t, s, "a", keys[:10]...)
	wantKeys(t, s, "b", "b=/x")
	wantKeys(t, s, "z", "z")
	wantKeys(t, s, "z/")
	wantKeys(t, s, "nothing/here")
	for info, err := range s.List(ctx, "a/b/") {
		if err != nil || info.Size != int64(len(info.Key)) || info.Modified.IsZero() {
			t.Errorf("%+v, %v", info, err)
		}
		break // ends early without complaint
	}
}

func testListMany(t *testing.T, s store.Store) {
	const n = 1100 // more than a page of S3
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("many/x%03d/%d", i/10, i%10))
	}
	errs := race(8, func(w int) error {
		for i := w; i < n; i += 8 {
			if _, err := s.Create(t.Context(), keys[i], strings.NewReader("x"), 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "many/", keys...)
	wantKeys(t, s, "many/x05", keys[500:600]...)
}

func testSub(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Create(ctx, "packages/2/x", strings.NewReader("no"), 2); err != nil {
		t.Fatal(err)
	}
	b, err := store.Sub(s, "packages/1")
	if err != nil {
		t.Fatal(err)
	}
	if want := s.String() + "/packages/1"; b.String() != want {
		t.Errorf("address is %s, want %s", b, want)
	}
	info, err := b.Create(ctx, "x", strings.NewReader("yes"), 3)
	if err != nil || info.Key != "x" {
		t.Fatalf("%+v, %v", info, err)
	}
	wantKeys(t, b, "", "x")
	wantKeys(t, s, "", "packages/1/x", "packages/2/x")
	wantContent(t, b, "x", []byte("yes"))
	if info, err = b.Replace(ctx, "head", []byte("1"), ""); err != nil || info.Key != "head" {
		t.Errorf("%+v, %v", info, err)
	}
	if _, info, err = b.Load(ctx, "head"); err != nil || info.Key != "head" {
		t.Errorf("%+v, %v", info, err)
	}
	for _, key := range []string{"", "../2/x", "/x"} {
		_, err = b.Stat(ctx, key)
		wantKind(t, err, store.ErrInvalidKey)
	}
	for _, prefix := range []string{"", "/", "a/", "../a"} {
		_, err = store.Sub(s, prefix)
		wantKind(t, err, store.ErrInvalidKey)
	}
}

// wantKind checks the kind of an error, and that it reads as one line.
func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
		return
	}
	if text := err.Error(); strings.ContainsAny(text, "\r\n\t") || len(text) > 800 {
		t.Errorf("error is not one clear line: %q", text)
	}
}

// wantContent reads an object back, all at once.
func wantContent(t *testing.T, s store.Store, key string, want []byte) {
	t.Helper()
	got, err := store.ReadAll(t.Context(), s, key, int64(len(want)))
	if err != nil {
		t.Errorf("reading %s back: %v", key, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes of other content", key, len(got))
	}
}

// wantNothing checks that no object begins with prefix, and that the key of
// no such object is taken.
func wantNothing(t *testing.T, s store.Store, prefix string) {
	t.Helper()
	wantKeys(t, s, prefix)
}

func wantKeys(t *testing.T, s store.Store, prefix string, want ...string) {
	t.Helper()
	var got []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Errorf("list %q: %v", prefix, err)
			return
		}
		got = append(got, info.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("list %q gives %s, want %s", prefix, brief(got), brief(want))
	}
}

// brief writes a list of keys, of a long one its start.
func brief(keys []string) string {
	if len(keys) > 20 {
		return fmt.Sprintf("%d keys %q…", len(keys), keys[:20])
	}
	return fmt.Sprintf("%q", keys)
}

// listError is the error in a list, or nil.
func listError(list iter.Seq2[store.Info, error]) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// pattern is size bytes that repeat with no power of two.
func pattern(size int) []byte {
	block := make([]byte, 251)
	for i := range block {
		block[i] = byte(i)
	}
	return bytes.Repeat(block, size/len(block)+1)[:size]
}

// pieces reads data in pieces of odd length, and says io.EOF with the last.
type pieces struct{ data []byte }

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), 65537)], p.data)
	p.data = p.data[n:]
	if len(p.data) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// hook does something when it is read, and is empty.
type hook struct{ do func() }

func (h *hook) Read([]byte) (int, error) {
	h.do()
	return 0, io.EOF
}
