package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/sign"
)

// maxWorkers bounds --workers.
const maxWorkers = 1024

type exportOptions struct {
	app        *app
	from       []string
	empty      []string
	dryRun     bool
	supersedes string
	workers    int
	superseded *sign.ID
}

func newExport(a *app) *cobra.Command {
	o := &exportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "export ORDER --from ACCOUNT=PATH…",
		Short: "make the package of an approved order",
		Long: `export reads the mailboxes that an approved order names, takes exactly what it
admits, and makes a sealed, signed package in the workspace's store. It prints
where. It is safe to repeat: the same order gets one package.

PATH is a message, a folder of messages, a Maildir, an mbox (also .gz, .zst), or a
calendar or contact file. FORMAT:PATH says how to read it: eml, maildir, mbox,
mboxrd, mboxo, ics, vcf. With --dry-run it only counts what is in and out, and why.`,
		Example: `  exhibit export order.yaml --from alice@mail.example=/retrieved/alice --dry-run
  exhibit export order.yaml --from alice@mail.example=/retrieved/alice
  exhibit export order.yaml --from alice@mail.example=mboxrd:/retrieved/alice.mbox --no-data bob@mail.example`,
		Args: exactly("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.superseded, err = packageFlag(cmd, "supersedes", o.supersedes); err != nil {
				return err
			}
			if o.workers < 0 || o.workers > maxWorkers {
				return usagef("exhibit export: --workers %d: 1 to %d, or 0 for one a processor", o.workers, maxWorkers)
			}
			return o.run(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.from, "from", nil, "ACCOUNT=PATH or ACCOUNT=FORMAT:PATH: where an account's content is; repeat for more")
	f.StringArrayVar(&o.empty, "no-data", nil, "an account of the order of which nothing is held; repeat for more")
	f.BoolVar(&o.dryRun, "dry-run", false, "count what is in and out by reason, and make nothing")
	f.StringVar(&o.supersedes, "supersedes", "", "the package that this one takes the place of")
	f.IntVar(&o.workers, "workers", 0, "how many workers (default: one a processor)")
	return cmd
}

var sourceFormats = []string{
	mail.FormatEML, mail.FormatMaildir, mail.FormatMbox, mail.FormatMboxrd, mail.FormatMboxo, mail.FormatICS, mail.FormatVCF,
}

// sources reads the --from flags.
func (o *exportOptions) sources() ([]export.Source, error) {
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
	sources, err := o.sources()
	if err != nil {
		return err
	}
	ord, err := readOrder(path)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.preview(ctx, ord, sources)
	}
	instrumentText, err := readInstrument(path, ord)
	if err != nil {
		return err
	}
	s, err := o.app.session(ctx)
	if err != nil {
		return err
	}
	key, err := s.signer(ctx, s.ws.Config.SigningKey)
	if err != nil {
		return err
	}
	tool, err := instrument()
	if err != nil {
		return err
	}
	m := o.app.meter("exporting", -1)
	defer m.done()
	res, err := export.Run(ctx, &export.Job{
		Authority: s.authority, Order: ord, Instrument: instrumentText, Sources: sources, Empty: o.empty,
		Supersedes: o.superseded, Signer: key, Tool: tool, Workers: o.workers, Progress: m.add, Now: o.app.env.now,
	})
	if err != nil {
		return err
	}
	m.done()
	return o.app.print(exportedOf(res, ord, o.app.env.now()))
}

// counted is what came of one account.
type counted struct {
	Account  string            `json:"account"`
	Source   int64             `json:"source"`
	Included int64             `json:"included"`
	Withheld []bag.ReasonCount `json:"withheld"`
}

type noted struct {
	Account string `json:"account"`
	File    string `json:"file"`
	Offset  int64  `json:"offset"`
	Reason  string `json:"reason"`
}

// tally is what reading has found, in both results.
type tally struct {
	Accounts     []counted         `json:"accounts"`
	Gaps         []bag.ReasonCount `json:"gaps"`
	Files        int64             `json:"files"`
	Bytes        int64             `json:"bytes"`
	Undetermined []noted           `json:"undetermined"`
	// Unread are whole files that are no item.
	Unread []noted `json:"unread"`
}

