package mail

import (
	"bytes"
	"io"
	"slices"
)

// recogniseBytes is how much of the content of an mbox file is looked at to
// recognise its dialect, before its first item is handed out.
const recogniseBytes = 4 << 20

// dialect is a dialect of an mbox and the evidence for it.
type dialect struct{ name, evidence string }

// declaredDialect returns the dialect that a value of [Options.Format] declares,
// or "".
func declaredDialect(format string) string {
	switch format {
	case FormatMboxo, FormatMboxrd, FormatMboxcl, FormatMboxcl2:
		return format // the dialects have the names of the formats
	case FormatTakeout:
		return DialectMboxrd
	}
	return ""
}

// box is what is known of an mbox file.
type box struct {
	declared string
	ends     ends
	file     dialect
	unsure   bool // the end of the message before is uncertain; of a declared mboxcl2
	quoted   bool // a message had quoted lines of an unknown dialect
}

// newBox recognises an mbox file by what its content begins with; whole says
// that this is all of it.
func newBox(format string, head []byte, whole bool, limit int64) *box {
	b := &box{declared: declaredDialect(format), ends: endsOf(head)}
	if b.declared != "" {
		b.file = dialect{b.declared, EvidenceDeclared}
		return b
	}
	b.file = survey{whole: whole, limit: limit, ends: b.ends}.of(head)
	return b
}

// splitter returns what cuts the file into messages.
func (b *box) splitter(r io.Reader, limit int64) *splitter {
	s := &splitter{r: r, limit: limit, ends: b.ends}
	switch b.declared {
	case DialectMboxo, DialectMboxrd:
		s.quoted = true
	case DialectMboxcl, DialectMboxcl2:
		s.lengths = true
	}
	return s
}

// judge tells the dialect of a message, and whether it is doubtful where it
// begins or ends. Messages come in the order of the file.
//
// In a declared mboxcl2 nothing but the Content-Length of a message tells where
// it ends, and the next begins. In all others a line that might be a separator
// leaves a doubt, whatever Content-Length says: in mboxcl it would be quoted.
func (b *box) judge(sp span) (dialect, bool) {
	if b.declared == "" {
		d := b.own(sp)
		b.quoted = b.quoted || d.evidence == EvidenceNone
		return d, sp.lines.doubtful
	}
	doubtful := sp.lines.doubtful
	if b.declared == DialectMboxcl2 {
		doubtful = b.unsure || !sp.landed
		b.unsure = !sp.landed
	}
	return b.file, doubtful
}

// own tells the dialect of a message in a file of which none was declared: that
// of the file, if the message agrees with it.
func (b *box) own(sp span) dialect {
	switch {
	case sp.takeout:
		return dialect{DialectMboxrd, EvidenceTakeout}
	case b.file.evidence == EvidenceLength && sp.landed && (b.file.name == DialectMboxcl2 || !sp.lines.plain):
		return b.file
	case sp.lines.quoted:
		return dialect{DialectUnknown, EvidenceNone}
	}
	return dialect{DialectUnknown, EvidenceNoQuoted}
}

// whole returns the dialect of the file once all messages were judged.
func (b *box) whole() dialect {
	if b.file.evidence == EvidenceNoQuoted && b.quoted {
		return dialect{DialectUnknown, EvidenceNone}
	}
	return b.file
}

// survey counts what the messages at the beginning of an mbox file agree in.
type survey struct {
	whole bool
	limit int64
	ends  ends

	messages, takeout       int
	complete, landed        int // of messages that end within what is looked at
	quoted, plain, tooShort bool
}

// of returns the dialect of a file that begins with head. What the sender of a
// message can write is no evidence by itself: it is what all messages have.
func (s survey) of(head []byte) dialect {
	split := &splitter{buf: head[:len(head):len(head)], eof: true, limit: s.limit, ends: s.ends}
	// The error, that a message is too long, comes again when the file is read.
	_ = split.split(func(sp span) error {
		s.add(sp, int64(len(head)))
		if s.tooShort {
			return io.EOF
		}
		return nil
	})
	switch {
	case s.messages > 0 && s.takeout == s.messages:
		return dialect{DialectMboxrd, EvidenceTakeout}
	case s.complete >= 2 && s.landed == s.complete && s.plain:
		return dialect{DialectMboxcl2, EvidenceLength}
	case s.complete >= 2 && s.landed == s.complete && s.quoted:
		return dialect{DialectMboxcl, EvidenceLength}
	case s.quoted:
		return dialect{DialectUnknown, EvidenceNone}
	}
	return dialect{DialectUnknown, EvidenceNoQuoted}
}

// add counts a message of a file of which size bytes are looked at. One that may
// go on after them is the last.
func (s *survey) add(sp span, size int64) {
	if sp.raw == nil {
		return
	}
	if !s.whole {
		end := sp.offset + sp.length
		if sp.header.valid() {
			end = max(end, sp.offset+int64(sp.separator+sp.header.body)+min(sp.header.length, size))
		}
		s.tooShort = end > size-2-lookAhead
	}
	if !s.tooShort || sp.header.body > 0 {
		s.messages++
		if sp.takeout {
			s.takeout++
		}
	}
	s.quoted = s.quoted || sp.lines.quoted
	if s.tooShort {
		return
	}
	s.complete++
	s.plain = s.plain || sp.lines.plain
	if sp.landed {
		s.landed++
	}
}

// isTakeoutLine reports whether a separator line is as Google Takeout writes it:
// `From <digits>@xxx <date>`.
func isTakeoutLine(line []byte) bool {
	line = bytes.TrimPrefix(line, utf8BOM)
	id, _, ok := bytes.Cut(line[len(fromSpace):], []byte("@xxx "))
	return ok && allDigits(id)
}

func allDigits(b []byte) bool {
	return len(b) > 0 && !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
}
