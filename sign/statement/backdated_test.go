package statement_test

import (
	"testing"

	"exhibit/sign/keyring"
	"exhibit/sign/statement"
)

// Invariant 1: a revocation only stops. Dated back before a refusal, a withdrawal or
// a narrower review it brings back nothing that those have stopped.
func TestRevocationDatedBack(t *testing.T) {
	for _, d := range []statement.Decision{statement.Refuse, statement.AcceptInPart, statement.Withdraw} {
		h := newHouse(t)
		stopped := h.decide(d, "gina", nil)
		approved := h.decide(statement.Approve, "bob", nil) // of Dave's review, which accepts all
		if ok, _ := h.count(stopped, approved).Released(1, nil); ok {
			t.Errorf("%s: released", d)
		}
		key, err := h.keys.Key("gina")
		if err != nil {
			t.Fatal(err)
		}
		at := start.Add(hour)
		text, err := keyring.NewRevocation(key, "so that she never was", at, h.signers["ada"].Fingerprint())
		if err != nil {
			t.Fatal(err)
		}
		h.entries = append(h.entries, h.sign("ada", text, at))
		h.keys = h.load()
		tally := h.count(stopped, approved)
		if ok, _ := tally.Released(1, nil); ok || len(tally.Approvals) != 0 && tally.Ended == nil {
			t.Errorf("%s, and its key revoked from before: released, on %+v", d, tally.Review)
		}
	}
}
