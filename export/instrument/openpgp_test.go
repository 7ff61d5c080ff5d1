package instrument

import (
	"bytes"
	"crypto"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// at makes a config of a time, 20 days ago unless changed.
func (h *house) at(change func(*packet.Config)) *packet.Config {
	created := h.now.Add(-40 * day)
	c := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return created }}
	if change != nil {
		change(c)
	}
	return c
}

// entity makes an OpenPGP key, 40 days old.
func (h *house) entity(change func(*packet.Config)) *openpgp.Entity {
	h.t.Helper()
	e, err := openpgp.NewEntity("Agency", "", "agency@lka.example", h.at(change))
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func armored(t testing.TB, kind string, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

func public(t testing.TB, e *openpgp.Entity) string {
	t.Helper()
	var data bytes.Buffer
	if err := e.Serialize(&data); err != nil {
		t.Fatal(err)
	}
	return armored(t, openpgp.PublicKeyType, data.Bytes())
}

// signed returns a binary signature over text.
func (h *house) signed(e *openpgp.Entity, at time.Time, text []byte, change func(*packet.Config)) []byte {
	h.t.Helper()
	c := &packet.Config{Time: func() time.Time { return at }, DefaultHash: crypto.SHA256}
	if change != nil {
		change(c)
	}
	var out bytes.Buffer
	if err := openpgp.DetachSign(&out, []*openpgp.Entity{e}, bytes.NewReader(text), c); err != nil {
		h.t.Fatal(err)
	}
	return out.Bytes()
}

func TestOpenPGP(t *testing.T) {
	for name, change := range map[string]func(*packet.Config){
		"v4, Ed25519 of old": nil,
		"v4, RSA":            func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoRSA; c.RSABits = 2048 },
		"v4, P-256": func(c *packet.Config) {
			c.Algorithm = packet.PubKeyAlgoECDSA
			c.Curve = packet.CurveNistP256
		},
		"v4, brainpool": func(c *packet.Config) {
			c.Algorithm = packet.PubKeyAlgoECDSA
			c.Curve = packet.CurveBrainpoolP256
		},
		"v4, Ed25519": func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoEd25519 },
		"v6, Ed25519": func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoEd25519; c.V6Keys = true },
		"v6, Ed448":   func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoEd448; c.V6Keys = true },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			e := h.entity(change)
			fingerprint := hexOf(e.PrimaryKey)
			h.agencyKey(fingerprint, public(t, e))
			at := h.now.Add(-day)
			sig := h.signed(e, at, order, nil)
			h.good(sig, OpenPGP, fingerprint, at)
			text := armored(t, openpgp.SignatureType, sig)
			h.good([]byte(text), OpenPGP, fingerprint, at)
			h.good([]byte("\r\n"+strings.ReplaceAll(text, "\n", "\r\n")+"\n \n"), OpenPGP, fingerprint, at)
			for _, hash := range []crypto.Hash{crypto.SHA384, crypto.SHA512} {
				if name != "v4, P-256" && name != "v4, brainpool" {
					h.good(h.signed(e, at, order, func(c *packet.Config) { c.DefaultHash = hash }), OpenPGP, fingerprint, at)
				}
			}
			altered := bytes.Clone(sig)
			altered[len(altered)-3] ^= 1
			h.refused(altered, ErrBad)
		})
	}
}

// A subkey that the primary key has bound for signing signs as well; it is the
// primary key's fingerprint that is reported.
func TestOpenPGPSubkey(t *testing.T) {
	h := newHouse(t)
	e := h.entity(nil)
	bare := public(t, e)
	if err := e.AddSigningSubkey(h.at(nil)); err != nil {
		t.Fatal(err)
	}
	at := h.now.Add(-day)
	sig := h.signed(e, at, order, nil)
	s, err := parseOpenPGP(sig)
	if err != nil || s.issuer() == hexOf(e.PrimaryKey) {
		t.Fatalf("not by the subkey: %v", err)
	}
	h.unknown(sig, OpenPGP, s.issuer(), at)
	before := *h
	h.agencyKey(hexOf(e.PrimaryKey), bare)
	h.unknown(sig, OpenPGP, s.issuer(), at)
	h = &before
	h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
	h.good(sig, OpenPGP, hexOf(e.PrimaryKey), at)
	if err := e.Subkeys[1].Revoke(packet.KeySuperseded, "", h.at(func(c *packet.Config) { c.Time = func() time.Time { return h.now } })); err != nil {
		t.Fatal(err)
	}
	h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
	h.refused(sig, ErrNotValid)
}

