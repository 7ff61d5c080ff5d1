// Package normalize turns a retrieved message into RFC 5322 with CRLF line ends,
// by transforms each of which is recorded and can be undone: what is delivered
// and the record of the transforms give back the source, byte for byte.
//
// A transform is applied only where the evidence for it is certain. Where a
// message cannot be normalized its bytes stay as they were, with the [Reason].
package normalize

import (
	"bytes"
	"encoding/base64"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
)

// The names of transforms, in the order in which they are applied.
const (
	// UTF8BOM removes the byte order mark EF BB BF at the start.
	UTF8BOM = "utf8-bom"
	// MboxSeparator removes the mbox separator line at the start and the empty
	// line at the end; Line and Trailer are the removed bytes.
	MboxSeparator = "mbox-separator"
	// MboxrdQuoting removes one `>` from every line `>+From `. A line begins at
	// the start and after each LF, or after each CR where there is no LF. Undone by
	// putting one `>` before every line `>*From `.
	MboxrdQuoting = "mboxrd-quoting"
	// LineEnds makes every line end CRLF; Runs says what they were.
	LineEnds = "line-ends"
)

// Transform is one step from the source to what is delivered. Which members are
// set follows from Name.
type Transform struct {
	Name string `json:"name"`
	// Line and Trailer are in padded standard base64; an empty one is left out.
	Line    string `json:"line,omitempty"`
	Trailer string `json:"trailer,omitempty"`
	// Runs are the original line ends, run by run: `L` for LF, `C` for CRLF, `R`
	// for CR, and the length of the run in decimal, separated by one space, such
	// as "L12 C3 L1". Adjacent runs differ. `L*` and `R*` stand for a single run
	// of whatever length.
	Runs string `json:"runs,omitempty"`
}

// Reason says why a message was not normalized; empty when it was.
type Reason string

// The reasons, in the order of precedence.
const (
	ReasonNoHeader        Reason = "no-header"        // does not begin with a header field
	ReasonBinary          Reason = "binary"           // a NUL byte, or Content-Transfer-Encoding binary, and line ends other than CRLF
	ReasonBareCR          Reason = "bare-cr"          // a CR without LF, where not all line ends are CR
	ReasonRunsLimit       Reason = "runs-limit"       // the line ends change too often to be recorded
	ReasonInverseMismatch Reason = "inverse-mismatch" // undoing the transforms did not give the source
)

// Normalize returns an item's message in its normal form and the transforms
// that led there. With a reason, out is item.Raw and there are no transforms.
// Calendar and contact files get [LineEnds] only. out shares memory with
// item.Raw where no line end is changed.
//
// The result depends on the item alone. Before it is returned the transforms
// are undone and the outcome is compared with item.Raw.
func Normalize(item mail.Item) (out []byte, transforms []Transform, exception Reason) {
	out, transforms, exception = transform(item)
	if exception != "" {
		return item.Raw, nil, exception
	}
	if len(transforms) > 0 {
		if back, err := Invert(out, transforms); err != nil || !bytes.Equal(back, item.Raw) {
			return item.Raw, nil, ReasonInverseMismatch
		}
	}
	return out, transforms, ""
}

// transform does what Normalize does but for the check.
func transform(item mail.Item) ([]byte, []Transform, Reason) {
	b := item.Raw
	var done []Transform
	if item.Kind == mail.KindMessage {
		b, done = unwrap(item)
		if item.Dialect == mail.DialectMboxrd {
			if unquoted, ok := unquote(b); ok {
				b, done = unquoted, append(done, Transform{Name: MboxrdQuoting})
			}
		}
		if !header.IsField(firstLine(b)) {
			return nil, nil, ReasonNoHeader
		}
	}
	ends := survey(b, item.Kind == mail.KindMessage)
	if reason := ends.refuse(); reason != "" {
		return nil, nil, reason
	}
	if ends.allCRLF() {
		return b, done, ""
	}
	if len(ends.runs) > maxRunsBytes {
		return nil, nil, ReasonRunsLimit
	}
	return ends.convert(b), append(done, Transform{Name: LineEnds, Runs: ends.shortRuns()}), ""
}

// unwrap removes the byte order mark and what belongs to the mbox format. A
// single file that begins with a strict separator line is taken as one message
// cut out of an mbox; whether an empty line at its end was a separator cannot be
// known, so that stays.
func unwrap(item mail.Item) ([]byte, []Transform) {
	b := item.Raw
	var done []Transform
	sep, end := item.Separator, len(b)-item.Trailer
	if rest, ok := bytes.CutPrefix(b, utf8BOM); ok {
		b, done = rest, append(done, Transform{Name: UTF8BOM})
		sep, end = max(0, sep-len(utf8BOM)), end-len(utf8BOM)
	}
	if item.Format != mail.FormatMbox {
		sep = mail.SeparatorLine(b)
		end = len(b)
	}
	if sep == 0 && end == len(b) {
		return b, done
	}
	t := Transform{
		Name:    MboxSeparator,
		Line:    base64.StdEncoding.EncodeToString(b[:sep]),
		Trailer: base64.StdEncoding.EncodeToString(b[end:]),
	}
	if sep > maxLineBytes {
		return b, done
	}
	return b[sep:end], append(done, t)
}

// firstLine returns the first line of b, or as much of it as a field name may
// take.
func firstLine(b []byte) []byte {
	b = b[:min(len(b), maxNameBytes)]
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}

var utf8BOM = []byte("\xef\xbb\xbf")
