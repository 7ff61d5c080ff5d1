package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeOnce makes a file of mode 0600 that was not there, durable when it returns.
func writeOnce(path string, data []byte) error {
	return write(path, data, 0o600, func(temp string) error {
		// a hard link fails where a rename would overwrite
		err := os.Link(temp, path)
		if os.IsExist(err) {
			return ErrExists
		}
		return err
	})
}

// replace makes a file, or takes the place of one that is there, at once and
// durable when it returns: whoever reads it sees the old one or the new.
func replace(path string, data []byte, mode fs.FileMode) error {
	return write(path, data, mode, func(temp string) error { return os.Rename(temp, path) })
}

// write writes a file aside, and lets put give it its name.
func write(path string, data []byte, mode fs.FileMode, put func(temp string) error) error {
	temp, err := writeAside(filepath.Dir(path), data, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(temp)
	err = put(temp)
	switch {
	case errors.Is(err, ErrExists):
		return fmt.Errorf("%s: %w", path, err)
	case err == nil:
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeAside writes a file under a name of its own, and returns that.
func writeAside(dir string, data []byte, mode fs.FileMode) (temp string, err error) {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: %w: no regular file", path, ErrConfig)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s: %w: more than %d bytes", path, ErrConfig, limit)
	}
	return data, nil
}

// readSecret reads a file that nobody but its owner may read.
func readSecret(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&fs.FileMode(0o077) != 0 {
		return nil, fmt.Errorf("%s: %w: mode is %v, want a file of -rw-------", path, ErrPermissions, info.Mode())
	}
	return readSmall(path, MaxKey)
}
