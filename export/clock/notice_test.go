package clock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"exhibit/export/clock"
)

func utc(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNoticeDue(t *testing.T) {
	const never = ""
	tests := []struct{ name, lines, due, owed string }{ // owed: its first second
		{"nothing stated", "", never, never},
		{"due", "user_notice: {due: 2026-08-04}", "2026-08-04T23:59:59Z", "2026-08-04T23:59:59Z"},
		{"delayed", "user_notice: {due: 2026-08-04, delayed_until: 2026-11-04T12:00:00Z}", "2026-11-04T12:00:00Z", "2026-11-04T12:00:00Z"},
		{"delayed to before", "user_notice: {due: 2026-08-04, delayed_until: 2026-08-01}", "2026-08-04T23:59:59Z", "2026-08-04T23:59:59Z"},
		{"delayed only", "user_notice: {delayed_until: 2026-08-01}", "2026-08-01T23:59:59Z", "2026-08-01T23:59:59Z"},
		// Its last second is still one of silence.
		{"silence only", "non_disclosure: {basis: law, end: 2026-09-01}", "2026-09-01T23:59:59Z", "2026-09-02T00:00:00Z"},
		{"silence beyond", "non_disclosure: {basis: law, end: 2026-09-01}\nuser_notice: {due: 2026-08-04}", "2026-09-01T23:59:59Z", "2026-09-02T00:00:00Z"},
		{"silence before", "non_disclosure: {basis: law, end: 2026-07-01}\nuser_notice: {due: 2026-08-04}", "2026-08-04T23:59:59Z", "2026-08-04T23:59:59Z"},
		{"silence without an end", "non_disclosure: {basis: law}\nuser_notice: {due: 2026-08-04}", never, never},
		{"silence to come without an end", "non_disclosure: {basis: law, start: 2026-12-01}\nuser_notice: {due: 2026-08-04}", never, never},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, "us-2703", "routine", tt.lines)
			if tt.due == never {
				c := of(t, f, utc(t, "2999-01-01T00:00:00Z"))
				at(t, "due", c.NoticeDue, time.Time{})
				is(t, "owed", c.NoticeOwed, false)
				return
			}
			at(t, "due", of(t, f, received).NoticeDue, utc(t, tt.due))
			around(t, utc(t, tt.owed), func(t *testing.T, now time.Time, side int) {
				is(t, "owed", of(t, f, now).NoticeOwed, side >= 0)
				f := f
				f.NoticeSent = received
				is(t, "sent", of(t, f, now).NoticeOwed, false)
			})
		})
	}
}

func TestNoticeSentByTheOrder(t *testing.T) {
	f := facts(t, "us-2703", "routine", "user_notice: {due: 2026-08-04, sent: 2026-08-10T12:00:00Z}")
	around(t, utc(t, "2026-08-10T12:00:00Z"), func(t *testing.T, now time.Time, side int) {
		is(t, "owed", of(t, f, now).NoticeOwed, side < 0)
	})
}

func TestMayNotify(t *testing.T) {
	tests := []struct {
		name, lines string
		silent      map[string]bool
		until       string
	}{
		{"none", "", map[string]bool{"2026-08-04T00:00:00Z": false}, ""},
		{"notice due later", "user_notice: {due: 2027-08-04}", map[string]bool{"2026-08-04T00:00:00Z": false}, ""},
		{"from to", "non_disclosure: {basis: law, start: 2026-06-01, end: 2026-09-01}", map[string]bool{
			"2026-05-31T23:59:59Z": false, "2026-06-01T00:00:00Z": true, "2026-06-01T00:00:01Z": true,
			"2026-09-01T23:59:58Z": true, "2026-09-01T23:59:59Z": true, "2026-09-02T00:00:00Z": false,
			"2026-09-02T01:59:59+02:00": true,
		}, "2026-09-01T23:59:59Z"},
		{"from", "non_disclosure: {basis: law, start: 2026-06-01}", map[string]bool{
			"2026-05-31T23:59:59Z": false, "2026-06-01T00:00:00Z": true, "2999-01-01T00:00:00Z": true,
		}, "without an end"},
		{"to", "non_disclosure: {basis: law, end: 2026-09-01}", map[string]bool{
			"1970-01-01T00:00:00Z": true, "2026-09-01T23:59:59Z": true, "2026-09-02T00:00:00Z": false,
		}, "2026-09-01T23:59:59Z"},
	}
	for _, tt := range tests {
		o := parse(t, "us-2703", "routine", tt.lines)
		for when, silent := range tt.silent {
			err := clock.MayNotify(o, utc(t, when))
			var fault *clock.SilenceError
			switch {
			case !silent && err != nil:
				t.Errorf("%s, %s: %v", tt.name, when, err)
			case silent && (!errors.As(err, &fault) || fault.Basis != "law" || !strings.Contains(err.Error(), tt.until)):
				t.Errorf("%s, %s: %v", tt.name, when, err)
			}
		}
	}
}
