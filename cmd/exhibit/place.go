package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/sign/manifest"
)

// misplaced tells somebody who named another folder than the one meant.
func misplaced(address string, err error) error {
	var failed *open.Failure
	if !errors.As(err, &failed) || failed.Code != open.NothingToCheck && failed.Code != open.BagExtra {
		return err
	}
	there := func(pattern ...string) string {
		found, _ := filepath.Glob(filepath.Join(append([]string{globLiteral(address)}, pattern...)...))
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}
	is, isBag := there(manifest.Name) != "", there(bag.TagManifest) != ""
	switch {
	case isBag && !is && failed.Code == open.NothingToCheck:
		return &hintedError{err, "this is an opened bag: exhibit verify-bag " + shellWords([]string{address})}
	case is && !isBag:
		return &hintedError{err, "this is a package: exhibit verify " + shellWords([]string{address})}
	case !is && there("*", manifest.Name) != "":
		return &hintedError{err, "name one package: " + shellWords([]string{filepath.Dir(there("*", manifest.Name))})}
	}
	return err
}

// globLiteral makes a pattern that matches one path only.
func globLiteral(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// outside refuses a target within the folder of the package: what lies there
// that the manifest does not name makes the package one that does not verify.
func outside(pkg, target string) error {
	if err := checkAddress(pkg, packageRule); err != nil {
		return err
	}
	if strings.HasPrefix(pkg, s3Scheme) {
		return nil
	}
	inner, err := resolved(target)
	if err != nil {
		return err
	}
	outer, err := resolved(pkg)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(outer, inner); err == nil && filepath.IsLocal(rel) {
		return usagef("exhibit open: --to %s lies inside the package's folder; name one outside it", target)
	}
	return nil
}

// resolved is the absolute path without symbolic links of what is there, or will
// be.
func resolved(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(abs)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", plainPathError(err)
		}
		// A link to nothing is followed as well.
		if to, err := os.Readlink(abs); err == nil {
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(abs), to)
			}
			return filepath.Join(to, rest), nil
		}
		parent := filepath.Dir(abs)
		if parent == abs {
			return filepath.Join(abs, rest), nil
		}
		abs, rest = parent, filepath.Join(filepath.Base(abs), rest)
	}
}
