//go:build unix

package mail_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"exhibit/export/mail"
)

// Links are not followed, and nothing waits for a pipe.
func TestLinksAndPipes(t *testing.T) {
	outside := tree(t, map[string]string{"secret.eml": msg})
	root := tree(t, map[string]string{"a.eml": msg})
	for name, target := range map[string]string{
		"out.eml": filepath.Join(outside, "secret.eml"), "folder": outside, "in.eml": "a.eml", "loop": ".", "dangling": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.eml"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := readTree(t, root, mail.Options{})
	expect(t, c,
		"a.eml message eml [] []",
		"dangling: symbolic link, not followed",
		"folder: symbolic link, not followed",
		"in.eml: symbolic link, not followed",
		"loop: symbolic link, not followed",
		"out.eml: symbolic link, not followed",
		"pipe.eml: not a regular file",
	)
	// The root itself may be a link.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	if again := readTree(t, link, mail.Options{}); len(again.items) != 1 {
		t.Errorf("through a link: %d items", len(again.items))
	}
}
