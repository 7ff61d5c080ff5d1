package open

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"sync"

	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/detached"
)

// facts is what a checked bag says, for those who have a manifest to compare.
type facts struct {
	pkg         *bag.Package
	tagManifest sign.Digest
	order       sign.Digest
	accounts    []string
}

// bagCheck checks one bag.
type bagCheck struct {
	ctx    context.Context
	fsys   fs.FS
	keys   *Keys
	opt    Options
	limits limits

	found   map[string]bool        // files that are there, but items
	items   int                    // items that are there
	tags    map[string]sign.Digest // of the tag files
	payload map[string]sign.Digest // of the payload, but items
	digests itemDigests            // of the items

	facts  facts
	tables *tables
	report *BagReport

	large sync.Mutex // held while a large item is in memory

	mu     sync.Mutex // of what follows, and of opt.Progress
	octets int64
	files  int64
}

// CheckBag checks an opened bag by itself, years later perhaps: the signature
// by one of keys over the tag manifest, every digest, that no file is missing
// or extra, and that package.json, the order, the index, the item tree and all
// counts agree, as section 13 demands. fsys must give its folders as
// fs.ReadDirFile and its symbolic links as such.
func CheckBag(ctx context.Context, fsys fs.FS, keys *Keys, opt Options) (*BagReport, error) {
	c := newBagCheck(ctx, fsys, keys, opt)
	if err := c.check(); err != nil {
		return nil, err
	}
	if opt.Expect != "" {
		want, err := sign.ParseID(opt.Expect)
		if err != nil {
			return nil, fmt.Errorf("expected package: %w", err)
		}
		if c.facts.pkg.Package != want {
			return nil, fail(PackageUnexpected, bag.PackageJSON, "this is package %s, not the expected %s", c.facts.pkg.Package, want)
		}
		c.report.checked("it is the package that was expected")
	} else {
		c.report.notChecked("freshness: no package id was expected, so that a genuine older bag in place of the right one would not be noticed")
	}
	c.report.accepted(c.report.Acceptance)
	c.report.notChecked("the manifest outside: whether it is this bag that was delivered in encrypted form")
	c.report.notChecked("no custody log: no proof shows when and whether this package was recorded; the time of signing is the signer's own")
	c.report.NotChecked = append(c.report.NotChecked, c.unread()...)
	return c.report, nil
}

func newBagCheck(ctx context.Context, fsys fs.FS, keys *Keys, opt Options) *bagCheck {
	return &bagCheck{ctx: ctx, fsys: fsys, keys: keys, opt: opt, limits: opt.bounds()}
}

