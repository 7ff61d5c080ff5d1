package mime

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail/limits"
)

// contents writes the content of a tree: each leaf and opened message with its size
// and what protects it, the files inside, and the defects.
func contents(m *Message) string {
	var out strings.Builder
	m.Root.Walk(func(p *Part) bool {
		fmt.Fprintf(&out, "%s %s", p.Number, p.Type)
		if p.Leaf() || !isIdentity(p.Encoding) {
			fmt.Fprintf(&out, " %d", p.Size)
		}
		if p.Inner {
			out.WriteString(" inner")
		}
		if p.Crypto != "" {
			fmt.Fprintf(&out, " %s", p.Crypto)
		}
		out.WriteByte('\n')
		for _, f := range p.Files {
			fmt.Fprintf(&out, "  %s %q %d\n", f.Origin, f.Name, f.Size)
		}
		return true
	})
	for _, d := range m.Defects {
		fmt.Fprintf(&out, "! %s %s@%d\n", d.Name, d.Part, d.Offset)
	}
	return out.String()
}

// parts writes a multipart of these parts, headers and all.
func parts(list ...string) string {
	return mixed + "--b\n" + strings.Join(list, "\n--b\n") + "\n--b--\n"
}

func in64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

const (
	enc64 = "Content-Transfer-Encoding: base64\n" // 34 bytes
	encQP = "Content-Transfer-Encoding: quoted-printable\n"
	encUU = "Content-Transfer-Encoding: x-uuencode\n"

	head = "A: b\n\n" // 6 bytes

	uuCat = "begin 644 cat.txt\n#0V%T\n`\nend\n"
	yCat  = "=ybegin line=128 size=3 name=cat.bin\n\x6d\x8b\x9e\n=yend size=3\n"
)

func attribute(level byte, id uint32, data string) string {
	var sum uint16
	for _, c := range []byte(data) {
		sum += uint16(c)
	}
	le := func(n uint32, bytes int) string {
		return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}[:bytes])
	}
	return string(level) + le(id, 4) + le(uint32(len(data)), 4) + data + le(uint32(sum), 2)
}

// winmail is a TNEF stream with that many files.
func winmail(files int) string {
	return "\x78\x9f\x3e\x22\x01\x00" + strings.Repeat(
		attribute(2, 0x00069002, string(make([]byte, 14)))+attribute(2, 0x00018010, "cat.txt\x00")+attribute(2, 0x0006800F, "Cat"), files)
}

// The beginnings of CMS messages: SEQUENCE, OID, [0], SEQUENCE, INTEGER, SET.
const (
	cmsSigned    = "\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x0f\xf0\x30\x82\x0f\xe0\x02\x01\x01\x31\x0f\x30\x0d"
	cmsCerts     = "\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x82\x0f\xf0\x30\x82\x0f\xe0\x02\x01\x01\x31\x00\x30\x0d"
	cmsEnveloped = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80\x02\x01\x00"
	cmsAuth      = "\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17\xa0\x80\x30\x80"
	cmsCompress  = "\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09\xa0\x80\x30\x80"
)

