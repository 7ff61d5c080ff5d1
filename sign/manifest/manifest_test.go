package manifest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/sign"
	"exhibit/sign/manifest"
	"exhibit/sign/merkle"
)

var signer = strings.Repeat("0A", 20)

func ref[T any](v T) *T { return &v }

func id(t testing.TB, s string) sign.ID {
	t.Helper()
	v, err := sign.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sample is a manifest of two volumes for two age keys.
func sample(t testing.TB) *manifest.Manifest {
	t.Helper()
	old := id(t, "ffffffffffffffffffffffffffffffff")
	stored := manifest.Stored{Version: ref("v1"), Method: manifest.ReadBack, Lock: &manifest.Lock{
		Mode: ref("COMPLIANCE"), Until: ref(sign.At(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))),
	}}
	m := &manifest.Manifest{
		Type: manifest.Type, Package: id(t, "000102030405060708090a0b0c0d0e0f"), Supersedes: &old,
		Commitment: sign.Sum([]byte("commitment")), Policy: sign.Sum([]byte("policy")), Acceptance: manifest.Whole, Signer: signer,
		Recipients: []manifest.Recipient{
			{Kind: sign.AgeX25519, Fingerprint: strings.Repeat("1", 64)}, {Kind: sign.AgeX25519, Fingerprint: strings.Repeat("2", 64)},
		},
		ReceiptKey: sign.Sum([]byte("receipt")), Counts: manifest.Counts{Source: 10, Included: 7, Withheld: 3, Exceptions: 1},
		Items: manifest.Items{Size: 7, Root: merkle.Hash(sign.Sum([]byte("root")))}, TagManifest: sign.Sum([]byte("tags")),
		Objects: []manifest.Object{
			{Name: "volume-0001.tar.zst.age", Role: manifest.Volume, Size: 1000, SHA256: sign.Sum([]byte("volume 1")), Stored: stored},
			{Name: "volume-0002.r3.tar.zst.age", Role: manifest.Volume, Size: 2000, SHA256: sign.Sum([]byte("volume 2")), Stored: stored},
			{Name: "README.txt", Role: manifest.Readme, Size: 300, SHA256: sign.Sum([]byte("readme")), Stored: manifest.Stored{Method: manifest.ReadBack}},
			{Name: "SHA256SUMS", Role: manifest.SumsRole, Stored: manifest.Stored{Method: manifest.ReadBack}},
			{Name: "SHA256SUMS.asc", Role: manifest.SumsSignature, Size: 200, SHA256: sign.Sum([]byte("sig")), Stored: manifest.Stored{Method: manifest.ReadBack, Lock: &manifest.Lock{LegalHold: true}}},
		},
		Abandoned: []string{"volume-0002.r2.tar.zst.age", "volume-0002.tar.zst.age"},
	}
	fixSums(m)
	return m
}

// fixSums makes the entry of SHA256SUMS right again.
func fixSums(m *manifest.Manifest) {
	o := &m.Objects[len(m.Objects)-2]
	o.SHA256, o.Size = sign.Sum(m.SHA256SUMS()), int64(len(m.SHA256SUMS()))
}

func marshal(t testing.TB, m *manifest.Manifest) []byte {
	t.Helper()
	text, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMarshalThenParse(t *testing.T) {
	m := sample(t)
	text := marshal(t, m)
	got, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("read as %+v", got)
	}
	if v := got.Volumes(); len(v) != 2 || v[1].Name != "volume-0002.r3.tar.zst.age" {
		t.Errorf("volumes %v", v)
	}
	if o, ok := got.Object("README.txt"); !ok || o.Size != 300 {
		t.Errorf("README.txt: %v", o)
	}
	if _, ok := got.Object("volume-0002.tar.zst.age"); ok {
		t.Error("an abandoned object is one of the package")
	}
}

