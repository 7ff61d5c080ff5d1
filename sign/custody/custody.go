// Package custody is the records of what was done with an order, and the names
// of the objects that hold them (FORMAT sections 4, 8 and 12). It is pure: it
// reads and writes no store and checks no signature.
package custody

import (
	"fmt"
	"io"

	"exhibit/sign"
)

// Type is the type of a record's text.
const Type = "exhibit/record/v1"

// SystemClock is the only source of time so far.
const SystemClock = "system clock"

// A Record is one act.
type Record struct {
	Type        string        `json:"type"`
	Event       Event         `json:"event"`
	ID          sign.ID       `json:"id"`
	Time        sign.Time     `json:"time"`
	TimeSource  string        `json:"time_source"`
	Actor       sign.Person   `json:"actor"`
	Authority   Authority     `json:"authority"`
	Package     *sign.ID      `json:"package"`
	Objects     []Object      `json:"objects"`
	Instrument  Instrument    `json:"instrument"`
	DerivedFrom []sign.Digest `json:"derived_from"`
	Details     []Detail      `json:"details"`
}

// Authority is the order that an act is done under; both members are nil when
// no order is concerned.
type Authority struct {
	Order     *sign.Digest `json:"order"`
	Reference *string      `json:"reference"`
}

// An Object is something that an act made or used.
type Object struct {
	Name   string      `json:"name"`
	Size   int64       `json:"size"`
	SHA256 sign.Digest `json:"sha256"`
}

// Instrument is the program that did it, and the machine that it ran on.
type Instrument struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	SHA256  sign.Digest `json:"sha256"`
	Host    string      `json:"host"`
}

// A Detail is a further fact of an act.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// New returns the text of r. It sets type, time source and, from 16 bytes of
// rand, the id; all else is the caller's.
func New(r Record, rand io.Reader) ([]byte, error) {
	id, err := sign.NewID(rand)
	if err != nil {
		return nil, fmt.Errorf("custody record: %w", err)
	}
	r.Type, r.TimeSource, r.ID = Type, SystemClock, id
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("custody record: %w", err)
	}
	return sign.MarshalDocument(&r)
}

// Parse reads the text of a record. Errors are those of
// sign.UnmarshalDocument, and *sign.MemberError.
func Parse(text []byte) (*Record, error) {
	r := new(Record)
	if err := sign.UnmarshalDocument(text, Type, r); err != nil {
		return nil, fmt.Errorf("custody record: %w", err)
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("custody record: %w", err)
	}
	return r, nil
}

// Check returns a *sign.MemberError if a member of r is not as FORMAT section
// 8 has it.
func (r *Record) Check() error {
	switch {
	case r.Type != Type:
		return sign.BadMember("type", "want %s", Type)
	case r.TimeSource != SystemClock:
		return sign.BadMember("time_source", "%.40q, want %s", r.TimeSource, SystemClock)
	case (r.Authority.Order == nil) != (r.Authority.Reference == nil):
		return sign.BadMember("authority", "order and reference go together")
	case r.Instrument.Name == "":
		return sign.BadMember("instrument.name", "is empty")
	}
	if err := r.Actor.Check("actor"); err != nil {
		return err
	}
	for i, o := range r.Objects {
		switch {
		case o.Name == "":
			return sign.BadMember(fmt.Sprintf("objects[%d].name", i), "is empty")
		case o.Size < 0 || o.Size > sign.MaxNumber:
			return sign.BadMember(fmt.Sprintf("objects[%d].size", i), "%d bytes", o.Size)
		}
	}
	for i, d := range r.Details {
		if d.Name == "" {
			return sign.BadMember(fmt.Sprintf("details[%d].name", i), "is empty")
		}
	}
	return r.checkEvent()
}
