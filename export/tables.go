package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/scope"
	"exhibit/export/subscriber"
)

var (
	// ErrTable says that a source of subscriber records is no regular file.
	ErrTable = errors.New("subscriber records are in one regular file")
	// ErrEmptyTable says that it holds no record. That nothing is held of an account is
	// said with Job.Empty.
	ErrEmptyTable = errors.New("table holds no record")
	// ErrTableFormat says that its name does not tell how to read it.
	ErrTableFormat = errors.New("neither .csv nor .json")
)

// tableFormat tells how to read a source of subscriber records.
func tableFormat(s Source) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(s.Path)); {
	case s.Format == FormatSubscriberCSV, s.Format == FormatSubscriber && ext == ".csv":
		return subscriber.CSV, nil
	case s.Format == FormatSubscriberJSON, s.Format == FormatSubscriber && ext == ".json":
		return subscriber.JSON, nil
	}
	return "", ErrTableFormat
}

// records reads one source of subscriber records: each is an item (FORMAT.md
// section 6.2).
func (r *reader) records(ctx context.Context, s Source) (err error) {
	format, err := tableFormat(s)
	if err != nil {
		return err
	}
	f, err := openTable(s.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	digest := sha256.New()
	whole := &counted{r: io.TeeReader(f, digest), ctx: ctx}
	n, err := subscriber.Read(whole, format, *r.columns, func(rec subscriber.Record) error { return r.subscriber(rec) })
	if err != nil {
		return err
	}
	if n == 0 { // nothing held is said with Job.Empty, not by a table that was drawn wrongly
		return ErrEmptyTable
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return err
	}
	return r.File(mail.File{Path: filepath.Base(s.Path), Size: whole.n, SHA256: [32]byte(digest.Sum(nil))})
}

// openTable opens a regular file, which must still be the same one once it is open.
func openTable(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrTable
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		f.Close()
		return nil, errors.Join(ErrTable, err)
	}
	return f, nil
}

// counted counts what is read, and stops when its context ends.
type counted struct {
	r   io.Reader
	n   int64
	ctx context.Context
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// subscriber takes in one record. The order asks for it: checkSources has seen to that.
func (r *reader) subscriber(rec subscriber.Record) error {
	out := &bag.SubscriberRecord{Type: bag.SubscriberType, Derived: true, Account: r.name, List: r.columns.Name}
	for _, v := range rec.Values {
		out.Values = append(out.Values, bag.SubscriberValue{Column: v.Column, Value: v.Value})
	}
	line, err := bag.MarshalSubscriber(out)
	if err != nil {
		return fmt.Errorf("subscriber record: %w", err)
	}
	counts := &r.reading.Accounts[r.account]
	counts.Source++
	counts.Subscriber++
	c := candidate{subscriber: out, line: line, decision: scope.Decision{
		Included: true, Category: order.Subscriber,
		Rule: bag.Rule{Place: int64(r.account), Category: bag.CategorySubscriber, By: bag.ByRecord}.String(),
	}}
	return r.include(c, int64(len(line)))
}

// recordFile makes the file of a traffic or subscriber record: its line, ended by LF.
func recordFile(line []byte) []byte { return append(line[:len(line):len(line)], '\n') }

// sourcesHead begins the provider's own list of sources: its salt keeps the list's
// digest from telling anything of a source.
func (r *ready) sourcesHead(w io.Writer) error {
	var salt [32]byte
	if _, err := io.ReadFull(r.random(), salt[:]); err != nil {
		return fmt.Errorf("draw salt: %w", err)
	}
	line, err := bag.MarshalSourcesHead(salt)
	if err != nil {
		return err
	}
	return writeAll(w, line, []byte{'\n'})
}
