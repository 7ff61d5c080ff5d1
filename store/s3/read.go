package s3

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"math"
	"strings"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// Stat implements store.Reader. Version, checksum and lock are those that the
// server gives; a checksum only if it covers the whole object.
func (s *Store) Stat(ctx context.Context, key string) (store.Info, error) {
	const op = "stat"
	info, _, err := s.stat(ctx, op, key)
	if errors.Is(err, store.ErrNotFound) {
		err = s.absent(ctx, op, key, err)
	}
	return info, err
}

// absent is called when there is no object, and returns ErrDeleted if there
// are versions of it, and otherwise the error that it is given. Some servers
// do not tell a delete marker with a HEAD; and the answer to a HEAD in a
// bucket that is gone looks like a missing object, which this tells apart.
func (s *Store) absent(ctx context.Context, op, key string, notFound error) error {
	name, err := s.name(key)
	if err != nil {
		return err
	}
	deleted := false
	err = s.retry(ctx, func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		opts := minio.ListObjectsOptions{Prefix: name, Recursive: true, WithVersions: true, MaxKeys: 1}
		for object := range s.core.ListObjectsIter(ctx, s.bucket, opts) {
			deleted = object.Err == nil && object.Key == name // the shortest comes first
			return object.Err
		}
		return nil
	})
	if err != nil {
		err = s.fail(ctx, op, key, err)
		if errors.Is(err, store.ErrDenied) { // may not list versions
			return notFound
		}
		return err
	}
	if deleted {
		return s.refuse(op, key, store.ErrDeleted, nil)
	}
	return notFound
}

// stat also returns the client's description, for the mark and the ETag. It
// sees a deletion only if the server tells of it; absent sees it always.
func (s *Store) stat(ctx context.Context, op, key string) (store.Info, minio.ObjectInfo, error) {
	name, err := s.name(key)
	if err != nil {
		return store.Info{}, minio.ObjectInfo{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Info{}, minio.ObjectInfo{}, s.refuse(op, key, nil, err)
	}
	var object minio.ObjectInfo
	err = s.retry(ctx, func() (err error) {
		object, err = s.core.StatObject(ctx, s.bucket, name, minio.StatObjectOptions{Checksum: true})
		return err
	})
	if err != nil && object.IsDeleteMarker {
		return store.Info{}, object, s.refuse(op, key, store.ErrDeleted, nil)
	}
	if err != nil {
		return store.Info{}, object, s.failHead(ctx, op, key, err)
	}
	info, err := infoOf(key, object)
	if err != nil {
		return store.Info{}, object, s.refuse(op, key, store.ErrProtocol, err)
	}
	return info, object, nil
}

// Open implements store.Reader. The checksum, where there is one, is checked
// when the object is opened from 0 to the end.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "open"
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, s.refuse(op, key, nil, err)
	}
	if offset < 0 {
		return nil, s.refuse(op, key, store.ErrRange, fmt.Errorf("offset %d", offset))
	}
	if length == 0 {
		return s.openEmpty(ctx, key, offset)
	}
	if length > math.MaxInt64-offset {
		length = -1
	}
	b, _, err := s.get(ctx, op, key, name, offset, length)
	if errors.Is(err, store.ErrRange) {
		return s.openEmpty(ctx, key, offset)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// openEmpty answers for a range without bytes, which HTTP cannot express.
func (s *Store) openEmpty(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	info, _, err := s.stat(ctx, "open", key)
	if err != nil {
		return nil, err
	}
	if offset > info.Size {
		return nil, s.refuse("open", key, store.ErrRange, fmt.Errorf("offset %d of %d bytes", offset, info.Size))
	}
	return io.NopCloser(strings.NewReader("")), nil
}

// get begins a GET of length bytes, or all if negative, from offset.
func (s *Store) get(ctx context.Context, op, key, name string, offset, length int64) (*body, minio.ObjectInfo, error) {
	whole := offset == 0 && length < 0
	var opts minio.GetObjectOptions
	switch {
	case whole:
		opts.Set("x-amz-checksum-mode", "ENABLED")
	case length < 0:
		opts.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	default:
		opts.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	}
	var r io.ReadCloser
	var object minio.ObjectInfo
	err := s.retry(ctx, func() (err error) {
		r, object, _, err = s.core.GetObject(ctx, s.bucket, name, opts)
		return err
	})
	if err != nil {
		err = s.fail(ctx, op, key, err)
		if errors.Is(err, store.ErrNotFound) {
			err = s.absent(ctx, op, key, err)
		}
		return nil, object, err
	}
	b := &body{ctx: ctx, s: s, key: key, r: r, left: object.Size}
	if object.Size < 0 {
		err = errors.New("answer without a length")
	} else if whole {
		b.digest = digestOf(object)
		b.hash = hasher(b.digest.Algorithm)
	} else {
		err = checkRange(object, offset, length)
	}
	if err != nil {
		r.Close()
		return nil, object, s.refuse(op, key, store.ErrProtocol, err)
	}
	return b, object, nil
}

// checkRange checks that the answer holds the range that was asked for, since
// a server may ignore the request and send everything.
func checkRange(object minio.ObjectInfo, offset, length int64) error {
	text := object.Headers.Get("Content-Range")
	var first, last, size int64
	if _, err := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &size); err != nil {
		return fmt.Errorf("answer to a range has Content-Range %.80q", text)
	}
	want := size - offset
	if length >= 0 {
		want = min(want, length)
	}
	if first != offset || last-first+1 != want || object.Size != want {
		return fmt.Errorf("asked for %d bytes from %d, got %d with Content-Range %.80q", length, offset, object.Size, text)
	}
	return nil
}

