// Package header reads the header of an Internet message (RFC 5322) as it is
// found in the wild: a reader that never fails, keeps the order and the bytes
// of every field, and records what is wrong instead of losing the rest; and the
// values that are written in fields: dates, encoded words, address lists.
package header

import (
	"bytes"
	"strings"

	"exhibit/export/mail/limits"
)

const (
	// junkLines is how many lines after one that is no field are searched for a
	// known field, before the body is taken to begin; of lines that begin with white
	// space, which continue others, there may be junkFolds between.
	junkLines = 20
	junkFolds = 200
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
	DefectTooManyBytes   = "too-many-bytes"     // limits.HeaderBytes without an end
	DefectTooManyFields  = "too-many-fields"    // more than limits.Fields, or limits.MessageFields
	DefectTooManyDefects = "too-many-defects"   // more than limits.Defects
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
	var out strings.Builder
	out.Grow(len(f.Raw))
	for _, c := range f.Raw {
		if c != '\r' && c != '\n' {
			out.WriteByte(c)
		}
	}
	return strings.Trim(out.String(), " \t\r\n")
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

// Read reads the header of a message that stands alone. A byte order mark before
// it is passed over. Without an empty line, a header ends where lines begin that
// are no fields and no field of a known name follows soon, or at the boundary that
// its own Content-Type names. The fields share memory with raw.
func Read(raw []byte) Header {
	h, _ := Reader{Fields: limits.Fields}.Read(raw)
	return h
}

// Reader says how a header is read. The zero value keeps no field; see [Read].
type Reader struct {
	// Part says that the header is that of a part (RFC 2046, section 5.1), which
	// may be empty, and before which nothing is passed over.
	Part bool
	// LineEnd is what lines end with, '\n' or '\r'; 0 when it is to be found out:
	// then it is '\r' where there is no '\n'.
	LineEnd byte
	// Fields is how many fields are kept.
	Fields int
	// Stop, if there is one, reports whether a line that begins with `--` ends the
	// header. The line has no line feed, but any CR before it.
	Stop func(line []byte) bool
	// More says that the message goes on after raw.
	More bool
}

// Read reads the header at the beginning of raw. It returns false when More bytes
// may change the result; [limits.HeaderBytes] are always enough. The fields share
// memory with raw.
func (r Reader) Read(raw []byte) (Header, bool) {
	p := parser{Reader: r, raw: raw, end: len(raw), cr: r.LineEnd == '\r', typ: -1}
	if p.end >= limits.HeaderBytes {
		p.cut = r.More || p.end > limits.HeaderBytes
		p.end, p.More = limits.HeaderBytes, false
	}
	if !r.Part {
		p.beginning()
	}
	p.fields()
	if len(p.h.Fields) == 0 && !r.Part {
		p.defect(DefectNoHeader, 0)
	}
	return p.h, !p.short
}

// Clone returns the header with fields that do not share memory with raw, of which
// it was read, but with a copy of its first Body bytes.
func (h Header) Clone(raw []byte) Header {
	if len(h.Fields) == 0 {
		return h
	}
	own := bytes.Clone(raw[:h.Body])
	fields := make([]Field, len(h.Fields))
	for i, f := range h.Fields {
		begin := min(cap(raw)-cap(f.Raw), len(own))
		f.Raw = own[begin : begin+len(f.Raw)]
		fields[i] = f
	}
	h.Fields = fields
	return h
}

// parser walks over the lines of a header.
type parser struct {
	Reader
	raw   []byte
	pos   int
	end   int  // of what is looked at
	cut   bool // raw goes on after end, which is never looked at
	short bool // the end was met that More bytes may change
	cr    bool // lines end with CR
	h     Header
	found int // where a field of a known name is, beyond lines that are none

	typ      int    // the place of the first Content-Type, or -1
	typed    bool   // its boundary was looked for
	boundary []byte // with the dashes before it; nil when there is none
}

func (p *parser) defect(name string, at int) {
	switch n := len(p.h.Defects); {
	case n < limits.Defects-1:
		p.h.Defects = append(p.h.Defects, Defect{name, at})
	case n == limits.Defects-1:
		p.h.Defects = append(p.h.Defects, Defect{DefectTooManyDefects, at})
	}
}

// line returns the line at pos without its line end, and where the next begins.
func (p *parser) line(pos int) (line []byte, next int) {
	line, next = p.rawLine(pos)
	for n := len(line); n > 0 && line[n-1] == '\r'; n-- {
		line = line[:n-1]
	}
	return line, next
}

// rawLine returns the line at pos up to what ends it, and where the next begins.
func (p *parser) rawLine(pos int) (line []byte, next int) {
	sep := byte('\n')
	if p.cr {
		sep = '\r'
	}
	n := bytes.IndexByte(p.raw[pos:p.end], sep)
	if n < 0 {
		p.short = p.short || p.More
		return p.raw[pos:p.end], p.end
	}
	return p.raw[pos : pos+n], pos + n + 1
}

// stops reports whether the line at pos ends the header, as a boundary of a part
// around it does, or the first boundary of its own parts.
func (p *parser) stops(pos int, line []byte) bool {
	if len(line) < 2 || line[0] != '-' || line[1] != '-' {
		return false
	}
	line, _ = p.rawLine(pos)
	return p.Stop != nil && p.Stop(line) || p.begins(line)
}

// begins reports whether a line has the boundary that the first Content-Type of
// the header names.
func (p *parser) begins(line []byte) bool {
	if p.typ < 0 {
		return false
	}
	if !p.typed {
		p.typed = true
		_, params, _ := ContentType(p.h.Fields[p.typ].Value())
		for _, param := range params {
			if param.Name == "boundary" {
				p.boundary = append([]byte("--"), strings.TrimRight(param.Value, " \t")...)
				break
			}
		}
	}
	return p.boundary != nil && bytes.Equal(bytes.TrimRight(line, " \t\r"), p.boundary)
}

// beginning finds out what lines end with, and passes over what may stand before
// a message.
func (p *parser) beginning() {
	if bytes.HasPrefix(p.raw, []byte("\xef\xbb\xbf")) {
		p.pos = 3
	}
	if p.LineEnd == 0 && bytes.IndexByte(p.raw[:p.end], '\n') < 0 {
		p.short = p.More
		if bytes.IndexByte(p.raw[:p.end], '\r') >= 0 {
			p.cr = true
			p.defect(DefectCROnly, p.pos)
		}
	}
	p.leading()
}

// leading passes over empty lines before the first field, if one follows.
func (p *parser) leading() {
	pos := p.pos
	for pos < p.end {
		line, next := p.line(pos)
		if len(trim(line)) > 0 {
			if pos > p.pos && known(line) && !p.stops(pos, line) {
				p.defect(DefectLeadingEmpty, p.pos)
				p.pos = pos
			}
			return
		}
		pos = next
	}
	p.short = p.short || p.More
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
			} else {
				start, open = p.lostFold(line)
			}
		case p.stops(p.pos, line):
			if p.boundary != nil && p.begins(line) {
				p.defect(DefectNoEmptyLine, p.pos)
			}
			p.h.Body = p.pos
			return
		default:
			if n := nameLength(line); n > 0 {
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
	p.short = p.short || p.More
	if p.cut {
		p.defect(DefectTooManyBytes, p.pos)
	}
}

// lostFold judges a line that begins with white space and continues no field that
// was kept. Before all fields of a message it may be one itself; before those of a
// part readers do not take it for one.
func (p *parser) lostFold(line []byte) (start int, kept bool) {
	if len(p.h.Fields) > 0 || p.Part {
		p.defect(DefectLostFold, p.pos)
		return 0, false
	}
	indent := len(line) - len(bytes.TrimLeft(line, " \t"))
	if n := nameLength(line[indent:]); n > 0 {
		p.defect(DefectLeadingSpace, p.pos)
		return p.add(p.pos+indent, n, line[indent:])
	}
	p.defect(DefectJunkLine, p.pos)
	return 0, false
}

// add appends the field whose line begins at pos, and returns where its value
// begins and whether it was kept.
func (p *parser) add(pos, name int, line []byte) (start int, kept bool) {
	if len(p.h.Fields) >= p.Fields {
		if d := p.h.Defects; len(d) == 0 || d[len(d)-1].Name != DefectTooManyFields {
			p.defect(DefectTooManyFields, pos)
		}
		return 0, false
	}
	if p.h.Fields == nil {
		p.h.Fields = make([]Field, 0, p.expected())
	}
	colon := name + bytes.IndexByte(line[name:], ':')
	p.h.Fields = append(p.h.Fields, Field{Name: nameOf(line[:name]), Offset: pos, Raw: line[colon+1:]})
	if p.typ < 0 && strings.EqualFold(p.h.Fields[len(p.h.Fields)-1].Name, "Content-Type") {
		p.typ = len(p.h.Fields) - 1
	}
	p.bytes(line)
	return pos + colon + 1, true
}

// expected is how many fields a header has room for at first.
func (p *parser) expected() int {
	if p.Part {
		return min(4, p.Fields)
	}
	return min(16, p.Fields)
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
	if p.pos < p.found { // a line before this one looked as far
		p.defect(DefectJunkLine, p.pos)
		return true
	}
	for lines, folds := 0, 0; lines < junkLines && folds <= junkFolds; {
		if next >= p.end {
			p.short = p.short || p.More
			break
		}
		l, after := p.line(next)
		if len(l) == 0 || p.stops(next, l) {
			break
		}
		if known(l) {
			p.found = next
			p.defect(DefectJunkLine, p.pos)
			return true
		}
		if isSpace(l[0]) {
			folds++
		} else {
			lines++
		}
		next = after
	}
	if len(p.h.Fields) > 0 || p.Part {
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
	var lower [40]byte
	n := nameLength(line)
	if n == 0 || n > len(lower) {
		return false
	}
	for i, c := range line[:n] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	name := lower[:n]
	switch string(name) {
	case "from", "to", "cc", "bcc", "date", "subject", "sender", "reply-to", "message-id", "in-reply-to",
		"references", "mime-version", "received", "return-path", "delivered-to", "dkim-signature",
		"authentication-results", "user-agent", "organization", "importance", "priority", "precedence":
		return true
	}
	for _, prefix := range [...]string{"content-", "x-", "list-", "resent-", "arc-"} {
		if len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix {
			return true
		}
	}
	return false
}

// nameOf returns a field's name; a common one, as most senders write it, without
// a new string.
func nameOf(name []byte) string {
	if len(name) < len(commonNames) {
		for _, s := range commonNames[len(name)] {
			if string(name) == s {
				return s
			}
		}
	}
	return string(name)
}

// commonNames are the names that most headers have, by their length.
var commonNames = [...][]string{
	2:  {"To", "Cc", "CC"},
	3:  {"Bcc"},
	4:  {"From", "Date"},
	5:  {"X-UID", "Lines"},
	6:  {"Sender", "Status", "X-Loop"},
	7:  {"Subject", "List-Id", "List-ID"},
	8:  {"Reply-To", "Received", "ARC-Seal", "X-Mailer", "Priority", "X-Status"},
	9:  {"List-Post", "List-Help", "X-MimeOLE", "Errors-To"},
	10: {"Message-ID", "Message-Id", "Message-id", "References", "Content-ID", "Content-Id", "User-Agent", "X-Priority", "Importance", "Precedence", "List-Owner", "X-Received", "X-GM-THRID", "X-Keywords"},
	11: {"In-Reply-To", "Return-Path", "X-Spam-Flag", "Sensitivity", "Feedback-ID", "X-BeenThere"},
	12: {"MIME-Version", "Mime-Version", "Delivered-To", "Content-Type", "Content-type", "content-type", "Received-SPF", "Organization", "List-Archive", "X-Spam-Score", "X-Spam-Level", "Thread-Topic", "Thread-Index"},
	13: {"X-Spam-Status", "X-Original-To"},
	14: {"Content-Length", "DKIM-Signature", "List-Subscribe", "X-Gmail-Labels", "Auto-Submitted", "X-Forwarded-To", "X-Mozilla-Keys"},
	15: {"X-Virus-Scanned", "Accept-Language", "X-Attachment-Id", "X-MS-Has-Attach", "X-Forwarded-For"},
	16: {"Content-Language", "Content-Location", "List-Unsubscribe", "X-Originating-IP", "X-Mozilla-Status"},
	17: {"X-MSMail-Priority", "X-Mozilla-Status2", "X-Mailman-Version"},
	18: {"X-Gm-Message-State"},
	19: {"Content-Disposition", "Content-disposition", "Content-Description", "DomainKey-Signature"},
	20: {"X-Google-Smtp-Source", "X-MS-TNEF-Correlator"},
	21: {"ARC-Message-Signature", "List-Unsubscribe-Post"},
	22: {"Authentication-Results", "X-Spam-Checker-Version"},
	23: {"X-Google-DKIM-Signature"},
	25: {"Content-Transfer-Encoding", "Content-transfer-encoding"},
	26: {"ARC-Authentication-Results"},
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func trim(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }
