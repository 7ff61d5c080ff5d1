package mail

import (
	"bytes"
	"slices"
)

// dialectOf says how an mbox message's lines are quoted, and by what evidence.
// declared is what the caller said, DialectMboxrd or DialectMboxo, or empty.
func dialectOf(raw []byte, sep int, declared string) (dialect, evidence string) {
	switch {
	case declared != "":
		return declared, EvidenceDeclared
	case !hasQuotedFrom(raw[sep:]):
		return DialectUnknown, EvidenceNoQuoted
	case isTakeout(raw, sep):
		return DialectMboxrd, EvidenceTakeout
	}
	return DialectUnknown, EvidenceNone
}

// hasQuotedFrom reports whether a line consists of `>`, any more of them, and
// `From `.
func hasQuotedFrom(b []byte) bool {
	for {
		i := bytes.Index(b, []byte(">From "))
		if i < 0 {
			return false
		}
		j := i
		for j > 0 && b[j-1] == '>' {
			j--
		}
		if j == 0 || b[j-1] == '\n' {
			return true
		}
		b = b[i+1:]
	}
}

// isTakeout reports whether a message is as Google Takeout writes it: the
// separator line `From <digits>@xxx <date>`, which no sender can influence, and
// one of the fields that Gmail adds.
func isTakeout(raw []byte, sep int) bool {
	line := bytes.TrimPrefix(raw[:sep], utf8BOM)
	id, _, ok := bytes.Cut(line[len(fromSpace):], []byte("@xxx "))
	if !ok || !allDigits(id) {
		return false
	}
	for rest := raw[sep:]; len(rest) > 0 && emptyLine(rest) == 0; {
		for _, name := range []string{"x-gm-thrid", "x-gmail-labels"} {
			if _, ok := cutField(rest, name); ok {
				return true
			}
		}
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			return false
		}
		rest = rest[n:]
	}
	return false
}

func allDigits(b []byte) bool {
	return len(b) > 0 && !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
}

// statusFlags derives flags from the Status and X-Status fields that mail
// readers keep in an mbox.
func statusFlags(msg []byte) []string {
	var flags []string
	for pos := 0; pos < len(msg) && emptyLine(msg[pos:]) == 0; {
		n := bytes.IndexByte(msg[pos:], '\n') + 1
		if n == 0 {
			n = len(msg) - pos
		}
		line := msg[pos : pos+n]
		pos += n
		value, ok := cutField(line, "status")
		if !ok {
			value, ok = cutField(line, "x-status")
		}
		if !ok {
			continue
		}
		for _, c := range value {
			if name, ok := statusNames[c]; ok {
				flags = append(flags, name)
			}
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}

// statusNames are the letters of Status and X-Status; O (old) says nothing of
// the message.
var statusNames = map[byte]string{'R': "Seen", 'A': "Replied", 'F': "Flagged", 'T': "Draft", 'D': "Trashed"}
