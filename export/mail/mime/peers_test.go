package mime_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// peers is a module of its own, so that the product does not depend on the
// readers of mail that this one is compared with.
var peers = filepath.Join("..", "..", "..", "testdata", "peers")

// peersGo runs the go command in that module, apart from this one's settings.
func peersGo(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = peers
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	return cmd.CombinedOutput()
}

// Generated mail is read as it was written, and as the standard library,
// go-message and enmime read it; bombs give their defects; and the command that
// measures them all builds.
func TestPeers(t *testing.T) {
	if out, err := peersGo("mod", "download"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("go mod download: %v\n%s", err, out)
		}
		t.Skipf("the peers cannot be had: %v\n%s", err, out)
	}
	if out, err := peersGo("vet", "."); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	if out, err := peersGo("test", "-count=1", ".", "-rapid.checks=500", "-rapid.nofailfile"); err != nil {
		t.Errorf("go test: %v\n%s", err, out)
	}
}
