package open

import (
	"encoding/binary"
	"testing"

	"exhibit/export/bag"
	"exhibit/export/frame"
)

// A trusted signer may be deceived, or deceive: what is signed outside but
// wrong inside is found by Open.
func TestOpenRefuses(t *testing.T) {
	first := func(f func(list []entry) []entry) func(b *builder) {
		return func(b *builder) {
			b.onEntries = func(n int, list []entry) []entry {
				if n == 1 {
					return f(list)
				}
				return list
			}
		}
	}
	// raw makes an entry with any header, given the bytes to change in a right one.
	raw := func(name string, change func(h []byte)) entry {
		h, err := bag.TarHeader("data/messages/E0000001.eml", 4)
		if err != nil {
			t.Fatal(err)
		}
		copy(h[:100], make([]byte, 100))
		copy(h[:100], name)
		change(h[:])
		sum := 8 * 32
		for i, c := range h {
			if i < 148 || i >= 156 {
				sum += int(c)
			}
		}
		copy(h[148:], []byte{'0' + byte(sum>>15&7), '0' + byte(sum>>12&7), '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' '})
		return entry{name: name, content: []byte("evil"), header: h[:]}
	}
	same := func([]byte) {}
	cases := []struct {
		name  string
		spoil func(b *builder)
		want  Code
	}{
		{"entry ../x", first(func(l []entry) []entry { return append([]entry{raw("../x", same)}, l...) }), EntryName},
		{"entry data/../../x", first(func(l []entry) []entry { return append([]entry{raw("data/../../x", same)}, l...) }), EntryName},
		{"absolute entry", first(func(l []entry) []entry { return append([]entry{raw("/etc/passwd", same)}, l...) }), EntryName},
		{"backslash entry", first(func(l []entry) []entry { return append([]entry{raw(`data\messages\E0000001.eml`, same)}, l...) }), EntryName},
		{"unknown entry", first(func(l []entry) []entry { return append([]entry{raw("data/extra.txt", same)}, l...) }), EntryName},
		{"too deep", first(func(l []entry) []entry { return append([]entry{raw("data/messages/x/E0000001.eml", same)}, l...) }), EntryName},
		{"symbolic link", first(func(l []entry) []entry {
			return append([]entry{raw("data/messages/E0000001.eml", func(h []byte) { h[156] = '2'; copy(h[157:], "/etc/passwd") })}, l[1:]...)
		}), EntryInvalid},
		{"folder", first(func(l []entry) []entry {
			return append([]entry{raw("data/messages/E0000001.eml", func(h []byte) { h[156] = '5' })}, l[1:]...)
		}), EntryInvalid},
		{"executable", first(func(l []entry) []entry {
			return append([]entry{raw("data/messages/E0000001.eml", func(h []byte) { copy(h[100:], "0004755") })}, l[1:]...)
		}), EntryInvalid},
		{"size in base 256", first(func(l []entry) []entry {
			return append([]entry{raw("data/messages/E0000001.eml", func(h []byte) { h[124] = 0x80 })}, l[1:]...)
		}), EntryInvalid},
		{"prefix", first(func(l []entry) []entry {
			return append([]entry{raw("data/messages/E0000001.eml", func(h []byte) { copy(h[345:], "..") })}, l[1:]...)
		}), EntryInvalid},
		{"name twice", first(func(l []entry) []entry { return append(l, l[0]) }), EntryDuplicate},
		{"entries reordered", first(func(l []entry) []entry { l[0], l[1] = l[1], l[0]; return l }), EntryOrder},
		{"entry missing", first(func(l []entry) []entry { return l[1:] }), EntryOrder},
		{"entry with other content", first(func(l []entry) []entry { l[0].content = flip(l[0].content, 1); return l }), BagAltered},
		{"entry longer", first(func(l []entry) []entry { l[0].content = append(l[0].content, 'x'); return l }), BagAltered},
		{"padding that is not zero", func(b *builder) {
			b.onArchive = func(n int, a []byte) []byte { return flip(a, len(a)-1) }
			b.itemBytes = 301
		}, EntryInvalid},
		{"bytes between entries and end", func(b *builder) {
			b.onArchive = func(n int, a []byte) []byte { return append(a, 1) }
		}, EntryInvalid},
		{"frame altered", func(b *builder) {
			b.onStream = func(n int, s []byte) []byte { return flip(s, 200) }
		}, VolumeInvalid},
		{"seek table lies", func(b *builder) {
			b.onStream = func(_ int, s []byte) []byte { return flip(s, len(s)-9-8) }
		}, TableMismatch},
		{"bytes after the seek table", func(b *builder) {
			b.onStream = func(_ int, s []byte) []byte { return append(s, 0) }
		}, VolumeInvalid},
		{"stream cut short", func(b *builder) {
			b.onStream = func(_ int, s []byte) []byte { return s[:len(s)-1] }
		}, VolumeInvalid},
		{"decompression bomb", func(b *builder) { b.onStream = func(int, []byte) []byte { return bomb(t) } }, RatioExceeded},
		{"sealed volume cut short, and signed", func(b *builder) {
			b.onSealed = func(_ int, s []byte) []byte { return s[:len(s)-16] }
		}, VolumeInvalid},
		{"last volume missing inside", func(b *builder) {
			b.onEntries = func(n int, l []entry) []entry {
				if len(l) > 10 {
					return l[:len(l)-2]
				}
				return l
			}
		}, EntryMissing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			c.spoil(b)
			objects := b.build()
			wantCode(t, verify(objects, options()), "")
			_, _, err := openAll(objects, options())
			wantCode(t, err, c.want)
		})
	}
}

// bomb is a stream of zeros without the padding that would keep its ratio.
func bomb(t *testing.T) []byte {
	enc, err := frame.NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	f := enc.Encode(nil, make([]byte, frame.MaxContent))
	var out, table []byte
	const n = 4
	for range n {
		out = append(out, f.Bytes...)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(f.Bytes)))
		table = binary.LittleEndian.AppendUint32(table, uint32(f.Content))
	}
	out = binary.LittleEndian.AppendUint32(out, 0x184D2A5E)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(table)+9))
	out = append(out, table...)
	out = binary.LittleEndian.AppendUint32(out, n)
	return binary.LittleEndian.AppendUint32(append(out, 0), 0x8F92EAB1)
}
