package open

import (
	"exhibit/export/bag"
)

// scope checks that the rule which admitted an item is one that its account has
// (section 11), and that an item which the span admits lies within it.
func (x *indexCheck) scope(rec *bag.ItemRecord) error {
	i, ok := x.accounts[rec.Account]
	if !ok {
		return fail(RecordInvalid, rec.File, "belongs to account %s, which package.json does not list", show(rec.Account))
	}
	x.included[i]++
	rule, err := admitted(rec, &x.c.facts.pkg.Accounts[i], int64(i))
	if rule.By == bag.ByReviewer {
		x.admitted[i]++
	}
	return err
}

// admitted returns the rule that admitted an item of the i-th account, if it is
// one that the account has and the item is within it.
func admitted(rec *bag.ItemRecord, a *bag.Account, i int64) (bag.Rule, error) {
	rule, err := bag.ParseRule(rec.Scope.Rule)
	switch {
	case err != nil:
		return rule, err
	case !fits(rule, a, i):
		return rule, fail(RecordInvalid, rec.File, "was admitted by %s, which is no rule for account %s", show(rec.Scope.Rule), show(a.Account))
	case rule.By == bag.BySpan && !within(rec.Scope, a):
		return rule, fail(RecordInvalid, rec.File, "is not within the span of its account")
	}
	return rule, nil
}

// fits says whether a rule is one of the i-th account. Content comprises traffic:
// where both are asked for, there are no traffic records.
func fits(rule bag.Rule, a *bag.Account, i int64) bool {
	if a.Place == nil { // version 1: content alone, and nothing that a reviewer admits
		return rule.Place == i && rule.Category == bag.CategoryContent && a.Asks(rule.Category) && rule.By == spanRule(a)
	}
	if rule.Place != *a.Place || !a.Asks(rule.Category) || rule.Category == bag.CategoryTraffic && a.Asks(bag.CategoryContent) {
		return false
	}
	return rule.By == bag.ByRecord || rule.By == bag.ByReviewer || rule.By == spanRule(a)
}

// spanRule is what admits an item of the account by its time.
func spanRule(a *bag.Account) string {
	if a.Entire {
		return bag.ByEntire
	}
	return bag.BySpan
}

// within says whether a time is known and lies within the account's span.
func within(s bag.Scope, a *bag.Account) bool {
	return s.Earliest != nil && s.Latest != nil && s.Field != nil && !s.Latest.Before(*s.Earliest) &&
		!s.Earliest.Before(*a.From) && s.Latest.Before(*a.Until)
}
