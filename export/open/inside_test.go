package open

import (
	"bytes"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// What package.json says is compared with the manifest, the order, the index
// and the payload (invariants 2 and 7).
func TestPackageJSONMembers(t *testing.T) {
	cases := []struct {
		name  string
		alter func(p *bag.Package)
		want  Code
	}{
		{"of another package", func(p *bag.Package) { p.Package[0]++ }, BindingMismatch},
		{"supersedes", func(p *bag.Package) { p.Supersedes = &sign.ID{1} }, BindingMismatch},
		{"secret", func(p *bag.Package) { p.Secret = bag.NewSecret([32]byte{1}) }, TreeMismatch},
		{"receipt key", func(p *bag.Package) { p.ReceiptKey = bag.NewSecret([32]byte{1}) }, BindingMismatch},
		{"time source", func(p *bag.Package) { p.TimeSource = "sundial" }, PackageInvalid},
		{"no agency", func(p *bag.Package) { p.Agency = "" }, PackageInvalid},
		{"signer", func(p *bag.Package) { p.Signer = keys().stranger.Fingerprint() }, SignerMismatch},
		{"no approval", func(p *bag.Package) { p.Approvals = nil }, PackageInvalid},
		{"order reference", func(p *bag.Package) { p.Order.Reference += "7" }, OrderMismatch},
		{"order digest", func(p *bag.Package) { p.Order.SHA256[0]++ }, OrderMismatch},
		{"order file", func(p *bag.Package) { p.Order.File = bag.OrderJSON }, TagManifestInvalid},
		{"instrument digest", func(p *bag.Package) { p.Order.InstrumentSHA256[0]++ }, OrderMismatch},
		{"instrument name", func(p *bag.Package) { p.Order.Instrument = "data/order/instrument.doc" }, TagManifestInvalid},
		{"agency", func(p *bag.Package) { p.Agency = "LKA Anderland" }, OrderMismatch},
		{"recipients", func(p *bag.Package) { p.Recipients[0].Fingerprint = strings.Repeat("0", 64) }, OrderMismatch},
		{"policy", func(p *bag.Package) { p.Policy[0]++ }, BindingMismatch},
		{"account name", func(p *bag.Package) { p.Accounts[0].Account = "mallory@example.org" }, OrderMismatch},
		{"account missing", func(p *bag.Package) { p.Accounts = p.Accounts[:1] }, PackageInvalid},
		{"account categories", func(p *bag.Package) { p.Accounts[0].Categories = []string{"content", "traffic"} }, OrderMismatch},
		{"account entire", func(p *bag.Package) {
			p.Accounts[0].Entire, p.Accounts[0].From, p.Accounts[0].Until = true, nil, nil
		}, OrderMismatch},
		{"account counts", func(p *bag.Package) {
			p.Accounts[0].Included, p.Accounts[0].Source = p.Accounts[0].Included-1, p.Accounts[0].Source-1
			p.Accounts[1].Included, p.Accounts[1].Source = p.Accounts[1].Included+1, p.Accounts[1].Source+1
		}, CountsMismatch},
		{"account counts that do not add up", func(p *bag.Package) { p.Accounts[0].Source++ }, PackageInvalid},
		{"counts", func(p *bag.Package) { p.Counts.Source++ }, PackageInvalid},
		{"withheld more than it was", func(p *bag.Package) {
			p.Counts.Source, p.Counts.Withheld = p.Counts.Source+1, p.Counts.Withheld+1
			p.Accounts[0].Source, p.Accounts[0].Withheld = p.Accounts[0].Source+1, p.Accounts[0].Withheld+1
			p.Withheld[0].Count++
		}, BindingMismatch},
		{"withheld reason missing", func(p *bag.Package) { p.Withheld = p.Withheld[1:] }, PackageInvalid},
		{"withheld reasons reordered", func(p *bag.Package) { p.Withheld[0], p.Withheld[4] = p.Withheld[4], p.Withheld[0] }, PackageInvalid},
		{"exceptions of another reason", func(p *bag.Package) { p.Exceptions[0].Reason = "binary" }, CountsMismatch},
		{"exceptions of an unknown reason", func(p *bag.Package) { p.Exceptions[0].Reason = "whim" }, PackageInvalid},
		{"no exceptions", func(p *bag.Package) { p.Exceptions, p.Counts.Exceptions = nil, 0 }, CountsMismatch},
		{"root", func(p *bag.Package) { p.Items.Root[0]++ }, TreeMismatch},
		{"size", func(p *bag.Package) { p.Items.Size++ }, PackageInvalid},
		{"gaps not sorted", func(p *bag.Package) {
			p.Gaps = []bag.ReasonCount{{Reason: "b", Count: 1}, {Reason: "a", Count: 1}}
		}, PackageInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.onPackage = c.alter
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// Each record stands for its file, its source and its account.
func TestRecords(t *testing.T) {
	type records = []*bag.ItemRecord
	cases := []struct {
		name  string
		alter func(r records) records
		want  Code
	}{
		{"reordered", func(r records) records { r[0], r[1] = r[1], r[0]; return r }, RecordInvalid},
		{"one missing at the end", func(r records) records { return r[:len(r)-1] }, CountsMismatch},
		{"exhibit number", func(r records) records { r[0].Exhibit = "E0000009"; return r }, RecordInvalid},
		{"file", func(r records) records { r[0].File = "data/messages/E0000002.eml"; return r }, RecordInvalid},
		{"kind", func(r records) records { r[0].Kind = bag.KindContact; return r }, RecordInvalid},
		{"category", func(r records) records { r[0].Category = "traffic"; return r }, RecordInvalid},
		{"account that is not in the order", func(r records) records { r[0].Account = "mallory@example.org"; return r }, RecordInvalid},
		{"account of the other", func(r records) records { r[0].Account = "bob@example.org"; return r }, RecordInvalid},
		{"rule", func(r records) records { r[0].Scope.Rule = "account[0]/content/entire"; return r }, RecordInvalid},
		{"no time", func(r records) records { r[0].Scope.Earliest, r[0].Scope.Latest = nil, nil; return r }, RecordInvalid},
		{"before the span", func(r records) records { r[0].Scope.Earliest = ptr(sign.At(at.AddDate(-1, 0, 0))); return r }, RecordInvalid},
		{"after the span", func(r records) records { r[0].Scope.Latest = ptr(sign.At(at)); return r }, RecordInvalid},
		{"digest", func(r records) records { r[1].SHA256[0]++; return r }, RecordInvalid},
		{"size", func(r records) records { r[2].Size++; return r }, RecordInvalid},
		{"size of bytes as they were", func(r records) records { r[0].Size++; r[0].Source.Length++; return r }, SourcesMismatch},
		{"source digest of bytes as they were", func(r records) records { r[0].Source.SHA256[0]++; return r }, RecordInvalid},
		{"source file", func(r records) records { r[0].Source.File = "other.eml"; return r }, SourcesMismatch},
		{"source file outside", func(r records) records { r[0].Source.File = "../other.eml"; return r }, RecordInvalid},
		{"source number", func(r records) records { r[0].Source.Number = 2; return r }, SourcesMismatch},
		{"source container", func(r records) records { r[0].Source.Container = ptr("gzip"); return r }, SourcesMismatch},
		{"source span", func(r records) records { r[2].Source.Offset = 1 << 40; return r }, SourcesMismatch},
		{"unknown transform", func(r records) records { r[2].Transforms[0].Name = "rot13"; return r }, RecordInvalid},
		{"another source digest", func(r records) records { r[2].Source.SHA256[0] ^= 1; return r }, RecordInvalid},
		{"another source length", func(r records) records { r[2].Source.Length--; return r }, RecordInvalid},
		{"runs of another item", func(r records) records { r[2].Transforms[0].Runs = "L1 C1"; return r }, RecordInvalid},
		{"transform without parameter", func(r records) records { r[2].Transforms[0].Runs = ""; return r }, RecordInvalid},
		{"exception hidden", func(r records) records { r[len(r)-1].Exception = nil; return r }, CountsMismatch},
		{"exception invented", func(r records) records { r[0].Exception = ptr("binary"); return r }, CountsMismatch},
		{"unknown exception", func(r records) records { r[len(r)-1].Exception = ptr("whim"); return r }, RecordInvalid},
		{"fields that are no object", func(r records) records { r[0].Fields = []byte(`[]`); return r }, RecordInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.onRecords = c.alter
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// The files around the index.
func TestFilesOfTheBag(t *testing.T) {
	payload := func(name string, change func([]byte) []byte) func(b *builder) {
		return func(b *builder) {
			b.onPayload = func(p map[string][]byte) { p[name] = change(p[name]) }
		}
	}
	tag := func(name string, change func([]byte) []byte) func(b *builder) {
		return func(b *builder) {
			b.onTags = func(p map[string][]byte) {
				if p[name] = change(p[name]); p[name] == nil {
					delete(p, name)
				}
			}
			b.onEntries = func(_ int, list []entry) []entry {
				for i, e := range list {
					if e.name == name && name != bag.PackageJSON && name != bag.ContentsTXT { // those are made later
						list[i].content = change(e.content)
					}
				}
				return list
			}
		}
	}
	more := func(s string) func([]byte) []byte {
		return func(data []byte) []byte { return append(bytes.Clone(data), s...) }
	}
	swap := func(old, with string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(bytes.Clone(data), []byte(old), []byte(with), 1) }
	}
	without := func([]byte) []byte { return nil }
	lines := func(change func([]byte) []byte) func(b *builder) {
		return func(b *builder) { b.onTagLines = change }
	}
	cases := []struct {
		name  string
		spoil func(b *builder)
		want  Code
	}{
		{"exceptions.csv says more", payload(bag.ExceptionsCSV, more("E0000001,x,binary\r\n")), CountsMismatch},
		{"withheld.csv says less", payload(bag.WithheldCSV, swap("privileged,2", "privileged,0")), CountsMismatch},
		{"another order", payload(bag.OrderYAML, swap("2026-03-31", "2027-03-31")), OrderMismatch},
		{"no order", payload(bag.OrderYAML, swap("type:", "tipe:")), OrderMismatch},
		{"another instrument", payload(bag.InstrumentName("a.pdf"), more("!")), OrderMismatch},
		{"index with a blank", payload(bag.IndexJSONL, swap(`{"type"`, `{ "type"`)), RecordInvalid},
		{"index with an unknown member", payload(bag.IndexJSONL, swap(`"size"`, `"Size"`)), RecordInvalid},
		{"index with another title", payload(bag.IndexJSONL, swap("Number 1", "Number 2")), TreeMismatch},
		{"index without its last LF", payload(bag.IndexJSONL, func(d []byte) []byte { return d[:len(d)-1] }), RecordInvalid},
		{"index with an empty line", payload(bag.IndexJSONL, more("\n")), CountsMismatch},
		{"index cut", payload(bag.IndexJSONL, func(d []byte) []byte { return d[:bytes.LastIndexByte(d[:len(d)-1], '\n')+1] }), SourcesMismatch},
		{"bagit.txt", tag(bag.Declaration, swap("1.0", "0.97")), TagFileInvalid},
		{"bag-info.txt with another id", tag(bag.InfoFile, swap("a1a1", "b1b1")), TagFileInvalid},
		{"bag-info.txt with another size", tag(bag.InfoFile, swap("Oxum: ", "Oxum: 1")), TagFileInvalid},
		{"bag-info.txt with more", tag(bag.InfoFile, more("Contact-Name: x\n")), TagFileInvalid},
		{"locators missing", tag(bag.LocatorsTXT, func(d []byte) []byte { return d[64:] }), TagFileInvalid},
		{"contents", tag(bag.ContentsTXT, more("x")), TagFileInvalid},
		{"item tree altered", tag("item-tree/0", func(d []byte) []byte { return flip(d, 3) }), TreeMismatch},
		{"item tree cut", tag("item-tree/0", func(d []byte) []byte { return d[:len(d)-32] }), TreeMismatch},
		{"sources with more", tag(bag.SourcesJSONL, func(d []byte) []byte {
			return append(bytes.Clone(d), bytes.ReplaceAll(d[bytes.LastIndexByte(d[:len(d)-1], '\n')+1:], []byte("7.eml"), []byte("8.eml"))...)
		}), SourcesMismatch},
		{"sources cut", tag(bag.SourcesJSONL, func(d []byte) []byte { return d[:bytes.IndexByte(d, '\n')+1] }), SourcesMismatch},
		{"sources reordered", func(b *builder) {
			b.onSources = func(s []*bag.SourceLine) []*bag.SourceLine { s[0], s[1] = s[1], s[0]; return s }
		}, SourcesMismatch},
		{"package.json not canonical", tag(bag.PackageJSON, more(" ")), PackageInvalid},
		{"tag manifest without package.json", lines(func(d []byte) []byte { return cutLine(d, bag.PackageJSON) }), TagManifestInvalid},
		{"tag manifest without the payload manifest", lines(func(d []byte) []byte { return cutLine(d, " "+bag.PayloadManifest) }), TagManifestInvalid},
		{"tag manifest with a payload file", lines(func(d []byte) []byte {
			return append([]byte(strings.Repeat("0", 64)+"  "+"data/index.csv\n"), d...)
		}), TagManifestInvalid},
		{"tag manifest reordered", lines(func(d []byte) []byte {
			return append(bytes.Clone(d[bytes.IndexByte(d, '\n')+1:]), d[:bytes.IndexByte(d, '\n')+1]...)
		}), TagManifestInvalid},
		{"tag manifest in upper case", lines(bytes.ToUpper), TagManifestInvalid},
		{"tag manifest empty", lines(without), TagManifestInvalid},
		{"tag manifest of a stranger", func(b *builder) { b.inner = keys().stranger }, SignatureUntrusted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			c.spoil(b)
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
	t.Run("bag by another trusted key", func(t *testing.T) {
		both, err := detached.Join(keys().provider.PublicKeys(), keys().stranger.PublicKeys())
		if err != nil {
			t.Fatal(err)
		}
		b := newBuilder(t)
		b.inner = keys().stranger
		_, err = Open(t.Context(), memory(b.build()), both, keys().ids, newFolder(), options())
		wantCode(t, err, BindingMismatch)
	})
}

func cutLine(data []byte, with string) []byte {
	var out []byte
	for line := range bytes.Lines(data) {
		if !bytes.Contains(line, []byte(with)) {
			out = append(out, line...)
		}
	}
	return out
}

// A genuine bag of another order, or of another package of the same order,
// under a manifest that claims it (invariant 7).
func TestBagOfAnotherPackage(t *testing.T) {
	b := newBuilder(t)
	b.onManifest = func(m *manifest.Manifest) {
		m.Commitment = manifest.Commitment(b.secret, sign.Sum([]byte("another order")), []string{"alice@example.org", "bob@example.org"})
	}
	_, _, err := openAll(b.build(), options())
	wantCode(t, err, BindingMismatch)
}

// An empty package is one too: everything was withheld.
func TestNothingIncluded(t *testing.T) {
	b := newBuilder(t)
	b.perVolume = 0
	b.onRecords = func([]*bag.ItemRecord) []*bag.ItemRecord { clear(b.raw); return nil }
	b.onSources = func([]*bag.SourceLine) []*bag.SourceLine { return nil }
	b.onPackage = func(p *bag.Package) {
		p.Counts = manifest.Counts{Source: 3, Withheld: 3}
		p.Accounts[0].Source, p.Accounts[0].Included = 3, 0
		p.Accounts[1].Source, p.Accounts[1].Included = 0, 0
		p.Exceptions = nil
	}
	b.onManifest = func(m *manifest.Manifest) { m.Counts.Exceptions = 0 }
	if _, _, err := openAll(b.build(), options()); err != nil {
		t.Fatal(err)
	}
}
