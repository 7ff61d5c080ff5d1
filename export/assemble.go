package export

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/spool"
	"exhibit/sign"
	"exhibit/sign/merkle"
)

// assembler takes what workers packed, in order, puts it into volumes, and keeps
// what the files after the items are made of. All that it keeps on disk is
// encrypted under a key in memory; its memory does not grow with the items.
type assembler struct {
	volumes *volumes
	spools  *spools

	index, csv, dat *spool.Spool // data/index.*
	exceptions      *spool.Spool
	traffic         *spool.Spool // data/traffic.csv
	subscriber      *spool.Spool // data/subscriber.csv
	payload         *spool.Spool // lines of manifest-sha256.txt for the items
	sources         *spool.Spool // sources.jsonl
	locators        *spool.Spool
	levels          []*spool.Spool // item-tree/…

	csvIndex       *bag.CSVIndex
	datIndex       *bag.DATIndex
	exceptRows     *bag.ExceptionsCSVWriter
	trafficRows    *bag.TrafficCSVWriter
	subscriberRows *bag.SubscriberCSVWriter
	lines          *bag.ManifestWriter
	tree           *merkle.Builder

	items     int64
	octets    int64
	reasons   map[string]int64 // of exceptions
	indexSize int64

	// of group 2 and the tail
	pack     *packer
	contents []bag.Content
	digests  map[string]sign.Digest
}

// spools makes spools and closes them all.
type spools struct {
	dir  string
	open []*spool.Spool
}

