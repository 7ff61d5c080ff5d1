package statement

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Why a statement does not count.
var (
	// ErrOther: it is about something else. The error names the member.
	ErrOther = errors.New("statement about another export")
	// ErrExpired: its time has run out.
	ErrExpired = errors.New("statement has expired")
	// ErrPerson: its person is not who the keyring says.
	ErrPerson = errors.New("person is not as in the keyring")
	// ErrAgain: its holder has approved already.
	ErrAgain = errors.New("holder is counted already")
	// ErrOwnReview: it approves what its own holder has reviewed.
	ErrOwnReview = errors.New("approval of one's own review")
	// ErrRefused: it approves what the review in force refuses.
	ErrRefused = errors.New("the review in force refuses the order")
)

// Context is the order and the package at hand.
type Context struct {
	Provider string
	Order    Order
	// Policy is the digest of the policy in force.
	Policy sign.Digest
	// Sequence says which package of the order it is to be, from 1, and
	// Supersedes which one it takes the place of, if not the first.
	Sequence   int64
	Supersedes *sign.ID
	Keyring    *keyring.Keyring
	// Now is the present time.
	Now time.Time
}

// Count returns what is decided about the order at hand by the statements
// that count. signed are in any order. Signed texts of other types, as custody
// records, are passed over. A text in several files is one.
func Count(signed []*sign.Signed, c Context) *Tally {
	t := new(Tally)
	var all []Counted
	for _, s := range signed {
		if typ := s.Type(); typ != Type && typ != typeV1 {
			continue
		}
		st, err := c.count(s)
		if err != nil {
			t.reject(s.LeafHash(), st, err)
			continue
		}
		all = append(all, Counted{*st, s.Digest(), s.LeafHash()})
	}
	slices.SortFunc(all, Counted.compare)
	all = slices.CompactFunc(all, func(a, b Counted) bool { return a.SHA256 == b.SHA256 })
	approvals := t.sort(all)
	t.findReview(&c)
	t.approve(approvals, &c)
	slices.SortFunc(t.Rejected, Rejected.compare)
	return t
}

// count checks what holds for every statement: FORMAT section 7, "counts".
func (c *Context) count(s *sign.Signed) (*Statement, error) {
	st, err := Parse(s.Text)
	if err != nil {
		return nil, err
	}
	for _, m := range []struct {
		member string
		same   bool
	}{
		{"provider", st.Provider == c.Provider && c.Provider == c.Keyring.Provider()},
		{"order.reference", st.Order.Reference == c.Order.Reference},
		{"order.sha256", st.Order.SHA256 == c.Order.SHA256},
	} {
		if !m.same {
			return st, fmt.Errorf("%w: %s", ErrOther, m.member)
		}
	}
	return st, c.checkPerson(s, st)
}

// checkPerson checks who has signed, in which role, and that the key is valid.
func (c *Context) checkPerson(s *sign.Signed, st *Statement) error {
	role, err := st.role()
	if err != nil {
		return err
	}
	// What ends an order stays, and likewise a review: without it one that accepts
	// more could be in force again. So no admin alone undoes it with a revocation,
	// whatever time that is given.
	stops := st.Decision.Ends() || st.Decision.Review()
	verify := c.Keyring.Verify
	if stops {
		verify = c.Keyring.VerifyOnce
	}
	key, err := verify(s.Text, s.Signature, role, st.Time, c.Now)
	if err != nil {
		return err
	}
	if !stops {
		if err := c.Keyring.Valid(key.Entry.Fingerprint, role, c.Now); err != nil {
			return err
		}
	}
	if st.Person != key.Person(role) {
		return fmt.Errorf("%w: %s is held by %.80q as %s", ErrPerson, key.Entry.Fingerprint, key.Entry.Holder, role)
	}
	return nil
}

// role returns the role in which the statement must be signed.
func (s *Statement) role() (sign.Role, error) {
	switch {
	case s.Decision == Approve:
		return sign.Approver, nil
	case s.Decision.Review() || s.Decision == NoRefusal:
		return sign.Reviewer, nil
	}
	switch s.Person.Role {
	case sign.Reviewer, sign.Approver, sign.Fulfilment:
		return s.Person.Role, nil
	}
	return "", fmt.Errorf("%w for %s: %s", keyring.ErrRole, s.Decision, s.Person.Role)
}

// checkApproval checks what holds for approvals beyond what holds for every
// statement. review is the review in force, or nil.
func (c *Context) checkApproval(st *Statement, review *Counted) error {
	for _, m := range []struct {
		member string
		same   bool
	}{
		{"policy", st.Policy == c.Policy},
		{"sequence", *st.Sequence == c.Sequence},
		{"supersedes", sameID(st.Supersedes, c.Supersedes)},
		{"review", review != nil && *st.Review == review.SHA256},
	} {
		if !m.same {
			return fmt.Errorf("%w: %s", ErrOther, m.member)
		}
	}
	reviewer := review.Statement.Person
	switch {
	case !review.Statement.Decision.Accepts():
		return ErrRefused
	case st.Person.Holder == reviewer.Holder || st.Person.Fingerprint == reviewer.Fingerprint:
		return fmt.Errorf("%w: %.80q", ErrOwnReview, st.Person.Holder)
	case st.Expires != nil && !c.Now.Before(st.Expires.Time()):
		return fmt.Errorf("%w, at %s", ErrExpired, st.Expires)
	}
	return nil
}

func sameID(a, b *sign.ID) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return *a == *b
}
