package bag

import (
	"slices"

	"exhibit/sign"
)

func (p *Package) check() error {
	switch {
	case p.Type != PackageType && p.Type != PackageTypeV1:
		return sign.BadMember("type", "want %s", PackageType)
	case p.Supersedes != nil && *p.Supersedes == p.Package:
		return sign.BadMember("supersedes", "names the package itself")
	case p.TimeSource != TimeSource:
		return sign.BadMember("time_source", "want %q", TimeSource)
	case p.Provider == "":
		return sign.BadMember("provider", "is empty")
	case p.Tool.Name == "" || p.Tool.Version == "":
		return sign.BadMember("tool", "is not complete")
	case p.Agency == "":
		return sign.BadMember("agency", "is empty")
	case len(p.Approvals) == 0:
		return sign.BadMember("approvals", "is empty")
	}
	if err := sign.CheckSigner("signer", p.Signer); err != nil {
		return err
	}
	if err := p.PreparedBy.Check("prepared_by"); err != nil {
		return err
	}
	for _, a := range p.Approvals {
		if a.Holder == "" {
			return sign.BadMember("approvals", "one without a holder")
		}
		if err := sign.CheckSigner("approvals", a.Fingerprint); err != nil {
			return err
		}
	}
	for _, check := range []func() error{p.checkVersion, p.checkOrder, p.checkAccounts, p.checkCounts} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkVersion checks that the members of version 2 are there in that version,
// and in that version alone.
func (p *Package) checkVersion() error {
	v2 := p.Type == PackageType
	for _, m := range []struct {
		name  string
		there bool
	}{
		{"review", p.Review != nil},
		{"emergency", p.Emergency != nil},
		{"order.instrument_signature", !p.Order.InstrumentSignature.IsZero()},
	} {
		if m.there != v2 {
			return versionError(m.name, v2)
		}
	}
	for _, a := range p.Accounts {
		if (a.Place != nil) != v2 || (a.Admitted != nil) != v2 {
			return versionError("accounts: place or admitted", v2)
		}
	}
	if !v2 {
		return nil
	}
	if err := p.Review.check(); err != nil {
		return err
	}
	return p.checkPersons()
}

// checkPersons checks that the approvals are of different persons, none of whom is
// the reviewer (sign/FORMAT.md section 7).
func (p *Package) checkPersons() error {
	seen := map[string]bool{p.Review.Holder: true}
	for _, a := range p.Approvals {
		if seen[a.Holder] || a.Fingerprint == p.Review.Fingerprint {
			return sign.BadMember("approvals", "%s counts twice, or is the reviewer", quote(a.Holder))
		}
		seen[a.Holder] = true
	}
	return nil
}

func versionError(member string, v2 bool) error {
	if v2 {
		return sign.BadMember(member, "is missing")
	}
	return sign.BadMember(member, "is no member of version 1")
}

func (r *Review) check() error {
	switch {
	case r.Decision != Accept && r.Decision != AcceptInPart:
		return sign.BadMember("review.decision", "is %s", quote(r.Decision))
	case r.Holder == "":
		return sign.BadMember("review.holder", "is empty")
	}
	return sign.CheckSigner("review.fingerprint", r.Fingerprint)
}

func (p *Package) checkOrder() error {
	o := p.Order
	switch {
	case o.Reference == "":
		return sign.BadMember("order.reference", "is empty")
	case o.File != OrderYAML && o.File != OrderJSON:
		return sign.BadMember("order.file", "is %s", quote(o.File))
	}
	if slot, _, err := place(o.Instrument); err != nil || slot != slotInstrument {
		return sign.BadMember("order.instrument", "is %s", quote(o.Instrument))
	}
	if s := o.Signature(); s != nil {
		return s.check()
	}
	return nil
}

func (p *Package) checkAccounts() error {
	if len(p.Accounts) == 0 {
		return sign.BadMember("accounts", "is empty")
	}
	seen := make(map[string]bool, len(p.Accounts))
	var source, included, withheld int64
	for i, a := range p.Accounts {
		if a.Account == "" || seen[a.Account] {
			return sign.BadMember("accounts", "%s is empty or stands twice", quote(a.Account))
		}
		seen[a.Account] = true
		if (a.From == nil) != a.Entire || (a.Until == nil) != a.Entire || !a.Entire && !a.From.Before(*a.Until) {
			return sign.BadMember("accounts", "the span of %s", quote(a.Account))
		}
		if !nonNegative(a.Source, a.Included, a.Withheld) || a.Source != a.Included+a.Withheld {
			return sign.BadMember("accounts", "the counts of %s do not add up", quote(a.Account))
		}
		if err := p.checkAccepted(i); err != nil {
			return err
		}
		if source, included, withheld = source+a.Source, included+a.Included, withheld+a.Withheld; source > sign.MaxNumber {
			return sign.BadMember("accounts", "counts beyond any limit")
		}
	}
	if source != p.Counts.Source || included != p.Counts.Included || withheld != p.Counts.Withheld {
		return sign.BadMember("accounts", "the counts do not add up to those of the package")
	}
	return nil
}

// checkAccepted checks what version 2 says of the i-th account.
func (p *Package) checkAccepted(i int) error {
	a := &p.Accounts[i]
	if p.Type == PackageTypeV1 {
		return nil
	}
	switch {
	case !nonNegative(*a.Place) || i > 0 && *a.Place <= *p.Accounts[i-1].Place:
		return sign.BadMember("accounts", "the place of %s", quote(a.Account))
	case !nonNegative(*a.Admitted) || *a.Admitted > a.Included:
		return sign.BadMember("accounts", "more of %s is admitted than included", quote(a.Account))
	case len(a.Categories) == 0:
		return sign.BadMember("accounts", "%s without a category", quote(a.Account))
	}
	for k, c := range a.Categories {
		known := c == CategorySubscriber || c == CategoryTraffic || c == CategoryContent
		if !known || slices.Contains(a.Categories[:k], c) {
			return sign.BadMember("accounts", "the categories of %s", quote(a.Account))
		}
	}
	return nil
}

func (p *Package) checkCounts() error {
	if p.Items.Size != p.Counts.Included || p.Items.Size > MaxItems {
		return sign.BadMember("items.size", "is %d, with %d items included", p.Items.Size, p.Counts.Included)
	}
	reasons := make([]string, len(p.Withheld))
	for i, r := range p.Withheld {
		reasons[i] = r.Reason
	}
	if !slices.Equal(reasons, WithheldReasons()) {
		return sign.BadMember("withheld", "has not all reasons, in their order")
	}
	if n, ok := total(p.Withheld, 0); !ok || n != p.Counts.Withheld {
		return sign.BadMember("withheld", "does not add up to counts.withheld")
	}
	if n, ok := total(p.Exceptions, 1); !ok || !sorted(p.Exceptions) || n != p.Counts.Exceptions {
		return sign.BadMember("exceptions", "is not sorted, or does not add up to counts.exceptions")
	}
	for _, r := range p.Exceptions {
		if !slices.Contains(itemExceptions, r.Reason) {
			return sign.BadMember("exceptions", "unknown reason %s", quote(r.Reason))
		}
	}
	if _, ok := total(p.Gaps, 1); !ok || !sorted(p.Gaps) {
		return sign.BadMember("gaps", "is not sorted, or counts nothing")
	}
	return nil
}

// total adds up counts, each of at least least.
func total(list []ReasonCount, least int64) (sum int64, ok bool) {
	for _, r := range list {
		if r.Reason == "" || r.Count < least || r.Count > sign.MaxNumber-sum {
			return 0, false
		}
		sum += r.Count
	}
	return sum, true
}

func sorted(list []ReasonCount) bool {
	for i := 1; i < len(list); i++ {
		if list[i].Reason <= list[i-1].Reason {
			return false
		}
	}
	return true
}

func nonNegative(numbers ...int64) bool {
	return !slices.ContainsFunc(numbers, func(n int64) bool { return n < 0 || n > sign.MaxNumber })
}
