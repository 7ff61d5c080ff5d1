package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncTree makes everything below a folder durable, with one call for the whole
// file system: a bag may hold millions of files.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}
