package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/policy"
)

func newPolicy(a *app) *cobra.Command {
	cmd := group("policy", "what the admins have laid down for every order",
		`  exhibit policy show
  exhibit policy sign --approvals 3 --as admin
  exhibit policy sign --confirm DIGEST --as admin2`,
		newPolicyShow(a), newPolicySign(a))
	cmd.Long = `policy shows and changes what holds for every order: how many must approve, the
clocks of each regime, how packages are made and how long they are kept. One admin
signs the next policy, another confirms it; no admin alone puts one into force.`
	return cmd
}

// policyChange is what the flags of policy sign say.
type policyChange struct {
	app                  *app
	given                func(flag string) bool
	file, confirm, as    string
	approvals, volume    int64
	persons, hours       int64
	noEmergency, padding bool
	kinds                []string
}

// changing are the flags that make another policy.
var changing = []string{"file", "approvals", "emergency-persons", "emergency-hours", "no-emergency", "volume-bytes", "padding", "key-kind"}

func newPolicySign(a *app) *cobra.Command {
	c := &policyChange{app: a}
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "propose a changed policy, or confirm a proposed one",
		Long: `policy sign makes the next policy: that in force, or the one in FILE, with what the
flags change. It says what differs and signs it. It is in force once another admin
gives policy sign --confirm DIGEST, with the digest or its first 12 digits or more;
what differs is shown again before that.

Every approval names the policy that it was given under, so approvals given before do
not count any more.`,
		Example: `  exhibit policy sign --approvals 3 --as admin
  exhibit policy sign --emergency-persons 1 --emergency-hours 24 --as admin
  exhibit policy sign --file policy.json --as admin
  exhibit policy sign --confirm 3f2a90c1d5e7 --as admin2`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.given = cmd.Flags().Changed
			if err := c.check(cmd); err != nil {
				return err
			}
			s, err := a.session(cmd.Context())
			if err != nil {
				return err
			}
			if c.confirm != "" {
				return c.confirmIn(cmd.Context(), s)
			}
			return c.proposeIn(cmd.Context(), s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.file, "file", "", "a whole policy, as policy show --draft prints one")
	f.Int64Var(&c.approvals, "approvals", defaultApprovals, "how many different persons must approve an order that no other rule is for")
	f.Int64Var(&c.persons, "emergency-persons", 1, "how many approvals that invoke it release an emergency order at once")
	f.Int64Var(&c.hours, "emergency-hours", 24, "within how many hours the other approvals must follow")
	f.BoolVar(&c.noEmergency, "no-emergency", false, "no rule of its own for emergencies")
	f.Int64Var(&c.volume, "volume-bytes", 0, "soft bound on the size of a volume, in bytes")
	f.BoolVar(&c.padding, "padding", true, "pad volumes, so that their sizes tell little")
	f.StringSliceVar(&c.kinds, "key-kind", nil, "kinds of keys that content may be encrypted to: openpgp, age-x25519, age-hybrid, age-ssh")
	f.StringVar(&c.confirm, "confirm", "", "confirm the proposed policy of this digest, or of its first 12 digits or more")
	f.StringVar(&c.as, "as", "", "the admin's key that signs")
	return cmd
}

var digestStart = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

// check refuses wrong usage, and what no policy may say.
func (c *policyChange) check(cmd *cobra.Command) error {
	if c.given("confirm") {
		c.confirm = strings.ToLower(strings.Join(strings.Fields(c.confirm), ""))
		if !digestStart.MatchString(c.confirm) {
			return usagef("exhibit policy sign: --confirm takes a digest: 64 hexadecimal digits, or the first 12 or more of them")
		}
		if i := slices.IndexFunc(changing, c.given); i >= 0 {
			return usagef("exhibit policy sign: --confirm and --%s exclude each other: what was proposed is confirmed, or not", changing[i])
		}
		return checkAs(cmd, c.as)
	}
	if !slices.ContainsFunc(changing, c.given) {
		return usagef("exhibit policy sign: nothing to change: give --file or what is to be another, or --confirm DIGEST")
	}
	if err := c.checkNumbers(); err != nil {
		return err
	}
	if err := c.checkKinds(); err != nil {
		return err
	}
	return checkAs(cmd, c.as)
}

func (c *policyChange) checkNumbers() error {
	if c.given("emergency-persons") != c.given("emergency-hours") {
		return usagef("exhibit policy sign: --emergency-persons and --emergency-hours go together")
	}
	if c.noEmergency && c.given("emergency-persons") {
		return usagef("exhibit policy sign: --no-emergency and --emergency-persons exclude each other")
	}
	for _, n := range []struct {
		flag           string
		value, min, up int64
	}{
		{"approvals", c.approvals, policy.MinPersons, policy.MaxPersons},
		{"emergency-persons", c.persons, policy.MinPersons, policy.MaxPersons},
		{"emergency-hours", c.hours, policy.MinEmergencyHours, policy.MaxEmergencyHours},
		{"volume-bytes", c.volume, policy.MinVolumeBytes, policy.MaxVolumeBytes},
	} {
		if c.given(n.flag) && (n.value < n.min || n.value > n.up) {
			return usagef("exhibit policy sign: --%s must be %d to %d", n.flag, n.min, n.up)
		}
	}
	return nil
}

