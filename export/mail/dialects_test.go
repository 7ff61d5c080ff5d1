package mail_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail"
	"exhibit/export/normalize"
)

// letter is a message before it is written into an mbox.
type letter struct {
	header []string
	body   []string
	ended  bool   // the last line of the body has a line end
	eol    string // of all its lines
}

func (l letter) text(header, body []string) string {
	s := strings.Join(header, l.eol) + l.eol + l.eol + strings.Join(body, l.eol)
	if l.ended && len(body) > 0 {
		s += l.eol
	}
	return s
}

var (
	plainFrom  = regexp.MustCompile(`^From `)
	quotedFrom = regexp.MustCompile(`^>*From `)
)

func mapped(lines []string, what *regexp.Regexp) []string {
	var out []string
	for _, l := range lines {
		if what.MatchString(l) {
			l = ">" + l
		}
		out = append(out, l)
	}
	return out
}

// writer is the reference: one message as a dialect has it. stored is what the
// file has of it, delivered what is to be delivered of it when the dialect is
// declared, but for its line ends.
type writer struct {
	format    string
	separator string
	write     func(l letter, last bool) (stored, delivered string)
}

// spaced ends a message as mboxo and mboxrd do: with a line end, if it has none,
// and an empty line; but for the last if it has no line end.
func (l letter) spaced(s, message string, last bool) (string, string) {
	switch {
	case strings.HasSuffix(s, l.eol):
		return s + l.eol, message
	case last:
		return s, message
	}
	return s + l.eol + l.eol, message + l.eol
}

// counted writes a message with its Content-Length and one line end after it.
func (l letter) counted(body []string) (string, string) {
	bare := l
	n := len(bare.text(nil, body)) - 2*len(l.eol)
	s := l.text(append(l.header[:len(l.header):len(l.header)], "Content-Length: "+strconv.Itoa(n)), body)
	return s + l.eol, s
}

const asctime = "From a@mail.example Mon Jun  1 10:00:00 2015"

var writers = map[string]writer{
	// Loses by design: a line `>From ` may have been `From `.
	"mboxo": {"mboxo", asctime, func(l letter, last bool) (string, string) {
		s := l.text(l.header, mapped(l.body, plainFrom))
		return l.spaced(s, s, last)
	}},
	"mboxrd": {"mboxrd", asctime, func(l letter, last bool) (string, string) {
		return l.spaced(l.text(l.header, mapped(l.body, quotedFrom)), l.text(l.header, l.body), last)
	}},
	// Loses by design, as mboxo.
	"mboxcl":  {"mboxcl", asctime, func(l letter, _ bool) (string, string) { return l.counted(mapped(l.body, plainFrom)) }},
	"mboxcl2": {"mboxcl2", asctime, func(l letter, _ bool) (string, string) { return l.counted(l.body) }},
	"takeout": {"takeout", "From 1503474951213217546@xxx Mon Jun 01 10:00:00 +0000 2015", func(l letter, last bool) (string, string) {
		header := append([]string{"X-GM-THRID: 1503474951213217546", "X-Gmail-Labels: Inbox"}, l.header...)
		return l.spaced(l.text(header, mapped(l.body, quotedFrom)), l.text(header, l.body), last)
	}},
}

// anyLetter draws a message; with a line end for all, or LF or CRLF.
func anyLetter(t *rapid.T, eol string) letter {
	line := rapid.SampledFrom([]string{"text", "", "From x", "From ", ">From x", ">>From x", " >From x", asctime, ">" + asctime, "From -",
		"Subject: in the body", "Content-Length: 3", "> From", "From: a@mail.example"})
	l := letter{eol: eol, body: rapid.SliceOfN(line, 0, 12).Draw(t, "body"), ended: rapid.Bool().Draw(t, "ended")}
	if eol == "" {
		l.eol = rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
	}
	l.header = []string{"Subject: x", "Message-ID: <" + strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "id")) + "@mail.example>"}
	return l
}