var contentSamples = []struct{ name, raw, want string }{
	{"plain", head + "abc", "1 text/plain 3\n"},
	{"empty", "", "1 text/plain 0\n! no-header 1@0\n"},
	{"base64", enc64 + "\nQUJD\nREU=\n", "1 text/plain 5\n"},
	{"base64 damaged", enc64 + "\nQU!JD\nQQ==\nQUJD", "1 text/plain 4\n! base64 1@37\n! base64-padding 1@46\n"},
	{"base64 cut", enc64 + "\nQUJDRA", "1 text/plain 4\n! base64-cut 1@41\n"},
	{"quoted-printable", encQP + "\na=41=\nb \n=4", "1 text/plain 7\n! quoted-printable 1@54\n"},
	{"unknown encoding", "Content-Transfer-Encoding: x\n\nQUJD", "1 text/plain 4\n! unknown-encoding 1@0\n"},
	{"uuencode", encUU + "\n" + uuCat, "1 text/plain 3\n"},
	{"uuencode damaged", encUU + "\nbegin 644 a\n#0V%T\nxyz\n#0V\n", "1 text/plain 6\n! uuencode 1@57\n"},
	{"yEnc", "Content-Transfer-Encoding: x-yenc\n\n" + yCat, "1 text/plain 3\n"},
	{"yEnc damaged", "Content-Transfer-Encoding: x-yenc\n\n" + yCat[:41], "1 text/plain 3\n! uuencode 1@76\n"},
	{"parts", parts("\nabc", enc64+"\nQQ==", encQP+"\n=41"), "1 multipart/mixed\n1.1 text/plain 3\n1.2 text/plain 1\n1.3 text/plain 1\n"},
	{"a defect in a part", parts("\nabc", enc64+"\nQQ"), "1 multipart/mixed\n1.1 text/plain 3\n1.2 text/plain 1\n! base64-cut 1.2@93\n"},
	{"charset", "Content-Type: text/plain; charset=x-none\n\na", "1 text/plain 1\n! charset 1@0\n"},
	{"charset of no text", "Content-Type: application/x; charset=x-none\n\na", "1 application/x 1\n"},

	// messages inside
	{
		"message in base64",
		parts("Content-Type: message/rfc822\n" + enc64 + "\n" + in64(parts("\nabc", enc64+"\nQQ"))),
		"1 multipart/mixed\n1.1 message/rfc822 100\n1.1.1 multipart/mixed inner\n1.1.1.1 text/plain 3 inner\n1.1.1.2 text/plain 1 inner\n! base64-cut 1.1.1.2@93\n",
	},
	{"message in quoted-printable", "Content-Type: message/global\n" + encQP + "\nA: =42\n\nabc", "1 message/global 9\n1.1 text/plain 3 inner\n"},
	{"message in uuencode", "Content-Type: message/news\n" + encUU + "\nbegin 644 m\n#\"@H*\n`\nend\n", "1 message/news 3\n1.1 text/plain 2 inner\n! no-header 1.1@0\n"},
	{"message that is none", "Content-Type: message/rfc822\n" + enc64 + "\n", "1 message/rfc822 0\n1.1 text/plain 0 inner\n! no-header 1.1@0\n"},
	{
		"message in a message in base64",
		"Content-Type: message/rfc822\n" + enc64 + "\n" + in64("Content-Type: message/rfc822\n"+enc64+"\n"+in64("A: b\n\nabc")),
		"1 message/rfc822 76\n1.1 message/rfc822 9 inner\n1.1.1 text/plain 3 inner\n",
	},

	// files inside
	{"uuencode in text", head + "Hello\n" + uuCat + "bye\n", "1 text/plain 40\n  uuencode \"cat.txt\" 3\n"},
	{"uuencode in text, twice", head + uuCat + uuCat, "1 text/plain 60\n  uuencode \"cat.txt\" 3\n  uuencode \"cat.txt\" 3\n"},
	{"uuencode in encoded text", enc64 + "\n" + in64("x\n"+uuCat), "1 text/plain 32\n  uuencode \"cat.txt\" 3\n"},
	{"uuencode in text, damaged", head + "Hello\n" + uuCat[:23], "1 text/plain 29\n  uuencode \"cat.txt\" 3\n! uuencode 1@12\n"},
	{"uuencode in encoded text, damaged", enc64 + "\n" + in64("x\n"+uuCat[:23]), "1 text/plain 25\n  uuencode \"cat.txt\" 3\n! uuencode 1@35\n"},
	{"uuencode in no text", "Content-Type: application/x\n\n" + uuCat, "1 application/x 30\n"},
	{"a name that is not UTF-8", head + "begin 644 \xe4\n#0V%T\n`\nend\n", "1 text/plain 24\n  uuencode \"\uFFFD\" 3\n! charset 1@6\n"},
	{"a name in the charset of the text", "Content-Type: text/plain; charset=iso-8859-1\n\nbegin 644 \xe4\n#0V%T\n`\nend\n", "1 text/plain 24\n  uuencode \"ä\" 3\n"},
	{"prose", head + "begin 644 files\nof text\n", "1 text/plain 24\n"},
	{"yEnc in text", head + yCat, "1 text/plain 54\n  yenc \"cat.bin\" 3\n"},
	{"yEnc in text, damaged", head + yCat[:41], "1 text/plain 41\n  yenc \"cat.bin\" 3\n! uuencode 1@6\n"},
	{"TNEF", "Content-Type: application/ms-tnef\n" + enc64 + "\n" + in64(winmail(2)), "1 application/ms-tnef 122\n  tnef \"cat.txt\" 3\n  tnef \"cat.txt\" 3\n"},
	{"TNEF as it is", "Content-Type: application/vnd.ms-tnef\nContent-Transfer-Encoding: binary\n\n" + winmail(1), "1 application/vnd.ms-tnef 64\n  tnef \"cat.txt\" 3\n"},
	{"TNEF by its name", "Content-Type: application/x; name=WinMail.dat\n" + enc64 + "\n" + in64(winmail(1)), "1 application/x 64\n  tnef \"cat.txt\" 3\n"},
	{"TNEF that is cut", "Content-Type: application/ms-tnef\n" + enc64 + "\n" + in64(winmail(2)[:121]), "1 application/ms-tnef 121\n  tnef \"cat.txt\" 3\n  tnef \"cat.txt\" 3\n! not-opened 1@69\n"},
	{"TNEF with two contents", "Content-Type: application/ms-tnef\n" + enc64 + "\n" + in64(winmail(1)+attribute(2, 0x0006800F, "Dog")), "1 application/ms-tnef 78\n  tnef \"cat.txt\" 3\n! not-opened 1@69\n"},
	{"TNEF that is none", "Content-Type: application/ms-tnef\n" + enc64 + "\n" + in64("no"), "1 application/ms-tnef 2\n! not-opened 1@69\n"},
	{"named as TNEF", "Content-Type: application/x; name=winmail.dat\n\nno", "1 application/x 2\n"},
}

