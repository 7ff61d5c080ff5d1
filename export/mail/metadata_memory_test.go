package mail_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
)

// A header of many small values does not take many times its size in memory, and
// what is left out is said.
func TestManyValuesInLittleMemory(t *testing.T) {
	const size = 8 << 20
	for field, defect := range map[string]string{
		"To: a:": header.DefectAddresses, "To: a ": header.DefectAddresses, "Keywords: a,": "", "X-Gmail-Labels: a,": "",
		"References: <a>": mail.DefectCut, "In-Reply-To: <a>": mail.DefectCut, "Message-ID: <a>": "",
	} {
		name, value, _ := strings.Cut(field, ": ")
		raw := []byte(name + ": " + strings.Repeat(value, size/len(value)) + "\n\n")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := mail.Describe(mail.Item{Raw: raw})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 6*size {
			t.Errorf("%s: %d bytes for %d", field, got, size)
		}
		if defect != "" && !slices.ContainsFunc(m.Defects, func(d mail.Defect) bool { return d.Name == defect }) {
			t.Errorf("%s: defects %v, want %s", field, m.Defects, defect)
		}
	}
}
