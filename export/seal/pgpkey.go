package seal

import (
	"bytes"
	"crypto"
	"crypto/rsa"
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
)

// pgpArmor begins every OpenPGP armor.
const pgpArmor = "-----BEGIN PGP "

// A pgpKey is an OpenPGP certificate and the key of it to encrypt to.
type pgpKey struct {
	certificate []byte // its packets
	primary     *packet.Signature
	public      *packet.PublicKey
}

// aead reports whether the key takes version 2 of the encrypted data packet.
func (k *pgpKey) aead() bool { return k.primary.SEIPDv2 }

// gcm reports whether the key prefers AES-256 with GCM, for that version.
func (k *pgpKey) gcm() bool {
	return slices.Contains(k.primary.PreferredCipherSuites, [2]uint8{uint8(packet.CipherAES256), uint8(packet.AEADModeGCM)})
}

func (k *pgpKey) postQuantum() bool { return k.public.IsPQ() }

// parseCertificate reads an OpenPGP certificate and checks it without regard
// to time.
func parseCertificate(data []byte) (loadedKey, error) {
	certificate, err := dearmor(data, openpgp.PublicKeyType)
	if err != nil {
		return loadedKey{}, err
	}
	entity, err := readCertificate(certificate)
	if err != nil {
		return loadedKey{}, err
	}
	k := &pgpKey{certificate: certificate}
	if k, err = k.check(time.Time{}); err != nil {
		return loadedKey{}, err
	}
	text, err := armored(certificate, entity.PrimaryKey.Version)
	if err != nil {
		return loadedKey{}, err
	}
	r := Recipient{
		Kind:        KindOpenPGP,
		Fingerprint: pgpFingerprint(entity.PrimaryKey),
		Public:      text,
		Names:       names(entity),
	}
	if n, ok := modulus(k.public); ok {
		r.Warnings = adviseRSA(n)
	}
	return loadedKey{recipient: r, pgp: k}, nil
}

