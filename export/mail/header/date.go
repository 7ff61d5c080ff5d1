package header

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrDate is wrapped by every error of [Date] and [ReceivedDate].
var ErrDate = errors.New("date cannot be determined")

// DateTime is a point in time as far as it is known: somewhere from Earliest to
// Latest, both in UTC. They are equal when the zone is stated.
type DateTime struct {
	Earliest time.Time `json:"earliest"`
	Latest   time.Time `json:"latest"`
}

// Exact reports whether the point in time is known.
func (d DateTime) Exact() bool { return d.Earliest.Equal(d.Latest) }

// Writable reports whether RFC 3339 can write both ends: years of four digits,
// from 1 on.
func (d DateTime) Writable() bool {
	return d.Earliest.Year() >= 1 && d.Latest.Year() <= 9999
}

const (
	// East and West are the farthest that a local time can be from UTC: what no
	// zone is stated for lies between the two.
	East = 14 * time.Hour
	West = 12 * time.Hour

	maxDateBytes = 1000
	maxDateWords = 64
)

// Local returns the interval in which a local time of an unknown zone lies;
// t is that time as if it were UTC.
func Local(t time.Time) DateTime {
	return DateTime{Earliest: t.Add(-East).UTC(), Latest: t.Add(West).UTC()}
}

// At returns the interval that is one point in time.
func At(t time.Time) DateTime { return DateTime{Earliest: t.UTC(), Latest: t.UTC()} }

// Date reads the value of a Date field: RFC 5322 with its obsolete syntax
// (sections 3.3 and 4.3), the C library's asctime, RFC 3339, and the slips of
// real senders (missing or misplaced weekdays and commas, full names, dots or
// hyphens between parts, AM and PM, zones such as UTC+2, month/day/year
// where only one of two numbers can be the month, years that are too short). The weekday
// is not compared with the date. An impossible date is an error, never another
// date.
// Where no zone is stated, or an unknown name, the result is an interval.
func Date(value string) (DateTime, error) {
	if len(value) > maxDateBytes {
		return DateTime{}, fmt.Errorf("%w: longer than %d bytes", ErrDate, maxDateBytes)
	}
	text, comment := cutComments(value)
	words := strings.FieldsFunc(withoutWeekday(text), func(r rune) bool {
		return strings.ContainsRune(" \t\r\n,;\"<>", r)
	})
	if len(words) > maxDateWords {
		return DateTime{}, fmt.Errorf("%w: more than %d words", ErrDate, maxDateWords)
	}
	p := dateParser{year: -1, hour: -1}
	for _, w := range words {
		if !p.word(w) {
			return DateTime{}, fmt.Errorf("%w: %q in %q", ErrDate, w, value)
		}
	}
	if p.zone == zoneNone {
		p.zoneWord(strings.TrimSpace(comment))
	}
	t, ok := p.time()
	if !ok {
		return DateTime{}, fmt.Errorf("%w: %q", ErrDate, value)
	}
	return t, nil
}

// withoutWeekday leaves off the field's name, where it is there twice, and a
// first word before a comma: the weekday in any language.
func withoutWeekday(text string) string {
	text = strings.TrimLeft(text, " \t\"<")
	if name := "date:"; len(text) > len(name) && strings.EqualFold(text[:len(name)], name) {
		text = strings.TrimLeft(text[len(name):], " \t")
	}
	word, rest, ok := strings.Cut(text, ",")
	if word = strings.TrimSpace(word); !ok || monthOf(strings.ToLower(word)) > 0 || strings.ContainsAny(word, " \t0123456789:;=?+-\"<>") {
		return text
	}
	return rest
}

// ReceivedDate reads the date of a Received field: what follows its only
// semicolon (RFC 5322, section 3.6.7). Where there are more, it is what follows
// the last, provided that no time of day stands between the others: a sender
// whose first line is folded into the field could put a date of its own there.
func ReceivedDate(value string) (DateTime, error) {
	parts := strings.Split(value, ";")
	if len(parts) == 1 {
		return DateTime{}, fmt.Errorf("%w: no semicolon", ErrDate)
	}
	for _, part := range parts[1 : len(parts)-1] {
		if holdsClock(part) {
			return DateTime{}, fmt.Errorf("%w: several", ErrDate)
		}
	}
	return Date(parts[len(parts)-1])
}

// holdsClock reports whether a colon stands between two digits somewhere in s.
func holdsClock(s string) bool {
	for i := 1; i+1 < len(s); i++ {
		if s[i] == ':' && isDigit(s[i-1]) && isDigit(s[i+1]) {
			return true
		}
	}
	return false
}

// cutComments returns a value with its comments (RFC 5322, section 3.2.2) made
// blank, and the text of the last.
func cutComments(s string) (text, comment string) {
	if strings.IndexByte(s, '(') < 0 {
		return s, ""
	}
	out := []byte(s)
	depth, start := 0, 0
	for i := 0; i < len(out); i++ {
		c := out[i]
		switch {
		case c == '(':
			if depth == 0 {
				start = i + 1
			}
			depth++
		case c == ')' && depth > 0:
			depth--
			if depth == 0 {
				comment = s[start:i]
			}
			out[i] = ' '
		case c == '\\' && depth > 0 && i+1 < len(out):
			out[i] = ' '
			i++
		}
		if depth > 0 {
			out[i] = ' '
		}
	}
	return string(out), comment
}
