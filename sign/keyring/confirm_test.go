package keyring_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

func (h *house) wantPending(k *keyring.Keyring, want ...*sign.Signed) {
	h.t.Helper()
	var got, digests []string
	for _, p := range k.Pending() {
		got = append(got, p.Leaf.String()+p.Digest.String())
		if err := k.Valid(p.Entry.Fingerprint, p.Entry.Roles[0], now); err == nil && p.Entry.Signer != p.Entry.Fingerprint {
			h.t.Errorf("%s is pending and valid", p.Entry.Name)
		}
	}
	for _, s := range want {
		digests = append(digests, s.LeafHash().String()+s.Digest().String())
	}
	if !slices.Equal(got, digests) {
		h.t.Errorf("pending %d, want %d:\n%s", len(got), len(want), describe(k))
	}
}

func TestUnconfirmedIsPending(t *testing.T) {
	h := newHouse(t)
	bob, carol := newKey(t), newKey(t)
	later := h.propose(carol, "bob", "Carol", start.Add(2*day), h.second, sign.Approver) // a pending entry holds no name
	first := h.propose(bob, "bob", "Bob", start.Add(day), h.root, sign.Admin)
	byPending := h.propose(newKey(t), "dave", "Dave", start.Add(day), bob, sign.Approver)
	k := h.load()
	h.wantPending(k, first, later)
	h.rejected(k, byPending, keyring.ErrSigner)
	for _, key := range []*detached.Signer{bob, carol} {
		if err := k.Valid(key.Fingerprint(), sign.Approver, now); !errors.Is(err, keyring.ErrUnknownKey) {
			t.Errorf("a pending key: %v", err)
		}
	}
	if keys, err := k.PublicKeys(); err != nil || !sameSet(keys.Fingerprints(), h.roots()) {
		t.Errorf("certificates: %v, %v", keys.Fingerprints(), err)
	}
	if k.Holder(bob.Fingerprint()) != "" || k.Holder(h.root.Fingerprint()) != "Ada" {
		t.Error("holders")
	}
}

