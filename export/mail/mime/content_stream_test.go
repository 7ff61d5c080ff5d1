package mime_test

import (
	"runtime"
	"strings"
	"testing"

	"exhibit/export/mail/limits"
	"exhibit/export/mail/mime"
)

// An encoded message that is just too large to be opened, and one that is not, are
// read with less than 64 MiB of memory.
func TestOpeningInLittleMemory(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lines  int64
		opened bool
	}{
		{"opened", limits.OpenedBytes / 57, true},
		{"too large", limits.OpenedBytes/57 + 1, false},
		{"much too large", 4 * limits.OpenedBytes / 57, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := &repeated{
				head:  "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n",
				line:  strings.Repeat("QTpi", 19) + "\r\n", // A:b
				lines: tt.lines,
			}
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := mime.ParseReaderAt(src, src.size(), mime.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if used := int64(src.heap) - int64(before.HeapInuse); used > 64<<20 {
				t.Errorf("%d MiB of memory", used>>20)
			}
			if opened := m.Root.Message != nil; opened != tt.opened || m.Root.Size != tt.lines*57 {
				t.Errorf("opened: %v, size %d; defects %v", opened, m.Root.Size, m.Defects)
			}
		})
	}
}
