package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/policy"
)

func newPolicy(a *app) *cobra.Command {
	return group("policy", "what the admins have laid down for every export", newPolicyShow(a), newPolicySign(a))
}

type policyResult struct {
	policy.Policy
	Digest string `json:"digest"`
}

func (r policyResult) text(w io.Writer) {
	fmt.Fprintf(w, "policy %d of %s, digest %s\n", r.Serial, oneLine(r.Provider), r.Digest)
	fmt.Fprintf(w, "  approvals     %d\n  key kinds     %v\n  volume bytes  %d\n  padding       %t\n", r.Approvals, r.KeyKinds, r.VolumeBytes, r.Padding)
	fmt.Fprintf(w, "  signed        %s\n", r.Time)
}

func newPolicyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "show the policy in force",
		Example: "  exhibit policy show --json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.session(cmd.Context())
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

func newPolicySign(a *app) *cobra.Command {
	var (
		approvals, volume int64
		padding           bool
		kinds             []string
		as                string
	)
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
			s, err := a.session(ctx)
			if err != nil {
				return err
			}
			next := policy.Policy{Approvals: defaultApprovals, KeyKinds: allKinds, VolumeBytes: defaultVolumeBytes, Padding: true}
			if s.authority.Policy != nil {
				next = s.authority.Policy.Policy
			}
			f := cmd.Flags()
			if f.Changed("approvals") {
				next.Approvals = approvals
			}
			if f.Changed("volume-bytes") {
				next.VolumeBytes = volume
			}
			if f.Changed("padding") {
				next.Padding = padding
			}
			if f.Changed("key-kind") {
				next.KeyKinds = nil
				for _, k := range kinds {
					next.KeyKinds = append(next.KeyKinds, sign.KeyKind(k))
				}
				slices.Sort(next.KeyKinds)
			}
			admin, err := s.signer(ctx, as)
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
	f.Int64Var(&approvals, "approvals", defaultApprovals, "how many different persons must approve an order")
	f.Int64Var(&volume, "volume-bytes", defaultVolumeBytes, "soft bound on the size of a volume, in bytes")
	f.BoolVar(&padding, "padding", true, "pad volumes, so that their sizes tell little")
	f.StringSliceVar(&kinds, "key-kind", nil, "kinds of keys that content may be encrypted to: openpgp, age-x25519, age-hybrid, age-ssh")
	f.StringVar(&as, "as", "", "the admin's key that signs")
	return cmd
}
