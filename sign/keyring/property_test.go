package keyring_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// story draws files that the signers may sign about the keys.
type story struct {
	t       *testing.T
	r       *rapid.T
	signers []*detached.Signer
	keys    []*detached.Signer
	files   []*sign.Signed
}

func (s *story) sign(text []byte, err error, by *detached.Signer, at time.Time) {
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := sign.NewSigned(text, by, at, rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	s.files = append(s.files, f)
}

func (s *story) add() {
	names, holders := []string{"root", "second", "third", "a", "b"}, []string{"Ada", "Ben", "Cleo", "Zoe"}
	by := rapid.SampledFrom(s.signers).Draw(s.r, "by")
	key := rapid.SampledFrom(s.keys).Draw(s.r, "key")
	at := start.Add(time.Duration(rapid.IntRange(-2, 3).Draw(s.r, "at")) * time.Second)
	i := rapid.IntRange(0, len(s.keys)-1).Draw(s.r, "name") % len(names)
	name, holder := names[i], holders[i%len(holders)]
	if key := slices.Index(s.keys, key); rapid.Bool().Draw(s.r, "usual") {
		name, holder = names[key%len(names)], holders[key%len(holders)]
	}
	switch rapid.IntRange(0, 5).Draw(s.r, "what") {
	case 0, 1:
		roles := []sign.Role{sign.Admin, sign.Approver}[rapid.IntRange(0, 1).Draw(s.r, "role"):]
		text, err := keyring.NewEnrollment(enrollment(key, name, holder, at, by, roles...))
		s.sign(text, err, by, at)
	case 2:
		k := keyring.Key{Entry: keyring.Entry{Provider: provider, Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), Holder: holder}}
		text, err := keyring.NewRevocation(k, "lost", at, by.Fingerprint())
		s.sign(text, err, by, at)
	case 3: // a copy, signed by somebody
		of := rapid.SampledFrom(s.files).Draw(s.r, "of")
		s.sign(of.Text, nil, by, at)
	default:
		of := rapid.SampledFrom(s.files).Draw(s.r, "of")
		text, err := confirmation.New(provider, of.Digest(), at, by.Fingerprint())
		s.sign(text, err, by, at)
	}
}

func keysOf(t *testing.T, n int) []*detached.Signer {
	keys := make([]*detached.Signer, n)
	for i := range keys {
		keys[i] = newKey(t)
	}
	return keys
}

func TestOrderOfFilesNeverMatters(t *testing.T) {
	h := newHouse(t)
	keys := append([]*detached.Signer{h.root, h.second}, keysOf(t, 3)...)
	h.enroll(keys[2], "third", "Cleo", start, h.root, sign.Admin)
	rapid.Check(t, func(r *rapid.T) {
		s := &story{t: t, r: r, signers: keys, keys: keys, files: slices.Clone(h.entries)}
		for range rapid.IntRange(1, 12).Draw(r, "files") {
			s.add()
		}
		first, err := keyring.Load(h.roots(), provider, s.files, now)
		for range 3 {
			again, errAgain := keyring.Load(h.roots(), provider, rapid.Permutation(s.files).Draw(r, "order"), now)
			if describe(again) != describe(first) || (err == nil) != (errAgain == nil) {
				r.Fatalf("the order matters (%v, %v):\n%s\n%s", err, errAgain, describe(first), describe(again))
			}
		}
		for _, p := range first.Pending() {
			if slices.ContainsFunc(first.All(), func(k keyring.Key) bool { return k.Digest == p.Digest }) {
				r.Fatalf("pending and counted: %s", p.Entry.Name)
			}
		}
	})
}

// Whatever Ada signs with all her keys, of which two are pinned and a third was
// enrolled by two admins, on top of what was there: no key becomes valid that was not.
func TestNoAdminEnrollsAlone(t *testing.T) {
	h := newHouse(t)
	pinned, enrolled := newKey(t), newKey(t)
	h.propose(pinned, "third", "Ada", start, pinned, sign.Admin)
	h.enroll(enrolled, "a", "Ada", start, h.root, sign.Admin)
	roots := append(h.roots(), pinned.Fingerprint())
	known := append(slices.Clone(roots), enrolled.Fingerprint())
	hers := []*detached.Signer{h.root, pinned, enrolled}
	keys := append(slices.Clone(hers), append(keysOf(t, 2), h.second)...)
	rapid.Check(t, func(r *rapid.T) {
		s := &story{t: t, r: r, signers: hers, keys: keys, files: slices.Clone(h.entries)}
		for range rapid.IntRange(1, 16).Draw(r, "files") {
			s.add()
		}
		k, err := keyring.Load(roots, provider, s.files, now)
		for _, key := range k.All() {
			if !slices.Contains(known, key.Entry.Fingerprint) {
				r.Fatalf("Ada alone has enrolled %s (%v):\n%s", key.Entry.Name, err, describe(k))
			}
		}
		if k.Valid(h.second.Fingerprint(), sign.Approver, now) == nil || k.Valid(enrolled.Fingerprint(), sign.Approver, now) == nil {
			r.Fatalf("Ada alone has given a role:\n%s", describe(k))
		}
	})
}
