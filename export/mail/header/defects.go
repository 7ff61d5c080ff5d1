package header

import "slices"

// The names of defects of values.
const (
	DefectParameters    = "parameters"             // parameters that are not as RFC 2045 or RFC 2231 has them; what can be read of them counts
	DefectTooManyParams = "too-many-parameters"    // more than limits.Parameters, or a value of more than limits.ParameterBytes; the rest is not read
	DefectCharset       = "charset"                // a charset that is not known, or bytes that their charset, or UTF-8 where none is stated, does not have: U+FFFD stands for them
	DefectGuessed       = "charset-guessed"        // bytes beyond ASCII of a charset that is not stated, not known or ASCII: UTF-8 counts where they are, otherwise windows-1252
	DefectEncodedWord   = "encoded-word"           // an encoded word (RFC 2047) whose base64 or Q encoding is damaged; what can be read of it counts
	DefectTooManyWords  = "too-many-encoded-words" // more than limits.EncodedWords in one value; the rest stays as it is written
	DefectDate          = "date"                   // a Date that cannot be determined
	DefectAddresses     = "addresses"              // an address list that may name more than was found
)

// found is a list of names of defects, each once, in the order in which they
// were seen.
type found []string

func (f *found) add(names ...string) {
	for _, name := range names {
		if !slices.Contains(*f, name) {
			*f = append(*f, name)
		}
	}
}
