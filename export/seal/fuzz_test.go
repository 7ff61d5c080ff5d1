package seal_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"exhibit/export/seal"
)

// FuzzParseRecipient: what is accepted is canonical, and can be used.
func FuzzParseRecipient(f *testing.F) {
	for _, name := range golden {
		f.Add(goldenFile(f, name, ".recipient"))
		f.Add(goldenFile(f, name, ".identity"))
	}
	f.Add([]byte("# comment\nssh-rsa AAAA\n"))
	f.Add([]byte(zeroPoint))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := seal.ParseRecipient(data)
		if err != nil {
			return
		}
		again, err := seal.ParseRecipient([]byte(r.Public))
		if err != nil || again.Public != r.Public || again.Fingerprint != r.Fingerprint || again.Kind != r.Kind {
			t.Fatalf("%q became %q: %v", r.Public, again.Public, err)
		}
		if seal.Extension(r.Kind) == "" || r.Fingerprint == "" {
			t.Fatalf("%v", r)
		}
		if w, err := seal.Encrypt(io.Discard, []seal.Recipient{r}, created()); err == nil {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzParseIdentities: nothing breaks, and nothing is made of nothing.
func FuzzParseIdentities(f *testing.F) {
	for _, name := range golden {
		f.Add(goldenFile(f, name, ".identity"))
		f.Add(goldenFile(f, name, ".recipient"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("bcrypt")) || bytes.Contains(data, []byte("-> scrypt")) {
			return // as slow as the file says: that is its owner's choice
		}
		ids, err := seal.ParseIdentities(data, func(string) ([]byte, error) { return []byte("p"), nil })
		if err == nil && len(ids) == 0 {
			t.Fatal("no identities and no error")
		}
		for _, id := range ids {
			if seal.Extension(id.Kind()) == "" || id.Fingerprint() == "" {
				t.Fatalf("%v", id)
			}
		}
	})
}

// FuzzDecrypt: a file is opened to the very content that was sealed, or refused
// with an error of the package.
func FuzzDecrypt(f *testing.F) {
	var ids []seal.Identity
	for _, name := range golden {
		f.Add(goldenSealed(f, name))
		ids = append(ids, identities(f, goldenFile(f, name, ".identity"))...)
	}
	f.Add([]byte("age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAA\n"))
	f.Add([]byte{0xC1, 3, 3, 0, 0, 0xD2, 0xE9, 1})
	f.Add([]byte{0xD2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 9, 2, 16})
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := seal.Decrypt(bytes.NewReader(file), ids)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil && !errors.Is(err, seal.ErrNoIdentity) && !errors.Is(err, seal.ErrFormat) && !errors.Is(err, seal.ErrCorrupt) {
			t.Fatalf("%v", err)
		}
		at, size, atErr := seal.DecryptAt(bytes.NewReader(file), int64(len(file)), ids)
		if err == nil && atErr != nil && !errors.Is(atErr, seal.ErrUnsupported) {
			t.Fatalf("opened as a stream, but not at random: %v", atErr)
		}
		if atErr == nil {
			_, atErr = at.ReadAt(make([]byte, min(size, 1<<20)), 0)
			if (err == nil) != (atErr == nil || atErr == io.EOF) && size <= 1<<20 {
				t.Fatalf("as a stream: %v; at random: %v", err, atErr)
			}
		}
	})
}