// For mailboxes in each dialect the spans come back byte for byte, declared or
// not, and declared the messages do too, or what the dialect has left of them.
func TestDialects(t *testing.T) {
	for name, w := range writers {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "box")
			rapid.Check(t, func(t *rapid.T) {
				eol := rapid.SampledFrom([]string{"", "\n", "\r\n", "\r"}).Draw(t, "all line ends")
				if name == "takeout" {
					eol = "\r\n"
				}
				letters := make([]letter, rapid.IntRange(1, 6).Draw(t, "messages"))
				bom := rapid.SampledFrom([]string{"", "\xef\xbb\xbf"}).Draw(t, "byte order mark")
				var spans, delivered []string
				for i := range letters {
					letters[i] = anyLetter(t, eol)
					stored, message := w.write(letters[i], i == len(letters)-1)
					spans = append(spans, bom+w.separator+letters[i].eol+stored)
					delivered = append(delivered, strings.ReplaceAll(regexp.MustCompile("\r\n|\n|\r").ReplaceAllString(message, "\n"), "\n", "\r\n"))
					bom = ""
				}
				content := []byte(strings.Join(spans, ""))
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, format := range []string{"", w.format} {
					var c collector
					if err := mail.Read(context.Background(), path, mail.Options{Format: format}, &c); err != nil {
						t.Fatal(err)
					}
					reassemble(t, &c, map[string][]byte{"box": content})
					var got, out []string
					for _, it := range c.items {
						got = append(got, string(it.Raw))
						b, _, exception := normalize.Normalize(it)
						if exception != "" {
							t.Fatalf("%q: %s", it.Raw, exception)
						}
						out = append(out, string(b))
						if format != "" && it.Doubtful {
							t.Fatalf("%q is doubtful", it.Raw)
						}
					}
					if !reflect.DeepEqual(got, spans) {
						t.Fatalf("%q:\ngot  %q\nwant %q", format, got, spans)
					}
					if (format != "" || name == "takeout") && !reflect.DeepEqual(out, delivered) {
						t.Fatalf("%q:\ngot  %q\nwant %q", format, out, delivered)
					}
				}
			})
		})
	}
}

// box writes letters as a dialect has them, with LF.
func box(dialect string, bodies ...string) string {
	var b strings.Builder
	w := writers[dialect]
	for _, body := range bodies {
		l := letter{header: []string{"Subject: x"}, body: strings.Split(body, "\n"), ended: true, eol: "\n"}
		stored, _ := w.write(l, false)
		b.WriteString(w.separator + "\n" + stored)
	}
	return b.String()
}

