package custody

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"exhibit/sign"
)

const claimType = "exhibit/claim/v1"

// A Claim fixes the package id of one order's package of that sequence (FORMAT
// section 12). It is not signed.
type Claim struct {
	Type     string  `json:"type"`
	Package  sign.ID `json:"package"`
	Sequence int64   `json:"sequence"`
}

// NewClaim returns the text of a claim.
func NewClaim(pkg sign.ID, sequence int64) ([]byte, error) {
	c := Claim{claimType, pkg, sequence}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return sign.MarshalDocument(&c)
}

// ParseClaim reads the text of a claim.
func ParseClaim(text []byte) (*Claim, error) {
	c := new(Claim)
	if err := sign.UnmarshalDocument(text, claimType, c); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return c, nil
}

func (c *Claim) check() error {
	if c.Sequence < 1 {
		return sign.BadMember("sequence", "%d, counted from 1", c.Sequence)
	}
	return nil
}

// ClaimKey names the object that claims the order's package of that sequence.
// key is the provider's claim key: who lacks it cannot tell an order by the name.
func ClaimKey(key [32]byte, order sign.Digest, sequence int64) string {
	m := hmac.New(sha256.New, key[:])
	m.Write(order[:])
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(sequence)))
	return "claims/" + hex.EncodeToString(m.Sum(nil))
}
