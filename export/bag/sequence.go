package bag

import (
	"errors"
	"strings"
)

// Errors of a Sequence; each also wraps ErrInvalid.
var (
	// ErrName says that a name is none of section 5.
	ErrName = errors.New("no name of a bag")
	// ErrDuplicate says that a name stood before already.
	ErrDuplicate = errors.New("name stands twice")
	// ErrOrder says that a name stands in the wrong place, or that the one
	// which belongs before it is missing.
	ErrOrder = errors.New("entry out of order")
	// ErrIncomplete says that the last entry was not reached.
	ErrIncomplete = errors.New("entries missing")
)

// Slots of a bag's entries, in the order of section 4.
const (
	slotItem = iota
	slotOrder
	slotInstrument
	slotSignature // of the instrument; not in every bag
	slotExceptions
	slotWithheld
	slotIndexCSV
	slotIndexDAT
	slotIndexJSONL
	slotReport
	slotSubscriber // this and the next not in a bag of package.json version 1
	slotTraffic
	slotDeclaration
	slotInfo
	slotManifest
	slotTree
	slotSources
	slotLocators
	slotContents
	slotPackage
	slotTagManifest
	slotTagSignature
	slotEnd
)

var slots = map[string]int{
	OrderYAML: slotOrder, OrderJSON: slotOrder, ExceptionsCSV: slotExceptions, WithheldCSV: slotWithheld,
	IndexCSV: slotIndexCSV, IndexDAT: slotIndexDAT, IndexJSONL: slotIndexJSONL, ReportHTML: slotReport,
	SubscriberCSV: slotSubscriber, TrafficCSV: slotTraffic,
	Declaration: slotDeclaration, InfoFile: slotInfo, PayloadManifest: slotManifest, SourcesJSONL: slotSources,
	LocatorsTXT: slotLocators, ContentsTXT: slotContents, PackageJSON: slotPackage,
	TagManifest: slotTagManifest, TagSignature: slotTagSignature,
}

// skips are the slots that may follow one further up than the last: what lies
// between is not in every bag. What a bag must have, package.json says.
var skips = map[int]int{slotExceptions: slotInstrument, slotDeclaration: slotReport}

// Sequence holds the entries of a package, over all its volumes, to the names
// of section 5 and the order of section 4: items from E0000001 without a gap,
// then every other file exactly once. As the order leaves no choice but of the
// files that are not in every bag, nothing has to be remembered of the items.
// The zero value is ready.
type Sequence struct {
	slot    int
	items   int
	trees   int
	skipped [slotEnd]bool
}

// Items returns how many items were seen.
func (s *Sequence) Items() int { return s.items }

// Next takes the next entry's name. Its error wraps ErrInvalid and one of
// ErrName, ErrDuplicate and ErrOrder.
func (s *Sequence) Next(name string) error {
	slot, n, err := place(name)
	if err != nil {
		return err
	}
	before, may := skips[slot]
	switch {
	case slot == slotItem && s.slot == slotItem && n == s.items+1:
		s.items = n
		return nil
	case slot == slotTree && n == s.trees && (s.slot == slotTree || s.slot == slotTree-1):
		s.trees, s.slot = n+1, slotTree
		return nil
	case may && s.slot == before:
		for i := before + 1; i < slot; i++ {
			s.skipped[i] = true
		}
	case s.skipped[slot]:
		return wrong(ErrOrder, name)
	case slot == slotItem && n <= s.items, slot == slotTree && n < s.trees,
		slot != slotItem && slot != slotTree && slot <= s.slot:
		return wrong(ErrDuplicate, name)
	case slot == slotItem || slot == slotTree || slot != s.slot+1:
		return wrong(ErrOrder, name)
	}
	s.slot = slot
	return nil
}

// Done says whether the last entry of a bag was reached; otherwise its error
// wraps ErrIncomplete.
func (s *Sequence) Done() error {
	if s.slot != slotEnd-1 {
		return wrong(ErrIncomplete, "")
	}
	return nil
}

// CheckName says whether a name is one of section 5; if not, its error wraps
// ErrName.
func CheckName(name string) error {
	_, _, err := place(name)
	return err
}

// place returns the slot of a name, and its number within the slot.
func place(name string) (slot, n int, err error) {
	if len(name) > MaxNameBytes || strings.Count(name, "/") >= MaxDepth {
		return 0, 0, wrong(ErrName, name)
	}
	if slot, ok := slots[name]; ok {
		return slot, 0, nil
	}
	if ext, ok := strings.CutPrefix(name, instrumentPrefix); ok && instrumentExt(ext) {
		return slotInstrument, 0, nil
	}
	if ext, ok := strings.CutPrefix(name, signaturePrefix); ok && instrumentExt(ext) {
		return slotSignature, 0, nil
	}
	if level, ok := strings.CutPrefix(name, TreeDir+"/"); ok && len(level) == 1 {
		if n, ok := digits(level); ok {
			return slotTree, int(n), nil
		}
	}
	if n, _, err := ParseItemName(name); err == nil {
		return slotItem, n, nil
	}
	return 0, 0, wrong(ErrName, name)
}

// sequenceError is one of the errors above about one name.
type sequenceError struct {
	kind error
	name string
}

func (e *sequenceError) Error() string {
	if e.name == "" && e.kind == ErrIncomplete {
		return e.kind.Error()
	}
	return e.kind.Error() + ": " + quote(e.name)
}

// Unwrap makes errors.Is see both the kind and ErrInvalid.
func (e *sequenceError) Unwrap() []error { return []error{e.kind, ErrInvalid} }

func wrong(kind error, name string) error { return &sequenceError{kind, name} }

// IsTag says whether a name of section 5 is that of a tag file.
func IsTag(name string) bool {
	slot, _, err := place(name)
	return err == nil && slot >= slotDeclaration
}

// IsTail says whether a name of section 5 is that of a file of the tail.
func IsTail(name string) bool {
	slot, _, err := place(name)
	return err == nil && slot >= slotContents
}

// TagFiles returns the names of the tag files that every tag manifest lists.
// Beside them it lists the further levels of the item tree.
func TagFiles() []string {
	return []string{Declaration, InfoFile, ContentsTXT, TreeName(0), LocatorsTXT, PayloadManifest, PackageJSON, SourcesJSONL}
}
