package normalize

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrTransforms is wrapped by every error of [Invert].
var ErrTransforms = errors.New("transforms cannot be undone")

// Invert undoes transforms, the last first, and returns the source. It is
// strict: the transforms have to be known, each at most once and in the order
// in which they are applied, with exactly their members, written as
// [Normalize] writes them, and they have to fit the bytes.
func Invert(out []byte, transforms []Transform) ([]byte, error) {
	if err := checkOrder(transforms); err != nil {
		return nil, err
	}
	b := out
	for i := len(transforms) - 1; i >= 0; i-- {
		t := transforms[i]
		var err error
		switch t.Name {
		case UTF8BOM:
			b = slices.Concat(utf8BOM, b)
		case MboxSeparator:
			b, err = restoreSeparator(b, t)
		case MboxrdQuoting:
			b = quote(b)
		case LineEnds:
			b, err = restoreLineEnds(b, t.Runs)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrTransforms, t.Name, err)
		}
	}
	return b, nil
}

// checkOrder holds the names, their order and the members of each.
func checkOrder(transforms []Transform) error {
	names := []string{UTF8BOM, MboxSeparator, MboxrdQuoting, LineEnds}
	next := 0
	for _, t := range transforms {
		for next < len(names) && names[next] != t.Name {
			next++
		}
		if next == len(names) {
			return fmt.Errorf("%w: %q is unknown or out of order", ErrTransforms, t.Name)
		}
		next++
		separator := t.Line != "" || t.Trailer != ""
		if separator != (t.Name == MboxSeparator) || (t.Runs != "") != (t.Name == LineEnds) {
			return fmt.Errorf("%w: members of %q", ErrTransforms, t.Name)
		}
	}
	return nil
}

func restoreSeparator(b []byte, t Transform) ([]byte, error) {
	line, err := decode(t.Line, maxLineBytes)
	if err != nil {
		return nil, fmt.Errorf("line: %w", err)
	}
	trailer, err := decode(t.Trailer, maxTrailerBytes)
	if err != nil {
		return nil, fmt.Errorf("trailer: %w", err)
	}
	return slices.Concat(line, b, trailer), nil
}

// decode reads canonical base64 of at most so many bytes.
func decode(s string, most int) ([]byte, error) {
	if base64.StdEncoding.DecodedLen(len(s)) > most+2 {
		return nil, errors.New("too long")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	if len(b) > most {
		return nil, errors.New("too long")
	}
	if base64.StdEncoding.EncodeToString(b) != s {
		return nil, errors.New("not canonical")
	}
	return b, nil
}

// restoreLineEnds gives the line ends of b, all of which have to be CRLF, back
// what runs says.
func restoreLineEnds(b []byte, runs string) ([]byte, error) {
	if len(runs) > maxRunsBytes {
		return nil, errors.New("too many runs")
	}
	n := bytes.Count(b, []byte("\n"))
	if n == 0 || bytes.Count(b, []byte("\r")) != n {
		return nil, errNotCRLF
	}
	out := make([]byte, 0, len(b))
	if runs == "L*" || runs == "R*" {
		out, b, err := appendRun(out, b, runs[0], n)
		return append(out, b...), err
	}
	several := false
	last := byte(0)
	for rest := runs; rest != ""; several = true {
		run, tail, more := strings.Cut(rest, " ")
		if more && tail == "" {
			return nil, errors.New("runs end with a space")
		}
		kind, count, err := parseRun(run, last, n)
		if err != nil {
			return nil, err
		}
		if !more && !several {
			return nil, errors.New("a single run not written short")
		}
		if out, b, err = appendRun(out, b, kind, count); err != nil {
			return nil, err
		}
		last, n, rest = kind, n-count, tail
	}
	if n != 0 {
		return nil, errors.New("fewer line ends than there are")
	}
	return append(out, b...), nil
}

// parseRun reads one run that follows a run of kind last, of at most most lines.
func parseRun(run string, last byte, most int) (kind byte, count int, err error) {
	if len(run) < 2 || (run[0] != 'L' && run[0] != 'C') || run[0] == last {
		return 0, 0, fmt.Errorf("run %q", run)
	}
	count, err = strconv.Atoi(run[1:])
	if err != nil || count < 1 || strconv.Itoa(count) != run[1:] {
		return 0, 0, fmt.Errorf("run %q", run)
	}
	if count > most {
		return 0, 0, errors.New("more line ends than there are")
	}
	return run[0], count, nil
}

var errNotCRLF = errors.New("line ends other than crlf")

// appendRun moves count lines from b, which has as many, to out, with line ends
// of one kind.
func appendRun(out, b []byte, kind byte, count int) (to, rest []byte, err error) {
	for range count {
		i := bytes.IndexByte(b, '\n')
		if i < 1 || b[i-1] != '\r' {
			return nil, nil, errNotCRLF
		}
		switch kind {
		case 'L':
			out = append(append(out, b[:i-1]...), '\n')
		case 'R':
			out = append(out, b[:i]...)
		case 'C':
			out = append(out, b[:i+1]...)
		}
		b = b[i+1:]
	}
	return out, b, nil
}
