package instrument

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

var (
	sha256OID     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	sha512OID     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	ecdsa256OID   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	unsignedOID   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	envelopedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
)

// message is a CMS message in the making, all in order at first.
type message struct {
	kind, content        asn1.ObjectIdentifier
	digest, algorithm    asn1.ObjectIdentifier
	parameters           []byte
	hash                 crypto.Hash // of the attributes; 0: they are signed themselves
	encapsulated         []byte
	certificates         [][]byte
	attributes           [][]byte // in DER, sorted when signed
	unsorted, noneSigned bool
	byKeyID              bool
	version              int64
	signers              int
	unsigned             bool
	signer               *certified
}

// message makes a message over text, signed with ECDSA and SHA-256 or with
// Ed25519 and SHA-512.
func newMessage(c *certified, text []byte, at time.Time) *message {
	m := &message{
		kind: oidSignedData, content: oidData, digest: sha256OID, algorithm: ecdsa256OID, hash: crypto.SHA256,
		certificates: [][]byte{c.Raw}, signer: c, version: 1, signers: 1,
	}
	hash := crypto.SHA256
	if c.PublicKeyAlgorithm == x509.Ed25519 {
		m.digest, m.algorithm, m.hash = sha512OID, oidEd25519, 0
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write(text)
	m.attributes = [][]byte{
		attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) }),
		attribute(oidDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(h.Sum(nil)) }),
	}
	if !at.IsZero() {
		m.attributes = append(m.attributes, attribute(oidSigningTime, func(b *cryptobyte.Builder) { b.AddASN1UTCTime(at) }))
	}
	return m
}

func attribute(kind asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(kind)
		b.AddASN1(casn1.SET, value)
	})
	return b.BytesOrPanic()
}

func identifier(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, parameters []byte) {
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddBytes(parameters)
	})
}

// der signs the message.
func (m *message) der(t testing.TB) []byte {
	t.Helper()
	if !m.unsorted {
		slices.SortFunc(m.attributes, bytes.Compare)
	}
	var set cryptobyte.Builder
	set.AddASN1(casn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(m.attributes, nil)) })
	signed := set.BytesOrPanic()
	if m.noneSigned {
		signed = order
	}
	if m.hash != 0 {
		h := m.hash.New()
		h.Write(signed)
		signed = h.Sum(nil)
	}
	signature, err := m.signer.key.Sign(rand.Reader, signed, m.hash)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(m.kind)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { m.signedData(b, signature) })
		})
	})
	return b.BytesOrPanic()
}

func (m *message) signedData(b *cryptobyte.Builder, signature []byte) {
	b.AddASN1Int64(m.version)
	b.AddASN1(casn1.SET, func(b *cryptobyte.Builder) { identifier(b, m.digest, nil) })
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(m.content)
		if m.encapsulated != nil {
			b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(m.encapsulated) })
		}
	})
	if m.certificates != nil {
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(m.certificates, nil)) })
	}
	b.AddASN1(casn1.SET, func(b *cryptobyte.Builder) {
		for range m.signers {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { m.signerInfo(b, signature) })
		}
	})
}

func (m *message) signerInfo(b *cryptobyte.Builder, signature []byte) {
	if m.byKeyID {
		b.AddASN1Int64(3)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(m.signer.SubjectKeyId) })
	} else {
		b.AddASN1Int64(1)
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(m.signer.RawIssuer)
			b.AddASN1BigInt(m.signer.SerialNumber)
		})
	}
	identifier(b, m.digest, nil)
	if !m.noneSigned {
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(m.attributes, nil)) })
	}
	identifier(b, m.algorithm, m.parameters)
	b.AddASN1OctetString(signature)
	if m.unsigned {
		b.AddASN1(tagExplicit1, func(b *cryptobyte.Builder) {
			b.AddBytes(attribute(unsignedOID, func(b *cryptobyte.Builder) { b.AddASN1OctetString([]byte("token")) }))
		})
	}
}