// body is an answer of known length. At its end the checksum is compared, if
// there is one.
type body struct {
	ctx    context.Context
	s      *Store
	key    string
	r      io.ReadCloser
	left   int64
	digest store.Digest
	hash   hash.Hash // nil if nothing is to be checked
	failed error
}

func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	if b.left == 0 {
		b.failed = b.end()
		return 0, b.failed
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		b.failed = b.s.fail(b.ctx, "read", b.key, err)
		return n, b.failed
	}
	return n, nil
}

// end is what follows the last byte.
func (b *body) end() error {
	if b.hash == nil {
		return io.EOF
	}
	if sum := hexSum(b.hash); sum != b.digest.Value {
		return b.s.refuse("read", b.key, store.ErrCorrupt, fmt.Errorf("%s is %s, and was %s when stored", b.digest.Algorithm, sum, b.digest.Value))
	}
	return io.EOF
}

func (b *body) Close() error { return b.r.Close() }

// List implements store.Reader.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		if err := store.ValidatePrefix(prefix); err != nil {
			yield(store.Info{}, err)
			return
		}
		last := "" // the last key that was yielded, as a name in the bucket
		for {
			stopped := false
			// After a failure the list goes on behind the last key.
			err := s.retry(ctx, func() error {
				before := last
				err := s.listFrom(ctx, prefix, &last, func(i store.Info) bool {
					stopped = !yield(i, nil)
					return !stopped
				})
				if last != before && err != nil && transient(err) {
					return errProgress // begins with new patience
				}
				return err
			})
			switch {
			case errors.Is(err, errProgress) && ctx.Err() == nil:
				continue
			case ctx.Err() != nil && !stopped:
				yield(store.Info{}, s.refuse("list", prefix, nil, ctx.Err()))
			case err != nil && !stopped:
				yield(store.Info{}, s.fail(ctx, "list", prefix, err))
			}
			return
		}
	}
}

// errProgress ends a series of attempts because one of them got further.
var errProgress = errors.New("list was interrupted")

// listFrom yields the keys behind *last, and moves that along.
func (s *Store) listFrom(ctx context.Context, prefix string, last *string, yield func(store.Info) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	noOwner := false
	opts := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, StartAfter: *last, FetchOwner: &noOwner}
	for object := range s.core.ListObjectsIter(ctx, s.bucket, opts) {
		if object.Err != nil {
			return object.Err
		}
		key := strings.TrimPrefix(object.Key, s.prefix)
		if store.ValidateKey(key) != nil {
			return s.refuse("list", prefix, store.ErrInvalidKey, fmt.Errorf("stray object %.80q", object.Key))
		}
		if object.Key <= *last || !strings.HasPrefix(object.Key, s.prefix+prefix) {
			return s.refuse("list", prefix, store.ErrProtocol, fmt.Errorf("keys out of order: %s after %s", object.Key, *last))
		}
		*last = object.Key
		if !yield(store.Info{Key: key, Size: object.Size, Modified: object.LastModified}) {
			return nil
		}
	}
	return nil
}
