package open

import (
	"exhibit/export/bag"
)

// scope checks that the rule which admitted an item is one that its account has
// (section 11), and that an item which the span admits lies within it.
func (x *indexCheck) scope(rec *bag.ItemRecord) error {
	i, ok := x.accounts[rec.Account]
	if !ok {
		return fail(RecordInvalid, rec.File, "belongs to account %s, which the order does not name", show(rec.Account))
	}
	x.included[i]++
	rule, err := bag.ParseRule(rec.Scope.Rule)
	if err != nil {
		return err
	}
	if a := &x.c.facts.pkg.Accounts[i]; !fits(rule, a, int64(i)) {
		return fail(RecordInvalid, rec.File, "was admitted by %s, which is no rule for account %s", show(rec.Scope.Rule), show(a.Account))
	} else if rule.By == bag.BySpan && !within(rec.Scope, a) {
		return fail(RecordInvalid, rec.File, "is not within the span of its account")
	}
	if rule.By == bag.ByReviewer {
		x.admitted[i]++
	}
	return nil
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
