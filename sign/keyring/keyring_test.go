package keyring_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

const provider = "Example Mail"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now   = start.Add(100 * day)
)

const day = 24 * time.Hour

// house is a provider in the making: its entries, all in order at first. It has
// two roots, Ada's and Ben's.
type house struct {
	t            *testing.T
	root, second *detached.Signer
	entries      []*sign.Signed
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, root: newKey(t), second: newKey(t)}
	h.propose(h.root, "root", "Ada", start, h.root, sign.Admin)
	h.propose(h.second, "second", "Ben", start, h.second, sign.Admin)
	return h
}

func (h *house) roots() []string { return []string{h.root.Fingerprint(), h.second.Fingerprint()} }

func newKey(t *testing.T) *detached.Signer {
	t.Helper()
	s, err := detached.Generate("Key <key@provider.example>", start.Add(-day), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func enrollment(key *detached.Signer, name, holder string, at time.Time, by *detached.Signer, roles ...sign.Role) keyring.Enrollment {
	return keyring.Enrollment{
		Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()),
		Holder: holder, Roles: roles, ValidFrom: at, Time: at, Signer: by.Fingerprint(),
		Verified: keyring.Verified{By: "Ada", How: "in person", At: sign.At(at)},
	}
}

// propose signs an enrolment that nobody confirms.
func (h *house) propose(key *detached.Signer, name, holder string, at time.Time, by *detached.Signer, roles ...sign.Role) *sign.Signed {
	h.t.Helper()
	return h.proposeEntry(enrollment(key, name, holder, at, by, roles...), by)
}

func (h *house) proposeEntry(e keyring.Enrollment, by *detached.Signer) *sign.Signed {
	h.t.Helper()
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.sign(text, by, e.Time)
}

func (h *house) confirm(s *sign.Signed, at time.Time, by *detached.Signer) *sign.Signed {
	h.t.Helper()
	text, err := confirmation.New(provider, s.Digest(), at, by.Fingerprint())
	if err != nil {
		h.t.Fatal(err)
	}
	return h.sign(text, by, at)
}

// enroll signs an enrolment, which Ben confirms in the same second.
func (h *house) enroll(key *detached.Signer, name, holder string, at time.Time, by *detached.Signer, roles ...sign.Role) *sign.Signed {
	h.t.Helper()
	return h.enrollEntry(enrollment(key, name, holder, at, by, roles...), by)
}

func (h *house) enrollEntry(e keyring.Enrollment, by *detached.Signer) *sign.Signed {
	h.t.Helper()
	s := h.proposeEntry(e, by)
	h.confirm(s, e.Time, h.second)
	return s
}

func (h *house) revoke(key *detached.Signer, name, holder string, at time.Time, by *detached.Signer) *sign.Signed {
	h.t.Helper()
	k := keyring.Key{Entry: keyring.Entry{Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), Holder: holder}}
	text, err := keyring.NewRevocation(k, "lost", at, by.Fingerprint())
	if err != nil {
		h.t.Fatal(err)
	}
	return h.sign(text, by, at)
}

func (h *house) sign(text []byte, by *detached.Signer, at time.Time) *sign.Signed {
	h.t.Helper()
	s, err := sign.NewSigned(text, by, at, rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, s)
	return s
}

// load loads the entries in several orders, and wants one answer.
func (h *house) load() *keyring.Keyring {
	h.t.Helper()
	var first *keyring.Keyring
	for range 5 {
		k, err := keyring.Load(h.roots(), provider, h.entries, now)
		if err != nil {
			h.t.Fatal(err)
		}
		if first == nil {
			first = k
		} else if describe(k) != describe(first) {
			h.t.Fatalf("the order of the entries matters:\n%s\n%s", describe(first), describe(k))
		}
		mathrand.Shuffle(len(h.entries), func(i, j int) { h.entries[i], h.entries[j] = h.entries[j], h.entries[i] })
	}
	return first
}

