package mail_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"exhibit/export/mail"
)

// read reads one file of that name and content.
func read(t testing.TB, name, content string, opt mail.Options) (*collector, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var c collector
	err := mail.Read(context.Background(), path, opt, &c)
	return &c, err
}

const (
	dated = "From a@example.org Mon Jun  1 10:00:00 2015\n"
	loose = "From somebody\n"
	msg   = "Subject: x\n\nbody\n"
)

func TestMboxSeparators(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    []string // the messages, separators and trailers left off; what precedes them after a "!"
	}{
		{"one", dated + msg, []string{msg}},
		{"two", dated + msg + "\n" + dated + msg + "\n", []string{msg, msg}},
		{"no blank line before a strict separator", dated + msg + dated + msg, []string{msg, msg}},
		{"no date, blank line before", loose + msg + "\n" + loose + msg + "\n", []string{msg, msg}},
		{"no date, no blank line", dated + msg + loose + msg, []string{msg + loose + msg}},
		{"Thunderbird", "From - Fri Jun 09 23:17:56 2000\n" + msg + "From - \n" + msg, []string{msg, msg}},
		{"weekday and date without an address", dated + msg + "From MAILER-DAEMON Fri Jul  8 12:08:34 2011\n" + msg, []string{msg, msg}},
		{"prose", dated + msg + "\nFrom here on it rains.\nNobody knows why.\n", []string{msg + "\nFrom here on it rains.\nNobody knows why.\n"}},
		{"prose before an address on the web", dated + msg + "\nFrom our site\nhttps://example.org/\n", []string{msg + "\nFrom our site\nhttps://example.org/\n"}},
		{"old separator in the header", dated + ">From b@example.org Mon Jun  1 10:00:00 2015\n" + msg, []string{">From b@example.org Mon Jun  1 10:00:00 2015\n" + msg}},
		{"no header", dated + "\nbody\n\n" + dated + "\nbody", []string{"\nbody\n", "\nbody"}},
		{"no header needs a blank line before", dated + msg + dated + "\nbody", []string{msg + dated + "\nbody"}},
		{"crlf", strings.ReplaceAll(dated+msg+"\n"+dated+msg+"\n", "\n", "\r\n"),
			[]string{strings.ReplaceAll(msg, "\n", "\r\n"), strings.ReplaceAll(msg, "\n", "\r\n")}},
		{"crlf separators, lf messages", "From - x\r\n" + msg + "\r\nFrom - x\r\n" + msg, []string{msg, msg}},
		{"byte order mark", "\xef\xbb\xbf" + dated + msg, []string{msg}},
		{"no final newline", dated + "Subject: x\n\nbody", []string{"Subject: x\n\nbody"}},
		{"separator at the very end", dated + msg + "\nFrom - x", []string{msg + "\nFrom - x"}},
		{"separators back to back", dated + dated + msg, []string{"!" + dated, msg}},
		{"empty last message", dated + msg + "\n" + dated, []string{msg, ""}},
		{"leading junk", "junk\n\n" + dated + msg, []string{"!junk\n\n", msg}},
		{"leading newline", "\n" + loose + msg, []string{"!\n", msg}},
		{"nothing but junk", "junk\n", []string{"!junk\n"}},
		{"line beyond the limit is no separator", dated + msg + "\nFrom - " + strings.Repeat("x", 4096) + "\n" + msg,
			[]string{msg + "\nFrom - " + strings.Repeat("x", 4096) + "\n" + msg}},
		{"line at the limit", dated + msg + "\nFrom - " + strings.Repeat("x", 4088) + "\n" + msg, []string{msg, msg}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box.mbox", tt.content, mail.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, g := range c.gaps {
				got = append(got, "!"+tt.content[g.Source.Offset:][:g.Source.Length])
			}
			for _, it := range c.items {
				got = append(got, string(it.Message()))
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			reassemble(t, c, map[string][]byte{"box.mbox": []byte(tt.content)})
		})
	}
}

