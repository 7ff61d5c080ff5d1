package store

import (
	"context"
	"io"
	"iter"
	"strings"
)

// Sub is the part of s below prefix, as a store of its own: the key "k" of it
// is the key prefix + "/" + "k" of s. Errors name the keys of s.
func Sub(s Store, prefix string) (Store, error) {
	if err := ValidateKey(prefix); err != nil {
		return nil, err
	}
	return &sub{s: s, prefix: prefix + "/"}, nil
}

type sub struct {
	s      Store
	prefix string // ends with a slash
}

func (b *sub) String() string {
	return strings.TrimSuffix(b.s.String(), "/") + "/" + strings.TrimSuffix(b.prefix, "/")
}

// key maps a key of the part to one of the whole. Both are checked: the part
// must be a key in its own right, lest an empty one name the folder.
func (b *sub) key(key string) (string, error) {
	if err := ValidateKey(key); err != nil {
		return "", err
	}
	if err := ValidateKey(b.prefix + key); err != nil {
		return "", err
	}
	return b.prefix + key, nil
}

// info maps an Info of the whole to one of the part.
func (b *sub) info(i Info, err error) (Info, error) {
	i.Key = strings.TrimPrefix(i.Key, b.prefix)
	return i, err
}

func (b *sub) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	k, err := b.key(key)
	if err != nil {
		return nil, err
	}
	return b.s.Open(ctx, k, offset, length)
}

func (b *sub) Stat(ctx context.Context, key string) (Info, error) {
	k, err := b.key(key)
	if err != nil {
		return Info{}, err
	}
	return b.info(b.s.Stat(ctx, k))
}

func (b *sub) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for i, err := range b.s.List(ctx, b.prefix+prefix) {
			if !yield(b.info(i, err)) {
				return
			}
		}
	}
}

func (b *sub) Create(ctx context.Context, key string, r io.Reader, size int64) (Info, error) {
	k, err := b.key(key)
	if err != nil {
		return Info{}, err
	}
	return b.info(b.s.Create(ctx, k, r, size))
}

func (b *sub) Load(ctx context.Context, key string) ([]byte, Info, error) {
	k, err := b.key(key)
	if err != nil {
		return nil, Info{}, err
	}
	data, info, err := b.s.Load(ctx, k)
	info, err = b.info(info, err)
	return data, info, err
}

func (b *sub) Replace(ctx context.Context, key string, data []byte, old Tag) (Info, error) {
	k, err := b.key(key)
	if err != nil {
		return Info{}, err
	}
	return b.info(b.s.Replace(ctx, k, data, old))
}
