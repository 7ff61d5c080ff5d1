package keyring

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"exhibit/sign"
	"exhibit/sign/detached"
)

// minRSABits is the smallest RSA key that a certificate may have.
const minRSABits = 2048

// checkRoleOfKind checks that keys which do not sign an entry's or a
// statement's text have the one role that is theirs.
func (e *Entry) checkRoleOfKind() error {
	only := sign.Agency
	switch e.Kind {
	case sign.OpenPGP:
		if slices.Contains(e.Roles, sign.Log) {
			return sign.BadMember("roles", "%s is for keys of kind %s only", sign.Log, sign.Note)
		}
		return nil
	case sign.Note:
		only = sign.Log
	}
	if !slices.Equal(e.Roles, []sign.Role{only}) {
		return sign.BadMember("roles", "a key of kind %s has the role %s only", e.Kind, only)
	}
	return nil
}

// checkPublicKey checks that the key is of its kind, and the one of the
// fingerprint. Whether an agency's key is fit to encrypt to is for who encrypts
// to say.
func (e *Entry) checkPublicKey() error {
	got, err := fingerprint(e.Kind, *e.PublicKey)
	if err != nil {
		return sign.BadMember("public_key", "%v", err)
	}
	if got != e.Fingerprint {
		return sign.BadMember("fingerprint", "is not that of public_key")
	}
	if !signs(*e, nil) {
		return nil
	}
	if _, err := detached.ParsePublicKeys([]byte(*e.PublicKey)); err != nil {
		return sign.BadMember("public_key", "%v", err)
	}
	return nil
}

// fingerprint returns the fingerprint of a key's text (FORMAT section 1).
func fingerprint(kind sign.KeyKind, text string) (string, error) {
	switch kind {
	case sign.OpenPGP:
		return detached.CertificateFingerprint([]byte(text))
	case sign.X509:
		cert, err := parseCertificate(text)
		if err != nil {
			return "", err
		}
		return sign.Sum(cert.Raw).String(), nil
	case sign.Note:
		if err := checkVerifierKey(text); err != nil {
			return "", err
		}
	}
	return sign.Sum([]byte(text)).String(), nil
}

// parseCertificate reads a text that is one X.509 certificate in PEM (RFC 7468)
// and nothing else, its key being strong enough to sign with.
func parseCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil || block.Type != "CERTIFICATE" || len(block.Headers) != 0:
		return nil, errors.New("want a certificate in PEM")
	case len(rest) != 0 || string(pem.EncodeToMemory(block)) != text:
		return nil, errors.New("want one certificate in PEM, with nothing around it and in lines of 64")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < minRSABits {
			return nil, fmt.Errorf("certificate: RSA key of %d bits, want at least %d", n, minRSABits)
		}
		return cert, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return nil, errors.New("certificate: curve P-224, want at least P-256")
		}
		return cert, nil
	case ed25519.PublicKey:
		return cert, nil
	}
	return nil, fmt.Errorf("certificate: key of algorithm %s", cert.PublicKeyAlgorithm)
}

// checkVerifierKey checks that text is a verifier key (C2SP signed-note), and
// spelled in the one way it is written: the library also takes line ends and
// upper-case digits.
func checkVerifierKey(text string) error {
	v, err := note.NewVerifier(text)
	if err != nil {
		return err
	}
	parts := strings.SplitN(text, "+", 3) // base64 may hold a + of its own
	key, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil {
		return err
	}
	if text != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(key)) {
		return errors.New("verifier key is written in another way")
	}
	return nil
}