// A subkey is revoked wherever in the certificate that stands.
func TestOpenPGPRevokedSubkey(t *testing.T) {
	e := newHouse(t).entity(nil)
	if err := e.AddSigningSubkey(newHouse(t).at(nil)); err != nil {
		t.Fatal(err)
	}
	var clean, revocation bytes.Buffer
	if err := e.Serialize(&clean); err != nil {
		t.Fatal(err)
	}
	sig := newHouse(t).signed(e, time.Now().Add(-day).UTC(), order, nil)
	if err := e.Subkeys[1].Revoke(packet.KeySuperseded, "", newHouse(t).at(nil)); err != nil {
		t.Fatal(err)
	}
	if err := e.Subkeys[1].Revocations[0].Packet.Serialize(&revocation); err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for r := packet.NewOpaqueReader(&clean); ; {
		p, err := r.Next()
		if err != nil {
			break
		}
		var raw bytes.Buffer
		if err := p.Serialize(&raw); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, raw.Bytes())
	}
	for i := range packets {
		h := newHouse(t)
		data := bytes.Join(slices.Insert(slices.Clone(packets), i+1, revocation.Bytes()), nil)
		h.agencyKey(hexOf(e.PrimaryKey), armored(t, openpgp.PublicKeyType, data))
		if got, err := h.check(sig); !errors.Is(err, ErrNotValid) {
			t.Errorf("behind packet %d of %d: %+v, %v", i+1, len(packets), got, err)
		}
	}
}

