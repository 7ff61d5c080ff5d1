package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// maxKeyFile bounds a public key that the user names, in bytes.
const maxKeyFile = 1 << 20

func newKeys(a *app) *cobra.Command {
	return group("keys", "the keyring: who may sign what, and whom content is encrypted to",
		`  exhibit keys list
  exhibit keys show provider --public > provider.asc
  exhibit keys new approver1 --holder "Approver One"
  exhibit keys enroll approver1 --role approver --holder "Approver One" --how "in person" --as admin`,
		newKeysNew(a), newKeysList(a), newKeysShow(a), newKeysEnroll(a), newKeysRevoke(a))
}

func newKeysNew(a *app) *cobra.Command {
	var holder string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "make a signing key on this host",
		Long: `keys new makes an Ed25519 signing key, locked by a passphrase, in the workspace.
It may do nothing until an admin has enrolled it.`,
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
	fmt.Fprintf(w, "an admin who has made sure whose it is enrolls it, for an approver say, with:\n")
	fmt.Fprintf(w, "  exhibit keys enroll %s --key %s --holder %s --role approver --how \"in person\" --as admin\n", k.Name, shellWords([]string{k.Certificate}), shellWords([]string{k.holder}))
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

// keyRow is one key as list and show print it.
type keyRow struct {
	Name        string       `json:"name"`
	Holder      string       `json:"holder"`
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Roles       []sign.Role  `json:"roles"`
	ValidFrom   sign.Time    `json:"valid_from"`
	ValidUntil  *sign.Time   `json:"valid_until"`
	Root        bool         `json:"root"`
	State       string       `json:"state"`
	VerifiedBy  string       `json:"verified_by"`
	VerifiedHow string       `json:"verified_how"`
	PublicKey   string       `json:"public_key,omitempty"`
	Warnings    []string     `json:"warnings"`
}

func rowOf(k keyring.Key, now time.Time) keyRow {
	e := k.Entry
	r := keyRow{
		Name: e.Name, Holder: e.Holder, Kind: e.Kind, Fingerprint: e.Fingerprint, Roles: e.Roles,
		ValidFrom: e.ValidFrom, ValidUntil: e.ValidUntil, Root: k.Root, State: "valid", Warnings: []string{},
	}
	if e.Verified != nil {
		r.VerifiedBy, r.VerifiedHow = e.Verified.By, e.Verified.How
	}
	at := sign.At(now)
	switch {
	case k.Revoked != nil:
		r.State = "revoked " + k.Revoked.Time.String()
		if k.Revoked.Reason != nil {
			r.State += ": " + *k.Revoked.Reason
		}
	case at.Before(e.ValidFrom):
		r.State = "not yet valid"
	case e.ValidUntil != nil && !at.Before(*e.ValidUntil):
		r.State = "expired"
	}
	if slices.Contains(e.Roles, sign.Agency) && e.PublicKey != nil {
		rec, err := seal.ParseRecipient([]byte(*e.PublicKey))
		if err == nil {
			r.Warnings = append(r.Warnings, rec.Warnings...)
			err = seal.CheckRecipient(rec, now)
		}
		if err != nil {
			r.Warnings = append(r.Warnings, err.Error())
		}
	}
	return r
}

type keyList struct {
	Keys []keyRow `json:"keys"`
}

func (l keyList) text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tHOLDER\tROLES\tKIND\tSTATE\tFINGERPRINT")
	for _, k := range l.Keys {
		lines := fingerprintLines(k.Fingerprint)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, oneLine(k.Holder), joinRoles(k.Roles), k.Kind, oneLine(k.State), lines[0])
		for _, more := range lines[1:] {
			fmt.Fprintf(t, "\t\t\t\t\t%s\n", more)
		}
	}
	t.Flush()
	for _, k := range l.Keys {
		for _, warning := range k.Warnings {
			fmt.Fprintf(w, "warning: %s: %s\n", k.Name, oneLine(warning))
		}
	}
}

// fingerprintLines is a fingerprint in groups, a long one on two lines.
func fingerprintLines(fp string) []string {
	groups := strings.Fields(keyring.FormatFingerprint(fp))
	if len(groups) <= 10 {
		return []string{strings.Join(groups, " ")}
	}
	half := (len(groups) + 1) / 2
	return []string{strings.Join(groups[:half], " "), strings.Join(groups[half:], " ")}
}

func joinRoles(roles []sign.Role) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(s, ",")
}

func newKeysList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "list all keys, past ones included",
		Example: "  exhibit keys list --json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			list := keyList{Keys: []keyRow{}}
			for _, k := range s.authority.Keys.All() {
				list.Keys = append(list.Keys, rowOf(k, a.env.now()))
			}
			return a.print(list)
		},
	}
}