func TestCMS(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"P-256": ecKey(t), "Ed25519": edKey(t)} {
		h := newHouse(t)
		c := h.certify(key, nil)
		h.agencyCertificate(c)
		at := h.now.Add(-day)
		for way, change := range map[string]func(*message){
			"":                    func(*message) {},
			"by key identifier":   func(m *message) { m.byKeyID = true },
			"no certificate":      func(m *message) { m.certificates = nil },
			"other certificate":   func(m *message) { m.certificates = [][]byte{h.certify(ecKey(t), nil).Raw} },
			"unsigned attributes": func(m *message) { m.unsigned = true },
			"content":             func(m *message) { m.encapsulated = order },
			"more attributes": func(m *message) {
				m.attributes = append(m.attributes, attribute(unsignedOID, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }))
			},
		} {
			m := newMessage(c, order, at)
			change(m)
			t.Log(name, way)
			h.good(m.der(t), CMS, c.fingerprint(), at)
		}
		h.good(newMessage(c, order, time.Time{}).der(t), CMS, c.fingerprint(), time.Time{})
		for _, block := range []string{"CMS", "PKCS7"} {
			text := pem.EncodeToMemory(&pem.Block{Type: block, Bytes: newMessage(c, order, at).der(t)})
			h.good(text, CMS, c.fingerprint(), at)
			h.good([]byte("\n"+strings.ReplaceAll(string(text), "\n", "\r\n")+" \n"), CMS, c.fingerprint(), at)
		}
	}
}

