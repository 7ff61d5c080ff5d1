package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/keyring"
)

// Why there is no policy in force, or a text does not count as one.
var (
	// ErrNone: no policy counts.
	ErrNone = errors.New("no policy is in force")
	// ErrAmbiguous: two texts of the highest serial count.
	ErrAmbiguous = errors.New("two policies of one serial")
	// ErrRevoked: a policy of a higher serial than any that counts had two admins,
	// but for a revocation. One admin revokes, at whatever time that admin writes
	// down: that brings no earlier policy back.
	ErrRevoked = errors.New("the latest policy has lost an admin to a revocation")
	// ErrProvider: the text is another provider's.
	ErrProvider = errors.New("policy of another provider")
)

// A Rejected is a signed file that counts neither as a policy nor as a
// confirmation of one.
type Rejected struct {
	Leaf sign.Digest
	// Reason is never nil.
	Reason error
}

// A Pending is a policy that one admin has signed and no second one has
// confirmed. It is good for nothing yet.
type Pending struct {
	Policy
	// Digest of the policy's text: what a confirmation names.
	Digest sign.Digest
	// Leaf is the leaf hash of its signed file.
	Leaf sign.Digest
}

// Current is the policy in force.
type Current struct {
	Policy
	// Digest of the policy's text: the policy digest of other texts.
	Digest sign.Digest
	// Since is the time from which it counts: its confirmation's.
	Since sign.Time
	// ConfirmedBy is the fingerprint of the second admin's key.
	ConfirmedBy string
	// Pending are those of a higher serial, by serial.
	Pending []Pending
	// Rejected are the other files that do not count.
	Rejected []Rejected
}

// InForce returns the policy of the highest serial among those that count:
// signed by one admin and confirmed by another, as FORMAT section 6 has it.
// signed are policies and confirmations, in any order; now is the present time.
// Errors are ErrNone, joined by ErrOldVersion if there is but a policy of an
// earlier format, ErrAmbiguous, and ErrRevoked, both with the serial that is; what is pending or does not count comes
// with either.
func InForce(signed []*sign.Signed, keys *keyring.Keyring, now time.Time) (*Current, error) {
	j := &judge{
		keys: keys, now: now, current: new(Current),
		confirmations: make(map[sign.Digest][]*sign.Signed), signed: make(map[sign.Digest]signedPolicy),
	}
	for _, s := range signed {
		if s.Type() == confirmation.Type {
			j.sort(s)
		}
	}
	for _, s := range signed {
		if s.Type() != confirmation.Type {
			j.count(s)
		}
	}
	j.finish()
	c := j.current
	switch {
	case j.lost > 0 && j.lost >= c.Serial:
		lost := &Current{Pending: c.Pending, Rejected: c.Rejected}
		lost.Serial = j.lost
		if c.Serial == 0 {
			return lost, fmt.Errorf("%w: %w: serial %d", ErrNone, ErrRevoked, j.lost)
		}
		return lost, fmt.Errorf("%w: serial %d", ErrRevoked, j.lost)
	case c.Serial == 0 && slices.ContainsFunc(c.Rejected, func(r Rejected) bool { return errors.Is(r.Reason, ErrOldVersion) }):
		return c, fmt.Errorf("%w: %w", ErrNone, ErrOldVersion)
	case c.Serial == 0:
		return c, ErrNone
	case j.ambiguous:
		return c, fmt.Errorf("%w: serial %d", ErrAmbiguous, c.Serial)
	}
	return c, nil
}

// judge applies the rules of FORMAT section 6.
type judge struct {
	keys      *keyring.Keyring
	now       time.Time
	current   *Current
	ambiguous bool
	// lost is the highest serial of those that two admins have signed, and that do
	// not count for a revocation; or 0.
	lost int64
	// confirmations by the digest of what they confirm.
	confirmations map[sign.Digest][]*sign.Signed
	// signed are the policies that a valid admin has signed, by their digest.
	signed map[sign.Digest]signedPolicy
	// unconfirmed are those among them of which no confirmation counts.
	unconfirmed []unconfirmed
}

type signedPolicy struct {
	policy *Policy
	file   *sign.Signed
}

type unconfirmed struct {
	Pending
	reason error
}

