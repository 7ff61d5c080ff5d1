package export_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"exhibit/export"
	"exhibit/sign/custody"
	"exhibit/store"
)

var errPower = errors.New("power cut")

// power is shared by the stores of one host; after its n-th write everything fails.
type power struct {
	left      atomic.Int64
	persisted bool // the last write takes effect, but nobody hears of it
}

// mains is a store that loses power.
type mains struct {
	store.Store
	p *power
}

func (m mains) Create(ctx context.Context, key string, r io.Reader, size int64) (store.Info, error) {
	switch left := m.p.left.Add(-1); {
	case left < 0, left == 0 && !m.p.persisted:
		return store.Info{}, errPower
	case left == 0:
		if _, err := m.Store.Create(ctx, key, r, size); err != nil {
			return store.Info{}, err
		}
		return store.Info{}, errPower
	}
	return m.Store.Create(ctx, key, r, size)
}

func (m mains) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if m.p.left.Load() <= 0 {
		return nil, errPower
	}
	return m.Store.Open(ctx, key, offset, length)
}

// Invariant 10: the power goes at any write of an export; the same command
// afterwards makes one whole package, under the id that was claimed.
func TestPowerCut(t *testing.T) {
	root := writeFiles(t, map[string]string{"1.eml": message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", "body")})
	for _, persisted := range []bool{false, true} {
		t.Run(fmt.Sprintf("persisted %t", persisted), func(t *testing.T) {
			w := newWorld(t, newDir(t))
			w.policy.Approvals[0].Persons = 1
			w.enact(w.policy)
			w.approvers = w.approvers[:1]
			whole := 0
			for n := int64(1); whole < 1; n++ {
				if n > 100 {
					t.Fatal("an export does not take 100 writes")
				}
				if powerCutAt(t, w, root, n, persisted) {
					whole++
				}
			}
		})
	}
}

// powerCutAt exports a new order with the power going at the n-th write, and
// then again. It reports whether the first run came to its end.
func powerCutAt(t *testing.T, w *world, root string, n int64, persisted bool) bool {
	t.Helper()
	o := parseOrder(t, strings.Replace(string(w.order(entireA).Bytes()), "Ref 1", fmt.Sprintf("Ref %d", n), 1))
	w.approve(o, export.Approval{})
	good := *w.provider
	p := &power{persisted: persisted}
	p.left.Store(n)
	j := w.job(o, source("a@mail.example", root))
	w.provider.Store, w.provider.State = mains{good.Store, p}, mains{good.State, p}
	_, err := export.Run(t.Context(), j)
	*w.provider = good
	if err != nil && !errors.Is(err, errPower) {
		t.Fatalf("write %d: %v", n, err)
	}
	if p.left.Load() > 0 {
		check(t, err)
		return true
	}
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	if err != nil {
		t.Fatalf("after a power cut at write %d: %v", n, err)
	}
	again, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if !again.Repeated || again.Package != res.Package {
		t.Errorf("after a power cut at write %d: packages %s and %s", n, res.Package, again.Package)
	}
	w.open(res.Package)
	released := 0
	for _, e := range w.events(o.Digest()) {
		if e == custody.Released {
			released++
		}
	}
	if released < 1 {
		t.Errorf("after a power cut at write %d: no record of the release", n)
	}
	return false
}

// A cancelled export leaves no volume behind, and the same command finishes.
func TestCancelled(t *testing.T) {
	w := newWorld(t, newDir(t))
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("%d.eml", i)] = message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", strings.Repeat("body\n", 1000))
	}
	root := writeFiles(t, files)
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	ctx, cancel := context.WithCancel(t.Context())
	j := w.job(o, source("a@mail.example", root))
	j.Progress = func(int64) { cancel() }
	if _, err := export.Run(ctx, j); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled export: %v", err)
	}
	for info, err := range w.provider.Store.List(t.Context(), "packages/") {
		t.Errorf("left behind: %s %v", info.Key, err)
	}
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	w.open(res.Package)
}

// A revocation that somebody takes out of the store is missed.
func TestLostRevocation(t *testing.T) {
	st := newDir(t)
	w := newWorld(t, st)
	check(t, w.load().Revoke(t.Context(), "agency", "lost", w.admin, w.now))
	w.load()
	hidden := *w.provider
	hidden.Store = hiding{st, newestKey(t, st, custody.KeyringPrefix, w)}
	_, err := hidden.Load(t.Context(), w.now)
	var lost *export.LostRecordError
	if !errors.As(err, &lost) {
		t.Fatalf("a keyring without its revocation: %v", err)
	}
}
