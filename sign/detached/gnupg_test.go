package detached

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// gpg up to 2.4 refuses Ed25519 signatures in armor without a checksum: about
// all of them, so one good signature proves nothing.
func TestGpgv(t *testing.T) {
	gpgv := program(t, "gpgv")
	for name, m := range modules(t) {
		t.Run(name, func(t *testing.T) {
			s, err := FromCryptoSigner(m, uid, start)
			if err != nil {
				t.Fatal(err)
			}
			n := 3
			if name == "Ed25519" {
				n = 200
			}
			dir := t.TempDir()
			ring := write(t, dir, "provider.gpg", s.PublicKeys().Binary())
			for i := range n {
				text := fmt.Sprintf("text %d\n", i)
				file := write(t, dir, "text", []byte(text))
				sig := write(t, dir, "text.asc", mustSign(t, s, text, later))
				out, err := exec.Command(gpgv, "--homedir", dir, "--keyring", ring, sig, file).CombinedOutput()
				if err != nil || !strings.Contains(string(out), "Good signature") {
					t.Fatalf("signature %d: %v\n%s", i, err, out)
				}
			}
			file := write(t, dir, "text", []byte("other"))
			sig := write(t, dir, "text.asc", mustSign(t, s, "text", later))
			if out, err := exec.Command(gpgv, "--homedir", dir, "--keyring", ring, sig, file).CombinedOutput(); err == nil {
				t.Fatalf("altered text:\n%s", out)
			}
		})
	}
}

func TestGpgImport(t *testing.T) {
	gpg := program(t, "gpg")
	s := generate(t)
	home := t.TempDir()
	key := write(t, home, "provider.asc", s.Public())
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(gpg, append([]string{"--homedir", home, "--batch", "--no-autostart"}, args...)...).Output()
		if err != nil {
			t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, err.(*exec.ExitError).Stderr)
		}
		return string(out)
	}
	run("--import", key)
	out := run("--with-colons", "--fingerprint", "--list-keys")
	if !strings.Contains(out, s.Fingerprint()) || !strings.Contains(out, uid) || !strings.Contains(out, ":scSC:") && !strings.Contains(out, ":scESC:") {
		t.Errorf("gpg lists\n%s", out)
	}
	// gpg writes the certificate in its own way; it stays the same key.
	keys, err := ParsePublicKeys([]byte(run("--armor", "--export")))
	if err != nil || keys.Fingerprints()[0] != s.Fingerprint() {
		t.Fatalf("exported by gpg: %v", err)
	}
	if _, err := Verify([]byte("text"), mustSign(t, s, "text", later), keys, later); err != nil {
		t.Error(err)
	}
}

// Keys that gpg made, with a subkey that signs, verify as well.
func TestSignedByGpg(t *testing.T) {
	gpg := program(t, "gpg")
	program(t, "gpg-agent")
	home := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(gpg, append([]string{"--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, err.(*exec.ExitError).Stderr)
		}
		return out
	}
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", home, "--kill", "gpg-agent").Run() })
	now := later
	at := "--faked-system-time=" + now.Format("20060102T150405")
	run(at, "--quick-gen-key", uid, "ed25519", "cert", "never")
	keys, err := ParsePublicKeys(run("--armor", "--export"))
	if err != nil {
		t.Fatal(err)
	}
	primary := keys.Fingerprints()[0]
	run(at, "--quick-add-key", primary, "ed25519", "sign", "never")
	if keys, err = ParsePublicKeys(run("--export")); err != nil {
		t.Fatal(err)
	}
	file := write(t, home, "text", []byte("text"))
	sig := run(at, "--armor", "--output", "-", "--detach-sign", file)
	got, err := Verify([]byte("text"), sig, keys, now)
	if err != nil {
		t.Fatal(err)
	}
	if got.Fingerprint != primary || got.KeyFingerprint == primary {
		t.Errorf("%+v of certificate %s", got, primary)
	}
}