// A file's dialect is what all its first messages agree in, and an item has it
// only if it agrees too.
func TestRecognition(t *testing.T) {
	injected := "one\n\n" + writers["takeout"].separator + "\nX-GM-THRID: 1\nSubject: injected\n\n>From x"
	const (
		takeout = "mboxrd (takeout)"
		length2 = "mboxcl2 (content-length)"
		length  = "mboxcl (content-length)"
		quoting = "unknown (undeclared quoting)"
		nothing = "unknown (no quoted line)"
	)
	tests := []struct {
		name, format, content, file string
		items                       []string
	}{
		{"takeout", "", box("takeout", "From x", "y"), takeout, []string{takeout, takeout}},
		{"takeout, then another", "", box("takeout", "From x") + box("mboxo", "From x", "y"), quoting, []string{takeout, quoting, nothing}},
		{"another, then takeout", "", box("mboxo", "y") + box("takeout", "From x"), quoting, []string{nothing, quoting}},
		{"takeout in the body of a message that is not quoted", "", asctime + "\nSubject: x\n\n" + injected + "\n", quoting, []string{nothing, quoting}},
		{"takeout's field below a server's", "", writers["takeout"].separator + "\nReceived: x\nX-GM-THRID: 1\nSubject: x\n\n>From x\n", quoting, []string{quoting}},
		{"junk before takeout", "", "junk\n\n" + box("takeout", "From x"), quoting, []string{quoting}},
		{"mboxcl2", "", box("mboxcl2", asctime+"\nSubject: in it", "y", ">From x"), length2, []string{length2, length2, length2}},
		{"mboxcl2, one message", "", box("mboxcl2", "From x", ">From x"), length2, []string{length2, length2}},
		{"one message alone tells nothing", "", box("mboxcl2", "From x\n>From x"), quoting, []string{quoting}},
		{"mboxcl", "", box("mboxcl", "From x", "y"), length, []string{length, length}},
		{"lengths, and nothing to quote", "", box("mboxcl", "x", "y"), nothing, []string{nothing, nothing}},
		{"mboxcl2, then mboxo", "", box("mboxcl2", "From x", "y") + box("mboxo", "From x"), quoting, []string{nothing, nothing, quoting}},
		{"mboxo", "", box("mboxo", "From x", "y"), quoting, []string{quoting, nothing}},
		{"nothing to tell", "", box("mboxo", "x", "y"), nothing, []string{nothing, nothing}},
		{"no message", "", "junk\n", nothing, nil},
		{"declared takeout", "takeout", box("mboxo", "x"), "mboxrd (declared)", []string{"mboxrd (declared)"}},
		{"declared mboxcl", "mboxcl", box("takeout", "x"), "mboxcl (declared)", []string{"mboxcl (declared)"}},
		{"declared mboxcl2", "mboxcl2", box("takeout", "x"), "mboxcl2 (declared)", []string{"mboxcl2 (declared)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box.mbox", tt.content, mail.Options{Format: tt.format})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			counts := map[string]int{}
			for _, it := range c.items {
				got = append(got, fmt.Sprintf("%s (%s)", it.Dialect, it.Evidence))
				counts[it.Dialect]++
			}
			if !reflect.DeepEqual(got, tt.items) {
				t.Errorf("items: got %q, want %q", got, tt.items)
			}
			f := c.files[0]
			if got := fmt.Sprintf("%s (%s)", f.Dialect, f.Evidence); got != tt.file {
				t.Errorf("file: got %s, want %s", got, tt.file)
			}
			if len(counts) != len(f.Dialects) || len(counts) > 0 && !reflect.DeepEqual(counts, f.Dialects) {
				t.Errorf("counts: got %v, want %v", f.Dialects, counts)
			}
		})
	}
}

// Invariant 4: what is not certain is not unquoted.
func TestOnlyCertainIsUnquoted(t *testing.T) {
	for name := range writers {
		for _, format := range []string{"", name} {
			c, err := read(t, "box.mbox", box(name, ">From x", "From y"), mail.Options{Format: format})
			if err != nil || len(c.items) != 2 {
				t.Fatalf("%d items, %v", len(c.items), err)
			}
			certain := name == "takeout" || format == "mboxrd"
			for _, it := range c.items {
				_, transforms, _ := normalize.Normalize(it)
				unquoted := false
				for _, tr := range transforms {
					unquoted = unquoted || tr.Name == normalize.MboxrdQuoting
				}
				if unquoted != certain {
					t.Errorf("%s, declared %q: unquoted %v in %q", name, format, unquoted, it.Raw)
				}
			}
		}
	}
}

