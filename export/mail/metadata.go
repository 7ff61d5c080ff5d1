package mail

import (
	"crypto/md5" //nolint:gosec // the hash that EDRM names; it proves nothing here
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"exhibit/export/mail/header"
)

// Metadata is what an index shows of a message, all of it taken from the
// header. Text is decoded to UTF-8; Date, MessageID and the other identifiers
// are as written but for folds.
type Metadata struct {
	MessageID  string   `json:"message_id,omitempty"` // angle brackets included
	InReplyTo  []string `json:"in_reply_to,omitempty"`
	References []string `json:"references,omitempty"`
	// EDRMMIH is the EDRM Message Identification Hash: the lower-case hex MD5 of
	// MessageID. It finds duplicates and proves no integrity.
	EDRMMIH string `json:"mih,omitempty"`

	Date string `json:"date,omitempty"` // as written
	// DateUTC is Date in UTC (RFC 3339), empty when it cannot be determined to
	// the second.
	DateUTC string `json:"date_utc,omitempty"`

	From    []header.Address `json:"from,omitempty"`
	Sender  []header.Address `json:"sender,omitempty"`
	ReplyTo []header.Address `json:"reply_to,omitempty"`
	To      []header.Address `json:"to,omitempty"`
	Cc      []header.Address `json:"cc,omitempty"`
	Bcc     []header.Address `json:"bcc,omitempty"`

	Subject string   `json:"subject,omitempty"`
	ListID  string   `json:"list_id,omitempty"`
	Labels  []string `json:"labels,omitempty"` // of X-Gmail-Labels

	// Defects are the names of the header's defects, each once, and DefectCut.
	Defects []string `json:"defects,omitempty"`
}

// DefectCut is a defect of [Metadata]: values that would make it too long were
// left out or cut. The message itself has them.
const DefectCut = "metadata-cut"

// Describe returns the metadata of a message. Of fields that may be there once,
// the first counts; address fields are taken together.
func Describe(h header.Header) Metadata {
	m := Metadata{
		MessageID:  identifier(h.Get("Message-ID")),
		InReplyTo:  identifiers(h.Get("In-Reply-To")),
		References: identifiers(h.Get("References")),
		Date:       header.DecodeWords(h.Get("Date")),
		From:       addresses(h, "From"),
		Sender:     addresses(h, "Sender"),
		ReplyTo:    addresses(h, "Reply-To"),
		To:         addresses(h, "To"),
		Cc:         addresses(h, "Cc"),
		Bcc:        addresses(h, "Bcc"),
		Subject:    header.DecodeWords(h.Get("Subject")),
		ListID:     header.DecodeWords(h.Get("List-Id")),
		Labels:     gmailLabels(h),
	}
	m.EDRMMIH = EDRMMIH(m.MessageID)
	if d, err := header.Date(h.Get("Date")); err == nil && d.Exact() {
		m.DateUTC = d.Earliest.Format(time.RFC3339)
	}
	m.bound()
	seen := map[string]bool{}
	for _, d := range h.Defects {
		if !seen[d.Name] {
			seen[d.Name] = true
			m.Defects = append(m.Defects, d.Name)
		}
	}
	return m
}

// bound cuts what is too long, and says so. The identifiers come first, so that
// a long list takes nothing from them.
func (m *Metadata) bound() {
	b := budget{left: maxMetadata}
	for _, s := range []*string{&m.MessageID, &m.Date, &m.Subject, &m.ListID} {
		*s = b.text(*s, maxMetadata/8)
	}
	for _, list := range []*[]header.Address{&m.From, &m.Sender, &m.ReplyTo, &m.To, &m.Cc, &m.Bcc} {
		*list = bounded(&b, *list, func(a header.Address) header.Address {
			return header.Address{Name: b.text(a.Name, maxMetadata/64), Addr: b.text(a.Addr, maxMetadata/64)}
		})
	}
	for _, list := range []*[]string{&m.InReplyTo, &m.References, &m.Labels} {
		*list = bounded(&b, *list, func(s string) string { return b.text(s, maxMetadata/64) })
	}
	if b.cut {
		m.Defects = append(m.Defects, DefectCut)
	}
}

// budget is how many bytes of JSON may still be written.
type budget struct {
	left int
	cut  bool
}

// elementBytes is what an element of a list takes besides its texts.
const elementBytes = 24

// text returns s, or as much of it as most and what is left allow.
func (b *budget) text(s string, most int) string {
	most = min(most, b.left)
	used := 0
	for i, c := range s {
		n := utf8.RuneLen(c)
		if c < ' ' || c == '"' || c == '\\' {
			n = len(`\u0000`)
		}
		if used+n > most {
			b.cut, b.left = true, b.left-used
			return s[:i]
		}
		used += n
	}
	b.left -= used
	return s
}

// bounded cuts the elements of a list, and the list where nothing is left.
func bounded[T any](b *budget, list []T, cut func(T) T) []T {
	for i := range list {
		if b.left < 2*elementBytes {
			b.cut = true
			return list[:i]
		}
		b.left -= elementBytes
		list[i] = cut(list[i])
	}
	return list
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

func addresses(h header.Header, name string) []header.Address {
	var list []header.Address
	for _, v := range h.All(name) {
		found, _ := header.Addresses(v)
		list = append(list, found...)
	}
	return list
}

// identifier returns the message identifier in a value; the value itself, when
// it has no angle brackets.
func identifier(value string) string {
	if ids := identifiers(value); len(ids) > 0 {
		return ids[0]
	}
	return header.DecodeWords(value)
}

// identifiers returns all message identifiers in a value (RFC 5322, section
// 3.6.4), angle brackets included.
func identifiers(value string) []string {
	var ids []string
	for {
		start := strings.IndexByte(value, '<')
		if start < 0 {
			return ids
		}
		n := strings.IndexByte(value[start:], '>')
		if n < 0 {
			return ids
		}
		if n > 1 {
			ids = append(ids, header.DecodeWords(value[start:start+n+1]))
		}
		value = value[start+n+1:]
	}
}

// gmailLabels returns the labels that Gmail writes into exported messages.
func gmailLabels(h header.Header) []string {
	var labels []string
	for _, v := range h.All("X-Gmail-Labels") {
		for _, l := range splitQuoted(header.DecodeWords(v)) {
			if l = strings.TrimSpace(l); l != "" {
				labels = append(labels, l)
			}
		}
	}
	return labels
}

// splitQuoted splits at commas outside of double quotes, and removes those.
func splitQuoted(s string) []string {
	var parts []string
	var part strings.Builder
	quoted := false
	for _, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteRune(c)
		}
	}
	return append(parts, part.String())
}
