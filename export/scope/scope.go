// Package scope decides, for one item and one order, whether the item may leave
// and by which rule: the words of FORMAT.md section 11, and nothing else.
package scope

import (
	"crypto/sha256"
	"strings"
	"time"

	"exhibit/export/bag"
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
	// Category says as what it is included: order.Content or, as a record that is
	// derived from it, order.Traffic; empty when withheld.
	Category order.Category
	// Admitted says that it is included because a reviewer said so of this very
	// item, and would be withheld as undetermined otherwise.
	Admitted bool
	// Reason is why it is withheld; empty when included.
	Reason Reason
	// Detail says more to staff: why the item is undetermined, or would be if it
	// were not admitted. It quotes nothing of the item.
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

// Admitted is an item that counts as in scope though it is undetermined: a
// reviewer has looked at it (sign/FORMAT.md section 7).
type Admitted struct {
	Account string   // of the order
	SHA256  [32]byte // of the item's source bytes
}

// Scope is what one order lets out. It is safe for use by several goroutines.
type Scope struct {
	order     *order.Order
	withheld  []order.Withheld
	addresses map[string]bool           // of withheld
	domains   map[string]bool           // likewise
	admitted  map[int]map[[32]byte]bool // by index of the account
}

// New makes the scope of an order, or of what a review has accepted of it, with
// the items that the review admits.
func New(o *order.Order, admitted []Admitted) *Scope {
	s := &Scope{order: o, withheld: withForms(o.Withhold), addresses: map[string]bool{}, domains: map[string]bool{}, admitted: map[int]map[[32]byte]bool{}}
	for _, w := range s.withheld {
		if w.Address != "" {
			s.addresses[fold(w.Address)] = true
		} else {
			s.domains[fold(w.Domain)] = true
		}
	}
	s.admit(admitted)
	return s
}

// admit keeps what is admitted for the order's accounts.
func (s *Scope) admit(list []Admitted) {
	accounts := make(map[string]int, len(s.order.Accounts))
	for i := range s.order.Accounts {
		accounts[fold(s.order.Accounts[i].Name)] = i
	}
	for _, a := range list {
		i, ok := accounts[fold(a.Account)]
		if !ok {
			continue
		}
		if s.admitted[i] == nil {
			s.admitted[i] = map[[32]byte]bool{}
		}
		s.admitted[i][a.SHA256] = true
	}
}

// Decide tells whether an item of the order's account with that index may leave.
func (s *Scope) Decide(account int, it mail.Item) Decision {
	category := asked(&s.order.Accounts[account], it.Kind)
	if category == "" {
		return Decision{Reason: Category}
	}
	span := s.order.Accounts[account].Span()
	doubtful := it.Doubtful && (!span.Entire || len(s.withheld) > 0)
	if doubtful && !s.admits(account, it) {
		return Decision{Reason: Undetermined, Detail: errBounds.Error()}
	}
	facts := observe(it, len(s.withheld) > 0)
	d := Decision{Field: facts.field, Time: facts.time}
	if d.Reason = s.outside(facts, span); d.Reason != "" {
		return d
	}
	err := s.undetermined(facts, span)
	switch {
	case doubtful:
		d.Admitted, d.Detail = true, errBounds.Error()
	case err != nil:
		d.Admitted, d.Detail = s.admits(account, it), err.Error()
		if !d.Admitted {
			d.Reason = Undetermined
			return d
		}
	}
	d.Included, d.Category = true, category
	d.Rule = bag.Rule{Place: int64(account), Category: string(category), By: basis(d.Admitted, span)}.String()
	return d
}

// asked gives the category under which an account's items of that kind leave,
// or none. A traffic record can be derived from a message only.
func asked(a *order.Account, kind mail.Kind) order.Category {
	switch {
	case a.Allows(order.Content):
		return order.Content
	case a.Allows(order.Traffic) && kind == mail.KindMessage:
		return order.Traffic
	}
	return ""
}

// basis is the last part of a rule.
func basis(admitted bool, span order.Span) string {
	switch {
	case admitted:
		return bag.ByReviewer
	case span.Entire:
		return bag.ByEntire
	}
	return bag.BySpan
}

// admits reports whether the item is admitted for its account. Its digest is
// computed only where something is.
func (s *Scope) admits(account int, it mail.Item) bool {
	list := s.admitted[account]
	return len(list) > 0 && list[sha256.Sum256(it.Raw)]
}

// outside gives the reason that certainly withholds an item, if there is one:
// rules 2 and 3.
func (s *Scope) outside(f facts, span order.Span) Reason {
	known := !span.Entire && f.timeErr == nil
	switch {
	case known && f.time.Latest.Before(span.From):
		return BeforeSpan
	case known && !f.time.Earliest.Before(span.Until):
		return AfterSpan
	case s.privileged(f):
		return Privileged
	}
	return ""
}

// undetermined says why it cannot be told whether an item is in scope, or
// returns nil: rule 4.
func (s *Scope) undetermined(f facts, span order.Span) error {
	switch {
	case !span.Entire && f.timeErr != nil:
		return f.timeErr
	case !span.Entire && !within(f.time, span):
		return errEdge
	case len(s.withheld) > 0 && !f.correspondentsKnown:
		return errCorrespondents
	}
	return nil
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
