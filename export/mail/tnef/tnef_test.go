package tnef

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"exhibit/export/mail/limits"
)

// iidStorage is the interface of an OLE object,
// {0000000B-0000-0000-C000-000000000046}.
var iidStorage = []byte{0x0B, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}

// sample is a stream with all that is read.
func sample() []byte {
	inner := stream(
		str(attSubject, "inside"), rend(), str(attAttachTitle, "deep.txt"), att(attAttachData, []byte("deep")),
		str(attBody, "inner text"),
	)
	return stream(
		att(0x00089006, []byte{0, 0, 1, 0}), codePage(1251),
		str(attMessageClass, "IPM.Microsoft Mail.Note"), str(attSubject, "\xcf\xf0\xe8\xe2\xe5\xf2"),
		str(attBody, "plain"),
		props(attMsgProps,
			append(le.AppendUint16(tag(typeInt16, 0x0017), 1), 0, 0),
			append(tag(typeBoolean, 0x0E1F), 1, 0, 0, 0),
			append(tag(typeTime, 0x0039), make([]byte, 8)...),
			namedByNumber(), namedByText("colour"),
			values(typeUnicode|multiValued, 0x3A58, wide("one"), wide("second"), nil),
			append(tag(typeInt16|multiValued, 0x3A59), 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0),
			le.AppendUint32(tag(typeInt32, propInternetPage), 65001),
			values(typeBinary, propHTML, []byte("<p>HTML</p>")),
			values(typeBinary, propRTFCompressed, rtf(`{\rtf1 formatted}`)),
		),
		rend(), str(attAttachTitle, "LONGNA~1.PDF"), att(attAttachData, []byte("%PDF")),
		props(attAttachment, unicodeProp(propAttachLongName, "long näme.pdf"), values(typeString8, propAttachMIMETag, []byte("application/pdf\x00"))),
		rend(), str(attAttachTitle, "\xef\xe8\xf1\xfc\xec\xee.doc"), att(attAttachData, []byte("doc")),
		rend(), props(attAttachment, object(iidMessage, inner)),
		rend(), props(attAttachment, unicodeProp(propDisplayName, "drawing"), object(iidStorage, []byte("OLE"))),
	)
}

func namedByNumber() []byte {
	b := append(tag(typeInt32, 0x8005), make([]byte, 16)...)
	b = le.AppendUint32(le.AppendUint32(b, 0), 0x8503)
	return le.AppendUint32(b, 7)
}

func namedByText(name string) []byte {
	b := append(tag(typeUnicode, 0x8006), make([]byte, 16)...)
	w := wide(name)
	b = le.AppendUint32(le.AppendUint32(b, 1), uint32(len(w)))
	b = pad(append(b, w...))
	v := wide("red")
	return pad(append(le.AppendUint32(le.AppendUint32(b, 1), uint32(len(v))), v...))
}

// lines describe the files of a message.
func lines(m Message) []string {
	var list []string
	for _, f := range m.Files {
		line := fmt.Sprintf("%d %s (%s %s) %q", f.Depth, f.Name, f.Type, f.Charset, f.Data)
		if f.Message {
			line = fmt.Sprintf("%d %s message", f.Depth, f.Name)
		}
		if f.Body {
			line += " body"
		}
		list = append(list, line)
	}
	return list
}

