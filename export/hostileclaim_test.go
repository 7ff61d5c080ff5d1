package export_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/manifest"
	"exhibit/store"
	"exhibit/store/dir"
)

// liar is a store that answers a claim with a package of its choice.
type liar struct {
	store.Store
	id  sign.ID
	seq int64
	all bool
}

func (l liar) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := l.Store.Open(ctx, key, off, n)
	if strings.HasPrefix(key, "claims/") && (l.all || errors.Is(err, store.ErrNotFound)) {
		if err == nil {
			r.Close()
		}
		text, e := custody.NewClaim(l.id, l.seq)
		return io.NopCloser(bytes.NewReader(text)), e
	}
	return r, err
}

// A claim is not signed: what was sealed for one order is not released as another's.
func TestAnotherOrdersDraft(t *testing.T) {
	for _, step := range []string{"draft.json", "final.json"} {
		t.Run(step, func(t *testing.T) {
			w := newWorld(t, newDir(t))
			oA := w.order(entireA)
			oB := parseOrder(t, strings.Replace(string(oA.Bytes()), "Ref 1", "Ref 2", 1))
			rootA := oneMessage(t)
			w.approve(oA, export.Approval{})
			cutAt(t, w, step, func(ctx context.Context) {
				if _, err := export.Run(ctx, w.job(oA, source("a@mail.example", rootA))); err == nil {
					t.Error("not cut")
				}
			})
			var idA sign.ID
			for i, err := range w.provider.Store.List(t.Context(), "packages/") {
				check(t, err)
				idA, err = sign.ParseID(strings.Split(i.Key, "/")[1])
				check(t, err)
			}
			w.approve(oB, export.Approval{})
			w.provider.Store = liar{w.provider.Store, idA, 1, true}
			res, err := export.Run(t.Context(), w.job(oB, source("a@mail.example", oneMessage(t))))
			if err == nil {
				t.Errorf("package %s of order A released as order B's, finished %t", res.Package, res.Finished)
			}
		})
	}
}

// A claim is not signed: a package does not take its own place.
func TestSupersedesItself(t *testing.T) {
	w := newWorld(t, newDir(t))
	root, o := oneMessage(t), w.order(entireA)
	first := w.export(o, source("a@mail.example", root))
	w.provider.Store = liar{w.provider.Store, first.Package, 2, false}
	j := w.job(o, source("a@mail.example", root))
	j.Supersedes = &first.Package
	res, err := export.Run(t.Context(), j)
	if err == nil {
		t.Errorf("%s supersedes itself, repeated %t", res.Package, res.Repeated)
	}
}

// Invariant 10: a rival's first volume that becomes visible after the release does not
// spoil the package.
func TestLateFirstVolume(t *testing.T) {
	w := newWorld(t, newDir(t))
	root, o := oneMessage(t), w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	reached, goon, ended := make(chan bool), make(chan bool), make(chan error, 1)
	a := good
	a.State = otherState(t)
	a.Store = lateStore{good.Store, func(key string) {
		if strings.Contains(key, "volume-0001") {
			close(reached)
			<-goon
		}
	}}
	*w.provider = a
	jobA := w.job(o, source("a@mail.example", root))
	pa := a
	jobA.Authority.Provider = &pa
	b := good
	var once sync.Once
	b.Store = gate{Store: good.Store, after: func(key string) {
		if strings.Contains(key, "volume-0001") {
			once.Do(func() {
				go func() { _, err := export.Run(context.Background(), jobA); ended <- err }()
				<-reached
			})
		}
	}}
	*w.provider = b
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	close(goon)
	if err := <-ended; err == nil {
		t.Error("both runs came to their end")
	}
	*w.provider = good
	_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	w.verify(res.Package)
}

// Invariant 1: a package is not released on other approvals than it states.
func TestApprovalsSwapped(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	j := w.job(o, source("a@mail.example", oneMessage(t)))
	old := j.Authority.Policy.Digest
	done := false
	j.Progress = func(int64) {
		if !done {
			done = true
			w.now = w.now.Add(time.Minute)
			w.enact(w.policy)
			w.approve(o, export.Approval{})
		}
	}
	res, err := export.Run(t.Context(), j)
	if err == nil {
		t.Errorf("released under the policy %s (old %t), which is not in force", res.Manifest.Policy, res.Manifest.Policy == old)
	}
}

