package bag

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Info is bag-info.txt (RFC 8493, section 2.2.2).
type Info struct {
	Organization string // Source-Organization: the provider
	Package      string // External-Identifier: the package id
	Date         string // Bagging-Date: YYYY-MM-DD
	Octets       int64  // Payload-Oxum: bytes below data/ …
	Files        int64  // … and files
	Agent        string // Bag-Software-Agent
}

const infoText = "Source-Organization: %s\nExternal-Identifier: %s\nBagging-Date: %s\nPayload-Oxum: %d.%d\nBag-Software-Agent: %s\n"

// Marshal returns the text: the five elements in this order, a line each.
// A value that is empty, or holds a control character or white space at an end,
// is refused.
func (i Info) Marshal() ([]byte, error) {
	for _, v := range []string{i.Organization, i.Package, i.Date, i.Agent} {
		if v == "" || strings.TrimSpace(v) != v || strings.ContainsFunc(v, unicode.IsControl) {
			return nil, invalid("value %s in %s", quote(v), InfoFile)
		}
	}
	if _, err := time.Parse(time.DateOnly, i.Date); err != nil || i.Octets < 0 || i.Files < 0 {
		return nil, invalid("date %s or Payload-Oxum %d.%d in %s", quote(i.Date), i.Octets, i.Files, InfoFile)
	}
	b := fmt.Appendf(nil, infoText, i.Organization, i.Package, i.Date, i.Octets, i.Files, i.Agent)
	if len(b) > MaxInfoBytes {
		return nil, invalid("%s of %d bytes", InfoFile, len(b))
	}
	return b, nil
}

// ParseInfo is the inverse of Marshal, and refuses all that it does not write.
func ParseInfo(data []byte) (Info, error) {
	var i Info
	if len(data) > MaxInfoBytes {
		return i, invalid("%s of %d bytes", InfoFile, len(data))
	}
	lines := strings.Split(string(data), "\n")
	names := []string{"Source-Organization", "External-Identifier", "Bagging-Date", "Payload-Oxum", "Bag-Software-Agent"}
	if len(lines) != len(names)+1 {
		return i, invalid("%s of %d lines", InfoFile, len(lines))
	}
	var values [5]string
	for k, name := range names {
		v, ok := strings.CutPrefix(lines[k], name+": ")
		if !ok {
			return i, invalid("%s without %s", InfoFile, name)
		}
		values[k] = v
	}
	octets, files, _ := strings.Cut(values[3], ".")
	n, ok1 := digits(octets)
	f, ok2 := digits(files)
	i = Info{values[0], values[1], values[2], n, f, values[4]}
	again, err := i.Marshal()
	if err != nil || !ok1 || !ok2 || string(again) != string(data) {
		return Info{}, invalid("%s is not canonical", InfoFile)
	}
	return i, nil
}
