package mail_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// reassemble holds that every byte of the (decompressed) files belongs to
// exactly one item or gap, in order, and that the digests are right.
func reassemble(t failer, c *collector, files map[string][]byte) {
	t.Helper()
	type piece struct {
		mail.Locator
		raw []byte
		sum [32]byte
	}
	at := map[string][]piece{}
	for _, it := range c.items {
		at[it.Source.File] = append(at[it.Source.File], piece{it.Source, it.Raw, sha256.Sum256(it.Raw)})
		if it.Separator < 0 || it.Trailer < 0 || it.Separator+it.Trailer > len(it.Raw) {
			t.Fatalf("separator of %d and trailer of %d in %d bytes", it.Separator, it.Trailer, len(it.Raw))
		}
	}
	for _, g := range c.gaps { // a gap precedes all items of its file
		at[g.Source.File] = append([]piece{{g.Source, nil, g.SHA256}}, at[g.Source.File]...)
	}
	for _, f := range c.files {
		content, ok := files[f.Path]
		if !ok {
			t.Fatalf("%s is no file", f.Path)
		}
		end := int64(0)
		for _, p := range at[f.Path] {
			if p.Offset != end {
				t.Fatalf("%s: a piece begins at %d, the last ended at %d", f.Path, p.Offset, end)
			}
			end += p.Length
			if end > int64(len(content)) {
				t.Fatalf("%s: a piece ends at %d of %d", f.Path, end, len(content))
			}
			span := content[p.Offset:end]
			if p.raw != nil && !bytes.Equal(p.raw, span) || p.sum != sha256.Sum256(span) {
				t.Fatalf("%s: the piece at %d has other bytes", f.Path, p.Offset)
			}
		}
		if end != int64(len(content)) || f.Length != end {
			t.Fatalf("%s: %d of %d bytes accounted for; length %d", f.Path, end, len(content), f.Length)
		}
		if f.Items+f.Gaps != len(at[f.Path]) {
			t.Fatalf("%s: %d items and %d gaps, %d pieces", f.Path, f.Items, f.Gaps, len(at[f.Path]))
		}
		if f.Container == "" && (f.Size != end || f.SHA256 != sha256.Sum256(content)) {
			t.Fatalf("%s: size %d or digest is wrong", f.Path, f.Size)
		}
	}
	if len(c.files) != len(files) {
		t.Fatalf("%d files, want %d", len(c.files), len(files))
	}
}

// Invariant 3: every byte of a source belongs to one item or to a listed gap.
func TestEveryByteOnce(t *testing.T) {
	dir := t.TempDir()
	words := rapid.SampledFrom([]string{"\n", "\n\n", "\r\n", "\r", dated, loose, "From -\n", "From ", "Subject: x\n", "Content-Length: 12\n",
		">From x\n", "body", "\xef\xbb\xbf", "\x00", " ", "BEGIN:VCALENDAR\n", "\x1f\x8b\x08", "!BDN"})
	names := rapid.SampledFrom([]string{"a.mbox", "a.eml", "a.ics", "a.vcf", "a", "a.bin", "cur", "a.mbox.gz"})
	rapid.Check(t, func(t *rapid.T) {
		content := []byte(strings.Join(rapid.SliceOfN(words, 0, 60).Draw(t, "words"), ""))
		name := names.Draw(t, "name")
		if bytes.HasPrefix(content, []byte("\x1f\x8b\x08")) && strings.HasSuffix(name, ".gz") {
			return // damaged containers are errors
		}
		root := filepath.Join(dir, "root")
		if err := os.RemoveAll(root); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.Mkdir(root, 0o700); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		var c collector
		if err := mail.Read(context.Background(), root, mail.Options{}, &c); err != nil {
			t.Fatalf("%v", err)
		}
		reassemble(t, &c, map[string][]byte{name: content})
	})
}

func FuzzMbox(f *testing.F) {
	f.Add([]byte(dated + msg + "\n" + dated + msg))
	f.Add([]byte("junk\n\n" + loose + msg + "\r\n" + loose + msg))
	f.Add([]byte("\xef\xbb\xbf" + dated + "Content-Length: 8\n\n\nFrom -\n\n" + dated + "\n\n"))
	f.Add([]byte("From 1@xxx Mon Jun 01 10:00:00 +0000 2015\r\nX-GM-THRID: 1\r\n\r\n>From x\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := read(t, "box", string(content), mail.Options{Format: mail.FormatMbox})
		if err != nil {
			t.Fatal(err)
		}
		reassemble(t, c, map[string][]byte{"box": content})
	})
}