func describe(k *keyring.Keyring) string {
	var b strings.Builder
	for _, key := range k.All() {
		fmt.Fprintln(&b, key.Entry.Name, key.Leaf, key.Digest, key.Since, key.ConfirmedBy, key.Revoked != nil, key.Root)
	}
	for _, p := range k.Pending() {
		fmt.Fprintln(&b, "pending", p.Entry.Name, p.Leaf, p.Digest)
	}
	for _, r := range k.Rejected() {
		fmt.Fprintln(&b, r.Leaf, r.Reason)
	}
	return b.String()
}

func (h *house) rejected(k *keyring.Keyring, s *sign.Signed, want error) {
	h.t.Helper()
	for _, r := range k.Rejected() {
		if r.Leaf == s.LeafHash() {
			if !errors.Is(r.Reason, want) {
				h.t.Fatalf("rejected for %v, want %v", r.Reason, want)
			}
			return
		}
	}
	h.t.Fatalf("not rejected, want %v", want)
}

func TestValid(t *testing.T) {
	h := newHouse(t)
	approver, gone := newKey(t), newKey(t)
	e := enrollment(approver, "bob", "Bob", start, h.root, sign.Reviewer, sign.Approver)
	e.ValidFrom, e.ValidUntil = start.Add(10*day), start.Add(20*day)
	h.enrollEntry(e, h.root)
	h.enroll(gone, "eve", "Eve", start, h.root, sign.Approver)
	h.revoke(gone, "eve", "Eve", start.Add(5*day), h.root)
	k := h.load()
	for _, c := range []struct {
		key  *detached.Signer
		role sign.Role
		at   time.Time
		want error
	}{
		{approver, sign.Approver, start.Add(10 * day), nil},
		{approver, sign.Reviewer, start.Add(20*day - time.Second), nil},
		{approver, sign.Approver, start.Add(10*day - time.Second), keyring.ErrNotYetValid},
		{approver, sign.Approver, start.Add(20 * day), keyring.ErrExpired},
		{approver, sign.Admin, start.Add(10 * day), keyring.ErrRole},
		{gone, sign.Approver, start.Add(5*day - time.Second), nil},
		{gone, sign.Approver, start.Add(5 * day), keyring.ErrRevoked},
		{gone, sign.Approver, start.Add(6 * day), keyring.ErrRevoked},
		{newKey(t), sign.Approver, start, keyring.ErrUnknownKey},
		{h.root, sign.Admin, start, nil},
		{h.root, sign.Admin, start.Add(-time.Second), keyring.ErrNotYetValid},
	} {
		if err := k.Valid(c.key.Fingerprint(), c.role, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s at %s: %v, want %v", c.role, c.at, err, c.want)
		}
	}
	if len(k.Rejected()) != 0 {
		t.Errorf("rejected: %v", k.Rejected())
	}
	key, err := k.Key("bob")
	if err != nil || key.Entry.Fingerprint != approver.Fingerprint() || key.Root || key.Revoked != nil {
		t.Errorf("bob is %+v, %v", key, err)
	}
	if p := key.Person(sign.Approver); p.Holder != "Bob" || p.Role != sign.Approver || p.Check("person") != nil {
		t.Errorf("person %+v", p)
	}
	if key, err = k.ByFingerprint(gone.Fingerprint()); err != nil || key.Revoked == nil || *key.Revoked.Reason != "lost" {
		t.Errorf("eve is %+v, %v", key, err)
	}
	if _, err := k.Key("nobody"); !errors.Is(err, keyring.ErrUnknownKey) {
		t.Errorf("nobody: %v", err)
	}
	names := []string{}
	for _, key := range k.All() {
		names = append(names, key.Entry.Name)
	}
	if !slices.Equal(names, []string{"bob", "eve", "root", "second"}) {
		t.Errorf("all keys: %v", names)
	}
	admins, err := k.PublicKeys(sign.Admin)
	if err != nil || !sameSet(admins.Fingerprints(), h.roots()) {
		t.Errorf("admins: %v, %v", admins.Fingerprints(), err)
	}
	if all, err := k.PublicKeys(); err != nil || len(all.Fingerprints()) != 4 {
		t.Errorf("all: %v, %v", all.Fingerprints(), err)
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestVerify(t *testing.T) {
	h := newHouse(t)
	bob := newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Approver)
	h.revoke(bob, "bob", "Bob", start.Add(5*day), h.root)
	k := h.load()
	check := func(by *detached.Signer, role sign.Role, at time.Time) error {
		t.Helper()
		sig, err := by.Sign([]byte("text"), at)
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.Verify([]byte("text"), sig, role, sign.At(at), now)
		return err
	}
	for _, c := range []struct {
		by   *detached.Signer
		role sign.Role
		at   time.Time
		want error
	}{
		{bob, sign.Approver, start.Add(day), nil},
		{bob, sign.Approver, start.Add(5 * day), keyring.ErrRevoked},
		{bob, sign.Admin, start.Add(day), detached.ErrUntrusted},
		{newKey(t), sign.Approver, start.Add(day), detached.ErrUntrusted},
		{bob, sign.Approver, now.Add(day), detached.ErrFuture},
	} {
		if err := check(c.by, c.role, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s at %s: %v, want %v", c.role, c.at, err, c.want)
		}
	}
}

func TestOnlyAdminsEnroll(t *testing.T) {
	h := newHouse(t)
	bob, carol, dave, mallory := newKey(t), newKey(t), newKey(t), newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Admin) // in the same second as the root
	h.enroll(carol, "carol", "Carol", start, bob, sign.Approver)
	byApprover := h.enroll(dave, "dave", "Dave", start.Add(day), carol, sign.Approver)
	bySelf := h.enroll(mallory, "mallory", "Mallory", start, mallory, sign.Admin)
	tooEarly := h.enroll(dave, "dave", "Dave", start.Add(-time.Second), bob, sign.Approver)
	h.revoke(bob, "bob", "Bob", start.Add(5*day), h.root)
	afterRevoked := h.enroll(dave, "dave", "Dave", start.Add(5*day), bob, sign.Approver)
	k := h.load()
	for _, s := range []*sign.Signed{byApprover, bySelf, tooEarly, afterRevoked} {
		h.rejected(k, s, keyring.ErrSigner)
	}
	if len(k.Rejected()) != 8 || len(k.All()) != 4 { // the four confirmations are for nothing, too
		t.Errorf("keyring:\n%s", describe(k))
	}
	// What bob enrolled before he was revoked stays.
	if err := k.Valid(carol.Fingerprint(), sign.Approver, now); err != nil {
		t.Error(err)
	}
	for _, r := range k.Rejected() {
		if (r.Entry == nil) == (r.Confirmation == nil) {
			t.Error("what a rejected entry says is lost")
		}
	}
}

