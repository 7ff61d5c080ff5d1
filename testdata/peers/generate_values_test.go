package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"pgregory.net/rapid"
)

// script is a charset with words that it can write.
type script struct {
	charset string
	encoder encoding.Encoding // nil: UTF-8
	words   []string
}

var scripts = []script{
	{"utf-8", nil, []string{"Grüße", "Привет", "日本語", "한국어", "naïve", "😀 ok", "שלום", "Ωμέγα"}},
	{"iso-8859-1", charmap.ISO8859_1, []string{"Grüße", "señor", "naïve", "Ærø"}},
	{"iso-8859-15", charmap.ISO8859_15, []string{"100 €", "cœur", "Škoda"}},
	{"windows-1252", charmap.Windows1252, []string{"„Zitat“", "100 €", "Grüße – bald"}},
	{"iso-8859-2", charmap.ISO8859_2, []string{"zażółć", "gęślą", "Łódź"}},
	{"koi8-r", charmap.KOI8R, []string{"Привет", "отчёт", "мир"}},
	{"windows-1251", charmap.Windows1251, []string{"Привет", "№ 5", "мир"}},
	{"iso-2022-jp", japanese.ISO2022JP, []string{"日本語", "会議の資料", "カタカナ"}},
	{"shift_jis", japanese.ShiftJIS, []string{"日本語", "表示", "ソフト"}},
	{"euc-kr", korean.EUCKR, []string{"한국어", "회의", "자료"}},
	{"gbk", simplifiedchinese.GBK, []string{"会议", "资料", "中文"}},
	{"big5", traditionalchinese.Big5, []string{"會議", "資料", "中文"}},
}

// bytes returns text in the script's charset.
func (s script) bytes(text string) []byte {
	if s.encoder == nil {
		return []byte(text)
	}
	out, err := s.encoder.NewEncoder().String(text)
	if err != nil {
		panic(fmt.Sprintf("%q is not in %s: %v", text, s.charset, err))
	}
	return []byte(out)
}

// script draws one; half of the time, or when a class is left out, UTF-8.
func (g *generator) script(left class) script {
	if g.out(left) || g.chance(2, "UTF-8") {
		return scripts[0]
	}
	return rapid.SampledFrom(scripts).Draw(g.t, "script")
}

// textContent returns lines of text in a charset.
func (g *generator) textContent() (charset string, content []byte) {
	if g.chance(3, "US-ASCII") {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a line", "From here on", ".", "- dash", "a = b", "blanks at the end  ", strings.Repeat("long ", 100)}), 0, 6)
		return one(g, "charset", "", "us-ascii"), []byte(strings.Join(lines.Draw(g.t, "lines"), "\n"))
	}
	s := g.script(classTextCharset)
	var lines []string
	for range g.upTo(5, "lines") {
		lines = append(lines, strings.Join(rapid.SliceOfN(rapid.SampledFrom(append([]string{"and", "a"}, s.words...)), 0, 30).Draw(g.t, "words"), " "))
	}
	return s.charset, s.bytes(strings.Join(lines, "\n"))
}

// name returns a file name and the parameter that says it, in segments where
// there are more.
func (g *generator) name(parameter string) (name string, params []string) {
	ascii := one(g, "name", "a.pdf", "report 2015.doc", `say "hi".txt`, `back\slash.txt`, "semi;colon,comma=.txt", "it's.png", "50%.txt", "(1).jpg")
	foreign := one(g, "foreign name", "Grüße.pdf", "ünï cödé (1).txt", "日本語.doc", "отчёт за март.xlsx", "naïve'quote.txt", "100%;é.txt")
	kinds := []string{"quoted", "quoted", "extended", "segments", "extended segments"}
	if ascii == "a.pdf" {
		kinds = append(kinds, "token")
	}
	if g.chance(3, "name in encoded words") {
		return foreign, []string{parameter + `="` + g.encodedWords(scripts[0], foreign, " ") + `"`}
	}
	if g.chance(6, "raw UTF-8") {
		return foreign, []string{parameter + "=" + quotedString(foreign)}
	}
	if g.may(6, classParameterCharset) {
		s := rapid.SampledFrom(scripts[1:]).Draw(g.t, "script")
		word := rapid.SampledFrom(s.words).Draw(g.t, "word")
		return word, []string{parameter + "*=" + g.spell(s.charset) + "''" + percent(s.bytes(word))}
	}
	switch one(g, "kind of name", kinds...) {
	case "token":
		return ascii, []string{parameter + "=" + ascii}
	case "extended":
		return foreign, []string{parameter + "*=" + g.spell("utf-8") + "'" + one(g, "language", "", "en") + "'" + percent([]byte(foreign))}
	case "segments":
		return ascii, g.segments(parameter, ascii)
	case "extended segments":
		return foreign + ascii, g.extendedSegments(parameter, foreign, ascii)
	}
	return ascii, []string{parameter + "=" + quotedString(ascii)}
}