func TestCMSRefused(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(ecKey(t), nil)
	h.agencyCertificate(lka)
	other := h.certify(ecKey(t), nil)
	sum := attribute(oidDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 32)) })
	drop := func(kind asn1.ObjectIdentifier) func(*message) {
		return func(m *message) {
			prefix := attribute(kind, func(*cryptobyte.Builder) {})[2:]
			prefix = prefix[:len(prefix)-2]
			m.attributes = slices.DeleteFunc(m.attributes, func(a []byte) bool { return bytes.HasPrefix(a[2:], prefix) })
		}
	}
	add := func(a []byte) func(*message) {
		return func(m *message) { m.attributes = append(m.attributes, a) }
	}
	then := func(all ...func(*message)) func(*message) {
		return func(m *message) {
			for _, f := range all {
				f(m)
			}
		}
	}
	at := func(value func(*cryptobyte.Builder)) func(*message) {
		return then(drop(oidSigningTime), add(attribute(oidSigningTime, value)))
	}
	text := func(tag casn1.Tag, s string) func(*cryptobyte.Builder) {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
		}
	}
	for name, c := range map[string]struct {
		change func(*message)
		want   error
	}{
		"another key":             {func(m *message) { m.signer = &certified{m.signer.Certificate, other.key} }, ErrBad},
		"other content in it":     {func(m *message) { m.encapsulated = []byte("other") }, ErrBad},
		"empty content in it":     {func(m *message) { m.encapsulated = []byte{} }, ErrBad},
		"digest of another text":  {then(drop(oidDigest), add(sum)), ErrBad},
		"two signers":             {func(m *message) { m.signers = 2 }, ErrFormat},
		"no signer":               {func(m *message) { m.signers = 0 }, ErrFormat},
		"no attributes":           {func(m *message) { m.noneSigned = true }, ErrFormat},
		"no digest":               {drop(oidDigest), ErrFormat},
		"two digests":             {add(sum), ErrFormat},
		"no content type":         {drop(oidContentType), ErrFormat},
		"other content type":      {then(drop(oidContentType), add(attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidSignedData) }))), ErrFormat},
		"content of another type": {func(m *message) { m.content = oidSignedData }, ErrFormat},
		"two values":              {then(drop(oidDigest), add(attribute(oidDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nil); b.AddASN1OctetString(nil) }))), ErrFormat},
		"not sorted": {func(m *message) {
			m.unsorted = true
			slices.SortFunc(m.attributes, func(a, b []byte) int { return bytes.Compare(b, a) })
		}, ErrFormat},
		"not signed data":           {func(m *message) { m.kind = envelopedData }, ErrFormat},
		"version":                   {func(m *message) { m.version = 6 }, ErrFormat},
		"SHA-1":                     {func(m *message) { m.digest = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26} }, ErrBad},
		"RSA with an EC key":        {func(m *message) { m.algorithm = oidRSA }, ErrBad},
		"Ed25519 with an EC key":    {func(m *message) { m.algorithm = oidEd25519 }, ErrBad},
		"parameters":                {func(m *message) { m.parameters = []byte{5, 0} }, ErrBad},
		"another digest":            {func(m *message) { m.algorithm = hashes[1].ecdsa }, ErrBad},
		"signed in the future":      {at(func(b *cryptobyte.Builder) { b.AddASN1UTCTime(h.now.Add(MaxSkew + time.Second)) }), ErrBad},
		"before the certificate":    {at(func(b *cryptobyte.Builder) { b.AddASN1UTCTime(h.now.Add(-32 * day)) }), ErrNotValid},
		"last century":              {at(text(casn1.UTCTime, "990101000000Z")), ErrNotValid},
		"time without seconds":      {at(text(casn1.UTCTime, "2601010000Z")), ErrFormat},
		"time with a zone":          {at(text(casn1.UTCTime, "260101000000+0100")), ErrFormat},
		"time with a fraction":      {at(text(casn1.GeneralizedTime, "20260101000000.5Z")), ErrFormat},
		"two-digit generalized":     {at(text(casn1.GeneralizedTime, "260101000000Z")), ErrFormat},
		"no such day":               {at(text(casn1.UTCTime, "260230000000Z")), ErrFormat},
		"time as text":              {at(text(casn1.IA5String, "260101000000Z")), ErrFormat},
		"garbage for a certificate": {func(m *message) { m.certificates = [][]byte{{1, 2}} }, ErrFormat},
	} {
		m := newMessage(lka, order, h.now.Add(-day))
		c.change(m)
		if got, err := h.check(m.der(t)); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A certificate that is not enrolled says something of itself only if the
// signature holds by it.
func TestCMSUnknown(t *testing.T) {
	h := newHouse(t)
	lka, other := h.certify(ecKey(t), nil), h.certify(ecKey(t), nil)
	at := h.now.Add(-day)
	sig := newMessage(lka, order, at).der(t)
	h.unknown(sig, CMS, lka.fingerprint(), at)
	bare := newMessage(lka, order, at)
	bare.certificates = nil
	h.unknown(bare.der(t), CMS, "", at)
	h.agencyCertificate(other)
	h.unknown(sig, CMS, lka.fingerprint(), at)
	// Nothing is known of it, but it is over something else.
	bare = newMessage(lka, []byte("other"), at)
	bare.certificates = nil
	h.refused(bare.der(t), ErrBad)
	for name, change := range map[string]func(*message){
		"without it, an enrolled one of that name": func(m *message) { m.certificates = nil },
		"another certificate of that name":         func(m *message) { m.certificates = [][]byte{other.Raw} },
		"another name": func(m *message) {
			m.certificates = [][]byte{h.certify(lka.key, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(1) }).Raw}
		},
		"not to be read": func(m *message) { m.certificates = [][]byte{{0x30, 0}} },
		"not for signing": func(m *message) {
			m.certificates = [][]byte{h.certify(lka.key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }).Raw}
		},
	} {
		m := newMessage(lka, order, at)
		change(m)
		if got, err := h.check(m.der(t)); !errors.Is(err, ErrBad) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestCMSKeyring(t *testing.T) {
	for name, c := range map[string]struct {
		certificate func(*house, *x509.Certificate)
		enrollment  func(*house, *keyring.Enrollment)
		revoked     time.Duration // before now
		want        []error
	}{
		"revoked before":  {revoked: 6 * day, want: []error{ErrNotValid, keyring.ErrRevoked}},
		"revoked since":   {revoked: day, want: []error{ErrNotValid, keyring.ErrRevoked}},
		"expired since":   {enrollment: func(h *house, e *keyring.Enrollment) { e.ValidUntil = h.now.Add(-day) }, want: []error{ErrNotValid, keyring.ErrExpired}},
		"not yet":         {enrollment: func(h *house, e *keyring.Enrollment) { e.ValidFrom = h.now.Add(day) }, want: []error{ErrNotValid, keyring.ErrNotYetValid}},
		"cert past":       {certificate: func(h *house, c *x509.Certificate) { c.NotAfter = h.now.Add(-6 * day) }, want: []error{ErrNotValid}},
		"cert past since": {certificate: func(h *house, c *x509.Certificate) { c.NotAfter = h.now.Add(-day) }, want: []error{ErrNotValid}},
		"cert not yet":    {certificate: func(h *house, c *x509.Certificate) { c.NotBefore = h.now.Add(-day) }, want: []error{ErrNotValid}},
		"not for signing": {certificate: func(h *house, c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, want: []error{ErrBad}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			lka := h.certify(ecKey(t), func(x *x509.Certificate) {
				if c.certificate != nil {
					c.certificate(h, x)
				}
			})
			e := h.enrollment("lka-x509", agency, sign.X509, lka.fingerprint(), lka.pem(), sign.Agency)
			if c.enrollment != nil {
				c.enrollment(h, &e)
			}
			h.enroll(e)
			if c.revoked != 0 {
				h.revoke("lka-x509", sign.X509, lka.fingerprint(), h.now.Add(-c.revoked))
			}
			h.refused(newMessage(lka, order, h.now.Add(-5*day)).der(t), c.want...)
		})
	}
}

func TestCMSForms(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(ecKey(t), nil)
	h.agencyCertificate(lka)
	der := newMessage(lka, order, h.now).der(t)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der}))
	for name, data := range map[string][]byte{
		"byte after it":     append(bytes.Clone(der), 0),
		"cut":               der[:len(der)-1],
		"two messages":      append(bytes.Clone(der), der...),
		"a certificate":     lka.Raw,
		"in PEM":            []byte(lka.pem()),
		"two blocks":        []byte(text + text),
		"text before":       []byte("see below\n" + text),
		"text after":        []byte(text + "regards\n"),
		"headers":           pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der, Headers: map[string]string{"a": "b"}}),
		"other label":       pem.EncodeToMemory(&pem.Block{Type: "SIGNED DATA", Bytes: der}),
		"broken base64":     []byte(strings.Replace(text, "\nMI", "\n*I", 1)),
		"indefinite":        append(append([]byte{0x30, 0x80}, der[4:]...), 0, 0),
		"armored wrongly":   []byte(strings.ReplaceAll(text, "CMS", "PGP SIGNATURE")),
		"S/MIME":            []byte("MIME-Version: 1.0\r\n\r\n" + text),
		"sequence, empty":   {0x30, 0},
		"sequence, endless": {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
	} {
		if got, err := h.check(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestLimits(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(ecKey(t), nil)
	h.agencyCertificate(lka)
	numbered := func(m *message, n int) {
		for i := range n - len(m.attributes) {
			kind := append(slices.Clone(unsignedOID), 1000+i)
			m.attributes = append(m.attributes, attribute(kind, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }))
		}
	}
	padded := func(m *message, size int) []byte {
		// A skipped element takes what is missing.
		var pad cryptobyte.Builder
		pad.AddASN1(casn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(make([]byte, size))
		})
		m.certificates = [][]byte{lka.Raw, pad.BytesOrPanic()}
		return m.der(t)
	}
	base := len(padded(newMessage(lka, order, h.now), MaxSignature/2)) - MaxSignature/2
	for name, c := range map[string]struct {
		limit int
		make  func(m *message, n int) []byte
	}{
		"certificates": {MaxCertificates, func(m *message, n int) []byte {
			m.certificates = slices.Repeat([][]byte{lka.Raw}, n)
			return m.der(t)
		}},
		"attributes": {MaxAttributes, func(m *message, n int) []byte {
			numbered(m, n)
			return m.der(t)
		}},
	} {
		if got, err := h.check(c.make(newMessage(lka, order, h.now), c.limit)); err != nil || got.Result != Good {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got, err := h.check(c.make(newMessage(lka, order, h.now), c.limit+1)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// ECDSA signatures differ in length: white space after PEM does not.
	text := pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: padded(newMessage(lka, order, h.now), MaxSignature/2-base)})
	at := append(bytes.Clone(text), bytes.Repeat([]byte(" "), MaxSignature-len(text))...)
	if got, err := h.check(at); err != nil || got.Result != Good {
		t.Errorf("size: %+v, %v", got, err)
	}
	if got, err := h.check(append(at, ' ')); !errors.Is(err, ErrFormat) {
		t.Errorf("size: %+v, %v", got, err)
	}
}

// Whatever bit is turned over, a signature that is still good says the same.
func TestCMSAltered(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(ecKey(t), nil)
	h.agencyCertificate(lka)
	at := h.now.Add(-day)
	der := newMessage(lka, order, at).der(t)
	keys := h.keys()
	for i := range len(der) * 8 {
		altered := bytes.Clone(der)
		altered[i/8] ^= 1 << (i % 8)
		got, err := Check(order, altered, keys, h.now)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrBad) {
				t.Fatalf("bit %d: %v", i, err)
			}
			continue
		}
		if got.Result == Good && (got.Fingerprint != lka.fingerprint() || !got.SignedAt.Equal(at)) {
			t.Fatalf("bit %d: %+v", i, got)
		}
	}
}

