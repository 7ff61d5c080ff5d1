package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/export"
	"exhibit/export/clock"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/statement"
)

var statusNow = time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)

// told makes an order of status: received and due so long ago or from now.
func told(reference string, state export.State, received, due time.Duration, change func(*export.Standing)) standingTold {
	s := &export.Standing{
		Digest: sign.Sum([]byte(reference)), State: state, Next: "review",
		Order: &order.Order{Reference: reference, Priority: order.Routine, Regime: "eu-2023-1543", Received: statusNow.Add(received)},
		Mandate: &export.Mandate{Needed: 2, Approvals: make([]statement.Counted, 1), Clock: clock.Clock{
			Received: statusNow.Add(received), Due: statusNow.Add(due), DueBy: "eu-2023-1543", Elapsed: -received, Late: due < 0,
		}},
	}
	if change != nil {
		change(s)
	}
	return standingOf(s)
}

func TestStatusTable(t *testing.T) {
	r := &statusTold{now: statusNow, done: 2, Orders: []standingTold{
		told("late", export.StateAccepted, -11*24*time.Hour, -26*time.Hour, nil),
		told("quarter", export.StateReceived, -80*time.Hour, 20*time.Hour, nil),
		told("hours", export.StateReceived, -time.Hour, time.Hour, nil),
		told("easy", export.StateApproved, -time.Hour, 100*time.Hour, func(s *export.Standing) {
			s.Next, s.Mandate.Clock.Held, s.Mandate.Clock.HoldUntil = "wait: held", true, statusNow.Add(9*24*time.Hour)
		}),
		told("given", export.StateDelivered, -100*time.Hour, -time.Hour, func(s *export.Standing) { s.Next = "await the receipt" }),
		told("owed", export.StateDelivered, -100*time.Hour, -time.Hour, func(s *export.Standing) { s.Mandate.Clock.NoticeOwed = true }),
		told("gone", export.StateReceived, -time.Hour, 0, func(s *export.Standing) {
			s.Mandate, s.Problem = nil, &export.Refusal{Code: export.RegimeUnknown, Reason: "the policy lists no such regime"}
		}),
		standingOf(&export.Standing{Digest: sign.Sum(nil), State: export.StateReceived, Problem: errors.New("order was\n\x1b[2Jaltered")}),
	}}
	const want = `2026-05-10T12:00:00Z, 8 orders
ORDER          STATE      PRIORITY  ELAPSED  DUE            HOLD                        NEXT
late           accepted   routine   11d 0h   LATE by 1d 2h  -                           review
quarter        received   routine   3d 8h    in 20h 00m     -                           review
hours          received   routine   1h 00m   in 1h 00m      -                           review
easy           approved   routine   1h 00m   in 4d 4h       until 2026-05-19T12:00:00Z  wait: held
given          delivered  routine   4d 4h    -              -                           await the receipt
owed           delivered  routine   4d 4h    -              -                           review
gone           received   routine   1h 00m   -              -                           the policy lists no such regime
e3b0c44298fc…  received   -         -        -              -                           order was  [2Jaltered
2 orders done: --all shows them
`
	var plain, coloured bytes.Buffer
	r.text(&plain)
	if plain.String() != want {
		t.Errorf("status is\n%s\nwant\n%s", plain.String(), want)
	}
	r.colours = true
	r.text(&coloured)
	colours := ""
	for line := range strings.Lines(coloured.String()) {
		switch {
		case strings.HasPrefix(line, colourRed) && strings.HasSuffix(line, colourOff+"\n"):
			colours += "r"
		case strings.HasPrefix(line, colourYellow) && strings.HasSuffix(line, colourOff+"\n"):
			colours += "y"
		case strings.Contains(line, "\x1b"):
			t.Errorf("colour within a line: %q", line)
		default:
			colours += "."
		}
	}
	if colours != "..ryy..rrr." {
		t.Errorf("colours of the lines are %s", colours)
	}
	uncoloured := strings.NewReplacer(colourRed, "", colourYellow, "", colourOff, "").Replace(coloured.String())
	if uncoloured != want {
		t.Errorf("colours move the columns:\n%s", uncoloured)
	}
}

// The names of the fields are a contract, and no colour is ever in them.
func TestStatusJSON(t *testing.T) {
	r := &statusTold{now: statusNow, colours: true, Orders: []standingTold{
		told("late", export.StateAccepted, -11*24*time.Hour, -26*time.Hour, nil),
		standingOf(&export.Standing{State: export.StateReceived, Problem: errors.New("altered")}),
	}}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`\u001b`)) {
		t.Errorf("colours: %s", data)
	}
	var got struct{ Orders []map[string]any }
	decode(t, string(data), &got)
	want := []string{
		"approvals", "complete_by", "due", "due_by", "elapsed_seconds", "held", "hold_until", "late", "needed", "next", "notice_due", "notice_owed",
		"objection_until", "overdue", "package", "priority", "problem", "received", "reference", "regime", "retain_until", "sha256", "state", "target",
	}
	for _, o := range got.Orders {
		if names := slices.Sorted(maps.Keys(o)); !slices.Equal(names, want) {
			t.Errorf("fields are %v", names)
		}
	}
	if late := got.Orders[0]; late["due"] != "2026-05-09T10:00:00Z" || late["elapsed_seconds"] != 950400.0 || late["approvals"] != 1.0 || late["hold_until"] != nil {
		t.Errorf("order is %v", late)
	}
	if bad := got.Orders[1]; bad["problem"] != "altered" || bad["due"] != nil || bad["elapsed_seconds"] != nil {
		t.Errorf("unreadable order is %v", bad)
	}
}

func TestShortDuration(t *testing.T) {
	for given, want := range map[time.Duration]string{
		-time.Hour: "0m", 59 * time.Second: "0m", 7 * time.Minute: "7m", 2*time.Hour + 5*time.Minute: "2h 05m",
		24 * time.Hour: "1d 0h", 49*time.Hour + 59*time.Minute: "2d 1h",
	} {
		if got := shortDuration(given); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
}

// screenWriter ends the watch once the orders were drawn so often.
type screenWriter struct {
	bytes.Buffer
	left int
	stop context.CancelFunc
}

func (w *screenWriter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("orders")) {
		if w.left--; w.left == 0 {
			w.stop()
		}
	}
	return w.Buffer.Write(p)
}

// An interrupt ends the watch well, and gives the cursor back.
func TestStatusWatch(t *testing.T) {
	dir := stage(t, stageFounded)
	for name, c := range map[string]struct {
		screen bool
		args   []string
	}{
		"terminal":         {true, nil},
		"no terminal":      {false, nil},
		"JSON on terminal": {true, []string{"--json"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			out := &screenWriter{left: 3, stop: stop}
			var diagnostics bytes.Buffer
			env := &environment{out: out, err: &diagnostics, getenv: func(string) string { return "" }, now: time.Now, screen: c.screen}
			args := append([]string{"status", "--watch", "--interval", "100ms", "--workspace", dir + "/ws"}, c.args...)
			if code := run(ctx, args, env); code != exitDone || diagnostics.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, diagnostics.String())
			}
			text := out.String()
			if drawn := strings.Count(text, "orders"); drawn != 3 {
				t.Errorf("drawn %d times: %q", drawn, text)
			}
			if c.screen && c.args == nil {
				if !strings.HasPrefix(text, cursorHide+screenClear+screenHome) || !strings.HasSuffix(text, cursorShow) {
					t.Errorf("screen got %q", text)
				}
			} else if strings.Contains(text, "\x1b") {
				t.Errorf("sequences of a terminal in %q", text)
			}
		})
	}
}
