package policy_test

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
	"exhibit/sign/policy"
)

const provider = "Example Mail"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now   = start.Add(48 * time.Hour)
)

func sample(signer string) policy.Policy {
	return policy.Policy{
		Provider: provider, Serial: 1, Approvals: 2, KeyKinds: []sign.KeyKind{sign.AgeHybrid, sign.OpenPGP},
		VolumeBytes: 1 << 30, Padding: true, Time: sign.At(start), Signer: signer,
	}
}

func TestMembers(t *testing.T) {
	fp := strings.Repeat("0A", 20)
	for name, c := range map[string]struct {
		change func(*policy.Policy)
		member string
	}{
		"as it is":        {func(*policy.Policy) {}, ""},
		"provider":        {func(p *policy.Policy) { p.Provider = "" }, "provider"},
		"serial 0":        {func(p *policy.Policy) { p.Serial = 0 }, "serial"},
		"approvals 0":     {func(p *policy.Policy) { p.Approvals = 0 }, "approvals"},
		"approvals 1":     {func(p *policy.Policy) { p.Approvals = 1 }, ""},
		"approvals 10":    {func(p *policy.Policy) { p.Approvals = 10 }, ""},
		"approvals 11":    {func(p *policy.Policy) { p.Approvals = 11 }, "approvals"},
		"no kinds":        {func(p *policy.Policy) { p.KeyKinds = nil }, "key_kinds"},
		"kinds unsorted":  {func(p *policy.Policy) { slices.Reverse(p.KeyKinds) }, "key_kinds"},
		"kind twice":      {func(p *policy.Policy) { p.KeyKinds[0] = p.KeyKinds[1] }, "key_kinds"},
		"kind unknown":    {func(p *policy.Policy) { p.KeyKinds[0] = "age" }, "key_kinds"},
		"volume 2^20":     {func(p *policy.Policy) { p.VolumeBytes = 1 << 20 }, ""},
		"volume 2^20 - 1": {func(p *policy.Policy) { p.VolumeBytes = 1<<20 - 1 }, "volume_bytes"},
		"volume 2^36":     {func(p *policy.Policy) { p.VolumeBytes = 1 << 36 }, ""},
		"volume 2^36 + 1": {func(p *policy.Policy) { p.VolumeBytes = 1<<36 + 1 }, "volume_bytes"},
		"signer":          {func(p *policy.Policy) { p.Signer = strings.ToLower(fp) }, "signer"},
	} {
		p := sample(fp)
		c.change(&p)
		text, err := p.Marshal()
		var bad *sign.MemberError
		if c.member != "" {
			if !errors.As(err, &bad) || bad.Member != c.member {
				t.Errorf("%s: %v", name, err)
			}
			p.Type = policy.Type
			if text, err = sign.MarshalDocument(&p); err != nil {
				continue // the number itself cannot be written
			}
			if _, err := policy.Parse(text); !errors.As(err, &bad) || bad.Member != c.member {
				t.Errorf("%s, read: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := policy.Parse(text)
		p.Type = policy.Type
		if err != nil || !reflect.DeepEqual(*got, p) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
	p := sample(fp)
	if !p.Allows(sign.OpenPGP) || p.Allows(sign.AgeSSH) {
		t.Error("key kinds that are allowed")
	}
}

type house struct {
	t           *testing.T
	root, other *detached.Signer
	keys        *keyring.Keyring
	policies    []*sign.Signed
}

func newHouse(t *testing.T) *house {
	h := &house{t: t}
	var entries []*sign.Signed
	for _, who := range []struct {
		key  **detached.Signer
		name string
		role sign.Role
	}{{&h.root, "root", sign.Admin}, {&h.other, "bob", sign.Approver}} {
		key, err := detached.Generate("K <k@provider.example>", start.Add(-time.Hour), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		*who.key = key
		text, err := keyring.NewEnrollment(keyring.Enrollment{
			Provider: provider, Name: who.name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()),
			Holder: who.name, Roles: []sign.Role{who.role}, ValidFrom: start, Time: start, Signer: h.root.Fingerprint(),
			Verified: keyring.Verified{By: "root", How: "in person", At: sign.At(start)},
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := sign.NewSigned(text, h.root, start, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, s)
	}
	var err error
	if h.keys, err = keyring.Load([]string{h.root.Fingerprint()}, provider, entries, now); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) add(by *detached.Signer, change func(*policy.Policy)) *sign.Signed {
	h.t.Helper()
	p := sample(by.Fingerprint())
	change(&p)
	text, err := p.Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := sign.NewSigned(text, by, p.Time.Time(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.policies = append(h.policies, s)
	return s
}

func TestInForce(t *testing.T) {
	h := newHouse(t)
	if _, err := policy.InForce(nil, h.keys, now); !errors.Is(err, policy.ErrNone) {
		t.Errorf("no policy: %v", err)
	}
	h.add(h.root, func(*policy.Policy) {})
	second := h.add(h.root, func(p *policy.Policy) { p.Serial, p.Approvals = 2, 3 })
	h.add(h.other, func(p *policy.Policy) { p.Serial, p.Approvals = 3, 1 })                                          // no admin
	h.add(h.root, func(p *policy.Policy) { p.Serial, p.Provider = 4, "Other Mail" })                                 // another provider
	h.add(h.root, func(p *policy.Policy) { p.Serial, p.Signer = 5, h.other.Fingerprint() })                          // signed by another
	h.add(h.root, func(p *policy.Policy) { p.Serial, p.Time = 6, sign.At(start.Add(-time.Minute)) })                 // not yet valid
	forged := *h.add(h.root, func(p *policy.Policy) { p.Serial = 1 })                                                // the same text twice is one
	forged.Text = bytes.Replace(forged.Text, []byte(`"serial": 1`), []byte(`"serial": 9`), 1)                        // altered
	h.policies = append(h.policies, &forged, &sign.Signed{Text: []byte("{\n  \"type\": \"exhibit/other/v1\"\n}\n")}) // no policy
	for range 2 {
		c, err := policy.InForce(h.policies, h.keys, now)
		if err != nil {
			t.Fatal(err)
		}
		if c.Serial != 2 || c.Approvals != 3 || c.Digest != second.Digest() || len(c.Rejected) != 6 {
			t.Errorf("in force: %+v", c)
		}
		slices.Reverse(h.policies)
	}
	h.add(h.root, func(p *policy.Policy) { p.Serial, p.Approvals = 2, 1 })
	for range 2 {
		if _, err := policy.InForce(h.policies, h.keys, now); !errors.Is(err, policy.ErrAmbiguous) {
			t.Errorf("two of one serial: %v", err)
		}
		slices.Reverse(h.policies)
	}
	h.add(h.root, func(p *policy.Policy) { p.Serial = 3 })
	if c, err := policy.InForce(h.policies, h.keys, now); err != nil || c.Serial != 3 {
		t.Errorf("after a dispute is settled: %v", err)
	}
}

func FuzzPolicy(f *testing.F) {
	text, err := sample(strings.Repeat("0A", 20)).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("true"), []byte("null"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if err != nil {
			return
		}
		if again, err := p.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
