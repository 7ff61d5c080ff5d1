package header

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// maxWordBytes bounds one encoded word; RFC 2047 allows 75 bytes.
const maxWordBytes = 16 << 10

// DecodeWords decodes the encoded words (RFC 2047, RFC 2231 section 5) of an
// unfolded field value. A word that is broken, or of an unknown charset, stays
// as it is written. Raw bytes that are not UTF-8 are taken for windows-1252.
// The result is valid UTF-8: what a charset does not define is U+FFFD.
func DecodeWords(value string) string {
	if !strings.Contains(value, "=?") {
		return rawText(value)
	}
	var out strings.Builder
	var run encodedRun
	for value != "" {
		i := strings.Index(value, "=?")
		if i < 0 {
			break
		}
		w, n, ok := cutWord(value[i:])
		if !ok {
			run.flush(&out)
			out.WriteString(rawText(value[:i+2]))
			value = value[i+2:]
			continue
		}
		if run.charset == "" || strings.Trim(value[:i], " \t") != "" {
			run.flush(&out)
			out.WriteString(rawText(value[:i]))
		} // white space between encoded words is not part of the text
		run.add(&out, w)
		value = value[i+n:]
	}
	run.flush(&out)
	out.WriteString(rawText(value))
	return out.String()
}

// encodedWord is one encoded word, its transfer encoding undone.
type encodedWord struct {
	charset string // in lower case
	data    []byte
}

// encodedRun is a row of encoded words of one charset. Senders cut characters
// of several bytes in two, so the row is decoded as one.
type encodedRun struct {
	charset string
	data    []byte
}

func (r *encodedRun) add(out *strings.Builder, w encodedWord) {
	if r.charset != w.charset {
		r.flush(out)
		r.charset = w.charset
	}
	r.data = append(r.data, w.data...)
}

func (r *encodedRun) flush(out *strings.Builder) {
	if r.charset == "" {
		return
	}
	text, _ := decodeCharset(r.charset, r.data)
	out.WriteString(text)
	r.charset, r.data = "", r.data[:0]
}

// cutWord reads the encoded word that s begins with, and returns its length.
func cutWord(s string) (w encodedWord, n int, ok bool) {
	charset, rest, ok := strings.Cut(s[2:], "?")
	if !ok || charset == "" || len(charset) > 64 || len(rest) < 2 || rest[1] != '?' {
		return w, 0, false
	}
	end := wordEnd(rest[2:min(len(rest), maxWordBytes)])
	if end < 0 {
		return w, 0, false
	}
	text := rest[2 : 2+end]
	charset, _, _ = strings.Cut(charset, "*") // a language
	w.charset = strings.ToLower(strings.TrimSpace(charset))
	if _, known := charsetOf(w.charset); !known {
		return w, 0, false
	}
	switch rest[0] {
	case 'b', 'B':
		w.data, ok = decodeBase64(text)
	case 'q', 'Q':
		w.data, ok = decodeQ(text)
	default:
		return w, 0, false
	}
	return w, 2 + (len(s[2:]) - len(rest)) + 2 + len(text) + 2, ok
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

// decodeQ undoes the Q encoding (RFC 2047, section 4.2).
func decodeQ(s string) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '_':
			out = append(out, ' ')
		case '=':
			if i+2 >= len(s) {
				return nil, false
			}
			hi, ok1 := hexDigit(s[i+1])
			lo, ok2 := hexDigit(s[i+2])
			if !ok1 || !ok2 {
				return nil, false
			}
			out = append(out, hi<<4|lo)
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out, true
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

// charsetOf returns the encoding of a charset's name in lower case; nil for
// UTF-8. Browsers' aliases come first (GB2312 means GBK, ISO-8859-1 means
// windows-1252), then the names registered with IANA.
func charsetOf(name string) (encoding.Encoding, bool) {
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return nil, true
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e, true
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return e, true
	}
	return nil, false
}

// decodeCharset converts data to valid UTF-8, and reports whether the charset
// is known.
func decodeCharset(charset string, data []byte) (string, bool) {
	e, ok := charsetOf(charset)
	if !ok || e == nil {
		return rawText(string(data)), ok
	}
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return rawText(string(data)), false
	}
	return strings.ToValidUTF8(string(out), "\uFFFD"), true
}

// rawText returns s as valid UTF-8: as it is, or converted from windows-1252.
func rawText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}
