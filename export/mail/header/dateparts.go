package header

import (
	"strings"
	"time"
)

// zoneState says how well the zone is known.
type zoneState int

const (
	zoneNone    zoneState = iota // not stated
	zoneUnknown                  // a name that is not known, or an impossible offset
	zoneZero                     // a name for UTC, which an offset may follow
	zoneExact                    // an offset or a known name
)

// dateParser collects the parts of a date.
type dateParser struct {
	year       int // -1 when not seen
	month      int // 0 when not seen
	day        int // 0 when not seen
	hour       int // -1 when not seen
	minute     int
	second     int
	nanosecond int
	half       string // "am", "pm" or empty
	zone       zoneState
	offset     time.Duration // east of UTC
}

// word takes one word of a date, and reports whether it can be one.
func (p *dateParser) word(w string) bool {
	switch {
	case p.hour >= 0 && (w[0] == '+' || w[0] == '-'):
		return p.zoneWord(w)
	case strings.IndexByte(w, ':') > 0 && isDigit(w[0]):
		return p.clock(w)
	case isDigit(w[0]):
		return p.number(w)
	}
	name := strings.ToLower(strings.TrimSuffix(w, "."))
	if name == "" {
		return true
	}
	if p.hour >= 0 && p.half == "" && (name == "am" || name == "pm") {
		p.half = name
		return true
	}
	if isWeekday(name) {
		return true
	}
	if m := monthOf(name); m > 0 {
		if p.month > 0 {
			return false
		}
		p.month = m
		return true
	}
	if p.hour < 0 {
		return false
	}
	return p.zoneWord(w)
}

// number takes a word that begins with a digit and has no colon.
func (p *dateParser) number(w string) bool {
	if n, rest, ok := leadingInt(w, 4); ok && rest == "" {
		return p.dayOrYear(n, len(w))
	} else if ok && (rest == "st" || rest == "nd" || rest == "rd" || rest == "th") {
		return p.dayOrYear(n, 2)
	}
	for _, sep := range []string{"-", "/", "."} {
		parts := strings.Split(w, sep)
		if len(parts) == 3 {
			if p.hour < 0 && p.day > 0 && p.month > 0 && sep == "." {
				return p.clock(strings.ReplaceAll(w, ".", ":"))
			}
			return p.joined(parts) || sep == "/" && p.american(parts)
		}
	}
	// 2015-07-20T01:02:03 has a colon and comes through clock.
	return false
}

// joined takes a date written as one word: year-month-day in numbers, or with
// the month's name in the middle.
func (p *dateParser) joined(parts []string) bool {
	if p.day > 0 || p.month > 0 || p.year >= 0 {
		return false
	}
	a, restA, okA := leadingInt(parts[0], 4)
	c, restC, okC := leadingInt(parts[2], 4)
	if !okA || !okC || restA != "" || restC != "" {
		return false
	}
	if m := monthOf(strings.ToLower(parts[1])); m > 0 {
		p.month = m
		return p.dayOrYear(a, len(parts[0])) && p.dayOrYear(c, len(parts[2]))
	}
	m, restM, ok := leadingInt(parts[1], 2)
	if !ok || restM != "" || len(parts[0]) != 4 || a < 1900 || m < 1 || m > 12 {
		return false // which number is the month cannot be told
	}
	p.year, p.month, p.day = a, m, c
	return len(parts[2]) <= 2 && c > 0
}

// american takes month/day/year in numbers, where the second is no month or both
// are the same.
func (p *dateParser) american(parts []string) bool {
	if p.day > 0 || p.month > 0 || p.year >= 0 || len(parts[2]) != 4 {
		return false
	}
	month, restM, okM := leadingInt(parts[0], 2)
	day, restD, okD := leadingInt(parts[1], 2)
	year, restY, okY := leadingInt(parts[2], 4)
	if !okM || !okD || !okY || restM+restD+restY != "" || day <= 12 && day != month || month < 1 || month > 12 {
		return false
	}
	p.year, p.month, p.day = year, month, day
	return year >= 1900
}

// dayOrYear takes a number that was written with so many digits.
func (p *dateParser) dayOrYear(n, digits int) bool {
	switch {
	case (digits <= 2 || digits == 3 && n <= 31) && p.day == 0:
		p.day = n
		return n > 0
	case p.year >= 0 && p.hour >= 0 && digits == 4 && p.zone == zoneNone:
		p.zone = zoneUnknown // an offset without its sign
	case p.year >= 0:
		return false
	case digits <= 3 && n < 50, // RFC 5322, section 4.3; a digit, or zeros before it, are slips
		digits == 4 && n < 50 && p.hour < 0:
		p.year = 2000 + n
	case digits == 2 || digits == 3, digits == 4 && n < 100 && p.hour < 0:
		p.year = 1900 + n
	case digits == 4 && n >= 1900:
		p.year = n
	default:
		return false
	}
	return true
}