// Recognition looks at the first 4 MiB, and a message that goes on after them
// does not confuse it.
func TestRecognitionBounds(t *testing.T) {
	pad := func(dialect string, size int) string {
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(box(dialect, strings.Repeat("text\n", 2000)))
		}
		return b.String()
	}
	across := pad("mboxcl2", 4<<20-4000) + box("mboxcl2", strings.Repeat("text\n", 500)+"\n"+asctime+"\nSubject: in it\n\n"+strings.Repeat("text\n", 5000))
	tests := []struct{ name, content, file, last string }{
		{"another within", box("takeout", "x") + pad("mboxo", 4<<20), "unknown", "unknown"},
		{"another after", pad("takeout", 4<<20) + box("mboxo", "x"), "mboxrd", "unknown"},
		{"a separator in a body within", box("mboxcl2", "From x", "y") + pad("mboxcl2", 3<<20) + box("mboxo", "x") + pad("mboxcl2", 1<<20), "unknown", "unknown"},
		{"a separator in a body across the end", box("mboxcl2", "From x", "y") + across, "mboxcl2", "mboxcl2"},
		{"nothing whole within", box("mboxcl2", "From x"+strings.Repeat("text\n", 1<<20), "From y"), "unknown", "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", tt.content, mail.Options{})
			if err != nil {
				t.Fatal(err)
			}
			reassemble(t, c, map[string][]byte{"box": []byte(tt.content)})
			if f, last := c.files[0], c.items[len(c.items)-1]; f.Dialect != tt.file || last.Dialect != tt.last {
				t.Errorf("file %s (%s), last item %s; want %s and %s", f.Dialect, f.Evidence, last.Dialect, tt.file, tt.last)
			}
		})
	}
}

// A Content-Length that takes in the empty line before the next separator keeps it
// for the message, but not where lines are quoted: there a sender may have
// written it, and it tells nothing.
func TestLengthOfTrailer(t *testing.T) {
	const text = "Subject: x\nContent-Length: 5\n\nbody\n\n" // its body has 6 bytes
	lands := strings.Replace(text, "5", "6", 1)
	after := asctime + "\nSubject: y\n\ny\n\n"
	for _, tt := range []struct {
		name, format, content string
		trailer               int
	}{
		{"undeclared", "", asctime + "\n" + lands + after, 0},
		{"undeclared, without the empty line", "", asctime + "\n" + text + after, 1},
		{"mboxcl", "mboxcl", asctime + "\n" + lands + after, 0},
		{"mboxcl2", "mboxcl2", asctime + "\n" + lands + after, 0},
		{"mboxo", "mboxo", asctime + "\n" + lands + after, 1},
		{"mboxrd", "mboxrd", asctime + "\n" + lands + after, 1},
		{"takeout", "takeout", asctime + "\n" + lands + after, 1},
		{"recognised as takeout", "", writers["takeout"].separator + "\nX-GM-THRID: 1\n" + lands, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", tt.content, mail.Options{Format: tt.format})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.items[0].Trailer; got != tt.trailer {
				t.Errorf("%d bytes after the message, want %d", got, tt.trailer)
			}
			reassemble(t, c, map[string][]byte{"box": []byte(tt.content)})
		})
	}
}

// In a declared mboxcl2 Content-Length is what tells; where it does not land,
// and after that, there is a doubt. A declared mboxcl quotes besides.
func TestDeclaredLengths(t *testing.T) {
	inner := "one\n\n" + asctime + "\nSubject: quoted\n\ntwo"
	tests := []struct {
		name, format, content string
		doubtful              []bool
	}{
		{"mboxcl2 with a separator in a body", "mboxcl2", box("mboxcl2", inner, "x"), []bool{false, false}},
		{"mboxcl2 that looks like a takeout", "mboxcl2", strings.NewReplacer(asctime+"\nSubject: x", writers["takeout"].separator+"\nX-GM-THRID: 1\nSubject: x").
			Replace(box("mboxcl2", inner, "x")), []bool{false, false}},
		{"mboxcl2 undeclared", "", box("mboxcl2", inner, "x"), []bool{true, false}},
		{"mboxcl with a line that it would have quoted", "mboxcl", box("mboxcl2", inner, "x"), []bool{true, false}},
		{"mboxcl2 without a length", "mboxcl2", box("mboxcl2", "x") + box("mboxo", "y") + box("mboxcl2", "x", "z"), []bool{false, true, true, false}},
		{"mboxcl2, cut short", "mboxcl2", strings.TrimSuffix(box("mboxcl2", "x", "yyyy"), "yy\n\n"), []bool{false, true}},
		{"mboxcl2 after junk", "mboxcl2", "junk\n\n" + box("mboxcl2", "x", "y"), []bool{true, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, "box", tt.content, mail.Options{Format: tt.format})
			if err != nil {
				t.Fatal(err)
			}
			var got []bool
			for _, it := range c.items {
				got = append(got, it.Doubtful)
			}
			if !reflect.DeepEqual(got, tt.doubtful) {
				t.Errorf("doubtful: got %v, want %v", got, tt.doubtful)
			}
			reassemble(t, c, map[string][]byte{"box": []byte(tt.content)})
		})
	}
}

