package export_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/statement"
)

// letter is a message whose parts are all marked, and what a model of the rules,
// written apart from them, says should become of it.
type letter struct {
	id         int
	when       time.Time // zero: no date at all
	privileged bool
	text       []byte
}

func (l *letter) marker(what string) string { return fmt.Sprintf("%s-%04d-marker", what, l.id) }
func (l *letter) attachment() []byte {
	return []byte(strings.Repeat(l.marker("attachment")+" ", 3))
}

// secrets are what may occur nowhere if the letter is withheld or a traffic record.
func (l *letter) secrets() []string {
	return []string{
		l.marker("subject"), l.marker("body"), l.marker("attachment"), l.marker("name"), l.marker("display"), l.marker("label"),
		base64.StdEncoding.EncodeToString(l.attachment())[:40],
	}
}

func (l *letter) write() {
	from := fmt.Sprintf(`"%s" <sender%d@x.example>`, l.marker("display"), l.id)
	if l.privileged {
		from = fmt.Sprintf(`"%s" <counsel@kanzlei.example>`, l.marker("display"))
	}
	date := ""
	if !l.when.IsZero() {
		date = "Date: " + l.when.Format(time.RFC1123Z) + "\r\n"
	}
	l.text = []byte(fmt.Sprintf("%sFrom: %s\r\nTo: a@mail.example\r\nMessage-ID: <m%d@x.example>\r\nX-Gmail-Labels: %s\r\nSubject: %s\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n"+
		"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=%s\r\n\r\n%s\r\n--b--\r\n",
		date, from, l.id, l.marker("label"), l.marker("subject"), l.marker("body"), l.marker("name"), base64.StdEncoding.EncodeToString(l.attachment())))
}

// asked is one account: what the order asks, and what was accepted of it.
type asked struct {
	name       string
	categories []string
	from, last time.Time // whole seconds, both inside; zero: entire
	dropped    bool
	letters    []*letter
	records    int // of subscribers
	admitted   map[int]bool
}

func (a *asked) has(c string) bool { return slices.Contains(a.categories, c) }

// fate says what should become of a letter: the category in which it leaves, or the
// reason for which it does not.
func (a *asked) fate(l *letter, withholds bool) (category, reason string) {
	content := a.has("content")
	limited := !a.from.IsZero()
	switch {
	case !content && !a.has("traffic"):
		return "", "category"
	case limited && !l.when.IsZero() && l.when.Before(a.from):
		return "", "before-span"
	case limited && !l.when.IsZero() && l.when.After(a.last):
		return "", "after-span"
	case withholds && l.privileged:
		return "", "privileged"
	case limited && l.when.IsZero() && !a.admitted[l.id]:
		return "", "undetermined"
	case content:
		return "content", ""
	}
	return "traffic", ""
}

var spanBase = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// drawAccount draws an account with its letters; many of their dates lie at the
// very edges of its span.
func drawAccount(t *rapid.T, i int, next *int) *asked {
	a := &asked{name: fmt.Sprintf("u%d@mail.example", i), admitted: map[int]bool{}}
	for _, c := range []string{"subscriber", "traffic", "content"} {
		if rapid.Bool().Draw(t, c) {
			a.categories = append(a.categories, c)
		}
	}
	if a.categories == nil {
		a.categories = []string{"content"}
	}
	if rapid.IntRange(0, 3).Draw(t, "entire") > 0 {
		a.from = spanBase.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "from")) * time.Second)
		a.last = a.from.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "length")) * time.Second)
	}
	if a.has("subscriber") {
		a.records = rapid.IntRange(0, 3).Draw(t, "records")
	}
	if !a.has("traffic") && !a.has("content") {
		return a
	}
	for range rapid.IntRange(0, 8).Draw(t, "letters") {
		*next++
		l := &letter{id: *next, privileged: rapid.IntRange(0, 4).Draw(t, "privileged") == 0}
		edges := []time.Time{{}, a.from.Add(-time.Second), a.from, a.last, a.last.Add(time.Second), a.from.Add(a.last.Sub(a.from) / 2)}
		l.when = rapid.SampledFrom(edges).Draw(t, "when")
		if a.from.IsZero() && !l.when.IsZero() {
			l.when = spanBase
		}
		if !l.when.IsZero() {
			l.when = l.when.In(time.FixedZone("", 60*rapid.IntRange(-720, 840).Draw(t, "zone"))).Truncate(time.Second)
		}
		l.write()
		a.letters = append(a.letters, l)
	}
	return a
}

