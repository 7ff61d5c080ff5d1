package open

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// Invariant 7: a key that the manifest does not name can read nothing unseen.
func TestHiddenRecipient(t *testing.T) {
	b := newBuilder(t)
	b.hidden = []seal.Recipient{keys().other}
	objects := b.build()
	wantCode(t, verify(objects, options()), RecipientsMismatch)
	_, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &bytes.Buffer{}, options())
	wantCode(t, err, RecipientsMismatch)
}

// Invariant 7: a package that was signed for one key and encrypted to another is
// refused by the other's holder, though all that is signed agrees.
func TestOpenedByAnotherKey(t *testing.T) {
	k := keys()
	b := newBuilder(t)
	b.recipient, b.sealed = k.other, &k.agency
	objects := b.build()
	if err := verify(objects, options()); err != nil {
		t.Fatal(err) // only the holder of the key can tell
	}
	_, _, err := openAll(objects, options())
	wantCode(t, err, RecipientsMismatch)
	var out bytes.Buffer
	_, err = Item(t.Context(), memory(objects), k.trusted, k.ids, "E0000001", &out, options())
	wantCode(t, err, RecipientsMismatch)
	if out.Len() > 0 {
		t.Error("the item was written")
	}
}

// The order in the bag names the keys that the package is for.
func TestOrderNamesOtherKeys(t *testing.T) {
	b := newBuilder(t)
	b.onPayload = func(files map[string][]byte) {
		files[bag.OrderYAML] = bytes.ReplaceAll(files[bag.OrderYAML], []byte(b.recipient.Fingerprint), []byte(keys().other.Fingerprint))
	}
	b.onPackage = func(p *bag.Package) {
		p.Order.SHA256 = sign.Sum(fmt.Appendf(nil, orderText, keys().other.Fingerprint, p.Order.InstrumentSHA256))
	}
	_, _, err := openAll(b.build(), options())
	wantCode(t, err, OrderMismatch)
	if err == nil || !strings.Contains(err.Error(), "other keys") {
		t.Error(err)
	}
}

func TestHiddenOpenPGPRecipient(t *testing.T) {
	tool(t, "gpg", "gpgconf")
	b := newBuilder(t)
	b.recipient = gpgRecipient(t, gnupgHome(t))
	objects := b.build()
	if err := verify(objects, options()); err != nil {
		t.Fatal(err)
	}
	_, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &bytes.Buffer{}, options())
	if err == nil || codeOf(err) != "" {
		t.Errorf("an item of an OpenPGP package: %v", err)
	}
	b = newBuilder(t)
	b.recipient, b.hidden = gpgRecipient(t, gnupgHome(t)), []seal.Recipient{gpgRecipient(t, gnupgHome(t))}
	wantCode(t, verify(b.build(), options()), RecipientsMismatch)
}

func TestNoVolumeAtAll(t *testing.T) {
	for _, head := range []string{"", "#!/bin/sh\n", ageIntro, ageIntro + "-> X25519 abc\n", ageIntro + "-> scrypt abc 18\nxyz\n--- mac\n",
		"\xc1\x03\x03ab\xd2\xff\x00", "\xd2\xff\x00\x00\x00\x00\x00", "\xc1\xff\xff\xff\xff\xff\x00", "\xc1\xe0aaaaaaa", "\x84\x03aaaaaaaa"} {
		if kinds, err := sealedTo([]byte(head)); err == nil {
			t.Errorf("%q: %v", head, kinds)
		}
	}
	b := newBuilder(t)
	b.onSealed = func(int, []byte) []byte { return []byte("#!/bin/sh\n") }
	wantCode(t, verify(b.build(), options()), VolumeInvalid)
}

func FuzzSealedTo(f *testing.F) {
	f.Add([]byte(ageIntro + "-> X25519 abc\nxyz\n--- mac\n"))
	f.Add([]byte("\xc1\x04\x03abc\xd2\xff\x00\x00\x00\x00\x00"))
	f.Add([]byte("\xc1\xc0\x00" + strings.Repeat("a", 192) + "\xd2\xff\x00\x00\x00\x00"))
	f.Add([]byte("\xc1\xff\x00\x00\x00\x01a\xd2\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, head []byte) {
		kinds, err := sealedTo(head)
		if err == nil && len(kinds) > len(head) {
			t.Fatalf("%d keys in %d bytes", len(kinds), len(head))
		}
	})
}

// Volumes of earlier attempts may lie there; they are no part of the package.
func TestAbandonedVolumes(t *testing.T) {
	const old = "volume-0002.r2.tar.zst.age"
	b := newBuilder(t)
	b.onManifest = func(m *manifest.Manifest) { m.Abandoned = []string{old, "volume-0003.r2.tar.zst.age"} }
	objects := b.build()
	for _, there := range []bool{false, true} {
		if there {
			objects[old] = []byte("half a volume")
		}
		report, err := Verify(t.Context(), memory(objects), keys().trusted, options())
		if err != nil {
			t.Fatal(err)
		}
		if (len(report.Warnings) > 0) != there {
			t.Errorf("there: %v, warnings %q", there, report.Warnings)
		}
	}
}

// The names in --json are a contract.
func TestReportsAsJSON(t *testing.T) {
	b := newBuilder(t)
	objects := b.build()
	report, sink, err := openAll(objects, options())
	if err != nil {
		t.Fatal(err)
	}
	bagReport, err := CheckBag(t.Context(), sink.FS(), keys().trusted, options())
	if err != nil {
		t.Fatal(err)
	}
	item, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &bytes.Buffer{}, options())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		report any
		want   string
	}{
		{report, "acceptance bag bytes checked counts not_checked objects package policy recipients signed_at signer warnings"},
		{bagReport, "acceptance accounts agency checked counts created emergency exceptions files gaps not_checked octets package provider reference reviewer signed_at signer tag_manifest warnings withheld"},
		{item, "checked exhibit fetched file not_checked package sha256 signed_at signer size warnings"},
	} {
		text, err := json.Marshal(c.report)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(members)), " "); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if strings.Contains(string(text), "BwcHBwcH") {
			t.Error("the report shows the secret")
		}
		for _, list := range []string{"checked", "not_checked"} {
			if n, ok := members[list].([]any); !ok || len(n) == 0 {
				t.Errorf("%s is empty", list)
			}
		}
	}
}

// What Progress is told adds up to what there is to read.
func TestProgress(t *testing.T) {
	objects := newBuilder(t).build()
	var want, got int64
	for _, data := range objects {
		want += int64(len(data))
	}
	opt := options()
	opt.Progress = func(n int64) { got += n }
	if err := verify(objects, opt); err != nil || got != want {
		t.Errorf("%d of %d bytes, %v", got, want, err)
	}
}

// A package that supersedes another one says so in both reports.
func TestSupersedes(t *testing.T) {
	b := newBuilder(t)
	before := sign.ID{5}
	b.onManifest = func(m *manifest.Manifest) { m.Supersedes = &before }
	report, err := Verify(t.Context(), memory(b.build()), keys().trusted, options())
	if err != nil || report.Supersedes != before.String() {
		t.Errorf("%+v, %v", report, err)
	}
}
