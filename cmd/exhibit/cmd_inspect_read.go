package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// read reads what is at path, which the user has called arg.
func (i *inspection) read(ctx context.Context, arg, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return renamed(err, arg)
	}
	total := int64(-1)
	if info.Mode().IsRegular() {
		total = info.Size()
	}
	if total > inPieces {
		f, err := os.Open(path)
		if err != nil {
			return renamed(err, arg)
		}
		defer f.Close()
		alone, err := i.standsAlone(f, arg)
		if err != nil {
			return err
		}
		if alone {
			return i.alone(ctx, f, arg)
		}
	}
	opt := mail.Options{Format: i.format}
	if !i.env.screen || i.item > 0 { // otherwise the results show how far it is
		m := i.meter("reading", total)
		defer m.done()
		opt.Progress = m.add
	}
	sink := &inspectSink{inspection: i, arg: arg, folder: info.IsDir()}
	if err := mail.Read(ctx, path, opt, sink); err != nil {
		return renamed(err, arg)
	}
	return sink.end()
}

// inPieces is how large a file has to be, in bytes, to be read in pieces when it
// is one message. Smaller ones are held in memory.
const inPieces = 16 << 20

// renamed puts the user's name of a file into an error.
func renamed(err error, arg string) error {
	var path *fs.PathError
	if errors.As(err, &path) && strings.HasPrefix(path.Path, "/proc/self/fd/") {
		return fmt.Errorf("%s: %w", arg, path.Err)
	}
	return err
}

// standsAlone reports whether a file is one message for certain, so that it can
// be read in pieces whatever its size. The others are read by package mail, which
// recognises them.
func (i *inspection) standsAlone(f *os.File, arg string) (bool, error) {
	const headBytes = 64 << 10
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	head = bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))
	if len(head) == 0 || bytes.HasPrefix(head, []byte("From ")) {
		return false, nil
	}
	if i.format != "" || strings.EqualFold(filepath.Ext(arg), ".eml") {
		return i.format == mail.FormatEML || i.format == "" && !packed(head), nil
	}
	switch strings.ToLower(filepath.Ext(arg)) {
	case ".mbox", ".mbx", ".ics", ".vcf":
		return false, nil
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return header.IsField(bytes.TrimRight(line, "\r")) && !bytes.HasPrefix(bytes.ToUpper(line), []byte("BEGIN:")) &&
		!bytes.ContainsAny(line, "\r") && !bytes.Contains(head, []byte("\nFrom ")), nil
}

// packed reports whether a file begins as one that is compressed.
func packed(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x1f\x8b")) || bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd"))
}

// alone shows a file that is one message.
func (i *inspection) alone(ctx context.Context, f *os.File, arg string) error {
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if i.found++; i.item > 1 {
		return nil
	}
	m := i.meter("reading, more than once", -1)
	defer m.done()
	r := &watchedReader{ctx: ctx, r: f, add: m.add}
	size := before.Size()
	msg, err := mime.ParseReaderAt(r, size, mime.Options{NoHash: i.hashless()})
	if err != nil {
		return fmt.Errorf("%s: %w", arg, err)
	}
	s := subject{
		item: mail.Item{Kind: mail.KindMessage, Format: mail.FormatEML, Source: mail.Locator{Length: size}},
		file: arg, only: true, r: r, message: msg,
	}
	if s.item.Raw, err = headOf(r, msg, size); err != nil {
		return fmt.Errorf("%s: %w", arg, err)
	}
	if i.part == "" && !i.headers {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(r, 0, size)); err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
		h.Sum(s.digest[:0])
		if s.metadata = mail.DescribeReader(msg, r, 0); r.err != nil {
			return fmt.Errorf("%s: %w", arg, r.err)
		}
	}
	after, err := f.Stat()
	if err != nil {
		return err
	}
	if after.Size() != size || !after.ModTime().Equal(before.ModTime()) {
		return fmt.Errorf("%s: %w", arg, mail.ErrChanged)
	}
	m.done()
	return i.show(&s)
}

