package mail_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/limits"
	"exhibit/export/mail/mime"
)

// family is a message with a text, a named picture, and a message that carries a
// table.
const family = "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n" +
	"--o\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=F6=DFe\r\n" +
	"--o\r\nContent-Type: image/png\r\nContent-Disposition: inline; filename*=utf-8''%C3%84.png\r\nContent-ID: <c@example.org>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n" +
	"--o\r\nContent-Type: message/rfc822\r\n\r\n" + carried + "\r\n--o--\r\n"

const carried = "Message-ID: <i@example.org>\r\nSubject: =?utf-8?q?=C3=84?=\r\nX-Gmail-Labels: inner\r\nDate: soon\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n" +
	"--i\r\n\r\ntext\r\n--i\r\nContent-Type: text/csv\r\n\r\n1,2\r\n--i--\r\n"

// The parts of a message are listed in order, with their place, and with size and
// digests of their decoded bytes.
func TestParts(t *testing.T) {
	m, text := describe(t, family)
	at := func(s string) int64 { return int64(strings.Index(family, s)) }
	var got []string
	for _, p := range m.Parts {
		size := int64(-1)
		if p.Size != nil {
			size = *p.Size
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s %s %s %v %d %s %s", p.Number, p.Type, p.Charset, p.Disposition, p.Name, p.ContentID, p.Encoding, p.Attachment, size, p.SHA256, p.MD5))
		if p.Inner {
			t.Errorf("%s is inner", p.Number)
		}
	}
	want := []string{
		"1 multipart/mixed      false -1  ",
		"1.1 text/plain iso-8859-1    quoted-printable false 5 " + sha256Of("Gr\xf6\xdfe") + " " + md5Of("Gr\xf6\xdfe"),
		"1.2 image/png  inline Ä.png c@example.org base64 true 3 " + sha256Of("\x00\x01\x02") + " " + md5Of("\x00\x01\x02"),
		fmt.Sprintf("1.3 message/rfc822      true %d %s %s", len(carried), sha256Of(carried), md5Of(carried)),
		"1.3.1 multipart/mixed      false -1  ",
		"1.3.1.1 text/plain      false 4 " + sha256Of("text") + " " + md5Of("text"),
		"1.3.1.2 text/csv      true 3 " + sha256Of("1,2") + " " + md5Of("1,2"),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p := m.Parts[2]; p.Offset != at("Content-Type: image/png") || p.Body != at("AAEC") || p.Length != 4 {
		t.Errorf("%+v", p)
	}
	if p := m.Parts[3]; p.Body != at(carried) || p.Length != int64(len(carried)) {
		t.Errorf("%+v", p)
	}
	// The fields of the carried message are on the part that carries it; its labels
	// are nobody's.
	if p := m.Parts[3].Message; p == nil || p.MessageID != "<i@example.org>" || p.Subject != "Ä" || p.Thread.By != mail.ByMessageID || len(m.Labels) > 0 {
		t.Errorf("%+v", p)
	}
	if d := m.Defects; len(d) != 1 || d[0] != (mail.Defect{Name: "date", Part: "1.3.1", Offset: at("Date: soon")}) {
		t.Errorf("%+v", d)
	}
	if strings.Count(text, `"message":`) != 1 || strings.Contains(text, "inner") {
		t.Errorf("%s", text)
	}
}

// What is a document of its own, and what is the text of the message.
func TestAttachments(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "Content-Type: text/html\n": false, "Content-Type: text/plain; name=a.txt\n": true,
		"Content-Disposition: attachment\n": true, "Content-Disposition: inline\n": false, "Content-Type: application/pdf\n": true,
		"Content-Type: text/calendar\n": true, "Content-Type: multipart/mixed\n": false, "Content-Type: message/rfc822\n": true,
	} {
		m := mail.Describe(mail.Item{Raw: []byte(header + "Subject: x\n\nA: b\n\nc\n")})
		if got := m.Parts[0].Attachment; got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// A carried message under a transfer encoding has offsets of its own, which
// nothing is added to.
func TestInnerParts(t *testing.T) {
	const line = "From a@example.org\n"
	inner := "Subject: in\r\nDate: soon\r\n\r\nhello\r\n"
	raw := "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n" +
		strings.ReplaceAll(strings.ReplaceAll(inner, "in", "=69n"), "\r\n", "\n") + "\n--o--\n"
	m := mail.Describe(mail.Item{Raw: []byte(line + raw), Separator: len(line)})
	if len(m.Parts) != 3 {
		t.Fatalf("%+v", m)
	}
	decoded := strings.ReplaceAll(inner, "\r\n", "\n")
	outer, p := m.Parts[1], m.Parts[2]
	if outer.Inner || !outer.Attachment || *outer.Size != int64(len(decoded)) || outer.SHA256 != sha256Of(decoded) || outer.Message.Subject != "in" {
		t.Errorf("%+v", outer)
	}
	if !p.Inner || p.Offset != 0 || p.Body != int64(strings.Index(decoded, "hello")) || *p.Size != 6 || p.SHA256 != sha256Of("hello\n") {
		t.Errorf("%+v", p)
	}
	if d := m.Defects; len(d) != 1 || d[0] != (mail.Defect{Name: "date", Part: "1.1.1", Offset: int64(strings.Index(decoded, "Date"))}) {
		t.Errorf("%+v", d)
	}
}

// maxLine is what an item record may take, and most what the rest of it leaves.
const (
	maxLine = 1 << 20
	most    = maxLine - 128<<10
)

// However many parts a message has and whatever their names, what an index shows
// of it stays small, and says that it was cut.
func TestPartsLimits(t *testing.T) {
	many := func(n int, header string) string {
		return "Content-Type: multipart/mixed; boundary=o\n\n" + strings.Repeat("--o\n"+header+"\nx\n", n) + "--o--\n"
	}
	long := strings.Repeat("\x01", 900)
	for name, raw := range map[string]string{
		"parts":    many(limits.Parts-1, ""),
		"names":    many(3000, "Content-Type: text/plain; name=\""+long+"\"\n"),
		"messages": many(1500, "Content-Type: message/rfc822\n\nSubject: "+strings.Repeat("s", 800)+"\nTo: "+strings.Repeat("a@example.org,", 50)+"\n"),
		"defects":  "Subject: " + strings.Repeat("\x01", 80<<10) + "\nTo: " + strings.Repeat("\"\x01\" <a@example.org>,", 20_000) + "\n" + many(9000, "Content-Transfer-Encoding: base64\n\n*"),
	} {
		m, text := describe(t, raw)
		if len(text) > most || !isCut(m) || m.PartsTotal <= len(m.Parts) || len(m.Parts) == 0 || len(m.Defects) > limits.Defects {
			t.Errorf("%s: %d bytes, %d of %d parts, %d defects", name, len(text), len(m.Parts), m.PartsTotal, len(m.Defects))
		}
		if !strings.Contains(text, fmt.Sprintf(`"parts_total":%d`, m.PartsTotal)) {
			t.Errorf("%s does not tell how many", name)
		}
	}
	if m, text := describe(t, many(500, "")); isCut(m) || m.PartsTotal != 0 || len(m.Parts) != 501 || strings.Contains(text, "parts_total") {
		t.Errorf("within the limits: %d of %d parts, %v", len(m.Parts), m.PartsTotal, m.Defects)
	}
}

// The list of parts is cut at its bound, and not before.
func TestPartsBound(t *testing.T) {
	build := func(n int) *mime.Message {
		root := &mime.Part{Number: "1", Type: "multipart/mixed"}
		for i := range n {
			root.Parts = append(root.Parts, &mime.Part{Number: fmt.Sprintf("1.%d", i+1), Type: "text/plain", Name: strings.Repeat("n", 100), Size: 1, SHA256: [32]byte{1}, MD5: [16]byte{1}})
		}
		return &mime.Message{Root: root, Parts: n + 1}
	}
	fits := 0
	for n := 1; ; n++ {
		m := mail.DescribeParsed(build(n), 0)
		if isCut(m) {
			if m.PartsTotal != n+1 || len(m.Parts) >= n+1 {
				t.Errorf("past the bound: %d of %d parts", len(m.Parts), m.PartsTotal)
			}
			break
		}
		if fits = len(m.Parts); fits != n+1 || m.PartsTotal != 0 {
			t.Fatalf("%d parts: %d, total %d", n+1, fits, m.PartsTotal)
		}
		n += 49
	}
	text, err := json.Marshal(mail.DescribeParsed(build(3000), 0))
	if err != nil || fits < 800 || len(text) < 300<<10 || len(text) > 512<<10 {
		t.Errorf("%d parts fit, %d bytes, %v", fits, len(text), err)
	}
}

// Defects are as many as a message may have; that something was cut is always
// among them.
func TestDefectLimits(t *testing.T) {
	build := func(n int) *mime.Message {
		m := mime.Parse([]byte("Subject: "+strings.Repeat("s", 40<<10)+"\n\n"), mime.Options{})
		for i := range n {
			m.Defects = append(m.Defects, mime.Defect{Name: mime.DefectBase64, Part: "1", Offset: int64(i)})
		}
		return m
	}
	for n, want := range map[int]string{limits.Defects - 1: mime.DefectBase64, limits.Defects: "too-many-defects"} {
		m := mail.DescribeParsed(build(n), 0)
		if got := m.Defects; len(got) != limits.Defects || got[len(got)-1].Name != want || !isCut(m) {
			t.Errorf("%d and one: %d defects, the last is %+v", n, len(got), got[len(got)-1])
		}
	}
}
