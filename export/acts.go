package export

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/export/clock"
	"exhibit/export/instrument"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/statement"
	"exhibit/store"
)

func (a *Authority) claims(o *order.Order) claims {
	return claims{store: a.Provider.Store, key: a.Provider.ClaimKey, order: o.Digest()}
}

// staff are the roles that may put on record what has happened to an order.
var staff = []sign.Role{sign.Fulfilment, sign.Reviewer, sign.Approver}

// Receive puts on record that an order has come in, and keeps it with its
// instrument. It is safe to repeat. What Fit refuses is kept as well, and the
// refusal returned: somebody has to decide about it.
func (a *Authority) Receive(ctx context.Context, f File, by Actor) (*instrument.Result, error) {
	person, err := a.person(by.Signer, by.Now, staff...)
	if err != nil {
		return nil, err
	}
	checked, unfit := a.Fit(f, by.Now)
	var refused *Refusal
	if unfit != nil && !errors.As(unfit, &refused) {
		return nil, unfit
	}
	if refused != nil && refused.Code == InstrumentMismatch { // these are not its files
		return nil, unfit
	}
	if err := a.keep(ctx, f); err != nil {
		return nil, err
	}
	if err := a.received(ctx, f, checked, unfit, person, by); err != nil {
		return nil, err
	}
	return checked, unfit
}

// received records the receipt, once.
func (a *Authority) received(ctx context.Context, f File, checked *instrument.Result, unfit error, person sign.Person, by Actor) error {
	files, err := a.Provider.records().remembered(ctx, custody.OrderPrefix(f.Order.Digest()))
	if err != nil {
		return err
	}
	for _, rec := range a.orderRecords(files, f.Order, by.Now) {
		if rec.Event == custody.OrderReceived {
			return nil
		}
	}
	o := f.Order
	rec := custody.Record{Event: custody.OrderReceived, Actor: person, Instrument: by.Tool, Objects: []custody.Object{
		{Name: custody.ObjectOrder, Size: int64(len(o.Bytes())), SHA256: o.Digest()},
		{Name: custody.ObjectInstrument, Size: int64(len(f.Instrument)), SHA256: o.Instrument.SHA256},
	}}
	rec.Details = append(rec.Details, custody.Detail{Name: "received", Value: sign.At(o.Received).String()})
	if s := o.Instrument.Signature; s != nil {
		rec.Objects = append(rec.Objects, custody.Object{Name: custody.ObjectInstrumentSignature, Size: int64(len(f.Signature)), SHA256: s.SHA256})
		rec.Details = append(rec.Details, custody.Detail{Name: custody.ObjectInstrumentSignature, Value: signatureWords(checked, unfit)})
	}
	return a.Provider.record(ctx, o, rec, by.Signer, by.Now)
}

// signatureWords says what became of checking the agency's signature.
func signatureWords(checked *instrument.Result, unfit error) string {
	switch {
	case checked != nil && checked.Holder != "":
		return fmt.Sprintf("%s, %s, key %s of %s", checked.Result, checked.Kind, checked.Fingerprint, checked.Holder)
	case checked != nil:
		return fmt.Sprintf("%s, %s, key %s", checked.Result, checked.Kind, checked.Fingerprint)
	case unfit != nil:
		return unfit.Error()
	}
	return "not checked"
}

// keep stores the exact bytes of an order and what belongs to it.
func (a *Authority) keep(ctx context.Context, f File) error {
	digest := f.Order.Digest()
	files := []struct {
		key  string
		data []byte
	}{{custody.InstrumentKey(digest), f.Instrument}, {custody.OrderKey(digest), f.Order.Bytes()}}
	if f.Order.Instrument.Signature != nil {
		files = slices.Insert(files, 0, struct {
			key  string
			data []byte
		}{custody.InstrumentSignatureKey(digest), f.Signature})
	}
	for _, file := range files { // the order last: what it names is there once it is
		if _, err := store.CreateIdempotent(ctx, a.Provider.Store, file.key, file.data); err != nil {
			return fmt.Errorf("keep the order: %w", err)
		}
	}
	return a.Provider.records().remember(ctx, custody.OrderKey(digest))
}

// A Review is what a reviewer decides about an order.
type Review struct {
	// Decision is accept, accept-in-part or refuse.
	Decision statement.Decision
	// Parts are all that is accepted, for accept-in-part.
	Parts []order.Part
	// Entire names the accounts that the reviewer lets out without limit of time.
	Entire []string
	// Admitted are undetermined items that count as in scope.
	Admitted []statement.Admitted
	Ground   string // may be empty for accept alone
}

