package open

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"exhibit/export/bag"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// flip returns data with one bit of the i-th byte changed.
func flip(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[i] ^= 0x10
	return data
}

func codeOf(err error) Code {
	var f *Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func wantCode(t *testing.T, err error, want Code) {
	t.Helper()
	if got := codeOf(err); got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
		t.Errorf("not one plain line: %q", err)
	}
}

func verify(objects map[string][]byte, opt Options) error {
	_, err := Verify(context.Background(), memory(objects), keys().trusted, opt)
	return err
}

var firstVolume = manifest.VolumeName(1, 1, manifest.Age)

// Invariant 6: what is wrong outside is found without decrypting anything.
func TestVerifyRefuses(t *testing.T) {
	other := newBuilder(t)
	other.id[0]++
	another := other.build()
	otherKey := newBuilder(t)
	otherKey.recipient = keys().other
	reencrypted := otherKey.build()
	both, err := detached.Join(keys().provider.PublicKeys(), keys().stranger.PublicKeys())
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name  string
		spoil func(b *builder, o map[string][]byte)
		want  Code
	}{
		{"nothing is there", func(_ *builder, o map[string][]byte) { clear(o) }, NothingToCheck},
		{"manifest removed", func(_ *builder, o map[string][]byte) { delete(o, manifest.Name) }, NothingToCheck},
		{"signature removed", func(_ *builder, o map[string][]byte) { delete(o, manifest.SignatureName) }, SignatureMissing},
		{"signature empty", func(_ *builder, o map[string][]byte) { o[manifest.SignatureName] = nil }, SignatureInvalid},
		{"signed by a stranger", func(b *builder, o map[string][]byte) {
			b.signText(o, o[manifest.Name], keys().stranger)
		}, SignatureUntrusted},
		{"manifest altered", func(_ *builder, o map[string][]byte) { o[manifest.Name] = flip(o[manifest.Name], 100) }, SignatureInvalid},
		{"manifest of another package", func(_ *builder, o map[string][]byte) {
			o[manifest.Name], o[manifest.SignatureName] = another[manifest.Name], another[manifest.SignatureName]
		}, ObjectAltered},
		{"not canonical", func(b *builder, o map[string][]byte) {
			b.signText(o, append(o[manifest.Name], ' '), b.signer)
		}, ManifestInvalid},
		{"volume of another package", func(_ *builder, o map[string][]byte) { o[firstVolume] = another[firstVolume] }, ObjectAltered},
		{"volume encrypted to another key", func(_ *builder, o map[string][]byte) { o[firstVolume] = reencrypted[firstVolume] }, ObjectAltered},
		{"volume cut at a chunk", func(_ *builder, o map[string][]byte) { o[firstVolume] = o[firstVolume][:len(o[firstVolume])-16] }, ObjectAltered},
		{"volume longer", func(_ *builder, o map[string][]byte) { o[firstVolume] = append(o[firstVolume], 0) }, ObjectAltered},
		{"volume missing", func(_ *builder, o map[string][]byte) { delete(o, firstVolume) }, ObjectMissing},
		{"README missing", func(_ *builder, o map[string][]byte) { delete(o, manifest.ReadmeName) }, ObjectMissing},
		{"README altered", func(_ *builder, o map[string][]byte) { o[manifest.ReadmeName] = flip(o[manifest.ReadmeName], 9) }, ObjectAltered},
		{"sums missing", func(_ *builder, o map[string][]byte) { delete(o, manifest.SumsName) }, ObjectMissing},
		{"sums signature missing", func(_ *builder, o map[string][]byte) { delete(o, manifest.SumsSigName) }, ObjectMissing},
		{"sums altered", func(_ *builder, o map[string][]byte) { o[manifest.SumsName] = flip(o[manifest.SumsName], 9) }, ObjectAltered},
		{"object too many", func(_ *builder, o map[string][]byte) { o["volume-0009.tar.zst.age"] = []byte("x") }, ObjectExtra},
		{"a file beside", func(_ *builder, o map[string][]byte) { o["notes.txt"] = nil }, ObjectExtra},
		{"two volumes exchanged", func(_ *builder, o map[string][]byte) {
			second := manifest.VolumeName(2, 1, manifest.Age)
			o[firstVolume], o[second] = o[second], o[firstVolume]
		}, ObjectAltered},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			objects := b.build()
			c.spoil(b, objects)
			wantCode(t, verify(objects, options()), c.want)
			_, _, err := openAll(objects, options())
			wantCode(t, err, c.want)
		})
	}
	t.Run("sums signed by another trusted key", func(t *testing.T) {
		b := newBuilder(t)
		b.onManifest = func(m *manifest.Manifest) {
			b.onObjects = func(o map[string][]byte) {
				s, err := keys().stranger.Sign(o[manifest.SumsName], at)
				b.must(err)
				o[manifest.SumsSigName] = s
				last := &m.Objects[len(m.Objects)-1]
				last.Size, last.SHA256 = int64(len(s)), sign.Sum(s)
				text, err := m.Marshal()
				b.must(err)
				b.signText(o, text, b.signer)
			}
		}
		_, err := Verify(t.Context(), memory(b.build()), both, options())
		wantCode(t, err, SignerMismatch)
	})
	t.Run("manifest signed by another trusted key", func(t *testing.T) {
		b := newBuilder(t)
		objects := b.build()
		b.signText(objects, objects[manifest.Name], keys().stranger)
		_, err := Verify(t.Context(), memory(objects), both, options())
		wantCode(t, err, SignerMismatch)
	})
	t.Run("the manifest's signature on the sums' text", func(t *testing.T) {
		b := newBuilder(t)
		objects := b.build()
		objects[manifest.Name], objects[manifest.SignatureName] = objects[manifest.SumsName], objects[manifest.SumsSigName]
		wantCode(t, verify(objects, options()), ManifestInvalid)
	})
}

