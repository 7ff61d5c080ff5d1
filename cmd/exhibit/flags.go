package main

import (
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"exhibit/export/workspace"
	"exhibit/sign"
)

const keyNameRule = "1 to 64 of a-z 0-9 . _ -, the first a letter or digit"

// checkKeyName refuses what is no name of a key.
func checkKeyName(cmd *cobra.Command, name string) error {
	if !workspace.ValidKeyName(name) {
		return usagef("%s: %q is no key name: %s", cmd.CommandPath(), name, keyNameRule)
	}
	return nil
}

// checkAs refuses an --as that cannot name a key, before anything is done.
func checkAs(cmd *cobra.Command, name string) error {
	if name == "" {
		return usagef("%s: --as KEY is missing: whose decision is it?", cmd.CommandPath())
	}
	return checkKeyName(cmd, name)
}

// timeFlag reads a time; none is the zero time.
func timeFlag(cmd *cobra.Command, flag, value string) (time.Time, error) {
	if !cmd.Flags().Changed(flag) {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return time.Time{}, usagef("%s: --%s %q is no RFC 3339 time, such as 2026-01-31T00:00:00Z", cmd.CommandPath(), flag, value)
	}
	return at, nil
}

// packageFlag reads a package id, in digits of either case; none is nil. An
// empty one, from a variable that is not set perhaps, is refused: it would ask
// for nothing.
func packageFlag(cmd *cobra.Command, flag, value string) (*sign.ID, error) {
	if !cmd.Flags().Changed(flag) {
		return nil, nil
	}
	id, err := sign.ParseID(strings.ToLower(value))
	if err != nil {
		return nil, usagef("%s: --%s %q is no package id: 32 hexadecimal digits", cmd.CommandPath(), flag, value)
	}
	return &id, nil
}

// expectFlag reads --expect as package open takes it.
func expectFlag(cmd *cobra.Command, value string) (string, error) {
	id, err := packageFlag(cmd, "expect", value)
	if id == nil {
		return "", err
	}
	return id.String(), nil
}

var addressScheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:/`)

const s3Scheme = "s3://"

// checkAddress refuses what looks like an address, and is none of an S3 store:
// as the name of a folder it would be a slip.
func checkAddress(address, rule string) error {
	if scheme := addressScheme.FindString(address); scheme != "" && !strings.HasPrefix(address, s3Scheme) {
		return usagef("%s: %s", oneLine(address), rule)
	}
	return nil
}
