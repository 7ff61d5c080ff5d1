package subscriber

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a reader (FORMAT section 13). Each is what is still accepted.
const (
	// MaxValue bounds one value, in bytes of UTF-8.
	MaxValue = 64 << 10
	// MaxRecord bounds one record as it stands in its table, in bytes: a line
	// of CSV with its line end, an object of JSON from { to }.
	MaxRecord = 1 << 20
	// MaxRecords bounds the records of a table.
	MaxRecords = 1_000_000
)

// Why a table or a record is refused.
var (
	// ErrFormat: the format asked for is neither CSV nor JSON.
	ErrFormat = errors.New("unknown format of a table")
	// ErrSyntax: not what its format says.
	ErrSyntax = errors.New("malformed")
	// ErrText: not UTF-8, or with a NUL.
	ErrText = errors.New("not UTF-8 text without NUL")
	// ErrTwice: a column that stands there twice.
	ErrTwice = errors.New("column is there twice")
	// ErrFields: a line that has not as many fields as the header.
	ErrFields = errors.New("wrong number of fields")
	// ErrEmpty: a record without any value.
	ErrEmpty = errors.New("record has no value")
	// ErrLimit: beyond MaxValue, MaxRecord or MaxRecords.
	ErrLimit = errors.New("too large")
)

// A ColumnError names a column that the list does not have. It is for staff to
// take out what is not asked for.
type ColumnError struct {
	Column string
	// List is the list's name, Allowed its columns in their order.
	List    string
	Allowed []string
}

func (e *ColumnError) Error() string {
	return fmt.Sprintf("column %.80q is not on the list %s: allowed are %s", e.Column, e.List, strings.Join(e.Allowed, ", "))
}

// A RecordError says where in a table something is wrong.
type RecordError struct {
	// Record counts the records of the table from 1; 0 is the header, or what
	// stands around the records.
	Record int64
	// Line of a CSV table on which the record begins, from 1; 0 for JSON.
	Line int64
	// Column is the column at fault; empty where it is not a single one.
	Column string
	// Err is never nil: a *ColumnError, or one of the errors of this package,
	// or of the reader, wrapped.
	Err error
}

func (e *RecordError) Error() string {
	var b strings.Builder
	switch {
	case e.Record > 0:
		fmt.Fprintf(&b, "record %d", e.Record)
	case e.Line > 0:
		b.WriteString("header")
	default:
		b.WriteString("table")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", e.Line)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, ", column %s", e.Column)
	}
	return b.String() + ": " + e.Err.Error()
}

func (e *RecordError) Unwrap() error { return e.Err }
