package dir_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/store"
	"exhibit/store/dir"
	"exhibit/store/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T) store.Store { return create(t) }
	storetest.Run(t, open)
	storetest.RunConflicts(t, open)
}

func TestOpen(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := dir.Open(filepath.Join(base, "absent"))
	wantKind(t, err, store.ErrNoStore)
	_, err = dir.Open(file)
	wantKind(t, err, store.ErrAddress)
	_, err = dir.Create(file)
	wantKind(t, err, store.ErrAddress)
	_, err = dir.Create(filepath.Join(file, "below"))
	if err == nil {
		t.Error("made a folder below a file")
	}
	deep := filepath.Join(base, "a", "b", "c")
	made, err := dir.Create(deep)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if made.String() != deep {
		t.Errorf("address is %s", made)
	}
	opened, err := dir.Open(deep)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if entries, err := os.ReadDir(deep); err != nil || len(entries) != 0 {
		t.Errorf("opening wrote %v, %v", entries, err)
	}
}

// TestModes: what is stored is for its owner only.
func TestModes(t *testing.T) {
	s := create(t)
	if _, err := s.Create(t.Context(), "a/b/c", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), "a/head", []byte("x"), ""); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.String(), func(path string, d os.DirEntry, err error) error {
		if err != nil || path == s.String() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode != 0o600 && mode != 0o700 {
			t.Errorf("%s has mode %v", path, mode)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLinks: no link leads out of the folder, and none passes for an object.
func TestLinks(t *testing.T) {
	ctx := t.Context()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := create(t)
	if _, err := s.Create(ctx, "real", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"object": filepath.Join(outside, "secret"), "folder": outside, "inside": "real", "dangling": "nothing",
		"up": "../" + filepath.Base(outside),
	} {
		if err := os.Symlink(target, filepath.Join(s.String(), name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"object", "inside", "dangling", "folder", "up"} {
		_, err := s.Stat(ctx, key)
		wantKind(t, err, store.ErrCorrupt)
		_, err = store.ReadAll(ctx, s, key, 100)
		wantKind(t, err, store.ErrCorrupt)
		_, err = s.Create(ctx, key, strings.NewReader("x"), 1)
		wantKind(t, err, store.ErrCorrupt)
		_, err = s.Replace(ctx, key, []byte("x"), "")
		wantKind(t, err, store.ErrCorrupt)
	}
	for _, key := range []string{"folder/secret", "up/secret"} {
		if data, err := store.ReadAll(ctx, s, key, 100); err == nil {
			t.Errorf("read %q from outside", data)
		}
	}
	for _, key := range []string{"folder/new", "up/new"} {
		if _, err := s.Create(ctx, key, strings.NewReader("x"), 1); err == nil {
			t.Errorf("created %s", key)
		}
		if _, err := s.Replace(ctx, key, []byte("x"), ""); err == nil {
			t.Errorf("replaced %s", key)
		}
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v, %v", entries, err)
	}
	wantKind(t, listError(s), store.ErrCorrupt)
}

// TestStrayNames: what cannot be an object is not passed over in silence.
func TestStrayNames(t *testing.T) {
	for _, name := range []string{"with space", "-dash", "tilde~", "ümlaut", "below/with space", "fol der/x", "below/.store~"} {
		s := create(t)
		path := filepath.Join(s.String(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantKind(t, listError(s), store.ErrInvalidKey)
	}
}

// TestLeftovers: what a crashed writer left goes with the next write, and what
// a living one uses does not.
func TestLeftovers(t *testing.T) {
	ctx := t.Context()
	living := create(t)
	own := filepath.Join(living.String(), ".store~")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(own, "tmp-LEFTOVER")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := living.Create(ctx, "slow", r, -1)
		done <- err
	}()
	if _, err := io.WriteString(w, "first half, "); err != nil { // now it has its temporary file
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
	other, err := dir.Open(living.String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Create(ctx, "quick", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if err := listError(other); err != nil {
		t.Errorf("list beside a writer: %v", err)
	}
	io.WriteString(w, "second half")
	w.Close()
	if err := <-done; err != nil {
		t.Fatalf("the living writer lost its file: %v", err)
	}
	if data, err := store.ReadAll(ctx, other, "slow", 100); err != nil || string(data) != "first half, second half" {
		t.Errorf("it is %q, %v", data, err)
	}
	wantClean(t, living)
}

// TestNothingLeft: failed writes leave neither temporary files nor folders.
func TestNothingLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := create(t)
	if _, err := s.Create(ctx, "object", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	s.Create(ctx, "a/b/failed", io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), errorReader{}), -1)
	s.Create(ctx, "a/b/short", strings.NewReader("x"), 2)
	s.Create(ctx, "object/below/x", strings.NewReader("x"), 1)
	s.Replace(ctx, "object/below/x", []byte("x"), "")
	s.Replace(ctx, "a/b/absent", []byte("x"), "00")
	s.Create(ctx, "a/b/cancelled", io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), cancelReader(cancel)), -1)
	wantClean(t, s)
	entries, err := os.ReadDir(s.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "object" && e.Name() != ".store~" {
			t.Errorf("left behind %s", e.Name())
		}
	}
}

// TestRemovedFolder: a store that was removed is not made anew in silence.
func TestRemovedFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s, err := dir.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	_, err = s.Create(t.Context(), "x", strings.NewReader("x"), 1)
	wantKind(t, err, store.ErrNoStore)
	_, err = s.Replace(t.Context(), "x", []byte("x"), "")
	wantKind(t, err, store.ErrNoStore)
}

// TestShortened: a file that becomes shorter under a reader is an error.
func TestShortened(t *testing.T) {
	s := create(t)
	if _, err := s.Create(t.Context(), "x", bytes.NewReader(make([]byte, 1000)), -1); err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(filepath.Join(s.String(), "x"), 500); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if n != 500 {
		t.Errorf("read %d bytes", n)
	}
	wantKind(t, err, store.ErrCorrupt)
}

func create(t *testing.T) *dir.Store {
	t.Helper()
	s, err := dir.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// wantClean checks that no temporary file is left.
func wantClean(t *testing.T, s *dir.Store) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.String(), ".store~", "tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind %q, %v", left, err)
	}
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
		return
	}
	if text := err.Error(); strings.ContainsAny(text, "\r\n") || strings.Contains(text, "tmp-") {
		t.Errorf("error is not one clear line: %q", text)
	}
}

func listError(s store.Store) error {
	for _, err := range s.List(context.Background(), "") {
		if err != nil {
			return err
		}
	}
	return nil
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

// cancelReader cancels, and gives one more byte.
type cancelReader func()

func (r cancelReader) Read(p []byte) (int, error) {
	r()
	p[0] = 'x'
	return 1, nil
}
