package header

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
)

// decodeUTF7 decodes UTF-7 (RFC 2152): ASCII with runs of UTF-16 in base64
// between `+` and a byte that is no base64; a `-` there belongs to the run.
func decodeUTF7(data []byte) string {
	var out strings.Builder
	for i := 0; i < len(data); {
		c := data[i]
		i++
		switch {
		case c >= utf8.RuneSelf:
			out.WriteRune(utf8.RuneError)
			continue
		case c != '+':
			out.WriteByte(c)
			continue
		}
		end := i
		for end < len(data) && isBase64(data[end]) {
			end++
		}
		dash := end < len(data) && data[end] == '-'
		if end == i && dash {
			out.WriteByte('+')
		} else {
			shifted(&out, data[i:end])
		}
		i = end
		if dash {
			i++
		}
	}
	return out.String()
}

// shifted decodes one run of base64 in UTF-7.
func shifted(out *strings.Builder, run []byte) {
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(run)))
	if len(run)%4 == 1 { // six bits that no character ends with
		raw = raw[:base64.RawStdEncoding.DecodedLen(len(run)-1)]
		run = run[:len(run)-1]
	}
	n, err := base64.RawStdEncoding.Decode(raw, run)
	if err != nil || len(run) == 0 {
		out.WriteRune(utf8.RuneError)
		return
	}
	units := make([]uint16, 0, n/2)
	for i := 0; i+1 < n; i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	out.WriteString(string(utf16.Decode(units)))
	if n%2 == 1 && raw[n-1] != 0 {
		out.WriteRune(utf8.RuneError)
	}
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || isDigit(c) || c == '+' || c == '/'
}

// decodeISO2022KR decodes ISO-2022-KR (RFC 1557): KS C 5601 in seven bits
// between shift out and shift in.
func decodeISO2022KR(data []byte) string {
	data = bytes.ReplaceAll(data, []byte("\x1b$)C"), nil)
	out := make([]byte, 0, len(data))
	var high byte
	for _, c := range data {
		switch c {
		case 0x0e:
			high = 0x80
		case 0x0f:
			high = 0
		case '\n':
			high = 0
			out = append(out, c)
		default:
			if c > ' ' {
				c |= high
			}
			out = append(out, c)
		}
	}
	return using(korean.EUCKR)(out)
}
