package seal_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"testing"
	"time"

	"exhibit/export/seal"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Keys that gpg does not make any more, or never did.
func TestRefusedKeys(t *testing.T) {
	small := base()
	small.Algorithm, small.RSABits = packet.PubKeyAlgoRSA, 1024
	rsa1024 := pgpPair(t, entity(t, small)).public
	hidden := entity(t, base())
	hideRSA(t, hidden, 1024)
	large := entity(t, base())
	hideRSA(t, large, 2048)
	expired := base()
	expired.KeyLifetimeSecs = 3600
	noUse := entity(t, base())
	for i := range noUse.Subkeys[0].Bindings {
		sig := noUse.Subkeys[0].Bindings[i].Packet
		sig.FlagEncryptCommunications, sig.FlagEncryptStorage = false, false
	}
	c := base()
	if err := noUse.Subkeys[0].ReSign(&c); err != nil {
		t.Fatal(err)
	}
	subkeyRevoked := entity(t, base())
	if err := subkeyRevoked.Subkeys[0].Revoke(packet.KeySuperseded, "", &c); err != nil {
		t.Fatal(err)
	}
	appended := entity(t, base())
	appendedKey := pgpPair(t, appended).public
	if err := appended.Revoke(packet.KeySuperseded, "", &c); err != nil {
		t.Fatal(err)
	}
	var revocation bytes.Buffer
	if err := appended.Revocations[0].Packet.Serialize(&revocation); err != nil {
		t.Fatal(err)
	}
	v4 := pgpPair(t, entity(t, base()))
	all := pairs(t)
	for name, k := range map[string]struct {
		public       []byte
		parse, check error
	}{
		"RSA 1024":                      {rsa1024, seal.ErrWeakKey, nil},
		"RSA 1024 for encryption only":  {pgpPair(t, hidden).public, seal.ErrWeakKey, nil},
		"RSA 2048 for encryption only":  {pgpPair(t, large).public, nil, nil},
		"ssh-rsa 1024":                  {sshRSA(t, 1024).public, seal.ErrWeakKey, nil},
		"expired":                       {pgpPair(t, entity(t, expired)).public, nil, seal.ErrExpiredKey},
		"subkey for nothing":            {pgpPair(t, noUse).public, seal.ErrNoEncryption, nil},
		"subkey revoked":                {pgpPair(t, subkeyRevoked).public, seal.ErrRevokedKey, nil},
		"subkey revoked elsewhere":      {subkeyRevocationFirst(t, subkeyRevoked), seal.ErrRevokedKey, nil},
		"revocation behind the key":     {append(appendedKey, revocation.Bytes()...), seal.ErrRevokedKey, nil},
		"two certificates":              {append(bytes.Clone(v4.public), v4.public...), seal.ErrInvalidKey, nil},
		"two armor blocks":              {bytes.Repeat(armored(t, "PGP PUBLIC KEY BLOCK", v4.public), 2), seal.ErrInvalidKey, nil},
		"armor of another type":         {armored(t, "PGP MESSAGE", v4.public), seal.ErrInvalidKey, nil},
		"cut":                           {v4.public[:len(v4.public)-1], seal.ErrInvalidKey, nil},
		"primary key alone":             {v4.public[:53], seal.ErrInvalidKey, nil},
		"secret key":                    {v4.secret, seal.ErrSecretKey, nil},
		"secret key, armored":           {armored(t, "PGP PRIVATE KEY BLOCK", v4.secret), seal.ErrSecretKey, nil},
		"secret key, armored as public": {armored(t, "PGP PUBLIC KEY BLOCK", v4.secret), seal.ErrSecretKey, nil},
		"age identity":                  {all["age-x25519"].secret, seal.ErrSecretKey, nil},
		"age hybrid identity":           {all["age-hybrid"].secret, seal.ErrSecretKey, nil},
		"SSH private key":               {all["ssh-ed25519"].secret, seal.ErrSecretKey, nil},
		"nothing":                       {nil, seal.ErrInvalidKey, nil},
		"comment":                       {[]byte("# nothing\n"), seal.ErrInvalidKey, nil},
		"text":                          {[]byte("hello"), seal.ErrInvalidKey, nil},
		"two lines":                     {append(append(bytes.Clone(all["age-x25519"].public), '\n'), all["age-hybrid"].public...), seal.ErrInvalidKey, nil},
		"age plugin":                    {[]byte("age1yubikey1qqqqqq"), seal.ErrUnsupported, nil},
		"age with a typing error":       {bytes.Replace(all["age-x25519"].public, []byte("age1"), []byte("age1q"), 1), seal.ErrInvalidKey, nil},
		"ssh with options":              {append([]byte(`command="x" `), all["ssh-rsa"].public...), seal.ErrInvalidKey, nil},
		"ssh-ecdsa":                     {[]byte("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc="), seal.ErrUnsupported, nil},
		"past the limit":                {append(bytes.Repeat([]byte("#\n"), seal.MaxKeyFile/2), all["age-x25519"].public...), seal.ErrInvalidKey, nil},
		"comments, then a key":          {append([]byte("# agency\r\n\n  "), all["age-x25519"].public...), nil, nil},
		"upper case":                    {bytes.ToUpper(all["age-x25519"].public), nil, nil},
		"age of a point of small order": {[]byte(zeroPoint), seal.ErrInvalidKey, nil},
		"armored, with text before":     {append([]byte("Our key:\n\n"), armored(t, "PGP PUBLIC KEY BLOCK", v4.public)...), nil, nil},
	} {
		r, err := seal.ParseRecipient(k.public)
		if !errors.Is(err, k.parse) || k.parse == nil && err != nil {
			t.Errorf("%s: ParseRecipient: %v, want %v", name, err, k.parse)
		}
		if k.parse != nil {
			if r.Kind != "" || r.Public != "" {
				t.Errorf("%s: refused, and yet %v", name, r)
			}
			continue
		}
		if err := seal.CheckRecipient(r, now()); !errors.Is(err, k.check) || k.check == nil && err != nil {
			t.Errorf("%s: CheckRecipient: %v, want %v", name, err, k.check)
		}
	}
}

