package open

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"sync"
	"testing/fstest"
)

var errUnreachable = errors.New("store is unreachable")

// failing is a source that fails from the n-th read on.
type failing struct {
	memory
	mu     sync.Mutex
	after  int
	failed bool
}

func (f *failing) tick() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.after--; f.after < 0 {
		f.failed = true
		return errUnreachable
	}
	return nil
}

func (f *failing) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := f.tick(); err != nil {
		return nil, err
	}
	rc, err := f.memory.Open(ctx, name, offset, length)
	if err != nil {
		return nil, err
	}
	return &failingReader{rc, f}, nil
}

type failingReader struct {
	io.ReadCloser
	f *failing
}

func (r *failingReader) Read(p []byte) (int, error) {
	if err := r.f.tick(); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

// memory is a package in memory.
type memory map[string][]byte

func (m memory) List(context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for name, data := range m {
			if !yield(Object{name, int64(len(data))}, nil) {
				return
			}
		}
	}
}

func (m memory) Open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	data, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if offset > int64(len(data)) || length > int64(len(data))-offset {
		return nil, fmt.Errorf("range %d+%d of %d", offset, length, len(data))
	}
	if length < 0 {
		length = int64(len(data)) - offset
	}
	return io.NopCloser(bytes.NewReader(data[offset : offset+length])), nil
}

// folder is a sink in memory.
type folder struct {
	files fstest.MapFS
	limit int // bytes that fit; 0: any
	used  int
}

func newFolder() *folder { return &folder{files: make(fstest.MapFS)} }

type folderFile struct {
	f    *folder
	name string
	buf  bytes.Buffer
}

func (f *folder) Create(name string) (io.WriteCloser, error) {
	if _, twice := f.files[name]; twice {
		return nil, fs.ErrExist
	}
	return &folderFile{f: f, name: name}, nil
}

func (f *folder) FS() fs.FS { return f.files }

func (w *folderFile) Write(p []byte) (int, error) {
	w.f.used += len(p)
	if w.f.limit > 0 && w.f.used > w.f.limit {
		return 0, errFull
	}
	return w.buf.Write(p)
}

func (w *folderFile) Close() error {
	w.f.files[w.name] = &fstest.MapFile{Data: bytes.Clone(w.buf.Bytes()), Mode: 0o600}
	return nil
}

var errFull = fmt.Errorf("no space left")