// Review makes a reviewer's statement about the order, and keeps the order.
// The mandate is nil when the order was refused and none can be told of it.
func (a *Authority) Review(ctx context.Context, f File, r Review, by Actor) (*Mandate, error) {
	person, err := a.person(by.Signer, by.Now, sign.Reviewer)
	if err != nil {
		return nil, err
	}
	st := statement.Statement{Decision: r.Decision, Person: person, Ground: optional(r.Ground)}
	if r.Decision != statement.Refuse {
		if _, err := a.fitOrder(f, by.Now); err != nil {
			return nil, err
		}
		effective, err := r.fill(f.Order, &st)
		if err != nil {
			return nil, err
		}
		if err := a.fitScope(effective); err != nil {
			return nil, err
		}
	}
	if a.Policy == nil {
		return nil, noPolicy()
	}
	m, err := a.Mandate(ctx, f.Order, nil, by.Now)
	if err != nil && !unfitReview(err) {
		return nil, err
	}
	if m != nil && m.Ended != nil {
		return nil, m.ended()
	}
	if m != nil && m.Review != nil {
		if by.Now, err = after(m.Review.Statement.Time, by.Now); err != nil {
			return nil, err
		}
	}
	if err := a.state(ctx, f, st, custody.OrderReviewed, by); err != nil {
		return nil, err
	}
	return a.standingAfter(ctx, f, by)
}

// after is the time of a review that takes the place of one of that time. One that
// is dated ahead, by a clock or by intent, must not swallow a refusal in silence: it
// is followed by a second, as far as readers take it.
func after(last sign.Time, now time.Time) (time.Time, error) {
	switch next := last.Time().Add(time.Second); {
	case last.Before(sign.At(now)):
		return now, nil
	case last == sign.At(now), next.After(now.Add(detached.MaxSkew)):
		return now, ErrBusy
	default:
		return next, nil
	}
}

// standingAfter is the mandate after a statement that stands in any case; nil when
// the order is one of which none can be told, such as of an unknown regime.
func (a *Authority) standingAfter(ctx context.Context, f File, by Actor) (*Mandate, error) {
	m, err := a.Mandate(ctx, f.Order, nil, by.Now)
	if err != nil && unfitReview(err) {
		return nil, nil
	}
	return m, err
}

// ErrBusy says that two reviews would be signed in one second, so that neither counted.
var ErrBusy = errors.New("the order was reviewed this very second")

// unfitReview reports a refusal that a new review may well mend.
func unfitReview(err error) bool {
	var refused *Refusal
	return errors.As(err, &refused) && slices.Contains([]Code{ReviewUnfit, RegimeUnknown, AuthorityUnstated, SubscriberUnfit}, refused.Code)
}

// fill states what is accepted of an order, and returns that.
func (r *Review) fill(o *order.Order, st *statement.Statement) (*order.Order, error) {
	effective := o
	if r.Decision == statement.AcceptInPart {
		narrowed, err := o.Narrow(r.Parts)
		if err != nil {
			return nil, err
		}
		effective, st.Narrowing = narrowed, narrowingOf(r.Parts)
	}
	st.Entire = slices.Sorted(slices.Values(r.Entire))
	if st.Entire == nil {
		st.Entire = []string{}
	}
	entire := effective.EntireAccounts()
	for _, name := range entire {
		if !slices.Contains(st.Entire, name) {
			return nil, refuse(EntireUnsaid, nil, "the whole account %s, without any limit of time, would leave", name)
		}
	}
	if !slices.Equal(entire, st.Entire) {
		return nil, refuse(EntireUnsaid, nil, "not all of %v would leave entire", st.Entire)
	}
	st.Admitted = r.Admitted
	if st.Admitted == nil {
		st.Admitted = []statement.Admitted{}
	}
	for _, ad := range st.Admitted {
		if account, ok := effective.Account(ad.Account); !ok || account.Dropped || account.Name != ad.Account {
			return nil, refuse(AccountNotInOrder, nil, "an item of account %q is to be admitted, which is not accepted", ad.Account)
		}
	}
	return effective, nil
}

// Approval is what a person signs besides the order.
type Approval struct {
	Supersedes *sign.ID
	Expires    time.Time // zero: never
	Ground     string    // may be empty, but with Emergency
	// Emergency invokes the emergency rule: to be released before all have approved.
	Emergency bool
}