// zeroPoint is the age recipient of 32 zero bytes, to which nothing can be
// encrypted (RFC 7748 section 6.1).
const zeroPoint = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdy9f3s"

// hideRSA makes the encryption subkey an RSA key of algorithm 2, whose size
// the library does not check.
func hideRSA(t *testing.T, e *openpgp.Entity, bits int) {
	t.Helper()
	secret, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	key := packet.NewRSAPrivateKey(created(), secret)
	key.PubKeyAlgo = packet.PubKeyAlgoRSAEncryptOnly
	key.IsSubkey = true
	var b bytes.Buffer
	if err := key.PublicKey.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	p, err := packet.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	e.Subkeys[0].PublicKey = p.(*packet.PublicKey)
	key.PublicKey = *e.Subkeys[0].PublicKey
	e.Subkeys[0].PrivateKey = key
	c := base()
	sig := e.Subkeys[0].Bindings[0].Packet
	if err := sig.SignKey(e.Subkeys[0].PublicKey, e.PrivateKey, &c); err != nil {
		t.Fatal(err)
	}
}

// A certificate is judged afresh at each time.
func TestCheckedAtEachTime(t *testing.T) {
	c := base()
	c.KeyLifetimeSecs = 3600
	r := recipient(t, pgpPair(t, entity(t, c)).public)
	for _, k := range []struct {
		after time.Duration
		want  error
	}{
		{30 * time.Minute, nil}, {2 * time.Hour, seal.ErrExpiredKey}, {30 * time.Minute, nil}, {-time.Hour, seal.ErrNotYetValid},
		{0, nil}, {time.Hour, nil}, {time.Hour + time.Second, seal.ErrExpiredKey},
	} {
		if err := seal.CheckRecipient(r, created().Add(k.after)); !errors.Is(err, k.want) {
			t.Errorf("after %v: %v, want %v", k.after, err, k.want)
		}
	}
	if err := seal.CheckRecipient(r, time.Time{}); err == nil {
		t.Error("checked at no time")
	}
}

// subkeyRevocationFirst gives a certificate in which the revocation of the first
// subkey stands right behind the primary key.
func subkeyRevocationFirst(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var moved, rest bytes.Buffer
	r := packet.NewOpaqueReader(bytes.NewReader(packetsOf(t, e)))
	for first := true; ; first = false {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return append(moved.Bytes(), rest.Bytes()...)
		}
		if err != nil {
			t.Fatal(err)
		}
		to := &rest
		if first || p.Tag == 2 && p.Contents[1] == byte(packet.SigTypeSubkeyRevocation) {
			to = &moved
		}
		if err := p.Serialize(to); err != nil {
			t.Fatal(err)
		}
	}
}

func packetsOf(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := e.Serialize(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}
