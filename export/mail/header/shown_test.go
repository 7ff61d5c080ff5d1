package header_test

import (
	"encoding/json"
	"slices"
	"testing"

	"exhibit/export/mail/header"
)

// What is no address is shown as it was meant, and the list stays as incomplete
// as it is.
func TestShownAddresses(t *testing.T) {
	for value, want := range map[string]string{
		// comments
		"Pete(A nice \\) chap) <pete(his account)@mail.example(his host)>": `[{"name":"Pete","addr":"pete@mail.example"}]`,
		"C <c@(Chris's (own) host.)public.example>, d@mail.example":        `[{"name":"C","addr":"c@public.example"},{"addr":"d@mail.example"}]`,
		"<a(b)c@mail.example>": `[{"addr":"a(b)c@mail.example"}]`,
		"<a(b@mail.example>":   `[{"addr":"a(b@mail.example"}]`,
		// white space
		"A <a @ mail . example>, <b@ mail.example>": `[{"name":"A","addr":"a@mail.example"},{"addr":"b@mail.example"}]`,
		`<"a b" @ mail.example>`:                    `[{"addr":"\"a b\" @ mail.example"}]`,
		"<a b@mail.example>":                        `[{"addr":"a b@mail.example"}]`,
		"<you@mail.example your address here>":      `[{"addr":"you@mail.example"}]`,
		// control characters
		"a\vb@mail.example, b\x00@mail.example, <c\x7f@mail.example>": `[{"addr":"ab@mail.example"},{"addr":"b@mail.example"},{"addr":"c@mail.example"}]`,
		"\x00@mail.example": `null`,
		// two domains
		"a@b.example@mail.example, <b@c@mail.example>": `[{"addr":"a@b.example@mail.example"},{"addr":"b@c@mail.example"}]`,
		"@b@mail.example, a@b@, a(x)@@mail.example":    `null`,
		// words are no addresses, even where others take them for local parts
		"MAILER-DAEMON (Mail System)":        `null`,
		"B, A <a@mail.example>, undisclosed": `[{"name":"A","addr":"a@mail.example"}]`,
		// encoded in whole
		"=?utf-8?q?A_<a=28x=29=40mail.example>?=": `[{"name":"A","addr":"a@mail.example"}]`,
	} {
		list, complete := header.ShownAddresses(value)
		var wanted []header.Address
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if !slices.Equal(list, wanted) || complete {
			t.Errorf("%q:\ngot  %q, complete: %v\nwant %q", value, list, complete, wanted)
		}
	}
}

// Lists that are complete are shown as they are read.
func FuzzShownAddresses(f *testing.F) {
	f.Add("A <a(x) @ mail.example>, b@c@mail.example")
	f.Add(`"B, A" <a@mail.example>, G: c@mail.example (C);`)
	f.Fuzz(func(t *testing.T, value string) {
		list, complete := header.Addresses(value)
		shown, same := header.ShownAddresses(value)
		if complete != same || complete && !slices.Equal(list, shown) || len(shown) < len(list) {
			t.Fatalf("%q: %q, %t; shown %q, %t", value, list, complete, shown, same)
		}
	})
}
