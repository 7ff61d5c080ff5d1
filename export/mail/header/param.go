package header

import (
	"strings"

	"exhibit/export/mail/limits"
)

// Param is one parameter of a field (RFC 2045, section 5.1).
type Param struct {
	Name  string // in lower case, without the marks of RFC 2231
	Value string // decoded to UTF-8; boundary as its bytes are
}

// ContentType reads the unfolded value of a Content-Type field (RFC 2045,
// section 5.1): the media type in lower case, empty when there is none that can
// be read, and the parameters in their order, of the same name only the one that
// counts. Their values are decoded (RFC 2231, and RFC 2047 as senders use it),
// but for a boundary, which is compared with bytes. Among the parameters are
// those of a value whose media type cannot be read.
//
// Of a name that occurs again, one with RFC 2231 marks counts before one without
// them if its charset can be decoded, and among equals the first. The defects are DefectParameters,
// DefectTooManyParams, and those of [DecodeText], each once.
func ContentType(value string) (mediaType string, params []Param, defects []string) {
	p := newParamReader(value)
	mediaType = p.mediaType()
	params = p.params()
	return mediaType, params, p.defects
}

// Disposition reads the unfolded value of a Content-Disposition field (RFC
// 2183), as [ContentType] does: the disposition is in lower case, and empty when
// there is none.
func Disposition(value string) (disposition string, params []Param, defects []string) {
	p := newParamReader(value)
	head := p.head()
	word := token(head)
	if word != head || word == "" && p.s != "" {
		p.defects.add(DefectParameters)
	}
	disposition = p.lower(word)
	params = p.params()
	return disposition, params, p.defects
}

// paramReader walks over a value: a head, and parameters behind semicolons.
type paramReader struct {
	s       string
	pos     int
	noQuote bool // no quote closes in the rest
	noParen bool // no parenthesis closes in the rest
	defects found
}

func newParamReader(value string) paramReader {
	p := paramReader{s: strings.TrimSpace(value)}
	if len(p.s) > limits.ParameterBytes {
		p.s = p.s[:limits.ParameterBytes]
		p.defects.add(DefectTooManyParams)
	}
	if strings.HasPrefix(p.s, "=?") { // the whole field, encoded by a careless program
		text, defects := decodeText(p.s, true)
		p.s = text
		p.defects.add(append(defects, DefectParameters)...)
	}
	return p
}

// mediaType reads the type and the subtype.
func (p *paramReader) mediaType() string {
	head := p.head()
	major := token(head)
	rest := strings.TrimLeft(head[len(major):], " \t")
	if major == "" || rest == "" || rest[0] != '/' {
		if strings.Trim(p.s, " \t;") != "" {
			p.defects.add(DefectParameters)
		}
		return ""
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	minor := token(rest)
	if minor == "" {
		p.defects.add(DefectParameters)
		return ""
	}
	if len(major)+1+len(minor) != len(head) {
		p.defects.add(DefectParameters)
		head = major + "/" + minor
	}
	return p.lower(head)
}

// head reads up to the first semicolon, without comments and quotes around it.
// A head that is a parameter is left to be read as one.
func (p *paramReader) head() string {
	head := strings.Trim(p.until(";"), " \t")
	if eq := strings.IndexByte(head, '='); eq >= 0 && strings.IndexByte(head[:eq], '/') < 0 && token(head) == strings.TrimRight(head[:eq], " \t") {
		p.pos = 0
		p.defects.add(DefectParameters)
		return ""
	}
	if bare := strings.Trim(head, "\"' \t"); bare != head {
		p.defects.add(DefectParameters)
		head = bare
	}
	return head
}

// lower returns a type or disposition in lower case and in UTF-8.
func (p *paramReader) lower(word string) string {
	if !ascii(word) {
		c := converter{guess: true}
		word = c.raw(word)
		p.defects.add(append(c.defects, DefectParameters)...)
	}
	return strings.ToLower(word)
}

// params reads the parameters that follow, and puts their segments together.
func (p *paramReader) params() []Param {
	var set paramSet
	for n := 0; p.next(); n++ {
		if n == limits.Parameters {
			p.defects.add(DefectTooManyParams)
			break
		}
		if name, value, ok := p.param(); ok {
			set.add(name, value)
		}
	}
	params := set.join()
	p.defects.add(set.defects...)
	return params
}

// next goes to the next parameter, and reports whether there is one.
func (p *paramReader) next() bool {
	for p.pos < len(p.s) {
		switch p.s[p.pos] {
		case ' ', '\t', '\r', '\n', ';':
			p.pos++
		default:
			if !p.comment() {
				return true
			}
		}
	}
	return false
}

// param reads one parameter, up to its semicolon. The name is in lower case.
func (p *paramReader) param() (name, value string, ok bool) {
	name = strings.ToLower(strings.Trim(p.until("=;"), " \t\r\n"))
	if p.pos == len(p.s) || p.s[p.pos] != '=' { // a word
		p.defects.add(DefectParameters)
		return "", "", false
	}
	p.pos++
	value, ok = p.value()
	if name == "" || token(name) != name {
		p.defects.add(DefectParameters)
	}
	return name, value, ok && name != ""
}

// value reads what follows an equals sign. That nothing follows, not even quotes,
// is no value.
func (p *paramReader) value() (value string, ok bool) {
	for p.pos < len(p.s) {
		if c := p.s[p.pos]; c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			p.pos++
		} else if !p.comment() {
			break
		}
	}
	if p.pos == len(p.s) || p.s[p.pos] != '"' {
		value = p.bare()
		return value, value != ""
	}
	start := p.pos + 1
	end := closing(p.s, start)
	if end < 0 { // it is all that follows
		p.defects.add(DefectParameters)
		p.pos = len(p.s)
		return strings.TrimRight(unescape(p.s[start:]), " \t"), true
	}
	p.pos = end + 1
	if strings.Trim(p.until(";"), " \t\r\n") != "" {
		p.defects.add(DefectParameters)
	}
	return unescape(p.s[start:end]), true
}

