package order_test

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"exhibit/export/order"
)

func TestParseFull(t *testing.T) {
	text := read(t, "full.yaml")
	o := parse(t, text)
	empty := sha256.Sum256(nil)
	at := func(s string) time.Time { return instant(t, s) }
	same(t, "reference", o.Reference, "4 Gs 123/26")
	same(t, "authority", o.Authority, order.Authority{
		Name: "Amtsgericht Musterstadt", Unit: "Ermittlungsrichter", Country: "DE",
		Contact: "Geschäftsstelle, +49 30 0000-123", Email: "poststelle@ag-musterstadt.example",
	})
	same(t, "jurisdiction", o.Jurisdiction, "DE-BE")
	same(t, "regime", o.Regime, "eu-2023-1543")
	same(t, "legal basis", o.LegalBasis, "Art. 5 Regulation (EU) 2023/1543")
	same(t, "priority", o.Priority, order.Urgent)
	same(t, "served", o.Served.UTC(), at("2026-05-04T07:12:00Z"))
	same(t, "received", o.Received.UTC(), at("2026-05-04T07:15:30Z"))
	same(t, "expires", o.Expires.UTC(), at("2026-06-30T23:59:59Z"))
	same(t, "due", o.Due.UTC(), at("2026-05-20T23:59:59Z"))
	same(t, "case", o.Case, order.Case{Type: "fraud", Number: "0123"})
	same(t, "withhold", o.Withhold, []order.Withheld{
		{Address: "counsel@kanzlei.example", Ground: "attorney-client"},
		{Domain: "bar.example", Ground: "attorney-client"},
	})
	same(t, "agency", o.Agency, order.Agency{Name: "LKA Musterland", Keys: []order.Fingerprint{
		"0123456789ABCDEF0123456789ABCDEF01234567", "FFFF456789ABCDEF0123456789ABCDEF01234567",
	}})
	same(t, "instrument", o.Instrument, order.Instrument{File: "warrant.pdf", SHA256: empty,
		Signature: &order.InstrumentSignature{File: "warrant.pdf.p7s", SHA256: sha256.Sum256([]byte("test"))}})
	same(t, "enforcing authority", o.EnforcingAuthority.At.UTC(), at("2026-05-04T07:13:00Z"))
	o.EnforcingAuthority.At = time.Time{}
	same(t, "enforcing authority", *o.EnforcingAuthority, order.EnforcingAuthority{Notified: true, Name: "Example Enforcing Authority", Country: "NO"})
	same(t, "non-disclosure", *o.NonDisclosure, order.NonDisclosure{
		Basis: "§ 95a StPO", Start: at("2026-05-04T00:00:00Z"), End: at("2026-11-04T12:00:00Z"),
	})
	same(t, "notice due", o.UserNotice.Due, at("2026-08-04T23:59:59Z"))
	same(t, "notice delayed", o.UserNotice.DelayedUntil, at("2026-11-04T23:59:59Z"))
	same(t, "notice sent", o.UserNotice.Sent.UTC(), at("2026-11-05T09:00:00Z"))
	same(t, "digest", o.Digest(), sha256.Sum256([]byte(text)))
	same(t, "bytes", string(o.Bytes()), text)
}

func TestParseAccounts(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	tests := []struct {
		name        string
		from, until string
		entire      bool
		categories  []order.Category
	}{
		{"alice@example.org", "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z", false, []order.Category{order.Content}},
		{"BOB@Example.org", "2026-01-01T13:00:00Z", "2026-01-01T13:00:01Z", false, []order.Category{order.Subscriber, order.Traffic}},
		{"1E3", "", "", true, []order.Category{order.Content}},
	}
	for _, tt := range tests {
		a, ok := o.Account(tt.name)
		if !ok {
			t.Errorf("%s: not found", tt.name)
			continue
		}
		same(t, tt.name, a.Categories, tt.categories)
		same(t, tt.name, a.Allows(order.Content), tt.categories[0] == order.Content)
		span := a.Span()
		same(t, tt.name, span.Entire, tt.entire)
		if tt.entire {
			same(t, tt.name, span.Contains(time.Time{}), true)
			continue
		}
		same(t, tt.name, span.From.UTC(), instant(t, tt.from))
		same(t, tt.name, span.Until.UTC(), instant(t, tt.until))
		same(t, "nanosecond before", span.Contains(span.From.Add(-1)), false)
		same(t, "first", span.Contains(span.From), true)
		same(t, "end of the last second", span.Contains(span.Last().Add(time.Second-1)), true)
		same(t, "until", span.Contains(span.Until), false)
	}
	if _, ok := o.Account("carol@example.org"); ok {
		t.Error("an account that the order does not name")
	}
}

// What an order leaves out is not made up.
func TestParseLeftOut(t *testing.T) {
	o := parse(t, base)
	if !o.Due.IsZero() || o.EnforcingAuthority != nil || o.Instrument.Signature != nil || o.Narrowed() {
		t.Errorf("due %v, enforcing authority %v, signature %v, narrowed %v", o.Due, o.EnforcingAuthority, o.Instrument.Signature, o.Narrowed())
	}
	o = parse(t, with(t, "legal_basis: law", "legal_basis: law\nenforcing_authority: {notified: false}\ndue: 2026-05-04T07:00:00Z"))
	same(t, "not notified", *o.EnforcingAuthority, order.EnforcingAuthority{})
	same(t, "due when served", o.Due, instant(t, "2026-05-04T07:00:00Z"))
}

