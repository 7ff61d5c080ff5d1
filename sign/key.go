package sign

import "strings"

// A KeyKind says what sort of key a fingerprint belongs to.
type KeyKind string

// The key kinds (FORMAT section 1).
const (
	OpenPGP   KeyKind = "openpgp"
	AgeX25519 KeyKind = "age-x25519"
	AgeHybrid KeyKind = "age-hybrid"
	AgeSSH    KeyKind = "age-ssh"
	// X509 signs legal instruments.
	X509 KeyKind = "x509"
	// Note signs checkpoints of a custody log (C2SP signed-note).
	Note KeyKind = "note"
)

// Valid reports whether k is one of the key kinds.
func (k KeyKind) Valid() bool {
	switch k {
	case OpenPGP, AgeX25519, AgeHybrid, AgeSSH, X509, Note:
		return true
	}
	return false
}

// Encrypts reports whether content may be encrypted to keys of kind k.
func (k KeyKind) Encrypts() bool {
	switch k {
	case OpenPGP, AgeX25519, AgeHybrid, AgeSSH:
		return true
	}
	return false
}

// CheckFingerprint returns a *MemberError for the member at path if fingerprint
// has not the form that keys of kind k have: 40 or 64 upper-case hexadecimal
// digits for OpenPGP, a digest's text for all others.
func (k KeyKind) CheckFingerprint(path, fingerprint string) error {
	switch k {
	case OpenPGP:
		if n := len(fingerprint); (n == 40 || n == 64) && strings.Trim(fingerprint, "0123456789ABCDEF") == "" {
			return nil
		}
		return BadMember(path, "want 40 or 64 upper-case hexadecimal digits")
	case AgeX25519, AgeHybrid, AgeSSH, X509, Note:
		if _, err := ParseDigest(fingerprint); err != nil {
			return BadMember(path, "want a digest: 64 lower-case hexadecimal digits")
		}
		return nil
	}
	return BadMember(path, "unknown key kind %.40q", string(k))
}

// CheckSigner returns a *MemberError for the member at path if fingerprint is
// not that of an OpenPGP version 4 key, the only kind that signs.
func CheckSigner(path, fingerprint string) error {
	if len(fingerprint) != 40 {
		return BadMember(path, "want 40 upper-case hexadecimal digits")
	}
	return OpenPGP.CheckFingerprint(path, fingerprint)
}

// A Role is what a key may be used for.
type Role string

// The roles, in the order in which a text lists them.
const (
	Admin      Role = "admin"
	Agency     Role = "agency"
	Approver   Role = "approver"
	Auditor    Role = "auditor"
	Fulfilment Role = "fulfilment"
	Log        Role = "log"
	Provider   Role = "provider"
	Reviewer   Role = "reviewer"
)

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	switch r {
	case Admin, Agency, Approver, Auditor, Fulfilment, Log, Provider, Reviewer:
		return true
	}
	return false
}

// A Person says who acts: the holder of a key, in one of the key's roles, as
// the keyring has them. Its members stand in their order in every text.
type Person struct {
	Name        string `json:"name"`
	Holder      string `json:"holder"`
	Role        Role   `json:"role"`
	Fingerprint string `json:"fingerprint"`
}

// Check returns a *MemberError below path if p is not complete.
func (p Person) Check(path string) error {
	switch {
	case p.Name == "":
		return BadMember(path+".name", "is empty")
	case p.Holder == "":
		return BadMember(path+".holder", "is empty")
	case !p.Role.Valid():
		return BadMember(path+".role", "unknown role %.40q", string(p.Role))
	}
	return CheckSigner(path+".fingerprint", p.Fingerprint)
}
