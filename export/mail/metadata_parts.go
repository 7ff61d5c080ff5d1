package mail

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
	"exhibit/export/mail/mime"
)

// Part is a part of a message (FORMAT.md section 6.3), as package mime finds it.
type Part struct {
	Number      string `json:"part"` // the place in the tree, from `1`
	Type        string `json:"type,omitempty"`
	Charset     string `json:"charset,omitempty"`
	Disposition string `json:"disposition,omitempty"`
	Name        string `json:"name,omitempty"` // as the sender writes it: never a path to be used
	ContentID   string `json:"content_id,omitempty"`
	Encoding    string `json:"encoding,omitempty"` // empty for 7bit
	Crypto      string `json:"crypto,omitempty"`
	// Attachment says that the part is a document of its own: one that carries a
	// message, or a leaf that has a name, is declared an attachment, or is neither
	// plain text nor HTML.
	Attachment bool `json:"attachment,omitzero"`
	// Inner says that the offsets count in the decoded content of the nearest part
	// above that has a transfer encoding; otherwise in the item.
	Inner  bool  `json:"inner,omitzero"`
	Offset int64 `json:"offset"` // of the header
	Body   int64 `json:"body"`   // of the content
	Length int64 `json:"length"` // of the content as it is encoded, in bytes

	// Size is that of the decoded content, in bytes, and the digests, in lower-case
	// hexadecimal, are of these bytes: of leaves, and of messages that are carried.
	Size   *int64 `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	MD5    string `json:"md5,omitempty"`

	Message *Fields    `json:"message,omitzero"` // of the message that the part carries
	Files   []PartFile `json:"files,omitempty"`  // inside the content of a leaf
}

// PartFile is a file inside the content of a part that is no part itself.
type PartFile struct {
	Name   string `json:"name,omitempty"`
	Origin string `json:"origin"` // as in [mime.File]
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256,omitempty"`
	MD5    string `json:"md5,omitempty"`
}

// hashedDepth is in how many messages a message may be carried to be hashed, when
// nothing but its place in the outermost one tells its bytes. So no byte is hashed
// more often.
const hashedDepth = 4

// parts lists the parts as far as maxParts allows.
func (d *describer) parts() []Part {
	b := budget{left: maxParts - maxDefectBytes}
	var list []Part
	d.walk(&b, &list, d.m.Root, 0)
	d.cut = d.cut || b.cut
	return list
}

// walk lists p and what is below it. carried is how many messages it lies in,
// besides the outermost one. It returns false when there is no room left.
func (d *describer) walk(b *budget, list *[]Part, p *mime.Part, carried int) bool {
	if b.left < 2*costOf(p) {
		b.cut = true
		return false
	}
	*list = append(*list, d.part(b, p, carried))
	if p.Message != nil {
		carried++
	}
	for _, child := range p.Children() {
		if !d.walk(b, list, child, carried) {
			return false
		}
	}
	return true
}

// part describes one part.
func (d *describer) part(b *budget, p *mime.Part, carried int) Part {
	b.left -= costOf(p)
	out := Part{
		Number: p.Number, Type: b.text(p.Type, maxPartText), Charset: b.text(p.Charset, maxPartText),
		Disposition: b.text(p.Disposition, maxPartText), Name: b.text(p.Name, maxPartText), ContentID: b.text(p.ContentID, maxPartText),
		Encoding: p.Encoding, Crypto: p.Crypto, Attachment: isAttachment(p), Inner: p.Inner,
		Offset: d.offset(p, p.Begin), Body: d.offset(p, p.Body), Length: p.End - p.Body,
	}
	if p.Encoding == "7bit" {
		out.Encoding = ""
	}
	out.digest(d, p, carried)
	if p.Message != nil {
		f := d.fields(p.Message)
		own := budget{left: min(b.left/2, maxCarried)}
		b.left -= own.left
		f.bound(&own)
		b.left, b.cut = b.left+own.left, b.cut || own.cut
		out.Message = &f
	}
	out.Files = bounded(b, fileBytes, filesOf(p.Files), func(f PartFile) PartFile {
		f.Name = b.text(f.Name, maxPartText)
		return f
	})
	return out
}

// costOf is what a part takes besides its texts.
func costOf(p *mime.Part) int {
	n := partBytes + len(p.Number)
	if p.Leaf() || p.Message != nil {
		n += digestBytes
	}
	for _, s := range []string{p.Charset, p.Disposition, p.Name, p.ContentID, p.Encoding, p.Crypto} {
		if s != "" {
			n += memberBytes
		}
	}
	return n
}

