package statement

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Why a statement does not count as an approval of the export at hand.
var (
	// ErrOther: it is about something else. The error names the member.
	ErrOther = errors.New("statement about another export")
	// ErrExpired: its time has run out.
	ErrExpired = errors.New("statement has expired")
	// ErrPerson: its person is not who the keyring says.
	ErrPerson = errors.New("person is not as in the keyring")
	// ErrAgain: its holder has approved already.
	ErrAgain = errors.New("holder is counted already")
)

// Context is the export at hand.
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

// An Approval is a statement that counts.
type Approval struct {
	Statement Statement
	// SHA256 is the digest of the statement's text.
	SHA256 sign.Digest
	// Leaf is the leaf hash of its signed file.
	Leaf sign.Digest
}

// A Rejected is a statement that does not count.
type Rejected struct {
	Leaf sign.Digest
	// Statement is what the text says, or nil if it cannot be read.
	Statement *Statement
	// Reason is never nil.
	Reason error
}

// Count returns the approvals that count for the export at hand, one for each
// holder, the earliest, in order of time; and the statements that do not.
// Signed texts of other types, as custody records, are passed over: they are
// neither.
func Count(signed []*sign.Signed, c Context) (approvals []Approval, rejected []Rejected) {
	for _, s := range signed {
		if s.Type() != Type {
			continue
		}
		st, err := c.count(s)
		if err != nil {
			rejected = append(rejected, Rejected{s.LeafHash(), st, err})
			continue
		}
		approvals = append(approvals, Approval{*st, s.Digest(), s.LeafHash()})
	}
	slices.SortFunc(approvals, func(a, b Approval) int {
		if n := a.Statement.Time.Compare(b.Statement.Time); n != 0 {
			return n
		}
		if n := strings.Compare(a.Statement.Person.Name, b.Statement.Person.Name); n != 0 {
			return n
		}
		return bytes.Compare(a.Leaf[:], b.Leaf[:])
	})
	counted := make(map[string]bool)
	approvals = slices.DeleteFunc(approvals, func(a Approval) bool {
		holder := a.Statement.Person.Holder
		if counted[holder] {
			rejected = append(rejected, Rejected{a.Leaf, &a.Statement, fmt.Errorf("%w: %.80q", ErrAgain, holder)})
			return true
		}
		counted[holder] = true
		return false
	})
	slices.SortFunc(rejected, func(a, b Rejected) int { return bytes.Compare(a.Leaf[:], b.Leaf[:]) })
	return approvals, rejected
}

// count checks everything about one statement but how often its holder occurs.
func (c *Context) count(s *sign.Signed) (*Statement, error) {
	st, err := Parse(s.Text)
	if err != nil {
		return nil, err
	}
	if err := c.matches(st); err != nil {
		return st, err
	}
	if st.Expires != nil && !c.Now.Before(st.Expires.Time()) {
		return st, fmt.Errorf("%w, at %s", ErrExpired, st.Expires)
	}
	key, err := c.Keyring.Verify(s.Text, s.Signature, sign.Approver, st.Time, c.Now)
	if err != nil {
		return st, err
	}
	if err := c.Keyring.Valid(key.Entry.Fingerprint, sign.Approver, c.Now); err != nil {
		return st, err
	}
	if st.Person != key.Person(sign.Approver) {
		return st, fmt.Errorf("%w: %s is held by %.80q as %s", ErrPerson, key.Entry.Fingerprint, key.Entry.Holder, sign.Approver)
	}
	return st, nil
}

// matches checks that the statement is about the export at hand.
func (c *Context) matches(st *Statement) error {
	for _, m := range []struct {
		member string
		same   bool
	}{
		{"provider", st.Provider == c.Provider && c.Provider == c.Keyring.Provider()},
		{"order.reference", st.Order.Reference == c.Order.Reference},
		{"order.sha256", st.Order.SHA256 == c.Order.SHA256},
		{"policy", st.Policy == c.Policy},
		{"sequence", st.Sequence == c.Sequence},
		{"supersedes", sameID(st.Supersedes, c.Supersedes)},
	} {
		if !m.same {
			return fmt.Errorf("%w: %s", ErrOther, m.member)
		}
	}
	return nil
}

func sameID(a, b *sign.ID) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return *a == *b
}
