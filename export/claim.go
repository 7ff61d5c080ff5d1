package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/store"
)

// maxClaim bounds a claim in bytes.
const maxClaim = 4 << 10

// MaxSequence bounds how many packages one order can have.
const MaxSequence = 1000

// claims fixes package ids, so that no order gets two packages by accident
// (invariant 10; sign/FORMAT.md section 12).
type claims struct {
	store store.Store
	key   [32]byte
	order sign.Digest
}

// get reads the claim of one sequence; ok is false when there is none.
func (c claims) get(ctx context.Context, sequence int64) (id sign.ID, ok bool, err error) {
	data, err := store.ReadAll(ctx, c.store, custody.ClaimKey(c.key, c.order, sequence), maxClaim)
	if errors.Is(err, store.ErrNotFound) {
		return id, false, nil
	}
	if err != nil {
		return id, false, fmt.Errorf("read claim: %w", err)
	}
	claim, err := custody.ParseClaim(data)
	if err != nil {
		return id, false, err
	}
	if claim.Sequence != sequence {
		return id, false, fmt.Errorf("claim is of package %d of the order, not %d", claim.Sequence, sequence)
	}
	return claim.Package, true, nil
}

// take returns the package id of one sequence, and fixes it if nobody has.
func (c claims) take(ctx context.Context, sequence int64, random io.Reader) (id sign.ID, err error) {
	id, ok, err := c.get(ctx, sequence)
	if err != nil || ok {
		return id, err
	}
	if id, err = sign.NewID(random); err != nil {
		return id, err
	}
	text, err := custody.NewClaim(id, sequence)
	if err != nil {
		return id, err
	}
	_, err = c.store.Create(ctx, custody.ClaimKey(c.key, c.order, sequence), bytes.NewReader(text), int64(len(text)))
	if errors.Is(err, store.ErrExists) { // another host was faster: its id counts
		id, ok, err = c.get(ctx, sequence)
		if err == nil && !ok {
			err = errors.New("claim is there and is not")
		}
		return id, err
	}
	if err != nil {
		return id, fmt.Errorf("claim: %w", err)
	}
	return id, nil
}

// sequenceAfter finds which package of the order the next one is: 1, or the one
// after the package that it supersedes.
func (c claims) sequenceAfter(ctx context.Context, supersedes *sign.ID) (int64, error) {
	if supersedes == nil {
		return 1, nil
	}
	for n := int64(1); n <= MaxSequence; n++ {
		id, ok, err := c.get(ctx, n)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if id == *supersedes {
			return n + 1, nil
		}
	}
	return 0, refuse(WrongSuperseded, nil, "package %s is none of this order, so nothing can supersede it", *supersedes)
}
