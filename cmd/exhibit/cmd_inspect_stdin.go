package main

import (
	"errors"
	"os"
)

// standardInput is the name of standard input among files.
const standardInput = "-"

// maxStandardInput bounds what is held in memory of standard input, in bytes.
const maxStandardInput = 256 << 20

var errStandardInput = &hintedError{errors.New("more than 256 MiB"), "name the file, or let the shell open it: exhibit inspect - < FILE"}

// inputFile is standard input as a file.
type inputFile struct {
	path string
	file *os.File // nil when there is nothing to be given back
}

// Close gives back what holds the input.
func (f *inputFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
