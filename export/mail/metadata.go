package mail

import (
	"crypto/md5" //nolint:gosec // the hash that EDRM names; it proves nothing here
	"encoding/hex"
	"strings"
	"time"

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

	Defects []string `json:"defects,omitempty"` // names of the header's defects, each once
}

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
	seen := map[string]bool{}
	for _, d := range h.Defects {
		if !seen[d.Name] {
			seen[d.Name] = true
			m.Defects = append(m.Defects, d.Name)
		}
	}
	return m
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
