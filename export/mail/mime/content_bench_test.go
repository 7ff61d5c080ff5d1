package mime

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// standard reads the one attachment of a message with the standard library.
func standard(b *testing.B, raw []byte, hash bool, scratch []byte) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		b.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, "b").NextPart()
	if err != nil {
		b.Fatal(err)
	}
	sink := io.Discard
	sha, md := sha256.New(), md5.New()
	if hash {
		sink = io.MultiWriter(sha, md)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{sink}, base64.NewDecoder(base64.StdEncoding, part), scratch); err != nil {
		b.Fatal(err)
	}
	sha.Sum(nil)
	md.Sum(nil)
}

// BenchmarkAttachment reads an attachment of 64 MiB in base64, in turns with the
// standard library, and reports how many times as fast that is.
func BenchmarkAttachment(b *testing.B) {
	line := strings.Repeat("SGVs", 19) + "\r\n"
	raw := []byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		strings.Repeat(line, 64<<20/len(line)) + "--b--\r\n")
	scratch := make([]byte, 32<<10)
	for _, hash := range []bool{true, false} {
		b.Run(map[bool]string{true: "hashed", false: "counted"}[hash], func(b *testing.B) {
			var ours, theirs time.Duration
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if m := Parse(raw, Options{NoHash: !hash}); len(m.Root.Parts) != 1 || len(m.Defects) > 0 {
					b.Fatal(contents(m))
				}
				ours += time.Since(start)
				b.StopTimer()
				start = time.Now()
				standard(b, raw, hash, scratch)
				theirs += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-stdlib")
		})
	}
}

// BenchmarkSmallLeaves reads a message of usual size.
func BenchmarkSmallLeaves(b *testing.B) {
	raw := []byte(parts("\n"+strings.Repeat("Sehr geehrte Damen und Herren\n", 30), encQP+"\n"+strings.Repeat("Gr=C3=BC=C3=9Fe\n", 60), enc64+"\n"+in64(strings.Repeat("x", 2000))))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(raw, Options{})
	}
}
