package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/export/seal"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// maxIdentity bounds an identity file in bytes.
const maxIdentity = 1 << 20

type openOptions struct {
	app                               *app
	identity, trust, to, expect, item string
}

func newOpen(a *app) *cobra.Command {
	o := &openOptions{app: a}
	cmd := &cobra.Command{
		Use:   "open PACKAGE",
		Short: "verify a package, decrypt it, and check what came out",
		Long: `open verifies a package, decrypts it into a folder beside DIR, checks every file
and every count there, and only then gives it the name DIR. If anything does not
hold nothing of it remains.

With --item it fetches one exhibit with a few ranged reads (age only), and checks
that one up to the signed root, nothing else.`,
		Example: `  exhibit open PACKAGE --identity key.txt --trust provider.asc --to opened
  exhibit open s3://evidence/exhibit/packages/4b1d… --identity key.txt --trust provider.asc --to opened
  exhibit open PACKAGE --identity key.txt --trust provider.asc --to exhibits --item E0000007`,
		Args: exactly("PACKAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.expect, err = expectFlag(cmd, o.expect); err != nil {
				return err
			}
			if cmd.Flags().Changed("item") {
				if _, err := bag.ParseExhibit(o.item); err != nil {
					return usagef("exhibit open: --item %q is no exhibit number: E and seven digits, such as E0000007", o.item)
				}
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.identity, "identity", "", "file with your secret key: age, SSH or OpenPGP")
	f.StringVar(&o.trust, "trust", "", "the provider's OpenPGP key")
	f.StringVar(&o.to, "to", "", "the folder to make; it must not be there yet, or be empty")
	f.StringVar(&o.expect, "expect", "", "the id that the package must have, as the provider told it")
	f.StringVar(&o.item, "item", "", "fetch one exhibit only, such as E0000007, into the folder")
	return cmd
}

func (o *openOptions) run(ctx context.Context, address string) error {
	if o.identity == "" || o.to == "" {
		return usagef("exhibit open: --identity FILE and --to DIR are needed: your secret key, and where to put what comes out")
	}
	if err := outside(address, o.to); err != nil {
		return err
	}
	keys, err := readTrust("open", o.trust)
	if err != nil {
		return err
	}
	ids, err := o.identities(ctx)
	if err != nil {
		return err
	}
	src, err := o.app.source(ctx, address)
	if err != nil {
		return err
	}
	m := o.app.meter("opening", -1)
	defer m.done()
	opt := open.Options{Expect: o.expect, Now: o.app.env.now(), Progress: m.add}
	if o.item != "" {
		return misplaced(address, o.one(ctx, src, keys, ids, opt, m))
	}
	o.app.warnLeftovers(o.to)
	q, err := newQuarantine(o.to)
	if err != nil {
		return err
	}
	report, err := open.Open(ctx, src, keys, ids, q, opt)
	if err == nil {
		err = q.release(ctx)
	}
	if err != nil {
		return errors.Join(misplaced(address, err), q.discard())
	}
	m.done()
	return o.app.print(verified{Report: report, Opened: o.to})
}

func (o *openOptions) identities(ctx context.Context) ([]seal.Identity, error) {
	data, err := readFile(o.identity, maxIdentity)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	ids, err := seal.ParseIdentities(data, func(prompt string) ([]byte, error) {
		return o.app.identityPassphrase(ctx, prompt)
	})
	if err != nil {
		err = fmt.Errorf("identity: %s: %w", o.identity, err)
		if _, public := seal.ParseRecipient(data); public == nil {
			err = &hintedError{err, "this is a public key; give the file with your secret key"}
		}
		return nil, err
	}
	return ids, nil
}

// itemOpened is the result of open --item.
type itemOpened struct {
	*open.ItemReport
	Path string `json:"path"`
}

func (r itemOpened) text(w io.Writer) {
	fmt.Fprintf(w, "fetched %s of package %s into %s (%s of the package read)\n", r.Exhibit, r.Package, r.Path, bytesText(r.Fetched))
	fmt.Fprintf(w, "  signed by  %s\n", keyring.FormatFingerprint(r.Signer))
	findings(w, r.Findings)
}

func (o *openOptions) one(ctx context.Context, src open.Source, keys *detached.PublicKeys, ids []seal.Identity, opt open.Options, m *meter) error {
	var content bytes.Buffer
	report, err := open.Item(ctx, src, keys, ids, o.item, &content, opt)
	if errors.Is(err, seal.ErrUnsupported) {
		return &hintedError{err, "--item works with age packages only; leave it out"}
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.to, 0o700); err != nil {
		return plainPathError(err)
	}
	target := filepath.Join(o.to, path.Base(report.File))
	err = writeNew(target, content.Bytes())
	if errors.Is(err, errTargetExists) {
		return &hintedError{err, "it is in that folder already"}
	}
	if err != nil {
		return err
	}
	m.done()
	return o.app.print(itemOpened{report, target})
}

// writeNew makes a file that was not there, whole or not at all.
func writeNew(target string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(target), ".exhibit-*")
	if err != nil {
		return plainPathError(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return plainPathError(err)
	}
	if err := os.Link(f.Name(), target); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", target, errTargetExists)
	} else if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	return nil
}

