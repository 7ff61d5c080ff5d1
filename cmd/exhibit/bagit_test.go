package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bagit validates a folder, and returns what the validator prints.
func bagit(t *testing.T, folder string) (valid bool, says string) {
	t.Helper()
	path, err := bagitProgram()
	if err != nil {
		missing(t, "cannot build the validator in testdata/bagit: %v", err)
	}
	out, err := exec.Command(path, folder).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return true, string(out)
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return false, string(out)
	}
	t.Fatalf("no verdict: %v\n%s", err, out)
	return false, ""
}

// Invariant 11: an opened bag is valid to the Library of Congress's own bagit.py;
// a spoilt one is not, and verify-bag finds the same.
func TestBagIt(t *testing.T) {
	t.Parallel()
	bag := filepath.Join(stage(t, stageOpened), "opened")
	trust := filepath.Join(filepath.Dir(bag), "agency", "provider.asc")
	if valid, says := bagit(t, bag); !valid {
		t.Fatal(says)
	}
	write := func(t *testing.T, folder, name string, change func([]byte) []byte) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, folder string)
		says  string
	}{
		{"payload byte changed", func(t *testing.T, folder string) {
			write(t, folder, "data/messages/E0000005.eml", func(d []byte) []byte { d[7] ^= 1; return d })
		}, "E0000005.eml"},
		{"payload file removed", func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "data", "index.csv")); err != nil {
				t.Fatal(err)
			}
		}, "Payload-Oxum"},
		{"entry of the tag manifest changed", func(t *testing.T, folder string) {
			write(t, folder, "tagmanifest-sha256.txt", func(d []byte) []byte {
				if d[0] == '0' {
					d[0] = '1'
				} else {
					d[0] = '0'
				}
				return d
			})
		}, "bag-info.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "bag")
			if err := copyTree(bag, folder); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, folder)
			valid, says := bagit(t, folder)
			if valid || !strings.Contains(says, c.says) {
				t.Errorf("valid: %v, and it says %q, not %q", valid, says, c.says)
			}
			if got := exhibit("verify-bag", folder, "--trust", trust); got.code != exitUnverified {
				t.Errorf("verify-bag: exit code %d: %s", got.code, got.stderr)
			}
		})
	}
}
