package mime

import (
	"cmp"
	"slices"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

// parser holds what the reading of one message needs.
type parser struct {
	opt Options
	out *Message

	fields      int   // of all headers so far
	headerBytes int64 // likewise
	noHeaders   bool  // further headers are passed over, which was recorded
	full        bool  // further parts are passed over, which was recorded
	opened      int64 // decoded bytes that were looked into
	files       int

	buf    []byte // for pieces of the input, allocated when there is a reader
	window int    // how much of the input is read at a time, at least
}

func parse(in *input, opt Options) (*Message, error) {
	return parseWindow(in, opt, bufferBytes)
}

// parseWindow is parse with windows of that many bytes in which the parts of a
// message from a reader are looked for. It does not change the result.
func parseWindow(in *input, opt Options, window int) (*Message, error) {
	p := &parser{opt: opt, out: &Message{}, window: window}
	if in.r != nil {
		p.buf = make([]byte, bufferBytes)
	}
	p.out.Root = p.structure(in, "1", 1, false)
	if in.err == nil {
		p.content(in, p.out.Root)
	}
	if in.err != nil {
		return nil, in.err
	}
	p.sortDefects()
	return p.out, nil
}

// bufferBytes is how much of a message is read at a time.
const bufferBytes = 1 << 20

// defect records something odd at an offset in the part's source.
func (p *parser) defect(part *Part, name string, at int64) {
	switch n := len(p.out.Defects); {
	case n < limits.Defects-1:
		p.out.Defects = append(p.out.Defects, Defect{Name: name, Part: part.Number, Offset: at})
	case n == limits.Defects-1:
		p.out.Defects = append(p.out.Defects, Defect{Name: header.DefectTooManyDefects, Part: part.Number, Offset: at})
	}
}

// defectOnce is defect, unless the part has that one at the offset.
func (p *parser) defectOnce(part *Part, name string, at int64) {
	if !slices.Contains(p.out.Defects, Defect{Name: name, Part: part.Number, Offset: at}) {
		p.defect(part, name, at)
	}
}

// sortDefects puts the defects in the order of the parts, then of their offsets.
func (p *parser) sortDefects() {
	if len(p.out.Defects) < 2 {
		return
	}
	at := map[string]int{}
	p.out.Root.Walk(func(part *Part) bool {
		at[part.Number] = len(at)
		return true
	})
	slices.SortStableFunc(p.out.Defects, func(a, b Defect) int {
		return cmp.Or(cmp.Compare(at[a.Part], at[b.Part]), cmp.Compare(a.Offset, b.Offset))
	})
}
