package open

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// secondVerifier has the verifier that is written in another language look at a
// package of the builder.
func secondVerifier(t *testing.T, objects map[string][]byte) (said string, code int) {
	t.Helper()
	dir := t.TempDir()
	pkg := filepath.Join(dir, "package")
	if err := os.Mkdir(pkg, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range objects {
		write(filepath.Join("package", name), data)
	}
	write("provider.asc", keys().provider.Public())
	write("identity.txt", []byte(keys().identity+"\n"))
	cmd := exec.Command("python3", "../../testdata/verifier/verify.py", pkg, filepath.Join(dir, "provider.asc"), "--identity", filepath.Join(dir, "identity.txt"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Both verifiers take the same packages for good, of either version, and refuse
// the same ones.
func TestSecondVerifier(t *testing.T) {
	tool(t, "python3", "gpg", "gpgv", "age", "zstd", "openssl")
	for _, c := range []struct {
		name  string
		alter func(b *builder)
		good  bool
	}{
		{"version 1", func(b *builder) { b.v1, b.carol, b.signature = true, false, nil }, true},
		{"version 2", func(*builder) {}, true},
		{"version 2 without records", func(b *builder) { b.carol, b.signature = false, nil }, true},
		{"an item that was admitted", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				r[0].Scope = bag.Scope{Rule: "account[0]/content/admitted"}
				return r
			}
		}, true},
		{"admitted, not counted", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[0].Scope.Rule = "account[0]/content/admitted"; return r }
			b.onPackage = func(p *bag.Package) { p.Accounts[0].Admitted = ptr(int64(0)) }
		}, false},
		{"accepted in part, said to be whole", func(b *builder) {
			b.onManifest = func(m *manifest.Manifest) { m.Acceptance = manifest.InPart }
		}, false},
		{"traffic with a subject", func(b *builder) {
			b.onDerived = func(_ string, line []byte) []byte {
				return bytes.Replace(line, []byte(`"size"`), []byte(`"subject":"Offer","size"`), 1)
			}
		}, false},
		{"traffic with a display name", func(b *builder) {
			b.onDerived = func(_ string, line []byte) []byte {
				return bytes.Replace(line, []byte(`"carol@example.org"]`), []byte(`"Carol <carol@example.org>"]`), 1)
			}
		}, false},
		{"records of another account", func(b *builder) {
			b.onDerived = func(_ string, line []byte) []byte {
				return bytes.Replace(line, []byte(`"account":"carol@`), []byte(`"account":"alice@`), 1)
			}
		}, false},
		{"a table that says something else", func(b *builder) {
			b.onPayload = func(p map[string][]byte) {
				p[bag.TrafficCSV] = bytes.Replace(p[bag.TrafficCSV], []byte(",100\r\n"), []byte(",101\r\n"), 1)
			}
		}, false},
		{"traffic of another time than its record", func(b *builder) {
			b.onDerived = func(_ string, line []byte) []byte {
				return bytes.ReplaceAll(line, []byte("2026-02-03"), []byte("2019-02-03"))
			}
		}, false},
		{"text for a time in the index", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				r[7].Fields = []byte(`{"date_utc":"Subject: Offer"}`)
				return r
			}
		}, false},
		{"text for a hash in the index", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[7].Fields = []byte(`{"mih":"Offer"}`); return r }
		}, false},
		{"source of a traffic record", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				r[7].Source = &bag.ItemSource{Number: 3, File: "a.eml", Format: "eml", Length: r[7].Size, SHA256: r[7].SHA256}
				return r
			}
		}, false},
		{"a message without a source", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[0].Source = nil; return r }
		}, false},
		{"rule of another place", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[2].Place = ptr(int64(3)) }
		}, false},
		{"traffic of an account asked for content", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[2].Categories = []string{"traffic", "content", "subscriber"} }
		}, false},
		{"version 1 with content where traffic alone is asked for", func(b *builder) {
			b.v1, b.carol, b.signature = true, false, nil
			b.onOrder = func(text []byte) []byte { return bytes.Replace(text, []byte("[content]"), []byte("[traffic]"), 1) }
			b.onPackage = func(p *bag.Package) {
				p.Accounts[0].Categories, p.Accounts[1].Categories = []string{"traffic"}, []string{"traffic"}
			}
		}, false},
		{"no approval", func(b *builder) { b.onPackage = func(p *bag.Package) { p.Approvals = nil } }, false},
		{"approved by the reviewer", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Approvals[0].Holder = p.Review.Holder }
		}, false},
		{"an account twice", func(b *builder) {
			b.onPackage = func(p *bag.Package) {
				twice := p.Accounts[2]
				twice.Place = ptr(int64(3))
				p.Accounts = append(p.Accounts, twice)
				p.Counts.Source += twice.Source
				p.Counts.Withheld, p.Withheld[0].Count = p.Counts.Withheld+twice.Source, twice.Source
			}
			b.onManifest = func(m *manifest.Manifest) { m.Counts = b.pkg.Counts }
		}, false},
		{"a good signature of nobody", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Order.Signature().Holder = nil }
		}, false},
		{"another signature over the instrument", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Order.Signature().SHA256 = sign.Sum([]byte("another")) }
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.carol, b.signature = true, []byte("signature over the warrant")
			c.alter(b)
			objects := b.build()
			if _, _, err := openAll(objects, options()); (err == nil) != c.good {
				t.Errorf("Open: %v", err)
			}
			said, code := secondVerifier(t, objects)
			if c.good && code != 0 || !c.good && (code != 4 || strings.Contains(said, "malformed")) {
				t.Errorf("second verifier: exit %d: %s", code, said)
			}
		})
	}
}