// Approve makes a person's statement that one package of the order may be made,
// as the review in force accepts it. It returns the standing with that approval.
func (a *Authority) Approve(ctx context.Context, f File, with Approval, by Actor) (*Mandate, error) {
	o := f.Order
	person, err := a.person(by.Signer, by.Now, sign.Approver)
	if err != nil {
		return nil, err
	}
	if _, err := a.fitOrder(f, by.Now); err != nil {
		return nil, err
	}
	m, err := a.Mandate(ctx, o, with.Supersedes, by.Now)
	if err == nil && m.Effective != nil {
		err = a.fitScope(m.Effective)
	}
	if err == nil { // or the last approval would say that it may be exported
		_, _, err = a.recipients(o, by.Now)
	}
	if err != nil {
		return nil, err
	}
	if done, err := a.approvable(ctx, m, with, person, by); done || err != nil {
		return m, err
	}
	review := m.Review.SHA256
	st := statement.Statement{
		Decision: statement.Approve, Sequence: &m.Sequence, Supersedes: with.Supersedes, Review: &review,
		Emergency: with.Emergency, Person: person, Ground: optional(with.Ground),
	}
	if !with.Expires.IsZero() {
		until := sign.At(with.Expires)
		st.Expires = &until
	}
	if err := a.state(ctx, f, st, custody.OrderApproved, by); err != nil {
		return nil, err
	}
	return a.Mandate(ctx, o, with.Supersedes, by.Now)
}

// approvable says whether the person may approve; done, that this has happened
// before and is on record now.
func (a *Authority) approvable(ctx context.Context, m *Mandate, with Approval, person sign.Person, by Actor) (done bool, err error) {
	switch {
	case m.Ended != nil || m.Review == nil || m.Effective == nil:
		return false, m.Allows()
	case m.Review.Statement.Person.Holder == person.Holder || m.Review.Statement.Person.Fingerprint == person.Fingerprint:
		return false, refuse(OwnReview, nil, "%s has reviewed the order, and may not approve it as well", person.Holder)
	case with.Emergency && emergencyPersons(&a.Policy.Policy, m.Order) == nil:
		return false, refuse(NoEmergency, nil, "the order has priority %s, or the policy has no rule for emergencies", m.Order.Priority)
	}
	for _, have := range m.Approvals {
		if have.Statement.Person.Holder != person.Holder {
			continue
		}
		if with.Emergency && !have.Statement.Emergency {
			return false, refuse(AlreadyApproved, nil, "%s has approved this package already, without invoking the emergency rule", person.Holder)
		}
		recorded, err := a.onRecord(ctx, m.Order, custody.OrderApproved, have.SHA256, by.Now)
		if err != nil {
			return false, err
		}
		if !recorded { // an earlier run ended before it could record it
			return true, a.recordStatement(ctx, m.Order, custody.OrderApproved, person, have.SHA256, by)
		}
		return false, refuse(AlreadyApproved, nil, "%s has approved this package already, %d of %d approvals are there", person.Holder, len(m.Approvals), m.Needed)
	}
	return false, nil
}

// Withdraw ends an order for good, at the agency's or the provider's wish;
// successor, if not nil, is the order that takes its place. The mandate may be nil
// as Review's may.
func (a *Authority) Withdraw(ctx context.Context, f File, ground string, successor *sign.Digest, by Actor) (*Mandate, error) {
	person, err := a.person(by.Signer, by.Now, staff...)
	if err != nil {
		return nil, err
	}
	m, err := a.Mandate(ctx, f.Order, nil, by.Now)
	if err != nil && !unfitReview(err) {
		return nil, err
	}
	if m != nil && m.Ended != nil {
		return nil, m.ended()
	}
	st := statement.Statement{Decision: statement.Withdraw, Person: person, Ground: optional(ground)}
	event := custody.OrderWithdrawn
	if successor != nil {
		if *successor == sign.Digest(f.Order.Digest()) {
			return nil, refuse(OrderSuperseded, nil, "an order cannot take its own place")
		}
		st.Decision, st.Successor, event = statement.Supersede, successor, custody.OrderSuperseded
	}
	if err := a.state(ctx, f, st, event, by); err != nil {
		return nil, err
	}
	return a.standingAfter(ctx, f, by)
}

