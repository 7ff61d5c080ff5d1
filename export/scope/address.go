package scope

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"exhibit/export/order"
)

// forms gives the spellings of an address that mean the same mailbox: as it is,
// with a quoted local part unquoted (RFC 5322 section 3.4.1), and with the domain
// in ASCII and in Unicode (RFC 5891).
func forms(address string) []string {
	list := []string{address}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return list
	}
	local, domain := address[:at], address[at+1:]
	locals, domains := []string{local}, domainForms(domain)
	if len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"' {
		locals = append(locals, unquote(local[1:len(local)-1]))
	}
	for _, l := range locals {
		for _, d := range domains {
			list = append(list, l+"@"+d)
		}
	}
	return list
}

func domainForms(domain string) []string {
	list := []string{domain}
	if len(domain) > maxDomain || isASCII(domain) && !strings.Contains(strings.ToLower(domain), "xn--") {
		return list // of one form
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		list = append(list, ascii)
	}
	if unicode, err := idna.Lookup.ToUnicode(domain); err == nil {
		list = append(list, unicode)
	}
	return list
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fold gives addresses that differ in letter case only one form, as the order does.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// withForms gives the correspondents to be withheld in all their spellings.
func withForms(withheld []order.Withheld) []order.Withheld {
	var list []order.Withheld
	seen := map[[2]string]bool{}
	for _, w := range withheld {
		addresses, domains := []string{w.Address}, []string{w.Domain}
		if w.Address != "" {
			addresses = forms(w.Address)
		} else {
			domains = domainForms(w.Domain)
		}
		for _, a := range addresses {
			for _, d := range domains {
				form := order.Withheld{Address: strings.ToLower(a), Domain: strings.ToLower(d), Ground: w.Ground}
				if key := [2]string{form.Address, form.Domain}; !seen[key] {
					seen[key] = true
					list = append(list, form)
				}
			}
		}
	}
	return list
}
