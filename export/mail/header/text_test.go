package header_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

func TestDecodeWords(t *testing.T) {
	tests := []struct{ value, want string }{
		{"plain", "plain"},
		{"=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "Größe"},
		{"=?UTF-8?B?R3LDtsOfZQ==?=", "Größe"},
		{"=?utf-8?b?R3LDtsOfZQ?=", "Größe"},
		{"=?iso-8859-1?Q?a_b=E4?=", "a bä"},
		{"=?iso-8859-1*de?Q?=E4?=", "ä"},
		{"=?us-ascii?q?a?= =?us-ascii?q?b?=", "ab"},
		{"=?us-ascii?q?a?= b =?us-ascii?q?c?=", "a b c"},
		{"x=?us-ascii?q?a?=y", "xay"},
		{"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä"},
		{"=?utf-8?b?w6Q=?= =?iso-8859-1?q?=E4?=", "ää"},
		{"=?gb2312?B?xOO6ww==?=", "你好"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?koi8-r?Q?=D0=D2?=", "пр"},
		{"=?windows-1251?Q?=CF?=", "П"},
		{"=?utf-8?q?\xc3\xa4?=", "ä"},
		{"\xe4 raw", "ä raw"},
		{"ä raw", "ä raw"},
		{"=?utf-8?q?=FF?=", "ÿ"},
		{"=?shift_jis?b?gf8=?=", "\uFFFD"},
		// broken words stay as they are written
		{"=?utf-8?q?=C?=", "=?utf-8?q?=C?="},
		{"=?utf-8?q?=XY?=", "=?utf-8?q?=XY?="},
		{"=?utf-8?b?!?=", "=?utf-8?b?!?="},
		{"=?utf-8?b?AAAAA?=", "=?utf-8?b?AAAAA?="},
		{"=?x-none?q?a?=", "=?x-none?q?a?="},
		{"=?utf-8?z?a?=", "=?utf-8?z?a?="},
		{"=?utf-8?q?a", "=?utf-8?q?a"},
		{"=?utf-8?q", "=?utf-8?q"},
		{"=?", "=?"},
		{"=??q?a?=", "=??q?a?="},
	}
	for _, tt := range tests {
		if got := header.DecodeWords(tt.value); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.value, got, tt.want)
		}
	}
	word := func(n int) string { return "=?utf-8?q?" + strings.Repeat("a", n) + "?=" }
	if got := header.DecodeWords(word(16<<10 - 4)); strings.Contains(got, "?") {
		t.Error("at the limit: not decoded")
	}
	if got := header.DecodeWords(word(16<<10 - 3)); !strings.Contains(got, "?") {
		t.Error("past the limit: decoded")
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		value    string
		want     string // as JSON
		complete bool
	}{
		{"", `null`, true},
		{"a@example.org", `[{"addr":"a@example.org"}]`, true},
		{"<a@example.org>", `[{"addr":"a@example.org"}]`, true},
		{"A B <a@example.org>, c@example.org", `[{"name":"A B","addr":"a@example.org"},{"addr":"c@example.org"}]`, true},
		{`"B, A" <a@example.org>`, `[{"name":"B, A","addr":"a@example.org"}]`, true},
		{`"A \"x\" B" <a@example.org>`, `[{"name":"A \"x\" B","addr":"a@example.org"}]`, true},
		{"a@example.org (A (x) B)", `[{"name":"A (x) B","addr":"a@example.org"}]`, true},
		{"=?utf-8?q?=C3=84?= B <a@example.org>", `[{"name":"Ä B","addr":"a@example.org"}]`, true},
		{`"=?utf-8?q?=C3=84?=" <a@example.org>`, `[{"name":"Ä","addr":"a@example.org"}]`, true},
		{"=?utf-8?q?Doe,_John?= <a@example.org>", `[{"name":"Doe, John","addr":"a@example.org"}]`, true},
		{"\xc4 <a@example.org>", `[{"name":"Ä","addr":"a@example.org"}]`, true},
		{`"a b"@example.org`, `[{"addr":"\"a b\"@example.org"}]`, true},
		{`<"a,b"@example.org>`, `[{"addr":"\"a,b\"@example.org"}]`, true},
		{"a@[192.0.2.1]", `[{"addr":"a@[192.0.2.1]"}]`, true},
		{"a@[IPv6:2001:db8::1]", `[{"addr":"a@[IPv6:2001:db8::1]"}]`, true},
		{"<@x.example,@y.example:a@example.org>", `[{"addr":"a@example.org"}]`, true},
		{"a @ example . org", `[{"addr":"a@example.org"}]`, true},
		{"Group: a@example.org, B <b@example.org>;, c@example.org", `[{"addr":"a@example.org"},{"name":"B","addr":"b@example.org"},{"addr":"c@example.org"}]`, true},
		{"undisclosed-recipients:;", `null`, true},
		{"a@example.org,,b@example.org,", `[{"addr":"a@example.org"},{"addr":"b@example.org"}]`, true},
		{"a@example.org; b@example.org", `[{"addr":"a@example.org"},{"addr":"b@example.org"}]`, true},
		{"'a@example.org'", `[{"addr":"a@example.org"}]`, true},
		{"ä@exämple.example", `[{"addr":"ä@exämple.example"}]`, true},
		// one that is bad does not lose the others
		{"nobody, a@example.org", `[{"addr":"a@example.org"}]`, false},
		{"a@example.org, @, b@example.org", `[{"addr":"a@example.org"},{"addr":"b@example.org"}]`, false},
		{"A <a@example.org> B <b@example.org>", `[{"name":"A","addr":"a@example.org"},{"name":"B","addr":"b@example.org"}]`, false},
		{"A <a@example.org>B <b@example.org>", `[{"name":"A","addr":"a@example.org"},{"name":"B","addr":"b@example.org"}]`, false},
		{"a@example.org b@example.org", `[{"addr":"a@example.org"},{"addr":"b@example.org"}]`, false},
		{`"A <a@example.org>, b@example.org`, `[{"name":"A","addr":"a@example.org"},{"addr":"b@example.org"}]`, false},
		{"A (x <a@example.org>, b@example.org", `[{"name":"A x","addr":"a@example.org"},{"addr":"b@example.org"}]`, false},
		{"A <a@example.org, b@example.org", `[{"addr":"a@example.org"},{"addr":"b@example.org"}]`, false},
		{"A <a@example.org, B <b@example.org>", `[{"addr":"a@example.org"},{"name":"B","addr":"b@example.org"}]`, false},
		{"A <nobody>, b@example.org", `[{"name":"A","addr":"nobody"},{"addr":"b@example.org"}]`, false},
		{"A <>, b@example.org", `[{"addr":"b@example.org"}]`, false},
		{"=?utf-8?q?a=40example.org?=", `[{"addr":"a@example.org"}]`, false},
		{"<a(x)@example.org>", `[{"addr":"a(x)@example.org"}]`, false},
		{"<a@example(x).org>", `[{"addr":"a@example(x).org"}]`, false},
		{`"a".b@example.org`, `null`, false},
		{`a\b@example.org`, `null`, false},
		{"<a\x00b@example.org>", "[{\"addr\":\"a\\u0000b@example.org\"}]", false},
	}
	for _, tt := range tests {
		list, complete := header.Addresses(tt.value)
		got, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want || complete != tt.complete {
			t.Errorf("%q:\ngot  %s, complete: %v\nwant %s, complete: %v", tt.value, got, complete, tt.want, tt.complete)
		}
	}
}

func TestAddressLimit(t *testing.T) {
	list, complete := header.Addresses(strings.Repeat("a@b,", limits.Addresses))
	if len(list) != limits.Addresses || !complete {
		t.Errorf("at the limit: %d, complete: %v", len(list), complete)
	}
	list, complete = header.Addresses(strings.Repeat("a@b,", limits.Addresses+1))
	if len(list) != limits.Addresses || complete {
		t.Errorf("past the limit: %d, complete: %v", len(list), complete)
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add(`"B, A" <a@example.org>, c@example.org (C)`)
	f.Add("G: =?utf-8?q?=C3=84?= <@x:a@example.org>;, \"a b\"@[192.0.2.1]")
	f.Add(`"\ (<[=?`)
	f.Fuzz(func(t *testing.T, value string) {
		list, _ := header.Addresses(value)
		for _, a := range list {
			if a.Addr == "" || !utf8.ValidString(a.Addr) || !utf8.ValidString(a.Name) {
				t.Fatalf("%q: %q", value, a)
			}
		}
		if !utf8.ValidString(header.DecodeWords(value)) {
			t.Fatalf("%q is not decoded to UTF-8", value)
		}
	})
}
