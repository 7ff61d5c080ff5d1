package detached

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	_ "crypto/sha256" // registers SHA-256
	_ "crypto/sha512" // registers SHA-384 and SHA-512
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// A Signer signs with one OpenPGP version 4 key. The key proper is a
// crypto.Signer, so it may be in a hardware module. The packets are written
// here rather than by the library, which knows only its own key types and
// swallows the errors of others.
type Signer struct {
	key         crypto.Signer
	algo        algorithm
	public      []byte // body of the public key packet
	fingerprint [sha1.Size]byte
	keys        *PublicKeys // the certificate
}

// maxUserID bounds the user id of a new key, in bytes.
const maxUserID = 1000

// algorithm is how a key signs.
type algorithm struct {
	id     byte
	hashID byte
	hash   crypto.Hash
}

// Generate makes a new Ed25519 key from 32 bytes of rand, created and
// certified at the given time, for uid, as in "Name <mail@example.org>".
func Generate(uid string, at time.Time, rand io.Reader) (*Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	return FromCryptoSigner(ed25519.NewKeyFromSeed(seed), uid, at)
}

// FromCryptoSigner makes an OpenPGP key of a crypto.Signer whose public key is
// Ed25519, RSA of at least 2048 bits, or ECDSA over P-256, P-384 or P-521,
// certified for uid at the given time. The same key and time give the same
// fingerprint; the time is whole seconds.
func FromCryptoSigner(key crypto.Signer, uid string, at time.Time) (*Signer, error) {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if uid == "" || len(uid) > maxUserID || !utf8.ValidString(uid) || strings.ContainsFunc(uid, control) {
		return nil, fmt.Errorf("%w: user id %.80q", ErrMalformed, uid)
	}
	s, err := newSigner(key, at)
	if err != nil {
		return nil, err
	}
	self, err := s.certify(uid, at)
	if err != nil {
		return nil, err
	}
	certificate := appendPacket(nil, tagPublicKey, s.public)
	certificate = appendPacket(certificate, tagUserID, []byte(uid))
	certificate = append(certificate, self...)
	return s, s.adopt(certificate, at)
}

// WithCertificate makes a Signer of a key, as in a hardware module, and the
// certificate, armored or binary, that was once made for it.
func WithCertificate(key crypto.Signer, certificate []byte) (*Signer, error) {
	keys, err := ParsePublicKeys(certificate)
	if err != nil {
		return nil, err
	}
	if len(keys.certificates) != 1 {
		return nil, fmt.Errorf("%w: want one certificate", ErrMalformed)
	}
	e, err := keys.certificates[0].parse()
	if err != nil {
		return nil, err
	}
	s, err := newSigner(key, e.PrimaryKey.CreationTime)
	if err != nil {
		return nil, err
	}
	if s.Fingerprint() != keys.certificates[0].fingerprint {
		return nil, fmt.Errorf("%w: the certificate is of another key", ErrMalformed)
	}
	s.keys = keys
	return s, nil
}

func newSigner(key crypto.Signer, created time.Time) (*Signer, error) {
	if t := created.Unix(); t <= 0 || t > 1<<32-1 {
		return nil, fmt.Errorf("%w: creation time of the key", ErrMalformed)
	}
	algo, material, err := describe(key.Public())
	if err != nil {
		return nil, err
	}
	s := &Signer{key: key, algo: algo}
	s.public = binary.BigEndian.AppendUint32([]byte{4}, uint32(created.Unix()))
	s.public = append(append(s.public, algo.id), material...)
	s.fingerprint = sha1.Sum(s.prefixed()) // RFC 9580 section 5.5.4.2
	return s, nil
}

// adopt takes the certificate for the signer's own after checking it.
func (s *Signer) adopt(certificate []byte, at time.Time) (err error) {
	if s.keys, err = ParsePublicKeys(certificate); err != nil {
		return err
	}
	return s.keys.Check(s.Fingerprint(), at)
}

// prefixed is the public key as it is hashed (RFC 9580 section 5.2.4).
func (s *Signer) prefixed() []byte {
	out := binary.BigEndian.AppendUint16([]byte{0x99}, uint16(len(s.public)))
	return append(out, s.public...)
}

// describe returns how a key signs, and its public material (RFC 9580 section 5.5.5).
func describe(public crypto.PublicKey) (algorithm, []byte, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		oid := []byte{9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01}
		return algorithm{algoEdDSA, hashSHA512, crypto.SHA512}, appendMPI(oid, append([]byte{0x40}, key...)), nil
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSABits {
			return algorithm{}, nil, fmt.Errorf("%w: RSA key of %d bits", ErrWeak, key.N.BitLen())
		}
		material := appendMPI(nil, key.N.Bytes())
		return algorithm{algoRSA, hashSHA512, crypto.SHA512}, appendMPI(material, big.NewInt(int64(key.E)).Bytes()), nil
	case *ecdsa.PublicKey:
		return describeECDSA(key)
	}
	return algorithm{}, nil, fmt.Errorf("%w: public key of type %T", ErrWeak, public)
}

