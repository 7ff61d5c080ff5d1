package statement_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/statement"
)

type S = statement.Statement

// Invariant 1: an approval counts for the export that it names, or not at all.
func TestWhatCounts(t *testing.T) {
	h := newHouse(t)
	approve := func(name string, change func(*S)) *sign.Signed { return h.decide(statement.Approve, name, change) }
	for name, c := range map[string]struct {
		signed *sign.Signed
		want   error
	}{
		"approval":         {approve("bob", nil), nil},
		"two roles":        {approve("carol", nil), nil},
		"no reviewer here": {approve("gina", nil), nil},
		"not expired":      {approve("bob", func(s *S) { s.Expires = ref(sign.At(now.Add(time.Second))) }), nil},
		"expired":          {approve("bob", func(s *S) { s.Expires = ref(sign.At(now)) }), statement.ErrExpired},
		"provider":         {approve("bob", func(s *S) { s.Provider = "Other Mail" }), statement.ErrOther},
		"order":            {approve("bob", func(s *S) { s.Order.SHA256[0]++ }), statement.ErrOther},
		"reference":        {approve("bob", func(s *S) { s.Order.Reference = "REF-2" }), statement.ErrOther},
		"policy":           {approve("bob", func(s *S) { s.Policy[0]++ }), statement.ErrOther},
		"sequence":         {approve("bob", func(s *S) { s.Sequence, s.Supersedes = ref(int64(2)), &sign.ID{1} }), statement.ErrOther},
		"another review":   {approve("bob", func(s *S) { s.Review = &sign.Digest{1} }), statement.ErrOther},
		"own review":       {approve("dave-2", nil), statement.ErrOwnReview},
		"reviewer":         {approve("dave", nil), detached.ErrUntrusted},
		"revoked since":    {approve("eve", nil), keyring.ErrRevoked},
		"before enrolment": {approve("bob", func(s *S) { s.Time = sign.At(start.Add(-time.Minute)) }), keyring.ErrNotYetValid},
		"other holder":     {approve("bob", func(s *S) { s.Person.Holder = "Carol" }), statement.ErrPerson},
		"other name":       {approve("bob", func(s *S) { s.Person.Name = "bob-2" }), statement.ErrPerson},
		"other role":       {approve("carol", func(s *S) { s.Person.Role = sign.Fulfilment }), statement.ErrPerson},
		"other key":        {approve("bob", func(s *S) { s.Person.Fingerprint = h.signers["carol"].Fingerprint() }), statement.ErrPerson},
		"future":           {approve("bob", func(s *S) { s.Time = sign.At(now.Add(hour)) }), detached.ErrFuture},
		"altered":          {altered(approve("bob", func(s *S) { s.Order.Reference = "REF-3" }), "REF-3", "REF-1"), detached.ErrBad},
		"version 1":        {altered(approve("bob", nil), "/v2", "/v1"), statement.ErrOldVersion},
	} {
		tally := h.count(c.signed)
		switch {
		case c.want == nil:
			if len(tally.Approvals) != 1 || len(tally.Rejected) != 0 || tally.Approvals[0].SHA256 != c.signed.Digest() || tally.Approvals[0].Leaf != c.signed.LeafHash() {
				t.Errorf("%s: %+v", name, tally)
			}
		case len(tally.Approvals) != 0 || len(tally.Rejected) != 1 || !errors.Is(tally.Rejected[0].Reason, c.want) || tally.Rejected[0].Leaf != c.signed.LeafHash():
			t.Errorf("%s: %+v, %+v, want %v", name, tally.Approvals, tally.Rejected, c.want)
		}
	}
}

func altered(s *sign.Signed, from, to string) *sign.Signed {
	s.Text = bytes.Replace(s.Text, []byte(from), []byte(to), 1)
	return s
}

