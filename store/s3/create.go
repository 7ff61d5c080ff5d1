package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// partSize is the size of a part of an upload, and the largest object that is
// written at once. Objects whose size is known to need more than maxParts of
// them get larger parts, which is the only case in which Create takes more
// memory.
const (
	partSize     = 16 << 20
	maxPartSize  = 1 << 30
	maxParts     = 10_000
	abortTimeout = 10 * time.Second
)

// Headers of S3.
const (
	headerChecksum     = "X-Amz-Checksum-Crc64nvme"
	headerChecksumType = "X-Amz-Checksum-Type"
	headerAlgorithm    = "X-Amz-Checksum-Algorithm"
	fullObject         = "FULL_OBJECT"
)

// markName is the user metadata that says which write made an object.
const markName = "Exhibit-Write"

// Create implements store.Creator.
func (s *Store) Create(ctx context.Context, key string, r io.Reader, size int64) (store.Info, error) {
	const op = "create"
	name, err := s.name(key)
	if err != nil {
		return store.Info{}, err
	}
	part := s.partSizeFor(size)
	if size > int64(part)*int64(s.maxParts) {
		return store.Info{}, s.refuse(op, key, store.ErrTooLarge, fmt.Errorf("more than %d parts of %d bytes", s.maxParts, part))
	}
	if err := s.vacant(ctx, op, key); err != nil {
		return store.Info{}, err
	}
	w := &write{s: s, op: op, key: key, name: name, mark: rand.Text(), crc: minio.ChecksumCRC64NVME.Hasher()}
	in := &input{r: r, size: size, part: part}
	first, last, err := in.next(ctx)
	if err != nil {
		return store.Info{}, w.inputError(ctx, err)
	}
	if last {
		err = w.single(ctx, first)
	} else {
		err = w.multipart(ctx, first, in)
	}
	if err != nil {
		return store.Info{}, err
	}
	return w.readBack(ctx)
}

// partSizeFor is the size of parts for an object of that size, or of an
// unknown one if negative.
func (s *Store) partSizeFor(size int64) int {
	part, parts := int64(s.partSize), int64(s.maxParts)
	need := size / parts
	if size%parts > 0 {
		need++
	}
	if need > part { // in whole MiB
		const step = 1 << 20
		part = min((need+step-1)/step*step, maxPartSize)
	}
	return int(part)
}

// vacant checks that there is no object, and none that was deleted. Servers
// that do not tell of a deletion here refuse the write (see settle).
func (s *Store) vacant(ctx context.Context, op, key string) error {
	_, _, err := s.stat(ctx, op, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err == nil:
		return s.refuse(op, key, store.ErrExists, nil)
	}
	return err
}

// write is one creation or replacement of an object.
type write struct {
	s             *Store
	op, key, name string
	mark          string
	crc           hash.Hash // over all that was sent
	size          int64
	version, etag string // of the object, once it is there
}

// inputError is the error for input that cannot be read.
func (w *write) inputError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return w.s.refuse(w.op, w.key, nil, ctx.Err())
	}
	return w.s.refuse(w.op, w.key, store.ErrInput, err)
}

// single writes the whole object by one PUT, if there is none.
func (w *write) single(ctx context.Context, data []byte) error {
	err := w.put(ctx, data, "", func(error) {})
	if err == nil {
		return nil
	}
	return w.settle(ctx, err)
}

// put sends a conditional PUT: if there is no object, or if it has the ETag.
// failed is told of each attempt that fails.
func (w *write) put(ctx context.Context, data []byte, etag string, failed func(error)) error {
	w.crc.Write(data)
	w.size += int64(len(data))
	opts := minio.PutObjectOptions{
		DisableContentSha256: true, // given below, or left to TLS
		UserMetadata:         map[string]string{markName: w.mark, headerChecksum: base64Sum(w.crc)},
	}
	if etag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(etag)
	}
	return w.s.retry(ctx, func() error {
		done, err := w.s.core.PutObject(ctx, w.s.bucket, w.name, bytes.NewReader(data), int64(len(data)), "", w.s.payloadHash(data), opts)
		if err != nil {
			failed(err)
		}
		w.version, w.etag = versionOf(done.VersionID), done.ETag
		return err
	})
}

