package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"exhibit/sign"
)

// Check returns a *sign.MemberError if a member is not as FORMAT section 6 has it.
func (p *Policy) Check() error {
	switch {
	case p.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case p.Serial < 1 || p.Serial > sign.MaxNumber:
		return sign.BadMember("serial", "%d, counted from 1", p.Serial)
	}
	if err := checkText("provider", p.Provider); err != nil {
		return err
	}
	if err := p.checkDecided(); err != nil {
		return err
	}
	return sign.CheckSigner("signer", p.Signer)
}

// checkDecided checks what admins decide: all but who signs which policy when.
func (p *Policy) checkDecided() error {
	if err := p.checkApprovals(); err != nil {
		return err
	}
	if err := p.Emergency.check(); err != nil {
		return err
	}
	if err := p.checkRegimes(); err != nil {
		return err
	}
	if p.Lock != LockNone && p.Lock != LockCompliance {
		return sign.BadMember("lock", "%.40q, want %s or %s", string(p.Lock), LockNone, LockCompliance)
	}
	if err := p.checkKeyKinds(); err != nil {
		return err
	}
	for _, n := range []struct {
		member         string
		value, min, up int64
	}{
		{"house_minutes", p.HouseMinutes, MinHouseMinutes, MaxHouseMinutes},
		{"retention_days", p.RetentionDays, MinDays, MaxDays},
		{"max_span_days", p.MaxSpanDays, MinDays, MaxDays},
		{"volume_bytes", p.VolumeBytes, MinVolumeBytes, MaxVolumeBytes},
		{"witnesses", p.Witnesses, 0, MaxWitnesses},
	} {
		if err := checkNumber(n.member, n.value, n.min, n.up); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) checkApprovals() error {
	if n := len(p.Approvals); n < 1 || n > MaxApprovals {
		return sign.BadMember("approvals", "%d rules, want 1 to %d", n, MaxApprovals)
	}
	for i, r := range p.Approvals {
		path := fmt.Sprintf("approvals[%d]", i)
		if r.Regime != nil {
			if err := checkName(path+".regime", *r.Regime); err != nil {
				return err
			}
		}
		if err := checkPriority(path+".priority", r.Priority); err != nil {
			return err
		}
		if err := checkNumber(path+".persons", r.Persons, MinPersons, MaxPersons); err != nil {
			return err
		}
		if i > 0 && compareRules(p.Approvals[i-1], r) >= 0 {
			return sign.BadMember(path, "not sorted by regime and priority, or twice")
		}
	}
	// Sorted, the rule for all else comes first.
	if first := p.Approvals[0]; first.Regime != nil || first.Priority != nil {
		return sign.BadMember("approvals", "no rule with regime and priority null, for all that have none of their own")
	}
	return nil
}

func compareRules(a, b Rule) int {
	return cmp.Or(compareRegimes(a.Regime, b.Regime), cmp.Compare(rank(a.Priority), rank(b.Priority)))
}

// compareRegimes orders names of regimes bytewise, null before all.
func compareRegimes(a, b *string) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return strings.Compare(*a, *b)
}

// rank says where a priority stands in a text, null before all.
func rank(priority *string) int {
	if priority == nil {
		return -1
	}
	return slices.Index(priorities[:], *priority)
}

func (e *Emergency) check() error {
	if e == nil {
		return nil
	}
	if err := checkNumber("emergency.persons", e.Persons, MinPersons, MaxPersons); err != nil {
		return err
	}
	return checkNumber("emergency.hours", e.Hours, MinEmergencyHours, MaxEmergencyHours)
}

func (p *Policy) checkRegimes() error {
	if n := len(p.Regimes); n > MaxRegimes {
		return sign.BadMember("regimes", "%d regimes, want at most %d", n, MaxRegimes)
	}
	for i := range p.Regimes {
		path := fmt.Sprintf("regimes[%d]", i)
		if err := p.Regimes[i].check(path); err != nil {
			return err
		}
		if i > 0 && p.Regimes[i-1].Name >= p.Regimes[i].Name {
			return sign.BadMember(path+".name", "not sorted, or twice")
		}
	}
	return nil
}

func (r *Regime) check(path string) error {
	if err := checkName(path+".name", r.Name); err != nil {
		return err
	}
	if err := checkText(path+".title", r.Title); err != nil {
		return err
	}
	if err := checkText(path+".source", r.Source); err != nil {
		return err
	}
	for _, list := range []struct {
		member  string
		periods []Period
	}{
		{"due", r.Due}, {"hold", r.Hold}, {"objection", r.Objection},
		{"notice_delay", r.NoticeDelay}, {"preservation", r.Preservation},
	} {
		if err := checkPeriods(path+"."+list.member, list.periods); err != nil {
			return err
		}
	}
	if r.Subscriber != nil {
		return checkName(path+".subscriber", *r.Subscriber)
	}
	return nil
}

func checkPeriods(path string, periods []Period) error {
	for i, p := range periods {
		at := fmt.Sprintf("%s[%d]", path, i)
		if err := checkPriority(at+".priority", p.Priority); err != nil {
			return err
		}
		if err := checkNumber(at+".hours", p.Hours, 0, MaxHours); err != nil {
			return err
		}
		if p.Again != nil {
			if err := checkNumber(at+".again", *p.Again, 0, MaxHours); err != nil {
				return err
			}
		}
		if i > 0 && rank(periods[i-1].Priority) >= rank(p.Priority) {
			return sign.BadMember(at+".priority", "not sorted, or twice")
		}
	}
	return nil
}

func (p *Policy) checkKeyKinds() error {
	if len(p.KeyKinds) == 0 {
		return sign.BadMember("key_kinds", "is empty: content could be encrypted to nobody")
	}
	for i, kind := range p.KeyKinds {
		path := fmt.Sprintf("key_kinds[%d]", i)
		if !kind.Encrypts() {
			return sign.BadMember(path, "content is not encrypted to keys of kind %.40q", string(kind))
		}
		if i > 0 && p.KeyKinds[i-1] >= kind {
			return sign.BadMember(path, "not sorted, or twice")
		}
	}
	return nil
}

func checkPriority(path string, priority *string) error {
	if priority != nil && rank(priority) < 0 {
		return sign.BadMember(path, "unknown priority %.40q, want null, %s, %s or %s", *priority, priorities[0], priorities[1], priorities[2])
	}
	return nil
}

// checkName checks the name of a regime or of a list of columns.
func checkName(path, name string) error {
	if n := len(name); n < 1 || n > MaxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return sign.BadMember(path, "%.80q, want 1 to %d of a-z 0-9 -", name, MaxName)
	}
	return nil
}

func checkText(path, text string) error {
	if n := len(text); n < 1 || n > MaxText {
		return sign.BadMember(path, "%d bytes, want 1 to %d", n, MaxText)
	}
	return nil
}

func checkNumber(path string, n, low, high int64) error {
	if n < low || n > high {
		return sign.BadMember(path, "%d, want %d to %d", n, low, high)
	}
	return nil
}
