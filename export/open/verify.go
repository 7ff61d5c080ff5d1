package open

import (
	"bytes"
	"context"
	"fmt"

	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// verified is what the signed statement of a package says.
type verified struct {
	manifest  *manifest.Manifest
	signature detached.Signature
}

// Verify checks a package as sign/FORMAT.md section 9 demands, without
// decrypting anything: the signature by one of keys, the manifest, every object
// with its size and digest, and that there are no others.
func Verify(ctx context.Context, src Source, keys *Keys, opt Options) (*Report, error) {
	r := newReading(src, opt)
	_, report, err := r.verify(ctx, keys)
	if err != nil {
		return nil, err
	}
	report.notChecked("the content was not decrypted: counts, index and files inside were not checked")
	return report, nil
}

// verify does what Verify does, for Open as well.
func (r *reading) verify(ctx context.Context, keys *Keys) (*verified, *Report, error) {
	v, err := r.statement(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	if err := r.stock(v.manifest); err != nil {
		return nil, nil, err
	}
	if err := r.sums(ctx, v, keys); err != nil {
		return nil, nil, err
	}
	g := newGroup(ctx, r.opt.workers())
	for _, o := range v.manifest.Objects {
		if o.Role != manifest.Volume && o.Role != manifest.Readme {
			continue // read and digested by sums
		}
		if !g.run(func(ctx context.Context) error { return r.digest(ctx, o, v.manifest.Recipients) }) {
			break
		}
	}
	if err := g.wait(); err != nil {
		return nil, nil, err
	}
	return v, r.report(v), nil
}

// statement checks the manifest's signature and text (points 1, 2, 3 and 6).
func (r *reading) statement(ctx context.Context, keys *Keys) (*verified, error) {
	if err := r.list(ctx); err != nil {
		return nil, err
	}
	if _, ok := r.listed[manifest.Name]; !ok {
		return nil, fail(NothingToCheck, manifest.Name, "is not there: without it there is no package, and nothing was checked")
	}
	if _, ok := r.listed[manifest.SignatureName]; !ok {
		return nil, fail(SignatureMissing, manifest.SignatureName, "is not there: the manifest is not signed")
	}
	text, err := r.small(ctx, manifest.Name, r.limits.manifest)
	if err != nil {
		return nil, err
	}
	armored, err := r.small(ctx, manifest.SignatureName, r.limits.signature)
	if err != nil {
		return nil, err
	}
	signature, err := detached.Verify(text, armored, keys, r.opt.now())
	if err != nil {
		return nil, signatureFailure(manifest.SignatureName, err)
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return nil, failWith(ManifestInvalid, manifest.Name, err, "is not as the format has it")
	}
	if m.Signer != signature.Fingerprint {
		return nil, fail(SignerMismatch, manifest.Name, "names the signer %s, but %s signed it", m.Signer, signature.Fingerprint)
	}
	if err := r.expected(m); err != nil {
		return nil, err
	}
	if m.Log != nil {
		return nil, fail(LogUnsupported, manifest.Name, "demands a proof from a custody log, which cannot be checked by this version")
	}
	return &verified{m, signature}, nil
}

// expected checks the package id that the caller wants.
func (r *reading) expected(m *manifest.Manifest) error {
	if r.opt.Expect == "" {
		return nil
	}
	want, err := sign.ParseID(r.opt.Expect)
	if err != nil {
		return fmt.Errorf("expected package: %w", err)
	}
	if m.Package != want {
		return fail(PackageUnexpected, manifest.Name, "this is package %s, not the expected %s", m.Package, want)
	}
	return nil
}

// stock compares the objects that are there with the manifest (point 4).
func (r *reading) stock(m *manifest.Manifest) error {
	known := map[string]bool{manifest.Name: true, manifest.SignatureName: true}
	for _, o := range m.Objects {
		known[o.Name] = true
		size, ok := r.listed[o.Name]
		if !ok {
			return fail(ObjectMissing, o.Name, "is not there")
		}
		if err := altered(o, size, o.SHA256); err != nil {
			return err
		}
	}
	for _, name := range m.Abandoned {
		known[name] = true
	}
	var extra string
	for name := range r.listed {
		if !known[name] && (extra == "" || name < extra) {
			extra = name
		}
	}
	if extra != "" {
		return fail(ObjectExtra, extra, "is no part of the package")
	}
	return nil
}

// sums checks SHA256SUMS and its signature (point 5).
func (r *reading) sums(ctx context.Context, v *verified, keys *Keys) error {
	var data [2][]byte
	for i, name := range []string{manifest.SumsName, manifest.SumsSigName} {
		o, ok := v.manifest.Object(name)
		if !ok {
			return fail(ObjectMissing, name, "is not named by the manifest")
		}
		var err error
		if data[i], err = r.object(ctx, o); err != nil {
			return err
		}
	}
	if !bytes.Equal(data[0], v.manifest.SHA256SUMS()) {
		return fail(SumsMismatch, manifest.SumsName, "is not what the manifest makes of it")
	}
	signature, err := detached.Verify(data[0], data[1], keys, r.opt.now())
	if err != nil {
		return signatureFailure(manifest.SumsSigName, err)
	}
	if signature.Fingerprint != v.manifest.Signer {
		return fail(SignerMismatch, manifest.SumsSigName, "is by %s, but the manifest names the signer %s", signature.Fingerprint, v.manifest.Signer)
	}
	return nil
}

// report says what verify has found.
func (r *reading) report(v *verified) *Report {
	m := v.manifest
	report := &Report{
		Package: m.Package.String(), Signer: m.Signer, SignedAt: sign.At(v.signature.Time), Policy: m.Policy.String(),
		Recipients: m.Recipients, Counts: m.Counts, Acceptance: m.Acceptance, Findings: newFindings(),
	}
	if m.Supersedes != nil {
		report.Supersedes = m.Supersedes.String()
	}
	for _, o := range m.Objects {
		report.Objects = append(report.Objects, ObjectReport{o.Name, o.Size, o.SHA256.String()})
		report.Bytes += o.Size
	}
	report.checked(fmt.Sprintf("manifest.json is signed by the trusted key %s", m.Signer))
	report.checked("the manifest is well-formed and its counts add up")
	if r.opt.Expect != "" {
		report.checked("it is the package that was expected")
	}
	report.checked(fmt.Sprintf("all %d objects are there with the sizes and digests that the manifest names, and no others", len(m.Objects)))
	report.checked("each volume is encrypted to as many keys as the manifest names, and of their kind")
	report.checked("SHA256SUMS is what the manifest makes of it, and signed by the same key")
	report.accepted(m.Acceptance)
	r.unknown(m, &report.Findings)
	return report
}

// unknown says what no check of a package alone can tell.
func (r *reading) unknown(m *manifest.Manifest, f *Findings) {
	if r.opt.Expect == "" {
		f.notChecked("freshness: no package id was expected, so that a genuine older package in place of the right one would not be noticed")
	}
	f.notChecked("no custody log: no proof shows when and whether this package was recorded; the time of signing is the signer's own")
	if unlocked(m) {
		f.notChecked("the store did not lock every object against being changed or deleted")
	}
	left := 0
	for _, name := range m.Abandoned {
		if _, there := r.listed[name]; there {
			left++
		}
	}
	if left > 0 {
		f.warn(fmt.Sprintf("%d volumes of earlier attempts lie beside the package: they are no part of it, never open them", left))
	}
}

// unlocked says whether an object of the package was stored without a lock.
func unlocked(m *manifest.Manifest) bool {
	for _, o := range m.Objects {
		if o.Stored.Lock == nil {
			return true
		}
	}
	return false
}
