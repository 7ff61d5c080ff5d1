package transfer

import (
	"bytes"
	"slices"
)

// quotedDecoder undoes quoted-printable.
type quotedDecoder struct {
	held   [2]byte // an escape so far: `=`, `=X` or `=` and CR
	n      int
	pos    int64
	faults faults
}

// QuotedPrintable returns a decoder of quoted-printable (RFC 2045, section 6.7).
// Hexadecimal digits may be in lower case; a soft line break is `=` before CRLF,
// LF, CR, or the end. Line ends stay as they are, and so does white space before
// them: section 6.7 rule 3 has it deleted, but readers agree on keeping it, and
// so does the digest of what was sent by a sender that does not encode it.
//
// An `=` that begins none of these stays, and is a FaultEscape.
func QuotedPrintable() Decoder { return &quotedDecoder{} }

func (d *quotedDecoder) Reset() { *d = quotedDecoder{} }

func (d *quotedDecoder) Faults() []Fault { return d.faults.list() }

func (d *quotedDecoder) Decode(dst, src []byte) []byte {
	dst = slices.Grow(dst, len(src)+len(d.held))
	i := 0
	for d.n > 0 && i < len(src) {
		if d.resume(&dst, src[i], d.pos+int64(i)) {
			i++
		}
	}
	for i < len(src) {
		if src[i] != '=' {
			n := bytes.IndexByte(src[i:], '=')
			if n < 0 {
				dst = append(dst, src[i:]...)
				break
			}
			dst = append(dst, src[i:i+n]...)
			i += n
		}
		n, c, what := escape(src[i:])
		switch what {
		case escapeOctet:
			dst = append(dst, c)
		case escapeNone:
			d.faults.add(FaultEscape, d.pos+int64(i))
			dst = append(dst, '=')
		case escapeOpen:
			d.n = copy(d.held[:], src[i:])
			n = len(src) - i
		}
		i += n
	}
	d.pos += int64(len(src))
	return dst
}

// What an `=` begins.
const (
	escapeNone  = iota // nothing: it stands for itself
	escapeOctet        // `=XX`
	escapeSoft         // a soft line break
	escapeOpen         // not known before more bytes are there
)

// escape reads what src, which begins with `=`, begins with, and its length.
func escape(src []byte) (n int, c byte, what int) {
	if len(src) < 2 {
		return 0, 0, escapeOpen
	}
	switch src[1] {
	case '\n':
		return 2, 0, escapeSoft
	case '\r':
		switch {
		case len(src) < 3:
			return 0, 0, escapeOpen
		case src[2] == '\n':
			return 3, 0, escapeSoft
		}
		return 2, 0, escapeSoft
	}
	hi := digits16[src[1]]
	if hi == noDigit {
		return 1, 0, escapeNone
	}
	if len(src) < 3 {
		return 0, 0, escapeOpen
	}
	lo := digits16[src[2]]
	if lo == noDigit {
		return 1, 0, escapeNone
	}
	return 3, hi<<4 | lo, escapeOctet
}

// resume goes on with the escape that the piece before ended in, and c, which
// lies at an offset. It reports whether c was taken.
func (d *quotedDecoder) resume(dst *[]byte, c byte, at int64) bool {
	var open [3]byte
	held := append(append(open[:0], d.held[:d.n]...), c)
	n, octet, what := escape(held)
	switch what {
	case escapeOpen:
		d.n = copy(d.held[:], held)
		return true
	case escapeOctet:
		*dst = append(*dst, octet)
	case escapeNone:
		d.faults.add(FaultEscape, at-int64(d.n))
		*dst = append(*dst, '=')
		*dst = append(*dst, d.held[1:d.n]...) // a digit, which begins nothing
	}
	taken := n == len(held)
	d.n = 0
	return taken
}

func (d *quotedDecoder) Close(dst []byte) []byte {
	if d.n == 2 && d.held[1] != '\r' {
		d.faults.add(FaultEscape, d.pos-2)
		dst = append(dst, d.held[:2]...)
	}
	d.n = 0
	return dst
}

// digits16 gives the value of a hexadecimal digit, or noDigit.
var digits16 = func() (table [256]byte) {
	for i := range table {
		table[i] = noDigit
	}
	for i := range byte(10) {
		table['0'+i] = i
	}
	for i := range byte(6) {
		table['a'+i], table['A'+i] = 10+i, 10+i
	}
	return table
}()
