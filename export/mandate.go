package export

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/export/clock"
	"exhibit/export/instrument"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/export/subscriber"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/policy"
	"exhibit/sign/statement"
)

// File is an order as it lies on a desk: with the instrument, and the agency's
// signature over that if the order names one.
type File struct {
	Order                 *order.Order
	Instrument, Signature []byte
}

// Mandate is the standing of one package of an order: what has been decided, and
// what it still needs.
type Mandate struct {
	// Order is the order as it was given.
	Order *order.Order
	// Effective is what the review in force has accepted of it; nil where none has.
	Effective  *order.Order
	Sequence   int64
	Supersedes *sign.ID
	// Review is the review in force, or nil.
	Review    *statement.Counted
	Approvals []statement.Counted
	Rejected  []statement.Rejected
	// Needed is how many persons must approve.
	Needed int64
	// ByEmergency says that only the emergency rule lets it out.
	ByEmergency bool
	// Ended is the statement that withdrew or superseded the order, or nil.
	Ended *statement.Counted
	// NoRefusal is the statement that ended a hold, or nil.
	NoRefusal *statement.Counted
	// Admitted are the undetermined items that the review admits.
	Admitted []scope.Admitted
	Clock    clock.Clock
	// Columns is the list that subscriber records may have; nil: none are disclosed.
	Columns *subscriber.List

	contested bool // two reviews of one second
	enough    bool
}

// Enough reports whether as many persons have approved as must before release.
func (m *Mandate) Enough() bool { return m.enough }

// Allows reports why nothing may leave now, as a *Refusal; nil if it may.
func (m *Mandate) Allows() error {
	switch {
	case m.Ended != nil:
		return m.ended()
	case m.contested:
		return refuse(NotReviewed, nil, "two reviews were signed in one second, so that none is in force")
	case m.Review == nil:
		return refuse(NotReviewed, nil, "nobody has reviewed the order%s", m.whyNot())
	case m.Review.Statement.Decision == statement.Refuse:
		return refuse(OrderRefused, nil, "%s has refused the order: %s", m.Review.Statement.Person.Holder, *m.Review.Statement.Ground)
	case !m.enough:
		return refuse(NotApproved, nil, "the order has %d of %d approvals%s", len(m.Approvals), m.Needed, m.whyNot())
	case m.Clock.Held:
		return refuse(Held, nil, "the enforcing authority's time runs until %s", m.Clock.HoldUntil.UTC().Format(time.RFC3339))
	case m.Clock.Overdue:
		return m.overdue()
	}
	return nil
}

func (m *Mandate) ended() error {
	st := m.Ended.Statement
	if st.Decision == statement.Supersede {
		return refuse(OrderSuperseded, nil, "order %s takes its place: %s", *st.Successor, *st.Ground)
	}
	return refuse(OrderWithdrawn, nil, "the order was withdrawn at %s: %s", st.Time, *st.Ground)
}

func (m *Mandate) overdue() error {
	return refuse(EmergencyOverdue, nil, "the emergency rule released it, and the approvals that had to follow until %s are not all there: %d of %d",
		m.Clock.CompleteBy.UTC().Format(time.RFC3339), len(m.Approvals), m.Needed)
}

// whyNot says what is wrong with the statements that were not counted.
func (m *Mandate) whyNot() string {
	if len(m.Rejected) == 0 {
		return ""
	}
	reasons := make([]string, 0, len(m.Rejected))
	for _, r := range m.Rejected {
		who := "somebody"
		if r.Statement != nil {
			who = r.Statement.Person.Name
		}
		reasons = append(reasons, fmt.Sprintf("that of %s does not count: %v", who, r.Reason))
	}
	return "; " + strings.Join(reasons, "; ")
}

func orderOf(o *order.Order) statement.Order {
	return statement.Order{Reference: o.Reference, SHA256: o.Digest()}
}

// Mandate counts what was decided about an order's first package, or about the
// one that supersedes another.
func (a *Authority) Mandate(ctx context.Context, o *order.Order, supersedes *sign.ID, now time.Time) (*Mandate, error) {
	if a.Policy == nil {
		return nil, noPolicy()
	}
	sequence, err := a.claims(o).sequenceAfter(ctx, supersedes)
	if err != nil {
		return nil, err
	}
	files, err := a.Provider.records().remembered(ctx, custody.OrderPrefix(o.Digest()))
	if err != nil {
		return nil, err
	}
	return a.mandate(files, o, sequence, supersedes, now)
}