// The digest identifies exact bytes: what means the same is another order.
func TestDigestIsOfExactBytes(t *testing.T) {
	lf := read(t, "full.yaml")
	crlf := strings.ReplaceAll(lf, "\n", "\r\n")
	a, b := parse(t, lf), parse(t, crlf)
	if a.Digest() == b.Digest() {
		t.Error("two texts, one digest")
	}
	same(t, "meaning", order.Words(a), strings.ReplaceAll(order.Words(b), hexOf(b), hexOf(a)))
	a.Bytes()[0] ^= 1
	same(t, "bytes", string(a.Bytes()), lf)
}

func TestExpired(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	for at, want := range map[string]bool{
		"2026-06-30T23:59:58Z": false, "2026-06-30T23:59:59Z": false, "2026-06-30T23:59:59.999Z": false,
		"2026-07-01T00:00:00Z": true, "2026-07-01T01:59:59+02:00": false, "2030-01-01T00:00:00Z": true,
	} {
		same(t, at, o.Expired(instant(t, at)), want)
	}
	same(t, "no expiry", parse(t, sample(t)).Expired(instant(t, "2999-12-31T23:59:59Z")), false)
}

func TestWithheldMatches(t *testing.T) {
	address := order.Withheld{Address: "counsel@kanzlei.example"}
	domain := order.Withheld{Domain: "kanzlei.example"}
	tests := []struct {
		address             string
		byAddress, byDomain bool
	}{
		{"counsel@kanzlei.example", true, true},
		{"COUNSEL@Kanzlei.EXAMPLE", true, true},
		{"counsel@kanzlei.example.", true, true},
		{"office@kanzlei.example", false, true},
		{"counsel@mail.kanzlei.example", false, true},
		{"\"a@b\"@kanzlei.example", false, true},
		{"counsel@notkanzlei.example", false, false},
		{"kanzlei.example@mail.example", false, false},
		{"counsel@kanzlei.example.org", false, false},
		{"", false, false},
	}
	for _, tt := range tests {
		same(t, tt.address, address.Matches(tt.address), tt.byAddress)
		same(t, tt.address, domain.Matches(tt.address), tt.byDomain)
	}
}

// Scalars are what is written, not what YAML takes them for.
func TestScalarsAreTheirText(t *testing.T) {
	for _, text := range []string{
		"0123", "0o17", "0x1F", "1e3", "1_000", "yes", "no", "on", "true", "false", "NaN", ".inf", "-.inf", ".nan",
		"2026-01-01", "12:30:45", "1.10", "+1", "~x", "nullx", "a#b", "a:b", "http://x.example/", "Ärger №5", "=", "<",
	} {
		o := parse(t, with(t, `reference: "1"`, "reference: "+text))
		same(t, text, o.Reference, text)
		o = parse(t, with(t, `reference: "1"`, "reference: '"+text+"' # a comment"))
		same(t, text, o.Reference, text)
		o = parse(t, with(t, "legal_basis: law", "case: {number: "+text+"}\nlegal_basis: law"))
		same(t, text, o.Case.Number, text)
	}
	for written, want := range map[string]string{
		`"a \"b\" \\ \/ \u00e9 \ud83d\ude00"`: `a "b" \ / é 😀`, `'it''s'`: "it's", `'a \n'`: `a \n`, `"#"`: "#", `'- x'`: "- x",
	} {
		same(t, written, parse(t, with(t, `reference: "1"`, "reference: "+written)).Reference, want)
	}
}

func TestYAMLAndJSONMeanTheSame(t *testing.T) {
	json := read(t, "minimal.json")
	yaml := `--- # a document may begin so
type: exhibit/order/v1
reference: 1:26-mj-7
authority: {"name": District Court, country: US}
jurisdiction: US-CA
regime: us-2703
legal_basis: 18 U.S.C. § 2703(a)
served: 2026-05-04T16:00:00Z
received: 2026-05-04T16:00:00Z
accounts:
- account: alice@example.org
  start: 2026-03-08
  end: 2026-03-08
  zone: America/Los_Angeles
  entire: false
  categories: [traffic, subscriber]
agency:
  name: Example Bureau
  keys: [E3B0 C442 98FC 1C14 9AFB F4C8 996F B924 27AE 41E4 649B 934C A495 991B 7852 B855]
instrument: {file: order 7.pdf, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}
`
	a, b := parse(t, json), parse(t, yaml)
	same(t, "words", order.Words(a), strings.ReplaceAll(order.Words(b), hexOf(b), hexOf(a)))
	same(t, "accounts", a.Accounts, b.Accounts)
}

// The one type of error that Parse returns leads to each fault.
func TestErrorsAsError(t *testing.T) {
	_, err := order.Parse("o.yaml", []byte("type: exhibit/order/v1\nreference: 1\nreference: 2\n"))
	var all order.Errors
	if !errors.As(err, &all) || len(all) < 2 {
		t.Fatalf("not Errors of several faults: %v", err)
	}
	var one *order.Error
	if !errors.As(err, &one) || one != all[0] {
		t.Errorf("errors.As gives %v, the first is %v", one, all[0])
	}
	if first, _, _ := strings.Cut(err.Error(), "\n"); first != all[0].Error() {
		t.Errorf("first line %q, first error %q", first, all[0])
	}
}

func hexOf(o *order.Order) string {
	_, after, _ := strings.Cut(order.Words(o), "this order  SHA-256 ")
	return after[:64]
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
