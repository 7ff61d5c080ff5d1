package open

import (
	"crypto/ed25519"
	"slices"

	"exhibit/export/bag"
	"exhibit/sign/manifest"
)

// bind checks that a bag is the content of the package that a manifest states
// (section 13): neither another package's, nor another manifest over the same
// content.
func bind(m *manifest.Manifest, f facts) error {
	if f.tagManifest != m.TagManifest {
		return fail(BindingMismatch, bag.TagManifest, "is not the one that the manifest names")
	}
	if err := bindPackage(m, f.pkg); err != nil {
		return err
	}
	if manifest.Commitment(f.pkg.Secret.Reveal(), f.order, f.accounts) != m.Commitment {
		return fail(BindingMismatch, f.pkg.Order.File, "order and accounts are not those that the manifest commits to")
	}
	return nil
}

// bindPackage compares package.json with the manifest.
func bindPackage(m *manifest.Manifest, p *bag.Package) error {
	supersedes := (p.Supersedes == nil) == (m.Supersedes == nil) && (p.Supersedes == nil || *p.Supersedes == *m.Supersedes)
	public, _ := p.ReceiptPrivateKey().Public().(ed25519.PublicKey)
	for _, member := range []struct {
		name string
		same bool
	}{
		{"package", p.Package == m.Package},
		{"supersedes", supersedes},
		{"signer", p.Signer == m.Signer},
		{"recipients", slices.Equal(p.Recipients, m.Recipients)},
		{"policy", p.Policy == m.Policy},
		{"review", p.Acceptance() == m.Acceptance},
		{"counts", p.Counts == m.Counts},
		{"items", p.Items == m.Items},
		{"receipt key", slices.Equal(public, m.ReceiptKey[:])},
	} {
		if !member.same {
			return fail(BindingMismatch, bag.PackageJSON, "%s is not that of the manifest", member.name)
		}
	}
	return nil
}
