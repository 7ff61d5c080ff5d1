package open

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"sync"

	"exhibit/sign"
	"exhibit/sign/manifest"
)

// reading is what all reads of one package share.
type reading struct {
	src    Source
	opt    Options
	limits limits
	listed map[string]int64 // objects by name, with their sizes

	mu sync.Mutex // of opt.Progress
}

func newReading(src Source, opt Options) *reading {
	return &reading{src: src, opt: opt, limits: opt.bounds()}
}

func (r *reading) progress(n int) {
	if r.opt.Progress == nil || n <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opt.Progress(int64(n))
}

// list takes stock of the objects that are there.
func (r *reading) list(ctx context.Context) error {
	r.listed = make(map[string]int64)
	for o, err := range r.src.List(ctx) {
		if err != nil {
			return fmt.Errorf("list the package: %w", err)
		}
		if _, twice := r.listed[o.Name]; twice {
			return fail(ObjectExtra, o.Name, "is listed twice")
		}
		if len(r.listed) == r.limits.objects {
			return fail(LimitExceeded, "", "more than %d objects", r.limits.objects)
		}
		r.listed[o.Name] = o.Size
	}
	if len(r.listed) == 0 {
		return fail(NothingToCheck, "", "there is no package here: nothing was checked")
	}
	return nil
}

// open starts reading an object. What is gone since it was listed is missing.
func (r *reading) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	rc, err := r.src.Open(ctx, name, offset, length)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failWith(ObjectMissing, name, err, "is not there any more")
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", show(name), err)
	}
	return rc, nil
}

// small reads an object whole that was listed.
func (r *reading) small(ctx context.Context, name string, limit int64) ([]byte, error) {
	size := r.listed[name]
	if size > limit {
		return nil, fail(LimitExceeded, name, "%d bytes are more than %d", size, limit)
	}
	rc, err := r.open(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, limit+1))
	r.progress(len(data))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", show(name), err)
	}
	if int64(len(data)) > limit {
		return nil, fail(LimitExceeded, name, "more than %d bytes", limit)
	}
	return data, nil
}

// object reads a small object that the manifest names, and checks its digest.
func (r *reading) object(ctx context.Context, o manifest.Object) ([]byte, error) {
	data, err := r.small(ctx, o.Name, r.limits.text)
	if err != nil {
		return nil, err
	}
	return data, altered(o, int64(len(data)), sign.Sum(data))
}

// digest reads an object of any size, and checks its digest; of a volume that it
// is encrypted to these recipients as well.
func (r *reading) digest(ctx context.Context, o manifest.Object, recipients []manifest.Recipient) error {
	c, err := r.ciphertext(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	if o.Role == manifest.Volume {
		c.head = make([]byte, 0, min(maxHead, o.Size))
	}
	if err := c.drain(); err != nil || o.Role != manifest.Volume {
		return err
	}
	return checkRecipients(o.Name, c.head, recipients)
}

func altered(o manifest.Object, size int64, digest sign.Digest) error {
	switch {
	case size != o.Size:
		return fail(ObjectAltered, o.Name, "%d bytes, where the manifest says %d", size, o.Size)
	case digest != o.SHA256:
		return fail(ObjectAltered, o.Name, "digest is not the one that the manifest names")
	}
	return nil
}

// ciphertext reads an object from its beginning and digests what is read. Its
// error, if any, is kept: it is the cause of whatever goes wrong above it.
type ciphertext struct {
	ctx    context.Context
	r      *reading
	object manifest.Object
	rc     io.ReadCloser
	hash   hash.Hash
	size   int64
	head   []byte // the first bytes, as far as there is capacity
	err    error
}

func (r *reading) ciphertext(ctx context.Context, o manifest.Object) (*ciphertext, error) {
	rc, err := r.open(ctx, o.Name, 0, -1)
	if err != nil {
		return nil, err
	}
	return &ciphertext{ctx: ctx, r: r, object: o, rc: rc, hash: sha256.New()}, nil
}

// Read implements io.Reader.
func (c *ciphertext) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if err := c.ctx.Err(); err != nil {
		c.err = err
		return 0, err
	}
	n, err := c.rc.Read(p)
	c.hash.Write(p[:n])
	c.head = append(c.head, p[:min(n, cap(c.head)-len(c.head))]...)
	c.size += int64(n)
	c.r.progress(n)
	switch {
	case c.size > c.object.Size:
		c.err = altered(c.object, c.size, sign.Digest{})
	case err != nil && err != io.EOF:
		c.err = fmt.Errorf("read %s: %w", show(c.object.Name), err)
	default:
		return n, err
	}
	return n, c.err
}

// Close ends the reading.
func (c *ciphertext) Close() error { return c.rc.Close() }

// drain reads what is left, and checks the digest of the whole.
func (c *ciphertext) drain() error {
	buf := make([]byte, 256<<10)
	for {
		_, err := c.Read(buf)
		if err == io.EOF {
			return altered(c.object, c.size, sign.Digest(c.hash.Sum(nil)))
		}
		if err != nil {
			return err
		}
	}
}
