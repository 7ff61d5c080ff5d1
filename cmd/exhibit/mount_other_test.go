//go:build !linux

package main

import "errors"

func mountSmall(string, string, bool) error {
	return errors.New("no small file systems on this operating system")
}

func unmount(string) {}