func TestContent(t *testing.T) {
	for _, tt := range contentSamples {
		t.Run(tt.name, func(t *testing.T) {
			if got := contents(Parse([]byte(tt.raw), Options{})); got != tt.want {
				t.Errorf("%q\ngot\n%swant\n%s", tt.raw, got, tt.want)
			}
			alike(t, []byte(tt.raw), 7)
		})
	}
}

// alike checks that a message is read alike from memory and from a reader, and,
// but for digests, with and without them.
func alike(t failer, raw []byte, window int) {
	t.Helper()
	m := Parse(raw, Options{})
	got, err := parseWindow(&input{r: bytes.NewReader(raw), size: int64(len(raw))}, Options{}, window)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Fatalf("from a reader\n%swant\n%s", contents(got), contents(m))
	}
	m.Root.Walk(func(p *Part) bool {
		p.SHA256, p.MD5 = [32]byte{}, [16]byte{}
		for i := range p.Files {
			p.Files[i].SHA256, p.Files[i].MD5 = [32]byte{}, [16]byte{}
		}
		return true
	})
	if got := Parse(raw, Options{NoHash: true}); !reflect.DeepEqual(got, m) {
		t.Fatalf("without digests\n%swant\n%s", contents(got), contents(m))
	}
}

func TestDigests(t *testing.T) {
	check := func(what string, size int64, sha [32]byte, md [16]byte, want string) {
		t.Helper()
		if size != int64(len(want)) || sha != sha256.Sum256([]byte(want)) || md != md5.Sum([]byte(want)) {
			t.Errorf("%s: size %d, digests %x %x; want those of %d bytes", what, size, sha, md, len(want))
		}
	}
	long := strings.Repeat("0123456789", 100_000)
	nested := "A: b\n\n" + long
	m := Parse([]byte(parts("\n"+long, enc64+"\n"+in64(long), "Content-Type: message/rfc822\n"+enc64+"\n"+in64(nested),
		"\ntext\n"+uuCat+yCat, "Content-Type: application/ms-tnef\n"+enc64+"\n"+in64(winmail(1)), enc64+"\n")), Options{})
	list := m.Root.Parts
	check("plain", list[0].Size, list[0].SHA256, list[0].MD5, long)
	check("base64", list[1].Size, list[1].SHA256, list[1].MD5, long)
	check("a message", list[2].Size, list[2].SHA256, list[2].MD5, nested)
	check("its text", list[2].Message.Size, list[2].Message.SHA256, list[2].Message.MD5, long)
	check("text with files", list[3].Size, list[3].SHA256, list[3].MD5, "text\n"+uuCat+yCat)
	check("TNEF", list[4].Size, list[4].SHA256, list[4].MD5, winmail(1))
	check("empty", list[5].Size, list[5].SHA256, list[5].MD5, "")
	for _, f := range append(list[3].Files, list[4].Files...) {
		check(f.Origin, f.Size, f.SHA256, f.MD5, "Cat")
	}
	if len(list[3].Files) != 2 || len(list[4].Files) != 1 {
		t.Errorf("files: %v, %v", list[3].Files, list[4].Files)
	}
}

