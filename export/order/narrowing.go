package order

import (
	"slices"
	"strings"
	"time"
)

// NarrowingType is the value of a narrowing's first field.
const NarrowingType = "exhibit/narrowing/v1"

// ParseNarrowing reads a file, YAML or JSON as in [Parse], that says what is
// accepted of an order: its type, and accounts in the syntax of the order. What
// it leaves out of an account, start, end, zone or categories, is the order's;
// that an account is accepted entire has to be said. The parts, of which
// [Order.Narrow] makes the accepted order, have the spelling and the sequence
// of the order, whatever those of the file. The error is [Errors].
func ParseNarrowing(name string, data []byte, o *Order) ([]Part, error) {
	r, root := parseFile(name, data)
	if root == nil {
		return nil, r.errs
	}
	d := &decoder{r}
	parts := d.narrowing(root, o)
	if len(r.errs) > 0 {
		return nil, r.sorted()
	}
	n, err := o.Narrow(parts)
	if err != nil {
		accounts, _ := object{d, root}.get("accounts")
		d.addf(accounts.at, accounts.path, "%s", strings.TrimPrefix(err.Error(), "narrowing: "))
		return nil, r.errs
	}
	return n.Parts(), nil
}

func (d *decoder) narrowing(root *node, o *Order) []Part {
	doc, ok := d.object(root, "type", "accounts")
	if !ok {
		return nil
	}
	d.typed(doc, NarrowingType)
	n, ok := doc.need("accounts")
	if !ok {
		return nil
	}
	var parts []Part
	first := map[string]position{}
	for _, item := range d.list(n, MaxAccounts) {
		p, ok := d.part(item, o)
		if !ok {
			continue
		}
		if at, ok := first[p.Account]; ok {
			d.addf(item.at, join(item.path, "account"), "the same account as on line %d", d.resolve(at).line)
			continue
		}
		first[p.Account] = item.at
		parts = append(parts, p)
	}
	place := func(p Part) int {
		return slices.IndexFunc(o.Accounts, func(a Account) bool { return a.Name == p.Account })
	}
	slices.SortFunc(parts, func(a, b Part) int { return place(a) - place(b) })
	return parts
}

// part reads what is accepted of one account; ok is false when it is not known
// which account that is.
func (d *decoder) part(n *node, of *Order) (p Part, ok bool) {
	o, ok := d.object(n, accountFields...)
	if !ok {
		return p, false
	}
	name, ok := needChecked(o, "account", readAccount)
	if !ok {
		return p, false
	}
	a, ok := of.Account(name)
	if !ok || a.Dropped {
		at, _ := o.get("account")
		d.addf(at.at, at.path, "%s", NarrowUnknown)
		return p, false
	}
	p.Account, p.Categories = a.Name, a.Categories
	faults := len(d.errs)
	if c, ok := o.get("categories"); ok {
		p.Categories = d.categories(c)
		place := func(c Category) int { return slices.Index(a.Categories, c) }
		slices.SortStableFunc(p.Categories, func(x, y Category) int { return place(x) - place(y) })
	}
	d.partSpan(o, a, &p)
	if len(d.errs) > faults {
		return p, true
	}
	if field, reason := a.misfit(&p); reason != "" {
		at, ok := o.get(field)
		if !ok {
			at = n
		}
		msg := string(reason)
		if reason == NarrowWider {
			msg += ": from " + zoned(a.span.From, a.Zone) + " to " + zoned(a.span.Last(), a.Zone)
		}
		d.addf(at.at, join(n.path, field), "%s", msg)
	}
	return p, true
}

// partSpan reads the time that is accepted of an account.
func (d *decoder) partSpan(o object, a *Account, p *Part) {
	zone, ok := d.zone(o, a.zone)
	if !ok {
		return
	}
	if p.Entire = d.entire(o); p.Entire {
		return
	}
	if a.Entire && (!hasField(o, "start") || !hasField(o, "end")) {
		d.addf(o.n.at, o.n.path, "the order gives the account entire: write either entire: true, or start and end")
		return
	}
	p.From, p.Until = a.span.From, a.span.Until
	from, ok := optionalChecked(o, "start", edgeOf(dayStart, zone))
	if ok {
		p.From = from
	}
	last, ok := optionalChecked(o, "end", edgeOf(dayEnd, zone))
	if ok {
		p.Until = last.Add(time.Second)
	}
	if !p.From.Before(p.Until) {
		at, ok := o.get("end")
		if !ok {
			at, _ = o.get("start")
		}
		d.addf(at.at, at.path, "the end is before the start")
	}
}
