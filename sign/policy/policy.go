// Package policy is what a provider's admins have laid down for every order:
// how many must approve, the clocks of each regime, how long packages are
// kept, how they are made (FORMAT section 6).
package policy

import (
	"errors"
	"fmt"
	"slices"

	"exhibit/sign"
)

// Type is the type of a policy's text.
const Type = "exhibit/policy/v2"

// typeV1 is the type of the texts before. They are no longer read.
const typeV1 = "exhibit/policy/v1"

// Bounds of the members (FORMAT section 6).
const (
	MaxApprovals      = 1000 // rules
	MinPersons        = 1
	MaxPersons        = 10
	MinEmergencyHours = 1
	MaxEmergencyHours = 168
	MinHouseMinutes   = 1
	MaxHouseMinutes   = 525_600
	MaxRegimes        = 1000
	MinDays           = 1 // of retention, and of an account's span
	MaxDays           = 36_500
	MinVolumeBytes    = 1 << 20
	MaxVolumeBytes    = 1 << 36
	MaxWitnesses      = 16
	// MaxHours bounds a period.
	MaxHours = 876_000
	// MaxText bounds a free text, in bytes.
	MaxText = 4096
	// MaxName bounds the name of a regime or of a list of columns, in bytes.
	MaxName = 64
)

// The priorities of an order.
const (
	PriorityRoutine   = "routine"
	PriorityUrgent    = "urgent"
	PriorityEmergency = "emergency"
)

// priorities are in the order in which a text lists them; null precedes them all.
var priorities = [...]string{PriorityRoutine, PriorityUrgent, PriorityEmergency}

// ErrOldVersion says that a policy is of an earlier format, which is no longer
// read: the admins have to sign a new one.
var ErrOldVersion = errors.New("policy of an earlier format")

// A Lock says how packages are to be locked in the store.
type Lock string

// The locks.
const (
	LockNone       Lock = "none"
	LockCompliance Lock = "compliance"
)

// A Policy is one text of the policy. Its members stand in the order of the text.
type Policy struct {
	Type     string `json:"type"`
	Provider string `json:"provider"`
	// Serial counts the provider's policies from 1.
	Serial int64 `json:"serial"`
	// Approvals say how many must approve; sorted by regime, then priority.
	Approvals []Rule `json:"approvals"`
	// Emergency is nil when there is no rule of its own for emergencies.
	Emergency *Emergency `json:"emergency"`
	// HouseMinutes is the house's own target from receipt to delivery.
	HouseMinutes int64 `json:"house_minutes"`
	// Regimes are sorted by name.
	Regimes []Regime `json:"regimes"`
	// RetentionDays is how long packages are kept after their release.
	RetentionDays int64 `json:"retention_days"`
	Lock          Lock  `json:"lock"`
	// MaxSpanDays is the longest span that an account may be asked for without
	// being asked for entire.
	MaxSpanDays int64 `json:"max_span_days"`
	// KeyKinds are sorted.
	KeyKinds []sign.KeyKind `json:"key_kinds"`
	// VolumeBytes is a soft bound on one volume's zstd stream.
	VolumeBytes int64 `json:"volume_bytes"`
	Padding     bool  `json:"padding"`
	// Timestamp says that a package needs an RFC 3161 time-stamp.
	Timestamp bool `json:"timestamp"`
	// Witnesses is how many witnesses must have cosigned the log.
	Witnesses int64 `json:"witnesses"`
	// Time of signing.
	Time sign.Time `json:"time"`
	// Signer is the fingerprint of the admin's key.
	Signer string `json:"signer"`
}

// A Rule says how many different persons must approve an order.
type Rule struct {
	// Regime and Priority that it is for; nil: any.
	Regime   *string `json:"regime"`
	Priority *string `json:"priority"`
	Persons  int64   `json:"persons"`
}

// Emergency lets orders of priority emergency out before all have approved.
type Emergency struct {
	// Persons is how many approvals that invoke it release.
	Persons int64 `json:"persons"`
	// Hours from the release within which the others must follow.
	Hours int64 `json:"hours"`
}

// Parse reads the text of a policy. Errors are ErrOldVersion, those of
// sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Policy, error) {
	p := new(Policy)
	if err := sign.UnmarshalDocument(text, Type, p); err != nil {
		var typ *sign.TypeError
		if errors.As(err, &typ) && typ.Got == typeV1 {
			return nil, fmt.Errorf("policy: %w: %w", ErrOldVersion, err)
		}
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return p, nil
}

// Marshal returns the text of p, whose type it sets. It refuses what Parse
// would refuse.
func (p Policy) Marshal() ([]byte, error) {
	p.Type = Type
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return sign.MarshalDocument(&p)
}

// Persons returns how many different persons must approve an order of that
// regime and priority: by the rule that names both, otherwise the one that
// names the regime, otherwise the priority, otherwise neither.
func (p *Policy) Persons(regime, priority string) int64 {
	for _, want := range [...]Rule{
		{Regime: &regime, Priority: &priority}, {Regime: &regime}, {Priority: &priority}, {},
	} {
		for _, r := range p.Approvals {
			if same(r.Regime, want.Regime) && same(r.Priority, want.Priority) {
				return r.Persons
			}
		}
	}
	// No policy that Check passes comes here; nobody could meet this.
	return MaxPersons + 1
}

// Regime returns the regime of that name. An order whose regime the policy
// does not list is refused.
func (p *Policy) Regime(name string) (Regime, bool) {
	for _, r := range p.Regimes {
		if r.Name == name {
			return r, true
		}
	}
	return Regime{}, false
}

// Allows reports whether content may be encrypted to keys of that kind.
func (p *Policy) Allows(kind sign.KeyKind) bool { return slices.Contains(p.KeyKinds, kind) }

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return *a == *b
}