// digest sets what is known of the decoded content of a leaf, or of a part that
// carries a message.
func (out *Part) digest(d *describer, p *mime.Part, carried int) {
	size, sum, short := p.Size, p.SHA256, p.MD5
	switch {
	case p.Leaf():
	case p.Message == nil:
		return
	case p.Message.Inner == p.Inner && !p.Encoded(): // its bytes lie there as they are
		size = p.End - p.Body
		if sum == [32]byte{} && d.r != nil && !p.Inner && carried < hashedDepth {
			sum, short = hashSpan(d.r, p.Body, size)
		}
	}
	out.Size = &size
	out.SHA256, out.MD5 = digests(sum, short)
}

// digests returns both in hexadecimal, or nothing when they were not made.
func digests(sum [32]byte, short [16]byte) (sha, md string) {
	if sum == [32]byte{} && short == [16]byte{} {
		return "", ""
	}
	return hex.EncodeToString(sum[:]), hex.EncodeToString(short[:])
}

// hashSpan returns the digests of n bytes at an offset. What cannot be read has
// none.
func hashSpan(r io.ReaderAt, at, n int64) (sum [32]byte, short [16]byte) {
	s, m := sha256.New(), md5.New()
	if got, err := io.Copy(io.MultiWriter(s, m), io.NewSectionReader(r, at, n)); err != nil || got != n {
		return sum, short
	}
	return [32]byte(s.Sum(nil)), [16]byte(m.Sum(nil))
}

func filesOf(found []mime.File) []PartFile {
	list := make([]PartFile, len(found))
	for i, f := range found {
		list[i] = PartFile{Name: f.Name, Origin: f.Origin, Size: f.Size}
		list[i].SHA256, list[i].MD5 = digests(f.SHA256, f.MD5)
	}
	return list
}

// isAttachment reports whether a part is a document of its own.
func isAttachment(p *mime.Part) bool {
	switch {
	case p.Message != nil:
		return true
	case !p.Leaf():
		return false
	case p.Name != "" || p.Disposition == "attachment":
		return true
	case p.Type == "text/plain", p.Type == "text/html":
		return false
	}
	return !strings.HasPrefix(p.Type, "multipart/") // without parts, it is the text of the message
}

// offset returns an offset of a part as an item record has it.
func (d *describer) offset(p *mime.Part, at int64) int64 {
	if p.Inner {
		return at
	}
	return at + d.shift
}

// allDefects returns the defects of the message, its parts and the values that
// were read, by part in the order of the tree, then by offset.
func (d *describer) allDefects() []Defect {
	found := append(d.m.Defects[:len(d.m.Defects):len(d.m.Defects)], d.defects...)
	if d.cut {
		found = append(found, mime.Defect{Name: DefectCut, Part: d.m.Root.Number, Offset: d.m.Root.Begin})
	}
	if len(found) == 0 {
		return nil
	}
	parts, order := map[string]*mime.Part{}, map[string]int{}
	d.m.Root.Walk(func(p *mime.Part) bool {
		order[p.Number], parts[p.Number] = len(order), p
		return true
	})
	sortDefects(found, order)
	found = fewer(found)
	list := make([]Defect, len(found))
	for i, f := range found {
		list[i] = Defect{Name: f.Name, Part: f.Part, Offset: f.Offset}
		if p := parts[f.Part]; p != nil {
			list[i].Offset = d.offset(p, f.Offset)
		}
	}
	return list
}

// fewer leaves as many defects as a message may have. DefectCut is always among
// them, and too-many-defects when there are others.
func fewer(found []mime.Defect) []mime.Defect {
	kept := make([]mime.Defect, 0, min(len(found), limits.Defects))
	var cut, more *mime.Defect
	for i, f := range found {
		switch f.Name {
		case DefectCut:
			cut = &found[i]
		case header.DefectTooManyDefects:
			more = &found[i]
		default:
			kept = append(kept, f)
		}
	}
	room := limits.Defects
	if cut != nil {
		room--
	}
	if more == nil && len(kept) > room {
		more = &kept[room-1]
	}
	if more != nil {
		last := mime.Defect{Name: header.DefectTooManyDefects, Part: more.Part, Offset: more.Offset}
		kept = append(kept[:min(len(kept), room-1)], last)
	}
	if cut != nil {
		kept = append([]mime.Defect{*cut}, kept...)
	}
	return kept
}
