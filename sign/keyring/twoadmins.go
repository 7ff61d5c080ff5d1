package keyring

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
	"exhibit/sign/detached"
)

// ErrUnconfirmed: no second admin's confirmation counts. The reason why the
// earliest one that names the text does not is wrapped beside it.
var ErrUnconfirmed = errors.New("no second admin has confirmed it")

// TwoAdmins checks that two admins of different holders stand behind a text that
// is no entry, such as a policy (FORMAT section 6): sig is a signature over text
// by signer, who was valid as an admin at signedAt, and one of confirmations, in
// any order, confirms it, both admins being valid at its time, which is not
// before signedAt. It returns that of the earliest such confirmation, and the
// fingerprint of its signer. Confirmations of other texts are passed over. now is
// the present time.
//
// Errors are those of Verify for the first signature, ErrSigner if it is another
// key's than signer, and ErrUnconfirmed.
func (k *Keyring) TwoAdmins(text, sig []byte, signedAt sign.Time, signer string, confirmations []*sign.Signed, now time.Time) (since sign.Time, confirmedBy string, err error) {
	return k.twoAdmins(text, sig, signedAt, signer, confirmations, now, k.ring.valid)
}

// TwoAdminsOnce is TwoAdmins whatever was revoked.
func (k *Keyring) TwoAdminsOnce(text, sig []byte, signedAt sign.Time, signer string, confirmations []*sign.Signed, now time.Time) error {
	_, _, err := k.twoAdmins(text, sig, signedAt, signer, confirmations, now, k.ring.enrolled)
	return err
}

type validity func(fingerprint string, role sign.Role, at sign.Time) error

func (k *Keyring) twoAdmins(text, sig []byte, signedAt sign.Time, signer string, confirmations []*sign.Signed, now time.Time, valid validity) (since sign.Time, confirmedBy string, err error) {
	first, err := k.verify(text, sig, sign.Admin, signedAt, now, valid)
	if err != nil {
		return sign.Time{}, "", err
	}
	if first.Entry.Fingerprint != signer {
		return sign.Time{}, "", fmt.Errorf("%w: signed by %s, not by %s", ErrSigner, first.Entry.Fingerprint, signer)
	}
	err = ErrUnconfirmed
	for _, f := range k.confirming(sign.Sum(text), confirmations) {
		reason := k.second(f, signer, signedAt, now, valid)
		if reason == nil {
			return f.time, f.signer, nil
		}
		if err == ErrUnconfirmed {
			err = fmt.Errorf("%w: %w", ErrUnconfirmed, reason)
		}
	}
	return sign.Time{}, "", err
}

// confirming returns the confirmations of that text, by time, then leaf hash.
func (k *Keyring) confirming(text sign.Digest, signed []*sign.Signed) []*file {
	var files []*file
	for _, s := range signed {
		c, err := confirmation.Parse(s.Text)
		if err != nil || c.Text != text || c.Provider != k.provider {
			continue
		}
		files = append(files, &file{signed: s, leaf: s.LeafHash(), confirmation: c, time: c.Time, signer: c.Signer})
	}
	slices.SortFunc(files, (*file).compare)
	return files
}

// second says whether a confirmation of what signer signed at signedAt counts.
func (k *Keyring) second(c *file, signer string, signedAt sign.Time, now time.Time, valid validity) error {
	switch {
	case c.time.Time().After(now.Add(detached.MaxSkew)):
		return fmt.Errorf("confirmation of %s: %w", c.time, detached.ErrFuture)
	case c.time.Before(signedAt):
		return fmt.Errorf("%w: the text is of %s, later than its confirmation", ErrNothingConfirmed, signedAt)
	}
	if err := valid(c.signer, sign.Admin, c.time); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if err := c.verify(k.ring.certificate(c.signer, sign.Admin), now); err != nil {
		return err
	}
	if holder := k.Holder(c.signer); holder == k.Holder(signer) {
		return fmt.Errorf("%w: %.80q", ErrSameHolder, holder)
	}
	if err := valid(signer, sign.Admin, c.time); err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return nil
}
