package normalize_test

import (
	"bytes"
	"errors"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/normalize"
)

func isErr(err error) bool { return errors.Is(err, normalize.ErrTransforms) }

func FuzzNormalize(f *testing.F) {
	f.Add([]byte("A: b\n\nc\n"), false)
	f.Add([]byte("\xef\xbb\xbf"+from+"A: b\r\n\r\n>From c\r\n"), true)
	f.Add([]byte("A: b\r\r"), false)
	f.Add([]byte("A: b\n>>From \n>From \n\r\n"), true)
	f.Fuzz(func(t *testing.T, raw []byte, rd bool) {
		it := eml(string(raw))
		if rd {
			it.Dialect = mail.DialectMboxrd
		}
		check(t, it)
	})
}

// What Invert accepts gives back the very transforms that led there, or fails;
// it never gives bytes that are out of proportion.
func FuzzInvert(f *testing.F) {
	f.Add([]byte("a\r\nb\r\n"), "L1 C1", "", "")
	f.Add([]byte("a\r\nb\r\n"), "R*", "RnJvbSAtCg==", "Cg==")
	f.Add([]byte("From a"), "", "", "Cg==")
	f.Fuzz(func(t *testing.T, out []byte, runs, line, trailer string) {
		var list []normalize.Transform
		if line != "" || trailer != "" {
			list = append(list, normalize.Transform{Name: normalize.MboxSeparator, Line: line, Trailer: trailer})
		}
		list = append(list, normalize.Transform{Name: normalize.MboxrdQuoting})
		if runs != "" {
			list = append(list, normalize.Transform{Name: normalize.LineEnds, Runs: runs})
		}
		before := bytes.Clone(out)
		back, err := normalize.Invert(out, list)
		if !bytes.Equal(out, before) {
			t.Fatal("the input was changed")
		}
		if err != nil && !isErr(err) {
			t.Fatalf("untyped error: %v", err)
		}
		if err == nil && len(back) > 2*len(out)+len(line)+len(trailer) {
			t.Fatalf("%d bytes from %d", len(back), len(out))
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	it := eml("Subject: b\n\n" + string(bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog, and then over another one\n"), 1<<14)))
	b.Run("transform and check", func(b *testing.B) {
		b.SetBytes(int64(len(it.Raw)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, exception := normalize.Normalize(it); exception != "" {
				b.Fatal(exception)
			}
		}
	})
	b.Run("bytes.ReplaceAll alone", func(b *testing.B) {
		b.SetBytes(int64(len(it.Raw)))
		b.ReportAllocs()
		for b.Loop() {
			bytes.ReplaceAll(it.Raw, []byte("\n"), []byte("\r\n"))
		}
	})
}
