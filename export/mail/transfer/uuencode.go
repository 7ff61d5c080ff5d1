package transfer

import "bytes"

// uuDecoder undoes uuencode.
type uuDecoder struct {
	lines  lines
	begun  bool
	ended  bool
	made   int64 // zeros that made up for what was missing
	faults faults
}

// UUEncode returns a decoder of a text that is a uuencoded file (POSIX uuencode,
// the historical algorithm): from the line `begin MODE NAME` to the line `end`.
// What is before and after it counts for nothing. Lines that cannot be data are
// passed over; a line that is too short, which is what remains when blanks are
// cut off, is made up with zeros, of which there are never more than bytes were
// read.
//
// Faults are FaultForeign (bytes or lines that are no data, or another file after
// the first), and FaultCut (a line that is too short, a file without its `end`,
// or no file).
func UUEncode() Decoder { return &uuDecoder{} }

func (d *uuDecoder) Reset() {
	d.lines.reset()
	*d = uuDecoder{lines: d.lines}
}

func (d *uuDecoder) Faults() []Fault { return d.faults.list() }

func (d *uuDecoder) Decode(dst, src []byte) []byte {
	for {
		line, at, rest, ok := d.lines.next(src)
		if !ok {
			return dst
		}
		dst = d.line(dst, line, at)
		src = rest
	}
}

func (d *uuDecoder) Close(dst []byte) []byte {
	if line, at, ok := d.lines.last(); ok {
		dst = d.line(dst, line, at)
	}
	if !d.ended {
		d.faults.add(FaultCut, d.lines.pos)
	}
	return dst
}

func (d *uuDecoder) line(dst, line []byte, at int64) []byte {
	line = bytes.TrimRight(line, "\t\f\x00")
	switch {
	case !d.begun:
		d.begun = uuBeginLoose(line)
	case d.ended:
		if uuBeginLoose(line) {
			d.faults.add(FaultForeign, at)
		}
	case uuEnd(line):
		d.ended = true
	default:
		var what uuShape
		if dst, what = uuLine(dst, line, &d.made, at); what&(uuNoData|uuForeign|uuLong) != 0 {
			d.faults.add(FaultForeign, at)
		} else if what&uuShort != 0 {
			d.faults.add(FaultCut, at)
		}
	}
	return dst
}

// uuBeginLoose reports whether a line begins a uuencoded file, where there has to
// be one: `begin`, an octal mode, and perhaps a name.
func uuBeginLoose(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	mode, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	return ok && isOctal(mode)
}

// uuBegin reads the line that begins a uuencoded file, where prose may be as
// well: `begin`, a mode of three or four octal digits, and a name.
func uuBegin(line []byte) (name string, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	mode, after, _ := bytes.Cut(rest, []byte(" "))
	after = bytes.Trim(after, " \t")
	if !ok || !isOctal(mode) || len(mode) < 3 || len(mode) > 4 || len(after) == 0 {
		return "", false
	}
	return string(after), true
}

func isOctal(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '7' {
			return false
		}
	}
	return len(b) > 0
}

// uuEnd reports whether a line ends a uuencoded file.
func uuEnd(line []byte) bool { return string(bytes.TrimRight(line, " \t")) == "end" }

// uuLineBytes is how many bytes a line of uuencoded data decodes to at most.
const uuLineBytes = 63

// uuShape says what is odd in a line of uuencoded data.
type uuShape int

const (
	uuNoData  uuShape = 1 << iota // it cannot be one
	uuForeign                     // bytes that no uuencoder writes
	uuShort                       // bytes are missing
	uuLong                        // more bytes than its length says, but for one check character
)

// uuLine appends what a line of uuencoded data at an offset decodes to. A line
// without a byte is one of length 0. made counts the zeros in the place of what is
// missing; no line gets any that would make them more than offset bytes and those of
// a line.
func uuLine(dst, line []byte, made *int64, at int64) ([]byte, uuShape) {
	if len(line) == 0 {
		return dst, 0
	}
	if line[0] < ' ' || line[0] > '`' {
		return dst, uuNoData
	}
	n := int(line[0]-' ') & 63
	body := line[1:]
	var shape uuShape
	if need := (n + 2) / 3 * 4; len(body) > need {
		if len(bytes.TrimRight(body[need:], " ")) > 1 {
			shape |= uuLong
		}
		body = body[:need]
	} else if len(body) < (n*4+2)/3 {
		shape |= uuShort
		if missing := int64(n - len(body)*3/4); *made+missing <= at+uuLineBytes {
			*made += missing
		} else {
			n = len(body) * 3 / 4
		}
	}
	for _, c := range body {
		if c < ' ' || c > '`' {
			shape |= uuForeign
			break
		}
	}
	return uuDigits(dst, body, n), shape
}

// uuDigits appends n bytes of the digits in body; those that are missing are 0.
func uuDigits(dst, body []byte, n int) []byte {
	for ; n > 0; n -= 3 {
		var group [4]byte
		body = body[copyDigits(&group, body):]
		x := uint32(group[0])<<18 | uint32(group[1])<<12 | uint32(group[2])<<6 | uint32(group[3])
		dst = append(dst, byte(x>>16), byte(x>>8), byte(x))
	}
	return dst[:len(dst)+n]
}

func copyDigits(group *[4]byte, body []byte) int {
	k := min(4, len(body))
	for i, c := range body[:k] {
		group[i] = (c - ' ') & 63
	}
	return k
}
