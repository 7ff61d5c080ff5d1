package contentline

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"exhibit/export/mail/header"
)

// ErrTime is wrapped by every error of [Times].
var ErrTime = errors.New("time cannot be determined")

// Times returns when the entries of an iCalendar file are: start is that of the
// earliest, end of the latest, over all events, to-dos, journals and free/busy
// times (DTSTART, DTEND, DUE, DURATION). A time in UTC or in a zone of the IANA database is exact; a
// floating time, a date, and a zone of any other name are intervals as of
// [header.Local]. What ends when it starts, because it states no end, has an end
// equal to its start; a date without an end lasts the day.
//
// recurring says that RRULE or RDATE are there: the entries then repeat beyond
// end. An error says that no time could be determined, or not all of them.
func Times(raw []byte) (start, end header.DateTime, recurring bool, err error) {
	s := newScanner(raw)
	var c collector
	for {
		l, ok := s.next()
		if !ok {
			break
		}
		if err := c.line(l); err != nil {
			return start, end, c.recurring, err
		}
	}
	if !s.ok {
		return start, end, c.recurring, fmt.Errorf("%w: not all lines could be read", ErrTime)
	}
	if len(c.stack) > 0 {
		return start, end, c.recurring, fmt.Errorf("%w: %s without an end", ErrTime, c.stack[len(c.stack)-1])
	}
	if !c.found {
		return start, end, c.recurring, fmt.Errorf("%w: none stated", ErrTime)
	}
	return c.start, c.end, c.recurring, nil
}

const maxNesting = 16

// collector gathers the times of components.
type collector struct {
	stack     []string // names of the open components
	current   component
	found     bool
	start     header.DateTime
	end       header.DateTime
	recurring bool
}

// component is what one component states.
type component struct {
	start, end *moment
	duration   *time.Duration
}

// moment is a stated time.
type moment struct {
	at   header.DateTime
	date bool // a whole day
}

func (c *collector) line(l line) error {
	switch l.name {
	case "BEGIN":
		if len(c.stack) == maxNesting {
			return fmt.Errorf("%w: components nested deeper than %d", ErrTime, maxNesting)
		}
		within := c.timed()
		c.stack = append(c.stack, strings.ToUpper(strings.TrimSpace(l.value)))
		if c.timed() {
			if within {
				return fmt.Errorf("%w: an entry within another", ErrTime)
			}
			c.current = component{}
		}
		return nil
	case "END":
		name := strings.ToUpper(strings.TrimSpace(l.value))
		if len(c.stack) == 0 || c.stack[len(c.stack)-1] != name {
			return fmt.Errorf("%w: end of %q out of place", ErrTime, name)
		}
		if c.timed() {
			if err := c.finish(); err != nil {
				return err
			}
		}
		c.stack = c.stack[:len(c.stack)-1]
		return nil
	}
	if c.timed() {
		return c.property(l)
	}
	return c.elsewhere(l)
}

// elsewhere judges a property outside of the entries: a time there is the time
// zone's or an alarm's, or that of something that is not known.
func (c *collector) elsewhere(l line) error {
	switch l.name {
	case "DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE":
	default:
		return nil
	}
	if len(c.stack) > 0 {
		switch c.stack[len(c.stack)-1] {
		case "STANDARD", "DAYLIGHT", "VALARM":
			return nil
		}
	}
	return fmt.Errorf("%w: %s outside of the entries", ErrTime, l.name)
}

// timed reports whether the innermost open component is one that has a time of
// its own; the rules of a time zone and alarms have not.
func (c *collector) timed() bool {
	if len(c.stack) == 0 {
		return false
	}
	switch c.stack[len(c.stack)-1] {
	case "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY":
		return true
	}
	return false
}

func (c *collector) property(l line) error {
	switch l.name {
	case "DTSTART", "DTEND", "DUE":
		m, err := parseMoment(l)
		if err != nil {
			return err
		}
		to := &c.current.end
		if l.name == "DTSTART" {
			to = &c.current.start
		}
		if *to != nil && **to != m {
			return fmt.Errorf("%w: several %s in one entry", ErrTime, l.name)
		}
		*to = &m
	case "DURATION":
		d, err := parseDuration(l.value)
		if err != nil {
			return err
		}
		if c.current.duration != nil && *c.current.duration != d {
			return fmt.Errorf("%w: several durations in one entry", ErrTime)
		}
		c.current.duration = &d
	case "RRULE", "RDATE":
		c.recurring = true
	}
	return nil
}

