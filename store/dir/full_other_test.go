//go:build !linux

package dir_test

import "errors"

func makeReadOnly(string) error { return errors.ErrUnsupported }