// What the keyring says of a key goes before what the signature says.
func TestOpenPGPKeyring(t *testing.T) {
	at := func(h *house) time.Time { return h.now.Add(-5 * day) }
	for name, c := range map[string]struct {
		enroll func(h *house, e keyring.Enrollment)
		want   error
	}{
		"revoked before": {func(h *house, e keyring.Enrollment) {
			h.enroll(e)
			h.revoke(e.Name, e.Kind, e.Fingerprint, h.now.Add(-6*day))
		}, keyring.ErrRevoked},
		"revoked since": {func(h *house, e keyring.Enrollment) {
			h.enroll(e)
			h.revoke(e.Name, e.Kind, e.Fingerprint, h.now.Add(-day))
		}, keyring.ErrRevoked},
		"expired before": {func(h *house, e keyring.Enrollment) {
			e.ValidUntil = h.now.Add(-6 * day)
			h.enroll(e)
		}, keyring.ErrExpired},
		"expired since": {func(h *house, e keyring.Enrollment) {
			e.ValidUntil = h.now.Add(-4 * day)
			h.enroll(e)
		}, keyring.ErrExpired},
		"not yet": {func(h *house, e keyring.Enrollment) {
			e.ValidFrom = h.now.Add(day)
			h.enroll(e)
		}, keyring.ErrNotYetValid},
		"another role": {func(h *house, e keyring.Enrollment) {
			e.Roles = []sign.Role{sign.Approver}
			h.enroll(e)
		}, keyring.ErrRole},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			e := h.entity(nil)
			c.enroll(h, h.enrollment("lka", agency, sign.OpenPGP, hexOf(e.PrimaryKey), public(t, e), sign.Agency))
			h.refused(h.signed(e, at(h), order, nil), ErrNotValid, c.want)
		})
	}
	// The first order of an agency is signed before anybody could enroll its key.
	t.Run("enrolled since", func(t *testing.T) {
		h := newHouse(t)
		e := h.entity(nil)
		late := h.enrollment("lka", agency, sign.OpenPGP, hexOf(e.PrimaryKey), public(t, e), sign.Agency)
		late.ValidFrom = h.now.Add(-4 * day)
		h.enroll(late)
		if got, err := h.check(h.signed(e, at(h), order, nil)); err != nil || got.Result != Good || got.Holder != agency {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	// An enrolment that nobody confirmed is none.
	h := newHouse(t)
	e := h.entity(nil)
	h.sign(h.entry(h.one, h.enrollment("lka", agency, sign.OpenPGP, hexOf(e.PrimaryKey), public(t, e), sign.Agency)), h.one)
	h.unknown(h.signed(e, at(h), order, nil), OpenPGP, hexOf(e.PrimaryKey), at(h))
}

// What the certificate says of itself counts as well, even what an earlier form
// of it said.
func TestOpenPGPCertificate(t *testing.T) {
	lifetime := func(d time.Duration) func(*packet.Config) {
		return func(c *packet.Config) { c.KeyLifetimeSecs = uint32(d / time.Second) }
	}
	h := newHouse(t)
	for name, d := range map[string]time.Duration{"before": 34 * day, "since": 36 * day} {
		h := newHouse(t)
		e := h.entity(lifetime(d))
		h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
		t.Log("expired", name)
		h.refused(h.signed(e, h.now.Add(-39*day), order, func(c *packet.Config) {}), ErrNotValid) // not yet enrolled
		h.refused(h.signed(e, h.now.Add(-10*day), order, nil), ErrNotValid)
	}
	e := h.entity(nil)
	clean := public(t, e)
	sig := h.signed(e, h.now.Add(-day), order, nil)
	if err := e.Revoke(packet.KeyRetired, "", h.at(func(c *packet.Config) { c.Time = func() time.Time { return h.now.Add(-time.Hour) } })); err != nil {
		t.Fatal(err)
	}
	revoked := public(t, e)
	var revocation bytes.Buffer
	if err := e.Revocations[0].Packet.Serialize(&revocation); err != nil {
		t.Fatal(err)
	}
	behind := clean + armored(t, openpgp.PublicKeyType, revocation.Bytes())
	for name, texts := range map[string][]string{
		"revoked": {revoked}, "revoked behind": {behind}, "revoked, then clean": {revoked, clean}, "clean, then revoked": {clean, revoked},
	} {
		h := newHouse(t)
		for _, text := range texts {
			h.agencyKey(hexOf(e.PrimaryKey), text)
			h.certified = h.certified.Add(time.Hour)
		}
		if _, err := h.check(sig); !errors.Is(err, ErrNotValid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An agency whose certificate cannot be read whole harms itself alone.
func TestOpenPGPOtherCertificate(t *testing.T) {
	for name, revocation := range map[string][]byte{
		"unknown hash": {0xc2, 16, 4, 0x20, 22, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"version 9":    {0xc2, 6, 9, 0x20, 22, 8, 0, 0},
		"version 3":    {0xc2, 6, 3, 5, 0x20, 8, 0, 0},
	} {
		h := newHouse(t)
		e, other := h.entity(nil), h.entity(nil)
		var data bytes.Buffer
		if err := other.Serialize(&data); err != nil {
			t.Fatal(err)
		}
		text := armored(t, openpgp.PublicKeyType, append(data.Bytes(), revocation...))
		h.enroll(h.enrollment("aaa", "Other Agency", sign.OpenPGP, hexOf(other.PrimaryKey), text, sign.Agency))
		h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
		at := h.now.Add(-day)
		h.good(h.signed(e, at, order, nil), OpenPGP, hexOf(e.PrimaryKey), at)
		if _, err := h.check(h.signed(other, at, order, nil)); !errors.Is(err, ErrBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenPGPTimes(t *testing.T) {
	h := newHouse(t)
	e := h.entity(nil)
	fingerprint := hexOf(e.PrimaryKey)
	h.agencyKey(fingerprint, public(t, e))
	h.good(h.signed(e, h.now, order, nil), OpenPGP, fingerprint, h.now)
	h.good(h.signed(e, h.now.Add(MaxSkew), order, nil), OpenPGP, fingerprint, h.now.Add(MaxSkew))
	h.refused(h.signed(e, h.now.Add(MaxSkew+time.Second), order, nil), ErrBad)
	h.refused(h.signed(e, h.now.Add(-day), order, func(c *packet.Config) { c.SigLifetimeSecs = 3600 }), ErrBad)
	h.good(h.signed(e, h.now.Add(-day), order, func(c *packet.Config) { c.SigLifetimeSecs = 2 * 86400 }), OpenPGP, fingerprint, h.now.Add(-day))
	h.refused(h.signed(e, h.now.Add(-day), order, func(c *packet.Config) {
		c.SignatureNotations = []*packet.Notation{{Name: "x@lka.example", Value: []byte("y"), IsCritical: true}}
	}), ErrBad)
}

func TestOpenPGPForms(t *testing.T) {
	h := newHouse(t)
	e := h.entity(nil)
	h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
	sig := h.signed(e, h.now, order, nil)
	text := armored(t, openpgp.SignatureType, sig)
	var inline bytes.Buffer
	w, err := openpgp.Sign(&inline, []*openpgp.Entity{e}, nil, h.at(func(c *packet.Config) { c.Time = func() time.Time { return h.now } }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(order); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	if err := openpgp.DetachSignWithParams(&lines, []*openpgp.Entity{e}, bytes.NewReader(order), &openpgp.SignParams{TextSig: true}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty":               {},
		"text":                []byte("signed: the agency"),
		"two packets":         append(bytes.Clone(sig), sig...),
		"byte after it":       append(bytes.Clone(sig), 0),
		"cut":                 sig[:len(sig)-1],
		"two blocks":          []byte(text + text),
		"text before":         []byte("see below\n" + text),
		"text after":          []byte(text + "regards\n"),
		"two packets armored": []byte(armored(t, openpgp.SignatureType, append(bytes.Clone(sig), sig...))),
		"empty block":         []byte(armored(t, openpgp.SignatureType, nil)),
		"no end":              []byte(strings.Split(text, "-----END")[0]),
		"a key":               []byte(public(t, e)),
		"a key, as signature": []byte(strings.ReplaceAll(public(t, e), "PUBLIC KEY BLOCK", "SIGNATURE")),
		"inline":              inline.Bytes(),
		"over lines of text":  lines.Bytes(),
	} {
		if got, err := h.check(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestOpenPGPWeakKey(t *testing.T) {
	h := newHouse(t)
	e := h.entity(func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoRSA; c.RSABits = 1024 })
	h.agencyKey(hexOf(e.PrimaryKey), public(t, e))
	h.refused(h.signed(e, h.now, order, func(c *packet.Config) { c.MinRSABits = 1024 }), ErrBad)
}

// gnupg is a home of GnuPG with a key in it.
type gnupg struct {
	t    *testing.T
	home string
}

func newGnuPG(t *testing.T) *gnupg {
	need(t, "gpg", "gnupg")
	need(t, "gpg-agent", "gpg-agent")
	g := &gnupg{t, t.TempDir()}
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", g.home, "--kill", "gpg-agent").Run() })
	return g
}

func (g *gnupg) run(at time.Time, args ...string) []byte {
	g.t.Helper()
	return runIn(g.t, g.home, "gpg", append([]string{"--homedir", g.home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "",
		"--faked-system-time=" + at.Format("20060102T150405") + "!", "--no-tty", "--quiet"}, args...)...)
}

func TestGnuPG(t *testing.T) {
	g, h := newGnuPG(t), newHouse(t)
	created, at := h.now.Add(-40*day), h.now.Add(-day)
	g.run(created, "--quick-gen-key", "agency@lka.example", "ed25519", "cert", "never")
	var fingerprint string
	for line := range strings.Lines(string(g.run(at, "--with-colons", "--list-keys"))) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			fingerprint = f[9]
			break
		}
	}
	g.run(created, "--quick-add-key", fingerprint, "rsa2048", "sign", "never")
	write(t, g.home, "order", order)
	signed := func(args ...string) []byte {
		t.Helper()
		return g.run(at, append(args, "--detach-sign", "-o", "-", "order")...)
	}
	sig := signed()
	s, err := parseOpenPGP(sig)
	if err != nil {
		t.Fatal(err)
	}
	h.unknown(sig, OpenPGP, s.issuer(), at)
	h.agencyKey(fingerprint, string(g.run(at, "--armor", "--export")))
	h.good(sig, OpenPGP, fingerprint, at)
	h.good(signed("--armor"), OpenPGP, fingerprint, at)
	h.good(signed("--armor", "--digest-algo", "SHA512"), OpenPGP, fingerprint, at)
	h.refused(signed("--digest-algo", "SHA1"), ErrBad)
	h.refused(signed("--digest-algo", "SHA224"), ErrBad)
	h.refused(signed("--digest-algo", "RIPEMD160"), ErrBad)
	h.refused(signed("--textmode"), ErrFormat)
	h.refused(g.run(at, "--clear-sign", "-o", "-", "order"), ErrFormat)
	h.refused(g.run(at, "--sign", "-o", "-", "order"), ErrFormat)
}

// A certificate that rests on SHA-1 is not accepted.
func TestGnuPGWeakCertificate(t *testing.T) {
	g, h := newGnuPG(t), newHouse(t)
	created, at := h.now.Add(-40*day), h.now.Add(-day)
	g.run(created, "--cert-digest-algo", "SHA1", "--quick-gen-key", "agency@lka.example", "rsa2048", "sign", "never")
	certificate := string(g.run(at, "--armor", "--export"))
	e, err := openpgp.ReadArmoredKeyRing(strings.NewReader(certificate))
	if err != nil {
		t.Fatal(err)
	}
	h.agencyKey(hexOf(e[0].PrimaryKey), certificate)
	write(t, g.home, "order", order)
	h.refused(g.run(at, "--digest-algo", "SHA256", "--detach-sign", "-o", "-", "order"), ErrBad)
}
