package mime

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkDashes measures the search for boundaries in kinds of text that have
// none, against a plain search.
func BenchmarkDashes(b *testing.B) {
	fill := func(line string) []byte { return bytes.Repeat([]byte(line), 8<<20/len(line)) }
	for _, text := range []struct {
		name string
		data []byte
	}{
		{"base64", fill(strings.Repeat("QUJD", 19) + "\r\n")},
		{"prose", fill("It was the best of times - it was the worst of times, a well-known line of it.\r\n")},
		{"html", fill(`<td style="font-family:x;font-size:1px;border-top-width:0" class="a-b">&nbsp;</td>` + "\r\n")},
		{"patch", fill("-- a line that was left out --------\r\n")},
		{"dashes", fill(strings.Repeat("-", 70) + "\r\n")},
		{"bullets", fill("- a\r\n")},
	} {
		b.Run(text.name, func(b *testing.B) {
			b.SetBytes(int64(len(text.data)))
			for b.Loop() {
				for rest := text.data; len(rest) > 0; {
					n := dashes(rest, '\n')
					if n < 0 {
						break
					}
					rest = rest[n:]
				}
			}
		})
		b.Run(text.name+"/plain", func(b *testing.B) {
			b.SetBytes(int64(len(text.data)))
			for b.Loop() {
				for rest := text.data; len(rest) > 0; {
					n := bytes.Index(rest, []byte("\n--"))
					if n < 0 {
						break
					}
					rest = rest[n+3:]
				}
			}
		})
	}
}

// BenchmarkBombs measures messages that are made to waste time and memory.
func BenchmarkBombs(b *testing.B) {
	for _, bomb := range bombs() {
		b.Run(bomb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bomb.raw)))
			for b.Loop() {
				Parse(bomb.raw, Options{NoHash: true})
			}
		})
	}
}

// bomb is a message beyond a limit, with the defect that says so.
type bomb struct {
	name, defect string
	raw          []byte
}

func bombs() []bomb {
	const multi = "Content-Type: multipart/mixed; boundary="
	var nested strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&nested, "%s\"b%d\"\r\n\r\n--b%d\r\n", multi, i, i)
	}
	return []bomb{
		{"20,000 nested multiparts", DefectTooDeep, []byte(nested.String())},
		{"20,000 nested multiparts of one boundary", DefectTooDeep, bytes.Repeat([]byte(multi+"b\n\n--b\n"), 20_000)},
		{"20,000 nested messages", DefectTooDeep, bytes.Repeat([]byte("Content-Type: message/rfc822\n\n"), 20_000)},
		{"200,000 parts", DefectTooManyParts, []byte(multi + "b\n\n" + strings.Repeat("--b\nA: b\n\nc\n", 200_000))},
		{"200,000 empty parts", DefectTooManyParts, []byte(multi + "b\n\n" + strings.Repeat("--b\n\n", 200_000))},
		{"boundaries in a row", DefectUnterminated, []byte(multi + "b\n\n" + strings.Repeat("--b\n", 200_000))},
		{"a million header lines", "too-many-fields", append(bytes.Repeat([]byte("X-A: b\n"), 1_000_000), "\nbody"...)},
		{"a million headers lines in parts", "too-many-fields", []byte(multi + "b\n\n" + strings.Repeat("--b\n"+strings.Repeat("X-A: b\n", 1000)+"\n", 1000))},
		{"a million fields of one kind", "repeated-field", bytes.Repeat([]byte("Content-ID: a\nContent-ID: b\n"), 500_000)},
		{"a line of 20 megabytes", "too-many-bytes", []byte("X-A: " + strings.Repeat("x", 20<<20) + "\n\nbody")},
		{"no header in 20 megabytes", "no-header", bytes.Repeat([]byte("junk\n"), 4<<20)},
		{"headers of 30 megabytes", DefectTooManyHeaders, []byte(multi + "b\n\n" + strings.Repeat("--b\nX-A: "+strings.Repeat("x", 1<<20)+"\n\n", 30))},
		{"lines that begin with dashes", DefectBoundaryMissing, []byte(multi + "b\n\n" + strings.Repeat("--a\n", 1_000_000))},
		{"blanks after a boundary", DefectBoundaryMissing, []byte(multi + "b\n\n" + strings.Repeat("--b"+strings.Repeat(" ", 5000)+"\n", 2000))},
	}
}
