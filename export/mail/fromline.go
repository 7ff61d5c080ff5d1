package mail

import "bytes"

var (
	utf8BOM         = []byte("\xef\xbb\xbf")
	fromSpace       = []byte("From ")
	newlineFrom     = []byte("\nFrom ")
	returnFrom      = []byte("\rFrom ")
	quotedFromSpace = []byte(">From ")
	bomFrom         = []byte("\xef\xbb\xbfFrom ")
)

// SeparatorLine returns the length of the mbox separator line that b begins
// with, its line end included, or 0 when b does not begin with one. Only a
// line of a strict shape counts: `From -`, an address, or a weekday with a date.
func SeparatorLine(b []byte) int {
	if !bytes.HasPrefix(b, fromSpace) {
		return 0
	}
	n, next := endsOf(b).cutSeparator(b)
	if n == 0 || next != nextField || shapeOf(b[len(fromSpace):n]) == shapeLoose {
		return 0
	}
	return n
}

// separatorAt returns the length of the separator line at b[p:], or 0. A
// separator begins a line with `From `, the next line is shaped like a header
// field, and it follows an empty line (or the start of the file) or has a
// strict shape. A message without any header is separated only by a line with
// weekday and date between empty lines. b holds all that precedes p, or at
// least [lookBehind] bytes of it, and [lookAhead] bytes after p unless the file
// ends.
func (e ends) separatorAt(b []byte, p int) int {
	n, next := e.cutSeparator(b[p:])
	if n == 0 {
		return 0
	}
	line := b[p+len(fromSpace) : p+n]
	switch next {
	case nextField:
		if e.emptyBefore(b, p) || shapeOf(line) != shapeLoose {
			return n
		}
	case nextEmpty:
		if e.emptyBefore(b, p) && shapeOf(line) == shapeDated {
			return n
		}
	}
	return 0
}

// firstSeparator returns the length of the separator line that a file begins
// with, or 0. There, a line of a strict shape is one whatever follows it, but
// for another.
func (e ends) firstSeparator(b []byte) int {
	n, next := e.cutSeparator(b)
	if n == 0 || next != nextOther || shapeOf(b[len(fromSpace):n]) == shapeLoose || bytes.HasPrefix(b[n:], fromSpace) {
		return 0
	}
	return n
}

// fromLines is what the lines of a message that begin with `From ` tell.
type fromLines struct {
	quoted bool // `>`, any more of them, and `From `
	plain  bool // `From ` itself, in the body
	// doubtful says that a line might separate the message from another one: it
	// does so by its own looks and those of its neighbours, and only a
	// Content-Length, or that a line end is CR alone in a file of others, speaks
	// against it; or it has weekday and date, or an address and follows an empty
	// line, and only the line after it does not look like a header; or a byte order
	// mark stands before it, as where files were put together.
	doubtful bool
}

// fromLines looks through a message after the separator line of sep bytes; its
// body begins at body. others says that there may be lines `From ` in it.
func (e ends) fromLines(raw []byte, sep, body int, others bool) fromLines {
	f := fromLines{quoted: e.quotedFrom(raw, sep)}
	for p := sep - 1; others; {
		if p = e.nextFrom(raw, p); p < 0 {
			break
		}
		f.plain = f.plain || p >= body
		f.doubtful = f.doubtful || e.maySeparate(raw, p) || endsAny.maySeparate(raw, p)
	}
	for p := sep; !f.doubtful; {
		i := bytes.Index(raw[p:], bomFrom)
		if i < 0 {
			break
		}
		p += i + len(utf8BOM)
		if !e.startsLine(raw, p-len(utf8BOM)) {
			continue
		}
		text := raw[p:]
		n, next := e.cutSeparator(text)
		f.doubtful = n > 0 && (next == nextField || shapeOf(text[len(fromSpace):n]) != shapeLoose)
	}
	for p := sep; e == endsLF && !f.doubtful; {
		i := bytes.Index(raw[p:], returnFrom)
		if i < 0 {
			break
		}
		p += i + 1
		f.doubtful = endsAny.maySeparate(raw, p)
	}
	return f
}

