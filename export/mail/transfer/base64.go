package transfer

import (
	"encoding/binary"
	"slices"
	"sync"
)

const (
	alphabet64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

	noDigit = 0xFF   // in digits64
	noPair  = 0xF000 // bits that are set in pairs64 where there are no two digits
)

// digits64 gives the value of a digit of base64 (RFC 4648, section 4), or noDigit.
var digits64 = func() (table [256]byte) {
	for i := range table {
		table[i] = noDigit
	}
	for i, c := range []byte(alphabet64) {
		table[c] = byte(i)
	}
	return table
}()

// pairs64 gives the 12 bits of two digits that are read as one little-endian
// number. Only 12 KiB of the table are ever touched by clean text.
var pairs64 = sync.OnceValue(func() *[1 << 16]uint16 {
	table := new([1 << 16]uint16)
	for i := range table {
		hi, lo := digits64[byte(i)], digits64[i>>8]
		table[i] = noPair
		if hi != noDigit && lo != noDigit {
			table[i] = uint16(hi)<<6 | uint16(lo)
		}
	}
	return table
})

// base64Decoder undoes base64.
type base64Decoder struct {
	pairs  *[1 << 16]uint16
	group  uint32 // the digits of the group so far
	digits int    // how many
	pads   int    // how many `=` came after them
	padAt  int64  // where the first of these is
	done   bool   // a group ended with its padding
	pos    int64
	faults faults
}

// Base64 returns a decoder of base64 (RFC 2045, section 6.8). White space may be
// anywhere; other bytes that are no digits are passed over. Padding that
// completes a group ends the data, as most readers have it; what comes after it
// counts for nothing. An `=` elsewhere is passed over. At the end, the whole
// bytes of a group that is not complete count.
//
// Faults are FaultForeign, FaultPadding (digits after the end), and FaultCut,
// whose offset is that of the end.
func Base64() Decoder { return &base64Decoder{pairs: pairs64()} }

func (d *base64Decoder) Reset() { *d = base64Decoder{pairs: d.pairs} }

func (d *base64Decoder) Faults() []Fault { return d.faults.list() }

func (d *base64Decoder) Decode(dst, src []byte) []byte {
	dst = slices.Grow(dst, len(src)/4*3+8)
	for i := 0; i < len(src); {
		if d.digits == 0 && !d.done {
			n := 0
			if dst, n = d.groups(dst, src[i:]); n > 0 {
				i += n
				continue
			}
		}
		if d.done {
			d.after(src[i:], d.pos+int64(i))
			break
		}
		dst = d.byte(dst, src[i], d.pos+int64(i))
		i++
	}
	d.pos += int64(len(src))
	return dst
}

// groups decodes whole groups and the line ends between them, and returns how
// many bytes of src it took. dst has room for it.
func (d *base64Decoder) groups(dst, src []byte) ([]byte, int) {
	at, i, begin := len(dst), 0, 0
	out := dst[:cap(dst)]
	pairs := d.pairs
	for len(src)-i >= 8 && len(out)-at >= 8 {
		x := binary.LittleEndian.Uint64(src[i:])
		a, b, c, e := pairs[uint16(x)], pairs[uint16(x>>16)], pairs[uint16(x>>32)], pairs[x>>48]
		if (a|b|c|e)&noPair == 0 {
			binary.BigEndian.PutUint64(out[at:], join(a, b, c, e))
			at, i = at+6, i+8
			continue
		}
		if (a|b)&noPair == 0 {
			binary.BigEndian.PutUint32(out[at:], uint32(a)<<20|uint32(b)<<8)
			at, i = at+3, i+4
		}
		n := lineEnd(src[i:])
		if n == 0 {
			break
		}
		width := i - begin
		i += n
		if n == 2 && width >= 8 {
			n = d.sameLines(out[at:], src[i:], width)
			at, i = at+n*(width/4*3), i+n*(width+2)
		}
		begin = i
	}
	return out[:at], i
}

// sameLines decodes lines of width digits and CRLF, as long as there are such,
// and returns how many it decoded to the beginning of out.
func (d *base64Decoder) sameLines(out, src []byte, width int) int {
	size, n := width/4*3, 0
	for len(src) >= width+2 && len(out) >= size+2 && src[width] == '\r' && src[width+1] == '\n' {
		if !decodeLine(d.pairs, out[:size+2], src[:width]) {
			break
		}
		out, src = out[size:], src[width+2:]
		n++
	}
	return n
}

// decodeLine decodes whole groups to out, which has two bytes more than they
// give, and reports whether all bytes were digits.
func decodeLine(pairs *[1 << 16]uint16, out, line []byte) bool {
	var all uint16
	for len(line) >= 8 && len(out) >= 8 {
		x := binary.LittleEndian.Uint64(line)
		a, b, c, d := pairs[uint16(x)], pairs[uint16(x>>16)], pairs[uint16(x>>32)], pairs[x>>48]
		all |= a | b | c | d
		binary.BigEndian.PutUint64(out, join(a, b, c, d))
		line, out = line[8:], out[6:]
	}
	if len(line) >= 4 {
		x := binary.LittleEndian.Uint32(line)
		a, b := pairs[uint16(x)], pairs[x>>16]
		all |= a | b
		out[0], out[1], out[2] = byte(a>>4), byte(a<<4|b>>8), byte(b)
	}
	return all&noPair == 0
}

// join puts four pairs of digits into the upper 48 bits.
func join(a, b, c, d uint16) uint64 {
	return uint64(a)<<52 | uint64(b)<<40 | uint64(c)<<28 | uint64(d)<<16
}

// lineEnd returns the length of the line end that b begins with, or 0.
func lineEnd(b []byte) int {
	switch {
	case b[0] == '\n':
		return 1
	case b[0] == '\r' && b[1] == '\n':
		return 2
	}
	return 0
}

// byte takes one byte of the text at an offset.
func (d *base64Decoder) byte(dst []byte, c byte, at int64) []byte {
	v := digits64[c]
	switch {
	case v != noDigit:
		if d.pads > 0 {
			d.faults.add(FaultForeign, d.padAt)
			d.pads = 0
		}
		d.group = d.group<<6 | uint32(v)
		if d.digits++; d.digits == 4 {
			dst = append(dst, byte(d.group>>16), byte(d.group>>8), byte(d.group))
			d.digits, d.group = 0, 0
		}
	case c == '=' && d.digits >= 2:
		if d.pads == 0 {
			d.padAt = at
		}
		if d.pads++; d.digits+d.pads >= 4 {
			dst = d.flush(dst)
			d.done = true
		}
	case c != '\r' && c != '\n' && c != ' ' && c != '\t':
		d.faults.add(FaultForeign, at)
	}
	return dst
}

// after looks for digits after the end of the data.
func (d *base64Decoder) after(src []byte, at int64) {
	if d.faults.has(FaultPadding) {
		return
	}
	for i, c := range src {
		if digits64[c] != noDigit {
			d.faults.add(FaultPadding, at+int64(i))
			return
		}
	}
}

// flush appends the whole bytes of a group that is not complete.
func (d *base64Decoder) flush(dst []byte) []byte {
	switch d.digits {
	case 2:
		dst = append(dst, byte(d.group>>4))
	case 3:
		dst = append(dst, byte(d.group>>10), byte(d.group>>2))
	}
	d.digits, d.pads, d.group = 0, 0, 0
	return dst
}

func (d *base64Decoder) Close(dst []byte) []byte {
	if d.digits > 0 {
		d.faults.add(FaultCut, d.pos)
	}
	return d.flush(dst)
}