// clock takes a time of day, which may have a date in front (RFC 3339) and a
// zone or half of the day behind it.
func (p *dateParser) clock(w string) bool {
	if date, rest, ok := strings.Cut(strings.ToUpper(w), "T"); ok && isDigit(date[0]) && strings.Count(date, "-") == 2 {
		if !p.joined(strings.Split(date, "-")) {
			return false
		}
		w = rest
	}
	if p.hour >= 0 {
		return false
	}
	var ok bool
	if p.hour, w, ok = leadingInt(w, 2); !ok || !strings.HasPrefix(w, ":") {
		return false
	}
	if p.minute, w, ok = leadingInt(w[1:], 2); !ok {
		return false
	}
	if strings.HasPrefix(w, ":") {
		if p.second, w, ok = leadingInt(w[1:], 2); !ok {
			return false
		}
		w = p.fraction(w)
	}
	switch rest := strings.ToLower(w); rest {
	case "":
		return true
	case "am", "pm":
		p.half = rest
		return true
	}
	return p.zoneWord(w)
}

// fraction takes the fraction of a second that w begins with, and returns the rest.
func (p *dateParser) fraction(w string) string {
	if len(w) < 2 || w[0] != '.' || !isDigit(w[1]) {
		return w
	}
	unit := int(time.Second)
	for w = w[1:]; w != "" && isDigit(w[0]); w = w[1:] {
		unit /= 10
		p.nanosecond += unit * int(w[0]-'0')
	}
	return w
}

// zoneWord takes a zone: an offset, a name, or a name for UTC with an offset. A
// name after an offset says nothing more; words that are not known leave the
// zone unknown.
func (p *dateParser) zoneWord(w string) bool {
	w = strings.TrimSuffix(w, ".")
	if w == "" || p.zone == zoneExact {
		return true
	}
	if w[0] == '+' || w[0] == '-' {
		d, ok := offsetOf(w)
		if !ok {
			p.zone = zoneUnknown
			return true
		}
		p.zone, p.offset = zoneExact, d
		return true
	}
	name := strings.ToUpper(w)
	for _, utc := range []string{"GMT", "UTC", "UT"} {
		if name == utc {
			if p.zone == zoneNone {
				p.zone = zoneZero
			}
			return true
		}
		if rest, ok := strings.CutPrefix(name, utc); ok && (rest[0] == '+' || rest[0] == '-') {
			return p.zoneWord(rest)
		}
	}
	hours, ok := zoneNames[name]
	if !ok || p.zone != zoneNone {
		p.zone = zoneUnknown
		return true
	}
	p.zone, p.offset = zoneExact, time.Duration(hours)*time.Hour
	return true
}

// zoneNames are the names that RFC 5322, section 4.3, gives an offset to, in
// hours. The military letters but Z have none: they were used with either sign.
var zoneNames = map[string]int{
	"Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// offsetOf reads +hhmm, +hmm, +hh:mm, +hh or +h, not farther than a local time
// can be from UTC.
func offsetOf(w string) (time.Duration, bool) {
	digits := strings.Replace(w[1:], ":", "", 1)
	n, rest, ok := leadingInt(digits, 4)
	if !ok || rest != "" {
		return 0, false
	}
	h, m := n/100, n%100
	if len(digits) <= 2 {
		h, m = n, 0
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if m > 59 || d > East {
		return 0, false
	}
	if w[0] == '-' {
		return -d, true
	}
	return d, true
}

// time returns the point in time that the parts make, if they make one.
func (p *dateParser) time() (DateTime, bool) {
	if p.year < 0 || p.month == 0 || p.day == 0 || p.hour < 0 || !p.halfDay() {
		return DateTime{}, false
	}
	if p.hour > 23 || p.minute > 59 || p.second > 60 {
		return DateTime{}, false
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nanosecond, time.UTC)
	if day := time.Date(p.year, time.Month(p.month), p.day, 0, 0, 0, 0, time.UTC); day.Day() != p.day {
		return DateTime{}, false
	}
	d := At(t.Add(-p.offset))
	if p.zone == zoneNone || p.zone == zoneUnknown {
		d = Local(t)
	}
	return d, d.Writable()
}

// halfDay brings an hour of AM or PM to the 24 hours of a day.
func (p *dateParser) halfDay() bool {
	switch {
	case p.half == "" || p.half == "pm" && p.hour > 12 && p.hour < 24:
		return true // senders add PM to 24-hour times as well
	case p.hour < 1 || p.hour > 12:
		return false
	}
	p.hour %= 12
	if p.half == "pm" {
		p.hour += 12
	}
	return true
}

// leadingInt reads 1 to most digits, and returns what follows them. More digits
// are refused.
func leadingInt(s string, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		if i == most {
			return 0, "", false
		}
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func isWeekday(name string) bool {
	for _, d := range weekdays {
		if len(name) >= 3 && strings.HasPrefix(d, name) {
			return true
		}
	}
	return false
}

var months = []string{"january", "february", "march", "april", "may", "june",
	"july", "august", "september", "october", "november", "december"}

// monthOf returns the number of the month of that name in lower case, or of its
// first three letters or more; 0 when there is none.
func monthOf(name string) int {
	for i, m := range months {
		if len(name) >= 3 && strings.HasPrefix(m, name) {
			return i + 1
		}
	}
	return 0
}
