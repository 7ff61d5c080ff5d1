package open

import (
	"context"
	"errors"
	"sync"
)

// group runs tasks on a bounded number of goroutines. The error that counts is
// that of the task that was given first, so that the same package gives the
// same answer every time; the ones that end only because of it do not count.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	next  int
	first int
	err   error
}

func newGroup(ctx context.Context, workers int) *group {
	ctx, cancel := context.WithCancel(ctx)
	return &group{ctx: ctx, cancel: cancel, slots: make(chan struct{}, workers), first: -1}
}

// run starts a task when a goroutine is free. It returns false once a task has
// failed or the context has ended: no more tasks are of use then.
func (g *group) run(task func(ctx context.Context) error) bool {
	select {
	case <-g.ctx.Done():
		return false
	case g.slots <- struct{}{}:
	}
	number := g.next
	g.next++
	g.wg.Go(func() {
		defer func() { <-g.slots }()
		if err := task(g.ctx); err != nil {
			g.failed(number, err)
		}
	})
	return true
}

func (g *group) failed(number int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	late := errors.Is(err, context.Canceled) && g.err != nil
	if !late && (g.first < 0 || number < g.first || errors.Is(g.err, context.Canceled)) {
		g.first, g.err = number, err
	}
	g.cancel()
}

// wait ends the group and returns its error.
func (g *group) wait() error {
	g.wg.Wait()
	err := g.err
	if err == nil {
		err = g.ctx.Err()
	}
	g.cancel()
	return err
}
