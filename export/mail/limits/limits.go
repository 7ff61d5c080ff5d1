// Package limits holds what one message may ask of its reader, in one place. A
// message beyond a limit is read as far as the limit goes and has the defect
// named beside it (FORMAT.md section 6.4): it is never an error, and its bytes
// are carried whole.
//
// The limits keep the work for a message proportional to its size and the memory
// below 64 MiB more than what the caller holds of it.
package limits

const (
	// HeaderBytes bounds one header, from its first field to its end. What comes
	// after is taken for the body. Defect too-many-bytes.
	HeaderBytes = 16 << 20
	// MessageHeaderBytes bounds the headers of all parts of a message together.
	// Of parts beyond, the header is passed over and counts as empty. Defect
	// too-many-header-bytes.
	MessageHeaderBytes = 24 << 20
	// Fields bounds the fields of one header. Defect too-many-fields.
	Fields = 20_000
	// MessageFields bounds the fields of all headers of a message together.
	// Defect too-many-fields.
	MessageFields = 100_000
	// Defects bounds the defects kept of a message. The last is too-many-defects.
	Defects = 100
	// Depth bounds how deep parts lie in one another: the message itself has
	// depth 1. A multipart or message at this depth is a leaf. Defect too-deep; of a
	// message with a transfer encoding not-opened, likewise beyond Parts.
	Depth = 64
	// Parts bounds the parts of a message, nested messages and all. What would be
	// a further part stays unread: its multipart's last part ends where it begins.
	// Defect too-many-parts.
	Parts = 10_000
	// BoundaryBytes bounds a boundary; RFC 2046 section 5.1.1 allows 70. A longer
	// one counts as missing. Defect no-boundary.
	BoundaryBytes = 1000
	// BoundaryLineBytes bounds a line with a boundary, the white space that may
	// follow it included, without the line feed. A longer line is none. Defect
	// boundary-like.
	BoundaryLineBytes = 4000

	// EncodedWords bounds the encoded words that are decoded in one value; more
	// stay as they are written. Defect too-many-encoded-words.
	EncodedWords = 20_000
	// EncodedWordBytes bounds one encoded word; RFC 2047 allows 75 bytes.
	EncodedWordBytes = 16 << 10
	// Parameters bounds the parameters of one field, each segment of RFC 2231
	// counted. Defect too-many-parameters.
	Parameters = 1000
	// ParameterBytes bounds the value of a field that has parameters, and what its
	// segments join to. Defect too-many-parameters.
	ParameterBytes = 256 << 10
	// Addresses bounds the addresses of one value. Defect addresses.
	Addresses = 100_000
	// AddressWords bounds the words of one mailbox of an address list. More are
	// left out. Defect addresses.
	AddressWords = 10_000

	// OpenedBytes bounds the decoded bytes of a message that are looked into again:
	// nested messages with a transfer encoding, and TNEF. What would go beyond is
	// not opened. Defect not-opened.
	OpenedBytes = 32 << 20
	// Files bounds the files found in TNEF, uuencoded and yEnc text of one
	// message. Defect too-many-files.
	Files = 1000

	// The following bound what is read of one TNEF stream, with the messages inside
	// it. What comes after is not read. Defect not-opened.

	// TNEFAttributes bounds its attributes.
	TNEFAttributes = 100_000
	// TNEFProperties bounds its MAPI properties.
	TNEFProperties = 100_000
	// TNEFDepth bounds how deep messages lie in one another; the stream itself has
	// depth 1.
	TNEFDepth = 8
	// TNEFFormattedBytes bounds its formatted text, decompressed.
	TNEFFormattedBytes = 16 << 20
)
