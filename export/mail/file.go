package mail

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// source is the one read of a file: it counts and hashes what passes.
type source struct {
	r    *reader
	f    *os.File
	n    int64
	path string
}

func (s *source) Read(b []byte) (int, error) {
	if err := s.r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.f.Read(b)
	s.n += int64(n)
	s.r.digest.Write(b[:n])
	if n > 0 && s.r.opt.Progress != nil {
		s.r.opt.Progress(int64(n))
	}
	return n, err
}

// fail wraps what went wrong while reading the file.
func (s *source) fail(err error) error {
	return &ReadError{File: s.path, Offset: s.n, Err: err}
}

// file reads one regular file and reports it with all that is in it.
func (r *reader) file(e entry) error {
	f, err := r.open(e.path)
	if err != nil {
		return &ReadError{File: e.path, Err: err}
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return &ReadError{File: e.path, Err: err}
	}
	if !before.Mode().IsRegular() {
		return &ReadError{File: e.path, Err: ErrChanged}
	}
	r.digest.Reset()
	src := &source{r: r, f: f, path: e.path}
	out := File{Path: e.path}
	if err := r.stream(e, src, before.Size(), &out); err != nil {
		return err
	}
	after, err := f.Stat()
	if err != nil {
		return src.fail(err)
	}
	if src.n != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return src.fail(ErrChanged)
	}
	out.Size = src.n
	r.digest.Sum(out.SHA256[:0])
	return r.sink.File(out)
}

// stream reads a file through its container, if any.
func (r *reader) stream(e entry, src *source, size int64, out *File) error {
	r.br.Reset(src)
	head, err := r.br.Peek(headBytes)
	if err != nil && err != io.EOF {
		return src.fail(err)
	}
	out.Container = containerOf(e, head)
	if out.Container == "" {
		return r.content(e, src, r.br, size, out)
	}
	if e.place == placeMessages {
		return r.packed(e, src, size, out)
	}
	plain, closer, err := decompress(out.Container, r.br)
	if err != nil {
		return src.fail(err)
	}
	defer closer()
	if err := r.content(e, src, bufio.NewReaderSize(plain, headBytes), -1, out); err != nil {
		return err
	}
	// A decompressor that stops before the end of the file has not read it whole.
	if n, err := io.Copy(io.Discard, r.br); err != nil {
		return src.fail(err)
	} else if n > 0 {
		return src.fail(errors.New("data after the compressed stream"))
	}
	return nil
}

// packed reads a message of a Maildir that looks compressed. Whoever can put a
// message there can make it look so: one that does not decompress within the
// limits is taken as it is stored.
func (r *reader) packed(e entry, src *source, size int64, out *File) error {
	limit := r.opt.Limits.ItemBytes
	tooLong := &LimitError{File: e.path, What: "item bytes", Limit: limit}
	if size > limit {
		return tooLong
	}
	stored, err := readAll(io.LimitReader(r.br, limit+1), size)
	if err != nil {
		return src.fail(err)
	}
	if int64(len(stored)) > limit {
		return tooLong
	}
	content, ok := unpack(out.Container, stored, limit)
	if !ok {
		content, out.Container = stored, ""
	}
	in := bufio.NewReaderSize(bytes.NewReader(content), headBytes)
	return r.content(e, src, in, int64(len(content)), out)
}

// unpack decompresses a container whole, if it is one and has at most limit
// bytes of content.
func unpack(container string, stored []byte, limit int64) ([]byte, bool) {
	in := bytes.NewReader(stored)
	plain, closer, err := decompress(container, in)
	if err != nil {
		return nil, false
	}
	defer closer()
	content, err := io.ReadAll(io.LimitReader(plain, limit+1))
	return content, err == nil && int64(len(content)) <= limit && in.Len() == 0
}