func TestSignedByAnotherThanItSays(t *testing.T) {
	h := newHouse(t)
	bob, carol := newKey(t), newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Admin)
	text, err := keyring.NewEnrollment(enrollment(carol, "carol", "Carol", start, h.root, sign.Approver))
	if err != nil {
		t.Fatal(err)
	}
	s := h.sign(text, bob, start)
	confirmed := h.confirm(s, start, h.second)
	forged := *s
	forged.Text = bytes.Replace(s.Text, []byte("Carol"), []byte("Caren"), 1)
	h.entries = append(h.entries, &forged)
	k := h.load()
	h.rejected(k, s, keyring.ErrSigner)
	h.rejected(k, &forged, keyring.ErrSigner)
	h.rejected(k, confirmed, keyring.ErrNothingConfirmed)
	if len(k.Pending()) != 0 {
		t.Errorf("pending:\n%s", describe(k))
	}
}

func TestRevokedInTheSameSecond(t *testing.T) {
	h := newHouse(t)
	bob, carol, dave := newKey(t), newKey(t), newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Admin)
	h.enroll(carol, "carol", "Carol", start, h.root, sign.Admin)
	at := start.Add(day)
	h.revoke(bob, "bob", "Bob", at, carol)
	h.revoke(carol, "carol", "Carol", at, bob)
	late := h.enroll(dave, "dave", "Dave", at, bob, sign.Approver)
	k := h.load()
	h.rejected(k, late, keyring.ErrSigner)
	for _, key := range []*detached.Signer{bob, carol} {
		if err := k.Valid(key.Fingerprint(), sign.Admin, at); !errors.Is(err, keyring.ErrRevoked) {
			t.Errorf("admins who revoke each other: %v", err)
		}
	}
}

