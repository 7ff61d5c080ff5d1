package transfer_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
	"time"

	"exhibit/export/mail/transfer"
)

const benchBytes = 16 << 20

func random(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{1})
	_, _ = src.Read(b) // never fails
	return b
}

// wrap writes data in base64 in lines of 76.
func wrap(data []byte) []byte {
	digits := base64.StdEncoding.EncodeToString(data)
	var out bytes.Buffer
	for len(digits) > 76 {
		out.WriteString(digits[:76] + "\r\n")
		digits = digits[76:]
	}
	out.WriteString(digits + "\r\n")
	return out.Bytes()
}

func quote(data []byte) []byte {
	var out bytes.Buffer
	w := quotedprintable.NewWriter(&out)
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return out.Bytes()
}

// pieces decodes src in pieces of 32 KiB.
func pieces(d transfer.Decoder, scratch, src []byte) {
	const piece = 32 << 10
	for len(src) > 0 {
		n := min(piece, len(src))
		scratch = d.Decode(scratch[:0], src[:n])
		src = src[n:]
	}
	d.Close(scratch[:0])
	d.Reset()
}

// compare measures a decoder and a peer in turns on the same bytes, and reports
// how many times as fast the decoder is.
func compare(b *testing.B, d transfer.Decoder, src []byte, peer func(io.Reader) io.Reader) {
	scratch := make([]byte, 0, 64<<10)
	var ours, theirs time.Duration
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		start := time.Now()
		pieces(d, scratch, src)
		ours += time.Since(start)
		b.StopTimer()
		start = time.Now()
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, peer(bytes.NewReader(src)), scratch[:32<<10]); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-stdlib")
}

func BenchmarkDecoders(b *testing.B) {
	standard := func(r io.Reader) io.Reader { return base64.NewDecoder(base64.StdEncoding, r) }
	quoted := func(r io.Reader) io.Reader { return quotedprintable.NewReader(r) }
	prose := []byte(strings.Repeat("Sehr geehrte Damen und Herren, anbei die Unterlagen für die Prüfung.\r\n", benchBytes/70))
	cyrillic := []byte(strings.Repeat("Уважаемые дамы и господа\r\n", benchBytes/200))
	b.Run("base64", func(b *testing.B) { compare(b, transfer.Base64(), wrap(random(benchBytes*3/4)), standard) })
	b.Run("quoted-printable", func(b *testing.B) { compare(b, transfer.QuotedPrintable(), quote(prose), quoted) })
	b.Run("quoted-printable-dense", func(b *testing.B) { compare(b, transfer.QuotedPrintable(), quote(cyrillic), quoted) })
}

func BenchmarkFinder(b *testing.B) {
	var r recorder
	f := transfer.NewFinder(&r)
	src := []byte(strings.Repeat("We begin with the beginning, and the lines have the length that they have in mail\r\n", benchBytes/82))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		for rest := src; len(rest) > 0; {
			n := min(32<<10, len(rest))
			f.Write(rest[:n])
			rest = rest[n:]
		}
		f.Close()
		f.Reset()
	}
}
