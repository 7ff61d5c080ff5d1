package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/statement"
	"exhibit/store"
)

// A State is how far an order has come.
type State string

// The states of an order's life. Refused, Withdrawn, Superseded and Closed are its
// ends.
const (
	StateReceived       State = "received"
	StateAccepted       State = "accepted"
	StateAcceptedInPart State = "accepted-in-part"
	StateApproved       State = "approved"
	StateExported       State = "exported"
	StateDelivered      State = "delivered"
	StateAcknowledged   State = "acknowledged"
	StateClosed         State = "closed"
	StateRefused        State = "refused"
	StateWithdrawn      State = "withdrawn"
	StateSuperseded     State = "superseded"
)

// Open reports whether something is still to be done about an order in that state.
func (s State) Open() bool {
	return !slices.Contains([]State{StateClosed, StateRefused, StateWithdrawn, StateSuperseded}, s)
}

// Standing is one order as it stands now.
type Standing struct {
	// Digest of the order's exact bytes.
	Digest sign.Digest
	// Order is nil where Problem says why it cannot be read.
	Order   *order.Order
	State   State
	Mandate *Mandate
	// Package is the package that was released last, or nil.
	Package  *sign.ID
	Released time.Time
	// Next says what somebody has to do now; empty if nobody has.
	Next string
	// Problem is why the standing cannot be told, such as a regime that the policy
	// does not list; nil if it can.
	Problem error

	expired bool // the authority to act has ended
}

// Overdue reports whether something should have happened already.
func (s *Standing) Overdue() bool {
	if s.Mandate == nil || !s.State.Open() {
		return false
	}
	c := s.Mandate.Clock
	return c.Overdue || c.NoticeOwed || c.Late && !s.State.Delivered()
}

// Delivered reports whether the agency has the package, and the order is not closed yet.
func (s State) Delivered() bool { return s == StateDelivered || s == StateAcknowledged }

// Standings tells of every order that the store knows, the most urgent first:
// what is late, then what is due soonest, then what has no date, then what is done.
func (a *Authority) Standings(ctx context.Context, now time.Time) ([]Standing, error) {
	digests, err := a.Provider.orders(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Standing, 0, len(digests))
	for _, d := range digests {
		s, err := a.standing(ctx, d, now)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(x, y Standing) int { return compareUrgency(&x, &y) })
	return list, nil
}

