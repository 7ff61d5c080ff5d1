package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export/workspace"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
	"exhibit/store/dir"
)

// defaults of a new policy, and what bounds the names of provider and persons.
const (
	maxProvider      = 200 // bytes of a provider's name, or of a holder's in init
	defaultApprovals = 2
)

// signingKey names the key that signs packages.
const signingKey = "provider"

// The states that init ends in.
const (
	stateWaits   = "waits for a second admin"
	stateFounded = "founded"
)

type initOptions struct {
	app       *app
	dir       string
	provider  string
	store     string
	admin     string
	holder    string
	policy    string
	approvals int64
	given     func(flag string) bool
}

func newInit(a *app) *cobra.Command {
	o := &initOptions{app: a}
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "make a provider's workspace: two admins, one after the other",
		Long: `init makes a workspace by two admins, as no admin alone can put a key or a policy
into force.

The first makes exhibit.yaml, an admin's key, the provider's signing key, a policy
and a store, unless there is one; the key and the policy are proposals. The second
gives init again, with --admin and --holder alone: it shows what the first has made,
makes the second admin's key, and confirms. Both keys are the roots of the keyring.
Until then nothing else can be done. An init that was interrupted goes on when the
same command is given again.

roots.asc is for auditors and agencies to pin: the admins' keys, with fingerprints to
read out. A second host needs a copy of exhibit.yaml as the second admin left it, and
of keys/claim.key.`,
		Example: `  exhibit init work --provider "Example Mail" --holder "Admin One"
  exhibit init work --admin admin2 --holder "Admin Two"
  exhibit init work --provider "Example Mail" --holder "Admin One" --store s3://evidence/exhibit --policy policy.json`,
		Args: exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir, o.given = args[0], cmd.Flags().Changed
			if err := o.check(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.provider, "provider", "", "the provider's name, as statements and packages will carry it")
	f.StringVar(&o.store, "store", "store", "a folder, relative to the workspace, or s3://bucket/prefix")
	f.StringVar(&o.admin, "admin", "admin", "name of the admin's key")
	f.StringVar(&o.holder, "holder", "", "the admin: the person who holds that key")
	f.Int64Var(&o.approvals, "approvals", defaultApprovals, "how many different persons must approve an order")
	f.StringVar(&o.policy, "policy", "", "`file` with the first policy, as exhibit policy show --draft prints one")
	return cmd
}

type initResult struct {
	Workspace string   `json:"workspace"`
	Store     string   `json:"store"`
	Provider  string   `json:"provider"`
	Root      string   `json:"root"`
	Roots     []string `json:"roots"`
	RootsFile string   `json:"roots_file"`
	Signer    string   `json:"signer"`
	SignerKey string   `json:"signer_certificate"`
	Policy    string   `json:"policy"`
	Approvals int64    `json:"approvals"`
	State     string   `json:"state"`
	// Next is the command line that the second admin gives; empty when founded.
	Next string `json:"next"`
}

func (r initResult) text(w io.Writer) {
	made := "made"
	if r.State == stateFounded {
		made = "founded"
	}
	fmt.Fprintf(w, "%s workspace %s, store %s\n", made, r.Workspace, r.Store)
	fmt.Fprintf(w, "  admin's key (root)      %s\n", keyring.FormatFingerprint(r.Root))
	fmt.Fprintf(w, "  provider's signing key  %s\n", keyring.FormatFingerprint(r.Signer))
	fmt.Fprintf(w, "  policy                  %s of an order\n", plural(r.Approvals, "approval"))
	if r.State == stateFounded {
		fmt.Fprintf(w, "give %s to agencies and auditors, and its fingerprint by another way\n", r.SignerKey)
		fmt.Fprintf(w, "give %s to auditors: the two admins whose word counts\n", r.RootsFile)
		return
	}
	fmt.Fprintf(w, "key and policy are proposals, good for nothing until a second admin, WHO, confirms them with:\n  %s\n", r.Next)
}

// check refuses wrong usage, before anything else is looked at.
func (o *initOptions) check() error {
	switch {
	case o.holder == "":
		return usagef("exhibit init: --provider and --holder are needed: the provider's name, and who holds the admin's key; the second admin gives --admin and --holder")
	case !isName(o.holder):
		return usagef("exhibit init: --holder must be a name of 1 to %d bytes on one line", maxProvider)
	case o.given("provider") && !isName(o.provider):
		return usagef("exhibit init: --provider must be a name of 1 to %d bytes on one line", maxProvider)
	case !workspace.ValidKeyName(o.admin) || o.admin == signingKey:
		return usagef("exhibit init: --admin %q: a key's name is %s, and here not %q", o.admin, keyNameRule, signingKey)
	case o.store == "":
		return usagef("exhibit init: --store is empty: %s", storeRule)
	case o.approvals < policy.MinPersons || o.approvals > policy.MaxPersons:
		return usagef("exhibit init: --approvals must be %d to %d", policy.MinPersons, policy.MaxPersons)
	case o.given("policy") && o.given("approvals"):
		return usagef("exhibit init: --policy and --approvals exclude each other: the file says how many must approve")
	}
	return checkAddress(o.store, storeRule)
}

