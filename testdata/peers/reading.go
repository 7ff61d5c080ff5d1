package main

import (
	"bufio"
	"bytes"
	"crypto/md5" //nolint:gosec // as the index has it
	"crypto/sha256"
	"hash"
	"io"
	"strings"
	"time"
)

// reading is what a reader finds in a message, in the same terms for all readers.
type reading struct {
	Messages []fields // the message, then the ones in it, in their order
	Leaves   []leaf   // of all messages, in their order
}

// fields are the values of one message's header.
type fields struct {
	ID           string // without angle brackets
	References   []string
	Date         time.Time // in UTC; zero when there is none
	From, To, Cc []address
	Subject      string
}

// address is one mailbox of a list, its name decoded.
type address struct{ Name, Addr string }

// leaf is a part that has no parts.
type leaf struct {
	Type, Charset, Name, Disposition string
	Size                             int64 // of the decoded content, in bytes
	SHA256                           [sha256.Size]byte
	MD5                              [md5.Size]byte
}

// reader is one of the programs that are compared. read reads a message that is
// in memory and gives every leaf's decoded content to d. After an error the
// reading holds what was found before it.
type reader struct {
	name string
	read func(raw []byte, d *digester) (*reading, error)
}

// readers returns ours and its peers.
func readers() []reader {
	return []reader{
		{"ours", readOurs},
		{"stdlib", readStdlib},
		{"go-message", readGoMessage},
		{"enmime", readEnmime},
	}
}

// pieceBytes is how much is decoded and hashed at a time.
const pieceBytes = 64 << 10

// digester takes the decoded content of leaves: it counts, and hashes unless it
// is told not to. Its buffers serve for many messages.
type digester struct {
	hashing bool
	sha256  hash.Hash
	md5     hash.Hash
	sink    io.Writer
	piece   []byte
	input   *bufio.Reader // over the message, for readers that want a stream
}

func newDigester(hashing bool) *digester {
	d := &digester{
		hashing: hashing,
		sha256:  sha256.New(),
		md5:     md5.New(), //nolint:gosec // as the index has it
		sink:    discard{},
		piece:   make([]byte, pieceBytes),
		input:   bufio.NewReaderSize(nil, pieceBytes),
	}
	if hashing {
		d.sink = io.MultiWriter(d.sha256, d.md5)
	}
	return d
}

// discard takes bytes as io.Discard does, but leaves the copying to the caller's
// buffer.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// stream returns the message as a stream.
func (d *digester) stream(raw []byte) io.Reader {
	d.input.Reset(bytes.NewReader(raw))
	return d.input
}

// reads takes a leaf's decoded content from a stream. What came before an error
// counts.
func (d *digester) reads(l *leaf, content io.Reader) error {
	d.begin()
	n, err := io.CopyBuffer(d.sink, struct{ io.Reader }{content}, d.piece)
	d.end(l, n)
	return err
}

// takes takes a leaf's decoded content from memory, in pieces that stay in the
// processor's cache from one hash to the other.
func (d *digester) takes(l *leaf, content []byte) {
	d.begin()
	if d.hashing {
		for rest := content; len(rest) > 0; {
			n := min(len(rest), pieceBytes)
			d.sink.Write(rest[:n]) // a hash does not fail
			rest = rest[n:]
		}
	}
	d.end(l, int64(len(content)))
}

func (d *digester) begin() {
	if d.hashing {
		d.sha256.Reset()
		d.md5.Reset()
	}
}

func (d *digester) end(l *leaf, n int64) {
	l.Size = n
	if d.hashing {
		d.sha256.Sum(l.SHA256[:0])
		d.md5.Sum(l.MD5[:0])
	}
}

// identifier returns a message identifier without its angle brackets.
func identifier(value string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(value), "<"), ">")
}

// isMessage reports whether a media type is a message with parts of its own.
func isMessage(mediaType string) bool { return mediaType == "message/rfc822" }
