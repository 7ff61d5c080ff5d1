package mail_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// describe returns the metadata of a message, and its JSON.
func describe(t *testing.T, raw string) (mail.Metadata, string) {
	t.Helper()
	m := mail.Describe(mail.Item{Raw: []byte(raw)})
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		t.Fatal(err)
	}
	return m, strings.TrimSuffix(out.String(), "\n")
}

func TestDescribe(t *testing.T) {
	raw := "X-Gmail-Labels: Inbox,\"A, B\",=?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n" +
		"Received: from a by b; Mon, 20 Jul 2015 14:00:05 +0200\r\nReceived: from x by a; Mon, 20 Jul 2015 14:00:01 +0200\r\n" +
		"Authentication-Results: mx.example.org;\r\n\tdkim=pass header.d=example.org\r\n" +
		"ARC-Authentication-Results: i=1; mx.example.org; spf=none\r\nreceived-spf: pass (x)\r\n" +
		"From: =?utf-8?q?=C3=84?= <a@example.org>\r\n" +
		"Sender: s@example.org\r\nReply-To: r@example.org\r\n" +
		"To: B <b@example.org>,\r\n c@example.org\r\nTo: d@example.org\r\nCc: e@example.org\r\nBcc: f@example.org\r\n" +
		"Subject: =?utf-8?q?Gr=C3=B6?=\r\n =?utf-8?q?=C3=9Fe?=\r\n" +
		"Date: Mon, 20 Jul 2015 14:00:00 +0200\r\n" +
		"Message-ID: <CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com> (x)\r\n" +
		"In-Reply-To: <1@example.org>\r\nReferences: <0@example.org> <1@example.org>\r\n" +
		"List-Id: List <list.example.org>\r\nKeywords: work, \"a, b\"\r\n" +
		"\r\nbody"
	want := `{"message_id":"<CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com>",` +
		`"in_reply_to":["<1@example.org>"],"references":["<0@example.org>","<1@example.org>"],` +
		`"mih":"1de319c276884bd0c9e2f1621ada26cc","thread":{"id":"` + threadID("0@example.org") + `","by":"references"},` +
		`"date":"Mon, 20 Jul 2015 14:00:00 +0200","date_utc":"2015-07-20T12:00:00Z","received_utc":"2015-07-20T12:00:05Z",` +
		`"from":[{"name":"Ä","addr":"a@example.org"}],"sender":[{"addr":"s@example.org"}],"reply_to":[{"addr":"r@example.org"}],` +
		`"to":[{"name":"B","addr":"b@example.org"},{"addr":"c@example.org"},{"addr":"d@example.org"}],` +
		`"cc":[{"addr":"e@example.org"}],"bcc":[{"addr":"f@example.org"}],"subject":"Größe","list_id":"List <list.example.org>",` +
		`"keywords":["work","a, b"],"authentication_results":["Authentication-Results: mx.example.org;\tdkim=pass header.d=example.org",` +
		`"ARC-Authentication-Results: i=1; mx.example.org; spf=none","received-spf: pass (x)"],` +
		`"parts":[{"part":"1","type":"text/plain","offset":0,"body":` + strconv.Itoa(len(raw)-4) + `,"length":4,"size":4,` +
		`"sha256":"` + sha256Of("body") + `","md5":"` + md5Of("body") + `"}]}`
	m, got := describe(t, raw)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if want := []string{"Inbox", "A, B", "Größe"}; !slices.Equal(m.Labels, want) {
		t.Errorf("labels %q, want %q", m.Labels, want)
	}
}

