package header_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

func TestRead(t *testing.T) {
	tests := []struct {
		name    string
		raw     string
		fields  []string // name=value
		body    string
		defects []string // name@offset
	}{
		{"plain", "A: b\r\nC:d\r\n\r\nbody", []string{"A=b", "C=d"}, "body", nil},
		{"lf", "A: b\nC: d\n\nbody", []string{"A=b", "C=d"}, "body", nil},
		{"mixed", "A: b\r\nC: d\n\r\nbody", []string{"A=b", "C=d"}, "body", nil},
		{"cr only", "A: b\rC: d\r e\r\rbody", []string{"A=b", "C=d e"}, "body", []string{"cr-line-ends@0"}},
		{"folded", "A: b\r\n\tc\r\n  d\r\nE: f\r\n\r\n", []string{"A=b\tc  d", "E=f"}, "", nil},
		{"blank continuation", "A: b\n \nC: d\n\nbody", []string{"A=b", "C=d"}, "body", nil},
		{"empty value", "A:\nB: \n\n", []string{"A=", "B="}, "", nil},
		{"space before the colon", "A : b\n\n", []string{"A=b"}, "", nil},
		{"8-bit", "A: \xe4\n\n", []string{"A=\xe4"}, "", nil},
		{"nul", "A: b\x00c\n\n", []string{"A=b\x00c"}, "", []string{"nul@4"}},
		{"bare cr", "A: b\rC: d\r\n\te\rf\n\n", []string{"A=bC: d\tef"}, "", []string{"bare-cr@4", "bare-cr@13"}},
		{"continuation of an old separator", "A: b\n>From x\n c\n\n", []string{"A=b"}, "", []string{"mbox-line@5", "lost-continuation@13"}},
		{"no body", "A: b\n", []string{"A=b"}, "", nil},
		{"no line end", "A: b", []string{"A=b"}, "", nil},
		{"byte order mark", "\xef\xbb\xbfA: b\n\nbody", []string{"A=b"}, "body", nil},
		{"leading space", " A: b\nC: d\n\n", []string{"A=b", "C=d"}, "", []string{"leading-space@0"}},
		{"leading empty lines", "\n\nDate: b\n\nbody", []string{"Date=b"}, "body", []string{"leading-empty-line@0"}},
		{"empty line and text", "\nsome: text", nil, "some: text", []string{"no-header@0"}},
		{"junk", "A: b\njunk\nSubject: d\n\nbody", []string{"A=b", "Subject=d"}, "body", []string{"junk-line@5"}},
		{"junk first", "junk\nSubject: d\n\nbody", []string{"Subject=d"}, "body", []string{"junk-line@0"}},
		{"continued junk", "A: b\njunk\n more\nSubject: d\n\n", []string{"A=b", "Subject=d"}, "", []string{"junk-line@5", "lost-continuation@10"}},
		{"separator", "From x\nA: b\n\n", []string{"A=b"}, "", []string{"mbox-line@0"}},
		{"old separator", "A: b\n>From x\nC: d\n\n", []string{"A=b", "C=d"}, "", []string{"mbox-line@5"}},
		{"no empty line", "Subject: b\nthe body\nhas lines\n", []string{"Subject=b"}, "the body\nhas lines\n", []string{"no-empty-line@11"}},
		// readers agree that a message's own boundary ends its header
		{"boundary without an empty line", "Content-Type: multipart/x; boundary=b\n--b\nSubject: c\n\n", []string{"Content-Type=multipart/x; boundary=b"}, "--b\nSubject: c\n\n", []string{"no-empty-line@38"}},
		{"boundary with a colon", "Content-Type: multipart/x;\n boundary=\"b:c\"\n--b:c \nSubject: c\n\n", []string{"Content-Type=multipart/x; boundary=\"b:c\""}, "--b:c \nSubject: c\n\n", []string{"no-empty-line@43"}},
		{"another boundary", "Content-Type: multipart/x; boundary=b\n--c\nSubject: c\n\n", []string{"Content-Type=multipart/x; boundary=b", "Subject=c"}, "", []string{"junk-line@38"}},
		{"boundary after junk", "Content-Type: multipart/x; boundary=b\njunk\n--b\nSubject: c\n\n", []string{"Content-Type=multipart/x; boundary=b"}, "junk\n--b\nSubject: c\n\n", []string{"no-empty-line@38"}},
		{"nothing", "", nil, "", []string{"no-header@0"}},
		{"text", "just text\n\nand more\n", nil, "just text\n\nand more\n", []string{"no-header@0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := header.Read([]byte(tt.raw))
			var fields, defects []string
			for _, f := range h.Fields {
				fields = append(fields, f.Name+"="+f.Value())
				if !strings.HasPrefix(tt.raw[f.Offset:], f.Name) {
					t.Errorf("%s is not at %d", f.Name, f.Offset)
				}
			}
			for _, d := range h.Defects {
				defects = append(defects, fmt.Sprintf("%s@%d", d.Name, d.Offset))
			}
			if !reflect.DeepEqual(fields, tt.fields) {
				t.Errorf("fields %q, want %q", fields, tt.fields)
			}
			if !reflect.DeepEqual(defects, tt.defects) {
				t.Errorf("defects %q, want %q", defects, tt.defects)
			}
			if got := tt.raw[h.Body:]; got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
		})
	}
}

