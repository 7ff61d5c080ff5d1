package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"exhibit/export/mail/limits"
	"exhibit/export/mail/mime"
	"exhibit/export/mail/transfer"
)

// find returns the part of that number, and in what its offsets count.
func find(root *mime.Part, number string, r io.ReaderAt) (*mime.Part, io.ReaderAt, error) {
	at := root
	for at.Number != number {
		next := childOn(at, number)
		if next == nil {
			return nil, nil, &hintedError{fmt.Errorf("no part %s: %s has %s", number, at.Number, plural(len(at.Children()), "part")), "`exhibit inspect FILE` lists the parts"}
		}
		if at.Message == next && at.Encoded() {
			var content limitedBuffer
			if err := copyPart(&content, at, r, false); err != nil {
				return nil, nil, err
			}
			r = bytes.NewReader(content.Bytes())
		}
		at = next
	}
	return at, r, nil
}

// childOn returns the child that is the part of that number or has it below.
func childOn(p *mime.Part, number string) *mime.Part {
	for _, c := range p.Children() {
		if c.Number == number || strings.HasPrefix(number, c.Number+".") {
			return c
		}
	}
	return nil
}

// limitedBuffer holds what the parser may have looked into, and no more.
type limitedBuffer struct{ bytes.Buffer }

var errOpenedBytes = errors.New("the content of the part above is too large to be looked into")

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > limits.OpenedBytes {
		return 0, errOpenedBytes
	}
	return b.Buffer.Write(p)
}

// copyPart writes the decoded content of a part, or with raw all of it as it is.
func copyPart(w io.Writer, p *mime.Part, r io.ReaderAt, raw bool) error {
	if raw {
		_, err := io.Copy(w, io.NewSectionReader(r, p.Begin, p.End-p.Begin))
		return err
	}
	in := io.NewSectionReader(r, p.Body, p.End-p.Body)
	if !p.Encoded() || len(p.Parts) > 0 {
		_, err := io.Copy(w, in)
		return err
	}
	decoder := transfer.ByName(p.Encoding)
	const piece = 64 << 10
	var out []byte
	buf := make([]byte, piece)
	for {
		n, err := in.Read(buf)
		if err != nil && err != io.EOF {
			return err
		}
		if out = decoder.Decode(out[:0], buf[:n]); err == io.EOF {
			out = decoder.Close(out)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
	}
}

// writePart writes the part that is wanted to standard output.
func (i *inspection) writePart(s *subject) error {
	number, place := splitPart(i.part)
	p, r, err := find(s.message.Root, number, s.r)
	if err == nil {
		err = hasFile(p, place)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	write := func(w io.Writer) error {
		if place > 0 {
			return copyFile(w, p, r, place)
		}
		return copyPart(w, p, r, i.raw)
	}
	if i.env.screen {
		var seen screenCheck
		err := write(&seen)
		if err == nil {
			err = seen.end()
		}
		if err != nil {
			return err
		}
	}
	if err := write(i.env.out); err != nil {
		return fmt.Errorf("%s: write part %s: %w", s.file, i.part, err)
	}
	return nil
}

var errScreen = &hintedError{
	errors.New("the part holds bytes that are no plain text, which a terminal might act upon"),
	"send it elsewhere: exhibit inspect FILE --part NUMBER > OUT",
}

// screenCheck takes what may be shown on a terminal: printable UTF-8, tabs and
// line ends.
type screenCheck struct{ rest []byte }

func (c *screenCheck) Write(b []byte) (int, error) {
	text := append(c.rest, b...)
	for utf8.FullRune(text) {
		r, n := utf8.DecodeRune(text)
		crlf := r == '\r' && len(text) > 1 && text[1] == '\n'
		if r == '\r' && len(text) == 1 {
			break
		}
		if r == utf8.RuneError && n == 1 || !printable(r) && r != '\n' && r != '\t' && !crlf {
			return 0, errScreen
		}
		text = text[n:]
	}
	c.rest = bytes.Clone(text)
	return len(b), nil
}

// end is called after the last byte.
func (c *screenCheck) end() error {
	if len(c.rest) > 0 {
		return errScreen
	}
	return nil
}
