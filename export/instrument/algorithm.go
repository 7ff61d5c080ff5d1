package instrument

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384, SHA-512
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithms (RFC 5754, RFC 8419, RFC 4056).
var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// hashes lists what is accepted: a digest, and RSA and ECDSA with it.
var hashes = []struct {
	hash               crypto.Hash
	digest, rsa, ecdsa asn1.ObjectIdentifier
}{
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}},
}

// RSA keys that are accepted, in bits: the upper bound is for time.
const (
	minRSABits = 2048
	maxRSABits = 16384
)

// algorithm is an AlgorithmIdentifier (RFC 5280 section 4.1.1.2).
type algorithm struct {
	oid        asn1.ObjectIdentifier
	parameters cryptobyte.String // one element, or empty
}

// read takes an AlgorithmIdentifier from the beginning of in.
func (a *algorithm) read(in *cryptobyte.String) bool {
	var inner cryptobyte.String
	if !in.ReadASN1(&inner, casn1.SEQUENCE) || !inner.ReadASN1ObjectIdentifier(&a.oid) {
		return false
	}
	a.parameters = nil
	if inner.Empty() {
		return true
	}
	var tag casn1.Tag
	return inner.ReadAnyASN1Element(&a.parameters, &tag) && inner.Empty()
}

// plain reports whether the parameters are absent or NULL.
func (a algorithm) plain() bool {
	return len(a.parameters) == 0 || string(a.parameters) == "\x05\x00"
}

// hash returns the digest's hash, or ErrBad if it is not accepted.
func (a algorithm) hash() (crypto.Hash, error) {
	for _, h := range hashes {
		if a.oid.Equal(h.digest) && a.plain() {
			return h.hash, nil
		}
	}
	return 0, fmt.Errorf("%w: digest algorithm %s is not accepted", ErrBad, a.oid)
}

// checkDigest compares the signed digest with the instrument's.
func (s *cmsSignature) checkDigest(instrument []byte) error {
	hash, err := s.digest.hash()
	if err != nil {
		return err
	}
	h := hash.New()
	h.Write(instrument)
	if subtle.ConstantTimeCompare(h.Sum(nil), s.messageDigest) != 1 {
		return fmt.Errorf("%w: it is over something else", ErrBad)
	}
	return nil
}

// verify checks the signature over the signed attributes with a certificate's
// key: ErrBad if it does not hold, or not by an accepted algorithm.
func (s *cmsSignature) verify(c *x509.Certificate) error {
	hash, err := s.digest.hash()
	if err != nil {
		return err
	}
	const signing = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if c.KeyUsage != 0 && c.KeyUsage&signing == 0 {
		return fmt.Errorf("%w: the certificate is not for signing", ErrBad)
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return s.verifyRSA(key, hash)
	case *ecdsa.PublicKey:
		return s.verifyECDSA(key, hash)
	case ed25519.PublicKey:
		// RFC 8419 section 3: with signed attributes the digest is SHA-512.
		if !s.algorithm.oid.Equal(oidEd25519) || len(s.algorithm.parameters) != 0 || hash != crypto.SHA512 {
			return s.notAccepted()
		}
		return held(ed25519.Verify(key, s.attributes, s.signature))
	}
	return fmt.Errorf("%w: public key of the certificate is not accepted", ErrBad)
}

func (s *cmsSignature) notAccepted() error {
	return fmt.Errorf("%w: signature algorithm %s is not accepted with this key and digest", ErrBad, s.algorithm.oid)
}

func held(ok bool) error {
	if !ok {
		return fmt.Errorf("%w: it does not hold by the key that it names", ErrBad)
	}
	return nil
}

func (s *cmsSignature) attributesDigest(hash crypto.Hash) []byte {
	h := hash.New()
	h.Write(s.attributes)
	return h.Sum(nil)
}

func (s *cmsSignature) verifyRSA(key *rsa.PublicKey, hash crypto.Hash) error {
	if n := key.N.BitLen(); n < minRSABits || n > maxRSABits {
		return fmt.Errorf("%w: RSA key of %d bits", ErrBad, n)
	}
	digest := s.attributesDigest(hash)
	if s.algorithm.oid.Equal(oidPSS) {
		salt, ok := readPSS(s.algorithm.parameters, hash)
		if !ok {
			return s.notAccepted()
		}
		return held(rsa.VerifyPSS(key, hash, digest, s.signature, &rsa.PSSOptions{SaltLength: salt, Hash: hash}) == nil)
	}
	if !s.algorithm.plain() {
		return s.notAccepted()
	}
	for _, h := range hashes {
		if h.hash == hash && (s.algorithm.oid.Equal(oidRSA) || s.algorithm.oid.Equal(h.rsa)) {
			return held(rsa.VerifyPKCS1v15(key, hash, digest, s.signature) == nil)
		}
	}
	return s.notAccepted()
}

func (s *cmsSignature) verifyECDSA(key *ecdsa.PublicKey, hash crypto.Hash) error {
	if !slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, key.Curve) {
		return fmt.Errorf("%w: curve %s is not accepted", ErrBad, key.Curve.Params().Name)
	}
	for _, h := range hashes {
		if h.hash == hash && s.algorithm.oid.Equal(h.ecdsa) && len(s.algorithm.parameters) == 0 {
			return held(ecdsa.VerifyASN1(key, s.attributesDigest(hash), s.signature))
		}
	}
	return s.notAccepted()
}

// readPSS reads RSASSA-PSS-params (RFC 4055 section 3.1) and returns the length
// of the salt, at least 1. Digest and mask must both use hash; the defaults,
// which are SHA-1, are not accepted.
func readPSS(parameters cryptobyte.String, hash crypto.Hash) (salt int, ok bool) {
	var params, explicit, inner cryptobyte.String
	var digest, maskDigest algorithm
	var mask asn1.ObjectIdentifier
	if !parameters.ReadASN1(&params, casn1.SEQUENCE) || !parameters.Empty() ||
		!params.ReadASN1(&explicit, tagExplicit0) || !digest.read(&explicit) || !explicit.Empty() ||
		!params.ReadASN1(&explicit, tagExplicit1) || !explicit.ReadASN1(&inner, casn1.SEQUENCE) || !explicit.Empty() ||
		!inner.ReadASN1ObjectIdentifier(&mask) || !mask.Equal(oidMGF1) || !maskDigest.read(&inner) || !inner.Empty() {
		return 0, false
	}
	for _, a := range []algorithm{digest, maskDigest} {
		if h, err := a.hash(); err != nil || h != hash {
			return 0, false
		}
	}
	if !params.ReadOptionalASN1Integer(&salt, casn1.Tag(2).ContextSpecific().Constructed(), 20) || !params.Empty() {
		return 0, false
	}
	return salt, salt > 0 && salt <= maxRSABits/8 // 0 would mean any to crypto/rsa
}