// segments writes a value in pieces (RFC 2231, section 3).
func (g *generator) segments(parameter, value string) []string {
	var params []string
	for value != "" {
		n := min(len(value), g.upTo(8, "length")+1)
		params = append(params, fmt.Sprintf("%s*%d=%s", parameter, len(params), quotedString(value[:n])))
		value = value[n:]
	}
	return g.shuffle(params)
}

// extendedSegments writes pieces of which some are encoded (RFC 2231, section
// 4.1); they are cut anywhere, also within a letter.
func (g *generator) extendedSegments(parameter, foreign, ascii string) []string {
	n := g.upTo(len(foreign)-2, "cut") + 1
	return g.shuffle([]string{
		parameter + "*0*=utf-8''" + percent([]byte(foreign[:n])),
		parameter + "*1*=" + percent([]byte(foreign[n:])),
		parameter + "*2=" + quotedString(ascii),
	})
}

// shuffle puts segments in any order, which has no meaning (RFC 2231, section 3).
func (g *generator) shuffle(params []string) []string {
	if g.chance(3, "shuffled") {
		return rapid.Permutation(params).Draw(g.t, "order")
	}
	return params
}

func quotedString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// percent writes bytes as RFC 2231, section 4, has them.
func percent(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// encodedWords writes text as encoded words (RFC 2047), each of whole letters,
// with the given white space between them.
func (g *generator) encodedWords(s script, text, space string) string {
	var words []string
	for runes := []rune(text); len(runes) > 0; {
		n := min(len(runes), g.upTo(6, "letters")+1)
		piece := s.bytes(string(runes[:n]))
		if g.chance(2, "Q") {
			words = append(words, fmt.Sprintf("=?%s?%s?%s?=", g.spell(s.charset), one(g, "Q", "Q", "q"), qWord(piece)))
		} else {
			words = append(words, fmt.Sprintf("=?%s?%s?%s?=", g.spell(s.charset), one(g, "B", "B", "b"), base64.StdEncoding.EncodeToString(piece)))
		}
		runes = runes[n:]
	}
	return strings.Join(words, space)
}

// qWord writes bytes in the Q encoding (RFC 2047, section 4.2), as it may be
// within a phrase (section 5).
func qWord(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// words returns words of a script.
func (g *generator) words(s script) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(s.words), 1, 3).Draw(g.t, "words"), " ")
}

// unstructured returns the text of a field such as Subject, and how it is
// written.
func (g *generator) unstructured() (text, written string) {
	encodedBefore := false
	for i := range g.upTo(4, "pieces") {
		var t, w string
		encoded := g.chance(2, "encoded")
		switch {
		case encoded:
			s := g.script("")
			t = g.words(s)
			w = g.encodedWords(s, t, g.foldSpace())
		case g.chance(6, "raw UTF-8"):
			t = g.words(scripts[0])
			w = t
		default:
			t = one(g, "ascii", "Re:", "hello", "a = b?", "(not a comment)", `"quoted"`, "100%", "[list]", "x")
			w = t
		}
		if i > 0 {
			space := g.foldSpace()
			if g.chance(8, "two spaces") {
				space = "  "
			}
			if g.may(8, classTab) {
				space = g.eol + "\t"
			}
			written += space
			if !encoded || !encodedBefore { // RFC 2047, section 6.2
				text += strings.TrimPrefix(space, g.eol)
			}
		}
		written += w
		text += t
		encodedBefore = encoded
	}
	return text, written
}

// foldSpace is one space, perhaps at the beginning of a line.
func (g *generator) foldSpace() string { return one(g, "space", " ", " ", g.eol+" ") }

// fields returns the lines of a message's header, in which folds are line ends
// already, and what they say.
func (g *generator) fields() (lines []string, f fields) {
	add := func(name, value string) {
		lines = append(lines, g.fieldName(name)+":"+one(g, "colon", " ", " ", "")+value)
	}
	f.From = g.addressField(1, add, "From")
	f.To = g.addressField(4, add, "To")
	if g.chance(3, "Cc") {
		f.Cc = g.addressField(4, add, "Cc")
	}
	if g.chance(5, "no Subject") {
		add("Comments", "none")
	} else {
		var written string
		f.Subject, written = g.unstructured()
		add("Subject", written)
	}
	var date string
	f.Date, date = g.date()
	add("Date", date)
	if !g.chance(4, "no Message-ID") {
		f.ID = g.messageID()
		add("Message-ID", "<"+f.ID+">")
	}
	f.References = []string{}
	for range g.upTo(3, "references") {
		f.References = append(f.References, "<"+g.messageID()+">")
	}
	if len(f.References) > 0 {
		add("References", strings.Join(f.References, g.fold()))
	}
	for i := range g.upTo(3, "other fields") {
		add(one(g, "other field", "Received", "X-Mailer", "List-Id", "DKIM-Signature"),
			fmt.Sprintf("from a%d by b;%sid <c@mail.example>; Mon, 2 Mar 2015 10:11:12 +0100", i, g.fold()))
	}
	return lines, f
}

