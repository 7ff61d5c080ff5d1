package mime

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"exhibit/export/mail/limits"
	"exhibit/export/mail/tnef"
	"exhibit/export/mail/transfer"
)

// opening is the decoded content of a leaf that is looked into again: a nested
// message that has a transfer encoding, or TNEF.
type opening struct {
	wanted  bool
	data    []byte
	copying bool // data is gathered piece by piece
	over    bool // there is more than may be opened
}

// openable prepares the opening of a leaf, if it is one to be opened and there
// is room for it.
func (r *reader) openable(in *input, l *leaf) {
	message := carriesMessage(l.Type) && l.decoder != nil
	if l.open.wanted = message || isTNEF(l.Part); !l.open.wanted {
		return
	}
	if message && (l.depth >= limits.Depth || r.p.out.Parts >= limits.Parts) {
		l.open.over = true
		return
	}
	length, left := l.End-l.Body, limits.OpenedBytes-r.p.opened
	if l.decoder == nil && in.r == nil {
		if l.open.over = length > left; !l.open.over {
			l.open.data = in.raw[l.Body:l.End]
		}
		return
	}
	l.open.copying = true
	if room := min(mostDecoded(l.Encoding, length), left); int64(cap(r.opened)) < room {
		r.opened = make([]byte, 0, room)
	}
	l.open.data = r.opened[:0]
}

// mostDecoded returns how many bytes length encoded ones are decoded to at most,
// but for the last few.
func mostDecoded(encoding string, length int64) int64 {
	if encoding == transfer.NameBase64 {
		return length / 4 * 3
	}
	return length
}

// copy gathers a piece of what is to be opened.
func (r *reader) copy(l *leaf, piece []byte) {
	o := &l.open
	if !o.copying || o.over {
		return
	}
	if int64(len(o.data)+len(piece)) > limits.OpenedBytes-r.p.opened {
		o.over = true
		return
	}
	o.data = append(o.data, piece...)
}

// look looks into a leaf that is to be opened.
func (r *reader) look(l *leaf) {
	o := &l.open
	switch {
	case !o.wanted:
	case o.over:
		r.p.defect(l.Part, DefectNotOpened, l.Body)
	case isTNEF(l.Part):
		r.p.opened += int64(len(o.data))
		r.tnef(l)
		if o.copying {
			r.opened = o.data[:0]
		}
	default:
		r.p.opened += int64(len(o.data))
		data := r.keep(o)
		inner := &input{raw: data, size: int64(len(data))}
		l.Message = r.p.structure(inner, l.Number+".1", l.depth+1, true)
		r.tree(inner, l.Message)
	}
}

// keep returns the data of a message, which shares memory with it, without much
// room behind it: what encoded bytes decode to may be little.
func (r *reader) keep(o *opening) []byte {
	if len(o.data) < cap(o.data)/8*7 {
		r.opened = o.data[:0]
		return bytes.Clone(o.data)
	}
	r.opened = nil
	return o.data
}

// isTNEF reports whether a part says that it is TNEF: by its registered type, by
// the one that is used, or by the name that Outlook gives it.
func isTNEF(part *Part) bool {
	return isTNEFType(part.Type) || strings.EqualFold(part.Name, "winmail.dat")
}

func isTNEFType(typ string) bool {
	return typ == "application/ms-tnef" || typ == "application/vnd.ms-tnef"
}

// tnef adds the files in a TNEF stream. What is only named as one, and is none,
// has no files.
func (r *reader) tnef(l *leaf) {
	message, err := tnef.Read(l.open.data)
	if err != nil && (isTNEFType(l.Type) || !errors.Is(err, tnef.ErrSignature)) {
		r.p.defect(l.Part, DefectNotOpened, l.Body)
	}
	if err == nil && hidden(message.Faults) {
		r.p.defect(l.Part, DefectNotOpened, l.Body)
	}
	r.files.p = r.p
	r.files.of(l.Part)
	for _, file := range message.Files {
		r.files.begin(OriginTNEF, file.Name, l.Body)
		r.files.write(file.Data)
		r.files.end()
	}
}

// hidden reports whether there is a content that was passed over for another.
func hidden(faults []tnef.Fault) bool {
	return slices.ContainsFunc(faults, func(f tnef.Fault) bool { return f.Kind == tnef.FaultRepeated })
}
