package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// program is a server that is built from the module proxy, at a fixed
// version, as a process of its own: nothing of it is linked.
type program struct {
	name, pkg, version string
}

var (
	versityGW = program{"versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0"}
	minIO     = program{"minio", "github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c"}
)

// BuildServers builds the servers that are not built yet, which takes minutes
// each, and returns the paths of all. They are kept in the folder named by
// EXHIBIT_TEST_BIN, or else in the user's cache folder.
func BuildServers(ctx context.Context) ([]string, error) {
	var paths []string
	for _, p := range []program{versityGW, minIO} {
		path, err := p.build(ctx)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// build returns the path of the program, which it builds if it is not there.
func (p program) build(ctx context.Context) (string, error) {
	folder, err := binFolder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, p.name+"-"+p.version+exe())
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
	cmd := exec.CommandContext(ctx, "go", "install", p.pkg+"@"+p.version)
	cmd.Dir = aside
	cmd.Env = append(os.Environ(), "GOBIN="+aside, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s %s: %w: %s", p.name, p.version, err, tail(string(out), 20))
	}
	return path, os.Rename(filepath.Join(aside, p.name+exe()), path)
}

func binFolder() (string, error) {
	if folder := os.Getenv("EXHIBIT_TEST_BIN"); folder != "" {
		return filepath.Abs(folder)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w; set EXHIBIT_TEST_BIN to a folder", err)
	}
	return filepath.Join(cache, "exhibit-test", "bin"), nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// tail is the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
