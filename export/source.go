package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"

	"exhibit/export/open"
	"exhibit/sign"
	"exhibit/store"
)

// PackageSource gives a package in a provider's store to package open.
func PackageSource(s store.Store, id sign.ID) (open.Source, error) {
	sub, err := store.Sub(s, strings.TrimSuffix(packagePrefix(id), "/"))
	if err != nil {
		return nil, err
	}
	return StoreSource(sub), nil
}

// StoreSource gives the objects of a store, all of them one package, to package
// open.
func StoreSource(s store.Reader) open.Source { return storeSource{s} }

type storeSource struct{ store store.Reader }

func (s storeSource) List(ctx context.Context) iter.Seq2[open.Object, error] {
	return func(yield func(open.Object, error) bool) {
		for info, err := range s.store.List(ctx, "") {
			if !yield(open.Object{Name: info.Key, Size: info.Size}, err) || err != nil {
				return
			}
		}
	}
}

func (s storeSource) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.store.Open(ctx, name, offset, length)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDeleted) {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return r, err
}
