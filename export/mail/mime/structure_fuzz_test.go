package mime

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail/header"
)

// failer is a test or a property.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// same checks that a message from a reader is read as m was from memory.
func same(t failer, raw []byte, m *Message, window int) {
	t.Helper()
	got, err := parseWindow(&input{r: bytes.NewReader(raw), size: int64(len(raw))}, Options{NoHash: true}, window)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Fatalf("a window of %d bytes gives\n%.2000swant\n%.2000s", window, show(string(raw), got), show(string(raw), m))
	}
}

// checkSpans checks that the parts lie in order within the one around them, and
// that offsets are inside the message.
func checkSpans(t failer, m *Message, size int64) {
	t.Helper()
	parts := 0
	m.Root.Walk(func(p *Part) bool {
		parts++
		if p.Inner {
			return true
		}
		if p.Begin < 0 || p.Body != p.Begin+int64(p.Header.Body) || p.Body < p.Begin || p.End < p.Body || p.End > size {
			t.Fatalf("part %s is %d-%d-%d of %d", p.Number, p.Begin, p.Body, p.End, size)
		}
		at := p.Body
		for _, inside := range p.Children() {
			if inside.Inner {
				continue
			}
			if inside.Begin < at || inside.End > p.End {
				t.Fatalf("part %s is %d-%d, after %d in %d-%d", inside.Number, inside.Begin, inside.End, at, p.Body, p.End)
			}
			at = inside.End
		}
		return true
	})
	if parts != m.Parts {
		t.Fatalf("%d parts, not %d", parts, m.Parts)
	}
	if m.Root.Begin != 0 || m.Root.End != size {
		t.Fatalf("the message is %d-%d of %d", m.Root.Begin, m.Root.End, size)
	}
	for _, d := range m.Defects {
		if d.Offset < 0 || d.Name == "" || d.Part == "" {
			t.Fatalf("defect %+v", d)
		}
	}
}

// stretch makes a message longer than the windows that it is read in.
func stretch(raw []byte) []byte {
	return bytes.ReplaceAll(raw, []byte("~"), []byte(strings.Repeat("x", 3000)))
}

func FuzzParse(f *testing.F) {
	for i, tt := range structures {
		f.Add([]byte(tt.raw), i)
	}
	f.Add([]byte(mixed+"--b\nX: ~~\n\n~~\n--b\n\n~\n--b--\n~"), 1)
	f.Add([]byte(mixed+"~~\n-~\n--~\n--b\n\n~~-\n--b"), 2)
	f.Fuzz(func(t *testing.T, raw []byte, window int) {
		if raw = stretch(raw); len(raw) > 1<<20 {
			return
		}
		m := Parse(raw, Options{NoHash: true})
		checkSpans(t, m, int64(len(raw)))
		same(t, raw, m, 1+max(0, window%5000))
		if h := header.Read(raw); !reflect.DeepEqual(h, m.Root.Header) {
			t.Fatalf("the header is\n%+v, alone\n%+v", m.Root.Header, h)
		}
	})
}

// Any row of lines that mean something to the parser gives spans in order, alike
// from memory and from a reader.
func TestLines(t *testing.T) {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{
		"--a", "--b", "--a--", "--b--", "--a ", "--ab", "--", "-", "", "", "text", "~", "~~", "~-", "--~", " fold", "A: b", "X-A: ~",
		"Content-Type: multipart/mixed; boundary=a", "Content-Type: multipart/digest; boundary=b", "Content-Type: multipart/x; boundary=ab",
		"Content-Type: multipart/x; boundary=\"\"", "Content-Type: multipart/x", "Content-Type: message/rfc822", "Content-Type: text/x; name=n",
		"Content-Disposition: attachment; filename=f", "Content-Transfer-Encoding: base64", "From x@mail.example", "junk",
	}), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		var raw []byte
		for _, line := range lines.Draw(t, "lines") {
			raw = append(raw, line...)
			raw = append(raw, rapid.SampledFrom([]string{"\n", "\n", "\n", "\r\n", "\r"}).Draw(t, "end")...)
		}
		if rapid.Bool().Draw(t, "cut") && len(raw) > 0 {
			raw = raw[:len(raw)-1]
		}
		raw = stretch(raw)
		m := Parse(raw, Options{NoHash: true})
		checkSpans(t, m, int64(len(raw)))
		same(t, raw, m, rapid.IntRange(1, 5000).Draw(t, "window"))
	})
}

// errReader is a reader that fails from an offset on.
type errReader struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("broken")

func (r errReader) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > r.from {
		return 0, errBroken
	}
	return r.ReaderAt.ReadAt(b, off)
}

// A message that cannot be read to its end is none.
func TestReaderFails(t *testing.T) {
	raw := mixed + "--b\n\n" + strings.Repeat("x", 3*bufferBytes) + "\n--b--\n"
	size := int64(len(raw))
	for _, from := range []int64{0, 10, bufferBytes + 5, 2*bufferBytes + 5, size - 1} {
		m, err := ParseReaderAt(errReader{strings.NewReader(raw), from}, size, Options{})
		if m != nil || !errors.Is(err, errBroken) {
			t.Errorf("broken at %d: %v, %v", from, m, err)
		}
	}
	if m, err := ParseReaderAt(strings.NewReader(raw), size+1, Options{}); m != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v, %v", m, err)
	}
	if m, err := ParseReaderAt(strings.NewReader(raw), -1, Options{}); err != nil || m.Root.End != 0 {
		t.Errorf("negative size: %v, %v", m, err)
	}
}
