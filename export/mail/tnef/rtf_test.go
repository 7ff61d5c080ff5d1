package tnef

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail/limits"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// specified are the examples of MS-OXRTFCP, sections 3.1 and 3.2.
var specified = []struct {
	stored []byte
	want   string
}{
	{unhex("2d000000 2b000000 4c5a4675 f1c5c7a7 03000a00 72637067 31323542 320af320 68656c09 00206277 05b06c64 7d0a800f a0"),
		"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"},
	{unhex("1a000000 1c000000 4c5a4675 e2d44b51 41000420 5758595a 0d6e7d01 0eb0"),
		`{\rtf1 WXYZWXYZWXYZWXYZWXYZ}`},
}

func TestRTFSpecified(t *testing.T) {
	for _, c := range specified {
		s := &state{rtf: limits.TNEFFormattedBytes}
		got, ok := s.formatted(c.stored, 0)
		if !ok || string(got) != c.want || s.err != nil || s.faults != nil {
			t.Errorf("%q, %v, %v", got, s.err, s.faults)
		}
	}
	if len(dictionaryBegin) != 207 {
		t.Errorf("the dictionary begins with %d bytes", len(dictionaryBegin))
	}
}

func TestRTFUncompressed(t *testing.T) {
	stored := unhex("10000000 04000000 4d454c41 00000000 7b7d2020 2020")
	s := &state{rtf: limits.TNEFFormattedBytes}
	if got, ok := s.formatted(stored, 0); !ok || string(got) != "{}  " || s.err != nil || s.faults != nil {
		t.Errorf("%q, %v, %v", got, s.err, s.faults)
	}
}

// What refers to the same few bytes over and over grows no further than allowed.
func TestRTFBomb(t *testing.T) {
	body := bytes.Repeat(append([]byte{0xff}, bytes.Repeat([]byte{0, 0x1e}, 8)...), 1<<18) // 16 bytes from 1 on
	s := &state{rtf: limits.TNEFFormattedBytes}
	if got, ok := s.formatted(rtfStream(body, 1<<31), 0); ok || s.err == nil || got != nil {
		t.Errorf("%d bytes, %v", len(got), s.err)
	}
}

// Texts come back, whatever they are; compressed ones by a writer that refers back
// wherever it can.
func TestRTFProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringMatching(`[ab]{1,30}|\\rtf1|.{0,20}`), 0, 400).Draw(t, "pieces")
		text := []byte(strings.Join(pieces, ""))
		for _, stored := range [][]byte{rtf(string(text)), rtfStream(deflate(text), len(text))} {
			s := &state{rtf: limits.TNEFFormattedBytes}
			got, ok := s.formatted(stored, 0)
			if !ok || !bytes.Equal(got, text) || s.err != nil || s.faults != nil {
				t.Fatalf("%q came back as %q, %v, %v", text, got, s.err, s.faults)
			}
		}
	})
}

// deflate compresses by the longest match in the dictionary that does not lie
// where it is being written.
func deflate(text []byte) []byte {
	var dictionary [dictionaryBytes]byte
	write := copy(dictionary[:], dictionaryBegin)
	filled := write
	var out []byte
	control, bit := 0, 8
	flag := func(reference bool) {
		if bit == 8 {
			control, bit = len(out), 0
			out = append(out, 0)
		}
		if reference {
			out[control] |= 1 << bit
		}
		bit++
	}
	for len(text) > 0 {
		offset, length := 0, 0
		for o := range filled {
			n := 0
			for n < 17 && n < len(text) && o+n < filled && o+n < dictionaryBytes && dictionary[o+n] == text[n] && (o >= write || o+n < write) && o != write {
				n++
			}
			if n > length {
				offset, length = o, n
			}
		}
		if length < 2 {
			flag(false)
			length = 1
			out = append(out, text[0])
		} else {
			flag(true)
			reference := offset<<4 | (length - 2)
			out = append(out, byte(reference>>8), byte(reference))
		}
		for _, b := range text[:length] {
			dictionary[write] = b
			write = (write + 1) % dictionaryBytes
			filled = min(filled+1, dictionaryBytes)
		}
		text = text[length:]
	}
	flag(true)
	return append(out, byte(write>>4), byte(write<<4))
}

func FuzzRTF(f *testing.F) {
	for _, c := range specified {
		f.Add(c.stored)
	}
	f.Add(rtfStream([]byte{0xff, 0, 0x1e}, 100))
	f.Fuzz(func(t *testing.T, stored []byte) {
		s := &state{rtf: 1 << 16}
		if got, ok := s.formatted(stored, 0); ok && len(got) > max(1<<16, len(stored)) {
			t.Errorf("%d bytes", len(got))
		}
	})
}
