package frame

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Writer joins data frames to a stream.
type Writer struct {
	dst     io.Writer
	entries []entry
	size    int64
	content int64
	err     error
}

// NewWriter returns a Writer to dst. dst sees one Write for each frame.
func NewWriter(dst io.Writer) *Writer {
	return &Writer{dst: dst}
}

// Append writes a data frame. ErrLimit is returned for an empty frame and for
// one past the limits, with nothing written.
func (w *Writer) Append(f Frame) error {
	switch {
	case w.err != nil:
		return w.err
	case f.Content < 1 || f.Content > MaxContent || len(f.Bytes) == 0 || len(f.Bytes) > maxFrameSize:
		return fmt.Errorf("%w: a frame of %d bytes with %d bytes of content", ErrLimit, len(f.Bytes), f.Content)
	case len(w.entries)+2 > MaxFrames: // one is kept for padding
		return fmt.Errorf("%w: more than %d frames", ErrLimit, MaxFrames)
	}
	if err := w.write(f.Bytes); err != nil {
		return err
	}
	w.entries = append(w.entries, entry{uint32(len(f.Bytes)), uint32(f.Content)})
	w.content += int64(f.Content)
	return nil
}

// Size is the sum of the sizes of the frames written, in bytes: without
// padding and seek table before Close, with them after.
func (w *Writer) Size() int64 { return w.size }

// ContentSize is the length of the archive so far, in bytes.
func (w *Writer) ContentSize() int64 { return w.content }

// Close ends the stream with padding, if pad is set or if the archive is more
// than MaxRatio times as long as the stream, and with the seek table. It does
// not close the underlying writer. A stream without any frame is refused with
// ErrLimit.
func (w *Writer) Close(pad bool) error {
	if w.err != nil {
		return w.err
	}
	n := len(w.entries)
	if n == 0 {
		return fmt.Errorf("%w: no frames", ErrLimit)
	}
	if pad || w.content > MaxRatio*(w.size+tableSize(n)) {
		padding := paddedSize(w.size, w.content, n) - w.size - tableSize(n+1)
		if padding > maxSkippable {
			return fmt.Errorf("%w: %d bytes of padding", ErrLimit, padding)
		}
		if err := w.pad(padding); err != nil {
			return err
		}
		w.entries = append(w.entries, entry{uint32(padding), 0})
	}
	if err := w.write(appendTable(nil, w.entries)); err != nil {
		return err
	}
	w.err = ErrClosed
	return nil
}

// pad writes a skippable frame of size bytes in all.
func (w *Writer) pad(size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	binary.LittleEndian.PutUint32(zeros, magicPadding)
	binary.LittleEndian.PutUint32(zeros[4:], uint32(size-skippableHeader))
	for size > 0 {
		n := min(size, int64(len(zeros)))
		if err := w.write(zeros[:n]); err != nil {
			return err
		}
		clear(zeros[:skippableHeader])
		size -= n
	}
	return nil
}

func (w *Writer) write(p []byte) error {
	n, err := w.dst.Write(p)
	w.size += int64(n)
	if err == nil && n != len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = err
	}
	return err
}

// appendTable appends the seek table of the entries to dst.
func appendTable(dst []byte, entries []entry) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, magicTable)
	dst = le.AppendUint32(dst, uint32(tableEntry*len(entries)+tableFooter))
	for _, e := range entries {
		dst = le.AppendUint32(dst, e.size)
		dst = le.AppendUint32(dst, e.content)
	}
	dst = le.AppendUint32(dst, uint32(len(entries)))
	dst = append(dst, 0)
	return le.AppendUint32(dst, magicFooter)
}
