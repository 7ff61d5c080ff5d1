package frame

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// Reader reads a stream from its first byte to its last and gives out the
// archive. It decodes frames ahead of what is read, on several goroutines; at
// most workers + 2 frames are in memory at a time.
//
// io.EOF comes only after everything was checked: each frame's checksum and
// size, that padding is zero bytes and of the size that the format demands,
// that the seek table is exactly that of the frames before it, that the archive
// is at most MaxRatio times as long as the stream, and that nothing follows.
// Bytes given out before io.EOF are not to be trusted until then.
//
// A Reader serves one goroutine.
type Reader struct {
	src     source
	workers int
	bound   int64

	started bool
	free    chan *job // frames not in use
	todo    chan *job // scanned, to be decoded by any worker
	order   chan *job // the same, in the order of the stream
	quit    chan struct{}
	running sync.WaitGroup

	current *job
	rest    []byte // of current.out
	err     error
}

// A job is one frame on its way through scanner, worker and Read. Its storage
// is used again.
type job struct {
	frame   []byte
	content int
	out     []byte
	err     error
	done    chan struct{} // receives once when out or err is set
}

// NewReader returns a Reader of r that decodes on the given number of
// goroutines, at least one.
func NewReader(r io.Reader, workers int) *Reader {
	return &Reader{src: newSource(r), workers: max(workers, 1), bound: -1, quit: make(chan struct{})}
}

// Bound says that the stream is not longer than n bytes, as is known from the
// size of what it comes from. It must be called before Read. An archive that
// is too long for that is then refused with ErrRatio as soon as it shows, and
// not only at the end.
func (r *Reader) Bound(n int64) { r.bound = n }

