package traffic

import (
	"strings"

	"exhibit/export/bag"
	"exhibit/export/mail/header"
	"exhibit/sign"
)

// maxReceived bounds how much of one Received field is read, in bytes: one that is
// longer is no trace of a transmission.
const maxReceived = 64 << 10

// maxLiteral is more than an IP address in brackets takes, in bytes.
const maxLiteral = 64

// route returns the hops that the Received fields tell of, from the top, at most
// [bag.MaxHops].
func (d *derivation) route() []bag.Hop {
	hops := []bag.Hop{}
	for _, f := range d.fields[route] {
		if len(hops) == bag.MaxHops {
			d.incomplete[route] = true
			break
		}
		hop, complete := readHop(f)
		hops = append(hops, hop)
		if !complete {
			d.incomplete[route] = true
		}
	}
	return hops
}

// readHop reads a Received field (RFC 5321, section 4.4). It is complete when it
// has a time, and all names and IP addresses in it have the shape of such.
func readHop(f header.Field) (hop bag.Hop, complete bool) {
	hop.Addresses = []string{}
	if len(f.Raw) > maxReceived || !readable(f) {
		return hop, false
	}
	value := f.Value()
	t, err := header.ReceivedDate(value)
	if err == nil {
		earliest, latest := sign.At(t.Earliest), sign.At(t.Latest)
		hop.Earliest, hop.Latest = &earliest, &latest
	}
	trace := value
	if i := strings.LastIndexByte(value, ';'); i >= 0 {
		trace = value[:i]
	}
	var named, listed bool
	hop.From, hop.By, named = names(trace)
	hop.Addresses, listed = ips(trace)
	return hop, err == nil && named && listed
}

// names returns what follows the words from and by, as far as it is a host name.
// complete is false when something else follows; an IP address in brackets,
// which stands among the addresses, is no loss.
func names(trace string) (from, by *string, complete bool) {
	list, complete := words(trace)
	for i := 0; i < len(list); i++ {
		keyword := strings.ToLower(list[i])
		switch keyword {
		case "via", "with", "id", "for":
			return from, by, complete
		case "from", "by":
		default:
			continue
		}
		var name *string
		switch next := follower(list[i+1:]); {
		case isHost(next):
			name = &next
		case !isLiteral(next):
			complete = false
		}
		if keyword == "by" {
			return from, name, complete
		}
		if from == nil {
			from = name
		}
	}
	return from, by, complete
}

// follower returns the word that a keyword is followed by; none where the next
// keyword stands.
func follower(words []string) string {
	if len(words) == 0 || strings.EqualFold(words[0], "by") {
		return ""
	}
	return words[0]
}

func isLiteral(s string) bool {
	_, ok := literal(s)
	return ok
}

// words splits a trace at white space and comments, up to its first semicolon.
// Quoted strings are words. complete is false when one of them, or a comment, is
// not closed.
func words(trace string) (list []string, complete bool) {
	start, depth := -1, 0 // of the word at hand, of comments
	flush := func(i int) {
		if start >= 0 {
			list, start = append(list, trace[start:i]), -1
		}
	}
	quoted := false
	for i := 0; i < len(trace); i++ {
		c := trace[i]
		switch {
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			quoted = c != '"'
		case c == '(':
			flush(i)
			depth++
		case depth > 0:
			if c == ')' {
				depth--
			}
		case c == ';':
			flush(i)
			return list, true
		case c == ' ' || c == '\t':
			flush(i)
		default:
			quoted = c == '"'
			if start < 0 {
				start = i
			}
		}
	}
	if quoted || depth > 0 { // what is left is not known to be a word
		return list, false
	}
	flush(len(trace))
	return list, true
}

// ips returns the IP addresses in brackets, in comments as well, where relays
// write them. complete is false when brackets hold anything else.
func ips(trace string) (list []string, complete bool) {
	list, complete = []string{}, true
	for {
		open := strings.IndexByte(trace, '[')
		if open < 0 {
			return list, complete
		}
		n := strings.IndexByte(trace[open:min(len(trace), open+maxLiteral)], ']')
		ip, ok := literal(trace[open : open+n+1])
		switch {
		case !ok:
			complete = false
			n = 0 // another may open within
		case len(list) == bag.MaxAddresses:
			return list, false
		default:
			list = append(list, ip.String())
		}
		trace = trace[open+n+1:]
	}
}
