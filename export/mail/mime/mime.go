// Package mime reads the structure of a message (RFC 5322, RFC 2045 to 2049): the
// tree of its parts with the place of each in the immutable original, the values
// that an index shows of them, and the digests of their decoded content.
//
// It never fails: what is odd becomes a [Defect], from the list in this package,
// with its place. Nothing is copied or repaired; spans are byte offsets in the
// message as it lies in its source. Transfer encodings are undone to raw bytes for
// hashing, and charsets touch only names and other values for display.
//
// A message is read in two passes: one finds the parts, looking only at headers
// and lines that begin with `--`; one decodes and hashes the leaves. Work is
// proportional to the size of the message, and memory bounded (package limits).
package mime

import (
	"io"

	"exhibit/export/mail/header"
)

// Options says how a message is read.
type Options struct {
	// NoHash leaves out the digests of leaves; sizes are still counted.
	NoHash bool
}

// Message is what was found in a message.
type Message struct {
	// Root is the message itself, whose header is the message's.
	Root *Part
	// Parts counts the parts of the tree, Root and nested messages included.
	Parts int
	// Defects are those of all parts, by part in the order of the tree; at most
	// limits.Defects.
	Defects []Defect
}

// Defect is something odd in a message.
type Defect struct {
	Name string // one of the Defect constants of this package or of package header
	// Part is the number of the part.
	Part string
	// Offset is in bytes, as in [Part].
	Offset int64
}

// Part is a part of a message (RFC 2045, section 2.4), or a message.
type Part struct {
	// Number is the place in the tree: `1` is the message, `1.2` the second part
	// of it, `1.2.1` the first part of that, or the message that it carries.
	Number string
	// Header is the part's header. Its offsets count from Begin.
	Header header.Header
	// Begin is where the part's header begins, Body where its content does, End
	// where it ends, without the line end that belongs to the boundary (RFC 2046,
	// section 5.1.1), unless the header ends with it. Body is Begin+Header.Body.
	// Preamble and epilogue of a multipart lie between its Body and End, and in no
	// part. The three count in bytes from the beginning of the message, or,
	// with Inner, of the decoded content of the nearest part above that has a
	// transfer encoding.
	Begin, Body, End int64
	Inner            bool

	// Type is the media type that counts, `text/plain`, in lower case: the one of
	// Content-Type when it is readable, otherwise the default of its place (RFC
	// 2045 section 5.2, RFC 2046 section 5.1.5). A multipart without parts keeps
	// its type; readers take it neither for a text nor for an attachment.
	Type string
	// Params are the parameters of Content-Type in their order, names in lower
	// case, values decoded (RFC 2231, RFC 2047).
	Params []header.Param
	// Charset is the parameter charset in lower case, or empty.
	Charset string
	// Disposition is that of Content-Disposition (RFC 2183) in lower case, or
	// empty.
	Disposition string
	// Name is the file name, decoded: filename of Content-Disposition, otherwise
	// name of Content-Type; as the sender writes it, never a path to be used.
	Name string
	// ContentID is without its angle brackets.
	ContentID string
	// Encoding is the transfer encoding that counts: `7bit`, `8bit`, `binary`,
	// `quoted-printable`, `base64`, `uuencode`, `yenc`; `7bit` when there is none
	// or one that is unknown, with the defect unknown-encoding.
	Encoding string
	// Crypto tells what protects the part: CryptoSigned, CryptoEncrypted, or empty.
	Crypto string

	// Size is the length of the decoded content of a leaf, in bytes, and the
	// digests are of these bytes. A leaf is a part without Parts and Message.
	Size   int64
	SHA256 [32]byte
	MD5    [16]byte

	// Parts are those of a multipart, Message the message that a part of type
	// message/rfc822, message/global or message/news carries, which may be empty.
	Parts   []*Part
	Message *Part
	// Files are files inside a leaf's content: of TNEF, uuencoded or yEnc text.
	Files []File

	depth int
}

// Values of Part.Crypto.
const (
	CryptoSigned    = "signed"    // multipart/signed (RFC 1847), signed-data of S/MIME (RFC 8551), or a text part that begins as a PGP signed message
	CryptoEncrypted = "encrypted" // multipart/encrypted (RFC 1847, 3156), enveloped-data of S/MIME, or a text part that begins as a PGP message
)

