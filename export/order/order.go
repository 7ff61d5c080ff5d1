// Package order reads the order file: the legal instrument and what it
// allows, as the provider's staff wrote it down.
//
// An order is YAML or JSON, and is parsed strictly: what is not understood
// exactly is refused, with line, column and an excerpt. It is identified by
// the SHA-256 of its exact bytes, so nothing about it is ever re-encoded.
package order

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"time"
)

// Type is the value of the order's first field.
const Type = "exhibit/order/v1"

// Category is a kind of data that an order may ask for.
type Category string

// The data categories, from the least to the most intrusive.
const (
	Subscriber Category = "subscriber"
	Traffic    Category = "traffic"
	Content    Category = "content"
)

// Priority says how soon an order has to be fulfilled.
type Priority string

// The priorities. An order that states none is routine.
const (
	Routine   Priority = "routine"
	Urgent    Priority = "urgent"
	Emergency Priority = "emergency"
)

// An Order is a valid order, whole as [Parse] makes it or in part as
// [Order.Narrow] does. Optional texts are empty and optional times zero when
// the order leaves them out.
type Order struct {
	Reference    string // the authority's own, at most [MaxReference] characters
	Authority    Authority
	Jurisdiction string // ISO 3166-1 alpha-2, or ISO 3166-2 with a subdivision
	Regime       string // free identifier of the legal regime, [a-z0-9-]+
	LegalBasis   string
	Priority     Priority
	Served       time.Time // when the authority sent it, with its own offset
	Received     time.Time // when the provider had it, never before Served
	Expires      time.Time // last second of the authority to act; zero: none
	Due          time.Time // last second of the order's own return date, never before Served; zero: none
	Case         Case
	Accounts     []Account  // 1 to [MaxAccounts], unique whatever the letter case
	Categories   []Category // the default of accounts that state none
	Withhold     []Withheld
	Agency       Agency
	Instrument   Instrument

	EnforcingAuthority *EnforcingAuthority // nil: nothing stated
	NonDisclosure      *NonDisclosure      // nil: not ordered
	UserNotice         *UserNotice         // nil: nothing stated

	source []byte
	whole  []Account // all that the order asks for, when it is narrowed; otherwise nil
}

// Authority is who issued the order.
type Authority struct {
	Name    string
	Unit    string
	Country string // ISO 3166-1 alpha-2
	Contact string
	Email   string
}

// Case is the proceeding in which the order was made.
type Case struct {
	Type   string
	Number string
}

// EnforcingAuthority says whether an authority of the provider's own country
// was notified of the order, so that its time to object may have to run first
// (Regulation (EU) 2023/1543, Articles 8 and 10). The rest is set only when it was.
type EnforcingAuthority struct {
	Notified bool
	Name     string
	Country  string // ISO 3166-1 alpha-2
	At       time.Time
}

// An Account is one account that the order names.
type Account struct {
	Name       string     // as it is written; no white space, no '='
	Start, End string     // as the order writes them, empty where it says entire; [Account.Span] is what counts
	Zone       string     // IANA name, or empty
	Entire     bool       // no limit of time, asked for by name
	Categories []Category // the account's own, or the order's; none when Dropped
	Dropped    bool       // a narrowing leaves the account out: its span is empty

	span Span
	zone *time.Location // of Zone; nil: none
}

// Withheld names a privileged correspondent, by address or by domain:
// exactly one of the two is set, in lower case.
type Withheld struct {
	Address string
	Domain  string // the domain and every sub-domain of it
	Ground  string
}

// Agency is who receives the package.
type Agency struct {
	Name string
	Keys []Fingerprint // at least one, all of one length
}

// Instrument is the legal document behind the order: a file beside it.
type Instrument struct {
	File   string // a plain file name
	SHA256 [sha256.Size]byte

	Signature *InstrumentSignature // nil: none
}

// InstrumentSignature is the agency's detached signature over the
// instrument: a file beside the order.
type InstrumentSignature struct {
	File   string // a plain file name, not the instrument's
	SHA256 [sha256.Size]byte
}

// NonDisclosure is a duty to keep the order from the user. A bare date is
// the day in UTC: its first second as Start, its last second as End.
type NonDisclosure struct {
	Basis      string
	Start, End time.Time
}

// UserNotice tells when the user is or was told. A bare date is the day in
// UTC: its last second as Due and DelayedUntil, its first second as Sent.
type UserNotice struct {
	Due, DelayedUntil, Sent time.Time
}

// Digest returns the SHA-256 of the order's exact bytes, which identifies it.
func (o *Order) Digest() [sha256.Size]byte { return sha256.Sum256(o.source) }

// Bytes returns a copy of the order's exact bytes.
func (o *Order) Bytes() []byte { return bytes.Clone(o.source) }

// Account finds an account of the order by its name, in any letter case.
func (o *Order) Account(name string) (*Account, bool) {
	name = fold(name)
	i := slices.IndexFunc(o.Accounts, func(a Account) bool { return fold(a.Name) == name })
	if i < 0 {
		return nil, false
	}
	return &o.Accounts[i], true
}

// Expired says whether the authority to act has ended at the instant now.
// The second that Expires names is still within it.
func (o *Order) Expired(now time.Time) bool {
	return !o.Expires.IsZero() && !now.Before(o.Expires.Add(time.Second))
}

// Span is the time whose items the order asks for.
func (a *Account) Span() Span { return a.span }

// Allows says whether the order asks for the category c of the account.
func (a *Account) Allows(c Category) bool { return slices.Contains(a.Categories, c) }

// Matches says whether an e-mail address is that of the correspondent. Letter
// case and a final dot do not count: in doubt more is withheld, not less.
func (w *Withheld) Matches(address string) bool {
	address = strings.TrimSuffix(fold(address), ".")
	if w.Address != "" {
		return address == w.Address
	}
	domain := address[strings.LastIndexByte(address, '@')+1:]
	return domain == w.Domain || strings.HasSuffix(domain, "."+w.Domain)
}

// fold gives names and addresses that differ in letter case only one form.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
