//go:build !unix

package dir

import (
	"errors"
	"os"
)

// Without file locks there is no Replace, and no sweep of what crashes leave.

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func waitLock(*os.File) error { return nil }
