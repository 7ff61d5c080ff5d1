package transfer_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail/transfer"
)

// decode decodes a whole text in pieces of n bytes, and tells the faults.
func decode(d transfer.Decoder, src string, n int) (string, string) {
	var out []byte
	for len(src) > 0 {
		k := min(n, len(src))
		out = d.Decode(out, []byte(src[:k]))
		src = src[k:]
	}
	out = d.Close(out)
	return string(out), fmt.Sprint(d.Faults())
}

const (
	foreign = "0"
	padding = "1"
	cut     = "2"
	escape  = "3"
)

// at is how a fault at an offset prints.
func at(kind string, offset int) string { return fmt.Sprintf("{%s %d}", kind, offset) }

func faults(list ...string) string { return "[" + strings.Join(list, " ") + "]" }

type sample struct{ name, src, want, faults string }

func try(t *testing.T, d transfer.Decoder, tests []sample) {
	t.Helper()
	for _, tt := range tests {
		if tt.faults == "" {
			tt.faults = faults()
		}
		for _, n := range []int{1, 2, 3, 5, 7, 8, 1 << 20} {
			got, found := decode(d, tt.src, n)
			if got != tt.want || found != tt.faults {
				t.Errorf("%s, in pieces of %d: got %q %s, want %q %s", tt.name, n, got, found, tt.want, tt.faults)
			}
			d.Reset()
		}
	}
}

func TestBase64(t *testing.T) {
	try(t, transfer.Base64(), []sample{
		{"empty", "", "", ""},
		{"whole groups", "QUJDREVG", "ABCDEF", ""},
		{"one pad", "QUJDREU=", "ABCDE", ""},
		{"two pads", "QUJDRA==\r\n", "ABCD", ""},
		{"line ends of all kinds", "QUJD\r\nREVG\nR0hJ\rSktM \t\r\n", "ABCDEFGHIJKL", ""},
		{"lines that are no whole groups", "QUJDR\r\nEVGR0\r\nhJ\r\n", "ABCDEFGHI", ""},
		{"all digits", "+/+/", "\xfb\xff\xbf", ""},
		{"no padding, two digits", "QUJDRA\r\n", "ABCD", faults(at(cut, 8))},
		{"no padding, three digits", "QUJDREU", "ABCDE", faults(at(cut, 7))},
		{"half of the padding", "QUJDRA=", "ABCD", faults(at(cut, 7))},
		{"one digit remains", "QUJDR", "ABC", faults(at(cut, 5))},
		{"one digit remains, padded", "QUJDR===", "ABC", faults(at(foreign, 5), at(cut, 8))},
		{"padding of nothing", "QUJD====", "ABC", faults(at(foreign, 4))},
		{"padding, then a line of digits", "QQ==\r\nQUJD\r\n", "A", faults(at(padding, 6))},
		{"padding, then digits", "QUI=QUI=", "AB", faults(at(padding, 4))},
		{"padding, then no digit", "QUI=\r\n--\r\n", "AB", ""},
		{"padding over a line end", "QQ=\r\n=\r\n", "A", ""},
		{"padding with junk in it", "QQ=!=", "A", faults(at(foreign, 3))},
		{"a pad between groups", "QUJD=REVG", "ABCDEF", faults(at(foreign, 4))},
		{"a pad within a group", "QU=JD", "ABC", faults(at(foreign, 2))},
		{"one pad where two belong", "QQ=REVG", "A\x04DT", faults(at(foreign, 2), at(cut, 7))},
		{"junk", "QU!JD\x00REVG,", "ABCDEF", faults(at(foreign, 2))},
		{"digits of the other alphabet", "QU-_JD", "ABC", faults(at(foreign, 2))},
		{"8-bit", "QU\xe4JD", "ABC", faults(at(foreign, 2))},
	})
}