// quotedFrom reports whether a line at or after from consists of `>`, any more
// of them, and `From `.
func (e ends) quotedFrom(b []byte, from int) bool {
	for p := from; ; p++ {
		i := bytes.Index(b[p:], quotedFromSpace)
		if i < 0 {
			return false
		}
		low := p
		p += i
		start := p
		for start > low && b[start-1] == '>' {
			start--
		}
		if e.startsLine(b, start) {
			return true
		}
	}
}

// maySeparate reports whether the line `From ` at p might be a separator.
func (e ends) maySeparate(raw []byte, p int) bool {
	if e.separatorAt(raw, p) > 0 {
		return true
	}
	n, _ := e.cutSeparator(raw[p:])
	if n == 0 && len(raw)-p >= maxSeparatorLine { // too long for a separator here
		n = maxSeparatorLine
	}
	if n == 0 {
		return false
	}
	switch shapeOf(raw[p+len(fromSpace) : p+n]) {
	case shapeDated:
		return true
	case shapeAddress:
		return e.emptyBefore(raw, p)
	}
	return false
}

type nextLine int

const (
	nextOther nextLine = iota
	nextField
	nextEmpty
)

// cutSeparator returns the length of the line `From …` at the start of b, 0
// when there is none or it is too long or not ended, and what follows it.
func (e ends) cutSeparator(b []byte) (int, nextLine) {
	if !bytes.HasPrefix(b, fromSpace) {
		return 0, nextOther
	}
	n := e.line(b[:min(len(b), maxSeparatorLine)])
	if n == 0 {
		return 0, nextOther
	}
	return n, e.kindOfLine(b[n:])
}

// kindOfLine tells what line b begins with. A former separator line quoted
// into the header (`>From `) counts as a field: mail systems leave it there.
func (e ends) kindOfLine(b []byte) nextLine {
	if len(b) == 0 || e.end(b) > 0 {
		return nextEmpty
	}
	if bytes.HasPrefix(b, []byte(">From ")) || fieldShaped(b[:min(len(b), maxFieldName)]) {
		return nextField
	}
	return nextOther
}

// fieldShaped reports whether b begins with a field name and a colon (RFC 5322,
// sections 3.6.8 and 4.5: white space before the colon is allowed). What looks
// like a URL is none.
func fieldShaped(b []byte) bool {
	i := 0
	for i < len(b) && b[i] > ' ' && b[i] < 0x7f && b[i] != ':' {
		i++
	}
	if i == 0 {
		return false
	}
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i < len(b) && b[i] == ':' && !bytes.HasPrefix(b[i:], []byte("://"))
}

type lineShape int

const (
	shapeLoose   lineShape = iota
	shapeAddress           // `-`, or something with an @ between two other bytes
	shapeDated             // a weekday, a month and a day
)

// shapeOf judges what follows `From ` in a line.
func shapeOf(line []byte) lineShape {
	words := bytes.Fields(line)
	for i, w := range words {
		if isWeekday(w) && isDate(words[i+1:]) {
			return shapeDated
		}
	}
	if len(words) == 0 {
		return shapeLoose
	}
	first := words[0]
	if len(first) == 1 && first[0] == '-' {
		return shapeAddress
	}
	if at := bytes.IndexByte(first, '@'); at > 0 && at < len(first)-1 && line[0] > ' ' {
		return shapeAddress
	}
	return shapeLoose
}

// isDate reports whether words begin with a month and a day in either order.
func isDate(words [][]byte) bool {
	if len(words) < 2 {
		return false
	}
	return isMonth(words[0]) && isDay(words[1]) || isDay(words[0]) && isMonth(words[1])
}

func isWeekday(w []byte) bool {
	return isName(w, "sun", "mon", "tue", "wed", "thu", "fri", "sat")
}

func isMonth(w []byte) bool {
	return isName(w, "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
}

func isName(w []byte, names ...string) bool {
	w = bytes.TrimSuffix(w, []byte(","))
	if len(w) != 3 {
		return false
	}
	for _, n := range names {
		if (w[0]|0x20) == n[0] && (w[1]|0x20) == n[1] && (w[2]|0x20) == n[2] {
			return true
		}
	}
	return false
}

func isDay(w []byte) bool {
	w = bytes.TrimSuffix(w, []byte(","))
	if len(w) == 0 || len(w) > 2 {
		return false
	}
	n := 0
	for _, c := range w {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n >= 1 && n <= 31
}
