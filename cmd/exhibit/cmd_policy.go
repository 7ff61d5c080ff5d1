package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/policy"
)

func newPolicy(a *app) *cobra.Command {
	return group("policy", "what the admins have laid down for every export",
		`  exhibit policy show
  exhibit policy sign --approvals 3 --as admin`,
		newPolicyShow(a), newPolicySign(a))
}

type policyResult struct {
	policy.Policy
	Digest string `json:"digest"`
}

func (r policyResult) text(w io.Writer) {
	fmt.Fprintf(w, "policy %d of %s, digest %s\n", r.Serial, oneLine(r.Provider), r.Digest)
	kinds := make([]string, len(r.KeyKinds))
	for i, k := range r.KeyKinds {
		kinds[i] = string(k)
	}
	fmt.Fprintf(w, "  approvals     %d\n  key kinds     %s\n  volume bytes  %d\n  padding       %t\n", r.Approvals, strings.Join(kinds, ", "), r.VolumeBytes, r.Padding)
	fmt.Fprintf(w, "  signed        %s\n", r.Time)
}

func newPolicyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "show the policy in force",
		Example: "  exhibit policy show --json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			if s.authority.Policy == nil {
				return &export.Refusal{Code: export.NoPolicy, Reason: "no policy has been signed"}
			}
			return a.print(policyResult{s.authority.Policy.Policy, s.authority.Policy.Digest.String()})
		},
	}
}

// policyChange is what the flags of policy sign change.
type policyChange struct {
	approvals, volume int64
	padding           bool
	kinds             []string
	as                string
}

func newPolicySign(a *app) *cobra.Command {
	var c policyChange
	cmd := &cobra.Command{
		Use:   "sign",
		Short: "put a changed policy into force",
		Long: `policy sign makes the next policy: that in force, with what the flags change. Every
approval names the policy that it was given under, so approvals given before do
not count any more.`,
		Example: `  exhibit policy sign --approvals 3 --as admin`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := c.check(cmd); err != nil {
				return err
			}
			s, err := a.session(ctx)
			if err != nil {
				return err
			}
			next := policy.Policy{Approvals: defaultApprovals, KeyKinds: allKinds, VolumeBytes: defaultVolumeBytes, Padding: true}
			if s.authority.Policy != nil {
				next = s.authority.Policy.Policy
			}
			c.apply(cmd, &next)
			admin, err := s.signer(ctx, c.as)
			if err != nil {
				return err
			}
			if err := s.authority.SignPolicy(ctx, next, admin, a.env.now()); err != nil {
				return err
			}
			again, err := s.provider.Load(ctx, a.env.now())
			if err != nil {
				return err
			}
			return a.print(policyResult{again.Policy.Policy, again.Policy.Digest.String()})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&c.approvals, "approvals", defaultApprovals, "how many different persons must approve an order")
	f.Int64Var(&c.volume, "volume-bytes", defaultVolumeBytes, "soft bound on the size of a volume, in bytes")
	f.BoolVar(&c.padding, "padding", true, "pad volumes, so that their sizes tell little")
	f.StringSliceVar(&c.kinds, "key-kind", nil, "kinds of keys that content may be encrypted to: openpgp, age-x25519, age-hybrid, age-ssh")
	f.StringVar(&c.as, "as", "", "the admin's key that signs")
	return cmd
}

// check refuses what no policy may say.
func (c *policyChange) check(cmd *cobra.Command) error {
	f := cmd.Flags()
	if c.approvals < policy.MinApprovals || c.approvals > policy.MaxApprovals {
		return usagef("exhibit policy sign: --approvals must be %d to %d", policy.MinApprovals, policy.MaxApprovals)
	}
	if c.volume < policy.MinVolumeBytes || c.volume > policy.MaxVolumeBytes {
		return usagef("exhibit policy sign: --volume-bytes must be %d to %d", policy.MinVolumeBytes, int64(policy.MaxVolumeBytes))
	}
	if f.Changed("key-kind") && len(c.kinds) == 0 {
		return usagef("exhibit policy sign: --key-kind is empty: content could be encrypted to nobody")
	}
	for _, k := range c.kinds {
		if !sign.KeyKind(k).Valid() {
			return usagef("exhibit policy sign: no key kind %q; the kinds are openpgp, age-x25519, age-hybrid, age-ssh", k)
		}
	}
	return checkAs(cmd, c.as)
}

// apply changes what flags were given for.
func (c *policyChange) apply(cmd *cobra.Command, next *policy.Policy) {
	f := cmd.Flags()
	if f.Changed("approvals") {
		next.Approvals = c.approvals
	}
	if f.Changed("volume-bytes") {
		next.VolumeBytes = c.volume
	}
	if f.Changed("padding") {
		next.Padding = c.padding
	}
	if f.Changed("key-kind") {
		next.KeyKinds = nil
		for _, k := range c.kinds {
			next.KeyKinds = append(next.KeyKinds, sign.KeyKind(k))
		}
		slices.Sort(next.KeyKinds)
		next.KeyKinds = slices.Compact(next.KeyKinds)
	}
}
