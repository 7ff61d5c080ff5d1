package tnef

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// text is a text as it is stored: in UTF-16 or in the stream's code page.
type text struct {
	raw     []byte
	unicode bool
	at      int // where it lies
}

// trimmed returns it without the NUL characters at its end.
func (t text) trimmed() []byte {
	if !t.unicode {
		return bytes.TrimRight(t.raw, "\x00")
	}
	n := len(t.raw)
	for n >= 2 && n%2 == 0 && t.raw[n-1] == 0 && t.raw[n-2] == 0 {
		n -= 2
	}
	return t.raw[:n]
}

// first decodes the first text that is not empty.
func (w *walker) first(texts ...text) string {
	for _, t := range texts {
		raw := t.trimmed()
		if len(raw) == 0 {
			continue
		}
		if len(raw) > maxText {
			w.fault(FaultText, t.at)
			raw = raw[:maxText]
		}
		var enc encoding.Encoding = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
		if !t.unicode {
			enc, _ = codepage(w.codepage)
		}
		return decode(enc, raw)
	}
	return ""
}

// decode returns UTF-8: what an encoding does not define is U+FFFD.
func decode(enc encoding.Encoding, raw []byte) string {
	if enc != nil {
		if out, err := enc.NewDecoder().Bytes(raw); err == nil {
			raw = out
		}
	}
	return strings.ToValidUTF8(string(raw), string(utf8.RuneError))
}

// codepages are those of Windows that are no code page of a single byte which
// package charmap has by its number.
var codepages = map[uint32]struct {
	enc     encoding.Encoding
	charset string
}{
	932:   {japanese.ShiftJIS, "shift_jis"},
	936:   {simplifiedchinese.GBK, "gbk"},
	949:   {korean.EUCKR, "euc-kr"},
	950:   {traditionalchinese.Big5, "big5"},
	10000: {charmap.Macintosh, "macintosh"},
	10007: {charmap.MacintoshCyrillic, "x-mac-cyrillic"},
	20127: {nil, "us-ascii"},
	20866: {charmap.KOI8R, "koi8-r"},
	20932: {japanese.EUCJP, "euc-jp"},
	21866: {charmap.KOI8U, "koi8-u"},
	50220: {japanese.ISO2022JP, "iso-2022-jp"},
	51932: {japanese.EUCJP, "euc-jp"},
	51949: {korean.EUCKR, "euc-kr"},
	52936: {simplifiedchinese.HZGB2312, "hz-gb-2312"},
	54936: {simplifiedchinese.GB18030, "gb18030"},
	65001: {nil, "utf-8"},
}

// singleByte are the code pages of a single byte by number.
var singleByte = map[uint32]encoding.Encoding{
	37: charmap.CodePage037, 437: charmap.CodePage437, 850: charmap.CodePage850, 852: charmap.CodePage852,
	855: charmap.CodePage855, 858: charmap.CodePage858, 860: charmap.CodePage860, 862: charmap.CodePage862,
	863: charmap.CodePage863, 865: charmap.CodePage865, 866: charmap.CodePage866,
	874: charmap.Windows874, 1250: charmap.Windows1250, 1251: charmap.Windows1251, 1252: charmap.Windows1252,
	1253: charmap.Windows1253, 1254: charmap.Windows1254, 1255: charmap.Windows1255, 1256: charmap.Windows1256,
	1257: charmap.Windows1257, 1258: charmap.Windows1258,
}

// isoParts are the parts of ISO 8859, code pages 28591 to 28606.
var isoParts = [...]encoding.Encoding{
	charmap.ISO8859_1, charmap.ISO8859_2, charmap.ISO8859_3, charmap.ISO8859_4, charmap.ISO8859_5, charmap.ISO8859_6,
	charmap.ISO8859_7, charmap.ISO8859_8, charmap.ISO8859_9, charmap.ISO8859_10, nil, nil, charmap.ISO8859_13,
	charmap.ISO8859_14, charmap.ISO8859_15, charmap.ISO8859_16,
}

// codepage returns the encoding of a Windows code page, nil for UTF-8 and what is
// a part of it, and its name; windows-1252 for none and for one that is not known.
func codepage(n uint32) (encoding.Encoding, string) {
	if cp, ok := codepages[n]; ok {
		return cp.enc, cp.charset
	}
	if enc, ok := singleByte[n]; ok {
		if n >= 874 {
			return enc, "windows-" + strconv.Itoa(int(n))
		}
		return enc, "ibm" + strconv.Itoa(int(n))
	}
	const isoFirst = 28591
	if i := int64(n) - isoFirst; i >= 0 && i < int64(len(isoParts)) && isoParts[i] != nil {
		return isoParts[i], "iso-8859-" + strconv.Itoa(int(i)+1)
	}
	return charmap.Windows1252, "windows-1252"
}
