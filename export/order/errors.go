package order

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Error is one fault of an order file, or of a narrowing.
type Error struct {
	File    string // as given to Parse or ParseNarrowing
	Line    int    // from 1
	Column  int    // from 1, in characters
	Path    string // the field, such as "accounts[0].start"; empty: the file
	Msg     string
	Excerpt string // the line, and beneath it a caret at the column; no line end
}

// Error gives the fault in one line.
func (e *Error) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		where += e.Path + ": "
	}
	return where + e.Msg
}

// Errors are all faults found in a file, in the order of the file; at most
// [MaxErrors]. Parse and ParseNarrowing return no other type of error.
type Errors []*Error

// Error gives every fault, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single faults to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// position is a place in the source: a line and column in characters, from 1,
// or with line 0 an offset in bytes, of which a report makes the others.
type position struct{ line, column, offset int }

// top is the beginning of a source.
var top = position{line: 1, column: 1}

// A report collects faults of one source.
type report struct {
	file  string
	lines []string
	errs  Errors
	full  bool
}

func newReport(file string, data []byte) *report {
	return &report{file: file, lines: strings.Split(string(data), "\n")}
}

func (r *report) addf(at position, path, format string, args ...any) {
	if r.full {
		return
	}
	at = r.resolve(at)
	msg := fmt.Sprintf(format, args...)
	if len(r.errs) == MaxErrors-1 {
		r.full = true
		msg += " (later errors are not listed)"
	}
	r.errs = append(r.errs, &Error{
		File: r.file, Line: at.line, Column: at.column, Path: path,
		Msg: msg, Excerpt: r.excerpt(at),
	})
}

// sorted gives the faults in the order of the file.
func (r *report) sorted() Errors {
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return r.errs
}

// resolve gives a position its line and column.
func (r *report) resolve(at position) position {
	if at.line > 0 {
		return at
	}
	offset := at.offset
	for i, line := range r.lines {
		if offset <= len(line) {
			return position{line: i + 1, column: utf8.RuneCountInString(line[:offset]) + 1}
		}
		offset -= len(line) + 1
	}
	return position{line: len(r.lines), column: 1}
}

// from returns the rest of the line at a position, without its line end.
func (r *report) from(at position) string {
	if at.line < 1 || at.line > len(r.lines) {
		return ""
	}
	line := strings.TrimSuffix(r.lines[at.line-1], "\r")
	for range at.column - 1 {
		_, n := utf8.DecodeRuneInString(line)
		line = line[n:]
	}
	return line
}

const excerptWidth = 100

// excerpt shows a line, cut to a window around the column, with a caret.
// What a terminal would not print as one character is shown as U+FFFD.
func (r *report) excerpt(at position) string {
	if at.line < 1 || at.line > len(r.lines) {
		return ""
	}
	runes := []rune(strings.TrimSuffix(r.lines[at.line-1], "\r"))
	caret := min(max(at.column-1, 0), len(runes))
	if skip := caret - excerptWidth*3/4; skip > 0 && len(runes) > excerptWidth {
		runes, caret = runes[skip:], caret-skip
	}
	runes = runes[:min(len(runes), excerptWidth)]
	for i, c := range runes {
		if !unicode.IsGraphic(c) {
			runes[i] = utf8.RuneError
		}
	}
	head := fmt.Sprintf("%4d | ", at.line)
	return head + string(runes) + "\n" + strings.Repeat(" ", len(head)+caret) + "^"
}

// clip quotes a text of the file for a message.
func clip(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%+q", s)
}
