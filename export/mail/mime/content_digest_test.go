package mime

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The digests of a leaf are the same whether a second goroutine makes one of them
// or not, and so are those of the leaf after it.
func TestDigestsBeside(t *testing.T) {
	for _, size := range []int{besideBytes - 1, besideBytes, besideBytes + pieceBytes + 1, 3*bufferBytes + 5} {
		content := strings.Repeat("0123456789\x00\xff-", size/13+1)[:size]
		for name, part := range map[string]string{
			"binary": "Content-Type: application/x\nContent-Transfer-Encoding: binary\n\n" + content,
			"base64": "Content-Type: application/x\n" + enc64 + "\n" + base64.StdEncoding.EncodeToString([]byte(content)),
			"quoted": "Content-Type: application/x\n" + encQP + "\n" + content + strings.Repeat("=\n", besideBytes), // a last piece of nothing
		} {
			raw := []byte(parts(part, "\nsmall"))
			m := Parse(raw, Options{})
			if len(m.Root.Parts) != 2 {
				t.Fatalf("%s, %d bytes: %d parts", name, size, len(m.Root.Parts))
			}
			for i, want := range []string{content, "small"} {
				if p := m.Root.Parts[i]; p.Size != int64(len(want)) || p.SHA256 != sha256.Sum256([]byte(want)) || p.MD5 != md5.Sum([]byte(want)) {
					t.Errorf("%s, %d bytes: part %s has %d bytes or other digests", name, size, p.Number, p.Size)
				}
			}
			alike(t, raw, bufferBytes)
		}
	}
}

// A reader that fails leaves no goroutine behind.
func TestDigestsEnd(t *testing.T) {
	raw := parts("Content-Type: application/x\n\n"+strings.Repeat("x", 4*bufferBytes), enc64+"\n"+strings.Repeat("QUJD", bufferBytes))
	before := runtime.NumGoroutine()
	for left := int64(len(raw)); left < 2*int64(len(raw)); left += bufferBytes {
		fails := &failsLater{ReaderAt: strings.NewReader(raw), left: left}
		if m, err := ParseReaderAt(fails, int64(len(raw)), Options{}); m != nil || err == nil {
			t.Fatalf("got %v, %v", m, err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// Files are looked for in text that is shown: a text with a name, an attachment
// and HTML are files themselves, or hold none.
func TestWhereFilesAre(t *testing.T) {
	for head, want := range map[string]int{
		"":                                          1,
		"Content-Type: text/plain\n":                1,
		"Content-Disposition: inline\n":             1,
		"Content-Type: text/html\n":                 0,
		"Content-Type: text/plain; name=a\n":        0,
		"Content-Disposition: attachment\n":         0,
		"Content-Disposition: inline; filename=a\n": 0,
	} {
		if m := Parse([]byte(head+"\n"+uuCat), Options{}); len(m.Root.Files) != want {
			t.Errorf("%q: %d files, want %d", head, len(m.Root.Files), want)
		}
	}
}
