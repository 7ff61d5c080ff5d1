package bag

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"exhibit/sign"
)

// TrafficType is the type of a traffic record.
const TrafficType = "exhibit/traffic/v1"

// TrafficRecord is what a traffic record tells of one message (section 6.1). It
// is derived: made anew from this list of members, with no bytes of the message
// and no digest of them.
type TrafficRecord struct {
	Type        string    `json:"type"`
	Derived     bool      `json:"derived"` // always true
	Account     string    `json:"account"`
	Received    *Interval `json:"received"` // nil: not known
	Date        *Interval `json:"date"`     // nil: not known
	From        []string  `json:"from"`
	Sender      []string  `json:"sender"`
	ReturnPath  []string  `json:"return_path"`
	To          []string  `json:"to"`
	Cc          []string  `json:"cc"`
	Bcc         []string  `json:"bcc"`
	DeliveredTo []string  `json:"delivered_to"`
	MessageID   *string   `json:"message_id"` // angle brackets included; nil: none that can be told
	Route       []Hop     `json:"route"`      // from the topmost Received field down
	Size        int64     `json:"size"`       // of the message, in bytes
	Incomplete  []string  `json:"incomplete"` // sorted names of members that something was left out of
}

// Interval is a time that is known to lie between two seconds, both inside.
type Interval struct {
	Earliest sign.Time `json:"earliest"`
	Latest   sign.Time `json:"latest"`
}

// Hop is what one Received field tells (RFC 5321, section 4.4).
type Hop struct {
	From      *string    `json:"from"`      // a domain name, or nil
	By        *string    `json:"by"`        // a domain name, or nil
	Addresses []string   `json:"addresses"` // IP addresses as netip.Addr writes them, without brackets
	Earliest  *sign.Time `json:"earliest"`  // nil where no time is known, as is Latest
	Latest    *sign.Time `json:"latest"`
}

// trafficFields are the members of a TrafficRecord that come from fields of the
// header, and so may be incomplete.
var trafficFields = []string{
	"bcc", "cc", "date", "delivered_to", "from", "message_id", "received", "return_path", "route", "sender", "to",
}

// MarshalTraffic returns the record in line form, without LF. What ParseTraffic
// would refuse is refused.
func MarshalTraffic(r *TrafficRecord) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return sign.MarshalLine(r)
}

// ParseTraffic reads a traffic record: the line of its file without LF, of at
// most MaxRecord bytes. Every member has to have the shape that section 6.1
// gives it. Errors are those of sign.UnmarshalLine, or wrap ErrInvalid.
func ParseTraffic(line []byte) (*TrafficRecord, error) {
	r := new(TrafficRecord)
	if err := sign.UnmarshalLine(line, TrafficType, r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *TrafficRecord) check() error {
	switch {
	case r.Type != TrafficType:
		return invalid("type of a traffic record")
	case !r.Derived:
		return invalid("traffic record that is not said to be derived")
	case r.Account == "":
		return invalid("traffic record without an account")
	case !nonNegative(r.Size):
		return invalid("size %d of a traffic record", r.Size)
	case !r.Received.valid() || !r.Date.valid():
		return invalid("traffic record with a time that ends before it begins")
	case r.MessageID != nil && !messageID(*r.MessageID):
		return invalid("message_id of a traffic record")
	}
	for _, list := range [][]string{r.From, r.Sender, r.ReturnPath, r.To, r.Cc, r.Bcc, r.DeliveredTo} {
		if err := checkAddresses(list); err != nil {
			return err
		}
	}
	if err := r.checkRoute(); err != nil {
		return err
	}
	return checkIncomplete(r.Incomplete)
}

// valid says whether an interval does not end before it begins.
func (i *Interval) valid() bool { return i == nil || !i.Latest.Before(i.Earliest) }

func checkAddresses(list []string) error {
	if len(list) > MaxAddresses {
		return invalid("%d addresses in one list of a traffic record", len(list))
	}
	for _, a := range list {
		if !mailAddress(a) {
			return invalid("address %s of a traffic record", quote(a))
		}
	}
	return nil
}

func (r *TrafficRecord) checkRoute() error {
	if len(r.Route) > MaxHops {
		return invalid("%d hops in a traffic record", len(r.Route))
	}
	for _, h := range r.Route {
		if err := h.check(); err != nil {
			return err
		}
	}
	return nil
}

func (h Hop) check() error {
	for _, name := range []*string{h.From, h.By} {
		if name != nil && !hostName(*name) {
			return invalid("host name %s of a traffic record", quote(*name))
		}
	}
	if len(h.Addresses) > MaxAddresses {
		return invalid("%d IP addresses in one hop of a traffic record", len(h.Addresses))
	}
	for _, a := range h.Addresses {
		if ip, err := netip.ParseAddr(a); err != nil || ip.Zone() != "" || ip.String() != a {
			return invalid("IP address %s of a traffic record", quote(a))
		}
	}
	if (h.Earliest == nil) != (h.Latest == nil) || h.Earliest != nil && h.Latest.Before(*h.Earliest) {
		return invalid("time of a hop of a traffic record")
	}
	return nil
}

func checkIncomplete(list []string) error {
	for i, name := range list {
		if !slices.Contains(trafficFields, name) || i > 0 && name <= list[i-1] {
			return invalid("member %s in incomplete of a traffic record", quote(name))
		}
	}
	return nil
}

// mailAddress says whether s is local-part@domain alone: neither a display name
// nor a comment, group or control character. White space and the separators of
// RFC 5322, section 3.2.3, stand in a quoted local part or not at all.
func mailAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return false
	}
	domain := s[at+1:]
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		domain = strings.ReplaceAll(strings.TrimSuffix(literal, "]"), ":", "")
		if !strings.HasSuffix(literal, "]") {
			return false
		}
	}
	return localPart(s[:at]) && !strings.ContainsFunc(domain, separator)
}

// separator says whether a character separates what stands around it in an
// address list.
func separator(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()<>[]:;,\"`, r) }

// localPart says whether all separators of a local part stand in quotes.
func localPart(s string) bool {
	quoted, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && separator(r):
			return false
		}
	}
	return !quoted
}

// messageID says whether s is one <…@…> of printable ASCII without blanks.
func messageID(s string) bool {
	inner, ok := strings.CutPrefix(s, "<")
	inner, end := strings.CutSuffix(inner, ">")
	at := strings.IndexByte(inner, '@')
	return ok && end && len(s) <= maxMessageID && at > 0 && at < len(inner)-1 &&
		!strings.ContainsFunc(inner, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' })
}

// hostName says whether s is a domain name of letters, digits, - and dots.
func hostName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '-' && r != '.'
	})
}
