package mime

import (
	"crypto/md5"
	"crypto/sha256"
	"hash"
)

// besideBytes is from how many bytes on, as they are encoded, a leaf's MD5 is made
// beside its SHA-256, by a second goroutine: less is not worth one.
const besideBytes = 64 << 10

// digests makes both digests of the same bytes. Between begin and finish there may
// be a second goroutine: finish, or stop, has to be called.
type digests struct {
	sha, md hash.Hash
	beside  chan []byte   // to the goroutine that makes the MD5, if there is one
	ended   chan struct{} // closed when that has ended
}

// begin begins digests of about so many bytes.
func (d *digests) begin(length int64) {
	if d.sha == nil {
		d.sha, d.md = sha256.New(), md5.New()
	}
	d.sha.Reset()
	d.md.Reset()
	if length >= besideBytes {
		d.beside, d.ended = make(chan []byte), make(chan struct{})
		go d.writeBeside(d.beside, d.ended)
	}
}

func (d *digests) writeBeside(pieces <-chan []byte, ended chan<- struct{}) {
	defer close(ended)
	for b := range pieces {
		d.md.Write(b)
	}
}

// write adds bytes, which may still be read after it has returned, but not after
// the next call of a method has.
func (d *digests) write(b []byte) {
	if d.beside != nil {
		d.beside <- b // it is taken when the piece before is done with
	} else {
		d.md.Write(b)
	}
	d.sha.Write(b)
}

// wait returns when no bytes that were written are read any more.
func (d *digests) wait() {
	if d.beside != nil {
		d.beside <- nil
	}
}

// finish gives the digests of what was written.
func (d *digests) finish(sha *[sha256.Size]byte, md *[md5.Size]byte) {
	d.stop()
	d.sha.Sum(sha[:0])
	d.md.Sum(md[:0])
}

// stop ends the second goroutine.
func (d *digests) stop() {
	if d.beside != nil {
		close(d.beside)
		<-d.ended
		d.beside, d.ended = nil, nil
	}
}
