package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"exhibit/export/seal"
	"exhibit/testdata"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [DIR]",
		Short: "the whole story on a sample mailbox",
		Long: `demo plays the main job from end to end, with sample people and a sample mailbox and
without a server: a provider's two admins, its staff, an agency's key, an order that
came in minutes ago, a review, two approvals, the export, and the agency that verifies
and opens the package. What must be refused is tried as well. It leaves
DIR/{workspace,store,agency,opened} behind, for you to look at. Every line with a $ is
a command that you can give yourself.`,
		Example: `  exhibit demo
  exhibit demo story`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "demo"
			if len(args) == 1 {
				dir = args[0]
			}
			d := &demo{app: a, dir: dir}
			if err := d.run(cmd.Context()); err != nil {
				if cmd.Context().Err() != nil {
					err = errInterrupted
				}
				return &demoError{dir, err}
			}
			return nil
		},
	}
}

// demoError is an error of the demonstration, of which nothing is left. What it
// wraps has hints for those who do real work, which would lead astray here.
type demoError struct {
	dir string
	err error
}

func (e *demoError) Error() string { return e.err.Error() }
func (e *demoError) Unwrap() error { return e.err }

func (e *demoError) hint() string {
	switch {
	case errors.Is(e.err, errInterrupted):
		return "nothing is left of it; the same command begins anew"
	case errors.Is(e.err, errTargetExists):
		return "name another folder: exhibit demo DIR"
	}
	return "nothing is left of it; try another folder: exhibit demo DIR"
}

// demo plays the steps. Each is a command line that goes through the same door
// as a user's.
type demo struct {
	app  *app
	dir  string
	step int
	pass string // --passphrase-file of the sample people
	// terse shows of a step the command alone, not what it prints.
	terse bool
}

const demoAccount = "alice@mail.example"

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// run plays the story in a new or an empty folder. When that fails it takes away
// what it made, and nothing else.
func (d *demo) run(ctx context.Context) (err error) {
	if err := vacant(d.dir); err != nil {
		return err
	}
	made, err := makeFolders(d.dir)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.undo(made))
		}
	}()
	if err != nil {
		return err
	}
	return d.story(ctx)
}

// makeFolders makes a folder with those above it, and returns which it made, the
// innermost first.
func makeFolders(dir string) (made []string, err error) {
	var missing []string
	for path := filepath.Clean(dir); ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			break
		}
		missing = append(missing, path)
	}
	for _, path := range slices.Backward(missing) {
		if err := os.Mkdir(path, 0o755); err != nil {
			return made, plainPathError(err)
		}
		made = slices.Insert(made, 0, path)
	}
	return made, nil
}

// undo removes what the demonstration put into its folder, and the folders that
// it made, if they are empty then.
func (d *demo) undo(made []string) error {
	var errs []error
	for _, name := range demoFolders {
		if err := os.RemoveAll(d.path(name)); err != nil {
			errs = append(errs, fmt.Errorf("remove %s by hand: %w", d.path(name), err))
		}
	}
	for _, path := range made {
		os.Remove(path)
	}
	return errors.Join(errs...)
}

// demoFolders are what the demonstration makes in its folder.
var demoFolders = []string{"workspace", "store", "agency", "opened"}

// story plays all steps.
func (d *demo) story(ctx context.Context) error {
	if err := d.prepare(); err != nil {
		return err
	}
	if err := d.provider(ctx); err != nil {
		return err
	}
	pkg, err := d.export(ctx)
	if err != nil {
		return err
	}
	if err := d.agency(ctx, pkg); err != nil {
		return err
	}
	return d.app.print(demoDone{Dir: d.dir, Package: pkg})
}