func (k keyRow) text(w io.Writer) {
	fmt.Fprintf(w, "name         %s\n", k.Name)
	fmt.Fprintf(w, "holder       %s\n", oneLine(k.Holder))
	fmt.Fprintf(w, "roles        %s\n", joinRoles(k.Roles))
	fmt.Fprintf(w, "kind         %s\n", k.Kind)
	fmt.Fprintf(w, "fingerprint  %s\n", keyring.FormatFingerprint(k.Fingerprint))
	fmt.Fprintf(w, "valid from   %s\n", k.ValidFrom)
	if k.ValidUntil != nil {
		fmt.Fprintf(w, "valid until  %s\n", k.ValidUntil)
	}
	fmt.Fprintf(w, "state        %s\n", oneLine(k.State))
	fmt.Fprintf(w, "verified by  %s: %s\n", oneLine(k.VerifiedBy), oneLine(k.VerifiedHow))
	for _, warning := range k.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
}

// publicKey prints nothing but the key, for redirection.
type publicKey struct{ key string }

func (k publicKey) text(w io.Writer) { fmt.Fprintln(w, strings.TrimRight(k.key, "\n")) }
func (k publicKey) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"public_key": k.key})
}

func newKeysShow(a *app) *cobra.Command {
	var public bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "show one key, with the fingerprint in groups to read out",
		Example: `  exhibit keys show provider
  exhibit keys show provider --public > provider.asc`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyName(cmd, args[0]); err != nil {
				return err
			}
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			k, err := s.authority.Keys.Key(args[0])
			if err != nil {
				return err
			}
			if public {
				return a.print(publicKey{*k.Entry.PublicKey})
			}
			row := rowOf(k, a.env.now())
			row.PublicKey = *k.Entry.PublicKey
			return a.print(row)
		},
	}
	cmd.Flags().BoolVar(&public, "public", false, "print the public key and nothing else")
	return cmd
}

type enrollOptions struct {
	app                 *app
	key, holder, how    string
	by, as, from, until string
	roles               []string

	wanted              []sign.Role
	validFrom, validEnd time.Time
}

func newKeysEnroll(a *app) *cobra.Command {
	o := &enrollOptions{app: a}
	cmd := &cobra.Command{
		Use:   "enroll NAME",
		Short: "enroll a key: an admin vouches for whose it is",
		Long: `keys enroll adds a public key to the keyring: of staff (roles approver, reviewer,
fulfilment, auditor, admin, provider) or of an agency (role agency: OpenPGP, age
or SSH). Say who made sure that the key is its holder's, and how: in person, or
by a call back to a published number, comparing the whole fingerprint.`,
		Example: `  exhibit keys enroll approver1 --role approver --holder "Approver One" --how "in person" --as admin
  exhibit keys enroll agency --role agency --key agency.txt --holder "Example Agency" --how "call back to the published number" --as admin`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args[0]); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "key", "", "file with the public key (default: the key of that name on this host)")
	f.StringVar(&o.holder, "holder", "", "the person or agency that holds the key")
	f.StringSliceVar(&o.roles, "role", nil, "what it may be used for; repeat for several")
	f.StringVar(&o.how, "how", "", "how it was made sure whose key it is")
	f.StringVar(&o.by, "verified-by", "", "who made sure (default: the admin)")
	f.StringVar(&o.from, "from", "", "valid from this time, RFC 3339 (default: now)")
	f.StringVar(&o.until, "until", "", "valid until this time, RFC 3339 (default: no end)")
	f.StringVar(&o.as, "as", "", "the admin's key that signs")
	return cmd
}

// check reads the command line, before anything else is looked at.
func (o *enrollOptions) check(cmd *cobra.Command, name string) (err error) {
	if err := checkKeyName(cmd, name); err != nil {
		return err
	}
	if o.holder == "" || o.how == "" || len(o.roles) == 0 {
		return usagef("exhibit keys enroll: --holder, --role and --how are needed: whose key, for what, and how that was made sure")
	}
	for _, r := range o.roles {
		role := sign.Role(r)
		if !role.Valid() {
			return usagef("exhibit keys enroll: no role %q; the roles are admin, agency, approver, auditor, fulfilment, provider, reviewer", r)
		}
		o.wanted = append(o.wanted, role)
	}
	if o.validFrom, err = timeFlag(cmd, "from", o.from); err != nil {
		return err
	}
	if o.validEnd, err = timeFlag(cmd, "until", o.until); err != nil {
		return err
	}
	if o.validFrom.IsZero() {
		o.validFrom = o.app.env.now()
	}
	if !o.validEnd.IsZero() && !o.validEnd.After(o.validFrom) {
		return usagef("exhibit keys enroll: --until %q is not after the time from which the key is valid", o.until)
	}
	return checkAs(cmd, o.as)
}