func (s *spools) make() (*spool.Spool, error) {
	sp, err := spool.New(s.dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s.open = append(s.open, sp)
	return sp, nil
}

func (s *spools) close() {
	for _, sp := range s.open {
		sp.Close()
	}
	s.open = nil
}

func newAssembler(v *volumes, tempDir string) (*assembler, error) {
	a := &assembler{volumes: v, spools: &spools{dir: tempDir}, reasons: map[string]int64{}, digests: map[string]sign.Digest{}}
	for _, p := range []**spool.Spool{&a.index, &a.csv, &a.dat, &a.exceptions, &a.traffic, &a.subscriber, &a.payload, &a.sources, &a.locators} {
		sp, err := a.spools.make()
		if err != nil {
			a.close()
			return nil, err
		}
		*p = sp
	}
	var err error
	if a.csvIndex, err = bag.NewCSVIndex(a.csv, bag.ItemType); err == nil {
		a.datIndex, err = bag.NewDATIndex(a.dat, bag.ItemType)
	}
	if err == nil {
		a.exceptRows, err = bag.NewExceptionsCSV(a.exceptions)
	}
	if err == nil {
		a.trafficRows, err = bag.NewTrafficCSV(a.traffic)
	}
	if err == nil {
		a.subscriberRows, err = bag.NewSubscriberCSV(a.subscriber)
	}
	if err != nil {
		a.close()
		return nil, fmt.Errorf("spool: %w", err)
	}
	a.lines = bag.NewManifestWriter(a.payload)
	a.tree = merkle.NewBuilder(a.treeHash)
	return a, nil
}

func (a *assembler) close() { a.spools.close() }

func (a *assembler) treeHash(level int, h merkle.Hash) error {
	if err := a.treeLevel(level); err != nil {
		return err
	}
	_, err := a.levels[level].Write(h[:])
	return err
}

func (a *assembler) treeLevel(level int) error {
	for len(a.levels) <= level {
		sp, err := a.spools.make()
		if err != nil {
			return err
		}
		a.levels = append(a.levels, sp)
	}
	return nil
}

// join takes one unit's chunks and items, in order.
func (a *assembler) join(p packed) error {
	next := 0
	for _, c := range p.chunks {
		places, err := a.volumes.append(c)
		if err != nil {
			return err
		}
		for _, at := range places {
			if err := a.item(p.items[next], at); err != nil {
				return err
			}
			next++
		}
	}
	return nil
}

func (a *assembler) item(it packedItem, at place) error {
	rec := it.record
	locator, err := bag.Locator{
		Volume: at.volume, Offset: at.offset, Length: at.size, Record: a.indexSize, RecordLength: int64(len(it.line)),
	}.Line()
	if err != nil {
		return fmt.Errorf("locate %s: %w", rec.Exhibit, err)
	}
	if err := firstErrorOf(
		func() error { return writeAll(a.locators, locator) },
		func() error { return writeAll(a.index, it.line, []byte{'\n'}) },
		func() error { return a.csvIndex.Add(it.rows) },
		func() error { return a.datIndex.Add(it.rows) },
		func() error { return a.exceptRows.Add(rec) },
		func() error { return a.row(it) },
		func() error { return a.lines.Add(rec.File, rec.SHA256) },
		func() error { return a.tree.Add(it.leaf) },
	); err != nil {
		return fmt.Errorf("index %s: %w", rec.Exhibit, err)
	}
	a.indexSize += int64(len(it.line)) + 1
	a.items++
	a.octets += rec.Size
	if rec.Exception != nil {
		a.reasons[*rec.Exception]++
	}
	return nil
}

// row adds a traffic or subscriber record to its table.
func (a *assembler) row(it packedItem) error {
	switch {
	case it.traffic != nil:
		return a.trafficRows.Add(it.record.Exhibit, it.traffic)
	case it.subscriber != nil:
		return a.subscriberRows.Add(it.record.Exhibit, it.subscriber)
	}
	return nil
}

// source adds a line to sources.jsonl.
func (a *assembler) source(s *bag.SourceLine) error {
	line, err := bag.MarshalSource(s)
	if err != nil {
		return err
	}
	return writeAll(a.sources, line, []byte{'\n'})
}

// exceptionCounts gives the reasons that occurred, sorted.
func (a *assembler) exceptionCounts() []bag.ReasonCount { return reasonCounts(a.reasons) }

func reasonCounts(m map[string]int64) []bag.ReasonCount {
	out := make([]bag.ReasonCount, 0, len(m))
	for reason, n := range m {
		out = append(out, bag.ReasonCount{Reason: reason, Count: n})
	}
	slices.SortFunc(out, func(x, y bag.ReasonCount) int { return strings.Compare(x.Reason, y.Reason) })
	return out
}

// beginFiles starts the files that follow the items.
func (a *assembler) beginFiles() error {
	p, err := newPacker(func(c chunk) error {
		places, err := a.volumes.append(c)
		if err != nil {
			return err
		}
		for i, at := range places {
			a.contents = append(a.contents, bag.Content{Name: c.entries[i].name, Volume: at.volume, Offset: at.offset, Length: at.size})
		}
		return nil
	})
	a.pack = p
	return err
}

// file adds one file from memory.
func (a *assembler) file(name string, data []byte) error {
	return a.stream(name, int64(len(data)), bytes.NewReader(data))
}

// spooled adds one file from a spool.
func (a *assembler) spooled(name string, sp *spool.Spool) error {
	r, err := sp.Reader()
	if err != nil {
		return fmt.Errorf("spool of %s: %w", name, err)
	}
	defer r.Close()
	return a.stream(name, sp.Size(), r)
}

func (a *assembler) stream(name string, size int64, r io.Reader) error {
	sum, err := a.pack.add(name, size, r)
	if err != nil {
		return err
	}
	a.digests[name] = sum
	if strings.HasPrefix(name, bag.DataDir+"/") {
		a.octets += size
	}
	return nil
}

// payloadManifest makes manifest-sha256.txt: the items' lines, which are in the
// spool, among those of the other payload files, in bytewise order.
func (a *assembler) payloadManifest() (*spool.Spool, int64, error) {
	out, err := a.spools.make()
	if err != nil {
		return nil, 0, err
	}
	var before, after []string
	for name := range a.digests {
		switch {
		case !strings.HasPrefix(name, bag.DataDir+"/"):
		case name < bag.MessagesDir+"/":
			before = append(before, name)
		default:
			after = append(after, name)
		}
	}
	files := a.items + int64(len(before)+len(after))
	w := bag.NewManifestWriter(out)
	if err := a.manifestLines(w, before); err != nil {
		return nil, 0, err
	}
	r, err := a.payload.Reader()
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	if err := bag.ReadManifest(r, w.Add); err != nil {
		return nil, 0, err
	}
	return out, files, a.manifestLines(w, after)
}

func (a *assembler) manifestLines(w *bag.ManifestWriter, names []string) error {
	slices.Sort(names)
	for _, name := range names {
		if err := w.Add(name, a.digests[name]); err != nil {
			return err
		}
	}
	return nil
}

// tagManifest makes tagmanifest-sha256.txt over the tag files so far and those
// given, which follow in the tail.
func (a *assembler) tagManifest(more map[string][]byte) ([]byte, error) {
	var names []string
	for name := range a.digests {
		if !strings.HasPrefix(name, bag.DataDir+"/") {
			names = append(names, name)
		}
	}
	for name, data := range more {
		a.digests[name] = sha256.Sum256(data)
		names = append(names, name)
	}
	var b bytes.Buffer
	err := a.manifestLines(bag.NewManifestWriter(&b), names)
	return b.Bytes(), err
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
