package mail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"slices"
)

const (
	lookBehind = 4                               // bytes kept before the window for emptyLineBefore
	lookAhead  = maxSeparatorLine + maxFieldName // bytes that separatorAt may need
	chunk      = 256 << 10
	maxGrowth  = 64 << 20
	keepBuffer = 8 << 20 // a larger buffer is given up once it is nearly empty
)

// errTooLong says that the item at the window's start exceeds the limit.
var errTooLong = errors.New("item too long")

// span is one message of an mbox, or what precedes the first.
type span struct {
	offset    int64
	length    int64
	raw       []byte   // the splitter's, until emit returns; nil for what precedes the first message
	sha256    [32]byte // of what precedes the first message
	separator int
	trailer   int
	header    boxHeader
	lines     fromLines
	landed    bool // its Content-Length says that it ends where it does
	takeout   bool // it is as Google Takeout writes it, and so is all before it
}

// splitter cuts an mbox stream into spans that follow one another without a
// gap. Memory is bounded by the limit of an item, however long the lines are.
//
// The window is buf[start:]; positions are relative to start, so that they
// hold when the buffer moves.
type splitter struct {
	r     io.Reader
	limit int64 // bytes of one message
	ends  ends
	// quoted says that lines `From ` of messages are quoted in the file, so that
	// Content-Length, which a sender can write, tells nothing.
	quoted bool
	// lengths says that Content-Length is written by the mail system, so that it
	// tells whether the last line end is the message's.
	lengths bool
	// foreign is set at the first separator, or leading bytes, not of Takeout.
	foreign bool
	// others says that the message at hand may have lines `From ` in it.
	others bool
	buf    []byte
	start  int   // where the current span begins in buf
	base   int64 // offset in the stream of buf[0]
	eof    bool
}

// split calls emit for every span of the stream. errTooLong comes with the
// window at the item that is too long.
func (s *splitter) split(emit func(span) error) error {
	sep, err := s.first(emit)
	for err == nil && sep > 0 {
		sep, err = s.message(sep, emit)
	}
	return err
}

// first returns the length of the first separator line, with a byte order mark
// before it, having emitted what precedes it; 0 when there is none.
func (s *splitter) first(emit func(span) error) (int, error) {
	if err := s.ensure(len(utf8BOM) + lookAhead); err != nil {
		return 0, err
	}
	bom := 0
	if bytes.HasPrefix(s.buf, utf8BOM) {
		bom = len(utf8BOM)
	}
	sep := s.separator(bom)
	if sep == 0 {
		sep = s.ends.firstSeparator(s.window()[bom:])
	}
	if sep > 0 {
		return bom + sep, nil
	}
	lead, next, err := s.leading()
	if err != nil || lead.length == 0 {
		return next, err
	}
	s.foreign = true
	return next, emit(lead)
}

// message emits the message at the window's start, whose separator is sep bytes
// long, and returns the length of the next separator, 0 at the end of the stream.
func (s *splitter) message(sep int, emit func(span) error) (int, error) {
	s.foreign = s.foreign || !isTakeoutLine(s.window()[:sep])
	head, end, next, err := s.messageEnd(sep)
	if err != nil {
		return 0, err
	}
	sp, err := s.cut(head, end, sep)
	if err != nil {
		return 0, err
	}
	return next, emit(sp)
}

// leading passes over what precedes the first separator without keeping it,
// and returns it and the length of that separator, 0 at the end of the stream.
func (s *splitter) leading() (span, int, error) {
	h := sha256.New()
	sp := span{offset: s.offset()}
	for {
		p, n, err := s.nextSeparator(0)
		if err != nil {
			return span{}, 0, err
		}
		s.discard(h, &sp, p)
		if n > 0 || s.eof && len(s.window()) == 0 {
			h.Sum(sp.sha256[:0])
			return sp, n, nil
		}
		if err := s.fill(); err != nil {
			return span{}, 0, err
		}
	}
}

// discard counts and hashes the first n bytes of the window into sp.
func (s *splitter) discard(h hash.Hash, sp *span, n int) {
	h.Write(s.buf[s.start : s.start+n])
	sp.length += int64(n)
	s.start += n
}

// messageEnd returns the header of the message at the window's start, whose
// separator is sep bytes long, where it ends, and the length of the next
// separator, 0 when the stream ends there.
func (s *splitter) messageEnd(sep int) (head boxHeader, end, next int, err error) {
	s.others = false
	from := sep - 1 // the line end of one separator may precede the next
	for {
		p, n, err := s.nextSeparator(from)
		if err != nil {
			return head, 0, 0, err
		}
		if n > 0 || s.eof {
			head = s.ends.header(s.window()[sep:p])
		}
		if n > 0 {
			if end, next, err := s.declaredEnd(head, sep, p); err != nil || end > 0 {
				s.others = true
				return head, end, next, err
			}
		}
		if n > 0 || s.eof {
			return head, p, n, nil
		}
		if int64(p) > s.limit { // wherever the message ends, it is not before p
			return head, 0, 0, errTooLong
		}
		if err := s.fill(); err != nil {
			return head, 0, 0, err
		}
		from = p
	}
}

