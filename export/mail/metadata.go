package mail

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the hash that EDRM names; it proves nothing here
	"encoding/hex"
	"io"
	"strings"
	"time"

	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// Metadata is what an index shows of a message (FORMAT.md section 6.3).
type Metadata struct {
	Fields
	// Labels are those of X-Gmail-Labels. They are no member of the fields of an
	// item record: the record's own list of labels has them.
	Labels []string `json:"-"`
	// Parts are those of the message in the order of its tree, the message itself
	// first. PartsTotal is how many there are, when not all of them are listed.
	Parts      []Part `json:"parts,omitempty"`
	PartsTotal int    `json:"parts_total,omitzero"`
	// Defects are those of the message and its parts, and DefectCut.
	Defects []Defect `json:"defects,omitempty"`
}

// Fields is what an index shows of the header of a message, or of a message that
// another one carries. Text is decoded to UTF-8, and so are Date, MessageID and the
// other identifiers, which are otherwise as written but for folds.
type Fields struct {
	MessageID  string   `json:"message_id,omitempty"` // angle brackets included
	InReplyTo  []string `json:"in_reply_to,omitempty"`
	References []string `json:"references,omitempty"`
	// EDRMMIH is the EDRM Message Identification Hash: the lower-case hex MD5 of
	// MessageID. It finds duplicates and proves no integrity.
	EDRMMIH string  `json:"mih,omitempty"`
	Thread  *Thread `json:"thread,omitzero"` // nil when nothing tells it

	Date string `json:"date,omitempty"`
	// DateUTC is Date in UTC (RFC 3339), and ReceivedUTC the time of the topmost
	// Received field; each is empty when it cannot be determined to the second.
	DateUTC     string `json:"date_utc,omitempty"`
	ReceivedUTC string `json:"received_utc,omitempty"`

	From    []header.Address `json:"from,omitempty"`
	Sender  []header.Address `json:"sender,omitempty"`
	ReplyTo []header.Address `json:"reply_to,omitempty"`
	To      []header.Address `json:"to,omitempty"`
	Cc      []header.Address `json:"cc,omitempty"`
	Bcc     []header.Address `json:"bcc,omitempty"`

	Subject  string   `json:"subject,omitempty"`
	ListID   string   `json:"list_id,omitempty"`
	Keywords []string `json:"keywords,omitempty"` // of Keywords, X-Keywords and X-Mozilla-Keys
	// AuthenticationResults are the fields Authentication-Results (RFC 8601),
	// ARC-Authentication-Results (RFC 8617) and Received-SPF (RFC 7208) in their
	// order: name, colon, blank, and the value as written but for folds.
	AuthenticationResults []string `json:"authentication_results,omitempty"`
}

// Defect is something odd in a message.
type Defect struct {
	Name string `json:"name"` // a Defect constant of this package or of packages mime and header
	Part string `json:"part"` // number of the part
	// Offset is in bytes, from the first byte of the item; of a part that is
	// Inner as its offsets are.
	Offset int64 `json:"offset"`
}

// DefectCut is a defect of [Metadata]: values that would make it too long were
// left out or cut. The message itself has them.
const DefectCut = "metadata-cut"

// Describe returns the metadata of an item that is a message. Of fields that may
// be there once, the first counts; address fields are taken together. Offsets
// count from the first byte of the item, its separator line included.
func Describe(it Item) Metadata {
	raw := it.Message()
	return DescribeReader(mime.Parse(raw, mime.Options{}), bytes.NewReader(raw), int64(it.Separator))
}

// DescribeReader returns the metadata of a message that was parsed before, with
// its digests, and lies in r. shift is added to all offsets that count in the
// message. What cannot be read of r has no digests.
func DescribeReader(m *mime.Message, r io.ReaderAt, shift int64) Metadata {
	d := newDescriber(m, shift)
	d.r = r
	return d.describe()
}

// DescribeParsed is [DescribeReader] without the message: the digests of messages
// that it carries as they are, without a transfer encoding, are left out.
func DescribeParsed(m *mime.Message, shift int64) Metadata {
	return newDescriber(m, shift).describe()
}

// describer makes the metadata of one message.
type describer struct {
	m       *mime.Message
	shift   int64
	r       io.ReaderAt   // the message, when its carried messages are to be hashed
	defects []mime.Defect // of values, in no order
	labels  []string
	cut     bool
}

func newDescriber(m *mime.Message, shift int64) *describer {
	return &describer{m: m, shift: shift}
}

func (d *describer) describe() Metadata {
	var out Metadata
	b := budget{left: maxMetadata}
	out.Fields = d.fields(d.m.Root)
	out.bound(&b)
	out.Labels = d.boundLabels(&b)
	d.cut = b.cut
	out.Parts = d.parts()
	if len(out.Parts) < d.m.Parts {
		out.PartsTotal = d.m.Parts
	}
	out.Defects = d.allDefects()
	return out
}

