package main

import (
	"bytes"
	"net/mail"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// enmimeParser guesses no charsets, makes no text of HTML, and goes on after
// parts that it cannot read.
var enmimeParser = enmime.NewParser(
	enmime.DisableCharacterDetection(true),
	enmime.DisableTextConversion(true),
	enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.SkipMalformedParts(true),
)

// readEnmime reads with enmime: its tree of parts, whose order is that of the
// message. Its Envelope sorts the parts by what they are for.
func readEnmime(raw []byte, d *digester) (*reading, error) {
	w := enmimeWalk{d: d}
	return &w.r, w.message(raw)
}

type enmimeWalk struct {
	r reading
	d *digester
}

func (w *enmimeWalk) message(raw []byte) error {
	root, err := enmimeParser.ReadParts(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	f, err := enmimeFields(root)
	if err != nil {
		return err
	}
	w.r.Messages = append(w.r.Messages, f)
	return w.part(root)
}

func (w *enmimeWalk) part(p *enmime.Part) error {
	if p.FirstChild != nil {
		for c := p.FirstChild; c != nil; c = c.NextSibling {
			if err := w.part(c); err != nil {
				return err
			}
		}
		return nil
	}
	if isMessage(p.ContentType) {
		return w.message(p.Content)
	}
	l := leaf{Type: p.ContentType, Charset: strings.ToLower(p.Charset), Name: p.FileName, Disposition: p.Disposition}
	if p.Header.Get("Content-Type") == "" { // enmime has the default in places
		l.Type, l.Charset = "text/plain", ""
	}
	w.d.takes(&l, p.Content)
	w.r.Leaves = append(w.r.Leaves, l)
	return nil
}

// enmimeFields reads the header through an Envelope of it alone, which copies no
// content.
func enmimeFields(root *enmime.Part) (fields, error) {
	e, err := enmimeParser.EnvelopeFromPart(headerOnly(root))
	if err != nil {
		return fields{}, err
	}
	f := fields{
		ID:         identifier(root.Header.Get("Message-Id")),
		References: strings.Fields(root.Header.Get("References")),
		Subject:    e.GetHeader("Subject"),
		From:       addresses(enmime.ParseAddressList, root.Header.Get("From")),
		To:         addresses(enmime.ParseAddressList, root.Header.Get("To")),
		Cc:         addresses(enmime.ParseAddressList, root.Header.Get("Cc")),
	}
	if t, err := mail.ParseDate(root.Header.Get("Date")); err == nil {
		f.Date = t.UTC()
	}
	return f, nil
}

func headerOnly(root *enmime.Part) *enmime.Part {
	p := enmime.NewPart("text/plain")
	p.Header.Set("Subject", root.Header.Get("Subject"))
	return p
}
