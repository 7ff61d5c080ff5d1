package bag

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"exhibit/sign"
)

// Types of the JSON texts of a bag. Of package.json and item records version 2 is
// what is written, and version 1 goes on to be read.
const (
	ItemType      = "exhibit/item/v2"
	ItemTypeV1    = "exhibit/item/v1"
	PackageType   = "exhibit/package/v2"
	PackageTypeV1 = "exhibit/package/v1"
	SourcesType   = "exhibit/sources/v1"
	SourceType    = "exhibit/source/v1"
	GapType       = "exhibit/gap/v1"
)

// ItemRecord is one item record (section 6), a line of data/index.jsonl.
type ItemRecord struct {
	Type       string         `json:"type"`
	Exhibit    string         `json:"exhibit"`
	File       string         `json:"file"`
	Kind       string         `json:"kind"`
	Account    string         `json:"account"`
	Category   string         `json:"category"`
	Scope      Scope          `json:"scope"`
	Source     *ItemSource    `json:"source"` // nil of derived records
	Transforms []Transform    `json:"transforms"`
	Size       int64          `json:"size"`
	SHA256     sign.Digest    `json:"sha256"`
	MD5        MD5            `json:"md5"`
	Exception  *string        `json:"exception"`
	Labels     []string       `json:"labels"`
	Flags      []string       `json:"flags"`
	Fields     jsontext.Value `json:"fields"`
}

// Scope tells which rule admitted an item (section 11). The times are nil where
// they are not known.
type Scope struct {
	Rule     string     `json:"rule"`
	Field    *string    `json:"field"`
	Earliest *sign.Time `json:"earliest"`
	Latest   *sign.Time `json:"latest"`
}

// ItemSource tells where an item's exact source bytes are.
type ItemSource struct {
	Number    int64       `json:"number"`
	File      string      `json:"file"`
	Format    string      `json:"format"`
	Container *string     `json:"container"`
	Offset    int64       `json:"offset"`
	Length    int64       `json:"length"`
	SHA256    sign.Digest `json:"sha256"`
	Dialect   *string     `json:"dialect"`
	Evidence  *string     `json:"evidence"`
}

// Transform is one invertible transform (section 12). The parameters that its
// name has are set; an empty one is left out.
type Transform struct {
	Name    string `json:"name"`
	Line    string `json:"line,omitempty"`    // base64
	Trailer string `json:"trailer,omitempty"` // base64
	Runs    string `json:"runs,omitempty"`
}

// Values that the members of a record may have (sections 6, 11, 12).
var (
	formats = map[string]string{
		"eml": KindMessage, "maildir": KindMessage, "mbox": KindMessage, "ics": KindEvent, "vcf": KindContact,
	}
	transformOrder = []string{"utf8-bom", "mbox-separator", "mboxrd-quoting", "line-ends"}
	itemExceptions = []string{"no-header", "binary", "bare-cr", "runs-limit", "inverse-mismatch"}
	scopeFields    = []string{"received", "date", "calendar"}
	containers     = []string{"gzip", "zstd"}
)

// MarshalItem returns the record in line form, without LF.
func MarshalItem(it *ItemRecord) ([]byte, error) {
	n, err := ParseExhibit(it.Exhibit)
	if err != nil {
		return nil, err
	}
	if err := it.check(n); err != nil {
		return nil, err
	}
	return sign.MarshalLine(it)
}

// ParseItem reads the record of the n-th item in either version, n counted from 1:
// a line of data/index.jsonl without its LF. Every member has to be as sections 6, 11 and
// 12 say; the members of Fields are open.
func ParseItem(line []byte, n int) (*ItemRecord, error) {
	it := new(ItemRecord)
	err := sign.UnmarshalLine(line, ItemType, it)
	var other *sign.TypeError
	if errors.As(err, &other) && other.Got == ItemTypeV1 {
		err = sign.UnmarshalLine(line, ItemTypeV1, it)
	}
	if err != nil {
		return nil, err
	}
	if err := it.check(n); err != nil {
		return nil, err
	}
	return it, nil
}

