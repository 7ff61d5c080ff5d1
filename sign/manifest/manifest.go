// Package manifest is the signed public statement of a package: manifest.json,
// the SHA256SUMS that goes with it, and the commitment in it (FORMAT sections
// 9 to 11). It is pure: it neither fetches objects nor checks signatures.
package manifest

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"exhibit/sign"
	"exhibit/sign/merkle"
)

// Types of a manifest's text. Version 2 is what is written; version 1 has no
// member acceptance, and goes on to be read.
const (
	Type   = "exhibit/manifest/v2"
	TypeV1 = "exhibit/manifest/v1"
)

// An Acceptance says how much of the order the provider's review has accepted.
type Acceptance string

// The values of an Acceptance.
const (
	// Whole says that all was accepted that the order asks for.
	Whole Acceptance = "whole"
	// InPart says that less was accepted than the order asks for.
	InPart Acceptance = "in-part"
)

// Limits of a reader (FORMAT section 9, export/FORMAT.md section 13).
const (
	// MaxRecipients bounds the recipients of a package.
	MaxRecipients = 64
	// MaxObjects bounds the objects of a package, and the abandoned ones.
	MaxObjects = 10000
	// MaxProofs bounds the proofs that a log member demands.
	MaxProofs = 64
	// MaxSmall bounds README.txt and SHA256SUMS, in bytes.
	MaxSmall = 4 << 20
	// MaxSignature bounds SHA256SUMS.asc, in bytes.
	MaxSignature = 64 << 10
)

// A Manifest is the public statement of one package.
type Manifest struct {
	Type        string      `json:"type"`
	Package     sign.ID     `json:"package"`
	Supersedes  *sign.ID    `json:"supersedes"`
	Commitment  [32]byte    `json:"commitment"`
	Policy      sign.Digest `json:"policy"`
	Acceptance  Acceptance  `json:"acceptance,omitzero"` // empty in version 1
	Signer      string      `json:"signer"`
	Recipients  []Recipient `json:"recipients"`
	ReceiptKey  [32]byte    `json:"receipt_key"`
	Counts      Counts      `json:"counts"`
	Items       Items       `json:"items"`
	TagManifest sign.Digest `json:"tag_manifest"`
	Objects     []Object    `json:"objects"`
	Abandoned   []string    `json:"abandoned"`
	Log         *LogDemand  `json:"log"`
}

// A Recipient is a key that the volumes are encrypted to.
type Recipient struct {
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
}

// Counts are numbers of items.
type Counts struct {
	Source     int64 `json:"source"`
	Included   int64 `json:"included"`
	Withheld   int64 `json:"withheld"`
	Exceptions int64 `json:"exceptions"`
}

// Items is the item tree: number of leaves and root.
type Items struct {
	Size int64       `json:"size"`
	Root merkle.Hash `json:"root"`
}

// A Role says what an object is for.
type Role string

// The roles of objects.
const (
	Volume        Role = "volume"
	Readme        Role = "readme"
	SumsRole      Role = "sums"
	SumsSignature Role = "sums-signature"
)

// Names of the objects that every package has.
const (
	Name          = "manifest.json"
	SignatureName = "manifest.json.asc"
	ReadmeName    = "README.txt"
	SumsName      = "SHA256SUMS"
	SumsSigName   = "SHA256SUMS.asc"
)

// An Object is one object of the package.
type Object struct {
	Name   string      `json:"name"`
	Role   Role        `json:"role"`
	Size   int64       `json:"size"`
	SHA256 sign.Digest `json:"sha256"`
	Stored Stored      `json:"stored"`
}

// ReadBack is the method by which an object was fetched whole and digested.
const ReadBack = "sha256-get"

// Stored says how the object was found in its store after writing.
type Stored struct {
	// Version is the store's id of this version, or nil.
	Version *string `json:"version"`
	// Method is how its bytes were read back.
	Method string `json:"method"`
	Lock   *Lock  `json:"lock"`
}

// Lock is what the store reports of the object's lock. Without a retention,
// under a legal hold alone, Mode and Until are nil.
type Lock struct {
	Mode      *string    `json:"mode"`
	Until     *sign.Time `json:"until"`
	LegalHold bool       `json:"legal_hold"`
}

// A LogDemand says by which log, and by which of its proofs, the package must
// be recorded. A verifier that cannot check them must fail.
type LogDemand struct {
	VerifierKey string   `json:"verifier_key"`
	Proofs      []string `json:"proofs"`
}

// Parse reads a manifest of version 1 or 2: canonical, and its numbers and names in accord
// (FORMAT section 9, point 2, and the digest of SHA256SUMS of point 5).
// Errors are those of sign.UnmarshalDocument, and *sign.MemberError.
func Parse(data []byte) (*Manifest, error) {
	typ, err := sign.DocumentType(data)
	if err != nil {
		return nil, err
	}
	if typ != TypeV1 {
		typ = Type
	}
	m := new(Manifest)
	if err := sign.UnmarshalDocument(data, typ, m); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Marshal returns the manifest's text. It refuses what Parse would refuse.
func (m *Manifest) Marshal() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	return sign.MarshalDocument(m)
}

// Volumes returns the objects that are volumes, by number.
func (m *Manifest) Volumes() []Object {
	n := slices.IndexFunc(m.Objects, func(o Object) bool { return o.Role != Volume })
	if n < 0 {
		n = len(m.Objects)
	}
	return m.Objects[:n]
}

// Object returns the object of that name.
func (m *Manifest) Object(name string) (Object, bool) {
	i := slices.IndexFunc(m.Objects, func(o Object) bool { return o.Name == name })
	if i < 0 {
		return Object{}, false
	}
	return m.Objects[i], true
}

// Commitment commits to the order and its account names without showing
// either (FORMAT section 10). accounts may be in any order.
func Commitment(secret [32]byte, order sign.Digest, accounts []string) [32]byte {
	m := hmac.New(sha256.New, secret[:])
	m.Write([]byte("exhibit/v1 commitment"))
	salt := m.Sum(nil)

	names := sha256.New()
	for _, a := range slices.Sorted(slices.Values(accounts)) {
		names.Write([]byte(a + "\n"))
	}
	h := sha256.New()
	h.Write([]byte("exhibit/commitment/v1\n"))
	h.Write(salt)
	h.Write(order[:])
	h.Write(names.Sum(nil))
	return [32]byte(h.Sum(nil))
}
