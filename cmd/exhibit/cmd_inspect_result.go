package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
	"exhibit/export/order"
	"exhibit/export/scope"
)

// subject is an item that is shown. Of a message read in pieces item.Raw holds
// only the beginning.
type subject struct {
	item     mail.Item
	file     string
	only     bool          // the file is FILE itself, and no mbox
	digest   [32]byte      // of the item's span
	r        io.ReaderAt   // the message
	message  *mime.Message // where parts or headers are wanted
	metadata mail.Metadata // otherwise
}

// inspected is an item, as it is printed.
type inspected struct {
	Kind      string         `json:"kind"`
	File      string         `json:"file"`
	Item      int            `json:"item"` // its number in FILE, from 1
	Offset    int64          `json:"offset"`
	Length    int64          `json:"length"`
	SHA256    string         `json:"sha256,omitempty"` // of the span
	Container string         `json:"container,omitempty"`
	Format    string         `json:"format"`
	Dialect   string         `json:"dialect,omitempty"`
	Evidence  string         `json:"evidence,omitempty"`
	Separator int            `json:"separator,omitzero"` // bytes of the mbox separator line
	Trailer   int            `json:"trailer,omitzero"`   // bytes at the end that belong to the mbox
	Doubtful  bool           `json:"doubtful"`
	Labels    []string       `json:"labels"`
	Flags     []string       `json:"flags"`
	Time      inspectedTime  `json:"time"`
	Fields    any            `json:"fields,omitempty"` // inspectedMessage or mail.Entry
	Header    *inspectedHead `json:"header,omitempty"` // with --headers, instead
}

// inspectedMessage is what an index has of a message, with its defects explained.
type inspectedMessage struct {
	mail.Metadata
	Defects []inspectedFlaw `json:"defects,omitempty"`
}

// inspectedHead is the header of a part.
type inspectedHead struct {
	Part    string          `json:"part"`
	Fields  []inspectedLine `json:"fields"`
	Defects []inspectedFlaw `json:"defects"`
}

// inspectedTime is what time counts for the scope of an order.
type inspectedTime struct {
	Field    *string `json:"field"` // received, date, calendar; null when nothing tells it
	Earliest *string `json:"earliest"`
	Latest   *string `json:"latest"`
	Problem  string  `json:"problem,omitempty"` // why it is not known
}

// inspectedLine is one header field.
type inspectedLine struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Offset int64  `json:"offset"` // of the name

	raw string // the value, which need not be UTF-8
}

// inspectedFlaw is a defect.
type inspectedFlaw struct {
	mail.Defect
	Explanation string `json:"explanation"`
}

type inspectedGap struct {
	Kind   string `json:"kind"`
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"`
	Reason string `json:"reason"`
}

type inspectedFile struct {
	Kind      string         `json:"kind"`
	File      string         `json:"file"`
	Size      int64          `json:"size"`
	SHA256    string         `json:"sha256"`
	Container string         `json:"container,omitempty"`
	Items     int            `json:"items"`
	Gaps      int            `json:"gaps"`
	Dialect   string         `json:"dialect"`
	Evidence  string         `json:"evidence"`
	Dialects  map[string]int `json:"dialects"`
}

type inspectedFailure struct {
	Kind  string `json:"kind"`
	File  string `json:"file"`
	Error string `json:"error"`
}

// show prints an item, or the part of it that is wanted.
func (i *inspection) show(s *subject) error {
	if s.item.Kind != mail.KindMessage && i.hashless() {
		return fmt.Errorf("%s: a file of kind %s has no parts and no header", s.file, s.item.Kind)
	}
	if s.only && i.format == "" && s.headless() {
		return &hintedError{fmt.Errorf("%s: no message in it: it has not one header field", s.file), "give --format eml to see it as a message all the same"}
	}
	i.shown++
	if i.part != "" && !i.headers {
		return i.writePart(s)
	}
	out, err := i.describe(s)
	if err != nil {
		return err
	}
	return i.result(out)
}

