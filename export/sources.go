package export

import (
	"context"
	"errors"
	"fmt"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/sign"
)

// Source is one retrieved mailbox, or a part of one.
type Source struct {
	// Account is the account of the order that it belongs to.
	Account string
	// Path is a file or a folder.
	Path string
	// Format is "", or one of the formats of mail.Options: how to read it.
	Format string
}

// ErrEmptySource says that a source holds not a single file: a folder that is not
// mounted looks so. That nothing is held of an account is said with Job.Empty.
var ErrEmptySource = errors.New("source holds no file")

// AccountCounts says what became of one account's items.
type AccountCounts struct {
	Account  string
	Source   int64
	Included int64
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
	Offset  int64
	Reason  string
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

	reading   Reading
	undecided []Noted

	account int // index into reading.Accounts
	name    string
	source  int
	exhibit int
	inFile  bool // an item of the file at hand was included
	found   bool // the source at hand holds a file or a gap
	unit    *unit
}

func newReader(o *order.Order) *reader {
	r := &reader{scope: scope.New(o), reading: Reading{Gaps: map[string]int64{}}}
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
			opt := mail.Options{Format: s.Format, Limits: limits, Progress: progress}
			r.found = false
			if err := mail.Read(ctx, s.Path, opt, r); err != nil {
				return fmt.Errorf("source %s of %s: %w", s.Path, a.Account, err)
			}
			if !r.found {
				return fmt.Errorf("source %s of %s: %w", s.Path, a.Account, ErrEmptySource)
			}
		}
	}
	return r.flush()
}

// Item decides on one item.
func (r *reader) Item(it mail.Item) error {
	counts := &r.reading.Accounts[r.account]
	counts.Source++
	d := r.scope.Decide(r.account, it)
	if !d.Included {
		counts.Withheld[string(d.Reason)]++
		if d.Reason == scope.Undetermined && len(r.undecided) < maxNoted {
			r.undecided = append(r.undecided, Noted{Account: r.name, File: it.Source.File, Offset: it.Source.Offset, Reason: d.Detail})
		}
		return nil
	}
	counts.Included++
	r.inFile = true
	r.exhibit++
	if r.emit == nil {
		return nil
	}
	if r.exhibit > bag.MaxItems {
		return fmt.Errorf("more than %d items are in scope: a package cannot number them; split the order's accounts", bag.MaxItems)
	}
	if r.unit != nil && r.unit.bytes+int64(len(it.Raw)) > unitBytes {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if r.unit == nil {
		r.unit = &unit{}
	}
	r.unit.items = append(r.unit.items, candidate{item: it, account: r.name, source: r.source, exhibit: r.exhibit, decision: d})
	r.unit.bytes += int64(len(it.Raw)) + 1024
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
