package tnef

import "encoding/binary"

// cursor takes little-endian values from a part of a stream.
type cursor struct {
	data []byte
	pos  int
	base int // where data lies in the whole stream
}

func (c *cursor) left() int { return len(c.data) - c.pos }
func (c *cursor) at() int   { return c.base + c.pos }

// take returns the next n bytes, or none when there are fewer.
func (c *cursor) take(n uint32) ([]byte, bool) {
	if uint64(n) > uint64(c.left()) {
		return nil, false
	}
	end := c.pos + int(n)
	b := c.data[c.pos:end:end]
	c.pos = end
	return b, true
}

// padded is take for a value that is filled up to a multiple of four bytes. At the
// very end the filling may be missing.
func (c *cursor) padded(n uint32) ([]byte, bool) {
	b, ok := c.take(n)
	if ok {
		c.pos += min(int(-n%4), c.left())
	}
	return b, ok
}

func (c *cursor) u16() (uint16, bool) {
	b, ok := c.take(2)
	if !ok {
		return 0, false
	}
	return binary.LittleEndian.Uint16(b), true
}

func (c *cursor) u32() (uint32, bool) {
	b, ok := c.take(4)
	if !ok {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}
