package mail_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
)

func TestDescribe(t *testing.T) {
	raw := "From: =?utf-8?q?=C3=84?= <a@example.org>\r\n" +
		"Sender: s@example.org\r\nReply-To: r@example.org\r\n" +
		"To: B <b@example.org>,\r\n c@example.org\r\nTo: d@example.org\r\nCc: e@example.org\r\nBcc: f@example.org\r\n" +
		"Subject: =?utf-8?q?Gr=C3=B6?=\r\n =?utf-8?q?=C3=9Fe?=\r\n" +
		"Date: Mon, 20 Jul 2015 14:00:00 +0200\r\n" +
		"Message-ID: <CALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com> (x)\r\n" +
		"In-Reply-To: <1@example.org>\r\nReferences: <0@example.org> <1@example.org>\r\n" +
		"List-Id: List <list.example.org>\r\n" +
		"X-Gmail-Labels: Inbox,\"A, B\",=?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n" +
		"\r\nbody"
	const want = `{"message_id":"\u003cCALckR-a8UDkRjO4xJyjd_s0GPxQWw@mail.gmail.com\u003e",` +
		`"in_reply_to":["\u003c1@example.org\u003e"],"references":["\u003c0@example.org\u003e","\u003c1@example.org\u003e"],` +
		`"mih":"1de319c276884bd0c9e2f1621ada26cc","date":"Mon, 20 Jul 2015 14:00:00 +0200","date_utc":"2015-07-20T12:00:00Z",` +
		`"from":[{"name":"Ä","addr":"a@example.org"}],"sender":[{"addr":"s@example.org"}],"reply_to":[{"addr":"r@example.org"}],` +
		`"to":[{"name":"B","addr":"b@example.org"},{"addr":"c@example.org"},{"addr":"d@example.org"}],` +
		`"cc":[{"addr":"e@example.org"}],"bcc":[{"addr":"f@example.org"}],"subject":"Größe","list_id":"List \u003clist.example.org\u003e",` +
		`"labels":["Inbox","A, B","Größe"]}`
	got, err := json.Marshal(mail.Describe(header.Read([]byte(raw))))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDescribeLittle(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"", `{"defects":["no-header"]}`},
		{"Date: Mon, 20 Jul 2015 14:00:00\n\n", `{"date":"Mon, 20 Jul 2015 14:00:00"}`},
		{"Date: soon\njunk\njunk\nMessage-ID: bare@example.org\n\n",
			`{"message_id":"bare@example.org","mih":"cdfc0a052524ed119b3ca9f301938608","date":"soon","defects":["junk-line"]}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(mail.Describe(header.Read([]byte(tt.raw))))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.raw, got, tt.want)
		}
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
		return mail.Describe(header.Read([]byte("Message-ID: <a@example.org>\n" + lines + "\n")))
	}
	for name, lines := range map[string]string{
		"subject":    "Subject: " + strings.Repeat("a", 2<<20) + "\n",
		"control":    "Subject: " + strings.Repeat("=?utf-8?q?"+strings.Repeat("=01", 1000)+"?= ", 200) + "\n",
		"addresses":  "To: " + strings.Repeat("b@example.org,", 90_000) + "\n",
		"long names": "To: " + "\"" + strings.Repeat("n", 1<<20) + "\" <b@example.org>\n",
		"references": "References: " + strings.Repeat("<b@example.org> ", 100_000) + "\n",
		"labels":     "X-Gmail-Labels: " + strings.Repeat("b,", 500_000) + "\n",
	} {
		m := describe(lines)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 300<<10 {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		if !slices.Contains(m.Defects, mail.DefectCut) || m.MessageID != "<a@example.org>" {
			t.Errorf("%s: defects %q, id %q", name, m.Defects, m.MessageID)
		}
	}
	if m := describe("Subject: " + strings.Repeat("a", 32<<10) + "\nTo: " + strings.Repeat("b@example.org,", 1000) + "\n"); len(m.Defects) > 0 || len(m.To) != 1000 {
		t.Errorf("within the limits: %d addresses, defects %q", len(m.To), m.Defects)
	}
	if m := describe("Subject: " + strings.Repeat("a", 32<<10) + "b\n"); len(m.Defects) != 1 || len(m.Subject) != 32<<10 {
		t.Errorf("one past the limit: %d bytes, defects %q", len(m.Subject), m.Defects)
	}
}
