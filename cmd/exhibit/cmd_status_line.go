package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"exhibit/export"
	"exhibit/sign"
)

// standingTold is one order of status. What is not known is null.
type standingTold struct {
	Reference      string  `json:"reference"`
	Digest         string  `json:"sha256"`
	State          string  `json:"state"`
	Priority       string  `json:"priority"`
	Regime         string  `json:"regime"`
	Received       *string `json:"received"`
	Target         *string `json:"target"`
	Due            *string `json:"due"`
	DueBy          string  `json:"due_by"`
	Late           bool    `json:"late"`
	Held           bool    `json:"held"`
	HoldUntil      *string `json:"hold_until"`
	ObjectionUntil *string `json:"objection_until"`
	NoticeDue      *string `json:"notice_due"`
	NoticeOwed     bool    `json:"notice_owed"`
	RetainUntil    *string `json:"retain_until"`
	Approvals      int     `json:"approvals"`
	Needed         int64   `json:"needed"`
	CompleteBy     *string `json:"complete_by"`
	Overdue        bool    `json:"overdue"`
	ElapsedSeconds *int64  `json:"elapsed_seconds"`
	Package        *string `json:"package"`
	Next           string  `json:"next"`
	// Problem is why the standing cannot be told; empty if it can.
	Problem string `json:"problem"`

	standing *export.Standing
}

func standingOf(s *export.Standing) standingTold {
	t := standingTold{Digest: s.Digest.String(), State: string(s.State), Next: s.Next, standing: s}
	if o := s.Order; o != nil {
		t.Reference, t.Priority, t.Regime, t.Received = o.Reference, string(o.Priority), o.Regime, timeTold(o.Received)
	}
	if s.Package != nil {
		id := s.Package.String()
		t.Package = &id
	}
	var refused *export.Refusal
	switch {
	case errors.As(s.Problem, &refused):
		t.Problem = oneLine(refused.Why())
	case s.Problem != nil:
		t.Problem = oneLine(plainText(s.Problem))
	}
	m := s.Mandate
	if m == nil {
		return t
	}
	c := m.Clock
	t.Target, t.Due, t.DueBy, t.Late = timeTold(c.Target), timeTold(c.Due), c.DueBy, c.Late
	t.Held, t.HoldUntil, t.ObjectionUntil = c.Held, timeTold(c.HoldUntil), timeTold(c.ObjectionUntil)
	t.NoticeDue, t.NoticeOwed, t.RetainUntil = timeTold(c.NoticeDue), c.NoticeOwed, timeTold(c.RetainUntil)
	t.Approvals, t.Needed, t.CompleteBy, t.Overdue = len(m.Approvals), m.Needed, timeTold(c.CompleteBy), c.Overdue
	elapsed := int64(c.Elapsed / time.Second)
	t.ElapsedSeconds = &elapsed
	return t
}

// table shows a line for each order, in columns.
func (r *statusTold) table(w io.Writer) {
	var b strings.Builder
	columns := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(columns, "ORDER\tSTATE\tPRIORITY\tELAPSED\tDUE\tHOLD\tNEXT")
	for i := range r.Orders {
		fmt.Fprintln(columns, strings.Join(r.Orders[i].cells(r.now), "\t"))
	}
	columns.Flush() // a strings.Builder takes everything
	// Colours come last: they would count as characters of a column.
	n := 0
	for line := range strings.Lines(b.String()) {
		line = strings.TrimRight(line, " \n")
		if colour := r.colour(n - 1); colour != "" {
			line = colour + line + colourOff
		}
		fmt.Fprintln(w, line)
		n++
	}
}

// The colours of a line (ECMA-48, select graphic rendition).
const (
	colourRed    = "\x1b[31m"
	colourYellow = "\x1b[33m"
	colourOff    = "\x1b[0m"
)

// colour is that of the order with that index; none is none.
func (r *statusTold) colour(i int) string {
	if !r.colours || i < 0 {
		return ""
	}
	switch s := r.Orders[i].standing; {
	case s.Problem != nil || s.Overdue():
		return colourRed
	case soon(s, r.now):
		return colourYellow
	}
	return ""
}

// soonLeft is how little time, whatever the period, is little.
const soonLeft = 2 * time.Hour

// soon reports whether little time is left of what is to be done: less than two
// hours, or than a quarter of the period.
func soon(s *export.Standing, now time.Time) bool {
	if s.Mandate == nil || !awaited(s) || s.Mandate.Clock.Due.IsZero() {
		return false
	}
	c := s.Mandate.Clock
	left := c.Due.Sub(now)
	return left < soonLeft || left < c.Due.Sub(c.Received)/4
}

// awaited reports whether the data of the order is still to come.
func awaited(s *export.Standing) bool {
	return s.State.Open() && !s.State.Delivered()
}

// maxCell bounds what a cell shows of a text, in characters.
const maxCell = 32

// cells are those of an order's line.
func (t *standingTold) cells(now time.Time) []string {
	name := cellText(t.Reference)
	if name == "" {
		name = t.Digest[:12] + "…"
	}
	cells := []string{name, t.State, dash(t.Priority), "-", "-", "-", dash(oneLine(t.Next))}
	if m := t.standing.Mandate; m != nil {
		cells[3] = shortDuration(m.Clock.Elapsed)
		cells[4] = t.dueText(now)
		if m.Clock.Held {
			cells[5] = "until " + sign.At(m.Clock.HoldUntil).String()
		}
	} else if o := t.standing.Order; o != nil {
		cells[3] = shortDuration(now.Sub(o.Received))
	}
	if t.Problem != "" {
		cells[6] = t.Problem
	}
	return cells
}

// dueText says how long there is, or how late it is.
func (t *standingTold) dueText(now time.Time) string {
	c := t.standing.Mandate.Clock
	switch {
	case c.Due.IsZero() || !awaited(t.standing):
		return "-"
	case c.Late:
		return "LATE by " + shortDuration(now.Sub(c.Due))
	}
	if now.After(c.Due) { // released before, and not delivered yet
		return "released in time"
	}
	return "in " + shortDuration(c.Due.Sub(now))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// cellText is a text of others as a cell can show it: on one line, and short.
func cellText(s string) string {
	runes := []rune(oneLine(s))
	if len(runes) > maxCell {
		runes = append(runes[:maxCell-1], '…')
	}
	return string(runes)
}

// shortDuration is a time span in its two largest units: 3d 4h, 2h 05m, 7m.
func shortDuration(d time.Duration) string {
	d = max(d, 0).Truncate(time.Minute)
	days, hours, minutes := int64(d/(24*time.Hour)), int64(d%(24*time.Hour)/time.Hour), int64(d%time.Hour/time.Minute)
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh %02dm", hours, minutes)
	}
	return fmt.Sprintf("%dm", minutes)
}
