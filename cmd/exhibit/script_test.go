package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script: every verb as users call it, each script in
// a folder of its own, and the program as a process of its own. Commands that
// the scripts have beside those of testscript are below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv(raceOptions, os.Getenv(raceOptions))
			env.Setenv("SAMPLE", sampleMailbox())
			env.Setenv("ALICE", demoAccount)
			env.Setenv("PASS", "--passphrase-file=pass")
			env.Setenv("NONE", strings.Repeat("0", 32))
			counts, err := sampleCounts()
			if err != nil {
				return err
			}
			const besideItems = 10 // order, instrument, three indexes, two tables, two lists, report
			for name, n := range map[string]int{
				"SOURCE": counts.Source, "INCLUDED": counts.Included, "WITHHELD": counts.Source - counts.Included,
				"EXCEPTIONS": counts.exceptions(), "FILES": counts.Included + besideItems,
			} {
				env.Setenv(name, strconv.Itoa(n))
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "mount" {
				return os.Getenv("CI") == "true" || canMount(), nil
			}
			return false, fmt.Errorf("no condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"stage":    scriptStage,
			"does":     scriptDoes,
			"fails":    scriptFails,
			"fields":   scriptFields,
			"json":     scriptJSON,
			"snapshot": scriptSnapshot,
			"same":     scriptSame,
			"records":  scriptRecords,
			"edit":     scriptEdit,
			"flip":     scriptFlip,
			"cut":      scriptCut,
			"forge":    scriptForge,
			"tmpfs":    scriptTmpfs,
		},
	})
}

// stage NAME begins with a stage: ws, store, agency, order.yaml and so on. It
// sets EXHIBIT_WORKSPACE, and ID and PKG of the package, if there is one.
func scriptStage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: stage NAME")
	}
	from, err := stageDir(args[0])
	ts.Check(err)
	ts.Check(copyTree(from, ts.MkAbs(".")))
	ts.Setenv("EXHIBIT_WORKSPACE", "ws")
	ts.Setenv("ID", stages.id)
	ts.Setenv("PKG", "store/packages/"+stages.id)
}

// code runs exhibit and returns its exit code; stdout and stderr are kept for
// the commands that follow.
func code(ts *testscript.TestScript, args []string) int {
	err := ts.Exec("exhibit", args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// does ARGS... is exec exhibit ARGS... --json, which must succeed and say
// nothing but notices on standard error.
func scriptDoes(ts *testscript.TestScript, _ bool, args []string) {
	if got := code(ts, append(args, "--json")); got != exitDone {
		ts.Fatalf("exit code %d", got)
	}
	if !json.Valid([]byte(ts.ReadFile("stdout"))) {
		ts.Fatalf("standard output is no JSON")
	}
}

// fails EXIT CODE SENTENCE ARGS... runs exhibit --json ARGS..., which must end
// with that exit code, one line on standard error that holds SENTENCE, hints
// below it, and the same in JSON on standard output, with the stable CODE ("-"
// where there is none).
func scriptFails(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: fails EXIT CODE SENTENCE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := code(ts, append([]string{"--json"}, args[3:]...))
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	var f failure
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil || decoder.More() {
		ts.Fatalf("standard output is not one failure in JSON: %v", err)
	}
	if f.Exit != want || f.Code != strings.TrimPrefix(args[1], "-") {
		ts.Fatalf("JSON has exit %d and code %q", f.Exit, f.Code)
	}
	if !strings.Contains(f.Error, args[2]) {
		ts.Fatalf("%q does not say %q", f.Error, args[2])
	}
	if err := oneSentence(ts.ReadFile("stderr"), f); err != nil {
		ts.Fatalf("%v", err)
	}
}

// oneSentence checks standard error against the failure in JSON: notices, one
// line, hints.
func oneSentence(stderr string, f failure) error {
	want := "exhibit: " + f.Error + "\n"
	for _, h := range f.Hints {
		want += "hint: " + h + "\n"
	}
	notices, ok := strings.CutSuffix(stderr, want)
	if !ok {
		return fmt.Errorf("standard error is not %q with its hints", f.Error)
	}
	if strings.Contains(notices, "exhibit: ") || strings.Contains(notices, "panic") || strings.Contains(notices, "goroutine ") {
		return errors.New("standard error says more than one sentence")
	}
	return nil
}

// fields NAME... checks the names of the JSON object on standard output: these
// and no others.
func scriptFields(ts *testscript.TestScript, _ bool, args []string) {
	var object map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &object))
	got := slices.Sorted(maps.Keys(object))
	slices.Sort(args)
	if !slices.Equal(got, args) {
		ts.Fatalf("fields are %v", got)
	}
}

