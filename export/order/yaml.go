package order

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The limits of one line of YAML: characters, and spaces before the first.
const (
	maxLine   = 6000
	maxIndent = 64
)

// parseYAML reads the one YAML document of data, of which a small part of
// YAML is accepted: mappings and lists, in block or flow style, of texts that
// stand on one line each, plain or in quotes. It returns nil after a fault of
// the syntax, which it has then reported.
func parseYAML(r *report, data []byte) (root *node) {
	// The limits come first: neither the lexer nor the parser has any.
	if !checkLines(r) {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			r.addf(top, "", "not YAML: the parser failed: %v", p)
			root = nil
		}
	}()
	// The lexer miscounts lines that end with CR LF; as LF they have the same places.
	tokens := lexer.Tokenize(strings.ReplaceAll(string(data), "\r\n", "\n"))
	if !checkTokens(r, tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.yamlError(err)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		r.addf(top, "", "empty")
		return nil
	}
	if len(file.Docs) > 1 {
		r.addf(top, "", "several documents")
		return nil
	}
	return (&yamlBuilder{r}).node(file.Docs[0].Body, "", 1)
}

func (r *report) yamlError(err error) {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		r.addf(placeOf(at.GetToken()), "", "not YAML: %s", at.GetMessage())
		return
	}
	r.addf(top, "", "not YAML: %v", err)
}

func placeOf(t *token.Token) position {
	return position{line: t.Position.Line, column: t.Position.Column}
}

func checkLines(r *report) bool {
	for i, line := range r.lines {
		if tab := strings.IndexByte(line, '\t'); tab >= 0 {
			r.addf(position{line: i + 1, column: utf8.RuneCountInString(line[:tab]) + 1}, "", "tab character; use spaces")
			return false
		}
		text := strings.TrimLeft(line, " ")
		if indent := len(line) - len(text); indent > maxIndent {
			r.addf(position{line: i + 1, column: indent + 1}, "", "indented by more than %d spaces", maxIndent)
			return false
		}
		if len(line) > maxLine && utf8.RuneCountInString(line) > maxLine {
			r.addf(position{line: i + 1, column: maxLine + 1}, "", "line of more than %d characters", maxLine)
			return false
		}
	}
	return true
}

// refused are the parts of YAML that give a text a second meaning, or none
// that an order needs.
var refused = map[token.Type]string{
	token.AnchorType:      "anchors (&) are not accepted; put a text that begins with & in quotes",
	token.AliasType:       "aliases (*) are not accepted; put a text that begins with * in quotes",
	token.TagType:         "tags (!) are not accepted; put a text that begins with ! in quotes",
	token.MergeKeyType:    "merge keys (<<) are not accepted",
	token.DirectiveType:   "directives (%) are not accepted; put a text that begins with % in quotes",
	token.MappingKeyType:  "complex names (?) are not accepted",
	token.LiteralType:     "block texts (|) are not accepted; write one line in quotes",
	token.FoldedType:      "block texts (>) are not accepted; write one line in quotes",
	token.DocumentEndType: "the end of a document (...) is not accepted",
}

// checkTokens refuses, before anything is built from them, the tokens that
// are not accepted and those that nest too deep or are too many.
func checkTokens(r *report, tokens token.Tokens) bool {
	shape := shape{names: map[int]int{}}
	for i, t := range tokens {
		msg := refused[t.Type]
		if i == MaxParts {
			r.addf(placeOf(t), "", "more than %d parts", MaxParts)
			return false
		}
		switch t.Type {
		case token.InvalidType:
			msg = "not YAML: " + t.Error
		case token.DocumentHeaderType:
			if !onlyComments(tokens[:i]) {
				msg = "a second document is not accepted"
			}
		case token.StringType, token.SingleQuoteType, token.DoubleQuoteType:
			if strings.Contains(strings.TrimSpace(t.Origin), "\n") {
				msg = "text on several lines; write it on one line"
			}
		default:
			if msg == "" {
				msg = shape.add(t)
			}
		}
		if msg != "" {
			r.addf(placeOf(t), "", "%s", msg)
			return false
		}
	}
	return true
}

func onlyComments(tokens token.Tokens) bool {
	for _, t := range tokens {
		if t.Type != token.CommentType {
			return false
		}
	}
	return true
}

