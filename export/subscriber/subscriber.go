// Package subscriber reads records that the provider's staff drew from its
// systems, and lets through the columns that a law's list has and no others
// (FORMAT section 6.2).
//
// A table is read as a stream: memory is bounded by one record. Values are
// given on byte for byte, and nothing is left out but what is empty.
package subscriber

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// The formats of a table.
const (
	// CSV is RFC 4180 in UTF-8 with a header line. A byte order mark, and lines
	// that end with LF alone, are accepted as well.
	CSV = "csv"
	// JSON is one array of objects of strings (RFC 8259).
	JSON = "json"
)

// A Record is what is disclosed of one line of a table: at least one value.
type Record struct {
	// Values stand in the order of the list; those that are empty do not.
	Values []Value
}

// A Value is what a record says in a column of the list.
type Value struct {
	Column string
	// Value is as in the table: UTF-8 without NUL, not empty, at most MaxValue
	// bytes.
	Value string
}

// Read reads a table in the format CSV or JSON whose columns are those of list
// or some of them, and calls emit with each record in turn. It stops at the
// first error; n counts the records that emit has taken.
//
// Errors of the table are a *RecordError, which holds a *ColumnError for a
// column that is not on the list. ErrFormat and the errors of emit are
// returned as they are.
func Read(r io.Reader, format string, list List, emit func(Record) error) (n int64, err error) {
	t := &table{list: list, emit: emit}
	switch format {
	case CSV:
		err = t.readCSV(r)
	case JSON:
		err = t.readJSON(r)
	default:
		err = fmt.Errorf("%w: %.40q", ErrFormat, format)
	}
	return t.taken, err
}

// table is a table as far as it is read.
type table struct {
	list  List
	emit  func(Record) error
	taken int64 // records that emit has taken
	line  int64 // on which the record at hand begins; 0 for JSON
}

// wrong returns err as one of the record at hand, and of a column if it has a name.
func (t *table) wrong(column string, err error) error {
	return &RecordError{Record: t.taken + 1, Line: t.line, Column: column, Err: err}
}

// take hands on one record, values being by their place in the list.
func (t *table) take(values [][]byte) error {
	var record Record
	for i, v := range values {
		if len(v) == 0 {
			continue
		}
		column := t.list.Columns[i].Name
		if err := checkValue(v); err != nil {
			return t.wrong(column, err)
		}
		record.Values = append(record.Values, Value{column, string(v)})
	}
	if len(record.Values) == 0 {
		return t.wrong("", ErrEmpty)
	}
	if t.taken == MaxRecords {
		return t.wrong("", fmt.Errorf("%w: more than %d records", ErrLimit, MaxRecords))
	}
	if err := t.emit(record); err != nil {
		return err
	}
	t.taken++
	return nil
}

func checkValue(v []byte) error {
	switch {
	case len(v) > MaxValue:
		return fmt.Errorf("%w: value of more than %d bytes", ErrLimit, MaxValue)
	case !utf8.Valid(v) || bytes.IndexByte(v, 0) >= 0:
		return ErrText
	}
	return nil
}
