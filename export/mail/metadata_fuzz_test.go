package mail_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"exhibit/export/mail"
)

// Whatever a message holds, what an index shows of it is small and points into it.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte(family), 0)
	f.Add([]byte("From - \nX-Gmail-Labels: \"a, b\",=?utf-8?q?\"c?=\nThread-Index: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nKeywords: a,\"b\nReceived: x;1\n\n"), 8)
	f.Add([]byte("References: < >  <a@B>\nIn-Reply-To: <\nX-GM-THRID: 7\n\n"), 3)
	f.Add([]byte(""), 0)
	f.Fuzz(func(t *testing.T, raw []byte, separator int) {
		it := mail.Item{Raw: raw, Separator: min(max(separator, 0), len(raw))}
		m := mail.Describe(it)
		text, err := json.Marshal(m, jsontext.AllowInvalidUTF8(true))
		if err != nil || len(text) > most {
			t.Fatalf("%d bytes, %v", len(text), err)
		}
		if len(m.Parts) == 0 || m.Parts[0].Number != "1" {
			t.Fatalf("%+v", m.Parts)
		}
		end := int64(len(raw))
		for _, p := range m.Parts {
			if p.Offset < 0 || p.Body < p.Offset || p.Length < 0 || !p.Inner && (p.Offset < int64(it.Separator) || p.Body+p.Length > end) {
				t.Fatalf("%+v of %d bytes", p, end)
			}
		}
		for _, d := range m.Defects {
			if d.Name == "" || d.Part == "" || d.Offset < 0 {
				t.Fatalf("%+v", d)
			}
		}
	})
}