// A file without any LF in its first 64 KiB has lines that end with CR, and so
// has one that begins with a separator line which does.
func TestMboxCR(t *testing.T) {
	cr := func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }
	one := cr(asctime + "\n" + msg)
	filled := func(at int) string { // the first LF is at that offset
		head := cr("junk\n\n" + asctime + "\nSubject: x\n\n")
		return head + strings.Repeat("x", at-len(head)) + "\n\r" + one
	}
	tests := []struct {
		name, file, content string
		items, gaps         int
		doubtful            bool
	}{
		{"two", "box", one + "\r" + one, 2, 0, false},
		{"two by a name that says nothing", "box.dat", one + "\r" + one, 2, 0, false},
		{"byte order mark, no final line end", "box.mbox", "\xef\xbb\xbf" + one + "\r" + strings.TrimSuffix(one, "\r"), 2, 0, false},
		{"no empty line before", "box", one + one, 2, 0, false},
		{"no date", "box.mbox", cr(loose) + cr(msg) + "\r" + cr(loose) + cr(msg), 2, 0, false},
		{"first LF within", "box.mbox", filled(64<<10 - 1), 0, 1, false},
		{"first LF after", "box.mbox", filled(64 << 10), 2, 1, false},
		{"LF in a body", "box", cr(asctime+"\nSubject: x\n\n") + "a\nb\r\r" + one, 2, 0, false},
		{"LF after 64 KiB of CR", "box.mbox", cr(box("mboxo", strings.Repeat("text\n", 20_000))) + dated + msg + "\n" + dated + msg, 3, 0, false},
		{"CR between LF", "box.mbox", dated + msg + "\n" + one, 1, 0, true},
		{"CR in prose between LF", "box.mbox", dated + msg + "\rFrom here on\r", 1, 0, false},
		{"one message by its name", "box.eml", one + "\r" + one, 1, 0, true},
		{"quoted", "box", one + "\r>" + one, 1, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read(t, tt.file, tt.content, mail.Options{})
			if err != nil {
				t.Fatal(err)
			}
			doubtful := len(c.items) > 0 && c.items[0].Doubtful
			if len(c.items) != tt.items || len(c.gaps) != tt.gaps || doubtful != tt.doubtful {
				t.Errorf("%d items, %d gaps, doubtful %v; want %d, %d, %v", len(c.items), len(c.gaps), doubtful, tt.items, tt.gaps, tt.doubtful)
			}
			reassemble(t, c, map[string][]byte{tt.file: []byte(tt.content)})
		})
	}
}

// Whatever a message holds, its bytes are its bytes.
func TestMboxBytes(t *testing.T) {
	bodies := map[string]string{
		"NUL": "a\x00b\x00\n", "a line of 5 MB": strings.Repeat("x", 5_000_000) + "\n", "NUL only": strings.Repeat("\x00", 100_000) + "\n",
		"CR within": "a\rb\r\r\n", "8-bit": "\xff\xfe\n", "From within": strings.Repeat("From From ", 100_000) + "\n", "many quotes": strings.Repeat(">", 1_000_000) + "From x\n",
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			m := "Subject: x\n\n" + body
			content := dated + m + "\n" + dated + m
			c, err := read(t, "box", content, mail.Options{})
			if err != nil || len(c.items) != 2 {
				t.Fatalf("%d items, %v", len(c.items), err)
			}
			for _, it := range c.items {
				if string(it.Message()) != m {
					t.Errorf("%d bytes, want %d", len(it.Message()), len(m))
				}
			}
			reassemble(t, c, map[string][]byte{"box": []byte(content)})
		})
	}
}

