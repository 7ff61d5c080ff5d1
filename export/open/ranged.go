package open

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
)

// ranged reads one object at random, in blocks, a few of which it keeps.
type ranged struct {
	ctx  context.Context
	r    *reading
	name string
	size int64

	mu      sync.Mutex
	blocks  []block // the latest used last
	fetched int64
	err     error // the first error of the source
}

type block struct {
	offset int64
	data   []byte
}

// kept is how many blocks are kept.
const kept = 4

// ReadAt implements io.ReaderAt.
func (o *ranged) ReadAt(p []byte, offset int64) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if offset < 0 {
		return 0, fmt.Errorf("read %s: negative offset", o.name)
	}
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at >= o.size {
			return n, io.EOF
		}
		b, err := o.block(at - at%o.r.limits.block)
		if err != nil {
			if o.err == nil {
				o.err = err
			}
			return n, err
		}
		n += copy(p[n:], b[at%o.r.limits.block:])
	}
	return n, nil
}

// block returns the block that begins at offset.
func (o *ranged) block(offset int64) ([]byte, error) {
	if i := slices.IndexFunc(o.blocks, func(b block) bool { return b.offset == offset }); i >= 0 {
		b := o.blocks[i]
		o.blocks = append(slices.Delete(o.blocks, i, i+1), b)
		return b.data, nil
	}
	length := min(o.r.limits.block, o.size-offset)
	rc, err := o.r.open(o.ctx, o.name, offset, length)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data := make([]byte, length)
	if _, err := io.ReadFull(rc, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", o.name, err)
	}
	o.fetched += length
	o.r.progress(int(length))
	if len(o.blocks) == kept {
		o.blocks = slices.Delete(o.blocks, 0, 1)
	}
	o.blocks = append(o.blocks, block{offset, data})
	return data, nil
}