// bare reads a value without quotes: up to the semicolon, though RFC 2045 allows
// less in it. A comment behind a value that has no blanks is none of it.
func (p *paramReader) bare() string {
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] != ';' {
		if _, n, ok := lenientWordAt(p.s[p.pos:]); ok {
			p.pos += n
			continue
		}
		p.pos++
	}
	value := strings.Trim(p.s[start:p.pos], " \t\r\n")
	if i := strings.IndexAny(value, " \t"); i > 0 {
		rest := paramReader{s: value, pos: i}
		if !rest.next() {
			value = value[:i]
		}
	}
	if value == "" || token(value) != value {
		p.defects.add(DefectParameters)
	}
	return value
}

// until returns what stands before the next of the stops, comments left out, and
// goes there. Stops within quotes are passed over.
func (p *paramReader) until(stops string) string {
	var before []byte // comments
	start := p.pos
	for p.pos < len(p.s) && strings.IndexByte(stops, p.s[p.pos]) < 0 {
		at := p.pos
		switch {
		case p.quoted():
		case p.comment():
			before = append(before, p.s[start:at]...)
			start = p.pos
		default:
			p.pos++
		}
	}
	if before == nil {
		return p.s[start:p.pos]
	}
	return string(append(before, p.s[start:p.pos]...))
}

// quoted passes over a quoted string, and reports whether there was one.
func (p *paramReader) quoted() bool {
	if p.s[p.pos] != '"' || p.noQuote {
		return false
	}
	end := closing(p.s, p.pos+1)
	if end < 0 {
		p.noQuote = true
		return false
	}
	p.pos = end + 1
	return true
}

// comment passes over a comment (RFC 5322, section 3.2.2), and reports whether
// there was one.
func (p *paramReader) comment() bool {
	if p.s[p.pos] != '(' || p.noParen {
		return false
	}
	end := commentEnd(p.s, p.pos)
	if end < 0 {
		p.noParen = true
		return false
	}
	p.pos = end
	return true
}

// commentEnd returns where the comment ends that begins at i, or -1.
func commentEnd(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// token returns the token that s begins with (RFC 2045, section 5.1), in which
// bytes beyond ASCII may stand.
func token(s string) string {
	i := 0
	for i < len(s) && inToken[s[i]] {
		i++
	}
	return s[:i]
}

var inToken = func() (table [256]bool) {
	for c := range table {
		table[c] = c > ' ' && c != 0x7f && strings.IndexByte(`()<>@,;:\"/[]?=`, byte(c)) < 0
	}
	return table
}()
