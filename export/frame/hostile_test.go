package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"exhibit/export/frame"

	"github.com/klauspost/compress/zstd"
)

// encode makes a frame of content.
func encode(t testing.TB, content []byte) []byte {
	t.Helper()
	e, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return e.Encode(nil, content).Bytes
}

// skippable makes a skippable frame.
func skippable(magic uint32, content []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
	return append(b, content...)
}

// refused reads a stream both ways. Each way must refuse it with its kind, or
// pass it where the kind is nil.
func refused(t *testing.T, name string, stream []byte, sequential, random error) {
	t.Helper()
	_, err := read(stream, 2)
	check(t, name+", sequential", err, sequential)
	check(t, name+", random", readAllAt(stream), random)
}

func check(t *testing.T, name string, err, want error) {
	t.Helper()
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", name, err, want)
	}
}

// readAllAt reads each frame at random.
func readAllAt(stream []byte) error {
	at, err := frame.OpenAt(bytes.NewReader(stream), int64(len(stream)))
	if err != nil {
		return err
	}
	for i := range at.Frames() {
		if _, err := at.ReadFrame(i); err != nil {
			return err
		}
	}
	return nil
}

func TestHostileStreams(t *testing.T) {
	a, b := mail(1, 5000), mail(2, 3000)
	fa, fb := encode(t, a), encode(t, b)
	na, nb, ca, cb := uint32(len(fa)), uint32(len(fb)), uint32(len(a)), uint32(len(b))
	frames := append(bytes.Clone(fa), fb...)
	good := appendTable(bytes.Clone(frames), na, ca, nb, cb)
	refused(t, "good", good, nil, nil)

	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	table := func(sizes ...uint32) []byte { return appendTable(nil, sizes...) }
	pad := func(n int) []byte { return skippable(0x184D2A50, make([]byte, n)) }
	padTo := func(whole int) []byte { return pad(whole - len(frames) - 8 - 8 - 24 - 9) }
	whole := int(frame.PadmeSize(uint64(len(frames) + 8 + 8 + 24 + 9)))
	right := padTo(whole)
	dirty := bytes.Clone(right)
	dirty[len(dirty)-1] = 1
	np := uint32(len(right))
	more := padTo(int(frame.PadmeSize(uint64(whole + 1))))
	flag := func(i int, v byte) []byte { s := bytes.Clone(good); s[len(s)-i] = v; return s }

	bad, tab := frame.ErrCorrupt, frame.ErrTable
	for _, c := range []struct {
		name               string
		stream             []byte
		sequential, random error
	}{
		{"padded", join(frames, right, table(na, ca, nb, cb, np, 0)), nil, nil},
		{"padding not zero", join(frames, dirty, table(na, ca, nb, cb, np, 0)), bad, nil},
		{"padding of another size", join(frames, more, table(na, ca, nb, cb, uint32(len(more)), 0)), bad, bad},
		{"padding not listed", join(frames, right, table(na, ca, nb, cb)), tab, tab},
		{"padding twice", join(frames, pad(1), pad(2), table(na, ca, nb, cb, 9, 0, 10, 0)), bad, tab},
		{"padding between", join(fa, pad(1), fb, table(na, ca, 9, 0, nb, cb)), bad, tab},
		{"padding of another magic", join(frames, skippable(0x184D2A51, right[8:]), table(na, ca, nb, cb, np, 0)), bad, nil},
		{"nothing", nil, bad, tab},
		{"table only", table(), bad, bad},
		{"padding only", join(pad(10), table(18, 0)), bad, bad},
		{"no table", frames, bad, tab},
		{"bytes behind", append(bytes.Clone(good), 0), bad, tab},
		{"stream behind", join(good, good), bad, tab},
		{"frames swapped in table", join(frames, table(nb, cb, na, ca)), tab, bad},
		{"content too small", join(frames, table(na, ca-1, nb, cb)), tab, tab},
		{"content shifted", join(frames, table(na, ca-1, nb, cb+1)), tab, tab},
		{"sizes shifted", join(frames, table(na-1, ca, nb+1, cb)), tab, bad},
		{"frame not listed", join(frames, table(na, ca)), tab, tab},
		{"frame listed twice", join(frames, table(na, ca, nb, cb, nb, cb)), tab, tab},
		{"frames merged", join(frames, table(na+nb, ca+cb)), tab, tab},
		{"empty frame listed first", join(frames, table(0, 0, na, ca, nb, cb)), tab, tab},
		{"descriptor", flag(5, 0x80), tab, tab},
		{"reserved descriptor", flag(5, 1), tab, tab},
		{"count", flag(9, 3), tab, tab},
		{"large count", flag(6, 0xff), tab, frame.ErrLimit},
		{"footer magic", flag(1, 0), tab, tab},
		{"table magic", flag(33, 0), bad, tab},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.name, c.stream, c.sequential, c.random) })
	}
}

