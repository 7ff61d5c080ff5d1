package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/seal"
)

// file writes a file for a tool.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Invariant 11: age opens what is sealed; and what age seals is opened.
func TestStockAge(t *testing.T) {
	stock, latest := tool(t, "age", "age"), newAge(t)
	want := text(200_000)
	for name, programs := range map[string][]string{
		"age-x25519":  {stock, latest},
		"ssh-ed25519": {stock, latest},
		"ssh-rsa":     {stock, latest},
		"age-hybrid":  {latest},
	} {
		p := pairs(t)[name]
		sealedFile := file(t, "volume.age", sealed(t, want, recipient(t, p.public)))
		identity := file(t, "identity", p.secret)
		for _, program := range programs {
			if got := run(t, nil, program, "--decrypt", "--identity", identity, sealedFile); !bytes.Equal(got, want) {
				t.Errorf("%s: %s gave %d bytes", name, program, len(got))
			}
			theirs := run(t, want, program, "--encrypt", "--recipient", string(bytes.TrimSpace(p.public)))
			if got, err := open(theirs, identities(t, p.secret)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: made by %s: %d bytes, %v", name, program, len(got), err)
			}
			armored := run(t, want, program, "--encrypt", "--armor", "--recipient", string(bytes.TrimSpace(p.public)))
			if _, err := open(armored, identities(t, p.secret)); !errors.Is(err, seal.ErrFormat) {
				t.Errorf("%s: armored: %v", name, err)
			}
		}
	}
}

// A file that age seals to a passphrase is not one of ours.
func TestAgePassphraseFile(t *testing.T) {
	p := x25519(t)
	locked := lockedAge(t, text(100), "correct horse")
	if _, err := open(locked, identities(t, p.secret)); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("%v", err)
	}
}

// gpgKeys are what gpg can make, as the parameters of its key generation.
var gpgKeys = map[string]string{
	"RSA 2048":    "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: encrypt",
	"RSA 3072":    "Key-Type: RSA\nKey-Length: 3072\nKey-Usage: sign\nSubkey-Type: RSA\nSubkey-Length: 3072\nSubkey-Usage: encrypt",
	"Curve25519":  "Key-Type: EDDSA\nKey-Curve: ed25519\nSubkey-Type: ECDH\nSubkey-Curve: cv25519",
	"NIST P-256":  "Key-Type: ECDSA\nKey-Curve: nistp256\nSubkey-Type: ECDH\nSubkey-Curve: nistp256",
	"NIST P-384":  "Key-Type: ECDSA\nKey-Curve: nistp384\nSubkey-Type: ECDH\nSubkey-Curve: nistp384",
	"NIST P-521":  "Key-Type: ECDSA\nKey-Curve: nistp521\nSubkey-Type: ECDH\nSubkey-Curve: nistp521",
	"Brainpool":   "Key-Type: ECDSA\nKey-Curve: brainpoolP256r1\nSubkey-Type: ECDH\nSubkey-Curve: brainpoolP256r1",
	"one RSA key": "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign encrypt",
	"locked":      "Key-Type: EDDSA\nKey-Curve: ed25519\nSubkey-Type: ECDH\nSubkey-Curve: cv25519\nPassphrase: correct horse",
}

// Invariant 11: gpg opens what is sealed, and its secret keys open it here.
func TestStockGnuPG(t *testing.T) {
	want := text(200_000)
	for name, params := range gpgKeys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGnuPG(t)
			unlock := []string{"--passphrase", "correct horse"}
			fingerprint := g.generate(params)
			r := recipient(t, g.public(fingerprint))
			if r.Kind != "openpgp" || r.Fingerprint != fingerprint || len(r.Names) != 1 || r.Names[0] != "Sample Agency <keys@agency.example.org>" {
				t.Errorf("%s %s %q, want %s", r.Kind, r.Fingerprint, r.Names, fingerprint)
			}
			if strings.Contains(params, "2048") != (len(r.Warnings) > 0) {
				t.Errorf("warnings: %q", r.Warnings)
			}
			if err := seal.CheckRecipient(r, now()); err != nil {
				t.Error(err)
			}
			binary := recipient(t, g.run(nil, "--export", fingerprint))
			if binary.Public != r.Public {
				t.Errorf("armored and binary certificates differ:\n%s\n%s", r.Public, binary.Public)
			}
			message := sealed(t, want, r)
			if got := g.run(message, append(unlock, "--decrypt")...); !bytes.Equal(got, want) {
				t.Errorf("gpg --decrypt: %d bytes", len(got))
			}
			// The certificate goes back to gpg as it is kept.
			other := newGnuPG(t)
			other.run([]byte(r.Public), "--import")
			asked := 0
			ids, err := seal.ParseIdentities(g.secret(fingerprint, unlock...), func(prompt string) ([]byte, error) {
				if asked++; !strings.Contains(prompt, fingerprint) {
					t.Errorf("prompt %q", prompt)
				}
				return []byte("correct horse"), nil
			})
			if err != nil || asked != strings.Count(name, "locked") {
				t.Fatalf("asked %d times, %v", asked, err)
			}
			if got, err := open(message, ids); err != nil || !bytes.Equal(got, want) {
				t.Errorf("opened here: %d bytes, %v", len(got), err)
			}
			// gpg writes a date into its messages: another shape.
			theirs := g.run(want, "--encrypt", "--compress-algo", "none", "--trust-model", "always", "--recipient", fingerprint)
			if _, err := open(theirs, ids); !errors.Is(err, seal.ErrFormat) {
				t.Errorf("a message of gpg: %v", err)
			}
		})
	}
}

