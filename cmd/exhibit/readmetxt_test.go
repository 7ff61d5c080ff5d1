package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/seal"
	"exhibit/sign/manifest"
)

// gnupgHome makes a home for gpg with a short path, as its sockets need one.
func gnupgHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("", "g")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "all")
		kill.Env = append(os.Environ(), "GNUPGHOME="+home)
		_ = kill.Run() // perhaps no agent was started
		os.RemoveAll(home)
	})
	return home
}

// stockCommands are the lines of a README.txt that begin with four blanks.
func stockCommands(readme []byte) string {
	var script strings.Builder
	for line := range strings.Lines(string(readme)) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			script.WriteString(command)
		}
	}
	return script.String()
}

// agencyTools is an agency with a key of one kind.
type agencyTools struct {
	kind     string
	public   string // its public key, for enrolling
	identity string // for identity.txt and open
	home     string // of gpg
	path     string // put before PATH
}

func gpgAgency(t *testing.T) agencyTools {
	home := gnupgHome(t)
	gpg := func(args ...string) string {
		cmd := exec.Command("gpg", append([]string{"--batch", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %v: %v\n%s", args, err, &stderr)
		}
		return string(out)
	}
	gpg("--quick-gen-key", "Agency <lka@musterland.example>", "future-default", "default", "none")
	return agencyTools{kind: seal.KindOpenPGP, public: gpg("--armor", "--export"), identity: gpg("--armor", "--export-secret-keys"), home: home}
}

// ageAgency makes a key with the tools on path, or on PATH.
func ageAgency(t *testing.T, kind, path string, args ...string) agencyTools {
	keygen := "age-keygen"
	if path != "" {
		keygen = filepath.Join(path, keygen)
	}
	file := filepath.Join(t.TempDir(), "identity.txt")
	if out, err := exec.Command(keygen, append(args, "-o", file)...).CombinedOutput(); err != nil {
		t.Fatalf("age-keygen: %v\n%s", err, out)
	}
	public, err := exec.Command(keygen, "-y", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	identity, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return agencyTools{kind: kind, public: string(public), identity: string(identity), home: gnupgHome(t), path: path}
}

// exportTo makes a package for an agency's own key, and returns its folder.
func exportTo(t *testing.T, agency agencyTools) (dir, pkg string) {
	t.Helper()
	dir = stage(t, stageFounded)
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	recipient, err := seal.ParseRecipient([]byte(agency.public))
	if err != nil {
		t.Fatal(err)
	}
	if recipient.Kind != agency.kind {
		t.Fatalf("a key of kind %s", recipient.Kind)
	}
	order, err := os.ReadFile(at("order.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := bytes.Cut(order, []byte("\n  key: "))
	if !ok {
		t.Fatal("the order has no key")
	}
	_, after, _ = bytes.Cut(after, []byte("\n"))
	order = bytes.Join([][]byte{before, []byte("\n  key: \"" + recipient.Fingerprint + "\"\n"), after}, nil)
	for name, text := range map[string]string{"order.yaml": string(order), "own.txt": agency.public, "own-identity.txt": agency.identity} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pass := "--passphrase-file=" + at("pass")
	err = allDone(at("ws"), [][]string{
		{"keys", "enroll", "own", "--holder", "Landeskriminalamt Musterland", "--role", "agency", "--key", at("own.txt"), "--how", "call back", "--as", "admin", pass},
		{"keys", "enroll", "own", "--key", at("own.txt"), "--as", "admin2", pass},
		{"order", "review", at("order.yaml"), "--accept", "--as", "reviewer1", pass},
		{"order", "approve", at("order.yaml"), "--as", "approver1", pass},
		{"order", "approve", at("order.yaml"), "--as", "approver2", pass},
		{"export", at("order.yaml"), "--from", demoAccount + "=" + sampleMailbox(), pass},
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(at("store", "packages", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v: %v", found, err)
	}
	return dir, found[0]
}

// follow does what README.txt says in a copy of a package.
func follow(t *testing.T, dir, pkg string, agency agencyTools, spoil func(copied string)) (copied, out string, err error) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "package")
	if err := copyTree(pkg, copied); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{filepath.Join("agency", "provider.asc"): "provider.asc", "own-identity.txt": "identity.txt"} {
		data, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			t.Fatal(err)
		}
		if agency.kind == seal.KindOpenPGP && to == "identity.txt" {
			continue // it is in gpg's keyring
		}
		if err := os.WriteFile(filepath.Join(copied, to), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	readme, err := os.ReadFile(filepath.Join(copied, manifest.ReadmeName))
	if err != nil {
		t.Fatal(err)
	}
	if spoil != nil {
		spoil(copied)
	}
	env := []string{"GNUPGHOME=" + agency.home}
	if agency.path != "" {
		env = append(env, "PATH="+agency.path+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	out, err = shell(t, copied, stockCommands(readme), env...)
	return copied, out, err
}

// Invariant 11: a package's own README.txt, followed word by word with stock
// tools, gives what open gives; with a spoilt volume it stops, and no bag is left.
func TestReadmeTxt(t *testing.T) {
	t.Parallel()
	need(t, "sh", "gpg", "gpgv", "age", "age-keygen", "zstd", "tar", "sha256sum", "diff")
	for _, c := range []struct {
		kind   string
		agency func(t *testing.T) agencyTools
	}{
		{seal.KindAgeX25519, func(t *testing.T) agencyTools { return ageAgency(t, seal.KindAgeX25519, "") }},
		{seal.KindAgeHybrid, func(t *testing.T) agencyTools { return ageAgency(t, seal.KindAgeHybrid, currentAge(t), "-pq") }},
		{seal.KindOpenPGP, gpgAgency},
	} {
		t.Run(c.kind, func(t *testing.T) {
			agency := c.agency(t)
			dir, pkg := exportTo(t, agency)
			copied, out, err := follow(t, dir, pkg, agency, nil)
			if err != nil {
				t.Fatalf("%v\n%s", err, tailOf(out))
			}
			volume := manifest.VolumeName(1, 1, manifest.Ext(seal.Extension(c.kind)))
			for _, want := range []string{"Good signature", volume + ": OK", "README.txt: OK"} {
				if !strings.Contains(out, want) {
					t.Errorf("it did not print %q:\n%s", want, tailOf(out))
				}
			}
			target := filepath.Join(dir, "out")
			got := exhibit("open", pkg, "--identity", filepath.Join(dir, "own-identity.txt"), "--trust", filepath.Join(dir, "agency", "provider.asc"), "--to", target)
			if got.code != exitDone {
				t.Fatal(got.stderr)
			}
			if out, err := exec.Command("diff", "-r", target, filepath.Join(copied, "bag")).CombinedOutput(); err != nil {
				t.Errorf("open gives something else: %v\n%s", err, out)
			}
			for _, left := range []string{"part.zst", "part.tar"} {
				if _, err := os.Stat(filepath.Join(copied, left)); err == nil {
					t.Errorf("%s is left behind", left)
				}
			}
			spoiltSteps(t, dir, pkg, volume, agency)
		})
	}
}

// spoiltSteps follows README.txt in packages whose volume is spoilt: by anybody,
// and by the holder of the provider's key, which only decryption finds.
func spoiltSteps(t *testing.T, dir, pkg, volume string, agency agencyTools) {
	flipped := func(copied string) {
		path := filepath.Join(copied, volume)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-100] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, spoil := range map[string]func(string){
		"flipped": flipped,
		"flipped and signed": func(copied string) {
			flipped(copied)
			if err := resign(copied, nil); err != nil {
				t.Fatal(err)
			}
		},
	} {
		copied, out, err := follow(t, dir, pkg, agency, spoil)
		if err == nil {
			t.Errorf("%s: the steps ended well:\n%s", name, tailOf(out))
		}
		if _, err := os.Stat(filepath.Join(copied, "bag")); err == nil {
			t.Errorf("%s: a bag is left behind:\n%s", name, tailOf(out))
		}
	}
}