func describeECDSA(key *ecdsa.PublicKey) (algorithm, []byte, error) {
	var algo algorithm
	var oid []byte
	switch key.Curve {
	case elliptic.P256():
		algo, oid = algorithm{algoECDSA, hashSHA256, crypto.SHA256}, []byte{8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	case elliptic.P384():
		algo, oid = algorithm{algoECDSA, hashSHA384, crypto.SHA384}, []byte{5, 0x2b, 0x81, 0x04, 0x00, 0x22}
	case elliptic.P521():
		algo, oid = algorithm{algoECDSA, hashSHA512, crypto.SHA512}, []byte{5, 0x2b, 0x81, 0x04, 0x00, 0x23}
	default:
		return algo, nil, fmt.Errorf("%w: curve", ErrWeak)
	}
	point, err := key.Bytes()
	if err != nil {
		return algo, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return algo, appendMPI(oid, point), nil
}

// Fingerprint of the certificate, in upper-case hexadecimal digits.
func (s *Signer) Fingerprint() string { return fmt.Sprintf("%X", s.fingerprint[:]) }

// Public returns the armored certificate.
func (s *Signer) Public() []byte { return s.keys.Armored(s.Fingerprint()) }

// PublicKeys returns the set of the signer's own certificate.
func (s *Signer) PublicKeys() *PublicKeys { return s.keys }

// String names the signer without showing its key.
func (s *Signer) String() string { return "signer " + s.Fingerprint() }

// GoString is String, so that %#v shows no key either.
func (s *Signer) GoString() string { return s.String() }

// Sign returns an armored detached signature over exactly text, made at the
// given time. It is verified before it is returned.
func (s *Signer) Sign(text []byte, at time.Time) ([]byte, error) {
	packet, err := s.sign(0x00, nil, at, func(h hash.Hash) { h.Write(text) })
	if err != nil {
		return nil, err
	}
	sig, err := enarmor(armorSignature, packet)
	if err != nil {
		return nil, err
	}
	if _, err := Verify(text, sig, s.keys, at); err != nil {
		return nil, fmt.Errorf("signature just made: %w", err)
	}
	return sig, nil
}

// certify returns the self-signature for uid: a positive certification of a
// key that certifies and signs.
func (s *Signer) certify(uid string, at time.Time) ([]byte, error) {
	extra := appendSubpacket(nil, subKeyFlags, 0x03)
	extra = appendSubpacket(extra, subPrefSymmetric, 9) // AES-256
	extra = appendSubpacket(extra, subPrefHash, hashSHA512, hashSHA384, hashSHA256)
	extra = appendSubpacket(extra, subFeatures, 0x01)
	return s.sign(0x13, extra, at, func(h hash.Hash) {
		h.Write(s.prefixed())
		h.Write(binary.BigEndian.AppendUint32([]byte{0xb4}, uint32(len(uid))))
		h.Write([]byte(uid))
	})
}

// sign returns a signature packet of the given type over what content writes
// (RFC 9580 sections 5.2.3 and 5.2.4).
func (s *Signer) sign(kind byte, extra []byte, at time.Time, content func(hash.Hash)) ([]byte, error) {
	if t := at.Unix(); t <= 0 || t > 1<<32-1 {
		return nil, fmt.Errorf("%w: time of the signature", ErrMalformed)
	}
	area := appendSubpacket(nil, subIssuerFingerprint, append([]byte{4}, s.fingerprint[:]...)...)
	area = appendSubpacket(area, subCreationTime, binary.BigEndian.AppendUint32(nil, uint32(at.Unix()))...)
	area = append(area, extra...)

	body := []byte{4, kind, s.algo.id, s.algo.hashID}
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(area))), area...)
	h := s.algo.hash.New()
	content(h)
	h.Write(body)
	h.Write(trailer(len(body)))
	digest := h.Sum(nil)

	unhashed := appendSubpacket(nil, subIssuerKeyID, s.fingerprint[12:]...)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(unhashed))), unhashed...)
	body = append(body, digest[:2]...)
	body, err := s.appendValues(body, digest)
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", s.Fingerprint(), err)
	}
	return appendPacket(nil, tagSignature, body), nil
}

// appendValues appends the numbers of the signature over digest.
func (s *Signer) appendValues(body, digest []byte) ([]byte, error) {
	var opts crypto.SignerOpts = s.algo.hash
	if s.algo.id == algoEdDSA {
		opts = crypto.Hash(0) // the digest is the message (RFC 9580 section 5.2.3.3)
	}
	value, err := s.key.Sign(rand.Reader, digest, opts)
	if err != nil {
		return nil, err
	}
	switch s.algo.id {
	case algoEdDSA:
		if len(value) != ed25519.SignatureSize {
			return nil, fmt.Errorf("signature of %d bytes", len(value))
		}
		return appendMPI(appendMPI(body, value[:32]), value[32:]), nil
	case algoECDSA:
		var v struct{ R, S *big.Int }
		if rest, err := asn1.Unmarshal(value, &v); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("signature is not in DER")
		}
		return appendMPI(appendMPI(body, v.R.Bytes()), v.S.Bytes()), nil
	}
	return appendMPI(body, value), nil
}
