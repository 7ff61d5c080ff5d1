package statement

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exhibit/sign"
)

// check returns a *sign.MemberError if a member is not as FORMAT section 7 has
// it, as far as the text alone can tell.
func (s *Statement) check() error {
	switch {
	case s.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case !s.Decision.known():
		return sign.BadMember("decision", "unknown decision %.40q", string(s.Decision))
	case s.Provider == "":
		return sign.BadMember("provider", "is empty")
	case s.Order.Reference == "":
		return sign.BadMember("order.reference", "is empty")
	}
	for _, check := range []func() error{s.checkApproval, s.checkReview, s.checkSuccessor, s.checkGround} {
		if err := check(); err != nil {
			return err
		}
	}
	return s.Person.Check("person")
}

func (d Decision) known() bool {
	return d.Review() || d.Ends() || d == Approve || d == NoRefusal
}

// only checks that a member is there, or null, as the decision has it.
func (s *Statement) only(member string, there, wanted bool) error {
	switch {
	case there && !wanted:
		return sign.BadMember(member, "is not for %s", s.Decision)
	case !there && wanted:
		return sign.BadMember(member, "is missing for %s", s.Decision)
	}
	return nil
}

// checkApproval checks the members that only an approval has.
func (s *Statement) checkApproval() error {
	approve := s.Decision == Approve
	if err := s.only("sequence", s.Sequence != nil, approve); err != nil {
		return err
	}
	if err := s.only("review", s.Review != nil, approve); err != nil {
		return err
	}
	if !approve {
		switch {
		case s.Supersedes != nil:
			return s.only("supersedes", true, false)
		case s.Emergency:
			return s.only("emergency", true, false)
		case s.Expires != nil:
			return s.only("expires", true, false)
		}
		return nil
	}
	switch {
	case *s.Sequence < 1 || *s.Sequence > sign.MaxNumber:
		return sign.BadMember("sequence", "%d, counted from 1", *s.Sequence)
	case (s.Supersedes == nil) != (*s.Sequence == 1):
		return sign.BadMember("supersedes", "is null exactly when sequence is 1")
	case s.Expires != nil && !s.Time.Before(*s.Expires):
		return sign.BadMember("expires", "is not after time")
	}
	return nil
}

// checkReview checks the members that only a review has which accepts.
func (s *Statement) checkReview() error {
	for _, m := range []struct {
		member        string
		there, wanted bool
	}{
		{"narrowing", s.Narrowing != nil, s.Decision == AcceptInPart},
		{"entire", s.Entire != nil, s.Decision.Accepts()},
		{"admitted", s.Admitted != nil, s.Decision.Accepts()},
	} {
		if err := s.only(m.member, m.there, m.wanted); err != nil {
			return err
		}
	}
	for i, account := range s.Entire {
		path := fmt.Sprintf("entire[%d]", i)
		switch {
		case account == "":
			return sign.BadMember(path, "is empty")
		case i > 0 && s.Entire[i-1] >= account:
			return sign.BadMember(path, "not sorted, or twice")
		}
	}
	if err := s.checkNarrowing(); err != nil {
		return err
	}
	return s.checkAdmitted()
}

func (s *Statement) checkNarrowing() error {
	if s.Decision != AcceptInPart {
		return nil
	}
	if len(s.Narrowing) == 0 {
		return sign.BadMember("narrowing", "is empty: that is a refusal")
	}
	seen := make(map[string]bool)
	var entire []string
	for i := range s.Narrowing {
		n, path := &s.Narrowing[i], fmt.Sprintf("narrowing[%d]", i)
		if err := n.check(path); err != nil {
			return err
		}
		if seen[n.Account] {
			return sign.BadMember(path+".account", "%.80q is there twice", n.Account)
		}
		seen[n.Account] = true
		if n.Entire {
			entire = append(entire, n.Account)
		}
	}
	if slices.Sort(entire); !slices.Equal(entire, s.Entire) {
		return sign.BadMember("entire", "are not the accounts that narrowing gives entire")
	}
	return nil
}

func (n *Narrowed) check(path string) error {
	switch {
	case n.Account == "":
		return sign.BadMember(path+".account", "is empty")
	case n.Entire && n.From != nil:
		return sign.BadMember(path+".from", "is null for an entire account")
	case n.Entire && n.Until != nil:
		return sign.BadMember(path+".until", "is null for an entire account")
	case !n.Entire && n.From == nil:
		return sign.BadMember(path+".from", "is missing")
	case !n.Entire && n.Until == nil:
		return sign.BadMember(path+".until", "is missing")
	case !n.Entire && !n.From.Before(*n.Until):
		return sign.BadMember(path+".until", "is not after from")
	case len(n.Categories) == 0:
		return sign.BadMember(path+".categories", "is empty")
	}
	for i, c := range n.Categories {
		at := fmt.Sprintf("%s.categories[%d]", path, i)
		switch {
		case c != Subscriber && c != Traffic && c != Content:
			return sign.BadMember(at, "unknown category %.40q", c)
		case slices.Contains(n.Categories[:i], c):
			return sign.BadMember(at, "%s is there twice", c)
		}
	}
	return nil
}

func (s *Statement) checkAdmitted() error {
	if n := len(s.Admitted); n > MaxAdmitted {
		return sign.BadMember("admitted", "%d items, want at most %d", n, MaxAdmitted)
	}
	for i, a := range s.Admitted {
		path := fmt.Sprintf("admitted[%d]", i)
		switch {
		case a.Account == "":
			return sign.BadMember(path+".account", "is empty")
		case a.Ground == "" || len(a.Ground) > MaxGround:
			return sign.BadMember(path+".ground", "%d bytes, want 1 to %d", len(a.Ground), MaxGround)
		case i > 0 && compareAdmitted(s.Admitted[i-1], a) >= 0:
			return sign.BadMember(path, "not sorted by account and digest, or twice")
		}
	}
	return nil
}

// SortAdmitted puts admitted items into the order that a statement has them in.
func SortAdmitted(list []Admitted) { slices.SortFunc(list, compareAdmitted) }

func compareAdmitted(a, b Admitted) int {
	return cmp.Or(strings.Compare(a.Account, b.Account), bytes.Compare(a.SHA256[:], b.SHA256[:]))
}

func (s *Statement) checkSuccessor() error {
	return s.only("successor", s.Successor != nil, s.Decision == Supersede)
}

func (s *Statement) checkGround() error {
	if s.Ground == nil {
		optional := s.Decision == Accept || s.Decision == Approve && !s.Emergency
		return s.only("ground", false, !optional)
	}
	if n := len(*s.Ground); n < 1 || n > MaxGround {
		return sign.BadMember("ground", "%d bytes, want 1 to %d", n, MaxGround)
	}
	return nil
}
