package detached

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"
)

// How Lock protects a key (RFC 9580 sections 3.7.1.4 and 5.5.3): the secret
// sealed by AES-256 in OCB mode under a key that Argon2id derives from the
// passphrase.
const (
	usageAEAD     = 253
	cipherAES256  = 9
	aeadOCB       = 2
	s2kArgon2     = 4
	argonPasses   = 3
	argonLanes    = 4
	argonMemory   = 64 << 10 // KiB
	maxPasses     = 10
	maxLanes      = 16
	maxMemoryBits = 20 // 2^20 KiB: 1 GiB
)

// A Passphrase prints as ***.
type Passphrase struct{ secret []byte }

// NewPassphrase takes a copy of secret.
func NewPassphrase(secret []byte) Passphrase { return Passphrase{bytes.Clone(secret)} }

// Format implements fmt.Formatter for every verb.
func (Passphrase) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// IsEmpty reports whether there is nothing in it.
func (p Passphrase) IsEmpty() bool { return len(p.secret) == 0 }

// Lock returns the armored secret key and certificate, protected by the
// passphrase. Only an Ed25519 key that is in memory can be locked.
func (s *Signer) Lock(p Passphrase) ([]byte, error) {
	if p.IsEmpty() {
		return nil, fmt.Errorf("locking key %s: the passphrase is empty", s.Fingerprint())
	}
	key, ok := s.key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("locking key %s: a key of type %T cannot be taken out", s.Fingerprint(), s.key)
	}
	secret, err := s.secretPacket(key)
	if err != nil {
		return nil, fmt.Errorf("locking key %s: %w", s.Fingerprint(), err)
	}
	config := &packet.Config{
		DefaultCipher: packet.CipherAES256,
		AEADConfig:    &packet.AEADConfig{DefaultMode: packet.AEADModeOCB},
		S2KConfig: &s2k.Config{
			S2KMode: s2k.Argon2S2K,
			Argon2Config: &s2k.Argon2Config{
				NumberOfPasses: argonPasses, DegreeOfParallelism: argonLanes, Memory: argonMemory,
			},
		},
	}
	if err := secret.EncryptWithConfig(p.secret, config); err != nil {
		return nil, fmt.Errorf("locking key %s: %w", s.Fingerprint(), err)
	}
	var out bytes.Buffer
	if err := secret.Serialize(&out); err != nil {
		return nil, fmt.Errorf("locking key %s: %w", s.Fingerprint(), err)
	}
	packets, err := splitPackets(s.keys.Binary())
	if err != nil {
		return nil, err
	}
	for _, p := range packets[1:] { // all but the public key, which the secret key repeats
		out.Write(p.raw)
	}
	return enarmor(armorSecret, out.Bytes())
}

// secretPacket returns the secret key packet, not protected.
func (s *Signer) secretPacket(key ed25519.PrivateKey) (*packet.PrivateKey, error) {
	secret := appendMPI(nil, key.Seed())
	sum := uint16(0)
	for _, b := range secret {
		sum += uint16(b)
	}
	body := append(bytes.Clone(s.public), 0) // not protected
	body = binary.BigEndian.AppendUint16(append(body, secret...), sum)
	return readSecret(appendPacket(nil, tagSecretKey, body))
}

func readSecret(raw []byte) (*packet.PrivateKey, error) {
	p, err := packet.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: secret key: %w", ErrMalformed, err)
	}
	secret, ok := p.(*packet.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: not a secret key", ErrMalformed)
	}
	return secret, nil
}

// Unlock opens a key that Lock has written. Errors are ErrMalformed and
// ErrPassphrase; an altered secret looks like a wrong passphrase.
func Unlock(data []byte, p Passphrase) (*Signer, error) {
	if len(data) > MaxSecretKey {
		return nil, fmt.Errorf("%w: secret key beyond %d bytes", ErrMalformed, MaxSecretKey)
	}
	binary, err := dearmorStrict(armorSecret, data)
	if err != nil {
		return nil, err
	}
	packets, err := splitPackets(binary)
	if err != nil {
		return nil, err
	}
	if len(packets) == 0 || packets[0].tag != tagSecretKey {
		return nil, fmt.Errorf("%w: not a secret key", ErrMalformed)
	}
	if err := checkProtection(packets[0].body); err != nil {
		return nil, err
	}
	secret, err := readSecret(packets[0].raw)
	if err != nil {
		return nil, err
	}
	if err := secret.Decrypt(p.secret); err != nil {
		return nil, fmt.Errorf("%w for key %X", ErrPassphrase, secret.Fingerprint)
	}
	key, ok := secret.PrivateKey.(*eddsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: secret key of type %T", ErrMalformed, secret.PrivateKey)
	}
	seed := key.MarshalByteSecret()
	if len(seed) > ed25519.SeedSize {
		return nil, fmt.Errorf("%w: secret of %d bytes", ErrMalformed, len(seed))
	}
	seed = append(make([]byte, ed25519.SeedSize-len(seed)), seed...)
	certificate := appendPacket(nil, tagPublicKey, packets[0].body[:publicLength])
	for _, p := range packets[1:] {
		certificate = append(certificate, p.raw...)
	}
	return WithCertificate(ed25519.NewKeyFromSeed(seed), certificate)
}

// publicLength is how many bytes of an Ed25519 key packet are public: version,
// time, algorithm, curve and point.
const publicLength = 1 + 4 + 1 + 10 + 2 + 33

// checkProtection refuses a secret key that is not protected as Lock does it,
// before a hostile file can ask for any amount of memory and time.
func checkProtection(body []byte) error {
	if len(body) < publicLength+23 || body[0] != 4 || body[5] != algoEdDSA {
		return fmt.Errorf("%w: want a version 4 Ed25519 secret key", ErrMalformed)
	}
	s := body[publicLength:]
	if s[0] != usageAEAD || s[1] != cipherAES256 || s[2] != aeadOCB || s[3] != s2kArgon2 {
		return fmt.Errorf("%w: secret key is not protected by Argon2id, AES-256 and OCB", ErrMalformed)
	}
	passes, lanes, memory := s[20], s[21], s[22]
	if passes == 0 || passes > maxPasses || lanes == 0 || lanes > maxLanes || memory < 8 || memory > maxMemoryBits {
		return fmt.Errorf("%w: parameters of Argon2id", ErrMalformed)
	}
	return nil
}
