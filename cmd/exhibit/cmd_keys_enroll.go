package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/keyring"
)

type enrollOptions struct {
	app                 *app
	key, fingerprint    string
	holder, how         string
	by, as, from, until string
	roles               []string
	anew                bool
	signaturesOnly      bool
	given               func(flag string) bool

	wanted              []sign.Role
	validFrom, validEnd time.Time
}

func newKeysEnroll(a *app) *cobra.Command {
	o := &enrollOptions{app: a}
	cmd := &cobra.Command{
		Use:   "enroll NAME",
		Short: "enroll a key: two admins vouch for whose it is",
		Long: `keys enroll adds a public key to the keyring. An admin proposes it: of staff (roles
approver, reviewer, fulfilment, auditor, admin, provider), of an agency (role agency:
OpenPGP, age or SSH, which content is encrypted to; or a certificate in PEM, for its
signatures over instruments only), or of a log (role log: a verifier key). Say who made
sure that the key is its holder's, and how: in person, or by a call back to a published
number, comparing the whole fingerprint.

The key is good for nothing until a second admin gives keys enroll NAME as well, with
--key or --fingerprint as its holder gives it; for a key of this host neither is needed.
The proposal is shown, and what differs is refused. --anew makes another proposal
instead.`,
		Example: `  exhibit keys enroll approver1 --role approver --holder "Approver One" --how "in person" --as admin
  exhibit keys enroll approver1 --as admin2
  exhibit keys enroll agency --role agency --key agency.txt --holder "Landeskriminalamt Musterland" --how "call back to the published number" --as admin
  exhibit keys enroll agency --fingerprint "3F2A 90C1 …" --as admin2`,
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.given = cmd.Flags().Changed
			if err := o.check(cmd, args[0]); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "key", "", "file with the public key (default: the key of that name on this host)")
	f.StringVar(&o.fingerprint, "fingerprint", "", "the key's fingerprint as its holder reads it out, in any grouping")
	f.StringVar(&o.holder, "holder", "", "the person or agency that holds the key")
	f.StringSliceVar(&o.roles, "role", nil, "what it may be used for; repeat for several")
	f.StringVar(&o.how, "how", "", "how it was made sure whose key it is")
	f.StringVar(&o.by, "verified-by", "", "who made sure (default: the admin)")
	f.StringVar(&o.from, "from", "", "valid from this time, RFC 3339 (default: now)")
	f.StringVar(&o.until, "until", "", "valid until this time, RFC 3339 (default: no end)")
	f.BoolVar(&o.signaturesOnly, "signatures-only", false, "an agency's OpenPGP key that nothing can be encrypted to: for signatures over instruments")
	f.BoolVar(&o.anew, "anew", false, "make another proposal, though one of that name waits")
	f.StringVar(&o.as, "as", "", "the admin's key that signs")
	return cmd
}

// check reads the command line, before anything else is looked at.
func (o *enrollOptions) check(cmd *cobra.Command, name string) (err error) {
	if err := checkKeyName(cmd, name); err != nil {
		return err
	}
	if err := o.checkRoles(); err != nil {
		return err
	}
	if o.anew && !o.whole() {
		return o.incomplete()
	}
	if o.given("fingerprint") {
		if o.fingerprint = plainFingerprint(o.fingerprint); o.fingerprint == "" {
			return usagef("exhibit keys enroll: --fingerprint is none: 40 or 64 hexadecimal digits, in any grouping")
		}
	}
	if o.validFrom, err = timeFlag(cmd, "from", o.from); err != nil {
		return err
	}
	if o.validEnd, err = timeFlag(cmd, "until", o.until); err != nil {
		return err
	}
	begin := o.validFrom
	if begin.IsZero() {
		begin = o.app.env.now()
	}
	if !o.validEnd.IsZero() && !o.validEnd.After(begin) {
		return usagef("exhibit keys enroll: --until %q is not after the time from which the key is valid", o.until)
	}
	return checkAs(cmd, o.as)
}

func (o *enrollOptions) checkRoles() error {
	for _, r := range o.roles {
		role := sign.Role(r)
		if !role.Valid() {
			return usagef("exhibit keys enroll: no role %q; the roles are admin, agency, approver, auditor, fulfilment, log, provider, reviewer", r)
		}
		o.wanted = append(o.wanted, role)
	}
	slices.Sort(o.wanted)
	o.wanted = slices.Compact(o.wanted)
	if len(o.wanted) > 1 && slices.Contains(o.wanted, sign.Log) {
		return usagef("exhibit keys enroll: --role log stands alone: the key of a log signs nothing else")
	}
	return nil
}

// whole reports whether the options are enough for a proposal.
func (o *enrollOptions) whole() bool { return o.holder != "" && o.how != "" && len(o.wanted) > 0 }

func (o *enrollOptions) incomplete() error {
	return usagef("exhibit keys enroll: --holder, --role and --how are needed: whose key, for what, and how that was made sure")
}

func (o *enrollOptions) run(ctx context.Context, name string) error {
	s, err := o.app.session(ctx)
	if err != nil {
		return err
	}
	waiting := s.authority.PendingKeys(name)
	if o.anew || len(waiting) == 0 {
		return o.propose(ctx, s, name)
	}
	if err := s.holdsKey(o.as); err != nil {
		return err
	}
	return o.confirm(ctx, s, name, waiting)
}

