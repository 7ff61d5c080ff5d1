package instrument

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// pgpCertificate is an OpenPGP certificate as it was enrolled last, and all
// the forms in which it was ever enrolled. It keeps texts, not what was made of
// them: the library remembers its first verdict on a self-signature.
type pgpCertificate struct {
	fingerprint string
	last        string
	all         []string
}

// pgpCertificates returns the keyring's OpenPGP certificates, whatever their
// roles: a key in another role is not an unknown one.
func pgpCertificates(keys *keyring.Keyring) []*pgpCertificate {
	var all []*pgpCertificate
	byFingerprint := make(map[string]*pgpCertificate)
	for _, k := range keys.All() {
		if k.Entry.Kind != sign.OpenPGP || k.Entry.PublicKey == nil {
			continue
		}
		c := byFingerprint[k.Entry.Fingerprint]
		if c == nil {
			c = &pgpCertificate{fingerprint: k.Entry.Fingerprint}
			byFingerprint[c.fingerprint] = c
			all = append(all, c)
		}
		c.last = *k.Entry.PublicKey
		c.all = append(c.all, c.last)
	}
	return all
}

// parseCertificate makes a fresh entity of a keyring entry's text.
func parseCertificate(text string) (*openpgp.Entity, error) {
	e, revocations, err := readCertificate(text)
	if err != nil {
		return nil, err
	}
	if len(e.Revocations) != revocations {
		return nil, fmt.Errorf("%w: certificate: a key revocation that cannot be read", ErrBad)
	}
	return e, nil
}

// readCertificate is parseCertificate for who only looks at the names of keys. It
// returns how many key revocations there are, which may be more than can be read.
func readCertificate(text string) (e *openpgp.Entity, revocations int, err error) {
	data, err := certificatePackets(text)
	if err == nil {
		data, revocations, err = revocationsFirst(data)
	}
	if err == nil {
		e, err = openpgp.ReadEntity(packet.NewReader(bytes.NewReader(data)))
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: certificate: %w", ErrBad, err)
	}
	return e, revocations, nil
}

// certificatePackets takes off the armor: of more than one block where a
// revocation was put behind the certificate.
func certificatePackets(text string) ([]byte, error) {
	const end = "-----END PGP PUBLIC KEY BLOCK-----"
	var all []byte
	for rest := strings.TrimSpace(text); rest != ""; {
		n := strings.Index(rest, end)
		if n < 0 {
			return nil, errors.New("no end of the armor")
		}
		block, err := armor.Decode(strings.NewReader(rest[:n+len(end)] + "\n"))
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(block.Body)
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
		rest = strings.TrimSpace(rest[n+len(end):])
	}
	return all, nil
}

// revocationsFirst puts key revocations right behind the primary key, where
// alone the library looks for them, and counts them.
func revocationsFirst(data []byte) (sorted []byte, revocations int, err error) {
	var primary, first, rest bytes.Buffer
	r := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return bytes.Join([][]byte{primary.Bytes(), first.Bytes(), rest.Bytes()}, nil), revocations, nil
		}
		if err != nil {
			return nil, 0, err
		}
		to := &rest
		switch {
		case primary.Len() == 0:
			to = &primary
		case p.Tag == tagSignature && revokesKey(p.Contents):
			to = &first
			revocations++
		}
		if err := p.Serialize(to); err != nil {
			return nil, 0, err
		}
	}
}

// tagSignature is the type of a signature packet (RFC 9580 section 5).
const tagSignature = 2

// revokesKey reports whether a signature packet has the type by which a key's
// holder revokes it (RFC 9580 section 5.2.1.11).
func revokesKey(contents []byte) bool {
	switch {
	case len(contents) > 2 && contents[0] < 4: // RFC 9580 section 5.2.2
		return contents[2] == byte(packet.SigTypeKeyRevocation)
	case len(contents) > 1 && contents[0] >= 4:
		return contents[1] == byte(packet.SigTypeKeyRevocation)
	}
	return false
}

// subkeyRevocations returns all signatures of a certificate by which subkeys are
// revoked, wherever they stand: the library looks for them right behind the
// subkey only.
func subkeyRevocations(text string) ([]*packet.Signature, error) {
	data, err := certificatePackets(text)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrBad, err)
	}
	var found []*packet.Signature
	r := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", ErrBad, err)
		}
		if p.Tag != tagSignature {
			continue
		}
		parsed, err := p.Parse()
		if sig, ok := parsed.(*packet.Signature); ok && err == nil && sig.SigType == packet.SigTypeSubkeyRevocation {
			found = append(found, sig)
		}
	}
}

// publicKey returns the certificate's key of that fingerprint.
func publicKey(e *openpgp.Entity, fingerprint string) *packet.PublicKey {
	if sub := subkey(e, fingerprint); sub != nil {
		return sub.PublicKey
	}
	return e.PrimaryKey
}

func subkey(e *openpgp.Entity, fingerprint string) *openpgp.Subkey {
	for i := range e.Subkeys {
		if hexOf(e.Subkeys[i].PublicKey) == fingerprint {
			return &e.Subkeys[i]
		}
	}
	return nil
}

func hexOf(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }
