package contentline_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"exhibit/export/mail/contentline"
	"exhibit/export/mail/header"
)

// event wraps lines into a calendar of one event.
func event(lines ...string) string { return calendar("VEVENT", lines...) }

func calendar(component string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:" + component + "\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:" + component + "\r\nEND:VCALENDAR\r\n"
}

func exact(t *testing.T, s string) header.DateTime { return interval(t, s, 0, 0) }
func local(t *testing.T, s string) header.DateTime {
	return interval(t, s, -14*time.Hour, 12*time.Hour)
}

func interval(t *testing.T, s string, before, after time.Duration) header.DateTime {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return header.DateTime{Earliest: at.Add(before), Latest: at.Add(after)}
}

func TestTimes(t *testing.T) {
	tests := []struct {
		name       string
		raw        string
		start, end header.DateTime
		recurring  bool
	}{
		{"utc", event("DTSTART:20150720T120000Z", "DTEND:20150720T130000Z"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T13:00:00Z"), false},
		{"leap second", event("DTSTART:20150630T235960Z"), exact(t, "2015-07-01T00:00:00Z"), exact(t, "2015-07-01T00:00:00Z"), false},
		{"zone", event("DTSTART;TZID=Europe/Zurich:20150720T140000"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), false},
		{"zone, quoted and global", event(`DTSTART;TZID="/Europe/Zurich":20150720T140000`), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), false},
		{"shown twice", event("DTSTART;TZID=Europe/Zurich:20151025T023000"), interval(t, "2015-10-25T00:30:00Z", 0, time.Hour), interval(t, "2015-10-25T00:30:00Z", 0, time.Hour), false},
		{"never shown", event("DTSTART;TZID=Europe/Zurich:20150329T023000"), interval(t, "2015-03-29T00:30:00Z", 0, time.Hour), interval(t, "2015-03-29T00:30:00Z", 0, time.Hour), false},
		{"day after a change", event("DTSTART;TZID=Europe/Zurich:20151025T120000"), exact(t, "2015-10-25T11:00:00Z"), exact(t, "2015-10-25T11:00:00Z"), false},
		{"unknown zone", event("DTSTART;TZID=W. Europe Standard Time:20150720T120000"), local(t, "2015-07-20T12:00:00Z"), local(t, "2015-07-20T12:00:00Z"), false},
		{"the machine's zone is none", event("DTSTART;TZID=Local:20150720T120000"), local(t, "2015-07-20T12:00:00Z"), local(t, "2015-07-20T12:00:00Z"), false},
		{"floating", event("DTSTART:20150720T120000", "DURATION:PT1H30M"), local(t, "2015-07-20T12:00:00Z"), local(t, "2015-07-20T13:30:00Z"), false},
		{"date", event("DTSTART;VALUE=DATE:20150720"), local(t, "2015-07-20T00:00:00Z"), local(t, "2015-07-21T00:00:00Z"), false},
		{"weeks", event("DTSTART:20150720T120000Z", "DURATION:P2W"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-08-03T12:00:00Z"), false},
		{"due", calendar("VTODO", "DUE:20150720T120000Z"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), false},
		{"recurring", event("DTSTART:20150720T120000Z", "RRULE:FREQ=DAILY"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), true},
		{"folded, lf", strings.ReplaceAll(event("DTSTART:201507", " 20T120000Z"), "\r\n", "\n"), exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), false},
		{"several", event("DTSTART:20150720T120000Z", "DTEND:20150720T130000Z", "END:VEVENT", "BEGIN:VEVENT", "DTSTART:20150701T120000Z"),
			exact(t, "2015-07-01T12:00:00Z"), exact(t, "2015-07-20T13:00:00Z"), false},
		{"zone rules and alarms do not count", "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
			"BEGIN:VEVENT\r\nDTSTART:20150720T120000Z\r\nBEGIN:VALARM\r\nDURATION:PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
			exact(t, "2015-07-20T12:00:00Z"), exact(t, "2015-07-20T12:00:00Z"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start, end, recurring, err := contentline.Times([]byte(tt.raw))
			if err != nil {
				t.Fatal(err)
			}
			if !same(start, tt.start) || !same(end, tt.end) || recurring != tt.recurring {
				t.Errorf("got  %v %v %v\nwant %v %v %v", start, end, recurring, tt.start, tt.end, tt.recurring)
			}
		})
	}
}

func same(a, b header.DateTime) bool {
	return a.Earliest.Equal(b.Earliest) && a.Latest.Equal(b.Latest)
}

func TestTimesUndetermined(t *testing.T) {
	const ok = "DTSTART:20150720T120000Z"
	for name, raw := range map[string]string{
		"nothing":             "",
		"no entry":            "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		"no time":             event("SUMMARY:x"),
		"one without a time":  event(ok, "END:VEVENT", "BEGIN:VEVENT", "SUMMARY:x"),
		"impossible date":     event("DTSTART:20150230T120000Z"),
		"no time after T":     event("DTSTART:20150720T"),
		"bad end":             event(ok, "DTEND:soon"),
		"bad duration":        event(ok, "DURATION:1H"),
		"empty duration":      event(ok, "DURATION:P"),
		"duration too long":   event(ok, "DURATION:P9999999W"),
		"ends before start":   event(ok, "DTEND:20140720T120000Z"),
		"negative duration":   event(ok, "DURATION:-PT1H"),
		"line not understood": event(ok, "junk"),
		"not ended":           "BEGIN:VEVENT\r\n" + ok + "\r\n",
		"ended twice":         event(ok) + "END:VCALENDAR\r\n",
		"entry in an entry":   event("DTSTART:20010101T120000Z", "BEGIN:VEVENT", ok, "END:VEVENT"),
		"two starts":          event("DTSTART:20010101T120000Z", ok),
		"two durations":       event(ok, "DURATION:PT1H", "DURATION:PT2H"),
		"time of the unknown": event(ok, "END:VEVENT", "BEGIN:X-OLD", "DTSTART:20010101T120000Z", "END:X-OLD", "BEGIN:VEVENT", ok),
		"time of the whole":   "BEGIN:VCALENDAR\r\nRRULE:FREQ=DAILY\r\n" + event(ok) + "END:VCALENDAR\r\n",
		"year 0":              event("DTSTART:00000101T000000Z"),
		"year 10000":          event("DTSTART:99991231T235959Z", "DURATION:PT1S"),
		"nested too deep":     strings.Repeat("BEGIN:X\r\n", 17) + strings.Repeat("END:X\r\n", 17),
	} {
		if _, _, _, err := contentline.Times([]byte(raw)); !errors.Is(err, contentline.ErrTime) {
			t.Errorf("%s: %v, want ErrTime", name, err)
		}
	}
}

func TestCorrespondents(t *testing.T) {
	card := func(lines string) string { return "BEGIN:VCARD\r\n" + lines + "END:VCARD\r\n" }
	tests := []struct {
		name     string
		raw      string
		want     []string
		complete bool
	}{
		{"organizer and attendees", event("ORGANIZER;CN=\"A: B\":mailto:B@example.org", "ATTENDEE;ROLE=X:MAILTO:a@example.org", "ATTENDEE:mailto:b@example.org"),
			[]string{"a@example.org", "b@example.org"}, true},
		{"escaped", event("ORGANIZER:mailto:a%2Bb@example.org?subject=x"), []string{"a+b@example.org"}, true},
		{"email parameter", event("ATTENDEE;EMAIL=a@example.org:urn:uuid:1"), []string{"a@example.org"}, true},
		{"on behalf of", event("ORGANIZER;SENT-BY=\"mailto:s@example.org\":mailto:a@example.org"), []string{"a@example.org", "s@example.org"}, true},
		{"delegated", event("ATTENDEE;DELEGATED-TO=\"mailto:d@example.org\",\"mailto:e@example.org\";DELEGATED-FROM=\"mailto:f@example.org\":mailto:a@example.org"),
			[]string{"a@example.org", "d@example.org", "e@example.org", "f@example.org"}, true},
		{"member", event("ATTENDEE;MEMBER=\"mailto:m@example.org\":mailto:a@example.org"), []string{"a@example.org", "m@example.org"}, true},
		{"member of what is no address", event("ATTENDEE;MEMBER=\"urn:uuid:1\":mailto:a@example.org"), []string{"a@example.org"}, false},
		{"named by an address", event("ATTENDEE;CN=n@example.org:mailto:a@example.org"), []string{"a@example.org", "n@example.org"}, true},
		{"no address", event("ATTENDEE;CN=Somebody:urn:uuid:1", "ATTENDEE:mailto:a@example.org"), []string{"a@example.org"}, false},
		{"contact", card("EMAIL;TYPE=work:A@example.org\r\nitem1.EMAIL;INTERNET:b@example.org\r\n"), []string{"a@example.org", "b@example.org"}, true},
		{"contact, encoded", card("EMAIL;ENCODING=QUOTED-PRINTABLE:a=40example.org\r\n"), nil, false},
		{"contact, encoded in 2.1", card("EMAIL;QUOTED-PRINTABLE:a=40example.org\r\n"), nil, false},
		{"contact, not an address", card("EMAIL:nobody\r\n"), nil, false},
		{"contact without addresses", card("FN:A\r\n"), nil, true},
		{"junk", card("junk\r\nEMAIL:a@example.org\r\n"), []string{"a@example.org"}, false},
		{"folded name", card("EM\r\n AIL:a@exam\r\n\tple.org\r\n"), []string{"a@example.org"}, true},
	}
	for _, tt := range tests {
		got, complete := contentline.Correspondents([]byte(tt.raw))
		if len(got)+len(tt.want) > 0 && !reflect.DeepEqual(got, tt.want) || complete != tt.complete {
			t.Errorf("%s: got %q, complete: %v; want %q, %v", tt.name, got, complete, tt.want, tt.complete)
		}
	}
}

func TestLimits(t *testing.T) {
	fill := func(n int) []byte { return []byte(strings.Repeat("A:\n", n)) }
	if _, complete := contentline.Correspondents(fill(contentline.MaxLines)); !complete {
		t.Error("at the limit of lines: not complete")
	}
	if _, complete := contentline.Correspondents(fill(contentline.MaxLines + 1)); complete {
		t.Error("past the limit of lines: complete")
	}
	long := func(n int) []byte { return []byte("A:" + strings.Repeat("x", n-2) + "\n") }
	if _, complete := contentline.Correspondents(long(contentline.MaxLineBytes)); !complete {
		t.Error("at the limit of a line: not complete")
	}
	if _, complete := contentline.Correspondents(long(contentline.MaxLineBytes + 1)); complete {
		t.Error("past the limit of a line: complete")
	}
	size := func(n int) []byte {
		return append([]byte(strings.Repeat(string(long(1<<20-1)), 32)), strings.Repeat("\n", n-32<<20)...)
	}
	if _, complete := contentline.Correspondents(size(contentline.MaxBytes)); !complete {
		t.Error("at the limit of bytes: not complete")
	}
	if _, complete := contentline.Correspondents(size(contentline.MaxBytes + 1)); complete {
		t.Error("past the limit of bytes: complete")
	}
	deep := strings.Repeat("BEGIN:X\r\n", 15) + event("DTSTART:20150720T120000Z")[len("BEGIN:VCALENDAR\r\n"):]
	deep = strings.TrimSuffix(deep, "END:VCALENDAR\r\n") + strings.Repeat("END:X\r\n", 15)
	if _, _, _, err := contentline.Times([]byte(deep)); err != nil {
		t.Errorf("at the limit of nesting: %v", err)
	}
}

// Lines made to waste time are read like any other.
func TestBombs(t *testing.T) {
	for _, unit := range []string{`"a"`, ";", ";a=", "a", `;a="b"`, "\n ", "BEGIN:X\n", "EMAIL:a@b\n"} {
		raw := []byte("A" + strings.Repeat(unit, (1<<19)/len(unit)) + ":")
		contentline.Correspondents(raw)
		if _, _, _, err := contentline.Times(raw); !errors.Is(err, contentline.ErrTime) {
			t.Errorf("%q: %v", unit, err)
		}
	}
}

func FuzzContentLines(f *testing.F) {
	f.Add([]byte(event("DTSTART;TZID=Europe/Zurich:20150720T120000", "DURATION:PT1H", "ORGANIZER;CN=\"a:b\":mailto:a@example.org")))
	f.Add([]byte("BEGIN:VCARD\nitem1.EMAIL;TYPE=x:a@exa\n mple.org\nEND:VCARD\n"))
	f.Add([]byte(event("DTSTART;VALUE=DATE:20150720", "RRULE:FREQ=DAILY")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		start, end, _, err := contentline.Times(raw)
		if err != nil && !errors.Is(err, contentline.ErrTime) {
			t.Fatalf("untyped error: %v", err)
		}
		if err == nil && (start.Latest.Before(start.Earliest) || end.Latest.Before(end.Earliest)) {
			t.Fatalf("%v to %v", start, end)
		}
		addrs, _ := contentline.Correspondents(raw)
		for _, a := range addrs {
			if a == "" || a != strings.ToLower(a) {
				t.Fatalf("address %q", a)
			}
		}
	})
}
