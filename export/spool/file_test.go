package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// visible makes a spool whose file has a name, for the tests to look at.
func visible(t *testing.T, content []byte) (*Spool, *os.File) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSpool(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Write(content); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reader(); err != nil {
		t.Fatal(err)
	}
	return s, f
}

func drain(s *Spool) error {
	r, err := s.Reader()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// Invariant 13: no content in the clear on a disk.
func TestNoPlaintext(t *testing.T) {
	line := []byte("Subject: the quick brown fox\r\n")
	content := bytes.Repeat(line, 10_000)
	_, f := visible(t, content)
	onDisk, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(onDisk) < len(content) {
		t.Fatalf("%d bytes on disk of %d", len(onDisk), len(content))
	}
	for n := 4; n <= len(line); n++ {
		if bytes.Contains(onDisk, line[:n]) {
			t.Fatalf("%q is on the disk", line[:n])
		}
	}
	// Equal chunks do not look equal, nor do two spools of the same content.
	if bytes.Equal(onDisk[:1000], onDisk[chunk+tagSize:][:1000]) {
		t.Error("two chunks are encrypted alike")
	}
	_, g := visible(t, content)
	if other, err := os.ReadFile(g.Name()); err != nil || bytes.Equal(onDisk, other) {
		t.Errorf("two spools are encrypted alike, %v", err)
	}
}

func TestTampered(t *testing.T) {
	const size = 3*chunk + 100
	whole := int64(size + 4*tagSize)
	for name, change := range map[string]func(*os.File) error{
		"first byte": func(f *os.File) error { return flip(f, 0) },
		"tag":        func(f *os.File) error { return flip(f, chunk) },
		"last byte":  func(f *os.File) error { return flip(f, whole-1) },
		"cut":        func(f *os.File) error { return f.Truncate(whole - 1) },
		"cut at a chunk": func(f *os.File) error {
			return f.Truncate(3 * (chunk + tagSize))
		},
		"emptied": func(f *os.File) error { return f.Truncate(0) },
		"chunks swapped": func(f *os.File) error {
			a, b := make([]byte, chunk+tagSize), make([]byte, chunk+tagSize)
			_, err1 := f.ReadAt(a, 0)
			_, err2 := f.ReadAt(b, chunk+tagSize)
			_, err3 := f.WriteAt(b, 0)
			_, err4 := f.WriteAt(a, chunk+tagSize)
			return errors.Join(err1, err2, err3, err4)
		},
	} {
		s, f := visible(t, bytes.Repeat([]byte("abc"), size)[:size])
		if err := drain(s); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if err := change(f); err != nil {
			t.Fatal(err)
		}
		if err := drain(s); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func flip(f *os.File, at int64) error {
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 1
	_, err := f.WriteAt(b[:], at)
	return err
}

// full opens a file that takes no byte.
func full(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		if runtime.GOOS == "linux" && os.Getenv("CI") == "true" {
			t.Fatalf("the tests need /dev/full: %v", err)
		}
		t.Skipf("the tests need /dev/full: %v", err)
	}
	return f
}

// A full disk is told apart, at the write and ever after.
func TestNoSpace(t *testing.T) {
	s, err := newSpool(full(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write(make([]byte, chunk)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Write: %v", err)
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Write again: %v", err)
	}
	if _, err := s.Reader(); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Reader: %v", err)
	}
}

// The last chunk may be what does not fit.
func TestNoSpaceAtTheEnd(t *testing.T) {
	s, err := newSpool(full(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reader(); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Reader: %v", err)
	}
}