// What is put into a message in any of the transfer encodings comes out.
func TestEncodedComesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []string
		datas := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 5).Draw(t, "data")
		for _, data := range datas {
			switch rapid.IntRange(0, 1).Draw(t, "encoding") {
			case 0:
				list = append(list, "Content-Type: application/x\n"+enc64+"\n"+in64(string(data)))
			case 1:
				var quoted bytes.Buffer
				w := quotedprintable.NewWriter(&quoted)
				w.Binary = true
				_, _ = w.Write(data) // to memory
				_ = w.Close()
				list = append(list, "Content-Type: application/x\n"+encQP+"\n"+quoted.String())
			}
		}
		raw := []byte(parts(list...))
		m := Parse(raw, Options{})
		if len(m.Root.Parts) != len(datas) || len(m.Defects) > 0 {
			t.Fatalf("%q: %s", raw, contents(m))
		}
		for i, data := range datas {
			if p := m.Root.Parts[i]; p.SHA256 != sha256.Sum256(data) || p.Size != int64(len(data)) {
				t.Fatalf("part %d: %d bytes, want %d", i, p.Size, len(data))
			}
		}
		alike(t, raw, rapid.IntRange(1, 100).Draw(t, "window"))
	})
}

func TestCrypto(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"signed", strings.Replace(parts("\na", "\nb"), "mixed", "signed", 1), "1 multipart/signed signed\n1.1 text/plain 1\n1.2 text/plain 1\n"},
		{"encrypted", strings.Replace(parts("\na", "\nb"), "mixed", "encrypted", 1), "1 multipart/encrypted encrypted\n1.1 text/plain 1\n1.2 text/plain 1\n"},
		{"encrypted, made mixed", parts("Content-Type: application/pgp-encrypted\n\nVersion: 1", "\nb"), "1 multipart/mixed encrypted\n1.1 application/pgp-encrypted 10\n1.2 text/plain 1\n"},
		{"below", parts(strings.Replace(parts("\na"), "mixed; boundary=b", "signed; boundary=c", 1)), "1 multipart/mixed\n1.1 multipart/signed 0 signed\n"},
		{"enveloped", "Content-Type: application/pkcs7-mime; smime-type=Enveloped-Data\n\nx", "1 application/pkcs7-mime 1 encrypted\n"},
		{"authenticated", "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\n\nx", "1 application/pkcs7-mime 1 encrypted\n"},
		{"opaque signed", "Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nx", "1 application/x-pkcs7-mime 1 signed\n! not-opened 1@64\n"},
		{"certificates", "Content-Type: application/pkcs7-mime; smime-type=certs-only\n\n" + cmsSigned, "1 application/pkcs7-mime 30\n"},
		{"compressed", "Content-Type: application/pkcs7-mime; smime-type=compressed-data\n\n" + cmsEnveloped, "1 application/pkcs7-mime 20\n! not-opened 1@66\n"},
		{"signed by its content", "Content-Type: application/pkcs7-mime\n" + enc64 + "\n" + in64(cmsSigned), "1 application/pkcs7-mime 30 signed\n! not-opened 1@72\n"},
		{"enveloped by its content", "Content-Type: application/pkcs7-mime; smime-type=x\n" + enc64 + "\n" + in64(cmsEnveloped), "1 application/pkcs7-mime 20 encrypted\n"},
		{"authenticated by its content", "Content-Type: application/pkcs7-mime\n" + enc64 + "\n" + in64(cmsAuth), "1 application/pkcs7-mime 19 encrypted\n"},
		{"certificates by its content", "Content-Type: application/pkcs7-mime\n" + enc64 + "\n" + in64(cmsCerts), "1 application/pkcs7-mime 30\n"},
		{"compressed by its content", "Content-Type: application/pkcs7-mime\n" + enc64 + "\n" + in64(cmsCompress), "1 application/pkcs7-mime 19\n"},
		{"no CMS", "Content-Type: application/pkcs7-mime\n\n0", "1 application/pkcs7-mime 1\n"},
		{"by its name", "Content-Type: application/x; name=smime.P7M\n" + enc64 + "\n" + in64(cmsEnveloped), "1 application/x 20 encrypted\n"},
		{"PGP message", head + " \r\n\r\n-----BEGIN PGP MESSAGE-----\n", "1 text/plain 33 encrypted\n"},
		{"PGP message, many blank lines", head + strings.Repeat("\n", 100_000) + "-----BEGIN PGP MESSAGE-----\n", "1 text/plain 100028 encrypted\n"},
		{"PGP signed", enc64 + "\n" + in64("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n"), "1 text/plain 48 signed\n"},
		{"PGP mentioned", head + "see\n-----BEGIN PGP MESSAGE-----\n", "1 text/plain 32\n"},
		{"a PGP key", head + "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "1 text/plain 37\n"},
		{"within", parts("\n-----BEGIN PGP MESSAGE-----"), "1 multipart/mixed\n1.1 text/plain 27 encrypted\n"},
	} {
		got := contents(Parse([]byte(tt.raw), Options{}))
		if tt.name == "below" { // the marks only
			got, tt.want = strings.Join(strings.SplitAfter(got, "\n")[:2], ""), "1 multipart/mixed\n1.1 multipart/signed 0 signed\n"
		}
		if got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.name, got, tt.want)
		}
		alike(t, []byte(tt.raw), 5)
	}
	for n := range len(cmsSigned) {
		cryptoOfCMS([]byte(cmsSigned[:n])) // does not panic
	}
}

