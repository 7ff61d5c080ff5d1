package keyring

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
)

// file is a signed entry or confirmation that is well formed, and not yet known
// to count.
type file struct {
	signed       *sign.Signed
	leaf, digest sign.Digest
	entry        *Entry                     // or
	confirmation *confirmation.Confirmation // the other is nil
	time         sign.Time
	signer       string
	counts       bool  // of a revocation
	reason       error // why it does not count so far

	verified  string // the certificate that the signature was last checked with
	signature error  // and what came of it
}

func (f *file) is(a Action) bool { return f.entry != nil && f.entry.Action == a }

// readAll reads what is an entry or a confirmation of this provider and does
// not lie in the future, sorted by time, then leaf hash; the rest is rejected.
// The same file twice is taken once. An enrolment from the future could not be
// revoked before its time.
func readAll(signed []*sign.Signed, provider string, now time.Time) (files []*file, rejected []Rejected) {
	type identity struct{ leaf, signature sign.Digest }
	seen := make(map[identity]bool)
	for _, s := range signed {
		f := &file{signed: s, leaf: s.LeafHash(), digest: s.Digest()}
		id := identity{f.leaf, sign.Sum(s.Signature)}
		if seen[id] {
			continue
		}
		seen[id] = true
		if err := f.read(provider, now); err != nil {
			rejected = append(rejected, Rejected{f.leaf, f.entry, f.confirmation, err})
			continue
		}
		files = append(files, f)
	}
	slices.SortFunc(files, (*file).compare)
	return files, rejected
}

// compare orders files by time, then leaf hash, then signature.
func (f *file) compare(g *file) int {
	if c := f.time.Compare(g.time); c != 0 {
		return c
	}
	if c := bytes.Compare(f.leaf[:], g.leaf[:]); c != 0 {
		return c
	}
	return bytes.Compare(f.signed.Signature, g.signed.Signature)
}

func (f *file) read(provider string, now time.Time) (err error) {
	var of string
	if f.signed.Type() == confirmation.Type {
		if f.confirmation, err = confirmation.Parse(f.signed.Text); err != nil {
			return err
		}
		of, f.time, f.signer = f.confirmation.Provider, f.confirmation.Time, f.confirmation.Signer
	} else {
		if f.entry, err = ParseEntry(f.signed.Text); err != nil {
			return err
		}
		of, f.time, f.signer = f.entry.Provider, f.entry.Time, f.entry.Signer
	}
	if of != provider {
		return fmt.Errorf("%w: %.80q", ErrProvider, of)
	}
	if f.time.Time().After(now.Add(detached.MaxSkew)) {
		return fmt.Errorf("text of %s: %w", f.time, detached.ErrFuture)
	}
	return nil
}

// verify checks that the key which the text names as its signer has signed it,
// going by that key's certificate. The files of one second are checked again
// and again; their signatures are not.
func (f *file) verify(certificate string, now time.Time) error {
	if f.verified == "" || f.verified != certificate {
		f.verified, f.signature = certificate, checkSignature(f.signed, certificate, f.signer, now)
	}
	return f.signature
}

func checkSignature(s *sign.Signed, certificate, signer string, now time.Time) error {
	keys, err := detached.ParsePublicKeys([]byte(certificate))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if _, err := detached.Verify(s.Text, s.Signature, keys.Only(signer), now); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return nil
}