func TestQuotedPrintable(t *testing.T) {
	try(t, transfer.QuotedPrintable(), []sample{
		{"empty", "", "", ""},
		{"plain", "a b\r\nc\n", "a b\r\nc\n", ""},
		{"octets", "=3D=e4=E4=0D=0A", "=\xe4\xe4\r\n", ""},
		{"soft breaks", "a=\r\nb=\nc=\rd", "abcd", ""},
		{"an empty line after a soft break", "a=\r\n\r\nb", "a\r\nb", ""},
		{"soft break at the end", "a=\r\n", "a", ""},
		{"soft break with CR at the end", "a=\r", "a", ""},
		{"lone = at the end", "a=", "a", ""},
		{"white space at line ends stays", "a \r\nb\t \n c  ", "a \r\nb\t \n c  ", ""},
		{"white space after =", "a= \r\nc", "a= \r\nc", faults(at(escape, 1))},
		{"8-bit", "\xe4=41", "\xe4A", ""},
		{"no hexadecimal", "a=X4=4", "a=X4=4", faults(at(escape, 1))},
		{"half of an octet", "a=4", "a=4", faults(at(escape, 1))},
		{"half of an octet in a line", "a=4\r\n1", "a=4\r\n1", faults(at(escape, 1))},
		{"half of an octet, then an octet", "a=4=41", "a=4A", faults(at(escape, 1))},
		{"==", "a==41==\r\nb", "a=A=b", faults(at(escape, 1))},
		{"HTML unencoded", `<a href="x?y=zz&q=1">`, `<a href="x?y=zz&q=1">`, faults(at(escape, 7))},
		{"NUL", "a=\x0041", "a=\x0041", faults(at(escape, 1))},
		{"CR and an octet", "=\r=41\nx", "A\nx", ""},
	})
}

const cat = "begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n"

func TestUUEncode(t *testing.T) {
	try(t, transfer.UUEncode(), []sample{
		{"plain", cat, "Cat", ""},
		{"LF", strings.ReplaceAll(cat, "\r\n", "\n"), "Cat", ""},
		{"CR", strings.ReplaceAll(cat, "\r\n", "\r"), "Cat", ""},
		{"text around", "text\r\n\r\n" + cat + "more\r\n", "Cat", ""},
		{"no name", "begin 644\n#0V%T\n`\nend\n", "Cat", ""},
		{"begin, but no mode", "begin here\n" + cat, "Cat", ""},
		{"several lines", "begin 600 x y\n#0V%T\n#0V%T\n`\nend", "CatCat", ""},
		{"a blank for zero", "begin 644 a\n#0V%T\n \nend\n", "Cat", ""},
		{"a check character", "begin 644 a\n#0V%Tz\n`\nend\n", "Cat", ""},
		{"characters that are too many", "begin 644 a\n#0V%Tzz\n`\nend\n", "Cat", faults(at(foreign, 12))},
		{"a short last group", "begin 644 a\n$0V%T00\n`\nend\n", "CatA", ""},
		{"empty", "begin 644 a\n`\nend\n", "", ""},
		{"blanks cut off", "begin 644 a\n#0V\n`\nend\n", "C`\x00", faults(at(cut, 12))},
		{"no end", "begin 644 a\n#0V%T\n`\n", "Cat", faults(at(cut, 20))},
		{"cut within a line", "begin 644 a\n#0V%T\n#0V", "CatC`\x00", faults(at(cut, 18))},
		{"an empty line", "begin 644 a\n#0V%T\n\n#0V%T\n`\nend\n", "CatCat", ""},
		{"a foreign line", "begin 644 a\n#0V%T\nxyz\n#0V%T\n`\nend\n", "CatCat", faults(at(foreign, 18))},
		{"a foreign character", "begin 644 a\n#a\xe4%T\n`\nend\n", "\x04At", faults(at(foreign, 12))},
		{"another file", "begin 644 a\n#0V%T\n`\nend\n" + cat, "Cat", faults(at(foreign, 24))},
		{"no file", "hello world", "", faults(at(cut, 11))},
		{"nothing", "", "", faults(at(cut, 0))},
	})
}

// Short lines do not make much of little.
func TestUUEncodeOfShortLines(t *testing.T) {
	src := "begin 644 a\n#0V%T\n" + strings.Repeat("_\n", 100_000)
	got, found := decode(transfer.UUEncode(), src+"`\nend\n", 1000)
	if len(got) > len(src)+63 || !strings.HasPrefix(got, "Cat\x00") || found != faults(at(cut, 18)) {
		t.Errorf("%d bytes of %d %s", len(got), len(src), found)
	}
	if n := len(find(src+"`\nend\n", 1000)); n < 100_000 || n > len(src)+200 {
		t.Errorf("a file of %d bytes in %d", n, len(src))
	}
}

