package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/order"
	"exhibit/sign/statement"
)

type reviewOptions struct {
	app    *app
	accept bool
	inPart string
	admit  string
	as     string
	with   export.Review
}

func newOrderReview(a *app) *cobra.Command {
	o := &reviewOptions{app: a}
	cmd := &cobra.Command{
		Use:   "review ORDER (--accept | --in-part FILE)",
		Short: "accept an order, or a part of it",
		Long: `order review makes your signed statement that the order is lawful: as it is, or in
part. It counts until the next review, and approvals are of it: a new review needs new
ones. Whoever reviews an order may not approve it.

FILE of --in-part names all that is accepted, in the syntax of the order's accounts:

  type: exhibit/narrowing/v1
  accounts:
    - account: alice@mail.example
      start: 2026-02-01
      end: 2026-02-28
      categories: [traffic]

An account that leaves without any limit of time has to be named with --entire.
--admit takes the list that "exhibit export --undetermined" has written: the lines with
a ground count as in scope, by the digest of their bytes, the others do not.`,
		Example: `  exhibit order review order.yaml --accept --as reviewer1
  exhibit order review order.yaml --accept --entire bob@mail.example --as reviewer1
  exhibit order review order.yaml --in-part narrowing.yaml --ground 'the span is too wide' --as reviewer1
  exhibit order review order.yaml --accept --admit undetermined.csv --as reviewer1`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.accept, "accept", false, "the order is lawful as it is")
	f.StringVar(&o.inPart, "in-part", "", "what this file names of the order is lawful, and no more; wants --ground")
	f.StringArrayVar(&o.with.Entire, "entire", nil, "an account that may leave without any limit of time; repeat for more")
	f.StringVar(&o.admit, "admit", "", "the list of undetermined items, with a ground for each that is admitted")
	f.StringVar(&o.with.Ground, "ground", "", "why")
	f.StringVar(&o.as, "as", "", "your key")
	return cmd
}

// check reads the command line, before anything is shown.
func (o *reviewOptions) check(cmd *cobra.Command) error {
	inPart := cmd.Flags().Changed("in-part")
	switch {
	case o.accept == inPart:
		return usagef("%s: one of --accept and --in-part FILE is wanted; to refuse: exhibit order refuse", cmd.CommandPath())
	case inPart && o.inPart == "":
		return usagef("%s: --in-part has no file", cmd.CommandPath())
	case cmd.Flags().Changed("admit") && o.admit == "":
		return usagef("%s: --admit has no file", cmd.CommandPath())
	}
	o.with.Decision = statement.Accept
	if inPart {
		o.with.Decision = statement.AcceptInPart
		if err := groundFlag(cmd, o.with.Ground); err != nil {
			return err
		}
	}
	return checkAs(cmd, o.as)
}

func (o *reviewOptions) run(ctx context.Context, path string) error {
	d, err := o.app.deciding(ctx, path, o.as)
	if err != nil {
		return err
	}
	effective, err := o.read(d.file.Order)
	if err != nil {
		return err
	}
	d.show(effective)
	d.showAdmitted(o.with.Admitted)
	return d.review(ctx, o.with, effective)
}

// read reads what is accepted, and what is admitted besides.
func (o *reviewOptions) read(ord *order.Order) (*order.Order, error) {
	effective := ord
	if o.with.Decision == statement.AcceptInPart {
		data, err := readFile(o.inPart, order.MaxBytes)
		if err != nil {
			return nil, fmt.Errorf("narrowing: %w", err)
		}
		if o.with.Parts, err = order.ParseNarrowing(filepath.Base(o.inPart), data, ord); err != nil {
			return nil, severalErrors(err)
		}
		if effective, err = ord.Narrow(o.with.Parts); err != nil {
			return nil, fmt.Errorf("%s: %w", o.inPart, err)
		}
	}
	if o.admit == "" {
		return effective, nil
	}
	var err error
	if o.with.Admitted, err = readAdmitted(o.admit); err != nil {
		return nil, err
	}
	if len(o.with.Admitted) == 0 {
		return nil, &hintedError{fmt.Errorf("%s: no line has a ground, so nothing would be admitted", o.admit), "write a ground into the last column of each item that belongs to the order, or leave --admit out"}
	}
	return effective, nil
}

