package main

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// reading is what the project reads in a message, in the form of the corpus.
type reading struct {
	mid, subj string
	// from and until are the first and the last second that Date may mean.
	date        bool
	from, until int64
	senders, to []string
	names, sha  []string // of the attachments
}

func read(raw []byte) reading {
	m := mime.Parse(raw, mime.Options{})
	d := mail.DescribeParsed(m, 0)
	r := reading{
		mid:     strings.Trim(d.MessageID, "<>"),
		subj:    folded(d.Subject),
		senders: addresses(d.From),
		to:      addresses(d.To),
		names:   []string{},
		sha:     []string{},
	}
	if at, err := header.Date(m.Root.Header.Get("Date")); err == nil {
		r.date, r.from, r.until = true, at.Earliest.Unix(), at.Latest.Unix()
	}
	r.attachments(d.Parts)
	slices.Sort(r.names)
	slices.Sort(r.sha)
	return r
}

// attachments takes in those that an index shows of a message, with these parts. A
// nested message is one, and nothing in it is.
func (r *reading) attachments(parts []mail.Part) {
	inside := "-" // what the numbers of parts of the last nested message begin with
	for _, p := range parts {
		if !p.Attachment || strings.HasPrefix(p.Number, inside) || strings.HasPrefix(p.Type, "multipart/") { // its boundary is missing
			continue
		}
		r.names = append(r.names, norm.NFC.String(p.Name))
		if p.Message != nil || strings.HasPrefix(p.Type, "message/") {
			inside = p.Number + "."
		} else {
			r.sha = append(r.sha, p.SHA256)
		}
	}
}

func addresses(list []header.Address) []string {
	addrs := []string{}
	for _, a := range list {
		addrs = append(addrs, strings.ToLower(a.Addr))
	}
	slices.Sort(addrs)
	return addrs
}

// folded returns s in NFC, with one blank for all white space; the separators of
// ASCII are white space.
func folded(s string) string {
	words := strings.FieldsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || 0x1c <= c && c <= 0x1f })
	return norm.NFC.String(strings.Join(words, " "))
}
