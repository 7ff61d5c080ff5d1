package manifest

import (
	"fmt"
	"slices"
	"strings"

	"exhibit/sign"
)

// Check returns a *sign.MemberError if the members of m do not accord with
// each other or with FORMAT section 9.
func (m *Manifest) Check() error {
	if err := m.checkVersion(); err != nil {
		return err
	}
	if m.Supersedes != nil && *m.Supersedes == m.Package {
		return sign.BadMember("supersedes", "is this very package")
	}
	if err := sign.CheckSigner("signer", m.Signer); err != nil {
		return err
	}
	for _, check := range []func() error{m.checkRecipients, m.checkCounts, m.checkObjects, m.checkAbandoned, m.checkSums, m.checkLog} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkVersion checks the type, and that the member of version 2 is there in
// that version alone.
func (m *Manifest) checkVersion() error {
	switch {
	case m.Type != Type && m.Type != TypeV1:
		return sign.BadMember("type", "want %s", Type)
	case m.Type == TypeV1 && m.Acceptance != "":
		return sign.BadMember("acceptance", "is no member of version 1")
	case m.Type == Type && m.Acceptance != Whole && m.Acceptance != InPart:
		return sign.BadMember("acceptance", "%.40q, want %s or %s", string(m.Acceptance), Whole, InPart)
	}
	return nil
}

func (m *Manifest) checkRecipients() error {
	if n := len(m.Recipients); n < 1 || n > MaxRecipients {
		return sign.BadMember("recipients", "%d, want 1 to %d", n, MaxRecipients)
	}
	for i, r := range m.Recipients {
		path := fmt.Sprintf("recipients[%d]", i)
		if !r.Kind.Valid() || r.Kind != m.Recipients[0].Kind {
			return sign.BadMember(path+".kind", "%.40q: want one known kind for all", string(r.Kind))
		}
		if err := r.Kind.CheckFingerprint(path+".fingerprint", r.Fingerprint); err != nil {
			return err
		}
		if i > 0 && m.Recipients[i-1].Fingerprint >= r.Fingerprint {
			return sign.BadMember(path+".fingerprint", "not sorted, or twice")
		}
	}
	return nil
}

func (m *Manifest) checkCounts() error {
	c := m.Counts
	for _, n := range []struct {
		member string
		value  int64
	}{
		{"counts.source", c.Source}, {"counts.included", c.Included}, {"counts.withheld", c.Withheld},
		{"counts.exceptions", c.Exceptions}, {"items.size", m.Items.Size},
	} {
		if n.value < 0 || n.value > sign.MaxNumber {
			return sign.BadMember(n.member, "%d is not a count", n.value)
		}
	}
	switch {
	case c.Source != c.Included+c.Withheld:
		return sign.BadMember("counts.source", "%d, but %d are included and %d withheld", c.Source, c.Included, c.Withheld)
	case c.Exceptions > c.Included:
		return sign.BadMember("counts.exceptions", "%d of %d included", c.Exceptions, c.Included)
	case m.Items.Size != c.Included:
		return sign.BadMember("items.size", "%d, but %d items are included", m.Items.Size, c.Included)
	}
	return nil
}

// tailObjects stand after the volumes, in this order.
var tailObjects = []struct {
	name string
	role Role
	max  int64
}{
	{ReadmeName, Readme, MaxSmall},
	{SumsName, SumsRole, MaxSmall},
	{SumsSigName, SumsSignature, MaxSignature},
}

func (m *Manifest) checkObjects() error {
	volumes := len(m.Objects) - len(tailObjects)
	if volumes < 1 || len(m.Objects) > MaxObjects {
		return sign.BadMember("objects", "%d objects", len(m.Objects))
	}
	for i, o := range m.Objects {
		path := fmt.Sprintf("objects[%d]", i)
		if o.Size < 1 || o.Size > sign.MaxNumber {
			return sign.BadMember(path+".size", "%d bytes", o.Size)
		}
		if err := o.Stored.check(path + ".stored"); err != nil {
			return err
		}
		if i < volumes {
			if err := m.checkVolume(path, i+1, o); err != nil {
				return err
			}
			continue
		}
		want := tailObjects[i-volumes]
		switch {
		case o.Name != want.name:
			return sign.BadMember(path+".name", "%.80q, want %s", o.Name, want.name)
		case o.Role != want.role:
			return sign.BadMember(path+".role", "%.40q, want %s", string(o.Role), want.role)
		case o.Size > want.max:
			return sign.BadMember(path+".size", "%d bytes, at most %d", o.Size, want.max)
		}
	}
	return nil
}

// checkVolume checks the object that must be volume number n.
func (m *Manifest) checkVolume(path string, n int, o Object) error {
	if o.Role != Volume {
		return sign.BadMember(path+".role", "%.40q, want %s", string(o.Role), Volume)
	}
	v, err := ParseVolumeName(o.Name)
	if err != nil {
		return sign.BadMember(path+".name", "%v", err)
	}
	if v.Number != n {
		return sign.BadMember(path+".name", "%s stands where volume %d belongs", o.Name, n)
	}
	if v.Ext != m.ext() {
		return sign.BadMember(path+".name", "%s, but the recipients' keys are %s", o.Name, m.Recipients[0].Kind)
	}
	return nil
}

// ext is the ending of volumes for the recipients' kind of key.
func (m *Manifest) ext() Ext { return ExtOf(m.Recipients[0].Kind) }

func (m *Manifest) checkAbandoned() error {
	if len(m.Abandoned) > MaxObjects {
		return sign.BadMember("abandoned", "%d names", len(m.Abandoned))
	}
	for i, name := range m.Abandoned {
		path := fmt.Sprintf("abandoned[%d]", i)
		if _, err := ParseVolumeName(name); err != nil {
			return sign.BadMember(path, "%v", err)
		}
		if i > 0 && m.Abandoned[i-1] >= name {
			return sign.BadMember(path, "not sorted, or twice")
		}
	}
	for i, o := range m.Objects {
		if _, found := slices.BinarySearch(m.Abandoned, o.Name); found {
			return sign.BadMember(fmt.Sprintf("objects[%d].name", i), "%s is abandoned", o.Name)
		}
	}
	return nil
}

// checkSums checks the entry of SHA256SUMS against what section 11 makes of
// the other entries.
func (m *Manifest) checkSums() error {
	i := len(m.Objects) - 2
	sums, o := m.SHA256SUMS(), m.Objects[i]
	if o.SHA256 != sign.Sum(sums) {
		return sign.BadMember(fmt.Sprintf("objects[%d].sha256", i), "is not that of %s over these objects", SumsName)
	}
	if o.Size != int64(len(sums)) {
		return sign.BadMember(fmt.Sprintf("objects[%d].size", i), "%d, but %s has %d bytes", o.Size, SumsName, len(sums))
	}
	return nil
}

func (m *Manifest) checkLog() error {
	switch {
	case m.Log == nil:
		return nil
	case m.Log.VerifierKey == "":
		return sign.BadMember("log.verifier_key", "is empty")
	case len(m.Log.Proofs) == 0 || len(m.Log.Proofs) > MaxProofs:
		return sign.BadMember("log.proofs", "%d proofs", len(m.Log.Proofs))
	}
	return nil
}

func (s Stored) check(path string) error {
	if s.Version != nil && (*s.Version == "" || len(*s.Version) > 1024) {
		return sign.BadMember(path+".version", "%d bytes", len(*s.Version))
	}
	if s.Method != ReadBack {
		return sign.BadMember(path+".method", "%.40q, want %s", s.Method, ReadBack)
	}
	if s.Lock == nil {
		return nil
	}
	switch l := s.Lock; {
	case (l.Mode == nil) != (l.Until == nil):
		return sign.BadMember(path+".lock.until", "mode and until go together")
	case l.Mode == nil && !l.LegalHold:
		return sign.BadMember(path+".lock", "nothing is locked")
	case l.Mode != nil && (*l.Mode == "" || len(*l.Mode) > 40 || strings.ToUpper(*l.Mode) != *l.Mode):
		return sign.BadMember(path+".lock.mode", "%.40q", *l.Mode)
	}
	return nil
}
