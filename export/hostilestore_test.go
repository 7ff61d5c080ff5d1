package export_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/store/dir"
)

// Invariant 10: a claim is not signed. Whoever takes it out of the store gets no
// second package made with the same approvals.
func TestClaimLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	st, err := dir.Create(path)
	check(t, err)
	w := newWorld(t, st)
	root, o := oneMessage(t), w.order(entireA)
	res := w.export(o, source("a@mail.example", root))
	check(t, os.RemoveAll(filepath.Join(path, "claims")))
	_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	var spent *export.SpentError
	if !errors.As(err, &spent) || spent.Package != res.Package {
		t.Fatalf("claim lost: %v", err)
	}
}

// A released manifest that the store hides is not made anew by a host that does
// not have it; the host that made it puts it back.
func TestManifestLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	st, err := dir.Create(path)
	check(t, err)
	w := newWorld(t, st)
	root, o := oneMessage(t), w.order(entireA)
	res := w.export(o, source("a@mail.example", root))
	check(t, os.Remove(filepath.Join(path, "packages", res.Package.String(), "manifest.json")))
	mine := w.provider.State
	w.provider.State, err = dir.Create(filepath.Join(t.TempDir(), "state"))
	check(t, err)
	_, err = export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	var spent *export.SpentError
	if !errors.As(err, &spent) || spent.Package != res.Package {
		t.Fatalf("manifest lost, on another host: %v", err)
	}
	w.provider.State = mine
	again, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if again.Package != res.Package || !again.Finished {
		t.Errorf("on the host that made it: %+v", again)
	}
	w.open(res.Package)
}

// Invariant 10: two hosts at once make one package, and it opens.
func TestTwoHosts(t *testing.T) {
	root := oneMessage(t)
	for i := range 8 {
		w := newWorld(t, newDir(t))
		o := w.order(entireA)
		w.approve(o, export.Approval{})
		other := *w.provider
		state, err := dir.Create(filepath.Join(t.TempDir(), "state"))
		check(t, err)
		other.State = state
		authority, err := other.Load(t.Context(), w.now)
		check(t, err)
		jobs := [2]*export.Job{w.job(o, source("a@mail.example", root)), w.job(o, source("a@mail.example", root))}
		jobs[1].Authority = authority
		var wg sync.WaitGroup
		for n, j := range jobs {
			wg.Go(func() {
				time.Sleep(time.Duration(n*i) * 5 * time.Millisecond)
				export.Run(context.Background(), j) // one of the two may fail, and is repeated
			})
		}
		wg.Wait()
		var res *export.Result
		for _, j := range jobs {
			if res, err = export.Run(t.Context(), j); err != nil {
				t.Fatalf("repeated: %v", err)
			}
		}
		w.open(res.Package)
	}
}

func TestEmptySource(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.approve(o, export.Approval{})
	if _, err := export.Run(t.Context(), w.job(o, source("a@mail.example", t.TempDir()))); !errors.Is(err, export.ErrEmptySource) {
		t.Fatalf("an empty folder: %v", err)
	}
}

// One item with much to show stops nobody's export.
func TestLongFields(t *testing.T) {
	var emails strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&emails, "EMAIL:u%d@long-domain-name.example\r\n", i)
	}
	w := newWorld(t, newDir(t))
	res := w.export(w.order(entireA), source("a@mail.example", writeFiles(t, map[string]string{
		"1.eml": "To: " + strings.Repeat("somebody@example.org,", 60_000) + "\r\nSubject: " + strings.Repeat("a", 2<<20) + "\r\n\r\nb",
		"2.vcf": "BEGIN:VCARD\r\nFN:x\r\n" + emails.String() + "END:VCARD\r\n",
		"3.eml": "Date: Fri, 31 Dec 9999 23:59:59 -1100\r\n\r\nb",
		"4.ics": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:99991231T235959\r\nSUMMARY:" + strings.Repeat("a", 2<<20) + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
	})))
	if res.Manifest.Counts.Included != 4 {
		t.Errorf("%+v", res.Manifest.Counts)
	}
	w.open(res.Package)
}