func (c *policyChange) checkKinds() error {
	if c.given("key-kind") && len(c.kinds) == 0 {
		return usagef("exhibit policy sign: --key-kind is empty: content could be encrypted to nobody")
	}
	for _, k := range c.kinds {
		if !sign.KeyKind(k).Encrypts() {
			return usagef("exhibit policy sign: no key kind %q; the kinds are openpgp, age-x25519, age-hybrid, age-ssh", k)
		}
	}
	return nil
}

// readDraft reads a policy that somebody has written.
func readDraft(path string) (policy.Policy, error) {
	data, err := readFile(path, policy.MaxDraft)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("policy: %w", err)
	}
	p, err := policy.ParseDraft(data)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// next is the policy that the flags make of the one in force.
func (c *policyChange) next(inForce *policy.Policy) (next policy.Policy, err error) {
	switch {
	case c.file != "":
		if next, err = readDraft(c.file); err != nil {
			return next, err
		}
	case inForce != nil:
		next = *inForce
	default:
		next = policy.Default(defaultApprovals)
	}
	if c.given("approvals") { // the rule for all that have none of their own is the first
		next.Approvals = slices.Clone(next.Approvals)
		next.Approvals[0].Persons = c.approvals
	}
	if c.given("emergency-persons") {
		next.Emergency = &policy.Emergency{Persons: c.persons, Hours: c.hours}
	}
	if c.noEmergency {
		next.Emergency = nil
	}
	if c.given("volume-bytes") {
		next.VolumeBytes = c.volume
	}
	if c.given("padding") {
		next.Padding = c.padding
	}
	if c.given("key-kind") {
		next.KeyKinds = nil
		for _, k := range c.kinds {
			next.KeyKinds = append(next.KeyKinds, sign.KeyKind(k))
		}
		slices.Sort(next.KeyKinds)
		next.KeyKinds = slices.Compact(next.KeyKinds)
	}
	return next, nil
}

// proposeIn signs the next policy as the first of two admins.
func (c *policyChange) proposeIn(ctx context.Context, s *session) error {
	next, err := c.next(s.inForce())
	if err != nil {
		return err
	}
	if err := c.checkNew(s, &next); err != nil {
		return err
	}
	s.sayChanges(&next)
	admin, err := s.signer(ctx, c.as)
	if err != nil {
		return err
	}
	digest, err := s.authority.SignPolicy(ctx, next, admin, c.app.env.now())
	if err != nil {
		return err
	}
	if s.authority, err = s.provider.Load(ctx, c.app.env.now()); err != nil {
		return err
	}
	i := slices.IndexFunc(s.authority.PendingPolicies, func(p policy.Pending) bool { return p.Digest == digest })
	if i < 0 {
		return fmt.Errorf("policy %s: %w", digest, errNotTaken)
	}
	return c.app.print(policyProposed{s.pendingInWords(s.authority.PendingPolicies[i]), s.otherAdmin(admin.Fingerprint())})
}

var errNotTaken = errors.New("it was signed, and does not count: another policy came first")

// checkNew refuses a policy that is in force, or proposed, as it is.
func (c *policyChange) checkNew(s *session, next *policy.Policy) error {
	draft := string(next.Draft())
	if now := s.inForce(); now != nil && string(now.Draft()) == draft {
		return usagef("exhibit policy sign: that changes nothing of policy %d, which is in force", now.Serial)
	}
	for _, p := range s.authority.PendingPolicies {
		if string(p.Draft()) == draft {
			return &hintedError{
				fmt.Errorf("policy %d, signed by %s: %w", p.Serial, s.adminText(p.Signer), export.ErrPending),
				fmt.Sprintf("another admin than %s confirms it with `exhibit policy sign --confirm %s --as KEY`", s.adminText(p.Signer), p.Digest),
			}
		}
	}
	return nil
}

// sayChanges says what a policy changes, before it is signed; without one in force
// all that it says.
func (s *session) sayChanges(next *policy.Policy) {
	now := s.inForce()
	if now == nil {
		s.say("no policy is in force; this one says:")
		for _, l := range policyLines(next) {
			s.say("  %s", l)
		}
		return
	}
	s.say("what it changes of policy %d:", now.Serial)
	for _, change := range policyChanges(now, next) {
		s.say("  %s", change)
	}
}

// otherAdmin names a key of another admin than the one who holds a key; KEY where
// there is not just one.
func (s *session) otherAdmin(fingerprint string) string {
	holder, name := s.authority.Keys.Holder(fingerprint), ""
	for _, k := range s.authority.Keys.All() {
		if k.Entry.Holder == holder || k.Entry.Name == name || s.authority.Keys.Valid(k.Entry.Fingerprint, sign.Admin, s.env.now()) != nil {
			continue
		}
		if name != "" {
			return "KEY"
		}
		name = k.Entry.Name
	}
	if name == "" {
		return "KEY"
	}
	return name
}

// policyProposed is a policy that one admin has signed.
type policyProposed struct {
	policyResult
	other string
}

func (r policyProposed) text(w io.Writer) {
	fmt.Fprintf(w, "proposed policy %d of %s, digest %s\n", r.Serial, oneLine(r.Provider), r.Digest)
	fmt.Fprintf(w, "it is not in force until another admin confirms it with:\n  exhibit policy sign --confirm %s --as %s\n", r.Digest, r.other)
}
