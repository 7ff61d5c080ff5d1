package spool_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"exhibit/export/spool"

	"pgregory.net/rapid"
)

// newSpool makes a spool in a folder of its own.
func newSpool(t *testing.T) *spool.Spool {
	t.Helper()
	s, err := spool.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func write(t *testing.T, s *spool.Spool, p []byte) {
	t.Helper()
	if n, err := s.Write(p); n != len(p) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(p), err)
	}
}

func readAll(s *spool.Spool) ([]byte, error) {
	r, err := s.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestSizes(t *testing.T) {
	const chunk = 64 << 10
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk - 1, 3 * chunk, 3*chunk + 1} {
		s := newSpool(t)
		want := bytes.Repeat([]byte("exhibit."), n/8+1)[:n]
		write(t, s, want)
		if s.Size() != int64(n) {
			t.Errorf("%d bytes: Size %d", n, s.Size())
		}
		for range 2 {
			if got, err := readAll(s); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: read %d, %v", n, len(got), err)
			}
		}
		if _, err := s.Write([]byte("x")); !errors.Is(err, spool.ErrSealed) {
			t.Errorf("Write after Reader: %v", err)
		}
	}
}

// However it is written, it comes back.
func TestPieces(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		s, err := spool.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var want []byte
		for i := range rapid.IntRange(0, 9).Draw(t, "writes") {
			p := bytes.Repeat([]byte{byte(i + 1)}, rapid.IntRange(0, 150_000).Draw(t, "size"))
			if _, err := s.Write(p); err != nil {
				t.Fatal(err)
			}
			want = append(want, p...)
		}
		if got, err := readAll(s); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d of %d bytes, %v", len(got), len(want), err)
		}
	})
}

func TestReadersAtOnce(t *testing.T) {
	s := newSpool(t)
	want := bytes.Repeat([]byte("0123456789"), 50_000)
	write(t, s, want)
	var all sync.WaitGroup
	for range 4 {
		r, err := s.Reader()
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestClosed(t *testing.T) {
	s := newSpool(t)
	write(t, s, []byte("x"))
	r, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if _, err := s.Reader(); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Reader: %v", err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("Read: %v", err)
	}
}

// Nothing is left behind, not even a name while the spool is in use.
func TestNoName(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 && runtime.GOOS != "windows" {
		t.Errorf("in use: %v", names)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 {
		t.Errorf("closed: %v", names)
	}
	if _, err := spool.New(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("New in a missing folder: %v", err)
	}
}
