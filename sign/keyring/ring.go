package keyring

import (
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
)

// ring is the keys that count, in the order in which they began to, and what
// was revoked. It can be taken back to an earlier state.
type ring struct {
	keys          []Key
	byFingerprint map[string][]int // indices into keys, ascending
	byName        map[string][]int
	byPerson      map[string][]int // by the folded holder
	byText        map[sign.Digest]int
	revoked       map[string]*Entry // earliest revocation that counts, by fingerprint
}

func newRing() *ring {
	return &ring{
		byFingerprint: make(map[string][]int), byName: make(map[string][]int), byPerson: make(map[string][]int),
		byText: make(map[sign.Digest]int), revoked: make(map[string]*Entry),
	}
}

// add takes in a key whose text is not in the ring.
func (r *ring) add(k Key) {
	i := len(r.keys)
	r.keys = append(r.keys, k)
	r.byFingerprint[k.Entry.Fingerprint] = append(r.byFingerprint[k.Entry.Fingerprint], i)
	r.byName[k.Entry.Name] = append(r.byName[k.Entry.Name], i)
	person := foldHolder(k.Entry.Holder)
	r.byPerson[person] = append(r.byPerson[person], i)
	r.byText[k.Digest] = i
}

// truncate takes out all keys but the first n. Revocations stay.
func (r *ring) truncate(n int) {
	for _, k := range slices.Backward(r.keys[n:]) {
		removeLast(r.byFingerprint, k.Entry.Fingerprint)
		removeLast(r.byName, k.Entry.Name)
		removeLast(r.byPerson, foldHolder(k.Entry.Holder))
		delete(r.byText, k.Digest)
	}
	r.keys = r.keys[:n]
}

func removeLast(m map[string][]int, key string) {
	if rest := m[key][:len(m[key])-1]; len(rest) > 0 {
		m[key] = rest
	} else {
		delete(m, key)
	}
}

// last returns the last of the keys at those indices.
func (r *ring) last(indices []int, what string) (Key, error) {
	if len(indices) == 0 {
		return Key{}, fmt.Errorf("%.80s: %w", what, ErrUnknownKey)
	}
	return r.keys[indices[len(indices)-1]], nil
}

func (r *ring) holder(fingerprint string) string {
	if i := r.byFingerprint[fingerprint]; len(i) > 0 {
		return r.keys[i[0]].Entry.Holder
	}
	return ""
}

// certificate returns a key's OpenPGP certificate as it was enrolled last in
// one of the roles, or "" if it is not.
func (r *ring) certificate(fingerprint string, roles ...sign.Role) string {
	for _, i := range slices.Backward(r.byFingerprint[fingerprint]) {
		if signs(r.keys[i].Entry, roles) {
			return *r.keys[i].Entry.PublicKey
		}
	}
	return ""
}

// valid is Keyring.Valid.
func (r *ring) valid(fingerprint string, role sign.Role, t sign.Time) error {
	if e := r.revoked[fingerprint]; e != nil && !e.Time.After(t) {
		return fmt.Errorf("key %s (%s): %w: %s, %.200s", e.Name, fingerprint, ErrRevoked, e.Time, *e.Reason)
	}
	return r.enrolled(fingerprint, role, t)
}

// enrolled is valid, whatever was revoked.
func (r *ring) enrolled(fingerprint string, role sign.Role, t sign.Time) error {
	failed := ErrUnknownKey
	for _, i := range r.byFingerprint[fingerprint] {
		k := &r.keys[i]
		err := k.enrolled(role, t)
		if err == nil {
			return nil
		}
		failed = fmt.Errorf("key %s: %w", k.Entry.Name, err)
	}
	return fmt.Errorf("%s: %w", fingerprint, failed)
}

// enrolled says whether the key's own entry makes it valid at t in a role.
func (k *Key) enrolled(role sign.Role, t sign.Time) error {
	from := k.From()
	switch {
	case !slices.Contains(k.Entry.Roles, role):
		return fmt.Errorf("%w %s", ErrRole, role)
	case t.Before(from):
		return fmt.Errorf("%w: from %s", ErrNotYetValid, from)
	case k.Entry.ValidUntil != nil && !t.Before(*k.Entry.ValidUntil):
		return fmt.Errorf("%w: until %s", ErrExpired, k.Entry.ValidUntil)
	}
	return nil
}

// byAdmin checks that the key which a text names as its signer has signed it,
// and was valid as an admin's at that time: ErrSigner if not.
func (r *ring) byAdmin(f *file, at sign.Time, now time.Time) error {
	if err := r.valid(f.signer, sign.Admin, at); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return f.verify(r.certificate(f.signer, sign.Admin), now)
}

// knows reports whether a revocation names a key as it is enrolled.
func (r *ring) knows(e *Entry) bool {
	return slices.ContainsFunc(r.byFingerprint[e.Fingerprint], func(i int) bool {
		k := &r.keys[i].Entry
		return k.Name == e.Name && k.Holder == e.Holder && k.Kind == e.Kind
	})
}

// takes says whether an enrolment could begin to count at t: ErrReenrolled or
// ErrName if not.
func (r *ring) takes(e *Entry, t sign.Time) error {
	if old := r.revoked[e.Fingerprint]; old != nil && old.Time.Before(t) {
		return fmt.Errorf("%w, at %s", ErrReenrolled, old.Time)
	}
	for _, i := range r.byFingerprint[e.Fingerprint] {
		k := &r.keys[i].Entry
		switch {
		case k.Holder != e.Holder:
			return fmt.Errorf("%w: key %s is held by %.80q", ErrName, k.Fingerprint, k.Holder)
		case k.Name != e.Name:
			return fmt.Errorf("%w: key %s is enrolled as %s", ErrName, k.Fingerprint, k.Name)
		}
	}
	for _, i := range r.byPerson[foldHolder(e.Holder)] {
		if k := &r.keys[i].Entry; k.Holder != e.Holder {
			return fmt.Errorf("%w: holder %.80q is written %.80q elsewhere, for key %s", ErrName, e.Holder, k.Holder, k.Name)
		}
	}
	for _, i := range r.byName[e.Name] {
		if err := r.frees(&r.keys[i].Entry, e, t); err != nil {
			return err
		}
	}
	return nil
}

// frees says whether the key of the entry old leaves its name to the key of next.
func (r *ring) frees(old, next *Entry, t sign.Time) error {
	if old.Fingerprint == next.Fingerprint {
		return nil
	}
	if old.Holder != next.Holder {
		return fmt.Errorf("%w: %s, key %s, is held by %.80q", ErrName, old.Name, old.Fingerprint, old.Holder)
	}
	e := r.revoked[old.Fingerprint]
	revoked := e != nil && !e.Time.After(t)
	past := old.ValidUntil != nil && !t.Before(*old.ValidUntil)
	if !revoked && !past {
		return fmt.Errorf("%w: %s is key %s, which is still in use", ErrName, old.Name, old.Fingerprint)
	}
	return nil
}
