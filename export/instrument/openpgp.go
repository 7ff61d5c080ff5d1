package instrument

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"exhibit/sign/keyring"
)

// pgpSignature is one OpenPGP signature packet over a binary document.
type pgpSignature struct {
	packet *packet.Signature
	binary []byte
	// created is what the hashed area says.
	created time.Time
}

// parseOpenPGP reads one signature packet and nothing else, armored or not.
func parseOpenPGP(signature []byte) (*pgpSignature, error) {
	data := signature
	if signature[0]&0x80 == 0 {
		var err error
		if data, err = dearmor(signature); err != nil {
			return nil, err
		}
	}
	r := bytes.NewReader(data)
	p, err := packet.Read(r)
	var unsupported pgperrors.UnsupportedError
	if errors.As(err, &unsupported) { // such as RIPEMD-160
		return nil, fmt.Errorf("%w: OpenPGP: %w", ErrBad, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: OpenPGP: %w", ErrFormat, err)
	}
	sig, ok := p.(*packet.Signature)
	switch {
	case !ok || r.Len() > 0:
		return nil, fmt.Errorf("%w: OpenPGP: want one signature packet and nothing else", ErrFormat)
	case sig.Version != 4 && sig.Version != 6:
		return nil, fmt.Errorf("%w: OpenPGP: version %d", ErrFormat, sig.Version)
	case sig.SigType != packet.SigTypeBinary:
		return nil, fmt.Errorf("%w: OpenPGP: not over a binary document, but of type %#x", ErrFormat, byte(sig.SigType))
	case sig.IssuerKeyId == nil:
		return nil, fmt.Errorf("%w: OpenPGP: does not name its key", ErrFormat)
	}
	return &pgpSignature{packet: sig, binary: data, created: sig.CreationTime.UTC()}, nil
}

// dearmor reads one armor block with white space around it at most. The
// library would also take what stands before and after it.
func dearmor(text []byte) ([]byte, error) {
	s := string(bytes.TrimSpace(text))
	if !strings.HasSuffix(s, pgpEnd) || strings.Count(s, armorBegin) != 1 {
		return nil, fmt.Errorf("%w: OpenPGP: want one armor block and nothing else", ErrFormat)
	}
	block, err := armor.Decode(strings.NewReader(s + "\n"))
	if err != nil {
		return nil, fmt.Errorf("%w: OpenPGP: armor: %w", ErrFormat, err)
	}
	data, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: OpenPGP: armor: %w", ErrFormat, err)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: OpenPGP: empty armor block", ErrFormat)
	}
	return data, nil
}

// check looks for the key in the keyring and verifies the signature with it.
func (s *pgpSignature) check(instrument []byte, keys *keyring.Keyring, now time.Time) (Result, error) {
	if err := strongHash(s.packet.Hash); err != nil {
		return Result{}, err
	}
	at, err := times(s.created, now)
	if err != nil {
		return Result{}, err
	}
	var failed error
	for _, c := range pgpCertificates(keys) {
		signer := c.find(s)
		if signer == "" {
			continue
		}
		err := c.verify(instrument, s, signer, at)
		if err == nil {
			return by(OpenPGP, c.fingerprint, s.created, now, keys)
		}
		failed = fmt.Errorf("key %s: %w", c.fingerprint, err)
	}
	if failed != nil {
		return Result{}, failed
	}
	return Result{Kind: OpenPGP, Result: UnknownKey, Fingerprint: s.issuer(), SignedAt: s.created}, nil
}

// issuer returns the fingerprint that the signature names, or "".
func (s *pgpSignature) issuer() string {
	if n := len(s.packet.IssuerFingerprint); n == 20 || n == 32 {
		return fmt.Sprintf("%X", s.packet.IssuerFingerprint)
	}
	return ""
}

// find returns the fingerprint of the certificate's key that the signature
// names, or "". What is wrong with the certificate is for verify to say: no
// agency's certificate stands in the way of another's.
func (c *pgpCertificate) find(s *pgpSignature) string {
	e, _, err := readCertificate(c.last)
	if err != nil { // of its keys only the primary one is known
		if s.issuer() == c.fingerprint {
			return c.fingerprint
		}
		return ""
	}
	if s.packet.CheckKeyIdOrFingerprint(e.PrimaryKey) {
		return hexOf(e.PrimaryKey)
	}
	for i := range e.Subkeys {
		if key := e.Subkeys[i].PublicKey; s.packet.CheckKeyIdOrFingerprint(key) {
			return hexOf(key)
		}
	}
	return ""
}

// verify checks the signature with the key of that fingerprint, and that the
// key was fit to sign at each of the times, the last of which is now.
func (c *pgpCertificate) verify(instrument []byte, s *pgpSignature, signer string, at []time.Time) error {
	e, err := parseCertificate(c.last)
	if err != nil {
		return err
	}
	key := publicKey(e, signer)
	if err := holds(instrument, s, key, at[len(at)-1]); err != nil {
		return err
	}
	for _, k := range []*packet.PublicKey{e.PrimaryKey, key} {
		if err := strongKey(k); err != nil {
			return err
		}
	}
	if err := c.notRevoked(signer); err != nil {
		return err
	}
	for _, t := range at {
		if err := c.valid(signer, t); err != nil {
			return err
		}
	}
	return c.agrees(instrument, s, signer, at[len(at)-1])
}

