package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"exhibit/store"
)

const writers = 16

func testCreateRace(t *testing.T, s store.Store) {
	for round := range 3 {
		createRace(t, s, fmt.Sprintf("race/%d", round), writers, 100)
	}
}

func testCreateRaceLarge(t *testing.T, s store.Store) {
	createRace(t, s, "race/large", 3, part+1000)
}

// createRace has n writers create one key at once; each has its own content.
func createRace(t *testing.T, s store.Store, key string, n, size int) {
	content := func(i int) []byte {
		return append(pattern(size), strconv.Itoa(i)...)
	}
	errs := race(n, func(i int) error {
		_, err := s.Create(t.Context(), key, bytes.NewReader(content(i)), -1)
		return err
	})
	if i, ok := oneWinner(t, errs, store.ErrExists); ok {
		wantContent(t, s, key, content(i))
	}
}

func testReplace(t *testing.T, s store.Store) {
	ctx := t.Context()
	first, err := s.Replace(ctx, "log/head", []byte("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	data, loaded, err := s.Load(ctx, "log/head")
	if err != nil || string(data) != "1" {
		t.Fatalf("loaded %q, %v", data, err)
	}
	if first.Tag == "" || loaded.Tag != first.Tag || loaded.Key != "log/head" || loaded.Size != 1 {
		t.Errorf("Replace says %+v, Load %+v", first, loaded)
	}
	second, err := s.Replace(ctx, "log/head", []byte("2"), first.Tag)
	if err != nil {
		t.Fatal(err)
	}
	if second.Tag == first.Tag || second.Tag == "" {
		t.Errorf("tag after change is %q, before it was %q", second.Tag, first.Tag)
	}
	for _, stale := range []store.Tag{first.Tag, "", "0123", "*"} {
		_, err = s.Replace(ctx, "log/head", []byte("3"), stale)
		wantKind(t, err, store.ErrChanged)
	}
	wantContent(t, s, "log/head", []byte("2"))
	if _, err = s.Replace(ctx, "log/head", nil, second.Tag); err != nil {
		t.Errorf("replace by nothing: %v", err)
	}
	wantContent(t, s, "log/head", nil)
}

func testReplaceLimit(t *testing.T, s store.Store) {
	ctx := t.Context()
	full := pattern(store.MaxReplace)
	info, err := s.Replace(ctx, "full", full, "")
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := s.Load(ctx, "full")
	if err != nil || !bytes.Equal(data, full) {
		t.Errorf("loaded %d bytes, %v", len(data), err)
	}
	over := pattern(store.MaxReplace + 1)
	_, err = s.Replace(ctx, "full", over, info.Tag)
	wantKind(t, err, store.ErrTooLarge)
	_, err = s.Replace(ctx, "over", over, "")
	wantKind(t, err, store.ErrTooLarge)
	wantNothing(t, s, "over")
	if _, err := s.Create(ctx, "over", bytes.NewReader(over), int64(len(over))); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Load(ctx, "over")
	wantKind(t, err, store.ErrTooLarge)
}

func testReplaceRace(t *testing.T, s store.Store) {
	info := store.Info{}
	for round := range 3 { // the first: there is nothing; then: the same tag
		errs := race(writers, func(i int) error {
			_, err := s.Replace(t.Context(), "raced", fmt.Appendf(nil, "%d of round %d", i, round), info.Tag)
			return err
		})
		i, ok := oneWinner(t, errs, store.ErrChanged)
		if !ok {
			return
		}
		data, loaded, err := s.Load(t.Context(), "raced")
		if want := fmt.Sprintf("%d of round %d", i, round); err != nil || string(data) != want {
			t.Fatalf("loaded %q, %v, want %q", data, err, want)
		}
		info = loaded
	}
}

// testReplaceCounts: no increment is lost among writers that begin anew after
// ErrChanged.
func testReplaceCounts(t *testing.T, s store.Store) {
	const each = 4
	if _, err := s.Replace(t.Context(), "count", []byte("0"), ""); err != nil {
		t.Fatal(err)
	}
	errs := race(4, func(int) error {
		for done := 0; done < each; {
			data, info, err := s.Load(t.Context(), "count")
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(data))
			if err != nil {
				return err
			}
			_, err = s.Replace(t.Context(), "count", []byte(strconv.Itoa(n+1)), info.Tag)
			if err == nil {
				done++
			} else if !errors.Is(err, store.ErrChanged) {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, "count", []byte(strconv.Itoa(4*each)))
}

func testReplaceAgainstCreate(t *testing.T, s store.Store) {
	errs := race(writers, func(i int) error {
		text := strconv.Itoa(i)
		if i%2 == 0 {
			_, err := s.Replace(t.Context(), "either", []byte(text), "")
			return err
		}
		_, err := s.Create(t.Context(), "either", strings.NewReader(text), -1)
		return err
	})
	for i, err := range errs {
		if err != nil && i%2 == 0 && !errors.Is(err, store.ErrChanged) || err != nil && i%2 == 1 && !errors.Is(err, store.ErrExists) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if i, ok := oneWinner(t, errs, nil); ok {
		wantContent(t, s, "either", []byte(strconv.Itoa(i)))
	}
}

// race runs n goroutines at once and returns their errors.
func race(n int, run func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = run(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWinner checks that one of the errors is nil, and the others of a kind,
// unless that is nil.
func oneWinner(t *testing.T, errs []error, kind error) (winner int, ok bool) {
	t.Helper()
	winner = -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("both %d and %d won", winner, i)
			return 0, false
		case kind != nil:
			wantKind(t, err, kind)
		}
	}
	if winner < 0 {
		t.Errorf("nobody won")
	}
	return winner, winner >= 0
}
