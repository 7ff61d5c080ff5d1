package export

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/sign/statement"
	"exhibit/store"
)

// Provider is who exports, and where its shared records are.
type Provider struct {
	Name string
	// Roots are the fingerprints of the pinned admins.
	Roots []string
	// Store holds packages, records and claims.
	Store store.Store
	// State is a folder of this host alone: what it has seen, and what it must
	// go on with after a crash. It never holds content or secrets. It may be nil
	// for Load alone, which then cannot miss a record that was taken away.
	State store.Store
	// ClaimKey is the provider's claim key.
	ClaimKey [32]byte
}

func (p *Provider) records() records { return records{store: p.Store, seen: p.State} }

// Authority is the keyring and the policy as they are now.
type Authority struct {
	Provider *Provider
	Keys     *keyring.Keyring
	// Policy is nil before the first one.
	Policy *policy.Current
	// contested is the serial that two policies have, or 0; Policy is nil then.
	contested int64
}

// Load reads the provider's keyring and policy from its store.
func (p *Provider) Load(ctx context.Context, now time.Time) (*Authority, error) {
	entries, err := p.records().remembered(ctx, custody.KeyringPrefix)
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Load(p.Roots, p.Name, entries, now)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	a := &Authority{Provider: p, Keys: keys}
	texts, err := p.records().remembered(ctx, custody.PolicyPrefix)
	if err != nil {
		return nil, err
	}
	current, err := policy.InForce(texts, keys, now)
	switch {
	case errors.Is(err, policy.ErrNone) && len(texts) == 0:
		return a, nil
	case errors.Is(err, policy.ErrAmbiguous): // nothing is approved or exported until an admin signs the next
		a.contested = current.Serial
		return a, nil
	case err != nil:
		return nil, fmt.Errorf("policy: %w", err)
	}
	a.Policy = current
	return a, nil
}

// person finds who signs: the key must be in the keyring and valid in the role.
func (a *Authority) person(signer *detached.Signer, role sign.Role, at time.Time) (sign.Person, error) {
	key, err := a.Keys.ByFingerprint(signer.Fingerprint())
	if err != nil {
		return sign.Person{}, refuse(RoleMissing, err, "key %s may not act here", keyring.FormatFingerprint(signer.Fingerprint()))
	}
	if err := a.Keys.Valid(signer.Fingerprint(), role, at); err != nil {
		return sign.Person{}, refuse(RoleMissing, err, "key %s may not act as %s", key.Entry.Name, role)
	}
	return key.Person(role), nil
}

// Enroll adds a key to the keyring, on the word of the admin who signs. What
// the keyring would not count is refused before it is written.
func (a *Authority) Enroll(ctx context.Context, e keyring.Enrollment, admin *detached.Signer) error {
	e.Provider, e.Signer = a.Provider.Name, admin.Fingerprint()
	// In the second of its revocation a keyring cannot tell which came first.
	if k, err := a.Keys.ByFingerprint(e.Fingerprint); err == nil && k.Revoked != nil {
		return fmt.Errorf("the keyring would not take this entry: %w, at %s", keyring.ErrReenrolled, k.Revoked.Time)
	}
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		return err
	}
	return a.addEntry(ctx, text, admin, e.Time, true)
}

// Revoke takes a key out of use from now on. It stays known for the past.
func (a *Authority) Revoke(ctx context.Context, name, reason string, admin *detached.Signer, at time.Time) error {
	key, err := a.Keys.Key(name)
	if err != nil {
		return err
	}
	if key.Revoked != nil {
		return fmt.Errorf("%s: %w", name, keyring.ErrRevoked)
	}
	text, err := keyring.NewRevocation(key, reason, at, admin.Fingerprint())
	if err != nil {
		return err
	}
	return a.addEntry(ctx, text, admin, at, false)
}

// addEntry stores an entry if the keyring would count it.
func (a *Authority) addEntry(ctx context.Context, text []byte, admin *detached.Signer, at time.Time, enrolment bool) error {
	if _, err := a.person(admin, sign.Admin, at); err != nil {
		return err
	}
	entries, err := a.Provider.records().list(ctx, custody.KeyringPrefix)
	if err != nil {
		return err
	}
	return a.Provider.tryEntry(ctx, text, admin, at, entries, enrolment)
}

// Found begins a keyring: the first admin enrolls its own key, which must be
// among the roots.
func (p *Provider) Found(ctx context.Context, e keyring.Enrollment, admin *detached.Signer) error {
	e.Provider, e.Signer = p.Name, admin.Fingerprint()
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		return err
	}
	return p.tryEntry(ctx, text, admin, e.Time, nil, true)
}

