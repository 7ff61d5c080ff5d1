package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// cached is how many decoded frames an At keeps.
const cached = 3

// At reads a stream at random, by its seek table. It checks the table by itself
// and each frame that it reads, but nothing else: not the content of the
// padding, nor the frames that it does not read. It may be used by several
// goroutines at once.
type At struct {
	r      io.ReaderAt
	frames []location
	size   int64

	mu    sync.Mutex
	z     *zstd.Decoder
	cache []decoded // the latest used last
}

// A location is where a data frame lies.
type location struct {
	entry
	offset int64 // of the frame, in the stream
	start  int64 // of its content, in the archive
}

type decoded struct {
	frame int
	data  []byte
}

// OpenAt reads the seek table of a stream of size bytes. ErrTable if there is
// none, or if it does not add up to the stream.
func OpenAt(r io.ReaderAt, size int64) (*At, error) {
	entries, err := readTable(r, size)
	if err != nil {
		return nil, err
	}
	a := &At{r: r}
	t := tally{entries: entries}
	var offset int64
	for i, e := range entries {
		switch {
		case e.content == 0 && i == len(entries)-1 && e.size >= skippableHeader:
			t.padding = int64(e.size)
		case e.content == 0 || e.size == 0:
			return nil, fmt.Errorf("%w: frame %d is empty", ErrTable, i)
		case e.content > MaxContent || e.size > maxFrameSize:
			return nil, fmt.Errorf("%w: frame %d takes %d bytes, its content %d", ErrLimit, i, e.size, e.content)
		default:
			a.frames = append(a.frames, location{e, offset, a.size})
			a.size += int64(e.content)
			t.frames += int64(e.size)
		}
		offset += int64(e.size)
	}
	if offset+tableSize(len(entries)) != size {
		return nil, fmt.Errorf("%w: it adds up to %d bytes, the stream has %d", ErrTable, offset+tableSize(len(entries)), size)
	}
	t.content = a.size
	if err := t.check(); err != nil {
		return nil, err
	}
	if a.z, err = newDecoder(); err != nil {
		return nil, err
	}
	return a, nil
}

// readTable reads the entries of the seek table at the end of a stream.
func readTable(r io.ReaderAt, size int64) ([]entry, error) {
	if size < tableSize(0) {
		return nil, fmt.Errorf("%w: a stream of %d bytes has none", ErrTable, size)
	}
	le := binary.LittleEndian
	var footer [tableFooter]byte
	if err := readAt(r, footer[:], size-tableFooter); err != nil {
		return nil, err
	}
	n := le.Uint32(footer[:])
	switch {
	case le.Uint32(footer[5:]) != magicFooter || footer[4] != 0:
		return nil, fmt.Errorf("%w: the stream does not end with one", ErrTable)
	case n > MaxFrames:
		return nil, fmt.Errorf("%w: %d frames", ErrLimit, n)
	case tableSize(int(n)) > size:
		return nil, fmt.Errorf("%w: it is longer than the stream", ErrTable)
	}
	b := make([]byte, tableSize(int(n))-tableFooter)
	if err := readAt(r, b, size-tableSize(int(n))); err != nil {
		return nil, err
	}
	if le.Uint32(b) != magicTable || le.Uint32(b[4:]) != uint32(len(b)-skippableHeader+tableFooter) {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrTable)
	}
	entries := make([]entry, n)
	for i := range entries {
		e := b[skippableHeader+tableEntry*i:]
		entries[i] = entry{le.Uint32(e), le.Uint32(e[4:])}
	}
	return entries, nil
}

// readAt fills p from offset on. ErrCorrupt if the stream ends before.
func readAt(r io.ReaderAt, p []byte, offset int64) error {
	n, err := r.ReadAt(p, offset)
	switch {
	case n == len(p):
		return nil
	case err == nil || err == io.EOF:
		return corrupt("it ends too early")
	}
	return &readError{err}
}

// Frames is the number of data frames.
func (a *At) Frames() int { return len(a.frames) }

// Size is the length of the archive in bytes.
func (a *At) Size() int64 { return a.size }

// ReadFrame returns the content of data frame i, from 0, in storage of its own.
func (a *At) ReadFrame(i int) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	data, err := a.frame(i)
	return slices.Clone(data), err
}

// Tail returns the content of the last data frame but one: in the last volume
// of a package that is the tail of FORMAT.md section 4.
func (a *At) Tail() ([]byte, error) {
	if len(a.frames) < 2 {
		return nil, corrupt("it has %d data frames", len(a.frames))
	}
	return a.ReadFrame(len(a.frames) - 2)
}

// ReadAt reads from the archive, as io.ReaderAt says.
func (a *At) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("%w: offset %d", ErrRange, offset)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at >= a.size {
			return n, io.EOF
		}
		i := sort.Search(len(a.frames), func(i int) bool { return a.frames[i].start > at }) - 1
		data, err := a.frame(i)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data[at-a.frames[i].start:])
	}
	return n, nil
}

// frame returns the content of data frame i, from the cache if it is there.
func (a *At) frame(i int) ([]byte, error) {
	if i < 0 || i >= len(a.frames) {
		return nil, fmt.Errorf("%w: frame %d", ErrRange, i)
	}
	for k, c := range a.cache {
		if c.frame == i {
			a.cache = append(slices.Delete(a.cache, k, k+1), c)
			return c.data, nil
		}
	}
	data, err := a.load(a.frames[i])
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", i, err)
	}
	if len(a.cache) == cached {
		a.cache = slices.Delete(a.cache, 0, 1)
	}
	a.cache = append(a.cache, decoded{i, data})
	return data, nil
}

// load reads, checks and decodes a frame.
func (a *At) load(l location) ([]byte, error) {
	frame := make([]byte, l.size)
	if err := readAt(a.r, frame, l.offset); err != nil {
		return nil, err
	}
	s := scanner{src: newSource(bytes.NewReader(frame)), buf: make([]byte, 0, len(frame))}
	b, err := s.more(4)
	if err != nil {
		return nil, err
	}
	if magic := binary.LittleEndian.Uint32(b); magic != magicZstd {
		return nil, corrupt("a frame of magic number %#08x", magic)
	}
	content, err := s.frame()
	if err != nil {
		return nil, err
	}
	if content != int(l.content) || len(s.buf) != int(l.size) {
		return nil, fmt.Errorf("%w: it lists %d bytes with %d of content, there are %d with %d",
			ErrTable, l.size, l.content, len(s.buf), content)
	}
	return decode(a.z, nil, frame, content)
}
