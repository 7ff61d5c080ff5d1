// Package clock says when things are due for one order, and until when they
// have to wait: of the order, the policy and what has happened, as of a time
// that the caller gives. It reads no clock of its own.
//
// An instant that a period leads to is the last that is in time: late is what
// comes a second after it. What has to wait may happen at that very instant.
package clock

import (
	"errors"
	"fmt"
	"time"

	"exhibit/export/order"
	"exhibit/sign/policy"
)

// Errors of [Of].
var (
	// ErrRegime says that the policy does not list the order's regime.
	ErrRegime = errors.New("the policy lists no such regime")
	// ErrUnstated says that the regime has holds, and that the order does not
	// say whether an enforcing authority was notified.
	ErrUnstated = errors.New("the order does not say whether an enforcing authority was notified")
)

// ByOrder is the DueBy of an order with a date of its own.
const ByOrder = "order"

// Facts are what the clocks of an order depend on. Zero times: not yet.
type Facts struct {
	Order  *order.Order
	Policy *policy.Policy
	// NoRefusal is when the enforcing authority's no-refusal was stated.
	NoRefusal time.Time
	// Released is when the order's first package was.
	Released time.Time
	// Delivered is when it was handed over.
	Delivered time.Time
	// NoticeSent is when the user was told, beside what the order says of it.
	NoticeSent time.Time
	// Complete says that all approvals are there.
	Complete bool
	// ByEmergency says that the emergency rule released it, and EmergencyAt when
	// the package was sealed whose approvals are looked at; zero: at Released.
	ByEmergency bool
	EmergencyAt time.Time
}

// A Clock has the clocks of one order. Zero times: none.
type Clock struct {
	Received time.Time
	// Target is the house's own.
	Target time.Time
	// Due is the order's own date, otherwise what the regime says for its
	// priority. DueBy is ByOrder, the regime's name, or empty.
	Due   time.Time
	DueBy string
	// HoldUntil is when the enforcing authority's time is over: nothing may
	// leave before, and then Held. At HoldUntil itself it may.
	HoldUntil time.Time
	Held      bool
	// ObjectionUntil is until when an authority may object to what was released.
	ObjectionUntil time.Time
	// RetainUntil is until when the released package is kept.
	RetainUntil time.Time
	// NoticeDue is when the user is to be told: never where a non-disclosure
	// has no end. NoticeOwed says that it is time, and that nobody has.
	NoticeDue  time.Time
	NoticeOwed bool
	// CompleteBy is until when the approvals have to be complete that an
	// emergency let follow. Overdue says that they are not, and should be:
	// nothing more may leave.
	CompleteBy time.Time
	Overdue    bool
	// Late and TargetMissed say that Due and Target were not met: by the
	// delivery, without one on record by the release, without that by now.
	Late         bool
	TargetMissed bool
	// Elapsed runs from receipt until Stopped, which the delivery does.
	Elapsed time.Duration
	Stopped bool
}

// Of returns the clocks as of now (sign/FORMAT.md, section 6). Errors are
// ErrRegime and ErrUnstated.
func Of(f Facts, now time.Time) (Clock, error) {
	o := f.Order
	regime, ok := f.Policy.Regime(o.Regime)
	if !ok {
		return Clock{}, fmt.Errorf("%w: %q", ErrRegime, o.Regime)
	}
	if len(regime.Hold) > 0 && o.EnforcingAuthority == nil {
		return Clock{}, fmt.Errorf("%w, of which regime %q wants to know", ErrUnstated, o.Regime)
	}
	c := Clock{Received: o.Received}
	c.targets(&f, &regime, now)
	c.hold(&f, &regime, now)
	c.afterwards(&f, &regime, now)
	c.notice(&f, now)
	return c, nil
}

// targets sets by when the data should be there, and whether it was.
func (c *Clock) targets(f *Facts, regime *policy.Regime, now time.Time) {
	o := f.Order
	c.Target = o.Received.Add(time.Duration(f.Policy.HouseMinutes) * time.Minute)
	switch period, ok := periodOf(regime.Due, o); {
	case !o.Due.IsZero():
		c.Due, c.DueBy = o.Due, ByOrder
	case ok:
		c.Due, c.DueBy = o.Received.Add(period), regime.Name
	}
	end := now
	switch {
	case !f.Delivered.IsZero():
		end = f.Delivered
	case !f.Released.IsZero():
		end = f.Released
	}
	c.Late, c.TargetMissed = past(c.Due, end), past(c.Target, end)

	c.Stopped = !f.Delivered.IsZero()
	if c.Stopped {
		now = f.Delivered
	}
	c.Elapsed = max(0, now.Sub(o.Received))
}

// hold sets until when nothing may leave.
func (c *Clock) hold(f *Facts, regime *policy.Regime, now time.Time) {
	notified := f.Order.EnforcingAuthority
	period, ok := periodOf(regime.Hold, f.Order)
	if !ok || notified == nil || !notified.Notified {
		return
	}
	c.HoldUntil = f.Order.Received.Add(period)
	if !f.NoRefusal.IsZero() && f.NoRefusal.Before(c.HoldUntil) {
		c.HoldUntil = f.NoRefusal
	}
	c.Held = now.Before(c.HoldUntil)
}

// afterwards sets what runs after the release.
func (c *Clock) afterwards(f *Facts, regime *policy.Regime, now time.Time) {
	c.emergency(f, now)
	if f.Released.IsZero() {
		return
	}
	if period, ok := periodOf(regime.Objection, f.Order); ok {
		c.ObjectionUntil = f.Order.Received.Add(period)
	}
	c.RetainUntil = f.Released.Add(time.Duration(f.Policy.RetentionDays) * 24 * time.Hour)
}

// emergency sets by when the approvals must be there that an emergency owes. A
// package that is sealed may be whole, though no record tells of its release.
func (c *Clock) emergency(f *Facts, now time.Time) {
	since := f.EmergencyAt
	if since.IsZero() {
		since = f.Released
	}
	if !f.ByEmergency || since.IsZero() {
		return
	}
	c.CompleteBy = since // where the policy has no such rule any more
	if rule := f.Policy.Emergency; rule != nil {
		c.CompleteBy = c.CompleteBy.Add(hours(rule.Hours))
	}
	c.Overdue = !f.Complete && past(c.CompleteBy, now)
}

// periodOf gives the period for the order's priority.
func periodOf(periods []policy.Period, o *order.Order) (time.Duration, bool) {
	p, ok := policy.For(periods, string(o.Priority))
	return hours(p.Hours), ok
}

func hours(n int64) time.Duration { return time.Duration(n) * time.Hour }

// past says whether the second that a limit names is over. No limit never is.
func past(limit, t time.Time) bool {
	return !limit.IsZero() && !t.Before(limit.Add(time.Second))
}