// File is a file inside the content of a part that is no part itself.
type File struct {
	Name   string // as the sender writes it; empty when there is none
	Origin string // OriginTNEF, OriginUU, OriginYEnc
	Size   int64
	SHA256 [32]byte
	MD5    [16]byte
}

// Values of File.Origin.
const (
	OriginTNEF = "tnef"     // an attachment in application/ms-tnef (MS-OXTNEF)
	OriginUU   = "uuencode" // lines `begin 644 name` to `end` in an unnamed text/plain that is no attachment (POSIX uuencode)
	OriginYEnc = "yenc"     // lines `=ybegin` to `=yend` in such a part (yEnc 1.3)
)

// The names of defects of parts. Those of headers and of the values in them are
// in package header.
const (
	DefectNoBoundary       = "no-boundary"       // a multipart without a usable boundary: it is a leaf
	DefectBoundaryMissing  = "boundary-missing"  // its boundary does not occur: it is a leaf
	DefectUnterminated     = "unterminated"      // a multipart without its closing boundary
	DefectBoundaryRepeated = "boundary-repeated" // a multipart has the boundary of one around it, or one that differs by `--` at its end
	DefectBoundaryLike     = "boundary-like"     // a line that other readers may take for a boundary of the multipart
	DefectContentType      = "content-type"      // a Content-Type that cannot be read; the default counts
	DefectRepeatedField    = "repeated-field"    // a Content- field that may be there once is there again, with another value; the first counts
	DefectMultipartEncoded = "multipart-encoded" // a transfer encoding on a multipart (RFC 2045 section 6.4); it is passed over
	DefectUnknownEncoding  = "unknown-encoding"  // a transfer encoding that is not known: the content is taken as it is
	DefectBase64           = "base64"            // bytes in base64 that do not belong there; they are passed over
	DefectBase64Padding    = "base64-padding"    // digits of base64 after its padding, which ends the content: they are not decoded
	DefectBase64Cut        = "base64-cut"        // base64 that ends within a group; whole bytes count
	DefectQuotedPrintable  = "quoted-printable"  // an `=` that begins no octet and no soft line break; it stays
	DefectUUEncode         = "uuencode"          // uuencoded or yEnc text that is damaged or ends too early
	DefectNotOpened        = "not-opened"        // TNEF that cannot be read whole or has two contents for one file, S/MIME that is signed or compressed with the message inside, or an encoded nested message or TNEF beyond limits.OpenedBytes, or such a message beyond limits.Depth or limits.Parts

	DefectTooDeep        = "too-deep"
	DefectTooManyParts   = "too-many-parts"
	DefectTooManyHeaders = "too-many-header-bytes"
	DefectTooManyFiles   = "too-many-files"
)

// Parse reads a message that is in memory. The result shares memory with raw.
func Parse(raw []byte, opt Options) *Message {
	m, _ := parse(&input{raw: raw, size: int64(len(raw))}, opt) // memory does not fail
	return m
}

// ParseReaderAt reads a message of size bytes, which are read twice. The only
// errors are those of r, and then there is no message.
func ParseReaderAt(r io.ReaderAt, size int64, opt Options) (*Message, error) {
	return parse(&input{r: r, size: max(size, 0)}, opt)
}

// Leaf reports whether the part has no parts and carries no message.
func (p *Part) Leaf() bool { return len(p.Parts) == 0 && p.Message == nil }

// Encoded reports whether the content has a transfer encoding to be undone.
func (p *Part) Encoded() bool { return !isIdentity(p.Encoding) }

// Children returns the parts of a multipart, or the message that a part carries.
func (p *Part) Children() []*Part {
	if p.Message != nil {
		return []*Part{p.Message}
	}
	return p.Parts
}

// Walk calls do for the part and all below it, in their order, until do returns
// false.
func (p *Part) Walk(do func(*Part) bool) bool {
	if !do(p) {
		return false
	}
	for _, c := range p.Children() {
		if !c.Walk(do) {
			return false
		}
	}
	return true
}
