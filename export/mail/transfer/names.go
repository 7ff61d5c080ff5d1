package transfer

import "strings"

// Names of transfer encodings, as [Name] returns them.
const (
	Name7Bit            = "7bit"
	Name8Bit            = "8bit"
	NameBinary          = "binary"
	NameBase64          = "base64"
	NameQuotedPrintable = "quoted-printable"
	NameUUEncode        = "uuencode"
	NameYEnc            = "yenc"
)

// spellings gives the name of each encoding by its spellings in lower case. Those
// of RFC 2045 section 6.1 come first; the others are met in mail.
var spellings = map[string]string{
	"7bit": Name7Bit, "8bit": Name8Bit, "binary": NameBinary, "base64": NameBase64, "quoted-printable": NameQuotedPrintable,
	"7-bit": Name7Bit, "7 bit": Name7Bit, "7bits": Name7Bit, "8-bit": Name8Bit, "8 bit": Name8Bit, "8bits": Name8Bit,
	"uuencode": NameUUEncode, "x-uuencode": NameUUEncode, "uue": NameUUEncode, "x-uue": NameUUEncode,
	"yenc": NameYEnc, "x-yenc": NameYEnc,
}

// Name returns the transfer encoding that the value of a Content-Transfer-Encoding
// field names (RFC 2045, section 6.1), in any letter case and with comments; of
// several words the first counts. It returns 7bit and false for any other: readers
// agree to take the content as it is after `base-64`, `base64;` or `"base64"`.
func Name(value string) (name string, known bool) {
	if isMechanism(value) {
		return value, true
	}
	value = plain(value)
	if name, known = spellings[value]; known {
		return name, true
	}
	first, _, _ := strings.Cut(value, " ")
	if name, known = spellings[first]; known {
		return name, true
	}
	return Name7Bit, false
}

// Registered reports whether a value that [Name] knows is written as RFC 2045 has
// it, comments aside: one of the names of section 6.1, or an extension of section
// 6.3, which begins with `x-`.
func Registered(value string) bool {
	if isMechanism(value) {
		return true
	}
	word := plain(value)
	return isMechanism(word) || strings.HasPrefix(word, "x-") && strings.IndexByte(word, ' ') < 0
}

// isMechanism reports whether a value is one of RFC 2045, section 6.1, in lower case.
func isMechanism(value string) bool {
	switch value {
	case Name7Bit, Name8Bit, NameBinary, NameBase64, NameQuotedPrintable:
		return true
	}
	return false
}

// ByName returns a decoder of the encoding of that name, or nil where the bytes
// are as they are.
func ByName(name string) Decoder {
	switch name {
	case NameBase64:
		return Base64()
	case NameQuotedPrintable:
		return QuotedPrintable()
	case NameUUEncode:
		return UUEncode()
	case NameYEnc:
		return YEnc()
	}
	return nil
}

// plain returns a value in lower case without comments (RFC 5322, section 3.2.2),
// white space made blanks.
func plain(value string) string {
	var out strings.Builder
	depth := 0
	for _, c := range []byte(value) {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
		case c <= ' ':
			out.WriteByte(' ')
		case c >= 'A' && c <= 'Z':
			out.WriteByte(c + 'a' - 'A')
		default:
			out.WriteByte(c)
		}
		if out.Len() > maxNameBytes {
			break
		}
	}
	return strings.TrimSpace(out.String())
}

// maxNameBytes is how much of a field's value is looked at.
const maxNameBytes = 64