// Every member altered, all else being in order: it is refused, or what was
// read says something else.
func TestEveryMemberCounts(t *testing.T) {
	type M = manifest.Manifest
	for name, c := range map[string]struct {
		alter  func(*M)
		member string // that is found to be wrong; "" where any value is allowed
	}{
		"type":              {func(m *M) { m.Type = "exhibit/manifest/v3" }, "type"},
		"version 1":         {func(m *M) { m.Type, m.Acceptance = manifest.TypeV1, "" }, ""},
		"v2 member in v1":   {func(m *M) { m.Type = manifest.TypeV1 }, "acceptance"},
		"v2 without member": {func(m *M) { m.Acceptance = "" }, "acceptance"},
		"in part":           {func(m *M) { m.Acceptance = manifest.InPart }, ""},
		"acceptance":        {func(m *M) { m.Acceptance = "mostly" }, "acceptance"},
		"package":           {func(m *M) { m.Package[0]++; fixSums(m) }, ""},
		"package, sums not": {func(m *M) { m.Package[0]++ }, "objects[3].sha256"},
		"supersedes":        {func(m *M) { m.Supersedes = nil }, ""},
		"supersedes itself": {func(m *M) { m.Supersedes = &m.Package }, "supersedes"},
		"commitment":        {func(m *M) { m.Commitment[0]++ }, ""},
		"policy":            {func(m *M) { m.Policy[0]++ }, ""},
		"signer":            {func(m *M) { m.Signer = strings.Repeat("0B", 20) }, ""},
		"signer, v6":        {func(m *M) { m.Signer = strings.Repeat("0B", 32) }, "signer"},
		"signer, lower":     {func(m *M) { m.Signer = strings.Repeat("0b", 20) }, "signer"},
		"no recipient":      {func(m *M) { m.Recipients = nil }, "recipients"},
		"recipient":         {func(m *M) { m.Recipients = m.Recipients[:1] }, ""},
		"recipients order":  {func(m *M) { m.Recipients[0], m.Recipients[1] = m.Recipients[1], m.Recipients[0] }, "recipients[1].fingerprint"},
		"recipient twice":   {func(m *M) { m.Recipients[1] = m.Recipients[0] }, "recipients[1].fingerprint"},
		"kinds mixed":       {func(m *M) { m.Recipients[1].Kind = sign.AgeHybrid }, "recipients[1].kind"},
		"kind unknown":      {func(m *M) { m.Recipients[0].Kind, m.Recipients[1].Kind = "x", "x" }, "recipients[0].kind"},
		"kind and ending":   {func(m *M) { m.Recipients = []manifest.Recipient{{sign.OpenPGP, signer}} }, "objects[0].name"},
		"recipient's form":  {func(m *M) { m.Recipients[0].Fingerprint = signer }, "recipients[0].fingerprint"},
		"receipt key":       {func(m *M) { m.ReceiptKey[0]++ }, ""},
		"source":            {func(m *M) { m.Counts.Source++ }, "counts.source"},
		"included":          {func(m *M) { m.Counts.Included++; m.Counts.Source++ }, "items.size"},
		"withheld":          {func(m *M) { m.Counts.Withheld++ }, "counts.source"},
		"source, withheld":  {func(m *M) { m.Counts.Withheld++; m.Counts.Source++ }, ""},
		"negative":          {func(m *M) { m.Counts.Withheld = -1; m.Counts.Source = 6 }, "counts.withheld"},
		"exceptions":        {func(m *M) { m.Counts.Exceptions = 7 }, ""},
		"exceptions beyond": {func(m *M) { m.Counts.Exceptions = 8 }, "counts.exceptions"},
		"items":             {func(m *M) { m.Items.Size++ }, "items.size"},
		"root":              {func(m *M) { m.Items.Root[0]++ }, ""},
		"tag manifest":      {func(m *M) { m.TagManifest[0]++ }, ""},
		"no object":         {func(m *M) { m.Objects = nil }, "objects"},
		"no volume":         {func(m *M) { m.Objects = m.Objects[2:] }, "objects"},
		"no README":         {func(m *M) { m.Objects = append(m.Objects[:2:2], m.Objects[3:]...) }, "objects[1].name"},
		"no SHA256SUMS.asc": {func(m *M) { m.Objects = m.Objects[:4] }, "objects[1].name"},
		"volume gone":       {func(m *M) { m.Objects = m.Objects[1:]; fixSums(m) }, "objects[0].name"},
		"volumes swapped":   {func(m *M) { m.Objects[0], m.Objects[1] = m.Objects[1], m.Objects[0]; fixSums(m) }, "objects[0].name"},
		"volume twice":      {func(m *M) { m.Objects[1] = m.Objects[0]; fixSums(m) }, "objects[1].name"},
		"name":              {func(m *M) { m.Objects[0].Name = "../volume-0001.tar.zst.age"; fixSums(m) }, "objects[0].name"},
		"ending":            {func(m *M) { m.Objects[0].Name = "volume-0001.tar.zst.gpg"; fixSums(m) }, "objects[0].name"},
		"attempt":           {func(m *M) { m.Objects[0].Name = "volume-0001.r2.tar.zst.age"; fixSums(m) }, ""},
		"readme's name":     {func(m *M) { m.Objects[2].Name = "readme.txt"; fixSums(m) }, "objects[2].name"},
		"role":              {func(m *M) { m.Objects[2].Role = manifest.Volume; fixSums(m) }, "objects[2].role"},
		"volume's role":     {func(m *M) { m.Objects[0].Role = manifest.Readme; fixSums(m) }, "objects[0].role"},
		"size":              {func(m *M) { m.Objects[0].Size++ }, ""},
		"size 0":            {func(m *M) { m.Objects[0].Size = 0 }, "objects[0].size"},
		"readme at limit":   {func(m *M) { m.Objects[2].Size = manifest.MaxSmall }, ""},
		"readme beyond":     {func(m *M) { m.Objects[2].Size = manifest.MaxSmall + 1 }, "objects[2].size"},
		"digest":            {func(m *M) { m.Objects[0].SHA256[0]++; fixSums(m) }, ""},
		"digest, sums not":  {func(m *M) { m.Objects[0].SHA256[0]++ }, "objects[3].sha256"},
		"sums' size":        {func(m *M) { m.Objects[3].Size++ }, "objects[3].size"},
		"signature digest":  {func(m *M) { m.Objects[4].SHA256[0]++ }, ""},
		"version":           {func(m *M) { m.Objects[0].Stored.Version = nil }, ""},
		"version empty":     {func(m *M) { m.Objects[0].Stored.Version = ref("") }, "objects[0].stored.version"},
		"method":            {func(m *M) { m.Objects[0].Stored.Method = "etag" }, "objects[0].stored.method"},
		"lock":              {func(m *M) { m.Objects[0].Stored.Lock = nil }, ""},
		"lock's mode":       {func(m *M) { m.Objects[0].Stored.Lock.Mode = ref("none") }, "objects[0].stored.lock.mode"},
		"lock without end":  {func(m *M) { m.Objects[0].Stored.Lock.Until = nil }, "objects[0].stored.lock.until"},
		"lock of nothing":   {func(m *M) { m.Objects[4].Stored.Lock.LegalHold = false }, "objects[4].stored.lock"},
		"version at limit":  {func(m *M) { m.Objects[0].Stored.Version = ref(strings.Repeat("v", 1024)) }, ""},
		"version beyond":    {func(m *M) { m.Objects[0].Stored.Version = ref(strings.Repeat("v", 1025)) }, "objects[0].stored.version"},
		"many abandoned":    {func(m *M) { m.Abandoned = names(manifest.MaxObjects) }, ""},
		"too many":          {func(m *M) { m.Abandoned = names(manifest.MaxObjects + 1) }, "abandoned"},
		"abandoned":         {func(m *M) { m.Abandoned = nil }, ""},
		"abandoned order":   {func(m *M) { m.Abandoned[0], m.Abandoned[1] = m.Abandoned[1], m.Abandoned[0] }, "abandoned[1]"},
		"abandoned twice":   {func(m *M) { m.Abandoned[1] = m.Abandoned[0] }, "abandoned[1]"},
		"abandoned name":    {func(m *M) { m.Abandoned[0] = "evil" }, "abandoned[0]"},
		"abandoned in use":  {func(m *M) { m.Abandoned = []string{"volume-0001.tar.zst.age"} }, "objects[0].name"},
		"log":               {func(m *M) { m.Log = &manifest.LogDemand{VerifierKey: "k", Proofs: []string{"p"}} }, ""},
		"proofs at limit":   {func(m *M) { m.Log = &manifest.LogDemand{VerifierKey: "k", Proofs: make([]string, manifest.MaxProofs)} }, ""},
		"proofs beyond": {func(m *M) {
			m.Log = &manifest.LogDemand{VerifierKey: "k", Proofs: make([]string, manifest.MaxProofs+1)}
		}, "log.proofs"},
		"log without key":   {func(m *M) { m.Log = &manifest.LogDemand{Proofs: []string{"p"}} }, "log.verifier_key"},
		"log wants nothing": {func(m *M) { m.Log = &manifest.LogDemand{VerifierKey: "k"} }, "log.proofs"},
	} {
		t.Run(name, func(t *testing.T) {
			m := sample(t)
			for i := range m.Objects { // locks are not shared
				if l := m.Objects[i].Stored.Lock; l != nil {
					m.Objects[i].Stored.Lock = ref(*l)
				}
			}
			c.alter(m)
			text, err := sign.MarshalDocument(m)
			if err == nil {
				_, err = manifest.Parse(text)
			}
			var bad *sign.MemberError
			var typ *sign.TypeError
			switch {
			case c.member == "":
				if err != nil {
					t.Fatal(err)
				}
				got, _ := manifest.Parse(text)
				if reflect.DeepEqual(got, sample(t)) {
					t.Fatal("it means the same as before")
				}
			case errors.As(m.Check(), &bad):
				if bad.Member != c.member || err == nil {
					t.Fatalf("error %v (%v), want one of %s", bad, err, c.member)
				}
			case errors.As(err, &typ):
			default:
				t.Fatalf("error %v, want one of %s", err, c.member)
			}
			if _, err := m.Marshal(); (err != nil) != (c.member != "") {
				t.Fatalf("written: %v", err)
			}
		})
	}
}

