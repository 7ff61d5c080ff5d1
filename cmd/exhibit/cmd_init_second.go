package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"exhibit/export/workspace"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/keyring"
)

// goOn is init in a workspace that is there: the second admin's, or what an
// interrupted one has left to do.
func (o *initOptions) goOn(ctx context.Context, ws *workspace.Workspace) error {
	p, err := o.app.provider(ctx, ws)
	if err != nil {
		return err
	}
	f := &founding{initOptions: o, ws: ws, p: p}
	if err := f.load(ctx); err != nil {
		return err
	}
	proposal, _ := f.policyAtHand()
	proposed := f.root(0) != nil && f.signingEntry() != nil
	switch second := len(ws.Config.Roots) == 2; {
	case second && f.complete():
		return &hintedError{fmt.Errorf("%s: %w", o.dir, workspace.ErrExists), "two admins have founded it; they enroll a third with `exhibit keys new` and `exhibit keys enroll`"}
	case second:
		return f.finishSecond(ctx)
	case !proposed || proposal == nil:
		return f.finishFirst(ctx)
	}
	return f.second(ctx)
}

// complete reports whether nothing of the founding is left to do.
func (f *founding) complete() bool {
	if f.root(0) == nil || f.root(1) == nil {
		return false
	}
	_, err := f.a.Keys.Key(f.ws.Config.SigningKey)
	pending, _ := f.policyAtHand()
	return err == nil && (f.a.Policy != nil || pending == nil)
}

// finishFirst goes on with the first admin's init that was interrupted.
func (f *founding) finishFirst(ctx context.Context) error {
	root := f.ws.Config.Roots[0]
	if fp, err := f.ws.Fingerprint(f.admin); err != nil || fp != root {
		return fmt.Errorf("%s: the first admin's init was interrupted: who holds key %s has to give the same command again", f.dir, keyring.FormatFingerprint(root))
	}
	if k := f.root(0); k != nil && k.Entry.Holder != f.holder {
		return usagef("exhibit init: --holder is %q, and key %s is held by %q", f.holder, f.admin, k.Entry.Holder)
	}
	if f.given("store") && f.store != f.ws.Config.Store {
		return usagef("exhibit init: --store is %q, and exhibit.yaml has %q", f.store, f.ws.Config.Store)
	}
	draft, err := f.draft()
	if err != nil {
		return err
	}
	f.app.say("note: going on with an init that was interrupted")
	pass, err := f.app.passphrase(ctx, "passphrase of key "+f.admin, false)
	if err != nil {
		return err
	}
	ask := func(string) (detached.Passphrase, error) { return pass, nil }
	if f.own, err = f.ws.Signer(f.admin, ask); err != nil {
		return err
	}
	if f.signing, err = f.ws.Signer(f.ws.Config.SigningKey, ask); err != nil {
		return err
	}
	return f.foundFirst(ctx, f, draft)
}

// checkSecond refuses who cannot be the second admin.
func (f *founding) checkSecond() error {
	first := f.root(0).Entry
	switch {
	case samePerson(first.Holder, f.holder):
		return usagef("exhibit init: %s is the first admin of %s already: two persons are needed; the second gives exhibit init %s --admin NAME --holder WHO",
			oneLine(first.Holder), f.dir, shellWords([]string{f.dir}))
	case !f.given("admin"):
		return usagef("exhibit init: --admin NAME is needed for the second admin's key; %q is the first one's", first.Name)
	}
	for _, flag := range []string{"store", "approvals", "policy"} {
		if f.given(flag) {
			return usagef("exhibit init: --%s is for the first admin: what was proposed is confirmed, or not", flag)
		}
	}
	return nil
}

