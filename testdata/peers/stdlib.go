package main

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"github.com/emersion/go-message/charset"
)

// readStdlib reads with net/mail, mime/multipart and mime, and the walk over
// them that a program has to write.
func readStdlib(raw []byte, d *digester) (*reading, error) {
	w := stdlibWalk{words: words(), d: d}
	return &w.r, w.message(d.stream(raw))
}

// words decodes encoded words of more charsets than package mime knows alone.
func words() *mime.WordDecoder { return &mime.WordDecoder{CharsetReader: charset.Reader} }

type stdlibWalk struct {
	r     reading
	words *mime.WordDecoder
	d     *digester
}

func (w *stdlibWalk) message(src io.Reader) error {
	m, err := mail.ReadMessage(src)
	if err != nil {
		return err
	}
	h := textproto.MIMEHeader(m.Header)
	w.r.Messages = append(w.r.Messages, stdlibFields(h, w.words))
	return w.entity(h, m.Body)
}

// entity reads the content that belongs to a header.
func (w *stdlibWalk) entity(h textproto.MIMEHeader, content io.Reader) error {
	var l leaf
	var params map[string]string
	l.Type, params = mediaType(h.Get("Content-Type"))
	if strings.HasPrefix(l.Type, "multipart/") && params["boundary"] != "" {
		return w.parts(multipart.NewReader(content, params["boundary"]))
	}
	content = decoded(h.Get("Content-Transfer-Encoding"), content)
	if isMessage(l.Type) {
		return w.message(content)
	}
	disposition, named, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	l.describe(params, disposition, named, w.words)
	err := w.d.reads(&l, content)
	w.r.Leaves = append(w.r.Leaves, l)
	return err
}

func (w *stdlibWalk) parts(r *multipart.Reader) error {
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.entity(p.Header, p); err != nil {
			return err
		}
	}
}

// describe fills in what the parameters of Content-Type and Content-Disposition
// say.
func (l *leaf) describe(params map[string]string, disposition string, named map[string]string, words *mime.WordDecoder) {
	l.Charset = strings.ToLower(params["charset"])
	l.Disposition = disposition
	name := named["filename"]
	if name == "" {
		name = params["name"]
	}
	l.Name = text(name, words)
}

// mediaType reads Content-Type, with the default of RFC 2045, section 5.2.
func mediaType(value string) (string, map[string]string) {
	if value == "" {
		return "text/plain", nil
	}
	t, params, err := mime.ParseMediaType(value)
	if err != nil {
		return "text/plain", nil
	}
	return t, params
}

// decoded undoes a transfer encoding.
func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// text decodes encoded words; a value that has a fault stays as it is.
func text(value string, words *mime.WordDecoder) string {
	if s, err := words.DecodeHeader(value); err == nil {
		return s
	}
	return value
}

func stdlibFields(h textproto.MIMEHeader, words *mime.WordDecoder) fields {
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

// addresses reads a list with a peer's function.
func addresses(parse func(string) ([]*mail.Address, error), value string) []address {
	if value == "" {
		return nil
	}
	found, err := parse(value)
	if err != nil {
		return nil
	}
	list := make([]address, len(found))
	for i, a := range found {
		list[i] = address{a.Name, a.Address}
	}
	return list
}
