package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"exhibit/export"
	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/store"
	"exhibit/store/dir"
	"exhibit/store/s3"
)

// openStore opens a folder or an s3:// address.
func (a *app) openStore(ctx context.Context, address string) (store.Store, error) {
	if strings.HasPrefix(address, "s3://") {
		return s3.Open(ctx, s3.ConfigFromEnv(address, a.env.getenv))
	}
	if scheme, _, ok := strings.Cut(address, "://"); ok {
		return nil, usagef("%s: no such kind of store; a store is a folder or s3://bucket/prefix", scheme+"://")
	}
	return dir.Open(address)
}

// session is an opened workspace with its store, keyring and policy.
type session struct {
	*app
	ws        *workspace.Workspace
	provider  *export.Provider
	authority *export.Authority
}

// session opens the workspace that the command line or the folder names.
func (a *app) session(ctx context.Context) (*session, error) {
	ws, err := a.findWorkspace()
	if err != nil {
		return nil, err
	}
	p, err := a.provider(ctx, ws)
	if err != nil {
		return nil, err
	}
	authority, err := p.Load(ctx, a.env.now())
	if err != nil {
		return nil, err
	}
	for _, r := range authority.Keys.Rejected() {
		a.say("warning: a keyring entry does not count: %s", oneLine(r.Reason.Error()))
	}
	return &session{app: a, ws: ws, provider: p, authority: authority}, nil
}

func (a *app) findWorkspace() (*workspace.Workspace, error) {
	if a.workspace != "" {
		return workspace.Open(a.workspace)
	}
	if dir := a.env.getenv("EXHIBIT_WORKSPACE"); dir != "" {
		return workspace.Open(dir)
	}
	return workspace.Find(".")
}

func (a *app) provider(ctx context.Context, ws *workspace.Workspace) (*export.Provider, error) {
	st, err := a.openStore(ctx, ws.StorePath())
	if err != nil {
		return nil, err
	}
	state, err := dir.Create(ws.StateDir()) // a second host begins with none
	if err != nil {
		return nil, err
	}
	claim, err := ws.ClaimKey()
	if err != nil {
		return nil, err
	}
	return &export.Provider{Name: ws.Config.Provider, Roots: ws.Config.Roots, Store: st, State: state, ClaimKey: [32]byte(claim)}, nil
}

// signer unlocks one of this host's secret keys.
func (s *session) signer(ctx context.Context, name string) (*detached.Signer, error) {
	if name == "" {
		return nil, usagef("--as KEY is missing: whose decision is it?")
	}
	return s.ws.Signer(name, func(name string) (detached.Passphrase, error) {
		return s.passphrase(ctx, fmt.Sprintf("passphrase of key %s", name), false)
	})
}

// passphrase takes it from --passphrase-file, or asks on the terminal.
func (a *app) passphrase(ctx context.Context, prompt string, confirm bool) (detached.Passphrase, error) {
	if a.passphraseFile != "" {
		return readPassphraseFile(a.passphraseFile)
	}
	return askPassphrase(ctx, prompt, confirm)
}

var binaryDigest = sync.OnceValues(func() (sign.Digest, error) {
	path, err := os.Executable()
	if err != nil {
		return sign.Digest{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return sign.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sign.Digest{}, err
	}
	return sign.Digest(h.Sum(nil)), nil
})

// instrument says which program acts, on which machine.
func instrument() (custody.Instrument, error) {
	digest, err := binaryDigest()
	if err != nil {
		return custody.Instrument{}, fmt.Errorf("digest of this program: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return custody.Instrument{}, fmt.Errorf("name of this machine: %w", err)
	}
	return custody.Instrument{Name: "exhibit", Version: version(), SHA256: digest, Host: host}, nil
}

// readFile reads a small file that the user names.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plainPathError(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, nil
}

// plainPathError leaves out the name of the system call.
func plainPathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