// A shape keeps account of how deep and how wide the document is. The parser
// recurses for each level and for each further name of a block mapping.
type shape struct {
	flow  int         // flow collections that are open
	entry int         // the line of the last entry of a block list
	names map[int]int // names of the open block mapping at each column
}

func (s *shape) add(t *token.Token) string {
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		if s.flow++; s.flow > MaxDepth {
			return fmt.Sprintf("nested deeper than %d", MaxDepth)
		}
	case token.MappingEndType, token.SequenceEndType:
		s.flow--
	case token.SequenceEntryType:
		if s.entry == t.Position.Line {
			return "a list directly within a list"
		}
		s.entry = t.Position.Line
		s.leave(t.Position.Column)
	case token.MappingValueType:
		if s.flow > 0 || t.Prev == nil {
			return ""
		}
		column := t.Prev.Position.Column
		s.leave(column)
		if s.names[column]++; s.names[column] > MaxFields {
			return fmt.Sprintf("more than %d names in one mapping", MaxFields)
		}
	}
	return ""
}

// leave forgets the mappings to the right of a column.
func (s *shape) leave(column int) {
	for c := range s.names {
		if c > column {
			delete(s.names, c)
		}
	}
}

type yamlBuilder struct{ *report }

func (b *yamlBuilder) node(y ast.Node, path string, depth int) *node {
	n := &node{path: path, at: top}
	if t := y.GetToken(); t != nil {
		n.at = placeOf(t)
	}
	if _, flat := y.(ast.ScalarNode); !flat && depth > MaxDepth {
		b.addf(n.at, path, "nested deeper than %d", MaxDepth)
		return n
	}
	switch y := y.(type) {
	case *ast.MappingNode:
		b.mapping(n, y.Values, y.IsFlowStyle, depth)
	case *ast.MappingValueNode:
		b.mapping(n, []*ast.MappingValueNode{y}, y.IsFlowStyle, depth)
	case *ast.SequenceNode:
		n.kind = sequence
		for i, item := range y.Values {
			n.items = append(n.items, b.node(item, index(path, i), depth+1))
		}
	case *ast.NullNode:
		n.kind = null
	case ast.ScalarNode:
		b.scalar(n, y.GetToken())
	default:
		b.addf(n.at, path, "%s is not accepted", strings.ToLower(y.Type().YAMLName()))
	}
	return n
}

func (b *yamlBuilder) mapping(n *node, values []*ast.MappingValueNode, flow bool, depth int) {
	n.kind = mapping
	for i, v := range values {
		key := &node{path: n.path, at: placeOf(v.Key.GetToken())}
		if i == 0 && !flow {
			n.at = key.at // not the colon
		}
		b.scalar(key, v.Key.GetToken())
		if key.kind == invalid || !b.nameFits(key.at, n.path, key.text) {
			continue
		}
		value := b.node(v.Value, join(n.path, key.text), depth+1)
		if value.kind == null {
			value.at = key.at
		}
		b.addField(n, field{key.text, key.at, value})
	}
}

// scalar takes the text of a token from the source itself, so that nothing
// is a number, a date or a truth value unless the field wants one.
func (b *yamlBuilder) scalar(n *node, t *token.Token) {
	rest := b.from(n.at)
	switch t.Type {
	case token.DoubleQuoteType:
		n.kind, n.text = quoted, doubleQuoted(rest)
	case token.SingleQuoteType:
		n.kind, n.text = quoted, singleQuoted(rest)
	default:
		n.kind, n.text = plain, t.Value
		if !strings.HasPrefix(rest, t.Value) {
			n.text = ""
		}
	}
	if n.text != t.Value {
		n.kind = invalid
		b.addf(n.at, n.path, "text not understood; of escapes only those of JSON are accepted")
	}
}

// doubleQuoted undoes the quotes at the head of s by the rules of JSON.
func doubleQuoted(s string) string {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			text, err := jsontext.AppendUnquote(nil, s[:i+1])
			if err != nil {
				return ""
			}
			return string(text)
		}
	}
	return ""
}

// singleQuoted undoes the quotes at the head of s: two of them stand for one.
func singleQuoted(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if !strings.HasPrefix(s[i:], "''") {
			return strings.ReplaceAll(s[1:i], "''", "'")
		}
		i++
	}
	return ""
}
