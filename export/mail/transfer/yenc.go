package transfer

import (
	"bytes"
	"hash/crc32"
	"strconv"
)

// yDecoder undoes yEnc.
type yDecoder struct {
	lines  lines
	block  yBlock
	begun  bool
	ended  bool
	faults faults
}

// YEnc returns a decoder of a text that is a yEnc file, or one part of one (yEnc
// 1.3): from the line `=ybegin` to the line `=yend`. What is before and after it
// counts for nothing.
//
// Faults are FaultForeign (data that does not have the length or the CRC-32 that
// is written with it, or another file after the first), and FaultCut (a file
// without its `=yend`, or no file).
func YEnc() Decoder { return &yDecoder{} }

func (d *yDecoder) Reset() {
	d.lines.reset()
	*d = yDecoder{lines: d.lines}
}

func (d *yDecoder) Faults() []Fault { return d.faults.list() }

func (d *yDecoder) Decode(dst, src []byte) []byte {
	for {
		line, at, rest, ok := d.lines.next(src)
		if !ok {
			return dst
		}
		dst = d.line(dst, line, at)
		src = rest
	}
}

func (d *yDecoder) Close(dst []byte) []byte {
	if line, at, ok := d.lines.last(); ok {
		dst = d.line(dst, line, at)
	}
	if !d.ended {
		d.faults.add(FaultCut, d.lines.pos)
	}
	return dst
}

func (d *yDecoder) line(dst, line []byte, at int64) []byte {
	switch {
	case !d.begun:
		d.block, d.begun = yBegin(line)
	case d.ended:
		if _, again := yBegin(line); again {
			d.faults.add(FaultForeign, at)
		}
	default:
		before := len(dst)
		if dst, d.ended = d.block.line(dst, line); d.ended && d.block.damaged {
			d.faults.add(FaultForeign, at)
		}
		d.block.count(dst[before:])
	}
	return dst
}

// yBlock is one file in yEnc, or one part of a file.
type yBlock struct {
	name    string
	size    int64 // of the whole file, -1 when it is not written
	part    bool  // of several
	length  int64 // that this part is said to have, -1 when it is not
	escaped bool  // a line ended within an escape

	n       int64
	sum     uint32
	damaged bool
}

// yBegin reads the line that begins a file: at least `line=`, `size=` and `name=`.
func yBegin(line []byte) (b yBlock, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("=ybegin "))
	if !ok {
		return b, false
	}
	values, name, named := bytes.Cut(rest, []byte("name="))
	b.name = string(bytes.Trim(name, " \t\""))
	b.length = -1
	var sized bool
	b.size, sized = yNumber(values, "size", 10)
	_, b.part = yNumber(values, "part", 10)
	_, lined := yNumber(values, "line", 10)
	return b, named && sized && lined
}

// yNumber returns the value of `key=value` in a line.
func yNumber(line []byte, key string, base int) (int64, bool) {
	for _, word := range bytes.Fields(line) {
		if k, v, _ := bytes.Cut(word, []byte("=")); string(k) == key {
			n, err := strconv.ParseInt(string(v), base, 64)
			return n, err == nil && n >= 0
		}
	}
	return -1, false
}

// line takes one line after the first, appends what it decodes to, and reports
// whether it was the last.
func (b *yBlock) line(dst, line []byte) ([]byte, bool) {
	if rest, ok := bytes.CutPrefix(line, []byte("=ypart ")); ok && b.n == 0 && b.part {
		begin, ok1 := yNumber(rest, "begin", 10)
		end, ok2 := yNumber(rest, "end", 10)
		if ok1 && ok2 && begin >= 1 && end >= begin-1 {
			b.length = end - begin + 1
		} else {
			b.damaged = true
		}
		return dst, false
	}
	if rest, ok := bytes.CutPrefix(line, []byte("=yend")); ok {
		b.end(rest)
		return dst, true
	}
	if len(line) == maxLine {
		b.damaged = true
	}
	return b.data(dst, line), false
}

// data appends what a line of data decodes to.
func (b *yBlock) data(dst, line []byte) []byte {
	for _, c := range line {
		switch {
		case b.escaped:
			b.escaped = false
			dst = append(dst, c-64-42)
		case c == '=':
			b.escaped = true
		default:
			dst = append(dst, c-42)
		}
	}
	if b.escaped { // it never goes over a line end
		b.escaped, b.damaged = false, true
	}
	return dst
}

// count takes note of data that was decoded.
func (b *yBlock) count(data []byte) {
	b.n += int64(len(data))
	b.sum = crc32.Update(b.sum, crc32.IEEETable, data)
}

// end compares what was decoded with what the last line says of it.
func (b *yBlock) end(line []byte) {
	size, ok := yNumber(line, "size", 10)
	switch {
	case !ok || size != b.n:
		b.damaged = true
	case b.part && b.length >= 0 && b.length != b.n:
		b.damaged = true
	case !b.part && b.size != b.n:
		b.damaged = true
	}
	sum, ok := yNumber(line, "pcrc32", 16)
	if !ok && !b.part {
		sum, ok = yNumber(line, "crc32", 16)
	}
	if ok && uint32(sum) != b.sum {
		b.damaged = true
	}
}
