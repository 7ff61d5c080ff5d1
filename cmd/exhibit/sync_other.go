//go:build !linux

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// syncTree makes everything below a folder durable, file by file.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
