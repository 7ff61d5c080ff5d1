package open

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"exhibit/export/bag"
	"exhibit/sign"
)

// derived is the content of a traffic or subscriber record: one of the two.
type derived struct {
	traffic    *bag.TrafficRecord
	subscriber *bag.SubscriberRecord
}

// readDerived reads the file of a derived record (sections 6.1, 6.2) and compares
// it with its item record.
func readDerived(rec *bag.ItemRecord, data []byte) (d derived, err error) {
	line, ended := bytes.CutSuffix(data, []byte("\n"))
	if !ended {
		return d, fail(RecordInvalid, rec.File, "is not one line")
	}
	account := ""
	if rec.Kind == bag.KindTraffic {
		if d.traffic, err = bag.ParseTraffic(line); err == nil {
			account = d.traffic.Account
		}
	} else if d.subscriber, err = bag.ParseSubscriber(line); err == nil {
		account = d.subscriber.Account
	}
	switch {
	case err != nil:
		return d, asFailure(RecordInvalid, rec.File, err)
	case account != rec.Account:
		return d, fail(RecordInvalid, rec.File, "is of account %s, its item record says %s", show(account), show(rec.Account))
	case d.traffic != nil && !shows(rec, d.traffic):
		return d, fail(RecordInvalid, rec.File, "is shown in its item record as something else")
	case d.traffic != nil && !timed(rec.Scope, d.traffic):
		return d, fail(RecordInvalid, rec.File, "has another time than its item record says")
	}
	return d, nil
}

// shows says whether the fields of an item record show nothing but what the
// traffic record has. Of long lists they may show a beginning.
func shows(rec *bag.ItemRecord, t *bag.TrafficRecord) bool {
	var fields struct {
		From      []string `json:"from"`
		To        []string `json:"to"`
		Cc        []string `json:"cc"`
		Bcc       []string `json:"bcc"`
		DateUTC   *string  `json:"date_utc"`
		MessageID *string  `json:"message_id"`
		MIH       *string  `json:"mih"`
	}
	if json.Unmarshal(rec.Fields, &fields) != nil {
		return false
	}
	begins := func(list, whole []string) bool {
		return len(list) <= len(whole) && slices.Equal(list, whole[:len(list)])
	}
	return begins(fields.From, t.From) && begins(fields.To, t.To) && begins(fields.Cc, t.Cc) && begins(fields.Bcc, t.Bcc) &&
		(fields.DateUTC == nil || t.Date != nil && t.Date.Earliest == t.Date.Latest && *fields.DateUTC == t.Date.Earliest.String()) &&
		(fields.MessageID == nil || t.MessageID != nil && *fields.MessageID == *t.MessageID) &&
		(fields.MIH == nil || t.MessageID != nil && *fields.MIH == fmt.Sprintf("%x", md5.Sum([]byte(*t.MessageID))))
}

// timed says whether the time by which an item was judged (section 11) is the one
// that the traffic record has of the field which is said to tell it.
func timed(s bag.Scope, t *bag.TrafficRecord) bool {
	var known *bag.Interval
	if s.Field != nil {
		switch *s.Field {
		case "received":
			known = t.Received
		case "date":
			known = t.Date
		}
		if known == nil {
			return false
		}
	}
	if known == nil || s.Earliest == nil || s.Latest == nil {
		return known == nil && s.Earliest == nil && s.Latest == nil
	}
	return *s.Earliest == known.Earliest && *s.Latest == known.Latest
}

// tables makes traffic.csv and subscriber.csv anew from the records, and keeps
// nothing of them but a digest.
type tables struct {
	traffic, subscriber             hash.Hash
	trafficRows                     *bag.TrafficCSVWriter
	subscriberRows                  *bag.SubscriberCSVWriter
	trafficNumber, subscriberNumber int64
}

func newTables() (*tables, error) {
	t := &tables{traffic: sha256.New(), subscriber: sha256.New()}
	var err error
	if t.trafficRows, err = bag.NewTrafficCSV(t.traffic); err != nil {
		return nil, err
	}
	t.subscriberRows, err = bag.NewSubscriberCSV(t.subscriber)
	return t, err
}

// add writes the lines of the record with that exhibit number.
func (t *tables) add(exhibit string, d derived) error {
	if d.traffic != nil {
		t.trafficNumber++
		return t.trafficRows.Add(exhibit, d.traffic)
	}
	t.subscriberNumber++
	return t.subscriberRows.Add(exhibit, d.subscriber)
}

// compare compares the tables with the ones in the bag.
func (t *tables) compare(payload map[string]sign.Digest) error {
	for name, h := range map[string]hash.Hash{bag.TrafficCSV: t.traffic, bag.SubscriberCSV: t.subscriber} {
		if sign.Digest(h.Sum(nil)) != payload[name] {
			return fail(TablesMismatch, name, "says something other than the records")
		}
	}
	return nil
}

// derived checks the file of a derived record. As the tables follow the order of
// the records, it is read here and now.
func (x *indexCheck) derived(rec *bag.ItemRecord) error {
	c := x.c
	if rec.Size > c.limits.record {
		return fail(LimitExceeded, rec.File, "a record of more than %d bytes", c.limits.record)
	}
	var data []byte
	size, err := c.file(c.ctx, rec.File, rec.SHA256, func(r io.Reader) (err error) {
		data, err = io.ReadAll(io.LimitReader(r, rec.Size))
		return err
	})
	if err != nil {
		return err
	}
	if size != rec.Size {
		return fail(RecordInvalid, rec.File, "has %d bytes, its record says %d", size, rec.Size)
	}
	d, err := readDerived(rec, data)
	if err != nil {
		return err
	}
	return x.tables.add(rec.Exhibit, d)
}
