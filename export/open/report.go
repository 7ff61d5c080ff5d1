package open

import (
	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// Findings says in plain sentences what a result rests on.
type Findings struct {
	Checked    []string `json:"checked"`     // what was checked, and holds
	NotChecked []string `json:"not_checked"` // what was not, and so may not hold
	Warnings   []string `json:"warnings"`    // what a person should look at
}

func (f *Findings) checked(s string)    { f.Checked = append(f.Checked, s) }
func (f *Findings) notChecked(s string) { f.NotChecked = append(f.NotChecked, s) }
func (f *Findings) warn(s string)       { f.Warnings = append(f.Warnings, s) }

// accepted says so when the package answers only a part of its order.
func (f *Findings) accepted(a manifest.Acceptance) {
	if a == manifest.InPart {
		f.warn("the provider has accepted the order in part only: the order asks for more than this package answers")
	}
}

func newFindings() Findings {
	return Findings{Checked: []string{}, NotChecked: []string{}, Warnings: []string{}}
}

// Report is the result of Verify and Open.
type Report struct {
	Package    string               `json:"package"`
	Supersedes string               `json:"supersedes,omitempty"`
	Signer     string               `json:"signer"`               // OpenPGP fingerprint
	SignedAt   sign.Time            `json:"signed_at"`            // as the signer states it
	Policy     string               `json:"policy"`               // digest
	Acceptance manifest.Acceptance  `json:"acceptance,omitempty"` // empty in version 1 of the manifest
	Recipients []manifest.Recipient `json:"recipients"`
	Counts     manifest.Counts      `json:"counts"`
	Objects    []ObjectReport       `json:"objects"`
	Bytes      int64                `json:"bytes"`         // of all objects
	Bag        *BagReport           `json:"bag,omitempty"` // Open only
	Findings
}

// ObjectReport is one object of a package.
type ObjectReport struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// BagReport is the result of CheckBag. It holds no secret.
type BagReport struct {
	Package    string    `json:"package"`
	Supersedes string    `json:"supersedes,omitempty"`
	Signer     string    `json:"signer"`    // OpenPGP fingerprint
	SignedAt   sign.Time `json:"signed_at"` // as the signer states it
	Provider   string    `json:"provider"`
	Created    sign.Time `json:"created"`
	Reference  string    `json:"reference"` // of the order
	Agency     string    `json:"agency"`

	Acceptance manifest.Acceptance      `json:"acceptance,omitempty"`           // empty in version 1 of package.json, as what follows
	Reviewer   string                   `json:"reviewer,omitempty"`             // holder of the key that signed the review in force
	Emergency  *bool                    `json:"emergency,omitempty"`            // the emergency rule released the package
	Signature  *bag.InstrumentSignature `json:"instrument_signature,omitempty"` // as the provider recorded it

	Counts      manifest.Counts   `json:"counts"`
	Accounts    []bag.Account     `json:"accounts"`
	Withheld    []bag.ReasonCount `json:"withheld"`
	Exceptions  []bag.ReasonCount `json:"exceptions"`
	Gaps        []bag.ReasonCount `json:"gaps"`
	Files       int64             `json:"files"`  // of the payload
	Octets      int64             `json:"octets"` // of the payload
	TagManifest string            `json:"tag_manifest"`
	Findings
}

// ItemReport is the result of Item.
type ItemReport struct {
	Package  string    `json:"package"`
	Signer   string    `json:"signer"`    // OpenPGP fingerprint
	SignedAt sign.Time `json:"signed_at"` // as the signer states it
	Exhibit  string    `json:"exhibit"`
	File     string    `json:"file"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
	Fetched  int64     `json:"fetched"` // bytes of the package that were read
	Findings
}
