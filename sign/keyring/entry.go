package keyring

import (
	"regexp"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/detached"
)

// Type is the type of an entry's text.
const Type = "exhibit/keyring-entry/v1"

// An Action is what an entry does.
type Action string

// The actions.
const (
	Enroll Action = "enroll"
	Revoke Action = "revoke"
)

// Limits of an entry.
const (
	// MaxRoles bounds the roles of a key.
	MaxRoles = 7
	// MaxText bounds each free text, in bytes.
	MaxText = 4096
	// MaxPublicKey bounds the text of a key, in bytes.
	MaxPublicKey = detached.MaxPublicKeys
)

// An Entry is one admin's signed word about one key (FORMAT section 5).
type Entry struct {
	Type        string       `json:"type"`
	Provider    string       `json:"provider"`
	Action      Action       `json:"action"`
	Name        string       `json:"name"`
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	PublicKey   *string      `json:"public_key"`
	Holder      string       `json:"holder"`
	Roles       []sign.Role  `json:"roles"`
	ValidFrom   sign.Time    `json:"valid_from"`
	ValidUntil  *sign.Time   `json:"valid_until"`
	Verified    *Verified    `json:"verified"`
	Reason      *string      `json:"reason"`
	Time        sign.Time    `json:"time"`
	Signer      string       `json:"signer"`
}

// Verified says who made sure that a key is its holder's.
type Verified struct {
	By  string    `json:"by"`
	How string    `json:"how"`
	At  sign.Time `json:"at"`
}

// An Enrollment is what an admin says of a key that is to be trusted.
type Enrollment struct {
	Provider string
	Name     string
	Kind     sign.KeyKind
	// Fingerprint of the key, and the key as its holder gave it: an OpenPGP
	// certificate in armor, an age recipient, an X.509 certificate in PEM, or
	// the verifier key of a log.
	Fingerprint, PublicKey string
	Holder                 string
	Roles                  []sign.Role // in any order
	ValidFrom              time.Time
	ValidUntil             time.Time // zero: without end
	Verified               Verified
	// Time of signing, and the fingerprint of the admin who signs.
	Time   time.Time
	Signer string
}

// NewEnrollment returns the text of the entry. It refuses a key that is to
// sign and could not, at the time of signing, with an error of sign/detached.
func NewEnrollment(e Enrollment) ([]byte, error) {
	entry := Entry{
		Type: Type, Provider: e.Provider, Action: Enroll, Name: e.Name, Kind: e.Kind,
		Fingerprint: e.Fingerprint, PublicKey: &e.PublicKey, Holder: e.Holder,
		Roles: slices.Sorted(slices.Values(e.Roles)), ValidFrom: sign.At(e.ValidFrom),
		Verified: &e.Verified, Time: sign.At(e.Time), Signer: e.Signer,
	}
	if !e.ValidUntil.IsZero() {
		until := sign.At(e.ValidUntil)
		entry.ValidUntil = &until
	}
	text, err := entry.marshal()
	if err != nil || !signs(entry, nil) {
		return text, err
	}
	keys, err := detached.ParsePublicKeys([]byte(e.PublicKey))
	if err != nil {
		return nil, err
	}
	if err := keys.Check(e.Fingerprint, e.Time); err != nil {
		return nil, err
	}
	return text, nil
}

// NewRevocation returns the text of the entry that revokes a key at the given
// time, for a reason.
func NewRevocation(k Key, reason string, at time.Time, signer string) ([]byte, error) {
	entry := Entry{
		Type: Type, Provider: k.Entry.Provider, Action: Revoke, Name: k.Entry.Name, Kind: k.Entry.Kind,
		Fingerprint: k.Entry.Fingerprint, Holder: k.Entry.Holder, ValidFrom: sign.At(at),
		Reason: &reason, Time: sign.At(at), Signer: signer,
	}
	return entry.marshal()
}

func (e *Entry) marshal() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	return sign.MarshalDocument(e)
}

// ParseEntry reads the text of an entry. Errors are those of
// sign.UnmarshalDocument, and *sign.MemberError.
func ParseEntry(text []byte) (*Entry, error) {
	e := new(Entry)
	if err := sign.UnmarshalDocument(text, Type, e); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	return e, nil
}

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (e *Entry) check() error {
	switch {
	case e.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case e.Provider == "" || len(e.Provider) > MaxText:
		return sign.BadMember("provider", "%d bytes", len(e.Provider))
	case !keyName.MatchString(e.Name):
		return sign.BadMember("name", "%.80q: want 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit", e.Name)
	case e.Holder == "" || len(e.Holder) > MaxText:
		return sign.BadMember("holder", "%d bytes", len(e.Holder))
	case e.ValidUntil != nil && !e.ValidFrom.Before(*e.ValidUntil):
		return sign.BadMember("valid_until", "is not after valid_from")
	}
	if err := e.Kind.CheckFingerprint("fingerprint", e.Fingerprint); err != nil {
		return err
	}
	if err := sign.CheckSigner("signer", e.Signer); err != nil {
		return err
	}
	switch e.Action {
	case Enroll:
		return e.checkEnroll()
	case Revoke:
		return e.checkRevoke()
	}
	return sign.BadMember("action", "unknown action %.40q", string(e.Action))
}

func (e *Entry) checkEnroll() error {
	switch {
	case e.Reason != nil:
		return sign.BadMember("reason", "is for revoke only")
	case e.Verified == nil:
		return sign.BadMember("verified", "is missing")
	case e.Verified.By == "" || len(e.Verified.By) > MaxText:
		return sign.BadMember("verified.by", "%d bytes", len(e.Verified.By))
	case e.Verified.How == "" || len(e.Verified.How) > MaxText:
		return sign.BadMember("verified.how", "%d bytes", len(e.Verified.How))
	case e.PublicKey == nil:
		return sign.BadMember("public_key", "is missing")
	case len(*e.PublicKey) > MaxPublicKey:
		return sign.BadMember("public_key", "%d bytes, at most %d", len(*e.PublicKey), MaxPublicKey)
	case len(e.Roles) == 0 || len(e.Roles) > MaxRoles:
		return sign.BadMember("roles", "%d roles", len(e.Roles))
	}
	for i, r := range e.Roles {
		if !r.Valid() {
			return sign.BadMember("roles", "unknown role %.40q", string(r))
		}
		if i > 0 && e.Roles[i-1] >= r {
			return sign.BadMember("roles", "not sorted, or twice")
		}
	}
	if err := e.checkRoleOfKind(); err != nil {
		return err
	}
	return e.checkPublicKey()
}

func (e *Entry) checkRevoke() error {
	switch {
	case e.Reason == nil || *e.Reason == "" || len(*e.Reason) > MaxText:
		return sign.BadMember("reason", "is missing or too long")
	case e.Verified != nil:
		return sign.BadMember("verified", "is for enroll only")
	case e.PublicKey != nil:
		return sign.BadMember("public_key", "is for enroll only")
	case len(e.Roles) != 0:
		return sign.BadMember("roles", "are for enroll only")
	case e.ValidFrom != e.Time || e.ValidUntil != nil:
		return sign.BadMember("valid_from", "is the entry's time, without end, for revoke")
	}
	return nil
}
