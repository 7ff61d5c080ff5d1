package open

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"exhibit/export/bag"
	"exhibit/export/frame"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/merkle"
)

// Item fetches one exhibit out of an age package with ranged reads, as section 8
// has it, and writes the item's file to w once it is checked up to the signed
// root; nothing is written before. Of everything else in the package nothing is
// checked: the volumes are not digested, and the report says so.
//
// The item is held in memory: one of more than 1 GiB gives ErrItemSize. An
// exhibit number that the package does not have gives ErrNoItem, an OpenPGP
// package seal.ErrUnsupported.
func Item(ctx context.Context, src Source, keys *Keys, ids []seal.Identity, exhibit string, w io.Writer, opt Options) (*ItemReport, error) {
	number, err := bag.ParseExhibit(exhibit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoItem, err)
	}
	r := newReading(src, opt)
	v, err := r.statement(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := r.stock(v.manifest); err != nil {
		return nil, err
	}
	if err := r.sums(ctx, v, keys); err != nil {
		return nil, err
	}
	if int64(number) > v.manifest.Items.Size {
		return nil, fmt.Errorf("%w: %s of %d", ErrNoItem, exhibit, v.manifest.Items.Size)
	}
	ids, known := named(ids, v.manifest.Recipients)
	f := &fetch{ctx: ctx, r: r, v: v, keys: keys, ids: ids, volumes: make(map[int]*volumeAt)}
	rec, data, err := f.item(number)
	if err != nil {
		return nil, f.cause(err)
	}
	if !known {
		return nil, errUnnamed()
	}
	if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
		return nil, &sinkError{rec.File, err}
	}
	return f.report(rec), nil
}

// fetch reads single files out of a package.
type fetch struct {
	ctx  context.Context
	r    *reading
	v    *verified
	keys *Keys
	ids  []seal.Identity

	volumes  map[int]*volumeAt
	contents map[string]bag.Content
	pkg      *bag.Package
}

// volumeAt is one volume that is read at random.
type volumeAt struct {
	object *ranged
	frames *frame.At
}

// volume opens the n-th volume, from 1.
func (f *fetch) volume(n int) (*volumeAt, error) {
	if v, ok := f.volumes[n]; ok {
		if v.frames == nil {
			return nil, fail(VolumeInvalid, v.object.name, "could not be opened")
		}
		return v, nil
	}
	all := f.v.manifest.Volumes()
	if n < 1 || n > len(all) {
		return nil, fail(ItemInvalid, "", "volume %d of %d is named", n, len(all))
	}
	o := all[n-1]
	v := &volumeAt{object: &ranged{ctx: f.ctx, r: f.r, name: o.Name, size: o.Size}}
	f.volumes[n] = v
	head := make([]byte, min(maxHead, o.Size))
	if _, err := v.object.ReadAt(head, 0); err != nil {
		return nil, err
	}
	if err := checkRecipients(o.Name, head, f.v.manifest.Recipients); err != nil {
		return nil, err
	}
	plain, size, err := seal.DecryptAt(v.object, o.Size, f.ids)
	if err != nil {
		return nil, f.named(o.Name, err)
	}
	frames, err := frame.OpenAt(plain, size)
	if err != nil {
		return nil, f.named(o.Name, err)
	}
	v.frames = frames
	return v, nil
}

// cause finds out why something could not be fetched.
func (f *fetch) cause(err error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	for _, v := range f.volumes {
		if v.object.err != nil {
			return v.object.err
		}
	}
	return err
}

// named gives an error of decrypting or decoding a volume its code.
func (*fetch) named(name string, err error) error {
	if identityError(err) {
		return fmt.Errorf("open %s: %w", name, err)
	}
	return volumeFailure(name, err)
}

// read reads a stretch of a volume's archive.
func (f *fetch) read(volume int, offset, length int64) ([]byte, error) {
	if length > f.r.limits.item {
		return nil, fail(LimitExceeded, "", "%d bytes are to be read", length)
	}
	v, err := f.volume(volume)
	if err != nil {
		return nil, err
	}
	if offset < 0 || length < 0 || offset > v.frames.Size()-length {
		return nil, fail(ItemInvalid, v.object.name, "a stretch beyond the archive is named")
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(v.frames, offset, length), data); err != nil {
		return nil, f.named(v.object.name, err)
	}
	return data, nil
}

