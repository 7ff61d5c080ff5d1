package export

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"exhibit/export/bag"
	"exhibit/export/mail"
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

// describe sets the open member fields of an item record, an object in line form,
// and adds the labels that a message itself tells of. What is not UTF-8 in them
// becomes U+FFFD.
func describe(rec *bag.ItemRecord, it mail.Item) error {
	var fields any
	if it.Kind == mail.KindMessage {
		m := mail.Describe(it)
		rec.Labels = texts(it.AllLabels(m))
		fields = m
	} else {
		fields = mail.DescribeEntry(it)
	}
	var err error
	rec.Fields, err = json.Marshal(fields, jsontext.AllowInvalidUTF8(true))
	return err
}
