package bag

import "exhibit/sign"

// Limits of a reader (section 13), as far as single names, lines and texts go.
const (
	// MaxItems is how many items a package may have: what seven digits number.
	MaxItems = 9_999_999
	// MaxOthers is more than there can be of other files in a bag.
	MaxOthers = 64
	// MaxNameBytes is how long a file's name may be: what a ustar header holds
	// without a prefix.
	MaxNameBytes = 100
	// MaxEntry is the largest size of a file, in bytes: what eleven octal
	// digits hold.
	MaxEntry = 8<<30 - 1
	// MaxDepth is how many segments a name may have.
	MaxDepth = 3
	// MaxLineBytes bounds a line of a tag file that is no JSON.
	MaxLineBytes = 64 + 2 + MaxNameBytes
	// MaxInfoBytes bounds bag-info.txt.
	MaxInfoBytes = 64 << 10
	// MaxChildren is how many attachments of an item the index files show: what
	// four digits number. A record that tells of more has rows for the first.
	MaxChildren = 9999
	// MaxRecord bounds a traffic or subscriber record, in bytes, without the LF
	// that ends its file.
	MaxRecord = sign.MaxLine
	// MaxAddresses bounds one list of addresses of a traffic record.
	MaxAddresses = 1000
	// MaxHops bounds the route of a traffic record.
	MaxHops = 100
	// maxMessageID bounds a Message-ID, in bytes: a line of RFC 5322, section
	// 2.1.1.
	maxMessageID = 998
)
