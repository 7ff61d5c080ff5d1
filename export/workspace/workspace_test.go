package workspace_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exhibit/export/workspace"
	"exhibit/sign/detached"
)

var config = workspace.Config{Provider: "Example Mail", Store: "store", SigningKey: "provider", Roots: []string{strings.Repeat("A", 40)}}

func make1(t *testing.T) *workspace.Workspace {
	t.Helper()
	w, err := workspace.Create(filepath.Join(t.TempDir(), "ws"), config)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCreateOpenFind(t *testing.T) {
	w := make1(t)
	if _, err := workspace.Create(w.Dir, config); !errors.Is(err, workspace.ErrExists) {
		t.Errorf("made a second time: %v", err)
	}
	deep := filepath.Join(w.Dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := workspace.Find(deep)
	if err != nil {
		t.Fatal(err)
	}
	if found.Config.Provider != "Example Mail" || found.StorePath() != filepath.Join(found.Dir, "store") {
		t.Errorf("found %+v", found)
	}
	if _, err := workspace.Find(t.TempDir()); !errors.Is(err, workspace.ErrNoWorkspace) {
		t.Errorf("found where there is none: %v", err)
	}
	first, err := w.ClaimKey()
	if err != nil || len(first) != 32 {
		t.Fatalf("claim key of %d bytes: %v", len(first), err)
	}
	other, err := make1(t).ClaimKey()
	if err != nil || string(first) == string(other) {
		t.Errorf("two workspaces have one claim key: %v", err)
	}
}

// An interrupted Create can be repeated, and keeps its claim key.
func TestCreateInterrupted(t *testing.T) {
	w := make1(t)
	before, err := w.ClaimKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(w.Dir, workspace.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	again, err := workspace.Create(w.Dir, config)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := again.ClaimKey(); err != nil || string(after) != string(before) {
		t.Errorf("another claim key: %v", err)
	}
	if err := os.Remove(filepath.Join(w.Dir, workspace.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.Dir, "keys", "claim.key"), []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := workspace.Create(w.Dir, config); !errors.Is(err, workspace.ErrConfig) {
		t.Errorf("over a claim key that is none: %v", err)
	}
}

func TestConfigIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"not YAML":      "type: [",
		"unknown field": "type: exhibit/workspace/v1\nprovider: p\nstore: s\nsigning_key: provider\nroots: [A]\napprovals: 0\n",
		"other version": "type: exhibit/workspace/v2\nprovider: p\nstore: s\nsigning_key: provider\nroots: [A]\n",
		"no roots":      "type: exhibit/workspace/v1\nprovider: p\nstore: s\nsigning_key: provider\nroots: []\n",
		"no provider":   "type: exhibit/workspace/v1\nprovider: \" \"\nstore: s\nsigning_key: provider\nroots: [A]\n",
		"empty":         "",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, workspace.ConfigFile), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := workspace.Open(dir)
			if !errors.Is(err, workspace.ErrConfig) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConfigLimit(t *testing.T) {
	dir := t.TempDir()
	good := "type: exhibit/workspace/v1\nprovider: p\nstore: s\nsigning_key: provider\nroots: [A]\n"
	for size, want := range map[int]error{workspace.MaxConfig: nil, workspace.MaxConfig + 1: workspace.ErrConfig} {
		text := good + "#" + strings.Repeat("x", size-len(good)-1)
		if err := os.WriteFile(filepath.Join(dir, workspace.ConfigFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := workspace.Open(dir); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
}

func TestKeys(t *testing.T) {
	w := make1(t)
	key, err := detached.Generate("Admin One", time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pass := detached.NewPassphrase([]byte("secret"))
	ask := func(string) (detached.Passphrase, error) { return pass, nil }
	if err := w.SaveKey("admin", key, pass); err != nil {
		t.Fatal(err)
	}
	if err := w.SaveKey("admin", key, pass); !errors.Is(err, workspace.ErrExists) {
		t.Errorf("overwritten: %v", err)
	}
	if err := w.SaveKey("../admin", key, pass); !errors.Is(err, workspace.ErrConfig) {
		t.Errorf("a name that leads elsewhere: %v", err)
	}
	again, err := w.Signer("admin", ask)
	if err != nil || again.Fingerprint() != key.Fingerprint() {
		t.Fatalf("another key came back: %v", err)
	}
	if _, err := w.Signer("nobody", ask); !errors.Is(err, workspace.ErrNoKey) {
		t.Errorf("key of nobody: %v", err)
	}
	wrong := func(string) (detached.Passphrase, error) { return detached.NewPassphrase([]byte("wrong")), nil }
	if _, err := w.Signer("admin", wrong); !errors.Is(err, detached.ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	secret := filepath.Join(w.Dir, "keys", "admin.key.asc")
	info, err := os.Stat(secret)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(secret, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Signer("admin", ask); !errors.Is(err, workspace.ErrPermissions) {
		t.Errorf("a key that others can read: %v", err)
	}
}

func TestDiscard(t *testing.T) {
	w := make1(t)
	theirs := filepath.Join(w.Dir, "order.yaml")
	if err := os.WriteFile(theirs, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(w.Dir)
	if err != nil || len(left) != 1 || left[0].Name() != "order.yaml" {
		t.Errorf("left: %v, %v", left, err)
	}
}
