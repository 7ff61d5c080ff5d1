package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/open"
	"exhibit/export/spool"
	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
	"exhibit/store"
)

// read takes the sources through the workers into the assembler.
func (r *ready) read(ctx context.Context, a *assembler, secret [32]byte, list *spool.Spool) (*reader, error) {
	rd := newReader(r.Order, r.mandate.Admitted)
	rd.columns, rd.undetermined = r.mandate.Columns, r.Undetermined
	rd.admitted = a.source
	if err := r.sourcesHead(list); err != nil {
		return nil, err
	}
	rd.record = func(line []byte) error { return writeAll(list, line, []byte{'\n'}) }
	err := run(ctx, r.workers(), secret, func(ctx context.Context, emit func(*unit) error) error {
		rd.emit = emit
		return rd.all(ctx, r.Sources, r.Limits, r.Progress)
	}, a.join)
	return rd, err
}

// assemble adds the files after the items and states the facts of the package.
func (r *ready) assemble(id sign.ID, a *assembler, rd *reader, secret, seed [32]byte, list *spool.Spool) (*bag.Package, error) {
	o := r.Order
	accounts, exceptions, withheld := accountsOf(o, &rd.reading), a.exceptionCounts(), rd.reading.Reasons()
	listDigest, err := spoolDigest(list)
	if err != nil {
		return nil, err
	}
	source, included, held := rd.reading.totals()
	pkg := &bag.Package{
		Type: bag.PackageType, Package: id, Supersedes: r.Supersedes,
		Secret: bag.NewSecret(secret), ReceiptKey: bag.NewSecret(seed),
		Created: sign.At(r.started), TimeSource: bag.TimeSource, Provider: r.Authority.Provider.Name, Signer: r.Signer.Fingerprint(),
		PreparedBy: r.preparer, Tool: bag.Tool{Name: r.Tool.Name, Version: r.Tool.Version, SHA256: r.Tool.SHA256},
		Order: r.orderFacts(), Review: r.review(), Emergency: &r.mandate.ByEmergency,
		Agency: o.Agency.Name, Recipients: r.manifestRecipients(), Policy: r.Authority.Policy.Digest,
		Accounts: accounts, Withheld: withheld, Exceptions: exceptions, Gaps: reasonCounts(rd.reading.Gaps),
		Counts:  manifest.Counts{Source: source, Included: included, Withheld: held},
		Sources: listDigest,
	}
	for _, e := range exceptions {
		pkg.Counts.Exceptions += e.Count
	}
	for _, ap := range r.mandate.Approvals {
		pkg.Approvals = append(pkg.Approvals, bag.Approval{
			Holder: ap.Statement.Person.Holder, Fingerprint: ap.Statement.Person.Fingerprint, Time: ap.Statement.Time, SHA256: ap.SHA256,
		})
	}
	if err := a.files(r, reportOf(r, pkg, &rd.reading), withheld, pkg.Info); err != nil {
		return nil, err
	}
	pkg.Items = manifest.Items{Size: a.tree.Size(), Root: a.tree.Root()}
	return pkg, nil
}

// orderFacts tells which order it is, and what became of checking the agency's
// signature over the instrument.
func (r *ready) orderFacts() bag.Order {
	o := r.Order
	facts := bag.Order{
		Reference: o.Reference, SHA256: o.Digest(), File: orderFile(o),
		Instrument: bag.InstrumentName(o.Instrument.File), InstrumentSHA256: o.Instrument.SHA256,
	}
	var signature *bag.InstrumentSignature
	if s := r.signature; s != nil {
		signature = &bag.InstrumentSignature{
			File: bag.InstrumentSignatureName(o.Instrument.Signature.File), SHA256: sign.Sum(r.Signature),
			Kind: s.Kind, Result: s.Result, Fingerprint: optional(s.Fingerprint), Holder: optional(s.Holder),
		}
	}
	facts.SetSignature(signature)
	return facts
}

// review tells which review the package rests on.
func (r *ready) review() *bag.Review {
	c := r.mandate.Review
	return &bag.Review{
		Decision: string(c.Statement.Decision), Holder: c.Statement.Person.Holder, Fingerprint: c.Statement.Person.Fingerprint,
		Time: c.Statement.Time, SHA256: c.SHA256,
	}
}

func (r *ready) acceptance() manifest.Acceptance {
	if r.Order.Narrowed() {
		return manifest.InPart
	}
	return manifest.Whole
}

