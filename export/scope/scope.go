// Package scope decides, for one item and one order, whether the item may leave
// and by which rule: the words of FORMAT.md section 11, and nothing else.
package scope

import (
	"fmt"
	"strings"
	"time"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/order"
)

// Reason says why an item is withheld.
type Reason string

// The reasons, as packages state them.
const (
	Category     Reason = "category"
	BeforeSpan   Reason = "before-span"
	AfterSpan    Reason = "after-span"
	Privileged   Reason = "privileged"
	Undetermined Reason = "undetermined"
)

// Reasons are all of them, in the order in which packages count them.
var Reasons = [...]Reason{Category, BeforeSpan, AfterSpan, Privileged, Undetermined}

// The fields that can tell an item's time.
const (
	FieldReceived = "received"
	FieldDate     = "date"
	FieldCalendar = "calendar"
)

// Decision is what the order says about one item.
type Decision struct {
	Included bool
	// Reason is why it is withheld; empty when included.
	Reason Reason
	// Detail says more to staff; it quotes nothing of the item.
	Detail string
	// Rule names what admitted the item: "account[0]/content/span".
	Rule string
	// Field says which field told the time; empty when none did.
	Field string
	// Time is what that field may mean; the zero value when not known.
	Time Interval
}

// Interval holds all instants that a time may mean, both ends included.
type Interval struct{ Earliest, Latest time.Time }

// IsZero reports whether nothing is known.
func (i Interval) IsZero() bool { return i.Earliest.IsZero() && i.Latest.IsZero() }

// Scope is what one order lets out. It is safe for use by several goroutines.
type Scope struct {
	order     *order.Order
	withheld  []order.Withheld
	addresses map[string]bool // of withheld
	domains   map[string]bool // likewise
}

// New makes the scope of an order.
func New(o *order.Order) *Scope {
	s := &Scope{order: o, withheld: withForms(o.Withhold), addresses: map[string]bool{}, domains: map[string]bool{}}
	for _, w := range s.withheld {
		if w.Address != "" {
			s.addresses[fold(w.Address)] = true
		} else {
			s.domains[fold(w.Domain)] = true
		}
	}
	return s
}

// Decide tells whether an item of the order's account with that index may leave.
func (s *Scope) Decide(account int, it mail.Item) Decision {
	a := &s.order.Accounts[account]
	if !a.Allows(order.Content) {
		return Decision{Reason: Category}
	}
	span := a.Span()
	limited := !span.Entire
	if it.Doubtful && (limited || len(s.withheld) > 0) {
		return Decision{Reason: Undetermined, Detail: errBounds.Error()}
	}
	facts := observe(it, len(s.withheld) > 0)
	d := Decision{Field: facts.field, Time: facts.time}
	known := limited && facts.timeErr == nil
	switch {
	case known && facts.time.Latest.Before(span.From):
		d.Reason = BeforeSpan
	case known && !facts.time.Earliest.Before(span.Until):
		d.Reason = AfterSpan
	case s.privileged(facts):
		d.Reason = Privileged
	case limited && !known:
		d.Reason, d.Detail = Undetermined, facts.timeErr.Error()
	case limited && !within(facts.time, span):
		d.Reason, d.Detail = Undetermined, "its time states no zone and may lie inside or outside the span"
	case len(s.withheld) > 0 && !facts.correspondentsKnown:
		d.Reason, d.Detail = Undetermined, "its correspondents cannot all be read, and the order withholds some"
	default:
		d.Included = true
		d.Rule = fmt.Sprintf("account[%d]/content/span", account)
		if span.Entire {
			d.Rule = fmt.Sprintf("account[%d]/content/entire", account)
		}
	}
	return d
}

// within reports whether every instant of the interval lies in the span. Spans
// end after a whole second, so an instant is inside when its second is.
func within(i Interval, s order.Span) bool {
	return !i.Earliest.Before(s.From) && i.Latest.Before(s.Until)
}

// privileged reports whether a correspondent to be withheld occurs, as a parsed
// address or anywhere in the text of an address field.
func (s *Scope) privileged(f facts) bool {
	for _, address := range f.addresses {
		for _, form := range forms(address) {
			if s.names(form) {
				return true
			}
		}
	}
	for _, text := range f.correspondents {
		for _, w := range s.withheld {
			if occurs(text, w) {
				return true
			}
		}
	}
	return false
}

// names reports whether one spelling of an address is to be withheld: it, its
// domain, or a domain above that. A final dot does not count.
func (s *Scope) names(address string) bool {
	address = strings.TrimSuffix(fold(address), ".")
	if s.addresses[address] {
		return true
	}
	domain := address[strings.LastIndexByte(address, '@')+1:]
	domain = domain[max(0, len(domain)-maxDomain):]
	for len(s.domains) > 0 {
		if s.domains[domain] {
			return true
		}
		_, above, ok := strings.Cut(domain, ".")
		if !ok {
			return false
		}
		domain = above
	}
	return false
}

func interval(d header.DateTime) Interval { return Interval{Earliest: d.Earliest, Latest: d.Latest} }
