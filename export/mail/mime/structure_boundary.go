package mime

import (
	"bytes"

	"exhibit/export/mail/limits"
)

// walker walks once over a message, or over the decoded content of a part.
type walker struct {
	p     *parser
	in    *input
	inner bool
	eol   byte // what ends lines, '\n' or '\r'; 0 before the first header

	bounds  []string       // the boundaries of the multiparts around, outermost first
	levels  map[string]int // the places of bounds, when leveled
	lengths uint64         // a bit for each length that a line with one of them has
	leveled bool

	win  []byte // of a reader: the bytes from base on
	base int64
}

// enter enters a multipart with that boundary.
func (w *walker) enter(boundary string) {
	w.bounds, w.leveled = append(w.bounds, boundary), false
}

// leave leaves multiparts but for those around a level.
func (w *walker) leave(level int) { w.bounds, w.leveled = w.bounds[:level], false }

// delimiter is a line with a boundary, or the end of the message.
type delimiter struct {
	level   int // of walker.bounds; -1 at the end of the message
	closing bool
	content int64 // where what is before it ends, without the line end that belongs to it
	begin   int64 // of the line
	next    int64 // the beginning of the line after it
}

// from returns the message from off on: n bytes or more, or all that are left.
// It is good until the next call, when the message comes from a reader.
func (w *walker) from(off int64, n int) []byte {
	if off >= w.in.size {
		return nil
	}
	if w.in.r == nil {
		return w.in.raw[off:]
	}
	end := w.base + int64(len(w.win))
	if off < w.base || off > end || end < w.in.size && end-off < int64(n) {
		w.fill(off, n)
	}
	if w.in.err != nil {
		return nil
	}
	return w.win[off-w.base:]
}

// fill reads n bytes from off on, more where a window is larger, and two bytes
// before, which may be a line end.
func (w *walker) fill(off int64, n int) {
	w.base = max(0, off-2)
	n = max(n+int(off-w.base), w.p.window)
	if n > len(w.p.buf) {
		w.p.buf = make([]byte, n)
	}
	w.win = w.in.bytes(w.p.buf, w.base, n)
}

// next returns the first line with a boundary of those around, from the line on
// that begins at off. Innermost boundaries are looked for first.
func (w *walker) next(off int64) delimiter {
	if len(w.bounds) > 0 {
		if d, ok := w.match(off); ok {
			return d
		}
	}
	for len(w.bounds) > 0 {
		data := w.from(off, 3)
		i := dashes(data, w.eol)
		if i < 0 {
			off += int64(len(data)) - 2
			if len(data) < 3 || off+2 >= w.in.size {
				break
			}
			continue
		}
		off += int64(i)
		if d, ok := w.match(off); ok {
			return d
		}
	}
	return delimiter{level: -1, content: w.in.size, begin: w.in.size, next: w.in.size}
}

// match reads the line that begins at off as one with a boundary.
func (w *walker) match(off int64) (delimiter, bool) {
	line := w.from(off, limits.BoundaryLineBytes+1)
	if len(line) < 2 || line[0] != '-' || line[1] != '-' {
		return delimiter{}, false
	}
	line = line[:min(len(line), limits.BoundaryLineBytes+1)]
	next := off + int64(len(line))
	if n := bytes.IndexByte(line, w.eol); n >= 0 {
		line, next = line[:n], off+int64(n)+1
	}
	level, closing := w.level(line)
	if level < 0 {
		return delimiter{}, false
	}
	return delimiter{level: level, closing: closing, content: w.lineEnd(off), begin: off, next: next}, true
}

// stops reports whether a line that begins with `--` has a boundary.
func (w *walker) stops(line []byte) bool {
	level, _ := w.level(line)
	return level >= 0
}

// level returns whose boundary a line has that begins with `--`, or -1: the
// boundary, for the last one `--`, then white space (RFC 2046, section 5.1.1).
func (w *walker) level(line []byte) (level int, closing bool) {
	if len(line) > limits.BoundaryLineBytes {
		return -1, false
	}
	line = trimBlanks(line[2:])
	if len(w.bounds) > fewBounds {
		return w.levelOfMany(line)
	}
	for i := len(w.bounds) - 1; i >= 0; i-- {
		switch b := w.bounds[i]; len(line) - len(b) {
		case 0:
			if string(line) == b {
				return i, false
			}
		case 2:
			if string(line[:len(b)]) == b && string(line[len(b):]) == "--" {
				return i, true
			}
		}
	}
	return -1, false
}

// fewBounds is how many boundaries are compared one by one.
const fewBounds = 8

// levelOfMany is level, of what stands behind the dashes, where there are many
// boundaries.
func (w *walker) levelOfMany(line []byte) (level int, closing bool) {
	if !w.leveled {
		w.leveled = true
		if w.levels == nil {
			w.levels = make(map[string]int, len(w.bounds))
		}
		clear(w.levels)
		w.lengths = 0
		for i, b := range w.bounds {
			w.levels[b] = i // the innermost of equal ones counts
			w.lengths |= lengthBit(len(b)) | lengthBit(len(b)+len("--"))
		}
	}
	level = -1
	if w.lengths&lengthBit(len(line)) == 0 {
		return level, false
	}
	if i, ok := w.levels[string(line)]; ok {
		level = i
	}
	if inner, ok := bytes.CutSuffix(line, []byte("--")); ok {
		if i, ok := w.levels[string(inner)]; ok && i > level {
			return i, true
		}
	}
	return level, false
}

// lengthBit is the bit of walker.lengths for lines of n bytes.
func lengthBit(n int) uint64 { return 1 << min(n, 63) }

// trimBlanks leaves off white space and CR at the end of a line.
func trimBlanks(line []byte) []byte {
	n := len(line)
	for n > 0 && (line[n-1] == ' ' || line[n-1] == '\t' || line[n-1] == '\r') {
		n--
	}
	return line[:n]
}

// lineEnd returns where the line end before off begins.
func (w *walker) lineEnd(off int64) int64 {
	before := w.from(max(0, off-2), int(min(2, off)))
	before = before[:min(int64(len(before)), 2, off)]
	n := len(before)
	switch {
	case n == 0 || before[n-1] != w.eol:
		return off
	case n == 2 && w.eol == '\n' && before[0] == '\r':
		return off - 2
	}
	return off - 1
}

// dashes returns where the first line begins in data, but for one at its very
// beginning, that begins with `--`; -1 when there is none.
func dashes(data []byte, eol byte) int {
	for i, tries := 1, 0; i < len(data); tries++ {
		if tries > 4+i/64 { // rich in dashes
			n := bytes.Index(data[i-1:], []byte{eol, '-', '-'})
			if n < 0 {
				return -1
			}
			return i + n
		}
		n := bytes.IndexByte(data[i:], '-')
		if n < 0 {
			return -1
		}
		i += n
		if data[i-1] == eol && i+1 < len(data) && data[i+1] == '-' {
			return i
		}
		i++
	}
	return -1
}