func TestRead(t *testing.T) {
	m, err := Read(sample())
	if err != nil || len(m.Faults) > 0 {
		t.Fatal(err, m.Faults)
	}
	if m.Subject != "Привет" || m.Class != "IPM.Microsoft Mail.Note" {
		t.Errorf("subject %q, class %q", m.Subject, m.Class)
	}
	want := []string{
		`1 long näme.pdf (application/pdf ) "%PDF"`,
		`1 письмо.doc ( ) "doc"`,
		`1 inside message`,
		`2 deep.txt ( ) "deep"`,
		`2 body.txt (text/plain windows-1252) "inner text" body`,
		`1 drawing ( ) "OLE"`,
		`1 body.txt (text/plain windows-1251) "plain" body`,
		`1 body.html (text/html utf-8) "<p>HTML</p>" body`,
		`1 body.rtf (text/rtf ) "{\\rtf1 formatted}" body`,
	}
	if got := lines(m); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// Of the names that an attachment has, the one counts that a receiver would see.
func TestNames(t *testing.T) {
	title, transport := str(attAttachTitle, "title"), str(attAttachTransport, "transport")
	long, short, display := unicodeProp(propAttachLongName, "long"), values(typeString8, propAttachFilename, []byte("short\x00")), unicodeProp(propDisplayName, "display")
	for _, c := range []struct {
		want       string
		attributes [][]byte
	}{
		{"long", [][]byte{title, transport, props(attAttachment, display, short, long)}},
		{"long", [][]byte{props(attAttachment, long, short), transport, title}},
		{"title", [][]byte{props(attAttachment, display, short), title}},
		{"short", [][]byte{transport, props(attAttachment, display, short)}},
		{"transport", [][]byte{transport, props(attAttachment, display)}},
		{"display", [][]byte{props(attAttachment, display)}},
		{"short", [][]byte{str(attAttachTitle, ""), props(attAttachment, short)}},
		{"", nil},
	} {
		all := append([][]byte{rend()}, c.attributes...)
		m, err := Read(stream(append(all, att(attAttachData, []byte("x")))...))
		if err != nil || len(m.Files) != 1 || m.Files[0].Name != c.want || string(m.Files[0].Data) != "x" {
			t.Errorf("want %s: %v, %v", c.want, lines(m), err)
		}
	}
}

func TestCodePages(t *testing.T) {
	for _, c := range []struct {
		page    uint32
		raw     string
		want    string
		charset string
	}{
		{0, "\x80", "€", "windows-1252"},
		{4711, "\x80", "€", "windows-1252"},
		{1250, "\xb9", "ą", "windows-1250"},
		{932, "\x93\xfa\x96\x7b", "日本", "shift_jis"},
		{936, "\xd6\xd0", "中", "gbk"},
		{949, "\xc7\xd1", "한", "euc-kr"},
		{950, "\xa4\xa4", "中", "big5"},
		{437, "\x80", "Ç", "ibm437"},
		{866, "\x80", "А", "ibm866"},
		{874, "\xa1", "ก", "windows-874"},
		{20866, "\xc1", "а", "koi8-r"},
		{28592, "\xb1", "ą", "iso-8859-2"},
		{28606, "\xa4", "€", "iso-8859-16"},
		{28601, "\x80", "€", "windows-1252"}, // there is no part 11 here
		{65001, "\xc3\xa9\xff", "é\uFFFD", "utf-8"},
	} {
		// The code page may come last.
		m, err := Read(stream(rend(), str(attAttachTitle, c.raw), str(attBody, "x"), codePage(c.page)))
		if err != nil || len(m.Files) != 2 || m.Files[0].Name != c.want || m.Files[1].Charset != c.charset {
			t.Errorf("%d: %v, %v", c.page, lines(m), err)
		}
	}
}

// Contents are no copies.
func TestShared(t *testing.T) {
	data := stream(rend(), att(attAttachData, []byte("content")))
	m, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(data, []byte("content"))
	if &data[i] != &m.Files[0].Data[0] {
		t.Error("the content was copied")
	}
}

// An attachment may have its content twice: both are shown, as programs differ in
// which one they open.
func TestTwoContents(t *testing.T) {
	plain := att(attAttachData, []byte("cannot be shown"))
	inner := stream(str(attSubject, "s"))
	for _, c := range []struct {
		name       string
		attributes [][]byte
		want       []string
		faults     int
	}{
		{"a message", [][]byte{plain, props(attAttachment, object(iidMessage, inner))}, []string{`1  ( ) "cannot be shown"`, `1 s message`}, 0},
		{"of one sort", [][]byte{plain, props(attAttachment, values(typeBinary, propAttachData, []byte("other")))}, []string{`1  ( ) "cannot be shown"`, `1  ( ) "other"`}, 0},
		{"the same", [][]byte{plain, props(attAttachment, values(typeBinary, propAttachData, []byte("cannot be shown")))}, []string{`1  ( ) "cannot be shown"`}, 0},
		{"repeated", [][]byte{plain, att(attAttachData, []byte("again"))}, []string{`1  ( ) "cannot be shown"`}, 1},
		{"empty and an object", [][]byte{att(attAttachData, nil), props(attAttachment, object(iidStorage, []byte("OLE")))}, []string{`1  ( ) "OLE"`}, 0},
		{"without a beginning", [][]byte{}, nil, 0},
	} {
		m, err := Read(stream(c.attributes...))
		if got := lines(m); err != nil || !slices.Equal(got, c.want) || len(m.Faults) != c.faults {
			t.Errorf("%s: %q, %v, %v", c.name, got, m.Faults, err)
		}
	}
}

func TestNoTNEF(t *testing.T) {
	for _, s := range []string{"", "x", "\x78\x9f\x3e", "\x22\x3e\x9f\x78\x00\x00"} {
		if _, err := Read([]byte(s)); !errors.Is(err, ErrSignature) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// Of a damaged stream all is there that lies before and beside the damage.
func TestDamage(t *testing.T) {
	one := slices.Concat(rend(), str(attAttachTitle, "one"), att(attAttachData, []byte("1")))
	two := slices.Concat(rend(), str(attAttachTitle, "two"), att(attAttachData, []byte("2")))
	long := slices.Concat(rend(), str(attAttachTitle, "cut"), att(attAttachData, []byte("0123456789")))
	list := func(b ...byte) []byte {
		return att(attAttachment, append(unicodeCount(2, "name"), b...))
	}
	const first, second = `1 one ( ) "1"`, `1 two ( ) "2"`
	for _, c := range []struct {
		name string
		data []byte
		at   int // of the damage; below 0: none
		want []string
	}{
		{"only the head", stream(), -1, nil},
		{"a head that is cut", stream()[:5], 5, nil},
		{"junk between", stream(one, []byte("\x07junk, and more"), two), 6 + len(one), []string{first}},
		{"zeros at the end", stream(one, make([]byte, 100)), -1, []string{first}},
		{"a line end at the end", stream(one, []byte("\r\n")), -1, []string{first}},
		{"data cut", stream(one, long[:len(long)-7]), 6 + len(one) + len(long) - 21, []string{first, `1 cut ( ) "01234"`}},
		{"a checksum cut", stream(one, two[:len(two)-1]), 6 + len(one) + len(two) - 12, []string{first, second}},
		{"a head of an attribute cut", stream(one, two[:3]), 6 + len(one), []string{first}},
		{"a property of an unknown type", stream(one, rend(), list(0x77, 0, 1, 0), two), 6 + len(one) + 25 + 9 + 4 + 24, []string{first, `1 name ( ) ""`, second}},
		{"a list that is too short", stream(one, rend(), list(), two), 6 + len(one) + 25 + 9 + 4 + 24, []string{first, `1 name ( ) ""`, second}},
		{"a list without a count", stream(att(attMsgProps, []byte{1, 0}), one), 15, []string{first}},
		{"an object without its interface", stream(rend(), props(attAttachment, object(nil, []byte("x"))), one), 6 + 25 + 9 + 16, []string{`1  ( ) ""`, first}},
		{"a message that is none", stream(rend(), props(attAttachment, object(iidMessage, []byte("none"))), one), 6 + 25 + 9 + 32, []string{`1  ( ) "none"`, first}},
		{"a message that is damaged", stream(rend(), props(attAttachment, object(iidMessage, stream(one, two[:4]))), one), 6 + 25 + 9 + 32 + 6 + len(one), []string{`1  message`, `2 one ( ) "1"`, first}},
		{"formatted text cut", stream(props(attMsgProps, values(typeBinary, propRTFCompressed, rtf("text")[:12])), one), 6 + 9 + 16, []string{first}},
		{"formatted text of another sort", stream(props(attMsgProps, values(typeBinary, propRTFCompressed, make([]byte, 20))), one), 6 + 9 + 16, []string{first}},
	} {
		m, err := Read(c.data)
		var damaged *DamagedError
		switch {
		case c.at < 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.at >= 0 && !errors.As(err, &damaged):
			t.Errorf("%s: no damage: %v", c.name, err)
		case c.at >= 0 && int(damaged.Offset) != c.at:
			t.Errorf("%s: %v, want byte %d", c.name, err, c.at)
		}
		if got := lines(m); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// unicodeCount begins a list of n properties with a name.
func unicodeCount(n uint32, name string) []byte {
	return append(le.AppendUint32(nil, n), unicodeProp(propAttachLongName, name)...)
}

// Wherever a stream is cut, what lies before is there.
func TestCut(t *testing.T) {
	whole := sample()
	pdf := bytes.Index(whole, []byte("%PDF")) + len("%PDF")
	for n := range whole {
		m, err := Read(whole[:n])
		if n >= pdf && (len(m.Files) == 0 || string(m.Files[0].Data) != "%PDF") {
			t.Fatalf("cut at %d: %q, %v", n, lines(m), err)
		}
	}
}

func TestFaults(t *testing.T) {
	bad := slices.Concat(rend(), str(attAttachTitle, "one"), att(attAttachData, []byte("1")))
	bad[len(bad)-1]++
	spoiled := rtf("text")
	spoiled[12]++
	sized := rtf("text")
	sized[4]++
	long := strings.Repeat("x", maxText)
	for _, c := range []struct {
		name   string
		data   []byte
		faults []Fault
		want   int // files
	}{
		{"checksum", stream(bad), []Fault{{FaultChecksum, 6 + int64(len(bad)) - 12}}, 1},
		{"checksum of formatted text", stream(props(attMsgProps, values(typeBinary, propRTFCompressed, spoiled))), []Fault{{FaultRTF, 31}}, 1},
		{"length of formatted text", stream(props(attMsgProps, values(typeBinary, propRTFCompressed, sized))), []Fault{{FaultRTF, 31}}, 1},
		{"a long name", stream(str(attAttachTitle, long)), nil, 1},
		{"a name too long", stream(str(attAttachTitle, long+"x")), []Fault{{FaultText, 15}}, 1},
		{"bytes at the end", stream([]byte("\n")), []Fault{{FaultTrailing, 6}}, 0},
	} {
		m, err := Read(c.data)
		if err != nil || !slices.Equal(m.Faults, c.faults) || len(m.Files) != c.want {
			t.Errorf("%s: %v, %d files, %v", c.name, m.Faults, len(m.Files), err)
		}
	}
	m, _ := Read(stream(bytes.Repeat(bad, limits.Defects+1)))
	if len(m.Faults) != limits.Defects {
		t.Errorf("%d faults", len(m.Faults))
	}
}

// nested is n streams in one another.
func nested(n int) []byte {
	data := stream(rend(), str(attAttachTitle, "innermost"))
	for range n - 1 {
		data = stream(rend(), props(attAttachment, object(iidMessage, data)))
	}
	return data
}

func TestLimits(t *testing.T) {
	empty := func(n int) []byte { return stream(bytes.Repeat(att(0x00089006, nil), n)) }
	properties := func(n int) []byte {
		b := le.AppendUint32(nil, uint32(n))
		return stream(att(attMsgProps, append(b, bytes.Repeat(tag(typeNull, 1), n)...)))
	}
	files := func(n int) []byte { return stream(bytes.Repeat(rend(), n)) }
	bodied := func(n int) []byte { return stream(bytes.Repeat(rend(), n-1), str(attBody, "text")) }
	inside := func(n int) []byte {
		half := stream(bytes.Repeat(rend(), n/2-1))
		return stream(bytes.Repeat(rend(), (n+1)/2), rend(), props(attAttachment, object(iidMessage, half)))
	}
	formatted := func(n int) []byte {
		return stream(props(attMsgProps, values(typeBinary, propRTFCompressed, rtf(strings.Repeat("x", n)))))
	}
	for _, c := range []struct {
		what  string
		make  func(n int) []byte
		limit int
		files func(n int) int // beyond the limit
	}{
		{"attributes", empty, limits.TNEFAttributes, nil},
		{"properties", properties, limits.TNEFProperties, nil},
		{"files", files, limits.Files, func(n int) int { return n }},
		{"files", bodied, limits.Files, func(n int) int { return n }},
		{"files", inside, limits.Files, func(n int) int { return n }},
		{"messages in one another", nested, limits.TNEFDepth, func(n int) int { return n }},
		{"bytes of formatted text", formatted, limits.TNEFFormattedBytes, nil},
	} {
		if _, err := Read(c.make(c.limit)); err != nil {
			t.Errorf("%d %s: %v", c.limit, c.what, err)
		}
		m, err := Read(c.make(c.limit + 1))
		var limit *LimitError
		if !errors.As(err, &limit) || limit.What != c.what || limit.Limit != c.limit {
			t.Errorf("one more than %d %s: %v", c.limit, c.what, err)
		}
		if c.files != nil && len(m.Files) != c.files(c.limit) {
			t.Errorf("one more than %d %s: %d files", c.limit, c.what, len(m.Files))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample())
	f.Add(nested(limits.TNEFDepth + 1))
	f.Add(stream(props(attMsgProps, values(typeBinary, propRTFCompressed, specified[0].stored))))
	f.Add([]byte("\x78\x9f\x3e\x22\x01\x00\x02\x0f\x80\x06\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(data)
		var damaged *DamagedError
		var limit *LimitError
		if err != nil && !errors.Is(err, ErrSignature) && !errors.As(err, &damaged) && !errors.As(err, &limit) {
			t.Errorf("an error of no kind: %v", err)
		}
		if damaged != nil && (damaged.Offset < 0 || damaged.Offset > int64(len(data))) {
			t.Errorf("outside of the %d bytes: %v", len(data), err)
		}
		if len(m.Files) > limits.Files || len(m.Faults) > limits.Defects {
			t.Errorf("%d files, %d faults", len(m.Files), len(m.Faults))
		}
		for _, file := range m.Files {
			if file.Depth < 1 || file.Depth > limits.TNEFDepth || file.Message && !bytes.HasPrefix(file.Data, signature) {
				t.Errorf("%q at depth %d", file.Name, file.Depth)
			}
		}
	})
}