// Invariant 7: a complete genuine package in place of the expected one.
func TestExpect(t *testing.T) {
	b := newBuilder(t)
	objects := b.build()
	opt := options()
	opt.Expect = b.id.String()
	report, err := Verify(t.Context(), memory(objects), keys().trusted, opt)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(report.NotChecked, func(s string) bool { return strings.HasPrefix(s, "freshness") }) {
		t.Error("freshness was checked, the report denies it")
	}
	opt.Expect = strings.Repeat("0", 32)
	wantCode(t, verify(objects, opt), PackageUnexpected)
	_, sink, err := openAll(objects, opt)
	wantCode(t, err, PackageUnexpected)
	if len(sink.files) > 0 {
		t.Error("something was decrypted")
	}
	_, err = Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &bytes.Buffer{}, opt)
	wantCode(t, err, PackageUnexpected)
	opt.Expect = "latest"
	if err := verify(objects, opt); err == nil || codeOf(err) != "" {
		t.Errorf("an id that is none: %v", err)
	}
	report, err = Verify(t.Context(), memory(objects), keys().trusted, options())
	if err != nil || !slices.ContainsFunc(report.NotChecked, func(s string) bool { return strings.HasPrefix(s, "freshness") }) {
		t.Errorf("freshness was not checked, the report does not say so: %v", err)
	}
}

