package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/order"
	"exhibit/export/subscriber"
	"exhibit/sign"
	"exhibit/sign/policy"
)

// maxWorkers bounds --workers.
const maxWorkers = 1024

type exportOptions struct {
	app          *app
	as           string
	from         []string
	empty        []string
	dryRun       bool
	supersedes   string
	undetermined string
	workers      int
	superseded   *sign.ID
	sources      []export.Source
	providerFile string // with the passphrase of the provider's key
}

func newExport(a *app) *cobra.Command {
	o := &exportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "export ORDER --from ACCOUNT=PATH…",
		Short: "make the package of an approved order",
		Long: `export reads the mailboxes that an approved order names, takes exactly what the order
and its review admit, and makes a sealed, signed package in the workspace's store. It
prints where. It is safe to repeat: the same order gets one package. Two keys sign: that
of the person who runs it, and the provider's.

PATH is a message, a folder of messages, a Maildir, an mbox (also .gz, .zst), or a
calendar or contact file. FORMAT:PATH says how to read it: eml, maildir, mbox, ics,
vcf, or an mbox of which you know the dialect: mboxo, mboxrd, mboxcl, mboxcl2, takeout.
Lines that an mbox quotes are unquoted only where it is certain how: in one that is
declared as mboxrd or takeout, or is plainly a Google Takeout. Records of a subscriber
are subscriber:PATH, of a file .csv or .json, or subscriber-csv:PATH,
subscriber-json:PATH. --no-data ACCOUNT says that nothing is held of an account,
ACCOUNT=mailbox or ACCOUNT=subscriber of one sort.

With --dry-run it only counts what is in and out, and why: of what the review in force
accepts, otherwise of the order as it is. --undetermined writes a list of all items that
are withheld because it cannot be told whether they are in scope. It is for staff alone,
to look at and to fill in for "exhibit order review --admit"; it MUST NOT BE HANDED ON:
what it lists may be out of scope.`,
		Example: `  exhibit export order.yaml --from alice@mail.example=/retrieved/alice --dry-run
  exhibit export order.yaml --from alice@mail.example=/retrieved/alice
  exhibit export order.yaml --from alice@mail.example=mboxrd:/retrieved/alice.mbox --no-data bob@mail.example
  exhibit export order.yaml --from alice@mail.example=subscriber:/retrieved/alice.csv --no-data alice@mail.example=mailbox`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.as, "as", "", "your key (default: the one key of this host that is enrolled as fulfilment)")
	f.StringVar(&o.providerFile, "provider-passphrase-file", "", "take the passphrase of the provider's key from the first line of this file (default: as for your own)")
	f.StringArrayVar(&o.from, "from", nil, "ACCOUNT=PATH or ACCOUNT=FORMAT:PATH: where an account's data is; repeat for more")
	f.StringArrayVar(&o.empty, "no-data", nil, "ACCOUNT, ACCOUNT=mailbox or ACCOUNT=subscriber: nothing is held of it; repeat for more")
	f.BoolVar(&o.dryRun, "dry-run", false, "count what is in and out by reason, and make nothing")
	f.StringVar(&o.undetermined, "undetermined", "", "write a list of the undetermined items to this file, for staff alone: never hand it on")
	f.StringVar(&o.supersedes, "supersedes", "", "the package that this one takes the place of")
	f.IntVar(&o.workers, "workers", 0, "how many workers (default: one a processor)")
	return cmd
}

var sourceFormats = slices.Concat(mailFormats, []string{
	export.FormatSubscriber, export.FormatSubscriberCSV, export.FormatSubscriberJSON,
})

// check reads the command line, before anything else is looked at.
func (o *exportOptions) check(cmd *cobra.Command) (err error) {
	if o.superseded, err = packageFlag(cmd, "supersedes", o.supersedes); err != nil {
		return err
	}
	switch {
	case o.workers < 0 || o.workers > maxWorkers:
		return usagef("exhibit export: --workers %d: 1 to %d, or 0 for one a processor", o.workers, maxWorkers)
	case cmd.Flags().Changed("undetermined") && o.undetermined == "":
		return usagef("exhibit export: --undetermined has no file")
	case cmd.Flags().Changed("as"):
		if err := checkKeyName(cmd, o.as); err != nil {
			return err
		}
	}
	for _, flag := range o.empty {
		if account, sort, one := strings.Cut(flag, "="); account == "" || one && sort != export.SortMailbox && sort != export.SortSubscriber {
			return usagef("exhibit export: --no-data %q is not ACCOUNT, ACCOUNT=mailbox or ACCOUNT=subscriber", flag)
		}
	}
	o.sources, err = o.given()
	return err
}

// given reads the --from flags.
func (o *exportOptions) given() ([]export.Source, error) {
	var list []export.Source
	for _, flag := range o.from {
		account, path, ok := strings.Cut(flag, "=")
		if !ok || account == "" || path == "" {
			return nil, usagef("exhibit export: --from %q is not ACCOUNT=PATH", flag)
		}
		format, path, err := sourcePath(path)
		if err != nil {
			return nil, err
		}
		list = append(list, export.Source{Account: account, Path: path, Format: format})
	}
	if len(list) == 0 && len(o.empty) == 0 {
		return nil, usagef("exhibit export: --from ACCOUNT=PATH is missing: where is the content?")
	}
	return list, nil
}

// sourcePath takes FORMAT: from FORMAT:PATH. What looks like a format that there
// is not may be the name of a file.
func sourcePath(flag string) (format, path string, err error) {
	format, path, ok := strings.Cut(flag, ":")
	if ok && slices.Contains(sourceFormats, format) {
		if path == "" {
			return "", "", usagef("exhibit export: --from …=%s has no path after the format", flag)
		}
		return format, path, nil
	}
	if ok && formatLike.MatchString(format) {
		if _, err := os.Lstat(flag); errors.Is(err, fs.ErrNotExist) {
			return "", "", usagef("exhibit export: --from …=%s: no format %q; the formats are %s", flag, format, strings.Join(sourceFormats, ", "))
		}
	}
	return "", flag, nil
}

var formatLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

func (o *exportOptions) run(ctx context.Context, path string) error {
	if o.undetermined != "" {
		if err := unlisted(o.undetermined); err != nil {
			return err
		}
	}
	if o.dryRun {
		ord, err := readOrder(path)
		if err != nil {
			return err
		}
		return o.preview(ctx, ord)
	}
	f, err := readOrderFile(path)
	if err != nil {
		return err
	}
	s, err := o.app.session(ctx)
	if err != nil {
		return err
	}
	if o.as == "" {
		if o.as, err = s.fulfilmentKey(); err != nil {
			return err
		}
	}
	job := &export.Job{
		Authority: s.authority, Order: f.Order, Instrument: f.Instrument, Signature: f.Signature, Sources: o.sources, Empty: o.empty,
		Supersedes: o.superseded, Workers: o.workers, Now: o.app.env.now,
	}
	if job.Preparer, err = s.signer(ctx, o.as); err != nil {
		return err
	}
	if job.Signer, err = s.signerBy(ctx, s.ws.Config.SigningKey, o.providerFile); err != nil {
		return err
	}
	if job.Tool, err = instrument(); err != nil {
		return err
	}
	return o.export(ctx, job)
}

// export runs the job, and keeps the list of undetermined items if it is wanted.
func (o *exportOptions) export(ctx context.Context, job *export.Job) error {
	list, err := o.list()
	if err != nil {
		return err
	}
	defer list.drop()
	m := o.app.meter("exporting", -1)
	defer m.done()
	job.Progress, job.Undetermined = m.add, list.tell()
	res, err := export.Run(ctx, job)
	if err != nil {
		return err
	}
	m.done()
	switch {
	case list == nil:
	case res.Reading == nil:
		o.app.warn("nothing was read, so there is no list of undetermined items; --dry-run makes one")
	default:
		if err := o.keep(list); err != nil {
			return err
		}
	}
	return o.app.print(exportedOf(res, job.Order, o.app.env.now()))
}

