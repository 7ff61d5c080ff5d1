package mail

import (
	"iter"
	"slices"
	"strings"

	"exhibit/export/mail/header"
)

// AllLabels returns the labels of an item, each once: the folders that it lay in,
// then those that its metadata tells of.
func (it Item) AllLabels(m Metadata) []string {
	labels := slices.Clone(it.Labels)
	for _, l := range m.Labels {
		if !slices.Contains(labels, l) {
			labels = append(labels, l)
		}
	}
	return labels
}

// gmailLabels returns the labels that Gmail writes into exported messages, above
// all that another server added, each once. The field is a list with commas
// between; the whole of it, or pieces, may
// be encoded words, which need not begin and end where labels do. So it is
// decoded first, and split then; a label with a comma stands in double quotes.
func (v values) gmailLabels() []string {
	var labels []string
	seen := map[string]bool{}
	p := *v.p
	p.Header = above(p.Header)
	values{v.d, &p}.each("X-Gmail-Labels", func(f *header.Field) {
		for l := range splitQuoted(v.decoded(f)) {
			if !seen[l] && len(labels) < maxElements {
				seen[l] = true
				labels = append(labels, l)
			}
		}
	})
	return labels
}

// keywords returns what Keywords (RFC 5322, section 3.6.5: commas between),
// X-Keywords (of UW-IMAP and Dovecot) and X-Mozilla-Keys (of Thunderbird; both
// with blanks between) hold, each once.
func (v values) keywords() []string {
	var words []string
	seen := map[string]bool{}
	add := func(list iter.Seq[string]) {
		for w := range list {
			if !seen[w] && len(words) < maxElements {
				seen[w] = true
				words = append(words, w)
			}
		}
	}
	for _, name := range []string{"Keywords", "X-Keywords", "X-Mozilla-Keys"} {
		v.each(name, func(f *header.Field) {
			if name == "Keywords" {
				add(splitQuoted(v.decoded(f)))
			} else {
				add(strings.FieldsSeq(v.decoded(f)))
			}
		})
	}
	return words
}

// splitQuoted splits at commas outside of double quotes, and gives what is not
// empty, without quotes and white space around it. A quote counts only where an
// element begins, and if another ends it; within, a backslash or a quote before
// a quote stands for it.
func splitQuoted(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			s = strings.TrimLeft(s, " \t,")
			if s == "" {
				return
			}
			element, rest, ok := cutQuoted(s)
			if !ok {
				element, rest, _ = strings.Cut(s, ",")
			}
			if element = strings.TrimSpace(element); element != "" && !yield(element) {
				return
			}
			s = rest
		}
	}
}

// cutQuoted reads the quoted element that s begins with, and what follows it up
// to the next comma.
func cutQuoted(s string) (element, rest string, ok bool) {
	if s[0] != '"' {
		return "", "", false
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		quote := i+1 < len(s) && s[i+1] == '"'
		switch {
		case s[i] == '\\' && (quote || i+1 < len(s) && s[i+1] == '\\'), s[i] == '"' && quote:
			i++
			out.WriteByte(s[i])
		case s[i] == '"':
			after, rest, _ := strings.Cut(s[i+1:], ",")
			return out.String() + after, rest, true
		default:
			out.WriteByte(s[i])
		}
	}
	return "", "", false
}