func TestWhoMayDecide(t *testing.T) {
	h := newHouse(t)
	as := func(role sign.Role) func(*S) { return func(s *S) { s.Person.Role = role } }
	for name, c := range map[string]struct {
		signed *sign.Signed
		want   error
	}{
		"accept in part":          {h.decide(statement.AcceptInPart, "gina", nil), nil},
		"refuse":                  {h.decide(statement.Refuse, "gina", nil), nil},
		"refused by an approver":  {h.decide(statement.Refuse, "bob", nil), detached.ErrUntrusted},
		"accepted by fulfilment":  {h.decide(statement.Accept, "carol", as(sign.Fulfilment)), detached.ErrUntrusted},
		"review by who has left":  {h.decide(statement.Accept, "faye", nil), keyring.ErrRevoked},
		"review as approver":      {h.decide(statement.Accept, "gina", as(sign.Approver)), statement.ErrPerson},
		"no refusal":              {h.decide(statement.NoRefusal, "gina", nil), nil},
		"no refusal by approver":  {h.decide(statement.NoRefusal, "bob", as(sign.Approver)), detached.ErrUntrusted},
		"no refusal of the past":  {h.decide(statement.NoRefusal, "faye", nil), keyring.ErrRevoked},
		"withdraw":                {h.decide(statement.Withdraw, "dave", nil), nil},
		"withdrawn by approver":   {h.decide(statement.Withdraw, "bob", as(sign.Approver)), nil},
		"withdrawn by fulfilment": {h.decide(statement.Withdraw, "carol", as(sign.Fulfilment)), nil},
		"withdrawn by who left":   {h.decide(statement.Withdraw, "faye", nil), nil},
		"withdrawn after leaving": {h.decide(statement.Withdraw, "faye", func(s *S) { s.Time = sign.At(start.Add(11 * hour)) }), nil},
		"withdrawn by an admin":   {h.decide(statement.Withdraw, "ada", as(sign.Admin)), keyring.ErrRole},
		"superseded":              {h.decide(statement.Supersede, "eve", as(sign.Approver)), nil},
		"superseded as another":   {h.decide(statement.Supersede, "bob", as(sign.Reviewer)), detached.ErrUntrusted},
		"another order withdrawn": {h.decide(statement.Withdraw, "dave", func(s *S) { s.Order.SHA256[0]++ }), statement.ErrOther},
		"review of another order": {h.decide(statement.Accept, "dave", func(s *S) { s.Order.Reference = "REF-2" }), statement.ErrOther},
		"review of another house": {h.decide(statement.Accept, "dave", func(s *S) { s.Provider = "Other Mail" }), statement.ErrOther},
	} {
		tally := h.count(c.signed)
		if c.want == nil && len(tally.Rejected) != 0 {
			t.Errorf("%s: %v", name, tally.Rejected[0].Reason)
		}
		if c.want != nil && (len(tally.Rejected) != 1 || !errors.Is(tally.Rejected[0].Reason, c.want) || tally.Ended != nil || tally.NoRefusal != nil) {
			t.Errorf("%s: %+v, want %v", name, tally, c.want)
		}
	}
}

// A review by somebody who has left since is not undone: what it accepts is in force
// no more, and nothing that was before it comes back; what it refuses stays refused.
func TestReviewerHasLeft(t *testing.T) {
	h := newHouse(t)
	for _, d := range []statement.Decision{statement.Accept, statement.AcceptInPart} {
		if tally := h.count(h.decide(d, "faye", nil)); tally.Review != nil || len(tally.Approvals) != 0 {
			t.Errorf("%s: in force is %+v", d, tally.Review)
		}
	}
	if tally := h.count(h.decide(statement.Refuse, "faye", nil)); tally.Review == nil || tally.Review.Statement.Decision != statement.Refuse {
		t.Errorf("refusal: in force is %+v", tally.Review)
	}
}

func TestSupersedes(t *testing.T) {
	h := newHouse(t)
	first, other := sign.ID{1}, sign.ID{2}
	s := h.decide(statement.Approve, "bob", func(s *S) { s.Sequence, s.Supersedes = ref(int64(2)), &first })
	for _, c := range []struct {
		supersedes *sign.ID
		want       int
	}{{&first, 1}, {&other, 0}, {nil, 0}} {
		ctx := h.context()
		ctx.Sequence, ctx.Supersedes = 2, c.supersedes
		if tally := statement.Count([]*sign.Signed{s, h.review}, ctx); len(tally.Approvals) != c.want {
			t.Errorf("in place of %v: %d approvals", c.supersedes, len(tally.Approvals))
		}
	}
}

