package order

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Part is what is accepted of one account (sign/FORMAT.md, section 7).
type Part struct {
	Account     string    // exactly as the order writes it
	From, Until time.Time // whole seconds; Until is the first second outside; both zero when Entire
	Entire      bool      // no limit of time
	Categories  []Category
}

// A NarrowReason says why parts are no narrowing of an order.
type NarrowReason string

// The reasons of a [NarrowError].
const (
	NarrowEmpty         NarrowReason = "nothing is accepted; refuse the order instead"
	NarrowUnknown       NarrowReason = "the order names no such account"
	NarrowTwice         NarrowReason = "named twice"
	NarrowPlace         NarrowReason = "not at its place in the order of accounts"
	NarrowSpan          NarrowReason = "the span is not of whole seconds, the first before the end"
	NarrowBeside        NarrowReason = "a span stands beside entire"
	NarrowWider         NarrowReason = "outside the span that the order gives"
	NarrowEntire        NarrowReason = "the order does not give the account entire"
	NarrowNoCategory    NarrowReason = "no category is accepted"
	NarrowCategory      NarrowReason = "a category that the order does not ask for"
	NarrowCategoryPlace NarrowReason = "a category twice, or not at its place in the order"
)

// A NarrowError says that parts are no narrowing of an order.
type NarrowError struct {
	Account string // empty: not one account's fault
	Reason  NarrowReason
}

func (e *NarrowError) Error() string {
	if e.Account == "" {
		return "narrowing: " + string(e.Reason)
	}
	return fmt.Sprintf("narrowing of account %s: %s", clip(e.Account), e.Reason)
}

// ErrNotNarrower says that a narrowing accepts all that the order asks for.
var ErrNotNarrower = errors.New("narrowing: nothing is less than the order asks for")

// Narrow gives the order as far as parts accept it: an order of the same
// bytes, all accounts at their places, those that no part names dropped. The
// parts are in the order's order of accounts, and within what the order asks
// for; something is less. Otherwise the error is [*NarrowError] or
// [ErrNotNarrower]. An order that is narrowed already can be narrowed further.
func (o *Order) Narrow(parts []Part) (*Order, error) {
	if len(parts) == 0 {
		return nil, &NarrowError{Reason: NarrowEmpty}
	}
	n := o.clone()
	for i := range n.Accounts {
		n.Accounts[i].drop()
	}
	last := -1
	for i := range parts {
		p := &parts[i]
		at := slices.IndexFunc(o.Accounts, func(a Account) bool { return a.Name == p.Account && !a.Dropped })
		switch {
		case at < 0:
			return nil, &NarrowError{p.Account, NarrowUnknown}
		case !n.Accounts[at].Dropped:
			return nil, &NarrowError{p.Account, NarrowTwice}
		case at < last:
			return nil, &NarrowError{p.Account, NarrowPlace}
		}
		if _, reason := o.Accounts[at].misfit(p); reason != "" {
			return nil, &NarrowError{p.Account, reason}
		}
		n.Accounts[at] = o.Accounts[at].narrowed(p)
		last = at
	}
	if slices.EqualFunc(o.Accounts, n.Accounts, sameScope) {
		return nil, ErrNotNarrower
	}
	if n.whole == nil {
		n.whole = slices.Clone(o.Accounts)
	}
	return n, nil
}

// Narrowed says whether less is accepted than the order asks for.
func (o *Order) Narrowed() bool { return o.whole != nil }

// Parts gives what the order has of each account that is not dropped. Of a
// narrowed order they are the parts that narrowed it.
func (o *Order) Parts() []Part {
	var parts []Part
	for _, a := range o.Accounts {
		if !a.Dropped {
			parts = append(parts, Part{a.Name, a.span.From, a.span.Until, a.Entire, slices.Clone(a.Categories)})
		}
	}
	return parts
}

// EntireAccounts gives the names, sorted by their bytes, of the accounts that
// are let out without limit of time.
func (o *Order) EntireAccounts() []string {
	var names []string
	for _, a := range o.Accounts {
		if a.Entire && !a.Dropped {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

// LongestSpan gives the first of the accounts with the longest span, of those
// that are neither dropped nor entire; an empty name and 0 if there is none.
func (o *Order) LongestSpan() (account string, d time.Duration) {
	for _, a := range o.Accounts {
		if length := a.span.Until.Sub(a.span.From); !a.Entire && !a.Dropped && length > d {
			account, d = a.Name, length
		}
	}
	return account, d
}

// clone copies an order, but for its bytes, which nobody changes.
func (o *Order) clone() *Order {
	n := *o
	n.Accounts = slices.Clone(o.Accounts)
	n.Categories = slices.Clone(o.Categories)
	n.Withhold = slices.Clone(o.Withhold)
	n.Agency.Keys = slices.Clone(o.Agency.Keys)
	n.Instrument.Signature = copied(o.Instrument.Signature)
	n.EnforcingAuthority = copied(o.EnforcingAuthority)
	n.NonDisclosure = copied(o.NonDisclosure)
	n.UserNotice = copied(o.UserNotice)
	return &n
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// drop leaves an account out.
func (a *Account) drop() {
	a.Dropped, a.Entire, a.Categories, a.span = true, false, nil, Span{}
}

// misfit says why a part is not one of the account, and in which of its fields.
func (a *Account) misfit(p *Part) (field string, reason NarrowReason) {
	bounds := !p.From.IsZero() || !p.Until.IsZero()
	switch {
	case p.Entire && !a.Entire:
		return "entire", NarrowEntire
	case p.Entire && bounds:
		return "entire", NarrowBeside
	case !p.Entire && !properSpan(p.From, p.Until):
		return "end", NarrowSpan
	case !a.Entire && p.From.Before(a.span.From):
		return "start", NarrowWider
	case !a.Entire && p.Until.After(a.span.Until):
		return "end", NarrowWider
	case len(p.Categories) == 0:
		return "categories", NarrowNoCategory
	}
	last := -1
	for _, c := range p.Categories {
		at := slices.Index(a.Categories, c)
		switch {
		case at < 0:
			return "categories", NarrowCategory
		case at <= last:
			return "categories", NarrowCategoryPlace
		}
		last = at
	}
	return "", ""
}

func properSpan(from, until time.Time) bool {
	whole := from.Nanosecond() == 0 && until.Nanosecond() == 0
	return whole && !from.IsZero() && from.Before(until)
}

// narrowed gives the account as far as a part of it goes.
func (a *Account) narrowed(p *Part) Account {
	n := *a
	n.Entire, n.Categories = p.Entire, slices.Clone(p.Categories)
	n.span = Span{Entire: true}
	if !p.Entire {
		n.span = Span{From: a.shown(p.From, a.span.From), Until: a.shown(p.Until, a.span.Until)}
	}
	return n
}

// shown gives an instant as clocks of the account show it: in its zone, or at
// the offset that the order wrote there, so that it does not matter how the
// part had it.
func (a *Account) shown(t, written time.Time) time.Time {
	switch {
	case a.zone != nil:
		return t.In(a.zone)
	case a.Entire:
		return t.UTC()
	}
	return t.In(written.Location())
}

// sameScope says whether the same is asked of one account in two orders.
func sameScope(a, b Account) bool {
	return a.Dropped == b.Dropped && a.Entire == b.Entire && slices.Equal(a.Categories, b.Categories) &&
		a.span.From.Equal(b.span.From) && a.span.Until.Equal(b.span.Until)
}
