package clock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/export/clock"
	"exhibit/export/order"
	"exhibit/sign/policy"
)

// received is when the orders of these tests were.
var received = time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// parse makes an order with more lines in it.
func parse(t testing.TB, regime, priority, lines string) *order.Order {
	t.Helper()
	o, err := order.Parse("order.yaml", []byte(`type: exhibit/order/v1
reference: "1"
authority: {name: Court, country: DE}
jurisdiction: DE
regime: `+regime+`
priority: `+priority+`
legal_basis: law
served: 2026-05-04T06:00:00Z
received: 2026-05-04T09:00:00+02:00
accounts: [{account: alice@mail.example, entire: true}]
categories: [content]
agency: {name: LKA, key: 0123456789ABCDEF0123456789ABCDEF01234567}
instrument: {file: a.pdf, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}
`+lines))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const (
	notified    = "enforcing_authority: {notified: true, name: Example Authority, country: DE, at: 2026-05-04T06:00:00Z}\n"
	notNotified = "enforcing_authority: {notified: false}\n"
)

// facts are those of an order just received under the default policy.
func facts(t testing.TB, regime, priority, lines string) clock.Facts {
	t.Helper()
	p := policy.Default(2)
	return clock.Facts{Order: parse(t, regime, priority, lines), Policy: &p}
}

func of(t testing.TB, f clock.Facts, now time.Time) clock.Clock {
	t.Helper()
	c, err := clock.Of(f, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, what string, got, want time.Time) {
	t.Helper()
	if !got.Equal(want) || got.IsZero() != want.IsZero() {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func is(t testing.TB, what string, got, want bool) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %t, want %t", what, got, want)
	}
}

// around calls do a second before a boundary, at it, and a second after.
func around(t *testing.T, boundary time.Time, do func(t *testing.T, now time.Time, side int)) {
	t.Helper()
	for side, name := range map[int]string{-1: "before", 0: "at", 1: "after"} {
		t.Run(name, func(t *testing.T) { do(t, boundary.Add(time.Duration(side)*time.Second), side) })
	}
}

func TestDue(t *testing.T) {
	tests := []struct {
		name, regime, priority, lines string
		due                           time.Time
		by                            string
	}{
		{"ten days", "eu-2023-1543", "routine", notNotified, received.Add(10 * day), "eu-2023-1543"},
		{"ten days also when urgent", "eu-2023-1543", "urgent", notNotified, received.Add(10 * day), "eu-2023-1543"},
		{"eight hours", "eu-2023-1543", "emergency", notNotified, received.Add(8 * hour), "eu-2023-1543"},
		{"seven days", "uk-cop-2019", "routine", "", received.Add(7 * day), "uk-cop-2019"},
		{"the order says otherwise", "uk-cop-2019", "routine", "due: 2026-05-06", time.Date(2026, 5, 6, 23, 59, 59, 0, time.UTC), clock.ByOrder},
		{"later than the regime", "uk-cop-2019", "routine", "due: 2026-07-01T12:00:00+02:00", time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC), clock.ByOrder},
		{"the order alone", "us-2703", "routine", "due: 2026-05-06", time.Date(2026, 5, 6, 23, 59, 59, 0, time.UTC), clock.ByOrder},
		{"none", "us-2703", "routine", "", time.Time{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, tt.regime, tt.priority, tt.lines)
			c := of(t, f, received)
			at(t, "received", c.Received, received)
			at(t, "due", c.Due, tt.due)
			if c.DueBy != tt.by {
				t.Errorf("due by %q, want %q", c.DueBy, tt.by)
			}
			if tt.due.IsZero() {
				is(t, "late without a date", of(t, f, received.AddDate(900, 0, 0)).Late, false)
				return
			}
			around(t, tt.due, func(t *testing.T, now time.Time, side int) {
				f := f
				is(t, "late", of(t, f, now).Late, side > 0)
				f.Released = now
				is(t, "released then", of(t, f, tt.due.Add(day)).Late, side > 0)
				f.Released, f.Delivered = received, now
				is(t, "delivered then", of(t, f, tt.due.Add(day)).Late, side > 0)
			})
		})
	}
}

