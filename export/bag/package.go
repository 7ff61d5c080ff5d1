package bag

import (
	"crypto/ed25519"
	"slices"

	"exhibit/sign"
	"exhibit/sign/manifest"
)

// Package is package.json (section 7): facts of the package, and its secret.
// It is never to be shown to anyone but the agency.
type Package struct {
	Type       string               `json:"type"`
	Package    sign.ID              `json:"package"`
	Supersedes *sign.ID             `json:"supersedes"`
	Secret     Secret               `json:"secret"`
	ReceiptKey Secret               `json:"receipt_private_key"`
	Created    sign.Time            `json:"created"`
	TimeSource string               `json:"time_source"`
	Provider   string               `json:"provider"`
	Signer     string               `json:"signer"`
	PreparedBy sign.Person          `json:"prepared_by"`
	Tool       Tool                 `json:"tool"`
	Order      Order                `json:"order"`
	Agency     string               `json:"agency"`
	Recipients []manifest.Recipient `json:"recipients"`
	Policy     sign.Digest          `json:"policy"`
	Approvals  []Approval           `json:"approvals"`
	Accounts   []Account            `json:"accounts"`
	Counts     manifest.Counts      `json:"counts"`
	Withheld   []ReasonCount        `json:"withheld"`
	Exceptions []ReasonCount        `json:"exceptions"`
	Gaps       []ReasonCount        `json:"gaps"`
	Items      manifest.Items       `json:"items"`
	Sources    sign.Digest          `json:"sources_sha256"`
}

// TimeSource is the only value that Package.TimeSource has in format 1.
const TimeSource = "system clock"

// Tool is the program that made the package.
type Tool struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	SHA256  sign.Digest `json:"sha256"` // of its binary
}

// Order tells which order a package answers.
type Order struct {
	Reference        string      `json:"reference"`
	SHA256           sign.Digest `json:"sha256"`
	File             string      `json:"file"`       // name in the bag
	Instrument       string      `json:"instrument"` // name in the bag
	InstrumentSHA256 sign.Digest `json:"instrument_sha256"`
}

// Approval is one statement that was counted.
type Approval struct {
	Holder      string      `json:"holder"`
	Fingerprint string      `json:"fingerprint"`
	Time        sign.Time   `json:"time"`
	SHA256      sign.Digest `json:"sha256"` // of the statement's text
}

// Account tells what came of one account of the order. The span is
// [From, Until); both are nil when the account is asked for entire.
type Account struct {
	Account    string     `json:"account"`
	From       *sign.Time `json:"from"`
	Until      *sign.Time `json:"until"`
	Entire     bool       `json:"entire"`
	Categories []string   `json:"categories"`
	Source     int64      `json:"source"`
	Included   int64      `json:"included"`
	Withheld   int64      `json:"withheld"`
}

// ReasonCount is how often a reason occurred.
type ReasonCount struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// WithheldReasons are the reasons for which items are withheld, in the order of
// section 11.
func WithheldReasons() []string {
	return []string{"category", "before-span", "after-span", "privileged", "undetermined"}
}

// Secret is 32 bytes that only the agency may have. Printed it shows nothing.
type Secret struct{ b [32]byte }

// NewSecret returns a secret of these bytes.
func NewSecret(b [32]byte) Secret { return Secret{b} }

// Reveal returns the bytes.
func (s Secret) Reveal() [32]byte { return s.b }

// String shows nothing of the secret.
func (Secret) String() string { return "***" }

// GoString shows nothing of the secret.
func (Secret) GoString() string { return "***" }

// MarshalJSON returns the base64 text: this is how package.json holds it.
func (s Secret) MarshalJSON() ([]byte, error) { return marshalBase64(s.b[:]), nil }

// UnmarshalJSON is the inverse of MarshalJSON.
func (s *Secret) UnmarshalJSON(data []byte) error {
	raw, err := unmarshalBase64(data)
	if err != nil || len(raw) != len(s.b) {
		return invalid("a secret that is not the base64 of 32 bytes")
	}
	copy(s.b[:], raw)
	return nil
}

// ReceiptPrivateKey returns the private half of the receipt key.
func (p *Package) ReceiptPrivateKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(p.ReceiptKey.b[:])
}

// MarshalPackage returns package.json.
func MarshalPackage(p *Package) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return sign.MarshalDocument(p)
}

