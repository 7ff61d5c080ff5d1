package export_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"testing"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"

	"exhibit/export/seal"
	"exhibit/sign"
)

// agencyKey is a public and a secret key as an agency has them.
type agencyKey struct {
	name, public, secret string
	kind                 sign.KeyKind
}

// Every kind of key that an agency may have: sealed to it, and opened with it.
func TestKeyKinds(t *testing.T) {
	root := oneMessage(t)
	for _, k := range []agencyKey{hybridKey(t), sshKey(t), pgpKey(t, false), pgpKey(t, true)} {
		t.Run(k.name, func(t *testing.T) {
			w := newWorldFor(t, newDir(t), k)
			res := w.export(w.order(entireA), source("a@mail.example", root))
			if got := res.Manifest.Recipients[0].Kind; got != k.kind {
				t.Errorf("sealed to a key of kind %s", got)
			}
			_, rep := w.open(res.Package)
			if rep.Counts.Included != 1 {
				t.Errorf("counts %+v", rep.Counts)
			}
			if _, err := seal.ParseIdentities([]byte(k.public), nil); err == nil {
				t.Error("a public key is taken for a secret one")
			}
		})
	}
}

func hybridKey(t *testing.T) agencyKey {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	check(t, err)
	return agencyKey{"age hybrid", id.Recipient().String(), id.String(), sign.AgeHybrid}
}

func sshKey(t *testing.T) agencyKey {
	t.Helper()
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(secret, "")
	check(t, err)
	key, err := ssh.NewPublicKey(public)
	check(t, err)
	return agencyKey{"age ssh", string(ssh.MarshalAuthorizedKey(key)), string(pem.EncodeToMemory(block)), sign.AgeSSH}
}

func pgpKey(t *testing.T, v6 bool) agencyKey {
	t.Helper()
	name, config := "openpgp v4", &packet.Config{}
	if v6 {
		name, config = "openpgp v6", &packet.Config{V6Keys: true, AEADConfig: &packet.AEADConfig{}}
	}
	w := &world{now: start}
	config.Time = w.clock()
	e, err := openpgp.NewEntity("Agency", "", "agency@agency.example", config)
	check(t, err)
	var public, secret bytes.Buffer
	out, err := armor.Encode(&public, "PGP PUBLIC KEY BLOCK", nil)
	check(t, err)
	check(t, e.Serialize(out))
	check(t, out.Close())
	out, err = armor.Encode(&secret, "PGP PRIVATE KEY BLOCK", nil)
	check(t, err)
	check(t, e.SerializePrivateWithoutSigning(out, nil))
	check(t, out.Close())
	return agencyKey{name, public.String(), secret.String(), sign.OpenPGP}
}