func (it *ItemRecord) check(n int) error {
	switch {
	case it.Type != ItemType && it.Type != ItemTypeV1:
		return it.invalid("type")
	case it.Exhibit != ExhibitNumber(n):
		return it.invalid("exhibit number where %s belongs", ExhibitNumber(n))
	case it.File == "" || it.File != ItemName(n, it.Kind):
		return it.invalid("file %s of kind %s", quote(it.File), quote(it.Kind))
	case it.Account == "":
		return it.invalid("account")
	case it.Category != categoryOf(it.Kind):
		return it.invalid("category %s of kind %s", quote(it.Category), quote(it.Kind))
	case it.Size < 0 || it.Size > MaxEntry:
		return it.invalid("size %d", it.Size)
	case it.Exception != nil && (!slices.Contains(itemExceptions, *it.Exception) || len(it.Transforms) > 0):
		return it.invalid("exception")
	case it.Fields.Kind() != '{':
		return it.invalid("fields")
	}
	if err := it.checkScope(); err != nil {
		return err
	}
	if Derived(it.Kind) {
		return it.checkDerived()
	}
	if err := it.checkSource(); err != nil {
		return err
	}
	return it.checkTransforms()
}

// categoryOf returns the category of items of a kind.
func categoryOf(kind string) string {
	if Derived(kind) {
		return kind
	}
	return CategoryContent
}

func (it *ItemRecord) checkScope() error {
	s := it.Scope
	if s.Field != nil && !slices.Contains(scopeFields, *s.Field) {
		return it.invalid("scope.field")
	}
	if (s.Earliest == nil) != (s.Latest == nil) {
		return it.invalid("scope.earliest without latest")
	}
	if it.Kind == KindSubscriber && (s.Field != nil || s.Earliest != nil) {
		return it.invalid("scope of a subscriber record with a time")
	}
	rule, err := ParseRule(s.Rule)
	if err != nil || rule.Category != it.Category {
		return it.invalid("scope.rule %s of category %s", quote(s.Rule), it.Category)
	}
	return nil
}

// derivedFields are the members that fields may have in the record of a derived
// item (sections 6.1, 6.2).
var derivedFields = map[string][]string{
	KindTraffic:    {"date_utc", "from", "to", "cc", "bcc", "message_id", "mih"},
	KindSubscriber: {},
}

// checkDerived checks that the record of a derived item tells of no source, and
// shows nothing that the item itself may not have.
func (it *ItemRecord) checkDerived() error {
	var fields map[string]jsontext.Value
	switch {
	case it.Source != nil:
		return it.invalid("source of a derived record")
	case len(it.Transforms) > 0 || it.Exception != nil || len(it.Labels) > 0 || len(it.Flags) > 0:
		return it.invalid("transforms, exception, labels or flags of a derived record")
	case json.Unmarshal(it.Fields, &fields) != nil:
		return it.invalid("fields")
	}
	for name := range fields {
		if !slices.Contains(derivedFields[it.Kind], name) {
			return it.invalid("member %s in fields of a derived record", quote(name))
		}
	}
	return nil
}

func (it *ItemRecord) checkSource() error {
	s := it.Source
	switch {
	case s == nil:
		return it.invalid("no source")
	case s.Number < 1 || s.Offset < 0 || s.Length < 0:
		return it.invalid("source")
	case !relative(s.File):
		return it.invalid("source.file %s", quote(s.File))
	case formats[s.Format] != it.Kind:
		return it.invalid("source.format %s", quote(s.Format))
	case s.Container != nil && !slices.Contains(containers, *s.Container):
		return it.invalid("source.container")
	case (s.Format == "mbox") != (s.Dialect != nil) || (s.Dialect == nil) != (s.Evidence == nil):
		return it.invalid("source.dialect")
	case len(it.Transforms) == 0 && (s.Length != it.Size || s.SHA256 != it.SHA256):
		return it.invalid("source digest, without any transform")
	}
	return nil
}

func (it *ItemRecord) checkTransforms() error {
	last := -1
	for _, t := range it.Transforms {
		at := slices.Index(transformOrder, t.Name)
		if at <= last {
			return it.invalid("transform %s", quote(t.Name))
		}
		last = at
		separator := t.Line != "" || t.Trailer != ""
		if separator != (t.Name == "mbox-separator") || (t.Runs != "") != (t.Name == "line-ends") {
			return it.invalid("parameters of transform %s", t.Name)
		}
		if !base64Text(t.Line) || !base64Text(t.Trailer) {
			return it.invalid("base64 in transform %s", t.Name)
		}
	}
	return nil
}