func sha256Of(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
func md5Of(s string) string    { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }

// What is odd is told with its name and place, and what cannot be determined is
// left out.
func TestDescribeDefects(t *testing.T) {
	for raw, want := range map[string]string{
		"": `"defects":[{"name":"no-header","part":"1","offset":0}]`,
		"A: b\nDate: Mon, 20 Jul 2015 14:00:00\n\n":   `"date":"Mon, 20 Jul 2015 14:00:00",|"defects":[{"name":"date","part":"1","offset":5}]`,
		"Received: x; soon\nDate: 99 Feb\n\n":         `"date":"99 Feb",|"defects":[{"name":"date","part":"1","offset":0},{"name":"date","part":"1","offset":18}]`,
		"Message-ID: bare@example.org\n\n":            `{"message_id":"bare@example.org","mih":"cdfc0a052524ed119b3ca9f301938608","thread":`,
		"A: b\nTo: <a@example.org, b@example.org\n\n": `"defects":[{"name":"addresses","part":"1","offset":5}]`,
		"Date: soon\njunk\njunk\nSubject: =?x-none?q?a?=\n\n": `"subject":"a"|"defects":[{"name":"date","part":"1","offset":0},` +
			`{"name":"junk-line","part":"1","offset":11},{"name":"junk-line","part":"1","offset":16},{"name":"charset","part":"1","offset":21}]`,
	} {
		_, got := describe(t, raw)
		for _, want := range strings.Split(want, "|") {
			if !strings.Contains(got, want) {
				t.Errorf("%q:\ngot  %s\nwant %s", raw, got, want)
			}
		}
		if strings.Contains(got, "_utc") {
			t.Errorf("%q: %s", raw, got)
		}
	}
}

// What is written against the rules is shown as it was meant.
func TestDescribeMeant(t *testing.T) {
	raw := "Message-ID: <\ta@example.org\n >\nReferences: < > < b@example.org ><c@example.org>\n" +
		"From: Pete <pete(his account)@example.org>, D <d @ example.org>\n\n"
	m := mail.Describe(mail.Item{Raw: []byte(raw)})
	if m.MessageID != "<a@example.org>" || m.EDRMMIH != mail.EDRMMIH("<a@example.org>") {
		t.Errorf("identifier %q, hash %s", m.MessageID, m.EDRMMIH)
	}
	if want := []string{"<b@example.org>", "<c@example.org>"}; !slices.Equal(m.References, want) {
		t.Errorf("references %q", m.References)
	}
	want := []header.Address{{Name: "Pete", Addr: "pete@example.org"}, {Name: "D", Addr: "d@example.org"}}
	if !slices.Equal(m.From, want) || len(m.Defects) != 1 || m.Defects[0].Name != header.DefectAddresses {
		t.Errorf("from %q, defects %v", m.From, m.Defects)
	}
}

// In an mbox, offsets count from the separator line on.
func TestDescribeShift(t *testing.T) {
	const line, text = "From a@example.org Mon Jul 20 14:00:00 2015\n", "Date: soon\nX: y\n\nbody\n"
	m := mail.Describe(mail.Item{Raw: []byte(line + text + "\n"), Separator: len(line), Trailer: 1})
	p := m.Parts[0]
	if n := int64(len(line)); p.Offset != n || p.Body != n+17 || p.Length != 5 || len(m.Defects) != 1 || m.Defects[0].Offset != n {
		t.Errorf("%+v", m)
	}
	at := mail.DescribeParsed(mime.Parse([]byte(text), mime.Options{}), int64(len(line)))
	if !reflect.DeepEqual(at, m) {
		t.Errorf("%+v, want %+v", at, m)
	}
}

func TestSeparatorLine(t *testing.T) {
	for raw, want := range map[string]int{
		dated + msg:                 len(dated),
		"From - \r\n" + msg:         9,
		loose + msg:                 0,
		dated:                       0,
		dated + "\nbody":            0,
		dated + "no field\n":        0,
		"From: a@example.org\n":     0,
		"\xef\xbb\xbf" + dated:      0,
		"From a@example.org":        0,
		"From @example.org\nA: b\n": 0,
	} {
		if got := mail.SeparatorLine([]byte(raw)); got != want {
			t.Errorf("%q: %d, want %d", raw, got, want)
		}
	}
}

// What an index shows stays small, whatever a header holds.
func TestDescribeLimits(t *testing.T) {
	describe := func(lines string) mail.Metadata {
		return mail.Describe(mail.Item{Raw: []byte("Message-ID: <a@example.org>\n" + lines + "\n")})
	}
	for name, lines := range map[string]string{
		"subject":    "Subject: " + strings.Repeat("a", 2<<20) + "\n",
		"control":    "Subject: " + strings.Repeat("=?utf-8?q?"+strings.Repeat("=01", 1000)+"?= ", 200) + "\n",
		"addresses":  "To: " + strings.Repeat("b@example.org,", 90_000) + "\n",
		"long names": "To: " + "\"" + strings.Repeat("n", 1<<20) + "\" <b@example.org>\n",
		"references": "References: " + strings.Repeat("<b@example.org> ", 100_000) + "\n",
		"labels":     "X-Gmail-Labels: " + numbered(50_000, "b%d,") + "\n",
		"keywords":   "Keywords: " + numbered(50_000, "b%d,") + "\n",
		"results":    strings.Repeat("Authentication-Results: "+strings.Repeat("r", 900)+"\n", 1000),
	} {
		m := describe(lines)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 300<<10 {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		if !isCut(m) || m.MessageID != "<a@example.org>" {
			t.Errorf("%s: defects %v, id %q", name, m.Defects, m.MessageID)
		}
	}
	if m := describe("Subject: " + strings.Repeat("a", 32<<10) + "\nTo: " + strings.Repeat("b@example.org,", 1000) + "\n"); len(m.Defects) > 0 || len(m.To) != 1000 {
		t.Errorf("within the limits: %d addresses, defects %v", len(m.To), m.Defects)
	}
	if m := describe("Subject: " + strings.Repeat("a", 32<<10) + "b\n"); len(m.Defects) != 1 || len(m.Subject) != 32<<10 {
		t.Errorf("one past the limit: %d bytes, defects %v", len(m.Subject), m.Defects)
	}
}

// isCut reports whether something was left out for its length.
func isCut(m mail.Metadata) bool {
	return slices.ContainsFunc(m.Defects, func(d mail.Defect) bool { return d.Name == mail.DefectCut })
}

// numbered returns n pieces, each made of its number.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
