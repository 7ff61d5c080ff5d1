package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/clock"
	signature "exhibit/export/instrument"
	"exhibit/export/order"
	"exhibit/export/workspace"
	"exhibit/sign"
)

type checkOptions struct {
	app *app
	as  string
}

func newOrderCheck(a *app) *cobra.Command {
	o := &checkOptions{app: a}
	cmd := &cobra.Command{
		Use:   "check ORDER",
		Short: "say in words what an order would let out",
		Long: `order check reads an order file strictly and the instrument beside it, and says in
words what it would let out: whose data, from when until when, what is held back, and
to whose key. It needs no workspace. In one it also says when the data is due, what
does not fit the policy, and whether the agency's signature over the instrument is
good. With --as it puts on record that the order has come in, once, whether it fits or
not. An order that does not fit is no failure here: read the last lines, or "unfit" in
the JSON.`,
		Example: `  exhibit order check order.yaml
  exhibit order check order.yaml --as fulfilment1`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("as") {
				if err := checkAs(cmd, o.as); err != nil {
					return err
				}
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&o.as, "as", "", "your key (fulfilment, reviewer or approver): put on record that the order has come in")
	return cmd
}

type orderChecked struct {
	Reference string   `json:"reference"`
	Digest    string   `json:"sha256"`
	Accounts  []string `json:"accounts"`
	Expired   bool     `json:"expired"`
	Words     string   `json:"words"`
	// Unfit says why nobody may accept the order as it is, and UnfitCode with
	// which code; both are empty if it fits, and without a workspace.
	Unfit     string `json:"unfit"`
	UnfitCode string `json:"unfit_code"`
	// Clock is null without a workspace, and where the policy knows none.
	Clock *clockTold `json:"clock"`
	// Signature is what became of the agency's signature over the instrument;
	// null where there is none, or none was checked.
	Signature *signatureTold `json:"signature"`
	// Received says that the receipt is on record.
	Received bool `json:"received"`
}

// clockTold is a clock as results have it. What is not known is null.
type clockTold struct {
	Received  string  `json:"received"`
	Target    *string `json:"target"`
	Due       *string `json:"due"`
	DueBy     string  `json:"due_by"`
	Late      bool    `json:"late"`
	Held      bool    `json:"held"`
	HoldUntil *string `json:"hold_until"`
	NoticeDue *string `json:"notice_due"`
	clock     clock.Clock
}

type signatureTold struct {
	Kind        string `json:"kind"`
	Result      string `json:"result"`
	Fingerprint string `json:"fingerprint"`
	Holder      string `json:"holder"`
}

// timeTold is a time in a result; none is null.
func timeTold(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := sign.At(t).String()
	return &text
}

func clockOf(c clock.Clock) *clockTold {
	return &clockTold{
		Received: sign.At(c.Received).String(), Target: timeTold(c.Target), Due: timeTold(c.Due), DueBy: c.DueBy, Late: c.Late,
		Held: c.Held, HoldUntil: timeTold(c.HoldUntil), NoticeDue: timeTold(c.NoticeDue), clock: c,
	}
}

func (r orderChecked) text(w io.Writer) {
	fmt.Fprint(w, r.Words)
	fmt.Fprintf(w, "\norder digest %s\n", r.Digest)
	if r.Clock != nil {
		r.Clock.text(w)
	}
	if s := r.Signature; s != nil {
		fmt.Fprintf(w, "agency's signature over the instrument: %s (%s)\n", s.Result, s.Kind)
		fmt.Fprintf(w, "  key %s\n", oneLine(s.Fingerprint))
		if s.Holder != "" {
			fmt.Fprintf(w, "  of %s\n", oneLine(s.Holder))
		}
	}
	if r.Expired {
		fmt.Fprintln(w, "THE ORDER HAS EXPIRED: it cannot be exported")
	}
	if r.Unfit != "" {
		fmt.Fprintf(w, "IT DOES NOT FIT THE POLICY: %s\n", oneLine(r.Unfit))
	}
	if r.Received {
		fmt.Fprintln(w, "its receipt is on record")
	}
}

func (c *clockTold) text(w io.Writer) {
	line := func(what string, at *string, note string) {
		if at != nil {
			fmt.Fprintf(w, "  %-13s %s%s\n", what, *at, note)
		}
	}
	fmt.Fprintln(w, "clock")
	note := ", " + shortDuration(c.clock.Elapsed) + " ago"
	if c.clock.Stopped {
		note = ", delivered after " + shortDuration(c.clock.Elapsed)
	}
	line("received", &c.Received, note)
	note = ""
	if c.clock.TargetMissed {
		note = ", missed"
	}
	line("house target", c.Target, note)
	if note = ", by " + c.DueBy; c.Late {
		note += ", LATE"
	}
	line("due", c.Due, note)
	if c.Due == nil {
		fmt.Fprintln(w, "  due           no date is set")
	}
	if note = ""; c.Held {
		note = ": nothing may leave before"
	}
	line("hold until", c.HoldUntil, note)
	line("notice due", c.NoticeDue, "")
}

func (o *checkOptions) run(ctx context.Context, path string) error {
	f, err := readOrderFile(path)
	if err != nil {
		return err
	}
	r := orderChecked{Reference: f.Order.Reference, Digest: digestOf(f.Order), Expired: f.Order.Expired(o.app.env.now()), Words: order.Words(f.Order), Accounts: []string{}}
	for _, acc := range f.Order.Accounts {
		r.Accounts = append(r.Accounts, acc.Name)
	}
	s, err := o.workspace(ctx)
	if err != nil {
		return err
	}
	if s != nil {
		if err := o.policy(ctx, s, f, &r); err != nil {
			return err
		}
	}
	return o.app.print(r)
}

// workspace opens the workspace: for whoever wants to record something, there has
// to be one.
func (o *checkOptions) workspace(ctx context.Context) (*session, error) {
	if o.as != "" {
		return o.app.session(ctx)
	}
	return o.app.workspaceIfAny(ctx)
}

// workspaceIfAny opens the workspace to look at; nil where there is none and nobody
// has named one.
func (a *app) workspaceIfAny(ctx context.Context) (*session, error) {
	s, err := a.onlooker(ctx)
	named := a.workspace != "" || a.env.getenv("EXHIBIT_WORKSPACE") != ""
	if errors.Is(err, workspace.ErrNoWorkspace) && !named {
		return nil, nil
	}
	return s, err
}

// policy says what the policy makes of the order, and puts the receipt on record.
func (o *checkOptions) policy(ctx context.Context, s *session, f export.File, r *orderChecked) error {
	now := o.app.env.now()
	checked, err := s.authority.Fit(f, now)
	var unfit *export.Refusal
	if err != nil && !errors.As(err, &unfit) {
		return err
	}
	if unfit != nil {
		r.Unfit, r.UnfitCode = unfit.Why(), string(unfit.Code)
	}
	r.Signature = signatureOf(checked)
	s.sayAgencyKeys(f.Order)
	m, err := s.authority.Mandate(ctx, f.Order, nil, now)
	var refused *export.Refusal
	switch {
	case err == nil:
		r.Clock = clockOf(m.Clock)
	case !errors.As(err, &refused):
		return err
	}
	if o.as == "" {
		return nil
	}
	if err := s.holdsKey(o.as); err != nil {
		return err
	}
	by, err := s.actor(ctx, o.as)
	if err != nil {
		return err
	}
	// What does not fit has come in as well: somebody has to decide about it.
	if _, err = s.authority.Receive(ctx, f, by); err != nil && (unfit == nil || codeOf(err) != r.UnfitCode) {
		return err
	}
	r.Received = true
	return nil
}

func signatureOf(res *signature.Result) *signatureTold {
	if res == nil {
		return nil
	}
	return &signatureTold{Kind: res.Kind, Result: res.Result, Fingerprint: res.Fingerprint, Holder: res.Holder}
}
