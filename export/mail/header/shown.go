package header

import (
	"strings"

	"exhibit/export/mail/limits"
)

// ShownAddresses is [Addresses] for people to read: of a mailbox that is none, and
// for which the list is not complete, it shows what it was meant to be. Comments
// and white space beside the dots and the at sign of an address in angle brackets
// (RFC 5322, section 4.4 and appendix A.5) and control characters are left out, and
// what has two domains stands as it is written.
func ShownAddresses(value string) (list []Address, complete bool) {
	p := addressParser{s: value, complete: true, shown: true, most: limits.Addresses}
	p.run()
	return p.list, p.complete
}

// mended returns the address that s was meant to be, in a list to be shown; other
// text as it is.
func (p *addressParser) mended(s string) string {
	if !p.shown || isAddr(s) || strings.IndexByte(s, '"') >= 0 {
		return s
	}
	text, _ := cutComments(s)
	tokens := strings.Fields(strings.Map(withoutControl, text))
	if addr := strings.Join(tokens, ""); isAddr(addr) && spacedAddr(tokens) {
		return addr
	}
	return s
}

func withoutControl(c rune) rune {
	if isControl(c) {
		return -1
	}
	return c
}

// hasTwoDomains reports whether s is an address with another domain behind it.
func hasTwoDomains(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && isAddr(s[:at]) && isAddr("a"+s[at:])
}
