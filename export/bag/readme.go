package bag

import (
	_ "embed"
	"strings"
	"text/template"

	"exhibit/sign"
)

// Readme is what README.txt says of one package. It lies outside of the
// encryption, so it holds nothing that the manifest does not.
type Readme struct {
	Package    sign.ID
	Signer     string       // OpenPGP fingerprint
	Kind       sign.KeyKind // of the recipients
	Recipients []string     // their fingerprints
}

//go:embed readme.txt.tmpl
var readmeText string

var readmeTemplate = template.Must(template.New("README.txt").Funcs(template.FuncMap{
	"grouped": grouped,
}).Parse(readmeText))

// MarshalReadme returns README.txt: how to verify and open the package with
// gpgv, sha256sum, age or gpg, zstd and tar. Every command stands on a line that
// begins with four blanks, no other line does; together they are a script for
// `sh -eu`, and each stops by itself where it is given by hand.
func MarshalReadme(r Readme) ([]byte, error) {
	if !r.Kind.Valid() {
		return nil, invalid("key kind %s", quote(string(r.Kind)))
	}
	if err := sign.CheckSigner("signer", r.Signer); err != nil {
		return nil, err
	}
	for _, fp := range r.Recipients {
		if err := r.Kind.CheckFingerprint("recipients", fp); err != nil {
			return nil, err
		}
	}
	var b strings.Builder
	err := readmeTemplate.Execute(&b, r)
	return []byte(b.String()), err
}

// grouped writes a fingerprint in groups of four, for reading aloud.
func grouped(fingerprint string) string {
	var b strings.Builder
	for i, c := range fingerprint {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}
