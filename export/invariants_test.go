package export_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/normalize"
	"exhibit/sign"
	"exhibit/sign/custody"
)

const entireA = "account: a@mail.example, entire: true"

func source(account, path string) export.Source {
	return export.Source{Account: account, Path: path}
}

// Invariant 1: nothing leaves without an approved order.
func TestRefusals(t *testing.T) {
	root := writeFiles(t, map[string]string{"1.eml": message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", "body")})
	for _, c := range []struct {
		name string
		code export.Code
		do   func(w *world) *export.Job
	}{
		{"no review", export.NotReviewed, func(w *world) *export.Job {
			return w.job(w.order(entireA), source("a@mail.example", root))
		}},
		{"one approval of two", export.NotApproved, func(w *world) *export.Job {
			o := w.order(entireA)
			w.review(o)
			_, err := w.load().Approve(t.Context(), fileOf(o), export.Approval{}, w.by(w.approvers[0]))
			check(t, err)
			return w.job(o, source("a@mail.example", root))
		}},
		{"order changed after approval", export.NotReviewed, func(w *world) *export.Job {
			w.approve(w.order(entireA), export.Approval{})
			return w.job(w.order("account: A@mail.example, entire: true"), source("a@mail.example", root))
		}},
		{"policy changed after approval", export.NotApproved, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			w.policy.HouseMinutes++
			w.enact(w.policy)
			return w.job(o, source("a@mail.example", root))
		}},
		{"approval expired", export.NotApproved, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{Expires: w.now.Add(time.Hour)})
			w.now = w.now.Add(2 * time.Hour)
			return w.job(o, source("a@mail.example", root))
		}},
		{"approver revoked", export.NotApproved, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			w.now = w.now.Add(time.Minute)
			check(t, w.load().Revoke(t.Context(), "approver1", "left", w.admin, w.now))
			return w.job(o, source("a@mail.example", root))
		}},
		{"agency key revoked", export.AgencyKeyRevoked, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			w.now = w.now.Add(time.Minute)
			check(t, w.load().Revoke(t.Context(), "agency", "lost", w.admin, w.now))
			return w.job(o, source("a@mail.example", root))
		}},
		{"account not in the order", export.AccountNotInOrder, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			return w.job(o, source("b@mail.example", root))
		}},
		{"account forgotten", export.AccountWithout, func(w *world) *export.Job {
			o := w.order(entireA, "account: b@mail.example, entire: true")
			w.approve(o, export.Approval{})
			return w.job(o, source("a@mail.example", root))
		}},
		{"a mailbox where subscriber records are asked for", export.CategoryNotAsked, func(w *world) *export.Job {
			o := w.order(entireA + ", categories: [subscriber]")
			w.approve(o, export.Approval{})
			return w.job(o, source("a@mail.example", root))
		}},
		{"subscriber records where content is asked for", export.CategoryNotAsked, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			return w.job(o, source("a@mail.example", root), export.Source{Account: "a@mail.example", Path: root, Format: export.FormatSubscriber})
		}},
		{"no subscriber records where they are asked for", export.AccountWithout, func(w *world) *export.Job {
			o := w.order(entireA + ", categories: [subscriber, content]")
			w.approve(o, export.Approval{})
			return w.job(o, source("a@mail.example", root))
		}},
		{"prepared by somebody without the role", export.RoleMissing, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			j := w.job(o, source("a@mail.example", root))
			j.Preparer = w.signer
			return j
		}},
		{"another instrument", export.InstrumentMismatch, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			j := w.job(o, source("a@mail.example", root))
			j.Instrument = []byte("another")
			return j
		}},
		{"signer without the role", export.RoleMissing, func(w *world) *export.Job {
			o := w.order(entireA)
			w.approve(o, export.Approval{})
			j := w.job(o, source("a@mail.example", root))
			j.Signer = w.approvers[0]
			return j
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, newDir(t))
			_, err := export.Run(t.Context(), c.do(w))
			var refused *export.Refusal
			if !errors.As(err, &refused) || refused.Code != c.code {
				t.Fatalf("got %v, want a refusal of code %s", err, c.code)
			}
			for info, err := range w.provider.Store.List(t.Context(), "packages/") {
				t.Errorf("left behind: %s %v", info.Key, err)
			}
		})
	}
}

// The same person approving with a second key counts once.
func TestOnePersonTwoKeys(t *testing.T) {
	w := newWorld(t, newDir(t))
	second := newKey(t, "second")
	w.enroll(w.enrollment("second", "Approver 0", second, sign.Approver))
	o := w.order(entireA)
	w.review(o)
	_, err := w.load().Approve(t.Context(), fileOf(o), export.Approval{}, w.by(w.approvers[0]))
	check(t, err)
	_, err = w.load().Approve(t.Context(), fileOf(o), export.Approval{}, w.by(second))
	var refused *export.Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("second key of one person: %v", err)
	}
}