// dearmor returns the packets of a key file: of its one armor block of the
// given type, or the file itself.
func dearmor(data []byte, blockType string) ([]byte, error) {
	if data[0]&0x80 != 0 {
		return data, nil
	}
	if bytes.Count(data, []byte(pgpArmor)) != 1 {
		return nil, fmt.Errorf("%w: more than one armor block", ErrInvalidKey)
	}
	block, err := armor.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	if block.Type != blockType {
		return nil, fmt.Errorf("%w: it says %s", ErrInvalidKey, block.Type)
	}
	packets, err := io.ReadAll(io.LimitReader(block.Body, MaxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	return packets, nil
}

// armored returns a certificate as text. RFC 9580 section 6.1 forbids the
// checksum for keys of version 6; programs from before want it for version 4.
func armored(certificate []byte, version int) (string, error) {
	var text strings.Builder
	w, err := armor.EncodeWithChecksumOption(&text, openpgp.PublicKeyType, nil, version < 6)
	if err == nil {
		_, err = w.Write(certificate)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("armor certificate: %w", err)
	}
	return strings.TrimRight(text.String(), "\n") + "\n", nil
}

// readCertificate parses a certificate: the packets of one public key, of
// version 4 or 6.
func readCertificate(certificate []byte) (*openpgp.Entity, error) {
	if err := walk(certificate); err != nil {
		return nil, err
	}
	entities, err := openpgp.ReadKeyRing(bytes.NewReader(certificate))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	case len(entities) != 1:
		return nil, fmt.Errorf("%w: %d keys in the file", ErrInvalidKey, len(entities))
	}
	if v := entities[0].PrimaryKey.Version; v != 4 && v != 6 {
		return nil, fmt.Errorf("%w: an OpenPGP key of version %d", ErrUnsupported, v)
	}
	return entities[0], nil
}

// walk checks which packets a certificate has, as reading it skips many.
func walk(certificate []byte) error {
	r := bytes.NewReader(certificate)
	for first := true; ; first = false {
		p, err := packet.Read(r)
		if err == io.EOF && !first {
			return nil
		}
		if _, ok := p.(*packet.PrivateKey); ok {
			return ErrSecretKey
		}
		key, ok := p.(*packet.PublicKey)
		switch primary := ok && !key.IsSubkey; {
		case primary && !first:
			return fmt.Errorf("%w: more than one key in the file", ErrInvalidKey)
		case primary && err != nil:
			return fmt.Errorf("%w: %w", ErrUnsupported, err)
		case first && !primary:
			return fmt.Errorf("%w: no OpenPGP certificate", ErrInvalidKey)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%w: it ends too early", ErrInvalidKey)
		}
	}
}

func pgpFingerprint(key *packet.PublicKey) string {
	return fmt.Sprintf("%X", key.Fingerprint)
}

// names returns the user ids that the key itself has signed, sorted.
func names(e *openpgp.Entity) []string {
	var names []string
	for _, id := range e.Identities {
		if _, err := id.Verify(time.Time{}, strict()); err == nil {
			names = append(names, strings.ToValidUTF8(id.Name, "\uFFFD"))
		}
	}
	slices.Sort(names)
	return names
}

// strict is the configuration for all that is done with OpenPGP. SHA-1 and
// older hashes do not vouch for anything.
func strict() *packet.Config {
	reject := map[crypto.Hash]bool{crypto.MD5: true, crypto.RIPEMD160: true, crypto.SHA1: true}
	return &packet.Config{
		DefaultCipher:               packet.CipherAES256,
		DefaultHash:                 crypto.SHA256,
		MinRSABits:                  MinRSABits,
		RejectHashAlgorithms:        reject,
		RejectMessageHashAlgorithms: reject,
	}
}

// lenient is strict but for the hashes: weak ones count as well.
func lenient() *packet.Config {
	c := strict()
	c.RejectHashAlgorithms = map[crypto.Hash]bool{}
	return c
}

// check chooses the key to encrypt to at a time, or at any time if at is zero.
//
// A certificate has to be good twice: when only strong self-signatures count,
// and when weak ones count as well, as a weak one may revoke or expire it. It is
// parsed for each, as the library remembers its first conclusions.
func (k *pgpKey) check(at time.Time) (*pgpKey, error) {
	e, err := readCertificate(k.certificate)
	if err != nil {
		return nil, err
	}
	for _, r := range signatures(k.certificate, packet.SigTypeKeyRevocation) {
		// One revoked at any time, for any reason, is revoked.
		if e.PrimaryKey.VerifyRevocationSignature(r) == nil {
			return nil, ErrRevokedKey
		}
	}
	if err := checkAlgorithm(e.PrimaryKey); err != nil {
		return nil, fmt.Errorf("primary key: %w", err)
	}
	if !at.IsZero() && e.PrimaryKey.CreationTime.Unix() > at.Unix() {
		return nil, ErrNotYetValid
	}
	key, err := e.EncryptionKeyWithError(at, strict())
	if err != nil {
		return nil, k.explain(err, at)
	}
	if err := checkAlgorithm(key.PublicKey); err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	for _, r := range signatures(k.certificate, packet.SigTypeSubkeyRevocation) {
		if e.PrimaryKey.VerifySubkeyRevocationSignature(r, key.PublicKey) == nil {
			return nil, ErrRevokedKey
		}
	}
	if key.PublicKey.Version != e.PrimaryKey.Version {
		return nil, fmt.Errorf("%w: a subkey of version %d", ErrInvalidKey, key.PublicKey.Version)
	}
	if e, err = readCertificate(k.certificate); err != nil {
		return nil, err
	}
	if _, err := e.VerifyPrimaryKey(at, lenient()); err != nil {
		return nil, k.explain(err, at)
	}
	return &pgpKey{certificate: k.certificate, primary: key.PrimarySelfSignature, public: key.PublicKey}, nil
}

// signatures returns the revocations of that type in a certificate, wherever they
// stand: a revocation certificate may have been put behind the key, where the
// library does not look for it.
func signatures(certificate []byte, typ packet.SignatureType) (found []*packet.Signature) {
	r := bytes.NewReader(certificate)
	for r.Len() > 0 {
		p, err := packet.Read(r)
		if sig, ok := p.(*packet.Signature); ok && err == nil && sig.SigType == typ {
			found = append(found, sig)
		}
	}
	return found
}

// checkAlgorithm refuses public keys that are weak or unknown.
func checkAlgorithm(key *packet.PublicKey) error {
	if n, ok := modulus(key); ok {
		return checkRSA(n)
	}
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoDSA, packet.PubKeyAlgoElGamal:
		return fmt.Errorf("%w: DSA or Elgamal", ErrWeakKey)
	case packet.PubKeyAlgoECDH, packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEdDSA:
		curve, err := key.Curve()
		if err != nil || curve == packet.CurveSecP256k1 {
			return fmt.Errorf("%w: curve %q", ErrUnsupported, curve)
		}
	}
	return nil
}

