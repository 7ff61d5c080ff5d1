package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/open"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
	"exhibit/store"
	"exhibit/store/dir"
)

// Invariant 10: a second run, started by accident and stopped, does not spoil the
// package of the first.
func TestSecondRunStopped(t *testing.T) {
	w := newWorld(t, newDir(t))
	root := bigMsgs(t)
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	var once sync.Once
	hostA := good
	hostA.Store = gate{Store: good.Store, after: func(key string) {
		if strings.Contains(key, "volume-0001") {
			once.Do(func() {
				ctx, cancel := context.WithCancel(t.Context())
				b := good // same host, same state: two shells
				b.Store = gate{Store: good.Store, after: func(key string) {
					if strings.Contains(key, "volume-0001.r2") {
						cancel()
					}
				}}
				*w.provider = b
				if _, err := export.Run(ctx, w.job(o, source("a@mail.example", root))); err == nil {
					t.Error("the second run came to its end")
				}
			})
		}
	}}
	*w.provider = hostA
	res, errA := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	*w.provider = good
	check(t, errA)
	w.verify(res.Package)
	_, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
}

// slowList is a store in which something happens while it is listed.
type slowList struct {
	store.Store
	prefix string
	after  func()
}

func (s slowList) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		for i, err := range s.Store.List(ctx, prefix) {
			if !yield(i, err) {
				return
			}
		}
		if prefix == s.prefix {
			s.after()
		}
	}
}

// A record that another command of this host adds meanwhile is no lost one.
func TestNoFalseAlarm(t *testing.T) {
	w := newWorld(t, newDir(t))
	a := w.load()
	good := *w.provider
	var once sync.Once
	p := good
	p.Store = slowList{good.Store, "custody/records/keyring/", func() {
		once.Do(func() {
			k := newKey(t, "new")
			check(t, a.Enroll(t.Context(), w.enrollment("late", "Late", k, sign.Approver), w.admin))
			_, err := good.Load(t.Context(), w.now) // as the next command on this host does
			check(t, err)
		})
	}}
	_, err := p.Load(t.Context(), w.now.Add(time.Minute))
	var lost *export.LostRecordError
	if err != nil {
		t.Errorf("alarm %t: %v", errors.As(err, &lost), err)
	}
}

// lateStore takes everything in, and is slow to make it visible.
type lateStore struct {
	store.Store
	then func(key string)
}

func (l lateStore) Create(ctx context.Context, key string, r io.Reader, size int64) (store.Info, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	l.then(key)
	return l.Store.Create(ctx, key, bytes.NewReader(data), size)
}

// Invariant 10: a volume of another run that becomes visible late does not spoil a
// released package.
func TestLateVolume(t *testing.T) {
	w := newWorld(t, newDir(t))
	root := bigMsgs(t)
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	var once sync.Once
	var res *export.Result
	hostA := good
	hostA.Store = lateStore{good.Store, func(key string) {
		if strings.Contains(key, "volume-0002") {
			once.Do(func() {
				b := good
				b.State = otherState(t)
				*w.provider = b
				var err error
				res, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
				check(t, err)
			})
		}
	}}
	*w.provider = hostA
	if _, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root))); err == nil {
		t.Error("both runs came to their end")
	}
	*w.provider = good
	w.verify(res.Package)
}

// verify verifies a package from outside.
func (w *world) verify(id sign.ID) {
	w.t.Helper()
	_, err := open.Verify(w.t.Context(), w.source(id), w.signer.PublicKeys(), open.Options{Expect: id.String(), Now: w.now})
	check(w.t, err)
}

// bigMsgs are messages that take a volume each.
func bigMsgs(t testing.TB) string {
	files := map[string]string{}
	for i := range 4 {
		b := make([]byte, 14<<20)
		x := uint64(i + 1)
		for k := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[k] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[x>>58]
			if k%76 == 75 {
				b[k] = '\n'
			}
		}
		files[fmt.Sprintf("%d.eml", i)] = message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", string(b))
	}
	return writeFiles(t, files)
}

// gate is a store that tells before and after it creates an object.
type gate struct {
	store.Store
	after  func(key string)
	before func(key string)
}

func (g gate) Create(ctx context.Context, key string, r io.Reader, size int64) (store.Info, error) {
	if g.before != nil {
		g.before(key)
	}
	i, err := g.Store.Create(ctx, key, r, size)
	if err == nil && g.after != nil {
		g.after(key)
	}
	return i, err
}

// otherState is the state folder of another host.
func otherState(t testing.TB) store.Store {
	s, err := dir.Create(filepath.Join(t.TempDir(), "state2"))
	check(t, err)
	return s
}

// Invariant 10: a run that ended between the manifest and its record is finished by
// any host.
func TestOtherHostAfterManifest(t *testing.T) {
	w := newWorld(t, newDir(t))
	root := oneMessage(t)
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	ctx, cancel := context.WithCancel(t.Context())
	a := good
	a.Store = gate{Store: good.Store, after: func(key string) {
		if strings.HasSuffix(key, "/"+manifest.Name) {
			cancel()
		}
	}}
	*w.provider = a
	if _, err := export.Run(ctx, w.job(o, source("a@mail.example", root))); err == nil {
		t.Error("the first run was not cut")
	}
	good.State = otherState(t)
	*w.provider = good
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if !res.Finished {
		t.Errorf("%+v", res)
	}
	w.verify(res.Package)
}

// cutAt runs with the power going as soon as a key with that suffix is written.
func cutAt(t *testing.T, w *world, suffix string, run func(ctx context.Context)) {
	good := *w.provider
	ctx, cancel := context.WithCancel(t.Context())
	cut := func(key string) {
		if strings.HasSuffix(key, suffix) {
			cancel()
		}
	}
	w.provider.State = gate{Store: good.State, after: cut}
	w.provider.Store = gate{Store: good.Store, after: cut}
	run(ctx)
	*w.provider = good
}

