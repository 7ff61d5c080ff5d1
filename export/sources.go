package export

import (
	"context"
	"errors"
	"fmt"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/export/subscriber"
	"exhibit/sign"
)

// Source is one retrieved mailbox, or a part of one.
type Source struct {
	// Account is the account of the order that it belongs to.
	Account string
	// Path is a file or a folder.
	Path string
	// Format is "", or one of the formats of mail.Options: how to read it. Subscriber
	// records have one of the formats below.
	Format string
}

// The formats of subscriber records: by the ending of the file's name, or said.
const (
	FormatSubscriber     = "subscriber"
	FormatSubscriberCSV  = "subscriber-csv"
	FormatSubscriberJSON = "subscriber-json"
)

// subscribers reports whether the source holds subscriber records, not mail.
func (s Source) subscribers() bool {
	return s.Format == FormatSubscriber || s.Format == FormatSubscriberCSV || s.Format == FormatSubscriberJSON
}

// ErrEmptySource says that a source holds not a single file: a folder that is not
// mounted looks so. That nothing is held of an account is said with Job.Empty.
var ErrEmptySource = errors.New("source holds no file")

// AccountCounts says what became of one account's items.
type AccountCounts struct {
	Account  string
	Source   int64
	Included int64
	// Traffic and Subscriber are those of Included that are records, and Admitted
	// those that only a reviewer's statement let in.
	Traffic, Subscriber, Admitted int64
	// Withheld is by reason, every reason of scope.Reasons being there.
	Withheld map[string]int64
}

// Reading is what a pass over the sources has found so far.
type Reading struct {
	Accounts []AccountCounts // in the order's order
	Gaps     map[string]int64
	Files    int64
	Bytes    int64
	// Unread are whole files that are no item, such as those of a format that is
	// not supported, but for what a mail server keeps for itself; at most 10,000.
	Unread []Noted
}

// Reasons gives how many of the account's items were withheld for each reason of
// scope.Reasons.
func (a AccountCounts) Reasons() []bag.ReasonCount {
	counts := make([]bag.ReasonCount, 0, len(scope.Reasons))
	for _, reason := range scope.Reasons {
		counts = append(counts, bag.ReasonCount{Reason: string(reason), Count: a.Withheld[string(reason)]})
	}
	return counts
}

// GapCounts gives the gaps by reason, sorted.
func (r *Reading) GapCounts() []bag.ReasonCount { return reasonCounts(r.Gaps) }

// totals adds up all accounts.
func (r *Reading) totals() (source, included, withheld int64) {
	for _, a := range r.Accounts {
		source += a.Source
		included += a.Included
		for _, n := range a.Withheld {
			withheld += n
		}
	}
	return source, included, withheld
}

// derived adds up the traffic and the subscriber records.
func (r *Reading) derived() (traffic, subscribers int64) {
	for _, a := range r.Accounts {
		traffic += a.Traffic
		subscribers += a.Subscriber
	}
	return traffic, subscribers
}

// Reasons gives how many items were withheld for each reason of scope.Reasons.
func (r *Reading) Reasons() []bag.ReasonCount {
	counts := make([]bag.ReasonCount, 0, len(scope.Reasons))
	for _, reason := range scope.Reasons {
		var n int64
		for _, a := range r.Accounts {
			n += a.Withheld[string(reason)]
		}
		counts = append(counts, bag.ReasonCount{Reason: string(reason), Count: n})
	}
	return counts
}

// Noted is something of a source that staff should look at, and why.
type Noted struct {
	Account string
	File    string
	// Offset and Length are of the item in the file, decompressed.
	Offset, Length int64
	// SHA256 is the digest of an item's source bytes; zero for what is no item.
	SHA256 sign.Digest
	Reason string
}

// maxNoted bounds the list that is kept for staff.
const maxNoted = 10_000

// reader is the sink of mail.Read: it decides on each item and hands the
// admitted ones on in units.
type reader struct {
	scope    *scope.Scope
	emit     func(*unit) error           // nil: only count
	record   func(line []byte) error     // nil: do not keep the list of sources
	admitted func(*bag.SourceLine) error // nil likewise
	// columns is the list that subscriber records may have, or nil.
	columns *subscriber.List
	// undetermined, if set, is told of every undetermined item.
	undetermined func(Noted) error

	reading   Reading
	undecided []Noted

	account int // index into reading.Accounts
	name    string
	source  int
	exhibit int
	inFile  bool // an item of the file at hand was included with its content
	found   bool // the source at hand holds a file or a gap
	unit    *unit
}

func newReader(o *order.Order, admitted []scope.Admitted) *reader {
	r := &reader{scope: scope.New(o, admitted), reading: Reading{Gaps: map[string]int64{}}}
	for _, a := range o.Accounts {
		withheld := map[string]int64{}
		for _, reason := range scope.Reasons {
			withheld[string(reason)] = 0
		}
		r.reading.Accounts = append(r.reading.Accounts, AccountCounts{Account: a.Name, Withheld: withheld})
	}
	return r
}

