package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"exhibit/export/seal"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// lockedAge encrypts to a passphrase with age, quickly.
func lockedAge(t testing.TB, plain []byte, passphrase string) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(10)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func ageArmored(t testing.TB, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestSeveralIdentities(t *testing.T) {
	a, b := x25519(t), hybrid(t)
	ids := identities(t, bytes.Join([][]byte{a.secret, []byte("# next\n\n"), b.secret, []byte("\n")}, nil))
	if len(ids) != 2 {
		t.Fatalf("%v", ids)
	}
	for _, p := range []pair{a, b} {
		if _, err := open(sealed(t, text(9), recipient(t, p.public)), ids); err != nil {
			t.Error(err)
		}
	}
}

func TestLockedIdentities(t *testing.T) {
	plain := x25519(t)
	locked := lockedAge(t, plain.secret, "correct horse")
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sshKey := sshPair(t, secret.Public(), secret, "correct horse")
	e := entity(t, base())
	public := pgpPair(t, e).public
	if err := e.EncryptPrivateKeys([]byte("correct horse"), nil); err != nil {
		t.Fatal(err)
	}
	pgp := pair{public, pgpPair(t, e).secret}
	for name, p := range map[string]pair{
		"age":         {plain.public, locked},
		"age armored": {plain.public, ageArmored(t, locked)},
		"ssh":         sshKey,
		"openpgp":     pgp,
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			ask := func(answer string, err error) func(string) ([]byte, error) {
				return func(prompt string) ([]byte, error) {
					asked++
					if !strings.Contains(prompt, "passphrase") {
						t.Errorf("prompt %q", prompt)
					}
					return []byte(answer), err
				}
			}
			ids, err := seal.ParseIdentities(p.secret, ask("correct horse", nil))
			if err != nil || asked != 1 {
				t.Fatalf("asked %d times, %v", asked, err)
			}
			if got, err := open(sealed(t, text(9), recipient(t, p.public)), ids); err != nil || len(got) != 9 {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
			if _, err := seal.ParseIdentities(p.secret, nil); !errors.Is(err, seal.ErrLocked) {
				t.Errorf("nobody to ask: %v", err)
			}
			for _, wrong := range []string{"wrong horse", ""} {
				if _, err := seal.ParseIdentities(p.secret, ask(wrong, nil)); !errors.Is(err, seal.ErrPassphrase) {
					t.Errorf("passphrase %q: %v", wrong, err)
				}
			}
			gone := errors.New("no terminal")
			if _, err := seal.ParseIdentities(p.secret, ask("", gone)); !errors.Is(err, gone) {
				t.Errorf("no answer: %v", err)
			}
		})
	}
}

func TestRefusedIdentities(t *testing.T) {
	all := pairs(t)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":          {nil, seal.ErrInvalidKey},
		"comments":         {[]byte("# nothing\n\n"), seal.ErrInvalidKey},
		"text":             {[]byte("hello\n"), seal.ErrInvalidKey},
		"age recipient":    {all["age-x25519"].public, seal.ErrInvalidKey},
		"age plugin":       {[]byte("AGE-PLUGIN-YUBIKEY-1QQQ\n"), seal.ErrInvalidKey},
		"ssh public key":   {all["ssh-rsa"].public, seal.ErrInvalidKey},
		"certificate":      {all["openpgp v4"].public, seal.ErrInvalidKey},
		"PEM certificate":  {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), seal.ErrInvalidKey},
		"sign only":        {signing(t), seal.ErrNoEncryption},
		"to a key":         {sealed(t, all["age-x25519"].secret, recipient(t, all["age-x25519"].public)), seal.ErrUnsupported},
		"locked nonsense":  {lockedAge(t, []byte("hello"), "p"), seal.ErrInvalidKey},
		"cut":              {all["openpgp v4"].secret[:40], seal.ErrInvalidKey},
		"one past limit":   {bytes.Repeat([]byte("#"), seal.MaxKeyFile+1), seal.ErrInvalidKey},
		"flipped checksum": {bytes.Replace(all["age-x25519"].secret, []byte("1"), []byte("2"), -1), seal.ErrInvalidKey},
	} {
		if _, err := seal.ParseIdentities(c.data, func(string) ([]byte, error) { return []byte("p"), nil }); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	atLimit := append(bytes.Clone(all["age-x25519"].secret), '#')
	for len(atLimit) < seal.MaxKeyFile {
		atLimit = append(atLimit, "\n#"...)
	}
	if _, err := seal.ParseIdentities(atLimit[:seal.MaxKeyFile], nil); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// signing is a secret key that only signs.
func signing(t *testing.T) []byte {
	t.Helper()
	e := entity(t, base())
	e.Subkeys = nil
	return pgpPair(t, e).secret
}

// Nothing prints a secret.
func TestIdentitiesPrint(t *testing.T) {
	for name, p := range pairs(t) {
		ids := identities(t, p.secret)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			got := fmt.Sprintf(format, ids)
			if strings.Contains(got, "SECRET") || !strings.Contains(got, ids[0].Fingerprint()) || len(got) > 200 {
				t.Errorf("%s with %s: %s", name, format, got)
			}
		}
	}
}
