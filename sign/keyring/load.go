package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/detached"
)

// Why an entry does not count.
var (
	// ErrProvider: it is another provider's.
	ErrProvider = errors.New("entry of another provider")
	// ErrSigner: it is not signed by a valid admin, or not by the one it names.
	ErrSigner = errors.New("entry is not signed by a valid admin")
	// ErrReenrolled: a revoked key is never enrolled again.
	ErrReenrolled = errors.New("key was revoked before")
	// ErrName: its name belongs to another holder, or to a key that is still
	// in use; or its key to another name.
	ErrName = errors.New("name or key is taken")
	// ErrNoRoot: no entry of a pinned admin counts.
	ErrNoRoot = errors.New("no pinned admin's own entry")
)

// candidate is an entry that is well formed, and not yet known to count.
type candidate struct {
	entry  *Entry
	leaf   sign.Digest
	signed *sign.Signed
	reason error // why it does not count so far
}

// loader applies the rules of FORMAT section 5.
type loader struct {
	roots   []string
	now     time.Time
	keys    []Key
	revoked map[string]*Entry // earliest revocation that counts, by fingerprint
}

// Load makes the keyring of a provider from signed entries. roots are the
// fingerprints of the pinned admins. The order of the entries does not matter.
// Entries that do not count are in Rejected; it is an error, ErrNoRoot, when
// not one pinned admin has an entry that counts. now is the present time.
func Load(roots []string, provider string, signed []*sign.Signed, now time.Time) (*Keyring, error) {
	if len(signed) > MaxEntries {
		return nil, &sign.LimitError{What: "keyring entries", Limit: MaxEntries}
	}
	k := &Keyring{provider: provider}
	candidates := k.read(signed, now)
	l := &loader{roots: roots, now: now, revoked: make(map[string]*Entry)}
	for len(candidates) > 0 {
		// Entries of one second can build on each other, in any order.
		n := 1
		for n < len(candidates) && candidates[n].entry.Time == candidates[0].entry.Time {
			n++
		}
		for _, c := range l.second(candidates[:n]) {
			k.rejected = append(k.rejected, Rejected{c.leaf, c.entry, c.reason})
		}
		candidates = candidates[n:]
	}
	k.keys = l.keys
	for i := range k.keys {
		k.keys[i].Revoked = l.revoked[k.keys[i].Entry.Fingerprint]
	}
	if !slices.ContainsFunc(k.keys, func(key Key) bool { return key.Root }) {
		return k, fmt.Errorf("keyring of %s: %w", provider, ErrNoRoot)
	}
	return k, nil
}

// read sorts out what is not an entry of this provider or lies in the future,
// and sorts the rest by time, then by leaf hash. The same file twice is taken
// once. An enrolment from the future could not be revoked before its time.
func (k *Keyring) read(signed []*sign.Signed, now time.Time) []*candidate {
	var candidates []*candidate
	seen := make(map[sign.Digest]bool)
	for _, s := range signed {
		leaf := s.LeafHash()
		if seen[leaf] {
			continue
		}
		seen[leaf] = true
		e, err := ParseEntry(s.Text)
		if err == nil && e.Provider != k.provider {
			err = fmt.Errorf("%w: %.80q", ErrProvider, e.Provider)
		}
		if err == nil && e.Time.Time().After(now.Add(detached.MaxSkew)) {
			err = fmt.Errorf("entry of %s: %w", e.Time, detached.ErrFuture)
		}
		if err != nil {
			k.rejected = append(k.rejected, Rejected{leaf, e, err})
			continue
		}
		candidates = append(candidates, &candidate{entry: e, leaf: leaf, signed: s})
	}
	slices.SortFunc(candidates, func(a, b *candidate) int {
		if c := a.entry.Time.Compare(b.entry.Time); c != 0 {
			return c
		}
		return bytes.Compare(a.leaf[:], b.leaf[:])
	})
	slices.SortFunc(k.rejected, func(a, b Rejected) int { return bytes.Compare(a.Leaf[:], b.Leaf[:]) })
	return candidates
}

// second takes in all entries of one second and returns those that do not
// count. A revocation takes effect at once, so a key that is revoked in this
// second enrolls nobody in it; but it may still revoke, which errs on the safe
// side when two admins revoke each other.
func (l *loader) second(group []*candidate) (rejected []*candidate) {
	before := slices.Clone(l.keys)
	l.enroll(group)
	type revocation struct {
		fingerprint string
		entry       *Entry
	}
	var found []revocation
	counted := make(map[*candidate]bool)
	for _, c := range group {
		if c.entry.Action != Revoke {
			continue
		}
		if c.reason = l.checkRevocation(c); c.reason == nil {
			found = append(found, revocation{c.entry.Fingerprint, c.entry})
			counted[c] = true
		}
	}
	if len(found) > 0 {
		for _, r := range found {
			if l.revoked[r.fingerprint] == nil {
				l.revoked[r.fingerprint] = r.entry
			}
		}
		l.keys = before
		l.enroll(group)
	}
	for _, c := range group {
		if c.entry.Action == Enroll && c.reason == nil {
			continue
		}
		if !counted[c] {
			rejected = append(rejected, c)
		}
	}
	return rejected
}

