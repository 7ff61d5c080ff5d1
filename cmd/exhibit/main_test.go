package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"exhibit/export/seal"
	"exhibit/testdata"
)

// TestMain makes the test binary serve as the program: the scripts call it by
// the name exhibit, and it runs the very function that main calls.
func TestMain(m *testing.M) {
	// With the race detector every process would sleep for a second as it ends.
	if os.Getenv(raceOptions) == "" {
		if err := os.Setenv(raceOptions, "atexit_sleep_ms=0"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitFailed)
		}
	}
	testscript.Main(tidied{m}, map[string]func(){
		"exhibit": func() { os.Exit(run(context.Background(), os.Args[1:], testSystem())) },
	})
}

// raceOptions is the variable that the race detector's runtime reads.
const raceOptions = "GORACE"

// testSystem is system with a clock that a test can put forward.
func testSystem() *environment {
	env := system()
	if text := os.Getenv("TEST_CLOCK_AHEAD"); text != "" {
		ahead, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, "TEST_CLOCK_AHEAD:", err)
			os.Exit(exitUsage)
		}
		env.now = func() time.Time { return time.Now().Add(ahead) }
	}
	return env
}

// tidied removes the stages when all tests are done.
type tidied struct{ m *testing.M }

func (t tidied) Run() int {
	code := t.m.Run()
	if stages.dir != "" {
		os.RemoveAll(stages.dir)
	}
	return code
}

// stages are folders that tests begin with, made once: making keys takes
// longer than all the rest. Each holds ws (a workspace), store, agency
// (identity.txt, recipient.txt, provider.asc), order.yaml, instrument.pdf and
// pass, the passphrase of everybody.
var stages struct {
	once sync.Once
	dir  string
	id   string // of the package, from stage exported on
	err  error
}

// The stages.
const (
	stageFounded  = "founded"  // keys, policy
	stageApproved = "approved" // and a review and two approvals of order.yaml
	stageExported = "exported" // and its package
	stageOpened   = "opened"   // and the folder opened
)

// stageDir returns the folder of a stage, which nobody may change.
func stageDir(name string) (string, error) {
	stages.once.Do(func() { stages.err = makeStages() })
	return filepath.Join(stages.dir, name), stages.err
}

// stage copies a stage into a new folder of the test.
func stage(t *testing.T, name string) string {
	t.Helper()
	from, err := stageDir(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := copyTree(from, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyTree copies a folder with the rights of its files, which os.CopyFS does
// not keep: secret keys must stay their owner's.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), info.Mode().Perm())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, info.Mode().Perm())
	})
}

// packageDir is the package of the stage exported, in a copy of it.
func packageDir(dir string) string { return filepath.Join(dir, "store", "packages", stages.id) }

// sampleMailbox is the folder of the sample mailbox.
func sampleMailbox() string {
	path, err := filepath.Abs(filepath.Join("..", "..", "testdata", "mailbox", "alice"))
	if err != nil {
		panic(err)
	}
	return path
}

// sampleTotals is what the sample mailbox holds, as testdata says.
type sampleTotals struct {
	Source     int
	Included   int
	Exceptions map[string]int
}

func (s sampleTotals) exceptions() int {
	sum := 0
	for _, n := range s.Exceptions {
		sum += n
	}
	return sum
}

