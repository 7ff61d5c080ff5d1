package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Digest is a SHA-256 digest (FIPS 180-4). Its text is 64 lower-case
// hexadecimal digits.
type Digest [sha256.Size]byte

// Sum returns the digest of data.
func Sum(data []byte) Digest { return sha256.Sum256(data) }

// ParseDigest reads the text of a digest.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	err := lowerHex(d[:], s)
	if err != nil {
		return Digest{}, fmt.Errorf("digest %.80q: %w", s, err)
	}
	return d, nil
}

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDigest(string(text))
	return err
}

// An ID is a random identifier, of a package or a record. Its text is 32
// lower-case hexadecimal digits.
type ID [16]byte

// NewID returns an identifier from 16 bytes of rand.
func NewID(rand io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(rand, id[:]); err != nil {
		return ID{}, fmt.Errorf("random identifier: %w", err)
	}
	return id, nil
}

// ParseID reads the text of an identifier.
func ParseID(s string) (ID, error) {
	var id ID
	if err := lowerHex(id[:], s); err != nil {
		return ID{}, fmt.Errorf("identifier %.80q: %w", s, err)
	}
	return id, nil
}

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether the identifier was never set.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// lowerHex fills dst from exactly as many lower-case hexadecimal digits.
func lowerHex(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return fmt.Errorf("want %d lower-case hexadecimal digits", 2*len(dst))
	}
	if _, err := hex.Decode(dst, []byte(s)); err != nil || hex.EncodeToString(dst) != s {
		return fmt.Errorf("want %d lower-case hexadecimal digits", 2*len(dst))
	}
	return nil
}

// A Time is an instant in UTC with whole seconds, years 0000 to 9999. Times
// can be compared with ==. Its text is RFC 3339 with Z: 2026-01-31T09:30:00Z.
type Time struct{ t time.Time }

const timeLayout = "2006-01-02T15:04:05Z"

// At returns t in UTC without its fraction of a second.
func At(t time.Time) Time { return Time{time.Unix(t.Unix(), 0).UTC()} }

// ParseTime reads the text of a time.
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil || t.Format(timeLayout) != s {
		return Time{}, fmt.Errorf("time %.80q: want the form %s", s, timeLayout)
	}
	return At(t), nil
}

// Time returns the instant as a time.Time in UTC.
func (t Time) Time() time.Time { return t.t }

// IsZero reports whether the time was never set.
func (t Time) IsZero() bool { return t.t.IsZero() }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.t.Before(u.t) }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t.t.After(u.t) }

// Compare returns -1, 0 or 1 as t is before, at or after u.
func (t Time) Compare(u Time) int { return t.t.Compare(u.t) }

func (t Time) String() string { return t.t.Format(timeLayout) }

// MarshalText implements encoding.TextMarshaler. A time that was never set
// cannot be written, nor read.
func (t Time) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, errors.New("time is not set")
	}
	if y := t.t.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("year %d cannot be written", y)
	}
	return []byte(t.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTime(string(text))
	return err
}
