package contentline

import (
	"net/url"
	"slices"
	"strings"

	"exhibit/export/mail/header"
)

// Correspondents returns the mail addresses that an iCalendar or vCard file
// names: organizers, attendees (with their EMAIL parameters) and the addresses
// of contacts; sorted, in lower case, each once. complete is false when the file
// may name others: a line or an address that could not be understood, or a
// person named by something other than an address.
func Correspondents(raw []byte) (addrs []string, complete bool) {
	s := newScanner(raw)
	complete = true
	for {
		l, ok := s.next()
		if !ok {
			break
		}
		switch l.name {
		case "ORGANIZER", "ATTENDEE":
			found, ok := calendarAddress(l)
			addrs = append(addrs, found...)
			complete = complete && ok
		case "EMAIL":
			a, ok := contactAddress(l)
			if ok {
				addrs = append(addrs, a)
			}
			complete = complete && ok
		}
	}
	slices.Sort(addrs)
	return slices.Compact(addrs), complete && s.ok
}

// calendarAddress returns the addresses of an organizer or attendee (RFC 5545,
// section 3.3.3; RFC 7986, section 6.2), and of whoever acts for it or is a
// member of it (RFC 5545, sections 3.2.4, 3.2.5, 3.2.11 and 3.2.18).
func calendarAddress(l line) (addrs []string, ok bool) {
	if a, isAddr := single(cutMailto(strings.TrimSpace(l.value))); isAddr {
		addrs, ok = append(addrs, a), true
	}
	if a, isAddr := single(l.get("EMAIL")); isAddr {
		addrs, ok = append(addrs, a), true
	}
	for _, p := range l.params {
		switch p.name {
		case "SENT-BY", "DELEGATED-FROM", "DELEGATED-TO", "MEMBER":
		default:
			continue
		}
		for _, uri := range strings.Split(p.value, ",") { // each in quotes of its own
			a, isAddr := single(cutMailto(strings.Trim(uri, `" `)))
			if isAddr {
				addrs = append(addrs, a)
			}
			ok = ok && isAddr
		}
	}
	if a, isAddr := single(l.get("CN")); isAddr { // a name that is an address
		addrs = append(addrs, a)
	}
	return addrs, ok
}

// cutMailto returns the address of a mailto URI, anything else as it is.
func cutMailto(s string) string {
	if len(s) < 7 || !strings.EqualFold(s[:7], "mailto:") {
		return s
	}
	s, _, _ = strings.Cut(s[7:], "?")
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// contactAddress returns the address of a contact (RFC 6350, section 6.4.2).
func contactAddress(l line) (string, bool) {
	for _, p := range l.params {
		if strings.EqualFold(p.value, "quoted-printable") || strings.EqualFold(p.value, "base64") || strings.EqualFold(p.value, "b") {
			return "", false // vCard 2.1 and 3.0 can encode values
		}
	}
	value := cutMailto(strings.TrimSpace(l.value))
	return single(strings.NewReplacer(`\,`, ",", `\;`, ";", `\\`, `\`).Replace(value))
}

// single returns value in lower case if it is one address.
func single(value string) (string, bool) {
	list, complete := header.Addresses(value)
	if !complete || len(list) != 1 {
		return "", false
	}
	return strings.ToLower(list[0].Addr), true
}
