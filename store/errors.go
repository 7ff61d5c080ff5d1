package store

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The kinds of errors, for errors.Is.
var (
	// ErrNotFound: there is no object of that key.
	ErrNotFound = errors.New("no such object")
	// ErrExists: there is already an object of that key.
	ErrExists = errors.New("object exists already")
	// ErrChanged: the object is not, or no longer, the one that the tag names.
	ErrChanged = errors.New("object was changed by somebody else")
	// ErrDeleted: the object was there, and its newest version is a deletion.
	ErrDeleted = errors.New("object was deleted")
	// ErrConflict: the key would be both an object and a folder of others.
	ErrConflict = errors.New("key is also a folder of other keys, or lies below an object")
	// ErrInvalidKey: the name cannot be a key.
	ErrInvalidKey = errors.New("invalid key")
	// ErrRange: the offset lies outside of the object.
	ErrRange = errors.New("range outside of the object")
	// ErrTooLarge: the object, or the data, is larger than the call allows.
	ErrTooLarge = errors.New("too large")
	// ErrInput: the data to be stored could not be read, or had another size.
	ErrInput = errors.New("data to be stored could not be read as announced")
	// ErrCorrupt: what came back is not what was stored.
	ErrCorrupt = errors.New("stored object is damaged")

	// ErrNoStore: the folder that should hold the objects is not there.
	ErrNoStore = errors.New("no such store")
	// ErrNoBucket: the bucket is not there.
	ErrNoBucket = errors.New("no such bucket")
	// ErrAddress: the address or the configuration of the store makes no sense.
	ErrAddress = errors.New("store address or configuration not usable")
	// ErrCredentials: credentials are missing, unknown, wrong or expired.
	ErrCredentials = errors.New("credentials not accepted")
	// ErrDenied: the credentials are good, but do not allow this.
	ErrDenied = errors.New("permission denied")
	// ErrUnreachable: no answer, or none in time.
	ErrUnreachable = errors.New("store not reachable")
	// ErrTLS: no secure connection: certificate not trusted, or no TLS at all.
	ErrTLS = errors.New("no secure connection to the store")
	// ErrProtocol: something answered, but not as such a store does.
	ErrProtocol = errors.New("unexpected answer: not such a store, or not a whole one")
	// ErrClockSkew: the clocks of this host and of the store are too far apart.
	ErrClockSkew = errors.New("clock of this host and of the store differ too much")
	// ErrNoSpace: the medium or the quota is full.
	ErrNoSpace = errors.New("no space left")
	// ErrReadOnly: the medium cannot be written.
	ErrReadOnly = errors.New("store is read-only")
)

// maxErrorText bounds the text of an Error, in bytes: servers write long ones.
const maxErrorText = 600

// Error is the error of every method of a store.
type Error struct {
	// Op is what was tried: open, stat, list, create, load, replace, connect.
	Op string
	// Key is the key, or the prefix of a list; it may be empty.
	Key string
	// Store is the address of the store, without secrets.
	Store string
	// Kind is one of the Err values of this package, or nil when none fits.
	Kind error
	// Err is the cause, or nil.
	Err error
}

// Error returns one line of printable text.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteString(" " + e.Key)
	}
	if e.Store != "" {
		b.WriteString(" in " + e.Store)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return oneLine(b.String())
}

// Unwrap gives both kind and cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// oneLine makes white space single spaces, drops what does not print, and
// bounds the length.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxErrorText {
		cut := maxErrorText
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