func tallyOf(r *export.Reading, undetermined []export.Noted) tally {
	t := tally{Accounts: []counted{}, Gaps: r.GapCounts(), Files: r.Files, Bytes: r.Bytes, Undetermined: []noted{}, Unread: []noted{}}
	for _, a := range r.Accounts {
		t.Accounts = append(t.Accounts, counted{Account: a.Account, Source: a.Source, Included: a.Included, Withheld: a.Reasons()})
	}
	for _, n := range undetermined {
		t.Undetermined = append(t.Undetermined, noted(n))
	}
	for _, n := range r.Unread {
		t.Unread = append(t.Unread, noted(n))
	}
	return t
}

func (t tally) text(w io.Writer) {
	for _, a := range t.Accounts {
		fmt.Fprintf(w, "  %s: %s in the sources, %d in, %d out\n", oneLine(a.Account), plural(a.Source, "item"), a.Included, a.Source-a.Included)
		for _, r := range a.Withheld {
			if r.Count > 0 {
				fmt.Fprintf(w, "    out  %-13s %d\n", r.Reason, r.Count)
			}
		}
	}
	for _, g := range t.Gaps {
		fmt.Fprintf(w, "  no item: %s: %d\n", g.Reason, g.Count)
	}
	for _, n := range t.Unread {
		fmt.Fprintf(w, "  no item in %q: %s\n", n.File, n.Reason)
	}
	for _, n := range t.Undetermined {
		fmt.Fprintf(w, "  look at %q, byte %d: %s\n", n.File, n.Offset, n.Reason)
	}
}

type previewed struct {
	Reference string `json:"reference"`
	DryRun    bool   `json:"dry_run"`
	tally
}

func (r previewed) text(w io.Writer) {
	fmt.Fprintf(w, "dry run of order %s: nothing was made\n", oneLine(r.Reference))
	r.tally.text(w)
}

func (o *exportOptions) preview(ctx context.Context, ord *order.Order, sources []export.Source) error {
	m := o.app.meter("reading", -1)
	defer m.done()
	reading, undetermined, err := export.Preview(ctx, ord, sources, o.empty, mail.Limits{}, m.add)
	if err != nil {
		return err
	}
	m.done()
	return o.app.print(previewed{Reference: ord.Reference, DryRun: true, tally: tallyOf(reading, undetermined)})
}

type exported struct {
	Package    string            `json:"package"`
	Address    string            `json:"address"`
	Reference  string            `json:"reference"`
	Repeated   bool              `json:"repeated"`
	Finished   bool              `json:"finished"`
	Volumes    int               `json:"volumes"`
	Size       int64             `json:"size"`
	Items      int64             `json:"items"`
	Exceptions []bag.ReasonCount `json:"exceptions"`
	Elapsed    string            `json:"since_received"`
	Warnings   []string          `json:"warnings"`
	// Read is what was read; null when nothing was.
	Read *tally `json:"read"`
}

func exportedOf(res *export.Result, ord *order.Order, now time.Time) exported {
	r := exported{
		Package: res.Package.String(), Address: res.Address, Reference: ord.Reference, Repeated: res.Repeated, Finished: res.Finished,
		Volumes: len(res.Manifest.Volumes()), Items: res.Manifest.Counts.Included,
		Exceptions: append([]bag.ReasonCount{}, res.Exceptions...), Warnings: append([]string{}, res.Warnings...),
		Elapsed: now.Sub(ord.Received).Round(time.Second).String(),
	}
	for _, obj := range res.Manifest.Objects {
		r.Size += obj.Size
	}
	if res.Reading != nil {
		t := tallyOf(res.Reading, res.Undetermined)
		r.Read = &t
	}
	return r
}

func (r exported) text(w io.Writer) {
	switch {
	case r.Repeated:
		fmt.Fprintf(w, "order %s has its package already; nothing was made\n", oneLine(r.Reference))
	case r.Finished:
		fmt.Fprintf(w, "finished the interrupted export of order %s\n", oneLine(r.Reference))
	default:
		fmt.Fprintf(w, "exported order %s, %s after it was received\n", oneLine(r.Reference), elapsedText(r.Elapsed))
	}
	if r.Read != nil {
		r.Read.text(w)
	}
	for _, e := range r.Exceptions {
		fmt.Fprintf(w, "  in, but not normalized: %s: %d\n", e.Reason, e.Count)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
	fmt.Fprintf(w, "package %s, %s in %s, %s\n", r.Package, plural(r.Items, "item"), plural(r.Volumes, "volume"), bytesText(r.Size))
	fmt.Fprintf(w, "%s\n", r.Address)
}