// list begins the list of undetermined items; nil if none is wanted.
func (o *exportOptions) list() (*listWriter, error) {
	if o.undetermined == "" {
		return nil, nil
	}
	return newList(o.undetermined)
}

func (o *exportOptions) keep(list *listWriter) error {
	if list == nil {
		return nil
	}
	if err := list.keep(); err != nil {
		return err
	}
	o.app.say("undetermined items are listed in %s, for staff alone: do not hand it on", o.undetermined)
	return nil
}

// fulfilmentKey finds the one key of this host that may run an export.
func (s *session) fulfilmentKey() (string, error) {
	names, err := s.ws.SecretKeys()
	if err != nil {
		return "", plainPathError(err)
	}
	var fit []string
	for _, name := range names {
		key, err := s.authority.Keys.Key(name)
		if err == nil && s.authority.Keys.Valid(key.Entry.Fingerprint, sign.Fulfilment, s.env.now()) == nil {
			fit = append(fit, name)
		}
	}
	switch len(fit) {
	case 1:
		return fit[0], nil
	case 0:
		return "", &hintedError{
			usagef("exhibit export: no key of this host is enrolled as fulfilment; --as KEY says who runs the export"),
			"`exhibit keys new NAME` makes one; then two admins give `exhibit keys enroll NAME --role fulfilment …`",
		}
	}
	return "", usagef("exhibit export: --as KEY is missing: who runs the export? %s", strings.Join(fit, ", "))
}

// preview reads and counts, and makes nothing.
func (o *exportOptions) preview(ctx context.Context, ord *order.Order) error {
	run, r, err := o.basis(ctx, ord)
	if err != nil {
		return err
	}
	list, err := o.list()
	if err != nil {
		return err
	}
	defer list.drop()
	m := o.app.meter("reading", -1)
	defer m.done()
	run.Sources, run.Empty, run.Progress, run.Undetermined = o.sources, o.empty, m.add, list.tell()
	reading, undetermined, err := run.Run(ctx)
	if err != nil {
		return err
	}
	m.done()
	if err := o.keep(list); err != nil {
		return err
	}
	r.tally = tallyOf(reading, undetermined)
	return o.app.print(r)
}

// basis says what a dry run goes by: what the review in force accepts, or else
// the order as it is.
func (o *exportOptions) basis(ctx context.Context, ord *order.Order) (*export.DryRun, previewed, error) {
	run := &export.DryRun{Order: ord, Columns: presetColumns(ord.Regime)}
	r := previewed{Reference: ord.Reference, DryRun: true}
	s, err := o.app.workspaceIfAny(ctx)
	if err != nil || s == nil || s.authority.Policy == nil {
		return run, r, err
	}
	m, err := s.authority.Mandate(ctx, ord, o.superseded, o.app.env.now())
	var refused *export.Refusal
	if errors.As(err, &refused) && refused.Code != export.WrongSuperseded {
		o.app.say("note: %s; this is the order as it is", oneLine(refused.Why()))
		return run, r, nil
	}
	if err != nil {
		return nil, r, err
	}
	run.Columns = m.Columns
	if m.Effective != nil {
		run.Order, run.Admitted = m.Effective, m.Admitted
		r.Acceptance, r.Reviewer = acceptanceOf(m), m.Review.Statement.Person.Holder
	}
	return run, r, nil
}

// presetColumns is the list of subscriber columns of a regime that the program
// brings along, for want of a policy.
func presetColumns(regime string) *subscriber.List {
	presets := policy.Policy{Regimes: policy.Presets()}
	r, ok := presets.Regime(regime)
	if !ok || r.Subscriber == nil {
		return nil
	}
	list, ok := subscriber.Lookup(*r.Subscriber)
	if !ok {
		return nil
	}
	return &list
}
