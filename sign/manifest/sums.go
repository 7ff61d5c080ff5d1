package manifest

import (
	"bytes"
	"fmt"
	"strings"

	"exhibit/sign"
)

const sumsHeader = "# exhibit/sha256sums/v1 "

// Sums is what SHA256SUMS says: the package and its volumes, then README.txt.
type Sums struct {
	Package sign.ID
	Entries []Sum
}

// A Sum is one line of SHA256SUMS.
type Sum struct {
	Name   string
	SHA256 sign.Digest
}

// SHA256SUMS returns the text of SHA256SUMS (FORMAT section 11). Only the
// volumes and README.txt among m.Objects are read.
func (m *Manifest) SHA256SUMS() []byte {
	s := Sums{Package: m.Package}
	for _, o := range m.Objects {
		if o.Role == Volume || o.Role == Readme {
			s.Entries = append(s.Entries, Sum{o.Name, o.SHA256})
		}
	}
	return s.Marshal()
}

// Marshal returns the text of SHA256SUMS.
func (s *Sums) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s\n", sumsHeader, s.Package)
	for _, e := range s.Entries {
		fmt.Fprintf(&b, "%s  %s\n", e.SHA256, e.Name)
	}
	return b.Bytes()
}

// ParseSums reads a SHA256SUMS: volumes from 1 without a gap, of one ending,
// then README.txt, in the form that Marshal writes. Errors are
// *sign.LimitError, or wrap sign.ErrNotCanonical.
func ParseSums(data []byte) (*Sums, error) {
	if len(data) > MaxSmall {
		return nil, &sign.LimitError{What: SumsName, Limit: MaxSmall}
	}
	lines := strings.Split(string(data), "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" || !strings.HasPrefix(lines[0], sumsHeader) {
		return nil, fmt.Errorf("%s: %w", SumsName, sign.ErrNotCanonical)
	}
	id, err := sign.ParseID(lines[0][len(sumsHeader):])
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", SumsName, sign.ErrNotCanonical, err)
	}
	entries := lines[1 : len(lines)-1]
	if len(entries) > MaxObjects {
		return nil, &sign.LimitError{What: SumsName + " lines", Limit: MaxObjects}
	}
	s := &Sums{Package: id}
	var ext Ext
	for i, line := range entries {
		digest, name, ok := strings.Cut(line, "  ")
		d, err := sign.ParseDigest(digest)
		if !ok || err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", SumsName, i+2, sign.ErrNotCanonical)
		}
		if i == len(entries)-1 {
			ok = name == ReadmeName
		} else {
			v, err := ParseVolumeName(name)
			if i == 0 {
				ext = v.Ext
			}
			ok = err == nil && v.Number == i+1 && v.Ext == ext
		}
		if !ok {
			return nil, fmt.Errorf("%s: line %d: name %.80q: %w", SumsName, i+2, name, sign.ErrNotCanonical)
		}
		s.Entries = append(s.Entries, Sum{name, d})
	}
	return s, nil
}
