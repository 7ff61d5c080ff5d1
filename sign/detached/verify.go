package detached

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Verify checks that sig is a signature over exactly text by one of keys.
// The key must have been fit to sign when the signature was made; the
// signature must not have expired by now, nor lie in its future.
//
// Errors are ErrMalformed, ErrBad, ErrUntrusted, ErrExpired, ErrRevoked,
// ErrWeak and ErrFuture.
func Verify(text, sig []byte, keys *PublicKeys, now time.Time) (Signature, error) {
	if len(sig) > MaxSignature {
		return Signature{}, fmt.Errorf("%w: signature beyond %d bytes", ErrMalformed, MaxSignature)
	}
	data, err := dearmorStrict(armorSignature, sig)
	if err != nil {
		return Signature{}, err
	}
	p, err := parseSignature(data)
	if err != nil {
		return Signature{}, err
	}
	created := time.Unix(int64(p.created), 0).UTC()
	if created.After(now.Add(MaxSkew)) {
		return Signature{}, fmt.Errorf("%w: at %s", ErrFuture, created.Format(time.RFC3339))
	}
	var failed error = &UntrustedError{p.issuer}
	for _, c := range keys.certificates {
		for _, key := range c.keys {
			if key != p.issuer {
				continue
			}
			err := c.verify(text, p, created, now)
			if err == nil {
				return Signature{Fingerprint: c.fingerprint, KeyFingerprint: key, Time: created}, nil
			}
			failed = fmt.Errorf("key %s: %w", p.issuer, err)
		}
	}
	return Signature{}, failed
}

// strictConfig is what every check of keys and signatures goes by. It is never
// nil, as some paths of the library need one.
func strictConfig(now time.Time) *packet.Config {
	return &packet.Config{
		Time:       func() time.Time { return now },
		MinRSABits: minRSABits,
		RejectHashAlgorithms: map[crypto.Hash]bool{
			crypto.MD5: true, crypto.SHA1: true, crypto.RIPEMD160: true,
		},
		RejectMessageHashAlgorithms: map[crypto.Hash]bool{
			crypto.MD5: true, crypto.SHA1: true, crypto.RIPEMD160: true,
		},
	}
}

const minRSABits = 2048

// verify checks the signature p with the certificate's key that p names.
func (c *certificate) verify(text []byte, p *signaturePacket, created, now time.Time) error {
	if err := c.check(p.issuer, created); err != nil {
		return err
	}
	// The library leaves this out for some algorithms; gpg does not.
	if !bytes.HasPrefix(p.digest(text), p.prefix) {
		return fmt.Errorf("%w: digest", ErrBad)
	}
	e, err := c.parse()
	if err != nil {
		return err
	}
	if now.Before(created) { // within MaxSkew: as good as made this second
		now = created
	}
	md, err := openpgp.VerifyDetachedSignatureReader(openpgp.EntityList{e},
		bytes.NewReader(text), bytes.NewReader(p.binary), strictConfig(now))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	if _, err := io.Copy(io.Discard, md.UnverifiedBody); err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	switch {
	case errors.Is(md.SignatureError, pgperrors.ErrSignatureExpired):
		return fmt.Errorf("signature has %w", ErrExpired)
	case md.SignatureError != nil:
		return fmt.Errorf("%w: %w", ErrBad, md.SignatureError)
	case md.SignedBy == nil || fingerprintOf(md.SignedBy.PublicKey) != p.issuer:
		return fmt.Errorf("%w: not by the key that it names", ErrBad)
	}
	return nil
}

