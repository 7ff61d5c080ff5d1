package mail_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"exhibit/export/mail"
)

// threadID is the id of the thread that an identifier begins.
func threadID(identifier string) string {
	sum := sha256.Sum256([]byte("exhibit/thread/v1\n" + identifier))
	return fmt.Sprintf("%x", sum[:16])
}

// A message and the answers to it have one thread, in whatever language their
// subjects say so; another message with the same subject has another.
func TestThread(t *testing.T) {
	index := func(n int, tail string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("i", n) + tail))
	}
	root := threadID("root@example.org")
	outlook := "thread-index " + fmt.Sprintf("%x", strings.Repeat("i", 22))
	for _, c := range []struct{ name, header, by, id string }{
		{"the first message", "Message-ID: <root@example.org>\nSubject: Offer\n", "message-id", root},
		{"an answer", "Message-ID: <2@example.org>\nReferences: <root@example.org>\nIn-Reply-To: <root@example.org>\nSubject: Re: Offer\n", "references", root},
		{"a German answer to the answer", "Message-ID: <3@example.org>\nReferences: <root@example.org>\n <2@example.org>\nSubject: AW: AW: Offer\n", "references", root},
		{"a Swedish forward", "Message-ID: <4@example.org>\nReferences: <root@example.org>\nSubject: VB: Offer\n", "references", root},
		{"another spelling", "References: < root@Example.ORG >\nSubject: =?utf-8?b?5Zue5aSN77yaT2ZmZXI=?=\n", "references", root},
		{"an answer without references", "In-Reply-To: Your message <root@example.org>\nSubject: Offer\n", "in-reply-to", root},
		{"the same subject", "Message-ID: <5@example.org>\nSubject: Re: Offer\n", "message-id", threadID("5@example.org")},
		{"the local part has letter case", "Message-ID: <Root@example.org>\n", "message-id", threadID("Root@example.org")},
		{"no brackets", "Message-ID: root@example.org\n", "message-id", root},
		{"Gmail", "X-GM-THRID: 1266894439832287888\nMessage-ID: <6@example.org>\nReferences: <root@example.org>\n", "x-gm-thrid", threadID("x-gm-thrid 1266894439832287888")},
		{"Gmail's field from a sender", "Received: x\nX-GM-THRID: 1266894439832287888\nMessage-ID: <root@example.org>\n", "message-id", root},
		{"no number of Gmail", "X-GM-THRID: 12a\nMessage-ID: <root@example.org>\n", "message-id", root},
		{"too long a number", "X-GM-THRID: 123456789012345678901\nMessage-ID: <root@example.org>\n", "message-id", root},
		{"the first of Outlook", "Thread-Index: " + index(22, "") + "\n", "thread-index", threadID(outlook)},
		{"the first of Outlook, with an identifier", "Thread-Index: " + index(22, "") + "\nMessage-ID: <root@example.org>\n", "message-id", root},
		{"an answer of Outlook", "Message-ID: <7@example.org>\nThread-Index: " + index(22, "12345") + "\n", "thread-index", threadID(outlook)},
		{"a long answer of Outlook", "Thread-Index: " + index(22, strings.Repeat("1", 50)) + "\n", "thread-index", threadID(outlook)},
		{"Outlook with references", "Thread-Index: " + index(22, "12345") + "\nReferences: <root@example.org>\n", "references", root},
		{"no index", "Thread-Index: " + index(21, "") + "\nMessage-ID: <root@example.org>\n", "message-id", root},
		{"no index either", "Thread-Index: " + index(22, "1234") + "\nMessage-ID: <root@example.org>\n", "message-id", root},
	} {
		m := mail.Describe(mail.Item{Raw: []byte(c.header + "\nbody\n")})
		if m.Thread == nil || m.Thread.By != c.by || m.Thread.ID != c.id {
			t.Errorf("%s: %+v, want %s by %s", c.name, m.Thread, c.id, c.by)
		}
	}
	if m := mail.Describe(mail.Item{Raw: []byte("Subject: Re: Offer\n\n")}); m.Thread != nil {
		t.Errorf("nothing tells it: %+v", m.Thread)
	}
}
