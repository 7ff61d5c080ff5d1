// Command bagit validates a BagIt bag with the Library of Congress's own bagit.py.
//
// It is a test tool, in a module of its own, because it carries a whole Python
// interpreter: nothing that is shipped may depend on it. Validation is complete
// (bagit.py's fast mode is not offered) and needs no network.
//
// Usage: bagit FOLDER
//
// Exit codes: 0 the folder is a valid bag; 1 it is not, and the reason stands on
// standard output; 2 the check could not be made.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	bagit "github.com/artefactual-labs/bagit-gython"
)

const (
	exitValid   = 0
	exitInvalid = 1
	exitOther   = 2
)

func main() {
	os.Exit(run(os.Args[1:], validate, os.Stdout, os.Stderr))
}

// run validates the one folder in args with check and returns the exit code.
func run(args []string, check func(folder string) error, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: bagit FOLDER")
		return exitOther
	}
	err := check(args[0])
	if errors.Is(err, bagit.ErrInvalid) {
		fmt.Fprintln(stdout, err)
		return exitInvalid
	}
	if err != nil {
		fmt.Fprintln(stderr, "bagit:", err)
		return exitOther
	}
	fmt.Fprintln(stdout, "valid")
	return exitValid
}

// validate unpacks the interpreter into a temporary folder, validates folder
// with it, and takes the temporary folder away again. An error that wraps
// bagit.ErrInvalid is a verdict on the bag; any other says nothing about it.
func validate(folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", folder)
	}
	validator, err := bagit.NewBagIt()
	if err != nil {
		return fmt.Errorf("unpack bagit.py: %w", err)
	}
	verdict := validator.Validate(folder)
	if verdict != nil && !errors.Is(verdict, bagit.ErrInvalid) {
		// Cleanup needs a running interpreter, and there may be none.
		return verdict
	}
	if err := validator.Cleanup(); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return verdict
}
