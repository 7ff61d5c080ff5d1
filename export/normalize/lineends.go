package normalize

import (
	"bytes"
	"strconv"
)

// lineEnds is what a survey of a message's line ends finds.
type lineEnds struct {
	lf, crlf int
	cr       int // CR that no LF follows
	runs     []byte
	binary   bool
	single   byte // the only kind of line end, 0 when there are several or none

	last  byte // the run that is being counted
	count int
}

// survey counts the line ends of b in one pass and, in a message, looks for what
// makes it binary. The runs are left off once they exceed their limit.
func survey(b []byte, message bool) *lineEnds {
	e := &lineEnds{binary: message && bytes.IndexByte(b, 0) >= 0}
	sep := byte('\n')
	if bytes.IndexByte(b, '\n') < 0 {
		sep = '\r'
	}
	crs := bytes.Count(b, []byte("\r"))
	for rest := b; ; {
		if message && !e.binary && isBinaryField(rest) {
			e.binary = true
		}
		i := bytes.IndexByte(rest, sep)
		if i < 0 {
			break
		}
		switch {
		case sep == '\r':
			e.cr++
			e.add('R')
		case i > 0 && rest[i-1] == '\r':
			e.crlf++
			e.add('C')
		default:
			e.lf++
			e.add('L')
		}
		rest = rest[i+1:]
	}
	e.cr = crs - e.crlf
	e.flush()
	return e
}

// add counts one line end.
func (e *lineEnds) add(kind byte) {
	if kind == e.last {
		e.count++
		return
	}
	e.flush()
	e.last, e.count = kind, 1
}

// flush writes down the run that was counted.
func (e *lineEnds) flush() {
	if e.count == 0 {
		return
	}
	if len(e.runs) == 0 {
		e.single = e.last
	} else {
		e.single = 0
		if len(e.runs) > maxRunsBytes {
			return
		}
		e.runs = append(e.runs, ' ')
	}
	e.runs = append(e.runs, e.last)
	e.runs = strconv.AppendInt(e.runs, int64(e.count), 10)
}

// allCRLF reports whether there is nothing to convert.
func (e *lineEnds) allCRLF() bool { return e.lf == 0 && e.cr == 0 }

// refuse returns why the line ends cannot be converted.
func (e *lineEnds) refuse() Reason {
	switch {
	case e.binary && !e.allCRLF():
		return ReasonBinary
	case e.cr > 0 && (e.lf > 0 || e.crlf > 0):
		return ReasonBareCR
	}
	return ""
}

func (e *lineEnds) shortRuns() string {
	switch e.single {
	case 'L':
		return "L*"
	case 'R':
		return "R*"
	}
	return string(e.runs)
}

// convert returns b with CRLF for every line end.
func (e *lineEnds) convert(b []byte) []byte {
	out := make([]byte, 0, len(b)+e.lf+e.cr)
	sep := byte('\n')
	if e.cr > 0 {
		sep = '\r'
	}
	for {
		i := bytes.IndexByte(b, sep)
		if i < 0 {
			return append(out, b...)
		}
		line := b[:i]
		if sep == '\n' && i > 0 && b[i-1] == '\r' {
			line = b[:i-1]
		}
		out = append(append(out, line...), '\r', '\n')
		b = b[i+1:]
	}
}

var transferEncoding = []byte("content-transfer-encoding:")

// isBinaryField reports whether b begins with a Content-Transfer-Encoding field
// whose value is binary (RFC 2045, section 6.2), folded or not.
func isBinaryField(b []byte) bool {
	if len(b) == 0 || b[0]|0x20 != 'c' {
		return false
	}
	name := transferEncoding[:len(transferEncoding)-1]
	if len(b) < len(name) || !bytes.EqualFold(b[:len(name)], name) {
		return false
	}
	rest := bytes.TrimLeft(b[len(name):], " \t")
	if len(rest) == 0 || rest[0] != ':' {
		return false
	}
	value := bytes.TrimLeft(rest[1:], " \t\r\n")
	return len(value) >= 6 && bytes.EqualFold(value[:6], []byte("binary"))
}