// openssl signs in a folder that holds the order, and keys and certificates.
func newOpenSSL(t *testing.T, certificates map[string]*certified) func(args ...string) []byte {
	need(t, "openssl", "openssl")
	dir := t.TempDir()
	write(t, dir, "order", order)
	for name, c := range certificates {
		key, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
		write(t, dir, name+".crt", []byte(c.pem()))
	}
	return func(args ...string) []byte {
		t.Helper()
		return runIn(t, dir, "openssl", append([]string{"cms", "-sign", "-binary", "-in", "order"}, args...)...)
	}
}

func TestOpenSSL(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey(t, 2048), "ec": ecKey(t)} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			lka := h.certify(key, nil)
			other := h.certify(ecKey(t), func(c *x509.Certificate) { c.SerialNumber = big.NewInt(2) })
			h.agencyCertificate(lka)
			run := newOpenSSL(t, map[string]*certified{"lka": lka, "other": other})
			by := []string{"-signer", "lka.crt", "-inkey", "lka.key"}
			for _, way := range []string{
				"-outform DER", "-outform PEM", "-outform DER -md sha384", "-outform DER -md sha512", "-outform DER -nodetach",
				"-outform DER -keyid", "-outform DER -nocerts", "-outform PEM -nosmimecap", "-outform DER -certfile other.crt",
				"-outform DER -keyopt rsa_padding_mode:pss", "-outform DER -md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:64",
			} {
				if name != "rsa" && strings.Contains(way, "pss") {
					continue
				}
				h.goodNow(way, run(append(by, strings.Fields(way)...)...), lka.fingerprint())
			}
			for way, want := range map[string]error{
				"-outform DER -md sha1":             ErrBad,
				"-outform DER -md sha224":           ErrBad,
				"-outform DER -noattr":              ErrFormat,
				"-outform DER -stream -indef":       ErrFormat,
				"-outform SMIME":                    ErrFormat,
				"-outform DER -econtent_type 1.2.3": ErrFormat,
				"-outform DER -signer lka.crt -inkey lka.key -signer other.crt -inkey other.key": ErrFormat,
			} {
				args := append(slices.Clone(by), strings.Fields(way)...)
				if strings.Count(way, "-signer") > 0 {
					args = strings.Fields(way)
				}
				if got, err := h.check(run(args...)); !errors.Is(err, want) {
					t.Errorf("%s: %+v, %v", way, got, err)
				}
			}
			sig := run("-outform", "DER", "-signer", "other.crt", "-inkey", "other.key")
			if got, err := h.check(sig); err != nil || got.Result != UnknownKey || got.Fingerprint != other.fingerprint() {
				t.Errorf("another certificate: %+v, %v", got, err)
			}
			if got, err := Check([]byte("other"), sig, h.keys(), h.now); !errors.Is(err, ErrBad) {
				t.Errorf("another text: %+v, %v", got, err)
			}
		})
	}
}

