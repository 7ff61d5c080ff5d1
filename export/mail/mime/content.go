package mime

import (
	"sync"

	"exhibit/export/mail/header"
	"exhibit/export/mail/transfer"
)

const (
	// pieceBytes is how much is decoded and hashed at a time: little enough to
	// stay in the cache between the two, enough that handing a piece to the second
	// goroutine of digests costs little beside it.
	pieceBytes = 256 << 10
	// sniffBytes is how much of a leaf's decoded content is looked at to tell what
	// protects it.
	sniffBytes = 256
)

// content decodes, counts and hashes the leaves of the tree below root, opens
// nested messages that have a transfer encoding, and finds files in leaves.
func (p *parser) content(in *input, root *Part) {
	r := readers.Get().(*reader)
	r.p, r.files.p = p, p
	r.tree(in, root)
	r.p, r.opened, r.files = nil, nil, files{digests: r.files.digests}
	readers.Put(r)
}

// readers keeps readers for further messages: of a message they hold nothing.
var readers = sync.Pool{New: func() any {
	r := &reader{}
	r.finder = transfer.NewFinder(&r.files)
	return r
}}

// reader reads the content of the leaves of a message, one after the other, with
// the same buffers.
type reader struct {
	p       *parser
	whole   digests   // of a leaf
	scratch [2][]byte // what a piece decodes to, and what the one before did
	opened  []byte    // what a leaf decodes to, when that is not kept

	decoders []decoder
	finder   *transfer.Finder
	files    files
}

// tree reads the leaves of a part that is one, or of all below it.
func (r *reader) tree(in *input, part *Part) {
	part.Crypto = cryptoOfType(part)
	if part.Leaf() {
		r.leaf(in, part)
	}
	if part.Message == nil || isIdentity(part.Encoding) { // otherwise the leaf was opened
		for _, inside := range part.Children() {
			if in.err != nil {
				return
			}
			r.tree(in, inside)
		}
	}
	if part.Crypto == "" && hasPGPControl(part) {
		part.Crypto = CryptoEncrypted
	}
}

// leaf is what the reading of one leaf needs.
type leaf struct {
	*Part
	decoder transfer.Decoder // nil when the content is as it is
	hash    bool
	find    bool // files in a text
	sniff   sniffer
	open    opening
}

// leaf reads a leaf.
func (r *reader) leaf(in *input, part *Part) {
	l := &leaf{Part: part, decoder: r.decoder(part.Encoding), hash: !r.p.opt.NoHash}
	l.sniff.what = sniffs(part)
	l.find = mayHoldFiles(part)
	if isText(part.Type) && part.Charset != "" && !header.KnownCharset(part.Charset) {
		r.p.defect(part, header.DefectCharset, typeAt(part))
	}
	r.prepare(in, l)
	defer r.whole.stop()
	if l.decoder != nil {
		r.decode(in, l)
	} else {
		r.identity(in, l)
	}
	if in.err != nil {
		return
	}
	r.finish(l)
	r.look(l)
}

// mayHoldFiles reports whether files are looked for in the text of a leaf: in plain
// text that is shown. One that has a name, or is an attachment, is a file itself.
func mayHoldFiles(part *Part) bool {
	return part.Type == textPlain && part.Name == "" && part.Disposition != "attachment" &&
		part.Encoding != transfer.NameUUEncode && part.Encoding != transfer.NameYEnc
}

// identity reads a leaf whose content is as it is, as far as anything has to be
// known of it.
func (r *reader) identity(in *input, l *leaf) {
	l.Size = l.End - l.Body
	end := l.End
	if !l.hash && !l.find && !l.open.copying {
		end = l.Body
		if l.sniff.what != sniffNothing {
			end = min(l.End, l.Body+sniffBytes)
		}
	}
	r.pieces(in, l.Body, end, func(piece []byte) { r.take(l, piece) })
}