// Invariant 7: every member of the manifest, altered and signed again by the
// trusted key. What only `open` finds says so; what nobody but the provider can
// know is listed too, so that no member is forgotten.
func TestEveryManifestMember(t *testing.T) {
	last := func(m *manifest.Manifest) *manifest.Object { return &m.Objects[len(m.Objects)-1] }
	none := Code("the signer's own word")
	cases := []struct {
		member string
		alter  func(m *manifest.Manifest)
		verify Code
		open   Code
	}{
		{"type", func(m *manifest.Manifest) { m.Type = "exhibit/manifest/v3" }, ManifestInvalid, ""},
		{"type", func(m *manifest.Manifest) { m.Type = manifest.TypeV1 }, ManifestInvalid, ""},
		{"type", func(m *manifest.Manifest) { m.Type, m.Acceptance = manifest.TypeV1, "" }, "", BindingMismatch},
		{"acceptance", func(m *manifest.Manifest) { m.Acceptance = "" }, ManifestInvalid, ""},
		{"acceptance", func(m *manifest.Manifest) { m.Acceptance = manifest.InPart }, "", BindingMismatch},
		{"package", func(m *manifest.Manifest) { m.Package[3]++ }, ManifestInvalid, ""},
		{"supersedes", func(m *manifest.Manifest) { m.Supersedes = &sign.ID{1} }, "", BindingMismatch},
		{"commitment", func(m *manifest.Manifest) { m.Commitment[0]++ }, "", BindingMismatch},
		{"policy", func(m *manifest.Manifest) { m.Policy[0]++ }, "", BindingMismatch},
		{"signer", func(m *manifest.Manifest) { m.Signer = keys().stranger.Fingerprint() }, SignerMismatch, ""},
		{"recipients.kind", func(m *manifest.Manifest) { m.Recipients[0].Kind = sign.AgeHybrid }, RecipientsMismatch, ""},
		{"recipients", func(m *manifest.Manifest) {
			m.Recipients = append(m.Recipients, manifest.Recipient{Kind: sign.AgeX25519, Fingerprint: strings.Repeat("f", 64)})
		}, RecipientsMismatch, ""},
		{"recipients.fingerprint", func(m *manifest.Manifest) { m.Recipients[0].Fingerprint = strings.Repeat("ab", 32) }, "", BindingMismatch},
		{"receipt_key", func(m *manifest.Manifest) { m.ReceiptKey[0]++ }, "", BindingMismatch},
		{"counts.source", func(m *manifest.Manifest) { m.Counts.Source++ }, ManifestInvalid, ""},
		{"counts.included", func(m *manifest.Manifest) { m.Counts.Included++ }, ManifestInvalid, ""},
		{"counts.withheld", func(m *manifest.Manifest) { m.Counts.Withheld++; m.Counts.Source++ }, "", BindingMismatch},
		{"counts.exceptions", func(m *manifest.Manifest) { m.Counts.Exceptions = 0 }, "", BindingMismatch},
		{"items.size", func(m *manifest.Manifest) { m.Items.Size-- }, ManifestInvalid, ""},
		{"items.size", func(m *manifest.Manifest) {
			m.Items.Size, m.Counts.Included, m.Counts.Source = m.Items.Size-1, m.Counts.Included-1, m.Counts.Source-1
		}, "", BindingMismatch},
		{"items.root", func(m *manifest.Manifest) { m.Items.Root[0]++ }, "", BindingMismatch},
		{"tag_manifest", func(m *manifest.Manifest) { m.TagManifest[0]++ }, "", BindingMismatch},
		{"objects.name", func(m *manifest.Manifest) { m.Objects[0].Name = manifest.VolumeName(1, 2, manifest.Age) }, ManifestInvalid, ""},
		{"objects.role", func(m *manifest.Manifest) { m.Objects[0].Role = manifest.Readme }, ManifestInvalid, ""},
		{"objects.size", func(m *manifest.Manifest) { m.Objects[0].Size++ }, ObjectAltered, ""},
		{"objects.size", func(m *manifest.Manifest) { last(m).Size++ }, ObjectAltered, ""},
		{"objects.sha256", func(m *manifest.Manifest) { m.Objects[0].SHA256[0]++ }, ManifestInvalid, ""},
		{"objects.sha256", func(m *manifest.Manifest) { last(m).SHA256[0]++ }, ObjectAltered, ""},
		{"objects.stored.method", func(m *manifest.Manifest) { m.Objects[0].Stored.Method = "etag" }, ManifestInvalid, ""},
		{"objects.stored.version", func(m *manifest.Manifest) { m.Objects[0].Stored.Version = ptr("7") }, "", none},
		{"objects.stored.lock.legal_hold", func(m *manifest.Manifest) { m.Objects[0].Stored.Lock = &manifest.Lock{LegalHold: true} }, "", none},
		{"objects.stored.lock.mode", func(m *manifest.Manifest) {
			m.Objects[0].Stored.Lock = &manifest.Lock{Mode: ptr("COMPLIANCE"), Until: ptr(sign.At(at))}
		}, "", none},
		{"objects.stored.lock.until", func(m *manifest.Manifest) { m.Objects[0].Stored.Lock = &manifest.Lock{Until: ptr(sign.At(at))} }, ManifestInvalid, ""},
		{"abandoned", func(m *manifest.Manifest) { m.Abandoned = []string{m.Objects[0].Name} }, ManifestInvalid, ""},
		{"abandoned", func(m *manifest.Manifest) { m.Abandoned = []string{"../" + firstVolume} }, ManifestInvalid, ""},
		{"log.verifier_key", func(m *manifest.Manifest) { m.Log = &manifest.LogDemand{VerifierKey: "k", Proofs: []string{"tlog"}} }, LogUnsupported, ""},
		{"log.proofs", func(m *manifest.Manifest) { m.Log = &manifest.LogDemand{VerifierKey: "k"} }, ManifestInvalid, ""},
	}
	covered := make(map[string]bool)
	for _, c := range cases {
		covered[c.member] = true
		t.Run(c.member, func(t *testing.T) {
			b := newBuilder(t)
			b.onManifest = c.alter
			objects := b.build()
			wantCode(t, verify(objects, options()), c.verify)
			want := max(c.verify, c.open)
			if want == none {
				want = ""
			}
			_, _, err := openAll(objects, options())
			wantCode(t, err, want)
		})
	}
	for _, member := range members(reflect.TypeFor[manifest.Manifest](), "") {
		if !covered[member] {
			t.Errorf("%s is not altered by any case", member)
		}
	}
}

