package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestElapsedText(t *testing.T) {
	for given, want := range map[string]string{
		"4855h13m7s": "202 days 7 hours",
		"25h0m0s":    "1 day 1 hour",
		"3h0m59s":    "3 hours 0 minutes",
		"28m1s":      "28 minutes 1 second",
		"0s":         "0 seconds",
		"-1h0m0s":    "-1h0m0s",
		"soon":       "soon",
	} {
		if got := elapsedText(given); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}

// No message names a system call, however deep the error lies.
func TestPlainText(t *testing.T) {
	path := &fs.PathError{Op: "lstat", Path: "mail/x", Err: fs.ErrNotExist}
	link := &os.LinkError{Op: "linkat", Old: ".tmp-1", New: "out", Err: fs.ErrPermission}
	err := errors.Join(fmt.Errorf("source: %w", path), fmt.Errorf("first: %w: %w", link, errNoTerminal))
	want := "source: mail/x: file does not exist\nfirst: out: permission denied: " + errNoTerminal.Error()
	if got := plainText(err); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A target is outside of the package's folder or refused, by whatever way it is
// named and whether it is there yet.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	if err := errors.Join(
		os.MkdirAll(at("pkg", "sub"), 0o700), os.Mkdir(at("pkg-opened"), 0o700),
		os.Symlink(at("pkg"), at("link")), os.Symlink(filepath.Join("pkg", "new"), at("dangling")),
	); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pkg, target string
		inside      bool
	}{
		{at("pkg"), at("pkg"), true},
		{at("pkg"), at("pkg", "opened"), true},
		{at("pkg"), at("pkg", "sub", "..", "a", "b"), true},
		{at("pkg"), at("link", "a", "b"), true},
		{at("link"), at("pkg", "a"), true},
		{at("pkg"), at("dangling"), true},
		{at("pkg"), at("pkg-opened"), false},
		{at("pkg"), at("..opened"), false},
		{at("pkg"), at("new", "pkg"), false},
		{at("pkg", "sub"), at("pkg", "opened"), false},
		{"s3://bucket/prefix/packages/x", at("opened"), false},
	} {
		err := outside(c.pkg, c.target)
		if got := exitCode(err) == exitUsage; got != c.inside || err != nil && !got {
			t.Errorf("%s in %s: %v", c.target, c.pkg, err)
		}
	}
}
