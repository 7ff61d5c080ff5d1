package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/frame"

	seekable "github.com/SaveTheRbtz/zstd-seekable-format-go/pkg"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

// mail makes n bytes that compress about as mail does, from a seed.
func mail(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("From To Subject the of meeting tomorrow invoice attached regards received by with ESMTP id for multipart/mixed boundary")
	const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var b bytes.Buffer
	for b.Len() < n {
		if r.IntN(3) == 0 {
			for range 76 {
				b.WriteByte(base64[r.IntN(64)])
			}
			b.WriteString("\r\n")
			continue
		}
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \r\n"[r.IntN(3)])
	}
	return b.Bytes()[:n]
}

// build makes a stream of the contents.
func build(t testing.TB, pad bool, contents ...[]byte) []byte {
	t.Helper()
	e, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := frame.NewWriter(&out)
	for _, c := range contents {
		if err := w.Append(e.Encode(nil, c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(pad); err != nil {
		t.Fatal(err)
	}
	if w.Size() != int64(out.Len()) {
		t.Fatalf("Size %d after Close, %d bytes written", w.Size(), out.Len())
	}
	return out.Bytes()
}

// read reads a stream from end to end.
func read(stream []byte, workers int) ([]byte, error) {
	r := frame.NewReader(bytes.NewReader(stream), workers)
	defer r.Close()
	return io.ReadAll(r)
}

func sample() [][]byte {
	return [][]byte{mail(1, 300_000), mail(2, 1), mail(3, 255), mail(4, 256), mail(5, 700_000), make([]byte, 1024)}
}

func TestPadmeSize(t *testing.T) {
	// From the formula in the paper, computed with exact integers; 9 to 11
	// are its own example of rounding.
	for _, c := range []struct{ n, want uint64 }{
		{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {7, 7}, {8, 8}, {9, 10}, {10, 10}, {11, 12},
		{15, 16}, {16, 16}, {17, 18}, {100, 104}, {127, 128}, {128, 128}, {129, 144},
		{1000, 1024}, {1025, 1088}, {65537, 67584}, {1_000_000, 1_015_808}, {1<<20 + 1, 1<<20 + 1<<15},
		{1 << 30, 1 << 30}, {1<<30 + 1, 1<<30 + 1<<25}, {1<<40 + 1, 1<<40 + 1<<34},
	} {
		if got := frame.PadmeSize(c.n); got != c.want {
			t.Errorf("PadmeSize(%d) = %d, want %d", c.n, got, c.want)
		}
	}
}

func TestPadmeSizeBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<50).Draw(t, "n")
		p := frame.PadmeSize(n)
		if p < n || frame.PadmeSize(p) != p || float64(p-n) > 0.12*float64(n) {
			t.Fatalf("PadmeSize(%d) = %d", n, p)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	contents := sample()
	want := bytes.Join(contents, nil)
	for _, pad := range []bool{false, true} {
		stream := build(t, pad, contents...)
		if pad && frame.PadmeSize(uint64(len(stream))) != uint64(len(stream)) {
			t.Errorf("a padded stream has %d bytes", len(stream))
		}
		for workers := range 5 {
			got, err := read(stream, workers)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("pad %v, %d workers: %d bytes, %v", pad, workers, len(got), err)
			}
		}
	}
}

// Whatever is written comes back, from end to end and at random.
func TestRoundTripProperty(t *testing.T) {
	e, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var out, want bytes.Buffer
		w := frame.NewWriter(&out)
		n := rapid.IntRange(1, 8).Draw(t, "frames")
		var buf []byte
		for i := range n {
			size := rapid.OneOf(rapid.IntRange(1, 600), rapid.IntRange(60_000, 140_000)).Draw(t, "size")
			c := make([]byte, size)
			if rapid.Bool().Draw(t, "zero") == false {
				c = mail(uint64(i), size)
			}
			f := e.Encode(buf, c)
			if err := w.Append(f); err != nil {
				t.Fatal(err)
			}
			buf = f.Bytes
			want.Write(c)
			if w.ContentSize() != int64(want.Len()) || w.Size() != int64(out.Len()) {
				t.Fatalf("sizes %d %d, want %d %d", w.ContentSize(), w.Size(), want.Len(), out.Len())
			}
		}
		if err := w.Close(rapid.Bool().Draw(t, "pad")); err != nil {
			t.Fatal(err)
		}
		if int64(want.Len()) > frame.MaxRatio*int64(out.Len()) {
			t.Fatalf("%d bytes in a stream of %d", want.Len(), out.Len())
		}
		got, err := read(out.Bytes(), rapid.IntRange(1, 3).Draw(t, "workers"))
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("read: %d of %d bytes, %v", len(got), want.Len(), err)
		}
		at, err := frame.OpenAt(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if at.Frames() != n || at.Size() != int64(want.Len()) {
			t.Fatalf("%d frames, %d bytes", at.Frames(), at.Size())
		}
		off := rapid.IntRange(0, want.Len()-1).Draw(t, "offset")
		p := make([]byte, rapid.IntRange(1, want.Len()-off).Draw(t, "length"))
		if n, err := at.ReadAt(p, int64(off)); n != len(p) || err != nil || !bytes.Equal(p, want.Bytes()[off:off+n]) {
			t.Fatalf("ReadAt(%d, %d): %d, %v", len(p), off, n, err)
		}
	})
}

// Invariant 12: workers do not change what is written.
func TestEncodersAgree(t *testing.T) {
	a, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b.Encode(nil, mail(9, 3_000_000)) // an encoder with a past
	for i, c := range sample() {
		if !bytes.Equal(a.Encode(nil, c).Bytes, b.Encode(make([]byte, 0, 9), c).Bytes) {
			t.Errorf("content %d: two encoders made different frames", i)
		}
	}
}

