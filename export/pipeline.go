package export

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/semaphore"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/normalize"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/export/traffic"
	"exhibit/sign/merkle"
)

// unitBytes is how many source bytes a worker is handed at a time: a little less
// than a batch, so that it makes one frame as a rule.
const unitBytes = batchBytes * 15 / 16

// unitBudget is how many source bytes may be in flight for each worker, and for two
// more: a unit larger than all of it waits until it is alone.
const unitBudget = 64 << 20

// candidate is an item that the order admits: one of mail, or a subscriber record.
type candidate struct {
	item       mail.Item
	subscriber *bag.SubscriberRecord
	line       []byte // of the subscriber record, without LF

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
	rows   [][]string // of the record in the index files
	// traffic and subscriber are set for such records.
	traffic    *bag.TrafficRecord
	subscriber *bag.SubscriberRecord
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

// item makes an item's file and its record, digests and packs it.
func (w *worker) item(c *candidate) (packedItem, error) {
	out, it, err := w.make(c)
	if err != nil {
		return packedItem{}, fmt.Errorf("describe %q: %w", c.item.Source.File, err)
	}
	rec := it.record
	rec.Size, rec.MD5 = int64(len(out)), md5.Sum(out)
	if rec.SHA256, err = w.pack.add(rec.File, rec.Size, bytes.NewReader(out)); err != nil {
		return packedItem{}, err
	}
	if it.line, err = bag.MarshalItem(rec); err != nil {
		return packedItem{}, fmt.Errorf("index %q: %w", c.item.Source.File, err)
	}
	it.rows = bag.Rows(rec)
	it.leaf = merkle.ItemLeaf(w.secret, rec.Exhibit, it.line)
	return it, nil
}

// make gives an item's file, and its record but for size and digests.
func (w *worker) make(c *candidate) ([]byte, packedItem, error) {
	switch c.decision.Category {
	case order.Subscriber:
		rec := derivedRecord(c, bag.KindSubscriber)
		rec.Fields = jsontext.Value("{}")
		return recordFile(c.line), packedItem{record: rec, subscriber: c.subscriber}, nil
	case order.Traffic:
		return makeTraffic(c)
	}
	rec := recordOf(c)
	if err := describe(rec, c.item); err != nil {
		return nil, packedItem{}, err
	}
	out, transforms, exception := normalize.Normalize(c.item)
	if exception != "" {
		reason := string(exception)
		rec.Exception = &reason
	}
	rec.Transforms = transformsOf(transforms)
	return out, packedItem{record: rec}, nil
}

// makeTraffic derives a traffic record (FORMAT.md section 6.1).
func makeTraffic(c *candidate) ([]byte, packedItem, error) {
	derived := traffic.Derive(c.account, c.item)
	line, err := bag.MarshalTraffic(derived)
	if err != nil {
		return nil, packedItem{}, err
	}
	rec := derivedRecord(c, bag.KindTraffic)
	if rec.Fields, err = traffic.Fields(derived); err != nil {
		return nil, packedItem{}, err
	}
	return recordFile(line), packedItem{record: rec, traffic: derived}, nil
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
