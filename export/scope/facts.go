package scope

import (
	"bytes"
	"errors"
	"strings"

	"exhibit/export/mail"
	"exhibit/export/mail/contentline"
	"exhibit/export/mail/header"
	"exhibit/export/order"
)

// facts are what of an item decides on its scope.
type facts struct {
	field   string
	time    Interval
	timeErr error // why time is not known

	correspondents      []string // texts in which addresses occur, in lower case
	addresses           []string // addresses parsed from them
	correspondentsKnown bool     // nothing of them could not be read
}

var (
	errNoDate    = errors.New("it has no Received and no Date field")
	errReceived  = errors.New("its topmost Received field has no readable time")
	errDate      = errors.New("its Date field is not readable")
	errDates     = errors.New("it has several Date fields that differ")
	errContact   = errors.New("a contact has no time")
	errCalendar  = errors.New("its calendar times cannot be read")
	errRecurring = errors.New("it recurs, so that it has no one time")
	errHeader    = errors.New("its header cannot be read whole")
	errBounds    = errors.New("it may hold another message: where it ends in its mbox is not certain")
	errEdge      = errors.New("its time is not certain and may lie inside or outside the span")

	errCorrespondents = errors.New("its correspondents cannot all be read, and the order withholds some")
)

// maxCorrespondents bounds, in bytes, how much text of address fields is
// searched in one message; of one with more they are not known.
const maxCorrespondents = 1 << 20

func observe(it mail.Item, correspondents bool) facts {
	switch it.Kind {
	case mail.KindMessage:
		return message(it, correspondents)
	case mail.KindEvent:
		return event(it, correspondents)
	}
	f := facts{timeErr: errContact}
	f.texts(it, correspondents)
	return f
}

// texts reads the correspondents of a calendar object or a contact.
func (f *facts) texts(it mail.Item, wanted bool) {
	if wanted {
		f.addresses, f.correspondentsKnown = contentline.Correspondents(it.Raw)
	}
}

func event(it mail.Item, correspondents bool) facts {
	var f facts
	f.texts(it, correspondents)
	start, end, recurring, err := contentline.Times(it.Raw)
	switch {
	case err != nil:
		f.timeErr = errCalendar
	case recurring:
		f.timeErr = errRecurring
	default:
		f.field = FieldCalendar
		f.time = Interval{Earliest: start.Earliest, Latest: end.Latest}
	}
	return f
}

// correspondentFields are the header fields whose addresses are correspondents,
// in lower case; each counts in its Resent- form as well.
var correspondentFields = map[string]bool{
	"from": true, "sender": true, "reply-to": true, "to": true, "cc": true, "bcc": true,
	"return-path": true, "delivered-to": true, "x-original-to": true, "envelope-to": true,
	"disposition-notification-to": true,
}

func message(it mail.Item, correspondents bool) facts {
	raw := it.Message()
	h := header.Read(raw)
	var f facts
	f.field, f.time, f.timeErr = messageTime(h)
	if !h.Whole() && f.field != FieldReceived { // a Received field may be beyond
		f.field, f.time, f.timeErr = "", Interval{}, errHeader
	}
	if correspondents {
		f.correspondentsKnown = plain(h, raw)
		f.header(h)
	}
	return f
}

// header reads the correspondents of a message.
func (f *facts) header(h header.Header) {
	left := maxCorrespondents
	for _, field := range h.Fields {
		name := strings.TrimPrefix(strings.ToLower(field.Name), "resent-")
		if !correspondentFields[name] {
			continue
		}
		value := field.Value()
		if value == "" || value == "<>" { // nobody; RFC 5321 section 4.5.5
			continue
		}
		if left -= len(value); left < 0 {
			f.correspondentsKnown = false
			return
		}
		f.correspondents = append(f.correspondents, strings.ToLower(value))
		// Of words that are damaged or in an unknown charset readers show what they can.
		shown, _ := header.DecodeText(value)
		for _, decoded := range []string{header.DecodeWords(value), shown} {
			if decoded != value {
				f.correspondents = append(f.correspondents, strings.ToLower(decoded))
			}
		}
		list, complete := header.Addresses(value)
		if !complete {
			f.correspondentsKnown = false
		}
		for _, a := range list {
			f.addresses = append(f.addresses, a.Addr)
		}
	}
}

// plain reports whether no reader of the header can find an address in a field
// that is not found here: it was read whole, and no line of it could be taken for
// a part of another field, for a field of its own, or for the first of the body.
func plain(h header.Header, raw []byte) bool {
	for _, d := range h.Defects {
		switch d.Name {
		case header.DefectLostFold, header.DefectLeadingSpace, header.DefectNoEmptyLine, header.DefectBareCR, header.DefectNUL:
			return false
		case header.DefectJunkLine:
			line := raw[d.Offset:]
			if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
				line = line[:end]
			}
			if bytes.IndexByte(line, '@') >= 0 || bytes.Contains(line, []byte("=?")) {
				return false
			}
		}
	}
	return h.Whole()
}

// messageTime finds the time of a message: of its topmost Received field if it
// has any, otherwise of its only Date field.
func messageTime(h header.Header) (string, Interval, error) {
	received, err := h.ReceivedTime()
	if err == nil {
		return FieldReceived, interval(received), nil
	}
	if !errors.Is(err, header.ErrAbsent) {
		return "", Interval{}, errReceived
	}
	sent, err := h.SentTime()
	switch {
	case err == nil:
		return FieldDate, interval(sent), nil
	case errors.Is(err, header.ErrAbsent):
		return "", Interval{}, errNoDate
	case errors.Is(err, header.ErrDiffer):
		return "", Interval{}, errDates
	}
	return "", Interval{}, errDate
}

// occurs reports whether the address, or an address in the domain, stands in
// text as a whole word: not preceded or followed by what could be part of an
// address. Both are in lower case.
func occurs(text string, w order.Withheld) bool {
	want := w.Address
	if want == "" {
		want = w.Domain
	}
	for from := 0; ; {
		i := strings.Index(text[from:], want)
		if i < 0 {
			return false
		}
		begin, end := from+i, from+i+len(want)
		if endsHere(text[end:]) && beginsHere(text[:begin], w.Address == "") {
			return true
		}
		from = begin + 1
	}
}

func endsHere(rest string) bool {
	if rest == "" {
		return true
	}
	if rest[0] == '.' { // a full stop after it is not part of it, a further label is
		return len(rest) == 1 || !domainByte(rest[1])
	}
	return !domainByte(rest[0])
}

func beginsHere(before string, domain bool) bool {
	if before == "" {
		return !domain
	}
	if !domain {
		return !atomByte(before[len(before)-1])
	}
	// The domain itself behind an @, or a sub-domain of it.
	if before[len(before)-1] != '@' && before[len(before)-1] != '.' {
		return false
	}
	labels := before[max(0, len(before)-maxDomain):]
	for i := len(labels) - 1; i >= 0; i-- {
		if c := labels[i]; c == '@' {
			return true
		} else if c != '.' && !domainByte(c) {
			return false
		}
	}
	return false
}

// maxDomain bounds a domain name in bytes (RFC 1035, section 2.3.4), with room
// for one that is not in ASCII.
const maxDomain = 1024

func domainByte(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

// atomByte reports whether c may stand in an unquoted local part (RFC 5322
// section 3.2.3), other than as a delimiter around an address in practice.
func atomByte(c byte) bool {
	return domainByte(c) || strings.IndexByte(".!#$%&*+/=?^{|}~", c) >= 0
}
