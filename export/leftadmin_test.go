package export_test

import (
	"errors"
	"testing"
	"time"

	"exhibit/export"
)

// A proposal of an admin who has left since cannot be confirmed any more: it would
// not count, and would take the policy in force with it.
func TestPolicyOfOneWhoHasLeft(t *testing.T) {
	w := newWorld(t, newDir(t))
	w.now = w.now.Add(time.Hour)
	digest, err := w.load().SignPolicy(t.Context(), testPolicy(), w.admin2, w.now)
	check(t, err)
	w.now = w.now.Add(time.Hour)
	left, err := w.load().Keys.ByFingerprint(w.admin2.Fingerprint())
	check(t, err)
	check(t, w.load().Revoke(t.Context(), left.Entry.Name, "left", w.admin, w.now))
	w.now = w.now.Add(time.Hour)
	if err := w.load().ConfirmPolicy(t.Context(), digest, w.admin, w.now); !errors.Is(err, export.ErrNotPending) {
		t.Errorf("confirmed: %v", err)
	}
	if w.load().Policy == nil {
		t.Error("no policy is in force any more")
	}
}
