package export_test

import (
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/statement"
)

// emergency is an order of that priority, which one approval lets out at once.
func (w *world) emergency() *order.Order {
	w.t.Helper()
	text := strings.Replace(string(w.order(entireA).Bytes()), "legal_basis:", "priority: emergency\nlegal_basis:", 1)
	return parseOrder(w.t, text)
}

func (w *world) reviewAgain(o *order.Order) {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	_, err := w.load().Review(w.t.Context(), fileOf(o), export.Review{Decision: statement.Accept, Entire: o.EntireAccounts(), Ground: w.now.String()}, w.by(w.reviewer))
	check(w.t, err)
}

func (w *world) approveAs(o *order.Order, i int, with export.Approval) {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	_, err := w.load().Approve(w.t.Context(), fileOf(o), with, w.by(w.approvers[i]))
	check(w.t, err)
}

func (w *world) release(o *order.Order, supersedes *sign.ID) *export.Result {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	j := w.job(o, source("a@mail.example", oneMessage(w.t)))
	j.Supersedes = supersedes
	res, err := export.Run(w.t.Context(), j)
	check(w.t, err)
	return res
}

// overdue says whether the order is, three days from now.
func (w *world) overdue(o *order.Order) bool {
	w.t.Helper()
	m, err := w.load().Mandate(w.t.Context(), o, nil, w.now.Add(72*time.Hour))
	check(w.t, err)
	return m.Clock.Overdue
}

var invoked = export.Approval{Emergency: true, Ground: "life in danger"}

// Invariant 1: what an emergency owes is owed until the approvals that count for the
// package are all there; those of another review, another package, or run out are
// not among them.
func TestEmergencyOwes(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world, o *order.Order)
		owed bool
	}{
		"one of two": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
		}, true},
		"completed": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
			w.approveAs(o, 1, export.Approval{})
		}, false},
		"completed, and reviewed anew since": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
			w.approveAs(o, 1, export.Approval{})
			w.reviewAgain(o)
		}, false},
		"the other approved another review before": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 1, export.Approval{})
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
		}, true},
		"the other's has run out before": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 1, export.Approval{Expires: w.now.Add(10 * time.Minute)})
			w.now = w.now.Add(time.Hour)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
		}, true},
		"the other approves another review since": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
			w.reviewAgain(o)
			w.approveAs(o, 1, export.Approval{})
		}, true},
		"the other approves another package": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			id := w.release(o, nil).Package
			w.approveAs(o, 1, export.Approval{Supersedes: &id})
		}, true},
		"a second package by the rule": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, export.Approval{})
			w.approveAs(o, 1, export.Approval{})
			id := w.release(o, nil).Package
			again := invoked
			again.Supersedes = &id
			w.approveAs(o, 0, again)
			w.release(o, &id)
		}, true},
		"the rule is gone": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, invoked)
			w.release(o, nil)
			p := w.policy
			p.Emergency = nil
			w.now = w.now.Add(time.Minute)
			w.enact(p)
		}, true},
		"more have to approve since": {func(w *world, o *order.Order) {
			w.reviewAgain(o)
			w.approveAs(o, 0, export.Approval{})
			w.approveAs(o, 1, export.Approval{})
			w.release(o, nil)
			p := testPolicy()
			p.Approvals[0].Persons = 3
			w.now = w.now.Add(time.Minute)
			w.enact(p)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newDir(t))
			o := w.emergency()
			c.do(w, o)
			if got := w.overdue(o); got != c.owed {
				t.Errorf("overdue %t, want %t", got, c.owed)
			}
		})
	}
}
