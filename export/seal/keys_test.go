package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"
)

// A pair is a public key and its secret, as files.
type pair struct{ public, secret []byte }

func x25519(t testing.TB) pair {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return pair{[]byte(id.Recipient().String()), []byte("# created: 2026-01-31\n" + id.String() + "\n")}
}

func hybrid(t testing.TB) pair {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return pair{[]byte(id.Recipient().String()), []byte(id.String())}
}

func sshEd25519(t testing.TB) pair {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sshPair(t, public, secret, "")
}

func sshRSA(t testing.TB, bits int) pair {
	t.Helper()
	secret, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return sshPair(t, &secret.PublicKey, secret, "")
}

func sshPair(t testing.TB, public, secret any, passphrase string) pair {
	t.Helper()
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(secret, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(secret, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{append(bytes.TrimSpace(ssh.MarshalAuthorizedKey(pub)), " clerk@agency.example.org\n"...), pem.EncodeToMemory(block)}
}

// created is when the OpenPGP keys of the tests begin.
func created() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC) }

// base is the configuration of keys made by the library.
func base() packet.Config {
	return packet.Config{Time: created, RSABits: 2048, MinRSABits: 1024, Algorithm: packet.PubKeyAlgoEdDSA}
}

// v6 is the configuration of version 6 keys, that advertise AEAD.
func v6(algorithm packet.PublicKeyAlgorithm, mode packet.AEADMode) packet.Config {
	c := base()
	c.V6Keys, c.Algorithm = true, algorithm
	c.AEADConfig = &packet.AEADConfig{DefaultMode: mode}
	return c
}

// entity makes an OpenPGP key.
func entity(t testing.TB, c packet.Config) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Sample Agency", "", "keys@agency.example.org", &c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pgpPair writes an OpenPGP key down.
func pgpPair(t testing.TB, e *openpgp.Entity) pair {
	t.Helper()
	var public, secret bytes.Buffer
	if err := e.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	if err := e.SerializePrivateWithoutSigning(&secret, nil); err != nil {
		t.Fatal(err)
	}
	return pair{public.Bytes(), secret.Bytes()}
}

// armored armors packets.
func armored(t testing.TB, blockType string, packets []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, blockType, map[string]string{"Comment": "made by a test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packets); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pairs are keys of every kind that needs no tool, the same for all tests.
func pairs(t testing.TB) map[string]pair {
	t.Helper()
	sharedPairs.Do(func() { sharedPairs.pairs = newPairs(t) })
	return sharedPairs.pairs
}

var sharedPairs struct {
	sync.Once
	pairs map[string]pair
}

// newPairs makes keys of every kind that needs no tool.
func newPairs(t testing.TB) map[string]pair {
	t.Helper()
	rsaConfig := base()
	rsaConfig.Algorithm = packet.PubKeyAlgoRSA
	return map[string]pair{
		"age-x25519":      x25519(t),
		"age-hybrid":      hybrid(t),
		"ssh-ed25519":     sshEd25519(t),
		"ssh-rsa":         sshRSA(t, 2048),
		"openpgp v4":      pgpPair(t, entity(t, base())),
		"openpgp v4 RSA":  pgpPair(t, entity(t, rsaConfig)),
		"openpgp v6 OCB":  pgpPair(t, entity(t, v6(packet.PubKeyAlgoEd25519, packet.AEADModeOCB))),
		"openpgp v6 GCM":  pgpPair(t, entity(t, v6(packet.PubKeyAlgoEd25519, packet.AEADModeGCM))),
		"openpgp v6 X448": pgpPair(t, entity(t, v6(packet.PubKeyAlgoEd448, packet.AEADModeOCB))),
		"openpgp v6 PQ":   pgpPair(t, entity(t, v6(packet.PubKeyAlgoMldsa65Ed25519, packet.AEADModeOCB))),
	}
}

// kindOf is the kind that a name of pairs begins with.
func kindOf(name string) string {
	switch {
	case strings.HasPrefix(name, "openpgp"):
		return "openpgp"
	case strings.HasPrefix(name, "ssh"):
		return "age-ssh"
	}
	return name
}
