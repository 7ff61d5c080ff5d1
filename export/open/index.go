package open

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"

	"exhibit/export/bag"
	"exhibit/export/normalize"
	"exhibit/sign"
	"exhibit/sign/merkle"
)

// errStop ends the reading of the index when a file that it names has failed.
var errStop = errors.New("stopped")

// indexCheck follows the index from record to record. It holds nothing of the
// records but sums.
type indexCheck struct {
	c          *bagCheck
	files      *group // checks the items' files
	sources    *sourceCursor
	n          int
	tree       *merkle.Builder
	levels     []hash.Hash // over the files of the item tree
	exceptions hash.Hash   // over exceptions.csv
	csv        *bag.ExceptionsCSVWriter
	shown      indexFiles // index.csv and index.dat
	tables     *tables
	accounts   map[string]int
	included   []int64          // by account
	admitted   []int64          // by account
	reasons    map[string]int64 // of exceptions
	octets     int64
}

// index checks index.jsonl, each item's file, sources.jsonl, the item tree, and
// everything that the records add up to.
func (c *bagCheck) index() error {
	x, err := c.newIndexCheck()
	if err != nil {
		return err
	}
	_, err = c.file(c.ctx, bag.SourcesJSONL, c.tags[bag.SourcesJSONL], func(sources io.Reader) error {
		x.sources = &sourceCursor{lines: newLines(sources, c.limits.line), accounts: x.accounts, list: c.facts.pkg.Accounts}
		err := c.payloadFile(bag.IndexJSONL, x.read)
		if err != nil {
			return err
		}
		return x.sources.end()
	})
	if waited := x.files.wait(); waited != nil && (err == nil || errors.Is(err, errStop)) {
		err = waited
	}
	if err != nil {
		return err
	}
	c.octets += x.octets
	c.files += int64(x.n)
	if err := x.sums(); err != nil {
		return err
	}
	return x.treeFiles()
}

func (c *bagCheck) newIndexCheck() (*indexCheck, error) {
	x := &indexCheck{
		c: c, exceptions: sha256.New(), levels: []hash.Hash{sha256.New()},
		accounts: make(map[string]int), reasons: make(map[string]int64),
		included: make([]int64, len(c.facts.pkg.Accounts)), admitted: make([]int64, len(c.facts.pkg.Accounts)),
	}
	x.tree = merkle.NewBuilder(func(level int, h merkle.Hash) error {
		if level == len(x.levels) {
			x.levels = append(x.levels, sha256.New())
		}
		_, err := x.levels[level].Write(h[:])
		return err
	})
	for i, a := range c.facts.pkg.Accounts {
		x.accounts[a.Account] = i
	}
	var err error
	if x.tables, err = newTables(); err != nil {
		return nil, err
	}
	c.tables = x.tables
	x.csv, err = bag.NewExceptionsCSV(x.exceptions)
	x.files = newGroup(c.ctx, c.opt.workers())
	return x, err
}

// read reads the whole index.
func (x *indexCheck) read(r io.Reader) error {
	lines := newLines(r, x.c.limits.line)
	for {
		line, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = x.record(line)
		}
		if err != nil {
			return asFailure(RecordInvalid, bag.IndexJSONL, err)
		}
	}
}

// record checks one record, and has the item's file checked.
func (x *indexCheck) record(line []byte) error {
	list := x.c.digests.list
	if x.n == len(list) {
		return fail(CountsMismatch, bag.IndexJSONL, "more records than the %d items", x.n)
	}
	rec, err := bag.ParseItem(line, x.n+1)
	if err != nil {
		return err
	}
	listed := list[x.n]
	x.n++
	if rec.SHA256 != listed.digest || rec.Kind[0] != listed.kind {
		return fail(RecordInvalid, rec.File, "has another digest or kind in its record than in %s", bag.PayloadManifest)
	}
	if err := x.scope(rec); err != nil {
		return err
	}
	if rec.Source != nil {
		if err := x.sources.follow(rec); err != nil {
			return err
		}
	}
	if err := x.tree.Add(merkle.ItemLeaf(x.c.facts.pkg.Secret.Reveal(), rec.Exhibit, line)); err != nil {
		return err
	}
	if rec.Exception != nil {
		x.reasons[*rec.Exception]++
	}
	if err := x.csv.Add(rec); err != nil {
		return err
	}
	if err := x.shown.add(rec); err != nil {
		return err
	}
	x.octets += rec.Size
	if bag.Derived(rec.Kind) {
		return x.derived(rec)
	}
	if !x.files.run(func(ctx context.Context) error { return x.c.item(ctx, rec) }) {
		return errStop
	}
	return nil
}

