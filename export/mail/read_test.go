package mail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"exhibit/export/mail"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func readTree(t *testing.T, root string, opt mail.Options) *collector {
	t.Helper()
	var c collector
	if err := mail.Read(context.Background(), root, opt, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

// summary says in a line each what was found.
func summary(c *collector) []string {
	var lines []string
	for _, it := range c.items {
		lines = append(lines, fmt.Sprintf("%s %s %s %v %v", it.Source.File, it.Kind, it.Format, it.Labels, it.Flags))
	}
	for _, g := range c.gaps {
		lines = append(lines, fmt.Sprintf("%s: %s", g.Source.File, g.Reason))
	}
	slices.Sort(lines)
	return lines
}

func expect(t *testing.T, c *collector, want ...string) {
	t.Helper()
	if got := summary(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, s string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(s), nil))
}

func TestFolder(t *testing.T) {
	files := map[string]string{
		"a.eml":            msg,
		"broken.eml":       "\x00\x01",
		"empty.eml":        "",
		"Work/2015/b":      "junk\n" + msg,
		"Work/2015/c.txt":  "no header at all",
		"Work/cal.ics":     "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"Work/card.vcf":    "BEGIN:VCARD\r\nEND:VCARD\r\n",
		"Work/calendar":    "begin:vcalendar\r\n",
		"Work/Sent.mbox":   dated + msg,
		"Work/sent":        dated + msg,
		"from.eml":         dated + msg,
		"photo.jpg":        "\xff\xd8\xff\xe0\x00\x10JFIF",
		"notes.html":       "<html>\n<a href=\"http://example.org\">",
		"old.msg":          "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more",
		"old.pst":          "!BDN and more",
		"R&D/x.eml":        msg,
		"packed.mbox.gz":   gzipped(t, dated+msg),
		"packed.mbox.zst":  zstded(t, dated+msg),
		"one.eml.gz":       gzipped(t, msg),
		"photo.jpg.gz":     gzipped(t, "\xff\xd8\xff\xe0"),
		"not-really.gz":    msg,
		"empty.mbox.gz":    gzipped(t, ""),
		"unnamed-archive":  gzipped(t, dated+msg),
		"Work/.hidden/d.e": msg,
	}
	c := readTree(t, tree(t, files), mail.Options{})
	expect(t, c,
		"R&D/x.eml message eml [R&D] []",
		"Work/.hidden/d.e message eml [Work/.hidden] []",
		"Work/2015/b message eml [Work/2015] []",
		"Work/2015/c.txt message eml [Work/2015] []",
		"Work/Sent.mbox message mbox [Work/Sent] []",
		"Work/cal.ics event ics [Work] []",
		"Work/calendar event ics [Work] []",
		"Work/card.vcf contact vcf [Work] []",
		"Work/sent message mbox [Work/sent] []",
		"a.eml message eml [] []",
		"broken.eml message eml [] []",
		"empty.eml: empty file",
		"empty.mbox.gz: empty file",
		"from.eml message eml [] []",
		"not-really.gz message eml [] []",
		"notes.html: not recognised as mail",
		"old.msg: format not supported: Outlook MSG or PST",
		"old.pst: format not supported: Outlook MSG or PST",
		"one.eml.gz message eml [] []",
		"packed.mbox.gz message mbox [packed] []",
		"packed.mbox.zst message mbox [packed] []",
		"photo.jpg.gz: not recognised as mail",
		"photo.jpg: not recognised as mail",
		"unnamed-archive: not recognised as mail",
	)
	if !slices.IsSorted(c.order) {
		t.Errorf("files come out of order: %q", c.order)
	}
	for _, f := range c.files {
		stored := files[f.Path]
		if f.Size != int64(len(stored)) || f.SHA256 != sha256.Sum256([]byte(stored)) {
			t.Errorf("%s: size %d, want %d, or the digest is wrong", f.Path, f.Size, len(stored))
		}
	}
	for path, plain := range map[string]string{"packed.mbox.gz": dated + msg, "packed.mbox.zst": dated + msg, "one.eml.gz": msg, "photo.jpg.gz": "\xff\xd8\xff\xe0", "empty.mbox.gz": ""} {
		files[path] = plain
	}
	content := map[string][]byte{}
	for name, s := range files {
		content[name] = []byte(s)
	}
	reassemble(t, c, content)
}

// Paths are sorted as whole strings: a folder's files do not come before a
// neighbour whose name sorts before the slash.
func TestOrder(t *testing.T) {
	c := readTree(t, tree(t, map[string]string{"a/x.eml": msg, "a-b.eml": msg, "a.eml": msg, "a0.eml": msg, "B.eml": msg, "ä.eml": msg}), mail.Options{})
	want := []string{"B.eml", "a-b.eml", "a.eml", "a/x.eml", "a0.eml", "ä.eml"}
	if !reflect.DeepEqual(c.order, want) {
		t.Errorf("got %q, want %q", c.order, want)
	}
}

func TestMaildir(t *testing.T) {
	c := readTree(t, tree(t, map[string]string{
		"cur/1.host:2,FRS":            msg,
		"cur/2.host,S=5;2,T":          msg,
		"cur/3.host!2,DPa":            "broken",
		"cur/4.host:2,":               gzipped(t, msg),
		"cur/5.host":                  "",
		"new/6.host":                  dated + msg,
		"tmp/7.host":                  "half a mess",
		"dovecot-uidlist":             "3 V1\n",
		"dovecot.index.log":           "\x00",
		"subscriptions":               "A/B\n",
		"courierimapkeywords/x":       "y",
		"stray.eml":                   msg,
		".Sent/cur/8.host:2,S":        msg,
		".Sent/new/.keep":             "x",
		".Sent/maildirfolder":         "",
		".Work.Gr&APY-&AN8-e/cur/9":   msg,
		".Work.Gr&APY-&AN8-e/new/10":  msg,
		".Bad&!.x/cur/11":             msg,
		".Bad&!.x/new/12":             msg,
		"Archive/cur/13:2,S":          msg,
		"Archive/new/14":              msg,
		"Archive/.2015/cur/15":        msg,
		"Archive/.2015/new/16":        msg,
		".Not a Maildir/17.eml":       msg,
		".Sent/tmp/deeper/18.unknown": "x",
	}), mail.Options{Format: mail.FormatMaildir})
	expect(t, c,
		".Bad&!.x/cur/11 message maildir [Bad&!/x] []",
		".Bad&!.x/new/12 message maildir [Bad&!/x] []",
		".Not a Maildir/17.eml message eml [Not a Maildir] []",
		".Sent/cur/8.host:2,S message maildir [Sent] [Seen]",
		".Sent/maildirfolder: empty file",
		".Sent/new/.keep message maildir [Sent] []",
		".Sent/tmp/deeper/18.unknown: undelivered",
		".Work.Gr&APY-&AN8-e/cur/9 message maildir [Work/Größe] []",
		".Work.Gr&APY-&AN8-e/new/10 message maildir [Work/Größe] []",
		"Archive/.2015/cur/15 message maildir [Archive/2015] []",
		"Archive/.2015/new/16 message maildir [Archive/2015] []",
		"Archive/cur/13:2,S message maildir [Archive] [Seen]",
		"Archive/new/14 message maildir [Archive] []",
		"courierimapkeywords/x: mailbox housekeeping",
		"cur/1.host:2,FRS message maildir [INBOX] [Flagged Replied Seen]",
		"cur/2.host,S=5;2,T message maildir [INBOX] [Trashed]",
		"cur/3.host!2,DPa message maildir [INBOX] [Draft Passed a]",
		"cur/4.host:2, message maildir [INBOX] []",
		"cur/5.host: empty file",
		"dovecot-uidlist: mailbox housekeeping",
		"dovecot.index.log: mailbox housekeeping",
		"new/6.host message maildir [INBOX] []",
		"stray.eml message eml [INBOX] []",
		"subscriptions: mailbox housekeeping",
		"tmp/7.host: undelivered",
	)
}

// A Maildir below the root keeps the names of the folders above it.
func TestMaildirBelow(t *testing.T) {
	c := readTree(t, tree(t, map[string]string{
		"alice/Maildir/cur/1": msg, "alice/Maildir/new/2": msg, "alice/Maildir/.A.B/cur/3": msg, "alice/Maildir/.A.B/new/4": msg,
	}), mail.Options{})
	expect(t, c,
		"alice/Maildir/.A.B/cur/3 message maildir [alice/Maildir/A/B] []",
		"alice/Maildir/.A.B/new/4 message maildir [alice/Maildir/A/B] []",
		"alice/Maildir/cur/1 message maildir [alice/Maildir] []",
		"alice/Maildir/new/2 message maildir [alice/Maildir] []",
	)
}

func TestFormatOverride(t *testing.T) {
	tests := []struct {
		file, content, format string
		want                  string
	}{
		{"x.eml", dated + msg, mail.FormatMbox, "x.eml message mbox [x.eml] []"},
		{"x.mbox", dated + msg, mail.FormatEML, "x.mbox message eml [] []"},
		{"x.mbox", msg, mail.FormatMbox, "x.mbox: before the first message separator"},
		{"x", "anything", mail.FormatICS, "x event ics [] []"},
		{"x", "anything", mail.FormatVCF, "x contact vcf [] []"},
		{"x", "anything", "", "x message eml [] []"},
		{"x", "", mail.FormatEML, "x: empty file"},
		{"x.eml", dated + msg, mail.FormatMboxcl, "x.eml message mbox [x.eml] []"},
		{"x.ics", dated + msg, mail.FormatMboxcl2, "x.ics message mbox [x.ics] []"},
		{"x.eml", dated + msg, mail.FormatTakeout, "x.eml message mbox [x.eml] []"},
		{"x", gzipped(t, dated+msg), "", "x message mbox [x] []"},
	}
	for _, tt := range tests {
		c, err := read(t, tt.file, tt.content, mail.Options{Format: tt.format})
		if err != nil {
			t.Errorf("%s as %q: %v", tt.file, tt.format, err)
			continue
		}
		expect(t, c, tt.want)
	}
	c := readTree(t, tree(t, map[string]string{"x": dated + msg, "y.mbox": dated + msg}), mail.Options{Format: mail.FormatEML})
	expect(t, c, "x message eml [] []", "y.mbox message eml [] []")
	// A dialect is declared of the mbox files in a folder, and of nothing else.
	for format, dialect := range map[string]string{
		mail.FormatMboxo: "mboxo", mail.FormatMboxrd: "mboxrd", mail.FormatMboxcl: "mboxcl", mail.FormatMboxcl2: "mboxcl2", mail.FormatTakeout: "mboxrd",
	} {
		c := readTree(t, tree(t, map[string]string{"x.eml": msg, "y.mbox": dated + msg}), mail.Options{Format: format})
		expect(t, c, "x.eml message eml [] []", "y.mbox message mbox [y] []")
		if c.items[0].Dialect != "" || c.files[0].Dialect != "" {
			t.Errorf("%s: a message file of dialect %q", format, c.items[0].Dialect)
		}
		for _, evidence := range []string{c.items[1].Evidence, c.files[1].Evidence} {
			if evidence != mail.EvidenceDeclared {
				t.Errorf("%s: evidence %q", format, evidence)
			}
		}
		if c.items[1].Dialect != dialect || c.files[1].Dialect != dialect {
			t.Errorf("%s: item %s, file %s, want %s", format, c.items[1].Dialect, c.files[1].Dialect, dialect)
		}
	}
}

func TestRefusals(t *testing.T) {
	folder := tree(t, map[string]string{"a.eml": msg, "old.pst": "!BDN"})
	file := filepath.Join(folder, "a.eml")
	for _, tt := range []struct{ path, format string }{
		{folder, mail.FormatMbox}, {folder, mail.FormatICS}, {folder, mail.FormatMaildir}, {folder, "pst"},
		{file, mail.FormatMaildir}, {file, "pst"}, {filepath.Join(folder, "old.pst"), ""},
	} {
		var format *mail.FormatError
		c := &collector{}
		if err := mail.Read(context.Background(), tt.path, mail.Options{Format: tt.format}, c); !errors.As(err, &format) {
			t.Errorf("%s as %q: %v, want a FormatError", tt.path, tt.format, err)
		}
		if len(c.items)+len(c.gaps)+len(c.files) > 0 {
			t.Errorf("%s as %q: something was read", tt.path, tt.format)
		}
	}
	if err := mail.Read(context.Background(), filepath.Join(folder, "absent"), mail.Options{}, &collector{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestDamagedContainers(t *testing.T) {
	long := dated + msg + strings.Repeat("the quick brown fox\n", 20000)
	for name, content := range map[string]string{
		"cut.mbox.gz":       gzipped(t, long)[:len(gzipped(t, long))-5],
		"cut.mbox.zst":      zstded(t, long)[:len(zstded(t, long))-5],
		"trailing.mbox.gz":  gzipped(t, long) + "trailing",
		"trailing.mbox.zst": zstded(t, long) + "trailing",
		"flipped.mbox.gz":   gzipped(t, long)[:60] + "XXXX" + gzipped(t, long)[64:],
		"cut.jpg.gz":        gzipped(t, "\xff\xd8\xff\xe0")[:12],
	} {
		var damaged *mail.ReadError
		c := &collector{}
		err := mail.Read(context.Background(), tree(t, map[string]string{name: content}), mail.Options{}, c)
		if !errors.As(err, &damaged) || damaged.File != name || len(c.files) > 0 {
			t.Errorf("%s: %v and %d files, want a ReadError", name, err, len(c.files))
		}
	}
}

// Containers in several members or frames are read to their end.
func TestContainersInParts(t *testing.T) {
	for name, content := range map[string]string{
		"x.mbox.gz":  gzipped(t, dated) + gzipped(t, msg),
		"x.mbox.zst": "\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + zstded(t, dated) + zstded(t, msg),
	} {
		c := readTree(t, tree(t, map[string]string{name: content}), mail.Options{})
		if len(c.items) != 1 || string(c.items[0].Raw) != dated+msg {
			t.Errorf("%s: %d items", name, len(c.items))
		}
	}
}

func TestLimits(t *testing.T) {
	second := dated + msg + "\n"
	box := second + second
	tests := []struct {
		name    string
		files   map[string]string
		limits  mail.Limits
		what    string
		offset  int64
		atLimit mail.Limits
	}{
		{"message", map[string]string{"a.eml": msg}, mail.Limits{ItemBytes: int64(len(msg)) - 1}, "item bytes", 0, mail.Limits{ItemBytes: int64(len(msg))}},
		{"compressed message", map[string]string{"a.eml.gz": gzipped(t, msg)}, mail.Limits{ItemBytes: int64(len(msg)) - 1}, "item bytes", 0, mail.Limits{ItemBytes: int64(len(msg))}},
		{"last of an mbox", map[string]string{"a.mbox": box + "x"}, mail.Limits{ItemBytes: int64(len(second))}, "item bytes", int64(len(second)), mail.Limits{ItemBytes: int64(len(second)) + 1}},
		{"first of an mbox", map[string]string{"a.mbox": box}, mail.Limits{ItemBytes: int64(len(second)) - 1}, "item bytes", 0, mail.Limits{ItemBytes: int64(len(second))}},
		{"files", map[string]string{"a.eml": msg, "b/c.jpg": "\xff"}, mail.Limits{Files: 1}, "files", 0, mail.Limits{Files: 2}},
		{"depth", map[string]string{"a/b/c.eml": msg}, mail.Limits{Depth: 1}, "depth", 0, mail.Limits{Depth: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.files)
			var limit *mail.LimitError
			err := mail.Read(context.Background(), root, mail.Options{Limits: tt.limits}, &collector{})
			if !errors.As(err, &limit) || limit.What != tt.what || limit.Offset != tt.offset || limit.File == "" {
				t.Errorf("past the limit: %v", err)
			}
			if err := mail.Read(context.Background(), root, mail.Options{Limits: tt.atLimit}, &collector{}); err != nil {
				t.Errorf("at the limit: %v", err)
			}
		})
	}
}

// An endless line in an mbox is refused when the limit is reached, not held.
func TestMboxLimitWithoutSeparators(t *testing.T) {
	long := dated + msg + strings.Repeat("x", 4<<20)
	_, err := read(t, "box.mbox.gz", gzipped(t, long), mail.Options{Limits: mail.Limits{ItemBytes: 1 << 20}})
	var limit *mail.LimitError
	if !errors.As(err, &limit) || limit.Offset != 0 || limit.Limit != 1<<20 {
		t.Errorf("got %v", err)
	}
	c, err := read(t, "box.mbox", strings.Repeat("x", 4<<20), mail.Options{Limits: mail.Limits{ItemBytes: 1 << 20}})
	if err != nil || len(c.gaps) != 1 || c.gaps[0].Source.Length != 4<<20 {
		t.Errorf("what precedes the first message: %d gaps, %v", len(c.gaps), err)
	}
}

func TestProgress(t *testing.T) {
	stored := gzipped(t, dated+msg)
	var n int64
	if _, err := read(t, "box.mbox.gz", stored, mail.Options{Progress: func(d int64) { n += d }}); err != nil || n != int64(len(stored)) {
		t.Errorf("%d bytes, want %d (%v)", n, len(stored), err)
	}
}

// stopSink fails at the first item or gap.
type stopSink struct{ collector }

var errStop = errors.New("stop")

func (s *stopSink) Item(mail.Item) error { return errStop }

func TestSinkStops(t *testing.T) {
	for _, name := range []string{"a.eml", "a.mbox"} {
		root := tree(t, map[string]string{name: dated + msg})
		if err := mail.Read(context.Background(), root, mail.Options{}, &stopSink{}); err != errStop { //nolint:errorlint // the very error
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	root := tree(t, map[string]string{"a.eml": msg})
	for _, path := range []string{root, filepath.Join(root, "a.eml")} {
		if err := mail.Read(ctx, path, mail.Options{}, &collector{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// growSink appends to a file while it is read.
type growSink struct {
	collector
	path string
}

func (s *growSink) Item(mail.Item) error {
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("more")
	return err
}

func TestChangedWhileRead(t *testing.T) {
	for _, name := range []string{"a.eml", "a.mbox"} {
		path := filepath.Join(tree(t, map[string]string{name: dated + msg}), name)
		s := &growSink{path: path}
		if err := mail.Read(context.Background(), path, mail.Options{}, s); !errors.Is(err, mail.ErrChanged) || len(s.files) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever owns a mailbox chooses the names of its folders.
func TestMaildirFolderNames(t *testing.T) {
	files := map[string]string{"cur/1": msg, "new/2": msg}
	for _, name := range []string{".dovecot", ".dovecot-plans", ".courierimapx", "dovecot", "courierimapkeywords", ".subscriptions", "tmp"} {
		files[name+"/cur/3"], files[name+"/new/4"] = msg, msg
	}
	c := readTree(t, tree(t, files), mail.Options{Format: mail.FormatMaildir})
	if len(c.items) != len(files) || len(c.gaps) > 0 {
		t.Errorf("%d items of %d files, gaps %v", len(c.items), len(files), c.gaps)
	}
}

// Who can put a message into a Maildir can make it look compressed, and must not
// stop the reading of the others by it.
func TestMaildirNotCompressed(t *testing.T) {
	bomb := gzipped(t, strings.Repeat("a", 2000))
	files := map[string]string{
		"cur/1": "\x1f\x8b\x08 not gzip",
		"cur/2": gzipped(t, msg) + "trailing",
		"cur/3": "\x28\xb5\x2f\xfd not zstd",
		"cur/4": bomb,
		"new/5": gzipped(t, msg),
	}
	c := readTree(t, tree(t, files), mail.Options{Format: mail.FormatMaildir, Limits: mail.Limits{ItemBytes: 1999}})
	if len(c.items) != len(files) {
		t.Fatalf("%d items of %d files", len(c.items), len(files))
	}
	for _, it := range c.items {
		want, container := files[it.Source.File], ""
		if it.Source.File == "new/5" {
			want, container = msg, mail.ContainerGzip
		}
		if string(it.Raw) != want || it.Container != container || it.Source.Length != int64(len(want)) {
			t.Errorf("%s: %d bytes, container %q", it.Source.File, len(it.Raw), it.Container)
		}
	}
	for _, f := range c.files {
		stored := files[f.Path]
		if f.Size != int64(len(stored)) || f.SHA256 != sha256.Sum256([]byte(stored)) {
			t.Errorf("%s: size %d, want %d, or the digest is wrong", f.Path, f.Size, len(stored))
		}
	}
}