func isName(s string) bool {
	return len(s) <= maxProvider && strings.TrimSpace(s) != "" && oneLine(s) == strings.TrimSpace(s)
}

func (o *initOptions) run(ctx context.Context) error {
	ws, err := workspace.Open(o.dir)
	if errors.Is(err, workspace.ErrNoWorkspace) {
		return o.first(ctx)
	}
	if err != nil {
		return err
	}
	if o.given("provider") && o.provider != ws.Config.Provider {
		return usagef("exhibit init: --provider is %q, and %s is of %q", o.provider, o.dir, ws.Config.Provider)
	}
	if len(ws.Config.Roots) > 2 {
		return fmt.Errorf("%s: %w", o.dir, workspace.ErrExists)
	}
	return o.goOn(ctx, ws)
}

// first makes the workspace, as the first admin.
func (o *initOptions) first(ctx context.Context) error {
	if o.provider == "" {
		return usagef("exhibit init: --provider and --holder are needed: the provider's name, and who holds the admin's key")
	}
	draft, err := o.draft()
	if err != nil {
		return err
	}
	pass, err := o.app.passphrase(ctx, "passphrase for the new keys", true)
	if err != nil {
		return err
	}
	ws, err := workspace.Prepare(o.dir)
	if err != nil {
		return err
	}
	f, err := o.prepare(ctx, ws, pass)
	if err != nil {
		return errors.Join(err, ws.Discard()) // it is no workspace: give it back
	}
	return o.foundFirst(ctx, f, draft)
}

// draft is the first policy.
func (o *initOptions) draft() (policy.Policy, error) {
	if o.policy == "" {
		return policy.Default(o.approvals), nil
	}
	return readDraft(o.policy)
}

// prepare makes keys and store, or takes the keys that an interrupted init left,
// and then exhibit.yaml.
func (o *initOptions) prepare(ctx context.Context, ws *workspace.Workspace, pass detached.Passphrase) (*founding, error) {
	admin, err := o.ownKey(ws, o.admin, uid(o.holder, o.provider), pass)
	if err != nil {
		return nil, err
	}
	provider, err := o.ownKey(ws, signingKey, o.provider, pass)
	if err != nil {
		return nil, err
	}
	config := workspace.Config{Provider: o.provider, Store: o.store, SigningKey: signingKey, Roots: []string{admin.Fingerprint()}}
	ws.Config = config
	if !strings.HasPrefix(ws.StorePath(), s3Scheme) {
		if _, err := dir.Create(ws.StorePath()); err != nil {
			return nil, err
		}
	}
	p, err := o.app.provider(ctx, ws)
	if err != nil {
		return nil, err
	}
	if err := p.Unfounded(ctx); err != nil {
		return nil, err
	}
	return &founding{initOptions: o, ws: ws, p: p, own: admin, signing: provider}, ws.Configure(config)
}

// ownKey makes a key and keeps it.
func (o *initOptions) ownKey(ws *workspace.Workspace, name, uid string, pass detached.Passphrase) (*detached.Signer, error) {
	key, err := ws.Signer(name, func(string) (detached.Passphrase, error) { return pass, nil })
	if err == nil {
		return key, ws.SavePublic(name, key)
	}
	if !errors.Is(err, workspace.ErrNoKey) {
		return nil, err
	}
	if key, err = detached.Generate(uid, o.app.env.now(), rand.Reader); err != nil {
		return nil, fmt.Errorf("make key %s: %w", name, err)
	}
	return key, ws.SaveKey(name, key, pass)
}

// uid is the user id of a person's key.
func uid(holder, provider string) string { return holder + " (" + provider + ")" }

// foundFirst writes the first records. What fails before the first of them leaves
// nothing; what fails later goes on with the same command.
func (o *initOptions) foundFirst(ctx context.Context, f *founding, draft policy.Policy) error {
	if err := f.propose(ctx, draft); err != nil {
		if f.p.Unfounded(context.WithoutCancel(ctx)) == nil {
			return errors.Join(err, f.ws.Discard())
		}
		return &hintedError{err, "give the same command again to go on"}
	}
	r := f.result()
	r.State = stateWaits
	r.Next = fmt.Sprintf("exhibit init %s --admin %s --holder WHO", shellWords([]string{o.dir}), o.admin+"2")
	return o.app.print(r)
}