func TestOpenedLimit(t *testing.T) {
	open := func(size int) string {
		message := "A: b\n\n" + strings.Repeat("x", size-6)
		return "Content-Type: message/rfc822\n" + enc64 + "\n" + in64(message)
	}
	const half = limits.OpenedBytes / 2
	m := Parse([]byte(parts(open(half), open(half), open(6))), Options{NoHash: true})
	for i, want := range []bool{true, true, false} {
		p := m.Root.Parts[i]
		if opened := p.Message != nil; opened != want {
			t.Errorf("part %s opened: %v", p.Number, opened)
		}
	}
	if p := m.Root.Parts[2]; p.Size != 6 || len(m.Defects) != 1 || m.Defects[0] != (Defect{DefectNotOpened, "1.3", p.Body}) {
		t.Errorf("past the limit: size %d, %v", p.Size, m.Defects)
	}
	m = Parse([]byte(parts(open(half), open(half+1), open(6))), Options{NoHash: true})
	for i, want := range []bool{true, false, true} {
		p := m.Root.Parts[i]
		if opened := p.Message != nil; opened != want {
			t.Errorf("one past, part %s opened: %v", p.Number, opened)
		}
	}
	if p := m.Root.Parts[1]; p.Size != half+1 || len(m.Defects) != 1 || m.Defects[0] != (Defect{DefectNotOpened, "1.2", p.Body}) {
		t.Errorf("one past the limit: size %d, %v", p.Size, m.Defects)
	}
	for extra, want := range []int{0, 1} {
		raw := "Content-Type: application/ms-tnef\nContent-Transfer-Encoding: binary\n\n" + winmail(1)
		raw += strings.Repeat("\x00", limits.OpenedBytes-len(winmail(1))+extra)
		alike(t, []byte(raw), bufferBytes)
		m := Parse([]byte(raw), Options{NoHash: true})
		if len(m.Root.Files) != 1-want || len(m.Defects) != want {
			t.Errorf("TNEF of %d more than the limit: %d files, %v", extra, len(m.Root.Files), m.Defects)
		}
	}
}

// Messages that decode to little keep little memory.
func TestOpenedMemory(t *testing.T) {
	part := "Content-Type: message/rfc822\n" + encQP + "\nA: b\n\n" + strings.Repeat("=\n", 4<<20)
	raw := []byte(parts(part, part, part, part))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := Parse(raw, Options{})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapInuse) - int64(before.HeapInuse); used > 1<<20 {
		t.Errorf("%d bytes are kept", used)
	}
	if m.Root.Parts[3].Message == nil || len(m.Defects) != 0 {
		t.Errorf("%s", contents(m))
	}
	runtime.KeepAlive(raw)
}