// Several agencies' keys, of different algorithms: gpg opens with each.
func TestStockGnuPGSeveral(t *testing.T) {
	a, b := newGnuPG(t), newGnuPG(t)
	fa, fb := a.generate(gpgKeys["RSA 2048"]), b.generate(gpgKeys["Curve25519"])
	message := sealed(t, text(1000), recipient(t, a.public(fa)), recipient(t, b.public(fb)))
	for _, g := range []*gnupg{a, b} {
		if got := g.run(message, "--decrypt"); !bytes.Equal(got, text(1000)) {
			t.Errorf("gpg --decrypt: %d bytes", len(got))
		}
	}
}

// Subkeys alone, without the primary secret, as careful owners keep them.
func TestGnuPGSubkeysOnly(t *testing.T) {
	g := newGnuPG(t)
	fingerprint := g.generate(gpgKeys["Curve25519"])
	message := sealed(t, text(1000), recipient(t, g.public(fingerprint)))
	subkeys := g.run(nil, "--armor", "--export-secret-subkeys", fingerprint)
	if got, err := open(message, identities(t, subkeys)); err != nil || !bytes.Equal(got, text(1000)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Keys that gpg makes, and that are refused.
func TestRefusedGnuPGKeys(t *testing.T) {
	curve := gpgKeys["Curve25519"]
	for name, c := range map[string]struct {
		params string
		args   []string
		change func(g *gnupg, fingerprint string)
		parse  error // of ParseRecipient
		check  error // of CheckRecipient, where it parses
	}{
		"sign only": {params: "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign", parse: seal.ErrNoEncryption},
		"RSA, sign only": {
			params: "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign", parse: seal.ErrNoEncryption,
		},
		"DSA and Elgamal": {
			params: "Key-Type: DSA\nKey-Length: 2048\nSubkey-Type: ELG\nSubkey-Length: 2048", parse: seal.ErrWeakKey,
		},
		"Elgamal subkey": {
			params: "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\nSubkey-Type: ELG\nSubkey-Length: 2048", parse: seal.ErrWeakKey,
		},
		"secp256k1": {
			params: "Key-Type: ECDSA\nKey-Curve: secp256k1\nSubkey-Type: ECDH\nSubkey-Curve: secp256k1", parse: seal.ErrUnsupported,
		},
		"SHA-1 self-signatures": {params: curve, args: []string{"--cert-digest-algo", "SHA1"}, parse: seal.ErrWeakKey},
		"expired": {
			params: curve + "\nExpire-Date: seconds=3600", args: []string{"--faked-system-time", "20260101T000000!"}, check: seal.ErrExpiredKey,
		},
		"from the future": {params: curve, args: []string{"--faked-system-time", "20900101T000000!"}, check: seal.ErrNotYetValid},
		"revoked": {
			params: curve, parse: seal.ErrRevokedKey,
			change: func(g *gnupg, fingerprint string) { revoke(g, fingerprint, "") },
		},
		"revoked with SHA-1": {
			params: curve, parse: seal.ErrRevokedKey,
			change: func(g *gnupg, fingerprint string) { revoke(g, fingerprint, "SHA1") },
		},
		"encryption subkey expired": {
			params: curve, check: seal.ErrExpiredKey,
			change: func(g *gnupg, fingerprint string) {
				g.run(nil, "--quick-set-expire", fingerprint, "seconds=1", "*")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGnuPG(t)
			fingerprint := g.generate(c.params, append(c.args, "--quiet")...)
			if c.change != nil {
				c.change(g, fingerprint)
			}
			r, err := seal.ParseRecipient(g.public(fingerprint))
			if !errors.Is(err, c.parse) || c.parse == nil && err != nil {
				t.Fatalf("ParseRecipient: %v, want %v", err, c.parse)
			}
			if c.parse != nil {
				return
			}
			if err := seal.CheckRecipient(r, now().AddDate(0, 0, 1)); !errors.Is(err, c.check) {
				t.Errorf("CheckRecipient: %v, want %v", err, c.check)
			}
			if _, err := seal.Encrypt(&bytes.Buffer{}, []seal.Recipient{r}, now().AddDate(0, 0, 1)); !errors.Is(err, c.check) {
				t.Errorf("Encrypt: %v, want %v", err, c.check)
			}
		})
	}
}

// revoke imports the revocation certificate that gpg made with the key, or a new
// one signed with another hash.
func revoke(g *gnupg, fingerprint, hash string) {
	g.t.Helper()
	certificate, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", fingerprint+".rev"))
	if err != nil {
		g.t.Fatal(err)
	}
	if hash != "" {
		path := filepath.Join(g.home, "revocation.asc")
		// It is interactive: yes; no reason; no text; really.
		run(g.t, []byte("y\n0\n\ny\n"), g.path, "--homedir", g.home, "--no-tty", "--command-fd", "0", "--pinentry-mode", "loopback",
			"--cert-digest-algo", hash, "--digest-algo", hash, "--output", path, "--gen-revoke", fingerprint)
		if certificate, err = os.ReadFile(path); err != nil {
			g.t.Fatal(err)
		}
	}
	certificate = bytes.Replace(certificate, []byte(":-----BEGIN"), []byte("-----BEGIN"), 1)
	g.run(certificate, "--import")
}