// item checks an item's file, and that undoing its transforms gives bytes with
// the digest of its source (invariant 4). Without transforms ParseItem has seen
// that both digests are the same.
func (c *bagCheck) item(ctx context.Context, rec *bag.ItemRecord) error {
	var undone error
	var undo func(io.Reader) error
	if len(rec.Transforms) > 0 {
		if rec.Size > c.limits.item {
			return fail(LimitExceeded, rec.File, "transforms of more than %d bytes cannot be undone here", c.limits.item)
		}
		undo = func(r io.Reader) (err error) {
			undone, err = c.undo(r, rec)
			return err
		}
	}
	got, err := c.file(ctx, rec.File, rec.SHA256, undo)
	switch {
	case err != nil:
		return err
	case got != rec.Size:
		return fail(RecordInvalid, rec.File, "has %d bytes, its record says %d", got, rec.Size)
	}
	return undone
}

// undo reads an item and undoes its transforms. What is wrong with the result is
// apart from the errors of reading, which say more.
func (c *bagCheck) undo(r io.Reader, rec *bag.ItemRecord) (undone, err error) {
	if rec.Size > c.limits.large {
		c.large.Lock()
		defer c.large.Unlock()
	}
	data, err := io.ReadAll(io.LimitReader(r, rec.Size))
	if err != nil {
		return nil, err
	}
	transforms := make([]normalize.Transform, len(rec.Transforms))
	for i, t := range rec.Transforms {
		transforms[i] = normalize.Transform(t)
	}
	source, err := normalize.Invert(data, transforms)
	switch {
	case err != nil:
		return failWith(RecordInvalid, rec.File, err, "the transforms of its record do not fit it"), nil
	case int64(len(source)) != rec.Source.Length || sign.Sum(source) != rec.Source.SHA256:
		return fail(RecordInvalid, rec.File, "undoing the transforms of its record does not give its source"), nil
	}
	return nil, nil
}

// sums compares what the records add up to with package.json.
func (x *indexCheck) sums() error {
	p := x.c.facts.pkg
	if int64(x.n) != p.Items.Size {
		return fail(CountsMismatch, bag.IndexJSONL, "%d records, where there are %d items", x.n, p.Items.Size)
	}
	for i, a := range p.Accounts {
		if x.included[i] != a.Included {
			return fail(CountsMismatch, bag.IndexJSONL, "%d items of account %s, package.json says %d", x.included[i], show(a.Account), a.Included)
		}
		if a.Admitted != nil && x.admitted[i] != *a.Admitted {
			return fail(CountsMismatch, bag.IndexJSONL, "%d items of account %s were admitted by a reviewer, package.json says %d", x.admitted[i], show(a.Account), *a.Admitted)
		}
	}
	reasons := make(map[string]int64)
	for _, r := range p.Exceptions {
		reasons[r.Reason] = r.Count
	}
	if !maps.Equal(reasons, x.reasons) {
		return fail(CountsMismatch, bag.IndexJSONL, "has other exceptions than package.json")
	}
	if p.Type != bag.PackageTypeV1 {
		if err := x.tables.compare(x.c.payload); err != nil {
			return err
		}
	}
	if sign.Digest(x.exceptions.Sum(nil)) != x.c.payload[bag.ExceptionsCSV] {
		return fail(CountsMismatch, bag.ExceptionsCSV, "says something other than the index")
	}
	if x.tree.Root() != p.Items.Root {
		return fail(TreeMismatch, bag.IndexJSONL, "the records do not give the root of the item tree")
	}
	return x.shown.compare(x.c.payload)
}

// treeFiles checks that the files of the item tree are those of the records.
func (x *indexCheck) treeFiles() error {
	c := x.c
	for level, h := range x.levels {
		name := bag.TreeName(level)
		want, ok := c.tags[name]
		if !ok || want != sign.Digest(h.Sum(nil)) {
			return fail(TreeMismatch, name, "is not what the records give")
		}
		if _, err := c.file(c.ctx, name, want, nil); err != nil {
			return err
		}
	}
	if _, ok := c.tags[bag.TreeName(len(x.levels))]; ok {
		return fail(TreeMismatch, bag.TreeName(len(x.levels)), "is a level that the item tree does not have")
	}
	if len(c.tags) != len(bag.TagFiles())+len(x.levels)-1 {
		return fail(TreeMismatch, bag.TreeDir, "has levels that the item tree does not have")
	}
	return nil
}

// lines reads lines of bounded length, each ended by LF.
type lines struct {
	r *bufio.Reader
	n int
}

func newLines(r io.Reader, most int) *lines { return &lines{bufio.NewReaderSize(r, most+1), most} }

// next returns the next line without its end, valid until the next call, or
// io.EOF. What is wrong with a line wraps bag.ErrInvalid.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	switch {
	case err == io.EOF && len(line) == 0:
		return nil, io.EOF
	case err == io.EOF:
		return nil, fmt.Errorf("%w: last line has no end", bag.ErrInvalid)
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, &sign.LimitError{What: "line", Limit: l.n}
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}
