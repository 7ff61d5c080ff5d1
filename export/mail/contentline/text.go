package contentline

import "strings"

// Text returns the value of the first property of that name, in any letter case,
// as text (RFC 5545 section 3.3.11, RFC 6350 section 3.4): unescaped, and valid
// UTF-8. It is empty when there is none, and cut where it is longer than
// MaxText.
func Text(raw []byte, name string) string {
	name = strings.ToUpper(name)
	for s := newScanner(raw); ; {
		l, ok := s.next()
		if !ok {
			return ""
		}
		if l.name == name {
			value := l.value[:min(len(l.value), MaxText)]
			return strings.ToValidUTF8(unescape(value), "\ufffd")
		}
	}
}

var escapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";")

func unescape(s string) string { return escapes.Replace(s) }