// nextSeparator looks for a separator that follows a line end at or after
// from, and returns its position and length; or length 0 and the position up to
// which there is none, which is the end of the window when the stream has ended.
func (s *splitter) nextSeparator(from int) (p, n int, err error) {
	for {
		w := s.window()
		p = -1
		if from < len(w) {
			p = s.ends.nextFrom(w, from)
		}
		if p < 0 {
			if s.eof {
				return len(w), 0, nil
			}
			return max(from, len(w)-len(newlineFrom)+1), 0, nil
		}
		if err := s.ensure(p + lookAhead); err != nil {
			return 0, 0, err
		}
		if n = s.separator(p); n > 0 {
			return p, n, nil
		}
		s.others = true
		from = p
	}
}

// declaredEnd returns where the Content-Length of the message at the window's
// start says that it ends, when that lies beyond the separator at p and is the
// place of another separator or the end of the stream; 0 otherwise. next is as
// in messageEnd.
func (s *splitter) declaredEnd(head boxHeader, sep, p int) (end, next int, err error) {
	if s.quotes(head) || !head.valid() || head.length > s.limit {
		return 0, 0, nil
	}
	end = sep + head.body + int(head.length)
	if end <= p || int64(end) > s.limit {
		return 0, 0, nil
	}
	if err := s.ensure(end + 2 + lookAhead); err != nil {
		return 0, 0, err
	}
	for _, e := range []int{end, end + s.ends.end(s.from(end))} {
		if e > len(s.window()) {
			return 0, 0, nil
		}
		if e == len(s.window()) && s.eof {
			return e, 0, nil
		}
		if s.ends.startsLine(s.window(), e) {
			if n := s.separator(e); n > 0 {
				return e, n, nil
			}
		}
	}
	return 0, 0, nil
}

// quotes reports whether lines `From ` are quoted in the message at the window's
// start, as is declared or Takeout does, so that Content-Length tells nothing.
func (s *splitter) quotes(head boxHeader) bool {
	return s.quoted || !s.lengths && head.gmail && !s.foreign
}

// cut takes the message that ends at end out of the window.
func (s *splitter) cut(head boxHeader, end, sep int) (span, error) {
	if int64(end) > s.limit {
		return span{}, errTooLong
	}
	raw := s.window()[:end:end]
	sp := span{offset: s.offset(), length: int64(end), raw: raw, separator: sep, header: head}
	sp.takeout = head.gmail && !s.foreign
	sp.lines = s.ends.fromLines(raw, sep, sep+head.body, s.others)
	after, landed := s.ends.afterLength(raw[sep:], head)
	sp.landed = landed
	switch {
	case landed && (s.lengths || after == 0 && !s.quotes(head)):
		sp.trailer = after
	case end > sep && s.ends.emptyBefore(raw, end):
		sp.trailer = lastEnd(raw)
	}
	s.start += end
	if cap(s.buf) > keepBuffer && len(s.window()) < chunk {
		s.move(make([]byte, 0, 2*chunk))
	}
	return sp, nil
}

// lastEnd returns the length of the line end that b ends with.
func lastEnd(b []byte) int {
	if bytes.HasSuffix(b, []byte("\r\n")) {
		return 2
	}
	return 1
}

func (s *splitter) window() []byte { return s.buf[s.start:] }
func (s *splitter) offset() int64  { return s.base + int64(s.start) }

func (s *splitter) from(p int) []byte {
	w := s.window()
	return w[min(p, len(w)):]
}

func (s *splitter) separator(p int) int {
	if p >= len(s.window()) {
		return 0
	}
	return s.ends.separatorAt(s.buf, s.start+p)
}

// ensure reads until the window holds n bytes or the stream has ended.
func (s *splitter) ensure(n int) error {
	for len(s.window()) < n && !s.eof {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads once, making room first.
func (s *splitter) fill() error {
	if cap(s.buf)-len(s.buf) < chunk/2 {
		if s.start-lookBehind > len(s.buf)/4 {
			s.move(s.buf[:0])
		} else {
			s.buf = slices.Grow(s.buf, max(chunk, min(len(s.buf), maxGrowth)))
		}
	}
	n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	if err == io.EOF {
		s.eof = true
		return nil
	}
	return err
}

// move copies the window, and what is looked back at, to the start of to.
func (s *splitter) move(to []byte) {
	drop := max(0, s.start-lookBehind)
	s.buf = append(to, s.buf[drop:]...)
	s.start -= drop
	s.base += int64(drop)
}
