package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"exhibit/export/mail/mime"
	"exhibit/export/mail/tnef"
	"exhibit/export/mail/transfer"
)

// splitPart splits what --part takes into the number of a part and the place of a
// file within its content, the first being 1; 0 where the part itself is meant.
func splitPart(number string) (string, int) {
	part, place, _ := strings.Cut(number, "/")
	n, _ := strconv.Atoi(place)
	return part, n
}

// hasFile says where there is no file at that place within a part.
func hasFile(p *mime.Part, place int) error {
	if place <= len(p.Files) {
		return nil
	}
	return &hintedError{
		fmt.Errorf("no file %s/%d: %s has %s within", p.Number, place, p.Number, plural(len(p.Files), "file")),
		"`exhibit inspect FILE` lists the parts, and the files within them",
	}
}

// copyFile writes the file at a place within the content of a part, which has it.
func copyFile(w io.Writer, p *mime.Part, r io.ReaderAt, place int) error {
	want := p.Files[place-1]
	n := 0 // before it, of the same sort
	for _, f := range p.Files[:place-1] {
		if (f.Origin == mime.OriginTNEF) == (want.Origin == mime.OriginTNEF) {
			n++
		}
	}
	count := &countedWriter{w: w}
	copyWithin := copyText
	if want.Origin == mime.OriginTNEF {
		copyWithin = copyTNEF
	}
	if err := copyWithin(count, p, r, n); err != nil {
		return err
	}
	if count.n != want.Size {
		return fmt.Errorf("file %s/%d came out with %d bytes, and has %d", p.Number, place, count.n, want.Size)
	}
	return nil
}

// copyTNEF writes the nth file of a TNEF stream, the first being 0.
func copyTNEF(w io.Writer, p *mime.Part, r io.ReaderAt, n int) error {
	var content limitedBuffer
	if err := copyPart(&content, p, r, false); err != nil {
		return err
	}
	// What can be read of a damaged stream counts, as it does for the parser.
	message, err := tnef.Read(content.Bytes())
	if n >= len(message.Files) {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(message.Files[n].Data))
	return err
}

// copyText writes the nth file that lies in uuencode or yEnc in a text, the first
// being 0.
func copyText(w io.Writer, p *mime.Part, r io.ReaderAt, n int) error {
	sink := &nthFile{w: w, left: n + 1}
	finder := transfer.NewFinder(sink)
	if err := copyPart(finderWriter{finder}, p, r, false); err != nil {
		return err
	}
	finder.Close()
	return sink.err
}

// nthFile is a [transfer.Sink] that keeps one file.
type nthFile struct {
	w    io.Writer
	left int // files to begin until it is the one; it is at 0
	err  error
}

func (s *nthFile) Begin(string, string, int64) { s.left-- }

func (s *nthFile) Data(data []byte) {
	if s.left == 0 && s.err == nil {
		_, s.err = s.w.Write(data)
	}
}

func (s *nthFile) End(bool) {}

// finderWriter gives a text to a finder.
type finderWriter struct{ *transfer.Finder }

func (f finderWriter) Write(b []byte) (int, error) {
	f.Finder.Write(b)
	return len(b), nil
}

// countedWriter counts what is written.
type countedWriter struct {
	w io.Writer
	n int64
}

func (c *countedWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
