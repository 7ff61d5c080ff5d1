package open

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"exhibit/export/bag"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// itemDigests is what the payload manifest says of the items, by exhibit number
// from 1: 33 bytes for each.
type itemDigests struct {
	list []itemDigest
}

type itemDigest struct {
	digest sign.Digest
	kind   byte // first letter of the kind; 0 where no file is listed
}

// least is the least that a line of the payload manifest takes for an item.
const least = 64 + 2 + len("data/messages/E0000001.eml") + 1

// payloadManifest reads manifest-sha256.txt.
func (c *bagCheck) payloadManifest() error {
	info, err := fs.Stat(c.fsys, bag.PayloadManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return failWith(BagMissing, bag.PayloadManifest, err, "is not there")
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", bag.PayloadManifest, err)
	}
	n := c.facts.pkg.Items.Size
	if n > info.Size()/int64(least) {
		return fail(CountsMismatch, bag.PayloadManifest, "is too short to list %d items", n)
	}
	c.payload = make(map[string]sign.Digest)
	c.digests.list = make([]itemDigest, n)
	listed := 0
	_, err = c.file(c.ctx, bag.PayloadManifest, c.tags[bag.PayloadManifest], func(r io.Reader) error {
		return bag.ReadManifest(r, func(name string, digest sign.Digest) error {
			if bag.IsTag(name) {
				return fail(TagManifestInvalid, bag.PayloadManifest, "lists %s, which is no payload", name)
			}
			k, kind, err := bag.ParseItemName(name)
			if err != nil {
				if len(c.payload) == c.limits.others {
					return fail(LimitExceeded, bag.PayloadManifest, "lists more than %d files that are no items", c.limits.others)
				}
				c.payload[name] = digest
				return nil
			}
			listed++
			if k > len(c.digests.list) || c.digests.list[k-1].kind != 0 {
				return fail(CountsMismatch, bag.PayloadManifest, "lists %s, where there are %d items, one file each", name, n)
			}
			c.digests.list[k-1] = itemDigest{digest, kind[0]}
			return nil
		})
	})
	if err != nil {
		return asFailure(TagManifestInvalid, bag.PayloadManifest, err)
	}
	if int64(listed) != n {
		return fail(CountsMismatch, bag.PayloadManifest, "lists %d items of %d", listed, n)
	}
	return c.payloadNames()
}

// payloadNames holds the payload, but items, to the files that it must have.
func (c *bagCheck) payloadNames() error {
	if got := slices.Sorted(maps.Keys(c.payload)); !slices.Equal(got, c.facts.pkg.PayloadFiles()) {
		return fail(TagManifestInvalid, bag.PayloadManifest, "lists other files than a bag has")
	}
	return nil
}

// payloadFile checks a file of the payload and counts it.
func (c *bagCheck) payloadFile(name string, read func(io.Reader) error) error {
	size, err := c.file(c.ctx, name, c.payload[name], read)
	c.octets += size
	c.files++
	return err
}

// payloadFiles checks the payload but items and index.
func (c *bagCheck) payloadFiles() error {
	p := c.facts.pkg
	if err := c.order(); err != nil {
		return err
	}
	for _, name := range p.PayloadFiles() {
		if name == p.Order.File || name == bag.IndexJSONL { // read by themselves
			continue
		}
		if err := c.payloadFile(name, nil); err != nil {
			return err
		}
	}
	if sign.Sum(bag.MarshalWithheldCSV(p.Withheld)) != c.payload[bag.WithheldCSV] {
		return fail(CountsMismatch, bag.WithheldCSV, "says something other than package.json")
	}
	return nil
}

// order checks that the order in the bag is the one that package.json names,
// and that the accounts are of it.
func (c *bagCheck) order() error {
	p := c.facts.pkg
	var text []byte
	err := c.payloadFile(p.Order.File, func(r io.Reader) (err error) {
		text, err = io.ReadAll(io.LimitReader(r, c.limits.order+1))
		return err
	})
	if err != nil {
		return err
	}
	if int64(len(text)) > c.limits.order {
		return fail(LimitExceeded, p.Order.File, "more than %d bytes", c.limits.order)
	}
	o, err := order.Parse(p.Order.File, text)
	if err != nil {
		var all order.Errors
		if errors.As(err, &all) && len(all) > 0 {
			err = all[0]
		}
		return failWith(OrderMismatch, p.Order.File, err, "is no order")
	}
	c.facts.order = sign.Sum(text)
	switch {
	case c.facts.order != p.Order.SHA256:
		return fail(OrderMismatch, p.Order.File, "is not the order that package.json names")
	case o.Reference != p.Order.Reference:
		return fail(OrderMismatch, p.Order.File, "has another reference than package.json says")
	case o.Agency.Name != p.Agency:
		return fail(OrderMismatch, p.Order.File, "names another agency than package.json says")
	case !sameKeys(o.Agency.Keys, p.Recipients):
		return fail(OrderMismatch, p.Order.File, "names other keys of the agency than package.json says")
	case sign.Digest(o.Instrument.SHA256) != p.Order.InstrumentSHA256,
		c.payload[p.Order.Instrument] != p.Order.InstrumentSHA256,
		bag.InstrumentName(o.Instrument.File) != p.Order.Instrument:
		return fail(OrderMismatch, p.Order.Instrument, "is not the instrument that the order names")
	}
	if err := c.instrumentSignature(o.Instrument.Signature); err != nil {
		return err
	}
	for i := range p.Accounts {
		c.facts.accounts = append(c.facts.accounts, p.Accounts[i].Account)
	}
	return c.orderAccounts(o)
}

// instrumentSignature checks that the signature over the instrument is the one
// that the order names, if it names one. Whose it is, a reader cannot tell.
func (c *bagCheck) instrumentSignature(o *order.InstrumentSignature) error {
	s := c.facts.pkg.Order.Signature()
	switch {
	case (o == nil) != (s == nil):
		return fail(OrderMismatch, bag.PackageJSON, "has a signature over the instrument where the order names none, or the other way round")
	case o == nil:
		return nil
	case sign.Digest(o.SHA256) != s.SHA256, c.payload[s.File] != s.SHA256, bag.InstrumentSignatureName(o.File) != s.File:
		return fail(OrderMismatch, s.File, "is not the signature over the instrument that the order names")
	}
	info, err := fs.Stat(c.fsys, s.File)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.File, err)
	}
	if info.Size() > c.limits.signed {
		return fail(LimitExceeded, s.File, "more than %d bytes", c.limits.signed)
	}
	return nil
}

// sameKeys says whether the keys that an order names are the recipients. An order
// has upper-case digits whatever the kind of key.
func sameKeys(keys []order.Fingerprint, recipients []manifest.Recipient) bool {
	got := make([]order.Fingerprint, len(recipients))
	for i, r := range recipients {
		got[i] = order.Fingerprint(strings.ToUpper(r.Fingerprint))
	}
	return slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(got)))
}
