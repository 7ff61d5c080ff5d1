package export_test

import (
	"context"
	"crypto/rand"
	"io"
	"iter"
	"testing"
	"time"

	"exhibit/export/order"
	"exhibit/sign"
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
		e, err := keyring.ParseEntry(s.Text)
		check(t, err)
		if e.Action == keyring.Revoke {
			return info.Key
		}
	}
	t.Fatal("no revocation in the store")
	return ""
}

func goldenPolicy() policy.Policy {
	return policy.Policy{
		Approvals: 2, VolumeBytes: policy.MinVolumeBytes, Padding: true,
		KeyKinds: []sign.KeyKind{sign.AgeHybrid, sign.AgeSSH, sign.AgeX25519, sign.OpenPGP},
	}
}

// clock is a fixed clock for keys.
func (w *world) clock() func() time.Time { return func() time.Time { return w.now } }
