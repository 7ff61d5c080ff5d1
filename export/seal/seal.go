// Package seal encrypts volumes to an agency's keys and opens them again, as
// export/FORMAT.md section 2 has it: in the age format, or as an OpenPGP
// message, as the keys are.
//
// Sealing refuses every key that would not protect what is sealed: weak,
// expired, revoked, not meant for encryption, or mixed with keys of another
// kind. Opening takes the ciphertext for hostile and refuses every shape but
// that of the format. Neither tells who the sender is: that is for the signature
// over the ciphertext.
package seal

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// The kinds of keys, as signed texts name them (sign/FORMAT.md section 1).
const (
	KindOpenPGP   = "openpgp"
	KindAgeX25519 = "age-x25519"
	KindAgeHybrid = "age-hybrid"
	KindAgeSSH    = "age-ssh"
)

// Limits of what is read.
const (
	// MaxKeyFile is the largest file of keys, in bytes.
	MaxKeyFile = 1 << 20
	// MaxRecipients is the largest number of recipients of one volume.
	MaxRecipients = 64
	// MinRSABits and MaxRSABits bound RSA keys. Below, they can be broken
	// (NIST SP 800-131A); above, nobody has them and they cost minutes.
	MinRSABits = 2048
	MaxRSABits = 16384

	// maxAgeHeader bounds the header of an age file, in bytes; a stanza of the
	// largest kind takes 1.6 KiB.
	maxAgeHeader = 256 << 10
	// maxSessionKeyPacket bounds an OpenPGP session key packet, in bytes.
	maxSessionKeyPacket = 8 << 10
	// adviseRSABits is what an RSA key should have today.
	adviseRSABits = 3072
)

// The kinds of errors of keys, for errors.Is.
var (
	// ErrInvalidKey: not a key, or one that does not hold together.
	ErrInvalidKey = errors.New("not a usable key")
	// ErrSecretKey: a secret key stands where a public one should.
	ErrSecretKey = errors.New("this is a secret key, not a public one")
	// ErrUnsupported: the key or the file is of a kind that cannot do this.
	ErrUnsupported = errors.New("not supported")
	// ErrWeakKey: the key, or all that vouches for it, can be broken.
	ErrWeakKey = errors.New("key is too weak")
	// ErrExpiredKey: the key, or its last self-signature, has expired.
	ErrExpiredKey = errors.New("key has expired")
	// ErrNotYetValid: the key begins after the time at hand.
	ErrNotYetValid = errors.New("key is not valid yet")
	// ErrRevokedKey: its owner has revoked the key.
	ErrRevokedKey = errors.New("key is revoked")
	// ErrNoEncryption: the key is not for encryption.
	ErrNoEncryption = errors.New("key is not for encryption")
	// ErrMixedKinds: the keys are of different kinds.
	ErrMixedKinds = errors.New("recipients of different kinds")
	// ErrRecipients: no recipient, too many, or one twice.
	ErrRecipients = errors.New("not a usable list of recipients")
	// ErrLocked: the secret key needs a passphrase, and there is none.
	ErrLocked = errors.New("secret key needs a passphrase")
	// ErrPassphrase: the passphrase is wrong.
	ErrPassphrase = errors.New("wrong passphrase")
)

// The kinds of errors of sealed files, for errors.Is. Any other error of
// opening comes from the underlying reader.
var (
	// ErrNoIdentity: the file is not encrypted to any of the identities.
	ErrNoIdentity = errors.New("no identity opens this file")
	// ErrFormat: the file has not the shape that export/FORMAT.md demands.
	ErrFormat = errors.New("not a sealed volume of this format")
	// ErrCorrupt: the file was altered or cut short.
	ErrCorrupt = errors.New("sealed volume is damaged")
)

// Recipient is a public key that volumes are encrypted to. It comes from
// ParseRecipient; Public holds all of it.
type Recipient struct {
	// Kind is one of the Kind constants.
	Kind string
	// Fingerprint names the key, as sign/FORMAT.md section 1 has it.
	Fingerprint string
	// Public is the key as text: the recipient of age, the public key of SSH
	// without a comment, or the armored OpenPGP certificate.
	Public string
	// Names are the user ids that the key claims for itself, sorted. Nothing
	// but the key vouches for them.
	Names []string
	// Warnings are sentences that whoever enrolls the key should see.
	Warnings []string
}