func TestHouseTarget(t *testing.T) {
	f := facts(t, "us-2703", "routine", "")
	target := received.Add(30 * time.Minute)
	at(t, "target", of(t, f, received).Target, target)
	around(t, target, func(t *testing.T, now time.Time, side int) {
		f := f
		is(t, "missed", of(t, f, now).TargetMissed, side > 0)
		f.Released = now
		is(t, "released then", of(t, f, target.Add(day)).TargetMissed, side > 0)
		f.Released, f.Delivered = received, now
		is(t, "delivered then", of(t, f, target.Add(day)).TargetMissed, side > 0)
	})
	other := *f.Policy
	other.HouseMinutes, f.Policy = 525_600, &other
	at(t, "a year", of(t, f, received).Target, received.Add(365*day))
}

func TestElapsed(t *testing.T) {
	f := facts(t, "us-2703", "routine", "")
	elapsed := func(what string, now time.Time, want time.Duration, stopped bool) {
		t.Helper()
		c := of(t, f, now)
		if c.Elapsed != want || c.Stopped != stopped {
			t.Errorf("%s: %s, stopped %t", what, c.Elapsed, c.Stopped)
		}
	}
	elapsed("received in the future", received.Add(-time.Second), 0, false)
	elapsed("just received", received, 0, false)
	elapsed("later", received.Add(90*time.Minute), 90*time.Minute, false)
	f.Released = received.Add(20 * time.Minute)
	elapsed("released", received.Add(90*time.Minute), 90*time.Minute, false)
	f.Delivered = received.Add(25 * time.Minute)
	elapsed("delivered", received.Add(90*time.Minute), 25*time.Minute, true)
}

func TestHold(t *testing.T) {
	end := received.Add(10 * day)
	tests := []struct {
		name, regime, priority, lines string
		noRefusal, until              time.Time
	}{
		{"ten days", "eu-2023-1543", "routine", notified, time.Time{}, end},
		{"urgent too", "eu-2023-1543", "urgent", notified, time.Time{}, end},
		{"no refusal", "eu-2023-1543", "routine", notified, received.Add(3 * day), received.Add(3 * day)},
		{"no refusal at the end", "eu-2023-1543", "routine", notified, end, end},
		{"no refusal after the end", "eu-2023-1543", "routine", notified, end.Add(time.Second), end},
		{"emergency", "eu-2023-1543", "emergency", notified, time.Time{}, received},
		{"nobody notified", "eu-2023-1543", "routine", notNotified, time.Time{}, time.Time{}},
		{"no refusal of nobody", "eu-2023-1543", "routine", notNotified, received.Add(day), time.Time{}},
		{"no such authority in the regime", "us-2703", "routine", notified, time.Time{}, time.Time{}},
		{"nothing stated", "us-2703", "routine", "", time.Time{}, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts(t, tt.regime, tt.priority, tt.lines)
			f.NoRefusal = tt.noRefusal
			at(t, "until", of(t, f, received).HoldUntil, tt.until)
			if tt.until.IsZero() {
				is(t, "held", of(t, f, received).Held, false)
				return
			}
			around(t, tt.until, func(t *testing.T, now time.Time, side int) {
				is(t, "held", of(t, f, now).Held, side < 0)
			})
			is(t, "held in the instant before", of(t, f, tt.until.Add(-1)).Held, true)
		})
	}
}

func TestRefused(t *testing.T) {
	_, err := clock.Of(facts(t, "mars-2099", "routine", ""), received)
	if !errors.Is(err, clock.ErrRegime) || !strings.Contains(err.Error(), "mars-2099") {
		t.Errorf("unknown regime: %v", err)
	}
	for _, priority := range []string{"routine", "urgent", "emergency"} {
		_, err = clock.Of(facts(t, "eu-2023-1543", priority, ""), received)
		if !errors.Is(err, clock.ErrUnstated) || !strings.Contains(err.Error(), "eu-2023-1543") {
			t.Errorf("%s, nothing stated: %v", priority, err)
		}
	}
}

