package sign_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
)

// needed skips, or fails on the build server, for want of a program.
func needed(t *testing.T, program, pkg string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: apt-get install %s", program, pkg)
	}
	t.Skipf("%s is missing: apt-get install %s", program, pkg)
}

const armor = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n=twTO\n-----END PGP SIGNATURE-----\n"

type fixedSigner struct{ err error }

func (s fixedSigner) Sign(text []byte, at time.Time) ([]byte, error) { return []byte(armor), s.err }

const text = "{\n  \"type\": \"exhibit/sample/v1\"\n}\n"

func TestSigned(t *testing.T) {
	salt := bytes.Repeat([]byte{7}, 32)
	s, err := sign.NewSigned([]byte(text), fixedSigner{}, time.Now(), bytes.NewReader(salt))
	if err != nil {
		t.Fatal(err)
	}
	// The leaf as FORMAT section 4 spells it out.
	inner := sha256.Sum256([]byte(text))
	commitment := sha256.Sum256(append(bytes.Clone(salt), inner[:]...))
	leaf := "exhibit/leaf/v1\nrecord\n" + base64.StdEncoding.EncodeToString(commitment[:]) + "\n"
	if string(s.Leaf()) != leaf {
		t.Errorf("leaf %q, want %q", s.Leaf(), leaf)
	}
	if want := sha256.Sum256([]byte("\x00" + leaf)); s.LeafHash() != want {
		t.Errorf("leaf hash %s, want %x", s.LeafHash(), want)
	}
	if s.Type() != "exhibit/sample/v1" || s.Digest() != sign.Sum([]byte(text)) {
		t.Errorf("type %s, digest %s", s.Type(), s.Digest())
	}
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := sign.ParseSigned(data)
	if err != nil {
		t.Fatal(err)
	}
	if again.LeafHash() != s.LeafHash() || string(again.Text) != text || string(again.Signature) != armor {
		t.Errorf("read again as %+v", again)
	}
}

func TestSignedRefused(t *testing.T) {
	random := bytes.NewReader(make([]byte, 320))
	if _, err := sign.NewSigned([]byte(`{"type":"x"}`), fixedSigner{}, time.Now(), random); !errors.Is(err, sign.ErrNotCanonical) {
		t.Errorf("text that is not canonical: %v", err)
	}
	broken := errors.New("module is gone")
	if _, err := sign.NewSigned([]byte(text), fixedSigner{broken}, time.Now(), random); !errors.Is(err, broken) {
		t.Errorf("signer's error: %v", err)
	}
	if _, err := sign.NewSigned([]byte(text), fixedSigner{}, time.Now(), bytes.NewReader(salt31)); err == nil {
		t.Error("a salt of 31 bytes")
	}
	s, err := sign.NewSigned([]byte(text), fixedSigner{}, time.Now(), random)
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"type":        {"exhibit/signed/v1", "exhibit/signed/v2"},
		"salt length": {"AAA=", "AAAAAA=="},
		"inner text":  {`\"type\"`, `\"Type\"`},
		"signature":   {"BEGIN PGP SIGNATURE", "BEGIN PGP MESSAGE"},
	} {
		altered := strings.Replace(string(data), change[0], change[1], 1)
		if altered == string(data) {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := sign.ParseSigned([]byte(altered)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

var salt31 = make([]byte, 31)

func TestValues(t *testing.T) {
	if _, err := sign.NewID(bytes.NewReader(make([]byte, 15))); err == nil {
		t.Error("an identifier of 15 bytes")
	}
	id, err := sign.ParseID("000102030405060708090a0b0c0d0e0f")
	if err != nil || id.String() != "000102030405060708090a0b0c0d0e0f" || id.IsZero() {
		t.Errorf("identifier %s, %v", id, err)
	}
	for _, bad := range []string{"", "000102030405060708090A0B0C0D0E0F", "000102030405060708090a0b0c0d0e", "gg0102030405060708090a0b0c0d0e0f"} {
		if _, err := sign.ParseID(bad); err == nil {
			t.Errorf("identifier %q", bad)
		}
	}
	zone := time.FixedZone("", 3600)
	at := sign.At(time.Date(2026, 1, 31, 10, 30, 0, 999, zone))
	if want, _ := sign.ParseTime("2026-01-31T09:30:00Z"); at != want {
		t.Errorf("time %s", at)
	}
	if _, err := sign.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)).MarshalText(); err == nil {
		t.Error("year 10000 is written")
	}
}

func TestFingerprints(t *testing.T) {
	v4, v6 := strings.Repeat("0A", 20), strings.Repeat("0A", 32)
	age := sign.Sum([]byte("age1")).String()
	for _, c := range []struct {
		kind sign.KeyKind
		fp   string
		ok   bool
	}{
		{sign.OpenPGP, v4, true}, {sign.OpenPGP, v6, true}, {sign.OpenPGP, strings.ToLower(v4), false},
		{sign.OpenPGP, v4[1:], false}, {sign.OpenPGP, age, false}, {sign.AgeX25519, age, true},
		{sign.AgeHybrid, age, true}, {sign.AgeSSH, v6, false}, {"pgp", v4, false},
		{sign.X509, age, true}, {sign.X509, v4, false}, {sign.X509, strings.ToUpper(age), false},
		{sign.Note, age, true}, {sign.Note, age[1:], false}, {sign.Note, v6, false},
	} {
		if err := c.kind.CheckFingerprint("fingerprint", c.fp); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.kind, c.fp, err)
		}
	}
	var bad *sign.MemberError
	if err := sign.CheckSigner("signer", v6); !errors.As(err, &bad) || bad.Member != "signer" {
		t.Errorf("version 6 signer: %v", err)
	}
}

func TestKindsAndRoles(t *testing.T) {
	for _, c := range []struct {
		kind            sign.KeyKind
		valid, encrypts bool
	}{
		{sign.OpenPGP, true, true}, {sign.AgeX25519, true, true}, {sign.AgeHybrid, true, true}, {sign.AgeSSH, true, true},
		{sign.X509, true, false}, {sign.Note, true, false}, {"", false, false}, {"X509", false, false},
	} {
		if c.kind.Valid() != c.valid || c.kind.Encrypts() != c.encrypts {
			t.Errorf("kind %q: valid %t, encrypts %t", c.kind, c.kind.Valid(), c.kind.Encrypts())
		}
	}
	for role, valid := range map[sign.Role]bool{sign.Log: true, sign.Admin: true, "logs": false, "": false} {
		if role.Valid() != valid {
			t.Errorf("role %q", role)
		}
	}
}

func FuzzSigned(f *testing.F) {
	s, err := sign.NewSigned([]byte(text), fixedSigner{}, time.Unix(1, 0), bytes.NewReader(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	data, err := s.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(text))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := sign.ParseSigned(data)
		if err != nil {
			return
		}
		again, err := s.Marshal()
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %q, which is written as %q (%v)", data, again, err)
		}
	})
}
