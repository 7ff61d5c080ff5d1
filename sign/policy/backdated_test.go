package policy_test

import (
	"errors"
	"testing"
	"time"

	"exhibit/sign/keyring"
	"exhibit/sign/policy"
)

// Invariant 1: a revocation that is dated back brings no earlier policy back.
func TestRevocationDatedBack(t *testing.T) {
	h := newHouse(t)
	h.add(serial(1))
	second := h.propose("ada", serial(2))
	at := start.Add(2 * time.Hour)
	h.confirm("cora", second, at)
	if c, err := h.inForce(); err != nil || c.Serial != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	cora, err := h.keys.Key("cora")
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyring.NewRevocation(cora, "so that she never was", at, h.fingerprint("ada"))
	if err != nil {
		t.Fatal(err)
	}
	h.entries = append(h.entries, h.sign("ada", text, at))
	if h.keys, err = keyring.Load([]string{h.fingerprint("ada"), h.fingerprint("ben")}, provider, h.entries, now); err != nil {
		t.Fatal(err)
	}
	if c, err := h.inForce(); !errors.Is(err, policy.ErrRevoked) || c.Serial != 2 || c.ConfirmedBy != "" {
		t.Errorf("policy %d is in force again, %v", c.Serial, err)
	}
	h.add(serial(3))
	if c, err := h.inForce(); err != nil || c.Serial != 3 {
		t.Errorf("after two admins have signed the next: %v", err)
	}
}
