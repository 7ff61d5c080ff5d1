package mail

import (
	"bytes"
	"path"
	"strings"
)

var (
	magicGzip = []byte("\x1f\x8b\x08")
	magicZstd = []byte("\x28\xb5\x2f\xfd")
	magicOLE  = []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	magicPST  = []byte("!BDN")
)

// containerOf tells the container of a file by its first bytes. Inside a folder
// the name has to agree, except for the files of a Maildir, which mail servers
// compress without renaming them.
func containerOf(e entry, head []byte) string {
	if e.place == placeTmp || e.place == placeServer {
		return ""
	}
	byContent := e.root || e.place == placeMessages
	_, named := cutContainer(e.name)
	switch {
	case bytes.HasPrefix(head, magicGzip) && (byContent || named == ContainerGzip):
		return ContainerGzip
	case bytes.HasPrefix(head, magicZstd) && (byContent || named == ContainerZstd),
		isSkippable(head) && named == ContainerZstd:
		return ContainerZstd
	}
	return ""
}

// isSkippable reports whether b begins with a skippable frame (RFC 8878,
// section 3.1.2).
func isSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18
}

// cutContainer returns a name without the extension of its container.
func cutContainer(name string) (rest, container string) {
	ext := path.Ext(name)
	switch strings.ToLower(ext) {
	case ".gz", ".gzip":
		return strings.TrimSuffix(name, ext), ContainerGzip
	case ".zst", ".zstd":
		return strings.TrimSuffix(name, ext), ContainerZstd
	}
	return name, ""
}

// classify tells the format of a file from where it lies, its name and the
// first bytes of its content, or the reason why it holds no item. declared is
// [Options.Format].
func classify(e entry, declared string, head []byte) (format string, reason Reason) {
	if len(head) == 0 {
		return "", ReasonEmpty
	}
	switch e.place {
	case placeMessages:
		return FormatMaildir, ""
	case placeTmp:
		return "", ReasonUndelivered
	case placeServer:
		return "", ReasonHousekeeping
	case placeMaildir:
		if isHousekeeping(e.name) {
			return "", ReasonHousekeeping
		}
	}
	if e.root && declared != "" {
		if declaredDialect(declared) != "" {
			return FormatMbox, ""
		}
		return declared, ""
	}
	name, _ := cutContainer(e.name)
	return classifyContent(strings.ToLower(path.Ext(name)), e.root, declared != FormatEML, head)
}

// classifyContent tells the format of a file from its extension in lower case
// and its first bytes.
func classifyContent(ext string, root, mayBeMbox bool, head []byte) (format string, reason Reason) {
	text := bytes.TrimPrefix(head, utf8BOM)
	switch {
	case ext == ".eml":
		return FormatEML, ""
	case bytes.HasPrefix(head, magicOLE) || bytes.HasPrefix(head, magicPST):
		return "", ReasonOutlook
	case ext == ".ics" || hasPrefixFold(text, "BEGIN:VCALENDAR"):
		return FormatICS, ""
	case ext == ".vcf" || hasPrefixFold(text, "BEGIN:VCARD"):
		return FormatVCF, ""
	case mayBeMbox && (ext == ".mbox" || ext == ".mbx" || bytes.HasPrefix(text, fromSpace) && endsOf(text).beginsBox(text)):
		return FormatMbox, ""
	case root || isMessageExt(ext) || looksLikeMessage(text):
		return FormatEML, ""
	}
	return "", ReasonUnrecognised
}

// beginsBox reports whether b begins with a separator line.
func (e ends) beginsBox(b []byte) bool { return e.separatorAt(b, 0) > 0 || e.firstSeparator(b) > 0 }

// isMessageExt reports whether files with the extension are messages, whatever
// they look like.
func isMessageExt(ext string) bool {
	switch ext {
	case ".raw", ".msg", ".txt", ".rfc822", ".mail", ".email", ".emlx":
		return true
	}
	return false
}

// looksLikeMessage reports whether a header field is among the first lines.
func looksLikeMessage(head []byte) bool {
	for lines := 0; lines < headLines && len(head) > 0; {
		n := bytes.IndexAny(head, "\r\n")
		if n < 0 {
			n = len(head)
		}
		line := head[:n]
		head = head[min(n+1, len(head)):]
		if len(line) == 0 {
			continue
		}
		if plausibleField(line) {
			return true
		}
		lines++
	}
	return false
}

// plausibleField reports whether a line looks like a header field that someone
// would write: its name has letters, digits, hyphens and underscores only.
func plausibleField(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.Trim(name, " \t")
	if !ok || len(name) == 0 || len(name) > maxFieldName || bytes.IndexByte(line, 0) >= 0 {
		return false
	}
	if bytes.HasPrefix(line[bytes.IndexByte(line, ':'):], []byte("://")) {
		return false
	}
	for _, c := range name {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// mboxLabel returns the label of the messages in an mbox file: its name without
// extensions, below the label of its folder.
func mboxLabel(e entry) string {
	name, _ := cutContainer(e.name)
	if ext := strings.ToLower(path.Ext(name)); ext == ".mbox" || ext == ".mbx" {
		name = name[:len(name)-len(ext)]
	}
	if e.label == "" {
		return name
	}
	return e.label + "/" + name
}
