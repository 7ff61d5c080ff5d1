package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
)

type noticeOptions struct {
	app       *app
	as        string
	sent      string
	noRefusal bool
	ground    string
	at        time.Time // of sent
}

// sentNow is what --sent means without a time.
const sentNow = "now"

func newOrderNotice(a *app) *cobra.Command {
	o := &noticeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "notice ORDER (--sent[=TIME] | --no-refusal)",
		Short: "put on record that the user was told, or that no refusal is raised",
		Long: `order notice puts on record what was heard of others or told them. exhibit sends
nothing itself.

--sent says that the user was told of the order, now or at that time; while a duty of
non-disclosure runs it is refused. --no-refusal says, for a reviewer, that the enforcing
authority raises no ground for refusal: it ends the hold.`,
		Example: `  exhibit order notice order.yaml --sent --as fulfilment1
  exhibit order notice order.yaml --sent=2026-11-11T09:00:00Z --as fulfilment1
  exhibit order notice order.yaml --no-refusal --ground 'their letter of 12 May' --as reviewer1`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.sent, "sent", "", "the user was told, now or at this time, RFC 3339")
	f.Lookup("sent").NoOptDefVal = sentNow
	f.BoolVar(&o.noRefusal, "no-refusal", false, "the enforcing authority raises no ground for refusal; wants --ground")
	f.StringVar(&o.ground, "ground", "", "how that is known")
	f.StringVar(&o.as, "as", "", "your key")
	return cmd
}

// check reads the command line, before anything is shown.
func (o *noticeOptions) check(cmd *cobra.Command) (err error) {
	sent := cmd.Flags().Changed("sent")
	switch {
	case sent == o.noRefusal:
		return usagef("%s: one of --sent and --no-refusal is wanted", cmd.CommandPath())
	case o.noRefusal:
		err = groundFlag(cmd, o.ground)
	case o.ground != "":
		return usagef("%s: --ground is for --no-refusal", cmd.CommandPath())
	case o.sent == sentNow:
		o.at = o.app.env.now()
	default:
		o.at, err = timeFlag(cmd, "sent", o.sent)
	}
	if err != nil {
		return err
	}
	return checkAs(cmd, o.as)
}

type noticed struct {
	decided
	// Sent is when the user was told, or null.
	Sent *string `json:"sent"`
	// HoldUntil is when the hold has ended, or null.
	HoldUntil *string `json:"hold_until"`
}

func (r noticed) text(w io.Writer) {
	if r.Sent != nil {
		fmt.Fprintf(w, "on record: the user was told of order %s at %s\n", oneLine(r.Reference), *r.Sent)
		return
	}
	fmt.Fprintf(w, "on record: no ground for refusal is raised against order %s\n", oneLine(r.Reference))
	if r.HoldUntil != nil {
		fmt.Fprintf(w, "the hold ended at %s\n", *r.HoldUntil)
	}
}

func (o *noticeOptions) run(ctx context.Context, path string) error {
	d, err := o.app.deciding(ctx, path, o.as)
	if err != nil {
		return err
	}
	d.show(d.file.Order)
	by, err := d.actor(ctx, o.as)
	if err != nil {
		return err
	}
	r := noticed{decided: d.decided()}
	if o.noRefusal {
		var m *export.Mandate
		if m, err = d.authority.LiftHold(ctx, d.file, o.ground, by); err == nil {
			r.HoldUntil = timeTold(m.Clock.HoldUntil)
		}
	} else {
		err = d.authority.NoticeSent(ctx, d.file, o.at, by)
		at := sign.At(o.at).String()
		r.Sent = &at
	}
	if err != nil {
		return err
	}
	return o.app.print(r)
}
