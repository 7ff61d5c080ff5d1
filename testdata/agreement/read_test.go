package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/mime"
)

func leaf(typ, disposition, name string) *mime.Part {
	return &mime.Part{Type: typ, Disposition: disposition, Name: name, SHA256: sha256.Sum256([]byte(typ + name))}
}

func multipart(parts ...*mime.Part) *mime.Part {
	return &mime.Part{Type: "multipart/mixed", Name: "ignored", Parts: parts}
}

// parts returns what an index shows of the parts of a message.
func parts(root *mime.Part) []mail.Part {
	number(root, "1")
	return mail.DescribeParsed(&mime.Message{Root: root}, 0).Parts
}

// number numbers a part and all below it.
func number(p *mime.Part, as string) {
	p.Number = as
	for i, c := range p.Children() {
		number(c, fmt.Sprintf("%s.%d", as, i+1))
	}
}

func TestAttachments(t *testing.T) {
	nested := &mime.Part{Type: "message/rfc822", Message: multipart(leaf("image/png", "attachment", "inside.png"))}
	for name, c := range map[string]struct {
		root  *mime.Part
		names []string
		sha   int
	}{
		"text":                   {leaf("text/plain", "", ""), nil, 0},
		"inline":                 {leaf("text/html", "inline", ""), nil, 0},
		"text with a name":       {leaf("text/plain", "", "a.txt"), []string{"a.txt"}, 1},
		"text as attachment":     {leaf("text/plain", "attachment", ""), []string{""}, 1},
		"other text":             {leaf("text/calendar", "", ""), []string{""}, 1},
		"without parts":          {multipart(), nil, 0},
		"twice":                  {multipart(leaf("text/plain", "", ""), leaf("a/b", "", "c"), leaf("a/b", "", "c")), []string{"c", "c"}, 2},
		"deep":                   {multipart(leaf("a/b", "", "z"), multipart(leaf("a/b", "", ""))), []string{"", "z"}, 2},
		"nested":                 {multipart(leaf("text/plain", "", ""), nested), []string{""}, 0},
		"after a nested one":     {multipart(nested, leaf("a/b", "", "z")), []string{"", "z"}, 1},
		"the message is another": {nested, []string{""}, 0},
		"delivery report":        {multipart(leaf("message/delivery-status", "", ""), leaf("text/rfc822-headers", "", "")), []string{"", ""}, 1},
		"in NFC":                 {leaf("a/b", "", "e\u0301"), []string{"\u00e9"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var r reading
			r.attachments(parts(c.root))
			slices.Sort(r.names)
			if !slices.Equal(r.names, c.names) || len(r.sha) != c.sha {
				t.Errorf("names %q, %d digests; want %q, %d", r.names, len(r.sha), c.names, c.sha)
			}
		})
	}
	var r reading
	r.attachments(parts(leaf("a/b", "", "c")))
	if sum := sha256.Sum256([]byte("a/bc")); !slices.Equal(r.sha, []string{hex.EncodeToString(sum[:])}) {
		t.Errorf("digest %q", r.sha)
	}
}