// narrow draws what a reviewer accepts, or nil for all.
func narrow(t *rapid.T, list []*asked) {
	for i, a := range list {
		switch rapid.IntRange(0, 3).Draw(t, "narrow") {
		case 1:
			if i > 0 { // something is left
				a.dropped = true
			}
		case 2:
			if len(a.categories) > 1 {
				a.categories = a.categories[:len(a.categories)-1]
			}
		case 3:
			if !a.from.IsZero() {
				a.last = a.from.Add(a.last.Sub(a.from) / 2).Truncate(time.Second)
			}
		}
	}
}

// yaml writes the accounts as an order has them.
func yaml(list []*asked) string {
	var b strings.Builder
	for _, a := range list {
		if a.dropped {
			continue
		}
		span := "entire: true"
		if !a.from.IsZero() {
			span = fmt.Sprintf("start: %q, end: %q", a.from.Format(time.RFC3339), a.last.Format(time.RFC3339))
		}
		fmt.Fprintf(&b, "  - {account: %s, %s, categories: [%s]}\n", a.name, span, strings.Join(a.categories, ", "))
	}
	return b.String()
}

// Invariant 2: for random mailboxes and orders, whole or accepted in part, what
// leaves is exactly what a model of the rules says; counts reconcile; and no byte of
// the Subject, body or attachment of a withheld message, or of one that leaves as a
// traffic record, occurs in anything that leaves.
func TestScopeProperty(t *testing.T) {
	w := newWorld(t, newDir(t))
	w.policy.Approvals[0].Persons = 1
	w.enact(w.policy)
	w.approvers = w.approvers[:1]
	run, letters := 0, 0
	fewerChecks(t, 50)
	rapid.Check(t, func(rt *rapid.T) {
		run++
		var list []*asked
		for i := range rapid.IntRange(1, 3).Draw(rt, "accounts") {
			list = append(list, drawAccount(rt, i, &letters))
		}
		withholds := rapid.Bool().Draw(rt, "withholds")
		o := parseOrder(t, propertyOrder(w, run, list, withholds))
		review := export.Review{Decision: statement.Accept}
		narrow(rt, list)
		parts, err := order.ParseNarrowing("narrowing.yaml", []byte("type: exhibit/narrowing/v1\naccounts:\n"+yaml(list)), o)
		if err == nil {
			review.Decision, review.Parts, review.Ground = statement.AcceptInPart, parts, "less is lawful"
			if _, err := o.Narrow(parts); err != nil {
				t.Fatal(err)
			}
		}
		admit(rt, list, &review)
		for _, a := range list {
			if !a.dropped && a.from.IsZero() {
				review.Entire = append(review.Entire, a.name)
			}
		}
		_, err = w.load().Review(t.Context(), fileOf(o), review, w.by(w.reviewer))
		check(t, err)
		w.approve(o, export.Approval{})
		j := w.job(o, sourcesOf(t, list)...)
		for _, a := range list {
			if !a.dropped && a.has("subscriber") && a.records == 0 {
				j.Empty = append(j.Empty, a.name+"=subscriber")
			}
		}
		res, err := export.Run(t.Context(), j)
		check(t, err)
		compareWithModel(t, w, res, list, withholds, review.Decision == statement.AcceptInPart)
		w.now = w.now.Add(time.Second)
	})
}

// fewerChecks bounds how often a property that writes whole packages is checked,
// unless the command line says how often.
func fewerChecks(t *testing.T, n int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	check(t, f.Value.Set(strconv.Itoa(n)))
	t.Cleanup(func() { check(t, f.Value.Set(f.DefValue)) })
}

func propertyOrder(w *world, run int, list []*asked, withholds bool) string {
	text := fmt.Sprintf(`type: exhibit/order/v1
reference: "Ref %d"
authority: {name: Court, country: DE}
jurisdiction: DE
regime: test
legal_basis: "the law"
served: 2026-05-01T10:00:00Z
received: 2026-05-01T10:00:00Z
agency: {name: Agency, key: %s}
instrument: {file: warrant.txt, sha256: %s}
accounts:
%s`, run, w.recipient.Fingerprint, sign.Sum([]byte(instrumentText)), yaml(list))
	if withholds {
		text += "withhold:\n  - {domain: kanzlei.example, ground: attorney-client}\n"
	}
	return text
}

// admit draws which undetermined items the reviewer admits.
func admit(t *rapid.T, list []*asked, review *export.Review) {
	for _, a := range list {
		for _, l := range a.letters {
			if a.dropped || !l.when.IsZero() || a.from.IsZero() || !rapid.Bool().Draw(t, "admit") {
				continue
			}
			a.admitted[l.id] = true
			review.Admitted = append(review.Admitted, statement.Admitted{Account: a.name, SHA256: sign.Sum(l.text), Ground: "seen"})
		}
	}
	slices.SortFunc(review.Admitted, func(x, y statement.Admitted) int {
		if c := strings.Compare(x.Account, y.Account); c != 0 {
			return c
		}
		return bytes.Compare(x.SHA256[:], y.SHA256[:])
	})
}

