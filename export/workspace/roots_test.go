package workspace_test

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/export/workspace"
	"exhibit/sign/detached"
)

func newKey(t *testing.T) *detached.Signer {
	t.Helper()
	key, err := detached.Generate("Admin Two (Example Mail)", time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var secret = detached.NewPassphrase([]byte("secret"))

func unlocked(t *testing.T, w *workspace.Workspace, name string) *detached.Signer {
	t.Helper()
	s, err := w.Signer(name, func(string) (detached.Passphrase, error) { return secret, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The key and its fingerprint come together, and go together.
func TestAddRoot(t *testing.T) {
	w := make1(t)
	path := filepath.Join(w.Dir, workspace.ConfigFile)
	own := []byte("# ours\ntype: exhibit/workspace/v1\nprovider: Example Mail # the name\nstore: store\nsigning_key: provider\nroots:\n- " + config.Roots[0] + " # Admin One\n# end\n")
	if err := os.WriteFile(path, own, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	before := files(t, w.Dir)
	w, err := workspace.Open(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	undo, err := w.AddRoot("admin2", key, secret)
	if err != nil {
		t.Fatal(err)
	}
	again, err := workspace.Open(w.Dir)
	if err != nil || !slices.Equal(again.Config.Roots, []string{config.Roots[0], key.Fingerprint()}) || !slices.Equal(w.Config.Roots, again.Config.Roots) {
		t.Fatalf("roots are %v, %v", again.Config.Roots, err)
	}
	if got := unlocked(t, again, "admin2").Fingerprint(); got != key.Fingerprint() {
		t.Errorf("key kept: %s", got)
	}
	if got, err := again.Fingerprint("admin2"); err != nil || got != key.Fingerprint() {
		t.Errorf("fingerprint %s, %v", got, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, comment := range []string{"# ours\n", "# the name\n", "# Admin One\n", "# end\n"} {
		if !strings.Contains(string(text), comment) {
			t.Errorf("comment %q is gone:\n%s", comment, text)
		}
	}
	for file, want := range map[string]fs.FileMode{workspace.ConfigFile: 0o640, "keys/admin2.key.asc": 0o600} {
		info, err := os.Stat(filepath.Join(w.Dir, file))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v", file, info.Mode(), err)
		}
	}
	if err := undo(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != string(own) {
		t.Errorf("exhibit.yaml is not as it was: %v\n%s", err, text)
	}
	if after := files(t, w.Dir); !slices.Equal(after, before) {
		t.Errorf("left: %v", after)
	}
	if !slices.Equal(w.Config.Roots, config.Roots) {
		t.Errorf("roots are %v", w.Config.Roots)
	}
}

func TestAddRootRefuses(t *testing.T) {
	w := make1(t)
	key := newKey(t)
	if err := w.SaveKey("taken", key, secret); err != nil {
		t.Fatal(err)
	}
	before := files(t, w.Dir)
	text, err := os.ReadFile(filepath.Join(w.Dir, workspace.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddRoot("taken", key, secret); !errors.Is(err, workspace.ErrExists) {
		t.Errorf("over a key: %v", err)
	}
	if _, err := w.AddRoot("../x", key, secret); !errors.Is(err, workspace.ErrConfig) {
		t.Errorf("a name that leads elsewhere: %v", err)
	}
	stale, err := workspace.Open(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	undo, err := w.AddRoot("admin2", newKey(t), secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stale.AddRoot("admin3", newKey(t), secret); !errors.Is(err, workspace.ErrChanged) {
		t.Errorf("exhibit.yaml has another root by now: %v", err)
	}
	if err := undo(); err != nil {
		t.Fatal(err)
	}
	// in a form that no line can be added to
	alias := "type: exhibit/workspace/v1\nprovider: &p Example Mail\nstore: store\nsigning_key: provider\nroots: &r\n- " + config.Roots[0] + "\n"
	path := filepath.Join(w.Dir, workspace.ConfigFile)
	if err := os.WriteFile(path, []byte(alias), 0o600); err != nil {
		t.Fatal(err)
	}
	if undo, err := w.AddRoot("admin2", newKey(t), secret); err == nil { // either way, never half
		err = undo()
		if got, _ := os.ReadFile(path); err != nil || string(got) != alias {
			t.Errorf("undone: %v\n%s", err, got)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if after := files(t, w.Dir); !slices.Equal(after, before) {
		t.Errorf("left: %v", after)
	}
}

// A crash between the steps: the same again goes on, whichever was the last.
func TestAddRootCrash(t *testing.T) {
	t.Run("before it was pinned", func(t *testing.T) {
		w := make1(t)
		aside := filepath.Join(w.Dir, "keys", "admin2.key.asc.joining")
		if err := os.WriteFile(aside, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		key := newKey(t)
		if _, err := w.AddRoot("admin2", key, secret); err != nil {
			t.Fatal(err)
		}
		if got := unlocked(t, w, "admin2").Fingerprint(); got != key.Fingerprint() {
			t.Errorf("another key: %s", got)
		}
		if names, err := w.SecretKeys(); err != nil || !slices.Equal(names, []string{"admin2"}) {
			t.Errorf("keys %v, %v", names, err)
		}
	})
	for name, linked := range map[string]bool{"pinned, the key still aside": false, "pinned, the key in both places": true} {
		t.Run(name, func(t *testing.T) {
			w := make1(t)
			key := newKey(t)
			if _, err := w.AddRoot("admin2", key, secret); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(w.Dir, "keys", "admin2.key.asc")
			if err := os.Rename(file, file+".joining"); err != nil {
				t.Fatal(err)
			}
			if linked {
				if err := os.Link(file+".joining", file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Remove(w.PublicPath("admin2")); err != nil {
				t.Fatal(err)
			}
			again, err := workspace.Open(w.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.FinishRoot("admin2"); err != nil {
				t.Fatal(err)
			}
			s := unlocked(t, again, "admin2")
			if s.Fingerprint() != key.Fingerprint() {
				t.Errorf("another key: %s", s.Fingerprint())
			}
			if err := again.SavePublic("admin2", s); err != nil {
				t.Fatal(err)
			}
			want := []string{"exhibit.yaml", "keys/admin2.asc", "keys/admin2.key.asc", "keys/claim.key"}
			if got := files(t, w.Dir); !slices.Equal(got, want) {
				t.Errorf("files %v", got)
			}
			if err := again.FinishRoot("admin2"); err != nil {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

func TestRootsLimit(t *testing.T) {
	for n, want := range map[int]error{workspace.MaxRoots: nil, workspace.MaxRoots + 1: workspace.ErrConfig} {
		c := config
		c.Roots = nil
		for i := range n {
			c.Roots = append(c.Roots, strings.Repeat("A", 38)+string(rune('A'+i/16))+string(rune('A'+i%16)))
		}
		if _, err := workspace.Create(filepath.Join(t.TempDir(), "ws"), c); !errors.Is(err, want) {
			t.Errorf("%d roots: %v, want %v", n, err, want)
		}
	}
	twice := config
	twice.Roots = []string{config.Roots[0], config.Roots[0]}
	if _, err := workspace.Create(filepath.Join(t.TempDir(), "ws"), twice); !errors.Is(err, workspace.ErrConfig) {
		t.Errorf("one root twice: %v", err)
	}
}

// gpg passes over the lines for people.
func TestRootsFile(t *testing.T) {
	w := make1(t)
	one, two := newKey(t), newKey(t)
	roots := []workspace.Root{
		{Holder: "Admin One\n-----BEGIN PGP PUBLIC KEY BLOCK-----", Fingerprint: one.Fingerprint(), Certificate: string(one.Public())},
		{Holder: "Admin Two", Fingerprint: two.Fingerprint(), Certificate: string(two.Public())},
	}
	for range 2 { // it is written anew
		if err := w.SaveRoots(roots); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(w.RootsPath())
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(w.RootsPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"provider     Example Mail\n", "holder       Admin Two\n", "fingerprint  " + detached.FormatFingerprint(two.Fingerprint()) + "\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
	gpg, err := exec.LookPath("gpg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("gpg is missing: apt-get install gnupg")
		}
		t.Skip("gpg is missing")
	}
	out, err := exec.Command(gpg, "--homedir", t.TempDir(), "--batch", "--no-autostart", "--show-keys", "--with-colons", w.RootsPath()).Output()
	if err != nil {
		t.Fatalf("gpg: %v", err)
	}
	for _, key := range []*detached.Signer{one, two} {
		if !strings.Contains(string(out), "fpr:::::::::"+key.Fingerprint()+":") {
			t.Errorf("gpg does not see %s:\n%s", key.Fingerprint(), out)
		}
	}
}

// What was there before stays when an init fails.
func TestDiscardLeavesOthers(t *testing.T) {
	w, err := workspace.Prepare(filepath.Join(t.TempDir(), "ws"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SaveKey("admin", newKey(t), secret); err != nil {
		t.Fatal(err)
	}
	again, err := workspace.Prepare(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Configure(config); err != nil {
		t.Fatal(err)
	}
	if err := again.Configure(config); !errors.Is(err, workspace.ErrExists) {
		t.Errorf("configured twice: %v", err)
	}
	if err := again.SaveKey("provider", newKey(t), secret); err != nil {
		t.Fatal(err)
	}
	if err := again.Discard(); err != nil {
		t.Fatal(err)
	}
	want := []string{"keys/admin.asc", "keys/admin.key.asc", "keys/claim.key"}
	if got := files(t, w.Dir); !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestFingerprintOfNoKey(t *testing.T) {
	w := make1(t)
	for _, name := range []string{"nobody", "../exhibit"} {
		if _, err := w.Fingerprint(name); !errors.Is(err, workspace.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(w.PublicPath("odd"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Fingerprint("odd"); !errors.Is(err, detached.ErrMalformed) {
		t.Errorf("no key in it: %v", err)
	}
}