func TestOpenedDepthLimit(t *testing.T) {
	nest := func(levels int) string {
		s := "A: b\n\nabc"
		for range levels {
			s = "Content-Type: message/rfc822\n" + encQP + "\n" + strings.NewReplacer("=", "=3D").Replace(s)
		}
		return s
	}
	const room = 12 // as deep as this sample can go without growing too large
	base := strings.Repeat("Content-Type: message/rfc822\n\n", limits.Depth-1-room)
	deepest := func(m *Message) (depth int) {
		m.Root.Walk(func(p *Part) bool { depth = max(depth, p.depth); return true })
		return depth
	}
	m := Parse([]byte(base+nest(room)), Options{})
	if deepest(m) != limits.Depth || len(m.Defects) != 0 {
		t.Errorf("at the limit: depth %d, %v", deepest(m), m.Defects)
	}
	m = Parse([]byte(base+nest(room+1)), Options{})
	if deepest(m) != limits.Depth || len(m.Defects) != 1 || m.Defects[0].Name != DefectNotOpened {
		t.Errorf("past the limit: depth %d, %v", deepest(m), m.Defects)
	}
}

func TestOpenedPartsLimit(t *testing.T) {
	for extra, want := range []int{0, 1} {
		list := make([]string, limits.Parts-3+extra) // and the root, the message, and what it carries
		list = append(list, "Content-Type: message/rfc822\n"+encQP+"\nA: b\n\nabc")
		m := Parse([]byte(parts(list...)), Options{})
		if m.Parts != limits.Parts || len(m.Defects) != want || want == 1 && m.Defects[0].Name != DefectNotOpened {
			t.Errorf("%d more than the limit: %d parts, %v", extra, m.Parts, m.Defects)
		}
	}
}

func TestFilesLimit(t *testing.T) {
	count := func(m *Message) (n int) {
		m.Root.Walk(func(p *Part) bool { n += len(p.Files); return true })
		return n
	}
	text := func(files int) string { return "\n" + strings.Repeat(uuCat, files) }
	tnef := "Content-Type: application/ms-tnef\n" + enc64 + "\n" + in64(winmail(10))
	m := Parse([]byte(parts(text(limits.Files-11), tnef, "\n"+yCat)), Options{})
	if count(m) != limits.Files || len(m.Defects) != 0 {
		t.Errorf("at the limit: %d files, %v", count(m), m.Defects)
	}
	m = Parse([]byte(parts(text(limits.Files-10), tnef, "\n"+yCat, text(3))), Options{})
	if count(m) != limits.Files || len(m.Defects) != 1 || m.Defects[0].Name != DefectTooManyFiles || m.Defects[0].Part != "1.3" {
		t.Errorf("past the limit: %d files, %v", count(m), m.Defects)
	}
}

// counter counts the bytes that are read.
type counter struct {
	io.ReaderAt
	n int64
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	c.n += int64(n)
	return n, err
}

// Without digests a leaf that needs no decoding is not read again.
func TestNoNeedlessReading(t *testing.T) {
	raw := parts("Content-Type: application/x\n\n" + strings.Repeat("x", 10<<20))
	for _, noHash := range []bool{true, false} {
		c := &counter{ReaderAt: strings.NewReader(raw)}
		if _, err := ParseReaderAt(c, int64(len(raw)), Options{NoHash: noHash}); err != nil {
			t.Fatal(err)
		}
		if again := c.n > int64(len(raw))*3/2; again == noHash {
			t.Errorf("no digests: %v, %d bytes read of %d", noHash, c.n, len(raw))
		}
	}
}

func TestContentReaderFails(t *testing.T) {
	raw := parts("\nabc", enc64+"\n"+strings.Repeat("QUJD", 1<<20))
	fails := &failsLater{ReaderAt: strings.NewReader(raw), left: int64(len(raw)) + 1<<20}
	if m, err := ParseReaderAt(fails, int64(len(raw)), Options{}); m != nil || err == nil {
		t.Errorf("got %v, %v", m, err)
	}
}

// failsLater is a reader that fails after that many bytes.
type failsLater struct {
	io.ReaderAt
	left int64
}

func (r *failsLater) ReadAt(b []byte, off int64) (int, error) {
	if r.left -= int64(len(b)); r.left < 0 {
		return 0, errBroken
	}
	return r.ReaderAt.ReadAt(b, off)
}

func FuzzContent(f *testing.F) {
	for i, tt := range contentSamples {
		f.Add([]byte(tt.raw), i)
	}
	for i, cms := range []string{cmsSigned, cmsCerts, cmsEnveloped, cmsAuth} {
		f.Add([]byte("Content-Type: application/pkcs7-mime\n\n"+cms), i)
	}
	f.Fuzz(func(t *testing.T, raw []byte, window int) {
		if len(raw) > 1<<20 {
			return
		}
		alike(t, raw, 1+max(0, window%5000))
	})
}