// headless reports whether a message has not one header field.
func (s *subject) headless() bool {
	if s.item.Kind != mail.KindMessage {
		return false
	}
	if s.message != nil {
		return len(s.message.Root.Header.Fields) == 0
	}
	return slices.ContainsFunc(s.metadata.Defects, func(d mail.Defect) bool { return d.Name == header.DefectNoHeader && d.Part == "1" })
}

// describe makes of an item what is printed.
func (i *inspection) describe(s *subject) (inspected, error) {
	it := s.item
	out := inspected{
		Kind: string(it.Kind), File: s.file, Item: i.found, Offset: it.Source.Offset, Length: it.Source.Length,
		Container: it.Container, Format: it.Format, Dialect: it.Dialect, Evidence: it.Evidence,
		Separator: it.Separator, Trailer: it.Trailer, Doubtful: it.Doubtful,
		Labels: append([]string{}, it.Labels...), Flags: append([]string{}, it.Flags...),
		Time: timeOf(it),
	}
	if s.digest != [32]byte{} {
		out.SHA256 = fmt.Sprintf("%x", s.digest)
	}
	switch {
	case it.Kind != mail.KindMessage:
		out.Fields = mail.DescribeEntry(it)
	case i.headers:
		var err error
		out.Header, err = i.header(s)
		return out, err
	default:
		out.Labels = append([]string{}, it.AllLabels(s.metadata)...)
		out.Fields = explained(s.metadata)
	}
	return out, nil
}

// explained is what an index shows of a message, with what its defects are.
func explained(m mail.Metadata) inspectedMessage {
	fields := inspectedMessage{Metadata: m}
	for _, d := range m.Defects {
		fields.Defects = append(fields.Defects, inspectedFlaw{d, explain(d.Name)})
	}
	return fields
}

// header returns the header of the message, or of the part that is wanted.
func (i *inspection) header(s *subject) (*inspectedHead, error) {
	p := s.message.Root
	if i.part != "" {
		var err error
		if p, _, err = find(s.message.Root, i.part, s.r); err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
	}
	at := p.Begin
	if !p.Inner {
		at += int64(s.item.Separator)
	}
	out := &inspectedHead{Part: p.Number, Fields: []inspectedLine{}, Defects: []inspectedFlaw{}}
	for _, f := range p.Header.Fields {
		raw := f.Value()
		out.Fields = append(out.Fields, inspectedLine{
			Name: f.Name, Value: strings.ToValidUTF8(raw, string(utf8.RuneError)), Offset: at + int64(f.Offset), raw: raw,
		})
	}
	for _, d := range p.Header.Defects {
		defect := mail.Defect{Name: d.Name, Part: p.Number, Offset: at + int64(d.Offset)}
		out.Defects = append(out.Defects, inspectedFlaw{defect, explain(d.Name)})
	}
	return out, nil
}

// timeOf tells what time of an item counts. The decision is that of package scope
// itself, for an order whose span is empty: what is known is outside of it, and
// what is not is undetermined, with the reason.
func timeOf(it mail.Item) inspectedTime {
	o := &order.Order{Accounts: []order.Account{{Categories: []order.Category{order.Content}}}}
	it.Doubtful = false // which says nothing of the time
	d := scope.New(o, nil).Decide(0, it)
	out := inspectedTime{Problem: d.Detail}
	if d.Field != "" {
		out.Field = &d.Field
	}
	if !d.Time.IsZero() {
		earliest, latest := d.Time.Earliest.UTC().Format(time.RFC3339), d.Time.Latest.UTC().Format(time.RFC3339)
		out.Earliest, out.Latest = &earliest, &latest
	}
	return out
}

// result prints something of a file: as text, or as one line of JSON.
func (i *inspection) result(r result) error {
	if i.json {
		return i.line(r)
	}
	var b strings.Builder
	r.text(&b)
	return i.write([]byte(b.String()))
}

func (i *inspection) line(v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	i.printed = true
	return i.write(escapedJSON(b.Bytes()))
}

// escapedJSON escapes in a line of JSON the characters that would act on a
// terminal, of which JSON itself escapes only some.
func escapedJSON(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for _, r := range string(line) {
		switch {
		case r == '\n' || printable(r):
			out = utf8.AppendRune(out, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
