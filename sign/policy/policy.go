// Package policy is what a provider's admins have laid down for every export:
// how many must approve, which keys content may be encrypted to, how volumes
// are cut (FORMAT section 6).
package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Type is the type of a policy's text.
const Type = "exhibit/policy/v1"

// Bounds of the members.
const (
	MinApprovals   = 1
	MaxApprovals   = 10
	MinVolumeBytes = 1 << 20
	MaxVolumeBytes = 1 << 36
)

var (
	// ErrNone: no policy counts.
	ErrNone = errors.New("no policy is in force")
	// ErrAmbiguous: two texts of the highest serial count.
	ErrAmbiguous = errors.New("two policies of one serial")
	// ErrProvider: the policy is another provider's.
	ErrProvider = errors.New("policy of another provider")
)

// A Policy is one text of the policy.
type Policy struct {
	Type     string `json:"type"`
	Provider string `json:"provider"`
	// Serial counts the provider's policies from 1.
	Serial int64 `json:"serial"`
	// Approvals is how many different persons must approve an order.
	Approvals int64 `json:"approvals"`
	// KeyKinds are sorted.
	KeyKinds []sign.KeyKind `json:"key_kinds"`
	// VolumeBytes is a soft bound on one volume's zstd stream.
	VolumeBytes int64 `json:"volume_bytes"`
	Padding     bool  `json:"padding"`
	// Time of signing.
	Time sign.Time `json:"time"`
	// Signer is the fingerprint of the admin's key.
	Signer string `json:"signer"`
}

// Parse reads the text of a policy. Errors are those of
// sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Policy, error) {
	p := new(Policy)
	if err := sign.UnmarshalDocument(text, Type, p); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return p, nil
}

// Marshal returns the text of p, whose type it sets. It refuses what Parse
// would refuse.
func (p Policy) Marshal() ([]byte, error) {
	p.Type = Type
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return sign.MarshalDocument(&p)
}

// Check returns a *sign.MemberError if a member is out of its bounds.
func (p *Policy) Check() error {
	switch {
	case p.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case p.Provider == "":
		return sign.BadMember("provider", "is empty")
	case p.Serial < 1 || p.Serial > sign.MaxNumber:
		return sign.BadMember("serial", "%d, counted from 1", p.Serial)
	case p.Approvals < MinApprovals || p.Approvals > MaxApprovals:
		return sign.BadMember("approvals", "%d, want %d to %d", p.Approvals, MinApprovals, MaxApprovals)
	case p.VolumeBytes < MinVolumeBytes || p.VolumeBytes > MaxVolumeBytes:
		return sign.BadMember("volume_bytes", "%d, want %d to %d", p.VolumeBytes, MinVolumeBytes, int64(MaxVolumeBytes))
	case len(p.KeyKinds) == 0:
		return sign.BadMember("key_kinds", "is empty")
	}
	for i, kind := range p.KeyKinds {
		if !kind.Valid() {
			return sign.BadMember("key_kinds", "unknown key kind %.40q", string(kind))
		}
		if i > 0 && p.KeyKinds[i-1] >= kind {
			return sign.BadMember("key_kinds", "not sorted, or twice")
		}
	}
	return sign.CheckSigner("signer", p.Signer)
}

// Allows reports whether content may be encrypted to keys of that kind.
func (p *Policy) Allows(kind sign.KeyKind) bool { return slices.Contains(p.KeyKinds, kind) }

// A Rejected is a signed file that does not count as a policy.
type Rejected struct {
	Leaf   sign.Digest
	Reason error
}

// Current is the policy in force.
type Current struct {
	Policy
	// Digest of the policy's text: the policy digest of other texts.
	Digest sign.Digest
	// Rejected are the other texts that do not count.
	Rejected []Rejected
}

// InForce returns the policy of the highest serial among those that count:
// signed, as they say, by a key that was valid as an admin's. now is the
// present time. Errors are ErrNone and ErrAmbiguous; texts that do not count
// come with either.
func InForce(signed []*sign.Signed, keys *keyring.Keyring, now time.Time) (*Current, error) {
	c := new(Current)
	ambiguous := false
	for _, s := range signed {
		p, err := count(s, keys, now)
		if err != nil {
			c.Rejected = append(c.Rejected, Rejected{s.LeafHash(), err})
			continue
		}
		digest := s.Digest()
		switch {
		case p.Serial > c.Serial:
			c.Policy, c.Digest, ambiguous = *p, digest, false
		case p.Serial == c.Serial && digest != c.Digest:
			ambiguous = true
		}
	}
	switch {
	case c.Serial == 0:
		return c, ErrNone
	case ambiguous:
		return c, fmt.Errorf("%w: serial %d", ErrAmbiguous, c.Serial)
	}
	return c, nil
}

func count(s *sign.Signed, keys *keyring.Keyring, now time.Time) (*Policy, error) {
	p, err := Parse(s.Text)
	if err != nil {
		return nil, err
	}
	if p.Provider != keys.Provider() {
		return nil, fmt.Errorf("%w: %.80q", ErrProvider, p.Provider)
	}
	key, err := keys.Verify(s.Text, s.Signature, sign.Admin, p.Time, now)
	if err != nil {
		return nil, fmt.Errorf("policy %d: %w", p.Serial, err)
	}
	if key.Entry.Fingerprint != p.Signer {
		return nil, fmt.Errorf("policy %d: %w", p.Serial, sign.BadMember("signer", "is not the key that signed"))
	}
	return p, nil
}
