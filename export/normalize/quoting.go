package normalize

import "bytes"

var fromSpace = []byte("From ")

// unquote removes one `>` from every line `>+From `. It reports false, and does
// nothing, when there is no such line, or when a line begins with `From `
// itself: mboxrd would have quoted that.
func unquote(b []byte) ([]byte, bool) {
	at, plain := fromLines(b)
	if plain || len(at) == 0 {
		return b, false
	}
	out := make([]byte, 0, len(b)-len(at))
	pos := 0
	for _, i := range at {
		out = append(out, b[pos:i]...)
		pos = i + 1
	}
	return append(out, b[pos:]...), true
}

// quote puts one `>` before every line `>*From `.
func quote(b []byte) []byte {
	end := lineEnd(b)
	out := make([]byte, 0, len(b)+len(b)/64)
	pos := 0
	for i := 0; ; {
		j := bytes.Index(b[i:], fromSpace)
		if j < 0 {
			return append(out, b[pos:]...)
		}
		if start, ok := lineOfFrom(b, i+j, pos, end); ok {
			out = append(append(out, b[pos:start]...), '>')
			pos = start
		}
		i += j + len(fromSpace)
	}
}

// fromLines returns where the lines `>+From ` begin, and whether there is a line
// `From `.
func fromLines(b []byte) (at []int, plain bool) {
	end := lineEnd(b)
	for i := 0; ; {
		j := bytes.Index(b[i:], fromSpace)
		if j < 0 {
			return at, plain
		}
		if start, ok := lineOfFrom(b, i+j, i, end); ok {
			if start == i+j {
				plain = true
			} else {
				at = append(at, start)
			}
		}
		i += j + len(fromSpace)
	}
}

// lineOfFrom returns where the line begins that consists of any number of `>`
// before the `From ` at p; false when there is anything else before it. Nothing
// before low is looked at; end is what a line ends with.
func lineOfFrom(b []byte, p, low int, end byte) (int, bool) {
	i := p
	for i > low && b[i-1] == '>' {
		i--
	}
	return i, i == 0 || b[i-1] == end
}

// lineEnd returns the last byte of the line ends of b: CR alone is one only
// where no LF occurs. Quoting does not change which it is.
func lineEnd(b []byte) byte {
	if bytes.IndexByte(b, '\n') < 0 {
		return '\r'
	}
	return '\n'
}
