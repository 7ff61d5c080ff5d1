package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"exhibit/store"
)

// copyBuffer is the memory that a Create takes, in bytes.
const copyBuffer = 256 << 10

// Create implements store.Creator.
func (s *Store) Create(ctx context.Context, key string, r io.Reader, size int64) (store.Info, error) {
	const op = "create"
	if err := store.ValidateKey(key); err != nil {
		return store.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	if err := s.free(op, key); err != nil {
		return store.Info{}, err
	}
	t, err := s.newTemp()
	if err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	defer t.remove()
	if err := s.fill(ctx, t.f, key, r, size); err != nil {
		return store.Info{}, err
	}
	if err := t.f.Sync(); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	return s.publish(op, key, t)
}

// free checks that key is neither an object, nor a folder, nor below an
// object. An object that is there is made durable before the answer.
func (s *Store) free(op, key string) error {
	st, err := s.root.Lstat(key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return s.fail(op, key, err)
	case st.IsDir():
		return s.refuse(op, key, store.ErrConflict, nil)
	case !st.Mode().IsRegular():
		return s.refuse(op, key, store.ErrCorrupt, errors.New("not a regular file"))
	}
	f, err := s.root.Open(key)
	if err != nil {
		return s.fail(op, key, err)
	}
	defer f.Close()
	if err := flush(f); err != nil {
		return s.fail(op, key, err)
	}
	if err := s.flushName(key); err != nil {
		return s.fail(op, key, err)
	}
	return s.refuse(op, key, store.ErrExists, nil)
}

// fill copies r to f.
func (s *Store) fill(ctx context.Context, f *os.File, key string, r io.Reader, size int64) error {
	const op = "create"
	buf := make([]byte, copyBuffer)
	var n int64
	for idle := 0; ; {
		if err := ctx.Err(); err != nil {
			return s.fail(op, key, err)
		}
		k, err := r.Read(buf)
		if n += int64(k); size >= 0 && n > size {
			return s.refuse(op, key, store.ErrInput, fmt.Errorf("more than the %d bytes announced", size))
		}
		if _, err := f.Write(buf[:k]); err != nil {
			return s.fail(op, key, err)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return s.refuse(op, key, store.ErrInput, err)
		}
		if idle++; k > 0 {
			idle = 0
		}
		if idle > 100 {
			return s.refuse(op, key, store.ErrInput, io.ErrNoProgress)
		}
	}
	if size >= 0 && n < size {
		return s.refuse(op, key, store.ErrInput, fmt.Errorf("%d bytes instead of %d: %w", n, size, io.ErrUnexpectedEOF))
	}
	return nil
}

// publish gives a complete temporary file its final name, once, and flushes
// the name. If the flush fails the object stays: others may rely on it.
func (s *Store) publish(op, key string, t *temp) (store.Info, error) {
	made, err := s.link(t.name, key)
	if err != nil {
		s.removeFolders(made)
		if errors.Is(err, fs.ErrExist) {
			if free := s.free(op, key); free != nil {
				return store.Info{}, free
			}
		}
		return store.Info{}, s.fail(op, key, err)
	}
	if err := s.flushName(key); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	return s.stat(op, key)
}

// link makes the folders above key and links name to it. It returns the
// folders that it made, the deepest last.
func (s *Store) link(name, key string) (made []string, err error) {
	for range 10 { // others may remove empty folders of theirs between
		var more []string
		more, err = s.makeFolders(path.Dir(key))
		made = append(made, more...)
		if err != nil {
			return made, err
		}
		if err = s.root.Link(name, key); !errors.Is(err, fs.ErrNotExist) {
			return made, err
		}
	}
	return made, err
}

func (s *Store) makeFolders(folder string) (made []string, err error) {
	if folder == "." {
		return nil, nil
	}
	made, err = s.makeFolders(path.Dir(folder))
	if err != nil {
		return made, err
	}
	err = s.root.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return made, nil // if it is a file, link says so
	}
	if err != nil {
		return made, err
	}
	return append(made, folder), nil
}

// removeFolders undoes makeFolders; folders that others use by now stay.
func (s *Store) removeFolders(made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		s.root.Remove(made[i]) // fails if it is not empty, as it should
	}
}

// flushName makes the name of an object durable: its folder, and the names of
// the folders above where that was not done before.
func (s *Store) flushName(key string) error {
	folder := path.Dir(key)
	if err := s.flushFolder(folder); err != nil {
		return err
	}
	for folder != "." {
		parent := path.Dir(folder)
		s.mu.Lock()
		done := s.durable[folder]
		s.mu.Unlock()
		if !done {
			if err := s.flushFolder(parent); err != nil {
				return err
			}
			s.mu.Lock()
			s.durable[folder] = true
			s.mu.Unlock()
		}
		folder = parent
	}
	return nil
}

func (s *Store) flushFolder(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return flush(f)
}
