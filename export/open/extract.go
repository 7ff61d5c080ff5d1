package open

import (
	"context"
	"errors"
	"fmt"

	"exhibit/export/frame"
	"exhibit/export/seal"
	"exhibit/sign/manifest"
)

// Open verifies a package as Verify does, then decrypts its volumes into sink,
// digesting each again on the way, and checks the bag that came out, with
// everything that ties it to the manifest. What the sink holds is verified when
// Open returns without an error, and worthless otherwise.
func Open(ctx context.Context, src Source, keys *Keys, ids []seal.Identity, sink Sink, opt Options) (*Report, error) {
	r := newReading(src, opt)
	v, report, err := r.verify(ctx, keys)
	if err != nil {
		return nil, err
	}
	ids, known := named(ids, v.manifest.Recipients)
	out := newUnpacker(sink, r.limits)
	for _, o := range v.manifest.Volumes() {
		if err := r.volume(ctx, o, ids, out); err != nil {
			return nil, err
		}
	}
	if err := out.done(); err != nil {
		return nil, err
	}
	c := newBagCheck(ctx, sink.FS(), keys, opt)
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := bind(v.manifest, c.facts); err != nil {
		return nil, err
	}
	if !known {
		return nil, errUnnamed()
	}
	report.Bag = c.report
	report.checked("every volume, read again, decrypted to well-formed archives that hold each file of the bag once")
	report.Checked = append(report.Checked, c.report.Checked...)
	report.checked("the key that opened it is one that the manifest names")
	report.checked("order, recipients, policy, counts, item tree and receipt key inside are those of the manifest outside")
	report.NotChecked = append(report.NotChecked, c.unread()...)
	report.Warnings = append(report.Warnings, c.report.Warnings...)
	c.report.Findings = newFindings() // they are those of the whole
	return report, nil
}

// volume decrypts one volume into out.
func (r *reading) volume(ctx context.Context, o manifest.Object, ids []seal.Identity, out *unpacker) error {
	c, err := r.ciphertext(ctx, o)
	if err != nil {
		return err
	}
	defer c.Close()
	err = r.unpack(c, ids, out)
	if err == nil {
		return c.drain()
	}
	return c.cause(ctx, err)
}

// unpack decrypts and decodes the volume that c reads. It returns when nothing
// reads from c any more.
func (r *reading) unpack(c *ciphertext, ids []seal.Identity, out *unpacker) error {
	plain, err := seal.Decrypt(c, ids)
	if err != nil {
		return err
	}
	frames := frame.NewReader(plain, min(r.opt.workers(), maxDecoders))
	defer frames.Close()
	frames.Bound(c.object.Size)
	return out.archive(c.ctx, frames)
}

// cause finds out why a volume could not be unpacked: because it could not be
// read, or has changed since it was verified, or because what was signed is no
// volume; in this order.
func (c *ciphertext) cause(ctx context.Context, err error) error {
	var output *sinkError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &output), identityError(err):
		return fmt.Errorf("open %s: %w", c.object.Name, err)
	}
	if changed := c.drain(); changed != nil {
		return changed
	}
	return volumeFailure(c.object.Name, err)
}

// identityError says whether the caller's identities are what is wrong.
func identityError(err error) bool {
	for _, kind := range []error{seal.ErrNoIdentity, seal.ErrUnsupported, seal.ErrPassphrase, seal.ErrLocked} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// volumeFailure gives an error of decrypting or decoding its code.
func volumeFailure(name string, err error) error {
	var f *Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, frame.ErrRatio):
		return failWith(RatioExceeded, name, err, "is a decompression bomb")
	case errors.Is(err, frame.ErrTable):
		return failWith(TableMismatch, name, err, "seek table is wrong")
	case errors.Is(err, frame.ErrLimit):
		return failWith(LimitExceeded, name, err, "is beyond a limit")
	case errors.Is(err, seal.ErrCorrupt), errors.Is(err, seal.ErrFormat), errors.Is(err, frame.ErrCorrupt), errors.Is(err, frame.ErrRange):
		return failWith(VolumeInvalid, name, err, "is no volume of format 1")
	}
	return fmt.Errorf("open %s: %w", name, err)
}
