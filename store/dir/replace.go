package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"exhibit/store"
)

// Load implements store.Replacer. What it returns is durable: a value that a
// writer made visible and then crashed is flushed first.
func (s *Store) Load(ctx context.Context, key string) ([]byte, store.Info, error) {
	const op = "load"
	f, info, err := s.openFile(ctx, op, key)
	if err != nil {
		return nil, store.Info{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, store.MaxReplace+1))
	if err != nil {
		return nil, store.Info{}, s.fail(op, key, err)
	}
	if len(data) > store.MaxReplace {
		return nil, store.Info{}, s.tooLarge(op, key)
	}
	if err := s.flushName(key); err != nil {
		return nil, store.Info{}, s.fail(op, key, err)
	}
	info.Tag = tagOf(data)
	return data, info, nil
}

// Replace implements store.Replacer. The tag is the SHA-256 of the content.
func (s *Store) Replace(ctx context.Context, key string, data []byte, old store.Tag) (store.Info, error) {
	const op = "replace"
	if err := store.ValidateKey(key); err != nil {
		return store.Info{}, err
	}
	if len(data) > store.MaxReplace {
		return store.Info{}, s.tooLarge(op, key)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	defer unlock()
	if err := s.compare(ctx, key, old); err != nil {
		return store.Info{}, err
	}
	t, err := s.newTemp()
	if err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	defer t.remove()
	if _, err := t.f.Write(data); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	if err := t.f.Sync(); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	info, err := s.swap(key, t, old)
	if err != nil {
		return store.Info{}, err
	}
	info.Tag = tagOf(data)
	return info, nil
}

// compare checks that the object is the one that old names.
func (s *Store) compare(ctx context.Context, key string, old store.Tag) error {
	const op = "replace"
	_, info, err := s.Load(ctx, key)
	switch {
	case err == nil && info.Tag == old:
		return nil
	case err == nil, errors.Is(err, store.ErrTooLarge):
		return s.refuse(op, key, store.ErrChanged, nil)
	case errors.Is(err, store.ErrNotFound) && old != "":
		return s.refuse(op, key, store.ErrChanged, errors.New("there is no such object"))
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// swap puts the temporary file in place.
func (s *Store) swap(key string, t *temp, old store.Tag) (store.Info, error) {
	const op = "replace"
	if old == "" {
		info, err := s.publish(op, key, t)
		if errors.Is(err, store.ErrExists) { // a Create came between
			return store.Info{}, s.refuse(op, key, store.ErrChanged, nil)
		}
		return info, err
	}
	if err := s.root.Rename(t.name, key); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	if err := s.flushName(key); err != nil {
		return store.Info{}, s.fail(op, key, err)
	}
	return s.stat(op, key)
}

func (s *Store) tooLarge(op, key string) error {
	return s.refuse(op, key, store.ErrTooLarge, fmt.Errorf("more than %d bytes", store.MaxReplace))
}

func tagOf(data []byte) store.Tag {
	sum := sha256.Sum256(data)
	return store.Tag(hex.EncodeToString(sum[:]))
}

// lock takes the lock of the store for Replace: among the goroutines of this
// Store by a channel, among processes by a lock on a file. It waits until ctx
// ends.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.replacing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		if err != nil {
			<-s.replacing
		}
	}()
	f, err := s.openLock()
	if err != nil {
		return nil, err
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		ok, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking: %w", err)
		}
		if ok {
			return func() { f.Close(); <-s.replacing }, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}