// fields reads the header of a message, whose root is p.
func (d *describer) fields(p *mime.Part) Fields {
	v := values{d: d, p: p}
	f := Fields{
		MessageID:  identifier(v.first("Message-ID")),
		InReplyTo:  identifiers(v.first("In-Reply-To"), maxElements),
		References: identifiers(v.first("References"), maxElements),
		Date:       header.DecodeWords(v.first("Date")),
		From:       v.addresses("From"),
		Sender:     v.addresses("Sender"),
		ReplyTo:    v.addresses("Reply-To"),
		To:         v.addresses("To"),
		Cc:         v.addresses("Cc"),
		Bcc:        v.addresses("Bcc"),
		Subject:    v.text("Subject"),
		ListID:     v.text("List-Id"),
		Keywords:   v.keywords(),

		AuthenticationResults: authenticationResults(p.Header),
	}
	f.EDRMMIH = EDRMMIH(f.MessageID)
	f.DateUTC = v.time("Date", header.Date)
	f.ReceivedUTC = v.time("Received", header.ReceivedDate)
	f.Thread = thread(p.Header, &f)
	if p == d.m.Root {
		d.labels = v.gmailLabels()
	}
	return f
}

// values reads values of a header, and records what is odd in them.
type values struct {
	d *describer
	p *mime.Part
}

// field returns the first field of a name in any letter case, or nil.
func (v values) field(name string) *header.Field {
	for i := range v.p.Header.Fields {
		if f := &v.p.Header.Fields[i]; named(f.Name, name) {
			return f
		}
	}
	return nil
}

// named reports whether a field has a name, in any letter case. Names are ASCII.
func named(field, name string) bool {
	return len(field) == len(name) && strings.EqualFold(field, name)
}

// each calls do for each field of that name.
func (v values) each(name string, do func(*header.Field)) {
	for i := range v.p.Header.Fields {
		if f := &v.p.Header.Fields[i]; named(f.Name, name) {
			do(f)
		}
	}
}

// odd records a defect of a field's value.
func (v values) odd(f *header.Field, names ...string) {
	for _, name := range names {
		v.d.defects = append(v.d.defects, mime.Defect{Name: name, Part: v.p.Number, Offset: v.p.Begin + int64(f.Offset)})
	}
}

// first returns the value of the first field of that name, or nothing.
func (v values) first(name string) string {
	if f := v.field(name); f != nil {
		return f.Value()
	}
	return ""
}

// text returns the decoded value of the first field of that name, or nothing.
func (v values) text(name string) string {
	if f := v.field(name); f != nil {
		return v.decoded(f)
	}
	return ""
}

func (v values) decoded(f *header.Field) string {
	text, defects := header.DecodeText(f.Value())
	v.odd(f, defects...)
	return text
}

// addresses returns the addresses of all fields of that name.
func (v values) addresses(name string) []header.Address {
	var list []header.Address
	v.each(name, func(f *header.Field) {
		found, complete := header.ShownAddresses(f.Value())
		list = append(list, found...)
		if !complete {
			v.odd(f, header.DefectAddresses)
		}
	})
	return list
}

// time returns the time that the first field of that name tells, in UTC, when it
// is known to the second.
func (v values) time(name string, read func(string) (header.DateTime, error)) string {
	f := v.field(name)
	if f == nil {
		return ""
	}
	t, err := read(f.Value())
	if err != nil || !t.Exact() || !t.Writable() {
		v.odd(f, header.DefectDate)
		return ""
	}
	return t.Earliest.Format(time.RFC3339)
}

// EDRMMIH returns the EDRM Message Identification Hash of a Message-ID with its
// angle brackets, or nothing when there is none.
func EDRMMIH(messageID string) string {
	if messageID == "" {
		return ""
	}
	sum := md5.Sum([]byte(messageID))
	return hex.EncodeToString(sum[:])
}

// identifier returns the message identifier in a value; the value itself, when
// it has no angle brackets.
func identifier(value string) string {
	if ids := identifiers(value, 1); len(ids) > 0 {
		return ids[0]
	}
	return header.DecodeWords(value)
}

// identifiers returns the message identifiers in a value (RFC 5322, section
// 3.6.4), angle brackets included, white space inside them left off (section
// 4.5.4), of which there are most at most.
func identifiers(value string, most int) []string {
	var ids []string
	for {
		if len(ids) == most {
			return ids
		}
		start := strings.IndexByte(value, '<')
		if start < 0 {
			return ids
		}
		n := strings.IndexByte(value[start:], '>')
		if n < 0 {
			return ids
		}
		if id := strings.Trim(value[start+1:start+n], " \t"); id != "" {
			ids = append(ids, "<"+header.DecodeWords(id)+">")
		}
		value = value[start+n+1:]
	}
}

// authenticationResults returns what servers wrote about where a message is from.
func authenticationResults(h header.Header) []string {
	var list []string
	for _, f := range h.Fields {
		for _, name := range []string{"Authentication-Results", "ARC-Authentication-Results", "Received-SPF"} {
			if named(f.Name, name) {
				list = append(list, f.Name+": "+f.Value())
			}
		}
	}
	return list
}
