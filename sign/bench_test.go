package sign_test

import (
	"testing"

	"exhibit/sign"
)

// An index has millions of lines.
func BenchmarkUnmarshalLine(b *testing.B) {
	v := new(sample)
	if err := sign.UnmarshalDocument([]byte(sampleDocument), sampleType, v); err != nil {
		b.Fatal(err)
	}
	line, err := sign.MarshalLine(v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if err := sign.UnmarshalLine(line, sampleType, new(sample)); err != nil {
			b.Fatal(err)
		}
	}
}
