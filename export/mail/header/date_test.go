package header_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"exhibit/export/mail/header"
)

func TestDate(t *testing.T) {
	const noon = "2015-07-20T12:00:00Z"
	tests := []struct{ value, want string }{
		// RFC 5322
		{"Mon, 20 Jul 2015 12:00:00 +0000", noon},
		{"20 Jul 2015 14:00 +0200", noon},
		{"Mon, 20 Jul 2015 07:00:00 -0500 (CDT)", noon},
		{"Mon, 20 Jul 2015 12:00:00 -0000", noon},
		{"Mon,\t20 Jul  2015\t12:00:00\t+0000", noon},
		{"Tue, 30 Jun 2015 23:59:60 +0000", "2015-07-01T00:00:00Z"},
		{"Wed, 29 Feb 2012 00:00:00 +0000", "2012-02-29T00:00:00Z"},
		// obsolete syntax
		{"20 Jul 15 12:00:00 GMT", noon},
		{"20 Jul 49 12:00:00 GMT", "2049-07-20T12:00:00Z"},
		{"20 Jul 50 12:00:00 GMT", "1950-07-20T12:00:00Z"},
		{"20 Jul 115 12:00:00 GMT", "2015-07-20T12:00:00Z"},
		{"Mon (day), 20 (of) Jul 2015 (A (nested) one) 12:00:00 UT", noon},
		{"Mon, 20 Jul 2015 07:00:00 EST", noon}, {"Mon, 20 Jul 2015 08:00:00 EDT", noon},
		{"Mon, 20 Jul 2015 06:00:00 CST", noon}, {"Mon, 20 Jul 2015 07:00:00 CDT", noon},
		{"Mon, 20 Jul 2015 05:00:00 MST", noon}, {"Mon, 20 Jul 2015 06:00:00 MDT", noon},
		{"Mon, 20 Jul 2015 04:00:00 PST", noon}, {"Mon, 20 Jul 2015 05:00:00 pdt", noon},
		{"Mon, 20 Jul 2015 12:00:00 Z", noon},
		// as real senders write it
		{"Mon Jul 20 12:00:00 2015 +0000", noon},
		{"Mon Jul 20 12:00:00 +0000 2015", noon},
		{"Mon Jul 20 12:00:00 UTC 2015", noon},
		{"2015-07-20T12:00:00Z", noon},
		{"2015-07-20t14:00:00.25+02:00", "2015-07-20T12:00:00.25Z"},
		{"2015-07-20 12:00:00 +0000", noon},
		{"2015/07/20 12:00:00 GMT", noon},
		{"Monday, 20 July 2015 12:00:00 +0000", noon},
		{"Mon, 20-Jul-2015 12:00:00 GMT", noon},
		{"Mon, 20 Jul 2015 12.00.00 +0000", noon},
		{"Mon, July 20th, 2015 12:00:00 PM +0000", noon},
		{"Mon, 20 Jul 2015 02:00:00PM +0200", noon},
		{"Mon, 20 Jul 2015 12:00:00 AM +0000", "2015-07-20T00:00:00Z"},
		{"Mon, 20 Jul 2015 14:00:00 GMT+0200", noon},
		{"Mon, 20 Jul 2015 14:00:00 UTC+2", noon},
		{"Mon, 20 Jul 2015 14:00:00 GMT +0200", noon},
		{"Mon, 20 Jul 2015 14:00:00 +0200 CEST", noon},
		{"Mon, 20 Jul 2015 04:00:00 -800", noon},
		{"Mon, 20 Jul 2015 07:00:00 (EST)", noon},
		{"20 Jul 2015 12:00:00+0000", noon},
		{"Sun, 20 Jul 2015 12:00:00 +0000", noon}, // it was a Monday
		{`"Mon, 20 Jul 2015 12:00:00 +0000"`, noon},
		{"<Mon, 20 Jul 2015 12:00:00 +0000>", noon},
		{`Mon, 20 Jul 2015 07:00:00 "EST"`, noon},
		{"Date: Mon, 20 Jul 2015 12:00:00 +0000", noon},
		{"Mo, 20 Jul 2015 12:00:00 +0000", noon},
		{"Lun, 20 Jul 2015 12:00:00 +0000", noon},
		{"Пн, 20 Jul 2015 12:00:00 +0000", noon},
		{", 20 Jul 2015 12:00:00 +0000", noon},
		{"Mon, 20 Jul 2015 12:00:00 +0000.", noon},
		{"Mon, 020 Jul 2015 12:00:00 +0000", noon},
		{"07/20/2015 12:00:00 +0000", noon},
		{"7/20/2015 2:00:00 PM +0200", noon},
		{"07/07/2015 12:00:00 +0000", "2015-07-07T12:00:00Z"},
		{"Mon, 20 Jul 0015 12:00:00 +0000", noon},
		{"Mon, 20 Jul 0095 12:00:00 +0000", "1995-07-20T12:00:00Z"},
		{"Mon, 20 Jul 5 12:00:00 +0000", "2005-07-20T12:00:00Z"},
		{"Mon, 20 Jul 005 12:00:00 +0000", "2005-07-20T12:00:00Z"},
		{"Mon, 20 Jul 115 12:00:00 +0000", noon},
		// no zone, or none that is known
		{"Mon, 20 Jul 2015 12:00:00", "?" + noon},
		{"Mon Jul 20 12:00:00 2015", "?" + noon},
		{"2015-07-20T12:00:00", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 CEST", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 MET DST", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 A", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 Pacific Standard Time", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 -7700", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 +0160", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 +1401", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 0200", "?" + noon},
		{"Mon, 20 Jul 2015 12:00:00 +1400", "2015-07-19T22:00:00Z"},
		// not determinable
		{"", ""}, {"Mon", ""}, {"yesterday", ""}, {"Mon, 20 Jul 2015", ""}, {"12:00:00 +0000", ""},
		{"30 Feb 2015 12:00:00 +0000", ""}, {"29 Feb 2015 12:00:00 +0000", ""}, {"31 Apr 2015 12:00:00 +0000", ""},
		{"32 Jul 2015 12:00:00 +0000", ""}, {"0 Jul 2015 12:00:00 +0000", ""}, {"20 Jul 2015 24:00:00 +0000", ""},
		{"20 Jul 2015 12:60:00 +0000", ""}, {"20 Jul 2015 12:00:61 +0000", ""}, {"20 Jul 1899 12:00:00 +0000", ""},
		{"20 Jul 20155 12:00:00 +0000", ""}, {"20 Jul Jul 2015 12:00:00 +0000", ""}, {"20 Foo 2015 12:00:00 +0000", ""},
		{"07/08/2015 12:00:00 +0000", ""}, {"20 Jul 2015 12:00:00 13:00:00 +0000", ""}, {"20 Jul 2015 2016 12:00:00", ""},
		{"20 Jul 2015 00:30 AM +0000", ""}, {"=?utf-8?q?x?=", ""}, {"20 Jul 2015 12:", ""}, {"\xff", ""}, {"T:", ""},
		{"0T:", ""}, {"20/07/2015 12:00:00 +0000", ""}, {"20-07-2015 12:00", ""}, {"07/32/2015 12:00:00 +0000", ""}, {"13/13/2015 12:00:00 +0000", ""},
		{"02/30/2015 12:00:00 +0000", ""}, {"07/20/1899 12:00:00 +0000", ""}, {"07/20/15 12:00:00 +0000", ""}, {"Jul 20 12:00:00 0015", ""},
		{"Jul, 20 12:00:00 +0000", ""}, {"032 Jul 2015 12:00:00 +0000", ""}, {"Foo 20 Jul 2015 12:00:00 +0000", ""},
		{"1899-07-20T12:00:00Z", ""}, {"2015-13-20T12:00:00Z", ""}, {"2015-07-00T12:00:00Z", ""},
		{strings.Repeat("(", 1001), ""}, {strings.Repeat("x ", 65), ""},
	}
	for _, tt := range tests {
		d, err := header.Date(tt.value)
		if tt.want == "" {
			if !errors.Is(err, header.ErrDate) {
				t.Errorf("%q: %v, %v; want ErrDate", tt.value, d, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.value, err)
			continue
		}
		wall, unknown := strings.CutPrefix(tt.want, "?")
		at, err := time.Parse(time.RFC3339Nano, wall)
		if err != nil {
			t.Fatal(err)
		}
		want := header.At(at)
		if unknown {
			want = header.DateTime{Earliest: at.Add(-14 * time.Hour), Latest: at.Add(12 * time.Hour)}
		}
		if !d.Earliest.Equal(want.Earliest) || !d.Latest.Equal(want.Latest) || d.Exact() == unknown {
			t.Errorf("%q: got %v to %v, want %v to %v", tt.value, d.Earliest, d.Latest, want.Earliest, want.Latest)
		}
	}
}

func TestDateLimits(t *testing.T) {
	const date = "20 Jul 2015 12:00:00 +0000"
	pad := func(n int) string { return date + strings.Repeat(" ", n-len(date)) }
	if _, err := header.Date(pad(1000)); err != nil {
		t.Errorf("at the limit of bytes: %v", err)
	}
	if _, err := header.Date(pad(1001)); err == nil {
		t.Error("past the limit of bytes: accepted")
	}
	if _, err := header.Date(date + strings.Repeat(" x", 64-5)); err != nil {
		t.Errorf("at the limit of words: %v", err)
	}
	if _, err := header.Date(date + strings.Repeat(" x", 64-4)); err == nil {
		t.Error("past the limit of words: accepted")
	}
}

func TestReceivedDate(t *testing.T) {
	d, err := header.ReceivedDate("from a (b; c) by d; id e; Mon, 20 Jul 2015 12:00:00 +0000 (UTC)")
	if err != nil || !d.Exact() || d.Earliest.Format(time.RFC3339) != "2015-07-20T12:00:00Z" {
		t.Errorf("got %v, %v", d, err)
	}
	for _, value := range []string{"", "from a by b", "from a by b;", "from a by b; soon",
		// what a sender's first line, folded into the field, may add
		"from a by b; Mon, 20 Jul 2015 12:00:00 +0000 ; Tue, 21 Jul 2015 12:00:00 +0000",
		"from a by b; Mon, 20 Jul 2015 12:00:00 +0000 99 ; Tue, 21 Jul 2015 12:00:00 +0000",
		"from a by b; Mon, 20 Jul 2015 12:00:00 +0000 (x; Tue, 21 Jul 2015 12:00:00 +0000 )",
	} {
		if _, err := header.ReceivedDate(value); !errors.Is(err, header.ErrDate) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func FuzzDate(f *testing.F) {
	f.Add("Mon, 20 Jul 2015 12:00:00 +0000 (UTC)")
	f.Add("2015-07-20T12:00:00.5+02:00")
	f.Add("Mon Jul 20 12:00:00 MET DST 2015")
	f.Add("20-Jul-15 1:2 PM UTC-3")
	f.Add("Date: \"Lun, 7/20/2015 2:00:00 PM\" (EST).")
	f.Fuzz(func(t *testing.T, value string) {
		d, err := header.Date(value)
		if err != nil {
			if !errors.Is(err, header.ErrDate) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if wide := d.Latest.Sub(d.Earliest); wide != 0 && wide != 26*time.Hour {
			t.Fatalf("%q: %v wide", value, wide)
		}
		if y := d.Latest.Year(); y < 1899 || y > 10000 {
			t.Fatalf("%q: year %d", value, y)
		}
	})
}

func TestDateWritable(t *testing.T) {
	for value, want := range map[string]bool{
		"Fri, 31 Dec 9999 23:59:59 +0000": true,
		"Fri, 31 Dec 9999 23:59:59 -0100": false,
		"Fri, 31 Dec 9999 11:59:59":       true,
		"Fri, 31 Dec 9999 12:00:00":       false,
	} {
		if _, err := header.Date(value); (err == nil) != want {
			t.Errorf("%q: %v", value, err)
		}
	}
}