// decompress returns the content of a container, which is checked to its end.
func decompress(container string, r io.Reader) (io.Reader, func(), error) {
	if container == ContainerGzip {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { z.Close() }, nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

// content recognises the decompressed content of a file and reads it. size is
// that of the content in bytes, or -1 when it is not known.
func (r *reader) content(e entry, src *source, in *bufio.Reader, size int64, out *File) error {
	head, err := in.Peek(headBytes)
	if err != nil && err != io.EOF {
		return src.fail(err)
	}
	format, reason := classify(e, r.opt.Format, head)
	if e.root && reason == ReasonOutlook {
		return &FormatError{File: e.path, Format: formatOutlook, Reason: "not supported"}
	}
	switch {
	case reason != "":
		return r.gap(e, src, in, reason, out)
	case format == FormatMbox:
		return r.mbox(e, src, in, out)
	}
	return r.single(e, src, in, size, format, out)
}

// gap passes over a file that holds no item.
func (r *reader) gap(e entry, src *source, in io.Reader, reason Reason, out *File) error {
	h := sha256.New()
	n, err := io.Copy(h, in)
	if err != nil {
		return src.fail(err)
	}
	g := Gap{Source: Locator{File: e.path, Length: n}, Reason: reason}
	h.Sum(g.SHA256[:0])
	out.Length, out.Gaps = n, 1
	return r.sink.Gap(g)
}

// single reads a file that is one item.
func (r *reader) single(e entry, src *source, in io.Reader, size int64, format string, out *File) error {
	limit := r.opt.Limits.ItemBytes
	tooLong := &LimitError{File: e.path, What: "item bytes", Limit: limit}
	if size > limit {
		return tooLong
	}
	raw, err := readAll(io.LimitReader(in, limit+1), size)
	if err != nil {
		return src.fail(err)
	}
	if int64(len(raw)) > limit {
		return tooLong
	}
	it := Item{
		Kind: kindOf(format), Format: format, Raw: raw,
		Source: Locator{File: e.path, Length: int64(len(raw))}, Container: out.Container,
		Labels: labels(e.label),
	}
	switch format {
	case FormatMaildir:
		it.Flags = maildirFlags(e.name)
	case FormatEML: // an mbox by another name?
		sep := SeparatorLine(raw)
		it.Doubtful = sep > 0 && endsOf(raw).fromLines(raw, sep, sep, true).doubtful
	}
	out.Length, out.Items = int64(len(raw)), 1
	return r.sink.Item(it)
}

// readAll reads to the end into a buffer made for size bytes, if that is known.
func readAll(in io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return io.ReadAll(in)
	}
	buf := make([]byte, size+1) // one more, to see the end without growing
	n, err := io.ReadFull(in, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return buf[:n:n], nil
	}
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(in) // the file has grown, which its reader finds out
	return append(buf, rest...), err
}

// mbox reads a file that holds any number of messages. It looks at the first
// [recogniseBytes] of the content before it hands out the first item.
func (r *reader) mbox(e entry, src *source, in io.Reader, out *File) error {
	head, err := r.lookAhead(in)
	if err != nil {
		return src.fail(err)
	}
	limit := r.opt.Limits.ItemBytes
	b := newBox(r.opt.Format, head, len(head) < recogniseBytes, limit)
	s := b.splitter(io.MultiReader(bytes.NewReader(head), in), limit)
	label := mboxLabel(e)
	inSink := false
	err = s.split(func(sp span) error {
		out.Length += sp.length
		var err error
		if at := (Locator{File: e.path, Offset: sp.offset, Length: sp.length}); sp.raw == nil {
			out.Gaps++
			b.unsure = true
			err = r.sink.Gap(Gap{Source: at, SHA256: sp.sha256, Reason: ReasonLeading})
		} else {
			err = r.sink.Item(b.item(sp, at, label, out))
		}
		inSink = err != nil
		return err
	})
	switch {
	case errors.Is(err, errTooLong) && !inSink:
		return &LimitError{File: e.path, Offset: s.offset(), What: "item bytes", Limit: s.limit}
	case err != nil && !inSink:
		return src.fail(err)
	}
	d := b.whole()
	out.Dialect, out.Evidence = d.name, d.evidence
	return err
}

// item makes the item of a message in an mbox, and counts it.
func (b *box) item(sp span, at Locator, label string, out *File) Item {
	d, doubtful := b.judge(sp)
	out.Items++
	if out.Dialects == nil {
		out.Dialects = map[string]int{}
	}
	out.Dialects[d.name]++
	return Item{
		Kind: KindMessage, Format: FormatMbox, Raw: bytes.Clone(sp.raw), Source: at, Container: out.Container,
		Dialect: d.name, Evidence: d.evidence, Labels: labels(label), Flags: sp.header.flags,
		Separator: sp.separator, Trailer: sp.trailer, Doubtful: doubtful,
	}
}

// lookAhead reads what an mbox file is recognised by. The result is good until
// the next call.
func (r *reader) lookAhead(in io.Reader) ([]byte, error) {
	b := r.ahead[:0]
	for len(b) < recogniseBytes {
		if len(b) == cap(b) {
			b = slices.Grow(b, min(max(len(b), headBytes), recogniseBytes-len(b)))
		}
		n, err := in.Read(b[len(b):min(cap(b), recogniseBytes)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	r.ahead = b
	return b, nil
}

func labels(label string) []string {
	if label == "" {
		return nil
	}
	return []string{label}
}

func kindOf(format string) Kind {
	switch format {
	case FormatICS:
		return KindEvent
	case FormatVCF:
		return KindContact
	}
	return KindMessage
}
