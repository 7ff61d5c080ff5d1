package header

import (
	"strings"

	"exhibit/export/mail/limits"
)

// Address is one mailbox of an address list.
type Address struct {
	Name string `json:"name,omitempty"` // display name, decoded; empty when there is none
	// Addr is local part @ domain, as written, without comments, folds and needless
	// quotes. Where a list is not complete, it may be whatever stands in angle brackets.
	Addr string `json:"addr"`
}

// Addresses reads an address list (RFC 5322, section 3.4, with the obsolete
// syntax of section 4.4) from an unfolded field value. Groups give their
// members, routes are left off, encoded words and comments become names. What
// cannot be understood is left out without losing the rest, and so is what comes
// after limits.Addresses; complete is then false: the list may name more than was
// found.
func Addresses(value string) (list []Address, complete bool) {
	p := addressParser{s: value, complete: true, most: limits.Addresses}
	p.run()
	return p.list, p.complete
}

// addressParser collects one mailbox after the other. Between separators it
// gathers the words before an angle bracket, what stands in the brackets, and
// comments.
type addressParser struct {
	s        string
	pos      int
	list     []Address
	complete bool

	words    []string // atoms and quoted strings, as written
	joined   []bool   // whether each follows the one before without white space
	comment  string
	angle    string
	hasAngle bool
	hasAt    bool // in a word
	group    bool
	space    bool // white space was passed

	noQuote, noParen, noAngle bool // no closing one is left in the rest

	most    int  // addresses to be kept
	strict  bool // as AddrSpecs reads
	shown   bool // as ShownAddresses reads
	nested  bool // s was an encoded word
	cut     bool // s is the beginning of a longer list
	skip    bool // up to the next separator: no comma stood before it
	stopped bool // the rest is not read
}

func (p *addressParser) run() {
	for p.pos < len(p.s) && !p.stopped {
		switch c := p.s[p.pos]; c {
		case ' ', '\t', '\r', '\n':
			p.space = true
			p.pos++
		case ',':
			p.separator()
		case ';': // ends a group; some senders write it for a comma
			p.separator()
			p.group = false
		case ':':
			p.colon()
		case '"':
			p.quoted()
		case '(':
			p.parenthesis()
		case '<':
			p.bracket()
		default:
			p.atom()
		}
	}
	if !p.cut && !p.stopped {
		p.finish()
	}
}

func (p *addressParser) separator() {
	p.pos++
	p.finish()
	p.skip = false
}

// behind ends a mailbox that no separator ends.
func (p *addressParser) behind() {
	p.complete = false
	p.finish()
	p.skip = p.strict
}

// colon ends the name of a group.
func (p *addressParser) colon() {
	p.pos++
	if p.group || p.hasAngle || p.hasAt {
		p.add(":")
		p.complete = false
		return
	}
	p.group = true
	p.reset()
}

// quoted takes a quoted string; a quote that is never closed is an ordinary byte.
func (p *addressParser) quoted() {
	end := -1
	if !p.noQuote {
		end = closing(p.s, p.pos+1)
	}
	if end < 0 {
		p.noQuote = true
		p.unclosed()
		return
	}
	p.add(p.s[p.pos : end+1])
	p.pos = end + 1
}

// closing returns where the quote ends whose content begins at i, or -1.
func closing(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// parenthesis takes a comment, which may hold others.
func (p *addressParser) parenthesis() {
	depth, i := 0, p.pos
	if p.noParen {
		i = len(p.s)
	}
	for ; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
			continue
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if i >= len(p.s) {
		p.noParen = true
		p.unclosed()
		return
	}
	p.comment = unescape(p.s[p.pos+1 : i])
	p.space = true
	p.pos = i + 1
}

// bracket takes an address in angle brackets.
func (p *addressParser) bracket() {
	end := -1
	if !p.noAngle {
		end = angleEnd(p.s, p.pos+1)
	}
	if end < 0 || p.s[end] != '>' {
		p.noAngle, p.space = end < 0, true
		p.unclosed()
		return
	}
	if p.hasAngle { // two mailboxes without a comma
		p.behind()
	}
	p.angle, p.hasAngle = p.s[p.pos+1:end], true
	p.pos = end + 1
}

// angleEnd returns where the bracket ends whose content begins at i, or where
// another opens before that, or -1.
func angleEnd(s string, i int) int {
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			if end := closing(s[:min(len(s), i+maxQuotedLocal)], i+1); end > 0 {
				i = end
			}
		case '>', '<':
			return i
		}
	}
	return -1
}

// maxQuotedLocal bounds a quoted local part; RFC 5321 allows 64 bytes.
const maxQuotedLocal = 1024

// atom takes what stands up to the next byte with a meaning.
func (p *addressParser) atom() {
	i := p.pos
	for i < len(p.s) && strings.IndexByte(" \t\r\n,;:\"(<", p.s[i]) < 0 {
		if p.s[i] == '=' { // an encoded word, in which senders leave commas and the like
			if _, n, ok := cutWordAt(p.s[i:]); ok {
				i += n
				continue
			}
		}
		if p.s[i] == '[' { // a domain literal may hold colons
			if end := strings.IndexByte(p.s[i:min(len(p.s), i+maxDomainLiteral)], ']'); end > 0 {
				i += end
			}
		}
		i++
	}
	if p.hasAngle { // something behind the brackets: the next mailbox without a comma
		p.behind()
	}
	p.add(p.s[p.pos:i])
	p.pos = i
}

const maxDomainLiteral = 256

func (p *addressParser) add(word string) {
	if len(p.words) == limits.AddressWords {
		p.complete = false
		p.hasAt = p.hasAt || strings.IndexByte(word, '@') >= 0
		p.space = false
		return
	}
	if p.words == nil {
		p.words = make([]string, 0, 4)
	}
	p.words = append(p.words, word)
	p.joined = append(p.joined, len(p.words) > 1 && !p.space)
	p.hasAt = p.hasAt || strings.IndexByte(word, '@') >= 0
	p.space = false
}

func (p *addressParser) reset() {
	p.words, p.joined = p.words[:0], p.joined[:0]
	p.comment, p.angle, p.hasAngle, p.hasAt, p.space = "", "", false, false, false
}
