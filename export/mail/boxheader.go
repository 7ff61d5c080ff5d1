package mail

import (
	"bytes"
	"slices"
	"strconv"
)

// boxHeader is what the splitter and its reader take from the header of a
// message in an mbox.
type boxHeader struct {
	body   int   // where the body begins in the message; 0 when the header does not end
	length int64 // what Content-Length says, in bytes; -1 without one, -2 when it is not to be read
	gmail  bool  // it has a field that Gmail adds, above all that another server added
	flags  []string

	received bool
}

// valid reports whether the header ends and has a single Content-Length, of
// whatever number of fields.
func (h *boxHeader) valid() bool { return h.body > 0 && h.length >= 0 }

// header reads the header that msg begins with.
func (e ends) header(msg []byte) boxHeader {
	h := boxHeader{length: -1}
	for pos := 0; pos < len(msg); {
		rest := msg[pos:]
		if n := e.end(rest); n > 0 {
			h.body = pos + n
			break
		}
		n := e.line(rest)
		if n == 0 {
			n = len(rest)
		}
		h.field(rest[:n])
		pos += n
	}
	slices.Sort(h.flags)
	h.flags = slices.Compact(h.flags)
	return h
}

// field takes what there is to be taken from a line of the header.
func (h *boxHeader) field(line []byte) {
	switch line[0] | 0x20 {
	case 'c':
		if value, ok := cutField(line, "content-length"); ok {
			h.setLength(value)
		}
	case 'r':
		if !h.received {
			_, received := cutField(line, "received")
			_, path := cutField(line, "return-path")
			h.received = received || path
		}
	case 's':
		if value, ok := cutField(line, "status"); ok {
			h.addStatus(value)
		}
	case 'x':
		h.extension(line)
	}
}

// extension takes what there is to be taken from a field `X-…`.
func (h *boxHeader) extension(line []byte) {
	if value, ok := cutField(line, "x-status"); ok {
		h.addStatus(value)
	} else if value, ok := cutField(line, "x-mozilla-status"); ok {
		h.addMozilla(value)
	} else if !h.received {
		_, thread := cutField(line, "x-gm-thrid")
		_, labels := cutField(line, "x-gmail-labels")
		h.gmail = h.gmail || thread || labels
	}
}

// setLength takes a Content-Length. Two that differ tell nothing.
func (h *boxHeader) setLength(value []byte) {
	v, ok := decimal(value)
	if !ok || h.length != -1 && v != h.length {
		v = -2
	}
	h.length = v
}

// statusNames are the letters of Status and X-Status; O (old) says nothing of
// the message.
var statusNames = map[byte]string{'R': "Seen", 'A': "Replied", 'F': "Flagged", 'T': "Draft", 'D': "Trashed"}

// addStatus takes the flags of a Status or X-Status field, in which mail readers
// keep them in an mbox.
func (h *boxHeader) addStatus(value []byte) {
	for _, c := range value {
		if name, ok := statusNames[c]; ok {
			h.flags = append(h.flags, name)
		}
	}
}

// mozillaNames are the bits of X-Mozilla-Status that say something of the
// message (nsMsgMessageFlags of Mozilla's mail code).
var mozillaNames = []struct {
	bit  uint64
	name string
}{{0x1, "Seen"}, {0x2, "Replied"}, {0x4, "Flagged"}, {0x8, "Trashed"}, {0x1000, "Passed"}}

// addMozilla takes the flags of an X-Mozilla-Status field: 16 bits as hex digits.
func (h *boxHeader) addMozilla(value []byte) {
	bits, err := strconv.ParseUint(string(value), 16, 16)
	if err != nil {
		return
	}
	for _, m := range mozillaNames {
		if bits&m.bit != 0 {
			h.flags = append(h.flags, m.name)
		}
	}
}

// afterLength returns how many bytes follow the end that the Content-Length of a
// message gives it, and whether it lands: none follow, or a line end.
func (e ends) afterLength(msg []byte, h boxHeader) (after int, landed bool) {
	if !h.valid() {
		return 0, false
	}
	rest := int64(len(msg)-h.body) - h.length
	if rest < 0 || rest > 2 {
		return 0, false
	}
	after = int(rest)
	return after, after == 0 || e.end(msg[len(msg)-after:]) == after
}

// cutField returns the value of a header line when its field has the name.
func cutField(line []byte, name string) (value []byte, ok bool) {
	if len(line) <= len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	rest := bytes.TrimLeft(line[len(name):], " \t")
	if len(rest) == 0 || rest[0] != ':' {
		return nil, false
	}
	return bytes.TrimSpace(rest[1:]), true
}

func decimal(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
