package open

import (
	"context"
	"errors"
	"fmt"
	"io"

	"exhibit/export/bag"
)

// unpacker writes the entries of all archives of a package to a sink.
type unpacker struct {
	sink   Sink
	limits limits
	seq    bag.Sequence
	tail   int64 // bytes of the tail so far
	buf    []byte
}

func newUnpacker(sink Sink, l limits) *unpacker {
	return &unpacker{sink: sink, limits: l, buf: make([]byte, 256<<10)}
}

// sinkError is an error of writing: the package is not to blame.
type sinkError struct {
	name string
	err  error
}

func (e *sinkError) Error() string { return "write " + e.name + ": " + e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// archive unpacks one volume's archive, to its exact end (section 4).
func (u *unpacker) archive(ctx context.Context, r io.Reader) error {
	var block [bag.BlockSize]byte
	for entries := 0; ; entries++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := full(r, block[:]); err != nil {
			return err
		}
		if block == [bag.BlockSize]byte{} {
			if entries == 0 {
				return fail(EntryInvalid, "", "a volume without any entry")
			}
			return u.end(r)
		}
		if err := u.entry(&block, r); err != nil {
			return err
		}
	}
}

// end reads what follows the first of the two blocks that end an archive.
func (u *unpacker) end(r io.Reader) error {
	var block [bag.BlockSize]byte
	if err := full(r, block[:]); err != nil {
		return err
	}
	if block != [bag.BlockSize]byte{} {
		return fail(EntryInvalid, "", "the archive does not end as one")
	}
	n, err := io.ReadFull(r, block[:1])
	switch {
	case n > 0:
		return fail(EntryInvalid, "", "bytes after the end of the archive")
	case err != io.EOF:
		return err
	}
	return nil
}

// entry unpacks the entry of a header.
func (u *unpacker) entry(block *[bag.BlockSize]byte, r io.Reader) error {
	name, size, err := bag.ParseTarHeader(block)
	if err == nil {
		err = u.seq.Next(name)
	}
	if err != nil {
		return entryFailure(name, err)
	}
	if bag.IsTail(name) {
		if u.tail += bag.BlockSize + size + bag.Padding(size); u.tail > u.limits.tail {
			return fail(LimitExceeded, name, "the tail has more than %d bytes", u.limits.tail)
		}
	}
	w, err := u.sink.Create(name)
	if err != nil {
		return &sinkError{name, err}
	}
	if err := u.content(w, r, size); err != nil {
		_ = w.Close() // the first error says why; the file is discarded
		return noSink(name, err)
	}
	if err := w.Close(); err != nil {
		return &sinkError{name, err}
	}
	pad := u.buf[:bag.Padding(size)]
	if err := full(r, pad); err != nil {
		return err
	}
	for _, b := range pad {
		if b != 0 {
			return fail(EntryInvalid, name, "padding is not zero")
		}
	}
	return nil
}

// writeError tells an error of writing from one of reading.
type writeError struct{ err error }

func (e writeError) Error() string { return e.err.Error() }

func noSink(name string, err error) error {
	var w writeError
	if errors.As(err, &w) {
		return &sinkError{name, w.err}
	}
	return err
}

func (u *unpacker) content(w io.Writer, r io.Reader, size int64) error {
	for size > 0 {
		part := u.buf[:min(size, int64(len(u.buf)))]
		if err := full(r, part); err != nil {
			return err
		}
		if _, err := w.Write(part); err != nil {
			return writeError{err}
		}
		size -= int64(len(part))
	}
	return nil
}

// done says whether every file of a bag was there.
func (u *unpacker) done() error {
	if err := u.seq.Done(); err != nil {
		return failWith(EntryMissing, "", err, "the volumes do not hold a whole bag")
	}
	return nil
}

// full reads exactly p from an archive: one that ends before was cut short by
// its maker, as all that is below was complete.
func full(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fail(EntryInvalid, "", "the archive ends within an entry")
	}
	return err
}

// entryFailure gives the refusal of an entry its code.
func entryFailure(name string, err error) error {
	code := EntryInvalid
	switch {
	case errors.Is(err, bag.ErrName):
		code = EntryName
	case errors.Is(err, bag.ErrDuplicate):
		code = EntryDuplicate
	case errors.Is(err, bag.ErrOrder):
		code = EntryOrder
	}
	return failWith(code, "", err, fmt.Sprintf("archive entry %s is refused", show(name)))
}
