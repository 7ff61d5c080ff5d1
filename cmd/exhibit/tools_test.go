package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// need finds programs, or skips the test; in CI it fails there, saying what to
// install.
func need(t *testing.T, programs ...string) {
	t.Helper()
	packages := map[string]string{"gpg": "gnupg", "sha256sum": "coreutils", "sh": "dash", "age-keygen": "age", "diff": "diffutils"}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		pkg := packages[name]
		if pkg == "" {
			pkg = name
		}
		missing(t, "%s is missing: apt-get install %s", name, pkg)
	}
}

// missing skips the test, or fails it in CI.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// built returns a folder of programs that is kept in the folder named by
// EXHIBIT_TEST_BIN, or else in the user's cache folder, and is built if it is
// not there. build puts them into the folder that it is given.
func built(name string, build func(folder string) error) (string, error) {
	folder := os.Getenv("EXHIBIT_TEST_BIN")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w; set EXHIBIT_TEST_BIN to a folder", err)
		}
		folder = filepath.Join(cache, "exhibit-test", "bin")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	// Built aside and renamed, so that nobody starts half a program.
	aside, err := os.MkdirTemp(folder, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(aside)
	if err := build(aside); err != nil {
		return "", err
	}
	if err := os.Rename(aside, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return path, nil
}

// goTool runs the go command in a folder, apart from this module's settings.
func goTool(dir string, env []string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS="), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// bagitProgram builds the Library of Congress's validator, from a module of its
// own: it carries a Python interpreter.
func bagitProgram() (string, error) {
	module, err := filepath.Abs(filepath.Join("..", "..", "testdata", "bagit"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		data, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(data), data)
	}
	folder, err := built(fmt.Sprintf("bagit-%x", h.Sum(nil)[:8]), func(folder string) error {
		return goTool(module, nil, "build", "-o", folder, ".")
	})
	return filepath.Join(folder, "bagit"), err
}

// ageVersion is the first age that knows post-quantum keys and is not older than
// the library; Debian's may be.
const ageVersion = "v1.3.2"

// currentAge returns a folder with age and age-keygen.
func currentAge(t *testing.T) string {
	t.Helper()
	folder, err := built("age-"+ageVersion, func(folder string) error {
		return goTool(folder, []string{"GOBIN=" + folder, "CGO_ENABLED=0"}, "install", "filippo.io/age/cmd/...@"+ageVersion)
	})
	if err != nil {
		missing(t, "cannot build age: %v", err)
	}
	return folder
}
