package clock

import (
	"fmt"
	"time"

	"exhibit/export/order"
)

// A SilenceError says that the user may not be told of the order at a time.
type SilenceError struct {
	Basis string    // of the non-disclosure
	Until time.Time // its last second; zero: no end is stated
}

func (e *SilenceError) Error() string {
	until := "without an end"
	if !e.Until.IsZero() {
		until = "until " + e.Until.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("the user is not to be told, under %s, %s", e.Basis, until)
}

// MayNotify returns a [*SilenceError] when a non-disclosure runs at that time,
// its first and its last second included. The statement of no start means that
// it runs already.
func MayNotify(o *order.Order, at time.Time) error {
	nd := o.NonDisclosure
	if nd == nil || at.Before(nd.Start) || past(nd.End, at) {
		return nil
	}
	return &SilenceError{nd.Basis, nd.End}
}

// notice sets when the user is to be told, and whether that is owed: never
// while it is forbidden.
func (c *Clock) notice(f *Facts, now time.Time) {
	sent := happened(f.NoticeSent, now)
	if u := f.Order.UserNotice; u != nil {
		c.NoticeDue = later(u.Due, u.DelayedUntil)
		sent = sent || happened(u.Sent, now)
	}
	if nd := f.Order.NonDisclosure; nd != nil {
		c.NoticeDue = later(c.NoticeDue, nd.End)
		if nd.End.IsZero() {
			c.NoticeDue = time.Time{}
		}
	}
	reached := !c.NoticeDue.IsZero() && !now.Before(c.NoticeDue)
	c.NoticeOwed = reached && !sent && MayNotify(f.Order, now) == nil
}

func happened(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
