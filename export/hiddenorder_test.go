package export_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"exhibit/export"
	"exhibit/sign/custody"
	"exhibit/store"
)

// hidingBelow is a store that does not show what lies below a prefix.
type hidingBelow struct {
	store.Store
	prefix string
}

func (h hidingBelow) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range h.Store.List(ctx, prefix) {
			if err == nil && strings.HasPrefix(info.Key, h.prefix) {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// An order that somebody hides is missed: nothing of it would ever be overdue.
func TestHiddenOrder(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	list, err := w.load().Standings(t.Context(), w.now)
	check(t, err)
	if len(list) != 1 {
		t.Fatal(list)
	}
	for _, hidden := range []string{custody.OrderPrefix(o.Digest()), custody.OrderKey(o.Digest())} {
		good := *w.provider
		w.provider.Store = hidingBelow{good.Store, hidden}
		list, err = w.load().Standings(t.Context(), w.now)
		var lost *export.LostRecordError
		if !errors.As(err, &lost) {
			t.Errorf("%s is hidden: %d orders, %v", hidden, len(list), err)
		}
		*w.provider = good
	}
}