// holds checks the signature with a key, and what the signature says of itself.
func holds(instrument []byte, s *pgpSignature, key *packet.PublicKey, now time.Time) error {
	h, err := s.packet.PrepareVerify()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	h.Write(instrument)
	if err := key.VerifySignature(h, s.packet); err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	switch {
	case s.packet.Version != key.Version:
		return fmt.Errorf("%w: version %d, the key has %d", ErrBad, s.packet.Version, key.Version)
	case s.created.Before(key.CreationTime):
		return fmt.Errorf("%w: older than its key", ErrBad)
	case s.packet.SigExpired(now):
		return fmt.Errorf("%w: the signature has expired", ErrBad)
	}
	return nil
}

// notRevoked returns ErrNotValid if the certificate's holder has ever revoked
// it or the subkey, for whatever reason and at whatever time, and in whichever
// form it was enrolled: whoever holds a key can sign with an earlier date.
func (c *pgpCertificate) notRevoked(signer string) error {
	for _, text := range c.all {
		e, err := parseCertificate(text)
		if err != nil {
			return err
		}
		for _, r := range e.Revocations {
			if e.PrimaryKey.VerifyRevocationSignature(r.Packet) == nil {
				return fmt.Errorf("%w: revoked by its holder", ErrNotValid)
			}
		}
		sub := subkey(e, signer)
		if sub == nil {
			continue
		}
		revocations, err := subkeyRevocations(text)
		if err != nil {
			return err
		}
		for _, r := range revocations {
			if e.PrimaryKey.VerifySubkeyRevocationSignature(r, sub.PublicKey) == nil {
				return fmt.Errorf("%w: subkey revoked by its holder", ErrNotValid)
			}
		}
	}
	return nil
}

// valid checks that the key was fit to sign at a time, by the certificate.
func (c *pgpCertificate) valid(signer string, at time.Time) error {
	err := c.self(signer, at, strictConfig(at))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrKeyRevoked):
		return fmt.Errorf("%w at %s: %w", ErrNotValid, at.UTC().Format(time.RFC3339), err)
	}
	// The same again with weak hashes allowed tells a weak self-signature from
	// none at that time. It never makes a refusal an acceptance.
	if c.self(signer, at, &packet.Config{RejectHashAlgorithms: map[crypto.Hash]bool{}}) == nil {
		return fmt.Errorf("%w: hash of the key's self-signature", ErrBad)
	}
	return fmt.Errorf("%w at %s: %w", ErrNotValid, at.UTC().Format(time.RFC3339), err)
}

// self checks the self-signatures of a fresh parse.
func (c *pgpCertificate) self(signer string, at time.Time, config *packet.Config) error {
	e, err := parseCertificate(c.last)
	if err != nil {
		return err
	}
	if _, err := e.VerifyPrimaryKey(at, config); err != nil {
		return err
	}
	if sub := subkey(e, signer); sub != nil {
		_, err = sub.Verify(at, config)
	}
	return err
}

// agrees has the library verify the whole of it, which also looks at critical
// notations, at what the key is for and at the subkey's own signature.
func (c *pgpCertificate) agrees(instrument []byte, s *pgpSignature, signer string, now time.Time) error {
	e, err := parseCertificate(c.last)
	if err != nil {
		return err
	}
	md, err := openpgp.VerifyDetachedSignatureReader(openpgp.EntityList{e},
		bytes.NewReader(instrument), bytes.NewReader(s.binary), strictConfig(now))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	if _, err := io.Copy(io.Discard, md.UnverifiedBody); err != nil {
		return fmt.Errorf("%w: %w", ErrBad, err)
	}
	switch {
	case md.SignatureError != nil:
		return fmt.Errorf("%w: %w", ErrBad, md.SignatureError)
	case md.SignedBy == nil || hexOf(md.SignedBy.PublicKey) != signer:
		return fmt.Errorf("%w: not by the key that it names", ErrBad)
	}
	return nil
}

func strictConfig(now time.Time) *packet.Config {
	weak := map[crypto.Hash]bool{crypto.MD5: true, crypto.SHA1: true, crypto.RIPEMD160: true, crypto.SHA224: true}
	return &packet.Config{
		Time: func() time.Time { return now }, MinRSABits: minRSABits,
		RejectHashAlgorithms: weak, RejectMessageHashAlgorithms: weak,
	}
}

func strongHash(h crypto.Hash) error {
	if !slices.Contains([]crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512}, h) {
		return fmt.Errorf("%w: hash %s is not accepted", ErrBad, h)
	}
	return nil
}

// strongKey returns ErrBad for RSA below minRSABits, DSA, and curves that are
// not those of RFC 9580 section 9.2.
func strongKey(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if n, err := key.BitLength(); err != nil || n < minRSABits {
			return fmt.Errorf("%w: RSA key of %d bits", ErrBad, n)
		}
		return nil
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoECDSA:
		curve, err := key.Curve()
		if err != nil || !slices.Contains([]packet.Curve{
			packet.Curve25519, packet.Curve448, packet.CurveNistP256, packet.CurveNistP384, packet.CurveNistP521,
			packet.CurveBrainpoolP256, packet.CurveBrainpoolP384, packet.CurveBrainpoolP512,
		}, curve) {
			return fmt.Errorf("%w: curve %s is not accepted", ErrBad, curve)
		}
		return nil
	case packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return nil
	}
	return fmt.Errorf("%w: public key algorithm %d is not accepted", ErrBad, key.PubKeyAlgo)
}