// check says whether the key, the primary one or a subkey, was fit to sign at
// that time.
func (c *certificate) check(key string, at time.Time) error {
	e, err := c.parse()
	if err != nil {
		return err
	}
	if at.Before(e.PrimaryKey.CreationTime) {
		return fmt.Errorf("%w: older than its key", ErrBad)
	}
	if err := strong(e.PrimaryKey); err != nil {
		return err
	}
	if revoked(e) {
		return ErrRevoked
	}
	config := strictConfig(at)
	if _, err := e.VerifyPrimaryKey(at, config); err != nil {
		return c.why(err, func(e *openpgp.Entity, config *packet.Config) error {
			_, err := e.VerifyPrimaryKey(at, config)
			return err
		})
	}
	if key == c.fingerprint {
		return nil
	}
	sub := subkey(e, key)
	if sub == nil {
		return &UntrustedError{key}
	}
	if err := strong(sub.PublicKey); err != nil {
		return err
	}
	if c.subkeyRevoked(e, sub) {
		return ErrRevoked
	}
	if _, err := sub.Verify(at, config); err != nil {
		return c.why(err, func(e *openpgp.Entity, config *packet.Config) error {
			_, err := subkey(e, key).Verify(at, config)
			return err
		})
	}
	return nil
}

// why gives the library's refusal of a key its class. With again the same
// check is repeated on a fresh parse, weak hashes allowed, to tell a weak
// self-signature from none; it never turns a refusal into an acceptance.
func (c *certificate) why(err error, again func(*openpgp.Entity, *packet.Config) error) error {
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrRevoked
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return fmt.Errorf("key had %w", ErrExpired)
	}
	e, perr := c.parse()
	if perr != nil {
		return perr
	}
	lenient := &packet.Config{RejectHashAlgorithms: map[crypto.Hash]bool{}}
	if again(e, lenient) == nil {
		return fmt.Errorf("%w: hash of the key's self-signature", ErrWeak)
	}
	return fmt.Errorf("%w: %w", ErrBad, err)
}

// revoked says whether the key's owner has ever revoked it, whatever the reason
// and the date: whoever holds the key can sign with an earlier date. The library
// lets signatures stand that say they are older than some revocations.
func revoked(e *openpgp.Entity) bool {
	return slices.ContainsFunc(e.Revocations, func(r *packet.VerifiableSignature) bool {
		return e.PrimaryKey.VerifyRevocationSignature(r.Packet) == nil
	})
}

// subkeyRevoked is revoked for a subkey. The library looks for its revocations
// right behind it only.
func (c *certificate) subkeyRevoked(e *openpgp.Entity, sub *openpgp.Subkey) bool {
	packets, err := splitPackets(c.packets)
	return err != nil || slices.ContainsFunc(packets, func(p rawPacket) bool {
		if p.tag != tagSignature || signatureType(p.body) != typeSubkeyRevocation {
			return false
		}
		parsed, err := packet.Read(bytes.NewReader(p.raw))
		r, ok := parsed.(*packet.Signature)
		return err == nil && ok && e.PrimaryKey.VerifySubkeyRevocationSignature(r, sub.PublicKey) == nil
	})
}

func subkey(e *openpgp.Entity, fingerprint string) *openpgp.Subkey {
	for i := range e.Subkeys {
		if fingerprintOf(e.Subkeys[i].PublicKey) == fingerprint {
			return &e.Subkeys[i]
		}
	}
	return nil
}

// strong returns ErrWeak unless the key's algorithm is one that FORMAT
// section 3 accepts.
func strong(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		n, err := key.BitLength()
		if err != nil || n < minRSABits {
			return fmt.Errorf("%w: RSA key of %d bits", ErrWeak, n)
		}
		return nil
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoECDSA:
		curve, err := key.Curve()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrWeak, err)
		}
		switch {
		case key.PubKeyAlgo == packet.PubKeyAlgoEdDSA && curve == packet.Curve25519:
			return nil
		case key.PubKeyAlgo == packet.PubKeyAlgoECDSA &&
			(curve == packet.CurveNistP256 || curve == packet.CurveNistP384 || curve == packet.CurveNistP521):
			return nil
		}
		return fmt.Errorf("%w: curve %s", ErrWeak, curve)
	}
	return fmt.Errorf("%w: public key algorithm %d", ErrWeak, key.PubKeyAlgo)
}
