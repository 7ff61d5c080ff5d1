// Package keyring decides which keys a provider trusts, for what and when,
// from entries that its admins have signed (FORMAT section 5).
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

// MaxEntries bounds the entries of a keyring.
const MaxEntries = 100000

// A Key is a key that an entry which counts has enrolled. One that was
// enrolled again, for a longer time or other roles, has several.
type Key struct {
	Entry Entry
	// Leaf is the leaf hash of the entry's signed file.
	Leaf sign.Digest
	// Root says that it is pinned, and enrolled by itself.
	Root bool
	// Revoked is the revocation that counts from the earliest time on, or nil.
	Revoked *Entry
}

// Person returns the key's holder in one of the key's roles.
func (k Key) Person(role sign.Role) sign.Person {
	return sign.Person{Name: k.Entry.Name, Holder: k.Entry.Holder, Role: role, Fingerprint: k.Entry.Fingerprint}
}

// valid says whether the key's own entry makes it valid at t in a role.
func (k Key) valid(role sign.Role, t sign.Time) error {
	switch {
	case !slices.Contains(k.Entry.Roles, role):
		return fmt.Errorf("%w %s", ErrRole, role)
	case t.Before(k.Entry.ValidFrom):
		return fmt.Errorf("%w: from %s", ErrNotYetValid, k.Entry.ValidFrom)
	case k.Entry.ValidUntil != nil && !t.Before(*k.Entry.ValidUntil):
		return fmt.Errorf("%w: until %s", ErrExpired, k.Entry.ValidUntil)
	}
	return nil
}

// A Rejected is an entry that does not count.
type Rejected struct {
	Leaf sign.Digest
	// Entry is what the text says, or nil if it cannot be read.
	Entry *Entry
	// Reason is never nil.
	Reason error
}

// A Keyring is the keys of the entries that count. It is not changed after Load.
type Keyring struct {
	provider string
	keys     []Key // by time, then leaf
	rejected []Rejected
}

// All returns every enrolled key, revoked and past ones included, sorted by
// name and then by time of enrolment.
func (k *Keyring) All() []Key {
	all := slices.Clone(k.keys)
	slices.SortStableFunc(all, func(a, b Key) int { return strings.Compare(a.Entry.Name, b.Entry.Name) })
	return all
}

// Rejected returns the entries that do not count, each with its reason.
func (k *Keyring) Rejected() []Rejected { return slices.Clone(k.rejected) }

// Provider returns the provider whose keyring it is.
func (k *Keyring) Provider() string { return k.provider }

// Key returns the key that was enrolled last under that name: ErrUnknownKey if
// there is none. Whether it is valid is for Valid to say.
func (k *Keyring) Key(name string) (Key, error) {
	return k.last(func(key Key) bool { return key.Entry.Name == name }, name)
}

// ByFingerprint returns the key of that fingerprint as it was enrolled last.
func (k *Keyring) ByFingerprint(fingerprint string) (Key, error) {
	return k.last(func(key Key) bool { return key.Entry.Fingerprint == fingerprint }, fingerprint)
}

func (k *Keyring) last(is func(Key) bool, what string) (Key, error) {
	for _, key := range slices.Backward(k.keys) {
		if is(key) {
			return key, nil
		}
	}
	return Key{}, fmt.Errorf("%.80s: %w", what, ErrUnknownKey)
}

// Valid says whether the key of that fingerprint is valid at a time in a role:
// ErrUnknownKey, ErrRevoked, ErrRole, ErrNotYetValid or ErrExpired if not.
func (k *Keyring) Valid(fingerprint string, role sign.Role, at time.Time) error {
	t := sign.At(at)
	failed := ErrUnknownKey
	for _, key := range k.keys {
		if key.Entry.Fingerprint != fingerprint {
			continue
		}
		if r := key.Revoked; r != nil && !r.Time.After(t) {
			return fmt.Errorf("key %s (%s): %w: %s, %.200s", key.Entry.Name, fingerprint, ErrRevoked, r.Time, *r.Reason)
		}
		err := key.valid(role, t)
		if err == nil {
			return nil
		}
		failed = fmt.Errorf("key %s: %w", key.Entry.Name, err)
	}
	return fmt.Errorf("%s: %w", fingerprint, failed)
}

// PublicKeys returns the OpenPGP certificates that were ever enrolled in one
// of the roles, or in any role if none is given, revoked and past ones
// included: a signature that verifies with them still needs Valid.
func (k *Keyring) PublicKeys(roles ...sign.Role) (*detached.PublicKeys, error) {
	latest := make(map[string]string)
	var order []string
	for _, key := range k.keys {
		if !signs(key.Entry, roles) {
			continue
		}
		if _, ok := latest[key.Entry.Fingerprint]; !ok {
			order = append(order, key.Entry.Fingerprint)
		}
		latest[key.Entry.Fingerprint] = *key.Entry.PublicKey
	}
	sets := make([]*detached.PublicKeys, 0, len(order))
	for _, fp := range order {
		set, err := detached.ParsePublicKeys([]byte(latest[fp]))
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
	if err := k.Valid(s.Fingerprint, role, at.Time()); err != nil {
		return Key{}, err
	}
	return k.ByFingerprint(s.Fingerprint)
}

// FormatFingerprint returns a fingerprint in groups of four, for reading aloud.
func FormatFingerprint(fingerprint string) string { return detached.FormatFingerprint(fingerprint) }
