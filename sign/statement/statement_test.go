package statement_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
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

// house is a provider with two approvers, Bob having two keys.
type house struct {
	t       *testing.T
	signers map[string]*detached.Signer
	entries []*sign.Signed
	keys    *keyring.Keyring
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, signers: make(map[string]*detached.Signer)}
	h.enroll("root", "Ada", sign.Admin)
	h.enroll("bob", "Bob", sign.Approver)
	h.enroll("bob-2", "Bob", sign.Approver)
	h.enroll("carol", "Carol", sign.Approver, sign.Fulfilment)
	h.enroll("dave", "Dave", sign.Reviewer)
	h.enroll("eve", "Eve", sign.Approver)
	key, err := h.load().Key("eve")
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyring.NewRevocation(key, "left", start.Add(10*hour), h.signers["root"].Fingerprint())
	if err != nil {
		t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign("root", text, start.Add(10*hour)))
	h.keys = h.load()
	return h
}

func (h *house) load() *keyring.Keyring {
	h.t.Helper()
	k, err := keyring.Load([]string{h.signers["root"].Fingerprint()}, provider, h.entries, now)
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

func (h *house) enroll(name, holder string, roles ...sign.Role) {
	h.t.Helper()
	key, err := detached.Generate("K <k@provider.example>", start.Add(-hour), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.signers[name] = key
	text, err := keyring.NewEnrollment(keyring.Enrollment{
		Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()),
		Holder: holder, Roles: roles, ValidFrom: start, Time: start, Signer: h.signers["root"].Fingerprint(),
		Verified: keyring.Verified{By: "Ada", How: "in person", At: sign.At(start)},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign("root", text, start))
}

func (h *house) sign(name string, text []byte, at time.Time) *sign.Signed {
	h.t.Helper()
	s, err := sign.NewSigned(text, h.signers[name], at, rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) approve(name, holder string, change func(*statement.Statement)) *sign.Signed {
	h.t.Helper()
	s := sample(h.signers[name].Fingerprint())
	s.Person.Name, s.Person.Holder = name, holder
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

func sample(fingerprint string) statement.Statement {
	return statement.Statement{
		Decision: statement.Approve, Provider: provider, Order: order, Policy: rules, Sequence: 1,
		Person: sign.Person{Name: "bob", Holder: "Bob", Role: sign.Approver, Fingerprint: fingerprint},
		Time:   sign.At(start.Add(hour)),
	}
}

func TestMembers(t *testing.T) {
	type S = statement.Statement
	other := sign.ID{1}
	for name, c := range map[string]struct {
		change func(*S)
		member string
	}{
		"as it is":         {func(*S) {}, ""},
		"all members":      {func(s *S) { s.Sequence, s.Supersedes, s.Expires, s.Ground = 2, &other, ref(sign.At(now)), ref("valid") }, ""},
		"reserved":         {func(s *S) { s.Decision = "refuse" }, "decision"},
		"provider":         {func(s *S) { s.Provider = "" }, "provider"},
		"reference":        {func(s *S) { s.Order.Reference = "" }, "order.reference"},
		"sequence":         {func(s *S) { s.Sequence = 0 }, "sequence"},
		"second of none":   {func(s *S) { s.Sequence = 2 }, "supersedes"},
		"first of another": {func(s *S) { s.Supersedes = &other }, "supersedes"},
		"expires at once":  {func(s *S) { s.Expires = &s.Time }, "expires"},
		"empty ground":     {func(s *S) { s.Ground = ref("") }, "ground"},
		"ground":           {func(s *S) { s.Ground = ref(strings.Repeat("x", statement.MaxGround)) }, ""},
		"long ground":      {func(s *S) { s.Ground = ref(strings.Repeat("x", statement.MaxGround+1)) }, "ground"},
		"person's name":    {func(s *S) { s.Person.Name = "" }, "person.name"},
		"holder":           {func(s *S) { s.Person.Holder = "" }, "person.holder"},
		"role":             {func(s *S) { s.Person.Role = "king" }, "person.role"},
		"fingerprint":      {func(s *S) { s.Person.Fingerprint = "00" }, "person.fingerprint"},
	} {
		s := sample(strings.Repeat("0A", 20))
		c.change(&s)
		text, err := s.Marshal()
		var bad *sign.MemberError
		if c.member != "" {
			if !errors.As(err, &bad) || bad.Member != c.member {
				t.Errorf("%s: %v", name, err)
			}
			s.Type = statement.Type
			if text, err = sign.MarshalDocument(&s); err != nil {
				t.Fatal(err)
			}
			if _, err = statement.Parse(text); !errors.As(err, &bad) || bad.Member != c.member {
				t.Errorf("%s, read: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := statement.Parse(text)
		s.Type = statement.Type
		if err != nil || !reflect.DeepEqual(*got, s) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
}

// Invariant 1: an approval counts for the export that it names, or not at all.
func TestWhatCounts(t *testing.T) {
	h := newHouse(t)
	type S = statement.Statement
	for name, c := range map[string]struct {
		signed *sign.Signed
		want   error
	}{
		"approval":         {h.approve("bob", "Bob", nil), nil},
		"two roles":        {h.approve("carol", "Carol", nil), nil},
		"not expired":      {h.approve("bob", "Bob", func(s *S) { s.Expires = ref(sign.At(now.Add(time.Second))) }), nil},
		"expired":          {h.approve("bob", "Bob", func(s *S) { s.Expires = ref(sign.At(now)) }), statement.ErrExpired},
		"provider":         {h.approve("bob", "Bob", func(s *S) { s.Provider = "Other Mail" }), statement.ErrOther},
		"order":            {h.approve("bob", "Bob", func(s *S) { s.Order.SHA256[0]++ }), statement.ErrOther},
		"reference":        {h.approve("bob", "Bob", func(s *S) { s.Order.Reference = "REF-2" }), statement.ErrOther},
		"policy":           {h.approve("bob", "Bob", func(s *S) { s.Policy[0]++ }), statement.ErrOther},
		"sequence":         {h.approve("bob", "Bob", func(s *S) { s.Sequence, s.Supersedes = 2, &sign.ID{1} }), statement.ErrOther},
		"reviewer":         {h.approve("dave", "Dave", nil), detached.ErrUntrusted},
		"revoked since":    {h.approve("eve", "Eve", nil), keyring.ErrRevoked},
		"before enrolment": {h.approve("bob", "Bob", func(s *S) { s.Time = sign.At(start.Add(-time.Minute)) }), keyring.ErrNotYetValid},
		"other holder":     {h.approve("bob", "Carol", nil), statement.ErrPerson},
		"other name":       {h.approve("bob", "Bob", func(s *S) { s.Person.Name = "bob-2" }), statement.ErrPerson},
		"other role":       {h.approve("carol", "Carol", func(s *S) { s.Person.Role = sign.Fulfilment }), statement.ErrPerson},
		"other key": {h.approve("bob", "Bob", func(s *S) {
			s.Person.Fingerprint = h.signers["carol"].Fingerprint()
		}), statement.ErrPerson},
		"future":  {h.approve("bob", "Bob", func(s *S) { s.Time = sign.At(now.Add(hour)) }), detached.ErrFuture},
		"altered": {altered(h.approve("bob", "Bob", func(s *S) { s.Order.Reference = "REF-3" })), detached.ErrBad},
	} {
		approvals, rejected := statement.Count([]*sign.Signed{c.signed}, h.context())
		switch {
		case c.want == nil:
			if len(approvals) != 1 || len(rejected) != 0 || approvals[0].SHA256 != c.signed.Digest() || approvals[0].Leaf != c.signed.LeafHash() {
				t.Errorf("%s: %+v, %+v", name, approvals, rejected)
			}
		case len(approvals) != 0 || len(rejected) != 1 || !errors.Is(rejected[0].Reason, c.want):
			t.Errorf("%s: %+v, %+v, want %v", name, approvals, rejected, c.want)
		}
	}
}

func altered(s *sign.Signed) *sign.Signed {
	s.Text = bytes.Replace(s.Text, []byte("REF-3"), []byte("REF-1"), 1)
	return s
}

func TestSupersedes(t *testing.T) {
	h := newHouse(t)
	first, other := sign.ID{1}, sign.ID{2}
	s := h.approve("bob", "Bob", func(s *statement.Statement) { s.Sequence, s.Supersedes = 2, &first })
	for _, c := range []struct {
		supersedes *sign.ID
		want       int
	}{{&first, 1}, {&other, 0}, {nil, 0}} {
		ctx := h.context()
		ctx.Sequence, ctx.Supersedes = 2, c.supersedes
		if approvals, _ := statement.Count([]*sign.Signed{s}, ctx); len(approvals) != c.want {
			t.Errorf("in place of %v: %d approvals", c.supersedes, len(approvals))
		}
	}
}

// Persons are counted, not keys.
func TestCountedByHolder(t *testing.T) {
	h := newHouse(t)
	early := h.approve("bob-2", "Bob", nil)
	record := h.sign("root", []byte("{\n  \"type\": \"exhibit/record/v1\"\n}\n"), start)
	signed := []*sign.Signed{
		h.approve("bob", "Bob", func(s *statement.Statement) { s.Time = sign.At(start.Add(3 * hour)) }), early,
		h.approve("carol", "Carol", func(s *statement.Statement) { s.Time = sign.At(start.Add(2 * hour)) }), record,
	}
	for range 2 {
		approvals, rejected := statement.Count(signed, h.context())
		if len(approvals) != 2 || approvals[0].Leaf != early.LeafHash() || approvals[1].Statement.Person.Holder != "Carol" {
			t.Errorf("approvals %+v", approvals)
		}
		if len(rejected) != 1 || !errors.Is(rejected[0].Reason, statement.ErrAgain) || rejected[0].Statement.Person.Name != "bob" {
			t.Errorf("rejected %+v", rejected)
		}
		slices.Reverse(signed)
	}
}

func FuzzStatement(f *testing.F) {
	text, err := sample(strings.Repeat("0A", 20)).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("null"), []byte(`"2026-01-31T09:30:00Z"`), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := statement.Parse(text)
		if err != nil {
			return
		}
		if again, err := s.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
