package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"exhibit/export"
	"exhibit/export/open"
)

// Exit codes: a contract with every script that calls exhibit.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnverified  = 4
	exitInterrupted = 5
)

// exitTable says what each code means; help and README are made from it.
var exitTable = []struct {
	code    int
	meaning string
}{
	{exitDone, "done, and everything that was claimed was checked"},
	{exitFailed, "could not be done: input, network, disk, unreachable store, wrong identity"},
	{exitUsage, "wrong usage"},
	{exitRefused, "refused by policy: not approved, expired, account not in the order, key unknown or revoked, held, store not fit"},
	{exitUnverified, "does not verify: altered, object missing or extra, untrusted, unsigned"},
	{exitInterrupted, "interrupted; the same command resumes"},
}

func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitTable {
		fmt.Fprintf(&b, "  %d  %s\n", e.code, e.meaning)
	}
	return b.String()
}

// usageError is a command line that makes no sense.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

// exitCode gives the code of an error, nil included.
func exitCode(err error) int {
	var (
		usage   *usageError
		refused *export.Refusal
		failed  *open.Failure
		spent   *export.SpentError
		lost    *export.LostRecordError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &refused), errors.Is(err, export.ErrOwnProposal):
		return exitRefused
	case errors.As(err, &failed), errors.As(err, &spent), errors.As(err, &lost):
		return exitUnverified
	}
	return exitFailed
}
