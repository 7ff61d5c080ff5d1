package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
	"exhibit/store"
)

// A package becomes whole in two steps that survive a crash. Both are kept in
// the state folder before the store sees any of it, since a second attempt
// would make other signatures and other volumes, and the store never
// overwrites:
//
//  1. draft: the manifest without README, SHA256SUMS and its signature, and the texts of these;
//  2. final: the manifest with what was read back of them, and its signature.
//
// They hold public texts only.
type draft struct {
	Type      string            `json:"type"`
	Manifest  manifest.Manifest `json:"manifest"`
	Readme    string            `json:"readme"`
	Sums      string            `json:"sums"`
	Signature string            `json:"signature"`
}

type final struct {
	Type      string `json:"type"`
	Manifest  string `json:"manifest"`
	Signature string `json:"signature"`
}

const (
	draftType = "exhibit/publish-draft/v1"
	finalType = "exhibit/publish-final/v1"
)

// publisher makes a package of stored volumes whole, or goes on with one that
// was interrupted.
type publisher struct {
	store  store.Store
	state  store.Store // this host's state folder
	id     sign.ID
	signer *detached.Signer
	now    func() time.Time
	text   []byte // the manifest, once released
	// sealed reports whether our own records say that this was made for the order
	// and on the approvals at hand: the claim that gave the id is not signed.
	sealed func(ctx context.Context, m *manifest.Manifest) (bool, error)
}

func (p *publisher) prefix() string { return packagePrefix(p.id) }

// The two steps, as the state folder names them.
const (
	draftState = "draft"
	finalState = "final"
)

func stateKey(id sign.ID, step string) string { return "publish/" + id.String() + "/" + step + ".json" }

func packagePrefix(id sign.ID) string { return "packages/" + id.String() + "/" }

