package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"exhibit/export/seal"
)

// ageVersion is the command that opens post-quantum files; Debian's is older.
const ageVersion = "filippo.io/age/cmd/age@v1.3.2"

var (
	toolDir   string
	latestAge = sync.OnceValues(func() (string, error) {
		cmd := exec.Command("go", "install", ageVersion)
		cmd.Env = append(os.Environ(), "GOBIN="+toolDir, "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go install %s: %w\n%s", ageVersion, err, out)
		}
		return filepath.Join(toolDir, "age"), nil
	})
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if toolDir, err = os.MkdirTemp("", "seal-tools-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(toolDir)
		return m.Run()
	}())
}

// tool finds a program that the tests need.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, fmt.Sprintf("%s is missing: apt-get install %s", name, debian))
	}
	return path
}

// missing ends a test that lacks a tool.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// newAge is the command of the age release that this program uses.
func newAge(t *testing.T) string {
	t.Helper()
	path, err := latestAge()
	if err != nil {
		missing(t, err.Error())
	}
	return path
}

// run runs a program with an input and returns its output.
func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// A gnupg is GnuPG with a home folder of its own.
type gnupg struct {
	t    *testing.T
	path string
	home string
}

func newGnuPG(t *testing.T) *gnupg {
	t.Helper()
	g := &gnupg{t: t, path: tool(t, "gpg", "gnupg")}
	// Its socket's path may have 108 bytes only.
	home, err := os.MkdirTemp("", "g")
	if err != nil {
		t.Fatal(err)
	}
	g.home = home
	t.Cleanup(func() {
		cmd := exec.Command("gpgconf", "--homedir", home, "--kill", "all")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("gpgconf --kill: %v\n%s", err, out)
		}
		os.RemoveAll(home)
	})
	return g
}

// run runs gpg with an input and returns its output.
func (g *gnupg) run(stdin []byte, args ...string) []byte {
	g.t.Helper()
	return run(g.t, stdin, g.path, append([]string{"--homedir", g.home, "--batch", "--yes", "--pinentry-mode", "loopback"}, args...)...)
}

// generate makes a key of the given parameters and returns its fingerprint.
func (g *gnupg) generate(params string, args ...string) string {
	g.t.Helper()
	if !strings.Contains(params, "Passphrase:") {
		params = "%no-protection\n" + params
	}
	g.run([]byte(params+"\nName-Real: Sample Agency\nName-Email: keys@agency.example.org\n%commit\n"), append(args, "--gen-key")...)
	for line := range strings.Lines(string(g.run(nil, "--list-keys", "--with-colons"))) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			return f[9]
		}
	}
	g.t.Fatal("gpg made no key")
	return ""
}

// public returns the armored certificate of a key.
func (g *gnupg) public(fingerprint string) []byte {
	g.t.Helper()
	return g.run(nil, "--armor", "--export", fingerprint)
}

// secret returns the armored secret key.
func (g *gnupg) secret(fingerprint string, args ...string) []byte {
	g.t.Helper()
	return g.run(nil, append(args, "--armor", "--export-secret-keys", fingerprint)...)
}

// now is the time of sealing in the tests: that of the keys made by tools.
func now() time.Time { return time.Now().Add(time.Minute) }

// recipient parses a public key that has to be good.
func recipient(t testing.TB, public []byte) seal.Recipient {
	t.Helper()
	r, err := seal.ParseRecipient(public)
	if err != nil {
		t.Fatalf("recipient: %v\n%s", err, public)
	}
	return r
}

// identities parses secret keys that have to be good.
func identities(t testing.TB, secret []byte) []seal.Identity {
	t.Helper()
	ids, err := seal.ParseIdentities(secret, nil)
	if err != nil {
		t.Fatalf("identities: %v", err)
	}
	return ids
}

// sealed encrypts plaintext.
func sealed(t testing.TB, plain []byte, rs ...seal.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := seal.Encrypt(&out, rs, now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
