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
	owners  []*owner       // the multiparts themselves
	levels  map[string]int // the places of bounds, when leveled
	lengths uint64         // a bit for each length that a line with one of them has
	leveled bool
	closed  *owner // the multipart whose epilogue is passed over, or nil
	after   string // its boundary

	win  []byte // of a reader: the bytes from base on
	base int64
}

// owner is a multipart whose boundary is looked for.
type owner struct {
	part *Part
	like bool // that it has a line like its boundary was recorded
}

// enter enters a multipart with that boundary.
func (w *walker) enter(part *Part, boundary string) *owner {
	own := &owner{part: part}
	w.bounds, w.owners, w.leveled = append(w.bounds, boundary), append(w.owners, own), false
	return own
}

// leave leaves multiparts but for those around a level.
func (w *walker) leave(level int) {
	w.bounds, w.owners, w.leveled = w.bounds[:level], w.owners[:level], false
}

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
	looking := len(w.bounds) > 0 || w.closed != nil
	if looking {
		if d, ok := w.match(off); ok {
			return d
		}
	}
	for looking {
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
	if !w.mayMatch(line[2:]) {
		return delimiter{}, false
	}
	line = line[:min(len(line), limits.BoundaryLineBytes+1)]
	if w.eol == '\n' && w.afterCR(off) {
		if n := bytes.IndexAny(line, "\r\n"); n >= 0 {
			line = line[:n]
		}
		w.like(line, off)
		return delimiter{}, false
	}
	next := off + int64(len(line))
	if n := bytes.IndexByte(line, w.eol); n >= 0 {
		line, next = line[:n], off+int64(n)+1
	}
	level, closing := w.level(line)
	if level < 0 {
		w.like(line, off)
		return delimiter{}, false
	}
	return delimiter{level: level, closing: closing, content: w.lineEnd(off), begin: off, next: next}, true
}

// mayMatch reports whether one of the boundaries that are looked for may stand at
// the beginning of b. Many are not looked through.
func (w *walker) mayMatch(b []byte) bool {
	if len(w.bounds) > fewBounds {
		return true
	}
	for i := len(w.bounds) - 1; i >= 0; i-- {
		if n := len(w.bounds[i]); len(b) >= n && string(b[:n]) == w.bounds[i] {
			return true
		}
	}
	return w.closed != nil && len(b) >= len(w.after) && string(b[:len(w.after)]) == w.after
}

// afterCR reports whether a CR that ends no line stands before off.
func (w *walker) afterCR(off int64) bool {
	before := w.from(max(0, off-1), int(min(1, off)))
	return off > 0 && len(before) > 0 && before[0] == '\r'
}

// like records a line at off that begins with `--`, and is no boundary here, when
// other readers may take it for one: because it begins or ends with a CR alone, has
// more white space than limits.BoundaryLineBytes allow, or comes after the closing
// boundary.
func (w *walker) like(line []byte, off int64) {
	line = line[:min(len(line), limits.BoundaryLineBytes)]
	if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
		line = line[:cr]
	}
	owner := w.closed
	if level, _ := w.level(line); level >= 0 {
		owner = w.owners[level]
	} else if owner == nil || string(bytes.TrimRight(line[2:], " \t")) != w.after {
		return
	}
	if !owner.like {
		owner.like = true
		w.p.defect(owner.part, DefectBoundaryLike, off)
	}
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
// beginning, that begins with `--`; -1 when there is none. Lines end with eol, or,
// so that they are looked at, with CR.
func dashes(data []byte, eol byte) int {
	for i, tries := 1, 0; i < len(data); tries++ {
		if tries > 4+i/64 { // rich in dashes
			return slowDashes(data, i, eol)
		}
		n := bytes.IndexByte(data[i:], '-')
		if n < 0 {
			return -1
		}
		i += n
		if (data[i-1] == eol || data[i-1] == '\r') && i+1 < len(data) && data[i+1] == '-' {
			return i
		}
		i++
	}
	return -1
}

// slowDashes is dashes from i on, looking for two dashes at once.
func slowDashes(data []byte, i int, eol byte) int {
	for i < len(data) {
		n := bytes.Index(data[i:], []byte("--"))
		if n < 0 {
			return -1
		}
		i += n
		if data[i-1] == eol || data[i-1] == '\r' {
			return i
		}
		for i < len(data) && data[i] == '-' {
			i++
		}
	}
	return -1
}
