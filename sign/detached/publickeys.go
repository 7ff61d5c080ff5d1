package detached

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// PublicKeys is a set of OpenPGP version 4 certificates. It keeps their bytes,
// not what was made of them: the library remembers its first verdict on a
// self-signature, so every check parses afresh.
type PublicKeys struct {
	certificates []certificate
}

type certificate struct {
	fingerprint string
	keys        []string // fingerprints of the primary key and of version 4 subkeys
	packets     []byte
}

// ParsePublicKeys reads one or more certificates, armored or binary, each of a
// different key. It checks their form; what they may sign is checked at every
// use. Errors are ErrMalformed.
func ParsePublicKeys(data []byte) (*PublicKeys, error) {
	if len(data) > MaxPublicKeys {
		return nil, fmt.Errorf("%w: public keys beyond %d bytes", ErrMalformed, MaxPublicKeys)
	}
	if len(data) == 0 || data[0]&0x80 == 0 {
		var err error
		if data, err = dearmorKeys(data); err != nil {
			return nil, err
		}
	}
	packets, err := splitPackets(data)
	if err != nil {
		return nil, err
	}
	if len(packets) == 0 {
		return nil, fmt.Errorf("%w: no public key", ErrMalformed)
	}
	keys := new(PublicKeys)
	for len(packets) > 0 {
		n := 1 + slices.IndexFunc(packets[1:], func(p rawPacket) bool { return p.tag == tagPublicKey })
		if n == 0 {
			n = len(packets)
		}
		c, err := newCertificate(packets[:n])
		if err != nil {
			return nil, err
		}
		if err := keys.add(c); err != nil {
			return nil, err
		}
		packets = packets[n:]
	}
	return keys, nil
}

