// Package workspace is a provider's folder on one host: which provider and
// store it works for, which admins it trusts to begin with, and this host's
// secret keys. What is shared by all hosts lies in the store.
package workspace

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"exhibit/sign/detached"
)

// ConfigFile names the file that makes a folder a workspace.
const ConfigFile = "exhibit.yaml"

// Type is the format and version of the configuration.
const Type = "exhibit/workspace/v1"

// Limits of the files that a workspace reads, in bytes.
const (
	MaxConfig = 1 << 20
	MaxKey    = 1 << 20
)

// MaxRoots bounds the pinned admins of a workspace.
const MaxRoots = 100

// Errors that callers can tell apart with errors.Is.
var (
	// ErrNoWorkspace: no exhibit.yaml in the folder or any above it.
	ErrNoWorkspace = errors.New("no workspace here")
	// ErrExists: there is such a workspace or key already.
	ErrExists = errors.New("exists already")
	// ErrNoKey: this host has no secret key of that name.
	ErrNoKey = errors.New("no such secret key on this host")
	// ErrConfig: exhibit.yaml is not as it must be.
	ErrConfig = errors.New("workspace configuration is not valid")
	// ErrPermissions: a secret can be read by others.
	ErrPermissions = errors.New("secret can be read by others")
)

// Config is exhibit.yaml.
type Config struct {
	// Type is the constant Type.
	Type string `yaml:"type"`
	// Provider is the name that statements and packages carry.
	Provider string `yaml:"provider"`
	// Store is a folder, relative to the workspace unless absolute, or an
	// address s3://bucket/prefix.
	Store string `yaml:"store"`
	// SigningKey names the key that signs packages.
	SigningKey string `yaml:"signing_key"`
	// Roots are the fingerprints of the admins whose own word counts.
	Roots []string `yaml:"roots"`
}

// Workspace is an opened folder.
type Workspace struct {
	// Dir is the folder's path.
	Dir string
	// Config is what exhibit.yaml says.
	Config Config

	made     []string // files that this Workspace has made, for Discard
	newState bool     // and whether its state folder
}

var keyName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// ValidKeyName reports whether name may name a key (sign/FORMAT.md section 5).
func ValidKeyName(name string) bool { return keyName.MatchString(name) }

// Create makes a workspace in dir: Prepare and Configure in one.
func Create(dir string, c Config) (*Workspace, error) {
	c.Type = Type
	if err := c.check(); err != nil {
		return nil, err
	}
	w, err := Prepare(dir)
	if err != nil {
		return nil, err
	}
	if err := w.Configure(c); err != nil {
		return nil, errors.Join(err, w.Discard())
	}
	return w, nil
}

// Prepare makes in dir, which is made if need be, what a workspace has beside its
// exhibit.yaml: folders, and a claim key (sign/FORMAT.md section 12), a fresh one
// or that of an earlier run which was interrupted. Keys can be saved in it;
// Configure makes it a workspace. A folder that is one already is ErrExists and
// left as it is.
func Prepare(dir string) (*Workspace, error) {
	if _, err := os.Lstat(filepath.Join(dir, ConfigFile)); err == nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), ErrExists)
	}
	w := &Workspace{Dir: dir}
	if _, err := os.Lstat(w.StateDir()); errors.Is(err, fs.ErrNotExist) {
		w.newState = true
	}
	for _, d := range []string{dir, w.keysDir(), w.StateDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make workspace: %w", err)
		}
	}
	claim := make([]byte, 32)
	if _, err := rand.Read(claim); err != nil {
		return nil, fmt.Errorf("make claim key: %w", err)
	}
	line := base64.StdEncoding.EncodeToString(claim) + "\n"
	if err := w.make(w.claimPath(), []byte(line)); err != nil {
		// One is there when an earlier run was interrupted.
		if _, there := w.ClaimKey(); !errors.Is(err, ErrExists) || there != nil {
			return nil, errors.Join(err, there)
		}
	}
	return w, nil
}

// Configure writes exhibit.yaml, after which the folder is a workspace. One that
// is there is ErrExists.
func (w *Workspace) Configure(c Config) error {
	c.Type = Type
	if err := c.check(); err != nil {
		return err
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("write %s: %w", ConfigFile, err)
	}
	head := "# A provider's workspace. The store holds what all hosts share; keys/ holds this host's secrets.\n"
	if err := w.make(filepath.Join(w.Dir, ConfigFile), append([]byte(head), text...)); err != nil {
		return err
	}
	w.Config = c
	return nil
}

// make is writeOnce for a file that Discard takes away again.
func (w *Workspace) make(path string, data []byte) error {
	if err := writeOnce(path, data); err != nil {
		return err
	}
	w.made = append(w.made, path)
	return nil
}

// Open reads the workspace in dir.
func Open(dir string) (*Workspace, error) {
	path := filepath.Join(dir, ConfigFile)
	text, err := readSmall(path, MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoWorkspace)
	}
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Workspace{Dir: dir, Config: c}, nil
}

// parseConfig reads the text of exhibit.yaml.
func parseConfig(text []byte) (c Config, err error) {
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return c, fmt.Errorf("%w: %s", ErrConfig, first)
	}
	return c, c.check()
}

// Find looks for a workspace in dir and the folders above it.
func Find(dir string) (*Workspace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find workspace: %w", err)
	}
	for d := abs; ; d = filepath.Dir(d) {
		w, err := Open(d)
		if err == nil || !errors.Is(err, ErrNoWorkspace) {
			return w, err
		}
		if filepath.Dir(d) == d {
			return nil, fmt.Errorf("%s and above: %w", abs, ErrNoWorkspace)
		}
	}
}

