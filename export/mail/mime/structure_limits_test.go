package mime

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

// both reads a message in both ways, which have to agree, and returns the result
// and how often a defect is in it.
func both(t *testing.T, raw, defect string) (*Message, int) {
	t.Helper()
	m := Parse([]byte(raw), Options{NoHash: true})
	same(t, []byte(raw), m, bufferBytes)
	n := 0
	for _, d := range m.Defects {
		if d.Name == defect {
			n++
		}
	}
	return m, n
}

func multiparts(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	out.WriteString("\ntext")
	for i := range n {
		fmt.Fprintf(&out, "\n--b%d--", n-1-i)
	}
	return out.String()
}

func TestDepthLimit(t *testing.T) {
	messages := func(n int) string { return strings.Repeat("Content-Type: message/rfc822\n\n", n) + "\ntext" }
	for name, make := range map[string]func(int) string{"multiparts": multiparts, "messages": messages} {
		m, n := both(t, make(limits.Depth-1), DefectTooDeep)
		if m.Parts != limits.Depth || n != 0 {
			t.Errorf("%s, at the limit: %d parts, %v", name, m.Parts, m.Defects)
		}
		m, n = both(t, make(limits.Depth), DefectTooDeep)
		if m.Parts != limits.Depth || n != 1 {
			t.Errorf("%s, past the limit: %d parts, %v", name, m.Parts, m.Defects)
		}
	}
}

func TestPartsLimit(t *testing.T) {
	const part = "--b\n\ntext\n"
	m, n := both(t, mixed+strings.Repeat(part, limits.Parts-1)+"--b--\nend", DefectTooManyParts)
	if m.Parts != limits.Parts || n != 0 {
		t.Errorf("at the limit: %d parts, %d defects", m.Parts, n)
	}
	for _, more := range []int{1, 1000} {
		raw := mixed + strings.Repeat(part, limits.Parts-1+more) + "--b--\nend"
		m, n = both(t, raw, DefectTooManyParts)
		last := m.Root.Parts[len(m.Root.Parts)-1]
		if m.Parts != limits.Parts || n != 1 || len(m.Defects) != 1 {
			t.Errorf("past the limit: %d parts, %v", m.Parts, m.Defects)
		}
		if got := raw[last.Body:last.End]; got != "text" || m.Root.End != int64(len(raw)) {
			t.Errorf("past the limit: the last part has %q", got)
		}
	}
	nested := mixed + strings.Repeat(part, limits.Parts-2) + "--b\nContent-Type: message/rfc822\n\nSubject: a\n\n--b--\n"
	if m, n = both(t, nested, DefectTooManyParts); n != 1 || m.Root.Parts[limits.Parts-2].Message != nil {
		t.Errorf("a message past the limit: %d parts, %d defects", m.Parts, n)
	}
}

func TestFieldsLimit(t *testing.T) {
	part := "--b\n" + strings.Repeat("A: b\n", 10_000) + "\n"
	for more, want := range map[int]int{0: 0, 1: 1} {
		// the root has a field of its own
		raw := mixed + strings.Repeat(part, 9) + "--b\n" + strings.Repeat("A: b\n", 9_999+more) + "\n\n--b--\n"
		m, n := both(t, raw, header.DefectTooManyFields)
		fields := 0
		m.Root.Walk(func(p *Part) bool {
			fields += len(p.Header.Fields)
			return true
		})
		if fields != limits.MessageFields || n != want {
			t.Errorf("%d past the limit: %d fields, %d defects", more, fields, n)
		}
	}
	for more, want := range map[int]int{0: 0, 1: 1} {
		raw := mixed + "--b\n" + strings.Repeat("A: b\n", limits.Fields+more) + "\n\n--b--\n"
		m, n := both(t, raw, header.DefectTooManyFields)
		if got := len(m.Root.Parts[0].Header.Fields); got != limits.Fields || n != want {
			t.Errorf("%d past the limit of a header: %d fields, %d defects", more, got, n)
		}
	}
}

func TestHeaderBytesLimit(t *testing.T) {
	const line, end = "Content-Type: text/x\nX-A: \n\n", "\n--b\n"
	for more, want := range map[int]int{0: 0, 1: 1} {
		left := limits.MessageHeaderBytes - len(mixed)
		var raw strings.Builder
		raw.WriteString(mixed + "--b\n")
		for left > 0 {
			n := min(left, 10<<20)
			if left -= n; left == 0 {
				n += more
			}
			raw.WriteString(strings.Replace(line, "X-A: ", "X-A: "+strings.Repeat("x", n-len(line)), 1) + "text" + end)
		}
		raw.WriteString("Content-Type: text/y\n\ntext\n--b--\n")
		m, n := both(t, raw.String(), DefectTooManyHeaders)
		// The part that follows is beyond the limit in any case.
		last := m.Root.Parts[len(m.Root.Parts)-2]
		if n != 1 || (last.Type == "text/plain") != (want == 1) || raw.String()[last.Body:last.End] != "text" {
			t.Errorf("%d past the limit: %s, %d defects", more, last.Type, n)
		}
	}
	for more, want := range map[int]int{0: 0, 1: 1} {
		raw := "X-A: " + strings.Repeat("x", limits.HeaderBytes-5-2+more) + "\n\ntext"
		m, n := both(t, raw, header.DefectTooManyBytes)
		if n != want || m.Root.Body != limits.HeaderBytes {
			t.Errorf("%d past the limit of a header: %d defects, body at %d", more, n, m.Root.Body)
		}
	}
}

