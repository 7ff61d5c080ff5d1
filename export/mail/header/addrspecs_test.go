package header_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

func TestAddrSpecs(t *testing.T) {
	for _, tt := range []struct {
		value    string
		want     []string
		complete bool
	}{
		{"", nil, true},
		{"a@example.org, B <b@example.org>", []string{"a@example.org", "b@example.org"}, true},
		{`"B, x@y.example" <b@example.org> (x@y.example)`, []string{"b@example.org"}, true},
		{"x@y.example <b@example.org>", []string{"b@example.org"}, true},
		{`"a  b"@example.org, <"c  d"@example.org>`, []string{`"a  b"@example.org`, `"c  d"@example.org`}, true},
		{"G: a@example.org, b@example.org;, c@example.org", []string{"a@example.org", "b@example.org", "c@example.org"}, true},
		{"<@x.example,@y.example:a@example.org>", []string{"a@example.org"}, true},
		{"nobody, a@example.org", []string{"a@example.org"}, false},
		// nothing is decoded, joined or picked out
		{"=?utf-8?q?x=40y.example?=, a@example.org", []string{"a@example.org"}, false},
		{"=?utf-8?q?x=40y.example?= <a@example.org>", []string{"a@example.org"}, true},
		{"x @ y.example, a@example.org", []string{"a@example.org"}, false},
		{"x(c)@y.example, a@example.org", []string{"a@example.org"}, false},
		{"see x@y.example now, a@example.org", []string{"a@example.org"}, false},
		{"a@example.org x@y.example", nil, false},
		{"<a@example.org> x@y.example, b@example.org", []string{"a@example.org", "b@example.org"}, false},
		{"<a@example.org> <x@y.example> z@y.example, b@example.org", []string{"a@example.org", "b@example.org"}, false},
		// what nothing closes ends the list
		{`a@example.org, "B, x@y.example`, []string{"a@example.org"}, false},
		{"a@example.org, B (c, x@y.example", []string{"a@example.org"}, false},
		{"a@example.org, B <c, x@y.example", []string{"a@example.org"}, false},
	} {
		got, complete := header.AddrSpecs(tt.value, 10)
		if !slices.Equal(got, tt.want) || complete != tt.complete {
			t.Errorf("%q: %q, complete %t; want %q, %t", tt.value, got, complete, tt.want, tt.complete)
		}
	}
}

func TestAddrSpecsLimits(t *testing.T) {
	for n, want := range map[int]bool{10: true, 11: false} {
		list, complete := header.AddrSpecs(strings.Repeat("a@b,", n), 10)
		if len(list) != 10 || complete != want {
			t.Errorf("%d addresses: %d read, complete %t", n, len(list), complete)
		}
	}
	// The last address of a list that is cut might be half of one.
	value := strings.Repeat(" ", header.MaxListBytes-len("a@b.example,c@d.example")) + "a@b.example,c@d.example"
	if list, complete := header.AddrSpecs(value, 10); len(list) != 2 || !complete {
		t.Errorf("at the limit: %q, complete %t", list, complete)
	}
	if list, complete := header.AddrSpecs(value+".org", 10); !slices.Equal(list, []string{"a@b.example"}) || complete {
		t.Errorf("past the limit: %q, complete %t", list, complete)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC)
	const date = "Mon, 15 Jun 2026 10:00:00 +0000"
	for _, tt := range []struct {
		name           string
		raw            string
		received, sent error // nil: the time above
	}{
		{"both", "Received: by a; " + date + "\nReceived: by b; x\nDate: " + date + "\n", nil, nil},
		{"neither", "Subject: x\n", header.ErrAbsent, header.ErrAbsent},
		{"unreadable", "Received: by a; x\nReceived: by b; " + date + "\nDate: x\n", header.ErrDate, header.ErrDate},
		{"the same twice", "Date: " + date + "\nDate: Mon, 15 Jun 2026 12:00:00 +0200\n", header.ErrAbsent, nil},
		{"two", "Date: " + date + "\nDate: Tue, 16 Jun 2026 10:00:00 +0000\n", header.ErrAbsent, header.ErrDiffer},
		{"one and none", "Date: " + date + "\nDate: x\n", header.ErrAbsent, header.ErrDiffer},
	} {
		h := header.Read([]byte(tt.raw))
		if got, err := h.ReceivedTime(); !errors.Is(err, tt.received) || err == nil && got != header.At(at) {
			t.Errorf("%s: received %v, %v", tt.name, got, err)
		}
		if got, err := h.SentTime(); !errors.Is(err, tt.sent) || err == nil && got != header.At(at) {
			t.Errorf("%s: sent %v, %v", tt.name, got, err)
		}
	}
}

func TestWhole(t *testing.T) {
	for raw, want := range map[string]bool{
		"A: b\n\n":        true,
		"A: b\njunk\nC: ": true,
		"":                false,
		strings.Repeat("A: b\n", limits.Fields) + "\n":   true,
		strings.Repeat("A: b\n", limits.Fields+1) + "\n": false,
	} {
		if got := header.Read([]byte(raw)).Whole(); got != want {
			t.Errorf("%.20q, %d bytes: %t", raw, len(raw), got)
		}
	}
}
