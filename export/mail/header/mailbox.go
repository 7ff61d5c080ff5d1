package header

import "strings"

// finish makes a mailbox of what was gathered since the last separator.
func (p *addressParser) finish() {
	defer p.reset()
	switch {
	case p.strict:
		p.finishStrict()
	case p.hasAngle:
		addr := cleanAddr(withoutRoute(strings.Join(strings.Fields(p.angle), " ")))
		if !isAddr(addr) {
			p.complete = false
		}
		if addr != "" {
			p.keep(addr, p.displayName(p.words, p.joined))
		}
	case len(p.words) > 0:
		p.bare()
	}
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
			t = DecodeWords(t)
		}
		if a := cleanAddr(t); isAddr(a) {
			p.keep(a, "")
		}
	}
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

func (p *addressParser) keep(addr, name string) {
	if len(p.list) == p.most {
		p.complete = false
		return
	}
	if name == "" {
		name = strings.TrimSpace(DecodeWords(p.comment))
	}
	p.list = append(p.list, Address{Name: name, Addr: rawText(addr)})
}

// displayName returns the words before an angle bracket as text.
func (p *addressParser) displayName(words []string, joined []bool) string {
	var name strings.Builder
	for i, w := range words {
		if i > 0 && !joined[i] {
			name.WriteByte(' ')
		}
		if len(w) > 1 && w[0] == '"' && w[len(w)-1] == '"' {
			w = unescape(w[1 : len(w)-1])
		}
		name.WriteString(w)
	}
	return strings.TrimSpace(DecodeWords(name.String()))
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
