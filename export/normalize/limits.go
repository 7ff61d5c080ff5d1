package normalize

const (
	// maxRunsBytes bounds Transform.Runs.
	maxRunsBytes = 64 << 10
	// maxLineBytes bounds the separator line; that of a mail.Item is shorter.
	maxLineBytes = 8 << 10
	// maxTrailerBytes bounds the empty line at the end: CRLF.
	maxTrailerBytes = 2
	// maxNameBytes is how much of the first line is searched for a colon.
	maxNameBytes = 1 << 10
)
