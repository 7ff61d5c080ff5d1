package policy_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
)

// house is a provider with two roots, Ada's and Ben's; Ada has another admin's
// key, Cora is an admin who has left after five hours, Bob approves.
type house struct {
	t       *testing.T
	signers map[string]*detached.Signer
	entries []*sign.Signed
	keys    *keyring.Keyring
	files   []*sign.Signed // policies and confirmations
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, signers: make(map[string]*detached.Signer)}
	h.enroll("ada", "Ada", sign.Admin)
	h.enroll("ben", "Ben", sign.Admin)
	h.enroll("ada-2", "Ada", sign.Admin)
	h.enroll("cora", "Cora", sign.Admin)
	h.enroll("bob", "Bob", sign.Approver)
	roots := []string{h.fingerprint("ada"), h.fingerprint("ben")}
	keys, err := keyring.Load(roots, provider, h.entries, now)
	if err != nil {
		t.Fatal(err)
	}
	cora, err := keys.Key("cora")
	if err != nil {
		t.Fatal(err)
	}
	at := start.Add(5 * time.Hour)
	text, err := keyring.NewRevocation(cora, "left", at, h.fingerprint("ada"))
	if err != nil {
		t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign("ada", text, at))
	if h.keys, err = keyring.Load(roots, provider, h.entries, now); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) fingerprint(name string) string { return h.signers[name].Fingerprint() }