// manifest states the package in public.
func (r *ready) manifest(id sign.ID, pkg *bag.Package, tag sign.Digest, volumes []manifest.Object) manifest.Manifest {
	var accounts []string
	for _, a := range pkg.Accounts {
		accounts = append(accounts, a.Account)
	}
	secret := [32]byte(pkg.Secret.Reveal())
	return manifest.Manifest{
		Type: manifest.Type, Package: id, Supersedes: r.Supersedes,
		Commitment: manifest.Commitment(secret, r.Order.Digest(), accounts),
		Policy:     pkg.Policy, Acceptance: r.acceptance(), Signer: pkg.Signer, Recipients: pkg.Recipients,
		ReceiptKey: receiptKey([32]byte(pkg.ReceiptKey.Reveal())),
		Counts:     pkg.Counts, Items: pkg.Items, TagManifest: tag, Objects: volumes,
	}
}

func (r *ready) manifestRecipients() []manifest.Recipient {
	list := make([]manifest.Recipient, len(r.recipients))
	for i, rec := range r.recipients {
		list[i] = manifest.Recipient{Kind: sign.KeyKind(rec.Kind), Fingerprint: rec.Fingerprint}
	}
	slices.SortFunc(list, func(a, b manifest.Recipient) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	return list
}

// statements gives the digests of the review in force and of the approvals that
// were counted.
func (r *ready) statements() []sign.Digest {
	if r.mandate == nil { // only what is there already is looked at
		return nil
	}
	return append([]sign.Digest{r.mandate.Review.SHA256}, r.approvals()...)
}

// approvals gives the digests of the approvals that were counted.
func (r *ready) approvals() []sign.Digest {
	var list []sign.Digest
	for _, ap := range r.mandate.Approvals {
		list = append(list, ap.SHA256)
	}
	return list
}

// recordStart records, by the person who runs the export, that it has begun.
func (r *ready) recordStart(ctx context.Context, id sign.ID, attempt int) error {
	return r.Authority.Provider.record(ctx, r.Order, custody.Record{
		Event: custody.ExportStarted, Actor: r.preparer, Package: &id, Instrument: r.Tool, DerivedFrom: r.statements(),
		Details: []custody.Detail{{Name: "attempt", Value: fmt.Sprint(attempt)}},
	}, r.Preparer, r.now())
}

func (r *ready) record(ctx context.Context, id sign.ID, event custody.Event, from []sign.Digest, objects []custody.Object, details []custody.Detail) error {
	return r.Authority.Provider.record(ctx, r.Order, custody.Record{
		Event: event, Actor: r.actor, Package: &id, Objects: objects, Instrument: r.Tool, DerivedFrom: from, Details: details,
	}, r.Signer, r.now())
}

// recordVolumes records that the volumes were sealed and how they were stored.
func (r *ready) recordVolumes(ctx context.Context, id sign.ID, v *volumes, pkg *bag.Package) error {
	var sealed []custody.Detail
	for i, plain := range v.plain {
		sealed = append(sealed, custody.Detail{Name: "plaintext " + v.made[i].Name, Value: plain.String()})
	}
	for _, w := range pkg.Withheld {
		sealed = append(sealed, custody.Detail{Name: "withheld " + w.Reason, Value: strconv.FormatInt(w.Count, 10)})
	}
	sealed = append(sealed, custody.Detail{Name: "included", Value: strconv.FormatInt(pkg.Counts.Included, 10)},
		custody.Detail{Name: "sources_sha256", Value: pkg.Sources.String()})
	if err := r.record(ctx, id, custody.Sealed, r.statements(), custodyObjects(v.made), sealed); err != nil {
		return err
	}
	var stored []custody.Detail
	for _, o := range v.made {
		version, lock := "none", "none"
		if o.Stored.Version != nil {
			version = *o.Stored.Version
		}
		if l := o.Stored.Lock; l != nil {
			lock = fmt.Sprintf("legal hold %t", l.LegalHold)
			if l.Mode != nil && l.Until != nil {
				lock = fmt.Sprintf("%s until %s, legal hold %t", *l.Mode, l.Until, l.LegalHold)
			}
		}
		stored = append(stored, custody.Detail{Name: o.Name, Value: fmt.Sprintf("read back by %s, version %s, lock %s", o.Stored.Method, version, lock)})
	}
	return r.record(ctx, id, custody.Stored, nil, custodyObjects(v.made), stored)
}

func custodyObjects(objects []manifest.Object) []custody.Object {
	list := make([]custody.Object, len(objects))
	for i, o := range objects {
		list[i] = custody.Object{Name: o.Name, Size: o.Size, SHA256: o.SHA256}
	}
	return list
}

// keepSources stores the provider's own list of every source file and gap.
func (r *ready) keepSources(ctx context.Context, id sign.ID, list *spool.Spool) error {
	for n := 1; ; n++ {
		rd, err := list.Reader()
		if err != nil {
			return fmt.Errorf("list of sources: %w", err)
		}
		_, err = r.Authority.Provider.Store.Create(ctx, custody.SourcesKey(r.Order.Digest(), id, n), rd, list.Size())
		rd.Close()
		if errors.Is(err, store.ErrExists) {
			continue // of an earlier run
		}
		if err != nil {
			return fmt.Errorf("list of sources: %w", err)
		}
		return nil
	}
}

func spoolDigest(s *spool.Spool) (sign.Digest, error) {
	rd, err := s.Reader()
	if err != nil {
		return sign.Digest{}, err
	}
	defer rd.Close()
	h := sha256.New()
	if _, err := io.Copy(h, rd); err != nil {
		return sign.Digest{}, err
	}
	return sign.Digest(h.Sum(nil)), nil
}

// whole reports whether the package is there already, made by this provider for
// this order. It is verified as an outsider would: a package that is there and
// does not verify is an error, an *open.Failure.
func (r *ready) whole(ctx context.Context, id sign.ID, res *Result) (bool, error) {
	p := r.Authority.Provider
	text, err := store.ReadAll(ctx, p.Store, packagePrefix(id)+manifest.Name, sign.MaxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mine, err := r.isReleased(ctx, id, sign.Sum(text))
	if err != nil {
		return false, err
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return false, fmt.Errorf("package %s: %w", id, err)
	}
	if !sameID(m.Supersedes, r.Supersedes) { // the claim that led here is not signed
		return false, &SpentError{Package: id, Claimed: id, Other: true}
	}
	if !mine { // stored, but the run ended before it could record that?
		sealed, err := r.isSealed(ctx, id, m)
		if err != nil {
			return false, err
		}
		if !sealed {
			return false, fmt.Errorf("package %s is in the store, and no record says that it was made for this order", id)
		}
	}
	keys, err := r.Authority.Keys.PublicKeys(sign.Provider)
	if err != nil {
		return false, err
	}
	src, err := PackageSource(p.Store, id)
	if err != nil {
		return false, err
	}
	if _, err := open.Verify(ctx, src, keys, open.Options{Expect: id.String(), Now: r.now(), Workers: r.workers()}); err != nil {
		return false, fmt.Errorf("package %s is in the store: %w", id, err)
	}
	if !mine {
		// Verify has read the manifest anew: that these bytes are the signed ones is
		// for their signature to say (invariant 9).
		signature, err := store.ReadAll(ctx, p.Store, packagePrefix(id)+manifest.SignatureName, manifest.MaxSignature)
		if err != nil {
			return false, fmt.Errorf("package %s is in the store: %w", id, err)
		}
		if _, err := detached.Verify(text, signature, keys, r.now()); err != nil {
			return false, fmt.Errorf("package %s is in the store: %w", id, err)
		}
		res.Finished = true
		return true, r.released(ctx, id, text, res)
	}
	res.Manifest, res.Repeated = m, true
	return true, nil
}

func sameID(a, b *sign.ID) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// isReleased looks for our own signed record that this manifest was released
// under this order: the claim that led here is not signed.
func (r *ready) isReleased(ctx context.Context, id sign.ID, digest sign.Digest) (bool, error) {
	list, err := r.history(ctx)
	if err != nil {
		return false, err
	}
	for _, rec := range list {
		if rec.Event != custody.Released || *rec.Package != id {
			continue
		}
		for _, o := range rec.Objects {
			if o.Name == manifest.Name && o.SHA256 == digest {
				return true, nil
			}
		}
	}
	return false, nil
}

// isSealed looks for our own signed record that the volumes of this manifest were
// sealed under this order, and on no other approvals than those that count now, if
// any were counted.
func (r *ready) isSealed(ctx context.Context, id sign.ID, m *manifest.Manifest) (bool, error) {
	list, err := r.history(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(rec *custody.Record) bool {
		return rec.Event == custody.Sealed && *rec.Package == id && slices.Equal(rec.Objects, custodyObjects(m.Volumes())) &&
			(r.mandate == nil || r.counts(rec.DerivedFrom))
	}), nil
}

// counts reports whether all these statements are among those counted now.
func (r *ready) counts(statements []sign.Digest) bool {
	counted := r.statements()
	return !slices.ContainsFunc(statements, func(d sign.Digest) bool { return !slices.Contains(counted, d) })
}

// unspent makes sure that the approvals counted were not used for another
// package, and that this one was not released before: a claim is not signed,
// and a store can lose it, or a manifest.
func (r *ready) unspent(ctx context.Context, id sign.ID) error {
	list, err := r.historyOf(ctx, true)
	if err != nil {
		return err
	}
	counted := r.approvals() // the review is every package's
	for _, rec := range list {
		shared := slices.ContainsFunc(rec.DerivedFrom, func(d sign.Digest) bool { return slices.Contains(counted, d) })
		switch {
		case *rec.Package != id && shared:
			return &SpentError{Package: *rec.Package, Claimed: id}
		case *rec.Package == id && rec.Event == custody.Released && !r.kept(ctx, id, rec):
			return r.gone(ctx, id)
		}
	}
	return nil
}

// wasReleased says of a package that cannot be finished what is worse: that it was
// released, and is gone.
func (r *ready) wasReleased(ctx context.Context, id sign.ID, stale error) error {
	list, err := r.history(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(rec *custody.Record) bool { return rec.Event == custody.Released && *rec.Package == id }) {
		return r.gone(ctx, id)
	}
	return stale
}

// gone says why a released package cannot be made: its manifest is gone, or
// another run has released it since this one looked.
func (r *ready) gone(ctx context.Context, id sign.ID) error {
	_, err := r.Authority.Provider.Store.Stat(ctx, packagePrefix(id)+manifest.Name)
	switch {
	case err == nil:
		return &ConflictError{Package: id, Object: manifest.Name}
	case errors.Is(err, store.ErrNotFound):
		return &SpentError{Package: id, Claimed: id}
	}
	return err
}

// kept reports whether this host can put the released manifest back.
func (r *ready) kept(ctx context.Context, id sign.ID, released *custody.Record) bool {
	known, err := store.ReadAll(ctx, r.Authority.Provider.State, stateKey(id, finalState), sign.MaxDocument)
	if err != nil {
		return false
	}
	var f final
	if err := sign.UnmarshalDocument(known, finalType, &f); err != nil {
		return false
	}
	digest := sign.Sum([]byte(f.Manifest))
	return slices.ContainsFunc(released.Objects, func(o custody.Object) bool { return o.SHA256 == digest })
}

// SpentError says that records tell of a package made with these approvals that
// the store does not have, or has another claim for: somebody has altered it.
type SpentError struct {
	Package, Claimed sign.ID
	// Other says that the package is another one of the order than the claim says.
	Other bool
}

func (e *SpentError) Error() string {
	switch {
	case e.Other:
		return fmt.Sprintf("the claim says %s, which is another package of this order", e.Claimed)
	case e.Package == e.Claimed:
		return fmt.Sprintf("package %s was released, and its manifest is gone", e.Package)
	}
	return fmt.Sprintf("these approvals were used for package %s, and the claim says %s", e.Package, e.Claimed)
}

// history gives our own signed records about packages of this order.
func (r *ready) history(ctx context.Context) ([]*custody.Record, error) {
	return r.historyOf(ctx, false)
}

// historyOf is history; once is as recordsOf has it.
func (r *ready) historyOf(ctx context.Context, once bool) ([]*custody.Record, error) {
	files, err := r.Authority.Provider.records().remembered(ctx, custody.OrderPrefix(r.Order.Digest()))
	if err != nil {
		return nil, err
	}
	list := r.Authority.recordsOf(files, r.Order, r.now(), once)
	return slices.DeleteFunc(list, func(rec *custody.Record) bool { return rec.Package == nil }), nil
}

// released records that the package is whole. The text is what was signed here, or
// verified, never what the store gives back unseen (invariant 9).
func (r *ready) released(ctx context.Context, id sign.ID, text []byte, res *Result) (err error) {
	if res.Manifest, err = manifest.Parse(text); err != nil {
		return fmt.Errorf("package %s: %w", id, err)
	}
	obj := custody.Object{Name: manifest.Name, Size: int64(len(text)), SHA256: sign.Sum(text)}
	return r.record(ctx, id, custody.Released, r.statements(), []custody.Object{obj}, nil)
}
