package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
)

// corpus returns the folder of mail that real software met, which lies beside
// the module and not in it.
func corpus(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpus of mail beside the module: %v", err)
	}
	return dir
}

type expectation struct {
	File   string `json:"file"`
	Expect map[string]json.RawMessage
}

func expectations(t *testing.T, dir string) []expectation {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []expectation
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e expectation
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, e)
	}
	if err := lines.Err(); err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

// What independent readers of mail agree on, Describe says as well.
func TestCorpusHeaders(t *testing.T) {
	dir := corpus(t)
	agree, total := map[string]int{}, map[string]int{}
	for _, e := range expectations(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, "eml", e.File))
		if err != nil {
			t.Fatal(err)
		}
		h := header.Read(raw)
		m := mail.Describe(h)
		for _, key := range []string{"mid", "date", "from", "to", "subj"} {
			want, ok := e.Expect[key]
			if !ok {
				continue
			}
			total[key]++
			if got, same := compare(t, key, m, h, want); same {
				agree[key]++
			} else {
				t.Logf("%s: %s: got %q, want %s", e.File, key, got, want)
			}
		}
	}
	for _, key := range []string{"mid", "date", "from", "to", "subj"} {
		share := float64(agree[key]) / float64(total[key])
		t.Logf("%-5s %d of %d (%.1f %%)", key, agree[key], total[key], 100*share)
		if share < 0.97 {
			t.Errorf("%s: agreement of %.1f %% is less than 97 %%", key, 100*share)
		}
	}
}

// compare holds one key against what is expected.
func compare(t *testing.T, key string, m mail.Metadata, h header.Header, want json.RawMessage) (got any, same bool) {
	t.Helper()
	switch key {
	case "mid":
		id := strings.Trim(m.MessageID, "<>")
		return id, id == decode[string](t, want)
	case "date":
		at := decode[*int64](t, want)
		d, err := header.Date(h.Get("Date"))
		if err != nil || at == nil {
			return err, err != nil && at == nil
		}
		return d, d.Earliest.Unix() <= *at && *at <= d.Latest.Unix()
	case "from":
		list := lower(m.From)
		return list, slices.Equal(list, decode[[]string](t, want))
	case "to":
		list := lower(m.To)
		return list, slices.Equal(list, decode[[]string](t, want))
	}
	s := norm.NFC.String(strings.Join(strings.Fields(m.Subject), " "))
	return s, s == decode[string](t, want)
}

func decode[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func lower(list []header.Address) []string {
	addrs := []string{}
	for _, a := range list {
		addrs = append(addrs, strings.ToLower(a.Addr))
	}
	slices.Sort(addrs)
	return addrs
}

// Every file of the corpus is exactly one item of exactly the file's bytes.
func TestCorpusFilesAreItems(t *testing.T) {
	dir := filepath.Join(corpus(t), "eml")
	var c collector
	if err := mail.Read(context.Background(), dir, mail.Options{}, &c); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.items) != len(entries) || len(c.gaps) != 0 {
		t.Errorf("%d files, %d items, %d gaps", len(entries), len(c.items), len(c.gaps))
	}
	for _, it := range c.items {
		want, err := os.ReadFile(filepath.Join(dir, it.Source.File))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(it.Raw, want) || it.Kind != mail.KindMessage {
			t.Errorf("%s: %s of %d bytes at %d, file has %d", it.Source.File, it.Kind, len(it.Raw), it.Source.Offset, len(want))
		}
	}
}

func TestCorpusMbox(t *testing.T) {
	dir := filepath.Join(corpus(t), "mbox")
	for name, want := range map[string]int{
		"mbox.rlug": 5, "sisimai-mbox-0.mbox": 37, "complex.mbox": 3, "headers.mbox": 1, "single_mail.mbox": 1,
		"simple.mbox": 2, // two separator lines, whatever a list of counts may say
	} {
		var c collector
		if err := mail.Read(context.Background(), filepath.Join(dir, name), mail.Options{}, &c); err != nil {
			t.Fatal(err)
		}
		if len(c.items) != want || len(c.gaps) != 0 {
			t.Errorf("%s: %d messages, %d gaps, want %d", name, len(c.items), len(c.gaps), want)
		}
		if name != "mbox.rlug" {
			continue
		}
		for i, it := range c.items {
			single, err := os.ReadFile(filepath.Join(dir, name+"-"+string(rune('0'+i))))
			if err != nil {
				t.Fatal(err)
			}
			// The single files keep the empty line that ends a message in an mbox.
			if got := it.Raw[it.Separator:]; !bytes.Equal(got, single) || it.Trailer != 1 {
				t.Errorf("message %d: %d bytes, want %d; trailer of %d", i, len(got), len(single), it.Trailer)
			}
		}
	}
}

func TestCorpusOutlook(t *testing.T) {
	for _, name := range []string{"msg", "pst"} {
		dir := filepath.Join(corpus(t), name)
		var c collector
		if err := mail.Read(context.Background(), dir, mail.Options{}, &c); err != nil {
			t.Fatal(err)
		}
		if len(c.items) != 0 || len(c.gaps) == 0 {
			t.Errorf("%s: %d items, %d gaps", name, len(c.items), len(c.gaps))
		}
		for _, g := range c.gaps {
			if g.Reason != mail.ReasonOutlook {
				t.Errorf("%s: %s", g.Source.File, g.Reason)
			}
			var refused *mail.FormatError
			err := mail.Read(context.Background(), filepath.Join(dir, g.Source.File), mail.Options{}, &collector{})
			if !asError(err, &refused) {
				t.Errorf("%s alone: %v, want a FormatError", g.Source.File, err)
			}
		}
	}
}