// all reads the sources in the order's order of accounts, then as given.
func (r *reader) all(ctx context.Context, sources []Source, limits mail.Limits, progress func(int64)) error {
	for i, a := range r.reading.Accounts {
		for _, s := range sources {
			if s.Account != a.Account {
				continue
			}
			r.account, r.name = i, a.Account
			r.source++
			r.found = false
			if err := r.one(ctx, s, mail.Options{Format: s.Format, Limits: limits, Progress: progress}); err != nil {
				return fmt.Errorf("source %s of %s: %w", s.Path, a.Account, err)
			}
			if !r.found {
				return fmt.Errorf("source %s of %s: %w", s.Path, a.Account, ErrEmptySource)
			}
		}
	}
	return r.flush()
}

// one reads one source.
func (r *reader) one(ctx context.Context, s Source, opt mail.Options) error {
	if s.subscribers() {
		return r.records(ctx, s)
	}
	return mail.Read(ctx, s.Path, opt, r)
}

// Item decides on one item.
func (r *reader) Item(it mail.Item) error {
	counts := &r.reading.Accounts[r.account]
	counts.Source++
	d := r.scope.Decide(r.account, it)
	if !d.Included {
		counts.Withheld[string(d.Reason)]++
		if d.Reason == scope.Undetermined {
			return r.undecide(it, d)
		}
		return nil
	}
	if d.Category == order.Traffic {
		counts.Traffic++
	} else {
		r.inFile = true
	}
	if d.Admitted {
		counts.Admitted++
	}
	return r.include(candidate{item: it, decision: d}, int64(len(it.Raw)))
}

// undecide lists an undetermined item for staff.
func (r *reader) undecide(it mail.Item, d scope.Decision) error {
	if r.undetermined == nil && len(r.undecided) >= maxNoted {
		return nil
	}
	n := Noted{
		Account: r.name, File: it.Source.File, Offset: it.Source.Offset, Length: it.Source.Length,
		SHA256: sign.Sum(it.Raw), Reason: d.Detail,
	}
	if len(r.undecided) < maxNoted {
		r.undecided = append(r.undecided, n)
	}
	if r.undetermined == nil {
		return nil
	}
	return r.undetermined(n)
}

// include hands an admitted item on.
func (r *reader) include(c candidate, size int64) error {
	r.reading.Accounts[r.account].Included++
	r.exhibit++
	if r.emit == nil {
		return nil
	}
	if r.exhibit > bag.MaxItems {
		return fmt.Errorf("more than %d items are in scope: a package cannot number them; split the order's accounts", bag.MaxItems)
	}
	if r.unit != nil && r.unit.bytes+size > unitBytes {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if r.unit == nil {
		r.unit = &unit{}
	}
	c.account, c.source, c.exhibit = r.name, r.source, r.exhibit
	r.unit.items = append(r.unit.items, c)
	r.unit.bytes += size + 1024
	return nil
}

func (r *reader) flush() error {
	if r.unit == nil || r.emit == nil {
		return nil
	}
	u := r.unit
	r.unit = nil
	return r.emit(u)
}

// Gap lists a stretch of a source that is no item.
func (r *reader) Gap(g mail.Gap) error {
	r.found = true
	r.reading.Gaps[string(g.Reason)]++
	whole := g.Reason != mail.ReasonHousekeeping && g.Reason != mail.ReasonLeading
	if whole && len(r.reading.Unread) < maxNoted {
		r.reading.Unread = append(r.reading.Unread, Noted{Account: r.name, File: g.Source.File, Reason: string(g.Reason)})
	}
	if r.record == nil {
		return nil
	}
	line, err := bag.MarshalGap(&bag.GapLine{
		Type: bag.GapType, Account: r.name, Number: int64(r.source), File: text(g.Source.File),
		Offset: g.Source.Offset, Length: g.Source.Length, SHA256: sign.Digest(g.SHA256), Reason: string(g.Reason),
	})
	if err != nil {
		return err
	}
	return r.record(line)
}

// File ends a file: its digest is known now.
func (r *reader) File(f mail.File) error {
	r.found = true
	r.reading.Files++
	r.reading.Bytes += f.Size
	included := r.inFile
	r.inFile = false
	line := &bag.SourceLine{
		Type: bag.SourceType, Account: r.name, Number: int64(r.source), File: text(f.Path),
		Size: f.Size, SHA256: sign.Digest(f.SHA256), Container: optional(f.Container),
	}
	if r.record != nil {
		text, err := bag.MarshalSource(line)
		if err != nil {
			return err
		}
		if err := r.record(text); err != nil {
			return err
		}
	}
	if included && r.admitted != nil {
		return r.admitted(line)
	}
	return nil
}
