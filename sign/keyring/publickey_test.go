package keyring_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// certificate returns a self-signed certificate of the key, in DER.
func certificate(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Landeskriminalamt Musterland"},
		NotBefore: start.Add(-day), NotAfter: start.Add(1000 * day),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func inPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func made[K any](t *testing.T) func(K, error) K {
	return func(key K, err error) K {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

// enrollmentOf is that of a key which does not sign entries or statements.
func enrollmentOf(kind sign.KeyKind, public, fingerprint string, by *detached.Signer, roles ...sign.Role) keyring.Enrollment {
	e := enrollment(by, "other", "Landeskriminalamt Musterland", start, by, roles...)
	e.Kind, e.PublicKey, e.Fingerprint = kind, public, fingerprint
	return e
}

func wantMember(t *testing.T, name string, e keyring.Enrollment, member string) {
	t.Helper()
	_, err := keyring.NewEnrollment(e)
	var bad *sign.MemberError
	if member == "" && err != nil || member != "" && !(errors.As(err, &bad) && bad.Member == member) {
		t.Errorf("%s: %v, want %q", name, err, member)
	}
}

func TestCertificates(t *testing.T) {
	h := newHouse(t)
	der := certificate(t, made[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)))
	text := inPEM(der)
	good := enrollmentOf(sign.X509, text, sign.Sum(der).String(), h.root, sign.Agency)
	h.enrollEntry(good, h.root)
	k := h.load()
	key, err := k.ByFingerprint(good.Fingerprint)
	if err != nil || *key.Entry.PublicKey != text || k.Valid(good.Fingerprint, sign.Agency, now) != nil {
		t.Errorf("enrolled %+v, %v", key, err)
	}
	if keys, err := k.PublicKeys(); err != nil || len(keys.Fingerprints()) != 2 {
		t.Errorf("OpenPGP certificates: %v, %v", keys.Fingerprints(), err)
	}

	headers := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"A": "b"}, Bytes: der}))
	for name, public := range map[string]string{
		"empty":         "",
		"DER":           string(der),
		"two":           text + text,
		"text before":   "subject\n" + text,
		"text behind":   text + "\n",
		"no line end":   strings.TrimSuffix(text, "\n"),
		"CRLF":          strings.ReplaceAll(text, "\n", "\r\n"),
		"headers":       headers,
		"another label": strings.ReplaceAll(text, "CERTIFICATE", "TRUSTED CERTIFICATE"),
		"a key":         strings.ReplaceAll(text, "CERTIFICATE", "PUBLIC KEY"),
		"junk":          inPEM([]byte("junk")),
		"trailing DER":  inPEM(append(der[:len(der):len(der)], 0)),
		"in long lines": "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(der) + "\n-----END CERTIFICATE-----\n",
	} {
		e := good
		e.PublicKey = public
		wantMember(t, name, e, "public_key")
	}
	e := good
	e.Fingerprint = sign.Sum([]byte(text)).String()
	wantMember(t, "digest of the PEM", e, "fingerprint")
	for name, roles := range map[string][]sign.Role{"approver": {sign.Approver}, "two": {sign.Agency, sign.Auditor}, "log": {sign.Log}} {
		e := good
		e.Roles = roles
		wantMember(t, name, e, "roles")
	}
}

