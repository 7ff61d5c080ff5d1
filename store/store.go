// Package store is the seam to where evidence is kept: a flat space of keys,
// written once, read in ranges, with compare-and-swap for the few keys that
// change.
//
// # Contract
//
// What follows holds for every implementation; package storetest checks it.
//
// Visibility: an object is seen whole or not at all, by any reader, on any
// host, also after a crash at any moment. Cancelling the context before a call
// returns leaves either nothing or the whole object, never a part.
//
// Durability: when Create or Replace returns without error the object survives
// a power failure, as far as the medium can promise. ErrExists, too, is only
// returned once the object that exists is durable, so that whoever finds
// equal bytes may go on.
//
// Outcome: after ErrExists, ErrChanged, ErrConflict, ErrInvalidKey,
// ErrInput, ErrTooLarge, ErrDeleted and ErrNoSpace nothing was written by the
// call. After any other error, cancellation included, the outcome is unknown:
// the object may be there, whole. The caller repeats the call, and ErrExists
// or ErrChanged tells it to look at what is there; CreateIdempotent does that
// for data in memory.
//
// Retries: implementations repeat what is safe to repeat, for seconds, not
// minutes. Callers need not retry, except on ErrUnreachable when they mean to
// outwait an outage.
//
// Deletion: the interface has none. A store that sees that the newest version
// of an object was deleted (a delete marker) says ErrDeleted, which is not
// ErrNotFound: it is an alarm, never leave to start anew.
//
// All methods may be called by several goroutines at once.
package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"
)

// MaxReplace is the largest object, in bytes, that Load reads and Replace
// writes: they are for pointers, heads and checkpoints.
const MaxReplace = 1 << 20

// Info is what a store says about an object. Fields that it cannot tell are
// zero.
type Info struct {
	// Key names the object.
	Key string
	// Size is its length in bytes.
	Size int64
	// Version names these very bytes among the versions of the key; empty
	// where a store keeps no versions.
	Version string
	// Tag is what Replace compares. Only Load and Replace set it.
	Tag Tag
	// Digest is what the store itself vouches for, over the whole object.
	Digest Digest
	// Lock is the lock on this version, or nil.
	Lock *Lock
	// Modified is when the object was written, by the clock of the store.
	Modified time.Time
}

// Tag is an opaque value that differs when the content does; it may be the same
// again for the same content. It is empty only for an object that is not there.
type Tag string

// Digest is a checksum over a whole object. The zero value is "none".
type Digest struct {
	// Algorithm is lower case, as in "crc64nvme" or "sha256".
	Algorithm string
	// Value is lower-case hexadecimal.
	Value string
}

// IsZero reports whether there is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns algorithm and value with a colon between.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Algorithm + ":" + d.Value
}

// Lock says what keeps a version from being deleted or overwritten.
type Lock struct {
	// Mode is "COMPLIANCE" or "GOVERNANCE", or empty without retention.
	Mode string
	// Until is when the retention ends; zero without retention.
	Until time.Time
	// LegalHold locks until it is lifted, whatever Until says.
	LegalHold bool
}

// Reader reads objects.
type Reader interface {
	// Open reads length bytes from offset on, or all that follow if length is
	// negative. A range that reaches past the end is cut there; an offset past
	// the end, or a negative one, is ErrRange. The reader gives io.EOF only
	// after the very number of bytes that the range holds: a stream that
	// breaks off is an error. Whatever checksum the store has for the whole
	// object is checked when the whole object is read, and a mismatch is
	// ErrCorrupt, possibly after all bytes were handed out. The reader stops
	// working when ctx ends. The caller closes it.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Stat describes an object; ErrNotFound if there is none.
	Stat(ctx context.Context, key string) (Info, error)

	// List yields the objects whose key starts with prefix (any string; empty
	// for all), sorted by key in byte order, lazily. An error comes with a
	// zero Info and is the last thing yielded. An entry that cannot be an
	// object of this package (a name that is no key, or a link) is such an
	// error. Of Info, key, size and modification time are set.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Creator makes objects that never change.
type Creator interface {
	// Create stores what r gives until io.EOF. ErrExists if the key is taken:
	// of any number of callers at once, on any hosts, one succeeds. size is
	// the number of bytes to come, or -1 if unknown; if it is known, another
	// number is ErrInput, as is an error of r. r may be left partly read.
	// A read from r that blocks also blocks Create. Memory is bounded
	// whatever the size.
	Create(ctx context.Context, key string, r io.Reader, size int64) (Info, error)
}

// Replacer changes small objects, never blindly.
type Replacer interface {
	// Load reads an object of at most MaxReplace bytes together with its Tag,
	// in one observation.
	Load(ctx context.Context, key string) ([]byte, Info, error)

	// Replace stores data if the object still has the tag old, or, if old is
	// empty, if there is no object; otherwise it is ErrChanged. Of any number
	// of callers with the same tag one succeeds. The Info carries the new Tag.
	Replace(ctx context.Context, key string, data []byte, old Tag) (Info, error)
}

// Store is all of the above.
type Store interface {
	Reader
	Creator
	Replacer
	// String is the address of the store as a user would give it, free of
	// secrets.
	fmt.Stringer
}