// yenc writes a yEnc file with the last line given.
func yenc(data, last string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "=ybegin line=128 size=%d name=a b.bin\r\n", len(data))
	for i, c := range []byte(data) {
		if c += 42; c == 0 || c == '\n' || c == '\r' || c == '=' {
			b.WriteByte('=')
			c += 64
		}
		b.WriteByte(c)
		if i%128 == 127 {
			b.WriteString("\r\n")
		}
	}
	return b.String() + "\r\n" + last + "\r\n"
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func TestYEnc(t *testing.T) {
	part := "=ybegin part=2 total=2 line=128 size=6 name=a\n=ypart begin=4 end=6\n\x8d\x8b\x9e\n=yend size=3 part=2 pcrc32=9e5e43a8 crc32=00000000\n"
	try(t, transfer.YEnc(), []sample{
		{"every byte", yenc(everyByte(), "=yend size=256 crc32=29058c73"), everyByte(), ""},
		{"no sum", "text\n" + yenc("Cat", "=yend size=3") + "text\n", "Cat", ""},
		{"wrong sum", yenc("Cat", "=yend size=3 crc32=00000001"), "Cat", faults(at(foreign, 43))},
		{"wrong size", yenc("Cat", "=yend size=4"), "Cat", faults(at(foreign, 43))},
		{"no size", yenc("Cat", "=yend"), "Cat", faults(at(foreign, 43))},
		{"sizes that differ", "=ybegin line=128 size=2 name=a\n\x6d\x8b\x9e\n=yend size=3\n", "Cat", faults(at(foreign, 35))},
		{"a part", part, "cat", ""},
		{"a part of another length", strings.Replace(part, "end=6", "end=7", 1), "cat", faults(at(foreign, 71))},
		{"no =yend", "=ybegin line=128 size=3 name=a\n\x6d\x8b\x9e\n", "Cat", faults(at(cut, 35))},
		{"an escape over a line end", "=ybegin line=128 size=1 name=a\n\x6d=\n=yend size=1\n", "C", faults(at(foreign, 34))},
		{"another file", yenc("Cat", "=yend size=3") + yenc("Cat", "=yend size=3"), "Cat", faults(at(foreign, 57))},
		{"no file", "hello", "", faults(at(cut, 5))},
	})
}

func TestNames(t *testing.T) {
	for value, want := range map[string]string{
		"7bit": "7bit", "8BIT": "8bit", "binary": "binary", "Base64": "base64", "quoted-printable": "quoted-printable",
		" base64\t": "base64", "base64 (x)": "base64", "(x (y)) base64": "base64", "base64 7bit": "base64", "base64 ; charset=x": "base64",
		"Quoted-Printable (x)": "quoted-printable", "8-bit": "8bit", "7 bit": "7bit", "7bits": "7bit", "8bits": "8bit",
		"x-uuencode": "uuencode", "uuencode": "uuencode", "x-uue": "uuencode", "UUE": "uuencode", "x-yenc": "yenc", "yEnc": "yenc",
		"base64" + strings.Repeat(" ", 1000) + "x": "base64",
	} {
		if got, known := transfer.Name(value); got != want || !known {
			t.Errorf("%q: %q, known: %v", value, got, known)
		}
	}
	for _, value := range []string{
		"", " ", "()", ";", "x-gzip64", "6bit", "text/html", "base9000", "base64foo", "xbase64", "(base64", strings.Repeat("7bit", 100),
		// what these mean is plain, and yet readers agree to leave the content as it is
		"base64;", `"base64"`, "base 64", "base-64", "quoted printable", "quoted_printable", "quoted-printable;", "x-uuencoded",
	} {
		if got, known := transfer.Name(value); got != "7bit" || known {
			t.Errorf("%q: %q, known: %v", value, got, known)
		}
	}
	for _, name := range []string{"base64", "quoted-printable", "uuencode", "yenc"} {
		if transfer.ByName(name) == nil {
			t.Error(name, "has no decoder")
		}
	}
	for _, name := range []string{"7bit", "8bit", "binary"} {
		if transfer.ByName(name) != nil {
			t.Error(name, "has a decoder")
		}
	}
}

