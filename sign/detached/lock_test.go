package detached

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	s := generate(t)
	pass := NewPassphrase([]byte("correct horse"))
	locked, err := s.Lock(pass)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unlock(locked, pass)
	if err != nil {
		t.Fatal(err)
	}
	if again.Fingerprint() != s.Fingerprint() || !bytes.Equal(again.Public(), s.Public()) {
		t.Error("another key came out")
	}
	if !bytes.Equal(mustSign(t, again, "text", later), mustSign(t, s, "text", later)) {
		t.Error("the key signs in another way")
	}
	if _, err := Unlock(locked, NewPassphrase([]byte("correct horsf"))); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := s.Lock(Passphrase{}); err == nil {
		t.Error("locked with no passphrase")
	}
	if _, err := Unlock(s.Public(), pass); !errors.Is(err, ErrMalformed) {
		t.Errorf("public key: %v", err)
	}
	out, err := FromCryptoSigner(&module{key: ed25519.NewKeyFromSeed(make([]byte, 32))}, uid, start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Lock(pass); err == nil {
		t.Error("a module's key was taken out")
	}
}

// Seeds that begin with zero bytes are shorter as numbers.
func TestLockShortSeed(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	seed[31] = 1
	s, err := Generate(uid, start, bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	pass := NewPassphrase([]byte("x"))
	locked, err := s.Lock(pass)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unlock(locked, pass)
	if err != nil || again.Fingerprint() != s.Fingerprint() {
		t.Fatalf("%v", err)
	}
}

// A hostile file cannot ask for memory and time without bound.
func TestUnlockLimits(t *testing.T) {
	s := generate(t)
	locked, err := s.Lock(NewPassphrase([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	data, err := dearmorStrict(armorSecret, locked)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := splitPackets(data)
	if err != nil {
		t.Fatal(err)
	}
	for offset, value := range map[int]byte{
		0: 254, 1: 7, 2: 1, 3: 3, 20: maxPasses + 1, 21: maxLanes + 1, 22: maxMemoryBits + 1,
	} {
		body := bytes.Clone(packets[0].body)
		if err := checkProtection(body); err != nil {
			t.Fatal(err)
		}
		body[publicLength+offset] = value
		if err := checkProtection(body); !errors.Is(err, ErrMalformed) {
			t.Errorf("byte %d: %v", offset, err)
		}
	}
	for offset, limit := range map[int]byte{20: maxPasses, 21: maxLanes, 22: maxMemoryBits} {
		body := bytes.Clone(packets[0].body)
		body[publicLength+offset] = limit
		if err := checkProtection(body); err != nil {
			t.Errorf("at the limit of byte %d: %v", offset, err)
		}
	}
	if _, err := Unlock(make([]byte, MaxSecretKey+1), Passphrase{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("long file: %v", err)
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	p := NewPassphrase([]byte("secret"))
	s, err := Generate(uid, start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, p); got != "***" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s); got != "signer "+s.Fingerprint() {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if got := fmt.Sprintf("%+v", struct{ P Passphrase }{p}); strings.Contains(got, "secret") {
		t.Errorf("inside of a struct: %s", got)
	}
}
