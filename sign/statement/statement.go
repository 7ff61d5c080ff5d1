// Package statement is the signed decisions of persons about an order, and
// how they are counted (FORMAT section 7).
package statement

import (
	"fmt"

	"exhibit/sign"
)

// Type is the type of a statement's text.
const Type = "exhibit/statement/v1"

// MaxGround bounds the ground of a decision, in bytes.
const MaxGround = 64 << 10

// A Decision is what a statement decides.
type Decision string

// Approve permits one package. Other decisions are reserved.
const Approve Decision = "approve"

// A Statement is one person's decision about one order.
type Statement struct {
	Type     string   `json:"type"`
	Decision Decision `json:"decision"`
	Provider string   `json:"provider"`
	Order    Order    `json:"order"`
	// Policy is the digest of the policy that the person knew.
	Policy sign.Digest `json:"policy"`
	// Sequence says which package of the order is meant, from 1.
	Sequence int64 `json:"sequence"`
	// Supersedes is the package that this one takes the place of; nil exactly
	// when Sequence is 1.
	Supersedes *sign.ID `json:"supersedes"`
	// Expires is when the statement ceases to count, or nil.
	Expires *sign.Time  `json:"expires"`
	Person  sign.Person `json:"person"`
	Ground  *string     `json:"ground"`
	// Time of signing.
	Time sign.Time `json:"time"`
}

// An Order is the order that is meant: its reference as written in it, and the
// digest of its exact bytes.
type Order struct {
	Reference string      `json:"reference"`
	SHA256    sign.Digest `json:"sha256"`
}

// Marshal returns the text of s, whose type it sets. It refuses what Parse
// would refuse.
func (s Statement) Marshal() ([]byte, error) {
	s.Type = Type
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return sign.MarshalDocument(&s)
}

// Parse reads the text of a statement. Errors are those of
// sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Statement, error) {
	s := new(Statement)
	if err := sign.UnmarshalDocument(text, Type, s); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return s, nil
}

func (s *Statement) check() error {
	switch {
	case s.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case s.Decision != Approve:
		return sign.BadMember("decision", "unknown decision %.40q", string(s.Decision))
	case s.Provider == "":
		return sign.BadMember("provider", "is empty")
	case s.Order.Reference == "":
		return sign.BadMember("order.reference", "is empty")
	case s.Sequence < 1 || s.Sequence > sign.MaxNumber:
		return sign.BadMember("sequence", "%d, counted from 1", s.Sequence)
	case (s.Supersedes == nil) != (s.Sequence == 1):
		return sign.BadMember("supersedes", "is null exactly when sequence is 1")
	case s.Expires != nil && !s.Time.Before(*s.Expires):
		return sign.BadMember("expires", "is not after time")
	case s.Ground != nil && (*s.Ground == "" || len(*s.Ground) > MaxGround):
		return sign.BadMember("ground", "%d bytes", len(*s.Ground))
	}
	return s.Person.Check("person")
}