// A refused export is on record.
func TestRefusalRecorded(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	if _, err := export.Run(t.Context(), w.job(o, source("a@mail.example", t.TempDir()))); err == nil {
		t.Fatal("exported without approval")
	}
	if got := w.events(o.Digest()); len(got) != 1 || got[0] != custody.Refused {
		t.Fatalf("events %v", got)
	}
}

func (w *world) events(digest [32]byte) []custody.Event {
	w.t.Helper()
	var events []custody.Event
	prefix := custody.OrderPrefix(digest)
	for info, err := range w.provider.Store.List(w.t.Context(), prefix) {
		check(w.t, err)
		if !strings.HasSuffix(info.Key, ".json") {
			continue
		}
		r, err := w.provider.Store.Open(w.t.Context(), info.Key, 0, -1)
		check(w.t, err)
		data := readAll(w.t, r)
		s, err := custody.Open(info.Key, data)
		check(w.t, err)
		if s.Type() != custody.Type {
			continue
		}
		rec, err := custody.Parse(s.Text)
		check(w.t, err)
		events = append(events, rec.Event)
	}
	return events
}

// Invariant 2: what is out of scope is withheld, counted, and nowhere in what
// leaves.
func TestScopeReconciles(t *testing.T) {
	w := newWorld(t, newDir(t))
	root := writeFiles(t, map[string]string{
		"in1.eml":    message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "yes", "in"),
		"first.eml":  message("Mon, 01 Jun 2026 00:00:00 +0000", "b@x.example", "yes", "first second"),
		"last.eml":   message("Tue, 30 Jun 2026 23:59:59 +0000", "b@x.example", "yes", "last second"),
		"before.eml": message("Sun, 31 May 2026 23:59:59 +0000", "b@x.example", "WITHHELDSUBJECT1", "WITHHELDBODY1"),
		"after.eml":  message("Wed, 01 Jul 2026 00:00:00 +0000", "b@x.example", "WITHHELDSUBJECT2", "WITHHELDBODY2"),
		"none.eml":   "From: b@x.example\nSubject: WITHHELDSUBJECT3\n\nWITHHELDBODY3\n",
	})
	res := w.export(w.order("account: a@mail.example, start: 2026-06-01, end: 2026-06-30, zone: UTC"), source("a@mail.example", root))
	bagDir, rep := w.open(res.Package)
	if c := rep.Counts; c.Source != 6 || c.Included != 3 || c.Withheld != 3 {
		t.Fatalf("counts %+v", c)
	}
	want := map[string]int64{"category": 0, "before-span": 1, "after-span": 1, "privileged": 0, "undetermined": 1}
	got := map[string]int64{}
	for _, r := range rep.Bag.Withheld {
		got[r.Reason] = r.Count
	}
	if !maps.Equal(got, want) {
		t.Errorf("withheld %v, want %v", got, want)
	}
	check(t, filepath.WalkDir(bagDir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		for _, word := range []string{"WITHHELD", "before.eml", "after.eml", "none.eml"} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s holds %s", p, word)
			}
		}
		return err
	}))
}

// The sample mailbox comes out as its README says.
func TestSampleMailbox(t *testing.T) {
	data, err := os.ReadFile("../testdata/mailbox/expected.json")
	check(t, err)
	var want struct {
		Source     int64            `json:"source"`
		Included   int64            `json:"included"`
		Exceptions map[string]int64 `json:"exceptions"`
		Withheld   map[string]int64 `json:"withheld"`
	}
	check(t, json.Unmarshal(data, &want))
	text, err := os.ReadFile("../testdata/order/order.yaml")
	check(t, err)
	w := newWorld(t, newDir(t))
	o := parseOrder(t, strings.ReplaceAll(string(text), "AGENCY-KEY", w.recipient.Fingerprint))
	instrument, err := os.ReadFile("../testdata/order/instrument.pdf")
	check(t, err)
	w.approve(o, export.Approval{})
	j := w.job(o, source("alice@mail.example", "../testdata/mailbox/alice"))
	j.Instrument = instrument
	res, err := export.Run(t.Context(), j)
	check(t, err)
	bagDir, rep := w.open(res.Package)
	rows := indexCSV(t, bagDir)
	event, letter := rows["E0000001"], rows["E0000002"]
	if event["Subject"] == "" || letter["Subject"] == "" || len(letter["MIH"]) != 32 || letter["DateSent"] == "" || letter["From"] == "" {
		t.Errorf("the index shows %v and %v", event, letter)
	}
	if c := rep.Counts; c.Source != want.Source || c.Included != want.Included || c.Exceptions != want.Exceptions["bare-cr"] {
		t.Errorf("counts %+v, want %+v", c, want)
	}
	for _, r := range rep.Bag.Withheld {
		if r.Count != want.Withheld[r.Reason] {
			t.Errorf("%s: %d, want %d", r.Reason, r.Count, want.Withheld[r.Reason])
		}
	}
}