func TestRevocations(t *testing.T) {
	h := newHouse(t)
	bob, carol, agency := newKey(t), newKey(t), newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Approver)
	h.enroll(agency, "police", "Police", start, h.root, sign.Agency)
	h.revoke(bob, "bob", "Bob", start.Add(3*day), h.root)
	h.revoke(bob, "bob", "Bob", start.Add(2*day), h.root)
	again := h.enroll(bob, "bob", "Bob", start.Add(4*day), h.root, sign.Approver)
	unknown := h.revoke(carol, "carol", "Carol", start.Add(day), h.root)
	wrongName := h.revoke(agency, "polite", "Police", start.Add(day), h.root)
	byApprover := h.revoke(agency, "police", "Police", start.Add(day), bob)
	k := h.load()
	h.rejected(k, again, keyring.ErrReenrolled)
	h.rejected(k, unknown, keyring.ErrUnknownKey)
	h.rejected(k, wrongName, keyring.ErrUnknownKey)
	h.rejected(k, byApprover, keyring.ErrSigner)
	if err := k.Valid(bob.Fingerprint(), sign.Approver, start.Add(2*day)); !errors.Is(err, keyring.ErrRevoked) {
		t.Errorf("the earlier revocation: %v", err)
	}
	if err := k.Valid(agency.Fingerprint(), sign.Agency, now); err != nil {
		t.Error(err)
	}
}

