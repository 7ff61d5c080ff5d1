package order

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// ErrInstrumentSize says that the instrument is larger than [MaxInstrument],
// or the signature over it than [MaxInstrumentSignature].
var ErrInstrumentSize = errors.New("instrument is too large")

// An InstrumentError says that the file beside the order is not the
// instrument that the order names, or not the signature over it.
type InstrumentError struct {
	File      string
	Want, Got [sha256.Size]byte
	Signature bool // the file of the signature over the instrument is meant
}

func (e *InstrumentError) Error() string {
	what := "instrument"
	if e.Signature {
		what = "signature over the instrument"
	}
	return fmt.Sprintf("%s %s: SHA-256 is %x, the order names %x", what, e.File, e.Got, e.Want)
}

// ReadInstrument reads the instrument from the folder of the order and checks
// its digest. Its errors are those of fsys, [ErrInstrumentSize] and
// [*InstrumentError].
func (o *Order) ReadInstrument(fsys fs.FS) ([]byte, error) {
	data, err := readLimited(fsys, o.Instrument.File, MaxInstrument)
	if err != nil {
		return nil, fmt.Errorf("instrument: %w", err)
	}
	if got := sha256.Sum256(data); got != o.Instrument.SHA256 {
		return nil, &InstrumentError{File: o.Instrument.File, Want: o.Instrument.SHA256, Got: got}
	}
	return data, nil
}

// ReadInstrumentSignature reads the signature over the instrument from the
// folder of the order and checks its digest: not by whom it is, nor whether it
// is good. It returns nil and no error when the order names none; its errors
// are those of [Order.ReadInstrument].
func (o *Order) ReadInstrumentSignature(fsys fs.FS) ([]byte, error) {
	s := o.Instrument.Signature
	if s == nil {
		return nil, nil
	}
	data, err := readLimited(fsys, s.File, MaxInstrumentSignature)
	if err != nil {
		return nil, fmt.Errorf("signature over the instrument: %w", err)
	}
	if got := sha256.Sum256(data); got != s.SHA256 {
		return nil, &InstrumentError{File: s.File, Want: s.SHA256, Got: got, Signature: true}
	}
	return data, nil
}

// readLimited reads a file of at most so many bytes.
func readLimited(fsys fs.FS, name string, most int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, ErrInstrumentSize, most)
	}
	return data, nil
}