// payloadHash is the SHA-256 to be signed with a request; over TLS, which
// protects the payload, it is left out.
func (s *Store) payloadHash(data []byte) string {
	if s.secure {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// multipart writes the object in parts; first is the first of them.
func (w *write) multipart(ctx context.Context, first []byte, in *input) (err error) {
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		markName: w.mark, headerAlgorithm: "CRC64NVME", headerChecksumType: fullObject,
	}}
	var id string
	err = w.s.retry(ctx, func() (err error) { // an upload whose answer is lost stays, invisible
		id, err = w.s.core.NewMultipartUpload(ctx, w.s.bucket, w.name, opts)
		return err
	})
	if err != nil {
		return w.s.fail(ctx, w.op, w.key, err)
	}
	defer func() {
		if err != nil {
			w.abort(ctx, id)
		}
	}()
	var parts []minio.CompletePart
	for data, last := first, false; ; {
		if len(parts) == w.s.maxParts {
			return w.s.refuse(w.op, w.key, store.ErrTooLarge, fmt.Errorf("more than %d parts of %d bytes", w.s.maxParts, in.part))
		}
		part, err := w.part(ctx, id, len(parts)+1, data)
		if err != nil {
			return w.s.fail(ctx, w.op, w.key, err)
		}
		parts = append(parts, part)
		if last {
			break
		}
		if data, last, err = in.next(ctx); err != nil {
			return w.inputError(ctx, err)
		}
	}
	return w.complete(ctx, id, parts)
}

// part uploads one part.
func (w *write) part(ctx context.Context, id string, number int, data []byte) (minio.CompletePart, error) {
	w.crc.Write(data)
	w.size += int64(len(data))
	sum := minio.ChecksumCRC64NVME.EncodeToString(data)
	var done minio.ObjectPart
	err := w.s.retry(ctx, func() (err error) {
		done, err = w.s.core.PutObjectPart(ctx, w.s.bucket, w.name, id, number, bytes.NewReader(data), int64(len(data)),
			minio.PutObjectPartOptions{
				Sha256Hex: w.s.payloadHash(data), DisableContentSha256: true,
				CustomHeader: http.Header{headerChecksum: {sum}},
			})
		return err
	})
	return minio.CompletePart{PartNumber: number, ETag: done.ETag, ChecksumCRC64NVME: sum}, err
}

// complete makes the parts an object, if there is none.
func (w *write) complete(ctx context.Context, id string, parts []minio.CompletePart) error {
	opts := minio.PutObjectOptions{UserMetadata: map[string]string{
		headerChecksum: base64Sum(w.crc), headerChecksumType: fullObject,
	}}
	opts.SetMatchETagExcept("*")
	err := w.s.retry(ctx, func() error {
		done, err := w.s.core.CompleteMultipartUpload(ctx, w.s.bucket, w.name, id, parts, opts)
		w.version, w.etag = versionOf(done.VersionID), done.ETag
		return err
	})
	if err == nil {
		return nil
	}
	return w.settle(ctx, err)
}

// abort gives an upload up, also when ctx has ended. What it cannot remove is
// left to the bucket's own rule; the error that led here matters more.
func (w *write) abort(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	w.s.core.AbortMultipartUpload(ctx, w.s.bucket, w.name, id)
}

// settle finds out what became of a create-only write that failed with err.
// An earlier attempt of it may have gone through without an answer; then a
// later one finds the object there, or the upload gone.
func (w *write) settle(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return w.s.refuse(w.op, w.key, nil, ctx.Err())
	}
	_, object, statErr := w.s.stat(ctx, w.op, w.key)
	switch {
	case statErr == nil && object.UserMetadata[markName] == w.mark:
		w.version, w.etag = versionOf(object.VersionID), object.ETag
		return nil
	case statErr == nil:
		return w.s.refuse(w.op, w.key, store.ErrExists, nil)
	case errors.Is(statErr, store.ErrDeleted):
		return statErr
	}
	failed := w.s.fail(ctx, w.op, w.key, err)
	if errors.Is(failed, store.ErrChanged) { // a condition failed, and nothing is there
		return w.s.absent(ctx, w.op, w.key, w.s.refuse(w.op, w.key, store.ErrProtocol,
			errors.New("object is said to exist, and not to exist")))
	}
	return failed
}

// readBack describes what was created, and checks that it is what was sent.
func (w *write) readBack(ctx context.Context) (store.Info, error) {
	info, object, err := w.s.stat(ctx, w.op, w.key)
	if err != nil {
		return store.Info{}, err
	}
	sent := store.Digest{Algorithm: "crc64nvme", Value: hex.EncodeToString(w.crc.Sum(nil))}
	switch {
	case object.UserMetadata[markName] != w.mark:
		return store.Info{}, w.s.refuse(w.op, w.key, nil, errors.New("another write came after it"))
	case info.Size != w.size:
		err = fmt.Errorf("%d bytes were sent, %d are there", w.size, info.Size)
	case info.Digest.Algorithm == sent.Algorithm && info.Digest != sent:
		err = fmt.Errorf("%s was sent, %s is there", sent, info.Digest)
	default:
		return info, nil
	}
	return store.Info{}, w.s.refuse(w.op, w.key, store.ErrCorrupt, err)
}
