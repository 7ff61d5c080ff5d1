package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"exhibit/store"
)

// Open implements store.Reader.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	f, info, err := s.openFile(ctx, "open", key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > info.Size {
		f.Close()
		return nil, s.refuse("open", key, store.ErrRange, fmt.Errorf("offset %d of %d bytes", offset, info.Size))
	}
	left := info.Size - offset
	if length >= 0 {
		left = min(left, length)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, s.fail("open", key, err)
	}
	return &body{ctx: ctx, s: s, key: key, f: f, left: left}, nil
}

// body reads a known number of bytes.
type body struct {
	ctx  context.Context
	s    *Store
	key  string
	f    *os.File
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if err := b.ctx.Err(); err != nil {
		return 0, b.s.fail("read", b.key, err)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.f.Read(p)
	b.left -= int64(n)
	if err == io.EOF {
		return n, b.s.refuse("read", b.key, store.ErrCorrupt, fmt.Errorf("file became shorter: %w", io.ErrUnexpectedEOF))
	}
	if err != nil {
		return n, b.s.fail("read", b.key, err)
	}
	return n, nil
}

func (b *body) Close() error { return b.f.Close() }

// Stat implements store.Reader. Versions, digest and lock are not known here.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	if err := store.ValidateKey(key); err != nil {
		return store.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, s.fail("stat", key, err)
	}
	return s.stat("stat", key)
}

// stat describes what has the name of a valid key.
func (s *Store) stat(op, key string) (store.Info, error) {
	st, err := s.root.Lstat(key)
	if err != nil {
		err = s.fail(op, key, err)
		if errors.Is(err, store.ErrConflict) { // a file where a folder would be
			return store.Info{}, s.refuse(op, key, store.ErrNotFound, nil)
		}
		return store.Info{}, err
	}
	if st.IsDir() {
		return store.Info{}, s.refuse(op, key, store.ErrNotFound, errors.New("it is a folder"))
	}
	if !st.Mode().IsRegular() {
		return store.Info{}, s.refuse(op, key, store.ErrCorrupt, errors.New("not a regular file"))
	}
	return fileInfo(key, st), nil
}

func fileInfo(key string, st fs.FileInfo) store.Info {
	return store.Info{Key: key, Size: st.Size(), Modified: st.ModTime()}
}

// openFile opens the file of an object.
func (s *Store) openFile(ctx context.Context, op, key string) (*os.File, store.Info, error) {
	if err := store.ValidateKey(key); err != nil {
		return nil, store.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, store.Info{}, s.fail(op, key, err)
	}
	if _, err := s.stat(op, key); err != nil {
		return nil, store.Info{}, err
	}
	f, err := s.root.Open(key)
	if err != nil {
		return nil, store.Info{}, s.fail(op, key, err)
	}
	st, err := f.Stat() // of the very file that is read
	if err != nil {
		f.Close()
		return nil, store.Info{}, s.fail(op, key, err)
	}
	return f, fileInfo(key, st), nil
}

// List implements store.Reader. It holds the names of one folder, and of
// those above it, in memory at a time.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := store.ValidatePrefix(prefix); err != nil {
			yield(store.Info{}, err)
			return
		}
		folder, start := "", prefix
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			folder, start = prefix[:i], prefix[i+1:]
		}
		s.walk(ctx, folder, start, yield)
	}
}

// walk yields what lies in folder below names that start with start, and
// reports whether to go on.
func (s *Store) walk(ctx context.Context, folder, start string, yield func(store.Info, error) bool) bool {
	entries, err := s.readFolder(folder)
	if err != nil {
		if k := kind(err); k != store.ErrNotFound && k != store.ErrConflict {
			yield(store.Info{}, s.fail("list", folder, err))
			return false
		}
		return true
	}
	for _, entry := range entries {
		key := strings.TrimPrefix(folder+"/"+entry.Name(), "/")
		if !strings.HasPrefix(entry.Name(), start) || key == ownFolder {
			continue
		}
		if err := ctx.Err(); err != nil {
			yield(store.Info{}, s.fail("list", folder, err))
			return false
		}
		if err := store.ValidateKey(key); err != nil {
			yield(store.Info{}, s.refuse("list", folder, store.ErrInvalidKey, fmt.Errorf("stray file or folder %.80q", entry.Name())))
			return false
		}
		if entry.IsDir() {
			if !s.walk(ctx, key, "", yield) {
				return false
			}
			continue
		}
		info, err := s.stat("list", key)
		if errors.Is(err, store.ErrNotFound) {
			continue // gone since, or replaced by a folder
		}
		if !yield(info, err) || err != nil {
			return false
		}
	}
	return true
}

// readFolder reads the names in a folder in the order of the keys that they
// begin: a folder sorts as its name with a slash.
func (s *Store) readFolder(folder string) ([]fs.DirEntry, error) {
	if folder == "" {
		folder = "."
	}
	f, err := s.root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	name := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(name(a), name(b)) })
	return entries, nil
}
