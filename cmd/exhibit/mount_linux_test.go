package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// mountSmall mounts a file system of that size in memory. It needs root.
func mountSmall(dir, size string, readOnly bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var flags uintptr
	if readOnly {
		flags = unix.MS_RDONLY
	}
	return os.NewSyscallError("mount", unix.Mount("tmpfs", dir, "tmpfs", flags, "size="+size))
}

func unmount(dir string) { _ = unix.Unmount(dir, unix.MNT_DETACH) }
