package open

import (
	"io"

	"exhibit/export/bag"
)

// sourceCursor follows sources.jsonl beside the index. Both are in the order of
// reading, so each record is of the source file at hand or of the next one.
type sourceCursor struct {
	lines    *lines
	accounts map[string]int // place of each account in list
	list     []bag.Account
	current  *bag.SourceLine
	behind   int64 // of the last item, in the file at hand
}

// follow finds a record's source file and checks that its bytes lie within it,
// behind those of the item before.
func (s *sourceCursor) follow(rec *bag.ItemRecord) error {
	if !s.holds(rec) {
		if err := s.advance(); err != nil {
			return err
		}
		if !s.holds(rec) {
			return fail(SourcesMismatch, bag.SourcesJSONL, "does not name the source of %s where it should", rec.Exhibit)
		}
	}
	span := rec.Source
	if s.current.Container == nil && span.Length > s.current.Size-span.Offset {
		return fail(SourcesMismatch, bag.SourcesJSONL, "the source of %s ends before the item does", rec.Exhibit)
	}
	s.behind = span.Offset + span.Length
	return nil
}

// holds says whether an item may be of the source file at hand.
func (s *sourceCursor) holds(rec *bag.ItemRecord) bool {
	c, span := s.current, rec.Source
	if c == nil || c.Account != rec.Account || c.Number != span.Number || c.File != span.File {
		return false
	}
	same := (c.Container == nil) == (span.Container == nil) && (c.Container == nil || *c.Container == *span.Container)
	return same && span.Offset >= s.behind
}

// advance reads the next source file.
func (s *sourceCursor) advance() error {
	line, err := s.lines.next()
	if err == io.EOF {
		return fail(SourcesMismatch, bag.SourcesJSONL, "ends before the index does")
	}
	if err != nil {
		return asFailure(SourcesMismatch, bag.SourcesJSONL, err)
	}
	next, err := bag.ParseSource(line)
	if err != nil {
		return asFailure(SourcesMismatch, bag.SourcesJSONL, err)
	}
	place, known := s.accounts[next.Account]
	if !known || s.current != nil && (next.Number < s.current.Number || place < s.accounts[s.current.Account]) {
		return fail(SourcesMismatch, bag.SourcesJSONL, "is not in the order of reading")
	}
	if a := &s.list[place]; a.Place != nil && !a.Asks(bag.CategoryContent) {
		return fail(SourcesMismatch, bag.SourcesJSONL, "lists a file of account %s, which is not asked for content", show(a.Account))
	}
	s.current, s.behind = next, 0
	return nil
}

// end says whether every source file was one of an item.
func (s *sourceCursor) end() error {
	switch _, err := s.lines.next(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return asFailure(SourcesMismatch, bag.SourcesJSONL, err)
	}
	return fail(SourcesMismatch, bag.SourcesJSONL, "names a file that no item came from")
}
