package mime

import (
	"crypto/md5"
	"crypto/sha256"
	"hash"

	"exhibit/export/mail/header"
	"exhibit/export/mail/transfer"
)

const (
	// pieceBytes is how much is decoded and hashed at a time: little enough to
	// stay in the cache between the two.
	pieceBytes = 32 << 10
	// sniffBytes is how much of a leaf's decoded content is looked at to tell what
	// protects it.
	sniffBytes = 256
)

// content decodes, counts and hashes the leaves of the tree below root, opens
// nested messages that have a transfer encoding, and finds files in leaves.
func (p *parser) content(in *input, root *Part) {
	(&reader{p: p}).tree(in, root)
}

// reader reads the content of the leaves of a message, one after the other, with
// the same buffers.
type reader struct {
	p       *parser
	whole   digests // of a leaf
	scratch []byte  // what a piece decodes to
	opened  []byte  // what a leaf decodes to, when that is not kept

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
	l.find = isText(part.Type) && part.Encoding != transfer.NameUUEncode && part.Encoding != transfer.NameYEnc
	if isText(part.Type) && part.Charset != "" && !header.KnownCharset(part.Charset) {
		r.p.defect(part, header.DefectCharset, typeAt(part))
	}
	r.prepare(in, l)
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
		r.whole.reset()
	}
	if l.find {
		if r.finder == nil {
			r.files.p = r.p
			r.finder = transfer.NewFinder(&r.files)
		}
		r.finder.Reset()
		r.files.of(l.Part)
	}
	r.openable(in, l)
}

// finish ends what the leaf's content was given to.
func (r *reader) finish(l *leaf) {
	if l.hash {
		r.whole.sum(&l.SHA256, &l.MD5)
	}
	if l.find {
		r.finder.Close()
	}
	if l.Crypto == "" {
		l.Crypto = l.sniff.crypto()
	}
}

// decode undoes the transfer encoding of a leaf.
func (r *reader) decode(in *input, l *leaf) {
	l.decoder.Reset()
	r.pieces(in, l.Body, l.End, func(piece []byte) {
		r.scratch = l.decoder.Decode(r.scratch[:0], piece)
		l.Size += int64(len(r.scratch))
		r.take(l, r.scratch)
	})
	r.scratch = l.decoder.Close(r.scratch[:0])
	l.Size += int64(len(r.scratch))
	r.take(l, r.scratch)
	for _, fault := range l.decoder.Faults() {
		r.p.defect(l.Part, faultDefect(l.Encoding, fault.Kind), l.Body+fault.Offset)
		if l.Encoding == transfer.NameUUEncode || l.Encoding == transfer.NameYEnc {
			break // all kinds are one defect
		}
	}
}

// take takes a piece of the decoded content of a leaf.
func (r *reader) take(l *leaf, piece []byte) {
	if len(piece) == 0 {
		return
	}
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

// digests makes both digests of the same bytes.
type digests struct{ sha, md hash.Hash }

func (d *digests) reset() {
	if d.sha == nil {
		d.sha, d.md = sha256.New(), md5.New()
		return
	}
	d.sha.Reset()
	d.md.Reset()
}

func (d *digests) write(b []byte) {
	d.sha.Write(b)
	d.md.Write(b)
}

func (d *digests) sum(sha *[sha256.Size]byte, md *[md5.Size]byte) {
	d.sha.Sum(sha[:0])
	d.md.Sum(md[:0])
}