// item finds an item's record and file, and checks both.
func (f *fetch) item(number int) (*bag.ItemRecord, []byte, error) {
	if err := f.tail(); err != nil {
		return nil, nil, err
	}
	line, err := f.within(bag.LocatorsTXT, int64(number-1)*bag.LocatorSize, bag.LocatorSize)
	if err != nil {
		return nil, nil, err
	}
	l, err := bag.ParseLocator(line)
	if err != nil {
		return nil, nil, asFailure(ItemInvalid, bag.LocatorsTXT, err)
	}
	if l.RecordLength > sign.MaxLine {
		return nil, nil, fail(LimitExceeded, bag.LocatorsTXT, "a record of %d bytes", l.RecordLength)
	}
	record, err := f.within(bag.IndexJSONL, l.Record, l.RecordLength)
	if err != nil {
		return nil, nil, err
	}
	if err := f.proof(number, record); err != nil {
		return nil, nil, err
	}
	rec, err := bag.ParseItem(record, number)
	if err != nil {
		return nil, nil, asFailure(RecordInvalid, bag.IndexJSONL, err)
	}
	if err := f.scope(rec); err != nil {
		return nil, nil, asFailure(RecordInvalid, bag.IndexJSONL, err)
	}
	data, err := f.content(l, rec)
	return rec, data, err
}

// scope checks that an item is one of what package.json says was accepted of its
// account.
func (f *fetch) scope(rec *bag.ItemRecord) error {
	for i := range f.pkg.Accounts {
		if a := &f.pkg.Accounts[i]; a.Account == rec.Account {
			_, err := admitted(rec, a, int64(i))
			return err
		}
	}
	return fail(RecordInvalid, rec.File, "belongs to account %s, which the order does not name", show(rec.Account))
}

