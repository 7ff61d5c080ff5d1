package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"exhibit/sign"
)

func newOrderWithdraw(a *app) *cobra.Command {
	var as, ground, successor string
	cmd := &cobra.Command{
		Use:   "withdraw ORDER",
		Short: "end an order for good",
		Long: `order withdraw ends an order for good, because the agency has taken it back or another
takes its place: nothing leaves under it any more. What has left, has left.`,
		Example: `  exhibit order withdraw order.yaml --ground 'withdrawn by the authority, letter of 3 May' --as reviewer1
  exhibit order withdraw order.yaml --superseded-by new.yaml --ground 'corrected by the authority' --as reviewer1`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := groundFlag(cmd, ground); err != nil {
				return err
			}
			if cmd.Flags().Changed("superseded-by") && successor == "" {
				return usagef("%s: --superseded-by has no order", cmd.CommandPath())
			}
			if err := checkAs(cmd, as); err != nil {
				return err
			}
			return a.withdraw(cmd.Context(), args[0], as, ground, successor)
		},
	}
	f := cmd.Flags()
	f.StringVar(&ground, "ground", "", "why")
	f.StringVar(&successor, "superseded-by", "", "the file of the order that takes its place")
	f.StringVar(&as, "as", "", "your key")
	return cmd
}

type withdrawn struct {
	decided
	// Successor is the digest of the order that takes its place, or null.
	Successor *string `json:"successor"`
	Ground    string  `json:"ground"`
}

func (r withdrawn) text(w io.Writer) {
	fmt.Fprintf(w, "ended order %s as %s\n  digest     %s\n", oneLine(r.Reference), r.By, r.Digest)
	if r.Successor != nil {
		fmt.Fprintf(w, "  successor  %s\n", *r.Successor)
	}
	fmt.Fprintln(w, "nothing leaves under it any more")
}

func (a *app) withdraw(ctx context.Context, path, as, ground, successor string) error {
	var next *sign.Digest
	r := withdrawn{Ground: ground}
	if successor != "" {
		o, err := readOrder(successor)
		if err != nil {
			return fmt.Errorf("the order that takes its place: %w", err)
		}
		digest := sign.Digest(o.Digest())
		text := digest.String()
		next, r.Successor = &digest, &text
	}
	d, err := a.deciding(ctx, path, as)
	if err != nil {
		return err
	}
	d.show(d.file.Order)
	by, err := d.actor(ctx, as)
	if err != nil {
		return err
	}
	if _, err := d.authority.Withdraw(ctx, d.file, ground, next, by); err != nil {
		return err
	}
	r.decided = d.decided()
	return a.print(r)
}
