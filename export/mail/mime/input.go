package mime

import "io"

// input gives the bytes of a message, from memory or from a reader.
type input struct {
	raw  []byte // when r is nil
	r    io.ReaderAt
	size int64
	err  error // the first one of r; nothing is read after it
}

// bytes returns the n bytes at off, or as many as there are: of the message in
// memory, or read into buf, which has to have that capacity.
func (in *input) bytes(buf []byte, off int64, n int) []byte {
	if off >= in.size {
		return nil
	}
	n = int(min(int64(n), in.size-off))
	if in.r == nil {
		return in.raw[off : off+int64(n)]
	}
	if in.err != nil {
		return nil
	}
	read, err := in.r.ReadAt(buf[:n], off)
	if read < n {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		in.err = err
		return nil
	}
	return buf[:n]
}
