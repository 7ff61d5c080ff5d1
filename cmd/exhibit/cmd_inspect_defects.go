package main

import (
	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/mime"
)

// explain says in a line what a defect is.
func explain(name string) string {
	if text, ok := explanations[name]; ok {
		return text
	}
	return "unknown to this version"
}

// explanations are of the defects that packages mail, mime and header record.
var explanations = map[string]string{
	header.DefectJunkLine:       "a line between the header's fields that is no field",
	header.DefectLostFold:       "a line that continues one which is no field or was not kept",
	header.DefectMboxLine:       "a line From or >From of an mbox, in the header",
	header.DefectLeadingSpace:   "white space before the first field",
	header.DefectLeadingEmpty:   "empty lines before the first field",
	header.DefectNoEmptyLine:    "the content begins without an empty line after the header",
	header.DefectNoHeader:       "not one header field",
	header.DefectCROnly:         "lines end with CR alone",
	header.DefectNUL:            "a NUL byte in a header field",
	header.DefectBareCR:         "a CR within a header line, which some programs take for its end",
	header.DefectTooManyBytes:   "the header does not end within the limit; what comes after is taken for content",
	header.DefectTooManyFields:  "more header fields than the limit; the others are passed over",
	header.DefectTooManyDefects: "more defects than are kept",
	header.DefectParameters:     "parameters that are not as they should be; what can be read of them counts",
	header.DefectTooManyParams:  "more parameters than the limit, or longer ones; the rest is not read",
	header.DefectCharset:        "a charset that is not known, or bytes that it does not have; U+FFFD stands for them",
	header.DefectGuessed:        "bytes beyond ASCII without a usable charset; UTF-8 or windows-1252 was taken",
	header.DefectEncodedWord:    "an encoded word that is damaged; what can be read of it counts",
	header.DefectTooManyWords:   "more encoded words in a value than the limit; the rest stays as it is written",
	header.DefectDate:           "a date that cannot be determined",
	header.DefectAddresses:      "an address list that may name more than was found",

	mime.DefectNoBoundary:       "a multipart without a usable boundary; it is taken for one piece",
	mime.DefectBoundaryMissing:  "a multipart in which its boundary does not occur; it is taken for one piece",
	mime.DefectUnterminated:     "a multipart without its closing boundary",
	mime.DefectBoundaryRepeated: "a multipart with the boundary of one around it, or one that only -- tells from it",
	mime.DefectBoundaryLike:     "a line that other programs may take for a boundary: parts that they show may be missing here",
	mime.DefectContentType:      "a Content-Type that cannot be read; the default counts",
	mime.DefectRepeatedField:    "a Content- field that is there again with another value; the first counts",
	mime.DefectMultipartEncoded: "a transfer encoding on a multipart, where none is allowed; it is passed over",
	mime.DefectUnknownEncoding:  "a transfer encoding that is not known; the content is taken as it is",
	mime.DefectBase64:           "bytes in base64 that do not belong there; they are passed over",
	mime.DefectBase64Padding:    "base64 that goes on after its padding; what comes after it is not decoded",
	mime.DefectBase64Cut:        "base64 that ends too early; whole bytes count",
	mime.DefectQuotedPrintable:  "an equals sign in quoted-printable that begins nothing; it stays",
	mime.DefectUUEncode:         "uuencoded or yEnc text that is damaged or ends too early",
	mime.DefectNotOpened:        "content that could not be looked into: TNEF that cannot be read whole, S/MIME around a message, or more than the limit",
	mime.DefectTooDeep:          "parts in one another deeper than the limit; the innermost is taken for one piece",
	mime.DefectTooManyParts:     "more parts than the limit; the rest is not taken apart",
	mime.DefectTooManyHeaders:   "more bytes in headers of parts than the limit; the other headers count as empty",
	mime.DefectTooManyFiles:     "more files inside content than the limit; the others are not listed",

	mail.DefectCut: "values too long for an index, which were left out or cut; the message has them",
}