// goodNow is good, of a signature that was made between the house and now.
func (h *house) goodNow(way string, signature []byte, fingerprint string) {
	h.t.Helper()
	got, err := h.check(signature)
	if age := got.SignedAt.Sub(h.now); age < 0 || age > MaxSkew {
		h.t.Errorf("%s: signed at %s, %v", way, got.SignedAt, err)
	}
	h.t.Log(way)
	h.good(signature, CMS, fingerprint, got.SignedAt)
}

func TestOpenSSLExpired(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(rsaKey(t, 2048), func(c *x509.Certificate) { c.NotAfter = h.now.Add(-time.Hour) })
	h.agencyCertificate(lka)
	run := newOpenSSL(t, map[string]*certified{"lka": lka})
	h.refused(run("-signer", "lka.crt", "-inkey", "lka.key", "-outform", "DER"), ErrNotValid)
}

// A small key is refused even where its certificate is not enrolled.
func TestOpenSSLSmallKey(t *testing.T) {
	h := newHouse(t)
	lka := h.certify(rsaKey(t, 1024), nil)
	run := newOpenSSL(t, map[string]*certified{"lka": lka})
	h.refused(run("-signer", "lka.crt", "-inkey", "lka.key", "-outform", "DER"), ErrBad)
}

func TestPSS(t *testing.T) {
	params := func(hash, mask asn1.ObjectIdentifier, salt int64, trailer bool) []byte {
		var b cryptobyte.Builder
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			explicit := func(n casn1.Tag, f func(*cryptobyte.Builder)) { b.AddASN1(n.ContextSpecific().Constructed(), f) }
			if hash != nil {
				explicit(0, func(b *cryptobyte.Builder) { identifier(b, hash, nil) })
			}
			if mask != nil {
				explicit(1, func(b *cryptobyte.Builder) {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidMGF1)
						identifier(b, mask, nil)
					})
				})
			}
			if salt >= 0 {
				explicit(2, func(b *cryptobyte.Builder) { b.AddASN1Int64(salt) })
			}
			if trailer {
				explicit(3, func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
			}
		})
		return b.BytesOrPanic()
	}
	for name, c := range map[string]struct {
		params []byte
		salt   int
		ok     bool
	}{
		"good":            {params(sha256OID, sha256OID, 32, false), 32, true},
		"default salt":    {params(sha256OID, sha256OID, -1, false), 20, true},
		"defaults":        {params(nil, nil, -1, false), 0, false},
		"absent":          {nil, 0, false},
		"mask is SHA-1":   {params(sha256OID, nil, 32, false), 0, false},
		"other mask":      {params(sha256OID, sha512OID, 32, false), 0, false},
		"other hash":      {params(sha512OID, sha512OID, 32, false), 0, false},
		"salt, limit":     {params(sha256OID, sha256OID, maxRSABits/8, false), maxRSABits / 8, true},
		"salt, too long":  {params(sha256OID, sha256OID, maxRSABits/8+1, false), 0, false},
		"any salt":        {params(sha256OID, sha256OID, 0, false), 0, false},
		"another trailer": {params(sha256OID, sha256OID, 32, true), 0, false},
		"data after it":   {append(params(sha256OID, sha256OID, 32, false), 5, 0), 0, false},
	} {
		salt, ok := readPSS(c.params, crypto.SHA256)
		if ok != c.ok || ok && salt != c.salt {
			t.Errorf("%s: %d, %v", name, salt, ok)
		}
	}
}

