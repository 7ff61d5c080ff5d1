// Package dir keeps objects as files below a folder: the key is the path.
//
// Writes go to a temporary file, are flushed to the medium, get their name by
// a hard link (create once) or a rename (replace), and then the folders are
// flushed, new ones included. The file system has to know hard links.
//
// Beside the objects there is the folder ".store~", made by the first write;
// no key can have its name and List does not show it. It holds temporary
// files, each locked (flock) by its writer while that lives; the first write
// of every opened Store removes those that nobody locks, which are what
// crashed writers left. It also holds the lock under which Replace compares
// and swaps. On a network file system the locks are as good as its flock.
//
// Files are made with mode 0600, folders with 0700. Paths are resolved with
// os.Root, so no link in the tree leads outside of it; an object that is
// itself a link is refused.
package dir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"exhibit/store"
)

// Store is a folder of objects. It implements store.Store.
type Store struct {
	root *os.Root
	path string

	replacing chan struct{} // held around a Replace, before the lock file

	mu      sync.Mutex
	swept   bool
	durable map[string]bool // folders whose own name is flushed
}

var _ store.Store = (*Store)(nil)

// Open opens the store in an existing folder. It writes nothing.
// ErrNoStore if there is no folder, ErrAddress if it is something else.
func Open(path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, connectError(path, store.ErrAddress, err)
	}
	st, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, connectError(abs, store.ErrNoStore, cause(err))
	}
	if err != nil {
		return nil, connectError(abs, kind(err), cause(err))
	}
	if !st.IsDir() {
		return nil, connectError(abs, store.ErrAddress, errors.New("not a folder"))
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, connectError(abs, kind(err), cause(err))
	}
	return &Store{root: root, path: abs, replacing: make(chan struct{}, 1), durable: map[string]bool{".": true}}, nil
}

// Create makes the folder, and those above it, where missing, and opens it.
func Create(path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, connectError(path, store.ErrAddress, err)
	}
	if err := makeFolder(abs); err != nil {
		return nil, connectError(abs, kind(err), cause(err))
	}
	return Open(abs)
}

// makeFolder makes path and its parents, and flushes the name of each that
// it makes.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // Open says so if it is no folder
	}
	if err != nil {
		return err
	}
	parent, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer parent.Close()
	return flush(parent)
}

// String is the absolute path of the folder.
func (s *Store) String() string { return s.path }

// Close releases the folder. Readers that are open stay usable.
func (s *Store) Close() error { return s.root.Close() }

func connectError(path string, kind, err error) error {
	return &store.Error{Op: "open", Store: path, Kind: kind, Err: err}
}

// fail makes the error of a method out of that of a system call.
func (s *Store) fail(op, key string, err error) error {
	var done *store.Error
	if errors.As(err, &done) {
		return err
	}
	return &store.Error{Op: op, Key: key, Store: s.path, Kind: kind(err), Err: cause(err)}
}

// refuse makes an error of a kind that this package itself decides.
func (s *Store) refuse(op, key string, kind, err error) error {
	return &store.Error{Op: op, Key: key, Store: s.path, Kind: kind, Err: err}
}

// kind classifies the error of a system call; nil if it fits nothing.
func kind(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return store.ErrNoSpace
	case errors.Is(err, syscall.EROFS):
		return store.ErrReadOnly
	case errors.Is(err, syscall.EFBIG):
		return store.ErrTooLarge
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return store.ErrConflict
	case errors.Is(err, syscall.ENAMETOOLONG):
		return store.ErrInvalidKey
	case errors.Is(err, fs.ErrNotExist):
		return store.ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		return store.ErrDenied
	case errors.Is(err, syscall.EIO), strings.Contains(reason(err), "escapes from parent"):
		return store.ErrCorrupt
	}
	return nil
}

// reason is the text under a path error.
func reason(err error) string {
	if err = cause(err); err == nil {
		return ""
	}
	return err.Error()
}

// cause strips the paths, which name temporary files, from an error.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