// prepare makes ready what the leaf's content is given to.
func (r *reader) prepare(in *input, l *leaf) {
	if l.hash {
		r.whole.begin(l.End - l.Body)
	}
	if l.find {
		r.finder.Reset()
		r.files.of(l.Part)
	}
	r.openable(in, l)
}

// finish ends what the leaf's content was given to.
func (r *reader) finish(l *leaf) {
	if l.hash {
		r.whole.finish(&l.SHA256, &l.MD5)
	}
	if l.find {
		r.finder.Close()
	}
	if l.Crypto == "" {
		l.Crypto = l.sniff.crypto()
	}
	if l.sniff.opaque(l.Part) {
		r.p.defect(l.Part, DefectNotOpened, l.Body)
	}
}

// decode undoes the transfer encoding of a leaf.
func (r *reader) decode(in *input, l *leaf) {
	l.decoder.Reset()
	r.pieces(in, l.Body, l.End, func(piece []byte) {
		r.decoded(l, l.decoder.Decode(r.free(len(piece)), piece))
	})
	r.decoded(l, l.decoder.Close(r.free(0)))
	for _, fault := range l.decoder.Faults() {
		r.p.defect(l.Part, faultDefect(l.Encoding, fault.Kind), l.Body+fault.Offset)
		if l.Encoding == transfer.NameUUEncode || l.Encoding == transfer.NameYEnc {
			break // all kinds are one defect
		}
	}
}

// free returns a buffer to decode n bytes to: the one that is not being hashed.
func (r *reader) free(n int) []byte {
	const more = 16 // than there are encoded bytes: what a decoder has held back
	if cap(r.scratch[0]) < n+more {
		r.scratch[0] = make([]byte, 0, n+more)
	}
	return r.scratch[0][:0]
}

// decoded takes what a piece of a leaf was decoded to in a free buffer.
func (r *reader) decoded(l *leaf, piece []byte) {
	if len(piece) == 0 {
		return
	}
	r.scratch[0], r.scratch[1] = r.scratch[1], piece
	l.Size += int64(len(piece))
	r.take(l, piece)
}

// take takes a piece of the decoded content of a leaf.
func (r *reader) take(l *leaf, piece []byte) {
	if l.hash {
		r.whole.write(piece)
	}
	if l.find {
		r.finder.Write(piece)
	}
	l.sniff.take(piece)
	r.copy(l, piece)
}

// pieces gives the bytes of in from one offset to another to take, in pieces.
func (r *reader) pieces(in *input, from, to int64, take func([]byte)) {
	window := min(max(r.p.window, 1), bufferBytes)
	for from < to {
		r.whole.wait()
		b := in.bytes(r.p.buf, from, int(min(to-from, int64(window))))
		if len(b) == 0 {
			return
		}
		from += int64(len(b))
		for len(b) > 0 {
			n := min(pieceBytes, len(b))
			take(b[:n])
			b = b[n:]
		}
	}
}

// decoder is the decoder of an encoding.
type decoder struct {
	encoding string
	transfer.Decoder
}

// decoder returns the decoder of a transfer encoding, nil when there is nothing
// to undo.
func (r *reader) decoder(encoding string) transfer.Decoder {
	if isIdentity(encoding) {
		return nil
	}
	for _, d := range r.decoders {
		if d.encoding == encoding {
			return d.Decoder
		}
	}
	d := transfer.ByName(encoding)
	r.decoders = append(r.decoders, decoder{encoding, d})
	return d
}

// faultDefect returns the name of the defect that a fault of a decoder is.
func faultDefect(encoding string, kind transfer.FaultKind) string {
	switch {
	case encoding == transfer.NameUUEncode, encoding == transfer.NameYEnc:
		return DefectUUEncode
	case kind == transfer.FaultEscape:
		return DefectQuotedPrintable
	case kind == transfer.FaultPadding:
		return DefectBase64Padding
	case kind == transfer.FaultCut:
		return DefectBase64Cut
	}
	return DefectBase64
}
