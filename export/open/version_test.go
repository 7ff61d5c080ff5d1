package open

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/export/seal"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// Packages that were made under version 1 go on to verify and to open.
func TestGoldenVersion1(t *testing.T) {
	golden := os.DirFS("../../testdata/golden")
	kinds, err := fs.ReadDir(golden, ".")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, kind := range kinds {
		root, err := fs.Sub(golden, kind.Name())
		if err != nil {
			t.Fatal(err)
		}
		objects := packageIn(t, root)
		if m, err := manifest.Parse(objects[manifest.Name]); err != nil || m.Type != manifest.TypeV1 {
			continue // of another version, for other tests
		}
		opened++
		t.Run(kind.Name(), func(t *testing.T) { openVersion1(t, root, objects) })
	}
	if opened == 0 {
		t.Error("there is no package of version 1 any more: keep one")
	}
}

// packageIn reads the objects of a golden package.
func packageIn(t *testing.T, root fs.FS) memory {
	t.Helper()
	list, err := fs.ReadDir(root, "package")
	if err != nil {
		t.Fatal(err)
	}
	objects := make(memory)
	for _, e := range list {
		objects[e.Name()] = contentOf(t, root, "package/"+e.Name())
	}
	return objects
}

func contentOf(t *testing.T, root fs.FS, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func openVersion1(t *testing.T, root fs.FS, objects memory) {
	trusted, err := detached.ParsePublicKeys(contentOf(t, root, "provider.asc"))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := seal.ParseIdentities(contentOf(t, root, "identity.txt"), nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Open(t.Context(), objects, trusted, ids, newFolder(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Counts.Included < 1 || report.Acceptance != "" || report.Bag.Emergency != nil || report.Bag.Reviewer != "" {
		t.Errorf("%+v", report)
	}
}

// A package of version 1 has none of what came with version 2, inside or outside.
func TestVersion1(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(b *builder)
		want  Code
	}{
		{"as it was", func(*builder) {}, ""},
		{"tables", func(b *builder) { b.onPayload = b.makeTables }, TagManifestInvalid},
		{"review", func(b *builder) {
			b.onPackage = func(p *bag.Package) {
				p.Review = &bag.Review{Decision: bag.Accept, Holder: "R", Fingerprint: p.Signer, Time: p.Created}
			}
		}, PackageInvalid},
		{"place", func(b *builder) { b.onPackage = func(p *bag.Package) { p.Accounts[0].Place = ptr(int64(0)) } }, PackageInvalid},
		{"admitted item", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[0].Scope.Rule = "account[0]/content/admitted"; return r }
		}, RecordInvalid},
		{"fewer accounts", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				for _, rec := range r[b.items:] {
					delete(b.raw, rec.File)
				}
				return r[:b.items]
			}
			b.onSources = func(s []*bag.SourceLine) []*bag.SourceLine { return s[:b.items] }
			b.onPackage = func(p *bag.Package) {
				p.Accounts, p.Exceptions, p.Counts.Exceptions = p.Accounts[:1], nil, 0
				p.Accounts[0].Included, p.Accounts[0].Source = int64(b.items), int64(b.items)+3
			}
			b.onManifest = func(m *manifest.Manifest) { m.Counts.Exceptions = 0 }
		}, OrderMismatch},
		{"content of accounts that are asked for traffic alone", func(b *builder) {
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, []byte("[content]"), []byte("[traffic]"), 1)
			}
			b.onPackage = func(p *bag.Package) {
				for i := range p.Accounts {
					p.Accounts[i].Categories = []string{"traffic"}
				}
			}
		}, RecordInvalid},
		{"traffic records", func(b *builder) { b.carol = true }, RecordInvalid},
		{"signature over the instrument", func(b *builder) { b.signature = []byte("s") }, TagManifestInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.v1 = true
			c.alter(b)
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// Inside and outside are of one version.
func TestVersionsMixed(t *testing.T) {
	b := newBuilder(t)
	b.v1 = true
	b.onManifest = func(m *manifest.Manifest) { m.Type, m.Acceptance = manifest.Type, manifest.Whole }
	_, _, err := openAll(b.build(), options())
	wantCode(t, err, BindingMismatch)

	b = newBuilder(t)
	b.onManifest = func(m *manifest.Manifest) { m.Type, m.Acceptance = manifest.TypeV1, "" }
	_, _, err = openAll(b.build(), options())
	wantCode(t, err, BindingMismatch)

	b = newBuilder(t) // without the tables that version 2 has
	b.onPayload = func(p map[string][]byte) { delete(p, bag.TrafficCSV); delete(p, bag.SubscriberCSV) }
	_, _, err = openAll(b.build(), options())
	wantCode(t, err, TagManifestInvalid)
}

// The result says what a person has to know of how the package came about.
func TestFindingsOfVersion2(t *testing.T) {
	has := func(list []string, part string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
	}
	for name, signature := range map[string]*bag.InstrumentSignature{
		"good, by the key ABAB":            {Kind: bag.SignatureOpenPGP, Result: bag.SignatureGood, Fingerprint: ptr(strings.Repeat("AB", 20)), Holder: ptr("LKA Musterland")},
		"by a key 0123 that the provider ": {Kind: bag.SignatureCMS, Result: bag.SignatureUnknownKey, Fingerprint: ptr("0123")},
	} {
		b := inPart(t)
		b.signature = []byte("signature")
		narrow := b.onPackage
		b.onPackage = func(p *bag.Package) {
			narrow(p)
			p.Emergency = ptr(true)
			s := *signature
			s.File, s.SHA256 = p.Order.Signature().File, p.Order.Signature().SHA256
			p.Order.SetSignature(&s)
		}
		objects := b.build()
		report, sink, err := openAll(objects, options())
		if err != nil {
			t.Fatal(err)
		}
		alone, err := CheckBag(t.Context(), sink.FS(), keys().trusted, options())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []Findings{report.Findings, alone.Findings} {
			if !has(f.Warnings, "in part only") || !has(f.Warnings, "emergency rule") || len(f.Warnings) != 2 {
				t.Errorf("warnings %q", f.Warnings)
			}
			if !has(f.NotChecked, name) || !has(f.NotChecked, "recorded by the provider, not checked here") {
				t.Errorf("%s: %q", name, f.NotChecked)
			}
		}
		if alone.Acceptance != manifest.InPart || alone.Reviewer != "Rita Muster" || !*alone.Emergency || alone.Signature == nil || report.Acceptance != manifest.InPart {
			t.Errorf("%+v", alone)
		}
		outside, err := Verify(t.Context(), memory(objects), keys().trusted, options())
		if err != nil || outside.Acceptance != manifest.InPart || !has(outside.Warnings, "in part only") {
			t.Errorf("%+v, %v", outside, err)
		}
	}
}
