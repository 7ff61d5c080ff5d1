package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
)

// publicMaterial is a public key as it is enrolled.
type publicMaterial struct {
	kind        sign.KeyKind
	fingerprint string
	text        string // as a keyring entry has it (sign/FORMAT.md section 5)
	// names are what the key says of itself; nobody vouches for them.
	names []string
	// warnings are sentences that whoever enrolls the key should see, and so is note.
	warnings []string
	note     string
	// signaturesOnly says that it is an agency's OpenPGP key, and not for encryption.
	signaturesOnly bool
}

var errNotOneCertificate = errors.New("want one certificate in PEM and nothing else")

// readKey reads a file with one public key, of a kind that is for those roles, and
// refuses what is not fit at that time.
func readKey(data []byte, roles []sign.Role, now time.Time) (publicMaterial, error) {
	switch {
	case slices.Contains(roles, sign.Log):
		return readVerifierKey(data)
	case !slices.Contains(roles, sign.Agency):
		return readSigningKey(data, now)
	case bytes.Contains(data, []byte("-----BEGIN CERTIFICATE")):
		return readCertificate(data, now)
	}
	rec, err := seal.ParseRecipient(data)
	if err == nil {
		err = seal.CheckRecipient(rec, now)
	}
	if errors.Is(err, seal.ErrNoEncryption) {
		return readInstrumentKey(data, now)
	}
	if err != nil {
		return publicMaterial{}, err
	}
	return publicMaterial{
		kind: sign.KeyKind(rec.Kind), fingerprint: rec.Fingerprint, text: rec.Public,
		names: rec.Names, warnings: append([]string{}, rec.Warnings...),
	}, nil
}

// readInstrumentKey reads an agency's OpenPGP certificate that nothing can be encrypted
// to, and that may still have signed an instrument.
func readInstrumentKey(data []byte, now time.Time) (publicMaterial, error) {
	m, err := readSigningKey(data, now)
	if err != nil {
		return m, fmt.Errorf("%w, nor for signatures: %w", seal.ErrNoEncryption, err)
	}
	m.signaturesOnly = true
	m.note = "this key is for checking signatures over legal instruments only: nothing can be encrypted to it"
	return m, nil
}

// readSigningKey reads an OpenPGP certificate that can sign.
func readSigningKey(data []byte, now time.Time) (publicMaterial, error) {
	keys, err := detached.ParsePublicKeys(data)
	if err != nil {
		return publicMaterial{}, err
	}
	if n := len(keys.Fingerprints()); n != 1 {
		return publicMaterial{}, fmt.Errorf("holds %d keys, one is enrolled at a time", n)
	}
	fp := keys.Fingerprints()[0]
	if err := keys.Check(fp, now); err != nil {
		return publicMaterial{}, err
	}
	return publicMaterial{kind: sign.OpenPGP, fingerprint: fp, text: string(keys.Armored(fp)), warnings: []string{}}, nil
}

// readCertificate reads an X.509 certificate (RFC 7468). Whether its key is strong
// enough is for the keyring to say, who issued it for the admins.
func readCertificate(data []byte, now time.Time) (publicMaterial, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")) {
		return publicMaterial{}, errNotOneCertificate
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return publicMaterial{}, fmt.Errorf("%w: %w", seal.ErrInvalidKey, err)
	}
	m := publicMaterial{
		kind: sign.X509, fingerprint: sign.Sum(cert.Raw).String(), names: []string{cert.Subject.String()}, warnings: []string{},
		text: string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})),
		note: "this certificate is for checking signatures over legal instruments only: nothing is encrypted to it, and who issued it is not looked at",
	}
	switch {
	case now.After(cert.NotAfter):
		return m, fmt.Errorf("%w: on %s", seal.ErrExpiredKey, sign.At(cert.NotAfter))
	case now.Before(cert.NotBefore):
		return m, fmt.Errorf("%w: from %s", seal.ErrNotYetValid, sign.At(cert.NotBefore))
	}
	return m, nil
}

// readVerifierKey reads the key of a log (C2SP signed-note).
func readVerifierKey(data []byte) (publicMaterial, error) {
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "PRIVATE+KEY+") {
		return publicMaterial{}, seal.ErrSecretKey
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return publicMaterial{}, fmt.Errorf("%w: want the verifier key of a log, name+hash+key: %w", seal.ErrInvalidKey, err)
	}
	return publicMaterial{
		kind: sign.Note, fingerprint: sign.Sum([]byte(text)).String(), text: text, names: []string{v.Name()}, warnings: []string{},
	}, nil
}

// plainFingerprint is a fingerprint without grouping, in lower case, however people
// write it; "" if it is none.
func plainFingerprint(s string) string {
	s = strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n:-\u00a0", r) {
			return -1
		}
		return r
	}, s))
	if n := len(s); n != 40 && n != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}
