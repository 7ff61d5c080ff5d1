package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gnupg is a folder of keys that GnuPG has made.
type gnupg struct {
	t    *testing.T
	home string
}

func newGnuPG(t *testing.T) *gnupg {
	t.Helper()
	need(t, "gpg", "gpgconf")
	home, err := os.MkdirTemp("", "gpg") // its agent's socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("gpgconf", "--homedir", home, "--kill", "all").CombinedOutput(); err != nil {
			t.Logf("gpgconf: %v: %s", err, out)
		}
		os.RemoveAll(home)
	})
	return &gnupg{t, home}
}

func (g *gnupg) run(args ...string) string {
	g.t.Helper()
	cmd := exec.Command("gpg", append([]string{"--homedir", g.home, "--batch", "--yes", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// key makes a key by a file of parameters, and returns its certificate.
func (g *gnupg) key(name, parameters string, options ...string) string {
	g.t.Helper()
	file := filepath.Join(g.home, name+".parameters")
	text := strings.Join(strings.Fields(parameters), "\n")
	text = strings.ReplaceAll(text, "=", ": ") + "\nName-Real: " + name + "\n%no-protection\n%commit\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.run(append(options, "--gen-key", file)...)
	return g.run("--armor", "--export", name)
}

// revoked revokes a key by the certificate that GnuPG keeps for that.
func (g *gnupg) revoked(name, parameters string) string {
	g.t.Helper()
	g.key(name, parameters)
	for line := range strings.Lines(g.run("--with-colons", "--list-keys", name)) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			path := filepath.Join(g.home, "openpgp-revocs.d", fields[9]+".rev")
			text, err := os.ReadFile(path)
			if err != nil {
				g.t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), "\n:-----BEGIN", "\n-----BEGIN", 1)), 0o600); err != nil {
				g.t.Fatal(err)
			}
			g.run("--import", path)
			break
		}
	}
	return g.run("--armor", "--export", name)
}

// An agency's key that would not protect what is encrypted to it is refused before
// anything is signed, as GnuPG makes such keys.
func TestEnrollUnfitAgencyKeys(t *testing.T) {
	g := newGnuPG(t)
	const good = "Key-Type=EDDSA Key-Curve=ed25519 Subkey-Type=ECDH Subkey-Curve=cv25519 Expire-Date=0"
	const rsa = "Key-Type=RSA Key-Length=2048 Key-Usage=sign Subkey-Type=RSA Subkey-Length=2048 Subkey-Usage=encrypt Expire-Date=0"
	dir := stage(t, stageFounded)
	enroll := func(name, certificate string, more ...string) outcome {
		file := filepath.Join(dir, name+".asc")
		if err := os.WriteFile(file, []byte(certificate), 0o600); err != nil {
			t.Fatal(err)
		}
		return exhibit(append([]string{"keys", "enroll", name, "--role", "agency", "--key", file, "--holder", name, "--how", "call back",
			"--as", "admin", "--passphrase-file", filepath.Join(dir, "pass"), "--workspace", filepath.Join(dir, "ws")}, more...)...)
	}
	before, err := tree(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ certificate, says string }{
		"weak":     {g.key("weak", "Key-Type=RSA Key-Length=1024 Subkey-Type=RSA Subkey-Length=1024 Expire-Date=0"), "key is too weak"},
		"elgamal":  {g.key("elgamal", "Key-Type=DSA Key-Length=2048 Subkey-Type=ELG Subkey-Length=2048 Expire-Date=0"), "elgamal.asc: "},
		"expired":  {g.key("expired", strings.Replace(good, "Expire-Date=0", "Expire-Date=1d", 1), "--faked-system-time", "20200101T000000"), "key has expired"},
		"revoked":  {g.revoked("revoked", good), "key is revoked"},
		"signonly": {g.key("signonly", "Key-Type=EDDSA Key-Curve=ed25519 Key-Usage=sign Expire-Date=0"), "key is not for encryption"},
		"sha1":     {g.key("sha1", rsa, "--cert-digest-algo", "SHA1"), "key is too weak"},
	} {
		got := enroll(name, c.certificate)
		if got.code != exitFailed || !strings.Contains(got.stderr, c.says) || got.stdout != "" {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s%s", name, got.code, exitFailed, c.says, got.stdout, got.stderr)
		}
	}
	if after, err := tree(filepath.Join(dir, "store")); err != nil || after != before {
		t.Errorf("something was signed: %v\n%s", err, after)
	}
	got := enroll("good", g.key("good", good))
	if got.code != exitDone || !strings.Contains(got.stderr, "names itself good") {
		t.Errorf("a good key: exit code %d\n%s", got.code, got.stderr)
	}
	got = enroll("court", g.key("court", "Key-Type=EDDSA Key-Curve=ed25519 Key-Usage=sign Expire-Date=0"), "--signatures-only")
	if got.code != exitDone || !strings.Contains(got.stderr, "nothing can be encrypted to it") {
		t.Errorf("a key for signatures over instruments: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	got = enroll("small", g.key("small", rsa))
	if got.code != exitDone || !strings.Contains(got.stdout, "warning: the RSA key has 2048 bits") {
		t.Errorf("a key that should be larger: exit code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