var errTargetExists = errors.New("is there already, and is not overwritten")

// quarantine is a hidden folder beside the target that becomes the target only
// when everything in it has been checked (invariant 5).
type quarantine struct {
	target string
	path   string
	root   *os.Root
}

func newQuarantine(target string) (*quarantine, error) {
	target, err := filepath.Abs(target) // of "." neither parent nor name can be told
	if err != nil {
		return nil, plainPathError(err)
	}
	if err := vacant(target); err != nil {
		return nil, err
	}
	parent := filepath.Dir(target)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, plainPathError(err)
	}
	dir, err := os.MkdirTemp(parent, "."+filepath.Base(target)+".quarantine-*")
	if err != nil {
		return nil, plainPathError(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		os.Remove(dir)
		return nil, plainPathError(err)
	}
	return &quarantine{target: target, path: dir, root: root}, nil
}

// warnLeftovers tells of quarantine folders that a killed run could not remove.
func (a *app) warnLeftovers(target string) {
	parent, base := filepath.Dir(filepath.Clean(target)), filepath.Base(target)
	entries, err := os.ReadDir(parent)
	if err != nil { // it will be made, or there will be an error soon
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+base+".quarantine-") {
			a.warn("%s is of another run: if that was killed, remove it, since it holds content that nobody has verified", filepath.Join(parent, e.Name()))
		}
	}
}

// vacant makes sure that nothing is lost when the target gets its name.
func vacant(target string) error {
	entries, err := os.ReadDir(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", target, errTargetExists)
	case len(entries) > 0:
		return fmt.Errorf("%s: %w", target, errTargetExists)
	}
	return nil
}

// Create implements open.Sink.
func (q *quarantine) Create(name string) (io.WriteCloser, error) {
	if dir := path.Dir(name); dir != "." {
		if err := q.root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
			return nil, plainPathError(err)
		}
	}
	f, err := q.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, plainPathError(err)
	}
	return f, nil
}

// FS implements open.Sink.
func (q *quarantine) FS() fs.FS { return q.root.FS() }

// release makes what is in quarantine durable and gives it the target's name.
func (q *quarantine) release(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := syncTree(q.path); err != nil {
		return fmt.Errorf("%s: %w", q.target, err)
	}
	if err := q.root.Close(); err != nil {
		return plainPathError(err)
	}
	if err := vacant(q.target); err != nil {
		return err
	}
	// An empty target gives way; one that is filled meanwhile stops the rename.
	if err := os.Remove(q.target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plainPathError(err)
	}
	if err := os.Rename(q.path, q.target); err != nil {
		return fmt.Errorf("%s: %w", q.target, err)
	}
	if err := syncFolder(filepath.Dir(q.target)); err != nil {
		return fmt.Errorf("%s: %w", q.target, err)
	}
	return nil
}

// leftoverError says that unverified content could not be removed.
type leftoverError struct {
	path string
	err  error
}

func (e *leftoverError) Error() string {
	return fmt.Sprintf("remove %s by hand, it holds content that nobody has verified: %v", e.path, e.err)
}

func (e *leftoverError) Unwrap() error { return e.err }

// discard removes everything that was not released.
func (q *quarantine) discard() error {
	q.root.Close()
	if err := os.RemoveAll(q.path); err != nil {
		return &leftoverError{path: q.path, err: err}
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
