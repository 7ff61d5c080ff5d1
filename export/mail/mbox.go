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

var newlineFrom = []byte("\nFrom ")

// errTooLong says that the item at the window's start exceeds the limit.
var errTooLong = errors.New("item too long")

// span is one message of an mbox, or what precedes the first.
type span struct {
	offset    int64
	length    int64
	raw       []byte   // nil for what precedes the first message
	sha256    [32]byte // of what precedes the first message
	separator int
	trailer   int
	doubtful  bool
}

// splitter cuts an mbox stream into spans that follow one another without a
// gap. Memory is bounded by the limit of an item, however long the lines are.
//
// The window is buf[start:]; positions are relative to start, so that they
// hold when the buffer moves.
type splitter struct {
	r     io.Reader
	limit int64 // bytes of one message
	// quoted says that lines `From ` of messages are quoted in the file, so that
	// Content-Length, which a sender can write, tells nothing.
	quoted bool
	buf    []byte
	start  int   // where the current span begins in buf
	base   int64 // offset in the stream of buf[0]
	eof    bool
}

// split calls emit for every span of the stream. errTooLong comes with the
// window at the item that is too long.
func (s *splitter) split(emit func(span) error) error {
	if err := s.ensure(len(utf8BOM) + lookAhead); err != nil {
		return err
	}
	bom := 0
	if bytes.HasPrefix(s.buf, utf8BOM) {
		bom = len(utf8BOM)
	}
	sep := s.separator(bom)
	if sep == 0 {
		sep = firstSeparator(s.window()[bom:])
	}
	if sep > 0 {
		sep += bom
	} else {
		lead, next, err := s.leading()
		if err != nil {
			return err
		}
		if lead.length > 0 {
			if err := emit(lead); err != nil {
				return err
			}
		}
		sep = next
	}
	for sep > 0 {
		end, next, err := s.messageEnd(sep)
		if err != nil {
			return err
		}
		sp, err := s.cut(end, sep)
		if err != nil {
			return err
		}
		sp.doubtful = doubtful(sp.raw, sep)
		if err := emit(sp); err != nil {
			return err
		}
		sep = next
	}
	return nil
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

// messageEnd returns where the message at the window's start ends, whose
// separator is sep bytes long, and the length of the next separator, 0 when
// the stream ends there.
func (s *splitter) messageEnd(sep int) (end, next int, err error) {
	from := sep - 1 // the line feed of one separator may precede the next
	for {
		p, n, err := s.nextSeparator(from)
		if err != nil {
			return 0, 0, err
		}
		if n > 0 {
			if end, next, err := s.declaredEnd(sep, p); err != nil || end > 0 {
				return end, next, err
			}
			return p, n, nil
		}
		if s.eof {
			return len(s.window()), 0, nil
		}
		if int64(p) > s.limit { // wherever the message ends, it is not before p
			return 0, 0, errTooLong
		}
		if err := s.fill(); err != nil {
			return 0, 0, err
		}
		from = p
	}
}

// nextSeparator looks for a separator that follows a line feed at or after
// from, and returns its position and length; or length 0 and the position up to
// which there is none, which is the end of the window when the stream has ended.
func (s *splitter) nextSeparator(from int) (p, n int, err error) {
	for {
		w := s.window()
		j := -1
		if from < len(w) {
			j = bytes.Index(w[from:], newlineFrom)
		}
		if j < 0 {
			if s.eof {
				return len(w), 0, nil
			}
			return max(from, len(w)-len(newlineFrom)+1), 0, nil
		}
		p = from + j + 1
		if err := s.ensure(p + lookAhead); err != nil {
			return 0, 0, err
		}
		if n = s.separator(p); n > 0 {
			return p, n, nil
		}
		from = p
	}
}

// declaredEnd returns where the Content-Length of the message at the window's
// start says that it ends, when that lies beyond the separator at p and is the
// place of another separator or the end of the stream; 0 otherwise. next is as
// in messageEnd.
func (s *splitter) declaredEnd(sep, p int) (end, next int, err error) {
	if s.quoted || isTakeout(s.window()[:p], sep) {
		return 0, 0, nil
	}
	body, length := contentLength(s.window()[sep:p])
	if body == 0 || length > s.limit {
		return 0, 0, nil
	}
	end = sep + body + int(length)
	if end <= p || int64(end) > s.limit {
		return 0, 0, nil
	}
	if err := s.ensure(end + 2 + lookAhead); err != nil {
		return 0, 0, err
	}
	for _, e := range []int{end, end + emptyLine(s.from(end))} {
		if e > len(s.window()) {
			return 0, 0, nil
		}
		if e == len(s.window()) && s.eof {
			return e, 0, nil
		}
		if s.window()[e-1] == '\n' {
			if n := s.separator(e); n > 0 {
				return e, n, nil
			}
		}
	}
	return 0, 0, nil
}

// cut takes the message that ends at end out of the window.
func (s *splitter) cut(end, sep int) (span, error) {
	if int64(end) > s.limit {
		return span{}, errTooLong
	}
	raw := bytes.Clone(s.window()[:end])
	sp := span{offset: s.offset(), length: int64(end), raw: raw, separator: sep, trailer: trailer(raw, sep)}
	s.start += end
	if cap(s.buf) > keepBuffer && len(s.window()) < chunk {
		s.move(make([]byte, 0, 2*chunk))
	}
	return sp, nil
}

// trailer returns the length of the empty line at the end of a message that
// belongs to the mbox format. It does not when Content-Length counts it.
func trailer(raw []byte, sep int) int {
	content := raw[sep:]
	n := 0
	switch {
	case bytes.HasSuffix(raw[sep-1:], []byte("\n\n")):
		n = 1
	case bytes.HasSuffix(raw[sep-1:], []byte("\n\r\n")):
		n = 2
	default:
		return 0
	}
	if body, length := contentLength(content); body > 0 && int64(len(content)-body) == length {
		return 0
	}
	return n
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
	return separatorAt(s.buf, s.start+p)
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

// contentLength returns where the body begins in a message and what its
// Content-Length field says in bytes; 0 and 0 when there is no single valid one.
func contentLength(msg []byte) (body int, length int64) {
	length = -1
	for pos := 0; pos < len(msg); {
		n := bytes.IndexByte(msg[pos:], '\n') + 1
		if n == 0 {
			return 0, 0
		}
		line := msg[pos : pos+n]
		pos += n
		if emptyLine(line) > 0 {
			if length < 0 {
				return 0, 0
			}
			return pos, length
		}
		if value, ok := cutField(line, "content-length"); ok {
			v, ok := decimal(value)
			if !ok || length >= 0 && v != length {
				return 0, 0
			}
			length = v
		}
	}
	return 0, 0
}

// cutField returns the value of a header line when its field has the name.
func cutField(line []byte, name string) (value []byte, ok bool) {
	if len(line) <= len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	rest := bytes.TrimLeft(line[len(name):], " \t")
	if len(rest) == 0 || rest[0] != ':' {
		return nil, false
	}
	return bytes.TrimSpace(rest[1:]), true
}

func decimal(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// emptyLine returns the length of the line end that b begins with, or 0.
func emptyLine(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("\n")):
		return 1
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	}
	return 0
}
