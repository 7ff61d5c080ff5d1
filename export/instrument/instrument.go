// Package instrument checks the agency's detached signature over a legal
// instrument: OpenPGP (RFC 9580) or CMS (RFC 5652), as export/FORMAT.md,
// section 7 has its result.
//
// Keys are pinned: a signature is good when its key is one that the provider's
// keyring has with the role agency. No chain of certificates and no web of
// trust is looked at. There is no clock in this package, and nothing is fetched.
package instrument

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Limits on hostile input (FORMAT section 13).
const (
	// MaxSignature bounds a signature, armored or not, in bytes.
	MaxSignature = 1 << 20
	// MaxCertificates bounds the certificates that a CMS signature carries.
	MaxCertificates = 100
	// MaxAttributes bounds the signed attributes of a CMS signature.
	MaxAttributes = 100
	// MaxSkew is how far in the future a signature may have been made.
	MaxSkew = 10 * time.Minute
)

// The kinds of a signature.
const (
	OpenPGP = "openpgp"
	CMS     = "cms"
)

// What a check came to.
const (
	// Good: made over the instrument by an agency's key that the keyring has.
	Good = "good"
	// UnknownKey: by a key that the keyring does not have. Of an OpenPGP
	// signature, and of CMS without a certificate, that is all that is known.
	UnknownKey = "unknown-key"
)

// Why a signature is refused.
var (
	// ErrFormat: not one detached signature in OpenPGP or CMS, in a form that
	// is read.
	ErrFormat = errors.New("neither an OpenPGP nor a CMS signature that is read")
	// ErrBad: it does not hold over this instrument, or by algorithms that are
	// not accepted.
	ErrBad = errors.New("bad signature")
	// ErrNotValid: made by a key that the keyring has, and that is no agency's
	// valid key now, or whose own certificate did not hold when it signed. It wraps the reason of
	// package keyring where the keyring has one.
	ErrNotValid = errors.New("key is not valid")
)

// A Result is what a signature says that is not refused.
type Result struct {
	Kind   string // OpenPGP or CMS
	Result string // Good or UnknownKey
	// Fingerprint of the key as the keyring has it: of an OpenPGP certificate's
	// primary key, or of an X.509 certificate. Of an unknown key it is what the
	// OpenPGP signature names, unverified, or the certificate in the CMS
	// signature by which that holds; empty where there is none.
	Fingerprint string
	// Holder and Name of the key in the keyring; empty for an unknown key.
	// Whether Holder is the agency of the order is for the caller to say.
	Holder, Name string
	// SignedAt is the time that the signer states, in whole seconds UTC; zero
	// if the signature states none.
	SignedAt time.Time
}

// Check checks that signature is one over exactly the bytes of instrument, by a
// key that is valid as an agency's in keys now; its own certificate must not be
// revoked by its holder, nor expired now or at the time that the signature states.
//
// Errors are ErrFormat, ErrBad and ErrNotValid.
func Check(instrument, signature []byte, keys *keyring.Keyring, now time.Time) (Result, error) {
	if len(signature) > MaxSignature {
		return Result{}, fmt.Errorf("%w: more than %d bytes", ErrFormat, MaxSignature)
	}
	switch kindOf(signature) {
	case OpenPGP:
		s, err := parseOpenPGP(signature)
		if err != nil {
			return Result{}, err
		}
		return s.check(instrument, keys, now)
	case CMS:
		s, err := parseCMS(signature)
		if err != nil {
			return Result{}, err
		}
		return s.check(instrument, keys, now)
	}
	return Result{}, ErrFormat
}

const (
	armorBegin = "-----BEGIN "
	pgpBegin   = armorBegin + "PGP SIGNATURE-----"
	pgpEnd     = "-----END PGP SIGNATURE-----"
	cmsBegin   = armorBegin + "CMS-----"
	pkcs7Begin = armorBegin + "PKCS7-----"
)

// kindOf tells the kinds by how they begin, or returns "".
func kindOf(signature []byte) string {
	text := string(bytes.TrimSpace(signature[:min(len(signature), 4096)]))
	switch {
	case strings.HasPrefix(text, pgpBegin):
		return OpenPGP
	case strings.HasPrefix(text, cmsBegin), strings.HasPrefix(text, pkcs7Begin):
		return CMS
	case len(signature) == 0:
		return ""
	case signature[0] == 0x30: // a SEQUENCE
		return CMS
	case signature[0]&0x80 != 0: // a packet
		return OpenPGP
	}
	return ""
}

// times returns when a key's own certificate must hold: at the signature's time,
// if it states one, and now.
func times(signedAt, now time.Time) ([]time.Time, error) {
	switch {
	case signedAt.IsZero():
		return []time.Time{now}, nil
	case signedAt.After(now.Add(MaxSkew)):
		return nil, fmt.Errorf("%w: made in the future, at %s", ErrBad, signedAt.Format(time.RFC3339))
	case signedAt.After(now): // within MaxSkew: now is when it was made
		return []time.Time{signedAt}, nil
	}
	return []time.Time{signedAt, now}, nil
}

// by returns the result of a signature that holds by the key of that
// fingerprint, which the keyring has. The key must be valid now; it need not have
// been enrolled yet when it signed, as the first order of an agency comes before
// anybody could enroll its key.
func by(kind, fingerprint string, signedAt, now time.Time, keys *keyring.Keyring) (Result, error) {
	key, err := keys.ByFingerprint(fingerprint)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrNotValid, err)
	}
	if err := keys.Valid(fingerprint, sign.Agency, now); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrNotValid, err)
	}
	return Result{
		Kind: kind, Result: Good, Fingerprint: fingerprint,
		Holder: key.Entry.Holder, Name: key.Entry.Name, SignedAt: signedAt,
	}, nil
}
