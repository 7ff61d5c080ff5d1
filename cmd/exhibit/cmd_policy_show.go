package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
)

// The states of a policy.
const (
	policyInForce = "in force"
	policyWaits   = "waits for a second admin"
)

type policyResult struct {
	policy.Policy
	Digest string `json:"digest"`
	State  string `json:"state"`
	// Since and ConfirmedBy are null while it waits.
	Since       *sign.Time `json:"since"`
	ConfirmedBy *string    `json:"confirmed_by"`
	// Changes are what differs from the policy in force, of one that waits or has
	// just come into force.
	Changes []policyChanged `json:"changes"`

	signer, second string // in words
}

// policyInWords is the policy in force, as it is printed.
func (s *session) policyInWords() policyResult {
	p := s.authority.Policy
	return policyResult{
		Policy: p.Policy, Digest: p.Digest.String(), State: policyInForce, Since: &p.Since, ConfirmedBy: &p.ConfirmedBy,
		Changes: []policyChanged{}, signer: s.adminText(p.Signer), second: s.adminText(p.ConfirmedBy),
	}
}

// pendingInWords is a policy that waits, as it is printed.
func (s *session) pendingInWords(p policy.Pending) policyResult {
	return policyResult{
		Policy: p.Policy, Digest: p.Digest.String(), State: policyWaits,
		Changes: policyChanges(s.inForce(), &p.Policy), signer: s.adminText(p.Signer),
	}
}

// inForce is the policy in force, or nil.
func (s *session) inForce() *policy.Policy {
	if s.authority.Policy == nil {
		return nil
	}
	return &s.authority.Policy.Policy
}

// adminText names who holds an admin's key.
func (s *session) adminText(fingerprint string) string {
	k, err := s.authority.Keys.ByFingerprint(fingerprint)
	if err != nil {
		return keyring.FormatFingerprint(fingerprint)
	}
	return fmt.Sprintf("%s (%s)", oneLine(k.Entry.Holder), k.Entry.Name)
}

func (r policyResult) text(w io.Writer) {
	fmt.Fprintf(w, "policy %d of %s, digest %s\n", r.Serial, oneLine(r.Provider), r.Digest)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range policyLines(&r.Policy) {
		if _, part, ok := strings.Cut(l.label, ", "); ok && strings.HasPrefix(l.label, "regime ") {
			l.label = "  " + part
		}
		fmt.Fprintf(t, "  %s\t%s\n", l.label, oneLine(l.value))
	}
	fmt.Fprintf(t, "  signed\t%s by %s\n", r.Time, r.signer)
	if r.Since != nil {
		fmt.Fprintf(t, "  confirmed\t%s by %s\n", r.Since, r.second)
	} else {
		fmt.Fprintf(t, "  state\t%s\n", r.State)
	}
	t.Flush()
	for i, c := range r.Changes {
		if i == 0 {
			fmt.Fprintln(w, "what it changes:")
		}
		fmt.Fprintf(w, "  %s\n", c)
	}
}

type policiesPending struct {
	Pending []policyResult `json:"pending"`
}

func (r policiesPending) text(w io.Writer) {
	if len(r.Pending) == 0 {
		fmt.Fprintln(w, "no policy waits for a second admin")
	}
	for i, p := range r.Pending {
		if i > 0 {
			fmt.Fprintln(w)
		}
		p.text(w)
		fmt.Fprintf(w, "another admin than %s confirms it with:\n  exhibit policy sign --confirm %s --as KEY\n", p.signer, p.Digest)
	}
}

func newPolicyShow(a *app) *cobra.Command {
	var pending, draft bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "show the policy in force",
		Long: `policy show prints the policy in force: how many must approve, the rule for
emergencies, the clocks of each regime with their source, and how packages are made
and kept; who signed it and who confirmed it. --pending shows those that wait for a
second admin, and what each would change. --draft prints the JSON that can be edited
and given to policy sign --file.`,
		Example: `  exhibit policy show
  exhibit policy show --pending
  exhibit policy show --draft > policy.json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if pending && draft {
				return usagef("exhibit policy show: --pending and --draft exclude each other")
			}
			s, err := a.onlooker(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case pending:
				return s.showPending()
			case draft:
				return s.showDraft()
			case s.authority.Policy == nil:
				return s.noPolicy()
			}
			return a.print(s.policyInWords())
		},
	}
	cmd.Flags().BoolVar(&pending, "pending", false, "show the policies that wait for a second admin")
	cmd.Flags().BoolVar(&draft, "draft", false, "print a draft to edit, for policy sign --file")
	return cmd
}

// noPolicy says why none is in force.
func (s *session) noPolicy() error {
	for _, r := range s.authority.RejectedPolicies {
		s.warn("a policy does not count: %s", oneLine(r.Reason.Error()))
	}
	reason := "no policy is in force"
	if serial := s.authority.Contested(); serial > 0 {
		reason = fmt.Sprintf("no policy is in force: of serial %d two were signed, or an admin of it was revoked from before; the next that two admins sign will be", serial)
	}
	return &export.Refusal{Code: export.NoPolicy, Reason: reason}
}

func (s *session) showPending() error {
	list := policiesPending{Pending: []policyResult{}}
	for _, p := range s.authority.PendingPolicies {
		list.Pending = append(list.Pending, s.pendingInWords(p))
	}
	return s.print(list)
}

// showDraft prints JSON, whether --json is given or not.
func (s *session) showDraft() error {
	p := s.inForce()
	if p == nil {
		s.say("note: no policy is in force; this is what a new one begins with")
		begin := policy.Default(defaultApprovals)
		p = &begin
	}
	s.printed = s.json
	return s.write(p.Draft())
}
