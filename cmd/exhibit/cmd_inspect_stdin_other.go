//go:build !linux

package main

import (
	"errors"
	"io"
)

func standardInputFile(io.Reader) (*inputFile, error) {
	return nil, &hintedError{errors.New("cannot be held in memory as a file on this operating system"), "name the file"}
}