func (c Config) check() error {
	switch {
	case c.Type != Type:
		return fmt.Errorf("%w: type is %q, want %q", ErrConfig, c.Type, Type)
	case strings.TrimSpace(c.Provider) == "" || len(c.Provider) > 200 || strings.ContainsAny(c.Provider, "\r\n"):
		return fmt.Errorf("%w: provider must be a name of 1 to 200 bytes on one line", ErrConfig)
	case c.Store == "":
		return fmt.Errorf("%w: store is empty", ErrConfig)
	case !ValidKeyName(c.SigningKey):
		return fmt.Errorf("%w: signing_key %q is no key name", ErrConfig, c.SigningKey)
	case len(c.Roots) == 0:
		return fmt.Errorf("%w: roots is empty", ErrConfig)
	case len(c.Roots) > MaxRoots:
		return fmt.Errorf("%w: %d roots, at most %d", ErrConfig, len(c.Roots), MaxRoots)
	}
	for i, root := range c.Roots {
		if slices.Contains(c.Roots[:i], root) {
			return fmt.Errorf("%w: root %.80q stands there twice", ErrConfig, root)
		}
	}
	return nil
}

// StorePath is where the store is: an s3:// address as written, or the path of a folder.
func (w *Workspace) StorePath() string {
	if strings.Contains(w.Config.Store, "://") || filepath.IsAbs(w.Config.Store) {
		return w.Config.Store
	}
	return filepath.Join(w.Dir, w.Config.Store)
}

// StateDir is the folder of this host's resume state: digests, positions and
// public texts only.
func (w *Workspace) StateDir() string { return filepath.Join(w.Dir, "state") }

func (w *Workspace) keysDir() string   { return filepath.Join(w.Dir, "keys") }
func (w *Workspace) claimPath() string { return filepath.Join(w.keysDir(), "claim.key") }

// ClaimKey is the provider's 32-byte claim key.
func (w *Workspace) ClaimKey() ([]byte, error) {
	path := w.claimPath()
	line, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(string(line), "\n"))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s: %w: not 32 bytes in base64", path, ErrConfig)
	}
	return key, nil
}

// SaveKey keeps a new secret key, locked by the passphrase, readable by its
// owner only, and the certificate beside it. It never overwrites one.
func (w *Workspace) SaveKey(name string, s *detached.Signer, pass detached.Passphrase) error {
	if !ValidKeyName(name) {
		return fmt.Errorf("%w: %q is no key name", ErrConfig, name)
	}
	locked, err := s.Lock(pass)
	if err != nil {
		return fmt.Errorf("lock key %s: %w", name, err)
	}
	if err := w.make(w.keyPath(name), locked); err != nil {
		return err
	}
	return w.make(w.PublicPath(name), s.Public())
}

// SavePublic puts the certificate beside the secret key of that name, unless it
// is there: an interrupted SaveKey may not have come to it.
func (w *Workspace) SavePublic(name string, s *detached.Signer) error {
	if _, err := os.Lstat(w.PublicPath(name)); err == nil {
		return nil
	}
	return w.make(w.PublicPath(name), s.Public())
}

// Fingerprint reads the fingerprint of this host's key of that name from the
// certificate beside it: ErrNoKey if there is none.
func (w *Workspace) Fingerprint(name string) (string, error) {
	if !ValidKeyName(name) {
		return "", fmt.Errorf("%q: %w", name, ErrNoKey)
	}
	text, err := readSmall(w.PublicPath(name), MaxKey)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w", name, ErrNoKey)
	}
	if err != nil {
		return "", err
	}
	fingerprint, err := detached.CertificateFingerprint(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", w.PublicPath(name), err)
	}
	return fingerprint, nil
}

// PublicPath is where SaveKey puts the certificate of a key.
func (w *Workspace) PublicPath(name string) string {
	return filepath.Join(w.keysDir(), name+".asc")
}

func (w *Workspace) keyPath(name string) string {
	return filepath.Join(w.keysDir(), name+".key.asc")
}

// Signer unlocks the secret key of that name; the passphrase is asked for only
// once the key is found.
func (w *Workspace) Signer(name string, ask func(name string) (detached.Passphrase, error)) (*detached.Signer, error) {
	if !ValidKeyName(name) {
		return nil, fmt.Errorf("%q: %w", name, ErrNoKey)
	}
	data, err := readSecret(w.keyPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoKey)
	}
	if err != nil {
		return nil, err
	}
	pass, err := ask(name)
	if err != nil {
		return nil, err
	}
	s, err := detached.Unlock(data, pass)
	if err != nil {
		return nil, fmt.Errorf("unlock key %s: %w", name, err)
	}
	return s, nil
}

// SecretKeys lists the names of the secret keys on this host.
func (w *Workspace) SecretKeys() ([]string, error) {
	entries, err := os.ReadDir(w.keysDir())
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".key.asc"); ok && ValidKeyName(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Discard removes the files that were made by way of w, for an init that failed.
// Those that were there before are left alone.
func (w *Workspace) Discard() error {
	var errs []error
	for _, path := range w.made {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("undo: %w", err))
		}
	}
	w.made = nil
	if w.newState {
		os.RemoveAll(w.StateDir()) // only what this host has seen since
	}
	os.Remove(w.keysDir()) // if empty
	os.Remove(w.Dir)       // if empty
	return errors.Join(errs...)
}