// prepare unpacks the sample mailbox, and makes the agency's key.
func (d *demo) prepare() error {
	if err := unpack(testdata.Files, "mailbox/alice", d.path("workspace", "retrieved", "alice")); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path("agency"), 0o755); err != nil {
		return plainPathError(err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the agency's key: %w", err)
	}
	public := identity.Recipient().String()
	text := fmt.Sprintf("# public key: %s\n%s\n", public, identity)
	if err := writeNewMode(d.path("agency", "identity.txt"), []byte(text), 0o600); err != nil {
		return err
	}
	if err := writeNewMode(d.path("agency", "recipient.txt"), []byte(public+"\n"), 0o644); err != nil {
		return err
	}
	recipient, err := seal.ParseRecipient([]byte(public))
	if err != nil {
		return err
	}
	order, err := testdata.Files.ReadFile("order/order.yaml")
	if err != nil {
		return err
	}
	order = justReceived(order, d.app.env.now())
	order = bytes.ReplaceAll(order, []byte("AGENCY-KEY"), []byte(recipient.Fingerprint))
	instrument, err := testdata.Files.ReadFile("order/instrument.pdf")
	if err != nil {
		return err
	}
	d.pass = d.path("workspace", "passphrase.txt")
	secret := rand.Text()
	for _, f := range []struct {
		path string
		data []byte
		mode fs.FileMode
	}{
		{d.path("workspace", "order.yaml"), order, 0o644},
		{d.path("workspace", "widened.yaml"), bytes.Replace(order, []byte("2026-03-31"), []byte("2026-06-30"), 1), 0o644},
		{d.path("workspace", "instrument.pdf"), instrument, 0o644},
		{d.pass, []byte(secret + "\n"), 0o600},
	} {
		if err := writeNewMode(f.path, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// justReceived dates the sample order as one that came in minutes ago, and moves
// what depends on that; its span stays that of the sample mailbox.
func justReceived(order []byte, now time.Time) []byte {
	moment := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339) }
	day := func(months, days int) string { return now.UTC().AddDate(0, months, days).Format(time.DateOnly) }
	return []byte(strings.NewReplacer(
		"2026-05-04T09:12:00+02:00", moment(7*time.Minute), // served
		"2026-05-04T09:12:41+02:00", moment(6*time.Minute), // received
		"2026-05-04", day(0, 0), // non-disclosure
		"2026-11-04", day(6, 0),
		"2026-11-11", day(6, 7), // the user is told
	).Replace(string(order)))
}

// demoPeople are the staff of the sample provider, beside its two admins.
var demoPeople = []struct{ name, holder, role string }{
	{"fulfilment1", "Fulfilment One", "fulfilment"},
	{"reviewer1", "Reviewer One", "reviewer"},
	{"approver1", "Approver One", "approver"},
	{"approver2", "Approver Two", "approver"},
}

// provider sets up the provider: people, keys, policy.
func (d *demo) provider(ctx context.Context) error {
	if err := d.at(ctx, "a provider sets up its workspace: the first admin, a signing key, and a policy of two approvals", exitDone, nil,
		"init", d.path("workspace"), "--provider", "Example Mail", "--holder", "Admin One", "--store", "../store"); err != nil {
		return err
	}
	if err := d.at(ctx, "the second admin joins, and confirms what the first one has signed; from now on it takes both to trust a key", exitDone, nil,
		"init", d.path("workspace"), "--admin", "admin2", "--holder", "Admin Two"); err != nil {
		return err
	}
	for i, p := range demoPeople {
		d.terse = i > 0 // it goes the same way for all
		if err := d.person(ctx, p.name, p.holder, p.role); err != nil {
			return err
		}
	}
	d.terse = false
	key := d.path("agency", "recipient.txt")
	if err := d.at(ctx, "an admin proposes the agency's age key, having called back", exitDone, nil,
		"keys", "enroll", "agency", "--role", "agency", "--key", key, "--holder", "Landeskriminalamt Musterland",
		"--how", "call back to the published number", "--as", "admin"); err != nil {
		return err
	}
	return d.at(ctx, "the other admin confirms it, having the key from the agency as well", exitDone, nil,
		"keys", "enroll", "agency", "--key", key, "--as", "admin2")
}

// person makes a key for somebody of the staff, and has it enrolled.
func (d *demo) person(ctx context.Context, name, holder, role string) error {
	if err := d.at(ctx, holder+" makes a key", exitDone, nil, "keys", "new", name, "--holder", holder); err != nil {
		return err
	}
	if err := d.at(ctx, "an admin proposes it, having met its holder", exitDone, nil,
		"keys", "enroll", name, "--role", role, "--holder", holder, "--how", "in person", "--as", "admin"); err != nil {
		return err
	}
	if !d.terse {
		if err := d.at(ctx, "no admin puts a key into force alone, so the same one gets no further", exitRefused, nil, "keys", "enroll", name, "--as", "admin"); err != nil {
			return err
		}
	}
	return d.at(ctx, "the other admin confirms it", exitDone, nil, "keys", "enroll", name, "--as", "admin2")
}

// at plays a step in the workspace, with the passphrase of the sample people.
func (d *demo) at(ctx context.Context, what string, want int, into any, args ...string) error {
	if args[0] != "init" {
		args = append(args, "--workspace", d.path("workspace"))
	}
	return d.play(ctx, what, want, into, append(args, "--passphrase-file", d.pass)...)
}

// export checks, is refused, has it reviewed and approved, and exports.
func (d *demo) export(ctx context.Context) (pkg string, err error) {
	order := d.path("workspace", "order.yaml")
	from := demoAccount + "=" + d.path("workspace", "retrieved", "alice")
	export := []string{"export", order, "--from", from, "--as", "fulfilment1"}
	var made exported
	for _, s := range []struct {
		what string
		want int
		into any
		args []string
	}{
		{"an order arrives; what would it let out? its receipt is put on record", exitDone, nil, []string{"order", "check", order, "--as", "fulfilment1"}},
		{"what of the mailbox would leave, and what would not, and why?", exitDone, nil, []string{"export", order, "--from", from, "--dry-run"}},
		{"nobody has reviewed it, so nothing leaves: refused", exitRefused, nil, export},
		{"the reviewer finds it lawful, and accepts it whole", exitDone, nil, []string{"order", "review", order, "--accept", "--as", "reviewer1"}},
		{"who has reviewed it may not approve it: refused", exitRefused, nil, []string{"order", "approve", order, "--as", "reviewer1"}},
		{"approver1 approves exactly these bytes of the order, and that review", exitDone, nil, []string{"order", "approve", order, "--as", "approver1"}},
		{"one person counts once: refused", exitRefused, nil, []string{"order", "approve", order, "--as", "approver1"}},
		{"one approval is not enough: refused", exitRefused, nil, export},
		{"approver2 approves as well", exitDone, nil, []string{"order", "approve", order, "--as", "approver2"}},
		{"somebody widens the order's span in an editor; of that nobody has decided: refused", exitRefused, nil,
			[]string{"export", d.path("workspace", "widened.yaml"), "--from", from, "--as", "fulfilment1"}},
		{"the export: read, scope, normalize, pack, encrypt, store, read back, sign", exitDone, &made, export},
		{"every order with its clock, and what is due", exitDone, nil, []string{"status"}},
		{"the agency and the auditor get the provider's public key", exitDone, nil, []string{"keys", "show", "provider"}},
	} {
		if err := d.at(ctx, s.what, s.want, s.into, s.args...); err != nil {
			return "", err
		}
	}
	key, err := os.ReadFile(d.path("workspace", "keys", "provider.asc"))
	if err != nil {
		return "", plainPathError(err)
	}
	return made.Package, writeNewMode(d.path("agency", "provider.asc"), key, 0o644)
}

// agency verifies and opens.
func (d *demo) agency(ctx context.Context, pkg string) error {
	address, trust := d.path("store", "packages", pkg), d.path("agency", "provider.asc")
	if err := d.play(ctx, "anyone with the provider's key verifies the package, without decrypting it", exitDone, nil,
		"verify", address, "--trust", trust, "--expect", pkg); err != nil {
		return err
	}
	if err := d.play(ctx, "an older package in place of the expected one would not pass", exitUnverified, nil,
		"verify", address, "--trust", trust, "--expect", strings.Repeat("0", 32)); err != nil {
		return err
	}
	identity := d.path("agency", "identity.txt")
	if err := d.play(ctx, "the agency opens it; only what was checked gets the name opened", exitDone, nil,
		"open", address, "--identity", identity, "--trust", trust, "--expect", pkg, "--to", d.path("opened")); err != nil {
		return err
	}
	return d.play(ctx, "years later, the opened bag still verifies by itself", exitDone, nil,
		"verify-bag", d.path("opened"), "--trust", trust)
}

// play shows a command line and carries it out. It must end with the exit code
// that the story wants. into, if not nil, is filled from the command's JSON.
func (d *demo) play(ctx context.Context, what string, want int, into any, args ...string) error {
	d.step++
	d.app.tell("%2d. %s", d.step, what)
	d.app.tell("    $ exhibit %s", shellWords(args))
	var out, diagnostics bytes.Buffer
	env := *d.app.env
	env.out, env.err, env.terminal, env.screen = &out, &diagnostics, false, false
	if into != nil {
		args = append(args, "--json")
	}
	code := run(ctx, append(args, "--quiet"), &env)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if code != want {
		return fmt.Errorf("step %d of the demo: exhibit %s ended with exit code %d, not %d: %s", d.step, args[0], code, want, saysFirst(diagnostics.String()))
	}
	if into != nil {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			return fmt.Errorf("step %d of the demo: %w", d.step, err)
		}
	}
	shown := strings.TrimRight(out.String()+diagnostics.String(), "\n")
	if r, ok := into.(*exported); ok {
		var b strings.Builder
		r.text(&b)
		shown = strings.TrimRight(b.String(), "\n")
	}
	if d.terse {
		return nil
	}
	for line := range strings.Lines(shown + "\n") {
		d.app.tell("    %s", strings.TrimRight(line, "\n"))
	}
	return nil
}