func (j *judge) reject(s *sign.Signed, reason error) {
	j.current.Rejected = append(j.current.Rejected, Rejected{s.LeafHash(), reason})
}

// sort takes in a confirmation.
func (j *judge) sort(s *sign.Signed) {
	c, err := confirmation.Parse(s.Text)
	if err == nil && c.Provider != j.keys.Provider() {
		err = fmt.Errorf("%w: %.80q", ErrProvider, c.Provider)
	}
	if err != nil {
		j.reject(s, err)
		return
	}
	j.confirmations[c.Text] = append(j.confirmations[c.Text], s)
}

// count takes in any other text, with all confirmations at hand.
func (j *judge) count(s *sign.Signed) {
	p, err := Parse(s.Text)
	if err == nil && p.Provider != j.keys.Provider() {
		err = fmt.Errorf("%w: %.80q", ErrProvider, p.Provider)
	}
	if err != nil {
		j.reject(s, err)
		return
	}
	digest := s.Digest()
	since, by, err := j.twoAdmins(signedPolicy{p, s}, j.confirmations[digest])
	if err != nil && j.keys.TwoAdminsOnce(s.Text, s.Signature, p.Time, p.Signer, j.confirmations[digest], j.now) == nil {
		j.lost = max(j.lost, p.Serial)
	}
	switch {
	case err == nil:
		j.take(p, digest, since, by)
	case errors.Is(err, keyring.ErrUnconfirmed):
		j.unconfirmed = append(j.unconfirmed, unconfirmed{Pending{*p, digest, s.LeafHash()}, err})
	default:
		j.reject(s, fmt.Errorf("policy %d: %w", p.Serial, err))
		return
	}
	j.signed[digest] = signedPolicy{p, s}
}

func (j *judge) twoAdmins(p signedPolicy, confirmations []*sign.Signed) (sign.Time, string, error) {
	return j.keys.TwoAdmins(p.file.Text, p.file.Signature, p.policy.Time, p.policy.Signer, confirmations, j.now)
}

// take takes in a policy that counts. Of two that contend the one of the lesser
// digest is kept, so that the order of the files does not matter.
func (j *judge) take(p *Policy, digest sign.Digest, since sign.Time, by string) {
	c := j.current
	order := bytes.Compare(digest[:], c.Digest[:])
	switch {
	case p.Serial > c.Serial:
		j.ambiguous = false
	case p.Serial == c.Serial && order != 0:
		j.ambiguous = true
	}
	if p.Serial > c.Serial || p.Serial == c.Serial && order < 0 {
		c.Policy, c.Digest, c.Since, c.ConfirmedBy = *p, digest, since, by
	}
}

// finish sorts out what is left when the policy in force is known.
func (j *judge) finish() {
	c := j.current
	slices.SortFunc(j.unconfirmed, func(a, b unconfirmed) int {
		return cmp.Or(cmp.Compare(a.Serial, b.Serial), bytes.Compare(a.Digest[:], b.Digest[:]), bytes.Compare(a.Leaf[:], b.Leaf[:]))
	})
	for i, u := range j.unconfirmed {
		switch {
		case u.Serial <= c.Serial:
			c.Rejected = append(c.Rejected, Rejected{u.Leaf, fmt.Errorf("policy %d: %w", u.Serial, u.reason)})
		case i == 0 || j.unconfirmed[i-1].Digest != u.Digest: // a text in two files is one
			c.Pending = append(c.Pending, u.Pending)
		}
	}
	j.rejectConfirmations()
	slices.SortFunc(c.Rejected, func(a, b Rejected) int {
		return cmp.Or(bytes.Compare(a.Leaf[:], b.Leaf[:]), strings.Compare(a.Reason.Error(), b.Reason.Error()))
	})
}

// rejectConfirmations reports those that would not count alone. One that comes
// after another is superfluous, and no fault.
func (j *judge) rejectConfirmations() {
	for digest, files := range j.confirmations {
		p, known := j.signed[digest]
		for _, s := range files {
			if !known {
				j.reject(s, fmt.Errorf("%w: policy %s", keyring.ErrNothingConfirmed, digest))
				continue
			}
			if _, _, err := j.twoAdmins(p, []*sign.Signed{s}); err != nil {
				j.reject(s, err)
			}
		}
	}
}
