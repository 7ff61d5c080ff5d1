package bag

import (
	"fmt"
	"strconv"
	"strings"
)

// Kinds of items (section 6).
const (
	KindMessage    = "message"
	KindEvent      = "event"
	KindContact    = "contact"
	KindTraffic    = "traffic"
	KindSubscriber = "subscriber"
)

var extensions = map[string]string{
	KindMessage: "eml", KindEvent: "ics", KindContact: "vcf", KindTraffic: "traffic.json", KindSubscriber: "subscriber.json",
}

var kinds = map[string]string{
	"eml": KindMessage, "ics": KindEvent, "vcf": KindContact, "traffic.json": KindTraffic, "subscriber.json": KindSubscriber,
}

// Derived says whether items of a kind are derived records, without source
// bytes of their own (sections 6.1, 6.2).
func Derived(kind string) bool { return kind == KindTraffic || kind == KindSubscriber }

// ExhibitNumber returns the exhibit number of the n-th item, counted from 1 to
// MaxItems: E and seven digits.
func ExhibitNumber(n int) string { return fmt.Sprintf("E%07d", n) }

// ParseExhibit is the inverse of ExhibitNumber.
func ParseExhibit(s string) (int, error) {
	if len(s) != 8 || s[0] != 'E' {
		return 0, invalid("exhibit number %q", clip(s))
	}
	n, ok := digits(s[1:])
	if !ok || n < 1 {
		return 0, invalid("exhibit number %q", clip(s))
	}
	return int(n), nil
}

// ItemName returns the name in the bag of the n-th item, which is of the kind
// given. Of an unknown kind it returns "".
func ItemName(n int, kind string) string {
	ext, ok := extensions[kind]
	if !ok {
		return ""
	}
	return MessagesDir + "/" + ExhibitNumber(n) + "." + ext
}

// ParseItemName is the inverse of ItemName.
func ParseItemName(name string) (n int, kind string, err error) {
	base, ok := strings.CutPrefix(name, MessagesDir+"/")
	number, ext, dot := strings.Cut(base, ".")
	kind, known := kinds[ext]
	if !ok || !dot || !known {
		return 0, "", invalid("item name %q", clip(name))
	}
	n, err = ParseExhibit(number)
	return n, kind, err
}

// TreeName returns the name of the item tree's file of a level.
func TreeName(level int) string { return TreeDir + "/" + strconv.Itoa(level) }

// InstrumentName returns the name in the bag of the order's instrument, given
// the name of the file that the order states.
func InstrumentName(file string) string { return instrumentPrefix + extensionOf(file) }

// InstrumentSignatureName returns the name in the bag of the agency's signature
// over the instrument, given the name of the file that the order states.
func InstrumentSignatureName(file string) string { return signaturePrefix + extensionOf(file) }

// What the names of the instrument and of the signature over it begin with.
const (
	instrumentPrefix = OrderDir + "/instrument."
	signaturePrefix  = OrderDir + "/instrument-signature."
)

// extensionOf returns the lower-cased extension of a file's name if it is one
// that section 5 has, otherwise bin.
func extensionOf(file string) string {
	if i := strings.LastIndexByte(file, '.'); i >= 0 {
		if e := strings.ToLower(file[i+1:]); instrumentExt(e) {
			return e
		}
	}
	return "bin"
}

func instrumentExt(e string) bool {
	if len(e) < 1 || len(e) > 8 {
		return false
	}
	for _, c := range []byte(e) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// digits reads decimal digits only, at most 18 of them.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// clip shortens hostile text for an error message.
func clip(s string) string {
	if len(s) > MaxNameBytes {
		return s[:MaxNameBytes] + "…"
	}
	return s
}
