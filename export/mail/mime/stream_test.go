package mime_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"exhibit/export/mail/mime"
)

// repeated is a message whose one attachment is the same line again and again,
// made while it is read. It notes the largest heap that a read has seen.
type repeated struct {
	head, line, tail string
	lines            int64
	reads            int
	heap             uint64
}

func (r *repeated) size() int64 {
	return int64(len(r.head)) + r.lines*int64(len(r.line)) + int64(len(r.tail))
}

// ReadAt implements io.ReaderAt.
func (r *repeated) ReadAt(b []byte, off int64) (int, error) {
	if r.reads++; r.reads%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.heap = max(r.heap, m.HeapInuse)
	}
	n := 0
	body := r.lines * int64(len(r.line))
	for n < len(b) && off < r.size() {
		at := off - int64(len(r.head))
		var piece string
		switch {
		case at < 0:
			piece = r.head[off:]
		case at < body:
			piece = r.line[at%int64(len(r.line)):]
		default:
			piece = r.tail[at-body:]
		}
		c := copy(b[n:], piece)
		n, off = n+c, off+int64(c)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// A message of 1 GiB is read with less than 64 MiB of memory, digests and all.
func TestGibibyteInLittleMemory(t *testing.T) {
	src := &repeated{
		head: "From: a@mail.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\r\n" +
			"--b\r\nContent-Type: application/pdf; name=large.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
		line: strings.Repeat("QUJD", 19) + "\r\n",
		tail: "--b--\r\n",
	}
	src.lines = (1<<30 - src.size()) / int64(len(src.line))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := mime.ParseReaderAt(src, src.size(), mime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if used := int64(src.heap) - int64(before.HeapInuse); used > 64<<20 {
		t.Errorf("%d MiB of memory", used>>20)
	}
	if len(m.Root.Parts) != 2 || len(m.Defects) != 0 {
		t.Fatalf("%d parts, defects %v", len(m.Root.Parts), m.Defects)
	}
	large := m.Root.Parts[1]
	if want := src.lines * 57; large.Size != want || large.Name != "large.pdf" || large.SHA256 == [32]byte{} {
		t.Errorf("part %+v, want %d bytes", large, want)
	}
	if want := src.lines*78 - 2; large.End-large.Body != want {
		t.Errorf("%d encoded bytes, want %d", large.End-large.Body, want)
	}
}