// content reads an item's file, and checks it against the item's record.
func (f *fetch) content(l bag.Locator, rec *bag.ItemRecord) ([]byte, error) {
	derived := bag.Derived(rec.Kind)
	switch {
	case l.Length != rec.Size:
		return nil, fail(ItemInvalid, rec.File, "%d bytes are there, its record says %d", l.Length, rec.Size)
	case derived && rec.Size > f.r.limits.record:
		return nil, fail(LimitExceeded, rec.File, "a record of more than %d bytes", f.r.limits.record)
	case rec.Size > f.r.limits.item:
		return nil, fmt.Errorf("%s of %d bytes: %w", rec.Exhibit, rec.Size, ErrItemSize)
	}
	data, err := f.read(l.Volume, l.Offset, l.Length)
	if err != nil {
		return nil, err
	}
	if sign.Sum(data) != rec.SHA256 {
		return nil, fail(ItemInvalid, rec.File, "digest is not the one in its record")
	}
	if derived {
		if _, err := readDerived(rec, data); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// within reads a stretch of a file of group 2.
func (f *fetch) within(name string, offset, length int64) ([]byte, error) {
	c, ok := f.contents[name]
	if !ok {
		return nil, fail(ItemInvalid, bag.ContentsTXT, "does not name %s", name)
	}
	if offset < 0 || length < 0 || offset > c.Length-length {
		return nil, fail(ItemInvalid, name, "is too short for this item")
	}
	return f.read(c.Volume, c.Offset+offset, length)
}

// proof checks that a record is the number-th leaf of the signed tree.
func (f *fetch) proof(number int, record []byte) error {
	items := f.v.manifest.Items
	var levels []io.ReaderAt
	for level, size := range merkle.LevelSizes(items.Size) {
		levels = append(levels, &levelAt{f, bag.TreeName(level), size})
	}
	proof, err := merkle.Proof(int64(number-1), items.Size, levels)
	if errors.Is(err, merkle.ErrShort) || errors.Is(err, merkle.ErrRange) {
		return failWith(TreeMismatch, bag.TreeDir, err, "does not lead to the signed root")
	}
	if err != nil {
		return err
	}
	leaf := merkle.ItemLeaf(f.pkg.Secret.Reveal(), bag.ExhibitNumber(number), record)
	if err := merkle.VerifyInclusion(int64(number-1), items.Size, leaf, proof, items.Root); err != nil {
		return failWith(TreeMismatch, bag.IndexJSONL, err, "the record is not in the signed tree")
	}
	return nil
}

// levelAt reads one file of the item tree.
type levelAt struct {
	f    *fetch
	name string
	size int64
}

// ReadAt implements io.ReaderAt.
func (l *levelAt) ReadAt(p []byte, offset int64) (int, error) {
	n := max(min(int64(len(p)), l.size-offset), 0)
	data, err := l.f.within(l.name, offset, n)
	if err != nil {
		return 0, err
	}
	copy(p, data)
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// tail reads the tail of the last volume (section 4) and checks it against the
// manifest.
func (f *fetch) tail() error {
	last := len(f.v.manifest.Volumes())
	v, err := f.volume(last)
	if err != nil {
		return err
	}
	data, err := v.frames.Tail()
	if err != nil {
		return f.named(v.object.name, err)
	}
	files := make(map[string][]byte)
	r := bytes.NewReader(data)
	for _, want := range []string{bag.ContentsTXT, bag.PackageJSON, bag.TagManifest, bag.TagSignature} {
		content, err := tailEntry(r, want)
		if err != nil {
			return err
		}
		files[want] = content
	}
	if r.Len() > 0 {
		return fail(EntryInvalid, v.object.name, "the tail holds more than it should")
	}
	return f.bindTail(files)
}

// tailEntry reads the next entry, which has to be of this name.
func tailEntry(r *bytes.Reader, want string) ([]byte, error) {
	var block [bag.BlockSize]byte
	if err := full(r, block[:]); err != nil {
		return nil, err
	}
	name, size, err := bag.ParseTarHeader(&block)
	if err != nil {
		return nil, entryFailure(name, err)
	}
	if name != want {
		return nil, fail(EntryOrder, name, "stands where %s belongs", want)
	}
	if size+bag.Padding(size) > int64(r.Len()) {
		return nil, fail(EntryInvalid, name, "goes beyond the tail")
	}
	content := make([]byte, size+bag.Padding(size))
	if err := full(r, content); err != nil {
		return nil, err
	}
	return content[:size], nil
}

// bindTail checks the tail's files: tag manifest against the manifest and its
// signature, the others against the tag manifest, package.json against the
// manifest.
func (f *fetch) bindTail(files map[string][]byte) error {
	tags := files[bag.TagManifest]
	if sign.Sum(tags) != f.v.manifest.TagManifest {
		return fail(BindingMismatch, bag.TagManifest, "is not the one that the manifest names")
	}
	signature, err := detached.Verify(tags, files[bag.TagSignature], f.keys, f.r.opt.now())
	if err != nil {
		return signatureFailure(bag.TagSignature, err)
	}
	if signature.Fingerprint != f.v.manifest.Signer {
		return fail(SignerMismatch, bag.TagSignature, "is by %s, but the manifest names the signer %s", signature.Fingerprint, f.v.manifest.Signer)
	}
	digests := make(map[string]sign.Digest)
	err = bag.ReadManifest(bytes.NewReader(tags), func(name string, digest sign.Digest) error {
		digests[name] = digest
		return nil
	})
	if err != nil {
		return asFailure(TagManifestInvalid, bag.TagManifest, err)
	}
	for _, name := range []string{bag.ContentsTXT, bag.PackageJSON} {
		if digest, ok := digests[name]; !ok || sign.Sum(files[name]) != digest {
			return fail(BagAltered, name, "digest is not the one that is listed")
		}
	}
	if f.pkg, err = bag.ParsePackage(files[bag.PackageJSON]); err != nil {
		return failWith(PackageInvalid, bag.PackageJSON, err, "is not as the format has it")
	}
	if err := bindPackage(f.v.manifest, f.pkg); err != nil {
		return err
	}
	if f.contents, err = bag.ParseContents(files[bag.ContentsTXT]); err != nil {
		return asFailure(TagFileInvalid, bag.ContentsTXT, err)
	}
	return nil
}

// report says what was fetched.
func (f *fetch) report(rec *bag.ItemRecord) *ItemReport {
	m := f.v.manifest
	report := &ItemReport{
		Package: m.Package.String(), Signer: m.Signer, SignedAt: sign.At(f.v.signature.Time),
		Exhibit: rec.Exhibit, File: rec.File, Size: rec.Size, SHA256: rec.SHA256.String(), Findings: newFindings(),
	}
	for _, v := range f.volumes {
		report.Fetched += v.object.fetched
	}
	report.checked(fmt.Sprintf("manifest.json and SHA256SUMS are signed by the trusted key %s", m.Signer))
	if f.r.opt.Expect != "" {
		report.checked("it is the package that was expected")
	}
	report.checked(fmt.Sprintf("%s has the digest in its record, and the record is in the signed tree of %d items", rec.Exhibit, m.Items.Size))
	report.checked("it was admitted by a rule that package.json has for its account")
	report.notChecked("nothing but this item was checked: neither the digests of the volumes nor any other item, count or file")
	f.r.unknown(m, &report.Findings)
	return report
}
