package export_test

import (
	"context"
	"crypto/rand"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/export/order"
	"exhibit/sign/custody"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/store"
)

func randReader() io.Reader { return rand.Reader }

func readAll(t testing.TB, r io.ReadCloser) []byte {
	t.Helper()
	defer r.Close()
	data, err := io.ReadAll(r)
	check(t, err)
	return data
}

func parseOrder(t testing.TB, text string) *order.Order {
	t.Helper()
	o, err := order.Parse("order.yaml", []byte(text))
	check(t, err)
	return o
}

func fill(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	return err
}

// hiding is a store that does not show one key.
type hiding struct {
	store.Store
	key string
}

func (h hiding) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for info, err := range h.Store.List(ctx, prefix) {
			if err == nil && info.Key == h.key {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// newestKey finds the keyring entry that revokes.
func newestKey(t testing.TB, st store.Store, prefix string, w *world) string {
	t.Helper()
	for info, err := range st.List(t.Context(), prefix) {
		check(t, err)
		r, err := st.Open(t.Context(), info.Key, 0, -1)
		check(t, err)
		s, err := custody.Open(info.Key, readAll(t, r))
		check(t, err)
		if s.Type() != keyring.Type {
			continue // a confirmation
		}
		e, err := keyring.ParseEntry(s.Text)
		check(t, err)
		if e.Action == keyring.Revoke {
			return info.Key
		}
	}
	t.Fatal("no revocation in the store")
	return ""
}

// testPolicy wants two approvals, makes small volumes, and knows the regime "test".
func testPolicy() policy.Policy {
	p := policy.Default(2)
	p.VolumeBytes = policy.MinVolumeBytes
	columns := "eu-2023-1543"
	p.Regimes = append(p.Regimes, policy.Regime{
		Name: "test", Title: "Test", Source: "none", Confirmed: true, Subscriber: &columns,
		Due: []policy.Period{}, Hold: []policy.Period{}, Objection: []policy.Period{}, NoticeDelay: []policy.Period{}, Preservation: []policy.Period{},
	})
	slices.SortFunc(p.Regimes, func(a, b policy.Regime) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// clock is a fixed clock for keys.
func (w *world) clock() func() time.Time { return func() time.Time { return w.now } }