// LiftHold ends a hold: the enforcing authority has said that it raises no ground
// for refusal. A reviewer states so, with how that is known.
func (a *Authority) LiftHold(ctx context.Context, f File, ground string, by Actor) (*Mandate, error) {
	person, err := a.person(by.Signer, by.Now, sign.Reviewer)
	if err != nil {
		return nil, err
	}
	m, err := a.Mandate(ctx, f.Order, nil, by.Now)
	switch {
	case err != nil:
		return nil, err
	case m.Ended != nil:
		return nil, m.ended()
	case !m.Clock.Held:
		return nil, refuse(NotHeld, nil, "no enforcing authority's time runs")
	}
	st := statement.Statement{Decision: statement.NoRefusal, Person: person, Ground: optional(ground)}
	if err := a.state(ctx, f, st, custody.HoldLifted, by); err != nil {
		return nil, err
	}
	return a.Mandate(ctx, f.Order, nil, by.Now)
}

// NoticeSent puts on record that the user was told, at that time.
func (a *Authority) NoticeSent(ctx context.Context, f File, sent time.Time, by Actor) error {
	person, err := a.person(by.Signer, by.Now, staff...)
	if err != nil {
		return err
	}
	if sent.After(by.Now.Add(detached.MaxSkew)) {
		return refuse(NoticeTooSoon, nil, "%s lies in the future", sign.At(sent))
	}
	if sent.Before(f.Order.Received) {
		return refuse(NoticeTooSoon, nil, "the order was received later, at %s", sign.At(f.Order.Received))
	}
	if err := clock.MayNotify(f.Order, sent); err != nil {
		return refuse(NoticeTooSoon, err, "the user may not be told yet")
	}
	if err := a.keep(ctx, f); err != nil {
		return err
	}
	return a.Provider.record(ctx, f.Order, custody.Record{
		Event: custody.NoticeSent, Actor: person, Instrument: by.Tool,
		Details: []custody.Detail{{Name: custody.DetailSent, Value: sign.At(sent).String()}},
	}, by.Signer, by.Now)
}

// noticeTime is when the user was told, as a notice-sent record says; zero if it
// says nothing that can be read.
func noticeTime(rec *custody.Record) time.Time {
	for _, d := range rec.Details {
		if t, err := sign.ParseTime(d.Value); d.Name == custody.DetailSent && err == nil {
			return t.Time()
		}
	}
	return time.Time{}
}

// state signs a statement about an order, and puts it on record.
func (a *Authority) state(ctx context.Context, f File, st statement.Statement, event custody.Event, by Actor) error {
	o := f.Order
	if a.Policy == nil {
		return noPolicy()
	}
	st.Provider, st.Order, st.Policy, st.Time = a.Provider.Name, orderOf(o), a.Policy.Digest, sign.At(by.Now)
	text, err := st.Marshal()
	if err != nil {
		return err
	}
	if err := a.keep(ctx, f); err != nil {
		return err
	}
	digest := o.Digest()
	sum, err := a.Provider.records().add(ctx, text, by.Signer, by.Now, func(leaf sign.Digest) string { return custody.RecordKey(digest, leaf) })
	if err != nil {
		return err
	}
	return a.recordStatement(ctx, o, event, st.Person, sum, by)
}

func (a *Authority) recordStatement(ctx context.Context, o *order.Order, event custody.Event, person sign.Person, statement sign.Digest, by Actor) error {
	return a.Provider.record(ctx, o, custody.Record{
		Event: event, Actor: person, Instrument: by.Tool, DerivedFrom: []sign.Digest{statement},
	}, by.Signer, by.Now)
}

// onRecord reports whether a record of that event derives from the statement.
func (a *Authority) onRecord(ctx context.Context, o *order.Order, event custody.Event, statement sign.Digest, now time.Time) (bool, error) {
	files, err := a.Provider.records().list(ctx, custody.OrderPrefix(o.Digest()))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(a.orderRecords(files, o, now), func(rec *custody.Record) bool {
		return rec.Event == event && slices.Contains(rec.DerivedFrom, statement)
	}), nil
}

// record adds a custody record about an order.
func (p *Provider) record(ctx context.Context, o *order.Order, r custody.Record, signer *detached.Signer, now time.Time) error {
	digest, reference := sign.Digest(o.Digest()), o.Reference
	r.Authority = custody.Authority{Order: &digest, Reference: &reference}
	r.Time = sign.At(now)
	text, err := custody.New(r, rand.Reader)
	if err != nil {
		return err
	}
	_, err = p.records().add(ctx, text, signer, now, func(leaf sign.Digest) string { return custody.RecordKey(digest, leaf) })
	return err
}