// members lists the leaves of a struct by their JSON names.
func members(typ reflect.Type, prefix string) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[sign.Time]() {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var all []string
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, members(f.Type, prefix+name+".")...)
	}
	return all
}

// What another identity, a full disk or an unreachable store does is no verdict
// on the package.
func TestOperationalErrors(t *testing.T) {
	b := newBuilder(t)
	objects := b.build()
	k := keys()
	strangers, err := seal.ParseIdentities([]byte("AGE-SECRET-KEY-1QQPQYQ7XYCUXAQQ"), nil)
	if err == nil {
		t.Fatalf("parsed %v", strangers)
	}
	other := newBuilder(t)
	other.recipient = k.other
	_, err = Open(t.Context(), memory(other.build()), k.trusted, k.ids, newFolder(), options())
	if !errors.Is(err, seal.ErrNoIdentity) || codeOf(err) != "" {
		t.Errorf("other identity: %v", err)
	}
	_, err = Item(t.Context(), memory(objects), k.trusted, nil, "E0000001", &bytes.Buffer{}, options())
	if !errors.Is(err, seal.ErrNoIdentity) || codeOf(err) != "" {
		t.Errorf("no identity for an item: %v", err)
	}
	full := newFolder()
	full.limit = 1000
	_, err = Open(t.Context(), memory(objects), k.trusted, k.ids, full, options())
	if !errors.Is(err, errFull) || codeOf(err) != "" {
		t.Errorf("full disk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	opt := options()
	opt.Progress = func(int64) { cancel() }
	_, err = Open(ctx, memory(objects), k.trusted, k.ids, newFolder(), opt)
	if !errors.Is(err, context.Canceled) || codeOf(err) != "" {
		t.Errorf("interrupted: %v", err)
	}
	for after := range 40 {
		src := &failing{memory: objects, after: after}
		_, err = Open(t.Context(), src, k.trusted, k.ids, newFolder(), options())
		if src.failed && (!errors.Is(err, errUnreachable) || codeOf(err) != "") {
			t.Errorf("store fails at read %d: %v", after, err)
		}
		src = &failing{memory: objects, after: after}
		_, err = Item(t.Context(), src, k.trusted, k.ids, "E0000001", &bytes.Buffer{}, options())
		if src.failed && (!errors.Is(err, errUnreachable) || codeOf(err) != "") {
			t.Errorf("store fails at read %d of an item: %v", after, err)
		}
	}
}

func TestNoSuchItem(t *testing.T) {
	b := newBuilder(t)
	objects := b.build()
	for _, exhibit := range []string{"E0000008", "E9999999", "E0000000", "E1", "", "../x"} {
		var out bytes.Buffer
		_, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, exhibit, &out, options())
		if !errors.Is(err, ErrNoItem) || out.Len() > 0 {
			t.Errorf("%q: %v", exhibit, err)
		}
	}
}

// Seeded flips of one bit: outside each is found by Verify; inside, signed
// again by the trusted key, by Open.
func TestFlips(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := newBuilder(t)
	b.perVolume = 0
	objects := b.build()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		for range 300 {
			spoilt := maps.Clone(objects)
			data := bytes.Clone(objects[name])
			at := random.IntN(len(data))
			data[at] ^= 1 << random.IntN(8)
			spoilt[name] = data
			if err := verify(spoilt, options()); codeOf(err) == "" {
				t.Fatalf("%s: flip of byte %d: %v", name, at, err)
			}
		}
	}
	for range 150 {
		b := newBuilder(t)
		b.perVolume = 0
		var at int
		b.onStream = func(_ int, s []byte) []byte {
			at = random.IntN(len(s))
			s[at] ^= 1 << random.IntN(8)
			return s
		}
		_, sink, err := openAll(b.build(), options())
		if err == nil {
			// RFC 8878 section 3.1.1.1.1.3: a bit that decoders ignore. The
			// bag has to be the same.
			for name, raw := range b.raw {
				if !bytes.Equal(sink.files[name].Data, raw) {
					t.Fatalf("flip of byte %d went unseen in %s", at, name)
				}
			}
		} else if codeOf(err) == "" {
			t.Fatalf("flip of byte %d: %v", at, err)
		}
	}
}

