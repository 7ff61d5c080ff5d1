package order_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"exhibit/export/order"
)

// A tree is an order before it is written: what the writers below write down
// as YAML or JSON.
type tree = map[string]any

// drawn is a random valid order: its tree, and what it means.
type drawn struct {
	tree tree
	want order.Order
	span []order.Span
}

var texts = rapid.Custom(func(t *rapid.T) string {
	hostile := rapid.SampledFrom([]string{
		"0123", "1e3", "yes", "null", "~", "true", "- x", "a: b", "#", "a #b", "'", `"`, `\`, `\u0041`, "&a", "*a", "!x", "%", "@x", "`",
		"{a}", "[a]", "a,b", "?", "? x", "|", ">", "<<", "---", "...", "=", "2026-01-01", "é", "日本語", "😀", "e\u0301", "''", `""`, ":", "x:",
	})
	some := rapid.StringOfN(rapid.SampledFrom([]rune(`abcZ09 äß日😀'"\:#,[]{}&*!|>%@-?.`)), 1, 40, -1)
	s := strings.TrimSpace(rapid.OneOf(hostile, some).Draw(t, "text"))
	if s == "" {
		return "x"
	}
	return s
})

// moments are whole seconds at some offset.
var moments = rapid.Custom(func(t *rapid.T) time.Time {
	offset := rapid.IntRange(-14*4, 14*4).Draw(t, "quarters of an hour") * 900
	second := rapid.Int64Range(100_000, 32_000_000_000).Draw(t, "second")
	return time.Unix(second, 0).In(time.FixedZone("", offset))
})

var categories = rapid.Custom(func(t *rapid.T) []order.Category {
	all := rapid.Permutation([]order.Category{order.Subscriber, order.Traffic, order.Content}).Draw(t, "categories")
	return all[:rapid.IntRange(1, 3).Draw(t, "how many")]
})

func optional(t *rapid.T, m tree, name string, to *string) {
	if rapid.Bool().Draw(t, name+" there") {
		*to = texts.Draw(t, name)
		m[name] = *to
	}
}

func optionalTime(t *rapid.T, m tree, name string, to *time.Time) {
	if rapid.Bool().Draw(t, name+" there") {
		*to = moments.Draw(t, name)
		m[name] = to.Format(time.RFC3339)
	}
}

func drawOrder(t *rapid.T) drawn {
	d := drawn{tree: tree{"type": order.Type}}
	o := &d.want
	o.Reference, o.LegalBasis = texts.Draw(t, "reference"), texts.Draw(t, "basis")
	o.Jurisdiction = rapid.SampledFrom([]string{"DE", "US-CA", "NO"}).Draw(t, "jurisdiction")
	o.Regime = rapid.StringMatching(`[a-z0-9-]{1,64}`).Draw(t, "regime")
	o.Priority = rapid.SampledFrom([]order.Priority{order.Routine, order.Urgent, order.Emergency}).Draw(t, "priority")
	d.tree["reference"], d.tree["legal_basis"], d.tree["jurisdiction"] = o.Reference, o.LegalBasis, o.Jurisdiction
	d.tree["regime"], d.tree["priority"] = o.Regime, string(o.Priority)

	o.Authority = order.Authority{Name: texts.Draw(t, "authority"), Country: "NO"}
	authority := tree{"name": o.Authority.Name, "country": "NO"}
	optional(t, authority, "unit", &o.Authority.Unit)
	optional(t, authority, "contact", &o.Authority.Contact)
	d.tree["authority"] = authority

	drawEnforcing(t, &d)
	o.Served, o.Received = moments.Draw(t, "served"), moments.Draw(t, "received")
	if o.Received.Before(o.Served) {
		o.Served, o.Received = o.Received, o.Served
	}
	d.tree["served"], d.tree["received"] = o.Served.Format(time.RFC3339), o.Received.Format(time.RFC3339)

	optionalTime(t, d.tree, "due", &o.Due)
	if !o.Due.IsZero() && o.Due.Before(o.Served) {
		o.Due = o.Served
		d.tree["due"] = d.tree["served"]
	}

	law := tree{}
	optional(t, law, "type", &o.Case.Type)
	optional(t, law, "number", &o.Case.Number)
	if len(law) > 0 { // YAML writes no empty block mapping
		d.tree["case"] = law
	}
	drawScope(t, &d)
	drawAgency(t, &d)
	return d
}

