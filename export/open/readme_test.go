package open

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"exhibit/export/seal"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// tool finds a program, or skips the test; in CI its absence is a failure.
func tool(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing: apt-get install gpg gpgv age zstd coreutils tar", name)
			}
			t.Skipf("%s is missing", name)
		}
	}
}

// commands are the lines of a README.txt that begin with four blanks.
func commands(readme []byte) string {
	var script strings.Builder
	for line := range strings.Lines(string(readme)) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			script.WriteString(command)
		}
	}
	return script.String()
}

// follow writes a package into a new folder, does what its README.txt says, and
// returns the folder and what was printed.
func follow(t *testing.T, objects map[string][]byte, home string) (dir, out string, err error) {
	t.Helper()
	dir = unpackHere(t, objects)
	out, err = steps(t, dir, home)
	return dir, out, err
}

// unpackHere writes a package, and the keys that its README.txt asks for, into a
// new folder. Objects may take the place of the keys.
func unpackHere(t *testing.T, objects map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("provider.asc", keys().provider.Public())
	write("identity.txt", []byte(keys().identity+"\n"))
	for name, data := range objects {
		write(name, data)
	}
	return dir
}

// steps does what README.txt in a folder says.
func steps(t *testing.T, dir, home string) (out string, err error) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(dir, manifest.ReadmeName))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-eu", "-c", commands(readme))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GNUPGHOME="+home, "LC_ALL=C")
	output, err := cmd.CombinedOutput()
	return string(output), err
}

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
		_ = kill.Run() // no agent was started, perhaps
		os.RemoveAll(home)
	})
	return home
}

