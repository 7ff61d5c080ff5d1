package main

import (
	"context"
	"errors"
	"os"

	"exhibit/export"
	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
	"exhibit/sign/policy"
)

// founding is a keyring that two admins found, as far as they have come.
type founding struct {
	*initOptions
	ws *workspace.Workspace
	p  *export.Provider
	a  *export.Authority // nil before the first root's own entry
	// own is the key of who acts, signing the provider's; nil while locked.
	own, signing *detached.Signer
	// shown is what the second admin was shown to confirm, by the digests of the
	// texts: the first may propose more meanwhile.
	shown map[sign.Digest]bool
}

// load reads how far it has come.
func (f *founding) load(ctx context.Context) error {
	a, err := f.p.LoadFounding(ctx, f.app.env.now())
	if errors.Is(err, keyring.ErrNoRoot) {
		f.a = nil
		return nil
	}
	f.a = a
	return err
}

// root is a root's own entry, or nil.
func (f *founding) root(i int) *keyring.Key {
	if f.a == nil || i >= len(f.ws.Config.Roots) {
		return nil
	}
	k, err := f.a.Keys.ByFingerprint(f.ws.Config.Roots[i])
	if err != nil || !k.Root {
		return nil
	}
	return &k
}

// signingEntry is the entry of the key that signs packages, pending or not, or nil.
func (f *founding) signingEntry() *keyring.Entry {
	if f.a == nil {
		return nil
	}
	name := f.ws.Config.SigningKey
	if k, err := f.a.Keys.Key(name); err == nil {
		return &k.Entry
	}
	if list := f.a.PendingKeys(name); len(list) > 0 {
		return &list[len(list)-1].Entry
	}
	return nil
}

// policyAtHand is the policy in force, or the first one while it is pending; of
// several the one that was signed last.
func (f *founding) policyAtHand() (*policy.Policy, sign.Digest) {
	if f.a == nil {
		return nil, sign.Digest{}
	}
	if f.a.Policy != nil {
		return &f.a.Policy.Policy, f.a.Policy.Digest
	}
	var last *policy.Pending
	for i := range f.a.PendingPolicies {
		if p := &f.a.PendingPolicies[i]; p.Serial == 1 && (last == nil || last.Time.Before(p.Time)) {
			last = p
		}
	}
	if last == nil {
		return nil, sign.Digest{}
	}
	return &last.Policy, last.Digest
}

// propose writes what of the first admin's records is not there yet.
func (f *founding) propose(ctx context.Context, draft policy.Policy) error {
	if err := f.load(ctx); err != nil {
		return err
	}
	if f.root(0) == nil {
		if err := f.p.Found(ctx, f.enrolment(f.admin, f.holder, f.own, sign.Admin), f.own); err != nil {
			return err
		}
		if err := f.load(ctx); err != nil {
			return err
		}
	}
	if f.a == nil {
		return keyring.ErrNoRoot
	}
	if f.signingEntry() == nil {
		e := f.enrolment(f.ws.Config.SigningKey, f.ws.Config.Provider, f.signing, sign.Provider)
		if err := f.a.Enroll(ctx, e, f.own); err != nil {
			return err
		}
	}
	if p, _ := f.policyAtHand(); p == nil {
		if _, err := f.a.SignPolicy(ctx, draft, f.own, f.app.env.now()); err != nil {
			return err
		}
	}
	if err := f.load(ctx); err != nil {
		return err
	}
	return f.saveRoots()
}

// enrolment is of a key that init has made.
func (f *founding) enrolment(name, holder string, key *detached.Signer, role sign.Role) keyring.Enrollment {
	now := f.app.env.now()
	return keyring.Enrollment{
		Name: name, Kind: sign.OpenPGP, Fingerprint: key.Fingerprint(), PublicKey: string(key.Public()), Holder: holder,
		Roles: []sign.Role{role}, ValidFrom: now, Verified: keyring.Verified{By: f.holder, How: "made by exhibit init", At: sign.At(now)}, Time: now,
	}
}

// saveRoots writes the roots' certificates for outsiders.
func (f *founding) saveRoots() error {
	var roots []workspace.Root
	for i := range f.ws.Config.Roots {
		if k := f.root(i); k != nil {
			roots = append(roots, workspace.Root{Holder: k.Entry.Holder, Fingerprint: k.Entry.Fingerprint, Certificate: *k.Entry.PublicKey})
		}
	}
	return f.ws.SaveRoots(roots)
}

// result is what both admins are told.
func (f *founding) result() initResult {
	r := initResult{
		Workspace: f.ws.Dir, Store: f.ws.StorePath(), Provider: f.ws.Config.Provider, Root: f.own.Fingerprint(),
		Roots: f.ws.Config.Roots, RootsFile: f.ws.RootsPath(),
	}
	if _, err := os.Lstat(f.ws.PublicPath(f.ws.Config.SigningKey)); err == nil {
		r.SignerKey = f.ws.PublicPath(f.ws.Config.SigningKey)
	}
	if e := f.signingEntry(); e != nil {
		r.Signer = e.Fingerprint
	}
	if p, digest := f.policyAtHand(); p != nil {
		r.Policy, r.Approvals = digest.String(), p.Approvals[0].Persons
	}
	return r
}
