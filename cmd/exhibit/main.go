// Command exhibit packages mailbox content for lawful disclosure: a provider
// exports what an approved order names, the agency verifies and opens it, and
// anyone holding the public keys can check it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	_ "time/tzdata" // orders name zones; the host may have none

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func main() {
	// A reader of our messages that goes away is no reason to end in the middle
	// and leave something behind: the write fails instead.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args[1:], system()))
}

// interruptible returns a context that ends when the user interrupts, when the
// system stops, or when the terminal is gone: what is not finished is removed.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	hangup := !signal.Ignored(syscall.SIGHUP) // as under nohup
	if hangup {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(parent, signals...)
	go func() {
		<-ctx.Done()
		if hangup && context.Cause(ctx) != context.Canceled { // by a signal; a hangup often comes twice
			signal.Ignore(syscall.SIGHUP)
		}
		stop() // a second Ctrl-C ends at once, as users expect
	}()
	return ctx, stop
}

// environment is what a command may touch of the world around it.
type environment struct {
	out, err io.Writer
	getenv   func(string) string
	now      func() time.Time
	// terminal says that err is a terminal, screen that out is one.
	terminal, screen bool
}

func system() *environment {
	return &environment{
		out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now,
		terminal: term.IsTerminal(int(os.Stderr.Fd())), screen: term.IsTerminal(int(os.Stdout.Fd())),
	}
}

// run carries out one command line and returns its exit code.
func run(parent context.Context, args []string, env *environment) int {
	ctx, stop := interruptible(parent)
	defer stop()
	root, app := newRoot(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil && !errors.As(err, new(*usageError)) && !errors.Is(err, errInterrupted) {
		err = interrupted(err)
	}
	return app.end(err)
}

var errInterrupted = errors.New("interrupted")

// interrupted says that it was, and what else went wrong besides.
func interrupted(err error) error {
	if left := new(leftoverError); errors.As(err, &left) {
		return fmt.Errorf("%w: %w", errInterrupted, left)
	}
	return errInterrupted
}

// app is what the verbs of one invocation share.
type app struct {
	env            *environment
	json           bool
	quiet          bool
	workspace      string
	passphraseFile string
	printed        bool // a JSON result was printed
}

func newRoot(env *environment) (*cobra.Command, *app) {
	a := &app{env: env}
	root := &cobra.Command{
		Use:   "exhibit",
		Short: "package mailbox content for lawful disclosure",
		Long: `exhibit packages mailbox content for lawful disclosure: exactly what an approved
order names, encrypted to the agency's key, signed, and accounted for.

` + exitHelp(),
		Example: `  exhibit demo                     the whole story on a sample mailbox
  exhibit verify PACKAGE --trust provider.asc
  exhibit open PACKAGE --identity key.txt --trust provider.asc --to DIR`,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              noVerb,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(env.out)
	root.SetErr(env.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%s: %v", cmd.CommandPath(), err)
	})
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", false, "print the result as JSON")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on standard error")
	f.StringVar(&a.workspace, "workspace", "", "the provider's workspace (default: $EXHIBIT_WORKSPACE, or the nearest exhibit.yaml upward)")
	f.StringVar(&a.passphraseFile, "passphrase-file", "", "take passphrases from the first line of this file instead of the terminal")
	root.AddCommand(
		newDemo(a), newInit(a), newKeys(a), newPolicy(a), newOrder(a), newExport(a), newStatus(a),
		newVerify(a), newOpen(a), newVerifyBag(a), newInspect(a),
	)
	root.SetHelpCommand(newHelp(root))
	return root, a
}

// newHelp is cobra's help, but that it does not know is wrong usage.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "help about a verb",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("exhibit help: no verb %q; see exhibit --help", strings.Join(args, " "))
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

func noVerb(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("no verb %q; see exhibit --help", args[0])
	}
	return nil
}

// exactly is cobra.ExactArgs with an error that names what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return usagef("%s: %s is missing; see %s --help", cmd.CommandPath(), names[len(args)], cmd.CommandPath())
		}
		return atMost(len(names))(cmd, args)
	}
}

// atMost is cobra.MaximumNArgs with an error that is wrong usage.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%s: %q is one argument too many; see %s --help", cmd.CommandPath(), args[n], cmd.CommandPath())
		}
		return nil
	}
}

// group makes a command that only holds others.
func group(use, short, example string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s: no verb %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

// version is the module's version, or the commit that the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision[:min(12, len(revision))] + dirty
}
