package header

import (
	"strings"
	"unicode/utf8"
)

// finish makes a mailbox of what was gathered since the last separator.
func (p *addressParser) finish() {
	defer p.reset()
	switch {
	case p.strict:
		p.finishStrict()
	case p.hasAngle:
		addr := cleanAddr(withoutRoute(singleSpaced(p.angle)))
		if !isAddr(addr) {
			p.complete = false
			addr = beforeWords(p.mended(addr))
		}
		if addr != "" {
			p.keep(addr, p.displayName(p.words, p.joined))
		}
	case len(p.words) > 0:
		p.bare()
	}
}

// singleSpaced returns s without white space around it, and a blank for any other.
func singleSpaced(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= utf8.RuneSelf {
			return strings.Join(strings.Fields(s), " ")
		}
	}
	return s
}

// withoutRoute leaves off the route before an address (RFC 5322, section 4.4).
func withoutRoute(addr string) string {
	if strings.HasPrefix(addr, "@") {
		if _, after, ok := strings.Cut(addr, ":"); ok {
			return strings.TrimSpace(after)
		}
	}
	return addr
}

// beforeWords returns the address that stands in brackets before words, as in
// `<you@mail.example your address here>`; addr where it is not so.
func beforeWords(addr string) string {
	first, words, ok := strings.Cut(addr, " ")
	if ok && isAddr(first) && strings.IndexByte(words, '@') < 0 {
		return first
	}
	return addr
}

// bare takes a mailbox without angle brackets: an address, its name in a
// comment.
func (p *addressParser) bare() {
	tokens := p.tokens()
	if len(tokens) == 1 && isAddr(cleanAddr(tokens[0])) {
		p.keep(cleanAddr(tokens[0]), "")
		return
	}
	if all := strings.Join(tokens, ""); strings.Count(all, "@") == 1 && spacedAddr(tokens) && isAddr(all) {
		p.keep(all, "")
		return
	}
	p.complete = false
	for _, t := range tokens {
		if strings.HasPrefix(t, "=?") {
			p.encoded(DecodeWords(t))
		} else if a := p.mended(cleanAddr(withoutQuotes(t))); isAddr(a) || p.shown && hasTwoDomains(a) {
			p.keep(a, "")
		}
	}
}

// withoutQuotes returns what stands in a quoted string; other text as it is.
func withoutQuotes(s string) string {
	if len(s) > 1 && s[0] == '"' && closing(s, 1) == len(s)-1 {
		return unescape(s[1 : len(s)-1])
	}
	return s
}

// encoded takes what stood in encoded words: an address, or mailboxes with
// their names, all encoded by a careless program.
func (p *addressParser) encoded(text string) {
	if a := cleanAddr(text); isAddr(a) {
		p.keep(a, "")
		return
	}
	if p.nested {
		return
	}
	in := addressParser{s: text, complete: true, nested: true, shown: p.shown, most: p.most - len(p.list)}
	in.run()
	p.list = append(p.list, in.list...)
}

// tokens joins the words that no white space separates.
func (p *addressParser) tokens() []string {
	var tokens []string
	for i := 0; i < len(p.words); {
		n := 1
		for i+n < len(p.words) && p.joined[i+n] {
			n++
		}
		tokens = append(tokens, strings.Join(p.words[i:i+n], ""))
		i += n
	}
	return tokens
}

// spacedAddr reports whether tokens are one address with white space around its
// dots and its at sign, as RFC 5322, section 4.4, allows it.
func spacedAddr(tokens []string) bool {
	for i := 1; i < len(tokens); i++ {
		before, after := tokens[i-1], tokens[i]
		if !strings.ContainsAny(before[len(before)-1:], ".@") && !strings.ContainsAny(after[:1], ".@") {
			return false
		}
	}
	return true
}

// fewAddresses is how many addresses a list has room for at first.
const fewAddresses = 16

func (p *addressParser) keep(addr, name string) {
	if len(p.list) == p.most {
		p.complete, p.stopped = false, true
		return
	}
	if name == "" {
		name = shownName(p.comment)
	}
	if p.list == nil {
		p.list = make([]Address, 0, min(1+strings.Count(p.s[p.pos:], ","), fewAddresses))
	}
	p.list = append(p.list, Address{Name: name, Addr: rawText(plainLocal(addr))})
}

// plainLocal returns an address without quotes around its local part, where it
// means the same without them (RFC 5321, section 4.1.2).
func plainLocal(addr string) string {
	if addr[0] != '"' {
		return addr
	}
	end := closing(addr, 1)
	if end < 0 || end+1 >= len(addr) || addr[end+1] != '@' {
		return addr
	}
	local := unescape(addr[1:end])
	if local == "" || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") || strings.ContainsFunc(local, needsQuotes) {
		return addr
	}
	return local + addr[end+1:]
}

// needsQuotes reports whether a character of a local part is neither of an atom
// (RFC 5322, section 3.2.3; RFC 6532) nor a dot.
func needsQuotes(c rune) bool {
	return c <= ' ' || c == 0x7f || c == utf8.RuneError || strings.ContainsRune(`()<>[]:;@\,"`, c)
}

// displayName returns the words before an angle bracket as text.
func (p *addressParser) displayName(words []string, joined []bool) string {
	if len(words) == 1 {
		return shownName(withoutQuotes(words[0]))
	}
	var name strings.Builder
	for i, w := range words {
		if i > 0 && !joined[i] {
			name.WriteByte(' ')
		}
		name.WriteString(withoutQuotes(w))
	}
	return shownName(name.String())
}

// shownName decodes a display name.
func shownName(s string) string {
	name, _ := decodeText(s, true)
	return strings.TrimSpace(name)
}

// cleanAddr removes what senders leave around an address.
func cleanAddr(s string) string { return strings.Trim(s, "<>'` \t") }

// isAddr reports whether s is a local part, an at sign and a domain, and
// nothing else: no comment, no white space, and quotes only around the whole
// local part.
func isAddr(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || strings.ContainsFunc(s, isControl) {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if local[0] == '"' {
		if closing(local, 1) != len(local)-1 {
			return false
		}
	} else if strings.ContainsAny(local, " @\"()\\<>") {
		return false
	}
	return !strings.ContainsAny(domain, " \"()\\<>")
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// unescape undoes quoted pairs (RFC 5322, section 3.2.1).
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}
