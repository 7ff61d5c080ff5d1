package open

import (
	"fmt"
	"slices"
	"time"

	"exhibit/export/bag"
	"exhibit/export/order"
	"exhibit/sign"
)

// zoneDoubt is how far the ends of a span, read in a named time zone, may be from
// what this machine makes of them: its time zones may be of another date. Rules
// of time zones change by an hour or two.
const zoneDoubt = 2 * time.Hour

// orderAccounts compares the accounts of package.json with those of the order.
func (c *bagCheck) orderAccounts(o *order.Order) error {
	p := c.facts.pkg
	if p.Review == nil { // version 1: the whole order was accepted
		return c.sameAccounts(o)
	}
	less, doubtful := len(p.Accounts) < len(o.Accounts), false
	for i := range p.Accounts {
		a := &p.Accounts[i]
		if *a.Place >= int64(len(o.Accounts)) || o.Accounts[*a.Place].Name != a.Account {
			return fail(OrderMismatch, bag.PackageJSON, "account %s is not at its place in the order", show(a.Account))
		}
		narrower, doubt, err := c.accepted(&o.Accounts[*a.Place], a)
		if err != nil {
			return err
		}
		less, doubtful = less || narrower, doubtful || doubt
	}
	switch inPart := p.Review.Decision == bag.AcceptInPart; {
	case less && !inPart:
		return fail(OrderMismatch, bag.PackageJSON, "says that the whole order was accepted, but has less than the order asks for")
	case inPart && !less && !doubtful:
		return fail(OrderMismatch, bag.PackageJSON, "says that the order was accepted in part, but has all that the order asks for")
	}
	return nil
}

// accepted checks that nothing of an account is more than the order asks for, and
// says whether something is less. Where that cannot be told, as the span depends
// on the time zones that this machine knows, a person has to look.
func (c *bagCheck) accepted(o *order.Account, a *bag.Account) (less, doubt bool, err error) {
	for _, category := range a.Categories {
		if !o.Allows(order.Category(category)) {
			return false, false, fail(OrderMismatch, bag.PackageJSON, "account %s has category %s, which the order does not ask for", show(a.Account), show(category))
		}
	}
	less = len(a.Categories) < len(o.Categories)
	switch {
	case a.Entire && !o.Entire:
		return false, false, fail(OrderMismatch, bag.PackageJSON, "account %s is entire, which the order does not give", show(a.Account))
	case o.Entire:
		return less || !a.Entire, false, nil
	}
	span := o.Span()
	early := sign.At(span.From).Time().Sub(a.From.Time()) // before the order's first second
	late := a.Until.Time().Sub(sign.At(span.Until).Time())
	early, firm := certain(early, o.Zone, o.Start)
	late, firmEnd := certain(late, o.Zone, o.End)
	if doubt = !firm || !firmEnd; doubt {
		c.warnSpan(a)
	}
	if early > 0 || late > 0 {
		return false, false, fail(OrderMismatch, bag.PackageJSON, "the span of account %s is wider than the order's", show(a.Account))
	}
	return less || early < 0 || late < 0, doubt, nil
}

// certain returns the difference d at one end of a span, of which text is how the
// order writes it. A small one is not certain, and counts for nothing, where the
// end was read in a named time zone.
func certain(d time.Duration, zone, text string) (time.Duration, bool) {
	_, err := time.Parse(time.RFC3339, text)
	if d == 0 || d.Abs() > zoneDoubt || zone == "" || err == nil { // with its own offset no zone is needed
		return d, true
	}
	return 0, false
}

// sameAccounts compares the accounts of a package.json of version 1, where all
// that the order asks for was accepted.
func (c *bagCheck) sameAccounts(o *order.Order) error {
	p := c.facts.pkg
	if len(o.Accounts) != len(p.Accounts) {
		return fail(OrderMismatch, p.Order.File, "names %d accounts, package.json %d", len(o.Accounts), len(p.Accounts))
	}
	for i := range o.Accounts {
		if err := c.sameAccount(&o.Accounts[i], &p.Accounts[i]); err != nil {
			return err
		}
	}
	return nil
}

// sameAccount compares an account of the order with that of a package.json of
// version 1.
func (c *bagCheck) sameAccount(o *order.Account, a *bag.Account) error {
	categories := make([]string, len(o.Categories))
	for i, category := range o.Categories {
		categories[i] = string(category)
	}
	slices.Sort(categories)
	if o.Name != a.Account || o.Entire != a.Entire || !slices.Equal(categories, slices.Sorted(slices.Values(a.Categories))) {
		return fail(OrderMismatch, bag.PackageJSON, "account %s is not as the order has it", show(a.Account))
	}
	if span := o.Span(); !o.Entire && (sign.At(span.From) != *a.From || sign.At(span.Until) != *a.Until) {
		c.warnSpan(a)
	}
	return nil
}

// warnSpan says that the span, which is one of instants, is not what this machine
// makes of the order.
func (c *bagCheck) warnSpan(a *bag.Account) {
	c.report.warn(fmt.Sprintf("the span of account %s in package.json is not what this machine makes of the order: its time zones may be of another date", show(a.Account)))
}