// Read gives out the archive.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.rest) == 0 {
		if r.err == nil {
			r.err = r.next()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next makes the next frame the current one.
func (r *Reader) next() error {
	r.start()
	if r.current != nil {
		r.free <- r.current
		r.current = nil
	}
	j := <-r.order
	<-j.done
	if j.err != nil {
		return j.err
	}
	r.current, r.rest = j, j.out
	return nil
}

// start starts scanner and workers.
func (r *Reader) start() {
	if r.started {
		return
	}
	r.started = true
	n := r.workers + 2
	r.free = make(chan *job, n)
	r.todo = make(chan *job, n)
	r.order = make(chan *job, n+1)
	for range n {
		r.free <- &job{done: make(chan struct{}, 1)}
	}
	r.running.Add(1 + r.workers)
	go r.scan()
	for range r.workers {
		go r.work()
	}
}

// Close stops the goroutines and waits for them; a Read of the underlying
// reader that is under way has to return for that. It does not close the
// underlying reader. Read fails with ErrClosed afterwards.
func (r *Reader) Close() error {
	if r.err == ErrClosed {
		return nil
	}
	close(r.quit)
	r.running.Wait()
	r.err, r.rest, r.current = ErrClosed, nil, nil
	return nil
}

// work decodes frames.
func (r *Reader) work() {
	defer r.running.Done()
	d, err := newDecoder()
	if err == nil {
		defer d.Close()
	}
	for {
		select {
		case <-r.quit:
			return
		case j, ok := <-r.todo:
			if !ok {
				return
			}
			if j.err = err; err == nil {
				j.out, j.err = decode(d, j.out, j.frame, j.content)
			}
			j.done <- struct{}{}
		}
	}
}

// scan cuts the stream into frames and hands them on, to the end of the stream
// or to an error.
func (r *Reader) scan() {
	defer r.running.Done()
	defer close(r.todo)
	var t tally
	for {
		var j *job
		select {
		case <-r.quit:
			return
		case j = <-r.free:
		}
		if err := r.scanFrame(j, &t); err != nil {
			end := &job{err: err, done: make(chan struct{}, 1)}
			end.done <- struct{}{}
			r.order <- end
			return
		}
		r.order <- j
		r.todo <- j
	}
}

// A tally is what the stream held so far.
type tally struct {
	entries []entry
	frames  int64 // bytes of data frames
	content int64
	padding int64 // bytes of the padding frame, or 0
}

// scanFrame reads the next data frame into j. At the end of a stream that holds
// it returns io.EOF.
func (r *Reader) scanFrame(j *job, t *tally) error {
	for {
		s := scanner{src: r.src, buf: j.frame[:0]}
		b, err := s.more(4)
		if err != nil {
			return err
		}
		magic := binary.LittleEndian.Uint32(b)
		switch {
		case magic == magicTable:
			return r.scanTable(t)
		case t.padding > 0:
			return corrupt("something other than the seek table follows the padding")
		case len(t.entries) == MaxFrames:
			return fmt.Errorf("%w: more than %d frames", ErrLimit, MaxFrames)
		case magic == magicPadding:
			if err := r.scanPadding(t); err != nil {
				return err
			}
			continue
		case magic != magicZstd:
			return corrupt("a frame of magic number %#08x", magic)
		}
		j.content, err = s.frame()
		j.frame = s.buf
		if err != nil {
			return err
		}
		t.entries = append(t.entries, entry{uint32(len(j.frame)), uint32(j.content)})
		t.frames += int64(len(j.frame))
		t.content += int64(j.content)
		if r.bound >= 0 && t.content > MaxRatio*r.bound {
			return fmt.Errorf("%w: more than %d bytes from a stream of at most %d", ErrRatio, MaxRatio*r.bound, r.bound)
		}
		return nil
	}
}

// scanPadding reads a padding frame after its magic number.
func (r *Reader) scanPadding(t *tally) error {
	var b [4]byte
	if err := r.src.full(b[:]); err != nil {
		return err
	}
	left := int64(binary.LittleEndian.Uint32(b[:]))
	t.padding = left + skippableHeader
	if t.padding > maxSkippable {
		return fmt.Errorf("%w: %d bytes of padding", ErrLimit, t.padding)
	}
	t.entries = append(t.entries, entry{uint32(t.padding), 0})
	buf := make([]byte, min(left, 64<<10))
	for left > 0 {
		part := buf[:min(left, int64(len(buf)))]
		if err := r.src.full(part); err != nil {
			return err
		}
		if !zero(part) {
			return corrupt("padding that is not zero")
		}
		left -= int64(len(part))
	}
	return nil
}

// scanTable reads the seek table after its magic number, and what follows. It
// returns io.EOF when all is well.
func (r *Reader) scanTable(t *tally) error {
	want := appendTable(nil, t.entries)
	rest := want[4:]
	got := make([]byte, min(len(rest), 64<<10))
	for part := got[:4]; len(rest) > 0; part = got[:min(len(rest), len(got))] { // its size comes first
		if err := r.src.full(part); err != nil {
			return err
		}
		if !bytes.Equal(part, rest[:len(part)]) {
			return fmt.Errorf("%w: it lists other frames", ErrTable)
		}
		rest = rest[len(part):]
	}
	n, err := io.ReadFull(r.src.buf, got[:1])
	switch {
	case n > 0:
		return corrupt("bytes after the seek table")
	case err != io.EOF:
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	return io.EOF
}

// check checks the sums of a whole stream.
func (t *tally) check() error {
	data := len(t.entries)
	if t.padding > 0 {
		data--
	}
	if data == 0 {
		return corrupt("no data frames")
	}
	whole := t.frames + t.padding + tableSize(len(t.entries))
	if t.content > MaxRatio*whole {
		return fmt.Errorf("%w: %d bytes from a stream of %d", ErrRatio, t.content, whole)
	}
	if t.padding > 0 {
		if want := paddedSize(t.frames, t.content, data); whole != want {
			return corrupt("it is padded to %d bytes, not to %d", whole, want)
		}
	}
	return nil
}

// zero reports whether p is all zero bytes.
func zero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
