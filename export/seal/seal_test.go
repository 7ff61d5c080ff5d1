package seal_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"exhibit/export/seal"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// open decrypts a file.
func open(file []byte, ids []seal.Identity) ([]byte, error) {
	r, err := seal.Decrypt(bytes.NewReader(file), ids)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// text is n bytes that tell where they stand.
func text(n int) []byte {
	return bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]
}

func TestRoundTrip(t *testing.T) {
	const chunk = 64 << 10
	for name, p := range pairs(t) {
		t.Run(name, func(t *testing.T) {
			r, ids := recipient(t, p.public), identities(t, p.secret)
			if r.Kind != kindOf(name) {
				t.Errorf("kind %s", r.Kind)
			}
			if len(ids) != 1 || ids[0].Kind() != r.Kind || ids[0].Fingerprint() != r.Fingerprint {
				t.Errorf("recipient %s %s, identities %v", r.Kind, r.Fingerprint, ids)
			}
			for _, n := range []int{0, 1, 100, 511, 512, 513, chunk - 1, chunk, chunk + 1, 5*chunk + 7} {
				want := text(n)
				file := sealed(t, want, r)
				if got, err := open(file, ids); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes: %d came back, %v", n, len(got), err)
				}
			}
			want := text(100)
			again, err := seal.Decrypt(iotest.OneByteReader(bytes.NewReader(sealed(t, want, r))), ids)
			if err != nil {
				t.Fatal(err)
			}
			if err := iotest.TestReader(again, want); err != nil {
				t.Errorf("one byte at a time: %v", err)
			}
		})
	}
}

