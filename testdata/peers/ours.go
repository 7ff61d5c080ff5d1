package main

import (
	"strings"
	"time"

	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// readOurs reads with package mime of this project.
func readOurs(raw []byte, d *digester) (*reading, error) {
	return ourReading(mime.Parse(raw, mime.Options{NoHash: !d.hashing})), nil
}

// ourReading takes the compared values from a message.
func ourReading(m *mime.Message) *reading {
	r := &reading{}
	r.ourPart(m.Root, true)
	return r
}

// ourPart adds a part and all below it; message says that its header is that of
// a message.
func (r *reading) ourPart(p *mime.Part, message bool) {
	if message {
		r.Messages = append(r.Messages, ourFields(p.Header))
	}
	if p.Leaf() {
		r.Leaves = append(r.Leaves, leaf{
			Type: p.Type, Charset: p.Charset, Name: p.Name, Disposition: p.Disposition,
			Size: p.Size, SHA256: p.SHA256, MD5: p.MD5,
		})
	}
	for _, c := range p.Children() {
		r.ourPart(c, c == p.Message)
	}
}

func ourFields(h header.Header) fields {
	f := fields{
		ID:         identifier(h.Get("Message-ID")),
		References: strings.Fields(h.Get("References")),
		From:       ourAddresses(h.Get("From")),
		To:         ourAddresses(h.Get("To")),
		Cc:         ourAddresses(h.Get("Cc")),
		Subject:    header.DecodeWords(h.Get("Subject")),
		Date:       ourDate(h.Get("Date")),
	}
	return f
}

func ourAddresses(value string) []address {
	if value == "" {
		return nil
	}
	found, _ := header.Addresses(value)
	list := make([]address, len(found))
	for i, a := range found {
		list[i] = address{a.Name, a.Addr}
	}
	return list
}

func ourDate(value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	if t, err := header.Date(value); err == nil && t.Exact() {
		return t.Earliest
	}
	return time.Time{}
}
