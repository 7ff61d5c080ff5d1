package export

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/normalize"
	"exhibit/export/scope"
	"exhibit/sign/merkle"
)

// unitBytes is how many source bytes a worker is handed at a time: a little less
// than a batch, so that it makes one frame as a rule.
const unitBytes = batchBytes * 15 / 16

// unitBudget is how many source bytes may be in flight for each worker, and for two
// more: a unit larger than all of it waits until it is alone.
const unitBudget = 64 << 20

// candidate is an item that the order admits.
type candidate struct {
	item     mail.Item
	account  string
	source   int // which of the given sources, from 1
	exhibit  int // from 1
	decision scope.Decision
}

// unit is what one worker takes at a time.
type unit struct {
	items []candidate
	bytes int64
	held  int64       // of the memory budget
	done  chan packed // capacity 1
}

// packed is what a worker makes of a unit.
type packed struct {
	chunks []chunk
	items  []packedItem // in order; one for each entry of chunks
	err    error
}

// packedItem is an item that lies in a chunk.
type packedItem struct {
	record *bag.ItemRecord
	line   []byte // the record as the index has it, without LF
	leaf   merkle.Hash
}

// worker turns units into chunks; each has its own encoder.
type worker struct {
	secret [32]byte
	pack   *packer
	chunks []chunk
}

func newWorker(secret [32]byte) (*worker, error) {
	w := &worker{secret: secret}
	p, err := newPacker(func(c chunk) error {
		w.chunks = append(w.chunks, c)
		return nil
	})
	w.pack = p
	return w, err
}

func (w *worker) do(ctx context.Context, u *unit) packed {
	w.chunks = nil
	out := packed{items: make([]packedItem, 0, len(u.items))}
	for i := range u.items {
		if err := ctx.Err(); err != nil {
			return packed{err: err}
		}
		it, err := w.item(&u.items[i])
		if err != nil {
			return packed{err: err}
		}
		out.items = append(out.items, it)
		u.items[i].item.Raw = nil
	}
	if err := w.pack.flush(); err != nil {
		return packed{err: err}
	}
	out.chunks = w.chunks
	return out
}

// item normalizes, describes, digests and packs one item.
func (w *worker) item(c *candidate) (packedItem, error) {
	where := c.item.Source.File
	fields, err := describe(c.item)
	if err != nil {
		return packedItem{}, fmt.Errorf("describe %q: %w", where, err)
	}
	rec := recordOf(c)
	rec.Fields = fields
	out, transforms, exception := normalize.Normalize(c.item)
	if exception != "" {
		reason := string(exception)
		rec.Exception = &reason
	}
	rec.Transforms = transformsOf(transforms)
	rec.Size, rec.MD5 = int64(len(out)), md5.Sum(out)
	sum, err := w.pack.add(rec.File, rec.Size, bytes.NewReader(out))
	if err != nil {
		return packedItem{}, err
	}
	rec.SHA256 = sum
	line, err := bag.MarshalItem(rec)
	if err != nil {
		return packedItem{}, fmt.Errorf("index %q: %w", where, err)
	}
	return packedItem{record: rec, line: line, leaf: merkle.ItemLeaf(w.secret, rec.Exhibit, line)}, nil
}

// run starts workers over units and hands their results to join in the order of
// the units. It returns the first error, after everything that it started has ended.
// The source bytes in flight are bounded by unitBudget.
func run(ctx context.Context, workers int, secret [32]byte, read func(ctx context.Context, emit func(*unit) error) error, join func(packed) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	budget := int64(workers+2) * unitBudget
	memory := semaphore.NewWeighted(budget)
	todo := make(chan *unit)
	ordered := make(chan *unit, workers+1)
	var wg sync.WaitGroup
	for range workers {
		w, err := newWorker(secret)
		if err != nil {
			cancel(err)
			break
		}
		wg.Go(func() {
			for u := range todo {
				u.done <- w.do(ctx, u)
			}
		})
	}
	wg.Go(func() {
		defer close(ordered)
		defer close(todo)
		err := read(ctx, func(u *unit) error {
			u.done = make(chan packed, 1)
			u.held = min(u.bytes, budget)
			if err := memory.Acquire(ctx, u.held); err != nil {
				return err
			}
			select {
			case ordered <- u:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case todo <- u:
			case <-ctx.Done():
				u.done <- packed{err: ctx.Err()}
				return ctx.Err()
			}
			return nil
		})
		if err != nil {
			cancel(err)
		}
	})
	for u := range ordered {
		p := <-u.done
		memory.Release(u.held)
		if ctx.Err() != nil {
			continue // drain, so that everybody ends
		}
		if p.err != nil {
			cancel(p.err)
			continue
		}
		if err := join(p); err != nil {
			cancel(err)
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}