// mandate is Mandate over what the store holds about the order.
func (a *Authority) mandate(files []*sign.Signed, o *order.Order, sequence int64, supersedes *sign.ID, now time.Time) (*Mandate, error) {
	context := statement.Context{
		Provider: a.Provider.Name, Order: orderOf(o), Policy: a.Policy.Digest,
		Sequence: sequence, Supersedes: supersedes, Keyring: a.Keys, Now: now,
	}
	tally := statement.Count(files, context)
	p := &a.Policy.Policy
	m := &Mandate{
		Order: o, Sequence: sequence, Supersedes: supersedes, Review: tally.Review, contested: tally.Contested, Approvals: tally.Approvals,
		Rejected: tally.Rejected, Ended: tally.Ended, NoRefusal: tally.NoRefusal, Needed: p.Persons(o.Regime, string(o.Priority)),
	}
	if err := m.accept(); err != nil {
		return nil, err
	}
	m.enough, m.ByEmergency = tally.Released(m.Needed, emergencyPersons(p, o))
	columns, err := columnsOf(p, o)
	if err != nil {
		return nil, err
	}
	m.Columns = columns
	facts := clock.Facts{Order: o, Policy: p, Complete: int64(len(m.Approvals)) >= m.Needed}
	if m.NoRefusal != nil {
		facts.NoRefusal = m.NoRefusal.Statement.Time.Time()
	}
	a.past(files, context, m, &facts)
	m.Clock, err = clock.Of(facts, now)
	switch {
	case errors.Is(err, clock.ErrRegime):
		return nil, regimeUnknown(o)
	case errors.Is(err, clock.ErrUnstated):
		return nil, authorityUnstated(o)
	}
	return m, err
}

// past fills in what records tell of the order: what was released, and whether
// all approvals that an emergency needs were ever there.
func (a *Authority) past(files []*sign.Signed, c statement.Context, m *Mandate, facts *clock.Facts) {
	records := a.recordsOf(files, m.Order, c.Now, true)
	for _, rec := range records {
		switch t := rec.Time.Time(); rec.Event {
		case custody.Released:
			facts.Released = earlier(facts.Released, t)
		case custody.Delivered:
			facts.Delivered = earlier(facts.Delivered, t)
		case custody.NoticeSent:
			facts.NoticeSent = earlier(facts.NoticeSent, noticeTime(rec))
		}
	}
	a.owing(files, records, c, m, facts)
}

