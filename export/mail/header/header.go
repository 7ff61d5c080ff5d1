// Package header reads the header of an Internet message (RFC 5322) as it is
// found in the wild: a reader that never fails, keeps the order and the bytes
// of every field, and records what is wrong instead of losing the rest; and the
// values that are written in fields: dates, encoded words, address lists.
package header

import (
	"bytes"
	"strings"
)

const (
	// MaxBytes is how much of a message is searched for its header.
	MaxBytes = 16 << 20
	// MaxFields is how many fields of a header are kept.
	MaxFields = 20_000
	// MaxDefects is how many defects are kept.
	MaxDefects = 100
	// junkLines is how many lines after one that is no field are searched for a
	// known field, before the body is taken to begin.
	junkLines = 20
)

// Defect is something wrong in a header.
type Defect struct {
	Name   string // one of the Defect constants
	Offset int    // in bytes from the start of the message
}

// The names of defects.
const (
	DefectJunkLine       = "junk-line"          // a line that is no field, between fields
	DefectLostFold       = "lost-continuation"  // a line that continues one that is no field, or was not kept
	DefectMboxLine       = "mbox-line"          // a `From ` or `>From ` line
	DefectLeadingSpace   = "leading-space"      // white space before the first field
	DefectLeadingEmpty   = "leading-empty-line" // empty lines before the first field
	DefectNoEmptyLine    = "no-empty-line"      // the body begins without an empty line before it
	DefectNoHeader       = "no-header"          // not a single field
	DefectCROnly         = "cr-line-ends"       // lines end with CR alone
	DefectNUL            = "nul"                // a NUL byte in a field
	DefectBareCR         = "bare-cr"            // a CR within a line, which other readers may take for its end
	DefectTooManyBytes   = "too-many-bytes"     // MaxBytes without an end
	DefectTooManyFields  = "too-many-fields"    // more than MaxFields
	DefectTooManyDefects = "too-many-defects"   // more than MaxDefects
)

// Field is one header field.
type Field struct {
	Name   string // as written, without white space before the colon
	Offset int    // of the name, in bytes from the start of the message
	Raw    []byte // the value as written, folds included, from after the colon to before the line end
}

// Value returns the value unfolded (RFC 5322, section 2.2.3) and without white
// space around it. Its bytes are otherwise as written, and need not be UTF-8.
func (f Field) Value() string {
	if bytes.IndexByte(f.Raw, '\n') < 0 && bytes.IndexByte(f.Raw, '\r') < 0 {
		return string(trim(f.Raw))
	}
	out := make([]byte, 0, len(f.Raw))
	for _, c := range f.Raw {
		if c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return string(trim(out))
}

// Header is the header of one message.
type Header struct {
	Fields  []Field
	Body    int // where the body begins, in bytes from the start of the message
	Defects []Defect
}

// Get returns the value of the first field of that name in any letter case,
// empty when there is none.
func (h Header) Get(name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value()
		}
	}
	return ""
}

// All returns the values of all fields of that name, in their order.
func (h Header) All(name string) []string {
	var values []string
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Value())
		}
	}
	return values
}

// Read reads the header of a message. A byte order mark before it is passed
// over. The fields share memory with raw.
func Read(raw []byte) Header {
	p := parser{raw: raw}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		p.pos = 3
	}
	p.end = len(raw)
	if p.end > MaxBytes {
		p.end, p.cut = MaxBytes, true
	}
	if lf := bytes.IndexByte(raw[:p.end], '\n'); lf < 0 && bytes.IndexByte(raw[:p.end], '\r') >= 0 {
		p.cr = true
		p.defect(DefectCROnly, p.pos)
	}
	p.leading()
	p.fields()
	if len(p.h.Fields) == 0 {
		p.defect(DefectNoHeader, 0)
	}
	return p.h
}

// parser walks over the lines of a header.
type parser struct {
	raw []byte
	pos int
	end int  // of what is looked at
	cut bool // raw goes on after end
	cr  bool // lines end with CR
	h   Header
}

func (p *parser) defect(name string, at int) {
	switch n := len(p.h.Defects); {
	case n < MaxDefects-1:
		p.h.Defects = append(p.h.Defects, Defect{name, at})
	case n == MaxDefects-1:
		p.h.Defects = append(p.h.Defects, Defect{DefectTooManyDefects, at})
	}
}

// line returns the line at pos without its line end, and where the next begins.
func (p *parser) line(pos int) (line []byte, next int) {
	sep := byte('\n')
	if p.cr {
		sep = '\r'
	}
	n := bytes.IndexByte(p.raw[pos:p.end], sep)
	if n < 0 {
		return bytes.TrimRight(p.raw[pos:p.end], "\r"), p.end
	}
	return bytes.TrimRight(p.raw[pos:pos+n], "\r"), pos + n + 1
}

