package sign

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// form is one of the two ways a text is laid out (FORMAT section 2).
type form struct {
	what   string
	limit  int
	indent bool
}

var (
	document = form{what: "document", limit: MaxDocument, indent: true}
	line     = form{what: "line", limit: MaxLine}
)

// MarshalDocument returns v in document form. v is a struct, or a pointer to
// one, whose fields are tagged in the order of their table, `type` first. It
// fails where UnmarshalDocument would refuse what comes out.
func MarshalDocument(v any) ([]byte, error) { return marshal(document, v) }

// MarshalLine returns v in line form, without a line end; v is as for
// MarshalDocument.
func MarshalLine(v any) ([]byte, error) { return marshal(line, v) }

// UnmarshalDocument reads a text in document form whose `type` is typ into v,
// a pointer to a struct. What it accepts, MarshalDocument writes again as the
// same bytes. Errors are ErrNotCanonical, *TypeError and *LimitError.
func UnmarshalDocument(data []byte, typ string, v any) error {
	return unmarshal(document, data, typ, v)
}

// UnmarshalLine reads a text in line form, without its line end, as
// UnmarshalDocument does.
func UnmarshalLine(data []byte, typ string, v any) error {
	return unmarshal(line, data, typ, v)
}

// DocumentType returns the `type` of a canonical text in document form.
func DocumentType(data []byte) (string, error) {
	typ, _, err := canonical(document, data)
	return typ, err
}

func marshal(f form, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing %T: %w", v, err)
	}
	_, out, err := reformat(f, raw)
	if err != nil {
		return nil, fmt.Errorf("writing %T: %w", v, err)
	}
	if len(out) > f.limit {
		return nil, fmt.Errorf("writing %T: %w", v, &LimitError{f.what, f.limit})
	}
	return out, nil
}

func unmarshal(f form, data []byte, typ string, v any) error {
	got, _, err := canonical(f, data)
	if err != nil {
		return err
	}
	if got != typ {
		return &TypeError{Want: typ, Got: got}
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	// Every member must be there, in its place and as this package writes it.
	// What json.Marshal writes is the line form, so a line needs no second pass.
	again, err := json.Marshal(v)
	if err == nil && f.indent {
		_, again, err = reformat(f, again)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("%w: byte %d: members missing, in another order, or written in another way", ErrNotCanonical, differAt(again, data))
	}
	return nil
}

// canonical checks that data is in form f token by token, and returns its type.
func canonical(f form, data []byte) (typ string, out []byte, err error) {
	typ, out, err = reformat(f, data)
	if err != nil {
		return "", nil, err
	}
	if !bytes.Equal(out, data) {
		return "", nil, fmt.Errorf("%w: byte %d is written in another way", ErrNotCanonical, differAt(out, data))
	}
	return typ, out, nil
}

func differAt(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// reformat writes the JSON text data, an object, in form f, keeping its
// tokens and their order. It returns the value of its first member `type`.
func reformat(f form, data []byte) (typ string, out []byte, err error) {
	if len(data) > f.limit {
		return "", nil, &LimitError{f.what, f.limit}
	}
	// The decoder refuses duplicate names and invalid UTF-8, lone surrogates included.
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	w := writer{indent: f.indent, out: make([]byte, 0, len(data)+1)}
	for n := 0; ; n++ {
		tok, err := dec.ReadToken()
		if err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrNotCanonical, noEOF(err))
		}
		if dec.StackDepth() > MaxDepth {
			return "", nil, &LimitError{"depth", MaxDepth}
		}
		if !leads(n, tok) {
			return "", nil, fmt.Errorf("%w: the first member is not the type", ErrNotCanonical)
		}
		if n == 2 {
			typ = tok.String()
		}
		if tok.Kind() == '0' && !wholeNumber(tok.String()) {
			return "", nil, fmt.Errorf("%w: number %.40q", ErrNotCanonical, tok.String())
		}
		if err := w.token(tok); err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrNotCanonical, err)
		}
		if dec.StackDepth() == 0 {
			break
		}
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return "", nil, fmt.Errorf("%w: data after the text", ErrNotCanonical)
	}
	if f.indent {
		w.out = append(w.out, '\n')
	}
	return typ, w.out, nil
}

// leads reports whether tok may be the n-th token: a text begins with
// `{`, "type" and a string.
func leads(n int, tok jsontext.Token) bool {
	switch n {
	case 0:
		return tok.Kind() == '{'
	case 1:
		return tok.Kind() == '"' && tok.String() == "type"
	case 2:
		return tok.Kind() == '"'
	}
	return true
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// wholeNumber reports whether s is a number of 0 to 2^53 - 1 in its only form.
func wholeNumber(s string) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n <= MaxNumber && strconv.FormatUint(n, 10) == s
}

// writer writes tokens one after the other in canonical form.
type writer struct {
	out    []byte
	indent bool
	stack  []level
}

// level is an object or array that is open.
type level struct {
	object bool
	tokens int // names and values so far
}

func (w *writer) token(tok jsontext.Token) error {
	kind := tok.Kind()
	if kind == '}' || kind == ']' {
		last := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if last.tokens > 0 {
			w.newline()
		}
		w.out = append(w.out, byte(kind))
		return nil
	}
	w.separate()
	switch kind {
	case '"':
		var err error
		// RFC 8785 section 3.2.2.2 escapes as FORMAT section 2 does.
		w.out, err = jsontext.AppendQuote(w.out, tok.String())
		return err
	case '{', '[':
		w.out = append(w.out, byte(kind))
		w.stack = append(w.stack, level{object: kind == '{'})
	default: // numbers and literals
		w.out = append(w.out, tok.String()...)
	}
	return nil
}

// separate writes what stands between the token before and the next one.
func (w *writer) separate() {
	if len(w.stack) == 0 {
		return
	}
	l := &w.stack[len(w.stack)-1]
	l.tokens++
	if l.object && l.tokens%2 == 0 {
		w.out = append(w.out, ':')
		if w.indent {
			w.out = append(w.out, ' ')
		}
		return
	}
	if l.tokens > 1 {
		w.out = append(w.out, ',')
	}
	w.newline()
}

func (w *writer) newline() {
	if !w.indent {
		return
	}
	w.out = append(w.out, '\n')
	for range w.stack {
		w.out = append(w.out, ' ', ' ')
	}
}
