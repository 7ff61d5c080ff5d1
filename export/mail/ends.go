package mail

import "bytes"

// ends says what ends a line of a file.
type ends bool

const (
	endsLF  ends = false // LF, with or without a CR before it
	endsAny ends = true  // CRLF, LF or CR
)

// endsOf tells what ends the lines of a file by its first [headBytes]: CR alone
// does only where there is no LF in them, or where it ends a separator line that
// the file begins with.
func endsOf(b []byte) ends {
	b = b[:min(len(b), headBytes)]
	lf, cr := bytes.IndexByte(b, '\n'), bytes.IndexByte(b, '\r')
	switch {
	case cr < 0 || lf == cr+1:
		return endsLF
	case lf < 0:
		return endsAny
	}
	text := bytes.TrimPrefix(b, utf8BOM)
	n := max(endsAny.separatorAt(text, 0), endsAny.firstSeparator(text))
	return ends(n > 0 && text[n-1] == '\r')
}

// line returns the length of the first line of b, its end included, or 0 when
// it is not ended.
func (e ends) line(b []byte) int {
	if e == endsLF {
		return bytes.IndexByte(b, '\n') + 1
	}
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return 0
	}
	return i + e.end(b[i:])
}

// end returns the length of the line end that b begins with, or 0.
func (e ends) end(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\n")):
		return 1
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case e == endsAny && bytes.HasPrefix(b, []byte("\r")):
		return 1
	}
	return 0
}

// startsLine reports whether a line begins at b[p:], b[p-1] being known.
func (e ends) startsLine(b []byte, p int) bool {
	return b[p-1] == '\n' || e == endsAny && b[p-1] == '\r'
}

// emptyBefore reports whether the line before p is empty or p is at the start
// of the file.
func (e ends) emptyBefore(b []byte, p int) bool {
	switch {
	case p == 0 || p == len(utf8BOM) && bytes.HasPrefix(b, utf8BOM):
		return true
	case !e.startsLine(b, p):
		return false
	}
	p--
	if p > 0 && b[p] == '\n' && b[p-1] == '\r' {
		p--
	}
	return p == 0 || e.startsLine(b, p)
}

// nextFrom returns where a line `From ` begins in b, of which the byte before
// is at or after from; -1 when there is none.
func (e ends) nextFrom(b []byte, from int) int {
	if e == endsLF {
		if i := bytes.Index(b[from:], newlineFrom); i >= 0 {
			return from + i + 1
		}
		return -1
	}
	for p := from + 1; p < len(b); p++ {
		i := bytes.Index(b[p:], fromSpace)
		if i < 0 {
			return -1
		}
		if p += i; e.startsLine(b, p) {
			return p
		}
	}
	return -1
}