func TestBoundaryLimits(t *testing.T) {
	for more, want := range map[int]int{0: 0, 1: 1} {
		b := strings.Repeat("b", limits.BoundaryBytes+more)
		raw := "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n\ntext\n--" + b + "--\n"
		if m, n := both(t, raw, DefectNoBoundary); n != want || m.Parts != 2-want {
			t.Errorf("%d past the limit: %d parts, %v", more, m.Parts, m.Defects)
		}
		blanks := strings.Repeat(" ", limits.BoundaryLineBytes-len("--b")+more)
		for _, lf := range []string{"\n", "\r\n"} {
			line := "--b" + blanks[:len(blanks)-len(lf)+1] + lf
			for _, raw := range []string{mixed + line + "\ntext\n--b--\n", mixed + "--b\n\ntext\n" + line + "\ntext\n--b--\n"} {
				m, n := both(t, raw, DefectBoundaryMissing)
				if parts := strings.Count(raw, "text") - want; len(m.Root.Parts) != parts || n != 0 && parts > 0 {
					t.Errorf("%d past the limit of a line: %d parts, want %d, %v", more, len(m.Root.Parts), parts, m.Defects)
				}
			}
		}
	}
}

func TestDefectsLimit(t *testing.T) {
	for n, want := range map[int]string{limits.Defects - 1: DefectRepeatedField, limits.Defects: header.DefectTooManyDefects} {
		raw := "Content-ID: a\n" + strings.Repeat("Content-ID: b\n", n) + "\n"
		m, _ := both(t, raw, DefectRepeatedField)
		if len(m.Defects) != n || m.Defects[n-1].Name != want {
			t.Errorf("%d defects: %d kept, the last is %s", n, len(m.Defects), m.Defects[len(m.Defects)-1].Name)
		}
	}
	if m, _ := both(t, "Content-ID: a\n"+strings.Repeat("Content-ID: b\n", 1000), ""); len(m.Defects) != limits.Defects {
		t.Errorf("%d defects kept", len(m.Defects))
	}
}

// Messages made to waste time and memory are read like any other, and say so.
func TestBombs(t *testing.T) {
	for _, bomb := range bombs() {
		m, n := both(t, string(bomb.raw), bomb.defect)
		if n == 0 || m.Parts > limits.Parts || len(m.Defects) > limits.Defects {
			t.Errorf("%s: %d parts, %v", bomb.name, m.Parts, m.Defects)
		}
	}
}

// A header of a message from a reader keeps only its own bytes.
func TestHeaderKeepsLittle(t *testing.T) {
	raw := []byte(mixed + "--b\nA: b\n\n" + strings.Repeat("x", 3<<20) + "\n--b--\n")
	m, err := ParseReaderAt(bytes.NewReader(raw), int64(len(raw)), Options{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	if f := m.Root.Parts[0].Header.Fields[0]; string(f.Raw) != " b" || cap(f.Raw) > 100 {
		t.Errorf("%q lies in %d bytes", f.Raw, cap(f.Raw))
	}
}

// A line of a boundary that is too long for one is not passed over in silence.
func TestLongBoundaryLine(t *testing.T) {
	for _, n := range []int{limits.BoundaryLineBytes - 3, limits.BoundaryLineBytes - 2, limits.BoundaryLineBytes + 1000} {
		raw := mixed + "--b\n\none\n--b" + strings.Repeat(" ", n) + "\n\ntwo\n--b--\n"
		want := []int{2, 0}
		if n+3 > limits.BoundaryLineBytes {
			want = []int{1, 1}
		}
		for _, window := range []int{1, 100, bufferBytes} {
			m, err := parseWindow(&input{r: strings.NewReader(raw), size: int64(len(raw))}, Options{}, window)
			if err != nil || len(m.Root.Parts) != want[0] || len(m.Defects) != want[1] || want[1] == 1 && m.Defects[0].Name != DefectBoundaryLike {
				t.Errorf("%d blanks: %v, %d parts, defects %v", n, err, len(m.Root.Parts), m.Defects)
			}
		}
	}
}