// Version 1 goes on to be read, and what is read of it is written as it was.
func TestVersion1(t *testing.T) {
	m := sample(t)
	m.Type, m.Acceptance = manifest.TypeV1, ""
	text := marshal(t, m)
	if bytes.Contains(text, []byte("acceptance")) {
		t.Errorf("version 1 has an acceptance:\n%s", text)
	}
	got, err := manifest.Parse(text)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("read as %+v, %v", got, err)
	}
	for name, spoilt := range map[string][]byte{
		"acceptance in version 1": bytes.Replace(text, []byte(`  "signer"`), []byte("  \"acceptance\": \"whole\",\n  \"signer\""), 1),
		"empty in version 1":      bytes.Replace(text, []byte(`  "signer"`), []byte("  \"acceptance\": \"\",\n  \"signer\""), 1),
		"version 2 without it":    bytes.Replace(text, []byte(manifest.TypeV1), []byte(manifest.Type), 1),
	} {
		if _, err := manifest.Parse(spoilt); err == nil || bytes.Equal(spoilt, text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var typ *sign.TypeError
	if _, err := manifest.Parse(bytes.Replace(text, []byte(manifest.TypeV1), []byte("exhibit/manifest/v3"), 1)); !errors.As(err, &typ) || typ.Want != manifest.Type {
		t.Errorf("another version: %v", err)
	}
}

// names returns n sorted names of attempts that sample does not use.
func names(n int) (all []string) {
	for i := range n {
		all = append(all, manifest.VolumeName(1, 10000+i, manifest.Age))
	}
	slices.Sort(all)
	return all
}

// The limits of FORMAT section 9 and export/FORMAT.md section 13.
func TestLimits(t *testing.T) {
	m := sample(t)
	m.Recipients = nil
	for i := range manifest.MaxRecipients + 1 {
		if i == manifest.MaxRecipients {
			if err := m.Check(); err != nil {
				t.Fatalf("%d recipients: %v", i, err)
			}
		}
		m.Recipients = append(m.Recipients, manifest.Recipient{Kind: sign.AgeX25519, Fingerprint: fmt.Sprintf("%064x", i)})
	}
	if err := m.Check(); err == nil {
		t.Errorf("%d recipients", len(m.Recipients))
	}

	m = sample(t)
	tail, volume := m.Objects[2:], m.Objects[0]
	for want, n := range map[bool]int{true: manifest.MaxObjects - 3, false: manifest.MaxObjects - 2} {
		m.Objects = nil
		for i := range n {
			volume.Name = manifest.VolumeName(i+1, 1, manifest.Age)
			m.Objects = append(m.Objects, volume)
		}
		m.Objects, m.Abandoned = append(m.Objects, tail...), nil
		fixSums(m)
		if err := m.Check(); (err == nil) != want {
			t.Errorf("%d volumes: %v", n, err)
		}
		if want {
			text := marshal(t, m)
			if len(text) > sign.MaxDocument {
				t.Errorf("a manifest of %d objects has %d bytes", len(m.Objects), len(text))
			}
		}
	}
}

func TestVolumeNames(t *testing.T) {
	for name, want := range map[string]manifest.VolumeID{
		"volume-0001.tar.zst.age":      {Number: 1, Attempt: 1, Ext: manifest.Age},
		"volume-9999.tar.zst.gpg":      {Number: 9999, Attempt: 1, Ext: manifest.GPG},
		"volume-10000.r12.tar.zst.age": {Number: 10000, Attempt: 12, Ext: manifest.Age},
	} {
		got, err := manifest.ParseVolumeName(name)
		if err != nil || got != want || manifest.VolumeName(want.Number, want.Attempt, want.Ext) != name {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", "volume-0000.tar.zst.age", "volume-001.tar.zst.age", "volume-01000.tar.zst.age", "volume-0001.r1.tar.zst.age",
		"volume-0001.r0.tar.zst.age", "volume-0001.r02.tar.zst.age", "volume-0001.tar.zst.zip", "volume-0001.tar.zst", "Volume-0001.tar.zst.age",
		"volume-0001.tar.zst.age\n", "a/volume-0001.tar.zst.age", "volume-100001.tar.zst.age", "volume-٠٠٠١.tar.zst.age",
	} {
		if v, err := manifest.ParseVolumeName(name); !errors.Is(err, manifest.ErrName) {
			t.Errorf("%q: %+v, %v", name, v, err)
		}
	}
}

func TestSums(t *testing.T) {
	m := sample(t)
	text := m.SHA256SUMS()
	want := "# exhibit/sha256sums/v1 000102030405060708090a0b0c0d0e0f\n" +
		sign.Sum([]byte("volume 1")).String() + "  volume-0001.tar.zst.age\n" +
		sign.Sum([]byte("volume 2")).String() + "  volume-0002.r3.tar.zst.age\n" +
		sign.Sum([]byte("readme")).String() + "  README.txt\n"
	if string(text) != want {
		t.Fatalf("SHA256SUMS is\n%s", text)
	}
	s, err := manifest.ParseSums(text)
	if err != nil {
		t.Fatal(err)
	}
	if s.Package != m.Package || len(s.Entries) != 3 || s.Entries[2].Name != "README.txt" || !bytes.Equal(s.Marshal(), text) {
		t.Errorf("read as %+v", s)
	}
	for name, change := range map[string][2]string{
		"version": {"v1 ", "v2 "}, "id": {"0e0f\n", "0e0F\n"}, "binary mark": {"  volume-0001", " *volume-0001"}, "gap": {"volume-0002", "volume-0003"},
		"ending": {"r3.tar.zst.age", "r3.tar.zst.gpg"}, "README": {"README", "readme"}, "CRLF": {"\n", "\r\n"}, "comment": {"\n", "\n# x\n"},
		"path": {"README.txt", "../README.txt"}, "third blank": {"  README", "   README"}, "more": {"README.txt\n", "README.txt\n\n"}, "no end": {"README.txt\n", "README.txt"},
	} {
		if _, err := manifest.ParseSums([]byte(strings.Replace(want, change[0], change[1], 1))); !errors.Is(err, sign.ErrNotCanonical) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for size, want := range map[int]bool{manifest.MaxSmall: false, manifest.MaxSmall + 1: true} {
		var limit *sign.LimitError
		if _, err := manifest.ParseSums(make([]byte, size)); errors.As(err, &limit) != want {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// sha256sum is what an agency has.
func TestSha256sum(t *testing.T) {
	program, err := exec.LookPath("sha256sum")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("sha256sum is missing: apt-get install coreutils")
		}
		t.Skip("sha256sum is missing: apt-get install coreutils")
	}
	m, dir := sample(t), t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("volume-0001.tar.zst.age", "volume 1")
	write("volume-0002.r3.tar.zst.age", "volume 2")
	write("README.txt", "readme")
	write("SHA256SUMS", string(m.SHA256SUMS()))
	check := func() error {
		cmd := exec.Command(program, "--strict", "-c", "SHA256SUMS")
		cmd.Dir = dir
		return cmd.Run()
	}
	if err := check(); err != nil {
		t.Errorf("sha256sum refuses what is right: %v", err)
	}
	write("README.txt", "Readme")
	if check() == nil {
		t.Error("sha256sum takes an altered file")
	}
}

// The commitment as FORMAT section 10 spells it out.
func TestCommitment(t *testing.T) {
	secret, order := [32]byte{9}, sign.Sum([]byte("order"))
	salt := hmac.New(sha256.New, secret[:])
	salt.Write([]byte("exhibit/v1 commitment"))
	accounts := sha256.Sum256([]byte("a@example.org\nb@example.org\n"))
	text := append([]byte("exhibit/commitment/v1\n"), salt.Sum(nil)...)
	text = append(append(text, order[:]...), accounts[:]...)
	want := sha256.Sum256(text)
	if got := manifest.Commitment(secret, order, []string{"b@example.org", "a@example.org"}); got != want {
		t.Errorf("commitment %x, want %x", got, want)
	}
	if manifest.Commitment(secret, order, []string{"a@example.org"}) == want {
		t.Error("an account more or less makes no difference")
	}
}

func TestNamesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := manifest.VolumeID{
			Number: rapid.IntRange(1, 100000).Draw(t, "n"), Attempt: rapid.IntRange(1, 100000).Draw(t, "attempt"),
			Ext: rapid.SampledFrom([]manifest.Ext{manifest.Age, manifest.GPG}).Draw(t, "ext"),
		}
		if got, err := manifest.ParseVolumeName(manifest.VolumeName(v.Number, v.Attempt, v.Ext)); err != nil || got != v {
			t.Fatalf("%+v became %+v, %v", v, got, err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	text := marshal(f, sample(f))
	f.Add(text)
	old := sample(f)
	old.Type, old.Acceptance = manifest.TypeV1, ""
	f.Add(marshal(f, old))
	f.Add(bytes.Replace(text, []byte("null"), []byte("{}"), 1))
	f.Add(bytes.Replace(text, []byte("volume-0002"), []byte("volume-0001"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifest.Parse(text)
		if err != nil {
			return
		}
		if again, err := m.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}

func FuzzSums(f *testing.F) {
	f.Add(sample(f).SHA256SUMS())
	f.Add([]byte("# exhibit/sha256sums/v1 \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := manifest.ParseSums(text)
		if err == nil && !bytes.Equal(s.Marshal(), text) {
			t.Fatalf("accepted %q, which is written as %q", text, s.Marshal())
		}
	})
}