// What counts from its confirmation on did not count before.
func TestEffectiveFrom(t *testing.T) {
	h := newHouse(t)
	bob := newKey(t)
	s := h.propose(bob, "bob", "Bob", start.Add(day), h.root, sign.Approver)
	late := h.confirm(s, start.Add(7*day), h.second)
	h.confirm(s, start.Add(5*day), h.second)
	k := h.load()
	key, err := k.Key("bob")
	if err != nil || key.Since != sign.At(start.Add(5*day)) || key.ConfirmedBy != h.second.Fingerprint() ||
		key.Leaf != s.LeafHash() || key.Digest != s.Digest() || key.Root {
		t.Errorf("bob is %+v, %v", key, err)
	}
	root, err := k.Key("root")
	if err != nil || root.Since != sign.At(start) || root.ConfirmedBy != "" || !root.Root {
		t.Errorf("root is %+v, %v", root, err)
	}
	for at, want := range map[time.Time]error{
		start.Add(day): keyring.ErrNotYetValid, start.Add(5*day - time.Second): keyring.ErrNotYetValid,
		start.Add(5 * day): nil, start.Add(7 * day): nil,
	} {
		sig, err := bob.Sign([]byte("text"), at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Verify([]byte("text"), sig, sign.Approver, sign.At(at), now); !errors.Is(err, want) {
			t.Errorf("signed at %s: %v", at, err)
		}
	}
	if len(k.Rejected()) != 0 || len(k.Pending()) != 0 {
		t.Errorf("the second confirmation, %s, is superfluous:\n%s", late.LeafHash(), describe(k))
	}
}

// valid_from holds when it is later than the confirmation, and not when earlier.
func TestValidFromAndConfirmation(t *testing.T) {
	h := newHouse(t)
	for name, from := range map[string]time.Duration{"early": -day, "late": 9 * day} {
		e := enrollment(newKey(t), name, name, start, h.root, sign.Approver)
		e.ValidFrom = start.Add(from)
		h.confirm(h.proposeEntry(e, h.root), start.Add(3*day), h.second)
	}
	k := h.load()
	for name, from := range map[string]time.Duration{"early": 3 * day, "late": 9 * day} {
		key, err := k.Key(name)
		if err != nil {
			t.Fatal(err)
		}
		before := k.Valid(key.Entry.Fingerprint, sign.Approver, start.Add(from-time.Second))
		if err := k.Valid(key.Entry.Fingerprint, sign.Approver, start.Add(from)); err != nil || !errors.Is(before, keyring.ErrNotYetValid) {
			t.Errorf("%s: %v, before %v", name, err, before)
		}
	}
}

func TestConfirmationsThatDoNotCount(t *testing.T) {
	const proposed, confirmed = 2 * day, 4 * day
	for name, c := range map[string]struct {
		confirm func(h *house, s *sign.Signed) *sign.Signed
		want    error
		pending bool
	}{
		"by the signer": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.confirm(s, start.Add(confirmed), h.root)
		}, keyring.ErrSameHolder, true},
		"by the signer's other key": {func(h *house, s *sign.Signed) *sign.Signed {
			other := newKey(h.t)
			h.enroll(other, "other", "Ada", start, h.root, sign.Admin)
			return h.confirm(s, start.Add(confirmed), other)
		}, keyring.ErrSameHolder, true},
		"by no admin": {func(h *house, s *sign.Signed) *sign.Signed {
			approver := newKey(h.t)
			h.enroll(approver, "approver", "Eve", start, h.root, sign.Approver)
			return h.confirm(s, start.Add(confirmed), approver)
		}, keyring.ErrRole, true},
		"by a stranger": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.confirm(s, start.Add(confirmed), newKey(h.t))
		}, keyring.ErrUnknownKey, true},
		"by a pending admin": {func(h *house, s *sign.Signed) *sign.Signed {
			carol := newKey(h.t)
			h.confirm(h.propose(carol, "carol", "Carol", start, h.root, sign.Admin), start.Add(confirmed+time.Second), h.second)
			return h.confirm(s, start.Add(confirmed), carol)
		}, keyring.ErrUnknownKey, true},
		"before the entry": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.confirm(s, start.Add(proposed-time.Second), h.second)
		}, keyring.ErrNothingConfirmed, true},
		"of the future": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.confirm(s, now.Add(detached.MaxSkew+time.Second), h.second)
		}, detached.ErrFuture, true},
		"of nothing": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.confirm(&sign.Signed{Text: []byte("nothing")}, start.Add(confirmed), h.second)
		}, keyring.ErrNothingConfirmed, true},
		"forged": {func(h *house, s *sign.Signed) *sign.Signed {
			text, err := confirmation.New(provider, s.Digest(), start.Add(confirmed), h.second.Fingerprint())
			if err != nil {
				h.t.Fatal(err)
			}
			return h.sign(text, h.root, start.Add(confirmed))
		}, keyring.ErrSigner, true},
		"altered": {func(h *house, s *sign.Signed) *sign.Signed {
			c := h.confirm(s, start.Add(proposed-day), h.second)
			c.Text = bytes.Replace(c.Text, []byte("-01-02T"), []byte("-01-05T"), 1)
			return c
		}, keyring.ErrSigner, true},
		"of another provider": {func(h *house, s *sign.Signed) *sign.Signed {
			text, err := confirmation.New("Other Mail", s.Digest(), start.Add(confirmed), h.second.Fingerprint())
			if err != nil {
				h.t.Fatal(err)
			}
			return h.sign(text, h.second, start.Add(confirmed))
		}, keyring.ErrProvider, true},
		"unreadable": {func(h *house, s *sign.Signed) *sign.Signed {
			return h.sign([]byte("{\n  \"type\": \""+confirmation.Type+"\"\n}\n"), h.second, start.Add(confirmed))
		}, sign.ErrNotCanonical, true},
		"confirmer revoked": {func(h *house, s *sign.Signed) *sign.Signed {
			h.revoke(h.second, "second", "Ben", start.Add(confirmed), h.root)
			return h.confirm(s, start.Add(confirmed), h.second)
		}, keyring.ErrRevoked, true},
		"signer revoked between": {func(h *house, s *sign.Signed) *sign.Signed {
			h.revoke(h.root, "root", "Ada", start.Add(confirmed-time.Second), h.second)
			return h.confirm(s, start.Add(confirmed), h.second)
		}, keyring.ErrRevoked, false},
		"signer revoked in the second of the confirmation": {func(h *house, s *sign.Signed) *sign.Signed {
			h.revoke(h.root, "root", "Ada", start.Add(confirmed), h.second)
			return h.confirm(s, start.Add(confirmed), h.second)
		}, keyring.ErrRevoked, false},
		"of a revocation": {func(h *house, s *sign.Signed) *sign.Signed {
			r := h.revoke(h.second, "second", "Ben", start.Add(confirmed+day), h.root)
			return h.confirm(r, start.Add(confirmed), h.second)
		}, keyring.ErrNothingConfirmed, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			bob := newKey(t)
			s := h.propose(bob, "bob", "Bob", start.Add(proposed), h.root, sign.Approver)
			confirmation := c.confirm(h, s)
			k := h.load()
			h.rejected(k, confirmation, c.want)
			if c.pending {
				h.wantPending(k, s)
			} else {
				h.rejected(k, s, keyring.ErrSigner)
			}
			if err := k.Valid(bob.Fingerprint(), sign.Approver, now); !errors.Is(err, keyring.ErrUnknownKey) {
				t.Errorf("bob: %v", err)
			}
		})
	}
}

