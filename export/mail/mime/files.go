package mime

import (
	"encoding/base64"
	"unicode/utf8"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
	"exhibit/export/mail/transfer"
)

// files adds the files that are found in a part to it. It is the
// [transfer.Sink] of a finder in its text.
type files struct {
	p       *parser
	part    *Part
	exact   bool // offsets in the text are offsets in the source
	digests digests
	open    *File // nil when the file is not kept
	at      int64
}

// of makes ready for the files of a part.
func (f *files) of(part *Part) {
	f.part, f.exact, f.open = part, isIdentity(part.Encoding), nil
}

// begin begins a file that lies at an offset of the part's source.
func (f *files) begin(origin, name string, at int64) {
	f.open, f.at = nil, at
	if f.p.files >= limits.Files {
		if f.p.files == limits.Files {
			f.p.files++
			f.p.defect(f.part, DefectTooManyFiles, at)
		}
		return
	}
	f.p.files++
	f.part.Files = append(f.part.Files, File{Name: name, Origin: origin})
	f.open = &f.part.Files[len(f.part.Files)-1]
	if !f.p.opt.NoHash {
		f.digests.begin(0)
	}
}

// write adds to the content of the file.
func (f *files) write(data []byte) {
	if f.open == nil {
		return
	}
	f.open.Size += int64(len(data))
	for !f.p.opt.NoHash && len(data) > 0 {
		n := min(pieceBytes, len(data))
		f.digests.write(data[:n])
		data = data[n:]
	}
}

// end ends the file.
func (f *files) end() {
	if f.open != nil && !f.p.opt.NoHash {
		f.digests.finish(&f.open.SHA256, &f.open.MD5)
	}
	f.open = nil
}

// Begin implements transfer.Sink. In a text with a transfer encoding the offset
// is that of its beginning.
func (f *files) Begin(encoding, name string, at int64) {
	origin := OriginUU
	if encoding == transfer.NameYEnc {
		origin = OriginYEnc
	}
	if !f.exact {
		at = 0
	}
	name, odd := f.text(name)
	for _, defect := range odd {
		f.p.defect(f.part, defect, f.part.Body+at)
	}
	f.begin(origin, name, f.part.Body+at)
}

// text returns a name that stands in a text as UTF-8: as it is, or converted from
// the charset of the text, and what is odd in it.
func (f *files) text(name string) (string, []string) {
	if charset := f.part.Charset; charset != "" && !utf8.ValidString(name) {
		name = "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?="
	}
	return header.DecodeText(name)
}

// Data implements transfer.Sink.
func (f *files) Data(data []byte) { f.write(data) }

// End implements transfer.Sink.
func (f *files) End(damaged bool) {
	if damaged && f.open != nil {
		f.p.defect(f.part, DefectUUEncode, f.at)
	}
	f.end()
}