func TestAfterRelease(t *testing.T) {
	f := facts(t, "eu-2023-1543", "emergency", notified)
	c := of(t, f, received)
	at(t, "objection before the release", c.ObjectionUntil, time.Time{})
	at(t, "retention before the release", c.RetainUntil, time.Time{})
	f.Released = received.Add(2 * hour)
	c = of(t, f, received.Add(3*hour))
	at(t, "objection", c.ObjectionUntil, received.Add(96*hour))
	at(t, "retention", c.RetainUntil, f.Released.Add(180*day))
	f = facts(t, "eu-2023-1543", "routine", notified)
	f.Released = received.Add(11 * day)
	at(t, "no objection to routine", of(t, f, received.Add(12*day)).ObjectionUntil, time.Time{})
	longest := *f.Policy
	longest.RetentionDays, f.Policy = policy.MaxDays, &longest
	at(t, "the longest retention", of(t, f, received).RetainUntil, f.Released.Add(policy.MaxDays*day))
}

func TestEmergency(t *testing.T) {
	f := facts(t, "eu-2023-1543", "emergency", notNotified)
	f.ByEmergency = true
	at(t, "not released", of(t, f, received).CompleteBy, time.Time{})
	is(t, "not released", of(t, f, received.Add(day*30)).Overdue, false)
	f.Released = received.Add(hour)
	limit := f.Released.Add(24 * hour)
	at(t, "complete by", of(t, f, received).CompleteBy, limit)
	around(t, limit, func(t *testing.T, now time.Time, side int) {
		f := f
		is(t, "overdue", of(t, f, now).Overdue, side > 0)
		f.Delivered = f.Released
		is(t, "overdue though delivered", of(t, f, now).Overdue, side > 0)
		f.Complete = true
		is(t, "complete", of(t, f, now).Overdue, false)
		f.Complete, f.ByEmergency = false, false
		c := of(t, f, now)
		is(t, "not by the rule", c.Overdue, false)
		at(t, "not by the rule", c.CompleteBy, time.Time{})
	})
	without := *f.Policy
	without.Emergency, f.Policy = nil, &without
	at(t, "the rule is gone", of(t, f, received).CompleteBy, f.Released)
	is(t, "the rule is gone", of(t, f, f.Released.Add(time.Second)).Overdue, true)
}

// What is later by a second is never more in time, and nothing held is let go
// and held again.
func TestClocksRunOneWay(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		regime := rapid.SampledFrom([]string{"eu-2023-1543", "us-2703", "uk-cop-2019"}).Draw(r, "regime")
		priority := rapid.SampledFrom([]string{"routine", "urgent", "emergency"}).Draw(r, "priority")
		f := facts(t, regime, priority, rapid.SampledFrom([]string{notified, notNotified}).Draw(r, "notified"))
		offset := rapid.Int64Range(0, int64(20*day/time.Second))
		when := func(name string) time.Time { return received.Add(time.Duration(offset.Draw(r, name)) * time.Second) }
		if f.ByEmergency = rapid.Bool().Draw(r, "emergency"); f.ByEmergency {
			f.Released = when("released")
		}
		if rapid.Bool().Draw(r, "stated") {
			f.NoRefusal = when("no refusal")
		}
		a, b := when("one"), when("other")
		if b.Before(a) {
			a, b = b, a
		}
		x, y := of(t, f, a), of(t, f, b)
		if !x.Held && y.Held || x.Overdue && !y.Overdue || x.Late && !y.Late || x.TargetMissed && !y.TargetMissed || x.Elapsed > y.Elapsed {
			r.Fatalf("at %s %+v\nat %s %+v", a, x, b, y)
		}
	})
}