// What two admins have signed stays, though they are
// revoked later.
func TestRevokedAfterConfirmation(t *testing.T) {
	h := newHouse(t)
	bob := newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Approver)
	h.revoke(h.root, "root", "Ada", start.Add(time.Second), h.second)
	h.revoke(h.second, "second", "Ben", start.Add(time.Second), h.root)
	if err := h.load().Valid(bob.Fingerprint(), sign.Approver, now); err != nil {
		t.Error(err)
	}
}

// A name that is taken, or a key that was revoked, by the time of the
// confirmation is what counts, not by the time of the entry.
func TestRefusedAtConfirmation(t *testing.T) {
	h := newHouse(t)
	bob, carol, dave := newKey(t), newKey(t), newKey(t)
	late := h.propose(bob, "bob", "Bob", start, h.root, sign.Approver)
	h.enroll(carol, "bob", "Carol", start.Add(day), h.root, sign.Approver)
	lateConfirmed := h.confirm(late, start.Add(2*day), h.second)
	waiting := h.propose(bob, "bob", "Bob", start.Add(3*day), h.root, sign.Approver)
	h.enroll(dave, "dave", "Dave", start, h.root, sign.Approver)
	more := h.propose(dave, "dave", "Dave", start.Add(time.Hour), h.root, sign.Reviewer)
	h.revoke(dave, "dave", "Dave", start.Add(day), h.second)
	moreConfirmed := h.confirm(more, start.Add(2*day), h.second)
	k := h.load()
	h.rejected(k, late, keyring.ErrName)
	h.rejected(k, lateConfirmed, keyring.ErrName)
	h.rejected(k, waiting, keyring.ErrName)
	h.rejected(k, more, keyring.ErrReenrolled)
	h.rejected(k, moreConfirmed, keyring.ErrReenrolled)
	h.wantPending(k)
}

// An old name goes to a new key in the very second in which the old key is
// revoked; a revocation of the new one in that second holds as well.
func TestNameFreedAndTakenInOneSecond(t *testing.T) {
	for _, revoked := range []bool{false, true} {
		h := newHouse(t)
		old, next := newKey(t), newKey(t)
		at := start.Add(day)
		h.enroll(old, "bob", "Bob", start, h.root, sign.Approver)
		h.enroll(next, "bob", "Bob", at, h.root, sign.Approver)
		h.revoke(old, "bob", "Bob", at, h.root)
		want := error(nil)
		if revoked {
			h.revoke(next, "bob", "Bob", at, h.second)
			want = keyring.ErrRevoked
		}
		if err := h.load().Valid(next.Fingerprint(), sign.Approver, at); !errors.Is(err, want) {
			t.Errorf("revoked %t: %v", revoked, err)
		}
	}
}

// The same text in several files is one entry; a forged copy hides no good one.
func TestCopies(t *testing.T) {
	h := newHouse(t)
	for i := range byte(8) {
		key := newKey(t)
		name := string('a' + rune(i))
		text, err := keyring.NewEnrollment(enrollment(key, name, name, start, h.root, sign.Approver))
		if err != nil {
			t.Fatal(err)
		}
		good := h.sign(text, h.root, start)
		h.sign(text, h.root, start)
		forged := h.sign(text, h.second, start)
		if i%2 == 0 {
			h.confirm(good, start.Add(day), h.second)
		}
		k := h.load()
		h.rejected(k, forged, keyring.ErrSigner)
	}
	k := h.load()
	if len(k.All()) != 2+4 || len(k.Pending()) != 4 || len(k.Rejected()) != 8 {
		t.Errorf("keyring:\n%s", describe(k))
	}
}

// The same object name with another signature is not the same file.
func TestSameLeafOtherSignature(t *testing.T) {
	h := newHouse(t)
	bob := newKey(t)
	s := h.enroll(bob, "bob", "Bob", start, h.root, sign.Approver)
	sig, err := h.second.Sign(s.Text, start)
	if err != nil {
		t.Fatal(err)
	}
	h.entries = append(h.entries, &sign.Signed{Salt: s.Salt, Text: s.Text, Signature: sig})
	if err := h.load().Valid(bob.Fingerprint(), sign.Approver, now); err != nil {
		t.Error(err)
	}
}

