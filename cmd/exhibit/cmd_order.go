package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/order"
	"exhibit/sign"
)

func newOrder(a *app) *cobra.Command {
	return group("order", "check and approve orders",
		`  exhibit order check order.yaml
  exhibit order approve order.yaml --as approver1`,
		newOrderCheck(a), newOrderApprove(a))
}

// readOrder reads and parses an order file.
func readOrder(path string) (*order.Order, error) {
	data, err := readFile(path, order.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	o, err := order.Parse(filepath.Base(path), data)
	var list order.Errors
	if errors.As(err, &list) && len(list) > 1 {
		return nil, &orderInvalid{list}
	}
	return o, err
}

// orderInvalid is several errors of an order, told in one line; the hints tell
// the rest.
type orderInvalid struct{ list order.Errors }

func (e *orderInvalid) Error() string {
	return fmt.Sprintf("%v (and %d more)", e.list[0], len(e.list)-1)
}

func (e *orderInvalid) Unwrap() error { return e.list }

// readInstrument reads the legal instrument beside the order, and checks it.
func readInstrument(path string, o *order.Order) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, plainPathError(err)
	}
	defer root.Close()
	data, err := o.ReadInstrument(root.FS())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("instrument %s: %w", o.Instrument.File, errNoInstrument)
	}
	return data, err
}

var errNoInstrument = errors.New("is not there")

type orderChecked struct {
	Reference string   `json:"reference"`
	Digest    string   `json:"sha256"`
	Accounts  []string `json:"accounts"`
	Expired   bool     `json:"expired"`
	Words     string   `json:"words"`
	// Unsupported says why this version cannot export the order; empty if it can.
	Unsupported string `json:"unsupported"`
}

func (r orderChecked) text(w io.Writer) {
	fmt.Fprint(w, r.Words)
	fmt.Fprintf(w, "\norder digest %s\n", r.Digest)
	if r.Expired {
		fmt.Fprintln(w, "THE ORDER HAS EXPIRED: it cannot be exported")
	}
	if r.Unsupported != "" {
		fmt.Fprintf(w, "THIS VERSION CANNOT EXPORT IT: %s\n", oneLine(r.Unsupported))
	}
}

func newOrderCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check ORDER",
		Short: "say in words what an order would let out",
		Long: `order check reads an order file strictly and the instrument beside it, and says in
words what it would let out: whose content, from when until when, what is held
back, and to whose key. It needs no workspace.`,
		Example: "  exhibit order check order.yaml",
		Args:    exactly("ORDER"),
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := readOrder(args[0])
			if err != nil {
				return err
			}
			if _, err := readInstrument(args[0], o); err != nil {
				return err
			}
			r := orderChecked{Reference: o.Reference, Digest: sign.Digest(o.Digest()).String(), Expired: o.Expired(a.env.now()), Words: order.Words(o), Accounts: []string{}}
			for _, acc := range o.Accounts {
				r.Accounts = append(r.Accounts, acc.Name)
			}
			var refused *export.Refusal
			if err := export.CheckCategories(o); errors.As(err, &refused) {
				r.Unsupported = refused.Reason
			} else if err != nil {
				return err
			}
			return a.print(r)
		},
	}
}

type approveOptions struct {
	app                             *app
	as, expires, ground, supersedes string
	with                            export.Approval
}

func newOrderApprove(a *app) *cobra.Command {
	o := &approveOptions{app: a}
	cmd := &cobra.Command{
		Use:   "approve ORDER",
		Short: "approve one package of an order",
		Long: `order approve makes your signed statement that one package of this order may be made:
of exactly these bytes of the order, under the policy in force. It shows what the
order lets out first.`,
		Example: `  exhibit order approve order.yaml --as approver1
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
	f.StringVar(&o.expires, "expires", "", "after this time, RFC 3339, the approval counts no more (default: never)")
	f.StringVar(&o.ground, "ground", "", "why")
	f.StringVar(&o.supersedes, "supersedes", "", "the package that this one takes the place of")
	return cmd
}

type approved struct {
	Reference string   `json:"reference"`
	Digest    string   `json:"sha256"`
	By        string   `json:"by"`
	Sequence  int64    `json:"sequence"`
	Approvals []string `json:"approvals"`
	Needed    int64    `json:"needed"`
	Enough    bool     `json:"enough"`
}

func (r approved) text(w io.Writer) {
	fmt.Fprintf(w, "approved order %s as %s\n", oneLine(r.Reference), r.By)
	fmt.Fprintf(w, "  digest     %s\n  approvals  %d of %d\n", r.Digest, len(r.Approvals), r.Needed)
	for _, who := range r.Approvals {
		fmt.Fprintf(w, "             %s\n", oneLine(who))
	}
	if r.Enough {
		fmt.Fprintln(w, "it may be exported")
	}
}

// check reads the command line, before anything is shown.
func (o *approveOptions) check(cmd *cobra.Command) (err error) {
	o.with.Ground = o.ground
	if o.with.Supersedes, err = packageFlag(cmd, "supersedes", o.supersedes); err != nil {
		return err
	}
	if o.with.Expires, err = timeFlag(cmd, "expires", o.expires); err != nil {
		return err
	}
	return checkAs(cmd, o.as)
}

func (o *approveOptions) run(ctx context.Context, path string) error {
	ord, err := readOrder(path)
	if err != nil {
		return err
	}
	if _, err := readInstrument(path, ord); err != nil {
		return err
	}
	s, err := o.app.session(ctx)
	if err != nil {
		return err
	}
	if err := s.holdsKey(o.as); err != nil {
		return err
	}
	o.app.say("%s", order.Words(ord))
	key, err := s.signer(ctx, o.as)
	if err != nil {
		return err
	}
	tool, err := instrument()
	if err != nil {
		return err
	}
	m, err := s.authority.Approve(ctx, ord, o.with, key, tool, o.app.env.now())
	if err != nil {
		return err
	}
	r := approved{
		Reference: ord.Reference, Digest: sign.Digest(ord.Digest()).String(), By: o.as, Sequence: m.Sequence,
		Needed: m.Needed, Enough: m.Enough(), Approvals: []string{},
	}
	for _, ap := range m.Approvals {
		r.Approvals = append(r.Approvals, ap.Statement.Person.Holder)
	}
	return o.app.print(r)
}

// orderErrors gives the excerpts of an order that does not parse, and what is
// wrong beside the first error.
func orderErrors(err error) []string {
	var list order.Errors
	if !errors.As(err, &list) {
		return nil
	}
	var hints []string
	for i, e := range list {
		if i > 0 {
			hints = append(hints, e.Error())
		}
		if e.Excerpt != "" {
			hints = append(hints, strings.Split(e.Excerpt, "\n")...)
		}
	}
	return hints
}
