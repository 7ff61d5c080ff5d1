// Package traffic derives traffic records: what the header of a message tells of
// its transmission, and nothing of its content (FORMAT.md section 6.1).
//
// A record is made anew from an allow-list. No text of a message goes into it but
// addresses, host names and the Message-ID, each only if it has the shape of
// one; times, sizes and IP addresses are parsed and written again. What has no such shape is left
// out, and the record says of which member it was.
package traffic

import (
	"maps"
	"slices"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
	"exhibit/sign"
)

// Names of the members of a record that may be incomplete.
const (
	received    = "received"
	date        = "date"
	from        = "from"
	sender      = "sender"
	returnPath  = "return_path"
	to          = "to"
	cc          = "cc"
	bcc         = "bcc"
	deliveredTo = "delivered_to"
	messageID   = "message_id"
	route       = "route"
)

// members tells which member of a record a header field, its name in lower case,
// is read for. The time of Date and that of the topmost Received are read apart.
var members = map[string]string{
	"from": from, "sender": sender, "return-path": returnPath,
	"to": to, "cc": cc, "bcc": bcc, "delivered-to": deliveredTo,
	"message-id": messageID, "received": route,
}

// Derive makes the traffic record of a message of the account. Any bytes have
// one, it can be written by [bag.MarshalTraffic], and its file has at most 1 MiB. Of
// an item that is no message it is nil: calendar objects and contacts are no
// transmissions.
func Derive(account string, it mail.Item) *bag.TrafficRecord {
	if it.Kind != mail.KindMessage {
		return nil
	}
	raw := it.Message()
	d := read(raw)
	r := &bag.TrafficRecord{
		Type: bag.TrafficType, Derived: true, Account: account,
		Received: d.received(), Date: d.date(),
		From: d.addresses(from), Sender: d.addresses(sender), ReturnPath: d.addresses(returnPath),
		To: d.addresses(to), Cc: d.addresses(cc), Bcc: d.addresses(bcc), DeliveredTo: d.addresses(deliveredTo),
		MessageID: d.messageID(),
		Route:     d.route(),
		Size:      int64(len(raw)),
	}
	for _, name := range bound(r) {
		d.incomplete[name] = true
	}
	r.Incomplete = slices.Sorted(maps.Keys(d.incomplete))
	return r
}

// derivation is a record in the making.
type derivation struct {
	header     header.Header
	fields     map[string][]header.Field // to be read, by member
	incomplete map[string]bool           // members
}

// read finds the fields of a message that a record is made of. Those that stand
// behind a line which is no field, and so may be the body's, are left out.
func read(raw []byte) *derivation {
	d := &derivation{header: header.Read(raw), fields: map[string][]header.Field{}, incomplete: map[string]bool{}}
	end := doubtful(d.header)
	last := "" // member of the last field before the end
	for _, f := range d.header.Fields {
		member, ok := members[strings.ToLower(f.Name)]
		if f.Offset < end {
			last = member
		}
		switch {
		case !ok:
		case f.Offset > end:
			d.incomplete[member] = true
		default:
			d.fields[member] = append(d.fields[member], f)
		}
	}
	if last != "" && end < none { // the line may have been a part of it
		d.incomplete[last] = true
	}
	if !d.header.Whole() { // any field may have been missed
		for _, member := range members {
			d.incomplete[member] = true
		}
	}
	return d
}

// none is an offset beyond all fields.
const none = limits.HeaderBytes

// doubtful returns the offset of the first line after which the header may be at
// its end, though more fields follow: an empty one before all fields ends it.
func doubtful(h header.Header) int {
	if len(h.Fields) == 0 {
		return none
	}
	for _, defect := range h.Defects {
		switch defect.Name {
		case header.DefectLeadingEmpty:
			return defect.Offset
		case header.DefectJunkLine, header.DefectLostFold, header.DefectMboxLine, header.DefectTooManyDefects:
			if defect.Offset > h.Fields[0].Offset { // before it there is no header to end
				return defect.Offset
			}
		}
	}
	return none
}

// received returns the time of the topmost Received field, as scope reads it.
func (d *derivation) received() *bag.Interval {
	return d.time(received, len(d.header.All("Received")) > 0, d.header.ReceivedTime)
}

// date returns the time of the Date field, as scope reads it.
func (d *derivation) date() *bag.Interval {
	if !d.header.Whole() { // there may be another
		d.incomplete[date] = true
		return nil
	}
	return d.time(date, len(d.header.All("Date")) > 0, d.header.SentTime)
}

func (d *derivation) time(member string, there bool, read func() (header.DateTime, error)) *bag.Interval {
	t, err := read()
	if err != nil {
		if there || !d.header.Whole() {
			d.incomplete[member] = true
		}
		return nil
	}
	return &bag.Interval{Earliest: sign.At(t.Earliest), Latest: sign.At(t.Latest)}
}

// messageID returns the only Message-ID, if it has the shape of one.
func (d *derivation) messageID() *string {
	list := d.fields[messageID]
	if len(list) == 0 {
		return nil
	}
	if len(list) == 1 && !d.incomplete[messageID] && readable(list[0]) {
		if id := list[0].Value(); isMessageID(id) {
			return &id
		}
	}
	d.incomplete[messageID] = true
	return nil
}

// addresses returns the addresses in all fields of a member, in their order, at
// most [bag.MaxAddresses].
func (d *derivation) addresses(member string) []string {
	list := []string{}
	size := 0
	for _, f := range d.fields[member] {
		if !readable(f) || size > header.MaxListBytes {
			d.incomplete[member] = true
			continue
		}
		value := f.Value()
		if value == "" || value == "<>" { // nobody; RFC 5321 section 4.5.5
			continue
		}
		size += len(value)
		found, complete := header.AddrSpecs(value, bag.MaxAddresses-len(list))
		if !complete {
			d.incomplete[member] = true
		}
		for _, a := range found {
			if isAddress(a) {
				list = append(list, a)
			} else {
				d.incomplete[member] = true
			}
		}
	}
	return list
}
