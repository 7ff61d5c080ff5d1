package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// report is the outcome of a comparison, and what --json prints.
type report struct {
	Files         int            `json:"files"`
	Keys          []score        `json:"keys"`
	Disagreements []disagreement `json:"disagreements"`
	WithoutItem   []string       `json:"without_item"` // files
}

// score is how often a key agrees.
type score struct {
	Key     string  `json:"key"`
	Rows    int     `json:"rows"`
	Agree   int     `json:"agree"`
	Percent float64 `json:"percent"` // 0 without rows
}

// disagreement is one value that is read otherwise than agreed.
type disagreement struct {
	File string          `json:"file"`
	Key  string          `json:"key"`
	Got  any             `json:"got"`
	Want json.RawMessage `json:"want"`
}

func newReport(files int) *report {
	r := &report{Files: files, Disagreements: []disagreement{}, WithoutItem: []string{}}
	for _, k := range keys {
		r.Keys = append(r.Keys, score{Key: k.name})
	}
	return r
}

// add compares every key that the row has.
func (r *report) add(row row, got reading) error {
	for i, k := range keys {
		want, ok := row.Expect[k.name]
		if !ok {
			continue
		}
		value, same, err := k.same(got, want)
		if err != nil {
			return fmt.Errorf("key %s: %w", k.name, err)
		}
		if !same {
			r.Disagreements = append(r.Disagreements, disagreement{row.File, k.name, value, want})
		}
		r.Keys[i].count(same)
	}
	return nil
}

func (s *score) count(same bool) {
	s.Rows++
	if same {
		s.Agree++
	}
	s.Percent = 100 * float64(s.Agree) / float64(s.Rows)
}

// holds reports whether every key has rows, of which at least min percent agree,
// and every file gives an item.
func (r *report) holds(min float64) bool {
	for _, s := range r.Keys {
		if s.Rows == 0 || s.Percent < min {
			return false
		}
	}
	return len(r.WithoutItem) == 0
}

func (r *report) write(w io.Writer, asJSON bool) error {
	if !asJSON {
		return r.table(w)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(r)
}

// table prints the disagreements, then the keys.
func (r *report) table(w io.Writer) error {
	for _, d := range r.Disagreements {
		got, err := json.Marshal(d.Got)
		if err != nil {
			return fmt.Errorf("%s, key %s: %w", d.File, d.Key, err)
		}
		if _, err := fmt.Fprintf(w, "%s: %s: got %s, want %s\n", d.File, d.Key, got, d.Want); err != nil {
			return err
		}
	}
	for _, f := range r.WithoutItem {
		if _, err := fmt.Fprintf(w, "%s: gives no item\n", f); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "key\trows\tagree\tpercent\t\n") // errors stay until Flush
	for _, s := range r.Keys {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t\n", s.Key, s.Rows, s.Agree, s.Percent)
	}
	return t.Flush()
}