// Persons are counted, not keys.
func TestCountedByHolder(t *testing.T) {
	h := newHouse(t)
	early := h.decide(statement.Approve, "bob-2", nil)
	record := h.sign("ada", []byte("{\n  \"type\": \"exhibit/record/v1\"\n}\n"), start)
	again := *early // the same text in another file
	again.Salt[0]++
	signed := []*sign.Signed{
		h.decide(statement.Approve, "bob", func(s *S) { s.Time = sign.At(start.Add(3 * hour)) }), early, &again,
		h.decide(statement.Approve, "carol", func(s *S) { s.Time = sign.At(start.Add(2 * hour)) }), record, h.review,
	}
	for range 2 {
		tally := statement.Count(signed, h.context())
		a := tally.Approvals
		if len(a) != 2 || a[0].SHA256 != early.Digest() || a[1].Statement.Person.Holder != "Carol" {
			t.Errorf("approvals %+v", a)
		}
		if r := tally.Rejected; len(r) != 1 || !errors.Is(r[0].Reason, statement.ErrAgain) || r[0].Statement.Person.Name != "bob" {
			t.Errorf("rejected %+v", r)
		}
		slices.Reverse(signed)
	}
}

func TestReviewInForce(t *testing.T) {
	h := newHouse(t)
	at := func(n int) func(*S) { return func(s *S) { s.Time = sign.At(start.Add(time.Duration(n) * hour)) } }
	bob := h.decide(statement.Approve, "bob", at(1)) // of the house's own review
	refused := h.decide(statement.Refuse, "gina", at(2))
	ofRefused := h.decide(statement.Approve, "bob", func(s *S) { s.Review, s.Time = ref(refused.Digest()), sign.At(start.Add(3*hour)) })
	second := h.decide(statement.Accept, "gina", at(4))
	ofSecond := h.decide(statement.Approve, "bob", func(s *S) { s.Review, s.Time = ref(second.Digest()), sign.At(start.Add(5*hour)) })
	rival := h.decide(statement.AcceptInPart, "dave", at(4))
	copied := *second // in another file
	copied.Salt[0]++
	third := h.decide(statement.Accept, "dave", at(6))

	for _, c := range []struct {
		name      string
		signed    []*sign.Signed
		review    *sign.Signed
		contested bool
		approvals int
		reason    error // of the rejections
	}{
		{"none", []*sign.Signed{bob}, nil, false, 0, statement.ErrOther},
		{"the first", []*sign.Signed{h.review, bob}, h.review, false, 1, nil},
		{"a refusal after it", []*sign.Signed{h.review, bob, refused}, refused, false, 0, statement.ErrOther},
		{"a refusal approved", []*sign.Signed{h.review, ofRefused, refused}, refused, false, 0, statement.ErrRefused},
		{"a new one", []*sign.Signed{h.review, refused, second, ofSecond}, second, false, 1, nil},
		{"of the old one", []*sign.Signed{h.review, refused, second, bob}, second, false, 0, statement.ErrOther},
		{"two of a second", []*sign.Signed{h.review, second, rival, ofSecond}, nil, true, 0, statement.ErrOther},
		{"one text twice", []*sign.Signed{h.review, second, &copied, ofSecond}, second, false, 1, nil},
		{"settled", []*sign.Signed{h.review, second, rival, third}, third, false, 0, nil},
		{"of another policy", []*sign.Signed{h.review, h.decide(statement.Refuse, "gina", func(s *S) { s.Policy[0]++ }), bob}, nil, false, 0, statement.ErrOther},
	} {
		for range 2 {
			tally := statement.Count(c.signed, h.context())
			if c.review != nil && (tally.Review == nil || tally.Review.SHA256 != c.review.Digest()) || c.contested != tally.Contested || c.contested && tally.Review != nil {
				t.Errorf("%s: review %+v, contested %v", c.name, tally.Review, tally.Contested)
			}
			if len(tally.Approvals) != c.approvals {
				t.Errorf("%s: %d approvals", c.name, len(tally.Approvals))
			}
			if len(tally.Rejected) > 0 != (c.reason != nil) {
				t.Errorf("%s: rejected %+v", c.name, tally.Rejected)
			}
			for _, r := range tally.Rejected {
				if !errors.Is(r.Reason, c.reason) {
					t.Errorf("%s: rejected for %v", c.name, r.Reason)
				}
			}
			if !slices.IsSortedFunc(tally.Reviews, func(a, b statement.Counted) int { return a.Statement.Time.Compare(b.Statement.Time) }) {
				t.Errorf("%s: reviews are not in order of time", c.name)
			}
			slices.Reverse(c.signed)
		}
	}
}

