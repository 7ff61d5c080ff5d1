package order

import (
	"errors"
	"strings"
)

// A Fingerprint identifies a public key, in upper-case hexadecimal digits
// without spaces: 40 for OpenPGP version 4 (RFC 9580, section 5.5.4), 64 for
// OpenPGP version 6 or age, which only the keyring can tell apart.
type Fingerprint string

// Grouped gives the fingerprint in groups of four digits, to be compared by
// eye or read aloud.
func (f Fingerprint) Grouped() string {
	var b strings.Builder
	for i, c := range f {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func readFingerprint(s string) (Fingerprint, error) {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if len(s) != 40 && len(s) != 64 || strings.Trim(s, "0123456789ABCDEF") != "" {
		return "", errors.New("not a fingerprint: 40 or 64 hexadecimal digits")
	}
	return Fingerprint(s), nil
}
