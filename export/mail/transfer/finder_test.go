package transfer_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail/transfer"
)

// recorder writes down what a finder finds.
type recorder struct{ strings.Builder }

func (r *recorder) Begin(encoding, name string, at int64) {
	fmt.Fprintf(r, "%s %s %d: ", encoding, name, at)
}
func (r *recorder) Data(data []byte) { r.Write(data) }
func (r *recorder) End(damaged bool) {
	if damaged {
		r.WriteString(" (damaged)")
	}
	r.WriteString("\n")
}

// find finds files in a text that comes in pieces of n bytes.
func find(src string, n int) string {
	var r recorder
	f := transfer.NewFinder(&r)
	for src != "" {
		k := min(n, len(src))
		f.Write([]byte(src[:k]))
		src = src[k:]
	}
	f.Close()
	return r.String()
}

func TestFinder(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"nothing", "", ""},
		{"prose", "We begin 644 files today\r\nbegin again\r\nbegin 644\r\n", ""},
		{"prose at a line start", "begin 644 things,\r\nas we said.\r\n", ""},
		{"prose and capitals", "begin 100 THINGS\r\nAS WE SAID\r\n", ""},
		{"prose and a number", "begin 1999 party\r\n\r\nend\r\n", ""},
		{"uuencode", "Hello,\r\n\r\n" + cat + "Bye\r\n", "uuencode a.txt 10: Cat\n"},
		{"uuencode alone", cat, "uuencode a.txt 0: Cat\n"},
		{"LF", strings.ReplaceAll("x\r\n"+cat, "\r\n", "\n"), "uuencode a.txt 2: Cat\n"},
		{"CR", strings.ReplaceAll("x\r\n"+cat, "\r\n", "\r"), "uuencode a.txt 2: Cat\n"},
		{"two", cat + cat, "uuencode a.txt 0: Cat\nuuencode a.txt 32: Cat\n"},
		{"begun twice", "begin 644 other\r\n" + cat, "uuencode a.txt 17: Cat\n"},
		{"a name with blanks, four digits", "begin 0644 a b.txt \n#0V%T\n`\nend\n", "uuencode a b.txt 0: Cat\n"},
		{"empty", "begin 644 a\n`\nend\n", "uuencode a 0: \n"},
		{"no end", "begin 644 a\n#0V%T\n`\n", "uuencode a 0: Cat (damaged)\n"},
		{"cut within a line", "begin 644 a\n#0V%T\n#0V", "uuencode a 0: CatC`\x00 (damaged)\n"},
		{"text instead of its end", "begin 644 a\n#0V%T\nBest regards\n" + cat, "uuencode a 0: Cat (damaged)\nuuencode a.txt 31: Cat\n"},
		{"two digits of mode", "begin 64 a\n#0V%T\n`\nend\n", ""},
		{"no name", "begin 644  \n#0V%T\n`\nend\n", ""},
		{"after a very long line", strings.Repeat("begin ", 10_000) + "\n" + cat, "uuencode a.txt 60001: Cat\n"},
		{"quoted", "> " + strings.ReplaceAll(cat, "\r\n", "\r\n> "), ""},
		{"yEnc", "x\r\n" + yenc("Cat", "=yend size=3") + "x\r\n", "yenc a b.bin 3: Cat\n"},
		{"yEnc damaged", yenc("Cat", "=yend size=3 crc32=00000001"), "yenc a b.bin 0: Cat (damaged)\n"},
		{"yEnc without its end", "=ybegin line=128 size=3 name=a\n\x6d\x8b\x9e\n", "yenc a 0: Cat (damaged)\n"},
		{"yEnc mentioned", "=ybegin is how\n=ybegin line=1 name=x\n=ybegin size=1 name=x\n", ""},
		{"both", cat + yenc("Cat", "=yend size=3"), "uuencode a.txt 0: Cat\nyenc a b.bin 32: Cat\n"},
	}
	for _, tt := range tests {
		for _, n := range []int{1, 2, 3, 7, 10, 100, 1 << 20} {
			if got := find(tt.src, n); got != tt.want {
				t.Errorf("%s, in pieces of %d: got %q, want %q", tt.name, n, got, tt.want)
			}
		}
	}
}

func TestFinderPiecesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := text.Draw(t, "text")
		n := rapid.IntRange(1, 200).Draw(t, "piece")
		if got, want := find(src, n), find(src, len(src)+1); got != want {
			t.Fatalf("%q: got %q, whole %q", src, got, want)
		}
	})
}

func FuzzFinder(f *testing.F) {
	f.Add("text\r\n"+cat+"text", 3)
	f.Add("=y"+yenc(everyByte(), "=yend size=256 crc32=29058c73"), 1)
	f.Add("begin 644 a\nbegin 644 b\n#0V%T\nend", 5)
	f.Fuzz(func(t *testing.T, src string, n int) {
		n = max(1, n)
		if got, want := find(src, n), find(src, len(src)+1); got != want {
			t.Fatalf("in pieces of %d: got %q, whole %q", n, got, want)
		}
	})
}
