package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/store/dir"
)

// upon does something once, when a text is written.
type upon struct {
	bytes.Buffer
	text string
	do   func()
}

func (u *upon) Write(p []byte) (int, error) {
	n, err := u.Buffer.Write(p)
	if u.do != nil && strings.Contains(u.String(), u.text) {
		do := u.do
		u.do = nil
		do()
	}
	return n, err
}

// The second admin confirms what was shown, and nothing that the first one has
// proposed since.
func TestInitConfirmsWhatWasShown(t *testing.T) {
	work := t.TempDir()
	pass := filepath.Join(work, "pass")
	if err := os.WriteFile(pass, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ws := filepath.Join(work, "ws")
	if got := exhibit("init", ws, "--provider", "Example Mail", "--holder", "Admin One", "--passphrase-file", pass); got.code != 0 {
		t.Fatal(got.stderr)
	}
	key, err := detached.Generate("Third", time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	errs := &upon{text: "policy 1, digest", do: func() { proposeUnseen(t, ws, key) }}
	var out bytes.Buffer
	args := []string{"init", ws, "--admin", "admin2", "--holder", "Admin Two", "--passphrase-file", pass}
	code := run(context.Background(), args, &environment{out: &out, err: errs, getenv: func(string) string { return "" }, now: time.Now})
	if errs.do != nil {
		t.Fatalf("nothing was proposed meanwhile: exit %d, %s", code, errs)
	}
	got := exhibit("keys", "list", "--workspace", ws)
	for line := range strings.Lines(got.stdout) {
		if strings.HasPrefix(line, "third ") && !strings.Contains(line, "pending") && !strings.Contains(line, "waits") {
			t.Errorf("a key that the second admin was never shown is in the keyring: %s", line)
		}
	}
	if got := exhibit("policy", "show", "--workspace", ws); !strings.Contains(got.stdout, "2 persons") {
		t.Errorf("a policy that the second admin was never shown is in force:\n%s", got.stdout)
	}
}

// proposeUnseen proposes another admin and another policy, as the first admin.
func proposeUnseen(t *testing.T, path string, key *detached.Signer) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	ws, err := workspace.Open(path)
	must(err)
	admin, err := ws.Signer("admin", func(string) (detached.Passphrase, error) { return detached.NewPassphrase([]byte("secret")), nil })
	must(err)
	st, err := dir.Open(ws.StorePath())
	must(err)
	p := &export.Provider{Name: "Example Mail", Roots: ws.Config.Roots, Store: st}
	now := time.Now().Add(time.Second)
	a, err := p.LoadFounding(t.Context(), now)
	must(err)
	must(a.Enroll(t.Context(), keyring.Enrollment{
		Name: "third", Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()), Holder: "Admin Three",
		Roles: []sign.Role{sign.Admin}, ValidFrom: now, Time: now, Verified: keyring.Verified{By: "Admin One", How: "in person", At: sign.At(now)},
	}, admin))
	_, err = a.SignPolicy(t.Context(), policy.Default(1), admin, now)
	must(err)
}
