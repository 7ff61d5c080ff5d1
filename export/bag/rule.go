package bag

import (
	"fmt"
	"strings"
)

// Categories of data (section 6).
const (
	CategorySubscriber = "subscriber"
	CategoryTraffic    = "traffic"
	CategoryContent    = "content"
)

// What a rule admits an item by (section 11).
const (
	BySpan     = "span"     // its time lies within the account's span
	ByEntire   = "entire"   // the account is asked for without limits of time
	ByReviewer = "admitted" // a reviewer's statement admits what could not be determined
	ByRecord   = "record"   // it is a subscriber record
)

// Rule is scope.rule of an item record: what admitted the item.
type Rule struct {
	Place    int64 // of the account in the order, from 0
	Category string
	By       string
}

// String returns the rule's text: account[i]/C/R.
func (r Rule) String() string { return fmt.Sprintf("account[%d]/%s/%s", r.Place, r.Category, r.By) }

// ParseRule is the inverse of Rule.String, for the rules that section 11 has.
func ParseRule(s string) (Rule, error) {
	rest, ok := strings.CutPrefix(s, "account[")
	number, rest, end := strings.Cut(rest, "]/")
	category, by, slash := strings.Cut(rest, "/")
	place, counts := digits(number)
	r := Rule{Place: place, Category: category, By: by}
	if !ok || !end || !slash || !counts || r.String() != s || !r.known() {
		return Rule{}, invalid("rule %s", quote(s))
	}
	return r, nil
}

// known says whether the category has such a rule.
func (r Rule) known() bool {
	switch r.Category {
	case CategoryContent, CategoryTraffic:
		return r.By == BySpan || r.By == ByEntire || r.By == ByReviewer
	case CategorySubscriber:
		return r.By == ByRecord
	}
	return false
}
