package mail

// Limits bounds what a source may ask of its reader. A field that is 0 takes
// the value of [DefaultLimits].
type Limits struct {
	ItemBytes int64 // of one item, in bytes
	Files     int   // of one source, gaps included
	Depth     int   // of folders below the root; a file in the root has depth 0
}

// DefaultLimits returns the limits that hold when none are given.
func DefaultLimits() Limits {
	return Limits{ItemBytes: 256 << 20, Files: 5_000_000, Depth: 64}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.ItemBytes == 0 {
		l.ItemBytes = d.ItemBytes
	}
	if l.Files == 0 {
		l.Files = d.Files
	}
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	return l
}

const (
	// maxSeparatorLine bounds a separator line, its line end included.
	maxSeparatorLine = 4096
	// maxFieldName bounds the name of a header field after a separator line.
	maxFieldName = 256
	// maxMetadata bounds what [Describe] takes from one header, in bytes of JSON.
	maxMetadata = 256 << 10
	// headBytes is how much of a file is looked at to recognise it.
	headBytes = 64 << 10
	// headLines is how many lines that are not empty are looked at.
	headLines = 20
	// maxWindow bounds the memory that a compressed file may ask for; more
	// breaks the zstd command as well.
	maxWindow = 128 << 20
)