// Every line of junk is judged alike, whether one before it looked as far.
func TestJunkBeforeKnownField(t *testing.T) {
	for _, tt := range []struct {
		junk, after string
		fields, bad int
	}{
		{strings.Repeat("x\n", 20), "To: a\n", 2, 20},
		{strings.Repeat("x\n", 20) + "Unknown: a\n", "To: a\n", 1, 1},
		{strings.Repeat("x\n", 19) + "Unknown: a\n", "To: a\n", 3, 19},
		{strings.Repeat("x\nTo: b\n", 3), "x\ny\n", 4, 4}, // the last junk ends the header
	} {
		h := header.Read([]byte("Subject: a\n" + tt.junk + tt.after + "\nbody\n"))
		if len(h.Fields) != tt.fields || len(h.Defects) != tt.bad {
			t.Errorf("%q: %d fields, defects %v", tt.junk+tt.after, len(h.Fields), h.Defects)
		}
	}
}

// A field of a known name that follows soon goes on with the header; lines that
// continue others are not counted up to a limit of their own.
func TestJunkLimits(t *testing.T) {
	for _, tt := range []struct {
		lines, folds int
		want         int // fields
	}{
		{19, 0, 2}, {20, 0, 1}, {0, 200, 2}, {0, 201, 1}, {19, 200, 2},
	} {
		raw := "A: b\njunk\n" + strings.Repeat(" fold\n", tt.folds) + strings.Repeat("more\n", tt.lines) + "Subject: c\n\nbody"
		if h := header.Read([]byte(raw)); len(h.Fields) != tt.want || hasDefect(h, header.DefectNoEmptyLine) != (tt.want == 1) {
			t.Errorf("%d lines and %d continued: %d fields, %v", tt.lines, tt.folds, len(h.Fields), h.Defects)
		}
	}
}

func TestGet(t *testing.T) {
	h := header.Read([]byte("Received: one\nTo: a\nreceived: two\n\n"))
	if got := h.Get("TO"); got != "a" {
		t.Errorf("got %q", got)
	}
	if got := h.All("RECEIVED"); !reflect.DeepEqual(got, []string{"one", "two"}) {
		t.Errorf("got %q", got)
	}
	if got := h.Get("absent"); got != "" {
		t.Errorf("got %q", got)
	}
}

func hasDefect(h header.Header, name string) bool {
	for _, d := range h.Defects {
		if d.Name == name {
			return true
		}
	}
	return false
}

func TestHeaderLimits(t *testing.T) {
	fields := func(n int) []byte { return append(bytes.Repeat([]byte("A: b\n"), n), "\nbody"...) }
	at, past := header.Read(fields(limits.Fields)), header.Read(fields(limits.Fields+5))
	if len(at.Fields) != limits.Fields || len(at.Defects) != 0 {
		t.Errorf("at the limit: %d fields, %v", len(at.Fields), at.Defects)
	}
	if len(past.Fields) != limits.Fields || len(past.Defects) != 1 || !hasDefect(past, header.DefectTooManyFields) {
		t.Errorf("past the limit: %d fields, %v", len(past.Fields), past.Defects)
	}
	if want := (limits.Fields+5)*5 + 1; past.Body != want {
		t.Errorf("past the limit: body at %d, want %d", past.Body, want)
	}

	long := func(n int) []byte { return append([]byte("A: "), bytes.Repeat([]byte("b"), n-3)...) }
	if h := header.Read(long(limits.HeaderBytes)); len(h.Defects) != 0 || len(h.Get("A")) != limits.HeaderBytes-3 {
		t.Errorf("at the limit: %v", h.Defects)
	}
	if h := header.Read(long(limits.HeaderBytes + 1)); !hasDefect(h, header.DefectTooManyBytes) || len(h.Get("A")) != limits.HeaderBytes-3 {
		t.Errorf("past the limit: %v", h.Defects)
	}

	nul := func(n int) []byte { return bytes.Repeat([]byte("A: \x00\n"), n) }
	if h := header.Read(nul(limits.Defects - 1)); hasDefect(h, header.DefectTooManyDefects) {
		t.Error("at the limit of defects: one too many")
	}
	if h := header.Read(nul(limits.Defects + 10)); len(h.Defects) != limits.Defects || !hasDefect(h, header.DefectTooManyDefects) {
		t.Errorf("past the limit: %d defects", len(h.Defects))
	}
}

