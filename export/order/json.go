package order

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSON reads the one JSON value of data (RFC 8259). It returns nil after
// a fault of the syntax, which it has then reported.
func parseJSON(r *report, data []byte) *node {
	p := &jsonParser{
		report: r,
		dec:    jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true)),
	}
	root, err := p.value("", 1)
	if err == nil {
		if _, err = p.dec.ReadToken(); errors.Is(err, io.EOF) {
			return root
		}
		if err == nil {
			r.addf(p.begin(1), "", "data after its end")
			return nil
		}
	}
	if !errors.Is(err, errReported) {
		p.syntax(err, len(data))
	}
	return nil
}

// errReported ends the parsing after a fault that is in the report.
var errReported = errors.New("reported")

type jsonParser struct {
	*report
	dec    *jsontext.Decoder
	values int
}

// begin is where the token of n bytes just read begins.
func (p *jsonParser) begin(n int) position {
	return position{offset: int(p.dec.InputOffset()) - n}
}

func (p *jsonParser) syntax(err error, size int) {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		p.addf(position{offset: int(syntactic.ByteOffset)}, "", "not JSON: %v", syntactic.Err)
		return
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.addf(position{offset: size}, "", "not JSON: unexpected end")
		return
	}
	p.addf(p.begin(0), "", "not JSON: %v", err)
}

func (p *jsonParser) value(path string, depth int) (*node, error) {
	if p.values++; p.values > MaxParts {
		p.addf(p.begin(0), path, "more than %d parts", MaxParts)
		return nil, errReported
	}
	switch p.dec.PeekKind() {
	case '{', '[':
		return p.composite(path, depth)
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	n := &node{kind: boolean, path: path, at: p.begin(len(raw)), text: string(raw)}
	switch raw.Kind() {
	case '"':
		n.kind = quoted
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil, err
		}
		n.text = string(text)
	case 'n':
		n.kind = null
	case '0':
		p.addf(n.at, path, "a number; every value is a text in quotes")
		n.kind = invalid
	}
	return n, nil
}

func (p *jsonParser) composite(path string, depth int) (*node, error) {
	start, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: mapping, path: path, at: p.begin(1)}
	if start.Kind() == '[' {
		n.kind = sequence
	}
	if depth > MaxDepth {
		p.addf(n.at, path, "nested deeper than %d", MaxDepth)
		return nil, errReported
	}
	for {
		if k := p.dec.PeekKind(); k == '}' || k == ']' {
			_, err := p.dec.ReadToken()
			return n, err
		}
		if err := p.member(n, depth); err != nil {
			return nil, err
		}
	}
}

func (p *jsonParser) member(n *node, depth int) error {
	if n.kind == sequence {
		item, err := p.value(index(n.path, len(n.items)), depth+1)
		n.items = append(n.items, item)
		return err
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	at := p.begin(len(raw))
	name, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return err
	}
	if !p.nameFits(at, n.path, string(name)) {
		return errReported
	}
	value, err := p.value(join(n.path, string(name)), depth+1)
	if err != nil {
		return err
	}
	p.addField(n, field{string(name), at, value})
	return nil
}
