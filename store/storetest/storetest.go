// Package storetest checks that a store keeps the contract of package store,
// and runs real S3 servers to check it against.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"exhibit/store"
)

// part is the size of data, in bytes, around which an implementation may
// change its way of writing.
const part = 16 << 20

// Run checks a store by the contract of package store. open gives one, empty or not, for each test; the tests
// of one run keep out of each other's way by a random prefix.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"create", testCreate},
		{"create sizes", testCreateSizes},
		{"create wrong size", testCreateWrongSize},
		{"create input fails", testCreateInputFails},
		{"create cancelled", testCreateCancelled},
		{"create idempotent", testCreateIdempotent},
		{"create race", testCreateRace},
		{"create race of large objects", testCreateRaceLarge},
		{"replace", testReplace},
		{"replace limit", testReplaceLimit},
		{"replace race", testReplaceRace},
		{"replace counts", testReplaceCounts},
		{"replace against create", testReplaceAgainstCreate},
		{"open ranges", testOpenRanges},
		{"open cancelled", testOpenCancelled},
		{"read all", testReadAll},
		{"not found", testNotFound},
		{"invalid keys", testInvalidKeys},
		{"longest keys", testLongestKeys},
		{"list", testList},
		{"list of many", testListMany},
		{"sub", testSub},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, fresh(t, open)) })
	}
}

// RunConflicts checks that a store refuses a key that is a folder of another,
// or below another. Not every S3 server does: some take both, and may then
// list only one.
func RunConflicts(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("conflicting keys", func(t *testing.T) { testConflictingKeys(t, fresh(t, open)) })
}

// fresh is an empty part of a store.
func fresh(t *testing.T, open func(t *testing.T) store.Store) store.Store {
	t.Helper()
	s, err := store.Sub(open(t), fmt.Sprintf("t%016x", rand.Uint64()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testCreate(t *testing.T, s store.Store) {
	ctx := t.Context()
	info, err := s.Create(ctx, "a/b.txt", strings.NewReader("hello"), 5)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := s.Stat(ctx, "a/b.txt")
	if err != nil {
		t.Fatal(err)
	}
	for what, i := range map[string]store.Info{"Create": info, "Stat": stat} {
		if i.Key != "a/b.txt" || i.Size != 5 || i.Modified.IsZero() {
			t.Errorf("%s says %+v", what, i)
		}
	}
	if info.Version != stat.Version || info.Digest != stat.Digest {
		t.Errorf("Create says version %q and digest %q, Stat %q and %q", info.Version, info.Digest, stat.Version, stat.Digest)
	}
	_, err = s.Create(ctx, "a/b.txt", strings.NewReader("other"), 5)
	wantKind(t, err, store.ErrExists)
	_, err = s.Create(ctx, "a/b.txt", strings.NewReader("hello"), -1)
	wantKind(t, err, store.ErrExists)
	wantContent(t, s, "a/b.txt", []byte("hello"))
}

func testCreateSizes(t *testing.T, s store.Store) {
	known := map[bool][]int{
		true:  {0, 1, part, part + 1},
		false: {0, 1, part - 1, part, part + 1, 2*part + 17},
	}
	for known, sizes := range known {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%d known %v", size, known), func(t *testing.T) {
				key := fmt.Sprintf("sizes/%d-%v", size, known)
				data := pattern(size)
				announced := int64(size)
				if !known {
					announced = -1
				}
				info, err := s.Create(t.Context(), key, &pieces{data: data}, announced)
				if err != nil {
					t.Fatal(err)
				}
				if info.Size != int64(size) {
					t.Errorf("size is %d, want %d", info.Size, size)
				}
				wantContent(t, s, key, data)
			})
		}
	}
}

func testCreateWrongSize(t *testing.T, s store.Store) {
	tests := []struct{ have, announced int }{
		{0, 1}, {5, 4}, {5, 6}, {part + 1, part}, {part, part + 1}, {2*part + 1, 2 * part}, {2 * part, 2*part + 1},
	}
	for i, tt := range tests {
		key := fmt.Sprintf("wrong/%d", i)
		_, err := s.Create(t.Context(), key, bytes.NewReader(pattern(tt.have)), int64(tt.announced))
		wantKind(t, err, store.ErrInput)
		wantNothing(t, s, "wrong/")
	}
}

func testCreateInputFails(t *testing.T, s store.Store) {
	broken := errors.New("the source broke")
	for _, n := range []int{0, 5, part, 2*part + 5} {
		for _, announced := range []int64{-1, int64(n) + 10} {
			r := io.MultiReader(bytes.NewReader(pattern(n)), iotest.ErrReader(broken))
			_, err := s.Create(t.Context(), "broken/x", r, announced)
			wantKind(t, err, store.ErrInput)
			wantKind(t, err, broken)
			wantNothing(t, s, "broken/")
		}
	}
	if _, err := s.Create(t.Context(), "broken/x", strings.NewReader("now"), 3); err != nil {
		t.Errorf("after failures the key is not free: %v", err)
	}
}

