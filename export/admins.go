package export

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
)

var (
	// ErrFounded says that a store holds a keyring already.
	ErrFounded = errors.New("store holds a keyring already")
	// ErrNotPending says that nothing of that name waits for a second admin.
	ErrNotPending = errors.New("nothing of it waits for a second admin")
	// ErrPending says that the same waits for a second admin already.
	ErrPending = errors.New("it waits for a second admin already")
	// ErrOwnProposal says that an admin may not confirm what the same person has signed.
	ErrOwnProposal = errors.New("another admin has to confirm it")
)

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

// Found adds a root's own entry, signed by itself: the first of a keyring, or the
// second, after which the keyring is founded. Its key must be among the roots.
func (p *Provider) Found(ctx context.Context, e keyring.Enrollment, admin *detached.Signer) error {
	e.Provider, e.Signer = p.Name, admin.Fingerprint()
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		return err
	}
	if !slices.Contains(p.Roots, e.Fingerprint) || e.Fingerprint != e.Signer {
		return fmt.Errorf("key %s: %w", e.Name, keyring.ErrNoRoot)
	}
	entries, err := p.records().list(ctx, custody.KeyringPrefix)
	if err != nil {
		return err
	}
	return p.tryEntry(ctx, text, admin, e.Time, entries, true)
}

// Enroll proposes a key for the keyring, on the word of the admin who signs. It
// is good for nothing until another admin confirms it. What the keyring would
// not take is refused before it is written.
func (a *Authority) Enroll(ctx context.Context, e keyring.Enrollment, admin *detached.Signer) error {
	if _, err := a.person(admin, e.Time, sign.Admin); err != nil {
		return err
	}
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

// PendingKeys gives the proposals for that name, the newest last.
func (a *Authority) PendingKeys(name string) []keyring.Pending {
	var list []keyring.Pending
	for _, p := range a.Keys.Pending() {
		if p.Entry.Name == name {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(x, y keyring.Pending) int { return x.Entry.Time.Compare(y.Entry.Time) })
	return list
}

// ConfirmKey puts a proposed key into force, as the second admin.
func (a *Authority) ConfirmKey(ctx context.Context, p keyring.Pending, admin *detached.Signer, at time.Time) error {
	text, err := a.confirmation(p.Digest, p.Entry.Signer, admin, at)
	if err != nil {
		return err
	}
	return a.addEntry(ctx, text, admin, at, true)
}

// confirmation makes the text that confirms another admin's.
func (a *Authority) confirmation(of sign.Digest, first string, admin *detached.Signer, at time.Time) ([]byte, error) {
	person, err := a.person(admin, at, sign.Admin)
	if err != nil {
		return nil, err
	}
	proposer, err := a.Keys.ByFingerprint(first)
	if err == nil && (proposer.Entry.Holder == person.Holder || first == person.Fingerprint) {
		return nil, fmt.Errorf("signed by %s (%s) already: %w", proposer.Entry.Name, proposer.Entry.Holder, ErrOwnProposal)
	}
	return confirmation.New(a.Provider.Name, of, at, admin.Fingerprint())
}

// Revoke takes a key out of use from now on. It stays known for the past. One
// admin is enough: it can only stop something.
func (a *Authority) Revoke(ctx context.Context, name, reason string, admin *detached.Signer, at time.Time) error {
	key, err := a.Keys.Key(name)
	if err != nil {
		return err
	}
	if key.Revoked != nil {
		return fmt.Errorf("%s: %w", name, keyring.ErrRevoked)
	}
	if _, err := a.person(admin, at, sign.Admin); err != nil {
		return err
	}
	text, err := keyring.NewRevocation(key, reason, at, admin.Fingerprint())
	if err != nil {
		return err
	}
	return a.addEntry(ctx, text, admin, at, false)
}

// addEntry stores a keyring text if the keyring would take it.
func (a *Authority) addEntry(ctx context.Context, text []byte, admin *detached.Signer, at time.Time, enrolment bool) error {
	entries, err := a.Provider.records().list(ctx, custody.KeyringPrefix)
	if err != nil {
		return err
	}
	return a.Provider.tryEntry(ctx, text, admin, at, entries, enrolment)
}

// tryEntry stores a keyring text if the keyring takes it. An enrolment, or a
// confirmation of one, must leave all that counted before as it is: entries of
// one second are weighed against each other, and it could take the place of another.
func (p *Provider) tryEntry(ctx context.Context, text []byte, admin *detached.Signer, at time.Time, entries []*sign.Signed, enrolment bool) error {
	entry, err := sign.NewSigned(text, admin, at, rand.Reader)
	if err != nil {
		return err
	}
	refused := map[sign.Digest]bool{}
	if len(entries) > 0 {
		keys, err := p.loadKeys(entries, at)
		if err != nil {
			return err
		}
		for _, r := range keys.Rejected() {
			refused[r.Leaf] = true
		}
	}
	keys, err := p.loadKeys(append(slices.Clip(entries), entry), at)
	if err != nil {
		return err
	}
	for _, r := range keys.Rejected() {
		if r.Leaf == entry.LeafHash() || enrolment && !refused[r.Leaf] {
			return fmt.Errorf("the keyring would not take this entry: %w", r.Reason)
		}
	}
	return p.records().put(ctx, entry, custody.KeyringKey)
}

// loadKeys reads a keyring that may be without its second root yet.
func (p *Provider) loadKeys(entries []*sign.Signed, at time.Time) (*keyring.Keyring, error) {
	keys, err := keyring.Load(p.Roots, p.Name, entries, at)
	if err != nil && !errors.Is(err, keyring.ErrOneRoot) {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return keys, nil
}

// SignPolicy proposes the next policy. It is in force once another admin confirms
// it. Serial, provider, signer and time are filled in. It returns the digest.
func (a *Authority) SignPolicy(ctx context.Context, next policy.Policy, admin *detached.Signer, at time.Time) (sign.Digest, error) {
	if _, err := a.person(admin, at, sign.Admin); err != nil {
		return sign.Digest{}, err
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
		return sign.Digest{}, err
	}
	return a.Provider.records().add(ctx, text, admin, at, custody.PolicyKey)
}

// ConfirmPolicy puts the proposed policy of that digest into force, as the second
// admin.
func (a *Authority) ConfirmPolicy(ctx context.Context, digest sign.Digest, admin *detached.Signer, at time.Time) error {
	i := slices.IndexFunc(a.PendingPolicies, func(p policy.Pending) bool { return p.Digest == digest })
	if i < 0 {
		return fmt.Errorf("policy %s: %w", digest, ErrNotPending)
	}
	// Confirmed after its first admin has left it would not count, and no policy be in force.
	first := a.PendingPolicies[i].Policy.Signer
	if err := a.Keys.Valid(first, sign.Admin, at); err != nil {
		return fmt.Errorf("policy %s: %w: its first admin's %w", digest, ErrNotPending, err)
	}
	text, err := a.confirmation(digest, first, admin, at)
	if err != nil {
		return err
	}
	_, err = a.Provider.records().add(ctx, text, admin, at, custody.PolicyKey)
	return err
}
