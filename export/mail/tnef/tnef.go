// Package tnef reads the Transport Neutral Encapsulation Format, as which Outlook
// and Exchange write messages into `winmail.dat` (MS-OXTNEF): the files attached,
// those of messages inside, and the text bodies.
//
// Contents are slices of what is read; only the formatted text, which is stored
// compressed (MS-OXRTFCP), is made. Work is proportional to the input, times the
// depth of messages in one another; limits are those of package limits.
package tnef

import (
	"bytes"
	"errors"
	"fmt"

	"exhibit/export/mail/limits"
)

// maxText bounds a name or another short text as stored, in bytes.
const maxText = 32 << 10

// ErrSignature says that the data is no TNEF: it does not begin with the
// signature 0x223E9F78 (MS-OXTNEF section 2.1.1).
var ErrSignature = errors.New("no TNEF signature")

// DamagedError is a stream that is cut or damaged somewhere. What could be read of
// it, before and after that place, was read.
type DamagedError struct {
	Offset int64 // in bytes from the beginning of the stream
	What   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged TNEF at byte %d: %s", e.Offset, e.What)
}

// LimitError is a stream that exceeds a limit. What was read until then counts.
type LimitError struct {
	Offset int64 // in bytes from the beginning of the stream
	What   string
	Limit  int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("TNEF at byte %d: more than %d %s", e.Offset, e.Limit, e.What)
}

// Message is what a stream holds.
type Message struct {
	Subject string
	// Class is the kind of message, as `IPM.Microsoft Mail.Note` or `IPM.Note`.
	Class string
	// Files are the attachments in their order, each message among them followed by
	// its own Files; after them the bodies.
	Files []File
	// Faults are what was odd and did not keep anything from being read; at most
	// limits.Defects.
	Faults []Fault
}

// File is a file in a stream.
type File struct {
	// Name is as the sender writes it, never a path to be used: the long file name,
	// otherwise the attachment's title, the short file name, the transport's, or
	// what is shown in its place; empty when there is none. That of a body is
	// NameText, NameHTML or NameRTF, as the `tnef` command names them.
	Name string
	// Type is the media type that the sender states, in his letters, or empty; of a
	// body and of a message inside the one that it has.
	Type string
	// Charset is that of a text body, or empty.
	Charset string
	// Data is the content as it is stored, that of formatted text decompressed.
	// Apart from that it shares memory with the stream.
	Data []byte
	// Message says that the file is a message, whose Data is a TNEF stream.
	Message bool
	// Body says that the file is a text of the message itself, and no attachment.
	Body bool
	// Depth tells in which message the file lies: 1 in the stream itself, 2 in a
	// message inside, and so on.
	Depth int
}

// The names of bodies.
const (
	NameText = "body.txt"
	NameHTML = "body.html"
	NameRTF  = "body.rtf"
)

// Fault is something odd at a place of a stream.
type Fault struct {
	Kind   FaultKind
	Offset int64 // in bytes from the beginning of the stream
}

// FaultKind is a kind of fault.
type FaultKind int

// The kinds of faults.
const (
	FaultChecksum FaultKind = iota // an attribute whose checksum is another
	FaultRTF                       // formatted text whose checksum or length is another
	FaultRepeated                  // an attachment that has its content twice; the first counts
	FaultText                      // a name or another short text that is too long, and was cut
	FaultTrailing                  // bytes after the last attribute: zeros, or too few to hold anything
)

// Read reads a stream. It returns ErrSignature for what is none; every other error
// is a [DamagedError] or a [LimitError], the first one met, and comes with all that
// could be read.
func Read(data []byte) (Message, error) {
	if !bytes.HasPrefix(data, signature) {
		return Message{}, ErrSignature
	}
	s := &state{rtf: limits.TNEFFormattedBytes}
	m := s.message(data, 0, 1)
	m.Faults = s.faults
	return m, s.err
}

// signature and the key after it begin a stream (MS-OXTNEF section 2.1.1).
var signature = []byte{0x78, 0x9f, 0x3e, 0x22}

const headBytes = 4 + 2

// state is what the reading of a stream and of all messages inside share.
type state struct {
	attributes, mapi, files int
	rtf                     int // bytes of formatted text that may still be made
	faults                  []Fault
	err                     error // the first
}

func (s *state) fault(kind FaultKind, at int) {
	if len(s.faults) < limits.Defects {
		s.faults = append(s.faults, Fault{kind, int64(at)})
	}
}

func (s *state) damaged(at int, what string) {
	if s.err == nil {
		s.err = &DamagedError{Offset: int64(at), What: what}
	}
}

func (s *state) exceeded(at int, what string, limit int) {
	if s.err == nil {
		s.err = &LimitError{Offset: int64(at), What: what, Limit: limit}
	}
}

// message reads the stream data, which has its signature and lies at base.
func (s *state) message(data []byte, base, depth int) Message {
	w := &walker{state: s, depth: depth}
	c := &cursor{data: data, base: base, pos: min(headBytes, len(data))}
	if len(data) < headBytes {
		s.damaged(c.at(), "it ends in its head")
	}
	for c.left() > 0 {
		if trailing(c.data[c.pos:]) {
			s.fault(FaultTrailing, c.at())
			break
		}
		if s.attributes == limits.TNEFAttributes {
			s.exceeded(c.at(), "attributes", limits.TNEFAttributes)
			break
		}
		s.attributes++
		a, whole := s.attribute(c)
		w.attribute(a)
		if !whole {
			break
		}
	}
	return w.finish()
}

// attribute is one attribute (MS-OXTNEF section 2.1.2).
type attribute struct {
	id   uint32
	data []byte
	at   int // where data lies
}

// The levels of attributes.
const (
	levelMessage    = 1
	levelAttachment = 2
)

// attribute takes the next one. Where the data is cut, what there is of it counts,
// and whole is false.
func (s *state) attribute(c *cursor) (a attribute, whole bool) {
	start := c.at()
	level, _ := c.take(1)
	if level[0] != levelMessage && level[0] != levelAttachment {
		s.damaged(start, "no attribute begins here")
		return a, false
	}
	id, ok := c.u32()
	size, ok2 := c.u32()
	if !ok || !ok2 {
		s.damaged(start, "it ends in the head of an attribute")
		return a, false
	}
	a = attribute{id: id, at: c.at()}
	if a.data, whole = c.take(size); !whole {
		a.data, _ = c.take(uint32(c.left()))
		s.damaged(start, "it ends in an attribute")
		return a, false
	}
	sum, ok := c.u16()
	if !ok {
		s.damaged(start, "it ends in the checksum of an attribute")
		return a, false
	}
	if sum != checksum(a.data) {
		s.fault(FaultChecksum, start)
	}
	return a, true
}

// checksum is the sum of all bytes (MS-OXTNEF section 2.1.3.1).
func checksum(data []byte) uint16 {
	var sum uint16
	for _, b := range data {
		sum += uint16(b)
	}
	return sum
}

// trailing reports whether what is left holds no attribute and nothing else: it is
// zero, or too short for one and not the beginning of one.
func trailing(rest []byte) bool {
	const shortest = 1 + 4 + 4 + 2
	if rest[0] == levelMessage || rest[0] == levelAttachment {
		return false
	}
	return len(rest) < shortest || rest[0] == 0 && len(bytes.TrimLeft(rest, "\x00")) == 0
}
