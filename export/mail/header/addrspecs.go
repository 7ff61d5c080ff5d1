package header

import "strings"

// MaxListBytes is how much of one value [AddrSpecs] reads.
const MaxListBytes = 1 << 20

// AddrSpecs reads the addresses of an unfolded address list, without names, for
// a reader to whom a wrong address is worse than none. It differs from
// [Addresses] so:
//
//   - nothing is decoded, and nothing is picked out of what is no mailbox: an
//     address stands alone between separators or in angle brackets, without
//     white space outside of a quoted local part;
//   - what follows a mailbox without a comma is passed over, and so is the rest
//     from a quote, parenthesis or bracket that nothing closes: it may be the
//     text of a name or a comment;
//   - at most the given number of addresses is read, from at most [MaxListBytes].
//
// When anything was left out, complete is false. The addresses are as written,
// and need not be UTF-8.
func AddrSpecs(value string, most int) (list []string, complete bool) {
	p := addressParser{s: value, complete: true, strict: true, most: most}
	if len(value) > MaxListBytes {
		p.s, p.cut, p.complete = value[:MaxListBytes], true, false
	}
	p.run()
	for _, a := range p.list {
		list = append(list, a.Addr)
	}
	return list, p.complete
}

// finishStrict makes an address of what was gathered since the last separator,
// if it is one and nothing more.
func (p *addressParser) finishStrict() {
	if p.skip || !p.hasAngle && len(p.words) == 0 {
		return
	}
	var addr string
	if p.hasAngle {
		addr = withoutRoute(strings.TrimSpace(p.angle))
	} else if tokens := p.tokens(); len(tokens) == 1 {
		addr = tokens[0]
	}
	addr = cleanAddr(addr)
	switch {
	case !isAddr(addr):
		p.complete = false
	case len(p.list) == p.most:
		p.complete, p.stopped = false, true
	default:
		p.list = append(p.list, Address{Addr: addr})
	}
}

// unclosed passes over a quote, parenthesis or bracket that nothing closes. In
// strict reading it ends the list.
func (p *addressParser) unclosed() {
	p.complete = false
	p.stopped = p.strict
	p.pos++
}
