package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/mime"
)

// bomb is a message that asks for more than a message may, and the defect that
// tells so; empty where it only tries to waste time.
type bomb struct {
	name, defect string
	raw          func() []byte
}

var bombs = []bomb{
	{"20k-nested-multiparts", "too-deep", func() []byte { return nestedMultiparts(20_000) }},
	{"200k-parts", "too-many-parts", func() []byte {
		return []byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 200_000) + "--b--\r\n")
	}},
	{"200k-messages", "too-many-parts", func() []byte {
		return []byte("Content-Type: multipart/digest; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nSubject: x\r\n\r\nx\r\n", 200_000) + "--b--\r\n")
	}},
	{"20k-nested-messages", "too-deep", func() []byte {
		return []byte(strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 20_000) + "\r\nx\r\n")
	}},
	{"20k-parameter-segments", "too-many-parameters", func() []byte {
		return numbered("Content-Type: text/plain", 20_000, ";\r\n name*%d*=%%41", "\r\n\r\nx\r\n")
	}},
	{"1M-headers", "too-many-fields", func() []byte { return numbered("", 1_000_000, "X-%d: v\r\n", "\r\nx\r\n") }},
	{"300k-addresses", "addresses", func() []byte {
		return numbered("To: x@mail.example", 300_000, ",\r\n a%d@mail.example", "\r\n\r\nx\r\n")
	}},
	{"200k-encoded-words", "too-many-encoded-words", func() []byte {
		return []byte("Subject:" + strings.Repeat(" =?utf-8?q?=C3=A9?=\r\n", 200_000) + "\r\nx\r\n")
	}},
	{"20M-header-line", "too-many-bytes", func() []byte { return []byte("Subject: " + strings.Repeat("x", 20_000_000) + "\r\n\r\nx\r\n") }},
	{"header-without-end", "too-many-bytes", func() []byte { return []byte("Subject: x\r\n" + strings.Repeat(" y\r\n", 5_000_000)) }},
	{"deep-comments", "addresses", func() []byte {
		return []byte("From: " + strings.Repeat("(", 5_000_000) + " a@mail.example\r\n\r\nx\r\n")
	}},
	{"deep-comments-in-a-type", "content-type", func() []byte { return []byte("Content-Type: " + strings.Repeat("(", 5_000_000) + "\r\n\r\nx\r\n") }},
	{"48M-encoded-message", "not-opened", func() []byte {
		line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 57)) + "\r\n"
		return []byte("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(line, 48<<20/57))
	}},
	{"false-boundaries", "unterminated", func() []byte {
		return append(nestedMultiparts(60), strings.Repeat("--b\r\n--c\r\n", 3_000_000)...)
	}},
	{"2k-uuencoded-files", "too-many-files", func() []byte {
		return []byte("Subject: x\r\n\r\n" + strings.Repeat("begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n", 2000))
	}},
	{"junk-before-known-fields", "too-many-defects", func() []byte {
		return []byte("Subject: x\r\n" + strings.Repeat(strings.Repeat("x\r\n", 20)+"X-A: b\r\n", 200_000) + "\r\nx\r\n")
	}},
	{"12M-CR-boundaries", "boundary-missing", func() []byte {
		return []byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("\r--bx", 12_000_000))
	}},
	{"1M-uuencode-beginnings", "", func() []byte {
		return []byte("Subject: x\r\n\r\n" + strings.Repeat("begin 644 a.txt\r\n", 1_000_000))
	}},
}

// nestedMultiparts is a message of n multiparts, each in the one before, whose
// boundaries differ and are never closed.
func nestedMultiparts(n int) []byte {
	return numbered("", n, "Content-Type: multipart/mixed; boundary=b%[1]d_\r\n\r\n--b%[1]d_\r\n", "\r\nx\r\n")
}

// numbered writes n numbered texts between two others.
func numbered(before string, n int, format, after string) []byte {
	var b bytes.Buffer
	b.WriteString(before)
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	b.WriteString(after)
	return b.Bytes()
}

// describe reads a bomb as the index does, and returns the names of its defects.
func describe(raw []byte) []string {
	var names []string
	for _, d := range mail.DescribeParsed(mime.Parse(raw, mime.Options{}), 0).Defects {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bombBytes bounds what reading a bomb may allocate, garbage included, so that
// its peak is below that too.
const bombBytes = 256 << 20

// What is beyond a limit is a defect, and costs a bounded amount of memory.
func TestBombs(t *testing.T) {
	for _, bomb := range bombs {
		t.Run(bomb.name, func(t *testing.T) {
			raw := bomb.raw()
			var names []string
			if n := allocated(func() { names = describe(raw) }); n > bombBytes {
				t.Errorf("%d bytes allocated for a message of %d", n, len(raw))
			}
			if bomb.defect != "" && !slices.Contains(names, bomb.defect) {
				t.Errorf("defects %q without %s", names, bomb.defect)
			}
		})
	}
}

// allocated returns how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// BenchmarkBombs tells the time and the allocated bytes, garbage included, for
// each bomb.
func BenchmarkBombs(b *testing.B) {
	for _, bomb := range bombs {
		b.Run(bomb.name, func(b *testing.B) {
			raw := bomb.raw()
			b.SetBytes(int64(len(raw)))
			var names []string
			most := uint64(0)
			for b.Loop() {
				most = max(most, allocated(func() { names = describe(raw) }))
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/op")
			b.ReportMetric(float64(most)/(1<<20), "MiB")
			b.Logf("defects: %s", strings.Join(names, " "))
		})
	}
}
