package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign/manifest"
	"exhibit/sign/statement"
)

type approveOptions struct {
	app                     *app
	as, expires, supersedes string
	with                    export.Approval
}

func newOrderApprove(a *app) *cobra.Command {
	o := &approveOptions{app: a}
	cmd := &cobra.Command{
		Use:   "approve ORDER",
		Short: "approve one package of an order, as it was reviewed",
		Long: `order approve makes your signed statement that one package of this order may be made:
of exactly these bytes of the order, as far as the review in force accepts them, under
the policy in force. It shows the review and what would leave first. Your own review
you cannot approve.

With --emergency you invoke the policy's rule for emergencies: the order, of priority
emergency, may leave before all have approved. The others must follow in time, or
nothing more leaves.`,
		Example: `  exhibit order approve order.yaml --as approver1
  exhibit order approve order.yaml --emergency --ground 'danger to life, called back' --as approver1
  exhibit order approve order.yaml --as approver1 --supersedes 4b1d…`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.as, "as", "", "your key")
	f.BoolVar(&o.with.Emergency, "emergency", false, "invoke the emergency rule; wants --ground")
	f.StringVar(&o.expires, "expires", "", "after this time, RFC 3339, the approval counts no more (default: never)")
	f.StringVar(&o.with.Ground, "ground", "", "why")
	f.StringVar(&o.supersedes, "supersedes", "", "the package that this one takes the place of")
	return cmd
}

type approved struct {
	decided
	Sequence  int64    `json:"sequence"`
	Approvals []string `json:"approvals"`
	Needed    int64    `json:"needed"`
	Enough    bool     `json:"enough"`
	// Reviewer is who reviewed it, and Acceptance whole or in-part.
	Reviewer   string `json:"reviewer"`
	Acceptance string `json:"acceptance"`
	// Emergency says that only the emergency rule lets it out.
	Emergency bool `json:"emergency"`
	// Waits says why nothing may leave yet though there are enough; or is empty.
	Waits string `json:"waits"`
}

func (r approved) text(w io.Writer) {
	fmt.Fprintf(w, "approved order %s as %s\n", oneLine(r.Reference), r.By)
	fmt.Fprintf(w, "  digest     %s\n  approvals  %d of %d\n", r.Digest, len(r.Approvals), r.Needed)
	for _, who := range r.Approvals {
		fmt.Fprintf(w, "             %s\n", oneLine(who))
	}
	switch {
	case !r.Enough:
	case r.Waits != "":
		fmt.Fprintf(w, "it has to wait: %s\n", oneLine(r.Waits))
	case r.Emergency:
		fmt.Fprintln(w, "it may be exported under the emergency rule; the other approvals have to follow")
	default:
		fmt.Fprintln(w, "it may be exported")
	}
}

// check reads the command line, before anything is shown.
func (o *approveOptions) check(cmd *cobra.Command) (err error) {
	if o.with.Emergency {
		if err := groundFlag(cmd, o.with.Ground); err != nil {
			return err
		}
	}
	if o.with.Supersedes, err = packageFlag(cmd, "supersedes", o.supersedes); err != nil {
		return err
	}
	if o.with.Expires, err = timeFlag(cmd, "expires", o.expires); err != nil {
		return err
	}
	return checkAs(cmd, o.as)
}

func (o *approveOptions) run(ctx context.Context, path string) error {
	d, err := o.app.deciding(ctx, path, o.as)
	if err != nil {
		return err
	}
	m, err := d.authority.Mandate(ctx, d.file.Order, o.with.Supersedes, o.app.env.now())
	if err != nil {
		return err
	}
	d.showReview(m)
	by, err := d.actor(ctx, o.as)
	if err != nil {
		return err
	}
	if m, err = d.authority.Approve(ctx, d.file, o.with, by); err != nil {
		return err
	}
	r := approved{
		decided: d.decided(), Sequence: m.Sequence, Needed: m.Needed, Enough: m.Enough(), Emergency: m.ByEmergency,
		Approvals: []string{}, Acceptance: acceptanceOf(m), Reviewer: m.Review.Statement.Person.Holder,
	}
	for _, ap := range m.Approvals {
		r.Approvals = append(r.Approvals, ap.Statement.Person.Holder)
	}
	var refused *export.Refusal
	if r.Enough && errors.As(m.Allows(), &refused) {
		r.Waits = refused.Why()
	}
	return o.app.print(r)
}

// showReview shows what an approver builds on: what was reviewed, by whom, and
// what would leave.
func (d *deciding) showReview(m *export.Mandate) {
	if m.Effective == nil {
		d.show(m.Order)
		return
	}
	d.show(m.Effective)
	st := m.Review.Statement
	d.showAdmitted(st.Admitted)
	how := "as it is"
	if st.Decision == statement.AcceptInPart {
		how = "in part"
	}
	d.say("\nAccepted %s by %s (%s) at %s%s", how, oneLine(st.Person.Holder), st.Person.Name, st.Time, groundText(st.Ground))
	for _, ap := range m.Approvals {
		d.say("Approved by %s (%s) at %s%s", oneLine(ap.Statement.Person.Holder), ap.Statement.Person.Name, ap.Statement.Time, groundText(ap.Statement.Ground))
	}
}

func groundText(ground *string) string {
	if ground == nil {
		return ""
	}
	return ": " + oneLine(*ground)
}

// acceptanceOf says how much of the order the review in force accepts.
func acceptanceOf(m *export.Mandate) string {
	switch {
	case m == nil || m.Effective == nil:
		return ""
	case m.Effective.Narrowed():
		return string(manifest.InPart)
	}
	return string(manifest.Whole)
}
