package header_test

import (
	"fmt"
	"strings"
	"testing"

	"exhibit/export/mail/header"
)

// BenchmarkValueBombs reads values made to waste time and memory.
func BenchmarkValueBombs(b *testing.B) {
	var segments strings.Builder
	segments.WriteString("attachment")
	for i := range 20_000 {
		fmt.Fprintf(&segments, "; filename*%d*=%%C3%%A4", i)
	}
	addresses := strings.Repeat("=?utf-8?q?A?= <a@mail.example>, ", 300_000)
	words := strings.Repeat("=?utf-8?q?=C3=A4?= ", 200_000)
	for name, read := range map[string]func(){
		"20,000 segments":       func() { header.Disposition(segments.String()) },
		"300,000 addresses":     func() { header.Addresses(addresses) },
		"200,000 encoded words": func() { header.DecodeText(words) },
		"200,000 words, sought": func() { header.DecodeWords(words) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
		})
	}
}

// BenchmarkValues reads values as most messages have them.
func BenchmarkValues(b *testing.B) {
	for name, read := range map[string]func(){
		"content type": func() { header.ContentType(`multipart/alternative; boundary="----=_Part_1_2.3"`) },
		"plain type":   func() { header.ContentType("text/plain; charset=utf-8") },
		"disposition":  func() { header.Disposition(`attachment; filename="=?utf-8?q?=C3=A4.pdf?="`) },
		"subject":      func() { header.DecodeText("Re: the meeting of today") },
		"encoded":      func() { header.DecodeText("=?utf-8?b?UmU6IGTDpA==?= =?utf-8?q?=C3=A4?=") },
		"address":      func() { header.Addresses("A B <a@mail.example>") },
		"date":         func() { _, _ = header.Date("Mon, 20 Jul 2015 12:00:00 +0200 (CEST)") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
		})
	}
}
