package custody

import (
	"fmt"

	"exhibit/sign"
)

// An Event says what was done.
type Event string

// The events of this version.
const (
	// OrderReceived has as objects the order, its instrument and, if there is
	// one, the agency's signature over it; what became of checking that is
	// among the details.
	OrderReceived Event = "order-received"
	// OrderReviewed, OrderApproved, OrderWithdrawn, OrderSuperseded and
	// HoldLifted derive from the statement.
	OrderReviewed   Event = "order-reviewed"
	OrderApproved   Event = "order-approved"
	OrderWithdrawn  Event = "order-withdrawn"
	OrderSuperseded Event = "order-superseded"
	HoldLifted      Event = "hold-lifted"
	// NoticeSent has the detail DetailSent.
	NoticeSent Event = "notice-sent"
	// ExportStarted derives from the statements that were counted.
	ExportStarted Event = "export-started"
	// Sealed has the ciphertexts as objects; counts by reason and the volumes'
	// plaintext digests are details.
	Sealed Event = "sealed"
	// Stored has the objects as they were read back.
	Stored Event = "stored"
	// Released has the manifest as its object.
	Released Event = "released"
	// Refused has the ground among its details.
	Refused Event = "refused"
	// Delivered, Acknowledged: the package was handed over, and its receipt is
	// there.
	Delivered    Event = "delivered"
	Acknowledged Event = "acknowledged"
	// Closed: nothing more is to be done about the order.
	Closed Event = "closed"
)

// Names of the objects of OrderReceived, in this order.
const (
	ObjectOrder               = "order"
	ObjectInstrument          = "instrument"
	ObjectInstrumentSignature = "instrument-signature"
)

// DetailSent is the detail of NoticeSent: the time at which the user was told.
const DetailSent = "sent"

// needs are the members that an event cannot be without. All concern an order.
type needs struct {
	pkg, objects, sources bool
	// also checks what only this event has, or is nil.
	also func(*Record) error
}

func (e Event) needs() (n needs, known bool) {
	switch e {
	case OrderReceived:
		return needs{objects: true, also: (*Record).checkReceived}, true
	case OrderReviewed, OrderApproved, OrderWithdrawn, OrderSuperseded, HoldLifted:
		return needs{sources: true}, true
	case NoticeSent:
		return needs{also: (*Record).checkSent}, true
	case ExportStarted:
		return needs{pkg: true, sources: true}, true
	case Sealed, Stored, Released:
		return needs{pkg: true, objects: true}, true
	case Delivered, Acknowledged:
		return needs{pkg: true}, true
	case Refused, Closed:
		return needs{}, true
	}
	return needs{}, false
}

func (r *Record) checkEvent() error {
	n, known := r.Event.needs()
	switch {
	case !known:
		return sign.BadMember("event", "unknown event %.40q", string(r.Event))
	case r.Authority.Order == nil:
		return sign.BadMember("authority.order", "is missing for %s", r.Event)
	case n.pkg && r.Package == nil:
		return sign.BadMember("package", "is missing for %s", r.Event)
	case n.objects && len(r.Objects) == 0:
		return sign.BadMember("objects", "are missing for %s", r.Event)
	case n.sources && len(r.DerivedFrom) == 0:
		return sign.BadMember("derived_from", "is missing for %s", r.Event)
	case n.also != nil:
		return n.also(r)
	}
	return nil
}

// checkReceived checks that the objects are the order, whose digest the record
// names as its authority, and what came with it.
func (r *Record) checkReceived() error {
	names := [...]string{ObjectOrder, ObjectInstrument, ObjectInstrumentSignature}
	if n := len(r.Objects); n < 2 || n > len(names) {
		return sign.BadMember("objects", "%d objects, want %s, %s and at most %s", n, names[0], names[1], names[2])
	}
	for i, o := range r.Objects {
		if o.Name != names[i] {
			return sign.BadMember(fmt.Sprintf("objects[%d].name", i), "%.40q, want %s", o.Name, names[i])
		}
	}
	if r.Objects[0].SHA256 != *r.Authority.Order {
		return sign.BadMember("objects[0].sha256", "is not that of the order")
	}
	return nil
}

// checkSent checks that the one detail sent is a time.
func (r *Record) checkSent() error {
	found := false
	for i, d := range r.Details {
		if d.Name != DetailSent {
			continue
		}
		path := fmt.Sprintf("details[%d]", i)
		if found {
			return sign.BadMember(path+".name", "%s is there twice", DetailSent)
		}
		if _, err := sign.ParseTime(d.Value); err != nil {
			return sign.BadMember(path+".value", "%v", err)
		}
		found = true
	}
	if !found {
		return sign.BadMember("details", "%s is missing for %s", DetailSent, r.Event)
	}
	return nil
}
