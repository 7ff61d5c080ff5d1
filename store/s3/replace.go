package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// Load implements store.Replacer. The tag is the ETag.
func (s *Store) Load(ctx context.Context, key string) ([]byte, store.Info, error) {
	const op = "load"
	name, err := s.name(key)
	if err != nil {
		return nil, store.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, store.Info{}, s.refuse(op, key, nil, err)
	}
	b, object, err := s.get(ctx, op, key, name, 0, -1)
	if err != nil {
		return nil, store.Info{}, err
	}
	defer b.Close()
	info, err := infoOf(key, object)
	if err != nil {
		return nil, store.Info{}, s.refuse(op, key, store.ErrProtocol, err)
	}
	if info.Size > store.MaxReplace {
		return nil, store.Info{}, s.tooLarge(op, key)
	}
	if object.ETag == "" {
		return nil, store.Info{}, s.refuse(op, key, store.ErrProtocol, errors.New("answer without an ETag"))
	}
	data, err := io.ReadAll(b)
	if err != nil {
		return nil, store.Info{}, err
	}
	info.Tag = store.Tag(object.ETag)
	return data, info, nil
}

// Replace implements store.Replacer. That the object was deleted is seen
// before the write, not during it: servers differ in what a condition means
// for a deleted object.
func (s *Store) Replace(ctx context.Context, key string, data []byte, old store.Tag) (store.Info, error) {
	const op = "replace"
	name, err := s.name(key)
	if err != nil {
		return store.Info{}, err
	}
	if len(data) > store.MaxReplace {
		return store.Info{}, s.tooLarge(op, key)
	}
	if err := s.compare(ctx, key, old); err != nil {
		return store.Info{}, err
	}
	w := &write{s: s, op: op, key: key, name: name, mark: rand.Text(), crc: minio.ChecksumCRC64NVME.Hasher()}
	if old == "" {
		err = w.single(ctx, data)
		if errors.Is(err, store.ErrExists) {
			err = s.refuse(op, key, store.ErrChanged, nil)
		}
	} else {
		err = w.swap(ctx, data, old)
	}
	if err != nil {
		return store.Info{}, err
	}
	if w.etag == "" {
		return store.Info{}, s.refuse(op, key, store.ErrProtocol, errors.New("answer without an ETag"))
	}
	return store.Info{
		Key: key, Size: w.size, Version: w.version, Tag: store.Tag(w.etag), Modified: time.Now(),
		Digest: store.Digest{Algorithm: "crc64nvme", Value: hex.EncodeToString(w.crc.Sum(nil))},
	}, nil
}

// compare checks that the object is the one that old names, before anything
// is sent; the server decides it once more with the write.
func (s *Store) compare(ctx context.Context, key string, old store.Tag) error {
	const op = "replace"
	_, object, err := s.stat(ctx, op, key)
	switch {
	case err == nil && store.Tag(object.ETag) == old:
		return nil
	case err == nil:
		return s.refuse(op, key, store.ErrChanged, nil)
	case errors.Is(err, store.ErrNotFound) && old == "":
		return nil
	case errors.Is(err, store.ErrNotFound):
		return s.absent(ctx, op, key, s.refuse(op, key, store.ErrChanged, errors.New("there is no such object")))
	}
	return err
}

// swap writes data over the object with the tag old.
func (w *write) swap(ctx context.Context, data []byte, old store.Tag) error {
	lostAnswer := false
	err := w.put(ctx, data, string(old), func(err error) { lostAnswer = lostAnswer || lost(err) })
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return w.s.refuse(w.op, w.key, nil, ctx.Err())
	}
	failed := w.s.fail(ctx, w.op, w.key, err)
	if !errors.Is(failed, store.ErrChanged) && !errors.Is(failed, store.ErrNotFound) {
		return failed
	}
	_, object, statErr := w.s.stat(ctx, w.op, w.key)
	switch {
	case errors.Is(statErr, store.ErrDeleted):
		return statErr
	case errors.Is(statErr, store.ErrNotFound):
		return w.s.absent(ctx, w.op, w.key, failed)
	case statErr == nil && object.UserMetadata[markName] == w.mark:
		w.version, w.etag = versionOf(object.VersionID), object.ETag
		return nil
	case lostAnswer:
		// It may have been written, and replaced by others since.
		return w.s.refuse(w.op, w.key, store.ErrUnreachable, errors.New("answer was lost, and the object has changed since"))
	}
	return w.s.refuse(w.op, w.key, store.ErrChanged, nil)
}

func (s *Store) tooLarge(op, key string) error {
	return s.refuse(op, key, store.ErrTooLarge, fmt.Errorf("more than %d bytes", store.MaxReplace))
}