func TestCertificateKeys(t *testing.T) {
	by := newKey(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, ecKey := made[*rsa.PrivateKey](t), made[*ecdsa.PrivateKey](t)
	for name, c := range map[string]struct {
		key    crypto.Signer
		member string
	}{
		"RSA 2048": {rsaKey(rsa.GenerateKey(rand.Reader, 2048)), ""},
		"RSA 2040": {rsaKey(rsa.GenerateKey(rand.Reader, 2040)), "public_key"},
		"P-256":    {ecKey(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ""},
		"P-384":    {ecKey(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), ""},
		"P-521":    {ecKey(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), ""},
		"P-224":    {ecKey(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), "public_key"},
		"Ed25519":  {ed, ""},
	} {
		der := certificate(t, c.key)
		wantMember(t, name, enrollmentOf(sign.X509, inPEM(der), sign.Sum(der).String(), by, sign.Agency), c.member)
	}
}

func TestVerifierKeys(t *testing.T) {
	h := newHouse(t)
	var public string
	for !strings.Contains(public[strings.LastIndex(public, "+")+1:], "/") || strings.Count(public, "+") != 3 {
		var err error // a key whose base64 has a + and a / of its own
		if _, public, err = note.GenerateKey(rand.Reader, "log.mail.example/custody"); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(s string) string { return sign.Sum([]byte(s)).String() }
	good := enrollmentOf(sign.Note, public, digest(public), h.root, sign.Log)
	h.enrollEntry(good, h.root)
	k := h.load()
	if err := k.Valid(good.Fingerprint, sign.Log, now); err != nil {
		t.Error(err)
	}
	if keys, err := k.PublicKeys(sign.Log); err != nil || len(keys.Fingerprints()) != 0 {
		t.Errorf("OpenPGP certificates: %v, %v", keys.Fingerprints(), err)
	}
	i := strings.Index(public, "+") + 1
	upper := public[:i] + strings.ToUpper(public[i:i+8]) + public[i+8:]
	if upper == public {
		upper = public + "\r"
	}
	for name, public := range map[string]string{
		"empty":         "",
		"line end":      public + "\n",
		"line end in":   public[:len(public)-4] + "\n" + public[len(public)-4:],
		"upper case":    upper,
		"another name":  "x" + public,
		"another key":   public[:len(public)-6] + "AAAA" + public[len(public)-2:],
		"no key":        public[:i+8],
		"blank in name": "a b" + public[i-1:],
		"secret":        "PRIVATE+KEY+" + public,
	} {
		e := good
		e.PublicKey, e.Fingerprint = public, digest(public)
		wantMember(t, name, e, "public_key")
	}
	e := good
	e.Fingerprint = digest(public + "x")
	wantMember(t, "another fingerprint", e, "fingerprint")
	for name, roles := range map[string][]sign.Role{"agency": {sign.Agency}, "provider": {sign.Provider}, "two": {sign.Agency, sign.Log}} {
		e := good
		e.Roles = roles
		wantMember(t, name, e, "roles")
	}
	for name, roles := range map[string][]sign.Role{"log": {sign.Log}, "log and more": {sign.Approver, sign.Log}} {
		wantMember(t, "openpgp: "+name, enrollment(h.root, "root", "Ada", start, h.root, roles...), "roles")
	}
}

func TestMaxPublicKey(t *testing.T) {
	by := newKey(t)
	for size, member := range map[int]string{keyring.MaxPublicKey: "", keyring.MaxPublicKey + 1: "public_key"} {
		public := strings.Repeat("a", size)
		wantMember(t, "age", enrollmentOf(sign.AgeSSH, public, sign.Sum([]byte(public)).String(), by, sign.Agency), member)
	}
	// Every role that a key which signs can have.
	e := enrollment(by, "all", "Ada", start, by, sign.Admin, sign.Agency, sign.Approver, sign.Auditor, sign.Fulfilment, sign.Provider, sign.Reviewer)
	if len(e.Roles) != keyring.MaxRoles {
		t.Fatalf("%d roles", len(e.Roles))
	}
	wantMember(t, "all roles", e, "")
	e.Roles = append(e.Roles, sign.Log)
	wantMember(t, "one more", e, "roles")
}

// FuzzPublicKey looks for keys that are accepted in two spellings.
func FuzzPublicKey(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: start, NotAfter: start.Add(day)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	_, verifier, err := note.GenerateKey(rand.Reader, "log.mail.example")
	if err != nil {
		f.Fatal(err)
	}
	by, err := detached.Generate("Key <key@provider.example>", start, rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, inPEM(der))
	f.Add(true, "note\n"+inPEM(der))
	f.Add(false, verifier)
	f.Add(false, verifier+"\n")
	f.Fuzz(func(t *testing.T, cert bool, public string) {
		kind, role, fingerprint := sign.Note, sign.Log, sign.Sum([]byte(public)).String()
		if cert {
			kind, role = sign.X509, sign.Agency
			if block, _ := pem.Decode([]byte(public)); block != nil {
				fingerprint = sign.Sum(block.Bytes).String()
			}
		}
		text, err := keyring.NewEnrollment(enrollmentOf(kind, public, fingerprint, by, role))
		if err != nil {
			return
		}
		if strings.TrimSpace(public)+strings.Repeat("\n", strings.Count(public[len(public)-1:], "\n")) != public {
			t.Fatalf("accepted with white space around it: %q", public)
		}
		if block, rest := pem.Decode([]byte(public)); cert && (len(rest) > 0 || inPEM(block.Bytes) != public) {
			t.Fatalf("accepted in another spelling: %q", public)
		}
		if _, err := keyring.ParseEntry(text); err != nil {
			t.Fatalf("written and not read: %v", err)
		}
	})
}
