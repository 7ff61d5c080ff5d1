package export

import "fmt"

// Code names why something was refused. Codes are stable.
type Code string

// The codes of refusals.
const (
	NotApproved        Code = "not-approved"
	AlreadyApproved    Code = "already-approved"
	OrderExpired       Code = "order-expired"
	AccountNotInOrder  Code = "account-not-in-order"
	AccountWithout     Code = "account-without-source"
	CategoryUnfit      Code = "category-unsupported"
	AgencyKeyUnknown   Code = "agency-key-unknown"
	AgencyKeyRevoked   Code = "agency-key-revoked"
	AgencyKeyUnfit     Code = "agency-key-unfit"
	RoleMissing        Code = "role-missing"
	NoPolicy           Code = "no-policy"
	InstrumentMismatch Code = "instrument-mismatch"
	WrongSuperseded    Code = "wrong-superseded"
)

// Refusal is a thing that policy does not let happen. Nothing was made.
type Refusal struct {
	Code   Code
	Reason string // one sentence, lower case, without a full stop
	Err    error  // the cause, or nil
}

func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("refused: %s: %v", r.Reason, r.Err)
	}
	return "refused: " + r.Reason
}

func (r *Refusal) Unwrap() error { return r.Err }

func refuse(code Code, err error, format string, args ...any) error {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, args...), Err: err}
}
