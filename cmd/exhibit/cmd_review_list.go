package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"exhibit/export"
	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/statement"
)

// The list of undetermined items: CSV as export/FORMAT.md section 10 has it. Export
// writes it with no ground, a person fills in the ground of what is to be admitted,
// and review reads it.
const (
	columnAccount = "account"
	columnSHA256  = "sha256"
	columnGround  = "ground"
)

var listColumns = []string{columnAccount, "file", "offset", "length", columnSHA256, "reason", columnGround}

// maxList bounds a list that is read, in bytes.
const maxList = 256 << 20

// errList says that a list of undetermined items cannot be read.
var errList = errors.New("no list of undetermined items")

// A listWriter writes the list into a file that is whole or not there.
type listWriter struct {
	path string
	temp *os.File
	buf  *bufio.Writer
}

// unlisted makes sure that nothing lies at the path of a list.
func unlisted(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s: %w", path, errListExists)
	case !errors.Is(err, fs.ErrNotExist):
		return plainPathError(err)
	}
	return nil
}

// newList begins a list.
func newList(path string) (*listWriter, error) {
	if err := unlisted(path); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".undetermined-*") // readable by its owner only
	if err != nil {
		return nil, plainPathError(err)
	}
	l := &listWriter{path: path, temp: temp, buf: bufio.NewWriter(temp)}
	if err := l.line(listColumns); err != nil {
		l.drop()
		return nil, plainPathError(err)
	}
	return l, nil
}

var errListExists = errors.New("is there already")

// add writes the line of one item.
func (l *listWriter) add(n export.Noted) error {
	return l.line([]string{
		n.Account, strings.ToValidUTF8(n.File, "\uFFFD"), strconv.FormatInt(n.Offset, 10), strconv.FormatInt(n.Length, 10), n.SHA256.String(), n.Reason, "",
	})
}

// line writes one line.
func (l *listWriter) line(cells []string) error { return bag.WriteCSV(l.buf, cells) }

// keep gives the list its name.
func (l *listWriter) keep() error {
	defer l.drop()
	if err := l.buf.Flush(); err != nil {
		return plainPathError(err)
	}
	if err := l.temp.Sync(); err != nil {
		return plainPathError(err)
	}
	// A hard link fails where a rename would overwrite.
	if err := os.Link(l.temp.Name(), l.path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", l.path, errListExists)
		}
		return fmt.Errorf("write %s: %w", l.path, err)
	}
	return nil
}

// tell gives what an export tells of its undetermined items; nil without a list.
func (l *listWriter) tell() func(export.Noted) error {
	if l == nil {
		return nil
	}
	return l.add
}

// drop takes away what has no name yet.
func (l *listWriter) drop() {
	if l == nil {
		return
	}
	l.temp.Close()
	os.Remove(l.temp.Name())
}

// readAdmitted reads which items of a list are admitted: those with a ground.
func readAdmitted(path string) ([]statement.Admitted, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plainPathError(err)
	}
	defer f.Close()
	list, err := parseAdmitted(f, maxList)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, plainPathError(err))
	}
	return list, nil
}

// parseAdmitted reads a list of at most limit bytes. Lines of the same bytes say
// the same of them, or nothing is admitted: the digest is all that counts.
func parseAdmitted(r io.Reader, limit int64) ([]statement.Admitted, error) {
	bounded := &io.LimitedReader{R: r, N: limit + 1}
	buf := bufio.NewReader(bounded)
	if mark, err := buf.Peek(3); err == nil && string(mark) == "\uFEFF" {
		buf.Discard(3)
	}
	table := csv.NewReader(buf)
	table.ReuseRecord = true
	head, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errList, err)
	}
	columns, err := listPlaces(head)
	if err != nil {
		return nil, err
	}
	a := admitting{grounds: map[itemKey]string{}, lines: map[itemKey]int{}}
	for {
		cells, err := table.Read()
		if bounded.N <= 0 {
			return nil, fmt.Errorf("%w: more than %d bytes", errList, limit)
		}
		if err == io.EOF {
			return a.admitted(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errList, err)
		}
		line, _ := table.FieldPos(0)
		if err := a.add(cells, columns, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// listPlaces finds the columns that count: account, sha256, ground.
func listPlaces(head []string) (places [3]int, err error) {
	for i, name := range []string{columnAccount, columnSHA256, columnGround} {
		places[i] = slices.Index(head, name)
		if places[i] < 0 {
			return places, fmt.Errorf("%w: no column %s in the first line, which is %q", errList, name, strings.Join(head, ","))
		}
		if slices.Contains(head[places[i]+1:], name) {
			return places, fmt.Errorf("%w: two columns %s", errList, name)
		}
	}
	return places, nil
}

type itemKey struct {
	account string
	digest  sign.Digest
}

// admitting gathers the items of a list.
type admitting struct {
	grounds map[itemKey]string
	lines   map[itemKey]int // where an item was first
	count   int             // of those with a ground
}

func (a *admitting) add(cells []string, places [3]int, line int) error {
	digest, err := sign.ParseDigest(cells[places[1]])
	if err != nil {
		return fmt.Errorf("sha256: %w", err)
	}
	key := itemKey{unguarded(cells[places[0]]), digest}
	ground := strings.TrimSpace(unguarded(cells[places[2]]))
	if key.account == "" {
		return fmt.Errorf("%w: no account", errList)
	}
	if before, ok := a.grounds[key]; ok {
		if before != ground {
			return fmt.Errorf("%w: the same bytes as in line %d, with another ground: give both the same, or none", errList, a.lines[key])
		}
		return nil
	}
	a.grounds[key], a.lines[key] = ground, line
	if ground == "" {
		return nil
	}
	if a.count++; a.count > statement.MaxAdmitted {
		return fmt.Errorf("%w: more than %d items are admitted", errList, statement.MaxAdmitted)
	}
	if len(ground) > statement.MaxGround {
		return fmt.Errorf("%w: a ground of more than %d bytes", errList, statement.MaxGround)
	}
	return nil
}

// unguarded takes away what bag.WriteCSV put before a cell.
func unguarded(cell string) string { return strings.TrimPrefix(cell, "'") }

// admitted gives the items with a ground, as a statement has them.
func (a *admitting) admitted() []statement.Admitted {
	list := make([]statement.Admitted, 0, a.count)
	for key, ground := range a.grounds {
		if ground != "" {
			list = append(list, statement.Admitted{Account: key.account, SHA256: key.digest, Ground: ground})
		}
	}
	statement.SortAdmitted(list)
	return list
}