// An entry that says it is of the future, though it was signed before, does not
// count: it could be valid at once, and nobody could revoke it until then.
func TestFutureEntries(t *testing.T) {
	h := newHouse(t)
	late, soon := newKey(t), newKey(t)
	for key, at := range map[*detached.Signer]time.Time{late: now.Add(detached.MaxSkew + time.Second), soon: now.Add(detached.MaxSkew)} {
		name := "late"
		if key == soon {
			name = "soon"
		}
		e := enrollment(key, name, name, at, h.root, sign.Approver)
		e.ValidFrom = start
		text, err := keyring.NewEnrollment(e)
		if err != nil {
			t.Fatal(err)
		}
		s := h.sign(text, h.root, now)
		if text, err = confirmation.New(provider, s.Digest(), at, h.second.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		h.sign(text, h.second, now)
	}
	k := h.load()
	if err := k.Valid(late.Fingerprint(), sign.Approver, now); !errors.Is(err, keyring.ErrUnknownKey) {
		t.Errorf("enrolled in the future: %v", err)
	}
	if r := k.Rejected(); len(r) != 2 || !errors.Is(r[0].Reason, detached.ErrFuture) || !errors.Is(r[1].Reason, detached.ErrFuture) {
		t.Errorf("rejected: %+v", r)
	}
	if err := k.Valid(soon.Fingerprint(), sign.Approver, now.Add(detached.MaxSkew)); err != nil {
		t.Errorf("enrolled by a clock that is a little ahead: %v", err)
	}
	if err := k.Valid(soon.Fingerprint(), sign.Approver, now); !errors.Is(err, keyring.ErrNotYetValid) {
		t.Errorf("valid before it was enrolled: %v", err)
	}
}

func TestNames(t *testing.T) {
	h := newHouse(t)
	old, next, third, other := newKey(t), newKey(t), newKey(t), newKey(t)
	h.enroll(old, "bob", "Bob", start, h.root, sign.Approver)
	inUse := h.enroll(next, "bob", "Bob", start.Add(day), h.root, sign.Approver)
	h.revoke(old, "bob", "Bob", start.Add(2*day), h.root)
	h.enroll(next, "bob", "Bob", start.Add(3*day), h.root, sign.Approver)
	stolen := h.enroll(third, "bob", "Mallory", start.Add(4*day), h.root, sign.Approver)
	renamed := h.enroll(next, "bobby", "Bob", start.Add(5*day), h.root, sign.Approver)
	twoHolders := h.enroll(next, "mallory", "Mallory", start.Add(5*day), h.root, sign.Approver)
	more := h.enroll(next, "bob", "Bob", start.Add(6*day), h.root, sign.Approver, sign.Reviewer)
	e := enrollment(other, "carol", "Carol", start, h.root, sign.Approver)
	e.ValidUntil = start.Add(10 * day)
	h.enrollEntry(e, h.root)
	h.enroll(third, "carol", "Carol", start.Add(10*day), h.root, sign.Approver)
	k := h.load()
	for _, s := range []*sign.Signed{inUse, stolen, renamed, twoHolders} {
		h.rejected(k, s, keyring.ErrName)
	}
	if len(k.Rejected()) != 8 { // each with its confirmation
		t.Errorf("keyring:\n%s", describe(k))
	}
	if key, err := k.Key("bob"); err != nil || key.Leaf != more.LeafHash() {
		t.Errorf("bob is %+v, %v", key, err)
	}
	if err := k.Valid(next.Fingerprint(), sign.Reviewer, start.Add(6*day)); err != nil {
		t.Errorf("a second role: %v", err)
	}
	if key, err := k.Key("carol"); err != nil || key.Entry.Fingerprint != third.Fingerprint() {
		t.Errorf("carol's next key: %+v, %v", key, err)
	}
}

func TestNoRoot(t *testing.T) {
	h := newHouse(t)
	for name, roots := range map[string][]string{"none": nil, "another": {newKey(t).Fingerprint()}} {
		k, err := keyring.Load(roots, provider, h.entries, now)
		if !errors.Is(err, keyring.ErrNoRoot) || len(k.All()) != 0 || len(k.Rejected()) != 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keyring.Load(h.roots(), "Other Mail", h.entries, now); !errors.Is(err, keyring.ErrNoRoot) {
		t.Errorf("another provider's: %v", err)
	}
	// A pinned key is no admin by being pinned.
	approver := newKey(t)
	self := h.enroll(approver, "self", "Self", start, approver, sign.Approver)
	k, err := keyring.Load(append(h.roots(), approver.Fingerprint()), provider, h.entries, now)
	if err != nil {
		t.Fatal(err)
	}
	h.rejected(k, self, keyring.ErrSigner)
}

func TestAgeKeys(t *testing.T) {
	h := newHouse(t)
	recipient := "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	e := keyring.Enrollment{
		Provider: provider, Name: "police", Kind: sign.AgeX25519, Fingerprint: sign.Sum([]byte(recipient)).String(), PublicKey: recipient,
		Holder: "Police", Roles: []sign.Role{sign.Agency}, ValidFrom: start, Time: start, Signer: h.root.Fingerprint(),
		Verified: keyring.Verified{By: "Ada", How: "by telephone", At: sign.At(start)},
	}
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		t.Fatal(err)
	}
	h.confirm(h.sign(text, h.root, start), start, h.second)
	if err := h.load().Valid(e.Fingerprint, sign.Agency, now); err != nil {
		t.Error(err)
	}
	var bad *sign.MemberError
	e.Roles = []sign.Role{sign.Agency, sign.Approver}
	if _, err := keyring.NewEnrollment(e); !errors.As(err, &bad) || bad.Member != "roles" {
		t.Errorf("an age key that approves: %v", err)
	}
	e.Roles, e.PublicKey = e.Roles[:1], recipient+"x"
	if _, err := keyring.NewEnrollment(e); !errors.As(err, &bad) || bad.Member != "fingerprint" {
		t.Errorf("another fingerprint: %v", err)
	}
}

func TestFormatFingerprint(t *testing.T) {
	if got := keyring.FormatFingerprint("0123456789ABCDEF0123456789ABCDEF01234567"); got != "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567" {
		t.Errorf("%q", got)
	}
}

func TestMaxEntries(t *testing.T) {
	entries := make([]*sign.Signed, keyring.MaxEntries+1)
	for i := range entries {
		entries[i] = new(sign.Signed)
	}
	var limit *sign.LimitError
	if _, err := keyring.Load(nil, provider, entries, now); !errors.As(err, &limit) {
		t.Errorf("one past the limit: %v", err)
	}
	if _, err := keyring.Load(nil, provider, entries[1:], now); !errors.Is(err, keyring.ErrNoRoot) {
		t.Errorf("at the limit: %v", err)
	}
}
