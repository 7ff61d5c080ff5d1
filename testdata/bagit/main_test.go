package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bagit "github.com/artefactual-labs/bagit-gython"
)

// goodBag writes a valid bag of one payload file and returns its folder.
func goodBag(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	payload := "a message\r\n"
	write(t, folder, "data/messages/E0000001.eml", payload)
	write(t, folder, "bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
	write(t, folder, "bag-info.txt", fmt.Sprintf("Payload-Oxum: %d.1\n", len(payload)))
	write(t, folder, "manifest-sha256.txt", manifest(t, folder, "data/messages/E0000001.eml"))
	write(t, folder, "tagmanifest-sha256.txt", manifest(t, folder, "bag-info.txt", "bagit.txt", "manifest-sha256.txt"))
	return folder
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// manifest returns the bag manifest lines of the named files.
func manifest(t *testing.T, folder string, names ...string) string {
	t.Helper()
	var lines strings.Builder
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(data), name)
	}
	return lines.String()
}

func TestRun(t *testing.T) {
	// Unpacking the interpreter takes seconds, so the bags share one.
	shared, err := bagit.NewBagIt()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := shared.Cleanup(); err != nil {
			t.Error(err)
		}
	}()
	tests := []struct {
		name  string
		spoil func(t *testing.T, folder string)
		code  int
		says  string
	}{
		{"good", func(*testing.T, string) {}, exitValid, "valid"},
		{"payload altered", func(t *testing.T, folder string) {
			write(t, folder, "data/messages/E0000001.eml", "A message\r\n")
		}, exitInvalid, "E0000001.eml"},
		{"payload extra", func(t *testing.T, folder string) {
			write(t, folder, "data/extra", "")
		}, exitInvalid, "Payload-Oxum"},
		{"payload missing", func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "data/messages/E0000001.eml")); err != nil {
				t.Fatal(err)
			}
		}, exitInvalid, "Payload-Oxum"},
		{"tag file altered", func(t *testing.T, folder string) {
			write(t, folder, "bag-info.txt", "Payload-Oxum: 11.1\nContact-Name: x\n")
		}, exitInvalid, "bag-info.txt"},
		{"no declaration", func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "bagit.txt")); err != nil {
				t.Fatal(err)
			}
		}, exitInvalid, "bagit.txt"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := goodBag(t)
			test.spoil(t, folder)
			var stdout, stderr bytes.Buffer
			code := run([]string{folder}, shared.Validate, &stdout, &stderr)
			if code != test.code || !strings.Contains(stdout.String(), test.says) {
				t.Errorf("run = %d, %q, %q; want %d and %q", code, stdout.String(), stderr.String(), test.code, test.says)
			}
		})
	}
}

func TestRunWithoutVerdict(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "")
	for _, args := range [][]string{nil, {"a", "b"}, {filepath.Join(t.TempDir(), "absent")}, {file}} {
		var stdout, stderr bytes.Buffer
		if code := run(args, validate, &stdout, &stderr); code != exitOther || stderr.Len() == 0 || stdout.Len() != 0 {
			t.Errorf("run(%q) = %d, %q, %q; want %d and a reason", args, code, stdout.String(), stderr.String(), exitOther)
		}
	}
}