// However it is written, the same comes out.
func TestWrites(t *testing.T) {
	for name, p := range pairs(t) {
		var out bytes.Buffer
		w, err := seal.Encrypt(&out, []seal.Recipient{recipient(t, p.public)}, now())
		if err != nil {
			t.Fatal(err)
		}
		want := text(1 << 20)
		for rest, n := want, 1; len(rest) > 0; n *= 3 {
			part := rest[:min(n, len(rest))]
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
			rest = rest[len(part):]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err == nil {
			t.Errorf("%s: Write after Close", name)
		}
		if got, err := open(out.Bytes(), identities(t, p.secret)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// Each of several recipients opens the file, and nobody else.
func TestSeveralRecipients(t *testing.T) {
	first, second := pairs(t), newPairs(t)
	for name := range first {
		file := sealed(t, text(1000), recipient(t, first[name].public), recipient(t, second[name].public))
		for _, p := range []pair{first[name], second[name]} {
			if got, err := open(file, identities(t, p.secret)); err != nil || !bytes.Equal(got, text(1000)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var all []seal.Identity
		for other, p := range first {
			if other != name {
				all = append(all, identities(t, p.secret)...)
			}
		}
		if _, err := open(file, all); !errors.Is(err, seal.ErrNoIdentity) {
			t.Errorf("%s: other identities: %v", name, err)
		}
		if _, err := open(file, nil); !errors.Is(err, seal.ErrNoIdentity) {
			t.Errorf("%s: no identities: %v", name, err)
		}
		if got, err := open(file, append(all, identities(t, second[name].secret)...)); err != nil || len(got) != 1000 {
			t.Errorf("%s: one of many identities: %v", name, err)
		}
	}
}

func TestMixedKinds(t *testing.T) {
	all := pairs(t)
	postQuantum := func(name string) bool { return name == "openpgp v6 PQ" }
	for a, pa := range all {
		for b, pb := range all {
			if a == b {
				continue
			}
			rs := []seal.Recipient{recipient(t, pa.public), recipient(t, pb.public)}
			_, err := seal.Encrypt(io.Discard, rs, now())
			mixed := kindOf(a) != kindOf(b) || postQuantum(a) != postQuantum(b)
			if mixed && !errors.Is(err, seal.ErrMixedKinds) || !mixed && err != nil {
				t.Errorf("%s with %s: %v", a, b, err)
			}
		}
	}
}

func TestRecipientLists(t *testing.T) {
	r := recipient(t, x25519(t).public)
	many := make([]seal.Recipient, 0, seal.MaxRecipients+1)
	for range seal.MaxRecipients + 1 {
		many = append(many, recipient(t, x25519(t).public))
	}
	for name, c := range map[string]struct {
		rs   []seal.Recipient
		want error
	}{
		"none":          {nil, seal.ErrRecipients},
		"twice":         {[]seal.Recipient{r, r}, seal.ErrRecipients},
		"at the limit":  {many[:seal.MaxRecipients], nil},
		"past it":       {many, seal.ErrRecipients},
		"changed kind":  {[]seal.Recipient{{Kind: seal.KindAgeHybrid, Fingerprint: r.Fingerprint, Public: r.Public}}, seal.ErrInvalidKey},
		"changed print": {[]seal.Recipient{{Kind: r.Kind, Fingerprint: strings.Repeat("0", 64), Public: r.Public}}, seal.ErrInvalidKey},
		"zero":          {[]seal.Recipient{{}}, seal.ErrInvalidKey},
	} {
		if _, err := seal.Encrypt(io.Discard, c.rs, now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := seal.CheckRecipients(c.rs, now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One key without AEAD takes it from all; that is said.
func TestDowngradeWarns(t *testing.T) {
	all := pairs(t)
	v4, ocb, gcm := recipient(t, all["openpgp v4"].public), recipient(t, all["openpgp v6 OCB"].public), recipient(t, all["openpgp v6 GCM"].public)
	for name, c := range map[string]struct {
		rs      []seal.Recipient
		warn    string
		version byte
	}{
		"v4 alone":     {[]seal.Recipient{v4}, "", 1},
		"v6 alone":     {[]seal.Recipient{gcm}, "", 2},
		"v6 both":      {[]seal.Recipient{ocb, gcm}, "", 2},
		"v4 beside v6": {[]seal.Recipient{ocb, v4}, v4.Fingerprint, 1},
	} {
		warnings, err := seal.CheckRecipients(c.rs, now())
		if err != nil || (c.warn == "") != (len(warnings) == 0) || !strings.Contains(strings.Join(warnings, " "), c.warn) {
			t.Errorf("%s: %q, %v", name, warnings, err)
		}
		if got := dataVersion(t, sealed(t, text(5), c.rs...)); got != c.version {
			t.Errorf("%s: encrypted data of version %d, want %d", name, got, c.version)
		}
	}
}

// dataVersion is the version of the encrypted data packet of a short message.
func dataVersion(t *testing.T, file []byte) byte {
	t.Helper()
	r := bytes.NewReader(file)
	for {
		p, err := packet.Read(r)
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := p.(*packet.SymmetricallyEncrypted); ok {
			return byte(d.Version)
		}
	}
}

func TestExtension(t *testing.T) {
	for kind, want := range map[string]string{"openpgp": "gpg", "age-x25519": "age", "age-hybrid": "age", "age-ssh": "age", "": "", "rot13": ""} {
		if got := seal.Extension(kind); got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
}

// A full disk is not swallowed.
func TestWriteErrors(t *testing.T) {
	full := errors.New("disk full")
	for name, p := range pairs(t) {
		for _, room := range []int{0, 500, 100_000} {
			w, err := seal.Encrypt(&disk{room, full}, []seal.Recipient{recipient(t, p.public)}, now())
			if err == nil {
				_, err = w.Write(text(200_000))
				if closed := w.Close(); err == nil {
					err = closed
				}
			}
			if !errors.Is(err, full) {
				t.Errorf("%s, %d bytes: %v", name, room, err)
			}
		}
	}
}

// disk takes so many bytes.
type disk struct {
	room int
	err  error
}

func (d *disk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		n := d.room
		d.room = 0
		return n, d.err
	}
	d.room -= len(p)
	return len(p), nil
}

func TestDecryptAt(t *testing.T) {
	for name, p := range pairs(t) {
		want := text(300_000)
		file := sealed(t, want, recipient(t, p.public))
		at, size, err := seal.DecryptAt(bytes.NewReader(file), int64(len(file)), identities(t, p.secret))
		if kindOf(name) == "openpgp" {
			if !errors.Is(err, seal.ErrUnsupported) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || size != int64(len(want)) {
			t.Fatalf("%s: %d bytes, %v", name, size, err)
		}
		if got, err := io.ReadAll(io.NewSectionReader(at, 0, size)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		part := make([]byte, 1000)
		if n, err := at.ReadAt(part, 130_500); err != nil || !bytes.Equal(part[:n], want[130_500:131_500]) {
			t.Errorf("%s: ReadAt: %d bytes, %v", name, n, err)
		}
		if n, err := at.ReadAt(make([]byte, 9), size+1); n != 0 || err != io.EOF {
			t.Errorf("%s: past the end: %d, %v", name, n, err)
		}
		if _, err := at.ReadAt(make([]byte, 9), -1); err == nil {
			t.Errorf("%s: before the start", name)
		}
		if _, _, err := seal.DecryptAt(bytes.NewReader(file), int64(len(file)), nil); !errors.Is(err, seal.ErrNoIdentity) {
			t.Errorf("%s: no identity: %v", name, err)
		}
		for _, cut := range []int{1, 20, len(file) / 2, len(file) - 70_000} {
			if _, _, err := seal.DecryptAt(bytes.NewReader(file[:cut]), int64(cut), identities(t, p.secret)); err == nil {
				t.Errorf("%s: opened when cut to %d bytes", name, cut)
			}
		}
		broken := bytes.Clone(file)
		broken[len(file)-200_000] ^= 1
		at, _, err = seal.DecryptAt(bytes.NewReader(broken), int64(len(file)), identities(t, p.secret))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := at.ReadAt(make([]byte, size), 0); !errors.Is(err, seal.ErrCorrupt) {
			t.Errorf("%s: a flipped bit: %v", name, err)
		}
	}
}

// A file has the recipients that are expected, and no others.
func TestExpectedRecipients(t *testing.T) {
	first, second := pairs(t), newPairs(t)
	for name, p := range first {
		kind, ids := kindOf(name), identities(t, p.secret)
		file := sealed(t, text(9), recipient(t, p.public), recipient(t, second[name].public))
		for _, c := range []struct {
			kind string
			n    int
			want error
		}{
			{kind, 2, nil}, {"", 2, nil}, {kind, 0, nil},
			{kind, 1, seal.ErrFormat}, {kind, 3, seal.ErrFormat}, {"rot13", 2, seal.ErrFormat},
		} {
			_, err := seal.DecryptFor(bytes.NewReader(file), ids, c.kind, c.n)
			if !errors.Is(err, c.want) {
				t.Errorf("%s, expecting %d of %q: %v", name, c.n, c.kind, err)
			}
			if kind == "openpgp" {
				continue
			}
			_, _, err = seal.DecryptAtFor(bytes.NewReader(file), int64(len(file)), ids, c.kind, c.n)
			if !errors.Is(err, c.want) {
				t.Errorf("%s at random, expecting %d of %q: %v", name, c.n, c.kind, err)
			}
		}
	}
}