// tryEntry stores an entry if the keyring counts it. An enrolment must leave all
// that counted before as it is: entries of one second are weighed against each
// other, and it could take the place of another.
func (p *Provider) tryEntry(ctx context.Context, text []byte, admin *detached.Signer, at time.Time, entries []*sign.Signed, enrolment bool) error {
	entry, err := sign.NewSigned(text, admin, at, rand.Reader)
	if err != nil {
		return err
	}
	refused := map[sign.Digest]bool{}
	if len(entries) > 0 {
		keys, err := keyring.Load(p.Roots, p.Name, entries, at)
		if err != nil {
			return fmt.Errorf("keyring: %w", err)
		}
		for _, r := range keys.Rejected() {
			refused[r.Leaf] = true
		}
	}
	keys, err := keyring.Load(p.Roots, p.Name, append(slices.Clip(entries), entry), at)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	for _, r := range keys.Rejected() {
		if r.Leaf == entry.LeafHash() || enrolment && !refused[r.Leaf] {
			return fmt.Errorf("the keyring would not take this entry: %w", r.Reason)
		}
	}
	return p.records().put(ctx, entry, custody.KeyringKey)
}

// SignPolicy puts a policy into force. Serial, provider, signer and time are
// filled in.
func (a *Authority) SignPolicy(ctx context.Context, next policy.Policy, admin *detached.Signer, at time.Time) error {
	if _, err := a.person(admin, sign.Admin, at); err != nil {
		return err
	}
	next.Provider, next.Signer, next.Time, next.Serial = a.Provider.Name, admin.Fingerprint(), sign.At(at), 1
	switch {
	case a.contested > 0:
		next.Serial = a.contested + 1
	case a.Policy != nil:
		next.Serial = a.Policy.Serial + 1
	}
	text, err := next.Marshal()
	if err != nil {
		return err
	}
	_, err = a.Provider.records().add(ctx, text, admin, at, custody.PolicyKey)
	return err
}

// Mandate is the standing of one package of an order: what it needs and has.
type Mandate struct {
	Order      *order.Order
	Sequence   int64
	Supersedes *sign.ID
	Approvals  []statement.Approval
	Rejected   []statement.Rejected
	Needed     int64
}

// Enough reports whether the policy's number of persons have approved.
func (m *Mandate) Enough() bool { return int64(len(m.Approvals)) >= m.Needed }

func orderOf(o *order.Order) statement.Order {
	return statement.Order{Reference: o.Reference, SHA256: o.Digest()}
}

// Mandate counts the approvals of an order's first package, or of the one that
// supersedes another.
func (a *Authority) Mandate(ctx context.Context, o *order.Order, supersedes *sign.ID, now time.Time) (*Mandate, error) {
	if a.Policy == nil {
		return nil, refuse(NoPolicy, nil, "no policy says how many must approve")
	}
	sequence, err := a.claims(o).sequenceAfter(ctx, supersedes)
	if err != nil {
		return nil, err
	}
	files, err := a.Provider.records().list(ctx, custody.OrderPrefix(o.Digest()))
	if err != nil {
		return nil, err
	}
	m := &Mandate{Order: o, Sequence: sequence, Supersedes: supersedes, Needed: a.Policy.Approvals}
	m.Approvals, m.Rejected = statement.Count(files, statement.Context{
		Provider: a.Provider.Name, Order: orderOf(o), Policy: a.Policy.Digest,
		Sequence: sequence, Supersedes: supersedes, Keyring: a.Keys, Now: now,
	})
	return m, nil
}

func (a *Authority) claims(o *order.Order) claims {
	return claims{store: a.Provider.Store, key: a.Provider.ClaimKey, order: o.Digest()}
}

// Approval is what a person signs besides the order.
type Approval struct {
	Supersedes *sign.ID
	Expires    time.Time // zero: never
	Ground     string    // may be empty
}

// Approve makes a person's statement that one package of the order may be
// made, and keeps the order's exact bytes beside it. It returns the standing
// with that approval.
func (a *Authority) Approve(ctx context.Context, o *order.Order, with Approval, signer *detached.Signer, tool custody.Instrument, now time.Time) (*Mandate, error) {
	person, err := a.person(signer, sign.Approver, now)
	if err != nil {
		return nil, err
	}
	if o.Expired(now) {
		return nil, refuse(OrderExpired, nil, "the order expired at %s", o.Expires.UTC().Format(time.RFC3339))
	}
	if err := CheckCategories(o); err != nil {
		return nil, err
	}
	m, err := a.Mandate(ctx, o, with.Supersedes, now)
	if err != nil {
		return nil, err
	}
	for _, have := range m.Approvals {
		if have.Statement.Person.Holder == person.Holder {
			recorded, err := a.approvalRecorded(ctx, o, have.SHA256)
			if err != nil {
				return nil, err
			}
			if !recorded { // an earlier run ended before it could record it
				return m, a.recordApproval(ctx, o, person, tool, have.SHA256, signer, now)
			}
			return m, refuse(AlreadyApproved, nil, "%s has approved this package already, %d of %d approvals are there", person.Holder, len(m.Approvals), m.Needed)
		}
	}
	st := statement.Statement{
		Decision: statement.Approve, Provider: a.Provider.Name, Order: orderOf(o), Policy: a.Policy.Digest,
		Sequence: m.Sequence, Supersedes: with.Supersedes, Person: person, Time: sign.At(now),
	}
	if !with.Expires.IsZero() {
		until := sign.At(with.Expires)
		st.Expires = &until
	}
	if with.Ground != "" {
		st.Ground = &with.Ground
	}
	text, err := st.Marshal()
	if err != nil {
		return nil, err
	}
	digest := o.Digest()
	if _, err := store.CreateIdempotent(ctx, a.Provider.Store, custody.OrderKey(digest), o.Bytes()); err != nil {
		return nil, fmt.Errorf("keep the order: %w", err)
	}
	key := func(leaf sign.Digest) string { return custody.RecordKey(digest, leaf) }
	sum, err := a.Provider.records().add(ctx, text, signer, now, key)
	if err != nil {
		return nil, err
	}
	if err := a.recordApproval(ctx, o, person, tool, sum, signer, now); err != nil {
		return nil, err
	}
	return a.Mandate(ctx, o, with.Supersedes, now)
}

