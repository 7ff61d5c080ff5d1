package main

import (
	"testing"

	"exhibit/export/mail/mime"
)

// BenchmarkReaders tells the speed of every reader for every input, with the
// decoded content hashed (SHA-256 and MD5) and without. `go run . ratios` compares
// them in one run.
func BenchmarkReaders(b *testing.B) {
	list, err := inputs()
	if err != nil {
		b.Log("left out:", err)
	}
	for _, in := range list {
		for _, hashing := range []bool{true, false} {
			for _, r := range readers() {
				b.Run(in.name+"/hashes="+yes(hashing)+"/"+r.name, func(b *testing.B) {
					d := newDigester(hashing)
					b.SetBytes(in.bytes())
					b.ReportAllocs()
					for b.Loop() {
						for _, m := range in.messages {
							r.read(m, d) //nolint:errcheck // a reader that gives up has less to do
						}
					}
				})
			}
		}
	}
}

// BenchmarkHeaderLines tells what a header line costs, values aside.
func BenchmarkHeaderLines(b *testing.B) {
	const lines = 200
	raw := headerMessage(lines)
	b.ReportAllocs()
	for b.Loop() {
		mime.Parse(raw, mime.Options{})
	}
	b.ReportMetric(allocations(false), "allocs/line")
}