// What was sealed with a key that is revoked by now is not finished with another.
func TestResumeWithAnotherSigner(t *testing.T) {
	for _, step := range []string{"draft.json", "final.json"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t, newDir(t))
			root := oneMessage(t)
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			cutAt(t, w, step, func(ctx context.Context) {
				if _, err := export.Run(ctx, w.job(o, source("a@mail.example", root))); err == nil {
					t.Error("the first run was not cut")
				}
			})
			w.now = w.now.Add(time.Minute)
			check(t, w.load().Revoke(t.Context(), "provider", "lost", w.admin, w.now))
			w.now = w.now.Add(time.Minute)
			second, err := detached.Generate("provider2", start, randReader())
			check(t, err)
			w.enroll(w.enrollment("provider2", "Example Mail", second, sign.Provider))
			w.signer = second
			_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
			var stale *export.StaleError
			if !errors.As(err, &stale) {
				t.Errorf("finished with another key: %v", err)
			}
		})
	}
}

// The record of a package of as many volumes as there can be is one that can be
// read again.
func TestManyVolumesRecord(t *testing.T) {
	var objs []custody.Object
	var details []custody.Detail
	o := sign.Digest{1}
	ref := "r"
	for _, n := range []int{1, manifest.MaxObjects} {
		for len(objs) < n {
			name := fmt.Sprintf("volume-%04d.tar.zst.age", len(objs)+1)
			objs = append(objs, custody.Object{Name: name, Size: 1234567, SHA256: sign.Digest{2}})
			details = append(details, custody.Detail{Name: "plaintext " + name, Value: sign.Digest{3}.String()})
		}
		id := sign.ID{1}
		k := newKey(t, "x")
		text, err := custody.New(custody.Record{Event: custody.Sealed, Time: sign.At(start), Actor: sign.Person{Name: "x", Holder: "x", Role: sign.Provider, Fingerprint: k.Fingerprint()}, Authority: custody.Authority{Order: &o, Reference: &ref}, Package: &id, Objects: objs, Instrument: tool, Details: details}, randReader())
		check(t, err)
		s, err := sign.NewSigned(text, k, start, randReader())
		check(t, err)
		data, err := s.Marshal()
		check(t, err)
		if len(data) > export.MaxSignedFile {
			t.Fatalf("a sealed record of %d volumes has %d bytes > %d", n, len(data), export.MaxSignedFile)
		}
	}
}

// Two admins who sign a policy at once do not shut the provider out: nothing is
// exported until the next policy.
func TestTwoPoliciesAtOnce(t *testing.T) {
	w := newWorld(t, newDir(t))
	a1, a2 := w.load(), w.load()
	p := w.policy
	p.Approvals[0].Persons = 3
	one, err := a1.SignPolicy(t.Context(), p, w.admin, w.now)
	check(t, err)
	p.Approvals[0].Persons = 1
	two, err := a2.SignPolicy(t.Context(), p, w.admin2, w.now.Add(time.Second))
	check(t, err)
	w.now = w.now.Add(time.Second)
	a1, a2 = w.load(), w.load()
	check(t, a1.ConfirmPolicy(t.Context(), one, w.admin2, w.now))
	check(t, a2.ConfirmPolicy(t.Context(), two, w.admin, w.now))
	w.now = w.now.Add(time.Minute)
	a := w.load()
	if a.Policy != nil {
		t.Fatalf("one of two policies is in force: %+v", a.Policy)
	}
	w.enact(p)
	if a = w.load(); a.Policy == nil || a.Policy.Serial != 3 {
		t.Errorf("policy %+v", a.Policy)
	}
}

// Invariant 9: what a store gives back differently is not signed.
func TestReadBack(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	w.provider.Store = forgetful{good.Store}
	_, err := export.Run(t.Context(), w.job(o, source("a@mail.example", oneMessage(t))))
	var back *export.ReadBackError
	if !errors.As(err, &back) {
		t.Errorf("a store that gives back other bytes: %v", err)
	}
	for info, err := range good.Store.List(t.Context(), "packages/") {
		check(t, err)
		if strings.HasSuffix(info.Key, ".asc") || strings.HasSuffix(info.Key, manifest.Name) {
			t.Errorf("%s was signed", info.Key)
		}
	}
}

// forgetful is a store that gives volumes back with their first byte changed.
type forgetful struct{ store.Store }

func (f forgetful) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := f.Store.Open(ctx, key, offset, length)
	if err != nil || !strings.Contains(key, "/volume-") {
		return r, err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	data[0] ^= 1
	return io.NopCloser(bytes.NewReader(data)), r.Close()
}

// Invariant 10: an approval that was cut before its record gets it when repeated.
func TestApproveCut(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.review(o)
	good := *w.provider
	ctx, cancel := context.WithCancel(t.Context())
	w.provider.Store = gate{Store: good.Store, after: func(key string) {
		if strings.HasPrefix(key, custody.OrderPrefix(o.Digest())) && strings.HasSuffix(key, ".json") { // the statement
			cancel()
		}
	}}
	_, err := w.load().Approve(ctx, fileOf(o), export.Approval{}, w.by(w.approvers[0]))
	if err == nil {
		t.Error("the approval was not cut")
	}
	*w.provider = good
	_, err = w.load().Approve(t.Context(), fileOf(o), export.Approval{}, w.by(w.approvers[0]))
	check(t, err)
	if !slices.Contains(w.events(o.Digest()), custody.OrderApproved) {
		t.Error("the approval stands and no order-approved record is ever made")
	}
}