// check goes from the signature to what rests on it.
func (c *bagCheck) check() error {
	for _, step := range []func() error{
		c.walk, c.tagManifest, c.packageJSON, c.payloadManifest, c.complete, c.tagFiles, c.payloadFiles, c.index, c.info,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	c.report.Octets, c.report.Files = c.octets, c.files
	c.report.checked(fmt.Sprintf("the bag's tag manifest is signed by the trusted key %s", c.report.Signer))
	c.report.checked(fmt.Sprintf("all %d files of the payload and all tag files are there with their digests, and no others", c.files))
	c.report.checked("each item has its record, and the records add up to the counts by account, by reason and to the item tree's root")
	c.report.checked("index.csv and index.dat say what the records say")
	c.report.checked("undoing each item's transforms gives bytes with the digest of its source")
	c.report.checked("the order in the bag is the one that package.json names, and no account has more than it asks for")
	if n, m := c.tables.trafficNumber, c.tables.subscriberNumber; n+m > 0 {
		c.report.checked(fmt.Sprintf("%d traffic and %d subscriber records are as the format has them, and their tables say the same", n, m))
	}
	if emergency := c.facts.pkg.Emergency; emergency != nil && *emergency {
		c.report.warn("the package was released by the provider's emergency rule")
	}
	return nil
}

// unread says what no opener checks.
func (c *bagCheck) unread() []string {
	list := []string{
		"what the records say of a message, of its time, its parts, labels and flags is as the provider read it: it was not compared with the message",
		"report.html has its signed digest, but was not compared with the other files",
	}
	if s := c.facts.pkg.Order.Signature(); s != nil {
		list = append(list, "the signature over the instrument: "+found(s)+", as recorded by the provider, not checked here")
	}
	return list
}

// found says what the provider has recorded of a signature over an instrument.
func found(s *bag.InstrumentSignature) string {
	key := ""
	if s.Fingerprint != nil {
		key = " " + *s.Fingerprint
	}
	if s.Result == bag.SignatureGood && s.Holder != nil {
		return "good, by the key" + key + " of " + show(*s.Holder)
	}
	return "by a key" + key + " that the provider does not know"
}

// tagManifest checks the tag manifest's signature and reads it.
func (c *bagCheck) tagManifest() error {
	if !c.found[bag.TagManifest] {
		return fail(NothingToCheck, bag.TagManifest, "is not there: this is no bag of Exhibit, and nothing was checked")
	}
	if !c.found[bag.TagSignature] {
		return fail(TagSignatureMissing, bag.TagSignature, "is not there: the bag is not signed")
	}
	text, err := c.read(bag.TagManifest, c.limits.tail, nil)
	if err != nil {
		return err
	}
	armored, err := c.read(bag.TagSignature, c.limits.signature, nil)
	if err != nil {
		return err
	}
	signature, err := detached.Verify(text, armored, c.keys, c.opt.now())
	if err != nil {
		return signatureFailure(bag.TagSignature, err)
	}
	c.tags = make(map[string]sign.Digest)
	err = bag.ReadManifest(bytes.NewReader(text), func(name string, digest sign.Digest) error {
		if !bag.IsTag(name) || name == bag.TagManifest || name == bag.TagSignature {
			return fail(TagManifestInvalid, name, "is listed, but is no tag file")
		}
		c.tags[name] = digest
		return nil
	})
	if err != nil {
		return asFailure(TagManifestInvalid, bag.TagManifest, err)
	}
	for _, name := range bag.TagFiles() {
		if _, ok := c.tags[name]; !ok {
			return fail(TagManifestInvalid, bag.TagManifest, "does not list %s", name)
		}
	}
	c.facts.tagManifest = sign.Sum(text)
	c.report = &BagReport{
		Signer: signature.Fingerprint, SignedAt: sign.At(signature.Time),
		TagManifest: c.facts.tagManifest.String(), Findings: newFindings(),
	}
	return nil
}

// packageJSON reads package.json.
func (c *bagCheck) packageJSON() error {
	text, err := c.tag(bag.PackageJSON, c.limits.tail)
	if err != nil {
		return err
	}
	p, err := bag.ParsePackage(text)
	if err != nil {
		return failWith(PackageInvalid, bag.PackageJSON, err, "is not as the format has it")
	}
	if p.Signer != c.report.Signer {
		return fail(SignerMismatch, bag.PackageJSON, "names the signer %s, but %s signed the bag", p.Signer, c.report.Signer)
	}
	c.facts.pkg = p
	r := c.report
	r.Package, r.Provider, r.Created = p.Package.String(), p.Provider, p.Created
	if p.Supersedes != nil {
		r.Supersedes = p.Supersedes.String()
	}
	r.Reference, r.Agency, r.Counts, r.Accounts = p.Order.Reference, p.Agency, p.Counts, p.Accounts
	r.Withheld, r.Exceptions, r.Gaps = p.Withheld, p.Exceptions, p.Gaps
	r.Acceptance, r.Emergency, r.Signature = p.Acceptance(), p.Emergency, p.Order.Signature()
	if p.Review != nil {
		r.Reviewer = p.Review.Holder
	}
	return nil
}

// info checks bag-info.txt against package.json and the payload.
func (c *bagCheck) info() error {
	text, err := c.tag(bag.InfoFile, bag.MaxInfoBytes)
	if err != nil {
		return err
	}
	got, err := bag.ParseInfo(text)
	if err != nil {
		return asFailure(TagFileInvalid, bag.InfoFile, err)
	}
	if want := c.facts.pkg.Info(c.octets, c.files); got != want {
		return fail(TagFileInvalid, bag.InfoFile, "says something other than package.json and the payload")
	}
	return nil
}
