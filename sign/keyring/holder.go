package keyring

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// foldHolder gives names one form that differ only in letter case, white space,
// compatibility forms or characters that nobody sees (Unicode, UAX #15 NFKC and full
// case folding), so that no person becomes two by a slip of the hand. Letters of other
// scripts that look alike stay different.
func foldHolder(name string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	return strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(seen))), " ")
}