func gpgRecipient(t *testing.T, home string) seal.Recipient {
	t.Helper()
	run := func(args ...string) []byte {
		cmd := exec.Command("gpg", append([]string{"--batch", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %v: %v\n%s", args, err, stderr.Bytes())
		}
		return out
	}
	run("--faked-system-time", "20260101T000000", "--quick-gen-key", "Agency <lka@musterland.example>", "future-default", "default", "none")
	r, err := seal.ParseRecipient(run("--armor", "--export"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadmeStepsOpenThePackage(t *testing.T) {
	tool(t, "sh", "gpg", "gpgv", "age", "zstd", "tar", "sha256sum")
	for _, kind := range []string{seal.KindAgeX25519, seal.KindOpenPGP} {
		t.Run(kind, func(t *testing.T) {
			home := gnupgHome(t)
			b := newBuilder(t)
			if kind == seal.KindOpenPGP {
				b.recipient = gpgRecipient(t, home)
			}
			objects := b.build()
			dir, out, err := follow(t, objects, home)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"Good signature", "volume-0001.tar.zst." + seal.Extension(kind) + ": OK", "README.txt: OK"} {
				if !strings.Contains(out, want) {
					t.Errorf("it did not print %q:\n%s", want, out)
				}
			}
			for name, raw := range b.raw {
				got, err := os.ReadFile(filepath.Join(dir, "bag", name))
				if err != nil || !bytes.Equal(got, raw) {
					t.Errorf("%s is not what was packed: %v", name, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "part.tar")); err == nil {
				t.Error("a decrypted archive is left behind")
			}
			if _, err := CheckBag(t.Context(), os.DirFS(filepath.Join(dir, "bag")), keys().trusted, options()); err != nil {
				t.Error(err)
			}
		})
	}
}

// gpgv says "Good signature" of a key that its owner has revoked, and ends well;
// the steps do not.
func TestReadmeStepsRefuseARevokedKey(t *testing.T) {
	tool(t, "sh", "gpg", "gpgv", "age", "zstd", "tar", "sha256sum")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	created := at.Add(-time.Hour)
	signer, err := detached.FromCryptoSigner(key, "Provider <evidence@provider.example>", created)
	if err != nil {
		t.Fatal(err)
	}
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(signer.Public()))
	if err != nil {
		t.Fatal(err)
	}
	entities[0].PrivateKey = packet.NewRSAPrivateKey(created, key)
	if err := entities[0].Revoke(packet.KeySuperseded, "", &packet.Config{Time: func() time.Time { return at.Add(time.Hour) }}); err != nil {
		t.Fatal(err)
	}
	var revoked bytes.Buffer
	w, err := armor.Encode(&revoked, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(entities[0].Serialize(w), w.Close()); err != nil {
		t.Fatal(err)
	}
	b := newBuilder(t)
	b.signer, b.inner = signer, signer
	objects, home := b.build(), gnupgHome(t)
	for _, c := range []struct {
		name   string
		public []byte
		good   bool
	}{{"good", signer.Public(), true}, {"revoked", revoked.Bytes(), false}} {
		trusted, err := detached.ParsePublicKeys(c.public)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), memory(objects), trusted, options()); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
		objects["provider.asc"] = c.public
		dir, out, err := follow(t, objects, home)
		if (err == nil) != c.good {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "bag")); (err == nil) != c.good {
			t.Errorf("%s: bag there: %v", c.name, err == nil)
		}
		delete(objects, "provider.asc")
	}
}

// A link that came with the package would have plaintext written through it.
func TestReadmeStepsRefuseLinks(t *testing.T) {
	tool(t, "sh", "gpg", "gpgv", "age", "zstd", "tar", "sha256sum")
	dir := unpackHere(t, newBuilder(t).build())
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, filepath.Join(dir, "part.tar")); err != nil {
		t.Fatal(err)
	}
	out, err := steps(t, dir, gnupgHome(t))
	if err == nil {
		t.Errorf("the steps ended well:\n%s", out)
	}
	for _, path := range []string{outside, filepath.Join(dir, "bag")} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

// A key that is trusted as well is not the one that the manifest names.
func TestReadmeStepsRefuseAnotherTrustedKey(t *testing.T) {
	tool(t, "sh", "gpg", "gpgv", "age", "zstd", "tar", "sha256sum")
	b := newBuilder(t)
	b.inner = keys().stranger
	objects := b.build()
	objects["provider.asc"] = append(keys().provider.Public(), keys().stranger.Public()...)
	_, out, err := follow(t, objects, gnupgHome(t))
	if err == nil {
		t.Errorf("the steps ended well:\n%s", out)
	}
	b = newBuilder(t)
	objects = b.build()
	objects["provider.asc"] = append(keys().stranger.Public(), keys().provider.Public()...)
	if _, out, err := follow(t, objects, gnupgHome(t)); err != nil {
		t.Errorf("two keys, signed by the right one: %v\n%s", err, out)
	}
}

// Each of these has to stop the steps before, or with, the last of them, and no
// bag may be left that was not verified.
func TestReadmeStepsStop(t *testing.T) {
	tool(t, "sh", "gpg", "gpgv", "age", "zstd", "tar", "sha256sum")
	volume := manifest.VolumeName(1, 1, manifest.Age)
	cases := []struct {
		name  string
		spoil func(b *builder)
		bag   bool // the bag is opened, and then refused
	}{
		{"manifest altered", func(b *builder) {
			b.onObjects = func(o map[string][]byte) {
				o[manifest.Name] = bytes.Replace(o[manifest.Name], []byte(`"withheld": 3`), []byte(`"withheld": 4`), 1)
			}
		}, false},
		{"volume altered", func(b *builder) {
			b.onObjects = func(o map[string][]byte) { o[volume] = flip(o[volume], len(o[volume])/2) }
		}, false},
		{"volume cut short", func(b *builder) {
			b.onObjects = func(o map[string][]byte) { o[volume] = o[volume][:len(o[volume])-100] }
		}, false},
		{"signed by a stranger", func(b *builder) { b.signer = keys().stranger }, false},
		{"sums of another package", func(b *builder) {
			b.onObjects = func(o map[string][]byte) {
				other := newBuilder(b.t)
				other.id[0]++
				p := other.build()
				o[manifest.SumsName], o[manifest.SumsSigName] = p[manifest.SumsName], p[manifest.SumsSigName]
			}
		}, false},
		{"signed volume that does not decrypt", func(b *builder) {
			b.onSealed = func(n int, sealed []byte) []byte { return sealed[:len(sealed)-n*20] }
		}, false},
		{"signed volume that is no zstd", func(b *builder) {
			b.onStream = func(_ int, stream []byte) []byte { return flip(stream, 20) }
		}, false},
		{"tag manifest of a stranger", func(b *builder) { b.inner = keys().stranger }, true},
		{"another tag manifest", func(b *builder) {
			b.onManifest = func(m *manifest.Manifest) { m.TagManifest[0]++ }
		}, true},
		{"payload altered", func(b *builder) {
			b.onEntries = func(n int, list []entry) []entry {
				if n == 1 {
					list[0].content = flip(list[0].content, 5)
				}
				return list
			}
		}, true},
		{"file too many", func(b *builder) {
			b.onEntries = func(n int, list []entry) []entry {
				if n == 1 {
					list = append(list, entry{name: "data/messages/E0000099.eml", content: []byte("x")})
				}
				return list
			}
		}, true},
	}
	home := gnupgHome(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			c.spoil(b)
			dir, out, err := follow(t, b.build(), home)
			if err == nil {
				t.Fatalf("the steps ended well:\n%s", out)
			}
			if _, err := os.Stat(filepath.Join(dir, "bag")); (err == nil) != c.bag {
				t.Errorf("bag there: %v, want %v\n%s", err == nil, c.bag, out)
			}
		})
	}
}