func decoders() []transfer.Decoder {
	return []transfer.Decoder{transfer.Base64(), transfer.QuotedPrintable(), transfer.UUEncode(), transfer.YEnc()}
}

// text draws bytes in which the decoders find something.
var text = rapid.Custom(func(t *rapid.T) string {
	pieces := rapid.SliceOf(rapid.SampledFrom([]string{
		"\r\n", "\n", "\r", "=", "==", "QUJD", "QQ==", "QUJDREVGR0hJ", "=41", "=4", " ", "\t", "a", "\x00", "\xe4", "-", "begin ", "644 a", "begin 644 a\n",
		"#0V%T", "#0V%T\n", "`\nend\n", "end", "\nend\r\n", "=ybegin ", "line=128 size=3 name=a\n", "=ybegin line=128 size=3 name=a\n", "\x6d\x8b\x9e", "\n=yend size=3\n",
		"=ypart begin=1 end=3\n", strings.Repeat("QUJD", 30), strings.Repeat("x", 5000),
	})).Draw(t, "pieces")
	return strings.Join(pieces, "")
})

func TestPiecesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := text.Draw(t, "text")
		cuts := rapid.SliceOf(rapid.IntRange(0, 100)).Draw(t, "cuts")
		for i, d := range decoders() {
			want, wantFaults := decode(d, src, len(src)+1)
			d.Reset()
			var got []byte
			rest := []byte(src)
			for _, n := range cuts {
				n = min(n, len(rest))
				got = d.Decode(got, rest[:n])
				rest = rest[n:]
			}
			got = d.Close(d.Decode(got, rest))
			if string(got) != want || fmt.Sprint(d.Faults()) != wantFaults {
				t.Fatalf("decoder %d: got %q %v, whole %q %v", i, got, d.Faults(), want, wantFaults)
			}
		}
	})
}

func TestLikeStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		width := rapid.IntRange(1, 100).Draw(t, "width")
		n := rapid.IntRange(1, 300).Draw(t, "piece")
		var wrapped strings.Builder
		for digits := base64.StdEncoding.EncodeToString(data); digits != ""; {
			k := min(width, len(digits))
			wrapped.WriteString(digits[:k] + "\r\n")
			digits = digits[k:]
		}
		if got, found := decode(transfer.Base64(), wrapped.String(), n); got != string(data) || found != faults() {
			t.Fatalf("base64: got %q %s, want %q", got, found, data)
		}
		var quoted bytes.Buffer
		w := quotedprintable.NewWriter(&quoted)
		w.Binary = rapid.Bool().Draw(t, "binary")
		_, _ = w.Write(data) // to memory
		_ = w.Close()
		want, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(quoted.Bytes())))
		if err != nil {
			t.Fatal(err)
		}
		if got, found := decode(transfer.QuotedPrintable(), quoted.String(), n); got != string(want) || found != faults() {
			t.Fatalf("quoted-printable: got %q %s, want %q", got, found, want)
		}
	})
}

func FuzzDecoders(f *testing.F) {
	f.Add([]byte("QUJD\r\nQQ==\r\nREVG!="), 3)
	f.Add([]byte("a=\r\n=4=41 \r\n=="), 1)
	f.Add([]byte(cat+"begin 644 b\n$0V\nend"), 4)
	f.Add([]byte(yenc(everyByte(), "=yend size=256 crc32=29058c73")), 100)
	f.Fuzz(func(t *testing.T, src []byte, n int) {
		n = max(1, n)
		for i, d := range decoders() {
			want, wantFaults := decode(d, string(src), len(src)+1)
			if i == 0 && len(want) > len(src)/4*3+3 || len(want) > len(src)+64*3 && i != 2 {
				t.Fatalf("decoder %d: %d bytes of %d", i, len(want), len(src))
			}
			d.Reset()
			if got, found := decode(d, string(src), n); got != want || found != wantFaults {
				t.Fatalf("decoder %d: in pieces of %d %q %s, whole %q %s", i, n, got, found, want, wantFaults)
			}
		}
	})
}