func drawEnforcing(t *rapid.T, d *drawn) {
	o := &d.want
	if rapid.Bool().Draw(t, "enforcing authority") {
		o.EnforcingAuthority = &order.EnforcingAuthority{}
		m := tree{"notified": false}
		if o.EnforcingAuthority.Notified = rapid.Bool().Draw(t, "notified"); o.EnforcingAuthority.Notified {
			e := order.EnforcingAuthority{Notified: true, Name: texts.Draw(t, "enforcing"), Country: "NO", At: moments.Draw(t, "notified at")}
			*o.EnforcingAuthority = e
			m = tree{"notified": true, "name": e.Name, "country": e.Country, "at": e.At.Format(time.RFC3339)}
		}
		d.tree["enforcing_authority"] = m
	}
}

func drawScope(t *rapid.T, d *drawn) {
	o := &d.want
	o.Categories = categories.Draw(t, "order")
	d.tree["categories"] = list(o.Categories)
	var accounts []any
	for i := range rapid.IntRange(1, 4).Draw(t, "accounts") {
		a := order.Account{Name: fmt.Sprintf("%d.%s", i, rapid.StringMatching(`[a-zé0-9@.+-]{1,30}`).Draw(t, "account")), Categories: o.Categories}
		m := tree{"account": a.Name}
		if rapid.Bool().Draw(t, "own categories") {
			a.Categories = categories.Draw(t, "own")
			m["categories"] = list(a.Categories)
		}
		var span order.Span
		if a.Entire = rapid.Bool().Draw(t, "entire"); a.Entire {
			m["entire"], span.Entire = true, true
		} else {
			from, last := moments.Draw(t, "start"), moments.Draw(t, "end")
			if last.Before(from) {
				from, last = last, from
			}
			a.Start, a.End = from.Format(time.RFC3339), last.Format(time.RFC3339)
			m["start"], m["end"] = a.Start, a.End
			span = order.Span{From: from, Until: last.Add(time.Second)}
		}
		o.Accounts, d.span, accounts = append(o.Accounts, a), append(d.span, span), append(accounts, m)
	}
	d.tree["accounts"] = accounts
	var withhold []any
	for range rapid.IntRange(0, 3).Draw(t, "withheld") {
		w := order.Withheld{Ground: texts.Draw(t, "ground")}
		m := tree{"ground": w.Ground}
		w.Domain = rapid.StringMatching(`[a-z][a-z0-9-]{0,20}\.example`).Draw(t, "domain")
		if rapid.Bool().Draw(t, "address") {
			w.Address, w.Domain = "counsel@"+w.Domain, ""
			m["address"] = w.Address
		} else {
			m["domain"] = w.Domain
		}
		o.Withhold, withhold = append(o.Withhold, w), append(withhold, m)
	}
	if withhold != nil {
		d.tree["withhold"] = withhold
	}
}

func drawAgency(t *rapid.T, d *drawn) {
	o := &d.want
	o.Agency.Name = texts.Draw(t, "agency")
	digits := rapid.SampledFrom([]int{40, 64}).Draw(t, "digits")
	var keys []any
	for i := range rapid.IntRange(1, 3).Draw(t, "keys") {
		key := fmt.Sprintf("%0*X", digits, i+0xABC)
		o.Agency.Keys, keys = append(o.Agency.Keys, order.Fingerprint(key)), append(keys, key)
	}
	d.tree["agency"] = tree{"name": o.Agency.Name, "keys": keys}
	o.Instrument.File = rapid.StringMatching(`[a-z0-9 ä]{0,10}[a-z0-9]\.pdf`).Filter(func(s string) bool { return strings.TrimSpace(s) == s }).Draw(t, "file")
	o.Instrument.SHA256 = sha256.Sum256([]byte(o.Instrument.File))
	instrument := tree{"file": o.Instrument.File, "sha256": fmt.Sprintf("%x", o.Instrument.SHA256)}
	if rapid.Bool().Draw(t, "signature") {
		o.Instrument.Signature = &order.InstrumentSignature{File: o.Instrument.File + ".asc", SHA256: sha256.Sum256(nil)}
		instrument["signature"] = tree{"file": o.Instrument.File + ".asc", "sha256": fmt.Sprintf("%x", sha256.Sum256(nil))}
	}
	d.tree["instrument"] = instrument
	if rapid.Bool().Draw(t, "silence") {
		o.NonDisclosure = &order.NonDisclosure{Basis: texts.Draw(t, "silence")}
		m := tree{"basis": o.NonDisclosure.Basis}
		optionalTime(t, m, "end", &o.NonDisclosure.End)
		d.tree["non_disclosure"] = m
		o.UserNotice = &order.UserNotice{Due: moments.Draw(t, "due")}
		notice := tree{"due": o.UserNotice.Due.Format(time.RFC3339)}
		optionalTime(t, notice, "sent", &o.UserNotice.Sent)
		d.tree["user_notice"] = notice
	}
}