// frameOf makes a zstd frame by hand: header bytes after the magic number,
// then blocks, then a checksum that no content has.
func frameOf(header []byte, blocks ...[]byte) []byte {
	f := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	f = append(f, header...)
	for _, b := range blocks {
		f = append(f, b...)
	}
	return append(f, 1, 2, 3, 4)
}

// block makes a block header: kind 0 raw, 1 repeated, 2 compressed.
func block(last bool, kind, size int, body ...byte) []byte {
	v := kind<<1 | size<<3
	if last {
		v |= 1
	}
	return append([]byte{byte(v), byte(v >> 8), byte(v >> 16)}, body...)
}

func TestHostileFrames(t *testing.T) {
	end := block(true, 0, 1, 'x')
	u32 := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	for _, c := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"wrong checksum", frameOf([]byte{0x24, 1}, end), frame.ErrCorrupt},
		{"no checksum", frameOf([]byte{0x20, 1}, end), frame.ErrCorrupt},
		{"no content size", frameOf([]byte{0x04, 0}, end), frame.ErrCorrupt},
		{"dictionary", frameOf([]byte{0x25, 7, 1}, end), frame.ErrCorrupt},
		{"reserved bit", frameOf([]byte{0x2C, 1}, end), frame.ErrCorrupt},
		{"unused bit", frameOf([]byte{0x34, 1}, end), frame.ErrCorrupt},
		{"no content", frameOf([]byte{0x24, 0}, block(true, 0, 0)), frame.ErrCorrupt},
		{"content at limit", frameOf(append([]byte{0xA4}, u32(frame.MaxContent)...), end), frame.ErrCorrupt},
		{"content past limit", frameOf(append([]byte{0xA4}, u32(frame.MaxContent+1)...), end), frame.ErrLimit},
		{"content of 2^63", frameOf(append([]byte{0xE4}, u64(1<<63)...), end), frame.ErrLimit},
		{"window at limit", frameOf(append([]byte{0x84, 15 << 3}, u32(1)...), end), frame.ErrCorrupt},
		{"window past limit", frameOf(append([]byte{0x84, 15<<3 | 1}, u32(1)...), end), frame.ErrLimit},
		{"largest window", frameOf(append([]byte{0x84, 0xff}, u32(1)...), end), frame.ErrLimit},
		{"reserved block", frameOf([]byte{0x24, 1}, block(true, 3, 1, 'x')), frame.ErrCorrupt},
		{"block past limit", frameOf(append([]byte{0xA4}, u32(200<<10)...), block(true, 1, 128<<10+1, 'x')), frame.ErrCorrupt},
		{"more than it says", frameOf([]byte{0x24, 1}, block(true, 1, 9, 'x')), frame.ErrCorrupt},
		{"less than it says", frameOf([]byte{0x24, 9}, block(true, 1, 1, 'x')), frame.ErrCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := min(contentSize(c.frame), frame.MaxContent)
			stream := appendTable(bytes.Clone(c.frame), uint32(len(c.frame)), size)
			// Where the frame tells no size that a table can list, the
			// table is what is wrong.
			_, err := read(stream, 2)
			check(t, "sequential", err, c.want)
			if err := readAllAt(stream); !errors.Is(err, c.want) && !errors.Is(err, frame.ErrTable) && !errors.Is(err, frame.ErrRatio) {
				t.Errorf("random: %v", err)
			}
		})
	}
}

// contentSize is what a frame of frameOf says of its content.
func contentSize(f []byte) uint32 {
	switch f[4] {
	case 0x24:
		return uint32(f[5])
	case 0xA4:
		return binary.LittleEndian.Uint32(f[5:])
	}
	return 1
}

// A stream cannot be cut anywhere.
func TestTruncated(t *testing.T) {
	stream := build(t, true, mail(1, 2000), mail(2, 500), make([]byte, 1024))
	for n := range len(stream) {
		if _, err := read(stream[:n], 1); !errors.Is(err, frame.ErrCorrupt) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(stream), err)
		}
		if err := readAllAt(stream[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: opened at random", n, len(stream))
		}
	}
}

