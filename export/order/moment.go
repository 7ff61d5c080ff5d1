package order

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A Span is a half-open time [From, Until). An order states its last second
// inclusively, so Until is one second after it.
type Span struct {
	From, Until time.Time
	Entire      bool // no limit of time: From and Until are zero
}

// Contains says whether an instant lies within the span.
func (s Span) Contains(t time.Time) bool {
	return s.Entire || !t.Before(s.From) && t.Before(s.Until)
}

// Last is the last second of a span that is not entire.
func (s Span) Last() time.Time { return s.Until.Add(-time.Second) }

var (
	datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	timePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$`)
)

var (
	errNotDate = errors.New("not a date: YYYY-MM-DD")
	errNotTime = errors.New("not a date-time with offset: YYYY-MM-DDThh:mm:ss+hh:mm, or Z for UTC")
	errNeither = errors.New("not a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss+hh:mm")
	errNever   = errors.New("no such date or time")
	errYear    = fmt.Errorf("year not between %d and %d", minYear, maxYear)
)

// parseTime reads a date-time of RFC 3339, section 5.6, with capital letters
// and without fractions of a second.
func parseTime(s string) (time.Time, error) {
	if !timePattern.MatchString(s) {
		return time.Time{}, errNotTime
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errNever
	}
	// Not the local zone, which time.Parse takes where its offset is the same.
	_, offset := t.Zone()
	if offset == 0 {
		return t.UTC(), checkYear(t)
	}
	return t.In(time.FixedZone("", offset)), checkYear(t)
}

func parseDate(s string) (time.Time, error) {
	if !datePattern.MatchString(s) {
		return time.Time{}, errNotDate
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, errNever
	}
	return t, checkYear(t)
}

func checkYear(t time.Time) error {
	if y := t.Year(); y < minYear || y > maxYear {
		return errYear
	}
	return nil
}

// An edge is the side of a day for which a bare date stands.
type edge int

const (
	dayStart edge = iota // 00:00:00
	dayEnd               // 23:59:59
)

// parseMoment reads a date-time, or a date as the edge of that day in UTC.
func parseMoment(s string, side edge) (time.Time, error) {
	if !datePattern.MatchString(s) {
		t, err := parseTime(s)
		if errors.Is(err, errNotTime) {
			err = errNeither
		}
		return t, err
	}
	return parseEdge(s, side, time.UTC)
}

// parseEdge reads a date as the edge of that day in a zone.
func parseEdge(s string, side edge, zone *time.Location) (time.Time, error) {
	day, err := parseDate(s)
	if err != nil {
		return time.Time{}, err
	}
	wall := day
	if side == dayEnd {
		wall = day.Add(24*time.Hour - time.Second)
	}
	instants := resolve(wall, zone)
	switch len(instants) {
	case 1:
		return instants[0], nil
	case 0:
		return time.Time{}, fmt.Errorf("%s does not exist in %s; write a date-time with its offset",
			wall.Format(time.DateTime), zone)
	}
	return time.Time{}, fmt.Errorf("%s occurs twice in %s; write a date-time with its offset",
		wall.Format(time.DateTime), zone)
}

// resolve gives every instant, in order, at which clocks in a zone show the
// date and time that wall has in UTC: none in a gap, two in an overlap.
func resolve(wall time.Time, zone *time.Location) []time.Time {
	// No zone is more than a day and a bit from UTC, nor changes it by more.
	const reach = 50 * time.Hour
	var instants []time.Time
	for t := wall.Add(-reach).In(zone); ; {
		_, offset := t.Zone()
		start, end := t.ZoneBounds()
		instant := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if (start.IsZero() || !instant.Before(start)) && (end.IsZero() || instant.Before(end)) {
			instants = append(instants, instant)
		}
		if end.IsZero() || end.After(wall.Add(reach)) {
			return instants
		}
		t = end
	}
}