func TestMboxContentLength(t *testing.T) {
	// The body holds what would be a separator; its length says that it is none.
	body := "one\n\n" + dated + "Subject: quoted\n\ntwo\n"
	header := func(n string) string { return "Subject: x\nContent-Length: " + n + "\n\n" }
	split := []string{header("27") + "one\n", "Subject: quoted\n\ntwo\n"}
	tests := []struct {
		name    string
		length  string
		content string
		want    []string
	}{
		{"to the next separator", "70", header("70") + body + "\n" + dated + msg, []string{header("70") + body, msg}},
		{"to the end", "70", header("70") + body, []string{header("70") + body}},
		{"to nowhere", "27", header("27") + body, split},
		{"far beyond the end", "999999999999", header("999999999999") + body, []string{header("999999999999") + "one\n", split[1]}},
		{"not a number", "7O", header("7O") + body, []string{header("7O") + "one\n", split[1]}},
		{"two that differ", "70", "Content-Length: 71\n" + header("70") + body, []string{"Content-Length: 71\n" + header("70") + "one\n", split[1]}},
	}
	if len(body) != 70 {
		t.Fatalf("the body has %d bytes", len(body))
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", dated+tt.content, mail.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, it := range c.items {
				got = append(got, string(it.Message()))
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMboxDialect(t *testing.T) {
	takeout := "From 1503474951213217546@xxx Mon Jun 01 10:00:00 +0000 2015\r\n"
	tests := []struct {
		name, format, content string
		dialect, evidence     string
	}{
		{"nothing quoted", "", dated + msg, mail.DialectUnknown, mail.EvidenceNoQuoted},
		{"quoted", "", dated + msg + ">From x\n", mail.DialectUnknown, mail.EvidenceNone},
		{"quoted twice", "", dated + msg + ">>From x\n", mail.DialectUnknown, mail.EvidenceNone},
		{"within a line", "", dated + msg + "a >From x\n", mail.DialectUnknown, mail.EvidenceNoQuoted},
		{"declared mboxrd", "mboxrd", dated + msg + ">From x\n", mail.DialectMboxrd, mail.EvidenceDeclared},
		{"declared mboxo", "mboxo", dated + msg + ">From x\n", mail.DialectMboxo, mail.EvidenceDeclared},
		{"takeout", "", takeout + "X-GM-THRID: 1\r\n" + msg + ">From x\n", mail.DialectMboxrd, mail.EvidenceTakeout},
		{"takeout's labels", "", takeout + "x-gmail-labels: Inbox\r\n" + msg + ">From x\n", mail.DialectMboxrd, mail.EvidenceTakeout},
		{"takeout's field from a sender", "", dated + "X-GM-THRID: 1\n" + msg + ">From x\n", mail.DialectUnknown, mail.EvidenceNone},
		{"takeout's field in a body", "", takeout + msg + "X-GM-THRID: 1\n>From x\n", mail.DialectUnknown, mail.EvidenceNone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", tt.content, mail.Options{Format: tt.format})
			if err != nil || len(c.items) != 1 {
				t.Fatalf("%d items, %v", len(c.items), err)
			}
			if it := c.items[0]; it.Dialect != tt.dialect || it.Evidence != tt.evidence {
				t.Errorf("got %s (%s), want %s (%s)", it.Dialect, it.Evidence, tt.dialect, tt.evidence)
			}
		})
	}
}

func TestMboxFlags(t *testing.T) {
	c, err := read(t, "Inbox.mbox", dated+"Status: RO\nX-Status: AFT\n"+msg, mail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	it := c.items[0]
	if got := strings.Join(it.Flags, " "); got != "Draft Flagged Replied Seen" {
		t.Errorf("flags %q", got)
	}
	if got := strings.Join(it.Labels, " "); got != "Inbox" {
		t.Errorf("labels %q", got)
	}
}

// A message may lie anywhere relative to the reader's buffer.
func TestMboxLarge(t *testing.T) {
	var box bytes.Buffer
	var want []int
	line := "From x\n" + strings.Repeat("y", 56) + "\n"
	for i := range 200 {
		size := i * i * 7 % 50_000
		if i%50 == 0 {
			size = 1 << 20
		}
		m := dated + "Subject: x\n\n" + strings.Repeat(line, size/len(line)) + "\n"
		want = append(want, len(m))
		box.WriteString(m)
	}
	c, err := read(t, "box", box.String(), mail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.items) != len(want) {
		t.Fatalf("%d messages, want %d", len(c.items), len(want))
	}
	for i, it := range c.items {
		if len(it.Raw) != want[i] {
			t.Errorf("message %d: %d bytes, want %d", i, len(it.Raw), want[i])
		}
	}
	reassemble(t, c, map[string][]byte{"box": box.Bytes()})
}

// A file that is one message by its name may be an mbox all the same.
func TestDoubtfulFile(t *testing.T) {
	for content, want := range map[string]bool{
		dated + msg: false, dated + msg + "\n" + dated + msg: true, msg + "\n" + dated + msg: false,
	} {
		c, err := read(t, "box.eml", content, mail.Options{})
		if err != nil || len(c.items) != 1 || c.items[0].Doubtful != want {
			t.Errorf("%q: %v, %+v", content, err, c.items)
		}
	}
}

// A sender can write Content-Length, and lines that look like separators:
// neither may decide in silence what belongs to which message.
func TestMboxDoubt(t *testing.T) {
	body := "one\n\n" + dated + "Subject: quoted\n\ntwo\n"
	claims := dated + "Subject: x\nContent-Length: 70\n\n" + body
	takeout := "From 1503474951213217546@xxx Mon Jun 01 10:00:00 +0000 2015\n"
	const maxSeparator = 4096 // export/FORMAT.md section 9.1
	long := func(n int) string { return "From x@example.org" + strings.Repeat(" ", n-19) + "\n" }
	tests := []struct {
		name, format, content string
		items, doubtful       int
	}{
		{"nothing", "", dated + msg + "\n" + dated + msg, 2, 0},
		{"content-length over a separator", "", claims + "\n" + dated + msg, 2, 1},
		{"content-length in a file that quotes", "mboxrd", claims + "\n" + dated + msg, 3, 0},
		{"content-length in one that quotes otherwise", "mboxo", claims + "\n" + dated + msg, 3, 0},
		{"content-length in a takeout", "", takeout + "X-GM-THRID: 1\nSubject: x\nContent-Length: 70\n\n" + body + "\n" + takeout + msg, 3, 0},
		{"separator before what is no header", "", dated + msg + "\n" + dated + "not a field\n\n" + dated + msg, 2, 1},
		{"separator before what is no header, without an empty line", "", dated + msg + dated + "not a field\n\n" + dated + msg, 2, 1},
		{"separator with an address before what is no header", "", dated + msg + "\nFrom x@example.org\nnot a field\n\n" + dated + msg, 2, 1},
		{"files put together, with a byte order mark between", "", dated + msg + "\n\ufeff" + dated + msg, 1, 1},
		{"separator of the longest length", "", dated + msg + "\n" + long(maxSeparator) + msg, 2, 0},
		{"separator that is too long", "", dated + msg + "\n" + long(maxSeparator+1) + msg, 1, 1},
		{"a byte order mark and prose", "", dated + msg + "\n\ufeffFrom here on it rains.\nNobody knows why.\n", 1, 0},
		{"a byte order mark within a line", "", dated + msg + "x\ufeff" + dated + msg, 1, 0},
		{"prose", "", dated + msg + "\nFrom here on it rains.\nNobody knows why.\n", 1, 0},
		{"quoted", "", dated + msg + "\n>" + dated + "not a field\n", 1, 0},
		{"first separator before what is no header", "", dated + "not a field\n\n" + dated + msg, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", tt.content, mail.Options{Format: tt.format})
			if err != nil {
				t.Fatal(err)
			}
			doubtful := 0
			for _, it := range c.items {
				if it.Doubtful {
					doubtful++
				}
			}
			if len(c.items) != tt.items || doubtful != tt.doubtful || len(c.gaps) > 0 {
				t.Errorf("%d items, %d doubtful, %d gaps; want %d, %d, none", len(c.items), doubtful, len(c.gaps), tt.items, tt.doubtful)
			}
			reassemble(t, c, map[string][]byte{"box": []byte(tt.content)})
		})
	}
}