// fieldName writes a name, whose letter case has no meaning.
func (g *generator) fieldName(name string) string {
	switch g.upTo(9, "letter case of a field") {
	case 9:
		return strings.ToLower(name)
	case 8:
		return strings.ToUpper(name)
	}
	return name
}

func (g *generator) messageID() string {
	return fmt.Sprintf("%s.%d@%s", one(g, "identifier", "abc", "CAF+x_y-z", "20150302", "a$b"), g.upTo(99999, "identifier number"), g.domain())
}

func (g *generator) domain() string {
	return one(g, "domain", "mail.example", "sub.mail.example", "MAIL.example", "x-1.example")
}

// addressField adds a field with at most n addresses.
func (g *generator) addressField(n int, add func(name, value string), name string) []address {
	var list []address
	var written []string
	for range g.upTo(n-1, "addresses") + 1 {
		a, w := g.address()
		list = append(list, a)
		written = append(written, w)
	}
	value := strings.Join(written, ","+g.fold())
	if g.chance(8, "group") {
		value = "Team:" + g.fold() + value + ";"
	}
	add(name, value)
	return list
}

// address returns a mailbox (RFC 5322, section 3.4) and how it is written.
func (g *generator) address() (a address, written string) {
	local := one(g, "local part", "anna", "b.c", "x+tag", "o'neil", "user_1", "a/b=c")
	if g.may(10, classQuotedLocal) {
		local = one(g, "quoted", `"a b"`, `"x@y"`, `"c,d"`)
	}
	domain := g.domain()
	if g.may(10, classLiteral) {
		domain = "[IPv6:2001:db8::1]"
	} else if g.chance(10, "IPv4") {
		domain = "[192.0.2.1]"
	}
	a.Addr = local + "@" + domain
	if g.chance(10, "name in a comment") {
		a.Name = "In Comment"
		return a, a.Addr + " (In Comment)"
	}
	var name string
	switch one(g, "name", "none", "atoms", "quoted", "encoded", "mixed") {
	case "none":
		return a, one(g, "bare", a.Addr, "<"+a.Addr+">")
	case "atoms":
		a.Name = one(g, "atoms", "Anna", "Anna Example", "Admin One", "R2-D2")
		name = strings.ReplaceAll(a.Name, " ", g.fold())
		a.Name = strings.Join(strings.Fields(name), " ")
	case "quoted":
		a.Name = one(g, "quoted", "Example, Anna", `Anna "Ann" Example`, `back\slash`, "a@b", "semi; colon:", "(no comment)", "J. R. Example")
		name = quotedString(a.Name)
	case "encoded":
		s := g.script("")
		a.Name = g.words(s)
		name = g.encodedWords(s, a.Name, g.fold())
	case "mixed":
		a.Name = "Dr Grüße"
		name = "Dr" + g.fold() + g.encodedWords(scripts[0], "Grüße", g.fold())
	}
	return a, name + one(g, "space", " ", g.eol+" ") + "<" + a.Addr + ">"
}

// date returns a time and one of the ways in which it can be written (RFC 5322,
// sections 3.3 and 4.3).
func (g *generator) date() (time.Time, string) {
	t := time.Unix(int64(rapid.IntRange(0, 2_000_000_000).Draw(g.t, "time")), 0).UTC()
	offset := one(g, "offset", "+0000", "-0000", "+0100", "-0330", "+0545", "+1400", "-1200", "-0800")
	zone, seconds := offset, zoneSeconds(offset)
	switch {
	case g.may(6, classNamedZone):
		zone, seconds = "EST", -5*3600
		if g.chance(2, "PDT") {
			zone, seconds = "PDT", -7*3600
		}
	case g.may(6, classShortZone):
		zone, seconds = one(g, "zone", "UT", "Z"), 0
	case g.chance(6, "GMT"):
		zone, seconds = "GMT", 0
	}
	layout := one(g, "weekday", "Mon, ", "Mon, ", "") + one(g, "day", "2", "02") + " Jan 2006 15:04"
	if g.chance(5, "no seconds") {
		t = t.Truncate(time.Minute)
	} else {
		layout += ":05"
	}
	written := t.In(time.FixedZone("", seconds)).Format(layout) + " " + zone
	if g.chance(4, "comment") {
		written += " (CET)"
	}
	return t, written
}

func zoneSeconds(offset string) int {
	var hours, minutes int
	fmt.Sscanf(offset[1:], "%2d%2d", &hours, &minutes)
	s := hours*3600 + minutes*60
	if offset[0] == '-' {
		return -s
	}
	return s
}
