package instrument

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

const (
	provider = "Example Mail"
	agency   = "Landeskriminalamt Musterland"
	day      = 24 * time.Hour
)

var order = []byte("Beschluss: die Daten des Kontos sind herauszugeben.\n")

// house is a provider with two admins, and what they have signed.
type house struct {
	t         testing.TB
	now       time.Time
	one, two  *detached.Signer
	entries   []*sign.Signed
	certified time.Time // when enrolments are signed
}

// newHouse makes a provider that has been there for 30 days.
func newHouse(t testing.TB) *house {
	h := &house{t: t, now: time.Now().UTC().Truncate(time.Second)}
	h.certified = h.now.Add(-30 * day)
	h.one, h.two = h.admin("one", "Admin One"), h.admin("two", "Admin Two")
	return h
}

func (h *house) admin(name, holder string) *detached.Signer {
	h.t.Helper()
	s, err := detached.Generate("Admin <admin@mail.example>", h.certified.Add(-day), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.sign(h.entry(s, h.enrollment(name, holder, sign.OpenPGP, s.Fingerprint(), string(s.Public()), sign.Admin)), s)
	return s
}

func (h *house) enrollment(name, holder string, kind sign.KeyKind, fingerprint, key string, role sign.Role) keyring.Enrollment {
	return keyring.Enrollment{
		Provider: provider, Name: name, Kind: kind, Fingerprint: fingerprint, PublicKey: key, Holder: holder,
		Roles: []sign.Role{role}, ValidFrom: h.certified, Time: h.certified,
		Verified: keyring.Verified{By: "Admin One", How: "in person", At: sign.At(h.certified)},
	}
}

func (h *house) entry(by *detached.Signer, e keyring.Enrollment) []byte {
	h.t.Helper()
	e.Signer = by.Fingerprint()
	text, err := keyring.NewEnrollment(e)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

func (h *house) sign(text []byte, by *detached.Signer) *sign.Signed {
	h.t.Helper()
	s, err := sign.NewSigned(text, by, h.certified, rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.entries = append(h.entries, s)
	return s
}

// enroll has one admin enrol a key and the other confirm it.
func (h *house) enroll(e keyring.Enrollment) {
	h.t.Helper()
	s := h.sign(h.entry(h.one, e), h.one)
	text, err := confirmation.New(provider, s.Digest(), h.certified, h.two.Fingerprint())
	if err != nil {
		h.t.Fatal(err)
	}
	h.sign(text, h.two)
}

// agencyKey enrols the agency's OpenPGP certificate.
func (h *house) agencyKey(fingerprint, public string) {
	h.t.Helper()
	h.enroll(h.enrollment("lka", agency, sign.OpenPGP, fingerprint, public, sign.Agency))
}

// agencyCertificate enrols the agency's X.509 certificate.
func (h *house) agencyCertificate(c *certified) {
	h.t.Helper()
	h.enroll(h.enrollment("lka-x509", agency, sign.X509, c.fingerprint(), c.pem(), sign.Agency))
}

// revoke revokes a key at a time.
func (h *house) revoke(name string, kind sign.KeyKind, fingerprint string, at time.Time) {
	h.t.Helper()
	k := keyring.Key{Entry: keyring.Entry{Provider: provider, Name: name, Kind: kind, Fingerprint: fingerprint, Holder: agency}}
	text, err := keyring.NewRevocation(k, "lost", at, h.one.Fingerprint())
	if err != nil {
		h.t.Fatal(err)
	}
	h.sign(text, h.one)
}

func (h *house) keys() *keyring.Keyring {
	h.t.Helper()
	k, err := keyring.Load([]string{h.one.Fingerprint(), h.two.Fingerprint()}, provider, h.entries, h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	if r := k.Rejected(); len(r) > 0 {
		h.t.Fatalf("rejected: %v", r[0].Reason)
	}
	return k
}

func (h *house) check(signature []byte) (Result, error) {
	h.t.Helper()
	return Check(order, signature, h.keys(), h.now)
}

// good checks that a signature is the agency's by the key of that fingerprint.
func (h *house) good(signature []byte, kind, fingerprint string, at time.Time) {
	h.t.Helper()
	got, err := h.check(signature)
	name := map[string]string{OpenPGP: "lka", CMS: "lka-x509"}[kind]
	want := Result{Kind: kind, Result: Good, Fingerprint: fingerprint, Holder: agency, Name: name, SignedAt: at}
	if err != nil || got != want {
		h.t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if got, err := Check(append([]byte("x"), order...), signature, h.keys(), h.now); !errors.Is(err, ErrBad) {
		h.t.Errorf("another text: %+v, %v", got, err)
	}
}

// refused checks that a signature is refused with each of the errors.
func (h *house) refused(signature []byte, want ...error) {
	h.t.Helper()
	got, err := h.check(signature)
	for _, w := range want {
		if !errors.Is(err, w) {
			h.t.Errorf("got %+v, %v, want %v", got, err, w)
		}
	}
}

// unknown checks that a signature is by a key that the keyring does not have.
func (h *house) unknown(signature []byte, kind, fingerprint string, at time.Time) {
	h.t.Helper()
	got, err := h.check(signature)
	if want := (Result{Kind: kind, Result: UnknownKey, Fingerprint: fingerprint, SignedAt: at}); err != nil || got != want {
		h.t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// certified is an X.509 certificate with its key.
type certified struct {
	*x509.Certificate
	key crypto.Signer
}

// certify makes a self-signed certificate that was valid from a day before the
// house until a month from now, unless change says otherwise.
func (h *house) certify(key crypto.Signer, change func(*x509.Certificate)) *certified {
	h.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: agency}, SubjectKeyId: []byte{1, 2, 3, 4},
		NotBefore: h.certified.Add(-day), NotAfter: h.now.Add(30 * day),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		h.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		h.t.Fatal(err)
	}
	return &certified{c, key}
}

func (c *certified) fingerprint() string { return sign.Sum(c.Raw).String() }

func (c *certified) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func ecKey(t testing.TB) crypto.Signer {
	return must(t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	return must(t)(rsa.GenerateKey(rand.Reader, bits))
}

func edKey(t testing.TB) crypto.Signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(t)(key, err)
}

func must(t testing.TB) func(crypto.Signer, error) crypto.Signer {
	return func(key crypto.Signer, err error) crypto.Signer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

// need skips the test where a program is missing; in CI that is a failure.
func need(t *testing.T, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: apt-get install %s", program, pkg)
	}
	t.Skipf("%s is missing: apt-get install %s", program, pkg)
}

// runIn runs a program in a folder and returns its output.
func runIn(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, stderr.Bytes())
	}
	return out
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
