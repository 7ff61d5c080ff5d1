package order_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tables hold on any machine

	"exhibit/export/order"
)

// spanOf parses an order with the given start, end and zone.
func spanOf(start, end, zone string) (order.Span, error) {
	text := strings.NewReplacer("start: 2026-01-01", "start: "+start, "end: 2026-03-31", "end: "+end).Replace(base)
	if zone == "" {
		text = strings.Replace(text, "    zone: Europe/Berlin\n", "", 1)
	} else {
		text = strings.Replace(text, "Europe/Berlin", zone, 1)
	}
	o, err := order.Parse("order.yaml", []byte(text))
	if err != nil {
		return order.Span{}, err
	}
	return o.Accounts[0].Span(), nil
}

func TestSpan(t *testing.T) {
	tests := []struct {
		name, start, end, zone string
		from, last             string
		length                 time.Duration
	}{
		{"a day", "2026-01-15", "2026-01-15", "Europe/Berlin", "2026-01-14T23:00:00Z", "2026-01-15T22:59:59Z", 24 * time.Hour},
		{"a day of 23 hours", "2026-03-29", "2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", 23 * time.Hour},
		{"a day of 25 hours", "2026-10-25", "2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", 25 * time.Hour},
		{"23 hours in New York", "2026-03-08", "2026-03-08", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z", 23 * time.Hour},
		{"25 hours in New York", "2026-11-01", "2026-11-01", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z", 25 * time.Hour},
		{"half an hour more", "2026-04-05", "2026-04-05", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-05T13:29:59Z", 24*time.Hour + 30*time.Minute},
		{"a quarter in Berlin", "2026-01-01", "2026-03-31", "Europe/Berlin", "2025-12-31T23:00:00Z", "2026-03-31T21:59:59Z", 90*24*time.Hour - time.Hour},
		{"leap day", "2028-02-29", "2028-02-29", "UTC", "2028-02-29T00:00:00Z", "2028-02-29T23:59:59Z", 24 * time.Hour},
		{"leap day within", "2028-02-28", "2028-03-01", "UTC", "2028-02-28T00:00:00Z", "2028-03-01T23:59:59Z", 72 * time.Hour},
		{"end of the year", "2025-12-31", "2026-01-01", "Pacific/Kiritimati", "2025-12-30T10:00:00Z", "2026-01-01T09:59:59Z", 48 * time.Hour},
		{"west of all", "2026-01-01", "2026-01-01", "Etc/GMT+12", "2026-01-01T12:00:00Z", "2026-01-02T11:59:59Z", 24 * time.Hour},
		{"one second", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z", "", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z", time.Second},
		{"offsets", "2026-01-01T00:00:00+14:00", "2026-01-01T00:00:00-12:00", "", "2025-12-31T10:00:00Z", "2026-01-01T12:00:00Z", 26*time.Hour + time.Second},
		{"a date and an offset", "2026-01-01", "2026-01-01T12:00:00Z", "Europe/Berlin", "2025-12-31T23:00:00Z", "2026-01-01T12:00:00Z", 13*time.Hour + time.Second},
		// Midnight is skipped on 24 April in Cairo; the day before it ends as any.
		{"before a skipped midnight", "2026-04-23", "2026-04-23", "Africa/Cairo", "2026-04-22T22:00:00Z", "2026-04-23T21:59:59Z", 24 * time.Hour},
		{"with the offset instead", "2026-04-24T01:00:00+03:00", "2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24T20:59:59Z", 23 * time.Hour},
		{"no saving of daylight", "2026-03-29", "2026-10-25", "Asia/Kathmandu", "2026-03-28T18:15:00Z", "2026-10-25T18:14:59Z", 211 * 24 * time.Hour},
		{"offset of Kathmandu", "2026-01-15T00:00:00+05:45", "2026-01-15T23:59:59+05:45", "", "2026-01-14T18:15:00Z", "2026-01-15T18:14:59Z", 24 * time.Hour},
		{"from the hour before the gap", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00", "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", 2 * time.Second},
		{"offsets within the gap", "2026-03-29T02:00:00+01:00", "2026-03-29T02:59:59+01:00", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:59:59Z", time.Hour},
		{"the first of two hours", "2026-10-25T02:00:00+02:00", "2026-10-25T02:59:59+02:00", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:59:59Z", time.Hour},
		{"the second of two hours", "2026-10-25T02:00:00+01:00", "2026-10-25T02:59:59+01:00", "Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z", time.Hour},
		{"both hours", "2026-10-25T02:00:00+02:00", "2026-10-25T02:59:59+01:00", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T01:59:59Z", 2 * time.Hour},
		{"from a day of 23 hours on", "2026-03-29", "2026-10-25", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-10-25T22:59:59Z", 211 * 24 * time.Hour},
		{"a day that begins at one", "2018-11-04T01:00:00-02:00", "2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T01:59:59Z", 23 * time.Hour},
		{"up to it", "2018-11-03", "2018-11-03", "America/Sao_Paulo", "2018-11-03T03:00:00Z", "2018-11-04T02:59:59Z", 24 * time.Hour},
		{"across it", "2018-11-03", "2018-11-04", "America/Sao_Paulo", "2018-11-03T03:00:00Z", "2018-11-05T01:59:59Z", 47 * time.Hour},
		{"a last hour twice, by its offset", "2018-02-17", "2018-02-17T23:59:59-03:00", "America/Sao_Paulo", "2018-02-17T02:00:00Z", "2018-02-18T02:59:59Z", 25 * time.Hour},
		{"across a skipped day", "2011-12-29", "2011-12-31", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T09:59:59Z", 48 * time.Hour},
		{"up to a skipped day", "2011-12-29", "2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-30T09:59:59Z", 24 * time.Hour},
		{"from a skipped day on", "2011-12-31", "2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59Z", 24 * time.Hour},
		{"a date of the past and a summer's offset", "1970-07-01", "1970-07-01T23:59:59+01:00", "Europe/Berlin", "1970-06-30T23:00:00Z", "1970-07-01T22:59:59Z", 24 * time.Hour},
		{"first year", "1970-01-01", "1970-01-01", "UTC", "1970-01-01T00:00:00Z", "1970-01-01T23:59:59Z", 24 * time.Hour},
		{"last year", "2999-12-31", "2999-12-31", "UTC", "2999-12-31T00:00:00Z", "2999-12-31T23:59:59Z", 24 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := spanOf(tt.start, tt.end, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "from", s.From.UTC(), instant(t, tt.from))
			same(t, "last", s.Last().UTC(), instant(t, tt.last))
			same(t, "length", s.Until.Sub(s.From), tt.length)
			same(t, "just before", s.Contains(s.From.Add(-1)), false)
			same(t, "its first instant", s.Contains(s.From), true)
			same(t, "its last instant", s.Contains(s.Last().Add(time.Second-1)), true)
			same(t, "just after", s.Contains(s.Last().Add(time.Second)), false)
		})
	}
}

func TestSpanThatClocksDoNotShowOnce(t *testing.T) {
	tests := []struct{ name, start, end, zone, want string }{
		{"skipped midnight", "2026-04-24", "2026-04-30", "Africa/Cairo", "11:12: accounts[0].start: 2026-04-24 00:00:00 does not exist in Africa/Cairo; write a date-time with its offset"},
		{"last hour twice", "2026-10-01", "2026-10-29", "Africa/Cairo", "12:10: accounts[0].end: 2026-10-29 23:59:59 occurs twice in Africa/Cairo; write a date-time with its offset"},
		{"midnight twice", "2026-11-01", "2026-11-02", "America/Havana", "11:12: accounts[0].start: 2026-11-01 00:00:00 occurs twice in America/Havana; write a date-time with its offset"},
		{"midnight skipped in Sao Paulo", "2018-11-04", "2018-11-04", "America/Sao_Paulo", "11:12: accounts[0].start: 2018-11-04 00:00:00 does not exist in America/Sao_Paulo; write a date-time with its offset"},
		{"last hour twice in Sao Paulo", "2018-02-17", "2018-02-17", "America/Sao_Paulo", "12:10: accounts[0].end: 2018-02-17 23:59:59 occurs twice in America/Sao_Paulo; write a date-time with its offset"},
		{"skipped day as start", "2011-12-30", "2011-12-31", "Pacific/Apia", "11:12: accounts[0].start: 2011-12-30 00:00:00 does not exist in Pacific/Apia; write a date-time with its offset"},
		{"skipped day as end", "2011-12-29", "2011-12-30", "Pacific/Apia", "12:10: accounts[0].end: 2011-12-30 23:59:59 does not exist in Pacific/Apia; write a date-time with its offset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := spanOf(tt.start, tt.end, tt.zone)
			if err == nil || err.Error() != "order.yaml:"+tt.want {
				t.Errorf("got  %v\nwant order.yaml:%s", err, tt.want)
			}
		})
	}
}
