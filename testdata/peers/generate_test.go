package main

import (
	"crypto/md5" //nolint:gosec // as the index has it
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// class is a class of well-formed mail that some reader is known to read wrong,
// and that is left out when that reader is compared.
type class string

const (
	// Zones by name (RFC 5322, section 4.3): EST is -0500. The peers take the name
	// for one of their own zone, otherwise for UTC.
	classNamedZone class = "named zone"
	// The zones UT and Z (RFC 5322, section 4.3): the peers read no date.
	classShortZone class = "short zone"
	// A quoted local part (RFC 5322, section 3.4.1): the peers leave off its quotes,
	// and `"x@y"@mail.example` becomes `x@y@mail.example`.
	classQuotedLocal class = "quoted local part"
	// An IPv6 address for a domain (RFC 5321, section 4.1.3): the peers read no
	// list that has one.
	classLiteral class = "domain literal"
	// A parameter in a charset other than UTF-8 and US-ASCII (RFC 2231, section 4):
	// the peers leave it out.
	classParameterCharset class = "charset of a parameter"
	// A comment in a field of MIME (RFC 2045, section 5.1): the peers lose the type
	// or the parameters.
	classFieldComment class = "comment in a MIME field"
	// A fold that is a tab (RFC 5322, section 2.2.3): unfolding leaves the tab, the
	// peers make it a space.
	classTab class = "fold with a tab"
	// multipart/digest, in which message/rfc822 is the default (RFC 2046, section
	// 5.1.5); the peers have text/plain everywhere.
	classDigest class = "digest"
	// Text in a charset other than UTF-8 and US-ASCII: enmime gives it converted, so
	// that its digest is not that of what was sent.
	classTextCharset class = "charset of a text"
	// Content-Disposition (RFC 2183) without Content-Type (RFC 2045, section 5.2,
	// default): enmime passes over it.
	classNoType class = "disposition without a type"
)

// generator writes a message and what a reader has to find in it.
type generator struct {
	t     *rapid.T
	text  strings.Builder
	eol   string
	truth reading
	left  []class // out
	count int     // of boundaries
}

// generate returns a message without the given classes, and its reading.
func generate(t *rapid.T, left []class) ([]byte, *reading) {
	g := &generator{t: t, left: left, eol: rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "line end")}
	g.message(1)
	return []byte(g.text.String()), &g.truth
}

// one draws one of some things.
func one[T any](g *generator, what string, of ...T) T { return rapid.SampledFrom(of).Draw(g.t, what) }

// upTo draws a number from 0 to n.
func (g *generator) upTo(n int, what string) int { return rapid.IntRange(0, n).Draw(g.t, what) }

// chance is true once in n times, and never for the simplest message.
func (g *generator) chance(n int, what string) bool { return g.upTo(n-1, what) == n-1 }

// out reports whether a class has been left out.
func (g *generator) out(c class) bool { return slices.Contains(g.left, c) }

// may is chance for a class, and never true when that has been left out.
func (g *generator) may(n int, c class) bool {
	return !g.out(c) && g.chance(n, string(c))
}

const maxDepth = 4

// message writes a message: its header, a content at the given depth.
func (g *generator) message(depth int) {
	lines, f := g.fields()
	g.truth.Messages = append(g.truth.Messages, f)
	lines = append(lines, "MIME-Version: 1.0")
	g.entity(rapid.Permutation(lines).Draw(g.t, "order"), depth, "text/plain")
}

// entity writes a header and the content that belongs to it. fallback is the
// default type of its place.
func (g *generator) entity(lines []string, depth int, fallback string) {
	kind := one(g, "kind", "leaf", "leaf", "leaf", "multipart", "multipart", "message")
	switch {
	case kind == "multipart" && depth < maxDepth:
		g.multipart(lines, depth)
	case kind == "message" && depth < maxDepth:
		g.nested(lines, depth, fallback)
	default:
		g.leaf(lines, fallback)
	}
}

