package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"exhibit/export"
	"exhibit/export/open"
	"exhibit/sign/manifest"
	"exhibit/store/s3"
)

const packageRule = "a package is a folder or s3://bucket/prefix/packages/ID"

// source opens a package: a folder, or s3://bucket/prefix/packages/ID.
func (a *app) source(ctx context.Context, address string) (open.Source, error) {
	if strings.HasPrefix(address, s3Scheme) {
		st, err := s3.Open(ctx, s3.ConfigFromEnv(address, a.env.getenv))
		if err != nil {
			return nil, err
		}
		return export.StoreSource(st), nil
	}
	if err := checkAddress(address, packageRule); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(address)
	if err != nil {
		return nil, plainPathError(err)
	}
	return folderSource{root}, nil
}

// folderSource is a package in a folder. Links are not followed out of it.
type folderSource struct{ root *os.Root }

func (f folderSource) List(ctx context.Context) iter.Seq2[open.Object, error] {
	return func(yield func(open.Object, error) bool) {
		entries, err := fs.ReadDir(f.root.FS(), ".")
		if err != nil {
			yield(open.Object{}, plainPathError(err))
			return
		}
		there := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == manifest.Name })
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				yield(open.Object{}, plainPathError(err))
				return
			}
			if ctx.Err() != nil {
				yield(open.Object{}, ctx.Err())
				return
			}
			if !info.Mode().IsRegular() && !there {
				continue // it is no package anyway, which is what is to be said
			}
			if !info.Mode().IsRegular() { // to open a pipe would wait for ever
				yield(open.Object{}, &open.Failure{Code: open.ObjectExtra, Object: e.Name(), Detail: "is no regular file"})
				return
			}
			if !yield(open.Object{Name: e.Name(), Size: info.Size()}, nil) {
				return
			}
		}
	}
}

func (f folderSource) Open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, plainPathError(err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		file.Close()
		return nil, plainPathError(err)
	}
	if length < 0 {
		length = max(0, info.Size()-offset)
	}
	return &exactReader{r: io.NewSectionReader(file, offset, length), left: length, close: file.Close}, nil
}

// exactReader gives an error where a file ends too early.
type exactReader struct {
	r     io.Reader
	left  int64
	close func() error
}

func (e *exactReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (e *exactReader) Close() error { return e.close() }
