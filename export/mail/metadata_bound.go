package mail

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
	"exhibit/export/mail/mime"
)

// Bounds of [Metadata], in bytes of JSON, beside maxMetadata. An item record has
// to stay below sign.MaxLine with all that it holds besides.
const (
	// maxLabels bounds its labels: a load file repeats them for each attachment.
	maxLabels = 16 << 10
	// maxParts bounds the parts and the defects of a message.
	maxParts = 512 << 10
	// maxCarried bounds what is taken from the header of a message that a part
	// carries.
	maxCarried = 32 << 10
	// maxPartText bounds a text of a part or a file.
	maxPartText = 4 << 10

	// maxElements bounds the elements that are taken of a list: more than the
	// bounds on bytes leave of it, so that it is always cut where it had more.
	maxElements = maxMetadata/elementBytes + 1

	// elementBytes is what an element of a list takes besides its texts; likewise a
	// part, its size and digests, each of its members that may be absent, a file,
	// and the fields of a message.
	elementBytes = 24
	partBytes    = 140
	digestBytes  = 170
	memberBytes  = 36
	fileBytes    = 200
	fieldsBytes  = 512
	// maxDefectBytes is what the defects take: each has a name and the number of a
	// part.
	maxDefectBytes = limits.Defects * (80 + 4*limits.Depth)
)

// bound cuts what is too long. The identifiers come first, so that a long list
// takes nothing from them.
func (f *Fields) bound(b *budget) {
	total := b.left
	b.left -= fieldsBytes
	for _, s := range []*string{&f.MessageID, &f.Date, &f.Subject, &f.ListID} {
		*s = b.text(*s, total/8)
	}
	for _, list := range []*[]header.Address{&f.From, &f.Sender, &f.ReplyTo, &f.To, &f.Cc, &f.Bcc} {
		*list = bounded(b, elementBytes, *list, func(a header.Address) header.Address {
			return header.Address{Name: b.text(a.Name, total/64), Addr: b.text(a.Addr, total/64)}
		})
	}
	for _, list := range []*[]string{&f.InReplyTo, &f.References, &f.Keywords, &f.AuthenticationResults} {
		*list = bounded(b, elementBytes, *list, func(s string) string { return b.text(s, total/64) })
	}
}

// boundLabels returns the labels as far as they are kept.
func (d *describer) boundLabels(b *budget) []string {
	own := budget{left: min(b.left, maxLabels)}
	list := bounded(&own, elementBytes, d.labels, func(s string) string { return own.text(s, maxLabels/16) })
	b.cut = b.cut || own.cut
	return list
}

// budget is how many bytes of JSON may still be written.
type budget struct {
	left int
	cut  bool
}

// text returns s, or as much of it as most and what is left allow.
func (b *budget) text(s string, most int) string {
	most = max(min(most, b.left), 0)
	used := 0
	for i, c := range s {
		n := utf8.RuneLen(c)
		if c < ' ' || c == '"' || c == '\\' {
			n = len(`\u0000`)
		}
		if used+n > most {
			b.cut, b.left = true, b.left-used
			return s[:i]
		}
		used += n
	}
	b.left -= used
	return s
}

// bounded cuts the elements of a list, each of which takes so many bytes besides
// its texts, and the list where nothing is left.
func bounded[T any](b *budget, each int, list []T, cut func(T) T) []T {
	for i := range list {
		if b.left < 2*each {
			b.cut = true
			return list[:i]
		}
		b.left -= each
		list[i] = cut(list[i])
	}
	return list
}

// sortDefects puts defects in the order of their parts, then of their offsets.
func sortDefects(list []mime.Defect, order map[string]int) {
	slices.SortStableFunc(list, func(x, y mime.Defect) int {
		return cmp.Or(cmp.Compare(order[x.Part], order[y.Part]), cmp.Compare(x.Offset, y.Offset))
	})
}