// upTo gives the statements that were signed by that time.
func upTo(files []*sign.Signed, t time.Time) []*sign.Signed {
	var list []*sign.Signed
	for _, s := range files {
		if st, err := statement.Parse(s.Text); err == nil && !st.Time.Time().After(t) {
			list = append(list, s)
		}
	}
	return list
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// emergencyPersons gives how many approvals release the order by the emergency
// rule, or nil where it does not apply.
func emergencyPersons(p *policy.Policy, o *order.Order) *int64 {
	if o.Priority != order.Emergency || p.Emergency == nil {
		return nil
	}
	return &p.Emergency.Persons
}

// accept applies what the review in force says to the order.
func (m *Mandate) accept() error {
	if m.Review == nil {
		return nil
	}
	st := m.Review.Statement
	switch st.Decision {
	case statement.Accept:
		m.Effective = m.Order
	case statement.AcceptInPart:
		narrowed, err := m.Order.Narrow(partsOf(st.Narrowing))
		if err != nil {
			return refuse(ReviewUnfit, err, "what %s has accepted is no part of the order", st.Person.Holder)
		}
		m.Effective = narrowed
	default:
		return nil
	}
	if entire := m.Effective.EntireAccounts(); !slices.Equal(entire, st.Entire) {
		return refuse(ReviewUnfit, nil, "the review does not name the accounts that it lets out entire: %s", strings.Join(entire, ", "))
	}
	for _, ad := range st.Admitted {
		if account, ok := m.Effective.Account(ad.Account); !ok || account.Dropped || account.Name != ad.Account {
			return refuse(ReviewUnfit, nil, "the review admits an item of account %q, which it does not accept", ad.Account)
		}
		m.Admitted = append(m.Admitted, scope.Admitted{Account: ad.Account, SHA256: ad.SHA256})
	}
	return nil
}

func partsOf(narrowing []statement.Narrowed) []order.Part {
	parts := make([]order.Part, len(narrowing))
	for i, n := range narrowing {
		parts[i] = order.Part{Account: n.Account, Entire: n.Entire}
		if n.From != nil && n.Until != nil {
			parts[i].From, parts[i].Until = n.From.Time(), n.Until.Time()
		}
		for _, c := range n.Categories {
			parts[i].Categories = append(parts[i].Categories, order.Category(c))
		}
	}
	return parts
}

func narrowingOf(parts []order.Part) []statement.Narrowed {
	list := make([]statement.Narrowed, len(parts))
	for i, p := range parts {
		list[i] = statement.Narrowed{Account: p.Account, Entire: p.Entire, Categories: []string{}}
		if !p.Entire {
			from, until := sign.At(p.From), sign.At(p.Until)
			list[i].From, list[i].Until = &from, &until
		}
		for _, c := range p.Categories {
			list[i].Categories = append(list[i].Categories, string(c))
		}
	}
	return list
}

// columnsOf finds the list of columns that the order's regime allows.
func columnsOf(p *policy.Policy, o *order.Order) (*subscriber.List, error) {
	regime, ok := p.Regime(o.Regime)
	if !ok || regime.Subscriber == nil {
		return nil, nil
	}
	list, ok := subscriber.Lookup(*regime.Subscriber)
	if !ok {
		return nil, refuse(SubscriberUnfit, nil, "the policy names the list %q of subscriber columns, which this version does not know", *regime.Subscriber)
	}
	return &list, nil
}

// Fit checks an order against the policy and the clock, before anybody decides
// about it: it has not expired, its regime is known, no span takes nearly
// everything, and what it asks for can be given. The instrument and the agency's
// signature over it must be those that the order names; what became of checking
// the signature is returned, nil where there is none. Reasons are *Refusal.
func (a *Authority) Fit(f File, now time.Time) (*instrument.Result, error) {
	res, err := a.fitOrder(f, now)
	if err == nil {
		err = a.fitScope(f.Order)
	}
	return res, err
}

// fitOrder is the part of Fit that accepting less cannot mend.
func (a *Authority) fitOrder(f File, now time.Time) (*instrument.Result, error) {
	o := f.Order
	if a.Policy == nil {
		return nil, noPolicy()
	}
	p := &a.Policy.Policy
	regime, ok := p.Regime(o.Regime)
	switch {
	case o.Expired(now):
		return nil, refuse(OrderExpired, nil, "the order expired at %s", o.Expires.UTC().Format(time.RFC3339))
	case o.Received.After(now.Add(detached.MaxSkew)):
		return nil, refuse(OrderAhead, nil, "the order says that it was received at %s, which has not come", o.Received.UTC().Format(time.RFC3339))
	case !ok:
		return nil, regimeUnknown(o)
	case len(regime.Hold) > 0 && o.EnforcingAuthority == nil:
		return nil, authorityUnstated(o)
	}
	return a.fitInstrument(f, now)
}

// fitScope checks what an order asks for, or what was accepted of it.
func (a *Authority) fitScope(o *order.Order) error {
	p := &a.Policy.Policy
	if err := fitSpans(p, o); err != nil {
		return err
	}
	columns, err := columnsOf(p, o)
	if err == nil && columns == nil && asksSubscriber(o) {
		return refuse(SubscriberUnfit, nil, "the policy lets out no subscriber data under regime %s", o.Regime)
	}
	return err
}

func asksSubscriber(o *order.Order) bool {
	return slices.ContainsFunc(o.Accounts, func(a order.Account) bool { return a.Allows(order.Subscriber) })
}

// fitSpans refuses a span that would take everything without saying so.
func fitSpans(p *policy.Policy, o *order.Order) error {
	account, span := o.LongestSpan()
	if longest := time.Duration(p.MaxSpanDays) * 24 * time.Hour; span > longest {
		return refuse(SpanTooWide, nil, "the span of %s is %d days, and the policy allows %d", account, int64(span/(24*time.Hour)), p.MaxSpanDays)
	}
	return nil
}

// fitInstrument checks the instrument and the agency's signature over it.
func (a *Authority) fitInstrument(f File, now time.Time) (*instrument.Result, error) {
	want := f.Order.Instrument
	if got := sign.Sum(f.Instrument); got != sign.Digest(want.SHA256) {
		return nil, refuse(InstrumentMismatch, nil, "the instrument has digest %s, the order says %s", got, sign.Digest(want.SHA256))
	}
	if want.Signature == nil {
		return nil, nil
	}
	if got := sign.Sum(f.Signature); got != sign.Digest(want.Signature.SHA256) {
		return nil, refuse(InstrumentMismatch, nil, "the signature over the instrument has digest %s, the order says %s", got, sign.Digest(want.Signature.SHA256))
	}
	res, err := instrument.Check(f.Instrument, f.Signature, a.Keys, now)
	if err != nil {
		return nil, refuse(InstrumentSignature, err, "the agency's signature over the instrument does not hold")
	}
	return &res, nil
}

// fitStore refuses what the policy demands and this version cannot give.
func (a *Authority) fitStore() error {
	switch p := a.Policy; {
	case p.Lock != policy.LockNone:
		return refuse(StoreUnfit, nil, "the policy wants packages locked (%s), and this version sets no locks", p.Lock)
	case p.Timestamp:
		return refuse(StoreUnfit, nil, "the policy wants a time-stamp, and this version makes none")
	case p.Witnesses > 0:
		return refuse(StoreUnfit, nil, "the policy wants %d witnesses of the custody log, and this version keeps none", p.Witnesses)
	}
	return nil
}