// Who both reviews and approves with one key does not count for the own review.
func TestOwnReviewByOneKey(t *testing.T) {
	h := newHouse(t)
	h.review = h.decide(statement.Accept, "gina", nil)
	own := h.decide(statement.Approve, "gina", func(s *S) { s.Time = sign.At(start.Add(2 * hour)) })
	tally := h.count(own, h.decide(statement.Approve, "dave-2", nil))
	if len(tally.Approvals) != 1 || tally.Approvals[0].Statement.Person.Holder != "Dave" {
		t.Errorf("approvals %+v", tally.Approvals)
	}
	if r := tally.Rejected; len(r) != 1 || r[0].Leaf != own.LeafHash() || !errors.Is(r[0].Reason, statement.ErrOwnReview) {
		t.Errorf("rejected %+v", r)
	}
}

func TestReleased(t *testing.T) {
	h := newHouse(t)
	urgent := func(s *S) { s.Emergency, s.Ground = true, ref("danger to life") }
	bob, carol := h.decide(statement.Approve, "bob", nil), h.decide(statement.Approve, "carol", nil)
	inDanger := h.decide(statement.Approve, "gina", urgent)
	inDanger2 := h.decide(statement.Approve, "carol", urgent)
	withdrawn := h.decide(statement.Withdraw, "dave", nil)
	refused := h.decide(statement.Refuse, "dave", nil)
	one, two := ref(int64(1)), ref(int64(2))
	for _, c := range []struct {
		name            string
		signed          []*sign.Signed
		persons         int64
		emergency       *int64
		ok, byEmergency bool
	}{
		{"nobody", nil, 1, nil, false, false},
		{"nobody, in danger", nil, 1, one, false, false},
		{"one of two", []*sign.Signed{bob}, 2, nil, false, false},
		{"two of two", []*sign.Signed{bob, carol}, 2, nil, true, false},
		{"two of one", []*sign.Signed{bob, carol}, 1, nil, true, false},
		{"one of two, who does not invoke it", []*sign.Signed{bob}, 2, one, false, false},
		{"one of two, who invokes it", []*sign.Signed{inDanger}, 2, one, true, true},
		{"one of two, where there is no such rule", []*sign.Signed{inDanger}, 2, nil, false, false},
		{"one of two that must invoke it", []*sign.Signed{inDanger, bob}, 3, two, false, false},
		{"two of two that must invoke it", []*sign.Signed{inDanger, inDanger2}, 3, two, true, true},
		{"all, one of whom invokes it", []*sign.Signed{inDanger, bob}, 2, one, true, false},
		{"withdrawn", []*sign.Signed{bob, carol, inDanger, withdrawn}, 2, one, false, false},
		{"refused", []*sign.Signed{bob, carol, inDanger, refused}, 2, one, false, false},
		{"no number", []*sign.Signed{bob}, 0, nil, false, false},
		{"no number in danger", []*sign.Signed{bob}, 2, ref(int64(0)), false, false},
	} {
		ok, byEmergency := h.count(c.signed...).Released(c.persons, c.emergency)
		if ok != c.ok || byEmergency != c.byEmergency {
			t.Errorf("%s: %v, by emergency %v", c.name, ok, byEmergency)
		}
	}
}

func TestEnds(t *testing.T) {
	h := newHouse(t)
	at := func(n int) func(*S) { return func(s *S) { s.Time = sign.At(start.Add(time.Duration(n) * hour)) } }
	first := h.decide(statement.Supersede, "dave", at(2))
	lifted := h.decide(statement.NoRefusal, "gina", at(3))
	signed := []*sign.Signed{
		h.decide(statement.Withdraw, "dave", at(4)), h.decide(statement.NoRefusal, "dave", at(5)), first, lifted,
	}
	for range 2 {
		tally := h.count(signed...)
		if tally.Ended == nil || tally.Ended.SHA256 != first.Digest() || tally.Ended.Leaf != first.LeafHash() {
			t.Errorf("ended by %+v", tally.Ended)
		}
		if tally.NoRefusal == nil || tally.NoRefusal.SHA256 != lifted.Digest() {
			t.Errorf("hold ended by %+v", tally.NoRefusal)
		}
		slices.Reverse(signed)
	}
}