// finish takes the times of the component that ends.
func (c *collector) finish() error {
	start, end := c.current.start, c.current.end
	switch {
	case start == nil && end == nil:
		return fmt.Errorf("%w: an entry without any", ErrTime)
	case start == nil:
		start = end
	case end == nil && c.current.duration != nil:
		end = start.plus(*c.current.duration)
	case end == nil && start.date:
		end = start.plus(24 * time.Hour)
	case end == nil:
		end = start
	}
	if end.at.Latest.Before(start.at.Earliest) {
		return fmt.Errorf("%w: an entry ends before it starts", ErrTime)
	}
	if !start.at.Writable() || !end.at.Writable() {
		return fmt.Errorf("%w: a year that cannot be written", ErrTime)
	}
	if !c.found {
		c.start, c.end, c.found = start.at, end.at, true
		return nil
	}
	c.start.Earliest = earlier(c.start.Earliest, start.at.Earliest)
	c.start.Latest = earlier(c.start.Latest, start.at.Latest)
	c.end.Earliest = later(c.end.Earliest, end.at.Earliest)
	c.end.Latest = later(c.end.Latest, end.at.Latest)
	return nil
}

func (m *moment) plus(d time.Duration) *moment {
	return &moment{at: header.DateTime{Earliest: m.at.Earliest.Add(d), Latest: m.at.Latest.Add(d)}}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// parseMoment reads a date or a date with time (RFC 5545, sections 3.3.4 and
// 3.3.5) in the zone of its TZID parameter.
func parseMoment(l line) (moment, error) {
	value := strings.TrimSpace(l.value)
	bad := func() (moment, error) {
		return moment{}, fmt.Errorf("%w: %s %q", ErrTime, l.name, value)
	}
	if len(value) == 8 {
		t, err := time.Parse("20060102", value)
		if err != nil {
			return bad()
		}
		return moment{at: header.Local(t), date: true}, nil
	}
	wall, utc := strings.CutSuffix(value, "Z")
	if len(wall) != len("20060102T150405") {
		return bad()
	}
	leap := strings.HasSuffix(wall, "60")
	if leap { // RFC 5545, section 3.3.12: a leap second
		wall = wall[:len(wall)-2] + "59"
	}
	t, err := time.Parse("20060102T150405", wall)
	if err != nil {
		return bad()
	}
	if leap {
		t = t.Add(time.Second)
	}
	if utc {
		return moment{at: header.At(t)}, nil
	}
	return moment{at: inZone(t, l.get("TZID"))}, nil
}

// inZone returns when a zone's clocks show the time that t shows in UTC. A time
// that they show twice, or never, is the interval between the two readings.
func inZone(t time.Time, name string) header.DateTime {
	name = strings.TrimPrefix(name, "/")
	if name == "" || name == "Local" {
		return header.Local(t)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return header.Local(t)
	}
	offset := func(at time.Time) time.Duration {
		_, seconds := at.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	before, after := offset(t.Add(-36*time.Hour)), offset(t.Add(36*time.Hour))
	a, b := t.Add(-before), t.Add(-after)
	switch okA, okB := offset(a) == before, offset(b) == after; {
	case okA && !okB:
		return header.At(a)
	case okB && !okA:
		return header.At(b)
	}
	return header.DateTime{Earliest: earlier(a, b), Latest: later(a, b)}
}

// parseDuration reads a duration (RFC 5545, section 3.3.6).
func parseDuration(value string) (time.Duration, error) {
	bad := fmt.Errorf("%w: DURATION %q", ErrTime, value)
	s := strings.ToUpper(strings.TrimSpace(value))
	sign := time.Duration(1)
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	s, ok := strings.CutPrefix(strings.TrimLeft(s, "+-"), "P")
	if !ok || s == "" {
		return 0, bad
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour,
		'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	var total time.Duration
	for s = strings.Replace(s, "T", "", 1); s != ""; {
		n, i := 0, 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' && i < 7 {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i == 0 || i == len(s) || units[s[i]] == 0 {
			return 0, bad
		}
		if time.Duration(n) > (maxDuration-total)/units[s[i]] {
			return 0, bad
		}
		total += time.Duration(n) * units[s[i]]
		s = s[i+1:]
	}
	return sign * total, nil
}

// maxDuration bounds a duration: about a century, and far from overflowing.
const maxDuration = 100 * 366 * 24 * time.Hour
