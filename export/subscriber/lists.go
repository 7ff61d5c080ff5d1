package subscriber

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// lists is data that counsel can read and correct; each list has its source.
//
//go:embed lists.json
var lists []byte

// A List is the columns that a law allows to be disclosed of a subscriber.
type List struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Source is the provision that the list comes from.
	Source string `json:"source"`
	// Columns stand in the order in which records have them.
	Columns []Column `json:"columns"`
}

// A Column is one thing that may be disclosed.
type Column struct {
	// Name is what a table calls it: it never changes.
	Name string `json:"name"`
	// Means is what the provision says, and its letter or point.
	Means string `json:"means"`
}

// Lists returns the lists that the program carries, sorted by name.
func Lists() []List {
	all, err := parseLists(lists)
	if err != nil {
		panic(fmt.Sprintf("subscriber: lists.json, which is a part of the program: %v", err))
	}
	return all
}

// Lookup returns the list of that name, and whether there is one.
func Lookup(name string) (List, bool) {
	for _, l := range Lists() {
		if l.Name == name {
			return l, true
		}
	}
	return List{}, false
}

// place returns where a column stands in the list.
func (l List) place(column string) (int, error) {
	i := slices.IndexFunc(l.Columns, func(c Column) bool { return c.Name == column })
	if i < 0 {
		return 0, &ColumnError{Column: column, List: l.Name, Allowed: l.names()}
	}
	return i, nil
}

func (l List) names() []string {
	names := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		names[i] = c.Name
	}
	return names
}

var (
	listName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	columnName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

func parseLists(data []byte) ([]List, error) {
	var all []List
	if err := json.Unmarshal(data, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(all, func(a, b List) int { return strings.Compare(a.Name, b.Name) }) {
		return nil, fmt.Errorf("lists are not sorted by name")
	}
	for i, l := range all {
		if i > 0 && all[i-1].Name == l.Name {
			return nil, fmt.Errorf("list %q is there twice", l.Name)
		}
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("list %q: %w", l.Name, err)
		}
	}
	return all, nil
}

func (l List) check() error {
	switch {
	case !listName.MatchString(l.Name):
		return fmt.Errorf("name is not 1 to 64 of a-z 0-9 -")
	case l.Title == "":
		return fmt.Errorf("has no title")
	case l.Source == "":
		return fmt.Errorf("has no source")
	case len(l.Columns) == 0:
		return fmt.Errorf("has no columns")
	}
	seen := make(map[string]bool)
	for _, c := range l.Columns {
		switch {
		case !columnName.MatchString(c.Name):
			return fmt.Errorf("column %q is not in lower-case snake_case", c.Name)
		case c.Means == "":
			return fmt.Errorf("column %q does not say what it means", c.Name)
		case seen[c.Name]:
			return fmt.Errorf("column %q is there twice", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}