func TestOneRoot(t *testing.T) {
	h := &house{t: t, root: newKey(t), second: newKey(t)}
	h.propose(h.root, "root", "Ada", start, h.root, sign.Admin)
	bob := newKey(t)
	s := h.propose(bob, "bob", "Bob", start, h.root, sign.Approver)
	k, err := keyring.Load(h.roots(), provider, h.entries, now)
	if !errors.Is(err, keyring.ErrOneRoot) {
		t.Fatal(err)
	}
	h.wantPending(k, s)
	if err := k.Valid(h.root.Fingerprint(), sign.Admin, now); err != nil {
		t.Errorf("the first root: %v", err)
	}
	// The second one comes, and the proposal can be confirmed.
	h.propose(h.second, "second", "Ben", start.Add(day), h.second, sign.Admin)
	h.confirm(s, start.Add(day), h.second)
	if err := h.load().Valid(bob.Fingerprint(), sign.Approver, now); err != nil {
		t.Error(err)
	}
}

func TestTwoRootsOfOneHolder(t *testing.T) {
	h := &house{t: t, root: newKey(t), second: newKey(t)}
	h.propose(h.root, "root", "Ada", start, h.root, sign.Admin)
	h.propose(h.second, "second", "Ada", start, h.second, sign.Admin)
	bob := newKey(t)
	s := h.propose(bob, "bob", "Bob", start, h.root, sign.Approver)
	c := h.confirm(s, start, h.second)
	k, err := keyring.Load(h.roots(), provider, h.entries, now)
	if !errors.Is(err, keyring.ErrOneRoot) {
		t.Fatal(err)
	}
	h.rejected(k, c, keyring.ErrSameHolder)
	h.wantPending(k, s)
}

// An admin who dates a new own entry back, to seem another person or to slip out
// of a revocation under another name, is no root any more.
func TestRootContradictsItself(t *testing.T) {
	for name, c := range map[string]struct{ name, holder string }{"holder": {"root", "Zoe"}, "name": {"toor", "Ada"}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			other, bob := newKey(t), newKey(t)
			h.enroll(other, "other", "Ada", start, h.root, sign.Admin)
			h.confirm(h.propose(bob, "bob", "Bob", start, h.root, sign.Approver), start, other)
			h.revoke(h.root, "root", "Ada", start.Add(day), h.second)
			back := h.propose(h.root, c.name, c.holder, start.Add(-time.Hour), h.root, sign.Admin)
			k, err := keyring.Load(h.roots(), provider, h.entries, now)
			if !errors.Is(err, keyring.ErrOneRoot) {
				t.Fatal(err)
			}
			h.rejected(k, back, keyring.ErrName)
			for _, key := range []*detached.Signer{h.root, bob} {
				if err := k.Valid(key.Fingerprint(), sign.Admin, now); !errors.Is(err, keyring.ErrUnknownKey) {
					t.Error(err)
				}
			}
		})
	}
}

// A root that enrolls itself again keeps its name and holder. Other roles it has of
// two admins, as everybody has.
func TestRootAgain(t *testing.T) {
	h := newHouse(t)
	h.propose(h.root, "root", "Ada", start.Add(day), h.root, sign.Admin)
	k := h.load()
	if all := k.All(); len(all) != 3 || len(k.Pending()) != 0 {
		t.Errorf("keyring:\n%s", describe(k))
	}
	for i, roles := range [][]sign.Role{{sign.Approver}, {sign.Admin, sign.Auditor}} {
		s := h.propose(h.root, "root", "Ada", start.Add(day), h.root, roles...)
		k = h.load()
		if err := k.Valid(h.root.Fingerprint(), roles[len(roles)-1], now); !errors.Is(err, keyring.ErrRole) {
			t.Errorf("a root's own word for another role: %v", err)
		}
		if p := k.Pending(); len(p) != i+1 || !slices.ContainsFunc(p, func(p keyring.Pending) bool { return p.Leaf == s.LeafHash() }) {
			t.Errorf("keyring:\n%s", describe(k))
		}
	}
}

func TestConfirmedRoot(t *testing.T) {
	h := newHouse(t)
	root := h.entries[0]
	h.confirm(root, start.Add(day), h.second)
	if k := h.load(); len(k.Rejected()) != 0 || len(k.All()) != 2 {
		t.Errorf("a superfluous confirmation:\n%s", describe(k))
	}
}
