package subscriber

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lines reads CSV (RFC 4180). The standard library's reader is not used, as it
// makes LF of CR LF within quotes and has no bound on a line.
type lines struct {
	r      *bufio.Reader
	line   int64 // line ends read so far
	size   int   // bytes of the record at hand
	record []byte
	ends   []int // where in record each field ends
	most   int   // fields that a record may have
}

// maxHeader bounds the fields of a header line, most of which are then not on
// any list.
const maxHeader = 4096

func (t *table) readCSV(r io.Reader) error {
	l := &lines{r: bufio.NewReader(r), most: maxHeader}
	l.skipMark()
	places, err := t.header(l)
	if err != nil {
		return &RecordError{Line: 1, Err: err}
	}
	l.most = len(places)
	values := make([][]byte, len(t.list.Columns))
	for {
		t.line = l.line + 1
		err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return t.wrong("", err)
		}
		if len(l.ends) != len(places) {
			return t.wrong("", fmt.Errorf("%w: %d, the header has %d", ErrFields, len(l.ends), len(places)))
		}
		for i, place := range places {
			values[place] = l.field(i)
		}
		if err := t.take(values); err != nil {
			return err
		}
	}
}

// header reads the header line, and returns each field's place in the list.
func (t *table) header(l *lines) ([]int, error) {
	err := l.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: no header line", ErrSyntax)
	}
	if err != nil {
		return nil, err
	}
	places := make([]int, len(l.ends))
	seen := make([]bool, len(t.list.Columns))
	for i := range places {
		column := string(l.field(i))
		place, err := t.list.place(column)
		if err != nil {
			return nil, err
		}
		if seen[place] {
			return nil, fmt.Errorf("%w: %s", ErrTwice, column)
		}
		seen[place] = true
		places[i] = place
	}
	return places, nil
}

// skipMark skips a byte order mark.
func (l *lines) skipMark() {
	const mark = "\xef\xbb\xbf"
	if b, err := l.r.Peek(len(mark)); err == nil && string(b) == mark {
		_, _ = l.r.Discard(len(mark)) // it is in the buffer
	}
}

// field returns the bytes of a field, which are good until the next record.
func (l *lines) field(i int) []byte {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.record[start:l.ends[i]]
}

// next reads a record. It returns io.EOF itself when there is none.
func (l *lines) next() error {
	l.size, l.record, l.ends = 0, l.record[:0], l.ends[:0]
	if _, err := l.r.Peek(1); err != nil {
		return err
	}
	for {
		last, err := l.readField()
		if err != nil {
			return err
		}
		l.ends = append(l.ends, len(l.record))
		if last {
			return nil
		}
		if len(l.ends) == l.most {
			return fmt.Errorf("%w: more than %d", ErrFields, l.most)
		}
	}
}

// end is what read returns at the end of the table.
const end = -1

// read returns the next byte, or end.
func (l *lines) read() (int, error) {
	c, err := l.r.ReadByte()
	if errors.Is(err, io.EOF) {
		return end, nil
	}
	if err != nil {
		return 0, err
	}
	l.size++
	if l.size > MaxRecord {
		return 0, fmt.Errorf("%w: record of more than %d bytes", ErrLimit, MaxRecord)
	}
	if c == '\n' {
		l.line++
	}
	return int(c), nil
}

// readField reads a field with what ends it, and says whether it is the
// record's last.
func (l *lines) readField() (last bool, err error) {
	c, err := l.read()
	if err != nil {
		return false, err
	}
	if c == '"' {
		if c, err = l.readQuoted(); err != nil {
			return false, err
		}
		if c != ',' && c != '\r' && c != '\n' && c != end {
			return false, fmt.Errorf("%w: text after a closing quote", ErrSyntax)
		}
	} else if c, err = l.readBare(c); err != nil {
		return false, err
	}
	if c == '\r' {
		if c, err = l.read(); err != nil {
			return false, err
		}
		if c != '\n' {
			return false, fmt.Errorf("%w: CR without LF outside of quotes", ErrSyntax)
		}
	}
	return c != ',', nil
}

// readBare reads a field without quotes from its first byte on, and returns
// what ends it.
func (l *lines) readBare(c int) (int, error) {
	for {
		switch c {
		case ',', '\r', '\n', end:
			return c, nil
		case '"':
			return 0, fmt.Errorf("%w: quote within a field that has none around it", ErrSyntax)
		}
		l.record = append(l.record, byte(c))
		var err error
		if c, err = l.read(); err != nil {
			return 0, err
		}
	}
}

// readQuoted reads a field from behind its opening quote, and returns what
// follows its closing one.
func (l *lines) readQuoted() (int, error) {
	for {
		c, err := l.read()
		if err != nil {
			return 0, err
		}
		if c == '"' {
			if c, err = l.read(); err != nil || c != '"' {
				return c, err
			}
		}
		if c == end {
			return 0, fmt.Errorf("%w: no closing quote", ErrSyntax)
		}
		l.record = append(l.record, byte(c))
	}
}