// No flipped bit passes.
func TestFlipped(t *testing.T) {
	contents := [][]byte{mail(1, 20_000), mail(2, 500), make([]byte, 1024)}
	stream := build(t, true, contents...)
	r := rand.New(rand.NewPCG(1, 2))
	kinds := []error{frame.ErrCorrupt, frame.ErrTable, frame.ErrLimit, frame.ErrRatio}
	for range 1000 {
		i, bit := r.IntN(len(stream)), byte(1)<<r.IntN(8)
		stream[i] ^= bit
		_, err := read(stream, 1)
		known := false
		for _, k := range kinds {
			known = known || errors.Is(err, k)
		}
		if !known {
			t.Fatalf("byte %d flipped by %#02x: %v", i, bit, err)
		}
		stream[i] ^= bit
	}
}

// bomb is a frame of content as large as may be, from as few bytes as may be.
func bomb(t testing.TB) []byte {
	return encode(t, make([]byte, frame.MaxContent))
}

func TestBombs(t *testing.T) {
	f := bomb(t)
	const n = 3
	var stream []byte
	var sizes []uint32
	for range n {
		stream = append(stream, f...)
		sizes = append(sizes, uint32(len(f)), frame.MaxContent)
	}
	stream = appendTable(stream, sizes...)
	check(t, "random", readAllAt(stream), frame.ErrRatio)

	// Without a bound the archive comes, and then the error.
	r := frame.NewReader(bytes.NewReader(stream), 2)
	defer r.Close()
	got, err := io.Copy(io.Discard, r)
	if !errors.Is(err, frame.ErrRatio) || got != n*frame.MaxContent {
		t.Errorf("%d bytes, %v", got, err)
	}
	// With a bound it stops there.
	r = frame.NewReader(bytes.NewReader(stream), 2)
	defer r.Close()
	r.Bound(int64(len(stream)))
	got, err = io.Copy(io.Discard, r)
	if !errors.Is(err, frame.ErrRatio) || got > frame.MaxRatio*int64(len(stream)) {
		t.Errorf("bounded: %d bytes, %v", got, err)
	}
}

// Memory stays bounded whatever a stream holds.
func TestMemory(t *testing.T) {
	f := bomb(t)
	workers := 2
	source := io.MultiReader(bytes.NewReader(bytes.Repeat(f, 12)), failing{errors.New("enough")})
	r := frame.NewReader(source, workers)
	defer r.Close()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	limit := before.HeapInuse + uint64(workers+4)*(2*frame.MaxContent+2<<20)
	buf := make([]byte, frame.MaxContent)
	for i := 0; ; i++ {
		_, err := io.ReadFull(r, buf)
		if err != nil {
			break
		}
		if runtime.ReadMemStats(&now); now.HeapInuse > limit {
			t.Fatalf("frame %d: %d MiB in use, more than %d", i, now.HeapInuse>>20, limit>>20)
		}
	}
}

// A frame that never ends is refused.
func TestEndlessFrame(t *testing.T) {
	head := append([]byte{0xA4}, binary.LittleEndian.AppendUint32(nil, frame.MaxContent)...)
	f := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	f = append(f, head...)
	r := frame.NewReader(io.MultiReader(bytes.NewReader(f), endless{}), 1)
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, frame.ErrLimit) {
		t.Errorf("%v", err)
	}
}

// endless is empty raw blocks without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestNumberOfFrames(t *testing.T) {
	f := encode(t, []byte("x"))
	for n, want := range map[int]error{frame.MaxFrames: nil, frame.MaxFrames + 1: frame.ErrLimit} {
		sizes := make([]uint32, 0, 2*n)
		for range n {
			sizes = append(sizes, uint32(len(f)), 1)
		}
		stream := appendTable(bytes.Repeat(f, n), sizes...)
		at, err := frame.OpenAt(bytes.NewReader(stream), int64(len(stream)))
		check(t, "random", err, want)
		if err == nil && at.Frames() != n {
			t.Errorf("%d frames", at.Frames())
		}
	}
	// From end to end, all frames up to the limit are read, and no more.
	r := frame.NewReader(bytes.NewReader(bytes.Repeat(f, frame.MaxFrames+1)), 1)
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	check(t, "sequential", err, frame.ErrLimit)
	if n != frame.MaxFrames {
		t.Errorf("%d frames read", n)
	}
}

