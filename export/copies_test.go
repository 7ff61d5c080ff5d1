package export_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exhibit/export/bag"
)

// Invariant 3: a message in several folders is as many items, each with its own
// record and file; equal MIH and equal digest mark them, whatever kind of mailbox
// each copy lay in.
func TestCopiesAreItems(t *testing.T) {
	const message = "Message-ID: <copy@x.example>\nDate: Mon, 05 Jan 2026 10:00:00 +0000\nFrom: b@x.example\nSubject: copied\n\nbody\n"
	root := t.TempDir()
	for name, text := range map[string]string{
		"Maildir/cur/1!2,S":         message,
		"Maildir/.Archive/cur/2!2,": message,
		"Sent.mbox":                 "From b@x.example Mon Jan  5 10:00:00 2026\n" + message + "\n",
		"Kept/copy.eml":             strings.ReplaceAll(message, "\n", "\r\n"),
		"Kept/other.eml":            strings.Replace(message, "copy@", "other@", 1),
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, []byte(text), 0o600))
	}
	for _, dir := range []string{"Maildir/new", "Maildir/.Archive/new"} { // a Maildir has both
		check(t, os.MkdirAll(filepath.Join(root, dir), 0o700))
	}
	w := newWorld(t, newDir(t))
	res := w.export(w.order(entireA), source("a@mail.example", root))
	to, rep := w.open(res.Package)
	if rep.Counts.Included != 5 || rep.Counts.Withheld != 0 {
		t.Fatalf("counts %+v", rep.Counts)
	}
	var folders []string
	digests, hashes := map[string]bool{}, map[string]bool{}
	for _, rec := range records(t, to) {
		f := bag.ReadFields(rec.Fields)
		if f.MessageID != "<copy@x.example>" {
			continue
		}
		folders = append(folders, strings.Join(rec.Labels, ","))
		digests[rec.SHA256.String()], hashes[f.MIH] = true, true
	}
	slices.Sort(folders)
	want := []string{"Kept", "Maildir", "Maildir/Archive", "Sent"}
	if !slices.Equal(folders, want) || len(digests) != 1 || len(hashes) != 1 {
		t.Errorf("copies in %q, want %q; %d digests, %d hashes", folders, want, len(digests), len(hashes))
	}
}
