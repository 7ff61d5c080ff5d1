package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"exhibit/export/order"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/store"
)

// Provider is who exports, and where its shared records are.
type Provider struct {
	Name string
	// Roots are the fingerprints of the pinned admins, at least two.
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
	// PendingPolicies are signed by one admin and wait for another.
	PendingPolicies []policy.Pending
	// RejectedPolicies are texts that do not count, with the reason.
	RejectedPolicies []policy.Rejected
	// contested is the serial that two policies have, or one that a revocation has
	// undone, or 0; Policy is nil then.
	contested int64
	// policies are all texts of policies, by digest, that the store holds: for what
	// one said that is in force no more, as something says that counts.
	policies map[sign.Digest]*policy.Policy
}

// Contested is the serial that two policies have, so that neither is in force, or
// that of one which a revocation has undone; or 0.
func (a *Authority) Contested() int64 { return a.contested }

// An Actor is who does something now, and with which program.
type Actor struct {
	Signer *detached.Signer
	Tool   custody.Instrument
	Now    time.Time
}

// Load reads the provider's keyring and policy from its store. It fails with
// keyring.ErrOneRoot while the second admin has not joined yet.
func (p *Provider) Load(ctx context.Context, now time.Time) (*Authority, error) {
	a, err := p.load(ctx, now)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// LoadFounding is Load for a keyring that need not be founded yet: with one root
// alone nothing in it is valid but that root's own key.
func (p *Provider) LoadFounding(ctx context.Context, now time.Time) (*Authority, error) {
	a, err := p.load(ctx, now)
	if errors.Is(err, keyring.ErrOneRoot) {
		return a, nil
	}
	return a, err
}

func (p *Provider) load(ctx context.Context, now time.Time) (*Authority, error) {
	entries, err := p.records().remembered(ctx, custody.KeyringPrefix)
	if err != nil {
		return nil, err
	}
	keys, err := keyring.Load(p.Roots, p.Name, entries, now)
	if err != nil && !errors.Is(err, keyring.ErrOneRoot) {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	founding := err
	a := &Authority{Provider: p, Keys: keys}
	texts, err := p.records().remembered(ctx, custody.PolicyPrefix)
	if err != nil {
		return nil, err
	}
	a.policies = make(map[sign.Digest]*policy.Policy)
	for _, s := range texts {
		if p, err := policy.Parse(s.Text); err == nil {
			a.policies[s.Digest()] = p
		}
	}
	current, err := policy.InForce(texts, keys, now)
	if current != nil {
		a.PendingPolicies, a.RejectedPolicies = current.Pending, current.Rejected
	}
	switch {
	case errors.Is(err, policy.ErrAmbiguous), errors.Is(err, policy.ErrRevoked): // nothing is approved or exported until admins sign the next
		a.contested = current.Serial
	case errors.Is(err, policy.ErrNone):
	case err != nil:
		return nil, fmt.Errorf("policy: %w", err)
	default:
		a.Policy = current
	}
	if founding != nil {
		return a, fmt.Errorf("keyring: %w", founding)
	}
	return a, nil
}

// person finds who signs: the key must be in the keyring and valid in one of the
// roles, the first of which that is so is taken.
func (a *Authority) person(signer *detached.Signer, at time.Time, roles ...sign.Role) (sign.Person, error) {
	key, err := a.Keys.ByFingerprint(signer.Fingerprint())
	if err != nil {
		return sign.Person{}, refuse(RoleMissing, err, "key %s may not act here", keyring.FormatFingerprint(signer.Fingerprint()))
	}
	names := make([]string, len(roles))
	for i, role := range roles {
		if err = a.Keys.Valid(signer.Fingerprint(), role, at); err == nil {
			return key.Person(role), nil
		}
		names[i] = string(role)
	}
	if errors.Is(err, keyring.ErrRole) { // which key it is has been said
		err = nil
	}
	return sign.Person{}, refuse(RoleMissing, err, "key %s may not act as %s", key.Entry.Name, strings.Join(names, " or "))
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

// AgencyKeys says whose the keys are that an order names, as the keyring has it, and
// why nothing can be encrypted to them now: nil if it can.
func (a *Authority) AgencyKeys(o *order.Order, now time.Time) ([]keyring.Key, error) {
	var list []keyring.Key
	for _, fp := range o.Agency.Keys {
		if key, err := a.agencyKey(fp); err == nil {
			list = append(list, key)
		}
	}
	if a.Policy == nil {
		return list, nil
	}
	_, _, err := a.recipients(o, now)
	return list, err
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
