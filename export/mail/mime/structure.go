package mime

import (
	"bytes"
	"strconv"
	"strings"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

// structure reads the headers and finds the parts of the message that is the
// whole of in. number and depth are those of its root; inner says that in is the
// decoded content of a part.
func (p *parser) structure(in *input, number string, depth int, inner bool) *Part {
	w := &walker{p: p, in: in, inner: inner}
	root, _ := w.part(place{number: number, depth: depth, typ: textPlain, message: true})
	return root
}

// The types that count where none is said.
const (
	textPlain     = "text/plain"     // RFC 2045, section 5.2
	messageRFC822 = "message/rfc822" // in a digest; RFC 2046, section 5.1.5
)

// place says where in the tree a part is, and what is known of it beforehand.
type place struct {
	number  string
	depth   int
	begin   int64
	typ     string // that counts when its header names none
	message bool
}

// room reports whether a further part may lie within one, and records the defect
// when it may not.
func (p *parser) room(part *Part, at int64) bool {
	if part.depth >= limits.Depth {
		p.defect(part, DefectTooDeep, at)
		return false
	}
	return p.roomFor(part, at)
}

// roomFor reports whether the message may have a further part; that it may not is
// recorded once.
func (p *parser) roomFor(part *Part, at int64) bool {
	if p.out.Parts < limits.Parts {
		return true
	}
	if !p.full {
		p.full = true
		p.defect(part, DefectTooManyParts, at)
	}
	return false
}

// part reads a part with all below it, and returns the boundary that ends it.
func (w *walker) part(at place) (*Part, delimiter) {
	part := &Part{Number: at.number, Begin: at.begin, Inner: w.inner, depth: at.depth}
	w.p.out.Parts++
	w.header(part, at)
	w.values(part, at.typ)
	var end delimiter
	switch {
	case isMultipart(part.Type):
		end = w.multipart(part)
	case carriesMessage(part.Type) && isIdentity(part.Encoding) && w.p.room(part, part.Body):
		part.Message, end = w.part(place{
			number: part.Number + ".1", depth: part.depth + 1, begin: part.Body, typ: textPlain, message: true,
		})
	default:
		end = w.next(part.Body)
	}
	part.End = max(part.Body, end.content)
	for _, inside := range part.Children() { // a header that ends with the boundary
		part.End = max(part.End, inside.End)
	}
	return part, end
}

func isMultipart(typ string) bool { return strings.HasPrefix(typ, "multipart/") }

// carriesMessage reports whether parts of the type are messages: RFC 2046 section
// 5.2.1, RFC 6532 section 3.7, RFC 5537 section 2.3.
func carriesMessage(typ string) bool {
	return typ == messageRFC822 || typ == "message/global" || typ == "message/news"
}

// multipart finds the parts of a multipart (RFC 2046, section 5.1), and returns
// the boundary of one around it that ends it.
func (w *walker) multipart(part *Part) delimiter {
	boundary, ok := w.boundary(part)
	if !ok || !w.p.room(part, part.Body) {
		return w.next(part.Body)
	}
	level := len(w.bounds)
	own := w.enter(part, boundary)
	end := w.next(part.Body)
	missing := end.level != level || end.closing
	for end.level == level && !end.closing {
		end = w.child(part, end)
	}
	w.leave(level)
	switch {
	case missing:
		w.p.defect(part, DefectBoundaryMissing, part.Body)
	case end.level < level:
		w.p.defect(part, DefectUnterminated, end.begin)
	}
	if end.level == level { // an epilogue follows
		w.closed, w.after = own, boundary
		end = w.next(end.next)
		w.closed = nil
	}
	return end
}

// child reads the part of a multipart that begins behind a boundary, and returns
// the next boundary. Several boundaries in a row count as one. A part for which
// there is no room is passed over.
func (w *walker) child(part *Part, begin delimiter) delimiter {
	for {
		again, ok := w.match(begin.next)
		if !ok || again.level != begin.level || again.closing {
			break
		}
		begin = again
	}
	if !w.p.roomFor(part, begin.begin) {
		return w.next(begin.next)
	}
	typ := textPlain
	if part.Type == "multipart/digest" {
		typ = messageRFC822
	}
	child, end := w.part(place{
		number: part.Number + "." + strconv.Itoa(len(part.Parts)+1),
		depth:  part.depth + 1,
		begin:  begin.next,
		typ:    typ,
	})
	part.Parts = append(part.Parts, child)
	return end
}

// boundary returns the boundary of a multipart, if it has one that can be used.
// The empty one can: readers take it so.
func (w *walker) boundary(part *Part) (string, bool) {
	value, ok := param(part.Params, "boundary")
	value = strings.TrimRight(value, " \t") // RFC 2046, section 5.1.1: it does not end with a blank
	if !ok || len(value) > limits.BoundaryBytes {
		w.p.defect(part, DefectNoBoundary, typeAt(part))
		return "", false
	}
	for _, outer := range w.bounds {
		if outer == value || outer == value+"--" || value == outer+"--" {
			w.p.defect(part, DefectBoundaryRepeated, typeAt(part))
			break
		}
	}
	if !plainBoundary(typeOf(part), value) {
		w.p.defectOnce(part, header.DefectParameters, typeAt(part))
	}
	return value, true
}

// plainBoundary reports whether readers that look for `boundary=` in a Content-Type
// as it is written, and take what follows up to a quote or a semicolon, find the
// same boundary. They know no comments, marks of RFC 2231, escapes and folds; some
// decode words of RFC 2047.
func plainBoundary(raw []byte, boundary string) bool {
	const blank, name = " \t\r\n", "boundary"
	if decoded, _ := header.DecodeText(boundary); strings.Contains(boundary, "=?") && decoded != boundary {
		return false
	}
	for {
		before, after, ok := bytes.Cut(raw, []byte("="))
		if !ok {
			return false
		}
		raw = after
		before = bytes.TrimRight(before, blank)
		if len(before) < len(name) || !strings.EqualFold(string(before[len(before)-len(name):]), name) {
			continue
		}
		value, end := bytes.TrimLeft(after, blank), ";"
		if bytes.HasPrefix(value, []byte(`"`)) {
			value, end = value[1:], `"`
		}
		value, _, _ = bytes.Cut(value, []byte(end))
		return string(bytes.TrimRight(value, blank)) == boundary
	}
}

// typeOf returns the value of the Content-Type of a part as it is written.
func typeOf(part *Part) []byte {
	for _, f := range part.Header.Fields {
		if strings.EqualFold(f.Name, partFields[fieldType]) {
			return f.Raw
		}
	}
	return nil
}

// typeAt returns where the Content-Type of a part is.
func typeAt(part *Part) int64 {
	for _, f := range part.Header.Fields {
		if strings.EqualFold(f.Name, partFields[fieldType]) {
			return part.Begin + int64(f.Offset)
		}
	}
	return part.Begin
}

// firstHeaderBytes is how much is looked at of a message that comes from a reader
// to find a header; when that is not enough, more of it.
const firstHeaderBytes = 4 << 10

// header reads the header of a part.
func (w *walker) header(part *Part, at place) {
	r := header.Reader{
		Part:    !at.message,
		LineEnd: w.eol,
		Fields:  min(limits.Fields, limits.MessageFields-w.p.fields),
		Stop:    w.stops,
	}
	h, raw := w.readHeader(r, at.begin)
	if w.eol == 0 { // this is the root
		w.eol = '\n'
		if hasDefect(h, header.DefectCROnly) {
			w.eol = '\r'
		}
	}
	for _, d := range h.Defects {
		w.p.defect(part, d.Name, at.begin+int64(d.Offset))
	}
	part.Body = at.begin + int64(h.Body)
	w.p.headerBytes += int64(h.Body)
	switch {
	case w.p.headerBytes > limits.MessageHeaderBytes:
		if !w.p.noHeaders {
			w.p.noHeaders = true
			w.p.defect(part, DefectTooManyHeaders, at.begin)
		}
		h.Fields = nil
	case w.in.r != nil:
		h = h.Clone(raw)
	}
	w.p.fields += len(h.Fields)
	part.Header = h
}

// readHeader reads the header at an offset, and returns also the bytes that it
// was read from.
func (w *walker) readHeader(r header.Reader, begin int64) (header.Header, []byte) {
	for n := min(firstHeaderBytes, w.p.window); ; n *= 4 {
		raw := w.from(begin, min(n, limits.HeaderBytes+1))
		r.More = begin+int64(len(raw)) < w.in.size && w.in.err == nil
		if h, ok := r.Read(raw); ok {
			return h, raw
		}
	}
}

func hasDefect(h header.Header, name string) bool {
	for _, d := range h.Defects {
		if d.Name == name {
			return true
		}
	}
	return false
}
