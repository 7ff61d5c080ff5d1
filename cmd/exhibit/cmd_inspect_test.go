package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// defectNames reads the names of defects from a package's source.
func defectNames(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	names := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Defect") || len(spec.Values) == 0 {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				names[name] = true
			}
			return true
		})
	}
	return names
}

// Whoever sees a defect reads what it is.
func TestEveryDefectIsExplained(t *testing.T) {
	all := map[string]bool{}
	for _, dir := range []string{"export/mail", "export/mail/header", "export/mail/mime"} {
		names := defectNames(t, dir)
		if len(names) == 0 {
			t.Errorf("%s has no defects", dir)
		}
		for name := range names {
			all[name] = true
			if text := explanations[name]; text == "" || strings.ContainsAny(text, "\n") {
				t.Errorf("%s: explained as %q", name, text)
			}
		}
	}
	for name := range explanations {
		if !all[name] {
			t.Errorf("%s is no defect any more", name)
		}
	}
}

func TestVisible(t *testing.T) {
	for given, want := range map[string]string{
		"Plan für das Dach 日本 🏠": "Plan für das Dach 日本 🏠",
		"a\x1b[2Jb":              `a\x1b[2Jb`,
		"a\u202eb\u2066c":        `a\u202eb\u2066c`,
		"a\u009bb\u200bc\ufeff":  `a\u009bb\u200bc\ufeff`,
		"a\r\n\tb\x00\a\x7f":     `a\r\n\tb\x00\x07\x7f`,
		"a\xff\xc3b\ufffd":       `a\xff\xc3b` + "\ufffd",
		`C:\temp 'x' "y"`:        `C:\temp 'x' "y"`,
		"\U000e0001":             `\U000e0001`,
		"":                       "",
	} {
		if got := visible(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// JSON has no character that would act on a terminal, and means what it meant.
func TestEscapedJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + "\u202e\u009b\U000e0001\x1b\x7f é日"
		line, err := json.Marshal(map[string]string{"x": text})
		if err != nil {
			t.Fatal(err)
		}
		escaped := escapedJSON(line)
		for _, r := range string(escaped) {
			if !printable(r) {
				t.Fatalf("%q holds %q", escaped, r)
			}
		}
		var was, is map[string]string
		if err := errors.Join(json.Unmarshal(line, &was), json.Unmarshal(escaped, &is)); err != nil || was["x"] != is["x"] {
			t.Fatalf("%q became %q: %v", was["x"], is["x"], err)
		}
	})
}

// A terminal is shown printable text, whatever pieces it comes in.
func TestScreenCheck(t *testing.T) {
	for text, want := range map[string]bool{
		"Grüße\r\n\tdas Dach\n": true,
		"":                      true,
		"\x1b[2J":               false,
		"a\rb":                  false,
		"a\r":                   false,
		"%PDF-1.4\n\xff\xfe":    false,
		"cut \xe6\x97":          false,
		"\u202etxt.exe":         false,
		"NUL \x00":              false,
	} {
		for piece := 1; piece <= max(1, len(text)); piece++ {
			var c screenCheck
			var err error
			for rest := []byte(text); len(rest) > 0 && err == nil; rest = rest[min(piece, len(rest)):] {
				_, err = c.Write(rest[:min(piece, len(rest))])
			}
			if err == nil {
				err = c.end()
			}
			if (err == nil) != want {
				t.Errorf("%q in pieces of %d: %v", text, piece, err)
			}
		}
	}
}

// What is no plain text goes to a file, not to a terminal.
func TestInspectPartOnTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.eml")
	const message = "From: bob@nordwind.example\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\n\nplain\n--b\n\n\x1b[2J\n--b--\n"
	if err := os.WriteFile(path, []byte(message), 0o600); err != nil {
		t.Fatal(err)
	}
	run1 := func(part string, screen bool) outcome {
		var stdout, stderr bytes.Buffer
		env := &environment{out: &stdout, err: &stderr, getenv: func(string) string { return "" }, now: time.Now, screen: screen}
		code := run(context.Background(), []string{"inspect", path, "--part", part}, env)
		return outcome{code, stdout.String(), stderr.String()}
	}
	if got := run1("1.1", true); got.code != exitDone || got.stdout != "plain" {
		t.Errorf("plain text: %+v", got)
	}
	if got := run1("1.2", false); got.code != exitDone || got.stdout != "\x1b[2J" {
		t.Errorf("to a file: %+v", got)
	}
	got := run1("1.2", true)
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "hint: ") || !strings.Contains(got.stderr, "> OUT") {
		t.Errorf("to a terminal: %+v", got)
	}
}

// Whatever a message holds, what is printed of it is made of lines of printable
// text, or of one line of JSON.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("From: a@b.example\nSubject: =?utf-8?q?=1B[31m?=\n\nx"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\x1b\n\n--\x1b\n\n--\x1b--"))
	f.Add([]byte("From x@y Mon Jan 12 08:30:05 2026\nA: \xff\n\n\nFrom x@y Mon Jan 12 08:30:05 2026\nB: c\n\n"))
	path := filepath.Join(f.TempDir(), "m\x1b.eml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{}, {"--json"}, {"--headers"}, {"--format", "mbox"}} {
			got := exhibit(append([]string{"inspect", path}, args...)...)
			if got.code != exitDone && got.code != exitFailed {
				t.Errorf("%v: exit code %d", args, got.code)
			}
			if !utf8.ValidString(got.stdout) {
				t.Errorf("%v: %q", args, got.stdout)
			}
			for _, r := range got.stdout + got.stderr {
				if r != '\n' && !printable(r) {
					t.Errorf("%v: %q in %q", args, r, got.stdout+got.stderr)
				}
			}
		}
	})
}
