package order

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse reads an order: JSON when the first character is '{', YAML otherwise.
// The name is used in errors only. It returns [Errors], with every fault that
// was found, when anything in the order is unknown, missing, out of its
// limits or open to a second reading.
func Parse(name string, data []byte) (*Order, error) {
	r, root := parseFile(name, data)
	if root == nil {
		return nil, r.errs
	}
	o := (&decoder{r}).order(root)
	if len(r.errs) > 0 {
		return nil, r.sorted()
	}
	o.source = bytes.Clone(data)
	return o, nil
}

// parseFile reads the nodes of a file. After a fault of its characters or its
// syntax, which is then in the report, there are none.
func parseFile(name string, data []byte) (*report, *node) {
	r := newReport(name, nil)
	if len(data) > MaxBytes {
		r.addf(top, "", "more than %d bytes", MaxBytes)
		return r, nil
	}
	r = newReport(name, data)
	if !checkCharacters(r, data) {
		return r, nil
	}
	if bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return r, parseJSON(r, data)
	}
	return r, parseYAML(r, data)
}

// checkCharacters refuses what an editor or a terminal does not show as it
// is. A line ends with LF or CR LF; a byte order mark is not accepted.
func checkCharacters(r *report, data []byte) bool {
	for i := 0; i < len(data); {
		c, n := utf8.DecodeRune(data[i:])
		msg := ""
		switch {
		case c == '\n' || c == '\t' || c == '\r' && bytes.HasPrefix(data[i+1:], []byte("\n")):
		case c == '\r':
			msg = "carriage return without line feed"
		case c == utf8.RuneError && n == 1:
			msg = "not UTF-8"
		default:
			msg = hidden(c)
		}
		if msg != "" {
			r.addf(position{offset: i}, "", "%s", msg)
			return false
		}
		i += n
	}
	return true
}

// hidden says why a character may not stand in an order, or nothing.
func hidden(c rune) string {
	switch {
	case c < utf8.RuneSelf && c >= ' ' && c != 0x7F:
		return ""
	case c == 0xFEFF:
		return "byte order mark"
	case c == utf8.RuneError:
		return "replacement character (U+FFFD)"
	case unicode.Is(unicode.Bidi_Control, c):
		return "character that changes the direction of text"
	case c == 0x200C || c == 0x200D: // joiners, which some scripts need
		return ""
	case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point, unicode.Co):
		return "control or invisible character"
	}
	return ""
}

// A decoder makes an order or a narrowing of the nodes, and goes on after faults.
type decoder struct{ *report }

// An object is a mapping with known names.
type object struct {
	d *decoder
	n *node
}

// object takes a node as a mapping whose names are all among the given ones.
func (d *decoder) object(n *node, names ...string) (object, bool) {
	if n.kind != mapping {
		d.kindError(n, mapping)
		return object{}, false
	}
	for _, f := range n.fields {
		if !slices.Contains(names, f.name) {
			d.addf(f.at, join(n.path, f.name), "unknown name; known here: %s", strings.Join(names, ", "))
		}
	}
	return object{d, n}, true
}

// typed wants the first field of a file to be its type.
func (d *decoder) typed(doc object, typ string) {
	if len(doc.n.fields) > 0 && doc.n.fields[0].name != "type" {
		d.addf(doc.n.fields[0].at, "type", "must come first")
	}
	needChecked(doc, "type", oneOf(typ))
}

func (d *decoder) kindError(n *node, want kind) {
	switch n.kind {
	case invalid:
	case null:
		d.addf(n.at, n.path, "nothing there; write %s, or leave the name out", want)
	default:
		d.addf(n.at, n.path, "%s where %s is wanted", n.kind, want)
	}
}

// get finds a field that may be absent.
func (o object) get(name string) (*node, bool) {
	for _, f := range o.n.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return nil, false
}

// need finds a field that must be there.
func (o object) need(name string) (*node, bool) {
	n, ok := o.get(name)
	if !ok {
		o.d.addf(o.n.at, join(o.n.path, name), "missing")
	}
	return n, ok
}

// text takes a node as one line of text, whose place the second result says.
func (d *decoder) text(n *node) (string, bool) {
	if n.kind != plain && n.kind != quoted {
		d.kindError(n, quoted)
		return "", false
	}
	if strings.TrimSpace(n.text) == "" {
		d.addf(n.at, n.path, "empty")
		return "", false
	}
	if strings.TrimSpace(n.text) != n.text {
		d.addf(n.at, n.path, "white space at an end of the text")
		return "", false
	}
	for _, c := range n.text {
		if msg := hidden(c); msg != "" {
			d.addf(n.at, n.path, "%s in the text", msg)
			return "", false
		}
	}
	if utf8.RuneCountInString(n.text) > MaxText {
		d.addf(n.at, n.path, "more than %d characters", MaxText)
		return "", false
	}
	return n.text, true
}

// needText gives the text of a field, or nothing after a fault.
func (o object) needText(name string) string {
	if n, ok := o.need(name); ok {
		s, _ := o.d.text(n)
		return s
	}
	return ""
}

// optionalText gives the text of a field that may be absent.
func (o object) optionalText(name string) string {
	if n, ok := o.get(name); ok {
		s, _ := o.d.text(n)
		return s
	}
	return ""
}

// checked applies a reader to the text of a node and reports its error.
func checked[T any](d *decoder, n *node, read func(string) (T, error)) (value T, ok bool) {
	s, ok := d.text(n)
	if !ok {
		return value, false
	}
	value, err := read(s)
	if err != nil {
		d.addf(n.at, n.path, "%v", err)
		var zero T
		return zero, false
	}
	return value, true
}

// needChecked is checked for a field that must be there.
func needChecked[T any](o object, name string, read func(string) (T, error)) (value T, ok bool) {
	n, ok := o.need(name)
	if !ok {
		return value, false
	}
	return checked(o.d, n, read)
}

// optionalChecked is checked for a field that may be absent.
func optionalChecked[T any](o object, name string, read func(string) (T, error)) (value T, ok bool) {
	n, ok := o.get(name)
	if !ok {
		return value, false
	}
	return checked(o.d, n, read)
}

// list takes a node as a list of 1 to most items.
func (d *decoder) list(n *node, most int) []*node {
	if n.kind != sequence {
		d.kindError(n, sequence)
		return nil
	}
	if len(n.items) == 0 {
		d.addf(n.at, n.path, "empty list")
	}
	if len(n.items) > most {
		d.addf(n.items[most].at, n.path, "more than %d entries", most)
		return nil
	}
	return n.items
}