func TestFlipsInABag(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	b := newBuilder(t)
	_, sink, err := openAll(b.build(), options())
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range sink.files {
		for range min(20, len(file.Data)) {
			spoilt := maps.Clone(sink.files)
			data := bytes.Clone(file.Data)
			at := random.IntN(len(data))
			data[at] ^= 1 << random.IntN(8)
			spoilt[name] = &fstest.MapFile{Data: data}
			if _, err := CheckBag(t.Context(), spoilt, keys().trusted, options()); codeOf(err) == "" {
				t.Fatalf("%s: flip of byte %d: %v", name, at, err)
			}
		}
		gone := maps.Clone(sink.files)
		delete(gone, name)
		if _, err := CheckBag(t.Context(), gone, keys().trusted, options()); codeOf(err) == "" {
			t.Errorf("%s removed: %v", name, err)
		}
		link := maps.Clone(sink.files)
		link[name] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777}
		_, err := CheckBag(t.Context(), link, keys().trusted, options())
		wantCode(t, err, BagExtra)
	}
	for _, name := range []string{"data/extra.txt", "notes.txt", "data/messages/E0000099.eml", "data/messages/x/y", "item-tree/1", "fetch.txt", ".hidden", "data/order/instrument.exe", "data/order/instrument-signature.exe", "data/messages/E0000099.traffic.json"} {
		more := maps.Clone(sink.files)
		more[name] = &fstest.MapFile{Data: []byte("x")}
		_, err := CheckBag(t.Context(), more, keys().trusted, options())
		wantCode(t, err, BagExtra)
	}
	_, err = CheckBag(t.Context(), fstest.MapFS{}, keys().trusted, options())
	wantCode(t, err, NothingToCheck)
	_, err = CheckBag(t.Context(), sink.files, keys().stranger.PublicKeys(), options())
	wantCode(t, err, SignatureUntrusted)
	opt := options()
	opt.Expect = strings.Repeat("0", 32)
	_, err = CheckBag(t.Context(), sink.files, keys().trusted, opt)
	wantCode(t, err, PackageUnexpected)
}

// Item gives the right bytes or none at all, whatever lies in the volumes.
func TestItemFlips(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 150 {
		b := newBuilder(t)
		b.perVolume, b.pad = 0, false
		b.onStream = func(_ int, s []byte) []byte {
			s[random.IntN(len(s))] ^= 1 << random.IntN(8)
			return s
		}
		objects := b.build()
		n := 1 + random.IntN(len(b.records))
		var out bytes.Buffer
		report, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, bag.ExhibitNumber(n), &out, options())
		if err != nil && (codeOf(err) == "" || out.Len() > 0) {
			t.Fatalf("%d bytes and %v", out.Len(), err)
		}
		if err == nil && !bytes.Equal(out.Bytes(), b.raw[report.File]) {
			t.Fatal("other bytes than were packed")
		}
	}
}
