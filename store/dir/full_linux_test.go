package dir_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestFullAndReadOnly runs roleFull in a mount namespace of its own.
func TestFullAndReadOnly(t *testing.T) {
	cmd := helper(t, "full", t.TempDir())
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) || bytes.Contains(out.Bytes(), []byte(cannotMount)) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("cannot mount a small file system: run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1): %v %s", err, &out)
		}
		t.Skipf("cannot mount a small file system: %v %s", err, &out)
	}
	if err != nil {
		t.Errorf("%v: %s", err, &out)
	}
}

const cannotMount = "cannot mount"

func init() {
	inner := roles["full"]
	roles["full"] = func(ctx context.Context, path string) error {
		if err := mountSmall(path); err != nil {
			return errors.Join(errors.New(cannotMount), err)
		}
		return inner(ctx, path)
	}
}

// mountSmall mounts a file system of 512 KiB, for this process only.
func mountSmall(path string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", path, "tmpfs", 0, "size=512k")
}

func makeReadOnly(path string) error {
	return syscall.Mount("tmpfs", path, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=512k")
}