func list(from []order.Category) (to []any) {
	for _, c := range from {
		to = append(to, string(c))
	}
	return to
}

// writer writes trees as YAML, in any style that the order file accepts.
type writer struct {
	t *rapid.T
	strings.Builder
}

func (w *writer) scalar(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	styles := []string{"'" + strings.ReplaceAll(s, "'", "''") + "'"}
	if double, err := jsontext.AppendQuote(nil, s); err == nil {
		styles = append(styles, string(double))
	}
	return rapid.SampledFrom(styles).Draw(w.t, "style")
}

func (w *writer) flow(v any) string {
	var parts []string
	switch v := v.(type) {
	case tree:
		for _, name := range names(v) {
			parts = append(parts, name+": "+w.flow(v[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, item := range v {
			parts = append(parts, w.flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return w.scalar(v)
}

func (w *writer) block(v any, indent string) {
	switch v := v.(type) {
	case tree:
		for i, name := range names(v) {
			if i > 0 {
				w.WriteString(indent)
			}
			w.WriteString(name + ":")
			w.value(v[name], indent+"  ")
		}
	case []any:
		for i, item := range v {
			if i > 0 {
				w.WriteString(indent)
			}
			w.WriteString("- ")
			if m, ok := item.(tree); ok {
				w.block(m, indent+"  ")
			} else {
				w.WriteString(w.scalar(item) + "\n")
			}
		}
	}
}

func (w *writer) value(v any, indent string) {
	_, isTree := v.(tree)
	_, isList := v.([]any)
	if !isTree && !isList || rapid.Bool().Draw(w.t, "flow") {
		w.WriteString(" " + w.flow(v) + rapid.SampledFrom([]string{"\n", " # a: comment\n", "\n\n", "\r\n"}).Draw(w.t, "end"))
		return
	}
	w.WriteString("\n" + indent)
	w.block(v, indent)
}

// names are the names of a tree, the type first.
func names(m tree) []string {
	all := []string{}
	for _, name := range strings.Fields(`type reference authority jurisdiction regime legal_basis priority served received
		case accounts categories withhold agency instrument enforcing_authority non_disclosure user_notice notified
		name unit country contact number at account start end entire address domain ground keys file sha256 signature
		basis due sent`) {
		if _, ok := m[name]; ok {
			all = append(all, name)
		}
	}
	return all
}

// Any valid order, written as YAML or JSON, parses to its meaning.
func TestAnyOrderKeepsItsMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawOrder(t)
		w := &writer{t: t}
		w.block(d.tree, "")
		d.check(t, w.String())
		text := &strings.Builder{}
		text.WriteString("{")
		for i, name := range names(d.tree) {
			if i > 0 {
				text.WriteString(",\n ")
			}
			value, err := json.Marshal(d.tree[name])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(text, "%q: %s", name, value)
		}
		d.check(t, text.String()+"}\n")
	})
}

func (d *drawn) check(t *rapid.T, text string) {
	o, err := order.Parse("order", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if o.Digest() != sha256.Sum256([]byte(text)) {
		t.Fatal("digest")
	}
	for i := range o.Accounts {
		got, want := o.Accounts[i].Span(), d.span[i]
		if !got.From.Equal(want.From) || !got.Until.Equal(want.Until) || got.Entire != want.Entire {
			t.Fatalf("%s: span %v, want %v", o.Accounts[i].Name, got, want)
		}
	}
	if got, want := meaningOf(o), meaningOf(&d.want); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v\n%s", got, want, text)
	}
}

// meaningOf lists what an order says, times as instants.
func meaningOf(o *order.Order) []any {
	m := []any{
		o.Reference, o.Authority, o.Jurisdiction, o.Regime, o.LegalBasis, o.Priority, o.Served.Unix(), o.Received.Unix(),
		o.Expires.Unix(), o.Due.Unix(), o.Case, o.Categories, o.Withhold, o.Agency, o.Instrument,
	}
	for _, a := range o.Accounts {
		m = append(m, a.Name, a.Start, a.End, a.Zone, a.Entire, a.Categories)
	}
	if e := o.EnforcingAuthority; e != nil {
		m = append(m, e.Notified, e.Name, e.Country, e.At.Unix())
	}
	if nd := o.NonDisclosure; nd != nil {
		m = append(m, nd.Basis, nd.Start.Unix(), nd.End.Unix())
	}
	if u := o.UserNotice; u != nil {
		m = append(m, u.Due.Unix(), u.DelayedUntil.Unix(), u.Sent.Unix())
	}
	return m
}
