package main

import (
	"io"
	"net/mail"
	"strings"

	"github.com/emersion/go-message"
)

// readGoMessage reads with go-message.
func readGoMessage(raw []byte, d *digester) (*reading, error) {
	// Text keeps its bytes, so that it can be hashed: nothing is converted.
	message.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	w := goMessageWalk{d: d}
	return &w.r, w.message(d.stream(raw))
}

type goMessageWalk struct {
	r reading
	d *digester
}

func (w *goMessageWalk) message(src io.Reader) error {
	e, err := message.Read(src)
	if e == nil {
		return err
	}
	w.r.Messages = append(w.r.Messages, goMessageFields(e.Header))
	return w.entity(e)
}

func (w *goMessageWalk) entity(e *message.Entity) error {
	if parts := e.MultipartReader(); parts != nil {
		for {
			p, err := parts.NextPart()
			if err == io.EOF {
				return nil
			}
			if p == nil {
				return err
			}
			if err := w.entity(p); err != nil {
				return err
			}
		}
	}
	var l leaf
	mediaType, params, err := e.Header.ContentType()
	if err != nil || mediaType == "" {
		mediaType, params = "text/plain", nil
	}
	if isMessage(mediaType) {
		return w.message(e.Body)
	}
	l.Type = mediaType
	disposition, named, _ := e.Header.ContentDisposition()
	l.Charset = strings.ToLower(params["charset"])
	l.Disposition = disposition
	if l.Name = named["filename"]; l.Name == "" {
		l.Name = params["name"]
	}
	err = w.d.reads(&l, e.Body)
	w.r.Leaves = append(w.r.Leaves, l)
	return err
}

// goMessageFields reads the header as go-message's package mail does; the
// charsets of encoded words are converted, unlike those of text.
func goMessageFields(h message.Header) fields {
	words := words()
	parser := mail.AddressParser{WordDecoder: words}
	f := fields{
		ID:         identifier(h.Get("Message-Id")),
		References: strings.Fields(h.Get("References")),
		Subject:    text(h.Get("Subject"), words),
		From:       addresses(parser.ParseList, h.Get("From")),
		To:         addresses(parser.ParseList, h.Get("To")),
		Cc:         addresses(parser.ParseList, h.Get("Cc")),
	}
	if t, err := mail.ParseDate(h.Get("Date")); err == nil {
		f.Date = t.UTC()
	}
	return f
}
