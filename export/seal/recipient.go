package seal

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// ParseRecipient reads one public key: a file with one age recipient (age1…,
// age1pq1…) or one SSH public key (ssh-ed25519, ssh-rsa), among blank lines
// and lines that begin with #; or an OpenPGP certificate, armored or not.
//
// It refuses what cannot be encrypted to at any time, with ErrInvalidKey,
// ErrSecretKey, ErrUnsupported, ErrWeakKey, ErrRevokedKey or ErrNoEncryption.
// Whether the key is valid at a time is for CheckRecipient.
func ParseRecipient(data []byte) (Recipient, error) {
	r, _, err := parse(data)
	return r, err
}

// parse is ParseRecipient; it returns the key as well.
func parse(data []byte) (Recipient, loadedKey, error) {
	var k loadedKey
	var err error
	switch {
	case len(data) > MaxKeyFile:
		err = fmt.Errorf("%w: a file of more than %d bytes", ErrInvalidKey, MaxKeyFile)
	case isSecret(data):
		err = ErrSecretKey
	case isPGP(data):
		k, err = parseCertificate(data)
	default:
		k, err = parseLine(data)
	}
	if err != nil {
		return Recipient{}, loadedKey{}, err
	}
	return k.recipient, k, nil
}

// isSecret reports whether a file holds a secret key in a form of text.
func isSecret(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(bytes.ToUpper(line), []byte("AGE-SECRET-KEY-")) ||
			bytes.HasPrefix(line, []byte("-----BEGIN ")) && bytes.Contains(line, []byte("PRIVATE KEY")) {
			return true
		}
	}
	return false
}

// isPGP reports whether a file is an OpenPGP key, armored or binary: each
// packet begins with a bit that no text begins with.
func isPGP(data []byte) bool {
	return len(data) > 0 && data[0]&0x80 != 0 && !bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) ||
		bytes.Contains(data, []byte(pgpArmor))
}

// parseLine reads the one line of a file of age recipients.
func parseLine(data []byte) (loadedKey, error) {
	var key string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if key != "" {
			return loadedKey{}, fmt.Errorf("%w: more than one key in the file", ErrInvalidKey)
		}
		key = line
	}
	switch lower := strings.ToLower(key); {
	case key == "":
		return loadedKey{}, fmt.Errorf("%w: no key in the file", ErrInvalidKey)
	case strings.HasPrefix(lower, "age1pq1"):
		r, err := age.ParseHybridRecipient(lowered(key))
		if err != nil {
			return loadedKey{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
		}
		return ageKey(KindAgeHybrid, r.String(), r)
	case isX25519(lower):
		r, err := age.ParseX25519Recipient(lowered(key))
		if err != nil {
			return loadedKey{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
		}
		return ageKey(KindAgeX25519, r.String(), r)
	case strings.HasPrefix(lower, "age1"):
		return loadedKey{}, fmt.Errorf("%w: an age recipient of a plugin", ErrUnsupported)
	default:
		return parseSSH(key)
	}
}

// isX25519 tells age1… from age1NAME1…, the recipients of plugins: neither b
// nor 1 is a letter of Bech32 data.
func isX25519(key string) bool {
	rest, ok := strings.CutPrefix(key, "age1")
	return ok && !strings.Contains(rest, "1")
}

// lowered returns the lower-case form of Bech32 text that is all upper case.
func lowered(key string) string {
	if key == strings.ToUpper(key) {
		return strings.ToLower(key)
	}
	return key
}

// parseSSH reads an SSH public key in the form of an authorized_keys file.
func parseSSH(line string) (loadedKey, error) {
	pub, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(options) > 0 {
		return loadedKey{}, fmt.Errorf("%w: neither an age recipient nor an SSH public key", ErrInvalidKey)
	}
	var r ageRecipient
	switch pub.Type() {
	case ssh.KeyAlgoED25519:
		r, err = agessh.NewEd25519Recipient(pub)
	case ssh.KeyAlgoRSA:
		if err := checkRSA(sshModulus(pub)); err != nil {
			return loadedKey{}, err
		}
		r, err = agessh.NewRSARecipient(pub)
	default:
		return loadedKey{}, fmt.Errorf("%w: an SSH key of type %s", ErrUnsupported, pub.Type())
	}
	if err != nil {
		return loadedKey{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	k, err := ageKey(KindAgeSSH, sshText(pub), r)
	if err == nil && pub.Type() == ssh.KeyAlgoRSA {
		k.recipient.Warnings = adviseRSA(sshModulus(pub))
	}
	return k, err
}

// sshText is the canonical text of an SSH public key: without a comment.
func sshText(pub ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
}

// sshModulus is the size in bits of the modulus of an SSH RSA key.
func sshModulus(pub ssh.PublicKey) int {
	if c, ok := pub.(ssh.CryptoPublicKey); ok {
		if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return k.N.BitLen()
		}
	}
	return 0
}

// checkRSA checks the size of an RSA modulus.
func checkRSA(bits int) error {
	switch {
	case bits < MinRSABits:
		return fmt.Errorf("%w: RSA with %d bits", ErrWeakKey, bits)
	case bits > MaxRSABits:
		return fmt.Errorf("%w: RSA with %d bits", ErrUnsupported, bits)
	}
	return nil
}

// adviseRSA warns of an RSA modulus that is allowed, but should be larger.
func adviseRSA(bits int) []string {
	if bits >= adviseRSABits {
		return nil
	}
	return []string{fmt.Sprintf("the RSA key has %d bits; %d or more are recommended", bits, adviseRSABits)}
}

// ageRecipient is what can be encrypted to with age.
type ageRecipient = age.Recipient

// ageKey makes a key of kind; text is its canonical text. It tries the key,
// as some points of the curve cannot be encrypted to.
func ageKey(kind, text string, r ageRecipient) (loadedKey, error) {
	if _, err := r.Wrap(make([]byte, 16)); err != nil {
		return loadedKey{}, fmt.Errorf("%w: %w", ErrInvalidKey, err)
	}
	return loadedKey{
		recipient: Recipient{Kind: kind, Fingerprint: ageFingerprint(text), Public: text},
		age:       r,
	}, nil
}

// ageFingerprint is the digest of a recipient's canonical text.
func ageFingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// encryptAge encrypts to age recipients.
func encryptAge(dst io.Writer, keys []loadedKey) (io.WriteCloser, error) {
	var rs []age.Recipient
	for _, k := range keys {
		if k.age == nil {
			return nil, errors.New("no age recipient") // loadAll gives one kind
		}
		rs = append(rs, k.age)
	}
	w, err := age.Encrypt(dst, rs...)
	if err != nil {
		return nil, fmt.Errorf("encrypt with age: %w", err)
	}
	return w, nil
}