// resume finishes what an earlier run of this host left undone. It reports
// false when there is nothing of the kind. What was sealed under another policy
// or to other recipients than those that are approved now is a *StaleError.
func (p *publisher) resume(ctx context.Context, policy sign.Digest, recipients []manifest.Recipient) (bool, error) {
	if data, err := store.ReadAll(ctx, p.state, stateKey(p.id, finalState), sign.MaxDocument); err == nil {
		var f final
		if err := sign.UnmarshalDocument(data, finalType, &f); err != nil {
			return false, fmt.Errorf("state of package %s: %w", p.id, err)
		}
		m, err := manifest.Parse([]byte(f.Manifest))
		if err != nil {
			return false, fmt.Errorf("state of package %s: %w", p.id, err)
		}
		if err := p.fresh(ctx, m, policy, recipients); err != nil {
			return false, err
		}
		return true, p.release(ctx, f)
	} else if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	data, err := store.ReadAll(ctx, p.state, stateKey(p.id, draftState), sign.MaxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var d draft
	if err := sign.UnmarshalDocument(data, draftType, &d); err != nil {
		return false, fmt.Errorf("state of package %s: %w", p.id, err)
	}
	if err := p.fresh(ctx, &d.Manifest, policy, recipients); err != nil {
		return false, err
	}
	for _, obj := range d.Manifest.Volumes() { // time has passed: look again
		if err := readBack(ctx, p.store, p.prefix(), &obj); err != nil {
			return false, err
		}
	}
	return true, p.second(ctx, d)
}

// fresh makes sure that what was sealed may still be finished: under the policy
// in force, to the keys that are approved, and by the key that signed the bag.
func (p *publisher) fresh(ctx context.Context, m *manifest.Manifest, policy sign.Digest, recipients []manifest.Recipient) error {
	if m.Signer != p.signer.Fingerprint() || m.Policy != policy || !slices.Equal(m.Recipients, recipients) {
		return &StaleError{Package: p.id}
	}
	sealed, err := p.sealed(ctx, m)
	if err == nil && !sealed {
		err = &StaleError{Package: p.id}
	}
	return err
}

// publish begins with the stored volumes in m and the other members filled in.
func (p *publisher) publish(ctx context.Context, m manifest.Manifest, readme bag.Readme) error {
	text, err := bag.MarshalReadme(readme)
	if err != nil {
		return fmt.Errorf("write %s: %w", manifest.ReadmeName, err)
	}
	m.Objects = append(m.Objects, objectOf(manifest.ReadmeName, manifest.Readme, text))
	sums := m.SHA256SUMS()
	m.Objects = m.Volumes()
	signature, err := p.signer.Sign(sums, p.now())
	if err != nil {
		return fmt.Errorf("sign %s: %w", manifest.SumsName, err)
	}
	d := draft{Type: draftType, Manifest: m, Readme: string(text), Sums: string(sums), Signature: string(signature)}
	data, err := sign.MarshalDocument(&d)
	if err != nil {
		return fmt.Errorf("state of package %s: %w", p.id, err)
	}
	if _, err := store.CreateIdempotent(ctx, p.state, stateKey(p.id, draftState), data); err != nil {
		return fmt.Errorf("state of package %s: %w", p.id, err)
	}
	return p.second(ctx, d)
}

// second stores README and SHA256SUMS, reads them back, and signs the manifest.
func (p *publisher) second(ctx context.Context, d draft) error {
	m := d.Manifest
	for _, o := range []struct {
		name string
		role manifest.Role
		data string
	}{
		{manifest.ReadmeName, manifest.Readme, d.Readme},
		{manifest.SumsName, manifest.SumsRole, d.Sums},
		{manifest.SumsSigName, manifest.SumsSignature, d.Signature},
	} {
		if err := p.put(ctx, o.name, []byte(o.data)); err != nil {
			return err
		}
		obj := objectOf(o.name, o.role, []byte(o.data))
		if err := readBack(ctx, p.store, p.prefix(), &obj); err != nil {
			return err
		}
		m.Objects = append(m.Objects, obj)
	}
	// Another run that finds SHA256SUMS gives up its volume at hand.
	var err error
	if _, m.Abandoned, err = attempts(ctx, p.store, p.id, m.Volumes()); err != nil {
		return err
	}
	text, err := m.Marshal()
	if err != nil {
		return fmt.Errorf("write %s: %w", manifest.Name, err)
	}
	signature, err := p.signer.Sign(text, p.now())
	if err != nil {
		return fmt.Errorf("sign %s: %w", manifest.Name, err)
	}
	f := final{Type: finalType, Manifest: string(text), Signature: string(signature)}
	data, err := sign.MarshalDocument(&f)
	if err != nil {
		return fmt.Errorf("state of package %s: %w", p.id, err)
	}
	if _, err := store.CreateIdempotent(ctx, p.state, stateKey(p.id, finalState), data); err != nil {
		return fmt.Errorf("state of package %s: %w", p.id, err)
	}
	return p.release(ctx, f)
}

// release stores the signature, and then the text that makes the package whole.
func (p *publisher) release(ctx context.Context, f final) error {
	for _, o := range []struct{ name, data string }{
		{manifest.SignatureName, f.Signature},
		{manifest.Name, f.Manifest},
	} {
		if err := p.put(ctx, o.name, []byte(o.data)); err != nil {
			return err
		}
		back, err := store.ReadAll(ctx, p.store, p.prefix()+o.name, sign.MaxDocument)
		if err != nil {
			return fmt.Errorf("read back %s: %w", o.name, err)
		}
		if !bytes.Equal(back, []byte(o.data)) {
			want, got := objectOf(o.name, "", []byte(o.data)), objectOf(o.name, "", back)
			return &ReadBackError{Object: p.prefix() + o.name, WantSize: want.Size, GotSize: got.Size, Want: want.SHA256.String(), Got: got.SHA256.String()}
		}
	}
	p.text = []byte(f.Manifest)
	return nil
}

// put stores one object of the package. That it is there already with the same
// bytes is success; with others another host has got ahead.
func (p *publisher) put(ctx context.Context, name string, data []byte) error {
	_, err := store.CreateIdempotent(ctx, p.store, p.prefix()+name, data)
	if errors.Is(err, store.ErrExists) {
		return &ConflictError{Package: p.id, Object: name}
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// StaleError says that an interrupted export was sealed under another policy, or
// to other keys, than those under which it would be finished now.
type StaleError struct{ Package sign.ID }

func (e *StaleError) Error() string {
	return fmt.Sprintf("package %s was sealed before the policy, the signing key or the agency's keys changed, and never finished", e.Package)
}

// ConflictError says that another run, on this host or another, has written
// other bytes for the same package.
type ConflictError struct {
	Package sign.ID
	Object  string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("package %s: %s is there already with other bytes, from another run of this export", e.Package, e.Object)
}

func objectOf(name string, role manifest.Role, data []byte) manifest.Object {
	return manifest.Object{Name: name, Role: role, Size: int64(len(data)), SHA256: sign.Sum(data)}
}
