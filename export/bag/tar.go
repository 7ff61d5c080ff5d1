package bag

import (
	"bytes"
	"fmt"
	"strconv"
)

// BlockSize is the size of a block of the archive (section 4).
const BlockSize = 512

// TrailerSize is the size of the archive's end: two blocks of zero bytes.
const TrailerSize = 2 * BlockSize

// Offsets and widths of the ustar header's fields (IEEE Std 1003.1-1988,
// section 10.1.1).
const (
	modTime     = 315532800 // 1980-01-01T00:00:00Z
	offMode     = 100
	offUID      = 108
	offGID      = 116
	offSize     = 124
	offTime     = 136
	offSum      = 148
	offType     = 156
	offMagic    = 257
	offDevMajor = 329
	offDevMinor = 337
)

// TarHeader returns the one header block that an entry of this name and size has:
// numbers in octal digits that fill the field and end with NUL, the checksum in
// six digits, NUL and a blank.
func TarHeader(name string, size int64) ([BlockSize]byte, error) {
	var h [BlockSize]byte
	if err := CheckName(name); err != nil {
		return h, err
	}
	if size < 0 || size > MaxEntry {
		return h, invalid("size %d of %s", size, name)
	}
	copy(h[:], name)
	copy(h[offMode:], "0000644\x00")
	copy(h[offUID:], "0000000\x00")
	copy(h[offGID:], "0000000\x00")
	copy(h[offSize:], fmt.Sprintf("%011o\x00", size))
	copy(h[offTime:], fmt.Sprintf("%011o\x00", modTime))
	h[offType] = '0'
	copy(h[offMagic:], "ustar\x0000")
	copy(h[offDevMajor:], "0000000\x00")
	copy(h[offDevMinor:], "0000000\x00")
	sum := 8 * int(' ')
	for _, b := range h {
		sum += int(b)
	}
	copy(h[offSum:], fmt.Sprintf("%06o\x00 ", sum))
	return h, nil
}

// ParseTarHeader is the inverse of TarHeader. It refuses every block that TarHeader
// does not write: other types, owners, times, prefixes, spellings of numbers,
// checksums, and names that section 5 does not have (ErrName).
func ParseTarHeader(h *[BlockSize]byte) (name string, size int64, err error) {
	raw, _, _ := bytes.Cut(h[:offMode], []byte{0})
	name = string(raw)
	size, err = strconv.ParseInt(string(h[offSize:offTime-1]), 8, 64)
	if err != nil {
		return "", 0, invalid("size of entry %s", quote(name))
	}
	want, err := TarHeader(name, size)
	if err != nil {
		return "", 0, err
	}
	if want != *h {
		return "", 0, invalid("header of entry %s", quote(name))
	}
	return name, size, nil
}

// Padding returns how many zero bytes follow a content of this size.
func Padding(size int64) int64 { return -size & (BlockSize - 1) }

// quote renders hostile text in an error message.
func quote(s string) string { return strconv.QuoteToASCII(clip(s)) }
