package transfer

// maxLine is how much of a line is looked at; RFC 5322 section 2.1.1 allows 998
// bytes.
const maxLine = 4096

// lines cuts a text that comes in pieces into lines, which end with CRLF, LF or
// CR. Of a line longer than maxLine the beginning is kept.
type lines struct {
	held  []byte // the beginning of a line whose end has not come
	open  bool   // there is such a line, even if nothing of it is kept
	cr    bool   // the piece before ended with CR
	start int64  // where that line begins
	pos   int64
}

// next returns the first line of src, without its line end, where it begins in
// the text, and the rest of src. It returns false, and has kept what is needed,
// when src holds no line end.
func (l *lines) next(src []byte) (line []byte, at int64, rest []byte, ok bool) {
	if l.cr && len(src) > 0 {
		l.cr = false
		if src[0] == '\n' {
			src, l.pos = src[1:], l.pos+1
		}
	}
	n := lineLength(src)
	if n == len(src) {
		l.hold(src)
		l.pos += int64(n)
		return nil, 0, nil, false
	}
	line, at, rest = src[:n], l.pos, src[n+1:]
	if l.open {
		at = l.start
		l.hold(line)
		line = l.held
		l.held, l.open = l.held[:0], false
	}
	l.pos += int64(n) + 1
	if src[n] == '\r' {
		if len(rest) == 0 {
			l.cr = true
		} else if rest[0] == '\n' {
			rest, l.pos = rest[1:], l.pos+1
		}
	}
	return line[:min(len(line), maxLine)], at, rest, true
}

// hold keeps the beginning of a line, or more of it.
func (l *lines) hold(b []byte) {
	if len(b) == 0 {
		return
	}
	if !l.open {
		l.open, l.start = true, l.pos
	}
	l.held = append(l.held, b[:min(len(b), maxLine-len(l.held))]...)
}

// last returns the line that no line end follows, at the end of the text.
func (l *lines) last() (line []byte, at int64, ok bool) {
	line, ok = l.held, l.open
	l.held, l.open = l.held[:0], false
	return line, l.start, ok
}

// reset makes l ready for another text.
func (l *lines) reset() { *l = lines{held: l.held[:0]} }

// lineLength returns how many bytes of b come before its first line end.
func lineLength(b []byte) int {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			return i
		}
	}
	return len(b)
}
