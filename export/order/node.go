package order

import (
	"fmt"
	"unicode/utf8"
)

// A node is a value of the file with its place, the same for YAML and JSON.
type node struct {
	kind   kind
	text   string // of a scalar: what is written, quotes and escapes undone
	at     position
	path   string
	fields []field
	items  []*node
}

type kind int

const (
	invalid  kind = iota // already reported
	quoted               // text in quotes
	plain                // YAML text without quotes
	boolean              // JSON true or false
	null                 // nothing
	mapping              // fields
	sequence             // items
)

type field struct {
	name  string
	at    position
	value *node
}

func (k kind) String() string {
	switch k {
	case quoted, plain:
		return "a text"
	case boolean:
		return "true or false"
	case null:
		return "nothing"
	case mapping:
		return "a mapping"
	case sequence:
		return "a list"
	}
	return "invalid"
}

// addField appends a field unless its name is there already.
func (r *report) addField(n *node, f field) {
	for _, other := range n.fields {
		if other.name == f.name {
			if r.full { // nothing is listed, and to find the line takes time
				return
			}
			r.addf(f.at, join(n.path, f.name), "duplicate name, first on line %d", r.resolve(other.at).line)
			return
		}
	}
	if len(n.fields) == MaxFields {
		r.addf(f.at, n.path, "more than %d names in one mapping", MaxFields)
		return
	}
	n.fields = append(n.fields, f)
}

// nameFits reports a field name that is empty or too long.
func (r *report) nameFits(at position, path, name string) bool {
	if name == "" {
		r.addf(at, path, "empty name")
		return false
	}
	if utf8.RuneCountInString(name) > MaxName {
		r.addf(at, path, "name of more than %d characters", MaxName)
		return false
	}
	return true
}

// join appends a name to a path.
func join(path, name string) string {
	for _, c := range name {
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			name = fmt.Sprintf("%+q", name)
			break
		}
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
