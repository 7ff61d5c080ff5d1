package traffic

import (
	"time"

	"github.com/go-json-experiment/json"

	"exhibit/export/bag"
	"exhibit/export/mail"
)

// maxShown bounds, in bytes of JSON, the addresses that an index shows of one
// record, as it does those of a message: an item record is one line.
const maxShown = 256 << 10

// shown is what an item record shows of a traffic record.
type shown struct {
	DateUTC   string   `json:"date_utc,omitempty"`
	From      []string `json:"from,omitempty"`
	To        []string `json:"to,omitempty"`
	Cc        []string `json:"cc,omitempty"`
	Bcc       []string `json:"bcc,omitempty"`
	MessageID string   `json:"message_id,omitempty"`
	MIH       string   `json:"mih,omitempty"`
}

// Fields returns the member `fields` of the item record of a traffic record: an
// object in line form (FORMAT.md section 6.1). The time of sending stands there
// if it is known to the second, the addresses as far as 256 KiB go; the
// record itself has them all. It fails where the record cannot be written.
func Fields(r *bag.TrafficRecord) ([]byte, error) {
	left := maxShown
	s := shown{From: fit(r.From, &left), To: fit(r.To, &left), Cc: fit(r.Cc, &left), Bcc: fit(r.Bcc, &left)}
	if d := r.Date; d != nil && d.Earliest == d.Latest {
		s.DateUTC = d.Earliest.Time().Format(time.RFC3339)
	}
	if r.MessageID != nil {
		s.MessageID, s.MIH = *r.MessageID, mail.EDRMMIH(*r.MessageID)
	}
	return json.Marshal(s)
}

// fit returns as many addresses as there is room left for.
func fit(list []string, left *int) []string {
	for i, a := range list {
		if *left -= size(a) + 1; *left < 0 {
			return list[:i]
		}
	}
	return list
}
