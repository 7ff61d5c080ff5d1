// Package mail reads the sources of mail as they lie on a disk: message files,
// folders of them, Maildir and Maildir++, mbox files (plain, gzip, zstd),
// calendar and contact files.
//
// [Read] hands every byte of every source file to exactly one [Item] or one
// [Gap], in an order that depends on the names and the bytes alone: paths
// sorted bytewise, offsets ascending. An item's bytes come from the same single
// read that feeds the digest of its file, so what is handed out is what was
// hashed. Nothing is decoded, unquoted or repaired here; [Describe] derives
// what an index shows of a message.
package mail

// Kind says what an item is.
type Kind string

// The kinds of items.
const (
	KindMessage Kind = "message" // an Internet message (RFC 5322)
	KindEvent   Kind = "event"   // an iCalendar file (RFC 5545)
	KindContact Kind = "contact" // a vCard file (RFC 6350)
)

// The formats of items, and values of [Options.Format].
const (
	FormatEML     = "eml"     // one message in one file
	FormatMaildir = "maildir" // one message in cur/ or new/ of a Maildir
	FormatMbox    = "mbox"    // one message in an mbox file
	FormatICS     = "ics"     // one iCalendar file
	FormatVCF     = "vcf"     // one vCard file

	// The following are values of [Options.Format] only: an mbox of which the
	// caller knows the dialect.
	FormatMboxo   = "mboxo"
	FormatMboxrd  = "mboxrd"
	FormatMboxcl  = "mboxcl"
	FormatMboxcl2 = "mboxcl2"
	FormatTakeout = "takeout" // as Google Takeout writes it, which is mboxrd
)

// The mbox dialects of an item: how lines that begin with `From ` are kept from
// being taken for separators. Of mboxrd alone the quoting can be undone.
const (
	DialectMboxo   = "mboxo"   // `>` is put before every line `From ` only: not reversible
	DialectMboxrd  = "mboxrd"  // `>` is put before every line `>*From `: reversible
	DialectMboxcl  = "mboxcl"  // quoted as in mboxo, and Content-Length says how long the body is
	DialectMboxcl2 = "mboxcl2" // nothing is quoted, Content-Length says how long the body is
	DialectUnknown = "unknown" // no evidence for any of them
)

// The evidence for a dialect. Only EvidenceDeclared and EvidenceTakeout are
// certain. The latter needs a separator line `From <digits>@xxx …` and, above
// all that the servers on the way add, a field of Gmail's; as a sender can write
// such lines into a body that is not quoted, it ends at the first separator in
// the file that is another's.
const (
	EvidenceDeclared = "declared" // the caller's [Options.Format]
	EvidenceTakeout  = "takeout"  // separator line and header as Google Takeout writes them
	// EvidenceLength: every message in the first 4 MiB of the file, of at least
	// two, has a Content-Length that lands where it ends, and this one has; mboxcl2
	// when there are lines `From ` in them, mboxcl when there are only quoted ones.
	// It names the dialect, and nothing is undone for it.
	EvidenceLength   = "content-length"
	EvidenceNoQuoted = "no quoted line"     // the dialect does not matter: no line is quoted
	EvidenceNone     = "undeclared quoting" // there are quoted lines, and no evidence
)

// Locator says where bytes lie in a source.
type Locator struct {
	// File is the slash-separated path relative to the root of the source, or
	// the base name when the root is a file. Its bytes are those of the file
	// system, which need not be UTF-8.
	File string `json:"file"`
	// Offset and Length are in bytes; of the decompressed stream when the file
	// is compressed.
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Item is one retrieved thing, with its exact bytes.
type Item struct {
	Kind   Kind
	Format string // FormatEML, FormatMaildir, FormatMbox, FormatICS or FormatVCF
	Raw    []byte // the exact bytes of the span that Source names; the receiver's to keep
	Source Locator
	// Container is what the file is compressed with, as in [File].
	Container string

	// Dialect and Evidence are set for items of an mbox only.
	Dialect  string
	Evidence string

	// Labels are the folders that the item lay in, slash-separated.
	Labels []string
	// Flags are the states kept beside the message, sorted: Draft, Flagged,
	// Passed, Replied, Seen, Trashed, or a letter without a known name.
	Flags []string

	// Separator is the number of bytes at the head of Raw that are the mbox
	// separator line, its line end and any byte order mark before it included;
	// Trailer the number of bytes at the end of Raw that are the empty line
	// with which mbox ends a message, or, in a declared mboxcl or mboxcl2, the line
	// end that Content-Length does not count. Both are 0 in other formats.
	Separator int
	Trailer   int

	// Doubtful says that where a message begins or ends cannot be told: it lies in
	// an mbox, or begins as one does, and a line in it may or may not begin another
	// message. In a declared mboxcl2 it says that the Content-Length of the message,
	// or of the one before it, does not land where it ends.
	Doubtful bool
}

// Message returns the item's bytes without what belongs to the mbox format.
// The result shares memory with Raw.
func (it Item) Message() []byte { return it.Raw[it.Separator : len(it.Raw)-it.Trailer] }

// File is one regular file that was read whole.
type File struct {
	Path      string   // as in [Locator]
	Size      int64    // in bytes, as stored
	SHA256    [32]byte // of the bytes as stored
	Container string   // ContainerGzip, ContainerZstd, or empty
	Length    int64    // in bytes, decompressed; Size when there is no container
	Items     int
	Gaps      int

	// Dialect and Evidence are set for an mbox only: what its first 4 MiB of
	// content tell, or what was declared. Its items may differ. Dialects counts
	// the items by theirs; nil without any.
	Dialect  string
	Evidence string
	Dialects map[string]int
}

// The containers of files.
const (
	ContainerGzip = "gzip"
	ContainerZstd = "zstd"
)

// Reason says why bytes are no item.
type Reason string

// The reasons of gaps.
const (
	ReasonEmpty        Reason = "empty file"
	ReasonUnrecognised Reason = "not recognised as mail"
	ReasonHousekeeping Reason = "mailbox housekeeping"
	ReasonUndelivered  Reason = "undelivered"
	ReasonLeading      Reason = "before the first message separator"
	ReasonSymlink      Reason = "symbolic link, not followed"
	ReasonSpecial      Reason = "not a regular file"
	ReasonOutlook      Reason = "format not supported: Outlook MSG or PST"
)

// Gap is a span of a source that belongs to no item. Links and special files
// have no bytes of their own: their length is 0 and their digest that of
// nothing.
type Gap struct {
	Source Locator
	SHA256 [32]byte // of the span; of the decompressed bytes when the file is compressed
	Reason Reason
}

// Sink takes what [Read] finds: the items and gaps of a file by ascending
// offset, then the file. An error stops the reading and is returned as it is.
type Sink interface {
	Item(Item) error
	Gap(Gap) error
	File(File) error
}