// orders lists the digests of the orders that the store keeps, sorted. One that this
// host has seen there before and that is gone is a *LostRecordError: nothing of it
// would ever be late.
func (p *Provider) orders(ctx context.Context) ([]sign.Digest, error) {
	seen, err := p.records().noted(ctx, custody.OrdersPrefix, "/order")
	if err != nil {
		return nil, err
	}
	var list []sign.Digest
	for info, err := range p.Store.List(ctx, custody.OrdersPrefix) {
		if err != nil {
			return nil, fmt.Errorf("list orders: %w", err)
		}
		folder, name, ok := strings.Cut(strings.TrimPrefix(info.Key, custody.OrdersPrefix), "/")
		if !ok || name != "order" {
			continue
		}
		d, err := sign.ParseDigest(folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", info.Key, err)
		}
		if err := p.records().remember(ctx, info.Key); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	for _, key := range seen {
		if !slices.ContainsFunc(list, func(d sign.Digest) bool { return custody.OrderKey(d) == key }) {
			return nil, &LostRecordError{Key: key}
		}
	}
	return list, nil
}

func (a *Authority) standing(ctx context.Context, digest sign.Digest, now time.Time) (Standing, error) {
	s := Standing{Digest: digest, State: StateReceived}
	data, err := store.ReadAll(ctx, a.Provider.Store, custody.OrderKey(digest), order.MaxBytes)
	if err != nil {
		return s, fmt.Errorf("order %s: %w", digest, err)
	}
	if sign.Sum(data) != digest {
		s.Problem = fmt.Errorf("order %s was altered in the store", digest)
		return s, nil
	}
	if s.Order, s.Problem = order.Parse("order", data); s.Problem != nil {
		s.Order = nil
		return s, nil
	}
	files, err := a.Provider.records().remembered(ctx, custody.OrderPrefix(digest))
	if err != nil {
		return s, err
	}
	records := a.orderRecords(files, s.Order, now)
	if a.Policy == nil {
		s.Problem = noPolicy()
	} else {
		s.Mandate, s.Problem = a.mandate(files, s.Order, 1, nil, now) // of the first package
	}
	var refused *Refusal
	if s.Problem != nil && !errors.As(s.Problem, &refused) {
		return s, s.Problem
	}
	s.expired = s.Order.Expired(now)
	s.follow(records)
	s.Next = s.next()
	return s, nil
}

// follow finds the state from the statements and from what was done since.
func (s *Standing) follow(records []*custody.Record) {
	if m := s.Mandate; m != nil {
		s.State = m.state()
	}
	for _, r := range records {
		var at State
		switch r.Event {
		case custody.Released:
			at, s.Package, s.Released = StateExported, r.Package, r.Time.Time()
		case custody.Delivered:
			at = StateDelivered
		case custody.Acknowledged:
			at = StateAcknowledged
		case custody.Closed:
			at = StateClosed
		default:
			continue
		}
		if s.Mandate == nil || s.Mandate.Ended == nil && !s.Mandate.refusedSince(r.Time) {
			s.State = at
		}
	}
}

// refusedSince reports whether the review in force refuses, and is of that time or
// later.
func (m *Mandate) refusedSince(t sign.Time) bool {
	return m.Review != nil && m.Review.Statement.Decision == statement.Refuse && !m.Review.Statement.Time.Before(t)
}

// state is how far the decisions about an order have come.
func (m *Mandate) state() State {
	switch {
	case m.Ended != nil && m.Ended.Statement.Decision == statement.Supersede:
		return StateSuperseded
	case m.Ended != nil:
		return StateWithdrawn
	case m.Review == nil:
		return StateReceived
	case m.Review.Statement.Decision == statement.Refuse:
		return StateRefused
	case m.enough:
		return StateApproved
	case m.Review.Statement.Decision == statement.AcceptInPart:
		return StateAcceptedInPart
	}
	return StateAccepted
}

// next says what somebody has to do now.
func (s *Standing) next() string {
	m := s.Mandate
	if m == nil {
		return ""
	}
	if s.Package == nil && s.expired && s.State.Open() {
		return "nothing: the order has expired"
	}
	if m.Ended != nil {
		if m.Clock.NoticeOwed && s.Package != nil { // it has left, whatever came then
			return "tell the user"
		}
		return ""
	}
	switch {
	case m.Clock.CompleteBy.IsZero():
	case int64(len(m.Approvals)) < m.Needed && (m.Review == nil || m.Review.Statement.Decision == statement.Refuse): // as it is nobody can approve it
		return fmt.Sprintf("review: it was released in an emergency, and owes approvals until %s", m.Clock.CompleteBy.UTC().Format(time.RFC3339))
	case m.Clock.Overdue:
		return fmt.Sprintf("approve: %d of %d, OVERDUE after an emergency release", len(m.Approvals), m.Needed)
	case int64(len(m.Approvals)) < m.Needed:
		return fmt.Sprintf("approve: %d of %d, after an emergency release, until %s", len(m.Approvals), m.Needed, m.Clock.CompleteBy.UTC().Format(time.RFC3339))
	}
	next := s.nextStep()
	if m.Clock.NoticeOwed && s.Package != nil {
		next = strings.TrimSuffix("tell the user; "+next, "; ")
	}
	return next
}

// nextStep is the next step of the order's life, in the state that it has.
func (s *Standing) nextStep() string {
	m := s.Mandate
	switch s.State {
	case StateReceived:
		return "review"
	case StateAccepted, StateAcceptedInPart:
		return fmt.Sprintf("approve: %d of %d", len(m.Approvals), m.Needed)
	case StateApproved:
		if m.Clock.Held {
			return "wait: held"
		}
		return "export"
	case StateExported:
		if m.Clock.Held {
			return "wait: held"
		}
		return "deliver"
	case StateDelivered:
		return "await the receipt"
	case StateAcknowledged:
		return "close"
	}
	return ""
}

// compareUrgency puts the most urgent first.
func compareUrgency(x, y *Standing) int {
	rank := func(s *Standing) int {
		switch {
		case s.Problem != nil || s.Overdue():
			return 0
		case !s.State.Open():
			return 4
		case s.State.Delivered():
			return 3
		case s.Order.Priority == order.Emergency:
			return 1
		}
		return 2
	}
	due := func(s *Standing) time.Time {
		if s.Mandate == nil {
			return time.Time{}
		}
		if s.Mandate.Clock.Due.IsZero() {
			return s.Mandate.Clock.Received.AddDate(100, 0, 0)
		}
		return s.Mandate.Clock.Due
	}
	return cmp.Or(cmp.Compare(rank(x), rank(y)), due(x).Compare(due(y)), slices.Compare(x.Digest[:], y.Digest[:]))
}

// recorders are the roles in which somebody may record an event.
var recorders = map[custody.Event][]sign.Role{
	custody.OrderReceived:   staff,
	custody.OrderReviewed:   {sign.Reviewer},
	custody.OrderApproved:   {sign.Approver},
	custody.OrderWithdrawn:  staff,
	custody.OrderSuperseded: staff,
	custody.HoldLifted:      {sign.Reviewer},
	custody.NoticeSent:      staff,
	custody.ExportStarted:   {sign.Fulfilment, sign.Provider},
	custody.Sealed:          {sign.Provider},
	custody.Stored:          {sign.Provider},
	custody.Released:        {sign.Provider},
	custody.Refused:         {sign.Fulfilment, sign.Provider},
	custody.Delivered:       {sign.Fulfilment, sign.Provider},
	custody.Acknowledged:    {sign.Fulfilment, sign.Provider},
	custody.Closed:          {sign.Fulfilment, sign.Provider},
}

// orderRecords gives the records about an order that count, by time: each signed by
// the key of its actor, valid at that time in a role that may record the event.
func (a *Authority) orderRecords(files []*sign.Signed, o *order.Order, now time.Time) []*custody.Record {
	return a.recordsOf(files, o, now, false)
}

// recordsOf is orderRecords. With once, records that a package was begun or released
// count whatever was revoked since: for who asks whether something must stop.
func (a *Authority) recordsOf(files []*sign.Signed, o *order.Order, now time.Time, once bool) []*custody.Record {
	var list []*custody.Record
	for _, s := range files {
		if s.Type() != custody.Type {
			continue
		}
		rec, err := custody.Parse(s.Text)
		if err != nil || rec.Authority.Order == nil || *rec.Authority.Order != sign.Digest(o.Digest()) || !slices.Contains(recorders[rec.Event], rec.Actor.Role) {
			continue
		}
		verify := a.Keys.Verify
		if once && slices.Contains([]custody.Event{custody.ExportStarted, custody.Sealed, custody.Released}, rec.Event) {
			verify = a.Keys.VerifyOnce
		}
		key, err := verify(s.Text, s.Signature, rec.Actor.Role, rec.Time, now)
		if err == nil && key.Person(rec.Actor.Role) == rec.Actor {
			list = append(list, rec)
		}
	}
	slices.SortStableFunc(list, func(x, y *custody.Record) int {
		return cmp.Or(x.Time.Compare(y.Time), slices.Compare(x.ID[:], y.ID[:]))
	})
	return list
}