// samePerson reports whether two names are one but for case and white space.
func samePerson(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// second makes the second admin's key and confirms what the first has proposed.
func (f *founding) second(ctx context.Context) error {
	if err := f.checkSecond(); err != nil {
		return err
	}
	if err := f.freeName(); err != nil {
		return err
	}
	f.show()
	pass, err := f.app.passphrase(ctx, "passphrase for key "+f.admin, true)
	if err != nil {
		return err
	}
	key, err := detached.Generate(uid(f.holder, f.ws.Config.Provider), f.app.env.now(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key %s: %w", f.admin, err)
	}
	undo, err := f.ws.AddRoot(f.admin, key, pass)
	if err != nil {
		return err
	}
	f.own, f.p.Roots = key, f.ws.Config.Roots
	if err := f.foundSecond(ctx); err != nil {
		if f.load(context.WithoutCancel(ctx)) == nil && f.root(1) == nil {
			return errors.Join(err, undo()) // the store has nothing of it: give it back
		}
		return &hintedError{err, "give the same command again to go on"}
	}
	return f.confirmAll(ctx)
}

// freeName makes sure that the key's name is not taken, on this host or in the keyring.
func (f *founding) freeName() error {
	names, err := f.ws.SecretKeys()
	if err != nil {
		return plainPathError(err)
	}
	_, err = f.a.Keys.Key(f.admin)
	if err == nil || slices.Contains(names, f.admin) || len(f.a.PendingKeys(f.admin)) > 0 {
		return fmt.Errorf("key %s: %w", f.admin, workspace.ErrExists)
	}
	return nil
}

// finishSecond goes on with the second admin's init that was interrupted.
func (f *founding) finishSecond(ctx context.Context) error {
	if f.root(0) == nil {
		return fmt.Errorf("keyring of %s: %w", f.ws.Config.Provider, keyring.ErrNoRoot)
	}
	if err := f.checkSecond(); err != nil {
		return err
	}
	if k := f.root(1); k != nil && (k.Entry.Holder != f.holder || k.Entry.Name != f.admin) {
		return usagef("exhibit init: the second admin is %s, with key %s, and has to give the same command again", oneLine(k.Entry.Holder), k.Entry.Name)
	}
	if err := f.ws.FinishRoot(f.admin); err != nil {
		return err
	}
	f.app.say("note: going on with an init that was interrupted")
	f.show()
	key, err := f.ws.Signer(f.admin, func(name string) (detached.Passphrase, error) {
		return f.app.passphrase(ctx, "passphrase of key "+name, false)
	})
	if err != nil {
		return err
	}
	if root := f.ws.Config.Roots[1]; key.Fingerprint() != root {
		return fmt.Errorf("key %s is %s, and the second root in exhibit.yaml is %s", f.admin, keyring.FormatFingerprint(key.Fingerprint()), keyring.FormatFingerprint(root))
	}
	f.own = key
	if err := f.ws.SavePublic(f.admin, key); err != nil {
		return err
	}
	if f.root(1) == nil {
		if err := f.foundSecond(ctx); err != nil {
			return &hintedError{err, "give the same command again to go on"}
		}
	}
	return f.confirmAll(ctx)
}

// foundSecond writes the second root's own entry.
func (f *founding) foundSecond(ctx context.Context) error {
	return f.p.Found(ctx, f.enrolment(f.admin, f.holder, f.own, sign.Admin), f.own)
}

// toConfirm are the first admin's proposals of keys, of each name the newest.
func (f *founding) toConfirm() []keyring.Pending {
	var list []keyring.Pending
	for _, p := range f.a.Keys.Pending() { // by time
		if p.Entry.Signer != f.ws.Config.Roots[0] {
			continue
		}
		list = slices.DeleteFunc(list, func(q keyring.Pending) bool { return q.Entry.Name == p.Entry.Name })
		list = append(list, p)
	}
	return list
}

// show says what the second admin is about to confirm.
func (f *founding) show() {
	first := f.root(0).Entry
	say := f.app.say
	say("%s, you are about to confirm what %s has made for %s.", oneLine(f.holder), oneLine(first.Holder), oneLine(f.ws.Config.Provider))
	say("Compare each fingerprint with %s, in person or by telephone:", oneLine(first.Holder))
	say("  first admin's key %s: %s", first.Name, oneLine(first.Holder))
	say("    %s", keyring.FormatFingerprint(first.Fingerprint))
	f.shown = make(map[sign.Digest]bool)
	for _, p := range f.toConfirm() {
		f.shown[p.Digest] = true
		say("  key %s: %s, %s", p.Entry.Name, oneLine(p.Entry.Holder), joinRoles(p.Entry.Roles))
		say("    %s", keyring.FormatFingerprint(p.Entry.Fingerprint))
	}
	if p, digest := f.policyAtHand(); p != nil && f.a.Policy == nil {
		f.shown[digest] = true
		say("  policy %d, digest %s", p.Serial, digest)
		for _, l := range policyLines(p) {
			say("    %s", l)
		}
	}
}

// confirmAll confirms the proposals. What fails here goes on with the same command:
// the second root is on record.
func (f *founding) confirmAll(ctx context.Context) error {
	if err := f.confirm(ctx); err != nil {
		return &hintedError{err, "give the same command again to go on"}
	}
	r := f.result()
	r.State = stateFounded
	return f.app.print(r)
}

func (f *founding) confirm(ctx context.Context) (err error) {
	if f.a, err = f.p.Load(ctx, f.app.env.now()); err != nil {
		return err
	}
	if err := f.saveRoots(); err != nil {
		return err
	}
	for _, p := range f.a.Keys.Pending() {
		if !f.shown[p.Digest] {
			continue
		}
		if err := f.a.ConfirmKey(ctx, p, f.own, f.app.env.now()); err != nil {
			return fmt.Errorf("confirm key %s: %w", p.Entry.Name, err)
		}
	}
	for _, p := range f.a.PendingPolicies {
		if f.a.Policy != nil || !f.shown[p.Digest] {
			continue
		}
		if err := f.a.ConfirmPolicy(ctx, p.Digest, f.own, f.app.env.now()); err != nil {
			return fmt.Errorf("confirm policy: %w", err)
		}
	}
	if f.a, err = f.p.Load(ctx, f.app.env.now()); err != nil {
		return err
	}
	if !f.complete() || f.a.Policy == nil {
		return errors.New("the keyring does not take the confirmations")
	}
	return nil
}
