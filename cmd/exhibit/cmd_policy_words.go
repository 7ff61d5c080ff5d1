package main

import (
	"fmt"
	"strings"

	"exhibit/sign"
	"exhibit/sign/policy"
)

// policyLine is one thing that a policy says: the member that says it, and what, in
// words.
type policyLine struct{ member, label, value string }

func (l policyLine) String() string { return l.label + ": " + oneLine(l.value) }

// policyLines says in words what the admins decide in a policy.
func policyLines(p *policy.Policy) []policyLine {
	var lines []policyLine
	add := func(member, label, format string, args ...any) {
		lines = append(lines, policyLine{member, label, fmt.Sprintf(format, args...)})
	}
	for _, r := range p.Approvals {
		key, label := ruleNames(r)
		add("approvals"+key, "approvals"+label, "%s", plural(r.Persons, "person"))
	}
	if e := p.Emergency; e == nil {
		add("emergency", "emergency", "no rule of its own")
	} else {
		add("emergency", "emergency", "released by the approval of %s at once, the others within %s", plural(e.Persons, "person"), plural(e.Hours, "hour"))
	}
	add("house_minutes", "house target", "%s from receipt to delivery", plural(p.HouseMinutes, "minute"))
	add("retention_days", "retention", "%s after the release", plural(p.RetentionDays, "day"))
	add("lock", "lock", "%s", p.Lock)
	add("max_span_days", "longest span", "%s, unless an account is asked for entire", plural(p.MaxSpanDays, "day"))
	add("key_kinds", "key kinds", "%s", joinKinds(p.KeyKinds))
	add("volume_bytes", "volume", "%d bytes (%s)", p.VolumeBytes, bytesText(p.VolumeBytes))
	add("padding", "padding", "%s", yesNo(p.Padding))
	add("timestamp", "time-stamp", "%s", yesNo(p.Timestamp))
	add("witnesses", "witnesses", "%d", p.Witnesses)
	for i := range p.Regimes {
		lines = append(lines, regimeLines(&p.Regimes[i])...)
	}
	return lines
}

// ruleNames says which orders a rule of approvals is for, as a member and in words.
func ruleNames(r policy.Rule) (member, label string) {
	regime, priority := "*", "*"
	if r.Regime != nil {
		regime, label = *r.Regime, ", "+*r.Regime
	}
	if r.Priority != nil {
		priority, label = *r.Priority, label+", "+*r.Priority
	}
	if label == "" {
		return "", ""
	}
	return "[" + regime + "/" + priority + "]", label
}

// regimeLines says in words what a policy has on one regime.
func regimeLines(r *policy.Regime) []policyLine {
	member, label := "regimes["+r.Name+"]", "regime "+r.Name
	confirmed := "from memory, NOT CONFIRMED by counsel"
	if r.Confirmed {
		confirmed = "confirmed"
	}
	lines := []policyLine{
		{member + ".title", label, r.Title},
		{member + ".source", label + ", source", r.Source},
		{member + ".confirmed", label + ", source is", confirmed},
	}
	for _, c := range []struct {
		member, label string
		periods       []policy.Period
	}{
		{"due", "due", r.Due}, {"hold", "hold", r.Hold}, {"objection", "objection", r.Objection},
		{"notice_delay", "notice delay", r.NoticeDelay}, {"preservation", "preservation", r.Preservation},
	} {
		if len(c.periods) > 0 {
			lines = append(lines, policyLine{member + "." + c.member, label + ", " + c.label, periodsText(c.periods)})
		}
	}
	if r.Subscriber != nil {
		lines = append(lines, policyLine{member + ".subscriber", label + ", subscriber records", *r.Subscriber})
	}
	return lines
}

func periodsText(periods []policy.Period) string {
	texts := make([]string, len(periods))
	for i, p := range periods {
		texts[i] = hoursText(p.Hours)
		if p.Priority != nil {
			texts[i] = *p.Priority + " " + texts[i]
		}
		if p.Again != nil {
			texts[i] += ", can be prolonged by " + hoursText(*p.Again)
		}
	}
	return strings.Join(texts, "; ")
}

// hoursText is a period in days where it is some.
func hoursText(hours int64) string {
	if hours >= 48 && hours%24 == 0 {
		return plural(hours/24, "day")
	}
	return plural(hours, "hour")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func joinKinds(kinds []sign.KeyKind) string {
	s := make([]string, len(kinds))
	for i, k := range kinds {
		s[i] = string(k)
	}
	return strings.Join(s, ", ")
}

// policyChanged is one member of a policy that differs; From or To is empty where it
// has none.
type policyChanged struct {
	Member string `json:"member"`
	From   string `json:"from"`
	To     string `json:"to"`

	label string
}

func (c policyChanged) String() string {
	from, to := oneLine(c.From), oneLine(c.To)
	if from == "" {
		from = "not there"
	}
	if to == "" {
		to = "not there"
	}
	return fmt.Sprintf("%s: %s -> %s", c.label, from, to)
}

// policyChanges says what differs between two policies, in the order of the members.
func policyChanges(from, to *policy.Policy) []policyChanged {
	list := []policyChanged{}
	if from == nil {
		return list
	}
	old := map[string]policyLine{}
	for _, l := range policyLines(from) {
		old[l.member] = l
	}
	for _, l := range policyLines(to) {
		if before := old[l.member]; before.value != l.value {
			list = append(list, policyChanged{l.member, before.value, l.value, l.label})
		}
		delete(old, l.member)
	}
	for _, l := range policyLines(from) {
		if _, gone := old[l.member]; gone {
			list = append(list, policyChanged{l.member, l.value, "", l.label})
		}
	}
	return list
}
