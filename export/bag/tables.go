package bag

import (
	"io"
	"strings"
)

// TrafficCSVWriter writes traffic.csv (section 10).
type TrafficCSVWriter struct{ w io.Writer }

// NewTrafficCSV writes the header line to w.
func NewTrafficCSV(w io.Writer) (*TrafficCSVWriter, error) {
	return &TrafficCSVWriter{w}, WriteCSV(w, []string{
		"exhibit", "account", "received", "date", "from", "sender", "return_path", "to", "cc", "bcc", "delivered_to", "message_id", "size",
	})
}

// Add writes the line of the traffic record with that exhibit number. Records
// come in order of exhibit number.
func (t *TrafficCSVWriter) Add(exhibit string, r *TrafficRecord) error {
	id := ""
	if r.MessageID != nil {
		id = *r.MessageID
	}
	return WriteCSV(t.w, []string{
		exhibit, r.Account, r.Received.text(), r.Date.text(), listed(r.From), listed(r.Sender), listed(r.ReturnPath),
		listed(r.To), listed(r.Cc), listed(r.Bcc), listed(r.DeliveredTo), id, decimal(r.Size),
	})
}

// text returns the time of an interval that is one second, otherwise both ends.
func (i *Interval) text() string {
	switch {
	case i == nil:
		return ""
	case i.Earliest == i.Latest:
		return i.Earliest.String()
	}
	return i.Earliest.String() + "/" + i.Latest.String()
}

func listed(addresses []string) string { return strings.Join(addresses, "; ") }

// SubscriberCSVWriter writes subscriber.csv (section 10).
type SubscriberCSVWriter struct{ w io.Writer }

// NewSubscriberCSV writes the header line to w.
func NewSubscriberCSV(w io.Writer) (*SubscriberCSVWriter, error) {
	return &SubscriberCSVWriter{w}, WriteCSV(w, []string{"exhibit", "account", "list", "column", "value"})
}

// Add writes a line for each value of the subscriber record with that exhibit
// number. Records come in order of exhibit number.
func (s *SubscriberCSVWriter) Add(exhibit string, r *SubscriberRecord) error {
	for _, v := range r.Values {
		if err := WriteCSV(s.w, []string{exhibit, r.Account, r.List, v.Column, v.Value}); err != nil {
			return err
		}
	}
	return nil
}