// A message in several folders is several items, each with its folder.
func TestCopies(t *testing.T) {
	m := "Message-ID: <1@mail.example>\r\nSubject: x\r\n\r\nFrom here on\r\n"
	lf := strings.ReplaceAll(m, "\r\n", "\n")
	root := tree(t, map[string]string{
		"Maildir/cur/1:2,S":          m,
		"Maildir/new/.keep":          m,
		"Maildir/.Archive/cur/1:2,S": m,
		"Maildir/.Archive/new/2":     lf,
		"Inbox.mbox":                 asctime + "\n" + strings.Replace(lf, "\nFrom ", "\n>From ", 1) + "\n",
		"Sent.mbox":                  asctime + "\r\n" + strings.Replace(m, "\nFrom ", "\n>From ", 1),
	})
	c := readTree(t, root, mail.Options{Format: mail.FormatMboxrd})
	var got []string
	for _, it := range c.items {
		out, _, exception := normalize.Normalize(it)
		if exception != "" || string(out) != m || !bytes.Contains(it.Raw, []byte("Message-ID: <1@mail.example>")) {
			t.Errorf("%s: %s %q", it.Source.File, exception, out)
		}
		got = append(got, strings.Join(it.Labels, " "))
	}
	want := []string{"Inbox", "Maildir/Archive", "Maildir/Archive", "Maildir", "Maildir", "Sent"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("labels %q, want %q", got, want)
	}
}

func TestMozillaFlags(t *testing.T) {
	for field, want := range map[string]string{
		"X-Mozilla-Status: 0001":                   "Seen",
		"X-Mozilla-Status: 0002\nX-Status: F":      "Flagged Replied",
		"X-Mozilla-Status: 0004":                   "Flagged",
		"X-Mozilla-Status: 0009":                   "Seen Trashed",
		"x-mozilla-status: 1000":                   "Passed",
		"X-Mozilla-Status: 100f\nStatus: RO":       "Flagged Passed Replied Seen Trashed",
		"X-Mozilla-Status: 0010":                   "",
		"X-Mozilla-Status: 10000":                  "",
		"X-Mozilla-Status: -1":                     "",
		"X-Mozilla-Status: seen":                   "",
		"X-Mozilla-Status2: 00000001":              "",
		"Subject: y\n\nX-Mozilla-Status: 0001\n":   "",
		"X-Mozilla-Keys: a\nX-Mozilla-Status:0001": "Seen",
	} {
		c, err := read(t, "box", dated+field+"\n"+msg, mail.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(c.items[0].Flags, " "); got != want {
			t.Errorf("%q: flags %q, want %q", field, got, want)
		}
	}
}

// Declared, every dialect keeps every byte, whatever the file is.
func FuzzDeclared(f *testing.F) {
	formats := []string{"mboxo", "mboxrd", "mboxcl", "mboxcl2", "takeout"}
	for i, name := range formats {
		f.Add(byte(i), []byte(box(name, "From x\n\n"+asctime+"\nSubject: in it", "y")))
		f.Add(byte(i), []byte(strings.ReplaceAll(box(name, ">From x", ""), "\n", "\r")))
	}
	f.Add(byte(3), []byte("From -\rContent-Length: 0\r\r\n\rFrom -\nContent-Length: 2\n\n\r\n"))
	f.Fuzz(func(t *testing.T, format byte, content []byte) {
		c, err := read(t, "box", string(content), mail.Options{Format: formats[int(format)%len(formats)]})
		if err != nil {
			t.Fatal(err)
		}
		reassemble(t, c, map[string][]byte{"box": content})
		for _, it := range c.items {
			out, transforms, exception := normalize.Normalize(it)
			if exception == normalize.ReasonInverseMismatch {
				t.Fatalf("%q: %s", it.Raw, exception)
			}
			if back, err := normalize.Invert(out, transforms); err != nil || !bytes.Equal(back, it.Raw) {
				t.Fatalf("%q: %q, %v", it.Raw, back, err)
			}
		}
	})
}
