package mail

import (
	"errors"
	"fmt"
)

// ErrChanged is wrapped by a [ReadError] when a file did not stay the same
// while it was read.
var ErrChanged = errors.New("changed while it was read")

// ReadError is a source that could not be read to its end. File is relative
// to the root as in [Locator]; Offset is the number of stored bytes read.
type ReadError struct {
	File   string
	Offset int64
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("reading %q at byte %d: %v", e.File, e.Offset, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// LimitError is a source that exceeds one of the [Limits].
type LimitError struct {
	File   string
	Offset int64  // where the item begins, as in [Locator]; 0 for files and depth
	What   string // "item bytes", "files" or "depth"
	Limit  int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%q at byte %d: more than %d %s", e.File, e.Offset, e.Limit, e.What)
}

// FormatError is a root that cannot be read as what it is or is said to be.
type FormatError struct {
	File   string
	Format string // the format asked for, or what was found
	Reason string
}

// Outlook reports whether the root is a MSG or PST file of Outlook, which no
// declared format makes readable.
func (e *FormatError) Outlook() bool { return e.Format == formatOutlook }

const formatOutlook = "Outlook MSG or PST"

func (e *FormatError) Error() string {
	return fmt.Sprintf("%q: %s: %s", e.File, e.Format, e.Reason)
}
