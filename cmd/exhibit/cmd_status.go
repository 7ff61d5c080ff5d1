package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/store"
)

// The bounds of --interval.
const (
	minInterval = 100 * time.Millisecond
	maxInterval = time.Hour
)

type statusOptions struct {
	app      *app
	all      bool
	watch    bool
	interval time.Duration
}

func newStatus(a *app) *cobra.Command {
	o := &statusOptions{app: a}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "every order with its clock, and what is next",
		Long: `status shows every order that the store knows, the most urgent first: how far it has
come, how long ago it was received, when it is due, what holds it, and what somebody has
to do now. Orders that are done are shown with --all only.

On a terminal what is late is red and what is due soon is yellow, unless NO_COLOR is
set. --watch shows it anew every few seconds until it is interrupted.`,
		Example: `  exhibit status
  exhibit status --watch
  exhibit status --all --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "show orders that are done as well")
	f.BoolVar(&o.watch, "watch", false, "show it anew until interrupted")
	f.DurationVar(&o.interval, "interval", 5*time.Second, "how often --watch looks")
	return cmd
}

func (o *statusOptions) check(cmd *cobra.Command) error {
	switch {
	case !o.watch && cmd.Flags().Changed("interval"):
		return usagef("exhibit status: --interval is for --watch")
	case o.interval < minInterval || o.interval > maxInterval:
		return usagef("exhibit status: --interval %s: %s to %s", o.interval, minInterval, maxInterval)
	}
	return nil
}

func (o *statusOptions) run(ctx context.Context) error {
	s, err := o.app.onlooker(ctx)
	if err != nil {
		return err
	}
	if o.watch {
		return o.watching(ctx, s)
	}
	r, err := o.look(ctx, s.authority)
	if err != nil {
		return err
	}
	return o.app.print(r)
}

// look finds how all orders stand now.
func (o *statusOptions) look(ctx context.Context, a *export.Authority) (*statusTold, error) {
	now := o.app.env.now()
	list, err := a.Standings(ctx, now)
	if err != nil {
		return nil, err
	}
	r := &statusTold{Orders: []standingTold{}, now: now, colours: o.colours()}
	for i := range list {
		if o.all || list[i].State.Open() || list[i].Problem != nil {
			r.Orders = append(r.Orders, standingOf(&list[i]))
		} else {
			r.done++
		}
	}
	return r, nil
}

func (o *statusOptions) colours() bool {
	return o.app.env.screen && o.app.env.getenv("NO_COLOR") == ""
}

// What a terminal is told (ECMA-48): to clear itself, to begin at its top, to clear
// what stands behind, and to hide and show the cursor.
const (
	screenClear = "\x1b[2J"
	screenHome  = "\x1b[H"
	screenRest  = "\x1b[J"
	lineRest    = "\x1b[K"
	cursorHide  = "\x1b[?25l"
	cursorShow  = "\x1b[?25h"
)

// watching shows the orders until it is interrupted, which is no failure. A store
// that is out of reach for a while is waited for.
func (o *statusOptions) watching(ctx context.Context, s *session) (err error) {
	screen := o.app.env.screen && !o.app.json
	if screen {
		if err := o.app.write([]byte(cursorHide + screenClear)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.app.write([]byte(cursorShow))) }()
	}
	var last *statusTold
	for {
		r, err := o.again(ctx, s)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrUnreachable) && last != nil:
			o.app.warn("%s; what is shown is of %s", oneLine(plainText(err)), sign.At(last.now))
		case err != nil:
			return err
		default:
			last = r
			if err := o.draw(r, screen); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(o.interval):
		}
	}
}

// again looks with the keys and the policy as they are by now.
func (o *statusOptions) again(ctx context.Context, s *session) (*statusTold, error) {
	authority, err := s.provider.Load(ctx, o.app.env.now())
	if err != nil {
		return nil, err
	}
	return o.look(ctx, authority)
}

// draw shows the orders: over what stood on the screen, or below what was printed.
func (o *statusOptions) draw(r *statusTold, screen bool) error {
	if !screen {
		return o.app.print(r)
	}
	var b strings.Builder
	r.text(&b)
	text := strings.ReplaceAll(b.String(), "\n", lineRest+"\n")
	return o.app.write([]byte(screenHome + text + screenRest))
}

// statusTold is what status prints.
type statusTold struct {
	Orders []standingTold `json:"orders"`

	done    int // that are not shown
	now     time.Time
	colours bool
}

func (r *statusTold) text(w io.Writer) {
	fmt.Fprintf(w, "%s, %s\n", sign.At(r.now), plural(len(r.Orders), "order"))
	if len(r.Orders) > 0 {
		r.table(w)
	}
	if r.done > 0 {
		fmt.Fprintf(w, "%s done: --all shows them\n", plural(r.done, "order"))
	}
}