func (it *ItemRecord) invalid(format string, args ...any) error {
	return invalid("record %s: %s", quote(it.Exhibit), fmt.Sprintf(format, args...))
}

func base64Text(s string) bool {
	_, err := unmarshalBase64([]byte(`"` + s + `"`))
	return err == nil
}

// relative says whether a source's file name is a path below its source.
func relative(file string) bool {
	return file != "" && !strings.HasPrefix(file, "/") && !strings.Contains(file, "\x00") &&
		!slices.Contains(strings.Split(file, "/"), "..")
}

// MD5 is an MD5 digest for load files, as 32 lower-case hexadecimal digits.
// Nothing rests on it.
type MD5 [16]byte

// MarshalText implements encoding.TextMarshaler.
func (m MD5) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, m[:]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *MD5) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != len(m) || hex.EncodeToString(raw) != string(text) {
		return invalid("md5 %s", quote(string(text)))
	}
	*m = MD5(raw)
	return nil
}

// sourcesHead is the first line of the provider's own list of sources.
type sourcesHead struct {
	Type string `json:"type"`
	Salt Secret `json:"salt"`
}

// MarshalSourcesHead returns the line, without LF, that begins the provider's own
// list of sources (section 9): its salt keeps the list's digest in package.json
// from telling anything to who guesses a source.
func MarshalSourcesHead(salt [32]byte) ([]byte, error) {
	return sign.MarshalLine(sourcesHead{SourcesType, NewSecret(salt)})
}

// ParseSourcesHead is the inverse of MarshalSourcesHead.
func ParseSourcesHead(line []byte) (salt [32]byte, err error) {
	var head sourcesHead
	if err := sign.UnmarshalLine(line, SourcesType, &head); err != nil {
		return salt, err
	}
	return head.Salt.Reveal(), nil
}

// SourceLine is one line of sources.jsonl (section 9).
type SourceLine struct {
	Type      string      `json:"type"`
	Account   string      `json:"account"`
	Number    int64       `json:"number"`
	File      string      `json:"file"`
	Size      int64       `json:"size"`
	SHA256    sign.Digest `json:"sha256"`
	Container *string     `json:"container"`
}

// MarshalSource returns the line without LF.
func MarshalSource(s *SourceLine) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return sign.MarshalLine(s)
}

// ParseSource is the inverse of MarshalSource.
func ParseSource(line []byte) (*SourceLine, error) {
	s := new(SourceLine)
	if err := sign.UnmarshalLine(line, SourceType, s); err != nil {
		return nil, err
	}
	return s, s.check()
}

func (s *SourceLine) check() error {
	if s.Type != SourceType || s.Account == "" || s.Number < 1 || !relative(s.File) || s.Size < 0 ||
		s.Container != nil && !slices.Contains(containers, *s.Container) {
		return invalid("source %s", quote(s.File))
	}
	return nil
}

// GapLine is one line about a stretch of a source that belongs to no item, in the
// provider's own list of sources (section 9).
type GapLine struct {
	Type    string      `json:"type"`
	Account string      `json:"account"`
	Number  int64       `json:"number"`
	File    string      `json:"file"`
	Offset  int64       `json:"offset"`
	Length  int64       `json:"length"`
	SHA256  sign.Digest `json:"sha256"`
	Reason  string      `json:"reason"`
}

// MarshalGap returns the line without LF.
func MarshalGap(g *GapLine) ([]byte, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	return sign.MarshalLine(g)
}

// ParseGap is the inverse of MarshalGap.
func ParseGap(line []byte) (*GapLine, error) {
	g := new(GapLine)
	if err := sign.UnmarshalLine(line, GapType, g); err != nil {
		return nil, err
	}
	return g, g.check()
}

func (g *GapLine) check() error {
	if g.Type != GapType || g.Account == "" || g.Number < 1 || !relative(g.File) || g.Offset < 0 || g.Length < 0 || g.Reason == "" {
		return invalid("gap in %s", quote(g.File))
	}
	return nil
}
