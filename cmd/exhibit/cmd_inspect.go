package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"exhibit/export/mail"
)

// mailFormats are what --format takes, and sources of `exhibit export --from` have
// before their path.
var mailFormats = []string{
	mail.FormatEML, mail.FormatMaildir, mail.FormatMbox, mail.FormatMboxo, mail.FormatMboxrd, mail.FormatMboxcl,
	mail.FormatMboxcl2, mail.FormatTakeout, mail.FormatICS, mail.FormatVCF,
}

// inspection is one call of inspect.
type inspection struct {
	*app
	item    int
	headers bool
	part    string
	raw     bool
	format  string

	several bool // files are inspected
	shown   int  // items of the file at hand
	found   int  // likewise, those that are not asked for included
	gaps    []mail.Reason
}

// errEnough ends the reading of a file of which nothing more is wanted.
var errEnough = errors.New("what was asked for is shown")

func newInspect(a *app) *cobra.Command {
	i := &inspection{app: a}
	cmd := &cobra.Command{
		Use:   "inspect FILE…",
		Short: "show what the mail parser sees",
		Long: `inspect shows of each message where it lies, what an index has of its header, what
time counts for the scope of an order, its parts with their places, sizes and digests,
and everything that is odd in it. It needs no workspace and makes nothing.

FILE is a message, a folder of messages, a Maildir, an mbox (also .gz, .zst), a calendar
or contact file, or - for standard input. --format says how to read it:
` + strings.Join(mailFormats, ", ") + `.

Offsets are in bytes. Those of parts, fields and defects count from the beginning of
their item, in the decoded content of the part above where it says so. All digests are of
the bytes as they lie in FILE: what an mbox has quoted stays quoted. Characters of a
message that would act on a terminal are shown escaped.

With --json there is one object a line, each with its kind: message, event, contact;
gap: bytes that belong to none of these; file: how an mbox was recognised; failure: a
FILE that could not be read. The member fields is that of index.jsonl in a package, with
each defect explained.`,
		Example: `  exhibit inspect message.eml
  exhibit inspect mailbox.mbox --item 7
  exhibit inspect message.eml --headers
  exhibit inspect message.eml --part 1.2 > attachment.pdf
  exhibit inspect message.eml --part 1.2/1 > first-file-in-winmail.dat
  exhibit inspect Maildir --json | jq 'select(.fields.defects)'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s: FILE is missing; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := i.check(cmd, args); err != nil {
				return err
			}
			return i.files(cmd, args)
		},
	}
	f := cmd.Flags()
	f.IntVar(&i.item, "item", 0, "show only the item of that number, the first being 1")
	f.BoolVar(&i.headers, "headers", false, "print the header fields with their offsets; with --part those of the part")
	f.StringVar(&i.part, "part", "", "write the decoded content of this part to standard output, as 1.2; of a file within it, as 1.2/1")
	f.BoolVar(&i.raw, "raw", false, "with --part: write the part as it lies in the message, with its header, not decoded")
	f.StringVar(&i.format, "format", "", "what FILE is to be read as")
	return cmd
}

var partNumber = regexp.MustCompile(`^1(\.[1-9][0-9]{0,6}){0,99}(/[1-9][0-9]{0,6})?$`)

func (i *inspection) check(cmd *cobra.Command, args []string) error {
	verb := cmd.CommandPath()
	changed := cmd.Flags().Changed
	i.several = len(args) > 1
	switch {
	case changed("item") && i.item < 1:
		return usagef("%s: --item %d: the first item is 1", verb, i.item)
	case changed("item") && i.several:
		return usagef("%s: --item is of one FILE", verb)
	case changed("part") && !partNumber.MatchString(i.part):
		return usagef("%s: --part %q is no part's number: the message is 1, its second part 1.2, the first file within that 1.2/1", verb, i.part)
	case strings.Contains(i.part, "/") && (i.raw || i.headers):
		return usagef("%s: --part %s is a file within a part and has no header: leave out --raw and --headers", verb, i.part)
	case changed("part") && i.several:
		return usagef("%s: --part is of one FILE", verb)
	case i.raw && i.part == "":
		return usagef("%s: --raw is for --part", verb)
	case i.raw && i.headers:
		return usagef("%s: --raw and --headers exclude each other", verb)
	case i.json && i.part != "" && !i.headers:
		return usagef("%s: --part writes the content as it is: leave out --json", verb)
	case changed("format") && !slices.Contains(mailFormats, i.format):
		return usagef("%s: no format %q; the formats are %s", verb, i.format, strings.Join(mailFormats, ", "))
	}
	stdin := 0
	for _, arg := range args {
		if arg == standardInput {
			stdin++
		}
		if arg == "" {
			return usagef("%s: FILE is empty", verb)
		}
	}
	if stdin > 1 {
		return usagef("%s: standard input is there once", verb)
	}
	return nil
}

// files inspects one after the other. One that fails keeps none of the others
// from being shown.
func (i *inspection) files(cmd *cobra.Command, args []string) error {
	failed := 0
	for _, arg := range args {
		err := i.file(cmd, arg)
		if err == nil {
			continue
		}
		if cmd.Context().Err() != nil || !i.several && !i.printed {
			return err
		}
		if err := i.failed(arg, err); err != nil {
			return err
		}
		if failed++; !i.several {
			return err
		}
		i.warn("%s", oneLine(plainText(err)))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files could not be inspected", failed, len(args))
	}
	return nil
}

// failed shows, among the results in JSON, a file that could not be read.
func (i *inspection) failed(arg string, err error) error {
	if !i.json {
		return nil
	}
	return i.line(inspectedFailure{Kind: "failure", File: arg, Error: oneLine(plainText(err))})
}

// file inspects one file or folder.
func (i *inspection) file(cmd *cobra.Command, arg string) error {
	path := arg
	if arg == standardInput {
		in, err := standardInputFile(cmd.InOrStdin())
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		defer in.Close()
		path = in.path
	}
	i.shown, i.found, i.gaps = 0, 0, nil
	err := i.read(cmd.Context(), arg, path)
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err != nil {
		return i.named(arg, err)
	}
	return i.nothingShown(arg)
}

// nothingShown says why nothing of a file was shown.
func (i *inspection) nothingShown(arg string) error {
	switch {
	case i.shown > 0:
		return nil
	case i.item > 0 && i.found > 0:
		return &hintedError{fmt.Errorf("%s has %s, not %d", arg, plural(i.found, "item"), i.item), "`exhibit inspect FILE` without --item shows all"}
	case len(i.gaps) == 1:
		return fmt.Errorf("%s: no message in it: %s", arg, i.gaps[0])
	}
	return fmt.Errorf("%s: no message in it", arg)
}

// named is an error that names the file as the user did.
func (i *inspection) named(arg string, err error) error {
	var limit *mail.LimitError
	var format *mail.FormatError
	switch {
	case errors.Is(err, context.Canceled), errors.As(err, new(*hintedError)), errors.As(err, new(*usageError)):
		return err
	case errors.As(err, &limit) && limit.What == "item bytes":
		return &hintedError{fmt.Errorf("%s: %w", arg, err), "a message that has a file to itself may be of any size: name it .eml, or give --format eml"}
	case errors.As(err, &format):
		err := fmt.Errorf("%s: %s: %s", arg, format.Format, format.Reason)
		switch {
		case format.Outlook():
			return &hintedError{err, "convert it to mbox or eml first, as readpst and msgconvert do"}
		case i.format != "":
			return &hintedError{err, "leave out --format, or give another one"}
		}
		return err
	case strings.Contains(plainText(err), arg):
		return err
	}
	return fmt.Errorf("%s: %w", arg, err)
}
