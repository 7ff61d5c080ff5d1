// Package statement is the signed decisions of persons about an order, and
// how they are counted (FORMAT section 7).
package statement

import (
	"errors"
	"fmt"

	"exhibit/sign"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Type is the type of a statement's text.
const Type = "exhibit/statement/v2"

// typeV1 is the type of the texts before. They are no longer read.
const typeV1 = "exhibit/statement/v1"

const (
	// MaxGround bounds a ground, in bytes.
	MaxGround = 64 << 10
	// MaxAdmitted bounds the items that one statement admits.
	MaxAdmitted = 10_000
)

// ErrOldVersion says that a statement is of an earlier format, which is no
// longer read: its person has to decide again.
var ErrOldVersion = errors.New("statement of an earlier format")

// A Decision is what a statement decides.
type Decision string

// The decisions. The first three are reviews.
const (
	// Accept and AcceptInPart say that the order is lawful, as it is or as
	// narrowed.
	Accept       Decision = "accept"
	AcceptInPart Decision = "accept-in-part"
	Refuse       Decision = "refuse"
	// Approve permits one package.
	Approve Decision = "approve"
	// NoRefusal says that the enforcing authority raises no ground for refusal:
	// it ends a hold.
	NoRefusal Decision = "no-refusal"
	// Withdraw and Supersede end the order for good.
	Withdraw  Decision = "withdraw"
	Supersede Decision = "supersede"
)

// Review reports whether d is the outcome of a review.
func (d Decision) Review() bool { return d == Refuse || d.Accepts() }

// Accepts reports whether d accepts an order, whole or in part.
func (d Decision) Accepts() bool { return d == Accept || d == AcceptInPart }

// Ends reports whether d ends an order.
func (d Decision) Ends() bool { return d == Withdraw || d == Supersede }

// The categories of data that a narrowing can name.
const (
	Subscriber = "subscriber"
	Traffic    = "traffic"
	Content    = "content"
)

// A Statement is one person's decision about one order. Its members stand in
// the order of the text.
type Statement struct {
	Type     string   `json:"type"`
	Decision Decision `json:"decision"`
	Provider string   `json:"provider"`
	Order    Order    `json:"order"`
	// Policy is the digest of the policy that was in force.
	Policy sign.Digest `json:"policy"`
	// Sequence says which package of the order is approved, from 1; nil but for
	// Approve.
	Sequence *int64 `json:"sequence"`
	// Supersedes is the package that the approved one takes the place of; nil
	// unless Sequence is above 1.
	Supersedes *sign.ID `json:"supersedes"`
	// Review is the digest of the text of the review that an approval builds on;
	// nil but for Approve.
	Review *sign.Digest `json:"review"`
	// Narrowing is all that is accepted, in the order's order of accounts; nil
	// but for AcceptInPart.
	Narrowing List[Narrowed] `json:"narrowing"`
	// Entire are the accounts that are accepted without limit of time, sorted;
	// nil but for Accept and AcceptInPart, which have it though it be empty.
	Entire List[string] `json:"entire"`
	// Admitted are items that count as in scope though they are undetermined,
	// sorted; nil but for Accept and AcceptInPart, which have it though it be
	// empty.
	Admitted List[Admitted] `json:"admitted"`
	// Emergency says that an approval invokes the emergency rule.
	Emergency bool `json:"emergency"`
	// Successor is the digest of the order that takes this one's place; nil but
	// for Supersede.
	Successor *sign.Digest `json:"successor"`
	// Expires is when an approval ceases to count, or nil.
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

// Narrowed is what is accepted of one account.
type Narrowed struct {
	Account string `json:"account"`
	// From is the first second inside the span, Until the first outside; both
	// are nil when the account is accepted Entire.
	From   *sign.Time `json:"from"`
	Until  *sign.Time `json:"until"`
	Entire bool       `json:"entire"`
	// Categories are Subscriber, Traffic and Content, in the order's order.
	Categories []string `json:"categories"`
}

// Admitted is an item that a reviewer has looked at and admits.
type Admitted struct {
	Account string `json:"account"`
	// SHA256 is the digest of the item's source bytes.
	SHA256 sign.Digest `json:"sha256"`
	Ground string      `json:"ground"`
}

// A List is a list that a text may leave out: nil is null, and an empty list
// is a list.
type List[T any] []T

// MarshalJSONTo implements json.MarshalerTo.
func (l List[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if l == nil {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, []T(l))
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

// Parse reads the text of a statement, and checks all that it alone can tell;
// whether a narrowing fits the order is for who has the order to say. Errors
// are ErrOldVersion, those of sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Statement, error) {
	s := new(Statement)
	if err := sign.UnmarshalDocument(text, Type, s); err != nil {
		var typ *sign.TypeError
		if errors.As(err, &typ) && typ.Got == typeV1 {
			return nil, fmt.Errorf("statement: %w: %w", ErrOldVersion, err)
		}
		return nil, fmt.Errorf("statement: %w", err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return s, nil
}
