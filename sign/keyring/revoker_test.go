package keyring_test

import (
	"errors"
	"testing"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Invariant 1: a revocation that is dated back brings no key back that its signer
// has revoked.
func TestRevokerRevokedFromBefore(t *testing.T) {
	h := newHouse(t)
	bob, carol, dave := newKey(t), newKey(t), newKey(t)
	h.enroll(bob, "bob", "Bob", start, h.root, sign.Approver)
	h.enroll(carol, "carol", "Carol", start, h.root, sign.Admin)
	h.enroll(dave, "dave", "Dave", start, h.root, sign.Admin)
	h.revoke(bob, "bob", "Bob", start.Add(2*day), carol)
	h.revoke(carol, "carol", "Carol", start.Add(day), dave)
	if err := h.load().Valid(bob.Fingerprint(), sign.Approver, now); !errors.Is(err, keyring.ErrRevoked) {
		t.Errorf("the revoked key is valid again: %v", err)
	}
}
