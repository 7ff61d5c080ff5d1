package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"exhibit/export/bag"
	"exhibit/export/frame"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/manifest"
	"exhibit/store"
)

// place is where an entry's content lies: volume number from 1, offset in that
// volume's archive, length.
type place struct {
	volume int
	offset int64
	size   int64
}

// errAbandoned ends the upload of a volume that is given up.
var errAbandoned = errors.New("volume was given up")

// volumes joins chunks into sealed volumes and streams them into the store. One
// goroutine uses it; sealing and storing of the volume at hand run in another.
type volumes struct {
	ctx        context.Context
	store      store.Store
	id         sign.ID
	prefix     string // packages/<id>/
	attempt    int
	recipients []seal.Recipient
	bound      int64
	pad        bool
	at         time.Time

	current *volume
	made    []manifest.Object
	plain   []sign.Digest // of each volume's zstd stream, for custody
}

// volume is one that is being written.
type volume struct {
	name   string
	frames *frame.Writer
	sealed io.WriteCloser
	plain  hash.Hash
	cipher hash.Hash
	size   int64
	pipe   *io.PipeWriter
	done   chan error
	full   bool
	inside bool // an entry is continued by the next chunk
}

// append puts a chunk into the volume at hand, or the next one when that is full,
// and returns the places of the entries that begin in it.
func (v *volumes) append(c chunk) ([]place, error) {
	if v.current != nil && v.current.full && !v.current.inside {
		if err := v.finish(); err != nil {
			return nil, err
		}
	}
	if v.current == nil {
		if err := v.begin(); err != nil {
			return nil, err
		}
	}
	cur := v.current
	base := cur.frames.ContentSize()
	if err := cur.frames.Append(c.frame); err != nil {
		return nil, v.fail(err)
	}
	cur.full = cur.full || cur.frames.Size() >= v.bound
	cur.inside = c.more
	places := make([]place, len(c.entries))
	for i, e := range c.entries {
		places[i] = place{volume: len(v.made) + 1, offset: base + e.offset, size: e.size}
	}
	return places, nil
}

func (v *volumes) begin() error {
	name := manifest.VolumeName(len(v.made)+1, v.attempt, manifest.ExtOf(sign.KeyKind(v.recipients[0].Kind)))
	r, w := io.Pipe()
	cur := &volume{name: name, pipe: w, done: make(chan error, 1), plain: sha256.New(), cipher: sha256.New()}
	go func() {
		_, err := v.store.Create(v.ctx, v.prefix+name, r, -1)
		r.CloseWithError(err) // the writer must not wait for a reader that has gone
		cur.done <- err
	}()
	sealed, err := seal.Encrypt(io.MultiWriter(w, cur.cipher, (*counter)(&cur.size)), v.recipients, v.at)
	if err != nil {
		w.CloseWithError(err)
		<-cur.done
		return fmt.Errorf("seal %s: %w", name, err)
	}
	cur.sealed = sealed
	cur.frames = frame.NewWriter(io.MultiWriter(sealed, cur.plain))
	v.current = cur
	return nil
}

// finish ends the volume at hand with the archive's end, padding and seek table,
// waits until it is durable, and reads it back.
func (v *volumes) finish() error {
	cur := v.current
	enc, err := frame.NewEncoder()
	if err != nil {
		return v.fail(err)
	}
	if err := cur.frames.Append(enc.Encode(nil, make([]byte, bag.TrailerSize))); err != nil {
		return v.fail(err)
	}
	if err := cur.frames.Close(v.pad); err != nil {
		return v.fail(err)
	}
	if err := cur.sealed.Close(); err != nil {
		return v.fail(err)
	}
	// Once another run has come so far, a volume beside its own would spoil its package.
	switch _, err := v.store.Stat(v.ctx, v.prefix+manifest.SumsName); {
	case err == nil:
		return v.fail(&ConflictError{Package: v.id, Object: manifest.SumsName})
	case !errors.Is(err, store.ErrNotFound):
		return v.fail(err)
	}
	if err := cur.pipe.Close(); err != nil {
		return v.fail(err)
	}
	v.current = nil
	if err := <-cur.done; err != nil {
		return fmt.Errorf("store %s: %w", cur.name, err)
	}
	obj := manifest.Object{Name: cur.name, Role: manifest.Volume, Size: cur.size, SHA256: sign.Digest(cur.cipher.Sum(nil))}
	if err := readBack(v.ctx, v.store, v.prefix, &obj); err != nil {
		return err
	}
	v.made = append(v.made, obj)
	v.plain = append(v.plain, sign.Digest(cur.plain.Sum(nil)))
	return nil
}

// fail gives up the volume at hand, so that nothing of it becomes visible, and
// returns the error that explains it best.
func (v *volumes) fail(err error) error {
	cur := v.current
	v.current = nil
	if cur == nil {
		return err
	}
	cur.pipe.CloseWithError(errAbandoned)
	stored := <-cur.done
	if stored != nil && !errors.Is(stored, errAbandoned) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("store %s: %w", cur.name, stored)
	}
	return fmt.Errorf("volume %s: %w", cur.name, err)
}

// readBack fetches an object whole, compares its size and digest with what was
// written, and fills in what the store says of it (invariant 9).
func readBack(ctx context.Context, st store.Store, prefix string, obj *manifest.Object) error {
	key := prefix + obj.Name
	before, err := st.Stat(ctx, key)
	if err != nil {
		return fmt.Errorf("read back %s: %w", obj.Name, err)
	}
	r, err := st.Open(ctx, key, 0, -1)
	if err != nil {
		return fmt.Errorf("read back %s: %w", obj.Name, err)
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return fmt.Errorf("read back %s: %w", obj.Name, err)
	}
	if got := sign.Digest(h.Sum(nil)); n != obj.Size || got != obj.SHA256 {
		return &ReadBackError{Object: key, WantSize: obj.Size, GotSize: n, Want: hex.EncodeToString(obj.SHA256[:]), Got: hex.EncodeToString(got[:])}
	}
	info, err := st.Stat(ctx, key)
	if err != nil {
		return fmt.Errorf("read back %s: %w", obj.Name, err)
	}
	if info.Version != before.Version || info.Size != before.Size { // so it is this version whose bytes came back
		return fmt.Errorf("read back %s: %w: another version took its place", obj.Name, store.ErrCorrupt)
	}
	obj.Stored = manifest.Stored{Method: manifest.ReadBack}
	if info.Version != "" {
		obj.Stored.Version = &info.Version
	}
	if l := info.Lock; l != nil {
		obj.Stored.Lock = &manifest.Lock{LegalHold: l.LegalHold}
		if l.Mode != "" && !l.Until.IsZero() {
			until := sign.At(l.Until)
			obj.Stored.Lock.Mode, obj.Stored.Lock.Until = &l.Mode, &until
		}
	}
	return nil
}

// ReadBackError says that a store does not give back what was stored in it.
type ReadBackError struct {
	Object            string
	WantSize, GotSize int64
	Want, Got         string // SHA-256 in hexadecimal
}

func (e *ReadBackError) Error() string {
	return fmt.Sprintf("read back %s: the store gave %d bytes with digest %s, %d bytes with digest %s were written",
		e.Object, e.GotSize, e.Got, e.WantSize, e.Want)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
