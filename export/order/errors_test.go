package order_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"exhibit/export/order"
)

// base is a small valid order, to be spoiled.
const base = `type: exhibit/order/v1
reference: "1"
authority: {name: Court, country: DE}
jurisdiction: DE
regime: eu-2023-1543
legal_basis: law
served: 2026-05-04T09:00:00+02:00
received: 2026-05-04T09:00:00+02:00
accounts:
  - account: alice@example.org
    start: 2026-01-01
    end: 2026-03-31
    zone: Europe/Berlin
categories: [content]
agency: {name: LKA, key: 0123456789ABCDEF0123456789ABCDEF01234567}
instrument: {file: a.pdf, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}
`

// with gives base with one text replaced by another.
func with(t testing.TB, old, new string) string {
	t.Helper()
	if strings.Count(base, old) != 1 {
		t.Fatalf("%q does not occur once", old)
	}
	return strings.Replace(base, old, new, 1)
}

// faults parses a text that must fail.
func faults(t *testing.T, name, text string) order.Errors {
	t.Helper()
	o, err := order.Parse(name, []byte(text))
	var errs order.Errors
	if !errors.As(err, &errs) || len(errs) == 0 || o != nil {
		t.Fatalf("accepted, or another error: %v", err)
	}
	return errs
}

func TestFaults(t *testing.T) {
	const span = "    start: 2026-01-01\n    end: 2026-03-31\n    zone: Europe/Berlin\n"
	const key = "key: 0123456789ABCDEF0123456789ABCDEF01234567"
	tests := []struct {
		name, old, new string
		want           string // the first error, without the file
	}{
		{"type", "exhibit/order/v1", "exhibit/order/v2", `1:7: type: "exhibit/order/v2" is not exhibit/order/v1`},
		{"type not first", "type: exhibit/order/v1\nreference: \"1\"", "reference: \"1\"\ntype: exhibit/order/v1", "1:1: type: must come first"},
		{"missing", "legal_basis: law\n", "", "1:1: legal_basis: missing"},
		{"missing below", "{name: Court, country: DE}", "{country: DE}", "3:12: authority.name: missing"},
		{"unknown", "legal_basis: law", "legal_basis: law\nnote: x", "7:1: note: unknown name; known here: type, "},
		{"other case", "regime:", "Regime:", "1:1: regime: missing"},
		{"duplicate", "legal_basis: law", "legal_basis: law\nlegal_basis: law", "7:1: legal_basis: duplicate name, first on line 6"},
		{"duplicate in flow", "name: Court,", "name: Court, name: Court,", "3:26: authority.name: duplicate name, first on line 3"},
		{"nothing", "legal_basis: law", "legal_basis:", "6:1: legal_basis: nothing there"},
		{"null", "legal_basis: law", "legal_basis: null", "6:1: legal_basis: nothing there"},
		{"tilde", "legal_basis: law", "legal_basis: ~", "6:1: legal_basis: nothing there"},
		{"empty", "legal_basis: law", `legal_basis: ""`, "6:14: legal_basis: empty"},
		{"blank end", "legal_basis: law", `legal_basis: "law "`, "6:14: legal_basis: white space"},
		{"list for text", "legal_basis: law", "legal_basis: [law]", "6:14: legal_basis: a list where a text is wanted"},
		{"text for mapping", "{name: Court, country: DE}", "Court", "3:12: authority: a text where a mapping is wanted"},
		{"text for list", "categories: [content]", "categories: content", "14:13: categories: a text where a list is wanted"},
		{"mapping for list", "accounts:\n  - account", "accounts:\n    account", "10:5: accounts: a mapping where a list is wanted"},
		{"country", "country: DE", "country: UK", `3:35: authority.country: "UK" is not an ISO 3166-1`},
		{"country case", "country: DE", "country: de", `3:35: authority.country: "de" is not an ISO 3166-1`},
		{"jurisdiction", "jurisdiction: DE", "jurisdiction: DE-", `4:15: jurisdiction: "DE-" is not an ISO 3166-2`},
		{"regime", "eu-2023-1543", "EU_2023", "5:9: regime: not an identifier"},
		{"priority", "legal_basis: law", "legal_basis: law\npriority: high", `7:11: priority: "high" is not routine or urgent or emergency`},
		{"email", "country: DE}", "country: DE, email: nobody}", `3:46: authority.email: "nobody" is not an e-mail address`},
		{"served without zone", "served: 2026-05-04T09:00:00+02:00", "served: 2026-05-04T09:00:00", "7:9: served: not a date-time with offset"},
		{"served as date", "served: 2026-05-04T09:00:00+02:00", "served: 2026-05-04", "7:9: served: not a date-time with offset"},
		{"served in small letters", "served: 2026-05-04T09:00:00+02:00", "served: 2026-05-04t09:00:00z", "7:9: served: not a date-time with offset"},
		{"served with fraction", "served: 2026-05-04T09:00:00+02:00", "served: 2026-05-04T09:00:00.5Z", "7:9: served: not a date-time with offset"},
		{"served never", "served: 2026-05-04T09:00:00+02:00", "served: 2026-02-30T09:00:00Z", "7:9: served: no such date or time"},
		{"offset never", "served: 2026-05-04T09:00:00+02:00", "served: 2026-05-04T09:00:00+25:00", "7:9: served: no such date or time"},
		{"leap second", "served: 2026-05-04T09:00:00+02:00", "served: 2016-12-31T23:59:60Z", "7:9: served: no such date or time"},
		{"received before", "received: 2026-05-04T09:00:00+02:00", "received: 2026-05-04T06:59:59Z", "8:11: received: before it was served"},
		{"expires before", "legal_basis: law", "legal_basis: law\nexpires: 2026-05-03", "7:10: expires: before it was served"},
		{"due before", "legal_basis: law", "legal_basis: law\ndue: 2026-05-04T06:59:59Z", "7:6: due: before it was served"},
		{"due never", "legal_basis: law", "legal_basis: law\ndue: soon", "7:6: due: not a date"},
		{"notified missing", "legal_basis: law", "legal_basis: law\nenforcing_authority: {name: x, country: DE, at: 2026-05-04T09:00:00Z}", "7:22: enforcing_authority.notified: missing"},
		{"notified yes", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: yes}", "7:33: enforcing_authority.notified: neither true nor false"},
		{"notified by nobody", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: true, country: DE, at: 2026-05-04T09:00:00Z}", "7:22: enforcing_authority.name: missing"},
		{"notified nowhere", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: true, name: x, at: 2026-05-04T09:00:00Z}", "7:22: enforcing_authority.country: missing"},
		{"notified in no country", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: true, name: x, country: EU, at: 2026-05-04T09:00:00Z}", `7:57: enforcing_authority.country: "EU" is not an ISO 3166-1`},
		{"notified never", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: true, name: x, country: DE}", "7:22: enforcing_authority.at: missing"},
		{"notified on a day", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: true, name: x, country: DE, at: 2026-05-04}", "7:65: enforcing_authority.at: not a date-time with offset"},
		{"not notified but named", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: false, name: x}", "7:46: enforcing_authority.name: stands beside notified: false"},
		{"notified more", "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: false, note: x}", "7:40: enforcing_authority.note: unknown name"},
		{"signature as text", "file: a.pdf,", "file: a.pdf, signature: a.p7s,", "16:38: instrument.signature: a text where a mapping is wanted"},
		{"signature without digest", "file: a.pdf,", "file: a.pdf, signature: {file: a.p7s},", "16:38: instrument.signature.sha256: missing"},
		{"signature digest", "file: a.pdf,", "file: a.pdf, signature: {file: a.p7s, sha256: 00},", "16:60: instrument.signature.sha256: not a SHA-256"},
		{"signature path", "file: a.pdf,", "file: a.pdf, signature: {file: x/a.p7s, sha256: 00},", "16:45: instrument.signature.file: not a plain file name"},
		{"signature of itself", "file: a.pdf,", "file: a.pdf, signature: {file: A.PDF, sha256: 00},", "16:45: instrument.signature.file: the instrument itself"},
		{"account", "alice@example.org", "a=b", "10:14: accounts[0].account: white space or '='"},
		{"account space", "alice@example.org", "alice example", "10:14: accounts[0].account: white space or '='"},
		{"no account", "accounts:\n  - account: alice@example.org\n" + span, "accounts: []\n", "9:11: accounts: empty list"},
		{"not a date", "start: 2026-01-01", "start: tomorrow", "11:12: accounts[0].start: not a date"},
		{"no such date", "start: 2026-01-01", "start: 2025-02-29", "11:12: accounts[0].start: no such date"},
		{"short date", "start: 2026-01-01", "start: 2026-1-1", "11:12: accounts[0].start: not a date"},
		{"year", "start: 2026-01-01", "start: 0206-01-01", "11:12: accounts[0].start: year not between 1970 and 2999"},
		{"zone missing", "    zone: Europe/Berlin\n", "", "11:12: accounts[0].start: a bare date needs the account's zone"},
		{"zone unknown", "Europe/Berlin", "Europe/Musterstadt", `13:11: accounts[0].zone: "Europe/Musterstadt" is not a known IANA time zone`},
		{"zone local", "Europe/Berlin", "Local", `13:11: accounts[0].zone: "Local" is not an IANA time zone`},
		{"zone as path", "Europe/Berlin", "../UTC", `13:11: accounts[0].zone: "../UTC" is not an IANA time zone`},
		{"end before start", "end: 2026-03-31", "end: 2025-12-31", "12:10: accounts[0].end: before the start"},
		{"end missing", "    end: 2026-03-31\n", "", "10:5: accounts[0].end: missing"},
		{"no span", span, "", "10:5: accounts[0].start: missing"},
		{"entire false alone", span, "    entire: false\n", "10:5: accounts[0].start: missing"},
		{"entire beside a span", span, span + "    entire: true\n", "11:12: accounts[0].start: stands beside entire: true"},
		{"entire yes", span, "    entire: yes\n", "10:5: accounts[0].start: missing"},
		{"category", "[content]", "[contents]", `14:14: categories[0]: "contents" is not subscriber or traffic or content`},
		{"category twice", "[content]", "[content, content]", "14:23: categories[1]: named twice"},
		{"no category", "categories: [content]\n", "", "1:1: categories: missing, and accounts[0] has none of its own"},
		{"both", "categories: [content]", "categories: [content]\nwithhold: [{address: a@b.example, domain: b.example, ground: x}]", "15:12: withhold[0]: either an address or a domain"},
		{"neither", "categories: [content]", "categories: [content]\nwithhold: [{ground: x}]", "15:12: withhold[0]: either an address or a domain"},
		{"no ground", "categories: [content]", "categories: [content]\nwithhold: [{domain: b.example}]", "15:12: withhold[0].ground: missing"},
		{"domain", "categories: [content]", "categories: [content]\nwithhold: [{domain: .example, ground: x}]", `15:21: withhold[0].domain: ".example" is not a domain name`},
		{"domain star", "categories: [content]", "categories: [content]\nwithhold: [{domain: '*.example', ground: x}]", `15:21: withhold[0].domain: "*.example" is not a domain name`},
		{"fingerprint", key, "key: AGENCY-KEY", "15:26: agency.key: not a fingerprint"},
		{"short fingerprint", key, "key: 01234567", "15:26: agency.key: not a fingerprint"},
		{"no key", ", " + key, "", "15:9: agency: either key or keys"},
		{"key twice", key, "keys: [0123456789ABCDEF0123456789ABCDEF01234567, 0123456789abcdef 0123456789abcdef 01234567]", "15:70: agency.keys[1]: named twice"},
		{"kinds of keys", key, "keys: [0123456789ABCDEF0123456789ABCDEF01234567, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855]", "15:70: agency.keys[1]: another kind"},
		{"file path", "file: a.pdf", "file: ../a.pdf", "16:20: instrument.file: not a plain file name"},
		{"file backslash", "file: a.pdf", `file: b\a.pdf`, "16:20: instrument.file: not a plain file name"},
		{"file stream", "file: a.pdf", "file: a.pdf:b", "16:20: instrument.file: not a plain file name"},
		{"digest", "sha256: e3b0", "sha256: e3b", "16:35: instrument.sha256: not a SHA-256"},
		{"silence ends first", "legal_basis: law", "legal_basis: law\nnon_disclosure: {basis: x, start: 2026-02-02, end: 2026-02-01}", "7:52: non_disclosure.end: before the start"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			errs := faults(t, "order.yaml", with(t, tt.old, tt.new))
			if got, want := errs[0].Error(), "order.yaml:"+tt.want; !strings.HasPrefix(got, want) {
				t.Errorf("got  %s\nwant %s…", errs, want)
			}
		})
	}
}

// Invariant 14: one text, one meaning. These parts of YAML are refused.
func TestYAMLRefused(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"anchor", with(t, "legal_basis: law", "legal_basis: &x law"), "6:14: anchors"},
		{"alias", with(t, "legal_basis: law", "legal_basis: *x"), "6:14: aliases"},
		{"tag", with(t, "legal_basis: law", "legal_basis: !!str law"), "6:14: tags"},
		{"merge", with(t, "legal_basis: law", "<<: law"), "6:1: merge keys"},
		{"directive", "%YAML 1.2\n---\n" + base, "1:1: directives"},
		{"complex name", with(t, "legal_basis: law", "? legal_basis\n: law"), "6:1: complex names"},
		{"literal", with(t, "legal_basis: law", "legal_basis: |\n  law"), "6:14: block texts (|)"},
		{"folded", with(t, "legal_basis: law", "legal_basis: >\n  law"), "6:14: block texts (>)"},
		{"plain on two lines", with(t, "legal_basis: law", "legal_basis: law\n  and order"), "6:14: text on several lines"},
		{"quoted on two lines", with(t, "legal_basis: law", "legal_basis: 'law\n  and order'"), "6:14: text on several lines"},
		{"second document", base + "---\n" + base, "17:1: a second document"},
		{"end of document", base + "...\n", "17:1: the end of a document"},
		{"two heads", "---\n---\n" + base, "2:1: a second document"},
		{"list in list", with(t, "  - account", "  - - account"), "10:5: a list directly within a list"},
		{"tab", with(t, "legal_basis: law", "legal_basis:\tlaw"), "6:13: tab"},
		{"octal escape", with(t, "legal_basis: law", `legal_basis: "\x41"`), "6:14: legal_basis: text not understood"},
		{"half a surrogate", with(t, "legal_basis: law", `legal_basis: "\udc00"`), "6:14: legal_basis: text not understood"},
		{"wrong hexadecimal", with(t, "legal_basis: law", `legal_basis: "\uZZZZ"`), "6:14: legal_basis: text not understood"},
		{"open quote", with(t, "legal_basis: law", `legal_basis: "law`), "6:14: not YAML"},
		{"open list", with(t, "[content]", "[content"), "15:1: not YAML"},
		{"indent", with(t, "    end:", "   end:"), "12:9: text on several lines"},
		{"nothing", "", "1:1: empty"},
		{"comments only", "# nothing\n", "1:1: empty"},
		{"a text", "order", "1:1: a text where a mapping"},
		{"a list", "- order", "1:1: a list where a mapping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			errs := faults(t, "o", tt.text)
			if got := errs.Error(); !strings.HasPrefix(got, "o:"+tt.want) {
				t.Errorf("got  %s\nwant %s…", errs, tt.want)
			}
		})
	}
}

