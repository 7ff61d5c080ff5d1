package seal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// ageMagic begins every age file (age-encryption.org/v1).
const ageMagic = "age-encryption.org/v1\n"

// Decrypt opens a sealed file. The errors of Decrypt and of the reader are
// ErrNoIdentity, ErrFormat, ErrCorrupt, and those of r.
//
// The reader gives out plaintext before all of it is known to be authentic: it
// is not to be trusted until io.EOF has come. By then it is certain that nothing
// of it was altered or cut off, and that nothing follows.
func Decrypt(r io.Reader, ids []Identity) (io.Reader, error) {
	return DecryptFor(r, ids, "", 0)
}

// DecryptFor is Decrypt of a file that is sealed to exactly so many recipients of
// a kind, as the manifest has it: ErrFormat otherwise. Empty and zero stand for
// any.
func DecryptFor(r io.Reader, ids []Identity, kind string, recipients int) (io.Reader, error) {
	o := opener{ids, kind, recipients}
	src := bufio.NewReaderSize(marker{r}, 64<<10)
	start, err := src.Peek(len(ageMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case string(start) == ageMagic:
		return decryptAge(src, o)
	case len(start) > 0 && start[0]&0xC0 == 0xC0:
		return decryptPGP(src, o)
	}
	return nil, fmt.Errorf("%w: neither an age file nor an OpenPGP message", ErrFormat)
}

// DecryptAt opens a sealed file of size bytes for reads at random, and returns
// the size of the plaintext. What is read is authentic. The errors are those of
// Decrypt; ErrUnsupported for an OpenPGP message, which can be read from its
// start only.
func DecryptAt(r io.ReaderAt, size int64, ids []Identity) (io.ReaderAt, int64, error) {
	return DecryptAtFor(r, size, ids, "", 0)
}

// DecryptAtFor is to DecryptAt what DecryptFor is to Decrypt.
func DecryptAtFor(r io.ReaderAt, size int64, ids []Identity, kind string, recipients int) (io.ReaderAt, int64, error) {
	o := opener{ids, kind, recipients}
	head := bufio.NewReader(marker{io.NewSectionReader(r, 0, size)})
	start, err := head.Peek(len(ageMagic))
	if err != nil && err != io.EOF {
		return nil, 0, err
	}
	switch {
	case string(start) == ageMagic:
	case len(start) > 0 && start[0]&0xC0 == 0xC0:
		return nil, 0, fmt.Errorf("%w: reading an OpenPGP message at random", ErrUnsupported)
	default:
		return nil, 0, fmt.Errorf("%w: neither an age file nor an OpenPGP message", ErrFormat)
	}
	if _, err := ageHeader(head); err != nil {
		return nil, 0, err
	}
	plain, n, err := age.DecryptReaderAt(markerAt{r}, size, o)
	if err != nil {
		return nil, 0, ageError(err)
	}
	return &ageAt{plain, n}, n, nil
}

// ageAt maps the errors of reads at random.
type ageAt struct {
	r    io.ReaderAt
	size int64
}

// ReadAt reads plaintext, as io.ReaderAt says.
func (a *ageAt) ReadAt(p []byte, offset int64) (int, error) {
	switch {
	case offset < 0:
		return 0, errors.New("negative offset")
	case offset >= a.size:
		return 0, io.EOF
	}
	n, err := a.r.ReadAt(p, offset)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}

// decryptAge opens an age file.
func decryptAge(src *bufio.Reader, o opener) (io.Reader, error) {
	header, err := ageHeader(src)
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(io.MultiReader(bytes.NewReader(header), src), o)
	if err != nil {
		return nil, ageError(err)
	}
	return ageReader{plain}, nil
}

// ageReader maps the errors of a stream.
type ageReader struct{ r io.Reader }

func (a ageReader) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}

// ageHeader reads the header of an age file: all lines up to the one that
// begins with three dashes. The library would read lines of any length.
func ageHeader(src *bufio.Reader) ([]byte, error) {
	var header []byte
	for {
		line, err := src.ReadSlice('\n')
		header = append(header, line...)
		switch {
		case len(header) > maxAgeHeader:
			return nil, fmt.Errorf("%w: a header of more than %d bytes", ErrFormat, maxAgeHeader)
		case err == io.EOF:
			return nil, fmt.Errorf("%w: the header does not end", ErrCorrupt)
		case err != nil: // bufio.ErrBufferFull, too: the lines of the format are short
			return nil, damaged(err)
		case bytes.HasPrefix(line, []byte("---")):
			return header, nil
		}
	}
}

// An opener is who opens a file, and what the file has to be sealed to.
type opener struct {
	ids        []Identity
	kind       string // any if empty
	recipients int    // any number if zero
}

// check refuses a header with other recipients than expected.
func (o opener) check(kind string, recipients int) error {
	switch {
	case recipients == 0 || recipients > MaxRecipients:
		return fmt.Errorf("%w: %d recipients", ErrFormat, recipients)
	case o.kind != "" && kind != o.kind:
		return fmt.Errorf("%w: recipients of kind %s, not %s", ErrFormat, kind, o.kind)
	case o.recipients != 0 && recipients != o.recipients:
		return fmt.Errorf("%w: %d recipients, not %d", ErrFormat, recipients, o.recipients)
	}
	return nil
}

// stanzaKinds are the stanzas of each kind of recipient.
var stanzaKinds = map[string]string{
	"X25519":         KindAgeX25519,
	"mlkem768x25519": KindAgeHybrid,
	"ssh-ed25519":    KindAgeSSH,
	"ssh-rsa":        KindAgeSSH,
}

// Unwrap implements age.Identity. It tries the identities on all stanzas of a
// header, and refuses a header that the format does not allow.
func (o opener) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) == 0 {
		return nil, o.check("", 0)
	}
	kind := stanzaKinds[stanzas[0].Type]
	if err := o.check(kind, len(stanzas)); err != nil {
		return nil, err
	}
	for _, s := range stanzas {
		if k := stanzaKinds[s.Type]; k == "" || k != kind {
			return nil, fmt.Errorf("%w: recipients of type %q beside %q", ErrFormat, s.Type, stanzas[0].Type)
		}
	}
	for _, id := range o.ids {
		if id.kind != kind {
			continue
		}
		key, err := id.age.Unwrap(stanzas)
		if errors.Is(err, age.ErrIncorrectIdentity) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return key, nil
	}
	return nil, ErrNoIdentity
}

// ageError maps the errors of opening an age file.
func ageError(err error) error {
	if errors.Is(err, ErrNoIdentity) || errors.Is(err, ErrFormat) {
		return err
	}
	return damaged(err)
}

// damaged maps any error to ErrCorrupt, but for those of the underlying reader.
func damaged(err error) error {
	var read *readError
	if errors.As(err, &read) {
		return read
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// marker marks the errors of a reader, so that none is taken for the end of the
// file or for damage.
type marker struct{ r io.Reader }

func (m marker) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// markerAt is a marker for reads at random.
type markerAt struct{ r io.ReaderAt }

func (m markerAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := m.r.ReadAt(p, offset)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// readError is an error of the underlying reader.
type readError struct{ err error }

func (e *readError) Error() string { return "read sealed volume: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }
