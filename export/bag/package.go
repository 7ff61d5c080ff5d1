package bag

import (
	"crypto/ed25519"
	"slices"

	"exhibit/sign"
	"exhibit/sign/manifest"
)

// Package is package.json (section 7): facts of the package, and its secret.
// It is never to be shown to anyone but the agency. Of version 1 the members
// that came with version 2 have their zero values.
type Package struct {
	Type       string               `json:"type"`
	Package    sign.ID              `json:"package"`
	Supersedes *sign.ID             `json:"supersedes"`
	Secret     Secret               `json:"secret"`
	ReceiptKey Secret               `json:"receipt_private_key"`
	Created    sign.Time            `json:"created"`
	TimeSource string               `json:"time_source"`
	Provider   string               `json:"provider"`
	Signer     string               `json:"signer"`
	PreparedBy sign.Person          `json:"prepared_by"`
	Tool       Tool                 `json:"tool"`
	Order      Order                `json:"order"`
	Agency     string               `json:"agency"`
	Recipients []manifest.Recipient `json:"recipients"`
	Policy     sign.Digest          `json:"policy"`
	Review     *Review              `json:"review,omitzero"`    // version 2
	Emergency  *bool                `json:"emergency,omitzero"` // version 2: the emergency rule released the package
	Approvals  []Approval           `json:"approvals"`
	Accounts   []Account            `json:"accounts"`
	Counts     manifest.Counts      `json:"counts"`
	Withheld   []ReasonCount        `json:"withheld"`
	Exceptions []ReasonCount        `json:"exceptions"`
	Gaps       []ReasonCount        `json:"gaps"`
	Items      manifest.Items       `json:"items"`
	Sources    sign.Digest          `json:"sources_sha256"`
}

// TimeSource is the only value that Package.TimeSource has in format 1.
const TimeSource = "system clock"

// Tool is the program that made the package.
type Tool struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	SHA256  sign.Digest `json:"sha256"` // of its binary
}

// Order tells which order a package answers.
type Order struct {
	Reference        string      `json:"reference"`
	SHA256           sign.Digest `json:"sha256"`
	File             string      `json:"file"`       // name in the bag
	Instrument       string      `json:"instrument"` // name in the bag
	InstrumentSHA256 sign.Digest `json:"instrument_sha256"`

	InstrumentSignature SignatureMember `json:"instrument_signature,omitzero"` // version 2
}

// The decisions of a review that lets a package be made (section 7).
const (
	Accept       = "accept"
	AcceptInPart = "accept-in-part"
)

// Review is the statement of the review in force.
type Review struct {
	Decision    string      `json:"decision"`
	Holder      string      `json:"holder"`
	Fingerprint string      `json:"fingerprint"`
	Time        sign.Time   `json:"time"`
	SHA256      sign.Digest `json:"sha256"` // of the statement's text
}

// Approval is one statement that was counted.
type Approval struct {
	Holder      string      `json:"holder"`
	Fingerprint string      `json:"fingerprint"`
	Time        sign.Time   `json:"time"`
	SHA256      sign.Digest `json:"sha256"` // of the statement's text
}

// Account tells what was accepted of one account of the order, and what came of
// it. The span is [From, Until); both are nil when the account is entire.
type Account struct {
	Account    string     `json:"account"`
	Place      *int64     `json:"place,omitzero"` // version 2: in the order, from 0
	From       *sign.Time `json:"from"`
	Until      *sign.Time `json:"until"`
	Entire     bool       `json:"entire"`
	Categories []string   `json:"categories"`
	Source     int64      `json:"source"`
	Included   int64      `json:"included"`
	Admitted   *int64     `json:"admitted,omitzero"` // version 2: of Included, by a reviewer's statement
	Withheld   int64      `json:"withheld"`
}

// ReasonCount is how often a reason occurred.
type ReasonCount struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// WithheldReasons are the reasons for which items are withheld, in the order of
// section 11.
func WithheldReasons() []string {
	return []string{"category", "before-span", "after-span", "privileged", "undetermined"}
}

// Secret is 32 bytes that only the agency may have. Printed it shows nothing.
type Secret struct{ b [32]byte }

// NewSecret returns a secret of these bytes.
func NewSecret(b [32]byte) Secret { return Secret{b} }

// Reveal returns the bytes.
func (s Secret) Reveal() [32]byte { return s.b }

// String shows nothing of the secret.
func (Secret) String() string { return "***" }

// GoString shows nothing of the secret.
func (Secret) GoString() string { return "***" }

// MarshalJSON returns the base64 text: this is how package.json holds it.
func (s Secret) MarshalJSON() ([]byte, error) { return marshalBase64(s.b[:]), nil }

// UnmarshalJSON is the inverse of MarshalJSON.
func (s *Secret) UnmarshalJSON(data []byte) error {
	raw, err := unmarshalBase64(data)
	if err != nil || len(raw) != len(s.b) {
		return invalid("a secret that is not the base64 of 32 bytes")
	}
	copy(s.b[:], raw)
	return nil
}

// ReceiptPrivateKey returns the private half of the receipt key.
func (p *Package) ReceiptPrivateKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(p.ReceiptKey.b[:])
}

// MarshalPackage returns package.json.
func MarshalPackage(p *Package) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return sign.MarshalDocument(p)
}

// ParsePackage reads package.json of version 1 or 2. Every member has to be as section 7 says, and
// all counts have to add up.
func ParsePackage(data []byte) (*Package, error) {
	typ, err := sign.DocumentType(data)
	if err != nil {
		return nil, err
	}
	if typ != PackageTypeV1 {
		typ = PackageType
	}
	p := new(Package)
	if err := sign.UnmarshalDocument(data, typ, p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

// Acceptance returns what the manifest of the package says of the review; it is
// empty in version 1.
func (p *Package) Acceptance() manifest.Acceptance {
	switch {
	case p.Review == nil:
		return ""
	case p.Review.Decision == AcceptInPart:
		return manifest.InPart
	}
	return manifest.Whole
}

// PayloadFiles returns the names of the files that the package's payload has
// beside the items (section 5), in bytewise order.
func (p *Package) PayloadFiles() []string {
	names := []string{
		p.Order.File, p.Order.Instrument, ExceptionsCSV, WithheldCSV, IndexCSV, IndexDAT, IndexJSONL, ReportHTML,
	}
	if s := p.Order.Signature(); s != nil {
		names = append(names, s.File)
	}
	if p.Type != PackageTypeV1 {
		names = append(names, SubscriberCSV, TrafficCSV)
	}
	slices.Sort(names)
	return names
}

// Asks says whether the account was accepted for a category.
func (a *Account) Asks(category string) bool { return slices.Contains(a.Categories, category) }

// Info returns the bag-info.txt that belongs to the package, given the size of
// its payload in bytes and files.
func (p *Package) Info(octets, files int64) Info {
	return Info{
		Organization: p.Provider, Package: p.Package.String(), Date: p.Created.Time().Format("2006-01-02"),
		Octets: octets, Files: files, Agent: p.Tool.Name + " " + p.Tool.Version,
	}
}