// header writes the lines and the empty line that ends them.
func (g *generator) header(lines []string) {
	for _, l := range lines {
		g.text.WriteString(l + g.eol)
	}
	g.text.WriteString(g.eol)
}

func (g *generator) nested(lines []string, depth int, fallback string) {
	if fallback != "message/rfc822" || g.chance(2, "type stated") {
		lines = append(lines, "Content-Type: message/rfc822")
	}
	if g.chance(2, "encoding stated") {
		lines = append(lines, "Content-Transfer-Encoding: "+one(g, "identity", "7bit", "8bit", "binary"))
	}
	g.header(lines)
	g.message(depth + 1)
}

func (g *generator) multipart(lines []string, depth int) {
	subtype := one(g, "subtype", "mixed", "alternative", "related", "parallel", "Mixed")
	fallback := "text/plain"
	if g.may(4, classDigest) {
		subtype, fallback = "digest", "message/rfc822"
	}
	boundary := g.boundary()
	value := fmt.Sprintf("multipart/%s; boundary=%q", subtype, boundary)
	if !strings.ContainsAny(boundary, " ()/:=?,'") && g.chance(2, "bare boundary") {
		value = "multipart/" + subtype + ";" + g.fold() + "boundary=" + boundary
	}
	g.header(append(lines, "Content-Type: "+value))
	g.text.WriteString(g.prose("preamble"))
	for range g.upTo(2, "parts") + 1 {
		g.text.WriteString(g.eol + "--" + boundary + g.padding() + g.eol)
		if g.chance(12, "no body") {
			g.empty()
			continue
		}
		g.entity(nil, depth+1, fallback)
	}
	g.text.WriteString(g.eol + "--" + boundary + "--" + g.padding())
	if epilogue := g.prose("epilogue"); epilogue != "" || g.chance(2, "last line end") {
		g.text.WriteString(g.eol + epilogue)
	}
}

// empty writes a part that is a header alone; a line end belongs to the boundary.
func (g *generator) empty() {
	g.text.WriteString("Content-Type: text/plain; charset=utf-8" + g.eol)
	g.add(leaf{Type: "text/plain", Charset: "utf-8"}, nil)
}

func (g *generator) padding() string {
	if g.chance(6, "padding") {
		return one(g, "padding", " ", "\t", "  ")
	}
	return ""
}

// boundary returns one that is the beginning of no other.
func (g *generator) boundary() string {
	g.count++
	shape := one(g, "boundary", "b%02d", "=_%02d_x", "----=_NextPart_%02d.0001", "a b'(%02d)+_,-./:=?x")
	return fmt.Sprintf(shape, g.count)
}

func (g *generator) prose(what string) string {
	return one(g, what, "", "", "A "+what+" of one line.", "One"+g.eol+"and two."+g.eol)
}

// fold returns white space that may be folded (RFC 5322, section 2.2.3).
func (g *generator) fold() string {
	return one(g, "fold", " ", " ", g.eol+" ", g.eol+"\t", g.eol+"    ")
}

// add adds a leaf with its decoded content to the truth.
func (g *generator) add(l leaf, content []byte) {
	l.Size, l.SHA256 = int64(len(content)), sha256.Sum256(content)
	l.MD5 = md5.Sum(content) //nolint:gosec // as the index has it
	g.truth.Leaves = append(g.truth.Leaves, l)
}