// Join returns the certificates of all sets. A certificate that stands in more
// than one of them must be the same in all.
func Join(sets ...*PublicKeys) (*PublicKeys, error) {
	all := new(PublicKeys)
	for _, set := range sets {
		for _, c := range set.certificates {
			if known := all.find(c.fingerprint); known != nil && bytes.Equal(known.packets, c.packets) {
				continue
			}
			if err := all.add(c); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (k *PublicKeys) add(c certificate) error {
	if len(k.certificates) == MaxCertificates {
		return fmt.Errorf("%w: more than %d certificates", ErrMalformed, MaxCertificates)
	}
	if k.find(c.fingerprint) != nil {
		return fmt.Errorf("%w: two certificates of key %s", ErrMalformed, c.fingerprint)
	}
	k.certificates = append(k.certificates, c)
	return nil
}

func (k *PublicKeys) find(fingerprint string) *certificate {
	for i := range k.certificates {
		if k.certificates[i].fingerprint == fingerprint {
			return &k.certificates[i]
		}
	}
	return nil
}

// Fingerprints returns the fingerprint of each certificate, in their order.
func (k *PublicKeys) Fingerprints() []string {
	all := make([]string, len(k.certificates))
	for i, c := range k.certificates {
		all[i] = c.fingerprint
	}
	return all
}

// Only returns the set of the one certificate with that fingerprint, or an
// empty set.
func (k *PublicKeys) Only(fingerprint string) *PublicKeys {
	if c := k.find(fingerprint); c != nil {
		return &PublicKeys{[]certificate{*c}}
	}
	return new(PublicKeys)
}

// Binary returns all certificates, one after the other, as gpgv --keyring
// wants them.
func (k *PublicKeys) Binary() []byte {
	var all []byte
	for _, c := range k.certificates {
		all = append(all, c.packets...)
	}
	return all
}

// Armored returns the certificate with that fingerprint, or nil if it is not here.
func (k *PublicKeys) Armored(fingerprint string) []byte {
	c := k.find(fingerprint)
	if c == nil {
		return nil
	}
	text, err := enarmor(armorPublic, c.packets)
	if err != nil { // writing to memory does not fail
		return nil
	}
	return text
}

// Check says whether the certificate's key, or one of its subkeys, could sign
// at that time: ErrUntrusted, ErrWeak, ErrExpired, ErrRevoked or ErrBad if not.
func (k *PublicKeys) Check(fingerprint string, at time.Time) error {
	c := k.find(fingerprint)
	if c == nil {
		return &UntrustedError{fingerprint}
	}
	var first error
	for _, key := range c.keys {
		err := c.check(key, at)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// newCertificate reads the packets of one certificate.
func newCertificate(packets []rawPacket) (certificate, error) {
	var c certificate
	var revocations, rest []byte
	count := 0
	for i, p := range packets {
		switch p.tag {
		case tagSecretKey, tagSecretSubkey:
			return c, fmt.Errorf("%w: this is a secret key", ErrMalformed)
		case tagPublicKey:
			if i > 0 {
				return c, fmt.Errorf("%w: two primary keys", ErrMalformed)
			}
		case tagSignature, tagTrust, tagUserID, tagPublicSubkey, tagUserAttribute:
		default:
			return c, fmt.Errorf("%w: packet of type %d in a certificate", ErrMalformed, p.tag)
		}
		if i == 0 && p.tag != tagPublicKey {
			return c, fmt.Errorf("%w: certificate does not begin with a public key", ErrMalformed)
		}
		switch {
		case p.tag == tagTrust: // gpg's own notes in its keyring
		case i == 0:
			c.packets = append(c.packets, p.raw...)
		case p.tag == tagSignature && signatureType(p.body) == typeKeyRevocation:
			revocations = append(revocations, p.raw...)
			count++
		default:
			rest = append(rest, p.raw...)
		}
	}
	// A revocation certificate that was put behind the key revokes it as well;
	// the library and gpgv look for it right behind the primary key only.
	c.packets = append(append(c.packets, revocations...), rest...)
	e, err := c.parse()
	if err != nil {
		return c, err
	}
	if len(e.Revocations) != count {
		return c, fmt.Errorf("%w: a key revocation that cannot be read", ErrMalformed)
	}
	c.fingerprint = fingerprintOf(e.PrimaryKey)
	c.keys = []string{c.fingerprint}
	for _, sub := range e.Subkeys {
		if sub.PublicKey.Version == 4 {
			c.keys = append(c.keys, fingerprintOf(sub.PublicKey))
		}
	}
	return c, nil
}

// parse makes a fresh entity of the certificate.
func (c *certificate) parse() (*openpgp.Entity, error) {
	e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(c.packets)))
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
	}
	if e.PrimaryKey.Version != 4 {
		return nil, fmt.Errorf("%w: version %d key; signing keys are version 4", ErrMalformed, e.PrimaryKey.Version)
	}
	return e, nil
}

func fingerprintOf(key *packet.PublicKey) string {
	return fmt.Sprintf("%X", key.Fingerprint)
}

// FormatFingerprint returns a fingerprint in groups of four, for reading aloud.
func FormatFingerprint(fingerprint string) string {
	var groups []string
	for chunk := range slices.Chunk([]byte(fingerprint), 4) {
		groups = append(groups, string(chunk))
	}
	return strings.Join(groups, " ")
}

// CertificateFingerprint returns the fingerprint of the one armored
// certificate, of version 4 or 6, in text. It says nothing of what the key may
// be used for: agencies' keys need not be fit to sign. Errors are ErrMalformed.
func CertificateFingerprint(text []byte) (string, error) {
	if len(text) > MaxPublicKeys {
		return "", fmt.Errorf("%w: public key beyond %d bytes", ErrMalformed, MaxPublicKeys)
	}
	data, err := dearmorKeys(text)
	if err != nil {
		return "", err
	}
	packets, err := splitPackets(data)
	if err != nil {
		return "", err
	}
	for i, p := range packets {
		if (p.tag == tagPublicKey) != (i == 0) || p.tag == tagSecretKey || p.tag == tagSecretSubkey {
			return "", fmt.Errorf("%w: want one certificate", ErrMalformed)
		}
	}
	e, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(data)))
	if err != nil {
		return "", fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
	}
	if v := e.PrimaryKey.Version; v != 4 && v != 6 {
		return "", fmt.Errorf("%w: version %d key", ErrMalformed, v)
	}
	return fingerprintOf(e.PrimaryKey), nil
}
