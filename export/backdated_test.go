package export_test

import (
	"testing"
	"time"
)

// Invariant 1: what was released stays released, though an admin revokes the key that
// recorded it, from before: approvals are not used twice.
func TestReleaseRevokedFromBefore(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.now = w.now.Add(time.Hour)
	w.export(o, source("a@mail.example", oneMessage(t)))
	check(t, w.load().Revoke(t.Context(), "provider", "so that it never was", w.admin, w.now.Add(-time.Second)))
	m, err := w.load().Mandate(t.Context(), o, nil, w.now)
	check(t, err)
	if m.Clock.RetainUntil.IsZero() {
		t.Error("the release is forgotten")
	}
}
