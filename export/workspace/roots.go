package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"exhibit/sign/detached"
)

// RootsFile names the file of the pinned admins' certificates, for outsiders to
// pin and to read out.
const RootsFile = "roots.asc"

// ErrChanged says that exhibit.yaml is another than was read.
var ErrChanged = errors.New("was changed in the meantime")

// AddRoot keeps the key of another pinned admin and adds its fingerprint to
// exhibit.yaml, whose comments stay. Either both are there when it is done, or
// undo, which gives back exhibit.yaml as it was and takes the key away, leaves
// neither. A crash in between leaves a workspace that FinishRoot completes, or
// that is as before for another AddRoot. A key of that name is ErrExists.
func (w *Workspace) AddRoot(name string, s *detached.Signer, pass detached.Passphrase) (undo func() error, err error) {
	if !ValidKeyName(name) {
		return nil, fmt.Errorf("%w: %q is no key name", ErrConfig, name)
	}
	for _, path := range []string{w.keyPath(name), w.PublicPath(name)} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, ErrExists), err)
		}
	}
	locked, err := s.Lock(pass)
	if err != nil {
		return nil, fmt.Errorf("lock key %s: %w", name, err)
	}
	// One that an earlier run left aside was never pinned: nothing is signed by it.
	if err := replace(w.asidePath(name), locked, 0o600); err != nil {
		return nil, err
	}
	before, err := w.pin(s.Fingerprint())
	if err != nil {
		return nil, errors.Join(err, os.Remove(w.asidePath(name)))
	}
	undo = func() error { return w.removeRoot(name, before) }
	if err := errors.Join(w.FinishRoot(name), w.SavePublic(name, s)); err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// FinishRoot puts a root's key in its place that an interrupted AddRoot has pinned
// and left aside. It does nothing where none is.
func (w *Workspace) FinishRoot(name string) error {
	if !ValidKeyName(name) {
		return nil
	}
	if _, err := os.Lstat(w.asidePath(name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Link(w.asidePath(name), w.keyPath(name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep key %s: %w", name, err)
	}
	if err := syncFolder(w.keysDir()); err != nil {
		return fmt.Errorf("keep key %s: %w", name, err)
	}
	if err := os.Remove(w.asidePath(name)); err != nil {
		return fmt.Errorf("keep key %s: %w", name, err)
	}
	return nil
}

// asidePath is where AddRoot keeps a key before its fingerprint is pinned.
func (w *Workspace) asidePath(name string) string { return w.keyPath(name) + ".joining" }

// removeRoot undoes AddRoot, in steps that a crash may come between: as long as
// the root is pinned, its key is there or aside.
func (w *Workspace) removeRoot(name string, before *configFile) error {
	if err := os.Rename(w.keyPath(name), w.asidePath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("undo: %w", err)
	}
	if err := w.unpin(before); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	for _, path := range []string{w.asidePath(name), w.PublicPath(name)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("undo: %w", err)
		}
	}
	return nil
}

// configFile is exhibit.yaml as it lies there.
type configFile struct {
	config Config
	text   []byte
	mode   fs.FileMode
}

func (w *Workspace) configPath() string { return filepath.Join(w.Dir, ConfigFile) }

// readConfig reads exhibit.yaml anew; one that does not say what w has is ErrChanged.
func (w *Workspace) readConfig() (*configFile, error) {
	info, err := os.Stat(w.configPath())
	if err != nil {
		return nil, err
	}
	text, err := readSmall(w.configPath(), MaxConfig)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.configPath(), err)
	}
	if !c.equal(w.Config) {
		return nil, fmt.Errorf("%s %w", w.configPath(), ErrChanged)
	}
	return &configFile{w.Config, text, info.Mode().Perm()}, nil
}

// pin adds a fingerprint to the roots in exhibit.yaml, and returns how that was.
func (w *Workspace) pin(fingerprint string) (before *configFile, err error) {
	if before, err = w.readConfig(); err != nil {
		return nil, err
	}
	next := w.Config
	next.Roots = append(slices.Clone(next.Roots), fingerprint)
	if err := next.check(); err != nil {
		return nil, err
	}
	text, err := appendRoot(before.text, fingerprint)
	if err != nil {
		return nil, err
	}
	if got, err := parseConfig(text); err != nil || !got.equal(next) || len(text) > MaxConfig {
		return nil, fmt.Errorf("%s: %w: a root cannot be added to it as it is written; write roots as a list with one fingerprint a line", w.configPath(), ErrConfig)
	}
	if err := replace(w.configPath(), text, before.mode); err != nil {
		return nil, err
	}
	w.Config = next
	return before, nil
}

// unpin gives back exhibit.yaml.
func (w *Workspace) unpin(before *configFile) error {
	if _, err := w.readConfig(); err != nil {
		return err
	}
	if err := replace(w.configPath(), before.text, before.mode); err != nil {
		return err
	}
	w.Config = before.config
	return nil
}

// appendRoot adds one to the list of roots in the text of exhibit.yaml.
func appendRoot(text []byte, fingerprint string) ([]byte, error) {
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	roots, err := yaml.PathString("$.roots")
	if err != nil {
		return nil, err
	}
	if err := roots.MergeFromReader(file, strings.NewReader(fmt.Sprintf("- %q", fingerprint))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return []byte(strings.TrimRight(file.String(), "\n") + "\n"), nil
}

func (c Config) equal(other Config) bool {
	return c.Type == other.Type && c.Provider == other.Provider && c.Store == other.Store &&
		c.SigningKey == other.SigningKey && slices.Equal(c.Roots, other.Roots)
}

// A Root is a pinned admin, for RootsFile.
type Root struct {
	Holder      string
	Fingerprint string
	// Certificate is the armored OpenPGP certificate.
	Certificate string
}

// RootsPath is where SaveRoots writes.
func (w *Workspace) RootsPath() string { return filepath.Join(w.Dir, RootsFile) }

// SaveRoots writes RootsFile: for each root a few lines for people, and its
// certificate. Programs pass over the lines, which never look like armor. It holds
// nothing secret, and everybody may read it.
func (w *Workspace) SaveRoots(roots []Root) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "The admins with whom the keyring of this provider begins.\nCompare each fingerprint with its holder, by telephone or in person.\n")
	for _, r := range roots {
		fmt.Fprintf(&text, "\nprovider     %s\nholder       %s\nfingerprint  %s\n\n%s\n",
			plain(w.Config.Provider), plain(r.Holder), detached.FormatFingerprint(r.Fingerprint), strings.TrimSpace(r.Certificate))
	}
	if _, err := os.Lstat(w.RootsPath()); errors.Is(err, fs.ErrNotExist) {
		w.made = append(w.made, w.RootsPath())
	}
	return replace(w.RootsPath(), text.Bytes(), 0o644)
}

// plain makes one line of a text, whatever it holds.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
