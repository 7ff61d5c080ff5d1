package traffic

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"exhibit/export/mail/header"
)

const (
	// maxText bounds an address and a Message-ID, in bytes: what a line holds
	// (RFC 5322, section 2.1.1).
	maxText = 998
	// maxHost bounds a host name, in bytes (RFC 1035, section 2.3.4).
	maxHost = 255
	// atext is what may stand in an unquoted local part beside letters and digits
	// (RFC 5322, section 3.2.3), and dots, which senders put anywhere.
	atext = "!#$%&'*+-/=?^_`{|}~."
)

// readable reports whether a field is the same to every reader: no NUL, and no
// CR that others may take for the end of the field.
func readable(f header.Field) bool {
	for i := 0; i < len(f.Raw); i++ {
		switch f.Raw[i] {
		case 0:
			return false
		case '\r':
			rest := bytes.TrimLeft(f.Raw[i:], "\r") // CRCRLF is one line end
			run := len(f.Raw) - i - len(rest)
			if len(rest) > 0 && rest[0] != '\n' && (run > 1 || rest[0] != ' ' && rest[0] != '\t') {
				return false
			}
			i += run - 1
		}
	}
	return true
}

// isAddress reports whether s is local-part@domain and nothing else (RFC 5322,
// section 3.4.1, with RFC 6532), and no encoded word (RFC 2047) in the guise of one.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && len(s) <= maxText && utf8.ValidString(s) && !(strings.Contains(s, "=?") && strings.Contains(s, "?=")) &&
		isLocal(s[:at]) && isDomain(s[at+1:])
}

func isLocal(s string) bool {
	if s[0] == '"' {
		return isQuoted(s)
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlnum(r) && !strings.ContainsRune(atext, r) && !isText(r)
	})
}

// isQuoted reports whether s is one quoted string. Blanks are the only white
// space in it.
func isQuoted(s string) bool {
	escaped := false
	for i, r := range s {
		switch {
		case r != ' ' && (r < ' ' || r == 0x7f || r >= utf8.RuneSelf && !isText(r)):
			return false
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"' && i > 0:
			return i == len(s)-1
		}
	}
	return false
}

func isDomain(s string) bool {
	if strings.HasPrefix(s, "[") {
		_, ok := literal(s)
		return ok
	}
	if len(s) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return !isAlnum(r) && r != '-' && r != '_' && (r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N))
		}) {
			return false
		}
	}
	return true
}

// isHost reports whether s is a domain name of letters, digits, hyphens and dots.
func isHost(s string) bool {
	return s != "" && len(s) <= maxHost && strings.Trim(s, ".") != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlnum(r) && r != '-' && r != '.' })
}

// isMessageID reports whether s is one <…@…> of printable ASCII without blanks.
func isMessageID(s string) bool {
	if len(s) > maxText || len(s) < len("<a@b>") || s[0] != '<' || s[len(s)-1] != '>' {
		return false
	}
	inner := s[1 : len(s)-1]
	at := strings.IndexByte(inner, '@')
	return at > 0 && at < len(inner)-1 && !strings.ContainsFunc(inner, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '<' || r == '>'
	})
}

// literal reads an IP address in brackets (RFC 5321, section 4.1.3; the tag IPv6:
// is often left off).
func literal(s string) (netip.Addr, bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return netip.Addr{}, false
	}
	s = s[1 : len(s)-1]
	if tag := "IPv6:"; len(s) > len(tag) && strings.EqualFold(s[:len(tag)], tag) {
		s = s[len(tag):]
	}
	ip, err := netip.ParseAddr(s)
	return ip, err == nil && ip.Zone() == ""
}

func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// isText reports whether r is beyond ASCII and can be seen.
func isText(r rune) bool {
	return r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsGraphic(r) && !unicode.IsSpace(r)
}
