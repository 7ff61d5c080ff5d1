package statement_test

import (
	"crypto/rand"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/statement"
)

const (
	provider = "Example Mail"
	hour     = time.Hour
)

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now   = start.Add(48 * hour)
	order = statement.Order{Reference: "REF-1", SHA256: sign.Sum([]byte("order"))}
	rules = sign.Sum([]byte("policy"))
)

func ref[T any](v T) *T { return &v }

// house is a provider. Bob has two keys that approve; Dave reviews with one and
// approves with another, Gina does both with one; Eve and Faye have left.
type house struct {
	t       testing.TB
	signers map[string]*detached.Signer
	holders map[string]string
	entries []*sign.Signed
	keys    *keyring.Keyring
	review  *sign.Signed // Dave's, at the start
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, signers: make(map[string]*detached.Signer), holders: make(map[string]string)}
	h.enroll("ada", "Ada", sign.Admin)
	h.enroll("ben", "Ben", sign.Admin)
	h.enroll("bob", "Bob", sign.Approver)
	h.enroll("bob-2", "Bob", sign.Approver)
	h.enroll("carol", "Carol", sign.Approver, sign.Fulfilment)
	h.enroll("dave", "Dave", sign.Reviewer)
	h.enroll("dave-2", "Dave", sign.Approver)
	h.enroll("gina", "Gina", sign.Approver, sign.Reviewer)
	h.enroll("eve", "Eve", sign.Approver)
	h.enroll("faye", "Faye", sign.Reviewer)
	keys := h.load()
	for _, name := range []string{"eve", "faye"} {
		key, err := keys.Key(name)
		if err != nil {
			t.Fatal(err)
		}
		at := start.Add(10 * hour)
		text, err := keyring.NewRevocation(key, "left", at, h.signers["ada"].Fingerprint())
		if err != nil {
			t.Fatal(err)
		}
		h.entries = append(h.entries, h.sign("ada", text, at))
	}
	h.keys = h.load()
	h.review = h.decide(statement.Accept, "dave", func(s *statement.Statement) { s.Time = sign.At(start) })
	return h
}

func (h *house) load() *keyring.Keyring {
	h.t.Helper()
	roots := []string{h.signers["ada"].Fingerprint(), h.signers["ben"].Fingerprint()}
	k, err := keyring.Load(roots, provider, h.entries, now)
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

// enroll enrolls a key on Ada's word, and on Ben's; each of them pins itself.
func (h *house) enroll(name, holder string, roles ...sign.Role) {
	h.t.Helper()
	key, err := detached.Generate("K <k@provider.example>", start.Add(-hour), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.signers[name], h.holders[name] = key, holder
	by := "ada"
	if name == "ben" {
		by = "ben"
	}
	text, err := keyring.NewEnrollment(keyring.Enrollment{
		Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()),
		Holder: holder, Roles: roles, ValidFrom: start, Time: start, Signer: h.signers[by].Fingerprint(),
		Verified: keyring.Verified{By: "Ada", How: "in person", At: sign.At(start)},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign(by, text, start))
	if name == "ada" || name == "ben" {
		return
	}
	if text, err = confirmation.New(provider, sign.Sum(text), start, h.signers["ben"].Fingerprint()); err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign("ben", text, start))
}

func (h *house) sign(name string, text []byte, at time.Time) *sign.Signed {
	h.t.Helper()
	s, err := sign.NewSigned(text, h.signers[name], at, rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// decide signs a decision, which change may alter, as the named key. An
// approval is of the house's review.
func (h *house) decide(d statement.Decision, name string, change func(*statement.Statement)) *sign.Signed {
	h.t.Helper()
	s := decided(d, h.signers[name].Fingerprint())
	s.Person.Name, s.Person.Holder = name, h.holders[name]
	if d == statement.Approve {
		s.Review = ref(h.review.Digest())
	}
	if change != nil {
		change(&s)
	}
	text, err := s.Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	return h.sign(name, text, s.Time.Time())
}

func (h *house) context() statement.Context {
	return statement.Context{Provider: provider, Order: order, Policy: rules, Sequence: 1, Keyring: h.keys, Now: now}
}

// count counts statements together with the house's review.
func (h *house) count(signed ...*sign.Signed) *statement.Tally {
	return statement.Count(append(signed, h.review), h.context())
}
