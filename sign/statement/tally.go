package statement

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"exhibit/sign"
)

// A Tally is what the statements that count decide about one order.
type Tally struct {
	// Review is the review in force, or nil.
	Review *Counted
	// Contested says that there is no review in force because several texts are
	// of the latest second.
	Contested bool
	// Reviews are all that count, in order of time.
	Reviews []Counted
	// Approvals count for the package at hand: one for each holder, the
	// earliest, in order of time.
	Approvals []Counted
	// Ended is the earliest statement that ends the order for good, or nil.
	Ended *Counted
	// NoRefusal is the earliest statement that ends a hold, from its time on, or nil.
	NoRefusal *Counted
	// Rejected are the statements that do not count.
	Rejected []Rejected
}

// A Counted is a statement that counts.
type Counted struct {
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

// Released reports whether the package at hand may leave as far as statements
// say: as many as persons approve it; or, byEmergency, as many as emergency
// invoke the emergency rule. emergency is nil unless the policy has that rule and
// the order is of priority emergency. An order that was ended never leaves.
func (t *Tally) Released(persons int64, emergency *int64) (ok, byEmergency bool) {
	if t.Ended != nil || t.Review == nil || persons < 1 {
		return false, false
	}
	if int64(len(t.Approvals)) >= persons {
		return true, false
	}
	if emergency == nil || *emergency < 1 {
		return false, false
	}
	invoked := int64(0)
	for _, a := range t.Approvals {
		if a.Statement.Emergency {
			invoked++
		}
	}
	byEmergency = invoked >= *emergency
	return byEmergency, byEmergency
}

// sort takes in what counts, in order of time, and returns the approvals.
func (t *Tally) sort(all []Counted) (approvals []Counted) {
	for i := range all {
		switch d := all[i].Statement.Decision; {
		case d == Approve:
			approvals = append(approvals, all[i])
		case d.Review():
			t.Reviews = append(t.Reviews, all[i])
		case d.Ends() && t.Ended == nil:
			t.Ended = &all[i]
		case d == NoRefusal && t.NoRefusal == nil:
			t.NoRefusal = &all[i]
		}
	}
	return approvals
}

// findReview finds the latest review, unless its second has several, or it accepts
// and its key is no longer valid: then there is none, whatever was before it.
func (t *Tally) findReview(c *Context) {
	n := len(t.Reviews)
	switch {
	case n == 0:
	case n > 1 && t.Reviews[n-2].Statement.Time == t.Reviews[n-1].Statement.Time:
		t.Contested = true
	default:
		last := &t.Reviews[n-1]
		err := c.Keyring.Valid(last.Statement.Person.Fingerprint, sign.Reviewer, c.Now)
		if err != nil && last.Statement.Decision.Accepts() {
			t.reject(last.Leaf, &last.Statement, err)
			return
		}
		t.Review = last
	}
}

// approve takes in approvals, in order of time.
func (t *Tally) approve(approvals []Counted, c *Context) {
	counted := make(map[string]bool)
	for i := range approvals {
		a := &approvals[i]
		holder := a.Statement.Person.Holder
		err := c.checkApproval(&a.Statement, t.Review)
		if err == nil && counted[holder] {
			err = fmt.Errorf("%w: %.80q", ErrAgain, holder)
		}
		if err != nil {
			t.reject(a.Leaf, &a.Statement, err)
			continue
		}
		counted[holder] = true
		t.Approvals = append(t.Approvals, *a)
	}
}

func (t *Tally) reject(leaf sign.Digest, st *Statement, reason error) {
	t.Rejected = append(t.Rejected, Rejected{leaf, st, reason})
}

// compare orders statements by time, so that it does not matter in which order
// their files come.
func (c Counted) compare(d Counted) int {
	return cmp.Or(
		c.Statement.Time.Compare(d.Statement.Time), strings.Compare(c.Statement.Person.Name, d.Statement.Person.Name),
		bytes.Compare(c.SHA256[:], d.SHA256[:]), bytes.Compare(c.Leaf[:], d.Leaf[:]),
	)
}

func (r Rejected) compare(s Rejected) int {
	return cmp.Or(bytes.Compare(r.Leaf[:], s.Leaf[:]), strings.Compare(r.Reason.Error(), s.Reason.Error()))
}