// hashless reports whether the digests of parts are not shown.
func (i *inspection) hashless() bool { return i.part != "" || i.headers }

// headOf returns the beginning of a message, with its header and more than any
// reader of the header looks at beyond.
func headOf(r io.ReaderAt, m *mime.Message, size int64) ([]byte, error) {
	const beyond = 1 << 20
	head := make([]byte, min(size, m.Root.Body+beyond))
	n, err := r.ReadAt(head, 0)
	if n == len(head) {
		err = nil
	}
	return head, err
}

// watchedReader reads until the context ends, and counts. It keeps the first error
// that is not the end of the file.
type watchedReader struct {
	ctx context.Context
	r   io.ReaderAt
	add func(int64)
	err error
}

func (w *watchedReader) ReadAt(b []byte, off int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		w.err = cmp.Or(w.err, err)
		return 0, err
	}
	n, err := w.r.ReadAt(b, off)
	w.add(int64(n))
	if err != io.EOF {
		w.err = cmp.Or(w.err, err)
	}
	return n, err
}

// inspectSink takes what package mail finds.
type inspectSink struct {
	*inspection
	arg    string
	folder bool
	first  *subject // of which a part is wanted, if it is the only one
}

// name is a file as the user would name it.
func (s *inspectSink) name(file string) string {
	if s.folder {
		return filepath.Join(s.arg, filepath.FromSlash(file))
	}
	return s.arg
}

// Item shows an item, if it is one that is asked for.
func (s *inspectSink) Item(it mail.Item) error {
	s.found++
	if s.item > 0 && s.found != s.item {
		return nil
	}
	if s.arg == standardInput {
		it.Labels = nil // it has no name
	}
	if s.first != nil {
		return usagef("exhibit inspect: %s has more than one item: say with --item which one --part is of", s.arg)
	}
	sub := &subject{
		item: it, file: s.name(it.Source.File), only: !s.folder && it.Format == mail.FormatEML,
		digest: sha256.Sum256(it.Raw),
	}
	if it.Kind == mail.KindMessage {
		sub.r = bytes.NewReader(it.Message())
		if s.hashless() {
			sub.message = mime.Parse(it.Message(), mime.Options{NoHash: true})
		} else {
			sub.metadata = mail.Describe(it)
		}
	}
	if s.item == 0 && s.part != "" {
		s.first = sub
		return nil
	}
	if err := s.show(sub); err != nil {
		return err
	}
	if s.item > 0 {
		return errEnough
	}
	return nil
}

// end shows what could not be shown before the whole source was seen.
func (s *inspectSink) end() error {
	if s.first == nil {
		return nil
	}
	return s.show(s.first)
}

// Gap shows bytes that belong to no item.
func (s *inspectSink) Gap(g mail.Gap) error {
	s.gaps = append(s.gaps[:min(len(s.gaps), 1)], g.Reason) // that there is one, or more
	if s.item > 0 || s.part != "" || !s.folder && g.Reason == mail.ReasonEmpty {
		return nil
	}
	return s.result(inspectedGap{
		Kind: "gap", File: s.name(g.Source.File), Offset: g.Source.Offset, Length: g.Source.Length,
		SHA256: fmt.Sprintf("%x", g.SHA256), Reason: string(g.Reason),
	})
}

// File shows how an mbox was recognised.
func (s *inspectSink) File(f mail.File) error {
	if s.item > 0 || s.part != "" || f.Dialect == "" {
		return nil
	}
	return s.result(inspectedFile{
		Kind: "file", File: s.name(f.Path), Size: f.Size, SHA256: fmt.Sprintf("%x", f.SHA256), Container: f.Container,
		Items: f.Items, Gaps: f.Gaps, Dialect: f.Dialect, Evidence: f.Evidence, Dialects: f.Dialects,
	})
}
