// Package sign holds what every signed text of Exhibit has in common: one
// canonical form of JSON that is parsed strictly, the small types that occur
// in it, and the signed file that carries a text with its salt and signature.
//
// The bytes are specified in FORMAT.md beside this file. Signatures
// themselves are made and checked in sign/detached.
package sign

import (
	"errors"
	"fmt"
)

// Limits on what a reader accepts (FORMAT section 2).
const (
	// MaxDocument bounds a text in document form, in bytes.
	MaxDocument = 16 << 20
	// MaxLine bounds a text in line form, in bytes.
	MaxLine = 1 << 20
	// MaxDepth bounds the nesting of objects and arrays.
	MaxDepth = 64
	// MaxNumber is the largest number a text may hold: 2^53 - 1.
	MaxNumber = 1<<53 - 1
)

// ErrNotCanonical says that a text is not in the one form it may have.
var ErrNotCanonical = errors.New("not in canonical form")

// A TypeError says that a text is of another type than the one asked for.
type TypeError struct {
	Want, Got string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("text is of type %.80q, not %q", e.Got, e.Want)
}

// A LimitError says that a text is beyond a limit of a reader.
type LimitError struct {
	// What is bounded: "document", "line" or "depth".
	What string
	// Limit is the largest value allowed, in bytes or levels.
	Limit int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s is beyond the limit of %d", e.What, e.Limit)
}

// A MemberError says that one member of a well-formed text has a value that
// its table does not allow.
type MemberError struct {
	// Member is the path of the member, as in "objects[2].name".
	Member string
	// Problem says what is wrong with it.
	Problem string
}

func (e *MemberError) Error() string { return e.Member + ": " + e.Problem }

// BadMember returns a *MemberError for the member at path.
func BadMember(path, format string, args ...any) error {
	return &MemberError{Member: path, Problem: fmt.Sprintf(format, args...)}
}
