package transfer

import "bytes"

// Sink takes the files that a [Finder] finds in a text, one after the other.
type Sink interface {
	// Begin begins a file; encoding is NameUUEncode or NameYEnc, name as the
	// sender writes it, at where its first line begins in the text.
	Begin(encoding, name string, at int64)
	// Data gives more of the content. data is not to be kept.
	Data(data []byte)
	// End ends the file. damaged says that it ends too early, or that the data is
	// not what the lines around it say of it.
	End(damaged bool)
}

// Finder finds files in uuencode and yEnc within a text that comes in pieces.
// Where the pieces are cut does not change the result. On text without them it
// costs a search for one word.
//
// A uuencoded file begins with a line `begin`, a mode of three or four octal
// digits, and a name, when the line after it has the shape of uuencoded data. A
// line without that shape ends it early.
type Finder struct {
	sink  Sink
	lines lines
	state finderState
	skip  bool   // the rest of a line is passed over
	name  string // of the uuencoded file that may begin
	at    int64  // where its line is
	made  int64  // zeros that made up for what was missing in all of them
	block yBlock
	buf   []byte
	bad   bool
}

type finderState int

const (
	finderText  finderState = iota
	finderBegun             // after a line that may begin a uuencoded file
	finderUU                // within one
	finderYEnc              // within a file in yEnc
)

// NewFinder returns a finder that gives files to sink.
func NewFinder(sink Sink) *Finder { return &Finder{sink: sink} }

// Reset makes the finder ready for another text.
func (f *Finder) Reset() {
	f.lines.reset()
	*f = Finder{sink: f.sink, lines: f.lines, buf: f.buf}
}

// Write takes the next piece of the text.
func (f *Finder) Write(src []byte) {
	for len(src) > 0 {
		if f.state == finderText && !f.lines.open {
			if src = f.search(src); len(src) == 0 {
				return
			}
		}
		line, at, rest, ok := f.lines.next(src)
		if !ok {
			return
		}
		f.line(line, at)
		src = rest
	}
}

// Close ends the text.
func (f *Finder) Close() {
	if line, at, ok := f.lines.last(); ok {
		f.line(line, at)
	}
	if f.state == finderUU || f.state == finderYEnc {
		f.sink.End(true)
	}
	f.state = finderText
}

const (
	wordBegin  = "begin "
	wordYBegin = "=ybegin "
)

// search passes over text up to a line that may begin a file, and returns what
// is left of src, which is empty when there is no such line.
func (f *Finder) search(src []byte) []byte {
	i := 0 // up to here is passed over
	if f.skip {
		if i = lineLength(src); i == len(src) {
			return f.pass(src, i)
		}
		f.skip = false
	}
	for {
		n := bytes.Index(src[i:], []byte(wordBegin))
		if n < 0 {
			return f.tail(src, i)
		}
		at := i + n
		start := at
		if start-i >= 2 && src[start-2] == '=' && src[start-1] == 'y' {
			start -= 2
		}
		if start == 0 || isLineEnd(src[start-1]) {
			return f.pass(src, start)
		}
		i = at + len(wordBegin)
	}
}

// tail keeps the last line of src, when it may begin a file, and passes over all
// else. No such line begins within src[i:] with its first word whole.
func (f *Finder) tail(src []byte, i int) []byte {
	start := len(src)
	for start > max(i, len(src)-len(wordYBegin)) && !isLineEnd(src[start-1]) {
		start--
	}
	if start > 0 && !isLineEnd(src[start-1]) || !mayBegin(src[start:]) {
		f.skip = !isLineEnd(src[len(src)-1])
		return f.pass(src, len(src))
	}
	return f.pass(src, start)
}

// mayBegin reports whether b is the beginning of the first word of a file.
func mayBegin(b []byte) bool {
	return bytes.HasPrefix([]byte(wordBegin), b) || bytes.HasPrefix([]byte(wordYBegin), b)
}

func isLineEnd(c byte) bool { return c == '\n' || c == '\r' }

// pass passes over n bytes.
func (f *Finder) pass(src []byte, n int) []byte {
	if n > 0 {
		f.lines.cr = false
		f.lines.pos += int64(n)
	}
	return src[n:]
}

// line takes a line that is not known to be mere text.
func (f *Finder) line(line []byte, at int64) {
	switch f.state {
	case finderBegun:
		if !f.uuBegins(line) {
			f.state = finderText
			f.text(line, at)
			return
		}
		f.state, f.bad = finderUU, false
		f.sink.Begin(NameUUEncode, f.name, f.at)
		f.uu(line, at)
	case finderUU:
		f.uu(line, at)
	case finderYEnc:
		f.yenc(line)
	default:
		f.text(line, at)
	}
}

func (f *Finder) text(line []byte, at int64) {
	if name, ok := uuBegin(line); ok {
		f.state, f.name, f.at = finderBegun, name, at
	} else if block, ok := yBegin(line); ok {
		f.state, f.block = finderYEnc, block
		f.sink.Begin(NameYEnc, block.name, at)
	}
}

func (f *Finder) uu(line []byte, at int64) {
	if uuEnd(line) {
		f.state = finderText
		f.sink.End(f.bad)
		return
	}
	data, what := uuLine(f.buf[:0], line, &f.made, at)
	if what&^uuShort != 0 {
		f.state = finderText
		f.sink.End(true)
		f.text(line, at)
		return
	}
	f.bad = f.bad || what != 0
	f.give(data)
}

func (f *Finder) yenc(line []byte) {
	data, last := f.block.line(f.buf[:0], line)
	f.block.count(data)
	f.give(data)
	if last {
		f.state = finderText
		f.sink.End(f.block.damaged)
	}
}

func (f *Finder) give(data []byte) {
	f.buf = data
	if len(data) > 0 {
		f.sink.Data(data)
	}
}

// uuBegins reports whether a line has the shape of the first line of uuencoded
// data: all bytes that its length asks for, but for blanks that were cut off;
// or that of the last, when the file is empty.
func (f *Finder) uuBegins(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if line[0] == '`' || line[0] == ' ' {
		return len(bytes.TrimRight(line[1:], " ")) == 0
	}
	const mayMiss = 4
	n := int(line[0] - ' ')
	var what uuShape
	var none int64
	if f.buf, what = uuLine(f.buf[:0], line, &none, 0); what&^uuShort != 0 {
		return false
	}
	return n <= 45 && len(line)-1 >= (n*4+2)/3-mayMiss && len(line) > 2
}