// enroll takes in the enrolments of group until none more counts.
func (l *loader) enroll(group []*candidate) {
	done := make(map[*candidate]bool)
	for progress := true; progress; {
		progress = false
		for _, c := range group {
			if c.entry.Action != Enroll || done[c] {
				continue
			}
			root, err := l.checkEnrolment(c)
			if c.reason = err; err != nil {
				continue
			}
			l.keys = append(l.keys, Key{Entry: *c.entry, Leaf: c.leaf, Root: root})
			done[c], progress = true, true
		}
	}
}

func (l *loader) checkEnrolment(c *candidate) (root bool, err error) {
	e := c.entry
	if r := l.revoked[e.Fingerprint]; r != nil && r.Time.Before(e.Time) {
		return false, fmt.Errorf("%w, at %s", ErrReenrolled, r.Time)
	}
	if err := l.checkNames(e); err != nil {
		return false, err
	}
	if slices.Contains(l.roots, e.Fingerprint) && e.Signer == e.Fingerprint {
		return true, l.checkRoot(c)
	}
	return false, l.checkSigner(c)
}

// checkRoot checks the own entry of a pinned admin.
func (l *loader) checkRoot(c *candidate) error {
	if c.entry.Kind != sign.OpenPGP || !slices.Contains(c.entry.Roles, sign.Admin) {
		return fmt.Errorf("%w: a pinned key must be an admin's", ErrSigner)
	}
	keys, err := detached.ParsePublicKeys([]byte(*c.entry.PublicKey))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return l.checkSignature(c, keys)
}

// checkSigner checks that a key which counts, and is valid as an admin's, has
// signed the entry.
func (l *loader) checkSigner(c *candidate) error {
	soFar := new(Keyring)
	for _, k := range l.keys {
		if k.Entry.Fingerprint == c.entry.Signer {
			soFar.keys = append(soFar.keys, k)
		}
	}
	if r := l.revoked[c.entry.Signer]; r != nil && !r.Time.After(c.entry.Time) {
		return fmt.Errorf("%w: %w", ErrSigner, ErrRevoked)
	}
	if err := soFar.Valid(c.entry.Signer, sign.Admin, c.entry.Time.Time()); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	keys, err := soFar.PublicKeys(sign.Admin)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return l.checkSignature(c, keys)
}

// checkSignature checks that the key which the entry names has signed it.
func (l *loader) checkSignature(c *candidate, keys *detached.PublicKeys) error {
	sig, err := detached.Verify(c.signed.Text, c.signed.Signature, keys.Only(c.entry.Signer), l.now)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if sig.Fingerprint != c.entry.Signer {
		return fmt.Errorf("%w: signed by %s", ErrSigner, sig.Fingerprint)
	}
	return nil
}

// checkNames checks that name and key belong together, and to nobody else.
func (l *loader) checkNames(e *Entry) error {
	for _, k := range l.keys {
		sameKey, sameName := k.Entry.Fingerprint == e.Fingerprint, k.Entry.Name == e.Name
		switch {
		case !sameKey && !sameName:
			continue
		case k.Entry.Holder != e.Holder:
			return fmt.Errorf("%w: %s, key %s, is held by %.80q", ErrName, k.Entry.Name, k.Entry.Fingerprint, k.Entry.Holder)
		case sameKey && !sameName:
			return fmt.Errorf("%w: the key is enrolled as %s", ErrName, k.Entry.Name)
		case sameKey:
			continue
		}
		r := l.revoked[k.Entry.Fingerprint]
		revoked := r != nil && !r.Time.After(e.Time)
		past := k.Entry.ValidUntil != nil && !e.Time.Before(*k.Entry.ValidUntil)
		if !revoked && !past {
			return fmt.Errorf("%w: %s is key %s, which is still in use", ErrName, k.Entry.Name, k.Entry.Fingerprint)
		}
	}
	return nil
}

// checkRevocation checks that an admin revokes a key that is in the keyring.
func (l *loader) checkRevocation(c *candidate) error {
	e := c.entry
	// Until this group's revocations are known, those before it decide.
	if err := l.checkSigner(c); err != nil {
		return err
	}
	known := slices.ContainsFunc(l.keys, func(k Key) bool {
		return k.Entry.Fingerprint == e.Fingerprint && k.Entry.Name == e.Name && k.Entry.Holder == e.Holder && k.Entry.Kind == e.Kind
	})
	if !known {
		return fmt.Errorf("%.80s %s: %w", e.Name, e.Fingerprint, ErrUnknownKey)
	}
	return nil
}
