package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// standardInputFile makes a file of standard input, which readers of mailboxes
// need. What is no file is held in memory: nothing is written in the clear to a
// disk.
func standardInputFile(in io.Reader) (*inputFile, error) {
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return &inputFile{path: descriptorPath(f.Fd())}, nil
		}
	}
	fd, err := unix.MemfdCreate("exhibit-inspect", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("hold it in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "standard input")
	n, err := io.Copy(f, io.LimitReader(in, maxStandardInput+1))
	if err == nil && n > maxStandardInput {
		err = errStandardInput
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &inputFile{path: descriptorPath(f.Fd()), file: f}, nil
}

func descriptorPath(fd uintptr) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