func TestPaddingForRatio(t *testing.T) {
	zeros := make([]byte, frame.MaxContent)
	stream := build(t, false, zeros, zeros)
	if 2*len(zeros) > frame.MaxRatio*len(stream) {
		t.Fatalf("%d bytes in a stream of %d", 2*len(zeros), len(stream))
	}
	if got, err := read(stream, 2); err != nil || len(got) != 2*len(zeros) {
		t.Fatalf("read: %d bytes, %v", len(got), err)
	}
}

func TestWriterRefuses(t *testing.T) {
	e, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, frame.MaxContent+1)
	for name, f := range map[string]frame.Frame{
		"nothing":        e.Encode(nil, nil),
		"no bytes":       {Content: 1},
		"one past limit": e.Encode(nil, whole),
	} {
		var out bytes.Buffer
		w := frame.NewWriter(&out)
		if err := w.Append(f); !errors.Is(err, frame.ErrLimit) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", name, err, out.Len())
		}
	}
	w := frame.NewWriter(io.Discard)
	if err := w.Append(e.Encode(nil, whole[1:])); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := w.Close(true); err != nil {
		t.Error(err)
	}
	if err := w.Append(e.Encode(nil, whole[1:])); !errors.Is(err, frame.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if err := frame.NewWriter(io.Discard).Close(false); !errors.Is(err, frame.ErrLimit) {
		t.Errorf("Close without frames: %v", err)
	}
	full := errors.New("disk full")
	w = frame.NewWriter(failing{full})
	if err := w.Append(e.Encode(nil, whole[:9])); !errors.Is(err, full) {
		t.Errorf("Append: %v", err)
	}
	if err := w.Close(false); !errors.Is(err, full) {
		t.Errorf("Close after a failed Append: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

// A failure to read is not taken for damage.
func TestReadErrors(t *testing.T) {
	stream := build(t, true, sample()...)
	for _, broken := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		r := frame.NewReader(io.MultiReader(bytes.NewReader(stream[:1000]), failing{broken}), 2)
		_, err := io.Copy(io.Discard, r)
		if !errors.Is(err, broken) || errors.Is(err, frame.ErrCorrupt) {
			t.Errorf("read error %v became %v", broken, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEarly(t *testing.T) {
	stream := build(t, true, sample()...)
	for n := range 3 {
		r := frame.NewReader(bytes.NewReader(stream), 2)
		if _, err := io.CopyN(io.Discard, r, int64(n)*1000); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, frame.ErrClosed) {
			t.Errorf("Read after Close: %v", err)
		}
	}
}

// tool finds a program that the tests need.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: apt-get install %s", name, debian)
		}
		t.Skipf("%s is missing: apt-get install %s", name, debian)
	}
	return path
}

// Invariant 11: the stock tool reads a stream, frames, padding, table and all.
func TestStockZstd(t *testing.T) {
	zstdTool := tool(t, "zstd", "zstd")
	contents := append(sample(), bytes.Repeat(mail(7, frame.MaxContent/32), 32))
	file := filepath.Join(t.TempDir(), "volume.tar.zst")
	if err := os.WriteFile(file, build(t, true, contents...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(zstdTool, "-d", "-c", file).Output()
	if err != nil || !bytes.Equal(got, bytes.Join(contents, nil)) {
		t.Errorf("zstd -d: %d bytes, %v", len(got), err)
	}
	// Frames and skippable frames, as the tool counts them.
	list, err := exec.Command(zstdTool, "-l", "-v", file).CombinedOutput()
	if err != nil {
		t.Errorf("zstd -l: %v\n%s", err, list)
	}
	for _, want := range []string{fmt.Sprintf("# Zstandard Frames: %d", len(contents)), "# Skippable Frames: 2", "Check: XXH64"} {
		if !strings.Contains(string(list), want) {
			t.Errorf("zstd -l does not say %q:\n%s", want, list)
		}
	}
}

// An independent reader of the seekable format finds everything, too.
func TestIndependentReader(t *testing.T) {
	contents := sample()
	want := bytes.Join(contents, nil)
	for _, pad := range []bool{false, true} {
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		r, err := seekable.NewReader(bytes.NewReader(build(t, pad, contents...)), d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("pad %v: %d bytes, %v", pad, len(got), err)
		}
		p := make([]byte, 1000)
		if _, err := r.ReadAt(p, 299_500); err != nil || !bytes.Equal(p, want[299_500:300_500]) {
			t.Errorf("pad %v: ReadAt: %v", pad, err)
		}
	}
}

// And what an independent writer makes of independent frames is read.
func TestIndependentWriter(t *testing.T) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(true), zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	var stream []byte
	var table []uint32
	for _, c := range sample() {
		f := z.EncodeAll(c, nil)
		stream = append(stream, f...)
		table = append(table, uint32(len(f)), uint32(len(c)))
	}
	stream = appendTable(stream, table...)
	if got, err := read(stream, 2); err != nil || !bytes.Equal(got, bytes.Join(sample(), nil)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// appendTable appends a seek table of pairs of sizes, written from the format.
func appendTable(b []byte, sizes ...uint32) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, 0x184D2A5E)
	b = le.AppendUint32(b, uint32(4*len(sizes)+9))
	for _, s := range sizes {
		b = le.AppendUint32(b, s)
	}
	b = le.AppendUint32(b, uint32(len(sizes)/2))
	b = append(b, 0)
	return le.AppendUint32(b, 0x8F92EAB1)
}