// Headers made to waste time and memory are read like any other.
func TestBombs(t *testing.T) {
	for name, raw := range map[string][]byte{
		"a million fields":       bytes.Repeat([]byte("X-A: b\n"), 1_000_000),
		"many junk lines":        append([]byte("A: b\n"), bytes.Repeat([]byte("junk\n"), 200_000)...),
		"many empty lines":       bytes.Repeat([]byte("\n"), 200_000),
		"many folds":             append([]byte("A: b"), bytes.Repeat([]byte("\n c"), 200_000)...),
		"a line of 20 megabytes": append([]byte("A: "), bytes.Repeat([]byte("x"), 20<<20)...),
		"alternating junk":       bytes.Repeat([]byte("junk\nX-A: b\n"), 100_000),
	} {
		h := header.Read(raw)
		if h.Body > len(raw) || len(h.Fields) > limits.Fields || len(h.Defects) > limits.Defects {
			t.Errorf("%s: body at %d, %d fields, %d defects", name, h.Body, len(h.Fields), len(h.Defects))
		}
		h.Get("A")
	}
	for name, value := range map[string]string{
		"encoded words":                      strings.Repeat("=?utf-8?q?x?= ", 200_000),
		"beginnings of encoded words":        strings.Repeat("=?utf-8?q?x", 200_000),
		"broken encoded words":               strings.Repeat("=?utf-8?b?!", 100_000) + "?=",
		"addresses":                          strings.Repeat("a@example.org,", 300_000),
		"quotes":                             strings.Repeat(`"`, 100_001),
		"parentheses":                        strings.Repeat("(", 100_000),
		"parentheses, closed":                strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000),
		"brackets":                           strings.Repeat("<", 100_000),
		"brackets with quotes":               strings.Repeat(`<"`, 100_000),
		"brackets with text":                 strings.Repeat("<a ", 100_000),
		"square brackets":                    strings.Repeat("[", 100_000),
		"groups":                             strings.Repeat("a:", 100_000),
		"words":                              strings.Repeat("a ", 100_000),
		"words with at signs, not separated": strings.Repeat("@a ", 100_000),
	} {
		header.DecodeWords(value)
		list, complete := header.Addresses(value)
		if len(list) > limits.Addresses || len(list) == limits.Addresses && complete {
			t.Errorf("%s: %d addresses, complete: %v", name, len(list), complete)
		}
	}
}

func TestReadPart(t *testing.T) {
	stop := func(line []byte) bool { return string(bytes.TrimRight(line, "\r")) == "--b" }
	for _, tt := range []struct {
		name    string
		raw     string
		fields  string // name=value,
		body    string
		defects string // name@offset,
	}{
		{"plain", "A: b\r\n c\r\n\r\nbody", "A=b c,", "body", ""},
		{"no fields", "\nA: b\n\nbody", "", "A: b\n\nbody", ""},
		{"nothing", "", "", "", ""},
		{"ends with a boundary", "A: b\n--b\nC: d\n\n", "A=b,", "--b\nC: d\n\n", ""},
		{"ends with a boundary and a cr", "A: b\r\n--b\r\n\r\n", "A=b,", "--b\r\n\r\n", ""},
		{"only a boundary", "--b\n", "", "--b\n", ""},
		{"another boundary that has a colon", "--c: d\nA: b\n\n", "--c=d,A=b,", "", ""},
		{"a boundary within a fold", "A: b\n --b\n\n", "A=b --b,", "", ""},
		{"text", "text\nand more\n", "", "text\nand more\n", "no-empty-line@0,"},
		{"junk", "junk\nContent-ID: b\n\nbody", "Content-ID=b,", "body", "junk-line@0,"},
		{"junk before a boundary", "junk\n--b\nContent-ID: b\n\n", "", "junk\n--b\nContent-ID: b\n\n", "no-empty-line@0,"},
		{"leading space", " A: b\nC: d\n\nbody", "C=d,", "body", "lost-continuation@0,"},
		{"byte order mark", "\xef\xbb\xbfA: b\nContent-ID: c\n\n", "Content-ID=c,", "", "junk-line@0,"},
		{"separator", "From x\nA: b\n\n", "A=b,", "", "mbox-line@0,"},
	} {
		h, ok := header.Reader{Part: true, LineEnd: '\n', Fields: 10, Stop: stop}.Read([]byte(tt.raw))
		var fields, defects string
		for _, f := range h.Fields {
			fields += f.Name + "=" + f.Value() + ","
		}
		for _, d := range h.Defects {
			defects += fmt.Sprintf("%s@%d,", d.Name, d.Offset)
		}
		if !ok || fields != tt.fields || tt.raw[h.Body:] != tt.body || defects != tt.defects {
			t.Errorf("%s: fields %q, body %q, defects %q", tt.name, fields, tt.raw[h.Body:], defects)
		}
	}
}