// A key so large that checking takes long is refused at once.
func TestLargeKey(t *testing.T) {
	h := newHouse(t)
	s, err := parseCMS(newMessage(h.certify(ecKey(t), nil), order, h.now).der(t))
	if err != nil {
		t.Fatal(err)
	}
	s.algorithm = algorithm{oid: oidRSA}
	for _, bits := range []uint{maxRSABits, maxRSABits + 1} {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		err := s.verify(&x509.Certificate{PublicKey: &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}})
		if !errors.Is(err, ErrBad) || strings.Contains(err.Error(), "bits") != (bits > maxRSABits) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// A signature that is good is so for one text, whatever its bytes are.
func FuzzCheck(f *testing.F) {
	h := newHouse(f)
	e := h.entity(nil)
	h.agencyKey(hexOf(e.PrimaryKey), public(f, e))
	lka, ed := h.certify(ecKey(f), nil), h.certify(edKey(f), nil)
	h.agencyCertificate(lka)
	pgp := h.signed(e, h.now, order, nil)
	f.Add(pgp)
	f.Add([]byte(armored(f, "PGP SIGNATURE", pgp)))
	for _, c := range []*certified{lka, ed} {
		m := newMessage(c, order, h.now)
		f.Add(m.der(f))
		m.encapsulated, m.byKeyID, m.unsigned = order, true, true
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: m.der(f)}))
	}
	keys := h.keys()
	f.Fuzz(func(t *testing.T, signature []byte) {
		got, err := Check(order, signature, keys, h.now)
		switch {
		case err != nil:
			if got != (Result{}) || !errors.Is(err, ErrFormat) && !errors.Is(err, ErrBad) && !errors.Is(err, ErrNotValid) {
				t.Fatalf("%+v, %v", got, err)
			}
		case got.Result == Good:
			if got.Holder != agency || got.Fingerprint == "" {
				t.Fatalf("%+v", got)
			}
			if other, err := Check(append([]byte("x"), order...), signature, keys, h.now); err == nil {
				t.Fatalf("good for two texts: %+v", other)
			}
		case got.Result != UnknownKey || got.Holder != "" || got.Name != "":
			t.Fatalf("%+v", got)
		}
	})
}
