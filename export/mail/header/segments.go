package header

import (
	"slices"
	"strings"
)

// paramSet gathers the parameters of one field as they are written, by name.
type paramSet struct {
	list    []spelling     // in the order in which their names were first seen
	places  map[string]int // of the names in list, when they are many
	defects found
}

// spelling is how a parameter is written (RFC 2231): at once, at once with
// charset and language, or in segments, or in several of these ways.
type spelling struct {
	name                  string
	plain, extended       string
	hasPlain, hasExtended bool
	segments              []segment
}

// marked reports whether the parameter is written with marks of RFC 2231.
func (w *spelling) marked() bool { return w.hasExtended || len(w.segments) > 0 }

// segment is a part of a value (RFC 2231, section 3).
type segment struct {
	index    int
	extended bool // in percent encoding (section 4)
	value    string
}

// add takes a parameter as it is written, its name in lower case.
func (s *paramSet) add(name, value string) {
	base, index, extended := splitName(name)
	w := s.of(base)
	switch {
	case index >= 0:
		w.segments = append(w.segments, segment{index, extended, value})
	case extended && w.hasExtended || !extended && w.hasPlain:
		s.defects.add(DefectParameters) // the first counts
	case extended:
		w.extended, w.hasExtended = value, true
	default:
		w.plain, w.hasPlain = value, true
	}
}

// fewParams is how many names are compared one by one.
const fewParams = 16

// of returns how the parameter of a name is written, as far as it is known.
func (s *paramSet) of(name string) *spelling {
	if i := s.place(name); i >= 0 {
		return &s.list[i]
	}
	if s.list == nil {
		s.list = make([]spelling, 0, 2)
	}
	s.list = append(s.list, spelling{name: name})
	switch n := len(s.list); {
	case n > fewParams+1:
		s.places[name] = n - 1
	case n == fewParams+1:
		s.places = make(map[string]int, 2*n)
		for i := range s.list {
			s.places[s.list[i].name] = i
		}
	}
	return &s.list[len(s.list)-1]
}

// place returns where in the list a name is, or -1.
func (s *paramSet) place(name string) int {
	if s.places != nil {
		if i, ok := s.places[name]; ok {
			return i
		}
		return -1
	}
	for i := range s.list {
		if s.list[i].name == name {
			return i
		}
	}
	return -1
}

// splitName takes the marks of RFC 2231 off a name: `name*`, `name*0`, `name*0*`.
// Without a number, index is -1. Other asterisks belong to the name.
func splitName(name string) (base string, index int, extended bool) {
	base, extended = strings.CutSuffix(name, "*")
	if star := strings.LastIndexByte(base, '*'); star > 0 {
		if n, rest, ok := leadingInt(base[star+1:], 6); ok && rest == "" {
			return base[:star], n, extended
		}
	}
	if base == "" || strings.IndexByte(base, '*') >= 0 {
		return name, -1, false
	}
	return base, -1, extended
}

// join returns the parameters decoded.
func (s *paramSet) join() []Param {
	if len(s.list) == 0 {
		return nil
	}
	params := make([]Param, 0, len(s.list))
	for i := range s.list {
		w := &s.list[i]
		v := valueReader{bytes: w.name == "boundary"}
		var value string
		switch {
		case w.hasExtended:
			value = v.extended([]segment{{0, true, w.extended}})
		case len(w.segments) > 0:
			value = v.extended(v.inOrder(w.segments))
		}
		if w.hasPlain && (!w.marked() || slices.Contains(v.defects, DefectCharset)) {
			value = v.plain(w.plain)
		}
		params = append(params, Param{Name: w.name, Value: value})
		s.defects.add(v.defects...)
	}
	return params
}

// valueReader decodes one value.
type valueReader struct {
	bytes   bool // no charset is applied, and no encoded word decoded
	defects found
}

// plain decodes a value without marks, which may have encoded words, though RFC
// 2047 section 5 does not allow them there.
func (v *valueReader) plain(s string) string {
	if v.bytes {
		return s
	}
	text, defects := decodeText(s, true)
	v.defects.add(defects...)
	return text
}

// inOrder sorts segments. Of the same number the first counts; a number that is
// missing is passed over.
func (v *valueReader) inOrder(segments []segment) []segment {
	slices.SortStableFunc(segments, func(a, b segment) int { return a.index - b.index })
	all := len(segments)
	segments = slices.CompactFunc(segments, func(a, b segment) bool { return a.index == b.index })
	if len(segments) != all || segments[0].index != 0 || segments[len(segments)-1].index != len(segments)-1 {
		v.defects.add(DefectParameters)
	}
	return segments
}

// extended joins segments. Rows of those in percent encoding are converted from
// the charset that the first states.
func (v *valueReader) extended(segments []segment) string {
	if !slices.ContainsFunc(segments, func(s segment) bool { return s.extended }) {
		return v.plain(joined(segments))
	}
	var charset string
	if first := &segments[0]; first.extended {
		stated, value, ok := cutCharset(first.value)
		if !ok {
			v.defects.add(DefectParameters)
		}
		charset, first.value = stated, value
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' { // quotes around the value alone
			v.defects.add(DefectParameters)
			first.value = unescape(value[1 : n-1])
		}
	}
	var out strings.Builder
	for len(segments) > 0 {
		n := 1
		for n < len(segments) && segments[n].extended == segments[0].extended {
			n++
		}
		text := joined(segments[:n])
		if segments[0].extended {
			text = v.percent(text, charset)
		} else {
			text = v.plain(text)
		}
		out.WriteString(text)
		segments = segments[n:]
	}
	return out.String()
}

func joined(segments []segment) string {
	var out strings.Builder
	for _, s := range segments {
		out.WriteString(s.value)
	}
	return out.String()
}

// cutCharset cuts charset and language off an extended value (RFC 2231, section
// 4), if both of their apostrophes are there.
func cutCharset(s string) (charset, value string, ok bool) {
	charset, rest, ok1 := strings.Cut(s[:min(len(s), 2*maxCharsetBytes)], "'")
	language, _, ok2 := strings.Cut(rest, "'")
	if !ok1 || !ok2 || strings.ContainsAny(charset+language, " \t\"%;=") {
		return "", s, false
	}
	return strings.ToLower(charset), s[len(charset)+1+len(language)+1:], true
}

// percent undoes percent encoding, in which a percent sign stays as it is that
// begins no octet, and converts the bytes.
func (v *valueReader) percent(s, charset string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		octet, ok := hexOctet(s[i+1:])
		if !ok {
			v.defects.add(DefectParameters)
			out = append(out, '%')
			continue
		}
		out = append(out, octet)
		i += 2
	}
	switch {
	case v.bytes:
		return string(out)
	case charset == "": // or encoded words instead
		return v.plain(string(out))
	}
	c := converter{guess: true}
	text := c.convert(charset, out)
	v.defects.add(c.defects...)
	return text
}

// lenientWordAt is cutWordLeniently for any s.
func lenientWordAt(s string) (w encodedWord, n int, ok bool) {
	if !strings.HasPrefix(s, "=?") {
		return w, 0, false
	}
	return cutWordLeniently(s)
}
