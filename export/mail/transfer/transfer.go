// Package transfer undoes the transfer encodings of mail to raw bytes: base64 and
// quoted-printable (RFC 2045, sections 6.7 and 6.8), uuencode (POSIX) and yEnc
// (version 1.3). A decoder never fails: what does not belong there is passed over
// or kept as documented, and the first place of each kind of fault is recorded.
package transfer

// Decoder undoes one transfer encoding, piece by piece. Where the pieces are cut
// does not change the result.
type Decoder interface {
	// Decode appends to dst what src decodes to, the next piece of the encoded
	// bytes. src is not kept.
	Decode(dst, src []byte) []byte
	// Close appends what remains, at the end of the encoded bytes.
	Close(dst []byte) []byte
	// Faults returns the first fault of each kind, after Close.
	Faults() []Fault
	// Reset makes the decoder ready for another text.
	Reset()
}

// Fault is something in the encoded bytes that the encoding does not allow.
type Fault struct {
	Kind   FaultKind
	Offset int64 // in bytes from the beginning of the encoded bytes
}

// FaultKind is a kind of fault.
type FaultKind int

// The kinds of faults.
const (
	FaultForeign FaultKind = iota // bytes that are no digits of the encoding
	FaultPadding                  // digits after padding
	FaultCut                      // the end within a group, a line or before the closing line
	FaultEscape                   // in quoted-printable: an `=` that begins nothing
)