// modulus returns the bits of an RSA key's modulus: those it has, not those
// that the certificate says it has.
func modulus(key *packet.PublicKey) (bits int, ok bool) {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSAEncryptOnly, packet.PubKeyAlgoRSASignOnly:
		if k, ok := key.PublicKey.(*rsa.PublicKey); ok {
			return k.N.BitLen(), true
		}
		return 0, true
	}
	return 0, false
}

// explain turns what the library says of a refused certificate into an error of
// this package.
func (k *pgpKey) explain(err error, at time.Time) error {
	cause, primary := selectionCause(err)
	var weak pgperrors.WeakAlgorithmError
	switch {
	case errors.Is(cause, pgperrors.ErrKeyExpired):
		return ErrExpiredKey
	case errors.Is(cause, pgperrors.ErrKeyRevoked), k.disowned():
		return ErrRevokedKey
	case errors.As(cause, &weak):
		return fmt.Errorf("%w: %w", ErrWeakKey, cause)
	case k.usable(at, lenient()):
		return fmt.Errorf("%w: it is vouched for with MD5, RIPEMD-160 or SHA-1 only", ErrWeakKey)
	case !at.IsZero() && k.usable(time.Time{}, strict()):
		return fmt.Errorf("%w: its self-signatures are not valid at %s", ErrExpiredKey, at.UTC().Format(time.RFC3339))
	case primary:
		return fmt.Errorf("%w: %w", ErrInvalidKey, cause)
	}
	return ErrNoEncryption
}

// selectionCause finds the cause of a failed choice of a key, and whether it
// lies in the primary key.
func selectionCause(err error) (cause error, primary bool) {
	var sel pgperrors.ErrEncryptionKeySelection
	if p := (*pgperrors.ErrEncryptionKeySelection)(nil); errors.As(err, &p) {
		sel = *p
	} else if !errors.As(err, &sel) {
		return err, true
	}
	if sel.PrimaryKeyErr != nil {
		return sel.PrimaryKeyErr, true
	}
	return sel.EncSelectionErr, false
}

// usable reports whether there is a key to encrypt to under a configuration.
func (k *pgpKey) usable(at time.Time, c *packet.Config) bool {
	e, err := readCertificate(k.certificate)
	if err != nil {
		return false
	}
	_, err = e.EncryptionKeyWithError(at, c)
	return err == nil
}

// disowned reports whether every user id of the certificate is revoked.
func (k *pgpKey) disowned() bool {
	e, err := readCertificate(k.certificate)
	if err != nil || len(e.Identities) == 0 {
		return false
	}
	for _, id := range e.Identities {
		sig, err := id.LatestValidSelfCertification(time.Time{}, lenient())
		if err != nil || !id.Revoked(sig, time.Time{}, lenient()) {
			return false
		}
	}
	return true
}