// enroll enrolls a key on Ada's word, and on Ben's; each of them pins itself.
func (h *house) enroll(name, holder string, role sign.Role) {
	h.t.Helper()
	key, err := detached.Generate("K <k@provider.example>", start.Add(-time.Hour), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.signers[name] = key
	by := "ada"
	if name == "ben" {
		by = "ben"
	}
	text, err := keyring.NewEnrollment(keyring.Enrollment{
		Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()),
		Holder: holder, Roles: []sign.Role{role}, ValidFrom: start, Time: start, Signer: h.fingerprint(by),
		Verified: keyring.Verified{By: "Ada", How: "in person", At: sign.At(start)},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign(by, text, start))
	if name != "ada" && name != "ben" {
		h.entries = append(h.entries, h.confirmation("ben", sign.Sum(text), start))
	}
}

func (h *house) sign(by string, text []byte, at time.Time) *sign.Signed {
	h.t.Helper()
	s, err := sign.NewSigned(text, h.signers[by], at, rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) confirmation(by string, text sign.Digest, at time.Time) *sign.Signed {
	h.t.Helper()
	c, err := confirmation.New(provider, text, at, h.fingerprint(by))
	if err != nil {
		h.t.Fatal(err)
	}
	return h.sign(by, c, at)
}

// propose signs a policy that nobody confirms.
func (h *house) propose(by string, change func(*P)) *sign.Signed {
	h.t.Helper()
	p := sample(h.fingerprint(by))
	change(&p)
	text, err := p.Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	s := h.sign(by, text, p.Time.Time())
	h.files = append(h.files, s)
	return s
}

func (h *house) confirm(by string, s *sign.Signed, at time.Time) *sign.Signed {
	h.t.Helper()
	c := h.confirmation(by, s.Digest(), at)
	h.files = append(h.files, c)
	return c
}

// add signs a policy as Ada, which Ben confirms an hour later.
func (h *house) add(change func(*P)) *sign.Signed {
	h.t.Helper()
	s := h.propose("ada", change)
	h.confirm("ben", s, start.Add(time.Hour))
	return s
}

func serial(n int64) func(*P) { return func(p *P) { p.Serial = n } }

// inForce asks in two orders of the files and wants one answer.
func (h *house) inForce() (*policy.Current, error) {
	h.t.Helper()
	c, err := policy.InForce(h.files, h.keys, now)
	slices.Reverse(h.files)
	again, err2 := policy.InForce(h.files, h.keys, now)
	same := func(a, b policy.Rejected) bool { return a.Leaf == b.Leaf && a.Reason.Error() == b.Reason.Error() }
	if c.Serial != again.Serial || c.Since != again.Since || (err == nil) != (err2 == nil) || len(c.Pending) != len(again.Pending) ||
		c.Digest != again.Digest || !slices.EqualFunc(c.Rejected, again.Rejected, same) {
		h.t.Fatalf("the order of the files matters: serial %d, %v; serial %d, %v", c.Serial, err, again.Serial, err2)
	}
	return c, err
}

func (h *house) rejected(c *policy.Current, s *sign.Signed, want error) {
	h.t.Helper()
	for _, r := range c.Rejected {
		if r.Leaf == s.LeafHash() {
			if !errors.Is(r.Reason, want) {
				h.t.Errorf("rejected for %v, want %v", r.Reason, want)
			}
			return
		}
	}
	h.t.Errorf("not rejected, want %v", want)
}

func TestInForce(t *testing.T) {
	h := newHouse(t)
	if _, err := policy.InForce(nil, h.keys, now); !errors.Is(err, policy.ErrNone) {
		t.Errorf("no policy: %v", err)
	}
	h.add(serial(1))
	second := h.add(serial(2))
	h.confirm("ben", second, start.Add(2*time.Hour)) // superfluous
	noAdmin := h.propose("bob", serial(3))
	h.confirm("ben", noAdmin, start)
	elsewhere := h.add(func(p *P) { p.Serial, p.Provider = 4, "Other Mail" })
	another := h.add(func(p *P) { p.Serial, p.Signer = 5, h.fingerprint("ada-2") })
	early := h.add(func(p *P) { p.Serial, p.Time = 6, sign.At(start.Add(-time.Minute)) })
	late := h.add(func(p *P) { p.Serial, p.Time = 7, sign.At(now.Add(time.Hour)) })
	h.add(serial(1)) // the same text again is one
	forged := *h.propose("ada", serial(1))
	forged.Text = bytes.Replace(forged.Text, []byte(`"serial": 1`), []byte(`"serial": 9`), 1)
	other := &sign.Signed{Text: []byte("{\n  \"type\": \"exhibit/other/v1\"\n}\n")}
	h.files = append(h.files, &forged, other)

	c, err := h.inForce()
	if err != nil {
		t.Fatal(err)
	}
	if c.Serial != 2 || c.Digest != second.Digest() || c.Since != sign.At(start.Add(time.Hour)) || c.ConfirmedBy != h.fingerprint("ben") || len(c.Pending) != 0 {
		t.Errorf("in force: %+v", c)
	}
	h.rejected(c, noAdmin, detached.ErrUntrusted)
	h.rejected(c, elsewhere, policy.ErrProvider)
	h.rejected(c, another, keyring.ErrSigner)
	h.rejected(c, early, keyring.ErrNotYetValid)
	h.rejected(c, late, detached.ErrFuture)
	h.rejected(c, &forged, detached.ErrBad)
	if len(c.Rejected) != 12 { // seven texts, and five confirmations of such
		t.Errorf("rejected: %+v", c.Rejected)
	}
}

func TestAmbiguous(t *testing.T) {
	h := newHouse(t)
	h.add(serial(2))
	rival := h.propose("ada", func(p *P) { p.Serial, p.HouseMinutes = 2, 60 })
	if c, err := h.inForce(); err != nil || c.HouseMinutes != 30 || len(c.Pending) != 0 {
		t.Errorf("a rival that is not confirmed: %+v, %v", c, err)
	} else {
		h.rejected(c, rival, keyring.ErrUnconfirmed)
	}
	h.confirm("ben", rival, start)
	next := h.propose("ben", serial(3))
	c, err := h.inForce()
	if !errors.Is(err, policy.ErrAmbiguous) || c.Serial != 2 || len(c.Pending) != 1 || c.Pending[0].Digest != next.Digest() {
		t.Errorf("two of one serial: %+v, %v", c, err)
	}
	h.confirm("ada", next, start)
	if c, err := h.inForce(); err != nil || c.Serial != 3 || c.ConfirmedBy != h.fingerprint("ada") {
		t.Errorf("after a dispute is settled: %v", err)
	}
}

// No admin alone changes what two have laid down.
func TestPending(t *testing.T) {
	h := newHouse(t)
	first := h.propose("ada", serial(1))
	again := *first
	again.Salt[0]++
	h.files = append(h.files, &again) // the same text in another file
	c, err := h.inForce()
	if !errors.Is(err, policy.ErrNone) || errors.Is(err, policy.ErrOldVersion) || len(c.Pending) != 1 || len(c.Rejected) != 0 {
		t.Fatalf("the first, unconfirmed: %+v, %v", c, err)
	}
	if p := c.Pending[0]; p.Serial != 1 || p.Digest != first.Digest() || p.Leaf != first.LeafHash() && p.Leaf != again.LeafHash() {
		t.Errorf("pending: %+v", p)
	}
	h.confirm("ben", first, start)
	fourth, third := h.propose("ada", serial(4)), h.propose("ben", serial(3))
	c, err = h.inForce()
	if err != nil || c.Serial != 1 || len(c.Pending) != 2 || c.Pending[0].Digest != third.Digest() || c.Pending[1].Leaf != fourth.LeafHash() {
		t.Errorf("pending: %+v, %v", c, err)
	}
}

// What is no second admin's word leaves a policy pending, and is reported.
func TestConfirmations(t *testing.T) {
	h := newHouse(t)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	later := func(p *P) { p.Time = sign.At(at(2)) }
	for name, c := range map[string]struct {
		by, confirmedBy string
		change          func(*P)
		at              time.Time
		want            error
	}{
		"good":                      {"ada", "ben", later, at(2), nil},
		"by the same key":           {"ada", "ada", later, at(3), keyring.ErrSameHolder},
		"by another key of hers":    {"ada", "ada-2", later, at(3), keyring.ErrSameHolder},
		"by no admin":               {"ada", "bob", later, at(3), keyring.ErrSigner},
		"by one who has left":       {"ada", "cora", later, at(5), keyring.ErrSigner},
		"by one who was there":      {"ada", "cora", later, at(4), nil},
		"of one who was there":      {"cora", "ada", later, at(4), nil},
		"of one who has left since": {"cora", "ada", later, at(5), keyring.ErrSigner},
		"before the policy":         {"ada", "ben", later, at(1), keyring.ErrNothingConfirmed},
		"of the future":             {"ada", "ben", later, now.Add(time.Hour), detached.ErrFuture},
	} {
		h.files = nil
		p := h.propose(c.by, c.change)
		s := h.confirm(c.confirmedBy, p, c.at)
		got, err := h.inForce()
		if c.want == nil {
			if err != nil || got.Since != sign.At(c.at) || got.ConfirmedBy != h.fingerprint(c.confirmedBy) || len(got.Rejected) != 0 {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
			continue
		}
		if !errors.Is(err, policy.ErrNone) || len(got.Pending) != 1 || len(got.Rejected) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		h.rejected(got, s, c.want)
	}
}

func TestStrayConfirmations(t *testing.T) {
	h := newHouse(t)
	p := h.propose("ada", serial(1))
	nothing := h.confirmation("ben", sign.Sum([]byte("a text that is not here")), start)
	text, err := confirmation.New("Other Mail", p.Digest(), start, h.fingerprint("ben"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := h.sign("ben", text, start)
	forged := *h.confirmation("ben", sign.Digest{1}, start)
	forged.Text = bytes.Replace(forged.Text, []byte(sign.Digest{1}.String()), []byte(p.Digest().String()), 1)
	malformed := &sign.Signed{Text: []byte("{\n  \"type\": \"exhibit/confirmation/v1\"\n}\n")}
	h.files = append(h.files, nothing, elsewhere, &forged, malformed)
	c, err := h.inForce()
	if !errors.Is(err, policy.ErrNone) || len(c.Pending) != 1 || len(c.Rejected) != 4 {
		t.Errorf("%+v, %v", c, err)
	}
	h.rejected(c, nothing, keyring.ErrNothingConfirmed)
	h.rejected(c, elsewhere, policy.ErrProvider)
	h.rejected(c, &forged, detached.ErrBad)
	h.rejected(c, malformed, sign.ErrNotCanonical)

	// A genuine one beside them is found, the earliest of all.
	h.confirm("ben", p, start.Add(2*time.Hour))
	h.confirm("cora", p, start.Add(time.Hour))
	if c, err = h.inForce(); err != nil || c.ConfirmedBy != h.fingerprint("cora") || c.Since != sign.At(start.Add(time.Hour)) || len(c.Rejected) != 4 {
		t.Errorf("%+v, %v", c, err)
	}
}

// A policy of the format before is said to be one, so that a new one is signed.
func TestOldPolicyInForce(t *testing.T) {
	h := newHouse(t)
	old := *h.propose("ada", serial(1))
	old.Text = bytes.Replace(old.Text, []byte("/v2"), []byte("/v1"), 1)
	h.files = []*sign.Signed{&old}
	c, err := h.inForce()
	if !errors.Is(err, policy.ErrNone) || !errors.Is(err, policy.ErrOldVersion) {
		t.Errorf("only an old one: %v", err)
	}
	h.rejected(c, &old, policy.ErrOldVersion)
	h.add(serial(2))
	if c, err = h.inForce(); err != nil || c.Serial != 2 {
		t.Errorf("a new one beside it: %v", err)
	}
	h.rejected(c, &old, policy.ErrOldVersion)
}
