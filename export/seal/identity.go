package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

// Identity is a secret key that opens sealed files. It prints as kind and
// fingerprint, never as what it holds. It may be used by several goroutines at
// once.
type Identity struct {
	kind        string
	fingerprint string
	age         age.Identity
	secrets     []*packet.PrivateKey
}

// Kind is the kind of the key, one of the Kind constants.
func (id Identity) Kind() string { return id.kind }

// Fingerprint is that of the public key, as in Recipient.
func (id Identity) Fingerprint() string { return id.fingerprint }

// String returns kind and fingerprint.
func (id Identity) String() string { return id.kind + " " + id.fingerprint }

// GoString is String: nothing prints the secret.
func (id Identity) GoString() string { return id.String() }

// ParseIdentities reads a file of secret keys: age identities, one a line among
// blank lines and lines that begin with #, also in an age file with a
// passphrase; an SSH private key; or OpenPGP secret keys, armored or not.
//
// passphrase is asked, with a text that names the key, once for each key that is
// protected; it may be nil. The errors are ErrInvalidKey, ErrUnsupported,
// ErrLocked, ErrPassphrase, and those of passphrase.
func ParseIdentities(data []byte, passphrase func(prompt string) ([]byte, error)) ([]Identity, error) {
	ask := func(prompt string) ([]byte, error) {
		if passphrase == nil {
			return nil, ErrLocked
		}
		phrase, err := passphrase(prompt)
		if err == nil && len(phrase) == 0 {
			err = ErrPassphrase
		}
		return phrase, err
	}
	trimmed := bytes.TrimSpace(data)
	switch {
	case len(data) > MaxKeyFile:
		return nil, fmt.Errorf("%w: a file of more than %d bytes", ErrInvalidKey, MaxKeyFile)
	case isPGP(data):
		return parseSecretKeys(data, ask)
	case bytes.HasPrefix(data, []byte(ageMagic)):
		return parseLocked(bytes.NewReader(data), ask)
	case bytes.HasPrefix(trimmed, []byte(armor.Header)):
		return parseLocked(armor.NewReader(bytes.NewReader(data)), ask)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN ")):
		return parseSSHIdentity(data, ask)
	}
	return parseAgeIdentities(data)
}

// parseAgeIdentities reads a plain file of age identities.
func parseAgeIdentities(data []byte) ([]Identity, error) {
	parsed, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	var ids []Identity
	for _, p := range parsed {
		switch p := p.(type) {
		case *age.X25519Identity:
			ids = append(ids, Identity{kind: KindAgeX25519, fingerprint: ageFingerprint(p.Recipient().String()), age: p})
		case *age.HybridIdentity:
			ids = append(ids, Identity{kind: KindAgeHybrid, fingerprint: ageFingerprint(p.Recipient().String()), age: p})
		default:
			return nil, fmt.Errorf("%w: an age identity of type %T", ErrUnsupported, p)
		}
	}
	return ids, nil
}

// parseLocked reads a file of age identities in an age file with a passphrase.
func parseLocked(r io.Reader, passphrase func(string) ([]byte, error)) ([]Identity, error) {
	plain, err := age.Decrypt(r, &lazyScrypt{ask: passphrase})
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, fmt.Errorf("%w: an identity file that is encrypted to a key", ErrUnsupported)
	case errors.Is(err, ErrPassphrase), errors.Is(err, errAsk):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	data, err := io.ReadAll(io.LimitReader(plain, MaxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	defer clear(data)
	if len(data) > MaxKeyFile {
		return nil, fmt.Errorf("%w: a file of more than %d bytes", ErrInvalidKey, MaxKeyFile)
	}
	return parseAgeIdentities(data)
}

// errAsk marks errors of asking for a passphrase.
var errAsk = errors.New("passphrase")

// lazyScrypt asks for a passphrase only if the file wants one.
type lazyScrypt struct {
	ask func(string) ([]byte, error)
}

// Unwrap implements age.Identity.
func (l *lazyScrypt) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != "scrypt" {
		return nil, age.ErrIncorrectIdentity
	}
	phrase, err := l.ask("passphrase of the age identity file")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAsk, err)
	}
	id, err := age.NewScryptIdentity(string(phrase))
	if err != nil {
		return nil, err
	}
	key, err := id.Unwrap(stanzas)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrPassphrase
	}
	return key, err
}

// parseSSHIdentity reads an SSH private key.
func parseSSHIdentity(data []byte, passphrase func(string) ([]byte, error)) ([]Identity, error) {
	raw, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		phrase, askErr := passphrase("passphrase of the SSH key")
		if askErr != nil {
			return nil, askErr
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(data, phrase)
		if errors.Is(err, x509.IncorrectPasswordError) {
			return nil, ErrPassphrase
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	var id age.Identity
	switch k := raw.(type) {
	case *ed25519.PrivateKey:
		id, err = agessh.NewEd25519Identity(*k)
	case ed25519.PrivateKey:
		id, err = agessh.NewEd25519Identity(k)
	case *rsa.PrivateKey:
		id, err = agessh.NewRSAIdentity(k)
	default:
		return nil, fmt.Errorf("%w: an SSH key of type %T", ErrUnsupported, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	return []Identity{{kind: KindAgeSSH, fingerprint: ageFingerprint(sshText(signer.PublicKey())), age: id}}, nil
}

// parseSecretKeys reads OpenPGP secret keys.
func parseSecretKeys(data []byte, passphrase func(string) ([]byte, error)) ([]Identity, error) {
	packets, err := dearmor(data, openpgp.PrivateKeyType)
	if err != nil {
		return nil, err
	}
	entities, err := openpgp.ReadKeyRing(bytes.NewReader(packets))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	var ids []Identity
	for _, e := range entities {
		if e.PrivateKey == nil {
			return nil, fmt.Errorf("%w: %s is a public key", ErrInvalidKey, pgpFingerprint(e.PrimaryKey))
		}
		if err := unlock(e, passphrase); err != nil {
			return nil, err
		}
		secrets := secretKeys(e)
		if len(secrets) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrNoEncryption, pgpFingerprint(e.PrimaryKey))
		}
		ids = append(ids, Identity{kind: KindOpenPGP, fingerprint: pgpFingerprint(e.PrimaryKey), secrets: secrets})
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: no secret key in the file", ErrInvalidKey)
	}
	return ids, nil
}

// unlock decrypts the secret keys of an entity that are locked.
func unlock(e *openpgp.Entity, passphrase func(string) ([]byte, error)) error {
	locked := isLocked(e.PrivateKey)
	for _, s := range e.Subkeys {
		locked = locked || isLocked(s.PrivateKey)
	}
	if !locked {
		return nil
	}
	phrase, err := passphrase("passphrase of the OpenPGP key " + pgpFingerprint(e.PrimaryKey))
	if err != nil {
		return err
	}
	if err := e.DecryptPrivateKeys(phrase); err != nil {
		return fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	return nil
}

func isLocked(k *packet.PrivateKey) bool {
	return k != nil && !k.Dummy() && k.Encrypted
}
