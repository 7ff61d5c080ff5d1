package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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
	if strings.HasPrefix(address, s3Scheme) {
		return s3.Open(ctx, s3.ConfigFromEnv(address, a.env.getenv))
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
	return a.load(ctx, ws, p)
}

// onlooker is session for verbs that only show. Where the workspace has no claim
// key, as an auditor's, it writes nothing and remembers nothing; what it returns
// is not fit for anything that signs or exports.
func (a *app) onlooker(ctx context.Context) (*session, error) {
	ws, err := a.findWorkspace()
	if err != nil {
		return nil, err
	}
	p, err := a.provider(ctx, ws)
	if errors.Is(err, errNoClaimKey) {
		a.say("note: there is no keys/claim.key here, so nothing is remembered: a key or policy taken out of the store since would not be noticed")
		p, err = a.storeOf(ctx, ws)
	}
	if err != nil {
		return nil, err
	}
	return a.load(ctx, ws, p)
}

// load reads the keyring and the policy.
func (a *app) load(ctx context.Context, ws *workspace.Workspace, p *export.Provider) (*session, error) {
	authority, err := p.Load(ctx, a.env.now())
	if err != nil {
		return nil, err
	}
	for _, r := range authority.Keys.Rejected() {
		what := "a keyring entry"
		if r.Entry != nil {
			what = fmt.Sprintf("the keyring entry of %s for %s", r.Entry.Time, oneLine(r.Entry.Name))
		}
		a.warn("%s does not count: %s", what, oneLine(r.Reason.Error()))
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

var errNoClaimKey = errors.New("is not on this host")

// provider is all that a verb needs which signs or exports.
func (a *app) provider(ctx context.Context, ws *workspace.Workspace) (*export.Provider, error) {
	claim, err := ws.ClaimKey()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the provider's claim key (keys/claim.key): %w", errNoClaimKey)
	}
	if err != nil {
		return nil, err
	}
	p, err := a.storeOf(ctx, ws)
	if err != nil {
		return nil, err
	}
	state, err := dir.Create(ws.StateDir()) // a second host begins with none
	if err != nil {
		return nil, err
	}
	p.State, p.ClaimKey = state, [32]byte(claim)
	return p, nil
}

const storeRule = "a store is a folder or s3://bucket/prefix"

// storeOf is the provider with its store alone, to look at.
func (a *app) storeOf(ctx context.Context, ws *workspace.Workspace) (*export.Provider, error) {
	if err := checkAddress(ws.Config.Store, storeRule); err != nil {
		return nil, err
	}
	st, err := a.openStore(ctx, ws.StorePath())
	if err != nil {
		return nil, err
	}
	return &export.Provider{Name: ws.Config.Provider, Roots: ws.Config.Roots, Store: st}, nil
}

// signer unlocks one of this host's secret keys.
func (s *session) signer(ctx context.Context, name string) (*detached.Signer, error) {
	return s.ws.Signer(name, func(name string) (detached.Passphrase, error) {
		return s.passphrase(ctx, fmt.Sprintf("passphrase of key %s", name), false)
	})
}

// signerBy is signer with a passphrase from the first line of a file, if one is named.
func (s *session) signerBy(ctx context.Context, name, file string) (*detached.Signer, error) {
	if file == "" {
		return s.signer(ctx, name)
	}
	return s.ws.Signer(name, func(string) (detached.Passphrase, error) { return readPassphraseFile(file) })
}

// holdsKey makes sure that this host has a secret key, without unlocking it.
func (s *session) holdsKey(name string) error {
	names, err := s.ws.SecretKeys()
	if err != nil {
		return plainPathError(err)
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("%s: %w", name, workspace.ErrNoKey)
	}
	return nil
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
