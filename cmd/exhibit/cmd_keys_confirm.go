package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"exhibit/export"
	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/keyring"
)

// errKeyDiffers says that the key which the second admin was given is another than
// the one which was proposed.
var errKeyDiffers = errors.New("that is not the key")

func (o *enrollOptions) differs(name, given, whence, other, whose string) error {
	if len(given) == len(other) && strings.ToUpper(other) == other {
		given = strings.ToUpper(given)
	}
	return &hintedError{
		fmt.Errorf("key %s: %w: %s %s, %s %s", name, errKeyDiffers, keyring.FormatFingerprint(given), whence, keyring.FormatFingerprint(other), whose),
		"one of the two is not the holder's: ask the holder by another way; keys enroll --anew makes another proposal",
	}
}

// confirm signs as the second admin what another has proposed.
func (o *enrollOptions) confirm(ctx context.Context, s *session, name string, waiting []keyring.Pending) error {
	p, err := o.choose(s, name, waiting)
	if err != nil {
		return err
	}
	if err := o.compare(name, &p.Entry); err != nil {
		return err
	}
	m, err := readKey([]byte(*p.Entry.PublicKey), p.Entry.Roles, o.app.env.now())
	if err != nil {
		return fmt.Errorf("key %s: %w", name, err)
	}
	o.app.say("%s proposed %s on %s, and %s confirms:", s.adminText(p.Entry.Signer), name, p.Entry.Time, o.as)
	s.sayEntry(p.Entry.Holder, p.Entry.Roles, m, *p.Entry.Verified)
	if p.Entry.ValidUntil != nil {
		o.app.say("  valid until  %s", p.Entry.ValidUntil)
	}
	admin, err := s.signer(ctx, o.as)
	if err != nil {
		return err
	}
	if err := s.authority.ConfirmKey(ctx, p, admin, o.app.env.now()); err != nil {
		return err
	}
	by := admin.Fingerprint()
	return o.app.print(enrolled{
		Name: name, Kind: m.kind, Fingerprint: m.fingerprint, Roles: p.Entry.Roles, State: enrolValid, ConfirmedBy: &by,
		Warnings: m.warnings, second: s.adminText(by),
	})
}

// choose finds the newest proposal of another admin for the key that this one was given.
func (o *enrollOptions) choose(s *session, name string, waiting []keyring.Pending) (keyring.Pending, error) {
	own := s.ownHolder(o.as)
	others := slices.DeleteFunc(slices.Clone(waiting), func(p keyring.Pending) bool {
		return s.authority.Keys.Holder(p.Entry.Signer) == own
	})
	if len(others) == 0 {
		return keyring.Pending{}, o.ownProposal(s, name, waiting[len(waiting)-1])
	}
	newest := others[len(others)-1]
	given, whence, err := o.givenKey(s, name, newest.Entry.Roles)
	if err != nil {
		return newest, err
	}
	for _, p := range slices.Backward(others) {
		if strings.EqualFold(p.Entry.Fingerprint, given) {
			return p, nil
		}
	}
	return newest, o.differs(name, given, whence, newest.Entry.Fingerprint, "as "+s.adminText(newest.Entry.Signer)+" proposed")
}

// ownProposal is for an admin who has proposed it already.
func (o *enrollOptions) ownProposal(s *session, name string, p keyring.Pending) error {
	err := export.ErrOwnProposal
	if o.holder != "" || o.how != "" || len(o.wanted) > 0 {
		err = export.ErrPending
	}
	return &hintedError{
		fmt.Errorf("key %s, proposed by %s: %w", name, s.adminText(p.Entry.Signer), err),
		fmt.Sprintf("a second admin gives `exhibit keys enroll %s --as %s`; --anew makes another proposal instead", name, s.otherAdmin(p.Entry.Signer)),
	}
}

// givenKey is the fingerprint of the key that the second admin was given, and whence.
func (o *enrollOptions) givenKey(s *session, name string, roles []sign.Role) (fingerprint, whence string, err error) {
	if o.key != "" {
		m, err := o.material(s, name, roles)
		if err != nil {
			return "", "", err
		}
		if o.fingerprint != "" && !strings.EqualFold(o.fingerprint, m.fingerprint) {
			return "", "", o.differs(name, o.fingerprint, "that you gave", m.fingerprint, "of the file")
		}
		return m.fingerprint, "of " + o.key, nil
	}
	if o.fingerprint != "" {
		return o.fingerprint, "that you gave", nil
	}
	fingerprint, err = s.ws.Fingerprint(name)
	if errors.Is(err, workspace.ErrNoKey) {
		return "", "", usagef("exhibit keys enroll: --key FILE or --fingerprint FP is needed, as the holder of %s gives it: the key is not on this host", name)
	}
	return fingerprint, "of the key on this host", err
}

// compare makes sure that what the second admin says besides is what was proposed.
func (o *enrollOptions) compare(name string, e *keyring.Entry) error {
	until, proposed := "none", "none"
	if e.ValidUntil != nil {
		proposed = e.ValidUntil.String()
	}
	if !o.validEnd.IsZero() {
		until = sign.At(o.validEnd).String()
	}
	for _, c := range []struct {
		flag           string
		given, entered string
	}{
		{"holder", o.holder, e.Holder},
		{"role", joinRoles(o.wanted), joinRoles(e.Roles)},
		{"how", o.how, e.Verified.How},
		{"verified-by", o.by, e.Verified.By},
		{"from", sign.At(o.validFrom).String(), e.ValidFrom.String()},
		{"until", until, proposed},
	} {
		if o.given(c.flag) && c.given != c.entered {
			return &hintedError{
				fmt.Errorf("key %s: --%s is %q, and the proposal says %q", name, c.flag, c.given, c.entered),
				"leave it out to confirm the proposal as it is; --anew makes another one instead",
			}
		}
	}
	return nil
}
