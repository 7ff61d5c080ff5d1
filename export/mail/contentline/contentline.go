// Package contentline reads the content lines that iCalendar (RFC 5545, section
// 3.1) and vCard (RFC 6350, section 3.3) files are made of, as far as it takes
// to tell when a calendar entry is and whom a file names.
package contentline

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// MaxBytes is how much of a file is read.
	MaxBytes = 32 << 20
	// MaxLines is how many content lines of a file are read.
	MaxLines = 200_000
	// MaxLineBytes bounds one unfolded line: photographs are written in them.
	MaxLineBytes = 4 << 20
	// MaxText is how much of a value [Text] returns, in bytes as written.
	MaxText = 32 << 10
)

// line is one unfolded content line.
type line struct {
	name   string // in upper case, without a vCard group
	params []param
	value  string
}

type param struct {
	name  string // in upper case
	value string // without quotes
}

// get returns the value of the first parameter of that name.
func (l line) get(name string) string {
	for _, p := range l.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// scanner takes one line after the other from a file.
type scanner struct {
	rest  []byte
	lines int
	ok    bool // nothing was left out: no limit was met and every line was understood
}

func newScanner(raw []byte) *scanner {
	s := &scanner{rest: bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), ok: true}
	if len(s.rest) > MaxBytes {
		s.rest, s.ok = s.rest[:MaxBytes], false
	}
	return s
}

// next returns the next line that is well formed.
func (s *scanner) next() (line, bool) {
	for len(s.rest) > 0 {
		if s.lines == MaxLines {
			s.ok = false
			return line{}, false
		}
		s.lines++
		text := s.unfold()
		if len(text) == 0 {
			continue
		}
		if l, ok := parse(string(text)); ok && len(text) <= MaxLineBytes {
			return l, true
		}
		s.ok = false
	}
	return line{}, false
}

// unfold takes one line with those that continue it: a line end and one space or
// tab are removed.
func (s *scanner) unfold() []byte {
	first := s.physical()
	if !s.folded() {
		return first
	}
	text := bytes.Clone(first)
	for s.folded() {
		more := s.physical()
		if len(text) <= MaxLineBytes {
			text = append(text, more[1:]...)
		}
	}
	return text
}

func (s *scanner) folded() bool {
	return len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\t')
}

// physical takes one line up to CRLF, LF or CR.
func (s *scanner) physical() []byte {
	n := bytes.IndexAny(s.rest, "\r\n")
	if n < 0 {
		text := s.rest
		s.rest = nil
		return text
	}
	text := s.rest[:n]
	if bytes.HasPrefix(s.rest[n:], []byte("\r\n")) {
		n++
	}
	s.rest = s.rest[n+1:]
	return text
}

// parse reads name *(";" parameter) ":" value. Quoted parameter values may hold
// colons, semicolons and commas.
func parse(text string) (line, bool) {
	end := outside(text, ':')
	if end < 0 {
		return line{}, false
	}
	l := line{value: strings.ToValidUTF8(text[end+1:], string(utf8.RuneError))}
	head := text[:end]
	for first := true; head != "" || first; first = false {
		part := head
		if i := outside(head, ';'); i >= 0 {
			part, head = head[:i], head[i+1:]
		} else {
			head = ""
		}
		if first {
			if i := strings.LastIndexByte(part, '.'); i >= 0 { // vCard: a group
				part = part[i+1:]
			}
			l.name = strings.ToUpper(strings.TrimSpace(part))
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok { // vCard 2.1 leaves the name off
			name, value = "TYPE", part
		}
		l.params = append(l.params, param{strings.ToUpper(name), strings.Trim(value, `"`)})
	}
	return l, l.name != ""
}

// outside returns the index of the first sep outside of double quotes, or -1.
func outside(s string, sep byte) int {
	either := string([]byte{'"', sep})
	for pos := 0; ; {
		i := strings.IndexAny(s[pos:], either)
		if i < 0 {
			return -1
		}
		if s[pos+i] == sep {
			return pos + i
		}
		pos += i + 1
		end := strings.IndexByte(s[pos:], '"')
		if end < 0 {
			return -1
		}
		pos += end + 1
	}
}
