package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/store/dir"
)

// defaults of a new policy, and what bounds the provider's name.
const (
	maxProvider        = 200 // bytes of a provider's name
	defaultApprovals   = 2
	defaultVolumeBytes = 1 << 30
)

var allKinds = []sign.KeyKind{sign.AgeHybrid, sign.AgeSSH, sign.AgeX25519, sign.OpenPGP}

type initOptions struct {
	app       *app
	dir       string
	provider  string
	store     string
	admin     string
	holder    string
	approvals int64
}

func newInit(a *app) *cobra.Command {
	o := &initOptions{app: a}
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "make a provider's workspace",
		Long: `init makes a workspace: exhibit.yaml, an admin's key, the provider's signing key, a
first policy, and a store unless there is one. The admin's key becomes the root
of the keyring.`,
		Example: `  exhibit init work --provider "Example Mail" --holder "Admin One"
  exhibit init work --provider "Example Mail" --holder "Admin One" --store s3://evidence/exhibit`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.provider, "provider", "", "the provider's name, as statements and packages will carry it")
	f.StringVar(&o.store, "store", "store", "a folder, relative to the workspace, or s3://bucket/prefix")
	f.StringVar(&o.admin, "admin", "admin", "name of the admin's key")
	f.StringVar(&o.holder, "holder", "", "the admin: the person who holds that key")
	f.Int64Var(&o.approvals, "approvals", defaultApprovals, "how many different persons must approve an order")
	return cmd
}

type initResult struct {
	Workspace string `json:"workspace"`
	Store     string `json:"store"`
	Provider  string `json:"provider"`
	Root      string `json:"root"`
	Signer    string `json:"signer"`
	SignerKey string `json:"signer_certificate"`
	Approvals int64  `json:"approvals"`
}

func (r initResult) text(w io.Writer) {
	fmt.Fprintf(w, "made workspace %s, store %s\n", r.Workspace, r.Store)
	fmt.Fprintf(w, "  admin's key (root)      %s\n", keyring.FormatFingerprint(r.Root))
	fmt.Fprintf(w, "  provider's signing key  %s\n", keyring.FormatFingerprint(r.Signer))
	fmt.Fprintf(w, "  policy                  %s of an order\n", plural(r.Approvals, "approval"))
	fmt.Fprintf(w, "give %s to agencies and auditors, and its fingerprint by another way\n", r.SignerKey)
}

func (o *initOptions) run(ctx context.Context) error {
	if o.provider == "" || o.holder == "" {
		return usagef("exhibit init: --provider and --holder are needed: the provider's name, and who holds the admin's key")
	}
	if len(o.provider) > maxProvider || strings.TrimSpace(o.provider) == "" || strings.ContainsAny(o.provider, "\r\n") {
		return usagef("exhibit init: --provider must be a name of 1 to %d bytes on one line", maxProvider)
	}
	if !workspace.ValidKeyName(o.admin) || o.admin == signingKey {
		return usagef("exhibit init: --admin %q: a key's name is %s, and here not %q", o.admin, keyNameRule, signingKey)
	}
	if o.store == "" {
		return usagef("exhibit init: --store is empty: %s", storeRule)
	}
	if err := checkAddress(o.store, storeRule); err != nil {
		return err
	}
	if o.approvals < policy.MinApprovals || o.approvals > policy.MaxApprovals {
		return usagef("exhibit init: --approvals must be %d to %d", policy.MinApprovals, policy.MaxApprovals)
	}
	if _, err := os.Lstat(filepath.Join(o.dir, workspace.ConfigFile)); err == nil {
		return fmt.Errorf("%s: %w", o.dir, workspace.ErrExists)
	}
	pass, err := o.app.passphrase(ctx, "passphrase for the new keys", true)
	if err != nil {
		return err
	}
	now := o.app.env.now()
	admin, err := detached.Generate(uid(o.holder, o.provider), now, rand.Reader)
	if err != nil {
		return fmt.Errorf("make admin's key: %w", err)
	}
	provider, err := detached.Generate(o.provider, now, rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	config := workspace.Config{Provider: o.provider, Store: o.store, SigningKey: signingKey, Roots: []string{admin.Fingerprint()}}
	ws, err := workspace.Create(o.dir, config)
	if err != nil {
		return err
	}
	if err := o.fill(ctx, ws, admin, provider, pass); err != nil {
		// Without its records the folder is no workspace: give it back.
		return errors.Join(err, ws.Discard())
	}
	return o.app.print(initResult{
		Workspace: ws.Dir, Store: ws.StorePath(), Provider: o.provider, Root: admin.Fingerprint(),
		Signer: provider.Fingerprint(), SignerKey: ws.PublicPath(signingKey), Approvals: o.approvals,
	})
}

const signingKey = "provider"

// uid is the user id of a person's key.
func uid(holder, provider string) string { return holder + " (" + provider + ")" }

// fill makes the store, keeps the keys, and writes the first records.
func (o *initOptions) fill(ctx context.Context, ws *workspace.Workspace, admin, provider *detached.Signer, pass detached.Passphrase) error {
	if !strings.Contains(ws.StorePath(), "://") {
		if _, err := dir.Create(ws.StorePath()); err != nil {
			return err
		}
	}
	if err := ws.SaveKey(o.admin, admin, pass); err != nil {
		return err
	}
	if err := ws.SaveKey(signingKey, provider, pass); err != nil {
		return err
	}
	p, err := o.app.provider(ctx, ws)
	if err != nil {
		return err
	}
	if err := p.Unfounded(ctx); err != nil {
		return err
	}
	now := o.app.env.now()
	enrol := func(name, holder string, key *detached.Signer, how string, roles ...sign.Role) keyring.Enrollment {
		return keyring.Enrollment{
			Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()), Holder: holder,
			Roles: roles, ValidFrom: now, Verified: keyring.Verified{By: o.holder, How: how, At: sign.At(now)}, Time: now,
		}
	}
	if err := p.Found(ctx, enrol(o.admin, o.holder, admin, "made by exhibit init", sign.Admin), admin); err != nil {
		return err
	}
	authority, err := p.Load(ctx, now)
	if err != nil {
		return err
	}
	if err := authority.Enroll(ctx, enrol(signingKey, o.provider, provider, "made by exhibit init", sign.Provider), admin); err != nil {
		return err
	}
	return authority.SignPolicy(ctx, policy.Policy{
		Approvals: o.approvals, KeyKinds: allKinds, VolumeBytes: defaultVolumeBytes, Padding: true,
	}, admin, now)
}
