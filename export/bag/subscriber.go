package bag

import (
	"strings"
	"unicode/utf8"

	"exhibit/sign"
)

// SubscriberType is the type of a subscriber record.
const SubscriberType = "exhibit/subscriber/v1"

// SubscriberRecord is one record that the provider's staff drew from its systems
// (section 6.2).
type SubscriberRecord struct {
	Type    string            `json:"type"`
	Derived bool              `json:"derived"` // always true
	Account string            `json:"account"`
	List    string            `json:"list"`   // name of the list of columns
	Values  []SubscriberValue `json:"values"` // in the list's order, those that are not empty
}

// SubscriberValue is what a record has in one column.
type SubscriberValue struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// MarshalSubscriber returns the record in line form, without LF. What
// ParseSubscriber would refuse is refused.
func MarshalSubscriber(r *SubscriberRecord) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return sign.MarshalLine(r)
}

// ParseSubscriber reads a subscriber record: the line of its file without LF, of
// at most MaxRecord bytes. Whether its columns are those of its list is not for
// a reader to judge: the lists belong to the program that made the record.
// Errors are those of sign.UnmarshalLine, or wrap ErrInvalid.
func ParseSubscriber(line []byte) (*SubscriberRecord, error) {
	r := new(SubscriberRecord)
	if err := sign.UnmarshalLine(line, SubscriberType, r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *SubscriberRecord) check() error {
	switch {
	case r.Type != SubscriberType:
		return invalid("type of a subscriber record")
	case !r.Derived:
		return invalid("subscriber record that is not said to be derived")
	case r.Account == "":
		return invalid("subscriber record without an account")
	case r.List == "":
		return invalid("subscriber record without a list of columns")
	case len(r.Values) == 0:
		return invalid("subscriber record without a value")
	}
	seen := make(map[string]bool, len(r.Values))
	for _, v := range r.Values {
		if v.Column == "" || v.Value == "" || seen[v.Column] || !plainText(v.Column) || !plainText(v.Value) {
			return invalid("column %s of a subscriber record", quote(v.Column))
		}
		seen[v.Column] = true
	}
	return nil
}

// plainText says whether s is UTF-8 without NUL.
func plainText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