// ParsePackage reads package.json. Every member has to be as section 7 says, and
// all counts have to add up.
func ParsePackage(data []byte) (*Package, error) {
	p := new(Package)
	if err := sign.UnmarshalDocument(data, PackageType, p); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Package) check() error {
	switch {
	case p.Type != PackageType:
		return sign.BadMember("type", "want %s", PackageType)
	case p.Supersedes != nil && *p.Supersedes == p.Package:
		return sign.BadMember("supersedes", "names the package itself")
	case p.TimeSource != TimeSource:
		return sign.BadMember("time_source", "want %q", TimeSource)
	case p.Provider == "":
		return sign.BadMember("provider", "is empty")
	case p.Tool.Name == "" || p.Tool.Version == "":
		return sign.BadMember("tool", "is not complete")
	case p.Agency == "":
		return sign.BadMember("agency", "is empty")
	case len(p.Approvals) == 0:
		return sign.BadMember("approvals", "is empty")
	}
	if err := sign.CheckSigner("signer", p.Signer); err != nil {
		return err
	}
	if err := p.PreparedBy.Check("prepared_by"); err != nil {
		return err
	}
	for _, a := range p.Approvals {
		if a.Holder == "" {
			return sign.BadMember("approvals", "one without a holder")
		}
		if err := sign.CheckSigner("approvals", a.Fingerprint); err != nil {
			return err
		}
	}
	if err := p.checkOrder(); err != nil {
		return err
	}
	if err := p.checkAccounts(); err != nil {
		return err
	}
	return p.checkCounts()
}

func (p *Package) checkOrder() error {
	o := p.Order
	switch {
	case o.Reference == "":
		return sign.BadMember("order.reference", "is empty")
	case o.File != OrderYAML && o.File != OrderJSON:
		return sign.BadMember("order.file", "is %s", quote(o.File))
	}
	if slot, _, err := place(o.Instrument); err != nil || slot != slotInstrument {
		return sign.BadMember("order.instrument", "is %s", quote(o.Instrument))
	}
	return nil
}

func (p *Package) checkAccounts() error {
	if len(p.Accounts) == 0 {
		return sign.BadMember("accounts", "is empty")
	}
	seen := make(map[string]bool, len(p.Accounts))
	var source, included, withheld int64
	for _, a := range p.Accounts {
		if a.Account == "" || seen[a.Account] {
			return sign.BadMember("accounts", "%s is empty or stands twice", quote(a.Account))
		}
		seen[a.Account] = true
		if (a.From == nil) != a.Entire || (a.Until == nil) != a.Entire || !a.Entire && !a.From.Before(*a.Until) {
			return sign.BadMember("accounts", "the span of %s", quote(a.Account))
		}
		if !nonNegative(a.Source, a.Included, a.Withheld) || a.Source != a.Included+a.Withheld {
			return sign.BadMember("accounts", "the counts of %s do not add up", quote(a.Account))
		}
		if source, included, withheld = source+a.Source, included+a.Included, withheld+a.Withheld; source > sign.MaxNumber {
			return sign.BadMember("accounts", "counts beyond any limit")
		}
	}
	if source != p.Counts.Source || included != p.Counts.Included || withheld != p.Counts.Withheld {
		return sign.BadMember("accounts", "the counts do not add up to those of the package")
	}
	return nil
}

func (p *Package) checkCounts() error {
	if p.Items.Size != p.Counts.Included || p.Items.Size > MaxItems {
		return sign.BadMember("items.size", "is %d, with %d items included", p.Items.Size, p.Counts.Included)
	}
	reasons := make([]string, len(p.Withheld))
	for i, r := range p.Withheld {
		reasons[i] = r.Reason
	}
	if !slices.Equal(reasons, WithheldReasons()) {
		return sign.BadMember("withheld", "has not all reasons, in their order")
	}
	if n, ok := total(p.Withheld, 0); !ok || n != p.Counts.Withheld {
		return sign.BadMember("withheld", "does not add up to counts.withheld")
	}
	if n, ok := total(p.Exceptions, 1); !ok || !sorted(p.Exceptions) || n != p.Counts.Exceptions {
		return sign.BadMember("exceptions", "is not sorted, or does not add up to counts.exceptions")
	}
	for _, r := range p.Exceptions {
		if !slices.Contains(itemExceptions, r.Reason) {
			return sign.BadMember("exceptions", "unknown reason %s", quote(r.Reason))
		}
	}
	if _, ok := total(p.Gaps, 1); !ok || !sorted(p.Gaps) {
		return sign.BadMember("gaps", "is not sorted, or counts nothing")
	}
	return nil
}

// total adds up counts, each of at least least.
func total(list []ReasonCount, least int64) (sum int64, ok bool) {
	for _, r := range list {
		if r.Reason == "" || r.Count < least || r.Count > sign.MaxNumber-sum {
			return 0, false
		}
		sum += r.Count
	}
	return sum, true
}

func sorted(list []ReasonCount) bool {
	for i := 1; i < len(list); i++ {
		if list[i].Reason <= list[i-1].Reason {
			return false
		}
	}
	return true
}

func nonNegative(numbers ...int64) bool {
	return !slices.ContainsFunc(numbers, func(n int64) bool { return n < 0 || n > sign.MaxNumber })
}

// Info returns the bag-info.txt that belongs to the package, given the size of
// its payload in bytes and files.
func (p *Package) Info(octets, files int64) Info {
	return Info{
		Organization: p.Provider, Package: p.Package.String(), Date: p.Created.Time().Format("2006-01-02"),
		Octets: octets, Files: files, Agent: p.Tool.Name + " " + p.Tool.Version,
	}
}
