package keyring_test

import (
	"errors"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// One of three roots cannot undo what it has signed with the others, and so bring
// back what that had taken the place of: a revoked key, an earlier policy.
func TestRootDisputesItself(t *testing.T) {
	h := newHouse(t)
	third := newKey(t)
	h.propose(third, "third", "Cora", start, third, sign.Admin)
	roots := append(h.roots(), third.Fingerprint())
	if _, err := keyring.Load(roots, provider, h.entries, now); err != nil {
		t.Fatal(err)
	}
	h.propose(third, "third", "Zoe", start.Add(-time.Hour), third, sign.Admin)
	if _, err := keyring.Load(roots, provider, h.entries, now); !errors.Is(err, keyring.ErrDisputed) {
		t.Errorf("a root that contradicts itself: %v", err)
	}
}
