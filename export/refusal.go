package export

import (
	"fmt"

	"exhibit/export/order"
)

// Code names why something was refused. Codes are stable.
type Code string

// The codes of refusals.
const (
	NotReviewed         Code = "not-reviewed"
	NotApproved         Code = "not-approved"
	AlreadyApproved     Code = "already-approved"
	OwnReview           Code = "own-review"
	ReviewUnfit         Code = "review-unfit"
	OrderRefused        Code = "order-refused"
	OrderWithdrawn      Code = "order-withdrawn"
	OrderSuperseded     Code = "order-superseded"
	OrderExpired        Code = "order-expired"
	OrderAhead          Code = "order-received-in-the-future"
	Held                Code = "held"
	NotHeld             Code = "not-held"
	EmergencyOverdue    Code = "emergency-overdue"
	NoEmergency         Code = "no-emergency"
	SpanTooWide         Code = "span-too-wide"
	EntireUnsaid        Code = "entire-account-unsaid"
	RegimeUnknown       Code = "regime-unknown"
	AuthorityUnstated   Code = "enforcing-authority-unstated"
	NoticeTooSoon       Code = "notice-too-soon"
	AccountNotInOrder   Code = "account-not-in-order"
	AccountWithout      Code = "account-without-source"
	CategoryNotAsked    Code = "category-not-asked"
	SubscriberUnfit     Code = "subscriber-unfit"
	AgencyKeyUnknown    Code = "agency-key-unknown"
	AgencyKeyRevoked    Code = "agency-key-revoked"
	AgencyKeyUnfit      Code = "agency-key-unfit"
	RoleMissing         Code = "role-missing"
	NoPolicy            Code = "no-policy"
	StoreUnfit          Code = "store-unfit"
	InstrumentMismatch  Code = "instrument-mismatch"
	InstrumentSignature Code = "instrument-signature"
	WrongSuperseded     Code = "wrong-superseded"
)

// Refusal is a thing that policy does not let happen. Nothing was made.
type Refusal struct {
	Code   Code
	Reason string // one sentence, lower case, without a full stop
	Err    error  // the cause, or nil
}

func (r *Refusal) Error() string { return "refused: " + r.Why() }

// Why is the reason with its cause, for where nothing is refused yet.
func (r *Refusal) Why() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v", r.Reason, r.Err)
	}
	return r.Reason
}

func (r *Refusal) Unwrap() error { return r.Err }

func refuse(code Code, err error, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...), Err: err}
}

func noPolicy() error { return refuse(NoPolicy, nil, "no policy is in force") }

func regimeUnknown(o *order.Order) error {
	return refuse(RegimeUnknown, nil, "the policy lists no regime %q", o.Regime)
}

func authorityUnstated(o *order.Order) error {
	return refuse(AuthorityUnstated, nil, "regime %s knows an enforcing authority: the order has to say whether it was notified", o.Regime)
}
