package contentline_test

import (
	"strings"
	"testing"

	"exhibit/export/mail/contentline"
)

func TestText(t *testing.T) {
	ics := "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=de:Termin\\, mit Anw\r\n altschaft\\nZweite Zeile\r\nsummary:second\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for name, want := range map[string]string{
		"summary": "Termin, mit Anwaltschaft\nZweite Zeile",
		"UID":     "",
		"BEGIN":   "VCALENDAR",
	} {
		if got := contentline.Text([]byte(ics), name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestTextLimit(t *testing.T) {
	for n, want := range map[int]int{contentline.MaxText: contentline.MaxText, contentline.MaxText + 1: contentline.MaxText} {
		if got := contentline.Text([]byte("SUMMARY:"+strings.Repeat("a", n)+"\r\n"), "SUMMARY"); len(got) != want {
			t.Errorf("of %d bytes: %d, want %d", n, len(got), want)
		}
	}
}
