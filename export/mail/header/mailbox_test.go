package header_test

import (
	"encoding/json"
	"strings"
	"testing"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

// Lists as careless programs write them: what can be found is found, and the
// list counts as incomplete.
func TestCarelessAddresses(t *testing.T) {
	for _, tt := range []struct {
		value, want string
		complete    bool
	}{
		{"<you@mail.example your address here>", `[{"addr":"you@mail.example"}]`, false},
		{"A <you@mail.example or another>, b@mail.example", `[{"name":"A","addr":"you@mail.example"},{"addr":"b@mail.example"}]`, false},
		{"<a b@mail.example>", `[{"addr":"a b@mail.example"}]`, false},
		{"<a@mail.example b@mail.example>", `[{"addr":"a@mail.example b@mail.example"}]`, false},
		{`<"a b"@mail.example>`, `[{"addr":"\"a b\"@mail.example"}]`, true},
		{`"a@mail.example", b@mail.example`, `[{"addr":"a@mail.example"},{"addr":"b@mail.example"}]`, false},
		{`"A" a@mail.example`, `[{"addr":"a@mail.example"}]`, false},
		// quotes that mean nothing
		{`"a"@mail.example`, `[{"addr":"a@mail.example"}]`, true},
		{`A <"a.\b"@mail.example>`, `[{"name":"A","addr":"a.b@mail.example"}]`, true},
		{`"a..b"@mail.example`, `[{"addr":"\"a..b\"@mail.example"}]`, true},
		{`".a"@mail.example, "a."@mail.example`, `[{"addr":"\".a\"@mail.example"},{"addr":"\"a.\"@mail.example"}]`, true},
		{`"a,b"@mail.example, ""@mail.example`, `[{"addr":"\"a,b\"@mail.example"},{"addr":"\"\"@mail.example"}]`, true},
		{`"a@b"@mail.example`, `[{"addr":"\"a@b\"@mail.example"}]`, true},
		// the whole list in encoded words
		{"=?utf-8?q?A_<a@mail.example>?=", `[{"name":"A","addr":"a@mail.example"}]`, false},
		{"=?utf-8?q?=22B,_A=22_<a@mail.example>,_b@mail.example?=", `[{"name":"B, A","addr":"a@mail.example"},{"addr":"b@mail.example"}]`, false},
		{"=?utf-8?b?PT91dGYtOD9xP2E9NDBtYWlsLmV4YW1wbGU/PQ==?=", `[{"addr":"a@mail.example"}]`, false}, // encoded twice
		{"=?utf-8?q?A?=, b@mail.example", `[{"addr":"b@mail.example"}]`, false},
		// names
		{"=?x-none?q?A_B?= <a@mail.example>", `[{"name":"A B","addr":"a@mail.example"}]`, true},
		{"=?utf-8?q?A=?= <a@mail.example>", `[{"name":"A=","addr":"a@mail.example"}]`, true},
		{"=?utf-7?q?+AMQ-?= <a@mail.example>", `[{"name":"Ä","addr":"a@mail.example"}]`, true},
		{"a@mail.example (=?utf-8?q?=C3=84?=)", `[{"name":"Ä","addr":"a@mail.example"}]`, true},
		{"\"\xc4\" <a@mail.example>", `[{"name":"Ä","addr":"a@mail.example"}]`, true},
	} {
		list, complete := header.Addresses(tt.value)
		var got strings.Builder
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(list); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(got.String()) != tt.want || complete != tt.complete {
			t.Errorf("%q:\ngot  %scomplete: %t\nwant %s\ncomplete: %t", tt.value, got.String(), complete, tt.want, tt.complete)
		}
	}
}

// Encoded lists count toward the limit like others.
func TestEncodedAddressLimit(t *testing.T) {
	encoded := "=?utf-8?q?a@b,c@d?=,"
	for n, want := range map[int]int{limits.Addresses / 2: limits.Addresses, limits.Addresses/2 + 1: limits.Addresses} {
		if list, complete := header.Addresses(strings.Repeat(encoded, n)); len(list) != want || complete {
			t.Errorf("%d encoded lists: %d addresses, complete: %t", n, len(list), complete)
		}
	}
}
