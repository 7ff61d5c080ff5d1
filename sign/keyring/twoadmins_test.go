package keyring_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

func TestTwoAdmins(t *testing.T) {
	h := newHouse(t)
	third, other, approver, gone := newKey(t), newKey(t), newKey(t), newKey(t)
	h.enroll(third, "third", "Cleo", start, h.root, sign.Admin)
	h.enroll(other, "other", "Ada", start, h.root, sign.Admin)
	h.enroll(approver, "approver", "Dan", start, h.root, sign.Approver)
	h.enroll(gone, "gone", "Eve", start, h.root, sign.Admin)
	h.revoke(gone, "gone", "Eve", start.Add(5*day), h.root)
	k := h.load()

	type word struct {
		by *detached.Signer
		at time.Duration
	}
	text, signed := []byte("policy"), 2*day
	confirm := func(of string, w word) *sign.Signed {
		body, err := confirmation.New(of, sign.Sum(text), start.Add(w.at), w.by.Fingerprint())
		if err != nil {
			t.Fatal(err)
		}
		s, err := sign.NewSigned(body, w.by, start.Add(w.at), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, c := range map[string]struct {
		first     word
		confirmed []word
		want      error
		is        word
	}{
		"confirmed":              {word{h.root, signed}, []word{{h.second, 3 * day}}, nil, word{h.second, 3 * day}},
		"in one second":          {word{h.root, signed}, []word{{h.second, signed}}, nil, word{h.second, signed}},
		"the earliest":           {word{h.root, signed}, []word{{h.second, 4 * day}, {third, 3 * day}, {h.second, 5 * day}}, nil, word{third, 3 * day}},
		"the earliest that does": {word{h.root, signed}, []word{{other, 3 * day}, {h.second, 4 * day}}, nil, word{h.second, 4 * day}},
		"nobody":                 {word{h.root, signed}, nil, keyring.ErrUnconfirmed, word{}},
		"the same key":           {word{h.root, signed}, []word{{h.root, 3 * day}}, keyring.ErrSameHolder, word{}},
		"the same holder":        {word{h.root, signed}, []word{{other, 3 * day}}, keyring.ErrSameHolder, word{}},
		"an approver":            {word{h.root, signed}, []word{{approver, 3 * day}}, keyring.ErrRole, word{}},
		"a stranger":             {word{h.root, signed}, []word{{newKey(t), 3 * day}}, keyring.ErrUnknownKey, word{}},
		"too early":              {word{h.root, signed}, []word{{h.second, signed - time.Second}}, keyring.ErrNothingConfirmed, word{}},
		"of the future":          {word{h.root, signed}, []word{{h.second, 101 * day}}, detached.ErrFuture, word{}},
		"confirmer revoked":      {word{h.root, signed}, []word{{gone, 5 * day}}, keyring.ErrRevoked, word{}},
		"signer revoked since":   {word{gone, signed}, []word{{h.second, 5 * day}}, keyring.ErrRevoked, word{}},
		"signer revoked later":   {word{gone, signed}, []word{{h.second, 5*day - time.Second}}, nil, word{h.second, 5*day - time.Second}},
		"signed when revoked":    {word{gone, 5 * day}, []word{{h.second, 6 * day}}, keyring.ErrRevoked, word{}},
		"signed by no admin":     {word{approver, signed}, []word{{h.second, 3 * day}}, detached.ErrUntrusted, word{}},
	} {
		sig, err := c.first.by.Sign(text, start.Add(c.first.at))
		if err != nil {
			t.Fatal(err)
		}
		var confirmations []*sign.Signed
		for _, w := range c.confirmed {
			confirmations = append(confirmations, confirm(provider, w))
		}
		unconfirmed := c.want != nil && c.first.by != approver && c.first.at != 5*day
		for range 2 {
			since, by, err := k.TwoAdmins(text, sig, sign.At(start.Add(c.first.at)), c.first.by.Fingerprint(), confirmations, now)
			if !errors.Is(err, c.want) || unconfirmed != errors.Is(err, keyring.ErrUnconfirmed) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && (since != sign.At(start.Add(c.is.at)) || by != c.is.by.Fingerprint()) || err != nil && (by != "" || !since.IsZero()) {
				t.Errorf("%s: %s, %s", name, since, by)
			}
			slices.Reverse(confirmations)
		}
	}

	sig, err := h.root.Sign(text, start.Add(signed))
	if err != nil {
		t.Fatal(err)
	}
	good := confirm(provider, word{h.second, 3 * day})
	check := func(text []byte, signer string, confirmations ...*sign.Signed) error {
		_, _, err := k.TwoAdmins(text, sig, sign.At(start.Add(signed)), signer, confirmations, now)
		return err
	}
	forged := *good
	if forged.Signature, err = h.root.Sign(good.Text, start.Add(3*day)); err != nil {
		t.Fatal(err)
	}
	root := h.root.Fingerprint()
	for name, c := range map[string]struct{ got, want error }{
		"another signer than named": {check(text, third.Fingerprint(), good), keyring.ErrSigner},
		"another text":              {check([]byte("other"), root, good), detached.ErrBad},
		"another provider's":        {check(text, root, confirm("Other Mail", word{h.second, 3 * day})), keyring.ErrUnconfirmed},
		"forged":                    {check(text, root, &forged), detached.ErrUntrusted},
		"forged, and good":          {check(text, root, &forged, good), nil},
		"no confirmation":           {check(text, root, h.entries...), keyring.ErrUnconfirmed},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}
