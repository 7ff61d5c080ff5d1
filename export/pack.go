package export

import (
	"crypto/sha256"
	"fmt"
	"io"

	"exhibit/export/bag"
	"exhibit/export/frame"
)

// batchBytes bounds what one data frame holds (FORMAT.md section 3).
const batchBytes = 16 << 20

// entry is a tar entry within a chunk: the offset of its content from the
// chunk's beginning.
type entry struct {
	name   string
	offset int64
	size   int64
}

// chunk is one data frame on its way into a volume, and the entries that begin
// in it. more says that the next chunk continues its last entry, so that no
// volume may end between them.
type chunk struct {
	frame   frame.Frame
	entries []entry
	more    bool
}

// packer makes data frames of tar entries, as FORMAT.md sections 3 and 4 say.
// It is used by one goroutine.
type packer struct {
	enc     *frame.Encoder
	emit    func(chunk) error
	buf     []byte
	entries []entry
}

func newPacker(emit func(chunk) error) (*packer, error) {
	enc, err := frame.NewEncoder()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &packer{enc: enc, emit: emit}, nil
}

// entrySize is what an entry takes in the archive: header, content, padding.
func entrySize(size int64) int64 { return 512 + (size+511)/512*512 }

// add packs one entry with what r gives, which must be size bytes, and returns
// the digest of its content.
func (p *packer) add(name string, size int64, r io.Reader) ([32]byte, error) {
	var sum [32]byte
	if size > bag.MaxEntry {
		return sum, fmt.Errorf("pack %s: %d bytes are more than the %d that an entry can hold", name, size, int64(bag.MaxEntry))
	}
	spans := entrySize(size) > batchBytes
	if spans || int64(len(p.buf))+entrySize(size) > batchBytes {
		if err := p.flush(); err != nil {
			return sum, err
		}
	}
	header, err := bag.TarHeader(name, size)
	if err != nil {
		return sum, fmt.Errorf("pack %s: %w", name, err)
	}
	p.buf = append(p.buf, header[:]...)
	p.entries = append(p.entries, entry{name: name, offset: int64(len(p.buf)), size: size})
	h := sha256.New()
	if err := p.content(name, size, io.TeeReader(r, h)); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	if spans {
		return sum, p.cut(false)
	}
	return sum, nil
}

// content appends size bytes of r and the padding, cutting whenever a frame is full.
func (p *packer) content(name string, size int64, r io.Reader) error {
	for left := size; left > 0; {
		if len(p.buf) == batchBytes {
			if err := p.cut(true); err != nil {
				return err
			}
		}
		n := int(min(left, int64(batchBytes-len(p.buf))))
		at := len(p.buf)
		p.grow(n)
		if _, err := io.ReadFull(r, p.buf[at:]); err != nil {
			return fmt.Errorf("pack %s: %w", name, noEOF(err))
		}
		left -= int64(n)
	}
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n != 0:
		return fmt.Errorf("pack %s: more than the %d bytes that were announced", name, size)
	case err != io.EOF: // what a source has to say at its end, such as that it is damaged
		return fmt.Errorf("pack %s: %w", name, err)
	}
	pad := int(entrySize(size) - 512 - size)
	if len(p.buf)+pad > batchBytes {
		return fmt.Errorf("pack %s: frame overflow", name) // batchBytes is a multiple of 512
	}
	for range pad {
		p.buf = append(p.buf, 0)
	}
	return nil
}

func (p *packer) grow(n int) {
	if cap(p.buf)-len(p.buf) < n {
		next := make([]byte, len(p.buf), min(batchBytes, max(2*cap(p.buf), len(p.buf)+n)))
		copy(next, p.buf)
		p.buf = next
	}
	p.buf = p.buf[:len(p.buf)+n]
}

// flush ends the batch at hand, if there is one.
func (p *packer) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	return p.cut(false)
}

func (p *packer) cut(more bool) error {
	c := chunk{frame: p.enc.Encode(nil, p.buf), entries: p.entries, more: more}
	p.buf, p.entries = p.buf[:0], nil
	return p.emit(c)
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
