// Package detached makes and checks OpenPGP version 4 detached signatures over
// exact bytes (RFC 9580 section 5.2.3; FORMAT section 3), as gpgv does, and
// stricter: one armor block with one signature packet and nothing else.
//
// There is no clock in this package: whoever checks says what time it is.
package detached

import (
	"errors"
	"fmt"
	"time"
)

// Limits on hostile input.
const (
	// MaxSignature bounds an armored signature, in bytes.
	MaxSignature = 64 << 10
	// MaxPublicKeys bounds a file of certificates, in bytes.
	MaxPublicKeys = 8 << 20
	// MaxCertificates bounds how many certificates such a file holds.
	MaxCertificates = 1000
	// MaxPackets bounds how many OpenPGP packets such a file holds.
	MaxPackets = 20000
	// MaxSecretKey bounds a locked key, in bytes.
	MaxSecretKey = 64 << 10
	// MaxSkew is how far in the future a signature may have been made.
	MaxSkew = 10 * time.Minute
)

// Why a signature or a key is refused.
var (
	// ErrMalformed: not what it should be, before anything is verified.
	ErrMalformed = errors.New("malformed")
	// ErrBad: the signature does not hold over this text.
	ErrBad = errors.New("bad signature")
	// ErrUntrusted: made by a key that is not among those given. The error
	// is an *UntrustedError.
	ErrUntrusted = errors.New("signed by an unknown key")
	// ErrExpired: the key had expired when it signed, or the signature has since.
	ErrExpired = errors.New("expired")
	// ErrRevoked: the key was revoked when it signed, or is compromised.
	ErrRevoked = errors.New("key is revoked")
	// ErrWeak: an algorithm or a key size that is not accepted.
	ErrWeak = errors.New("algorithm not accepted")
	// ErrFuture: made more than MaxSkew after the present time.
	ErrFuture = errors.New("made in the future")
	// ErrPassphrase: the passphrase does not open the key.
	ErrPassphrase = errors.New("wrong passphrase")
)

// An UntrustedError names the key that is not known. It is ErrUntrusted.
type UntrustedError struct {
	// Fingerprint is what the signature says of its issuer: nothing was verified.
	Fingerprint string
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("%v %s", ErrUntrusted, e.Fingerprint)
}

// Is makes errors.Is(err, ErrUntrusted) true.
func (e *UntrustedError) Is(target error) bool { return target == ErrUntrusted }

// A Signature is what a verified signature says.
type Signature struct {
	// Fingerprint of the certificate, which is that of its primary key.
	Fingerprint string
	// KeyFingerprint of the key that signed: the primary key or a subkey.
	KeyFingerprint string
	// Time of creation, as the signer states it.
	Time time.Time
}