func (o *enrollOptions) run(ctx context.Context, name string) error {
	s, err := o.app.session(ctx)
	if err != nil {
		return err
	}
	e, warnings, err := o.enrollment(s, name)
	if err != nil {
		return err
	}
	admin, err := s.signer(ctx, o.as)
	if err != nil {
		return err
	}
	if e.Verified.By == "" {
		e.Verified.By = o.as
		if k, err := s.authority.Keys.ByFingerprint(admin.Fingerprint()); err == nil {
			e.Verified.By = k.Entry.Holder
		}
	}
	if err := s.authority.Enroll(ctx, e, admin); err != nil {
		return err
	}
	r := enrolled{Name: name, Kind: e.Kind, Fingerprint: e.Fingerprint, Roles: o.roles, Warnings: warnings}
	return o.app.print(r)
}

type enrolled struct {
	Name        string       `json:"name"`
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Roles       []string     `json:"roles"`
	Warnings    []string     `json:"warnings"`
}

func (r enrolled) text(w io.Writer) {
	fmt.Fprintf(w, "enrolled %s (%s, %s)\n  %s\n", r.Name, r.Kind, strings.Join(r.Roles, ","), keyring.FormatFingerprint(r.Fingerprint))
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
}

// enrollment reads the key.
func (o *enrollOptions) enrollment(s *session, name string) (keyring.Enrollment, []string, error) {
	now := o.app.env.now()
	e := keyring.Enrollment{
		Name: name, Holder: o.holder, Roles: o.wanted, ValidFrom: o.validFrom, ValidUntil: o.validEnd, Time: now,
		Verified: keyring.Verified{By: o.by, How: o.how, At: sign.At(now)},
	}
	path := o.key
	if path == "" {
		path = s.ws.PublicPath(name)
	}
	data, err := readFile(path, maxKeyFile)
	if err != nil {
		return e, nil, fmt.Errorf("public key: %w", err)
	}
	if slices.Contains(e.Roles, sign.Agency) {
		rec, err := seal.ParseRecipient(data)
		if err != nil {
			return e, nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := seal.CheckRecipient(rec, now); err != nil {
			return e, nil, fmt.Errorf("%s: %w", path, err)
		}
		e.Kind, e.Fingerprint, e.PublicKey = sign.KeyKind(rec.Kind), rec.Fingerprint, rec.Public
		return e, append([]string{}, rec.Warnings...), nil
	}
	keys, err := detached.ParsePublicKeys(data)
	if err != nil {
		return e, nil, fmt.Errorf("%s: %w", path, err)
	}
	if n := len(keys.Fingerprints()); n != 1 {
		return e, nil, fmt.Errorf("%s: holds %d keys, one is enrolled at a time", path, n)
	}
	e.Kind, e.Fingerprint = sign.OpenPGP, keys.Fingerprints()[0]
	e.PublicKey = string(keys.Armored(e.Fingerprint))
	return e, []string{}, nil
}

type revoked struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Reason      string `json:"reason"`
}

func (r revoked) text(w io.Writer) {
	fmt.Fprintf(w, "revoked %s\n  %s\n", r.Name, keyring.FormatFingerprint(r.Fingerprint))
}

func newKeysRevoke(a *app) *cobra.Command {
	var reason, as string
	cmd := &cobra.Command{
		Use:     "revoke NAME",
		Short:   "take a key out of use from now on; it stays known for the past",
		Example: `  exhibit keys revoke approver1 --reason "left the company" --as admin`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyName(cmd, args[0]); err != nil {
				return err
			}
			if reason == "" {
				return usagef("exhibit keys revoke: --reason is needed")
			}
			if err := checkAs(cmd, as); err != nil {
				return err
			}
			s, err := a.session(cmd.Context())
			if err != nil {
				return err
			}
			k, err := s.authority.Keys.Key(args[0])
			if err != nil {
				return err
			}
			admin, err := s.signer(cmd.Context(), as)
			if err != nil {
				return err
			}
			if err := s.authority.Revoke(cmd.Context(), args[0], reason, admin, a.env.now()); err != nil {
				return err
			}
			return a.print(revoked{Name: args[0], Fingerprint: k.Entry.Fingerprint, Reason: reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().StringVar(&as, "as", "", "the admin's key that signs")
	return cmd
}
