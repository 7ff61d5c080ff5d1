package keyring_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

func ref[T any](v T) *T { return &v }

func TestEntryMembers(t *testing.T) {
	key, admin := newKey(t), newKey(t)
	base := enrollment(key, "bob", "Bob", start, admin, sign.Reviewer, sign.Approver)
	for member, change := range map[string]func(*keyring.Enrollment){
		"":             func(*keyring.Enrollment) {},
		"provider":     func(e *keyring.Enrollment) { e.Provider = "" },
		"name":         func(e *keyring.Enrollment) { e.Name = "Bob" },
		"kind":         func(e *keyring.Enrollment) { e.Kind = "pgp" },
		"fingerprint":  func(e *keyring.Enrollment) { e.Fingerprint = admin.Fingerprint() },
		"public_key":   func(e *keyring.Enrollment) { e.PublicKey = "none" },
		"holder":       func(e *keyring.Enrollment) { e.Holder = strings.Repeat("x", keyring.MaxText+1) },
		"roles":        func(e *keyring.Enrollment) { e.Roles = []sign.Role{"king"} },
		"valid_until":  func(e *keyring.Enrollment) { e.ValidUntil = e.ValidFrom },
		"verified.by":  func(e *keyring.Enrollment) { e.Verified.By = "" },
		"verified.how": func(e *keyring.Enrollment) { e.Verified.How = "" },
		"signer":       func(e *keyring.Enrollment) { e.Signer = strings.Repeat("A", 64) },
	} {
		e := base
		change(&e)
		_, err := keyring.NewEnrollment(e)
		var bad *sign.MemberError
		if member == "" && err != nil || member != "" && !(errors.As(err, &bad) && (bad.Member == member || member == "kind" && bad.Member == "fingerprint")) {
			t.Errorf("%s: %v", member, err)
		}
	}
	for _, name := range []string{"", "-a", ".a", "a b", "a/b", "ä", strings.Repeat("a", 65), "a\n"} {
		e := base
		e.Name = name
		if _, err := keyring.NewEnrollment(e); err == nil {
			t.Errorf("name %q", name)
		}
	}
	for _, name := range []string{"a", "0", "a.b_c-d", strings.Repeat("a", 64)} {
		e := base
		e.Name = name
		if _, err := keyring.NewEnrollment(e); err != nil {
			t.Errorf("name %q: %v", name, err)
		}
	}
	e := base
	e.Holder = strings.Repeat("x", keyring.MaxText)
	if _, err := keyring.NewEnrollment(e); err != nil {
		t.Errorf("holder at the limit: %v", err)
	}
	// Before its creation the key could not sign.
	e = base
	e.Time = start.Add(-10 * day)
	if _, err := keyring.NewEnrollment(e); err == nil {
		t.Error("a key of tomorrow is enrolled")
	}
}

// What an enrolment needs a revocation must not have, and the other way round.
func TestEntryActions(t *testing.T) {
	key, admin := newKey(t), newKey(t)
	enroll, err := keyring.NewEnrollment(enrollment(key, "bob", "Bob", start, admin, sign.Reviewer, sign.Approver))
	if err != nil {
		t.Fatal(err)
	}
	e, err := keyring.ParseEntry(enroll)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(e.Roles, []sign.Role{sign.Approver, sign.Reviewer}) {
		t.Errorf("roles are not sorted: %v", e.Roles)
	}
	revoke, err := keyring.NewRevocation(keyring.Key{Entry: *e}, "lost", start.Add(day), admin.Fingerprint())
	if err != nil {
		t.Fatal(err)
	}
	r, err := keyring.ParseEntry(revoke)
	if err != nil || r.Action != keyring.Revoke || r.Fingerprint != e.Fingerprint || *r.Reason != "lost" {
		t.Fatalf("revocation %+v, %v", r, err)
	}
	for name, c := range map[string]struct {
		of     *keyring.Entry
		change func(*keyring.Entry)
	}{
		"action":            {e, func(e *keyring.Entry) { e.Action = "praise" }},
		"enroll, reason":    {e, func(e *keyring.Entry) { e.Reason = ref("x") }},
		"enroll, no key":    {e, func(e *keyring.Entry) { e.PublicKey = nil }},
		"enroll, verified":  {e, func(e *keyring.Entry) { e.Verified = nil }},
		"enroll, no roles":  {e, func(e *keyring.Entry) { e.Roles = nil }},
		"enroll, unsorted":  {e, func(e *keyring.Entry) { e.Roles = []sign.Role{sign.Reviewer, sign.Approver} }},
		"enroll, twice":     {e, func(e *keyring.Entry) { e.Roles = []sign.Role{sign.Approver, sign.Approver} }},
		"revoke, no reason": {r, func(e *keyring.Entry) { e.Reason = nil }},
		"revoke, empty":     {r, func(e *keyring.Entry) { e.Reason = ref("") }},
		"revoke, key":       {r, func(e *keyring.Entry) { e.PublicKey = ref("x") }},
		"revoke, verified":  {r, func(e *keyring.Entry) { e.Verified = &keyring.Verified{By: "a", How: "b", At: sign.At(start)} }},
		"revoke, roles":     {r, func(e *keyring.Entry) { e.Roles = []sign.Role{sign.Approver} }},
		"revoke, from":      {r, func(e *keyring.Entry) { e.ValidFrom = sign.At(start) }},
		"revoke, until":     {r, func(e *keyring.Entry) { e.ValidUntil = ref(sign.At(start.Add(50 * day))) }},
	} {
		entry := *c.of
		c.change(&entry)
		text, err := sign.MarshalDocument(&entry)
		if err != nil {
			t.Fatal(err)
		}
		var bad *sign.MemberError
		if _, err := keyring.ParseEntry(text); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var typ *sign.TypeError
	if _, err := keyring.ParseEntry(bytes.Replace(enroll, []byte("entry/v1"), []byte("entry/v2"), 1)); !errors.As(err, &typ) {
		t.Errorf("next version: %v", err)
	}
}

func FuzzEntry(f *testing.F) {
	text, err := keyring.NewRevocation(keyring.Key{Entry: keyring.Entry{
		Provider: provider, Name: "bob", Kind: sign.OpenPGP, Fingerprint: strings.Repeat("0A", 20), Holder: "Bob",
	}}, "lost", time.Unix(1767225600, 0), strings.Repeat("0B", 20))
	if err != nil {
		f.Fatal(err)
	}
	key, err := detached.Generate("Key <key@provider.example>", start, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	enroll, err := keyring.NewEnrollment(enrollment(key, "bob", "Bob", start, key, sign.Approver))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(enroll)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("revoke"), []byte("enroll"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := keyring.ParseEntry(text)
		if err != nil {
			return
		}
		if again, err := sign.MarshalDocument(e); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
