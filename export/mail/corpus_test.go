package mail_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"exhibit/export/mail"
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