// enrolled is what keys enroll prints.
type enrolled struct {
	Name        string       `json:"name"`
	Kind        sign.KeyKind `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Roles       []sign.Role  `json:"roles"`
	// State is pending or valid.
	State string `json:"state"`
	// ConfirmedBy is the fingerprint of the second admin's key, or null.
	ConfirmedBy *string  `json:"confirmed_by"`
	Warnings    []string `json:"warnings"`

	second, next string
}

// The states of a key after keys enroll.
const (
	enrolPending = "pending"
	enrolValid   = "valid"
)

func (r enrolled) text(w io.Writer) {
	verb := "proposed"
	if r.State == enrolValid {
		verb = "enrolled"
	}
	fmt.Fprintf(w, "%s %s (%s, %s)\n  %s\n", verb, r.Name, r.Kind, joinRoles(r.Roles), keyring.FormatFingerprint(r.Fingerprint))
	if r.State == enrolValid {
		fmt.Fprintf(w, "confirmed by %s\n", r.second)
	} else {
		fmt.Fprintf(w, "it is good for nothing until a second admin, who has made sure too whose it is, gives:\n  %s\n", r.next)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
}

// propose signs a proposal as the first of two admins.
func (o *enrollOptions) propose(ctx context.Context, s *session, name string) error {
	if !o.whole() {
		if k, err := s.authority.Keys.Key(name); err == nil && o.holder == "" && o.how == "" && len(o.wanted) == 0 {
			return fmt.Errorf("key %s is enrolled (%s): %w", name, oneLine(stateOf(k, o.app.env.now())), export.ErrNotPending)
		}
		if o.holder == "" && o.how == "" && len(o.wanted) == 0 { // as a second admin gives it
			return usagef("exhibit keys enroll: no proposal of %s waits for a second admin; to propose it, --holder, --role and --how are needed", name)
		}
		return o.incomplete()
	}
	m, err := o.material(s, name, o.wanted)
	if err != nil {
		return err
	}
	if given := o.fingerprint; given != "" && !strings.EqualFold(given, m.fingerprint) {
		return o.differs(name, given, "that you gave", m.fingerprint, "of the file")
	}
	e := o.enrollment(name, m)
	if e.Verified.By == "" {
		e.Verified.By = s.ownHolder(o.as)
	}
	o.app.say("%s signs, as a proposal:", o.as)
	s.sayEntry(e.Holder, e.Roles, m, e.Verified)
	admin, err := s.signer(ctx, o.as)
	if err != nil {
		return err
	}
	if err := s.authority.Enroll(ctx, e, admin); err != nil {
		return err
	}
	next := []string{"exhibit", "keys", "enroll", name, "--as", s.otherAdmin(admin.Fingerprint())}
	if o.key != "" {
		next = append(next, "--key", o.key)
	}
	return o.app.print(enrolled{
		Name: name, Kind: m.kind, Fingerprint: m.fingerprint, Roles: o.wanted, State: enrolPending, Warnings: m.warnings, next: shellWords(next),
	})
}

func (o *enrollOptions) enrollment(name string, m publicMaterial) keyring.Enrollment {
	now := o.app.env.now()
	from := o.validFrom
	if from.IsZero() {
		from = now
	}
	return keyring.Enrollment{
		Name: name, Kind: m.kind, Fingerprint: m.fingerprint, PublicKey: m.text, Holder: o.holder, Roles: o.wanted,
		ValidFrom: from, ValidUntil: o.validEnd, Verified: keyring.Verified{By: o.by, How: o.how, At: sign.At(now)}, Time: now,
	}
}

// material reads the key that the options name, or this host's of that name.
func (o *enrollOptions) material(s *session, name string, roles []sign.Role) (publicMaterial, error) {
	path := o.key
	if path == "" {
		path = s.ws.PublicPath(name)
	}
	data, err := readFile(path, maxKeyFile)
	if err != nil && o.key == "" {
		return publicMaterial{}, &hintedError{fmt.Errorf("public key: %w", err),
			fmt.Sprintf("make one with `exhibit keys new %s`, or name the file that its holder gives you with --key", name)}
	}
	if err != nil {
		return publicMaterial{}, fmt.Errorf("public key: %w", err)
	}
	m, err := readKey(data, roles, o.app.env.now())
	if err != nil {
		return m, fmt.Errorf("%s: %w", path, err)
	}
	if m.signaturesOnly && !o.signaturesOnly && len(o.wanted) > 0 {
		return m, &hintedError{fmt.Errorf("%s: %w", path, seal.ErrNoEncryption),
			"ask the agency for another key; or, if it is to check signatures over legal instruments alone, give --signatures-only"}
	}
	return m, nil
}

// ownHolder is who holds this host's key of a name, as the keyring says; the key's
// name where it does not know it.
func (s *session) ownHolder(name string) string {
	if fp, err := s.ws.Fingerprint(name); err == nil {
		if holder := s.authority.Keys.Holder(fp); holder != "" {
			return holder
		}
	}
	return name
}

// sayEntry says what is about to be signed.
func (s *session) sayEntry(holder string, roles []sign.Role, m publicMaterial, v keyring.Verified) {
	s.say("  holder       %s", oneLine(holder))
	s.say("  roles        %s", joinRoles(roles))
	s.say("  kind         %s", m.kind)
	for _, line := range fingerprintLines(m.fingerprint) {
		s.say("  fingerprint  %s", line)
	}
	for _, name := range m.names {
		s.say("  names itself %s", oneLine(name))
	}
	s.say("  verified     by %s: %s", oneLine(v.By), oneLine(v.How))
	if m.note != "" {
		s.say("note: %s", m.note)
	}
	for _, warning := range m.warnings {
		s.warn("%s", oneLine(warning))
	}
}
