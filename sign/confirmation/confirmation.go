// Package confirmation is a second admin's signature under what a first one
// has signed: a keyring entry or a policy (FORMAT section 5.1).
//
// It is the text alone. Whether a confirmation counts is for who knows the
// admins to say: package keyring.
package confirmation

import (
	"fmt"
	"time"

	"exhibit/sign"
)

// Type is the type of a confirmation's text.
const Type = "exhibit/confirmation/v1"

// MaxProvider bounds the provider's name, in bytes.
const MaxProvider = 4096

// A Confirmation says that an admin agrees with a text.
type Confirmation struct {
	Type     string `json:"type"`
	Provider string `json:"provider"`
	// Text is the digest of the text that is confirmed.
	Text sign.Digest `json:"text"`
	// Time of signing.
	Time sign.Time `json:"time"`
	// Signer is the fingerprint of the admin's key.
	Signer string `json:"signer"`
}

// New returns the text that confirms, for a provider and at the given time,
// the text of that digest. It refuses, with a *sign.MemberError, what Parse
// would refuse.
func New(provider string, text sign.Digest, at time.Time, signer string) ([]byte, error) {
	c := &Confirmation{Type: Type, Provider: provider, Text: text, Time: sign.At(at), Signer: signer}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("confirmation: %w", err)
	}
	return sign.MarshalDocument(c)
}

// Parse reads the text of a confirmation. Errors are those of
// sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Confirmation, error) {
	c := new(Confirmation)
	if err := sign.UnmarshalDocument(text, Type, c); err != nil {
		return nil, fmt.Errorf("confirmation: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("confirmation: %w", err)
	}
	return c, nil
}

func (c *Confirmation) check() error {
	if n := len(c.Provider); n == 0 || n > MaxProvider {
		return sign.BadMember("provider", "%d bytes, want 1 to %d", n, MaxProvider)
	}
	return sign.CheckSigner("signer", c.Signer)
}
