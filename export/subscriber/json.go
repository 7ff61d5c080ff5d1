package subscriber

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBetween bounds the white space and commas around a record, in bytes.
const maxBetween = 4 << 10

// window reads no further than a record may reach beyond what is consumed, so
// that the decoder cannot be made to buffer more.
type window struct {
	r        io.Reader
	read     int64 // bytes handed out
	consumed int64 // the end of the last record
}

func (w *window) Read(p []byte) (int, error) {
	room := w.consumed + MaxRecord + maxBetween - w.read
	if room <= 0 {
		return 0, fmt.Errorf("%w: record of more than %d bytes", ErrLimit, MaxRecord)
	}
	n, err := w.r.Read(p[:min(int64(len(p)), room)])
	w.read += int64(n)
	return n, err
}

func (t *table) readJSON(r io.Reader) error {
	w := &window{r: r}
	d := jsontext.NewDecoder(w)
	if err := expect(d, '['); err != nil {
		return &RecordError{Err: err}
	}
	for {
		w.consumed = d.InputOffset()
		kind := d.PeekKind()
		if kind == ']' {
			break
		}
		object, err := d.ReadValue() // the error that PeekKind met, if any
		if err != nil {
			return t.wrong("", malformed(err))
		}
		if kind != '{' {
			return t.wrong("", fmt.Errorf("%w: want an object of strings", ErrSyntax))
		}
		if len(object) > MaxRecord {
			return t.wrong("", fmt.Errorf("%w: record of more than %d bytes", ErrLimit, MaxRecord))
		}
		if err := t.takeObject(object); err != nil {
			return err
		}
	}
	if err := expect(d, ']'); err != nil {
		return &RecordError{Err: err}
	}
	w.consumed = d.InputOffset()
	if _, err := d.ReadToken(); err == nil {
		return &RecordError{Err: fmt.Errorf("%w: data after the array", ErrSyntax)}
	} else if !errors.Is(err, io.EOF) {
		return &RecordError{Err: malformed(err)}
	}
	return nil
}

// expect reads a token of that kind.
func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err != nil {
		return malformed(err)
	}
	if token.Kind() != kind {
		return fmt.Errorf("%w: want an array of objects of strings", ErrSyntax)
	}
	return nil
}

// takeObject takes a record, whose syntax is checked.
func (t *table) takeObject(object jsontext.Value) error {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := d.ReadToken(); err != nil {
		return t.wrong("", malformed(err))
	}
	values := make([][]byte, len(t.list.Columns))
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return t.wrong("", malformed(err))
		}
		column := token.String()
		place, err := t.list.place(column)
		if err != nil {
			return t.wrong("", err)
		}
		if d.PeekKind() != '"' {
			return t.wrong(column, fmt.Errorf("%w: want a string", ErrSyntax))
		}
		if token, err = d.ReadToken(); err != nil {
			return t.wrong(column, malformed(err))
		}
		values[place] = []byte(token.String())
	}
	return t.take(values)
}

// malformed gives an error of the decoder its class.
func malformed(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, ErrLimit):
		return err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("%w: %w", ErrTwice, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax):
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return err
}