// json PATH VALUE compares a value in the JSON on standard output; PATH has
// names and numbers with dots between, VALUE is text, or JSON for anything else.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, step := range strings.Split(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[step]
			if !ok {
				ts.Fatalf("no %s in %s", step, args[0])
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("no %s in %s", step, args[0])
			}
			v = at[i]
		default:
			ts.Fatalf("no %s in %s", step, args[0])
		}
	}
	got, ok := v.(string)
	if !ok {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		ts.Check(encoder.Encode(v))
		got = strings.TrimSpace(b.String())
	}
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// tree digests all files of a folder, and names all folders.
func tree(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			b.WriteString("nothing\n")
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			fmt.Fprintf(&b, "%s %s\n", entry.Type(), rel)
			return nil
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%x %s\n", sha256.Sum256(data), rel)
		return err
	})
	return b.String(), err
}

// snapshots are kept in the environment of a script, as its variables.
func snapshotKey(dir string) string {
	return "SNAPSHOT_" + strings.NewReplacer("/", "_", ".", "_").Replace(dir)
}

// snapshot DIR... remembers what is in folders, or that there are none.
func scriptSnapshot(ts *testscript.TestScript, _ bool, args []string) {
	for _, dir := range args {
		text, err := tree(ts.MkAbs(dir))
		ts.Check(err)
		ts.Setenv(snapshotKey(dir), text)
	}
}

// same DIR... compares folders with the snapshot: nothing was left behind.
func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		text, err := tree(ts.MkAbs(dir))
		ts.Check(err)
		before := ts.Getenv(snapshotKey(dir))
		if before == "" {
			ts.Fatalf("no snapshot of %s", dir)
		}
		if (text == before) == neg {
			ts.Fatalf("%s was:\n%sand is:\n%s", dir, before, text)
		}
	}
}

// records EVENT N checks how many custody records of an event the store holds;
// with a third argument, how many whose details or objects hold that text.
func scriptRecords(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: records EVENT N [TEXT]")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	got := 0
	err = filepath.WalkDir(ts.MkAbs("store/custody/records/order"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct{ Text string }
		var record struct{ Event string }
		if err := json.Unmarshal(data, &file); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(file.Text), &record); err != nil {
			return err
		}
		if record.Event == args[0] && (len(args) == 2 || strings.Contains(file.Text, args[2])) {
			got++
		}
		return nil
	})
	if !errors.Is(err, fs.ErrNotExist) {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%d records of %s, want %d", got, args[0], want)
	}
}

// edit FILE OLD NEW replaces text that stands once in a file; \n is a line end.
func scriptEdit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	unescape := strings.NewReplacer(`\n`, "\n")
	path, old := ts.MkAbs(args[0]), unescape.Replace(args[1])
	text := ts.ReadFile(args[0])
	if n := strings.Count(text, old); n != 1 {
		ts.Fatalf("%q stands %d times in %s", old, n, args[0])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(text, old, unescape.Replace(args[2]), 1)), 0o600))
}

// flip FILE OFFSET changes one bit; an offset below zero counts from the end.
func scriptFlip(ts *testscript.TestScript, _ bool, args []string) {
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	if offset < 0 {
		offset += len(data)
	}
	data[offset] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// canMount tries it. In CI nobody asks: what cannot be tested there is a failure.
func canMount() bool {
	dir, err := os.MkdirTemp("", "exhibit-mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if err := mountSmall(dir, "16k", false); err != nil {
		return false
	}
	unmount(dir)
	return true
}

// tmpfs DIR SIZE [ro] mounts a small file system, which a full disk and a
// read-only one need: root is stopped by no mode bits.
func scriptTmpfs(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: tmpfs DIR SIZE [ro]")
	}
	if err := mountSmall(ts.MkAbs(args[0]), args[1], slices.Contains(args[2:], "ro")); err != nil {
		ts.Fatalf("%v: run the tests as root, where file systems may be mounted", err)
	}
	dir := ts.MkAbs(args[0])
	ts.Defer(func() { unmount(dir) })
}
