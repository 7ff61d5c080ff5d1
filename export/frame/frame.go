// Package frame reads and writes the zstd stream of a volume: independent
// frames, padding, and a seek table, as export/FORMAT.md section 3 has it.
//
// The archive is the concatenation of the contents of the data frames. Frames
// are made by Encoders, one a goroutine, and joined in order by a Writer; they
// are read back from end to end by a Reader, which decodes ahead, or at random
// by an At. Both readers take the stream for hostile: memory is bounded by the
// limits below whatever it says, and what the format does not allow is refused.
package frame

import (
	"errors"
	"fmt"
	"math/bits"
)

// Limits of a stream. A Writer keeps them, a reader refuses what exceeds them.
const (
	// MaxContent is the largest content of one data frame, in bytes. It is
	// the largest window of a frame, too.
	MaxContent = 32 << 20
	// MaxRatio is how many times longer than the whole stream the archive may
	// be.
	MaxRatio = 1024
	// MaxFrames is the largest number of frames in a seek table, padding
	// included.
	MaxFrames = 1 << 20
	// maxFrameSize is the largest compressed data frame, in bytes. Contents
	// that do not compress take three bytes per block more than they are.
	maxFrameSize = MaxContent + 1<<20
	// maxBlock is Block_Maximum_Size of RFC 8878 section 3.1.1.2.4.
	maxBlock = 128 << 10
	// maxSkippable is the largest content of a skippable frame.
	maxSkippable = 1<<32 - 1
)

// Magic numbers.
const (
	magicZstd    = 0xFD2FB528 // RFC 8878 section 3.1.1
	magicPadding = 0x184D2A50 // RFC 8878 section 3.1.2
	magicTable   = 0x184D2A5E
	magicFooter  = 0x8F92EAB1
)

// Sizes in the stream, in bytes.
const (
	skippableHeader = 8
	tableEntry      = 8
	tableFooter     = 9
)

// The kinds of errors, for errors.Is. Any other error comes from the
// underlying reader or writer.
var (
	// ErrCorrupt: the bytes are not such a stream, or were altered.
	ErrCorrupt = errors.New("zstd stream is damaged")
	// ErrTable: the seek table is damaged, or is not that of the stream.
	ErrTable = errors.New("seek table does not fit the stream")
	// ErrRatio: the archive is more than MaxRatio times as long as the stream.
	ErrRatio = errors.New("stream decompresses to too much")
	// ErrLimit: a frame or the number of frames exceeds a limit.
	ErrLimit = errors.New("stream exceeds a limit")
	// ErrRange: an offset or frame number lies outside of the stream.
	ErrRange = errors.New("outside of the stream")
	// ErrClosed: the Writer or Reader was closed before.
	ErrClosed = errors.New("closed already")
)

// Frame is one data frame.
type Frame struct {
	// Bytes is the zstd frame.
	Bytes []byte
	// Content is the length of what it decompresses to.
	Content int
}

// entry is one line of the seek table.
type entry struct {
	size    uint32 // of the frame
	content uint32 // of what it decompresses to
}

// PadmeSize returns PADMÉ(n): n rounded up so that its length tells only the
// order of magnitude and a few leading bits, at most 12 % more than n.
// See Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
// Communication with PURBs", 2019, section 4.
func PadmeSize(n uint64) uint64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(n) - 1
	s := bits.Len(uint(e))
	mask := uint64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}

// tableSize is the size of a seek table of n entries, in bytes.
func tableSize(n int) int64 {
	return skippableHeader + tableEntry*int64(n) + tableFooter
}

// paddedSize is the length of a stream with a padding frame: frames is the
// sum of the sizes of n data frames, content that of their contents.
func paddedSize(frames, content int64, n int) int64 {
	least := frames + skippableHeader + tableSize(n+1)
	if byRatio := (content + MaxRatio - 1) / MaxRatio; byRatio > least {
		least = byRatio
	}
	return int64(PadmeSize(uint64(least)))
}

// corrupt makes an error of kind ErrCorrupt.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