// FuzzReader feeds both readers. Whatever the sequential one accepts, the other
// one reads the same way, and it is what the stream says.
func FuzzReader(f *testing.F) {
	good := build(f, true, mail(1, 300), make([]byte, 1024))
	f.Add(good)
	f.Add(build(f, false, mail(2, 90)))
	f.Add(appendTable(nil))
	f.Add(good[:len(good)/2])
	f.Add(frameOf([]byte{0x24, 9}, block(true, 1, 9, 'x')))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := frame.NewReader(bytes.NewReader(stream), 1)
		r.Bound(int64(len(stream)))
		defer r.Close()
		got, err := io.ReadAll(io.LimitReader(r, 64<<20))
		at, atErr := frame.OpenAt(bytes.NewReader(stream), int64(len(stream)))
		if err != nil {
			return
		}
		if atErr != nil {
			t.Fatalf("read from end to end, but not at random: %v", atErr)
		}
		again := make([]byte, at.Size())
		if _, err := at.ReadAt(again, 0); err != nil || !bytes.Equal(got, again) {
			t.Fatalf("the two readers differ: %v", err)
		}
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if plain, err := d.DecodeAll(stream, nil); err != nil || !bytes.Equal(plain, got) {
			t.Fatalf("a plain decoder differs: %v", err)
		}
	})
}

// FuzzTable feeds the seek table behind good frames.
func FuzzTable(f *testing.F) {
	one, two := encode(f, mail(1, 300)), encode(f, make([]byte, 1024))
	f.Add(appendTable(nil, uint32(len(one)), 300, uint32(len(two)), 1024))
	f.Add(appendTable(nil, uint32(len(one)), 300))
	f.Add(appendTable(nil, uint32(len(two)), 1024, uint32(len(one)), 300))
	f.Add(appendTable(nil, uint32(len(one)+len(two)), 1324))
	f.Add(appendTable(skippable(0x184D2A50, nil), uint32(len(one)), 300, uint32(len(two)), 1024, 8, 0))
	f.Fuzz(func(t *testing.T, table []byte) {
		stream := bytes.Join([][]byte{one, two, table}, nil)
		at, err := frame.OpenAt(bytes.NewReader(stream), int64(len(stream)))
		if err != nil {
			return
		}
		var sum int64
		for i := range at.Frames() {
			if data, err := at.ReadFrame(i); err == nil {
				sum += int64(len(data))
			} else {
				return
			}
		}
		if sum != at.Size() {
			t.Fatalf("the table says %d bytes, the frames hold %d", at.Size(), sum)
		}
	})
}

func TestAt(t *testing.T) {
	contents := append(sample()[:5], []byte("the tail"), make([]byte, 1024))
	stream := build(t, true, contents...)
	want := bytes.Join(contents, nil)
	file := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(file, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	at, err := frame.OpenAt(src, int64(len(stream)))
	if err != nil {
		t.Fatal(err)
	}
	if tail, err := at.Tail(); err != nil || string(tail) != "the tail" {
		t.Errorf("Tail: %q, %v", tail, err)
	}
	got, err := io.ReadAll(io.NewSectionReader(at, 0, at.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAt: %d bytes, %v", len(got), err)
	}
	p := make([]byte, 10)
	if n, err := at.ReadAt(p, at.Size()-3); n != 3 || err != io.EOF {
		t.Errorf("ReadAt over the end: %d, %v", n, err)
	}
	if _, err := at.ReadAt(p, -1); !errors.Is(err, frame.ErrRange) {
		t.Errorf("ReadAt(-1): %v", err)
	}
	for _, i := range []int{-1, len(contents)} {
		if _, err := at.ReadFrame(i); !errors.Is(err, frame.ErrRange) {
			t.Errorf("ReadFrame(%d): %v", i, err)
		}
	}
	first, err := at.ReadFrame(0)
	if err != nil {
		t.Fatal(err)
	}
	clear(first)
	if again, err := at.ReadFrame(0); err != nil || !bytes.Equal(again, contents[0]) {
		t.Errorf("what ReadFrame returns is not the caller's own: %v", err)
	}
	one := build(t, false, make([]byte, 1024))
	if at, err = frame.OpenAt(bytes.NewReader(one), int64(len(one))); err != nil {
		t.Fatal(err)
	}
	if _, err := at.Tail(); !errors.Is(err, frame.ErrCorrupt) {
		t.Errorf("Tail of one frame: %v", err)
	}
}
