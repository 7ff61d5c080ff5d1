package header

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"exhibit/export/mail/limits"
)

// DecodeWords decodes the encoded words (RFC 2047, RFC 2231 section 5) of an
// unfolded field value. A word that is broken, or of an unknown charset, stays
// as it is written. Raw bytes that are not UTF-8 are taken for windows-1252.
// The result is valid UTF-8: what a charset does not define is U+FFFD.
//
// It is for a reader who looks for something: it decodes every word, however
// many there are, and never loses a byte of what it does not understand.
// [DecodeText] is for showing.
func DecodeWords(value string) string {
	if !strings.Contains(value, "=?") {
		return rawText(value)
	}
	d := wordDecoder{raw: rawText, word: cutWord, convert: func(charset string, data []byte) string {
		text, _ := decodeCharset(charset, data)
		return text
	}}
	return d.decode(value)
}

// DecodeText decodes an unfolded field value for people to read, as most readers
// of mail do, and returns what was odd in it, each name once: DefectCharset,
// DefectGuessed, DefectEncodedWord, DefectTooManyWords. It differs from
// [DecodeWords] so:
//
//   - damaged encoded words are decoded as far as they can be read, and words of
//     an unknown charset as UTF-8;
//   - bytes that are not of the stated charset, or where none is stated not UTF-8,
//     are U+FFFD: what they mean cannot be told;
//   - at most limits.EncodedWords are decoded.
func DecodeText(value string) (text string, defects []string) {
	return decodeText(value, false)
}

// decodeText is DecodeText. With guess, bytes of which no known charset tells
// what they are, and that are not UTF-8, are windows-1252.
func decodeText(value string, guess bool) (string, []string) {
	if !strings.Contains(value, "=?") {
		if utf8.ValidString(value) {
			return value, nil
		}
		c := converter{guess: guess}
		return c.raw(value), c.defects
	}
	c := converter{guess: guess}
	d := wordDecoder{raw: c.raw, convert: c.convert}
	d.word = func(s string) (encodedWord, int, bool) {
		w, n, ok := cutWordLeniently(s)
		if ok && d.words == limits.EncodedWords {
			c.defects.add(DefectTooManyWords)
			d.stop = true
			return w, 0, false
		}
		if w.damaged {
			c.defects.add(DefectEncodedWord)
		}
		return w, n, ok
	}
	text := d.decode(value)
	return text, c.defects
}

// wordDecoder decodes the encoded words in a text.
type wordDecoder struct {
	word    func(string) (encodedWord, int, bool)    // reads the word that a text begins with
	raw     func(string) string                      // converts what is no word
	convert func(charset string, data []byte) string // converts words of one charset

	out     strings.Builder
	charset string // of the words that were read and are not written yet; empty when there are none
	data    []byte // of these words: senders cut characters of several bytes in two, so a row of words is converted as one
	words   int
	stop    bool // the rest has no words
}

func (d *wordDecoder) decode(value string) string {
	for value != "" && !d.stop {
		i := strings.Index(value, "=?")
		if i < 0 {
			break
		}
		w, n, ok := d.word(value[i:])
		if !ok {
			if d.stop {
				break
			}
			d.flush()
			d.out.WriteString(d.raw(value[:i+2]))
			value = value[i+2:]
			continue
		}
		if d.charset == "" || strings.Trim(value[:i], " \t") != "" {
			d.flush()
			d.out.WriteString(d.raw(value[:i]))
		} // white space between encoded words is not part of the text
		if d.charset != w.charset {
			d.flush()
			d.charset = w.charset
		}
		d.data = append(d.data, w.data...)
		d.words++
		value = value[i+n:]
	}
	d.flush()
	d.out.WriteString(d.raw(value))
	return d.out.String()
}

func (d *wordDecoder) flush() {
	if d.charset == "" {
		return
	}
	d.out.WriteString(d.convert(d.charset, d.data))
	d.charset, d.data = "", d.data[:0]
}

// converter converts bytes to UTF-8 for showing, and notes what is odd.
type converter struct {
	guess   bool // windows-1252 where nothing else is known
	defects found
}

// raw converts text of which no charset is stated.
func (c *converter) raw(s string) string {
	switch {
	case utf8.ValidString(s):
		return s
	case c.guess:
		c.defects.add(DefectGuessed)
		return rawText(s)
	}
	c.defects.add(DefectCharset)
	return replaced(s)
}

// convert converts data of the charset of that name in lower case.
func (c *converter) convert(charset string, data []byte) string {
	d, known := charsetOf(charset)
	switch {
	case !known:
		c.defects.add(DefectCharset)
		if s := string(data); !ascii(s) && (c.guess || utf8.ValidString(s)) {
			c.defects.add(DefectGuessed)
			return rawText(s)
		}
		return replaced(string(data))
	case d == nil && isASCII(compact(charset)) && !ascii(string(data)):
		c.defects.add(DefectGuessed)
		return rawText(string(data))
	case d == nil:
		if !utf8.Valid(data) {
			c.defects.add(DefectCharset)
		}
		return replaced(string(data))
	}
	text := d(data)
	if strings.ContainsRune(text, utf8.RuneError) {
		c.defects.add(DefectCharset)
	}
	return text
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// encodedWord is one encoded word, its transfer encoding undone.
type encodedWord struct {
	charset string // in lower case, without language
	data    []byte
	damaged bool
}

// splitWord takes apart the encoded word that s begins with: the charset, the
// letter of the encoding in lower case, the text as written, and its length.
func splitWord(s string) (charset string, encoding byte, text string, n int, ok bool) {
	charset, _, ok = strings.Cut(s[2:min(len(s), 2+maxCharsetBytes+1)], "?")
	if !ok || charset == "" {
		return "", 0, "", 0, false
	}
	rest := s[2+len(charset)+1:]
	if len(rest) < 2 || rest[1] != '?' {
		return "", 0, "", 0, false
	}
	end := wordEnd(rest[2:min(len(rest), limits.EncodedWordBytes)])
	if end < 0 {
		return "", 0, "", 0, false
	}
	text = rest[2 : 2+end]
	n = 2 + len(charset) + 1 + 2 + len(text) + 2
	charset, _, _ = strings.Cut(charset, "*") // a language
	return strings.ToLower(strings.TrimSpace(charset)), rest[0] | 0x20, text, n, true
}

// cutWord reads the encoded word that s begins with, and returns its length.
func cutWord(s string) (w encodedWord, n int, ok bool) {
	charset, encoding, text, n, ok := splitWord(s)
	if !ok {
		return w, 0, false
	}
	w.charset = charset
	if _, known := charsetOf(charset); !known {
		return w, 0, false
	}
	switch encoding {
	case 'b':
		w.data, ok = decodeBase64(text)
	case 'q':
		w.data, ok = decodeQ(text)
	default:
		return w, 0, false
	}
	return w, n, ok
}

// cutWordLeniently is cutWord for words that are damaged or of an unknown
// charset. A question mark in the text makes it none (RFC 2047, section 2).
func cutWordLeniently(s string) (w encodedWord, n int, ok bool) {
	charset, encoding, text, n, ok := splitWord(s)
	if !ok || strings.IndexByte(text, '?') >= 0 || encoding != 'b' && encoding != 'q' {
		return w, 0, false
	}
	if charset == "" { // only a language
		charset = "us-ascii"
	}
	w.charset = charset
	if encoding == 'q' {
		w.data, w.damaged = lenientQ(text)
	} else {
		w.data, w.damaged = lenientBase64(text)
	}
	return w, n, true
}

// wordEnd returns where the `?=` is that ends an encoded word's text, or -1 when
// another word begins before it.
func wordEnd(s string) int {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '?')
		if j < 0 || i+j+1 == len(s) {
			return -1
		}
		i += j
		if s[i+1] == '=' {
			return i
		}
		if i > 0 && s[i-1] == '=' {
			return -1
		}
		i++
	}
}

// cutWordAt is cutWord for any s.
func cutWordAt(s string) (w encodedWord, n int, ok bool) {
	if !strings.HasPrefix(s, "=?") {
		return w, 0, false
	}
	return cutWord(s)
}

// decodeBase64 takes base64 with or without padding and with white space in it.
func decodeBase64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, " \t\r\n") {
		s = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(s)
	}
	s = strings.TrimRight(s, "=")
	if len(s)%4 == 1 {
		return nil, false
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}

// lenientBase64 passes over what is no base64, up to the padding, and leaves off
// a last digit that makes no byte.
func lenientBase64(s string) (data []byte, damaged bool) {
	if data, ok := decodeBase64(s); ok {
		return data, false
	}
	digits := make([]byte, 0, len(s))
	for i := 0; i < len(s) && s[i] != '='; i++ {
		if isBase64(s[i]) {
			digits = append(digits, s[i])
		}
	}
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	data = make([]byte, base64.RawStdEncoding.DecodedLen(len(digits)))
	n, err := base64.RawStdEncoding.Decode(data, digits)
	if err != nil {
		return nil, true
	}
	return data[:n], true
}

// decodeQ undoes the Q encoding (RFC 2047, section 4.2).
func decodeQ(s string) ([]byte, bool) {
	out, damaged := lenientQ(s)
	return out, !damaged
}

// lenientQ undoes the Q encoding, and leaves an equals sign as it is that begins
// no octet.
func lenientQ(s string) (data []byte, damaged bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '_':
			out = append(out, ' ')
		case '=':
			if octet, ok := hexOctet(s[i+1:]); ok {
				out = append(out, octet)
				i += 2
				continue
			}
			out, damaged = append(out, c), true
		default:
			out = append(out, c)
		}
	}
	return out, damaged
}

// hexOctet reads the two hexadecimal digits that s begins with.
func hexOctet(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, ok1 := hexDigit(s[0])
	lo, ok2 := hexDigit(s[1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