// fickle is a store that gives a manifest back once, and then another.
type fickle struct {
	store.Store
	n *int
}

func (f fickle) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := f.Store.Open(ctx, key, off, n)
	if err != nil || !strings.HasSuffix(key, "/"+manifest.Name) {
		return r, err
	}
	if *f.n++; *f.n < 2 {
		return r, nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	i := bytes.Index(data, []byte("\"tag_manifest\""))
	j := i + 18 + bytes.IndexAny(data[i+18:], "0123456789abcdef")
	if data[j] == 'a' {
		data[j] = 'b'
	} else {
		data[j] = 'a'
	}
	return io.NopCloser(bytes.NewReader(data)), r.Close()
}

// Invariant 9: nothing is signed because a store returned it.
func TestReleasedAsSigned(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	good := *w.provider
	n := 0
	w.provider.Store = fickle{good.Store, &n}
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", oneMessage(t))))
	if err != nil {
		return // to notice is right as well
	}
	*w.provider = good
	r, err := good.Store.Open(t.Context(), "packages/"+res.Package.String()+"/"+manifest.Name, 0, -1)
	check(t, err)
	real := sign.Sum(readAll(t, r))
	for i, err := range good.Store.List(t.Context(), custody.OrderPrefix(o.Digest())) {
		check(t, err)
		if !strings.HasSuffix(i.Key, ".json") {
			continue
		}
		r, err := good.Store.Open(t.Context(), i.Key, 0, -1)
		check(t, err)
		s, err := custody.Open(i.Key, readAll(t, r))
		check(t, err)
		if s.Type() != custody.Type {
			continue
		}
		rec, err := custody.Parse(s.Text)
		check(t, err)
		if rec.Event == custody.Released && rec.Objects[0].SHA256 != real {
			t.Errorf("signed record says released %s, the manifest has %s", rec.Objects[0].SHA256, real)
		}
	}
}

// Invariant 9: nor is a release recorded, when an earlier run could not, of other
// bytes than those that were signed.
func TestFinishedAsSigned(t *testing.T) {
	w := newWorld(t, newDir(t))
	root, o := oneMessage(t), w.order(entireA)
	w.approve(o, export.Approval{})
	cutAt(t, w, "/"+manifest.Name, func(ctx context.Context) {
		if _, err := export.Run(ctx, w.job(o, source("a@mail.example", root))); err == nil {
			t.Error("not cut")
		}
	})
	good := *w.provider
	w.provider.State = otherState(t)
	w.provider.Store = firstAltered{good.Store, new(int)}
	if _, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root))); err == nil {
		t.Error("an altered manifest was recorded as released")
	}
	for _, e := range w.events(o.Digest()) {
		if e == custody.Released {
			t.Error("a release is on record")
		}
	}
	w.provider.Store = good.Store
	res, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if !res.Finished {
		t.Errorf("%+v", res)
	}
}

// firstAltered is a store that gives a manifest back altered once, and then as it is.
type firstAltered struct {
	store.Store
	n *int
}

func (f firstAltered) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if strings.HasSuffix(key, "/"+manifest.Name) {
		*f.n++
	}
	if *f.n != 1 || !strings.HasSuffix(key, "/"+manifest.Name) {
		return f.Store.Open(ctx, key, off, n)
	}
	again := 1
	return fickle{f.Store, &again}.Open(ctx, key, off, n)
}

// A released package whose manifest is gone is an alarm, whatever has changed since.
func TestLostAndStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	st, err := dir.Create(path)
	check(t, err)
	w := newWorld(t, st)
	root, o := oneMessage(t), w.order(entireA)
	res := w.export(o, source("a@mail.example", root))
	check(t, os.Remove(filepath.Join(path, "packages", res.Package.String(), "manifest.json")))
	w.now = w.now.Add(time.Minute)
	w.enact(w.policy)
	w.approve(o, export.Approval{})
	_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	var spent *export.SpentError
	if !errors.As(err, &spent) {
		t.Errorf("%v", err)
	}
}
