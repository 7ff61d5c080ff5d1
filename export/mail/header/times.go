package header

import (
	"errors"
	"fmt"
)

// ErrAbsent says that a header has no field of the kind asked for.
var ErrAbsent = errors.New("no such field")

// ErrDiffer says that fields of which there may be one have different values.
var ErrDiffer = errors.New("fields that differ")

// ReceivedTime returns the time of the topmost Received field, the one that the
// last relay wrote (RFC 5321, section 4.4). Errors wrap [ErrAbsent] or [ErrDate].
func (h Header) ReceivedTime() (DateTime, error) {
	received := h.All("Received")
	if len(received) == 0 {
		return DateTime{}, fmt.Errorf("received: %w", ErrAbsent)
	}
	return ReceivedDate(received[0])
}

// SentTime returns the time of the only Date field (RFC 5322, section 3.6.1); of
// several, if they all mean the same time. Errors wrap [ErrAbsent], [ErrDate] or,
// where one of several means another time or none, [ErrDiffer].
func (h Header) SentTime() (DateTime, error) {
	dates := h.All("Date")
	if len(dates) == 0 {
		return DateTime{}, fmt.Errorf("date: %w", ErrAbsent)
	}
	first, err := Date(dates[0])
	if err != nil {
		return DateTime{}, err
	}
	for _, other := range dates[1:] {
		t, err := Date(other)
		if err != nil || !t.Earliest.Equal(first.Earliest) || !t.Latest.Equal(first.Latest) {
			return DateTime{}, fmt.Errorf("date: %w", ErrDiffer)
		}
	}
	return first, nil
}

// Whole reports whether the header was read to its end: otherwise there may be
// fields that were missed.
func (h Header) Whole() bool {
	for _, d := range h.Defects {
		switch d.Name {
		case DefectTooManyBytes, DefectTooManyFields, DefectTooManyDefects, DefectNoHeader:
			return false
		}
	}
	return true
}
