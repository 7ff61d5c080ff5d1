package header_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

func TestDecodeText(t *testing.T) {
	for _, tt := range []struct{ value, want, defects string }{
		{"", "", ""},
		{"a  b\tc", "a  b\tc", ""},
		{"ä", "ä", ""},
		{"=?utf-8?q?Gr=C3=B6=c3=9fe?=", "Größe", ""},
		{"=?UTF-8?B?R3LDtsOfZQ==?=", "Größe", ""},
		{"=?utf-8*en?q?a__b?=", "a  b", ""},
		{"=?utf-8 ?q?a?=", "a", ""},
		// white space
		{"=?utf-8?q?a?=  \t=?utf-8?q?b?=", "ab", ""},
		{"=?utf-8?q?a?==?utf-8?q?b?=", "ab", ""},
		{"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c", ""},
		{"x=?utf-8?q?a?=y", "xay", ""},
		{"=?utf-8?q?a b c?=", "a b c", ""},
		{"=?utf-8?q??= x", " x", ""},
		{"=?utf-8?q??==?utf-8?b??=", "", ""},
		{`"=?utf-8?q?a?=" (=?utf-8?q?b?=)`, `"a" (b)`, ""},
		// characters cut in two
		{"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä", ""},
		{"=?utf-8?b?8J8=?= =?utf-8?q?=98=80?=", "😀", ""},
		{"=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本", ""},
		{"=?utf-8?b?w6Q=?= =?iso-8859-1?q?=E4?=", "ää", ""},
		// damaged words
		{"=?utf-8?b?w6Q?=", "ä", ""},
		{"=?utf-8?b?w6Q====?=", "ä", ""},
		{"=?utf-8?b?w6 Q=?=", "ä", ""},
		{"=?utf-8?b?w?=", "", "encoded-word"},
		{"=?utf-8?b?w6Qhw?=", "ä!", "encoded-word"},
		{"=?utf-8?b?w6Qh!w6Q=?=", "ä!ä", "encoded-word"},
		{"=?utf-8?b?w6Q=w6Q=?=", "ä", "encoded-word"},
		{"=?utf-8?q?a=?=", "a=", "encoded-word"},
		{"=?utf-8?q?a=3?=", "a=3", "encoded-word"},
		{"=?utf-8?q?a=XYb?=", "a=XYb", "encoded-word"},
		// no words
		{"=?utf-8?z?a?=", "=?utf-8?z?a?=", ""},
		{"=?utf-8?q?a?b?=", "=?utf-8?q?a?b?=", ""},
		{"=?utf-8?q?a", "=?utf-8?q?a", ""},
		{"=?utf-8?q?a?", "=?utf-8?q?a?", ""},
		{"=? =?utf-8?q?a?=", "=? a", ""},
		{"=??q?a?=", "=??q?a?=", ""},
		{"=?" + strings.Repeat("x", 65) + "?q?a?=", "=?" + strings.Repeat("x", 65) + "?q?a?=", ""},
		// charsets
		{"=?x-none?q?abc?=", "abc", "charset"},
		{"=?x-none?q?=C3=A4?=", "ä", "charset charset-guessed"},
		{"=?x-none?q?a=E4b?=", "a\uFFFDb", "charset"},
		{"=?utf-8?q?a=FFb?=", "a\uFFFDb", "charset"},
		{"=?utf-8?q?=C3?= x", "\uFFFD x", "charset"},
		{"=?utf-8?q?\xe4?=", "\uFFFD", "charset"},
		{"=?us-ascii?q?=C3=A4?=", "ä", "charset-guessed"},
		{"=?us-ascii?q?=E4?=", "ä", "charset-guessed"},
		{"=?windows-1253?q?=D2?=", "\uFFFD", "charset"},
		{"Fr\xf6sche", "Fr\uFFFDsche", "charset"},
		{"\xf0\x9f\x98 \xc3\xa4\xe4\xe4", "\uFFFD ä\uFFFD\uFFFD", "charset"},
		{"\xe4 =?utf-8?q?b=?= =?x?q?c?=", "\uFFFD b=c", "encoded-word charset"},
	} {
		got, defects := header.DecodeText(tt.value)
		if got != tt.want || strings.Join(defects, " ") != tt.defects {
			t.Errorf("%q: got %q; %q, want %q; %q", tt.value, got, defects, tt.want, tt.defects)
		}
	}
}

