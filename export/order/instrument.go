package order

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// ErrInstrumentSize says that the instrument is larger than [MaxInstrument].
var ErrInstrumentSize = errors.New("instrument is too large")

// An InstrumentError says that the file beside the order is not the
// instrument that the order names.
type InstrumentError struct {
	File      string
	Want, Got [sha256.Size]byte
}

func (e *InstrumentError) Error() string {
	return fmt.Sprintf("instrument %s: SHA-256 is %x, the order names %x", e.File, e.Got, e.Want)
}

// ReadInstrument reads the instrument from the folder of the order and checks
// its digest. Its errors are those of fsys, [ErrInstrumentSize] and
// [*InstrumentError].
func (o *Order) ReadInstrument(fsys fs.FS) ([]byte, error) {
	f, err := fsys.Open(o.Instrument.File)
	if err != nil {
		return nil, fmt.Errorf("instrument: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxInstrument+1))
	if err != nil {
		return nil, fmt.Errorf("instrument %s: %w", o.Instrument.File, err)
	}
	if len(data) > MaxInstrument {
		return nil, fmt.Errorf("instrument %s: %w: more than %d bytes", o.Instrument.File, ErrInstrumentSize, MaxInstrument)
	}
	if got := sha256.Sum256(data); got != o.Instrument.SHA256 {
		return nil, &InstrumentError{o.Instrument.File, o.Instrument.SHA256, got}
	}
	return data, nil
}
