// Command peers measures the mail reader of this project beside others: the
// standard library, go-message and enmime. Its tests compare what they read.
//
// It is a module of its own, so that the product does not depend on them.
//
//	go run . ratios    prints how fast each is, and ours as a ratio to the fastest peer
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `usage: peers ratios [-rounds N] [-input NAME]

Reads the same messages with this project's reader and its peers and prints the
speed of each in MB/s and ours as a ratio to the fastest peer (medians); only of
inputs whose name begins with NAME.
`

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] != "ratios" {
		fmt.Fprint(stderr, usage)
		return 2
	}
	flags := flag.NewFlagSet("ratios", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	rounds := flags.Int("rounds", 7, "rounds of each measurement")
	only := flags.String("input", "", "the beginning of the names of the inputs that are measured")
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() > 0 || *rounds < 1 {
		if err == nil {
			flags.Usage()
		}
		return 2
	}
	list, err := inputs()
	if err != nil {
		fmt.Fprintln(stderr, "left out:", err)
	}
	list = slices.DeleteFunc(list, func(in input) bool { return !strings.HasPrefix(in.name, *only) })
	if err := ratios(stdout, list, *rounds); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