// saysFirst is the error in what a command wrote to standard error, without hints.
func saysFirst(diagnostics string) string {
	for line := range strings.Lines(diagnostics) {
		if text, ok := strings.CutPrefix(line, "exhibit: "); ok {
			return oneLine(text)
		}
	}
	return oneLine(diagnostics)
}

// tell writes a line of the story: to standard output, or, where that is for
// JSON, to standard error.
func (a *app) tell(format string, args ...any) {
	w := a.env.out
	if a.json {
		w = a.env.err
	}
	if !a.quiet {
		fmt.Fprintf(w, format+"\n", args...)
	}
}

func shellWords(args []string) string {
	words := make([]string, len(args))
	for i, w := range args {
		if w == "" || strings.ContainsFunc(w, needsQuotes) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}

// needsQuotes reports what a shell might not take as it stands.
func needsQuotes(r rune) bool {
	return r < 0x80 && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("%+,-./:=@_", r))
}

// unpack copies a folder of an embedded file system.
func unpack(files fs.FS, from, to string) error {
	sub, err := fs.Sub(files, from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return plainPathError(err)
	}
	if err := os.CopyFS(to, sub); err != nil {
		return plainPathError(err)
	}
	return nil
}

func writeNewMode(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return plainPathError(err)
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return plainPathError(err)
	}
	if err := f.Close(); err != nil {
		return plainPathError(err)
	}
	return nil
}

type demoDone struct {
	Dir     string `json:"dir"`
	Package string `json:"package"`
}

func (r demoDone) text(w io.Writer) {
	at := func(parts ...string) string { return filepath.Join(append([]string{r.Dir}, parts...)...) }
	fmt.Fprintf(w, "\nwhat to look at:\n")
	for _, l := range [][2]string{
		{at("opened", "data", "report.html"), "what the agency reads first"},
		{at("opened", "data", "index.csv"), "the index of all exhibits"},
		{at("opened", "data", "messages"), "the exhibits themselves"},
		{at("opened", "data", "withheld.csv"), "how much was withheld and why: nothing else of it left"},
		{at("store", "packages", r.Package, "manifest.json"), "the public statement: no names, no content"},
		{at("store", "packages", r.Package, "README.txt"), "how to do it all with gpgv, age, zstd and tar alone"},
	} {
		fmt.Fprintf(w, "  %-70s %s\n", l[0], l[1])
	}
}