func TestDecodeTextLimits(t *testing.T) {
	words := func(n int) string { return strings.Repeat("=?utf-8?q?a?= ", n) }
	most := strings.Repeat("a", limits.EncodedWords)
	if got, defects := header.DecodeText(words(limits.EncodedWords)); got != most+" " || len(defects) != 0 {
		t.Errorf("at the limit: %d bytes, %q", len(got), defects)
	}
	if got, defects := header.DecodeText(words(limits.EncodedWords + 1)); got != most+" =?utf-8?q?a?= " || !slices.Equal(defects, []string{header.DefectTooManyWords}) {
		t.Errorf("past the limit: %d bytes, %q", len(got), defects)
	}
	if got, defects := header.DecodeText(words(200_000)); len(got) != limits.EncodedWords+(200_000-limits.EncodedWords)*14+1 || !slices.Equal(defects, []string{header.DefectTooManyWords}) {
		t.Errorf("200,000 words: %d bytes, %q", len(got), defects)
	}
	word := func(n int) string { return "=?utf-8?q?" + strings.Repeat("a", n) + "?=" }
	most = strings.Repeat("a", limits.EncodedWordBytes-4)
	if got, _ := header.DecodeText(word(len(most))); got != most {
		t.Error("a word at the limit: not decoded")
	}
	if got, _ := header.DecodeText(word(len(most) + 1)); got != word(len(most)+1) {
		t.Error("a word past the limit: decoded")
	}
}

// Text comes back from encoded words as it went in, however it is cut.
func TestWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, -1, -1).Draw(t, "text")
		var words []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, min(len(rest), 60)).Draw(t, "cut")
			if rapid.Bool().Draw(t, "base64") {
				words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(rest[:n]))+"?=")
			} else {
				words = append(words, fmt.Sprintf("=?utf-8*en?q?%s?=", strings.ReplaceAll(percentEncoded(rest[:n]), "%", "=")))
			}
			rest = rest[n:]
		}
		value := strings.Join(words, rapid.SampledFrom([]string{" ", "\t", "", "  "}).Draw(t, "space"))
		if got, defects := header.DecodeText(value); got != text || len(defects) != 0 {
			t.Fatalf("%q: %q, %q", value, got, defects)
		}
		if got := header.DecodeWords(value); got != text {
			t.Fatalf("%q: %q", value, got)
		}
	})
}

func TestCharsets(t *testing.T) {
	for _, tt := range []struct{ names, word, want string }{
		{"gb2312 GBK x-gbk cp936 ms936 windows-936 gb_2312-80 euc-cn GB18030", "q?=81@=81A", "丂丄"},
		{"hz-gb-2312 hz", "q?~{VPND~}", "中文"},
		{"big5 big5-hkscs cn-big5 cp950 x-x-big5", "q?=A4=A4=A4=E5", "中文"},
		{"ks_c_5601-1987 KSC5601 ks_c_5601 euc-kr cp949 windows-949 uhc ms949", "q?=B0=A1", "가"},
		{"euc-kr cp949", "q?=81A", "갂"}, // beyond KS C 5601
		{"iso-2022-kr", "b?GyQpQw4wIQ8gYQ==", "가 a"},
		{"shift_jis x-sjis shift-jis sjis cp932 windows-31j ms_kanji windows-932 cp943", "b?k/qWew==", "日本"},
		{"iso-2022-jp ISO-2022-JP-MS iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 csISO2022JP cp50220 cp50221 jis", "b?GyRCRnxLXBsoQg==", "日本"},
		{"euc-jp x-euc-jp ujis eucJP-ms cp51932", "q?=C6=FC=CB=DC", "日本"},
		{"windows-1252 cp1252 windows1252 CP-1252 win-1252 ansi-1252 x-cp1252 windows_1252 iso-8859-1 latin1 iso8859-1 iso_8859-1:1987 8859-1 ISO8859_1 cp819 ansi", "q?=93=E4", "“ä"},
		{"windows-1251 cp1251 win1251 x-cp1251", "q?=CF", "П"},
		{"iso-8859-2 iso8859-2 latin2 latin-2 ISO_8859-2 iso88592", "q?=A3", "Ł"},
		{"iso-8859-15 iso8859-15 iso885915 latin-9", "q?=A4", "€"},
		{"iso-8859-8 iso-8859-8-i iso-8859-8-e", "q?=F9", "ש"},
		{"koi8-r koi8r koi8", "q?=D0=D2", "пр"},
		{"koi8-u koi8-ru", "q?=A4", "є"},
		{"cp850 cp-850 ibm850 IBM-850 dos-850", "q?=84", "ä"},
		{"cp437 ibm437", "q?=84", "ä"},
		{"cp866 ibm866", "q?=8F", "П"},
		{"macintosh x-mac-roman macroman", "q?=8A", "ä"},
		{"windows-874 tis-620 iso-8859-11 cp874", "q?=A1", "ก"},
		{"utf-7 UTF7 unicode-1-1-utf-7 x-unicode-1-1-utf-7", "q?Hi+APY-+-", "Hiö+"},
		{"utf-8 utf8 UTF_8 unicode-1-1-utf-8 x-utf-8", "q?=C3=A4", "ä"},
		{"us-ascii ascii ansi_x3.4-1968 iso646-us 646 ISO_646.irv:1991", "q?a", "a"},
		{"utf-16 utf16 ucs-2 unicode csUnicode ISO-10646-UCS-2", "b?//7kAA==", "ä"}, // marked, in both orders
		{"utf-16 utf16 ucs-2 unicode csUnicode ISO-10646-UCS-2", "b?/v8A5A==", "ä"},
		{"utf-16 utf16 ucs-2 unicode csUnicode ISO-10646-UCS-2", "b?5AA=", "ä"},
		{"utf-16be", "b?AOQ=", "ä"},
		{"utf-16le", "b?5AA=", "ä"},
		{"utf-32be", "b?AAAA5A==", "ä"},
	} {
		for _, name := range strings.Fields(tt.names) {
			got, defects := header.DecodeText("=?" + name + "?" + tt.word + "?=")
			if got != tt.want || len(defects) != 0 || !header.KnownCharset(name) {
				t.Errorf("%s: got %q, %q, known: %t; want %q", name, got, defects, header.KnownCharset(name), tt.want)
			}
		}
	}
	for _, name := range []string{"", "x-none", "unknown-8bit", "default", "utf-9", "cp", "windows-", "iso-8859-", "iso-8859-17", "cp1259", "x", strings.Repeat("utf-8", 20)} {
		if header.KnownCharset(name) {
			t.Errorf("%q is known", name)
		}
	}
}

