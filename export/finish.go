package export

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"exhibit/export/bag"
	"exhibit/export/order"
	"exhibit/sign"
)

// files adds group 2 of FORMAT.md section 4: the payload beside the items, and
// the tag files before the tail.
func (a *assembler) files(r *ready, report *bag.Report, withheld []bag.ReasonCount, info func(octets, files int64) bag.Info) error {
	o := r.Order
	if err := a.beginFiles(); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := bag.WriteReport(&page, report); err != nil {
		return fmt.Errorf("write %s: %w", bag.ReportHTML, err)
	}
	if err := firstErrorOf(
		func() error { return a.file(orderFile(o), o.Bytes()) },
		func() error { return a.file(bag.InstrumentName(o.Instrument.File), r.Instrument) },
		func() error { return a.instrumentSignature(r) },
		func() error { return a.spooled(bag.ExceptionsCSV, a.exceptions) },
		func() error { return a.file(bag.WithheldCSV, bag.MarshalWithheldCSV(withheld)) },
		func() error { return a.spooled(bag.IndexCSV, a.csv) },
		func() error { return a.spooled(bag.IndexDAT, a.dat) },
		func() error { return a.spooled(bag.IndexJSONL, a.index) },
		func() error { return a.file(bag.ReportHTML, page.Bytes()) },
		func() error { return a.spooled(bag.SubscriberCSV, a.subscriber) },
		func() error { return a.spooled(bag.TrafficCSV, a.traffic) },
	); err != nil {
		return err
	}
	octets := a.octets
	lines, files, err := a.payloadManifest()
	if err != nil {
		return fmt.Errorf("list payload: %w", err)
	}
	tags, err := info(octets, files).Marshal()
	if err != nil {
		return err
	}
	if err := a.treeLevel(0); err != nil {
		return err
	}
	if err := firstErrorOf(
		func() error { return a.file(bag.Declaration, []byte(bag.DeclarationText)) },
		func() error { return a.file(bag.InfoFile, tags) },
		func() error { return a.spooled(bag.PayloadManifest, lines) },
	); err != nil {
		return err
	}
	for level, sp := range a.levels {
		if err := a.spooled(bag.TreeName(level), sp); err != nil {
			return err
		}
	}
	if err := a.spooled(bag.SourcesJSONL, a.sources); err != nil {
		return err
	}
	if err := a.spooled(bag.LocatorsTXT, a.locators); err != nil {
		return err
	}
	return a.pack.flush()
}

// instrumentSignature adds the agency's signature over the instrument, if the order
// names one.
func (a *assembler) instrumentSignature(r *ready) error {
	s := r.Order.Instrument.Signature
	if s == nil {
		return nil
	}
	return a.file(bag.InstrumentSignatureName(s.File), r.Signature)
}

// tail adds the last four files, signs the tag manifest, and ends the last
// volume. It returns the digest of the tag manifest.
func (a *assembler) tail(pkg *bag.Package, signText func([]byte) ([]byte, error)) (sign.Digest, error) {
	var none sign.Digest
	contents, err := bag.MarshalContents(a.contents)
	if err != nil {
		return none, err
	}
	facts, err := bag.MarshalPackage(pkg)
	if err != nil {
		return none, fmt.Errorf("write %s: %w", bag.PackageJSON, err)
	}
	tags, err := a.tagManifest(map[string][]byte{bag.ContentsTXT: contents, bag.PackageJSON: facts})
	if err != nil {
		return none, fmt.Errorf("list tag files: %w", err)
	}
	signature, err := signText(tags)
	if err != nil {
		return none, fmt.Errorf("sign %s: %w", bag.TagManifest, err)
	}
	if err := firstErrorOf(
		func() error { return a.file(bag.ContentsTXT, contents) },
		func() error { return a.file(bag.PackageJSON, facts) },
		func() error { return a.file(bag.TagManifest, tags) },
		func() error { return a.file(bag.TagSignature, signature) },
		a.pack.flush,
		a.volumes.finish,
	); err != nil {
		return none, err
	}
	return sha256.Sum256(tags), nil
}

// orderFile is the order's name in the bag.
func orderFile(o *order.Order) string {
	if b := bytes.TrimLeft(o.Bytes(), " \t\r\n"); len(b) > 0 && b[0] == '{' {
		return bag.OrderJSON
	}
	return bag.OrderYAML
}

// reportOf fills in the page for people.
func reportOf(r *ready, pkg *bag.Package, rd *Reading) *bag.Report {
	o, digest := r.Order, r.Order.Digest()
	traffic, subscribers := rd.derived()
	return &bag.Report{
		Traffic: traffic, Subscriber: subscribers,
		Reference: o.Reference, Authority: o.Authority.Name, Country: o.Authority.Country, Jurisdiction: o.Jurisdiction,
		Regime: o.Regime, LegalBasis: o.LegalBasis, Agency: o.Agency.Name,
		OrderFile: orderFile(o), OrderSHA256: sign.Digest(digest).String(), InstrumentFile: bag.InstrumentName(o.Instrument.File),
		InPart: o.Narrowed(), Accounts: pkg.Accounts, Included: pkg.Counts.Included, Source: pkg.Counts.Source, Held: pkg.Counts.Withheld, Withheld: pkg.Withheld,
		Excepted: pkg.Counts.Exceptions, Exceptions: pkg.Exceptions, Gaps: pkg.Gaps,
	}
}

// accountsOf gives the accounts of package.json: what was accepted of each, and
// what came of it. The order is the accepted one.
func accountsOf(o *order.Order, r *Reading) []bag.Account {
	var out []bag.Account
	for i := range o.Accounts {
		a, counts := &o.Accounts[i], &r.Accounts[i]
		if a.Dropped {
			continue
		}
		place, admitted := int64(i), counts.Admitted
		acc := bag.Account{
			Account: a.Name, Place: &place, Entire: a.Entire, Categories: []string{},
			Source: counts.Source, Included: counts.Included, Admitted: &admitted, Withheld: counts.Source - counts.Included,
		}
		for _, c := range a.Categories {
			acc.Categories = append(acc.Categories, string(c))
		}
		if span := a.Span(); !span.Entire {
			from, until := sign.At(span.From), sign.At(span.Until)
			acc.From, acc.Until = &from, &until
		}
		out = append(out, acc)
	}
	return out
}

func firstErrorOf(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
