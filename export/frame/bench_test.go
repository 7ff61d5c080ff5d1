package frame_test

import (
	"bytes"
	"io"
	"testing"

	"exhibit/export/frame"

	"github.com/klauspost/compress/zstd"
)

// benchSize is what a batch of items has.
const benchSize = 16 << 20

func BenchmarkEncode(b *testing.B) {
	content := mail(1, benchSize)
	e, err := frame.NewEncoder()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	var f frame.Frame
	for b.Loop() {
		f = e.Encode(f.Bytes, content)
	}
	b.ReportMetric(float64(benchSize)/float64(len(f.Bytes)), "ratio")
}

// BenchmarkEncodePeer is the library as it comes, for comparison in one run.
func BenchmarkEncodePeer(b *testing.B) {
	content := mail(1, benchSize)
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	var out []byte
	for b.Loop() {
		out = z.EncodeAll(content, out[:0])
	}
	b.ReportMetric(float64(benchSize)/float64(len(out)), "ratio")
}

func BenchmarkRead(b *testing.B) {
	content := mail(1, benchSize)
	stream := build(b, true, content, content, content, content)
	b.SetBytes(4 * benchSize)
	for b.Loop() {
		r := frame.NewReader(bytes.NewReader(stream), 2)
		if n, err := io.Copy(io.Discard, r); err != nil || n != 4*benchSize {
			b.Fatal(n, err)
		}
		r.Close()
	}
}
