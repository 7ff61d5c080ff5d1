package export

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/export/subscriber"
)

// DryRun reads and scopes the sources and makes nothing. It asks for no approval:
// it is what somebody looks at before deciding.
type DryRun struct {
	// Order is the order, or what was accepted of it.
	Order *order.Order
	// Admitted are the undetermined items that a review admits.
	Admitted []scope.Admitted
	// Columns is the list that subscriber records may have; nil: none are let out.
	Columns *subscriber.List
	Sources []Source
	// Empty is as Job has it.
	Empty []string
	// Limits bounds the sources; the zero value is mail.DefaultLimits.
	Limits mail.Limits
	// Progress and Undetermined are as Job has them.
	Progress     func(int64)
	Undetermined func(Noted) error
}

// Run reads. The items to look at are at most 10,000; Undetermined is told of all.
func (d *DryRun) Run(ctx context.Context) (*Reading, []Noted, error) {
	if err := checkSources(d.Order, d.Sources, d.Empty, d.Columns); err != nil {
		return nil, nil, err
	}
	r := newReader(d.Order, d.Admitted)
	r.columns, r.undetermined = d.Columns, d.Undetermined
	if err := r.all(ctx, d.Sources, d.Limits, d.Progress); err != nil {
		return nil, nil, err
	}
	return &r.reading, r.undecided, nil
}

// The two sorts of sources that an account may need, as Job.Empty names them.
const (
	SortMailbox    = "mailbox"
	SortSubscriber = "subscriber"
)

// needs gives the sorts of sources that the order's categories need.
func needs(a *order.Account) []string {
	var list []string
	if a.Allows(order.Content) || a.Allows(order.Traffic) {
		list = append(list, SortMailbox)
	}
	if a.Allows(order.Subscriber) {
		list = append(list, SortSubscriber)
	}
	return list
}

// given is which sorts of sources an account was given, or is said to have none of.
type given map[string]map[string]bool // account, sort; false: said to be empty

// checkSources makes sure that every source belongs to an account of the order,
// is of a sort that the order asks for, and that none was forgotten. It gives
// sources the order's spelling of their account.
func checkSources(o *order.Order, sources []Source, empty []string, columns *subscriber.List) error {
	g := given{}
	for i := range sources {
		s := &sources[i]
		sort := SortMailbox
		if s.subscribers() {
			sort = SortSubscriber
		}
		a, err := accepted(o, s.Account)
		if err != nil {
			return err
		}
		if !slices.Contains(needs(a), sort) {
			return refuse(CategoryNotAsked, nil, "the order asks for no %s of %s", wordsFor(sort), a.Name)
		}
		if sort == SortSubscriber && columns == nil {
			return refuse(SubscriberUnfit, nil, "no subscriber data is let out under regime %s", o.Regime)
		}
		s.Account = a.Name
		g.set(a.Name, sort, true)
	}
	if err := g.none(o, empty); err != nil {
		return err
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		for _, sort := range needs(a) {
			if _, ok := g[a.Name][sort]; !ok {
				return refuse(AccountWithout, nil, "the order asks for %s of %q, for which no source is given", wordsFor(sort), a.Name)
			}
		}
	}
	return checkOverlap(sources)
}

// accepted finds an account of the order, as it was accepted.
func accepted(o *order.Order, name string) (*order.Account, error) {
	a, ok := o.Account(name)
	switch {
	case !ok:
		return nil, refuse(AccountNotInOrder, nil, "account %q is not in the order", name)
	case a.Dropped:
		return nil, refuse(AccountNotInOrder, nil, "the review has not accepted account %q", a.Name)
	}
	return a, nil
}

func wordsFor(sort string) string {
	if sort == SortSubscriber {
		return "subscriber records"
	}
	return "content or traffic"
}

func (g given) set(account, sort string, there bool) {
	if g[account] == nil {
		g[account] = map[string]bool{}
	}
	g[account][sort] = there
}

// none takes in what is said to be empty.
func (g given) none(o *order.Order, empty []string) error {
	for _, text := range empty {
		name, sort, one := strings.Cut(text, "=")
		a, err := accepted(o, name)
		if err != nil {
			return err
		}
		sorts := needs(a)
		if one {
			if !slices.Contains(sorts, sort) {
				return refuse(CategoryNotAsked, nil, "the order asks for no %q of %s", sort, a.Name)
			}
			sorts = []string{sort}
		}
		for _, sort := range sorts {
			if g[a.Name][sort] {
				return refuse(AccountWithout, nil, "account %q has a source of %s and is said to have none", a.Name, wordsFor(sort))
			}
			g.set(a.Name, sort, false)
		}
	}
	return nil
}

// ErrOverlap says that a source was given twice, or lies within another one, so
// that its items would be there twice.
var ErrOverlap = errors.New("sources overlap")

// checkOverlap makes sure that no item is read twice.
func checkOverlap(sources []Source) error {
	paths := make([]string, len(sources))
	for i, s := range sources {
		path, err := filepath.EvalSymlinks(s.Path)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return fmt.Errorf("source of %s: %w", s.Account, err)
		}
		paths[i] = path
		for j := range i {
			if within(paths[j], path) || within(path, paths[j]) {
				return fmt.Errorf("%w: %s and %s", ErrOverlap, sources[j].Path, s.Path)
			}
		}
	}
	return nil
}

// within reports whether path is folder or lies below it.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
