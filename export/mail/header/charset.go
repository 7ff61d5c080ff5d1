package header

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// maxCharsetBytes bounds the name of a charset; RFC 2978 section 2.3 allows 40.
const maxCharsetBytes = 64

// decoder converts bytes of a charset to UTF-8. What the charset does not have
// becomes U+FFFD.
type decoder func([]byte) string

// KnownCharset reports whether text of the charset of that name, in any letter
// case and with the slips of real senders, can be decoded.
func KnownCharset(name string) bool {
	_, ok := charsetOf(strings.ToLower(name))
	return ok
}

// charsetOf returns the decoder for a charset's name in lower case; nil for
// UTF-8 and ASCII. Browsers' aliases come first (GB2312 means GBK, ISO-8859-1
// means windows-1252), then the names registered with IANA, then other
// spellings.
func charsetOf(name string) (decoder, bool) {
	switch name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return nil, true
	}
	if len(name) > maxCharsetBytes {
		return nil, false
	}
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		if name != utf16LE && isUTF16LE(e) {
			e = utf16Marked
		}
		return using(e), true
	}
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return using(e), true
	}
	return spelled(compact(name))
}

// using returns the decoder of an encoding; nil for UTF-8.
func using(e encoding.Encoding) decoder {
	if e == unicode.UTF8 {
		return nil
	}
	return func(data []byte) string {
		out, err := e.NewDecoder().Bytes(data)
		if err != nil {
			return replaced(string(data))
		}
		return replaced(string(out))
	}
}

// compact returns the letters and digits of a name.
func compact(name string) string {
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= 'a' && c <= 'z' || isDigit(c) {
			out = append(out, c)
		}
	}
	return string(out)
}

// spelled returns the decoder for a compact name.
func spelled(name string) (decoder, bool) {
	name = strings.TrimPrefix(name, "x") // x-cp1252
	if isASCII(name) || name == "utf8" || name == "unicode11utf8" || name == "unicode20utf8" {
		return nil, true
	}
	switch name {
	case "utf7", "unicode11utf7", "csunicode11utf7", "unicode20utf7":
		return decodeUTF7, true
	case "iso2022kr", "csiso2022kr":
		return decodeISO2022KR, true
	}
	for _, family := range families {
		number, ok := strings.CutPrefix(name, family.prefix)
		if !ok {
			continue
		}
		if e, err := htmlindex.Get(family.name + strings.TrimLeft(number, "0")); err == nil {
			return using(e), true
		}
	}
	if e := aliases[name]; e != nil {
		return using(e), true
	}
	number := strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz")
	switch prefix := strings.TrimSuffix(name, number); prefix {
	case "cp", "ibm", "dos", "windows", "win", "ms", "oem", "codepage":
		if e := codePages[number]; e != nil {
			return using(e), true
		}
	}
	return nil, false
}

// isASCII reports whether a compact name is one of ASCII (RFC 1345).
func isASCII(name string) bool {
	switch name {
	case "usascii", "ascii", "ansix341968", "ansix341986", "iso646us", "iso646irv1991", "isoir6", "us", "ibm367", "cp367", "csascii", "646", "ascii7bit", "7bit":
		return true
	}
	return false
}

// families are rows of charsets that differ in a number.
var families = []struct{ prefix, name string }{
	{"windows", "windows-"}, {"win", "windows-"}, {"cp", "windows-"},
	{"ansi", "windows-"}, {"ms", "windows-"}, {"microsoftcp", "windows-"},
	{"iso8859", "iso-8859-"}, {"iso88590", "iso-8859-"}, {"8859", "iso-8859-"},
	{"latin", "latin"}, {"isolatin", "latin"},
}

// codePages are those of IBM and Microsoft by number, windows-125x left out.
var codePages = map[string]encoding.Encoding{
	"437": charmap.CodePage437, "850": charmap.CodePage850, "852": charmap.CodePage852, "855": charmap.CodePage855,
	"858": charmap.CodePage858, "860": charmap.CodePage860, "862": charmap.CodePage862, "863": charmap.CodePage863,
	"865": charmap.CodePage865, "866": charmap.CodePage866, "037": charmap.CodePage037, "1047": charmap.CodePage1047,
	"1140": charmap.CodePage1140, "819": charmap.Windows1252, "874": charmap.Windows874,
	"932": japanese.ShiftJIS, "943": japanese.ShiftJIS, "936": simplifiedchinese.GBK, "949": korean.EUCKR, "950": traditionalchinese.Big5,
	"20127": charmap.Windows1252, "20866": charmap.KOI8R, "21866": charmap.KOI8U, "28591": charmap.Windows1252,
	"28592": charmap.ISO8859_2, "28605": charmap.ISO8859_15, "50220": japanese.ISO2022JP, "50221": japanese.ISO2022JP,
	"50222": japanese.ISO2022JP, "51932": japanese.EUCJP, "51949": korean.EUCKR, "52936": simplifiedchinese.HZGB2312,
	"54936": simplifiedchinese.GB18030, "10000": charmap.Macintosh, "10007": charmap.MacintoshCyrillic,
}

