package mail

import (
	"time"

	"exhibit/export/mail/contentline"
)

// Entry is what an index shows of a calendar object or a contact (FORMAT.md
// section 6.3).
type Entry struct {
	Summary string   `json:"summary,omitempty"`  // of a contact the formatted name
	UID     string   `json:"uid,omitempty"`      // of a calendar object
	DateUTC string   `json:"date_utc,omitempty"` // of a calendar object: the earliest start (RFC 3339), when it is known to the second
	Email   []string `json:"email,omitempty"`    // of a contact
}

// maxEmail bounds, in bytes of JSON, the addresses of a contact.
const maxEmail = 64 << 10

// DescribeEntry returns what an index shows of an item that is a calendar object
// or a contact.
func DescribeEntry(it Item) Entry {
	if it.Kind == KindContact {
		addrs, _ := contentline.Correspondents(it.Raw)
		return Entry{Summary: contentline.Text(it.Raw, "FN"), Email: fitting(addrs)}
	}
	e := Entry{Summary: contentline.Text(it.Raw, "SUMMARY"), UID: contentline.Text(it.Raw, "UID")}
	if start, _, _, err := contentline.Times(it.Raw); err == nil && start.Exact() {
		e.DateUTC = start.Earliest.UTC().Format(time.RFC3339)
	}
	return e
}

// fitting returns as many addresses as maxEmail allows: the file itself has them
// all.
func fitting(addrs []string) []string {
	left := maxEmail
	for i, a := range addrs {
		if left -= 6*len(a) + 3; left < 0 {
			return addrs[:i]
		}
	}
	return addrs
}