func TestJSONRefused(t *testing.T) {
	whole := read(t, "minimal.json")
	replace := func(old, new string) string {
		if strings.Count(whole, old) != 1 {
			t.Fatalf("%q does not occur once", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	tests := []struct{ name, text, want string }{
		{"duplicate", replace(`"regime": "us-2703"`, `"regime": "us-2703", "regime": "x"`), "6:24: regime: duplicate name, first on line 6"},
		{"duplicate by escape", replace(`"regime": "us-2703"`, "\"regime\": \"us-2703\",\n\"\\u0072egime\": \"x\""), "7:1: regime: duplicate name, first on line 6"},
		{"number", replace(`"1:26-mj-7"`, "1"), "3:16: reference: a number"},
		{"truth value", replace(`"1:26-mj-7"`, "true"), "3:16: reference: true or false where a text is wanted"},
		{"null", replace(`"1:26-mj-7"`, "null"), "3:16: reference: nothing there"},
		{"entire as text", replace(`"zone":`, `"entire": "true", "zone":`), "11:92: accounts[0].entire: neither true nor false"},
		{"comment", replace(`"regime": "us-2703"`, `"regime": "us-2703" // x`), "6:23: not JSON"},
		{"comma at the end", replace(`"US-CA"`, `"US-CA",`), "5:27: not JSON"},
		{"cut short", whole[:40], "3:9: not JSON"},
		{"data after it", whole + "{}", "16:1: data after"},
		{"junk after it", whole + "x", "16:1: not JSON"},
		{"tab by escape", replace(`"District Court"`, `"District\tCourt"`), "4:25: authority.name: control or invisible character in the text"},
		{"direction by escape", replace(`"District Court"`, `"District\u202eCourt"`), "4:25: authority.name: character that changes the direction"},
		{"half a surrogate", replace(`"District Court"`, `"District\ud800Court"`), "4:34: not JSON"},
		{"two objects in a list", replace(`"categories": ["traffic", "subscriber"]}`, `"categories": ["traffic", "subscriber"]}, {}`), "1:1: categories: missing, and accounts[1] has none of its own\no:11:155: accounts[1].account: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			errs := faults(t, "o", tt.text)
			if got := errs.Error(); !strings.HasPrefix(got, "o:"+tt.want) {
				t.Errorf("got  %s\nwant %s…", errs, tt.want)
			}
		})
	}
}

// Invariant 14: what an editor does not show may not stand in an order.
func TestHiddenCharacters(t *testing.T) {
	for _, tt := range []struct{ name, char, want string }{
		{"NUL", "\x00", "control or invisible"}, {"escape", "\x1b", "control or invisible"}, {"delete", "\x7f", "control or invisible"},
		{"C1", "\u0085", "control or invisible"}, {"line separator", "\u2028", "control or invisible"}, {"soft hyphen", "\u00ad", "control or invisible"},
		{"zero width space", "\u200b", "control or invisible"}, {"tag", "\U000e0041", "control or invisible"}, {"noncharacter", "\ufffe", "control or invisible"},
		{"override", "\u202e", "direction"}, {"isolate", "\u2066", "direction"}, {"mark", "\u200f", "direction"}, {"Arabic mark", "\u061c", "direction"},
		{"not UTF-8", "\xff", "not UTF-8"}, {"overlong", "\xc0\xaf", "not UTF-8"}, {"surrogate", "\xed\xa0\x80", "not UTF-8"},
		{"replacement", "\ufffd", "replacement"}, {"bare CR", "\r", "carriage return"}, {"byte order mark", "\ufeff", "byte order mark"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs := faults(t, "o", with(t, "legal_basis: law", "legal_basis: é"+tt.char+"w"))
			if e := errs[0]; e.Line != 6 || e.Column != 15 || !strings.Contains(e.Msg, tt.want) {
				t.Errorf("got %v", errs)
			}
		})
	}
	errs := faults(t, "o", "\ufeff"+base)
	same(t, "at the head", errs.Error(), "o:1:1: byte order mark")
	for _, char := range []string{"\u200d", "\u200c", "😀", "é", "e\u0301", "ب"} {
		parse(t, with(t, "legal_basis: law", "legal_basis: a"+char+"b"))
	}
}

func TestAllFaultsAreCollectedInOrder(t *testing.T) {
	errs := faults(t, "order.yaml", `type: exhibit/order/v1
reference: "1"
authority: {name: Court, country: XX}
jurisdiction: DE
regime: eu
legal_basis: law
served: yesterday
received: 2026-05-04T09:00:00+02:00
accounts:
  - {account: a, start: 2026-01-99, end: x, zone: Europe/Berlin}
  - {account: A, entire: maybe}
categories: [content]
agency: {name: LKA, key: 01}
instrument: {file: a.pdf, sha256: 00}
`)
	want := `order.yaml:3:35: authority.country: "XX" is not an ISO 3166-1 alpha-2 country code
order.yaml:7:9: served: not a date-time with offset: YYYY-MM-DDThh:mm:ss+hh:mm, or Z for UTC
order.yaml:10:25: accounts[0].start: no such date or time
order.yaml:10:42: accounts[0].end: not a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss+hh:mm
order.yaml:11:5: accounts[1].start: missing
order.yaml:11:5: accounts[1].end: missing
order.yaml:11:5: accounts[1].account: the same account as on line 10
order.yaml:11:26: accounts[1].entire: neither true nor false
order.yaml:13:26: agency.key: not a fingerprint: 40 or 64 hexadecimal digits
order.yaml:14:35: instrument.sha256: not a SHA-256: 64 hexadecimal digits`
	if errs.Error() != want {
		t.Errorf("got:\n%s\nwant:\n%s", errs, want)
	}
}

func TestExcerpt(t *testing.T) {
	errs := faults(t, "o", with(t, "{name: Court, country: DE}", "{name: Größe, country: de}"))
	same(t, "excerpt", errs[0].Excerpt, "   3 | authority: {name: Größe, country: de}\n"+strings.Repeat(" ", 41)+"^")

	long := faults(t, "o", with(t, "legal_basis: law", "legal_basis: "+strings.Repeat("x", 500)+"\x1b[2J"))
	line, caret, _ := strings.Cut(long[0].Excerpt, "\n")
	if len([]rune(line)) > 110 || strings.ContainsRune(long[0].Excerpt, 0x1b) {
		t.Errorf("excerpt %q", long[0].Excerpt)
	}
	if at := len(caret) - 1; []rune(line)[at] != '\ufffd' {
		t.Errorf("the caret is not at the fault:\n%s", long[0].Excerpt)
	}
}

func ExampleError() {
	_, err := order.Parse("order.yaml", []byte("type: exhibit/order/v3\n"))
	var fault *order.Error
	for _, e := range err.(order.Errors) {
		if e.Path == "type" {
			fault = e
		}
	}
	fmt.Println(fault)
	fmt.Println(fault.Excerpt)
	// Output:
	// order.yaml:1:7: type: "exhibit/order/v3" is not exhibit/order/v1
	//    1 | type: exhibit/order/v3
	//              ^
}
