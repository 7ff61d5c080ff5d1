package statement_test

import (
	"reflect"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/statement"

	"pgregory.net/rapid"
)

// Invariant 1: whatever is signed by whomever, nobody approves what the same
// person reviewed, nobody counts twice, and the order of the files is nothing.
func TestCountProperties(t *testing.T) {
	h := newHouse(t)
	names := []string{"bob", "bob-2", "carol", "dave", "dave-2", "gina", "eve", "faye", "ada"}
	drawDecision := rapid.SampledFrom(append(decisions, statement.Approve, statement.Approve, statement.Accept))
	rapid.Check(t, func(rt *rapid.T) {
		reviews := []sign.Digest{h.review.Digest()}
		signed := []*sign.Signed{h.review}
		for range rapid.IntRange(0, 8).Draw(rt, "statements") {
			d, name := drawDecision.Draw(rt, "decision"), rapid.SampledFrom(names).Draw(rt, "name")
			s := h.decide(d, name, func(s *S) {
				s.Time = sign.At(start.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "hour")) * hour))
				s.Person.Role = rapid.SampledFrom([]sign.Role{s.Person.Role, sign.Approver, sign.Reviewer}).Draw(rt, "role")
				if d == statement.Approve {
					s.Review = ref(rapid.SampledFrom(reviews).Draw(rt, "review"))
				}
				if d == statement.Approve && rapid.Bool().Draw(rt, "emergency") {
					s.Emergency, s.Ground = true, ref("danger")
				}
			})
			if d.Review() {
				reviews = append(reviews, s.Digest())
			}
			signed = append(signed, s)
		}
		tally := statement.Count(signed, h.context())
		checkTally(rt, tally)
		shuffled := rapid.Permutation(signed).Draw(rt, "order")
		if again := statement.Count(shuffled, h.context()); !reflect.DeepEqual(describe(again), describe(tally)) {
			rt.Fatalf("the order of the files matters: %+v, %+v", tally, again)
		}
	})
}

func checkTally(t *rapid.T, tally *statement.Tally) {
	holders := make(map[string]bool)
	for _, a := range tally.Approvals {
		switch p := a.Statement.Person; {
		case a.Statement.Decision != statement.Approve:
			t.Fatalf("%s counts as an approval", a.Statement.Decision)
		case tally.Review == nil || !tally.Review.Statement.Decision.Accepts():
			t.Fatalf("an approval without a review that accepts")
		case p.Holder == tally.Review.Statement.Person.Holder:
			t.Fatalf("%s approves the own review", p.Holder)
		case holders[p.Holder]:
			t.Fatalf("%s counts twice", p.Holder)
		case p.Holder == "Eve" || p.Holder == "Ada" || p.Name == "dave":
			t.Fatalf("%s may not approve", p.Name)
		default:
			holders[p.Holder] = true
		}
	}
	if tally.Review != nil && tally.Contested {
		t.Fatalf("a contested review is in force")
	}
	if ok, _ := tally.Released(1, ref(int64(1))); ok && (tally.Ended != nil || len(tally.Approvals) == 0) {
		t.Fatalf("released: %+v", tally)
	}
}

// describe returns a tally with its errors as texts.
func describe(t *statement.Tally) (out []any) {
	out = append(out, t.Review, t.Contested, t.Reviews, t.Approvals, t.Ended, t.NoRefusal)
	for _, r := range t.Rejected {
		out = append(out, r.Leaf, r.Reason.Error())
	}
	return out
}
