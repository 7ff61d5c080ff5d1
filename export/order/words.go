package order

import (
	"fmt"
	"strings"
	"time"
)

// Words says in plain English what an order would let out, for a person to
// read before approving it: several lines, each ended by LF. What the order
// leaves out and matters is said too, and of a narrowed order what was not
// accepted.
func Words(o *Order) string {
	var w words
	w.line("Order %s", o.Reference)
	w.fact("asked by", list(o.Authority.Name, o.Authority.Unit, o.Authority.Country))
	w.fact("contact", list(o.Authority.Contact, o.Authority.Email))
	w.fact("under", o.LegalBasis)
	w.fact("regime", o.Regime+", jurisdiction "+o.Jurisdiction)
	w.fact("case", list(o.Case.Type, o.Case.Number))
	w.fact("priority", string(o.Priority))
	w.fact("served", instant(o.Served))
	w.fact("received", instant(o.Received))
	if o.Expires.IsZero() {
		w.fact("expires", "no end is stated")
	} else {
		w.fact("expires", "after "+instant(o.Expires))
	}
	if !o.Due.IsZero() {
		w.fact("due", instant(o.Due)+", by its own date")
	}
	w.enforcing(o.EnforcingAuthority)
	w.fact("instrument", fmt.Sprintf("%s, SHA-256 %x", o.Instrument.File, o.Instrument.SHA256))
	if s := o.Instrument.Signature; s != nil {
		w.fact("signature", fmt.Sprintf("%s, SHA-256 %x", s.File, s.SHA256))
	}
	w.fact("this order", fmt.Sprintf("SHA-256 %x", o.Digest()))

	w.accounts(o)
	w.withheld(o.Withhold)
	w.agency(o.Agency)
	w.silence(o)
	return w.String()
}

type words struct{ strings.Builder }

func (w *words) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *words) fact(name, value string) {
	if value != "" {
		w.line("  %-11s %s", name, value)
	}
}

// meaning says what a category lets out.
var meaning = map[Category]string{
	Subscriber: "subscriber: who holds the account",
	Traffic:    "traffic: who wrote to whom and when, by which route and IP addresses, and sizes; no subject, no text, no attachment",
	Content:    "content: whole messages with their attachments, calendar objects, contacts",
}

func (w *words) enforcing(e *EnforcingAuthority) {
	switch {
	case e == nil:
	case e.Notified:
		w.fact("notified", "the enforcing authority "+list(e.Name, e.Country, instant(e.At)))
	default:
		w.fact("notified", "no enforcing authority")
	}
}

// accounts tells of each account that is let out, numbered as in the order,
// and then of what the order asks for and is not accepted.
func (w *words) accounts(o *Order) {
	if o.Narrowed() {
		w.line("\nIt is accepted in part. It would let out, of %d of %s:", len(o.Parts()), count(len(o.Accounts), "account"))
	} else {
		w.line("\nIt would let out, of %s:", count(len(o.Accounts), "account"))
	}
	for i := range o.Accounts {
		if a := &o.Accounts[i]; !a.Dropped {
			w.account(i+1, a)
		}
	}
	if !o.Narrowed() {
		return
	}
	w.line("\nThe order asks for this too, which is not accepted:")
	for i := range o.whole {
		if asked, a := &o.whole[i], &o.Accounts[i]; !sameScope(*asked, *a) {
			w.line("  %d. %s", i+1, a.Name)
			w.rest(asked, a)
		}
	}
}

// rest tells what was asked of an account beyond what is accepted of it.
func (w *words) rest(asked, a *Account) {
	switch {
	case a.Dropped && asked.Entire:
		w.line("     the entire account, without any limit of time")
	case a.Dropped:
		w.line("     from %s", zoned(asked.span.From, a.Zone))
		w.line("     to   %s", zoned(asked.span.Last(), a.Zone))
	case asked.Entire && !a.Entire:
		w.line("     all before %s", zoned(a.span.From, a.Zone))
		w.line("     all after  %s", zoned(a.span.Last(), a.Zone))
	default:
		if asked.span.From.Before(a.span.From) {
			w.line("     from   %s", zoned(asked.span.From, a.Zone))
			w.line("     before %s", zoned(a.span.From, a.Zone))
		}
		if asked.span.Until.After(a.span.Until) {
			w.line("     after  %s", zoned(a.span.Last(), a.Zone))
			w.line("     to     %s", zoned(asked.span.Last(), a.Zone))
		}
	}
	for _, c := range []Category{Subscriber, Traffic, Content} {
		if asked.Allows(c) && !a.Allows(c) {
			w.line("     %s", meaning[c])
		}
	}
}

func (w *words) account(n int, a *Account) {
	w.line("  %d. %s", n, a.Name)
	if a.Entire {
		w.line("     !!! THE ENTIRE ACCOUNT, WITHOUT ANY LIMIT OF TIME !!!")
	} else {
		w.line("     from %s", zoned(a.span.From, a.Zone))
		w.line("     to   %s, this second included", zoned(a.span.Last(), a.Zone))
	}
	for _, c := range []Category{Subscriber, Traffic, Content} {
		if a.Allows(c) {
			w.line("     %s", meaning[c])
		}
	}
}

func (w *words) withheld(list []Withheld) {
	if len(list) == 0 {
		w.line("\nIt names no privileged correspondent: nothing is withheld as privileged.")
		return
	}
	w.line("\nIt withholds as privileged what comes from or goes to:")
	for _, p := range list {
		if p.Address != "" {
			w.line("  %s (%s)", p.Address, p.Ground)
		} else {
			w.line("  everybody at %s and its sub-domains (%s)", p.Domain, p.Ground)
		}
	}
}

func (w *words) agency(a Agency) {
	if len(a.Keys) == 1 {
		w.line("\nOnly %s could open it, with the key:", a.Name)
	} else {
		w.line("\nOnly %s could open it, with any one of the keys:", a.Name)
	}
	for _, k := range a.Keys {
		w.line("  %s", k.Grouped())
	}
}

// silence says what the user may learn, and when.
func (w *words) silence(o *Order) {
	if nd := o.NonDisclosure; nd != nil {
		text := "\nThe user is not to be told, under " + nd.Basis
		if !nd.Start.IsZero() {
			text += ", from " + instant(nd.Start)
		}
		if !nd.End.IsZero() {
			text += ", until " + instant(nd.End)
		} else {
			text += "; no end is stated"
		}
		w.line("%s.", text)
	}
	if u := o.UserNotice; u != nil {
		w.line("\nNotice to the user:")
		for _, f := range []struct {
			name string
			at   time.Time
		}{{"delayed to", u.DelayedUntil}, {"due", u.Due}, {"sent", u.Sent}} {
			if !f.at.IsZero() {
				w.fact(f.name, instant(f.at))
			}
		}
	}
}

// instant writes a time with its own offset, and in UTC where that differs.
func instant(t time.Time) string { return zoned(t, "") }

// zoned is instant with the name of the time zone.
func zoned(t time.Time, zone string) string {
	const utc = "2006-01-02 15:04:05 UTC"
	if _, offset := t.Zone(); offset == 0 && (zone == "" || zone == "UTC") {
		return t.Format(utc)
	}
	if zone != "" {
		zone = " " + zone
	}
	return t.Format("2006-01-02 15:04:05 -07:00") + zone + " (" + t.UTC().Format(utc) + ")"
}

func list(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