// Lines that end with CR can be what a part within another message has: it is told.
func TestReadLineEnd(t *testing.T) {
	raw := []byte("A: b\rC: d\r\rbody\n")
	if h, _ := (header.Reader{LineEnd: '\r', Fields: 10}).Read(raw); len(h.Fields) != 2 || string(raw[h.Body:]) != "body\n" {
		t.Errorf("CR: %d fields, body %q", len(h.Fields), raw[h.Body:])
	}
	if h, _ := (header.Reader{LineEnd: '\n', Fields: 10}).Read(raw); len(h.Fields) != 1 {
		t.Errorf("LF: %d fields", len(h.Fields))
	}
}

func TestClone(t *testing.T) {
	raw := []byte("A: b\n c\nEmpty:\nX-Y:d\n\nbody")
	h := header.Read(raw)
	own := h.Clone(raw)
	if !reflect.DeepEqual(own, h) {
		t.Errorf("got %+v", own)
	}
	for i := range raw {
		raw[i] = '*'
	}
	if own.Get("A") != "b c" || own.Get("Empty") != "" || own.Get("X-Y") != "d" {
		t.Errorf("got %+v", own)
	}
}

// Reading a header takes no more than one allocation for each of its lines, and
// hardly any when the names are common.
func TestAllocations(t *testing.T) {
	rare := strings.Repeat("X-Rare: value\r\n folded\r\n", 100)
	common := strings.Repeat("Received: from a by b\r\n\twith c; d\r\nX-Spam-Status: No\r\n", 50)
	for name, tt := range map[string]struct {
		raw  string
		most float64
	}{"rare": {rare, 110}, "common": {common, 10}} {
		raw := []byte(tt.raw + "\r\nbody")
		if got := testing.AllocsPerRun(10, func() { header.Read(raw) }); got > tt.most {
			t.Errorf("%s names: %.0f allocations for %d lines", name, got, strings.Count(tt.raw, "\n"))
		}
	}
}

func BenchmarkRead(b *testing.B) {
	raw := []byte(strings.Repeat("Received: from relay.mail.example by mx.mail.example\r\n\twith ESMTPS id 123; Mon, 15 Jun 2026 10:00:00 +0000\r\nX-Own: value\r\n", 20) + "\r\nbody")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		header.Read(raw)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("A: b\r\n c\r\n\r\nbody"))
	f.Add([]byte("\xef\xbb\xbf\n From x\njunk\nDate: y\n"))
	f.Add([]byte("A: b\rC: \x00d\r\rbody"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := header.Read(raw)
		if h.Body < 0 || h.Body > len(raw) {
			t.Fatalf("body at %d of %d", h.Body, len(raw))
		}
		end := 0
		for _, field := range h.Fields {
			if field.Offset < end || !bytes.HasPrefix(raw[field.Offset:], []byte(field.Name)) {
				t.Fatalf("%q is not at %d", field.Name, field.Offset)
			}
			if !bytes.Contains(raw[field.Offset:], field.Raw) || strings.ContainsAny(field.Value(), "\r\n") {
				t.Fatalf("value %q", field.Value())
			}
			end = field.Offset + len(field.Name)
		}
		if end > h.Body {
			t.Fatalf("a field ends at %d, the body begins at %d", end, h.Body)
		}
		for _, d := range h.Defects {
			if d.Offset < 0 || d.Offset > len(raw) {
				t.Fatalf("defect at %d", d.Offset)
			}
		}
		for n := range min(len(raw), 500) { // the beginning is read alike, or not enough
			if part, ok := (header.Reader{Fields: limits.Fields, More: true}).Read(raw[:n]); ok && !reflect.DeepEqual(part, h) {
				t.Fatalf("of %d bytes: %+v, of all: %+v", n, part, h)
			}
		}
		if own := h.Clone(raw); !reflect.DeepEqual(own, h) {
			t.Fatalf("cloned: %+v, want %+v", own, h)
		}
	})
}