// leaf writes a leaf.
func (g *generator) leaf(lines []string, fallback string) {
	l := leaf{Type: one(g, "type", "text/plain", "text/plain", "text/html", "text/csv", "application/pdf", "image/png", "application/octet-stream")}
	var content []byte
	isText := strings.HasPrefix(l.Type, "text/")
	if isText {
		l.Charset, content = g.textContent()
	} else {
		content = rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(g.t, "bytes")
	}
	var ctName, cdName []string
	if g.chance(2, "named") {
		var name []string
		l.Name, name = g.name(one(g, "name in", "filename", "filename", "name"))
		if strings.HasPrefix(name[0], "name") {
			ctName = name
		} else {
			cdName = name
		}
	}
	if len(cdName) > 0 || g.chance(3, "disposed") {
		l.Disposition = one(g, "disposition", "attachment", "inline")
		lines = append(lines, "Content-Disposition: "+g.spell(l.Disposition)+g.params(cdName))
	}
	if l.Type != fallback || l.Charset != "" || len(ctName) > 0 || l.Disposition != "" && g.out(classNoType) || g.chance(2, "type stated") {
		if l.Charset != "" {
			quote := one(g, "quotes", "", `"`)
			ctName = append(ctName, "charset="+quote+g.spell(l.Charset)+quote)
		}
		lines = append(lines, "Content-Type: "+g.spell(l.Type)+g.params(ctName))
	}
	encoding, encoded, decoded := g.encode(content, isText)
	if encoding != "" {
		lines = append(lines, "Content-Transfer-Encoding: "+g.spell(encoding))
	}
	g.header(lines)
	g.text.WriteString(encoded)
	g.add(l, decoded)
}

// spell writes a word whose letter case has no meaning.
func (g *generator) spell(word string) string {
	switch g.upTo(5, "letter case") {
	case 5:
		return strings.ToUpper(word)
	case 4:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// params joins parameters.
func (g *generator) params(params []string) string {
	var b strings.Builder
	for _, p := range params {
		b.WriteString(";" + g.fold() + p)
	}
	if g.may(10, classFieldComment) {
		b.WriteString(" (a comment)")
	}
	return b.String()
}

// encode writes content in a transfer encoding, and returns what the content is
// after the way back: text takes its line ends from the message.
func (g *generator) encode(content []byte, isText bool) (encoding, encoded string, decoded []byte) {
	if isText {
		content = []byte(strings.ReplaceAll(string(content), "\n", g.eol))
	}
	plain := func(c byte) bool { return c < 0x80 && c != 0 && c != '\r' || c == '\r' && isText }
	sevenBit := isText && !slices.ContainsFunc(content, func(c byte) bool { return !plain(c) })
	switch one(g, "encoding", "identity", "base64", "base64", "quoted-printable") {
	case "identity":
		switch {
		case sevenBit:
			return one(g, "stated", "", "7bit", "8bit"), string(content), content
		case isText:
			return one(g, "stated", "8bit", "binary"), string(content), content
		}
		fallthrough
	case "base64":
		return "base64", g.base64(content), content
	}
	return "quoted-printable", g.quoted(content, isText), content
}

func (g *generator) base64(content []byte) string {
	digits := base64.StdEncoding.EncodeToString(content)
	width := one(g, "width", 76, 76, 60, 72, 4)
	var b strings.Builder
	for len(digits) > width {
		b.WriteString(digits[:width] + g.eol)
		digits = digits[width:]
	}
	b.WriteString(digits)
	if g.chance(2, "line end of base64") {
		b.WriteString(g.eol)
	}
	return b.String()
}

// quoted writes quoted-printable (RFC 2045, section 6.7). The line ends of text
// stay line ends.
func (g *generator) quoted(content []byte, isText bool) string {
	width := one(g, "quoted width", 75, 75, 20)
	var b strings.Builder
	column := 0
	write := func(s string) {
		if column+len(s) > width {
			b.WriteString("=" + g.eol)
			column = 0
		}
		b.WriteString(s)
		column += len(s)
	}
	for i := 0; i < len(content); i++ {
		c := content[i]
		atEnd := i+1 == len(content) || content[i+1] == '\r' || content[i+1] == '\n'
		switch {
		case isText && strings.HasPrefix(string(content[i:]), g.eol):
			b.WriteString(g.eol)
			column = 0
			i += len(g.eol) - 1
		case (c == ' ' || c == '\t') && !atEnd, c > ' ' && c < 0x7f && c != '=' && c != '-' && c != 'F':
			write(string(rune(c)))
		default:
			write(fmt.Sprintf("=%02X", c))
		}
	}
	return b.String()
}
