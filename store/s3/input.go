package s3

import (
	"context"
	"fmt"
	"io"
)

// input cuts a reader into parts.
type input struct {
	r    io.Reader
	size int64 // -1 if unknown
	part int

	buf   []byte // one byte more than a part, once that is needed
	over  bool   // the last byte of buf begins the next part
	total int64
}

// next returns the next part, valid until the call after, and whether it is
// the last. To know that, it reads one byte ahead. Only the first part may be
// empty. Memory grows to one part and a byte.
func (in *input) next(ctx context.Context) (data []byte, last bool, err error) {
	n := 0
	if in.over {
		in.buf[0] = in.buf[in.part]
		n = 1
	}
	for idle := 0; n <= in.part; {
		if n == len(in.buf) {
			in.grow()
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		k, err := in.r.Read(in.buf[n:])
		n += k
		in.total += int64(k)
		if in.size >= 0 && in.total > in.size {
			return nil, false, fmt.Errorf("more than the %d bytes announced", in.size)
		}
		if err == io.EOF {
			if in.size >= 0 && in.total < in.size {
				return nil, false, fmt.Errorf("%d bytes instead of %d: %w", in.total, in.size, io.ErrUnexpectedEOF)
			}
			in.over = false
			if n > in.part { // the end came with the byte ahead
				in.over = true
				return in.buf[:in.part], false, nil
			}
			return in.buf[:n], true, nil
		}
		if err != nil {
			return nil, false, err
		}
		if idle++; k > 0 {
			idle = 0
		}
		if idle > 100 {
			return nil, false, io.ErrNoProgress
		}
	}
	in.over = true
	return in.buf[:in.part], false, nil
}

// grow makes room for more: at first for what is announced, or little, then
// four times as much, at most a part and a byte.
func (in *input) grow() {
	want := 4 * len(in.buf)
	if len(in.buf) == 0 {
		want = 64 << 10
		if in.size >= 0 {
			want = int(min(in.size, int64(in.part))) + 1
		}
	}
	buf := make([]byte, min(want, in.part+1))
	copy(buf, in.buf)
	in.buf = buf
}
