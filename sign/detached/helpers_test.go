package detached

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	start = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	later = start.Add(24 * time.Hour)
)

const uid = "Records <records@provider.example>"

func generate(t testing.TB) *Signer {
	t.Helper()
	s, err := Generate(uid, start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSign(t testing.TB, s *Signer, text string, at time.Time) []byte {
	t.Helper()
	sig, err := s.Sign([]byte(text), at)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// module is a key that gives out signatures only, as a hardware module does.
type module struct {
	key  crypto.Signer
	fail error
}

func (m *module) Public() crypto.PublicKey { return m.key.Public() }
func (m *module) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	return m.key.Sign(r, digest, o)
}

func modules(t testing.TB) map[string]*module {
	t.Helper()
	all := make(map[string]*module)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all["Ed25519"] = &module{key: ed}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	all["RSA"] = &module{key: r}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		e, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &module{key: e}
	}
	return all
}

// rawSign signs without the self-check, with further hashed subpackets.
func rawSign(t testing.TB, s *Signer, kind byte, extra []byte, text string, at time.Time) []byte {
	t.Helper()
	p, err := s.sign(kind, extra, at, func(h hash.Hash) { h.Write([]byte(text)) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func armored(t testing.TB, packets ...[]byte) []byte {
	t.Helper()
	out, err := enarmor(armorSignature, bytes.Join(packets, nil))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// certificate makes the signer a certificate of its own making: a
// self-signature with further subpackets, and packets after the public key.
func certificateOf(t testing.TB, s *Signer, extra []byte, afterKey ...[]byte) *PublicKeys {
	t.Helper()
	if extra == nil {
		extra = appendSubpacket(nil, subKeyFlags, 0x03)
	}
	self, err := s.sign(0x13, extra, start, func(h hash.Hash) {
		h.Write(s.prefixed())
		h.Write(binary.BigEndian.AppendUint32([]byte{0xb4}, uint32(len(uid))))
		h.Write([]byte(uid))
	})
	if err != nil {
		t.Fatal(err)
	}
	c := appendPacket(nil, tagPublicKey, s.public)
	c = append(c, bytes.Join(afterKey, nil)...)
	c = append(appendPacket(c, tagUserID, []byte(uid)), self...)
	keys, err := ParsePublicKeys(c)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func revocation(t testing.TB, s *Signer, reason byte, at time.Time) []byte {
	t.Helper()
	p, err := s.sign(0x20, appendSubpacket(nil, 29, reason), at, func(h hash.Hash) { h.Write(s.prefixed()) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: apt-get install gpg gpgv", name)
		}
		t.Skipf("%s is missing: apt-get install gpg gpgv", name)
	}
	return path
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