// aliases are compact names as senders write them, without a leading x.
var aliases = map[string]encoding.Encoding{
	"gb2312": simplifiedchinese.GBK, "gb231280": simplifiedchinese.GBK, "euccn": simplifiedchinese.GBK, "gbk": simplifiedchinese.GBK,
	"gb18030": simplifiedchinese.GB18030, "hz": simplifiedchinese.HZGB2312, "hzgb2312": simplifiedchinese.HZGB2312,
	"big5": traditionalchinese.Big5, "big5hkscs": traditionalchinese.Big5, "big5eten": traditionalchinese.Big5, "cnbig5": traditionalchinese.Big5,
	"ksc56011987": korean.EUCKR, "ksc5601": korean.EUCKR, "ksx1001": korean.EUCKR, "uhc": korean.EUCKR, "euckr": korean.EUCKR, "windows949": korean.EUCKR,
	"sjis": japanese.ShiftJIS, "shiftjis": japanese.ShiftJIS, "mskanji": japanese.ShiftJIS, "windows31j": japanese.ShiftJIS,
	"eucjp": japanese.EUCJP, "ujis": japanese.EUCJP, "eucjpms": japanese.EUCJP, "eucjpwin": japanese.EUCJP,
	"iso2022jp": japanese.ISO2022JP, "iso2022jp1": japanese.ISO2022JP, "iso2022jp2": japanese.ISO2022JP, "iso2022jp3": japanese.ISO2022JP,
	"iso2022jp2004": japanese.ISO2022JP, "iso2022jpms": japanese.ISO2022JP, "jis": japanese.ISO2022JP, "jis7": japanese.ISO2022JP,
	"koi8": charmap.KOI8R, "koi8r": charmap.KOI8R, "koi8u": charmap.KOI8U, "koi8ru": charmap.KOI8U,
	"tis620": charmap.Windows874, "tis62025331": charmap.Windows874, "iso885911": charmap.Windows874,
	"iso88598i": charmap.ISO8859_8I, "iso88598e": charmap.ISO8859_8E, "iso88596i": charmap.ISO8859_6I, "iso88596e": charmap.ISO8859_6E,
	"macintosh": charmap.Macintosh, "macroman": charmap.Macintosh, "macwestern": charmap.Macintosh, "mac": charmap.Macintosh,
	"maccyrillic": charmap.MacintoshCyrillic, "macukrainian": charmap.MacintoshCyrillic,
	"ansi": charmap.Windows1252, "latin9": charmap.ISO8859_15, "latin0": charmap.ISO8859_15,
	"utf16": utf16Marked, "ucs2": utf16Marked, "iso10646ucs2": utf16Marked, "unicode": utf16Marked,
	"utf16le": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf16be": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"utf32":   utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf32le": utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), "utf32be": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	"ucs4": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
}

// utf16Marked is UTF-16 whose byte order a mark tells (RFC 2781, section 4.3).
// Without one readers agree on the little end first, as browsers do.
var utf16Marked = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)

const utf16LE = "utf-16le"

// isUTF16LE reports whether an encoding is the one of browsers that neither looks
// for a mark nor takes it off.
func isUTF16LE(e encoding.Encoding) bool {
	name, err := htmlindex.Name(e)
	return err == nil && name == utf16LE
}

// decodeCharset converts data to valid UTF-8, and reports whether the charset
// is known. Where bytes are not UTF-8 that should be, they are taken for
// windows-1252.
func decodeCharset(charset string, data []byte) (string, bool) {
	d, ok := charsetOf(charset)
	if !ok || d == nil {
		return rawText(string(data)), ok
	}
	return d(data), true
}

// rawText returns s as valid UTF-8: as it is, or converted from windows-1252.
func rawText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return replaced(s)
	}
	return out
}

// replaced returns s as valid UTF-8, with U+FFFD for each longest beginning of a
// character that is not one (Unicode, section 3.9, as browsers do it).
func replaced(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := unicode.UTF8.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}
