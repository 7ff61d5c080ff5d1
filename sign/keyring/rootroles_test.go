package keyring_test

import (
	"testing"

	"exhibit/sign"
)

// Invariant 1: a root's word about itself makes it an admin, and nothing else: no
// admin alone gives anybody another role.
func TestRootGivesItselfNoRole(t *testing.T) {
	h := newHouse(t)
	more := h.propose(h.root, "root", "Ada", start.Add(day), h.root, sign.Admin, sign.Agency, sign.Approver, sign.Provider, sign.Reviewer)
	k := h.load()
	for _, role := range []sign.Role{sign.Agency, sign.Approver, sign.Provider, sign.Reviewer} {
		if err := k.Valid(h.root.Fingerprint(), role, now); err == nil {
			t.Errorf("a root has made itself %s", role)
		}
	}
	if err := k.Valid(h.root.Fingerprint(), sign.Admin, now); err != nil {
		t.Errorf("the root's own entry: %v", err)
	}
	// A second admin may let it count.
	h.confirm(more, start.Add(2*day), h.second)
	if err := h.load().Valid(h.root.Fingerprint(), sign.Approver, now); err != nil {
		t.Errorf("confirmed: %v", err)
	}
}
