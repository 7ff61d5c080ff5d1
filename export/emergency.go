package export

import (
	"slices"
	"time"

	"exhibit/export/clock"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/statement"
)

// owing finds the packages that the emergency rule let out, and says of the one
// that has owed approvals for longest since when, or that none does any more.
func (a *Authority) owing(files []*sign.Signed, records []*custody.Record, c statement.Context, m *Mandate, facts *clock.Facts) {
	if m.Order.Priority != order.Emergency {
		return
	}
	seen := map[sign.ID]bool{}
	facts.ByEmergency = false
	for _, rec := range records { // by time
		// A run that is cut off after the last object has recorded that it sealed.
		if rec.Event != custody.Released && rec.Event != custody.Sealed || seen[*rec.Package] {
			continue
		}
		seen[*rec.Package] = true
		by, complete := a.byEmergency(files, basis(rec, records), c, m, rec.Time.Time())
		switch {
		case !by:
		case !complete:
			facts.ByEmergency, facts.Complete, facts.EmergencyAt = true, false, rec.Time.Time()
			return
		case !facts.ByEmergency:
			facts.ByEmergency, facts.Complete, facts.EmergencyAt = true, true, rec.Time.Time()
		}
	}
}

// basis gives the statements that a package was released on. A run that was cut
// before it could record the release has recorded them when it sealed.
func basis(released *custody.Record, records []*custody.Record) []sign.Digest {
	from := released.DerivedFrom
	for _, rec := range records {
		if len(released.DerivedFrom) == 0 && rec.Event == custody.Sealed && *rec.Package == *released.Package {
			from = rec.DerivedFrom
		}
	}
	return from
}

// byEmergency says whether a package that was released on these statements had
// fewer approvals than it needed by the policy of that time, and whether all were
// there at any time since. Approvals of different packages, reviews or policies
// never add up.
func (a *Authority) byEmergency(files []*sign.Signed, from []sign.Digest, c statement.Context, m *Mandate, released time.Time) (by, complete bool) {
	var first *statement.Statement
	invoked := false
	for _, s := range files {
		st, err := statement.Parse(s.Text)
		if err == nil && st.Decision == statement.Approve && slices.Contains(from, s.Digest()) {
			first, invoked = st, invoked || st.Emergency
		}
	}
	if !invoked {
		return false, false
	}
	c.Sequence, c.Supersedes = *first.Sequence, first.Supersedes
	needed := m.Needed
	if p, ok := a.policies[first.Policy]; ok {
		needed = p.Persons(m.Order.Regime, string(m.Order.Priority))
	}
	counted := func(policy sign.Digest, at time.Time, only []sign.Digest) (n int64) {
		then := c
		then.Policy, then.Now = policy, at
		for _, got := range statement.Count(upTo(files, at), then).Approvals {
			if only == nil || slices.Contains(only, got.SHA256) {
				n++
			}
		}
		return n
	}
	if counted(first.Policy, released, from) >= needed {
		return false, true
	}
	if counted(c.Policy, c.Now, nil) >= m.Needed {
		return true, true
	}
	for _, s := range files {
		st, err := statement.Parse(s.Text)
		if err == nil && st.Decision == statement.Approve && *st.Sequence == c.Sequence && !st.Time.Time().After(c.Now) &&
			counted(st.Policy, st.Time.Time(), nil) >= needed {
			return true, true
		}
	}
	return true, false
}