// Extension returns the ending of files that are sealed to a kind, without a
// dot: "age", "gpg", or the empty string if there is no such kind.
func Extension(kind string) string {
	switch kind {
	case KindAgeX25519, KindAgeHybrid, KindAgeSSH:
		return "age"
	case KindOpenPGP:
		return "gpg"
	}
	return ""
}

// CheckRecipient reports whether r can be encrypted to at the given time, with
// the errors of ParseRecipient and ErrExpiredKey and ErrNotYetValid.
func CheckRecipient(r Recipient, at time.Time) error {
	_, err := load(r, at)
	return err
}

// CheckRecipients reports whether the recipients can be encrypted to together
// at the given time: ErrRecipients, ErrMixedKinds, and the errors of
// CheckRecipient. Warnings are sentences for whoever seals: where one of the
// recipients makes the encryption weaker than the others would have it.
func CheckRecipients(rs []Recipient, at time.Time) (warnings []string, err error) {
	keys, err := loadAll(rs, at)
	if err != nil {
		return nil, err
	}
	return downgrades(keys), nil
}

// Encrypt returns a writer that encrypts to all of the recipients and writes
// the sealed file to dst. The file is whole once Close has returned without
// error; dst is not closed. The errors are those of CheckRecipients.
func Encrypt(dst io.Writer, rs []Recipient, at time.Time) (io.WriteCloser, error) {
	keys, err := loadAll(rs, at)
	if err != nil {
		return nil, err
	}
	if rs[0].Kind == KindOpenPGP {
		return encryptPGP(dst, keys)
	}
	return encryptAge(dst, keys)
}

// A loadedKey is a recipient's key, parsed and checked: for age or for OpenPGP.
type loadedKey struct {
	recipient Recipient
	age       ageRecipient
	pgp       *pgpKey
}

// load parses and checks the key of a recipient. It goes back to the text each
// time, as what an OpenPGP library concludes of a certificate at one time it
// keeps for another.
func load(r Recipient, at time.Time) (loadedKey, error) {
	if at.IsZero() {
		return loadedKey{}, fmt.Errorf("%w: no time to check the key against", ErrInvalidKey)
	}
	parsed, k, err := parse([]byte(r.Public))
	if err != nil {
		return loadedKey{}, err
	}
	if parsed.Kind != r.Kind || parsed.Fingerprint != r.Fingerprint {
		return loadedKey{}, fmt.Errorf("%w: it is %s %s, not %s %s", ErrInvalidKey, parsed.Kind, parsed.Fingerprint, r.Kind, r.Fingerprint)
	}
	if k.pgp != nil {
		if k.pgp, err = k.pgp.check(at); err != nil {
			return loadedKey{}, err
		}
	}
	return k, nil
}

// loadAll loads recipients that are to be encrypted to together.
func loadAll(rs []Recipient, at time.Time) ([]loadedKey, error) {
	if len(rs) == 0 || len(rs) > MaxRecipients {
		return nil, fmt.Errorf("%w: %d of them", ErrRecipients, len(rs))
	}
	seen := make(map[string]bool)
	keys := make([]loadedKey, 0, len(rs))
	for _, r := range rs {
		if r.Kind != rs[0].Kind {
			return nil, fmt.Errorf("%w: %s and %s", ErrMixedKinds, rs[0].Kind, r.Kind)
		}
		if seen[r.Fingerprint] {
			return nil, fmt.Errorf("%w: %s stands in it twice", ErrRecipients, r.Fingerprint)
		}
		seen[r.Fingerprint] = true
		k, err := load(r, at)
		if err != nil {
			return nil, fmt.Errorf("recipient %s: %w", r.Fingerprint, err)
		}
		if k.pgp != nil && len(keys) > 0 && k.pgp.postQuantum() != keys[0].pgp.postQuantum() {
			return nil, fmt.Errorf("%w: post-quantum and classic OpenPGP keys", ErrMixedKinds)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// downgrades says which keys keep the message from being of the stronger form
// that others would have.
func downgrades(keys []loadedKey) []string {
	var without []string
	for _, k := range keys {
		if k.pgp != nil && !k.pgp.aead() {
			without = append(without, k.recipient.Fingerprint)
		}
	}
	if len(without) == len(keys) {
		return nil
	}
	var warnings []string
	for _, fingerprint := range without {
		warnings = append(warnings, fmt.Sprintf("the OpenPGP key %s does not announce authenticated encryption (AEAD), so none of the recipients gets it", fingerprint))
	}
	return warnings
}
