package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"exhibit/sign/detached"
)

const maxPassphrase = 4096

// none is no passphrase.
var none detached.Passphrase

var errNoTerminal = errors.New("a passphrase is needed and there is no terminal to ask on")

// readFirstLine takes a passphrase from the first line of a file.
func readFirstLine(path string) ([]byte, error) {
	data, err := readFile(path, maxPassphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, fmt.Errorf("passphrase: the first line of %s is empty", path)
	}
	return line, nil
}

// readPassphraseFile is readFirstLine as a passphrase.
func readPassphraseFile(path string) (detached.Passphrase, error) {
	line, err := readFirstLine(path)
	if err != nil {
		return none, err
	}
	return detached.NewPassphrase(line), nil
}

// askBytes asks on the controlling terminal, never on standard input. When ctx
// ends it gives up, with the terminal as it was before.
func askBytes(ctx context.Context, prompt string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return nil, errNoTerminal
	}
	type answer struct {
		pass []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		pass, err := readHidden(tty, prompt)
		answered <- answer{pass, err}
	}()
	select {
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(int(tty.Fd()), before))
	case a := <-answered:
		if a.err == nil && len(a.pass) == 0 {
			a.err = errors.New("the passphrase is empty")
		}
		return a.pass, a.err
	}
}

// askPassphrase asks for a passphrase, twice when it is a new one.
func askPassphrase(ctx context.Context, prompt string, confirm bool) (detached.Passphrase, error) {
	pass, err := askBytes(ctx, prompt)
	if err != nil {
		return none, err
	}
	if confirm {
		again, err := askBytes(ctx, prompt+" (again)")
		if err != nil {
			return none, err
		}
		if !bytes.Equal(pass, again) {
			return none, errors.New("the two passphrases differ")
		}
	}
	return detached.NewPassphrase(pass), nil
}

func readHidden(tty *os.File, prompt string) ([]byte, error) {
	fmt.Fprintf(tty, "%s: ", prompt)
	pass, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(tty)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	return pass, nil
}

// identityPassphrase gives the bytes of a passphrase, for a secret key that an
// agency brings.
func (a *app) identityPassphrase(ctx context.Context, prompt string) ([]byte, error) {
	if a.passphraseFile == "" {
		return askBytes(ctx, prompt)
	}
	return readFirstLine(a.passphraseFile)
}
