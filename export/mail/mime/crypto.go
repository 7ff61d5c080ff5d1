package mime

import (
	"bytes"
	"strings"
)

// cryptoOfType returns what protects a part, as far as its type says it.
func cryptoOfType(part *Part) string {
	switch part.Type {
	case "multipart/signed": // RFC 1847, section 2.1
		return CryptoSigned
	case "multipart/encrypted": // RFC 1847, section 2.2
		return CryptoEncrypted
	}
	if !isPKCS7(part) {
		return ""
	}
	crypto, _ := cryptoOfSMIME(part)
	return crypto
}

// cryptoOfSMIME returns what the parameter smime-type says (RFC 8551, section
// 3.2.2), and whether it says what there is.
func cryptoOfSMIME(part *Part) (crypto string, known bool) {
	kind, _ := param(part.Params, "smime-type")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "enveloped-data", "authenveloped-data":
		return CryptoEncrypted, true
	case "signed-data":
		return CryptoSigned, true
	case "certs-only", "compressed-data":
		return "", true
	}
	return "", false
}

func isPKCS7(part *Part) bool {
	return part.Type == "application/pkcs7-mime" || part.Type == "application/x-pkcs7-mime"
}

// pgpControl is the type of the part that stands before the content in PGP/MIME.
const pgpControl = "application/pgp-encrypted"

// hasPGPControl reports whether a multipart is PGP/MIME (RFC 3156, section 4)
// under another type, as some servers make it.
func hasPGPControl(part *Part) bool {
	for _, inside := range part.Parts {
		if inside.Type == pgpControl {
			return true
		}
	}
	return false
}

// sniffer keeps the beginning of a leaf's decoded content, to tell from it what
// protects the leaf.
type sniffer struct {
	what sniffed
	head [sniffBytes]byte
	n    int // bytes in head
}

// sniffed says what is looked for in the beginning of a content.
type sniffed int

const (
	sniffNothing sniffed = iota
	sniffPGP             // a PGP message in a text
	sniffCMS             // S/MIME
)

// sniffs says what to look for in the content of a leaf.
func sniffs(part *Part) sniffed {
	switch {
	case isText(part.Type), part.Type == "application/pgp":
		return sniffPGP
	case isPKCS7(part):
		if _, known := cryptoOfSMIME(part); !known {
			return sniffCMS
		}
	case strings.HasSuffix(strings.ToLower(part.Name), ".p7m"): // RFC 8551, section 3.2.1
		return sniffCMS
	}
	return sniffNothing
}

func isText(typ string) bool { return strings.HasPrefix(typ, "text/") }

// take takes the next piece of the content. Blank lines before a text do not
// count.
func (s *sniffer) take(piece []byte) {
	if s.what == sniffNothing || s.n == len(s.head) {
		return
	}
	if s.n == 0 && s.what == sniffPGP {
		piece = bytes.TrimPrefix(piece, []byte("\xef\xbb\xbf"))
		piece = bytes.TrimLeft(piece, " \t\r\n")
	}
	s.n += copy(s.head[s.n:], piece)
}

// crypto returns what protects the content, as far as its beginning says it.
func (s *sniffer) crypto() string {
	head := s.head[:s.n]
	switch {
	case s.what == sniffCMS:
		return cryptoOfCMS(head)
	case s.what != sniffPGP:
	case bytes.HasPrefix(head, []byte("-----BEGIN PGP MESSAGE-----")), // RFC 9580, section 6.2
		bytes.HasPrefix(head, []byte("-----BEGIN PGP MESSAGE, PART ")): // RFC 4880, section 6.2
		return CryptoEncrypted
	case bytes.HasPrefix(head, []byte("-----BEGIN PGP SIGNED MESSAGE-----")): // RFC 9580, section 7
		return CryptoSigned
	}
	return ""
}

// opaque reports whether a leaf is S/MIME that is signed or compressed and holds the
// message itself, whose parts readers show, but which is not opened here.
func (s *sniffer) opaque(part *Part) bool {
	kind, _ := param(part.Params, "smime-type")
	switch {
	case isPKCS7(part) && strings.EqualFold(strings.TrimSpace(kind), "compressed-data"):
		return true
	case isPKCS7(part), s.what == sniffCMS:
		return part.Crypto == CryptoSigned
	}
	return false
}

// The contents of object identifiers in DER (RFC 5652 sections 5.1 and 6.1, RFC
// 5083 section 2.1).
const (
	oidSignedData        = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidEnvelopedData     = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
	oidAuthEnvelopedData = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"
)

// cryptoOfCMS tells what protects a CMS message (RFC 5652, section 3) from the
// beginning of its BER encoding.
func cryptoOfCMS(head []byte) string {
	info := enter(head, tagSequence)
	oid, rest := value(info, tagOID)
	switch string(oid) {
	case oidEnvelopedData, oidAuthEnvelopedData:
		return CryptoEncrypted
	case oidSignedData:
		if !onlyCertificates(rest) {
			return CryptoSigned
		}
	}
	return ""
}

// onlyCertificates reports whether the content of signed-data names no digest
// algorithm: then nobody signs, and certificates are all that it holds (RFC 8551,
// section 3.2.2).
func onlyCertificates(content []byte) bool {
	_, rest := value(enter(enter(content, tagExplicit0), tagSequence), tagInteger)
	return bytes.HasPrefix(rest, []byte{tagSet, 0}) || bytes.HasPrefix(rest, []byte{tagSet, 0x80, 0, 0})
}

// Tags of BER (X.690, section 8.1.2).
const (
	tagInteger   = 0x02
	tagOID       = 0x06
	tagSequence  = 0x30
	tagSet       = 0x31
	tagExplicit0 = 0xa0
)

// enter returns what is there of the content of the element that b begins with,
// empty when it does not have that tag. Its length may be indefinite (X.690,
// section 8.1.3).
func enter(b []byte, tag byte) []byte {
	if len(b) < 2 || b[0] != tag {
		return nil
	}
	long := 0
	if b[1] > 0x80 {
		long = int(b[1] & 0x7f)
	}
	return b[min(len(b), 2+long):]
}

// value returns the content of the short element that b begins with, and what
// follows it; both are empty when it does not have that tag.
func value(b []byte, tag byte) (content, rest []byte) {
	if len(b) < 2 || b[0] != tag || int(b[1]) > len(b)-2 {
		return nil, nil
	}
	n := 2 + int(b[1])
	return b[2:n], b[n:]
}