// sourcesOf writes the letters and the records of all accounts that were accepted and
// have any.
func sourcesOf(t *testing.T, list []*asked) []export.Source {
	t.Helper()
	dir := t.TempDir()
	var sources []export.Source
	for i, a := range list {
		if a.dropped {
			continue
		}
		root := filepath.Join(dir, fmt.Sprint(i))
		check(t, os.MkdirAll(root, 0o755))
		if a.has("traffic") || a.has("content") {
			check(t, os.WriteFile(filepath.Join(root, "notes.txt"), nil, 0o644)) // no source is without any file
			for _, l := range a.letters {
				check(t, os.WriteFile(filepath.Join(root, fmt.Sprintf("path-%04d-marker.eml", l.id)), l.text, 0o644))
			}
			sources = append(sources, export.Source{Account: a.name, Path: root})
		}
		if a.records > 0 {
			rows := "name\n" + strings.Repeat("Alice Example\n", a.records)
			path := filepath.Join(dir, fmt.Sprintf("%d.csv", i))
			check(t, os.WriteFile(path, []byte(rows), 0o644))
			sources = append(sources, export.Source{Account: a.name, Path: path, Format: export.FormatSubscriber})
		}
	}
	return sources
}

// compareWithModel opens the package and compares it with what should be in it.
func compareWithModel(t *testing.T, w *world, res *export.Result, list []*asked, withholds, partial bool) {
	t.Helper()
	to := t.TempDir()
	_, err := open.Open(t.Context(), w.source(res.Package), w.signer.PublicKeys(), w.identity, folder(to), open.Options{Expect: res.Package.String(), Now: w.now})
	check(t, err)
	if got := string(res.Manifest.Acceptance); (got == "in-part") != partial {
		t.Fatalf("acceptance %s, partial %t", got, partial)
	}
	all := everything(t, to)
	got := map[string]string{} // category by message id
	subscribers := 0
	for _, rec := range records(t, to) {
		if rec.Category == "subscriber" {
			subscribers++
			continue
		}
		got[bag.ReadFields(rec.Fields).MessageID] = rec.Category
	}
	reasons := map[string]int64{}
	want, records := 0, 0
	for _, a := range list {
		if a.dropped {
			for _, l := range a.letters {
				absent(t, all, l, true)
			}
			continue
		}
		if a.has("subscriber") {
			records += a.records
		}
		if !a.has("traffic") && !a.has("content") {
			for _, l := range a.letters {
				absent(t, all, l, true)
			}
			continue
		}
		for _, l := range a.letters {
			category, reason := a.fate(l, withholds)
			if reason != "" {
				reasons[reason]++
			} else {
				want++
			}
			if id := fmt.Sprintf("<m%d@x.example>", l.id); got[id] != category {
				t.Fatalf("letter %d of %+v left as %q, want %q (%s)", l.id, a, got[id], category, reason)
			}
			if category != "content" {
				absent(t, all, l, category == "")
			} else if !bytes.Contains(all, []byte(l.marker("body"))) {
				t.Fatalf("letter %d is not there whole", l.id)
			}
		}
	}
	if len(got) != want || subscribers != records {
		t.Fatalf("%d messages and %d records left, want %d and %d", len(got), subscribers, want, records)
	}
	for _, r := range res.Reading.Reasons() {
		if r.Count != reasons[r.Reason] {
			t.Fatalf("%d withheld as %s, want %d", r.Count, r.Reason, reasons[r.Reason])
		}
	}
	if c := res.Manifest.Counts; c.Source != c.Included+c.Withheld || c.Included != int64(want+records) {
		t.Fatalf("counts %+v", c)
	}
}

// absent makes sure that nothing of a letter left; of one that was withheld, not
// even who wrote it, or where it lay.
func absent(t *testing.T, all []byte, l *letter, withheld bool) {
	t.Helper()
	secrets := append(l.secrets(), fmt.Sprintf("path-%04d-marker", l.id), sign.Sum(l.text).String())
	if withheld {
		secrets = append(secrets, fmt.Sprintf("sender%d@", l.id), fmt.Sprintf("<m%d@", l.id))
	}
	for _, s := range secrets {
		if bytes.Contains(all, []byte(s)) {
			t.Fatalf("%q of letter %d occurs in what leaves", s, l.id)
		}
	}
}

// everything is all files of an opened bag, with their names.
func everything(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s\n", path)
		b.Write(data)
		return err
	}))
	return b.Bytes()
}