// Invariant 10: the same export again is the same package; another needs an
// approval that names what it supersedes.
func TestOnePackageAnOrder(t *testing.T) {
	w := newWorld(t, newDir(t))
	root := writeFiles(t, map[string]string{"1.eml": message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "s", "body")})
	o := w.order(entireA)
	first := w.export(o, source("a@mail.example", root))
	again, err := export.Run(t.Context(), w.job(o, source("a@mail.example", root)))
	check(t, err)
	if !again.Repeated || again.Package != first.Package {
		t.Fatalf("made package %s besides %s", again.Package, first.Package)
	}
	j := w.job(o, source("a@mail.example", root))
	j.Supersedes = &first.Package
	var refused *export.Refusal
	if _, err := export.Run(t.Context(), j); !errors.As(err, &refused) || refused.Code != export.NotApproved {
		t.Fatalf("superseded without approval: %v", err)
	}
	w.approve(o, export.Approval{Supersedes: &first.Package})
	second, err := export.Run(t.Context(), j)
	check(t, err)
	if second.Package == first.Package || second.Manifest.Supersedes == nil || *second.Manifest.Supersedes != first.Package {
		t.Fatalf("package %s supersedes %v", second.Package, second.Manifest.Supersedes)
	}
	w.open(second.Package)
}

// Invariant 12: the payload does not depend on workers or on the size of
// volumes; padding and volumes are as asked.
func TestSameInputSamePayload(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{1})
	files := map[string]string{}
	for i := range 150 {
		noise := make([]byte, 300<<10)
		check(t, fill(rng, noise))
		files[bag.ExhibitNumber(i+1)+".eml"] = message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "noise", base64.StdEncoding.EncodeToString(noise))
	}
	files["big.eml"] = message("Mon, 01 Jun 2026 10:00:00 +0000", "b@x.example", "spans frames", strings.Repeat("a line of text\n", 2<<20))
	root := writeFiles(t, files)
	var first map[string][32]byte
	volumes := map[int]bool{}
	for _, v := range []struct {
		workers int
		bound   int64
		padding bool
	}{{1, 1 << 20, true}, {4, 20 << 20, true}, {3, 1 << 30, false}} {
		w := newWorld(t, newDir(t))
		w.policy.VolumeBytes, w.policy.Padding = v.bound, v.padding
		w.enact(w.policy)
		// The order must be the same text in every run.
		o := w.order(entireA)
		w.approve(o, export.Approval{})
		j := w.job(o, source("a@mail.example", root))
		j.Workers = v.workers
		res, err := export.Run(t.Context(), j)
		check(t, err)
		bagDir, _ := w.open(res.Package)
		volumes[len(res.Manifest.Volumes())] = true
		got := payload(t, bagDir)
		for name := range got { // these hold the agency's key, which differs
			if strings.HasPrefix(name, "data/order/") || name == bag.ReportHTML {
				delete(got, name)
			}
		}
		if first == nil {
			first = got
		} else if !maps.Equal(first, got) {
			t.Errorf("payload differs with %d workers and volumes of %d", v.workers, v.bound)
		}
	}
	if len(volumes) < 3 || !volumes[1] {
		t.Errorf("numbers of volumes: %v, want three different ones", volumes)
	}
}

// Invariant 4: undoing the transforms gives back the source, byte for byte.
func compareWithSources(t *testing.T, bagDir string, roots []string) (normalized, items int) {
	t.Helper()
	for _, rec := range records(t, bagDir) {
		if rec.Source.Container != nil {
			continue
		}
		src, err := os.ReadFile(sourcePath(roots[rec.Source.Number-1], rec.Source.File))
		check(t, err)
		if sign.Sum(src[rec.Source.Offset:rec.Source.Offset+rec.Source.Length]) != rec.Source.SHA256 {
			t.Errorf("%s: the record has another digest than %s", rec.Exhibit, rec.Source.File)
		}
	}
	return compareWithRecords(t, bagDir)
}

func sourcePath(root, file string) string {
	if info, err := os.Stat(root); err == nil && !info.IsDir() {
		return root
	}
	return filepath.Join(root, filepath.FromSlash(file))
}

// compareWithRecords checks that every item's transforms can be undone to bytes
// with the source's digest.
func compareWithRecords(t *testing.T, bagDir string) (normalized, items int) {
	t.Helper()
	for _, rec := range records(t, bagDir) {
		out, err := os.ReadFile(filepath.Join(bagDir, filepath.FromSlash(rec.File)))
		check(t, err)
		var list []normalize.Transform
		for _, tr := range rec.Transforms {
			list = append(list, normalize.Transform{Name: tr.Name, Line: tr.Line, Trailer: tr.Trailer, Runs: tr.Runs})
		}
		back, err := normalize.Invert(out, list)
		check(t, err)
		if sign.Sum(back) != rec.Source.SHA256 {
			t.Errorf("%s: digest of %s does not come back", rec.Exhibit, rec.Source.File)
		}
		items++
		if rec.Exception == nil {
			normalized++
		}
	}
	return normalized, items
}

// indexCSV reads index.csv: cells by column, rows by exhibit number.
func indexCSV(t *testing.T, bagDir string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(bagDir, "data", "index.csv"))
	check(t, err)
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	check(t, err)
	rows := map[string]map[string]string{}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		rows[row["DocID"]] = row
	}
	return rows
}
