package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// maxKeyFile bounds a public key that the user names, in bytes.
const maxKeyFile = 1 << 20

func newKeys(a *app) *cobra.Command {
	cmd := group("keys", "the keyring: who may sign what, and whom content is encrypted to",
		`  exhibit keys list
  exhibit keys show provider --public > provider.asc
  exhibit keys new approver1 --holder "Approver One"
  exhibit keys enroll approver1 --role approver --holder "Approver One" --how "in person" --as admin
  exhibit keys enroll approver1 --as admin2`,
		newKeysNew(a), newKeysList(a), newKeysShow(a), newKeysEnroll(a), newKeysRevoke(a))
	cmd.Long = `keys makes, shows, enrolls and revokes keys. Two admins put a key into force, one
takes it out of use.

Back up keys/NAME.key.asc, which its passphrase locks, and keys/claim.key, apart from
the store. A lost key cannot be made again: an admin revokes it, its holder makes
another, under the same name once keys/NAME.asc and keys/NAME.key.asc are moved away,
and two admins enroll that. What it signed stays valid. A name keeps its holder: another
person takes another one. A key that may be in other hands is revoked at once, whoever
has a copy. Enroll a third admin while there are two: with one alone no key can be
enrolled and no policy signed.`
	return cmd
}

func newKeysNew(a *app) *cobra.Command {
	var holder string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "make a signing key on this host",
		Long: `keys new makes an Ed25519 signing key, locked by a passphrase, in the workspace.
It may do nothing until two admins have enrolled it.`,
		Example: `  exhibit keys new approver1 --holder "Approver One"`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyName(cmd, args[0]); err != nil {
				return err
			}
			return a.keysNew(cmd.Context(), args[0], holder)
		},
	}
	cmd.Flags().StringVar(&holder, "holder", "", "the person who holds the key")
	return cmd
}

type keyMade struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Certificate string `json:"certificate"`

	holder string
}

func (k keyMade) text(w io.Writer) {
	fmt.Fprintf(w, "made key %s  %s\n", k.Name, keyring.FormatFingerprint(k.Fingerprint))
	fmt.Fprintf(w, "an admin who has made sure whose it is proposes it, for an approver say, with:\n")
	fmt.Fprintf(w, "  exhibit keys enroll %s --key %s --holder %s --role approver --how \"in person\" --as admin\n", k.Name, shellWords([]string{k.Certificate}), shellWords([]string{k.holder}))
	fmt.Fprintf(w, "and a second admin confirms it with:\n  exhibit keys enroll %s --as KEY\n", k.Name)
}

func (a *app) keysNew(ctx context.Context, name, holder string) error {
	if holder == "" {
		return usagef("exhibit keys new: --holder is needed: the person who holds the key")
	}
	ws, err := a.findWorkspace()
	if err != nil {
		return err
	}
	pass, err := a.passphrase(ctx, "passphrase for key "+name, true)
	if err != nil {
		return err
	}
	key, err := detached.Generate(uid(holder, ws.Config.Provider), a.env.now(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := ws.SaveKey(name, key, pass); err != nil {
		return err
	}
	return a.print(keyMade{Name: name, Fingerprint: key.Fingerprint(), Certificate: ws.PublicPath(name), holder: holder})
}

type revoked struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Reason      string `json:"reason"`
}

func (r revoked) text(w io.Writer) {
	fmt.Fprintf(w, "revoked %s\n  %s\n", r.Name, keyring.FormatFingerprint(r.Fingerprint))
}

// revocation is what the flags of keys revoke say.
type revocation struct {
	app        *app
	reason, as string
}

func newKeysRevoke(a *app) *cobra.Command {
	r := &revocation{app: a}
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "take a key out of use from now on; it stays known for the past",
		Long: `keys revoke takes a key out of use from now on. What it signed before stays valid, and
the key is never enrolled again. One admin is enough, and nobody confirms it: a key in
the wrong hands has to go at once, and a revocation can stop something, never let
anything out.`,
		Example: `  exhibit keys revoke approver1 --reason "left the company" --as admin`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyName(cmd, args[0]); err != nil {
				return err
			}
			if r.reason == "" {
				return usagef("exhibit keys revoke: --reason is needed")
			}
			if err := checkAs(cmd, r.as); err != nil {
				return err
			}
			return r.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&r.reason, "reason", "", "why")
	cmd.Flags().StringVar(&r.as, "as", "", "the admin's key that signs")
	return cmd
}

func (r *revocation) run(ctx context.Context, name string) error {
	s, err := r.app.session(ctx)
	if err != nil {
		return err
	}
	k, err := s.authority.Keys.Key(name)
	if err != nil {
		return err
	}
	if k.Revoked == nil {
		s.sayRevocation(k)
	}
	admin, err := s.signer(ctx, r.as)
	if err != nil {
		return err
	}
	if err := s.authority.Revoke(ctx, name, r.reason, admin, r.app.env.now()); err != nil {
		return err
	}
	return r.app.print(revoked{Name: name, Fingerprint: k.Entry.Fingerprint, Reason: r.reason})
}

// sayRevocation says what is about to be revoked, and what that would end.
func (s *session) sayRevocation(k keyring.Key) {
	s.say("to be revoked: %s, %s, %s", k.Entry.Name, oneLine(k.Entry.Holder), joinRoles(k.Entry.Roles))
	s.say("  %s", keyring.FormatFingerprint(k.Entry.Fingerprint))
	if !slices.Contains(k.Entry.Roles, sign.Admin) {
		return
	}
	holders := map[string]bool{}
	for _, other := range s.authority.Keys.All() {
		fp := other.Entry.Fingerprint
		if fp != k.Entry.Fingerprint && s.authority.Keys.Valid(fp, sign.Admin, s.env.now()) == nil {
			holders[other.Entry.Holder] = true
		}
	}
	if len(holders) < 2 {
		s.warn("fewer than two admins are left then (%d): no key can be enrolled and no policy signed any more, for good", len(holders))
	}
}