// showAdmitted lists the items that a review admits.
func (d *deciding) showAdmitted(list []statement.Admitted) {
	if len(list) == 0 {
		return
	}
	d.say("\nThe reviewer admits %s that would be withheld as undetermined:", plural(len(list), "item"))
	for _, ad := range list {
		d.say("  of %s, SHA-256 %s: %s", oneLine(ad.Account), ad.SHA256, oneLine(ad.Ground))
	}
}

// review signs a review, and says what it has decided.
func (d *deciding) review(ctx context.Context, with export.Review, effective *order.Order) error {
	by, err := d.actor(ctx, d.as)
	if err != nil {
		return err
	}
	m, err := d.authority.Review(ctx, d.file, with, by)
	if err != nil {
		return err
	}
	r := reviewed{decided: d.decided(), Decision: string(with.Decision), Accounts: []string{}, Entire: []string{}, Admitted: len(with.Admitted)}
	if effective != nil {
		for _, p := range effective.Parts() {
			r.Accounts = append(r.Accounts, p.Account)
		}
		r.Entire = append(r.Entire, effective.EntireAccounts()...)
	}
	if m != nil { // of an order that was refused the policy may know too little
		r.Needed = m.Needed
		if m.Review != nil {
			r.Review = m.Review.SHA256.String()
		}
	}
	return d.print(r)
}

type reviewed struct {
	decided
	Decision string `json:"decision"`
	// Review is the digest of the statement, which approvals are of.
	Review   string   `json:"review"`
	Accounts []string `json:"accounts"`
	Entire   []string `json:"entire"`
	Admitted int      `json:"admitted"`
	Needed   int64    `json:"needed"`
}

func (r reviewed) text(w io.Writer) {
	words := map[statement.Decision]string{
		statement.Accept: "accepted order %s as %s\n", statement.AcceptInPart: "accepted a part of order %s as %s\n", statement.Refuse: "refused order %s as %s\n",
	}
	fmt.Fprintf(w, words[statement.Decision(r.Decision)], oneLine(r.Reference), r.By)
	fmt.Fprintf(w, "  digest     %s\n", r.Digest)
	if statement.Decision(r.Decision) == statement.Refuse {
		fmt.Fprintln(w, "nothing may leave, unless a later review accepts it")
		return
	}
	fmt.Fprintf(w, "  accounts   %s\n", oneLine(strings.Join(r.Accounts, ", ")))
	if len(r.Entire) > 0 {
		fmt.Fprintf(w, "  entire     %s\n", oneLine(strings.Join(r.Entire, ", ")))
	}
	if r.Admitted > 0 {
		fmt.Fprintf(w, "  admitted   %s\n", plural(r.Admitted, "undetermined item"))
	}
	fmt.Fprintf(w, "%s needed now, of others: exhibit order approve ORDER --as KEY\n", approvalsAre(r.Needed))
}

func approvalsAre(n int64) string {
	if n == 1 {
		return "1 approval is"
	}
	return fmt.Sprintf("%d approvals are", n)
}

func newOrderRefuse(a *app) *cobra.Command {
	var as, ground string
	cmd := &cobra.Command{
		Use:   "refuse ORDER",
		Short: "refuse an order, with the ground",
		Long: `order refuse makes your signed statement, as a reviewer, that the order is not to be
fulfilled, and why. Nothing leaves under it unless a later review accepts it. What the
agency is told is another matter: exhibit sends nothing.`,
		Example: `  exhibit order refuse order.yaml --ground 'the issuing authority is not competent' --as reviewer1`,
		Args:    exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(groundFlag(cmd, ground), checkAs(cmd, as)); err != nil {
				return err
			}
			d, err := a.deciding(cmd.Context(), args[0], as)
			if err != nil {
				return err
			}
			d.show(d.file.Order)
			return d.review(cmd.Context(), export.Review{Decision: statement.Refuse, Ground: ground}, nil)
		},
	}
	f := cmd.Flags()
	f.StringVar(&ground, "ground", "", "why")
	f.StringVar(&as, "as", "", "your key")
	return cmd
}
