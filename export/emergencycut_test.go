package export_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/sign/custody"
)

// Invariant 1: the approvals that an emergency owes are owed from the sealing on,
// though the run is cut before it records the release.
func TestEmergencyCutBeforeTheRecord(t *testing.T) {
	const all = 1000
	left := int64(0)
	for n := int64(all); ; n = min(n, all-left+1) - 1 { // from the last write down
		w := newWorld(t, newDir(t))
		o := w.emergency()
		w.reviewAgain(o)
		w.approveAs(o, 0, invoked)
		good := *w.provider
		p := &power{}
		p.left.Store(n)
		j := w.job(o, source("a@mail.example", oneMessage(t)))
		w.provider.Store, w.provider.State = mains{good.Store, p}, mains{good.State, p}
		_, err := export.Run(t.Context(), j)
		*w.provider = good
		if n == all {
			check(t, err)
			left = p.left.Load()
			continue
		}
		if slices.Contains(w.events(o.Digest()), custody.Released) {
			continue
		}
		if !w.overdue(o) {
			t.Error("the package is there, and nothing is owed")
		}
		w.now = w.now.Add(72 * time.Hour)
		var refused *export.Refusal
		if _, err = export.Run(t.Context(), w.job(o, source("a@mail.example", oneMessage(t)))); !errors.As(err, &refused) || refused.Code != export.EmergencyOverdue {
			t.Errorf("three days later: %v", err)
		}
		return
	}
}
