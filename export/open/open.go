// Package open is the receiving side of a package: it verifies one without
// decrypting it, opens it, checks an opened bag, and fetches a single item, as
// sign/FORMAT.md section 9 and export/FORMAT.md section 13 demand. Section
// numbers in its comments are those of export/FORMAT.md unless said otherwise.
//
// Everything that it reads is taken for hostile. A package that does not verify
// gives a *Failure; every other error (of the source, of the sink, of the
// context, a wrong identity) says that the work could not be done. Nothing is
// ever reported as checked that was not.
//
// It reads through a Source and an fs.FS and writes through a Sink: it knows no
// operating system, no store and no network.
package open

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"time"

	"exhibit/sign/detached"
)

// Object is one object of a package as a Source lists it.
type Object struct {
	Name string // without slashes
	Size int64  // in bytes
}

// Source gives the objects of one package. It is used by several goroutines.
type Source interface {
	// List yields every object there is, each once, in any order.
	List(ctx context.Context) iter.Seq2[Object, error]
	// Open reads length bytes from offset on; to the end if length is negative.
	// Its error wraps fs.ErrNotExist when there is no such object. A reader that
	// could not get all the bytes gives an error, never an early io.EOF.
	Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
}

// Sink takes the files of an opened bag, into quarantine: what it holds is not
// verified until Open has returned without an error, and whoever made the sink
// discards it otherwise.
type Sink interface {
	// Create makes a new file below the sink. The name is one of section 5,
	// slash-separated; no name comes twice. The folders of the name are the
	// sink's to make. The file must be readable through FS when Close returns.
	Create(name string) (io.WriteCloser, error)
	// FS gives back what was written, and everything else that is there.
	FS() fs.FS
}

// Options of all verbs. The zero value is ready.
type Options struct {
	// Expect is the id that the package must have. Without it a genuine older
	// package in place of the expected one is not found, and the report says so.
	Expect string
	// Now is the present time, for signatures from the future and expired ones;
	// zero means what the clock says.
	Now time.Time
	// Progress, if not nil, is told of bytes read since it was last called. It
	// is never called twice at once.
	Progress func(bytes int64)
	// Workers is how many goroutines digest or decode; 0 means one a processor.
	Workers int

	limits *limits // nil: those of the format
}

func (o Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
}

func (o Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (o Options) bounds() limits {
	if o.limits != nil {
		return *o.limits
	}
	return formatLimits
}

// Keys are the public keys that the caller trusts.
type Keys = detached.PublicKeys
