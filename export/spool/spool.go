// Package spool keeps bytes on disk that are of no use to whoever finds them:
// encrypted under a key that exists in memory only, and is gone with the
// process.
//
// It is for content that has to wait and is too long for memory. What survives
// a crash is noise.
package spool

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// The kinds of errors, for errors.Is. Any other error comes from the disk.
var (
	// ErrNoSpace: the disk, or the quota, is full.
	ErrNoSpace = errors.New("no space left for temporary data")
	// ErrCorrupt: the file is not as it was written.
	ErrCorrupt = errors.New("temporary data is damaged")
	// ErrSealed: writing after the first Reader.
	ErrSealed = errors.New("spool is being read")
	// ErrClosed: the spool was closed.
	ErrClosed = errors.New("spool is closed")
)

const (
	// chunk is what is encrypted at a time, in bytes.
	chunk = 64 << 10
	// tagSize is what encryption adds to a chunk (NIST SP 800-38D).
	tagSize = 16
	keySize = 32
)

// Spool is a temporary file. It is written first and then read. Its methods are
// for one goroutine; of its readers each may have its own.
//
// The file is a sequence of chunks, each encrypted with AES-256-GCM under its
// number as nonce: the key serves one spool only. How many bytes there are is
// known in memory alone, so that a file cut at a chunk is found, too.
type Spool struct {
	file    *os.File
	remove  string // name to be removed by Close, or empty
	aead    cipher.AEAD
	buf     []byte // plaintext not yet written
	size    int64
	chunks  int64 // written
	sealed  bool
	closed  bool
	failure error
}

// New makes a spool in a folder; the folder for temporary files if dir is
// empty. Where the system allows, the file has no name any more when New
// returns.
func New(dir string) (*Spool, error) {
	f, err := os.CreateTemp(dir, "spool-")
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", noSpace(err))
	}
	s, err := newSpool(f)
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if os.Remove(f.Name()) != nil {
		s.remove = f.Name()
	}
	return s, nil
}

// newSpool makes a spool of an open file.
func newSpool(f *os.File) (*Spool, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	return &Spool{file: f, aead: aead, buf: make([]byte, 0, chunk+tagSize)}, nil
}

// Write appends to the spool. ErrNoSpace if the disk is full; after any error
// the spool is of no use.
func (s *Spool) Write(p []byte) (int, error) {
	switch {
	case s.closed:
		return 0, ErrClosed
	case s.sealed:
		return 0, ErrSealed
	}
	n := 0
	for s.failure == nil && n < len(p) {
		part := min(len(p)-n, chunk-len(s.buf))
		s.buf = append(s.buf, p[n:n+part]...)
		n += part
		s.size += int64(part)
		if len(s.buf) == chunk {
			s.flush()
		}
	}
	return n, s.failure
}

// flush encrypts and writes the chunk at hand.
func (s *Spool) flush() {
	sealed := s.aead.Seal(s.buf[:0], nonce(s.chunks), s.buf, nil)
	if _, err := s.file.Write(sealed); err != nil {
		s.failure = fmt.Errorf("write spool: %w", noSpace(err))
	}
	s.chunks++
	s.buf = s.buf[:0]
}

// nonce is that of a chunk.
func nonce(number int64) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[4:], uint64(number))
	return n
}

// Size is the number of bytes written to the spool.
func (s *Spool) Size() int64 { return s.size }

// Reader returns a reader of all that was written. The first call ends
// writing. Each reader is independent of the others; none outlives the spool.
func (s *Spool) Reader() (io.ReadCloser, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if !s.sealed && s.failure == nil && len(s.buf) > 0 {
		s.flush()
	}
	if s.failure != nil {
		return nil, s.failure
	}
	s.sealed = true
	return &reader{spool: s, buf: make([]byte, 0, chunk+tagSize)}, nil
}

// Close gives the file back to the disk. It is the end of all readers.
func (s *Spool) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	clear(s.buf[:cap(s.buf)])
	s.aead, s.buf = nil, nil
	err := s.file.Close()
	if s.remove != "" {
		err = errors.Join(err, os.Remove(s.remove))
	}
	if err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

// reader reads a spool from its start.
type reader struct {
	spool *Spool
	buf   []byte
	rest  []byte // of the chunk at hand
	next  int64  // number of the next chunk
	err   error
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.rest) == 0 {
		if r.err == nil {
			r.err = r.load()
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// load reads and decrypts the next chunk.
func (r *reader) load() error {
	s := r.spool
	left := s.size - r.next*chunk
	switch {
	case s.closed:
		return ErrClosed
	case left <= 0:
		return io.EOF
	}
	sealed := r.buf[:min(left, chunk)+tagSize]
	n, err := s.file.ReadAt(sealed, r.next*(chunk+tagSize))
	switch {
	case n == len(sealed):
	case err == io.EOF:
		return fmt.Errorf("%w: it is cut short", ErrCorrupt)
	default:
		return fmt.Errorf("read spool: %w", err)
	}
	if r.rest, err = s.aead.Open(sealed[:0], nonce(r.next), sealed, nil); err != nil {
		return fmt.Errorf("%w: chunk %d", ErrCorrupt, r.next)
	}
	r.next++
	return nil
}

// Close ends the reader and clears its memory.
func (r *reader) Close() error {
	r.err, r.rest = ErrClosed, nil
	clear(r.buf[:cap(r.buf)])
	return nil
}

// noSpace adds ErrNoSpace to the errors that mean it.
func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}
