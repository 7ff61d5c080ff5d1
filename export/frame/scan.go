package frame

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A source reads a stream, and keeps apart its end, which is the sender's
// doing, from a failure to read, which is not.
type source struct {
	buf *bufio.Reader
}

func newSource(r io.Reader) source {
	return source{bufio.NewReaderSize(marker{r}, 64<<10)}
}

// full fills p. ErrCorrupt if the stream ends before.
func (s source) full(p []byte) error {
	_, err := io.ReadFull(s.buf, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return corrupt("it ends too early")
	}
	return err
}

// marker marks the errors of a reader, so that none is taken for its end.
type marker struct{ r io.Reader }

func (m marker) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// readError is an error of the underlying reader.
type readError struct{ err error }

func (e *readError) Error() string { return "read stream: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// A scanner finds where a data frame ends, from the headers of frame and
// blocks (RFC 8878 section 3.1.1), and collects its bytes. It never holds more
// than has arrived, nor more than maxFrameSize.
type scanner struct {
	src source
	buf []byte
}

// more reads n bytes more of the frame and returns them.
func (s *scanner) more(n int) ([]byte, error) {
	start := len(s.buf)
	if start+n > maxFrameSize {
		return nil, fmt.Errorf("%w: a frame of more than %d bytes", ErrLimit, maxFrameSize)
	}
	// append grows the buffer by factors, so that blocks cost no copy each.
	s.buf = append(s.buf, make([]byte, n)...)
	if err := s.src.full(s.buf[start:]); err != nil {
		return nil, err
	}
	return s.buf[start:], nil
}

// frame reads the rest of a data frame whose magic number stands in s.buf, up
// to its last byte, and returns the size of its content as it says it.
func (s *scanner) frame() (content int, err error) {
	content, block, err := s.header()
	if err != nil {
		return 0, err
	}
	for {
		h, err := s.more(3)
		if err != nil {
			return 0, err
		}
		v := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
		last, kind, size := v&1 == 1, v>>1&3, v>>3
		if size > block {
			return 0, corrupt("a block of %d bytes", size)
		}
		switch kind {
		case 0, 2: // raw, compressed
		case 1: // one byte, repeated
			size = 1
		default:
			return 0, corrupt("a block of a reserved type")
		}
		if _, err := s.more(size); err != nil {
			return 0, err
		}
		if last {
			_, err := s.more(4) // checksum
			return content, err
		}
	}
}

// header reads the frame header after the magic number and returns the size
// of the content and the largest size of a block.
func (s *scanner) header() (content, block int, err error) {
	b, err := s.more(1)
	if err != nil {
		return 0, 0, err
	}
	descriptor := b[0]
	single := descriptor&0x20 != 0
	switch {
	case descriptor&0x18 != 0:
		return 0, 0, corrupt("a frame header with unused bits")
	case descriptor&0x04 == 0:
		return 0, 0, corrupt("a frame without a checksum")
	case descriptor&0x03 != 0:
		return 0, 0, corrupt("a frame with a dictionary")
	case descriptor>>6 == 0 && !single:
		return 0, 0, corrupt("a frame that does not tell its content's size")
	}
	var win uint64
	if !single {
		if b, err = s.more(1); err != nil {
			return 0, 0, err
		}
		base := uint64(1) << (10 + b[0]>>3)
		win = base + base/8*uint64(b[0]&7)
	}
	size, err := s.contentSize(descriptor >> 6)
	if err != nil {
		return 0, 0, err
	}
	if single {
		win = size
	}
	if size > MaxContent || win > MaxContent {
		return 0, 0, fmt.Errorf("%w: a frame with %d bytes of content and a window of %d", ErrLimit, size, win)
	}
	if size == 0 {
		return 0, 0, corrupt("a frame without content")
	}
	return int(size), int(min(win, maxBlock)), nil
}

// contentSize reads Frame_Content_Size.
func (s *scanner) contentSize(flag byte) (uint64, error) {
	b, err := s.more(1 << flag)
	if err != nil {
		return 0, err
	}
	switch flag {
	case 0:
		return uint64(b[0]), nil
	case 1:
		return uint64(binary.LittleEndian.Uint16(b)) + 256, nil
	case 2:
		return uint64(binary.LittleEndian.Uint32(b)), nil
	default:
		return binary.LittleEndian.Uint64(b), nil
	}
}

// newDecoder returns a decoder for single frames, for one goroutine.
func newDecoder() (*zstd.Decoder, error) {
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxMemory(MaxContent),
		zstd.WithDecoderMaxWindow(MaxContent),
	)
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return d, nil
}

// decode decompresses a scanned frame into the storage of dst, or into new
// storage.
func decode(d *zstd.Decoder, dst, frame []byte, content int) ([]byte, error) {
	if cap(dst) < content+decodeSlack {
		dst = make([]byte, 0, content+decodeSlack)
	}
	out, err := d.DecodeAll(frame, dst[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if len(out) != content {
		return nil, corrupt("a frame of %d bytes of content holds %d", content, len(out))
	}
	return out, nil
}

// decodeSlack is room behind the content that lets the decoder copy in words.
const decodeSlack = 32
