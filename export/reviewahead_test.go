package export_test

import (
	"testing"
	"time"

	"exhibit/export"
	"exhibit/sign/statement"
)

// Invariant 1: a refusal is not swallowed in silence by an acceptance of a host whose
// clock is ahead, or that was dated ahead.
func TestRefusalAfterReviewDatedAhead(t *testing.T) {
	w := newWorld(t, newDir(t))
	o := w.order(entireA)
	w.now = w.now.Add(8 * time.Minute)
	w.approve(o, export.Approval{})
	w.now = w.now.Add(-5 * time.Minute)
	m, err := w.load().Review(t.Context(), fileOf(o), export.Review{Decision: statement.Refuse, Ground: "not lawful"}, w.by(w.reviewer))
	if err == nil && (m.Review == nil || m.Review.Statement.Decision != statement.Refuse) {
		t.Errorf("refused without an error, and in force is %s; nothing may leave: %v", m.Review.Statement.Decision, m.Allows())
	}
}
