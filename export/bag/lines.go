package bag

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"exhibit/sign"
)

// ManifestWriter writes a BagIt manifest (RFC 8493, section 2.1.3): digest, two
// blanks, name, LF. The names of section 5 need no percent-encoding.
type ManifestWriter struct {
	w    io.Writer
	last string
}

// NewManifestWriter returns a writer of a manifest to w.
func NewManifestWriter(w io.Writer) *ManifestWriter { return &ManifestWriter{w: w} }

// Add writes a line. Names come in bytewise order, each once; other ones are
// refused with an error that wraps ErrInvalid.
func (m *ManifestWriter) Add(name string, digest sign.Digest) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if name <= m.last {
		return invalid("%s after %s in a manifest", quote(name), quote(m.last))
	}
	m.last = name
	_, err := io.WriteString(m.w, hex.EncodeToString(digest[:])+"  "+name+"\n")
	return err
}

// ReadManifest reads what a ManifestWriter wrote, and calls add for each line.
// Errors of add end it and are returned as they are.
func ReadManifest(r io.Reader, add func(name string, digest sign.Digest) error) error {
	last := ""
	return readLines(r, func(line string) error {
		digest, name, err := parseManifestLine(line)
		if err != nil {
			return err
		}
		if name <= last {
			return invalid("%s after %s in a manifest", quote(name), quote(last))
		}
		last = name
		return add(name, digest)
	})
}

func parseManifestLine(line string) (digest sign.Digest, name string, err error) {
	const width = 2 * len(digest)
	if len(line) < width+3 || line[width:width+2] != "  " {
		return digest, "", invalid("manifest line %s", quote(line))
	}
	raw, err := hex.DecodeString(line[:width])
	if err != nil || hex.EncodeToString(raw) != line[:width] {
		return digest, "", invalid("digest in manifest line %s", quote(line))
	}
	name = line[width+2:]
	if err := CheckName(name); err != nil {
		return digest, "", err
	}
	return sign.Digest(raw), name, nil
}

// readLines gives each line, without its LF, to f. A line longer than
// MaxLineBytes and a last line without LF are refused.
func readLines(r io.Reader, f func(line string) error) error {
	br := bufio.NewReaderSize(r, MaxLineBytes+1)
	for {
		line, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return invalid("last line has no end")
		case errors.Is(err, bufio.ErrBufferFull):
			return invalid("line longer than %d bytes", MaxLineBytes)
		case err != nil:
			return err
		}
		if err := f(string(line[:len(line)-1])); err != nil {
			return err
		}
	}
}

// LocatorSize is the size of a line of locators.txt.
const LocatorSize = 64

// Locator tells where one item is (section 8). Offsets are in bytes.
type Locator struct {
	Volume       int   // from 1
	Offset       int64 // of the file's content in that volume's archive
	Length       int64 // of the content
	Record       int64 // offset of the record in data/index.jsonl
	RecordLength int64 // of the record without its LF
}

// Line returns the locator's line with its LF, of LocatorSize bytes.
func (l Locator) Line() ([]byte, error) {
	s := fmt.Sprintf("%04d %015d %015d %015d %010d\n", l.Volume, l.Offset, l.Length, l.Record, l.RecordLength)
	if len(s) != LocatorSize || strings.Contains(s, "-") {
		return nil, invalid("locator %+v", l)
	}
	return []byte(s), nil
}

// ParseLocator is the inverse of Locator.Line.
func ParseLocator(line []byte) (Locator, error) {
	var l Locator
	if len(line) != LocatorSize {
		return l, invalid("locator of %d bytes", len(line))
	}
	var n [5]int64
	for i, at := range [5][2]int{{0, 4}, {5, 20}, {21, 36}, {37, 52}, {53, 63}} {
		v, ok := digits(string(line[at[0]:at[1]]))
		if !ok {
			return l, invalid("locator %s", quote(string(line)))
		}
		n[i] = v
	}
	l = Locator{int(n[0]), n[1], n[2], n[3], n[4]}
	if again, err := l.Line(); err != nil || string(again) != string(line) || l.Volume < 1 {
		return Locator{}, invalid("locator %s", quote(string(line)))
	}
	return l, nil
}

// Content tells where a file of group 2 is (section 8).
type Content struct {
	Name   string
	Volume int   // from 1
	Offset int64 // of the file's content in that volume's archive
	Length int64
}

// MarshalContents returns contents.txt.
func MarshalContents(list []Content) ([]byte, error) {
	var b strings.Builder
	for _, c := range list {
		line := fmt.Sprintf("%04d %015d %015d %s\n", c.Volume, c.Offset, c.Length, c.Name)
		if got, err := parseContent(line[:len(line)-1]); err != nil || got != c {
			return nil, invalid("content %+v", c)
		}
		b.WriteString(line)
	}
	return []byte(b.String()), nil
}

// ParseContents is the inverse of MarshalContents. Each name stands once.
func ParseContents(data []byte) (map[string]Content, error) {
	list := make(map[string]Content)
	err := readLines(strings.NewReader(string(data)), func(line string) error {
		c, err := parseContent(line)
		if err != nil {
			return err
		}
		if _, twice := list[c.Name]; twice {
			return wrong(ErrDuplicate, c.Name)
		}
		list[c.Name] = c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func parseContent(line string) (Content, error) {
	if len(line) < 38 || line[4] != ' ' || line[20] != ' ' || line[36] != ' ' {
		return Content{}, invalid("contents line %s", quote(line))
	}
	volume, ok1 := digits(line[:4])
	offset, ok2 := digits(line[5:20])
	length, ok3 := digits(line[21:36])
	if !ok1 || !ok2 || !ok3 || volume < 1 {
		return Content{}, invalid("contents line %s", quote(line))
	}
	c := Content{Name: line[37:], Volume: int(volume), Offset: offset, Length: length}
	return c, CheckName(c.Name)
}
