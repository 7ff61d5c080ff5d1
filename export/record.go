package export

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/mail/contentline"
	"exhibit/export/normalize"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/sign"
)

// recordOf begins the item record of a candidate: what is known before it is
// normalized (FORMAT.md section 6).
func recordOf(c *candidate) *bag.ItemRecord {
	it := &c.item
	kind := string(it.Kind)
	return &bag.ItemRecord{
		Type:     bag.ItemType,
		Exhibit:  bag.ExhibitNumber(c.exhibit),
		File:     bag.ItemName(c.exhibit, kind),
		Kind:     kind,
		Account:  c.account,
		Category: string(order.Content),
		Scope:    scopeOf(c.decision),
		Source: &bag.ItemSource{
			Number: int64(c.source), File: text(it.Source.File), Format: it.Format, Container: optional(it.Container),
			Offset: it.Source.Offset, Length: it.Source.Length, SHA256: sha256.Sum256(it.Raw),
			Dialect: optional(it.Dialect), Evidence: optional(it.Evidence),
		},
		Labels: texts(it.Labels),
		Flags:  texts(it.Flags),
	}
}

// derivedRecord begins the item record of a record that is derived: it has no source.
func derivedRecord(c *candidate, kind string) *bag.ItemRecord {
	return &bag.ItemRecord{
		Type: bag.ItemType, Exhibit: bag.ExhibitNumber(c.exhibit), File: bag.ItemName(c.exhibit, kind), Kind: kind,
		Account: c.account, Category: string(c.decision.Category), Scope: scopeOf(c.decision),
		Transforms: []bag.Transform{}, Labels: []string{}, Flags: []string{},
	}
}

func scopeOf(d scope.Decision) bag.Scope {
	s := bag.Scope{Rule: d.Rule, Field: optional(d.Field)}
	if !d.Time.IsZero() {
		earliest, latest := sign.At(d.Time.Earliest), sign.At(d.Time.Latest)
		s.Earliest, s.Latest = &earliest, &latest
	}
	return s
}

func transformsOf(list []normalize.Transform) []bag.Transform {
	out := make([]bag.Transform, len(list))
	for i, t := range list {
		out[i] = bag.Transform{Name: t.Name, Line: t.Line, Trailer: t.Trailer, Runs: t.Runs}
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// text makes a JSON string of a file name, whose bytes need not be UTF-8.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

// eventFields and contactFields are the open member fields of items that are no
// messages; those of messages are mail.Metadata.
type eventFields struct {
	Summary string `json:"summary,omitempty"`
	UID     string `json:"uid,omitempty"`
	DateUTC string `json:"date_utc,omitempty"` // of the earliest start
}

type contactFields struct {
	Summary string   `json:"summary,omitempty"` // the formatted name
	Email   []string `json:"email,omitempty"`
}

// describe sets the open member fields of an item record, an object in line form,
// and adds the labels that a message itself tells of. What is not UTF-8 in them
// becomes U+FFFD.
func describe(rec *bag.ItemRecord, it mail.Item) error {
	var fields any
	switch it.Kind {
	case mail.KindEvent:
		e := eventFields{Summary: contentline.Text(it.Raw, "SUMMARY"), UID: contentline.Text(it.Raw, "UID")}
		if start, _, _, err := contentline.Times(it.Raw); err == nil && start.Exact() {
			e.DateUTC = start.Earliest.UTC().Format(time.RFC3339)
		}
		fields = e
	case mail.KindContact:
		addrs, _ := contentline.Correspondents(it.Raw)
		fields = contactFields{Summary: contentline.Text(it.Raw, "FN"), Email: shown(addrs)}
	default:
		m := mail.Describe(it)
		rec.Labels = withLabels(rec.Labels, texts(m.Labels))
		fields = m
	}
	var err error
	rec.Fields, err = json.Marshal(fields, jsontext.AllowInvalidUTF8(true))
	return err
}

// withLabels adds labels to a list, but those that it has.
func withLabels(list, more []string) []string {
	for _, l := range more {
		if !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// maxShown bounds, in bytes of JSON, the addresses of a contact that an index
// shows.
const maxShown = 64 << 10

// shown returns as many addresses as an index shows: the file itself has them all.
func shown(addrs []string) []string {
	left := maxShown
	for i, a := range addrs {
		if left -= 6*len(a) + 3; left < 0 {
			return addrs[:i]
		}
	}
	return addrs
}