// leading passes over empty lines before the first field, if one follows.
func (p *parser) leading() {
	pos := p.pos
	for pos < p.end {
		line, next := p.line(pos)
		if len(trim(line)) > 0 {
			if pos > p.pos && known(line) {
				p.defect(DefectLeadingEmpty, p.pos)
				p.pos = pos
			}
			return
		}
		pos = next
	}
}

// fields reads up to the body.
func (p *parser) fields() {
	var start int // of the current field's value
	open := false // a continuation line belongs to the last field
	for p.pos < p.end {
		line, next := p.line(p.pos)
		switch {
		case len(line) == 0:
			p.h.Body = next
			return
		case isSpace(line[0]):
			if open {
				f := &p.h.Fields[len(p.h.Fields)-1]
				f.Raw = p.raw[start : p.pos+len(line)]
				p.bytes(line)
				break
			}
			if len(p.h.Fields) > 0 { // continues what was not kept
				p.defect(DefectLostFold, p.pos)
				break
			}
			indent := len(line) - len(bytes.TrimLeft(line, " \t"))
			if n := nameLength(line[indent:]); n > 0 {
				p.defect(DefectLeadingSpace, p.pos)
				start, open = p.add(p.pos+indent, n, line[indent:])
			} else {
				p.defect(DefectJunkLine, p.pos)
			}
		default:
			n := nameLength(line)
			if n > 0 {
				start, open = p.add(p.pos, n, line)
				break
			}
			open = false
			if !p.junk(line, next) {
				p.h.Body = p.pos
				return
			}
		}
		p.pos = next
	}
	p.h.Body = p.pos
	if p.cut {
		p.defect(DefectTooManyBytes, p.pos)
	}
}

// add appends the field whose line begins at pos, and returns where its value
// begins and whether it was kept.
func (p *parser) add(pos, name int, line []byte) (start int, kept bool) {
	if len(p.h.Fields) == MaxFields {
		if d := p.h.Defects; len(d) == 0 || d[len(d)-1].Name != DefectTooManyFields {
			p.defect(DefectTooManyFields, pos)
		}
		return 0, false
	}
	colon := name + bytes.IndexByte(line[name:], ':')
	p.h.Fields = append(p.h.Fields, Field{Name: string(line[:name]), Offset: pos, Raw: line[colon+1:]})
	p.bytes(line)
	return pos + colon + 1, true
}

// bytes looks for bytes that have no place in a field.
func (p *parser) bytes(line []byte) {
	if i := bytes.IndexByte(line, 0); i >= 0 {
		p.defect(DefectNUL, p.pos+i)
	}
	if i := bytes.IndexByte(line, '\r'); i >= 0 {
		p.defect(DefectBareCR, p.pos+i)
	}
}

// junk judges a line that is no field; next is where the one after it begins.
// It returns false when the body begins here.
func (p *parser) junk(line []byte, next int) bool {
	if bytes.HasPrefix(line, []byte("From ")) && len(p.h.Fields) == 0 || bytes.HasPrefix(line, []byte(">From ")) {
		p.defect(DefectMboxLine, p.pos)
		return true
	}
	for range junkLines {
		if next >= p.end {
			break
		}
		l, after := p.line(next)
		if len(l) == 0 {
			break
		}
		if known(l) {
			p.defect(DefectJunkLine, p.pos)
			return true
		}
		next = after
	}
	if len(p.h.Fields) > 0 {
		p.defect(DefectNoEmptyLine, p.pos)
	}
	return false
}

// nameLength returns the length of the field name that a line begins with, 0
// when it is no field: printable ASCII up to a colon (RFC 5322, section 3.6.8),
// white space before the colon allowed (section 4.5).
func nameLength(line []byte) int {
	n := 0
	for n < len(line) && line[n] > ' ' && line[n] < 0x7f && line[n] != ':' {
		n++
	}
	i := n
	for i < len(line) && isSpace(line[i]) {
		i++
	}
	if i == len(line) || line[i] != ':' {
		return 0
	}
	return n
}

// IsField reports whether a line begins with a field name and a colon.
func IsField(line []byte) bool { return nameLength(line) > 0 }

// known reports whether a line is a field that messages are known to have.
func known(line []byte) bool {
	n := nameLength(line)
	if n == 0 || n > 40 {
		return false
	}
	name := strings.ToLower(string(line[:n]))
	switch name {
	case "from", "to", "cc", "bcc", "date", "subject", "sender", "reply-to", "message-id", "in-reply-to",
		"references", "mime-version", "received", "return-path", "delivered-to", "dkim-signature",
		"authentication-results", "user-agent", "organization", "importance", "priority", "precedence":
		return true
	}
	for _, prefix := range []string{"content-", "x-", "list-", "resent-", "arc-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func trim(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }
