// Package keyring decides which keys a provider trusts, for what and when,
// from entries that two of its admins have signed, one after the other
// (FORMAT section 5). No admin alone makes a key valid; each alone can stop one.
//
// Without a custody log, when an entry or a statement was signed is what its
// signer says.
package keyring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
)

// Why a key is refused.
var (
	ErrUnknownKey  = errors.New("key is not in the keyring")
	ErrRevoked     = errors.New("key is revoked")
	ErrNotYetValid = errors.New("key is not valid yet")
	ErrExpired     = errors.New("key is no longer valid")
	ErrRole        = errors.New("key has not the role")
)

// MaxEntries bounds the entries and confirmations of a keyring, together.
const MaxEntries = 100000

// A Key is a key that an entry which counts has enrolled. One that was
// enrolled again, for a longer time or other roles, has several.
type Key struct {
	Entry Entry
	// Leaf is the leaf hash of the entry's signed file, Digest the digest of
	// its text.
	Leaf, Digest sign.Digest
	// Since is the time from which the entry counts: its own for a root's, that
	// of its confirmation for all others. The key is valid from it at the
	// earliest, whatever the entry's valid_from.
	Since sign.Time
	// ConfirmedBy is the fingerprint of the second admin's key, "" for a root's.
	ConfirmedBy string
	// Root says that it is pinned, and enrolled by itself.
	Root bool
	// Revoked is the revocation that counts from the earliest time on, or nil.
	Revoked *Entry
}

// From is the time from which the key is valid: the later of its entry's valid_from
// and of Since.
func (k *Key) From() sign.Time {
	if k.Entry.ValidFrom.Before(k.Since) {
		return k.Since
	}
	return k.Entry.ValidFrom
}

// Person returns the key's holder in one of the key's roles.
func (k Key) Person(role sign.Role) sign.Person {
	return sign.Person{Name: k.Entry.Name, Holder: k.Entry.Holder, Role: role, Fingerprint: k.Entry.Fingerprint}
}

// A Pending is an enrolment that an admin has signed and no second one has
// confirmed yet. It is good for nothing.
type Pending struct {
	Entry Entry
	// Leaf is the leaf hash of the entry's signed file.
	Leaf sign.Digest
	// Digest of the entry's text, for a confirmation to name.
	Digest sign.Digest
}

// A Rejected is an entry or a confirmation that does not count.
type Rejected struct {
	Leaf sign.Digest
	// Entry and Confirmation are what the text says: one of them, or none if
	// it cannot be read.
	Entry        *Entry
	Confirmation *confirmation.Confirmation
	// Reason is never nil.
	Reason error
}

// A Keyring is the keys of the entries that count. It is not changed after Load.
type Keyring struct {
	provider string
	ring     *ring
	pending  []Pending  // by time, then leaf
	rejected []Rejected // by leaf
}

// All returns every enrolled key, revoked and past ones included, sorted by
// name and then by time of enrolment.
func (k *Keyring) All() []Key {
	all := slices.Clone(k.ring.keys)
	slices.SortStableFunc(all, func(a, b Key) int { return strings.Compare(a.Entry.Name, b.Entry.Name) })
	return all
}

// Pending returns the enrolments that wait for a second admin, by their time:
// a confirmation by a valid admin of another holder would make them count now.
func (k *Keyring) Pending() []Pending { return slices.Clone(k.pending) }

// Rejected returns the entries and confirmations that do not count, each with
// its reason. What is superfluous, such as a second confirmation, is not among
// them, nor what is pending.
func (k *Keyring) Rejected() []Rejected { return slices.Clone(k.rejected) }

// Provider returns the provider whose keyring it is.
func (k *Keyring) Provider() string { return k.provider }

// Key returns the key that was enrolled last under that name: ErrUnknownKey if
// there is none. Whether it is valid is for Valid to say.
func (k *Keyring) Key(name string) (Key, error) {
	return k.ring.last(k.ring.byName[name], name)
}

// ByFingerprint returns the key of that fingerprint as it was enrolled last.
func (k *Keyring) ByFingerprint(fingerprint string) (Key, error) {
	return k.ring.last(k.ring.byFingerprint[fingerprint], fingerprint)
}

// Holder returns who holds the key of that fingerprint, or "" if it is not in
// the keyring. A key never changes its holder.
func (k *Keyring) Holder(fingerprint string) string { return k.ring.holder(fingerprint) }

// Valid says whether the key of that fingerprint is valid at a time in a role:
// ErrUnknownKey, ErrRevoked, ErrRole, ErrNotYetValid or ErrExpired if not.
func (k *Keyring) Valid(fingerprint string, role sign.Role, at time.Time) error {
	return k.ring.valid(fingerprint, role, sign.At(at))
}

// PublicKeys returns the OpenPGP certificates that were ever enrolled in one
// of the roles, or in any role if none is given, revoked and past ones
// included: a signature that verifies with them still needs Valid.
func (k *Keyring) PublicKeys(roles ...sign.Role) (*detached.PublicKeys, error) {
	seen := make(map[string]bool)
	var sets []*detached.PublicKeys
	for i := range k.ring.keys {
		fp := k.ring.keys[i].Entry.Fingerprint
		if seen[fp] || !signs(k.ring.keys[i].Entry, roles) {
			continue
		}
		seen[fp] = true
		set, err := detached.ParsePublicKeys([]byte(k.ring.certificate(fp, roles...)))
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", fp, err)
		}
		sets = append(sets, set)
	}
	return detached.Join(sets...)
}

// signs reports whether an entry's key can sign at all, in one of the roles.
func signs(e Entry, roles []sign.Role) bool {
	if e.Kind != sign.OpenPGP || slices.Equal(e.Roles, []sign.Role{sign.Agency}) {
		return false
	}
	return len(roles) == 0 || slices.ContainsFunc(e.Roles, func(r sign.Role) bool { return slices.Contains(roles, r) })
}

// Verify checks that sig is a signature over text by a key that is valid in
// role at the time that the text states, and returns that key. now is the
// present time. Errors are those of detached.Verify and of Valid.
func (k *Keyring) Verify(text, sig []byte, role sign.Role, at sign.Time, now time.Time) (Key, error) {
	return k.verify(text, sig, role, at, now, k.ring.valid)
}

// VerifyOnce is Verify whatever was revoked: for texts that only stop something.
// One admin revokes, at whatever time that admin writes down; that must not bring
// back what such a text has stopped.
func (k *Keyring) VerifyOnce(text, sig []byte, role sign.Role, at sign.Time, now time.Time) (Key, error) {
	return k.verify(text, sig, role, at, now, k.ring.enrolled)
}

func (k *Keyring) verify(text, sig []byte, role sign.Role, at sign.Time, now time.Time, valid validity) (Key, error) {
	if at.Time().After(now.Add(detached.MaxSkew)) {
		return Key{}, fmt.Errorf("text of %s: %w", at, detached.ErrFuture)
	}
	keys, err := k.PublicKeys(role)
	if err != nil {
		return Key{}, err
	}
	s, err := detached.Verify(text, sig, keys, now)
	if err != nil {
		return Key{}, err
	}
	if err := valid(s.Fingerprint, role, at); err != nil {
		return Key{}, err
	}
	return k.ByFingerprint(s.Fingerprint)
}

// FormatFingerprint returns a fingerprint in groups of four, for reading aloud.
func FormatFingerprint(fingerprint string) string { return detached.FormatFingerprint(fingerprint) }