func sampleCounts() (s sampleTotals, err error) {
	data, err := testdata.Files.ReadFile("mailbox/expected.json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(data, &s)
}

// outcome is what a command line gave.
type outcome struct {
	code   int
	stdout string
	stderr string
}

// exhibit carries out a command line in this process, in the present folder:
// only absolute paths make sense.
func exhibit(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(context.Background(), args, &environment{out: &stdout, err: &stderr, getenv: func(string) string { return "" }, now: time.Now})
	return outcome{code, stdout.String(), stderr.String()}
}

func makeStages() (err error) {
	if stages.dir, err = os.MkdirTemp("", "exhibit-stages-"); err != nil {
		return err
	}
	at := func(parts ...string) string {
		return filepath.Join(append([]string{stages.dir, stageFounded}, parts...)...)
	}
	if err := makeFiles(at); err != nil {
		return err
	}
	pass := "--passphrase-file=" + at("pass")
	commands := [][]string{
		{"init", at("ws"), "--provider", "Example Mail", "--holder", "Admin One", "--store", "../store", pass},
		{"init", at("ws"), "--admin", "admin2", "--holder", "Admin Two", pass},
	}
	for _, p := range demoPeople {
		commands = append(commands,
			[]string{"keys", "new", p.name, "--holder", p.holder, pass},
			[]string{"keys", "enroll", p.name, "--holder", p.holder, "--role", p.role, "--how", "in person", "--as", "admin", pass},
			[]string{"keys", "enroll", p.name, "--as", "admin2", pass})
	}
	commands = append(commands,
		[]string{"keys", "enroll", "agency", "--holder", "Landeskriminalamt Musterland", "--role", "agency", "--key", at("agency", "recipient.txt"), "--how", "call back", "--as", "admin", pass},
		[]string{"keys", "enroll", "agency", "--key", at("agency", "recipient.txt"), "--as", "admin2", pass})
	if err := allDone(at("ws"), commands); err != nil {
		return err
	}
	key, err := os.ReadFile(at("ws", "keys", "provider.asc"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(at("agency", "provider.asc"), key, 0o644); err != nil {
		return err
	}
	return laterStages()
}

// makeFiles makes what the provider gets from others.
func makeFiles(at func(...string) string) error {
	if err := os.MkdirAll(at("agency"), 0o755); err != nil {
		return err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	public := identity.Recipient().String()
	recipient, err := seal.ParseRecipient([]byte(public))
	if err != nil {
		return err
	}
	order, err := testdata.Files.ReadFile("order/order.yaml")
	if err != nil {
		return err
	}
	instrument, err := testdata.Files.ReadFile("order/instrument.pdf")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path string
		text string
	}{
		{at("agency", "identity.txt"), identity.String() + "\n"},
		{at("agency", "recipient.txt"), public + "\n"},
		{at("order.yaml"), strings.ReplaceAll(string(order), "AGENCY-KEY", recipient.Fingerprint)},
		{at("instrument.pdf"), string(instrument)},
		{at("pass"), "correct horse battery staple\n"},
	} {
		if err := os.WriteFile(f.path, []byte(f.text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// laterStages makes each stage from a copy of the one before.
func laterStages() error {
	for _, s := range []struct {
		from, to string
		commands func(at func(...string) string) [][]string
	}{
		{stageFounded, stageApproved, func(at func(...string) string) [][]string {
			return [][]string{
				{"order", "review", at("order.yaml"), "--accept", "--as", "reviewer1"},
				{"order", "approve", at("order.yaml"), "--as", "approver1"},
				{"order", "approve", at("order.yaml"), "--as", "approver2"},
			}
		}},
		{stageApproved, stageExported, func(at func(...string) string) [][]string {
			return [][]string{{"export", at("order.yaml"), "--from", demoAccount + "=" + sampleMailbox()}}
		}},
		{stageExported, stageOpened, func(at func(...string) string) [][]string {
			return [][]string{{"open", at("store", "packages", stages.id), "--identity", at("agency", "identity.txt"), "--trust", at("agency", "provider.asc"), "--to", at("opened")}}
		}},
	} {
		if err := copyTree(filepath.Join(stages.dir, s.from), filepath.Join(stages.dir, s.to)); err != nil {
			return err
		}
		at := func(parts ...string) string { return filepath.Join(append([]string{stages.dir, s.to}, parts...)...) }
		if ids, err := os.ReadDir(at("store", "packages")); err == nil && len(ids) == 1 {
			stages.id = ids[0].Name()
		}
		commands := s.commands(at)
		for i := range commands {
			commands[i] = append(commands[i], "--passphrase-file="+at("pass"))
		}
		if err := allDone(at("ws"), commands); err != nil {
			return err
		}
	}
	return nil
}

func allDone(workspace string, commands [][]string) error {
	for _, args := range commands {
		if args[0] != "init" {
			args = append(args, "--workspace", workspace)
		}
		if got := exhibit(append(args, "--quiet")...); got.code != exitDone {
			return fmt.Errorf("exhibit %s: exit code %d: %s", strings.Join(args, " "), got.code, got.stderr)
		}
	}
	return nil
}

// decode reads JSON into v.
func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, text)
	}
}
