package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// started is a program in a process of its own.
type started struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	done           chan error
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	p := &started{cmd: exec.CommandContext(t.Context(), "exhibit", args...), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p
}

// interruptWhen sends SIGINT as soon as the condition holds, and returns the
// outcome. It reports false when the program was done before.
func (p *started) interruptWhen(t *testing.T, condition func() bool) (outcome, bool) {
	t.Helper()
	for {
		select {
		case err := <-p.done:
			return p.outcome(t, err), false
		default:
		}
		if condition() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return p.outcome(t, <-p.done), false
	}
	return p.outcome(t, <-p.done), true
}

func (p *started) outcome(t *testing.T, err error) outcome {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

// bigMailbox writes an mbox of about that many MiB that does not compress.
func bigMailbox(t *testing.T, path string, size int) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	line := make([]byte, 77)
	line[76] = '\n'
	for n := 0; b.Len() < size<<20; n++ {
		fmt.Fprintf(&b, "From alice@mail.example Mon Feb  2 10:00:00 2026\nFrom: bob@mail.example\nTo: alice@mail.example\nDate: Mon, 2 Feb 2026 10:00:00 +0100\nSubject: %d\n\n", n)
		for range 2000 {
			for i := range 76 {
				line[i] = digits[random.IntN(64)]
			}
			b.Write(line)
		}
		b.WriteByte('\n')
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// has reports whether a folder holds anything for which match holds.
func has(dir string, match func(path string) bool) bool {
	found := false
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != dir && match(path) {
			found = true
			return fs.SkipAll
		}
		return nil // files come and go meanwhile
	})
	return found
}

// Invariant 10, exit code 5: Ctrl-C during export and open leaves nothing of
// either, and the same command succeeds afterwards.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dir := stage(t, stageApproved)
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	bigMailbox(t, at("big.mbox"), 48)
	export := []string{"export", at("order.yaml"), "--from", demoAccount + "=" + at("big.mbox"), "--workspace", at("ws"), "--passphrase-file", at("pass")}

	// The claim is taken just before anything is read.
	claimed := func() bool { return has(at("store", "claims"), func(string) bool { return true }) }
	mustInterrupt(t, start(t, export...), claimed)
	if has(at("store", "packages"), func(path string) bool { return strings.Contains(path, "volume") || strings.Contains(path, "manifest") }) {
		t.Error("something of a package is left")
	}
	got := start(t, append(export, "--json")...)
	made := got.outcome(t, <-got.done)
	if made.code != exitDone {
		t.Fatal(made.stderr)
	}
	var result exported
	decode(t, made.stdout, &result)
	if result.Repeated {
		t.Error("the interrupted export was whole")
	}

	trust := at("agency", "provider.asc")
	open := []string{"open", result.Address, "--identity", at("agency", "identity.txt"), "--trust", trust, "--to", at("out", "opened")}
	quarantined := func() bool {
		return has(at("out"), func(path string) bool { return strings.Contains(path, "quarantine") })
	}
	mustInterrupt(t, start(t, open...), quarantined)
	if has(at("out"), func(string) bool { return true }) {
		t.Error("something of the opened package is left")
	}
	again := start(t, open...)
	if reopened := again.outcome(t, <-again.done); reopened.code != exitDone {
		t.Error(reopened.stderr)
	}
	if bag := exhibit("verify-bag", at("out", "opened"), "--trust", trust); bag.code != exitDone {
		t.Error(bag.stderr)
	}
}

// An interrupted demonstration takes away what it made, and its hint is its own.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	story := filepath.Join(dir, "deep", "story")
	p := start(t, "demo", story)
	got, interrupted := p.interruptWhen(t, func() bool {
		return has(story, func(path string) bool { return strings.HasSuffix(path, "exhibit.yaml") })
	})
	if !interrupted {
		t.Fatalf("it was done before it could be interrupted: %s", got.stderr)
	}
	want := "exhibit: interrupted\nhint: nothing is left of it; the same command begins anew\n"
	if got.code != exitInterrupted || got.stderr != want {
		t.Errorf("exit code %d, standard error %q", got.code, got.stderr)
	}
	if has(dir, func(string) bool { return true }) {
		t.Error("something is left")
	}
}

func mustInterrupt(t *testing.T, p *started, when func() bool) {
	t.Helper()
	got, interrupted := p.interruptWhen(t, when)
	if !interrupted {
		t.Fatalf("it was done before it could be interrupted: exit code %d\n%s", got.code, got.stderr)
	}
	if got.code != exitInterrupted {
		t.Errorf("exit code %d, want %d", got.code, exitInterrupted)
	}
	if want := "exhibit: interrupted\nhint: give the same command again to go on\n"; !strings.HasSuffix(got.stderr, want) || strings.Contains(got.stderr, "goroutine") {
		t.Errorf("standard error is %q", got.stderr)
	}
	if got.stdout != "" {
		t.Errorf("standard output is %q", got.stdout)
	}
}
