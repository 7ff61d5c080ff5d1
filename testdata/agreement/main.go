// Command agreement holds the project's mail reader against what independent
// readers of mail agree on, file by file of a corpus.
//
//	go run ./testdata/agreement [--json] [--min 99.5] CORPUS
//
// CORPUS is a folder with messages in eml/ and expected.jsonl, which has a row
// per message: `file`, its name in eml/, and `expect`, the agreed values by key. A
// key that a row does not have has no agreed value and is not compared.
//
//	mid    Message-ID without angle brackets; null when there is none
//	date   Date in seconds since 1970; null when there is none that can be read
//	from   addresses of all From fields, in lower case, sorted
//	to     likewise of To
//	subj   Subject, decoded, in NFC, white space folded to one blank
//	natt   number of attachments
//	names  file names of the attachments, sorted; empty for one without a name
//	sha    SHA-256 of their decoded bytes, sorted; those of type message/* left out
//
// An attachment is what an index shows as one: a leaf of the message that has a
// name, or the disposition `attachment`, or a type other than text/plain and
// text/html. In detail:
//
//   - A nested message is one attachment, and nothing in it is looked at: a part
//     of any type message/*, delivery reports included, counts once in natt and
//     names, and is not in sha, whether it has a transfer encoding or not.
//   - A multipart is never an attachment, not even when its boundary is missing
//     and it has no parts.
//   - Attachments that have the same name, or the same bytes, are all listed, so
//     that names is as long as natt, and sha at most.
//   - Files inside the content of a part (uuencoded text, TNEF) are no
//     attachments.
//   - A date that leaves a span of time open agrees with any second in it.
//
// A file is read whole as one message, an mbox separator line at its head
// included. Apart from that, reading the folder has to give at least one item for
// every file.
//
// Every disagreement is a line on standard output, then comes a table of the
// keys. Exit codes: 0 all is well; 1 a key agrees in less than --min percent of
// its rows or has no row, or a file gives no item; 2 the comparison could not be
// made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const (
	exitAgrees    = 0
	exitDisagrees = 1
	exitOther     = 2
)

const usage = `usage: agreement [--json] [--min PERCENT] CORPUS

Compares what this project reads with what independent readers agree on.
CORPUS is a folder with expected.jsonl and eml/.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type options struct {
	json   bool
	min    float64 // percent
	corpus string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("agreement", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	flags.BoolVar(&o.json, "json", false, "")
	flags.Float64Var(&o.min, "min", 99.5, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() != 1 || !(o.min >= 0 && o.min <= 100) {
		flags.Usage()
		return o, errors.New("one folder, and a percentage of 0 to 100")
	}
	o.corpus = flags.Arg(0)
	return o, nil
}

// run compares the corpus that args name and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitAgrees
	}
	if err != nil {
		fmt.Fprintln(stderr, "agreement:", err)
		return exitOther
	}
	r, err := compare(ctx, o.corpus)
	if err == nil {
		err = r.write(stdout, o.json)
	}
	if err != nil {
		fmt.Fprintln(stderr, "agreement:", err)
		return exitOther
	}
	if !r.holds(o.min) {
		return exitDisagrees
	}
	return exitAgrees
}