func (a *Authority) recordApproval(ctx context.Context, o *order.Order, person sign.Person, tool custody.Instrument, statement sign.Digest, signer *detached.Signer, now time.Time) error {
	return a.Provider.record(ctx, o, custody.Record{
		Event: custody.OrderApproved, Actor: person, Instrument: tool, DerivedFrom: []sign.Digest{statement},
	}, signer, now)
}

// approvalRecorded reports whether a record derives from the statement.
func (a *Authority) approvalRecorded(ctx context.Context, o *order.Order, statement sign.Digest) (bool, error) {
	files, err := a.Provider.records().list(ctx, custody.OrderPrefix(o.Digest()))
	if err != nil {
		return false, err
	}
	for _, s := range files {
		if s.Type() != custody.Type {
			continue
		}
		rec, err := custody.Parse(s.Text)
		if err == nil && rec.Event == custody.OrderApproved && slices.Contains(rec.DerivedFrom, statement) {
			return true, nil
		}
	}
	return false, nil
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

// agencyKey finds a key by the fingerprint of an order, which has upper-case
// digits whatever the kind of key; those of age have lower-case ones.
func (a *Authority) agencyKey(fp order.Fingerprint) (keyring.Key, error) {
	key, err := a.Keys.ByFingerprint(strings.ToUpper(string(fp)))
	if errors.Is(err, keyring.ErrUnknownKey) {
		return a.Keys.ByFingerprint(strings.ToLower(string(fp)))
	}
	return key, err
}

// recipients finds the agency's keys in the keyring, as the order names them:
// each enrolled, valid now, of a kind that the policy allows, and fit.
func (a *Authority) recipients(o *order.Order, now time.Time) ([]seal.Recipient, []string, error) {
	var list []seal.Recipient
	for _, fp := range o.Agency.Keys {
		key, err := a.agencyKey(fp)
		if err != nil {
			return nil, nil, refuse(AgencyKeyUnknown, err, "the agency's key %s is not in the keyring", fp.Grouped())
		}
		err = a.Keys.Valid(key.Entry.Fingerprint, sign.Agency, now)
		switch {
		case errors.Is(err, keyring.ErrRevoked):
			return nil, nil, refuse(AgencyKeyRevoked, nil, "the agency's key %s (%s) is revoked", key.Entry.Name, fp.Grouped())
		case err != nil:
			return nil, nil, refuse(AgencyKeyUnfit, err, "the agency's key %s cannot be used", key.Entry.Name)
		case !a.Policy.Allows(key.Entry.Kind):
			return nil, nil, refuse(AgencyKeyUnfit, nil, "the policy does not allow keys of kind %s, such as %s", key.Entry.Kind, key.Entry.Name)
		}
		r, err := seal.ParseRecipient([]byte(*key.Entry.PublicKey))
		if err != nil {
			return nil, nil, refuse(AgencyKeyUnfit, err, "the agency's key %s cannot be used", key.Entry.Name)
		}
		if r.Fingerprint != key.Entry.Fingerprint || r.Kind != string(key.Entry.Kind) {
			return nil, nil, refuse(AgencyKeyUnfit, nil, "the agency's key %s is not what its entry says", key.Entry.Name)
		}
		list = append(list, r)
	}
	warnings, err := seal.CheckRecipients(list, now)
	if err != nil {
		return nil, nil, refuse(AgencyKeyUnfit, err, "the agency's keys cannot be used")
	}
	return list, warnings, nil
}

// ErrFounded says that a store holds a keyring already.
var ErrFounded = errors.New("store holds a keyring already")

// Unfounded makes sure that the store holds no keyring yet.
func (p *Provider) Unfounded(ctx context.Context) error {
	entries, err := p.records().list(ctx, custody.KeyringPrefix)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w", p.Store, ErrFounded)
	}
	return nil
}