func TestUTF7(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Hi Mom +Jjo-!", "Hi Mom ☺!"}, // RFC 2152
		{"A+ImIDkQ.", "A≢Α."},
		{"+ZeVnLIqe-", "日本語"},
		{"Item 3 is +AKM-1.", "Item 3 is £1."},
		{"a+-b", "a+b"},
		{"+2D3eAA-", "😀"},
		{"+AOQ", "ä"},
		{"+AOQ-+APY-", "äö"},
		{"+AOQ--", "ä-"},
		{"+", "\uFFFD"},
		{"+!", "\uFFFD!"},
		{"+A-", "\uFFFD"},
		{"+2D0-", "\uFFFD"}, // half a surrogate pair
		{"\xe4", "\uFFFD"},
	} {
		word := "=?utf-7?b?" + base64.StdEncoding.EncodeToString([]byte(tt.text)) + "?="
		if got, _ := header.DecodeText(word); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// Values made to waste time are read like any other.
func TestTextBombs(t *testing.T) {
	for _, part := range []string{"=?", "=?a?", "=?a?q?", "=?utf-8?q?x", "=?utf-8?q?x?=", "=?utf-8?b?!", "=?x?q??= =?y?q??=", "=?utf-7?q?+?=", "?", "=", "\xe4", "=?utf-8?q?=C3?=", "=?x-unknown?q?\xe4?= "} {
		for _, value := range []string{strings.Repeat(part, 200_000), "=?utf-8?q?" + strings.Repeat(part, 200_000) + "?="} {
			if got, _ := header.DecodeText(value); !utf8.ValidString(got) || len(got) > 3*len(value) {
				t.Errorf("%q: %d bytes of %d", part, len(got), len(value))
			}
		}
	}
}

func FuzzDecodeText(f *testing.F) {
	f.Add("=?utf-8?q?=C3?= =?utf-8*de?B?pA?= \xe4 x")
	f.Add("=?iso-2022-jp?b?GyRCRnw?= =?utf-7?q?+APY-?= =?x-none?q?=E4=?=")
	f.Add("=?utf-16?b?//4A?= =?iso-2022-kr?q?=0E0!?= =?hz?q?~{?=")
	f.Fuzz(func(t *testing.T, value string) {
		text, defects := header.DecodeText(value)
		if !utf8.ValidString(text) {
			t.Fatalf("%q: %q", value, text)
		}
		if len(defects) == 0 && !strings.Contains(value, "=?") && text != value {
			t.Fatalf("%q became %q", value, text)
		}
		if again, _ := header.DecodeText(value); again != text {
			t.Fatalf("%q: %q, then %q", value, text, again)
		}
	})
}