func testCreateCancelled(t *testing.T, s store.Store) {
	for _, after := range []int{0, 5, part + 5, 2*part + 5} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		data := io.MultiReader(bytes.NewReader(pattern(after)), &hook{do: cancel}, bytes.NewReader(pattern(part)))
		_, err := s.Create(ctx, "cancelled/x", data, -1)
		wantKind(t, err, context.Canceled)
		wantNothing(t, s, "cancelled/")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Create(ctx, "cancelled/x", strings.NewReader("x"), 1)
	wantKind(t, err, context.Canceled)
	_, err = s.Replace(ctx, "cancelled/x", []byte("x"), "")
	wantKind(t, err, context.Canceled)
	wantNothing(t, s, "cancelled/")
}

func testCreateIdempotent(t *testing.T, s store.Store) {
	ctx := t.Context()
	first, err := store.CreateIdempotent(ctx, s, "claims/1", []byte("mine"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.CreateIdempotent(ctx, s, "claims/1", []byte("mine"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Version != again.Version || first.Size != again.Size {
		t.Errorf("first %+v, again %+v", first, again)
	}
	for _, other := range []string{"", "min", "mino", "mine!"} {
		_, err = store.CreateIdempotent(ctx, s, "claims/1", []byte(other))
		wantKind(t, err, store.ErrExists)
	}
	if _, err := store.CreateIdempotent(ctx, s, "claims/2", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreateIdempotent(ctx, s, "claims/2", nil); err != nil {
		t.Fatal(err)
	}
}

func testNotFound(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Create(ctx, "there/x", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"absent", "there", "there/y", "there/x/y", "there/x/y/z"} {
		_, err := s.Stat(ctx, key)
		wantKind(t, err, store.ErrNotFound)
		_, err = s.Open(ctx, key, 0, -1)
		wantKind(t, err, store.ErrNotFound)
		_, err = s.Open(ctx, key, 1, 1)
		wantKind(t, err, store.ErrNotFound)
		_, _, err = s.Load(ctx, key)
		wantKind(t, err, store.ErrNotFound)
		_, err = store.ReadAll(ctx, s, key, 10)
		wantKind(t, err, store.ErrNotFound)
		_, err = s.Replace(ctx, key, []byte("x"), "0123456789abcdef")
		wantKind(t, err, store.ErrChanged)
	}
	wantNothing(t, s, "absent")
}

func testInvalidKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "-a", "a/-b", "a b", "a\x00",
		"a\nb", "ä", "a\\b", "a~", "a:b", "a*", "\xff", strings.Repeat("x", store.MaxSegment+1)} {
		_, err := s.Create(ctx, key, strings.NewReader("x"), 1)
		wantKind(t, err, store.ErrInvalidKey)
		_, err = s.Stat(ctx, key)
		wantKind(t, err, store.ErrInvalidKey)
		_, err = s.Open(ctx, key, 0, -1)
		wantKind(t, err, store.ErrInvalidKey)
		_, _, err = s.Load(ctx, key)
		wantKind(t, err, store.ErrInvalidKey)
		_, err = s.Replace(ctx, key, nil, "")
		wantKind(t, err, store.ErrInvalidKey)
	}
	for _, prefix := range []string{"/", "../", "a//", "ä"} {
		wantKind(t, listError(s.List(ctx, prefix)), store.ErrInvalidKey)
	}
}

func testLongestKeys(t *testing.T, s store.Store) {
	long := strings.Repeat("s", store.MaxSegment)
	key := long + "/" + long + "/" + long
	if _, err := s.Create(t.Context(), key, strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, key, []byte("x"))
	wantKeys(t, s, "", key)
	// With the prefix of the run this is longer than MaxKey, by itself it is not.
	_, err := s.Create(t.Context(), key+"/"+strings.Repeat("k", 250), strings.NewReader("x"), 1)
	wantKind(t, err, store.ErrInvalidKey)
}

func testConflictingKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Create(ctx, "one/two", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"one", "one/two/three", "one/two/three/four"} {
		_, err := s.Create(ctx, key, strings.NewReader("y"), 1)
		wantKind(t, err, store.ErrConflict)
		_, err = s.Replace(ctx, key, []byte("y"), "")
		wantKind(t, err, store.ErrConflict)
	}
	_, err := s.Create(ctx, "one/two/three", bytes.NewReader(pattern(part+1)), -1)
	wantKind(t, err, store.ErrConflict)
	wantKeys(t, s, "", "one/two")
	wantContent(t, s, "one/two", []byte("x"))
}

func testReadAll(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.Create(ctx, "five", strings.NewReader("12345"), 5); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{5, 6, 1<<63 - 1} {
		data, err := store.ReadAll(ctx, s, "five", limit)
		if err != nil || string(data) != "12345" {
			t.Errorf("limit %d: %q, %v", limit, data, err)
		}
	}
	for _, limit := range []int64{0, 4} {
		_, err := store.ReadAll(ctx, s, "five", limit)
		wantKind(t, err, store.ErrTooLarge)
	}
}
