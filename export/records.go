package export

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/store"
)

// Limits of what is read below custody/records.
const (
	// MaxSignedFile bounds one signed file in bytes.
	MaxSignedFile = sign.MaxDocument
	// MaxSignedFiles bounds the files below one prefix.
	MaxSignedFiles = 100_000
)

// ErrTooManyRecords says that a prefix holds more than MaxSignedFiles.
var ErrTooManyRecords = errors.New("too many records")

// LostRecordError says that a store no longer has a record that this host has
// seen in it: somebody hides it, or gave back an old state of the store.
type LostRecordError struct{ Key string }

func (e *LostRecordError) Error() string {
	return fmt.Sprintf("%s was in the store before and is gone", e.Key)
}

// records reads and adds signed files in a store. It judges no signature.
type records struct {
	store store.Store
	// seen keeps the names of what this host has ever added, or has listed by
	// remembered; nil for who only looks once.
	seen store.Store
}

// remembered lists as list does, and fails with a *LostRecordError when a file
// is missing that this host has seen before. So nobody who controls the store
// can take back a revocation or a policy unseen.
func (r records) remembered(ctx context.Context, prefix string) ([]*sign.Signed, error) {
	// What was seen is listed before the store: another command of this host may
	// add a record, and note it, while this one lists.
	seen, err := r.noted(ctx, prefix, ".json")
	if err != nil {
		return nil, err
	}
	files, err := r.list(ctx, prefix)
	if err != nil {
		return nil, err
	}
	now := make(map[string]bool, len(files))
	for _, s := range files {
		key := prefix + s.LeafHash().String() + ".json"
		now[key] = true
		if err := r.remember(ctx, key); err != nil {
			return nil, err
		}
	}
	for _, key := range seen {
		if !now[key] {
			return nil, &LostRecordError{Key: key}
		}
	}
	return files, nil
}

// noted lists the keys below a prefix that this host has seen, and that end so.
func (r records) noted(ctx context.Context, prefix, end string) (keys []string, err error) {
	if r.seen == nil {
		return nil, nil
	}
	for info, err := range r.seen.List(ctx, "seen/"+prefix) {
		if err != nil {
			return nil, fmt.Errorf("list what was seen: %w", err)
		}
		if strings.HasSuffix(info.Key, end) {
			keys = append(keys, strings.TrimPrefix(info.Key, "seen/"))
		}
	}
	return keys, nil
}

// add signs a text and stores it under the name that keyOf makes of its leaf
// hash. It returns the digest of the text.
func (r records) add(ctx context.Context, text []byte, signer sign.Signer, at time.Time, keyOf func(leaf sign.Digest) string) (sign.Digest, error) {
	s, err := sign.NewSigned(text, signer, at, rand.Reader)
	if err != nil {
		return sign.Digest{}, err
	}
	return s.Digest(), r.put(ctx, s, keyOf)
}

// put stores a signed file under the name that keyOf makes of its leaf hash.
func (r records) put(ctx context.Context, s *sign.Signed, keyOf func(leaf sign.Digest) string) error {
	data, err := s.Marshal()
	if err != nil {
		return err
	}
	if len(data) > MaxSignedFile { // it could never be read again
		return fmt.Errorf("record: %w", &sign.LimitError{What: "signed file", Limit: MaxSignedFile})
	}
	if _, err := r.store.Create(ctx, keyOf(s.LeafHash()), bytes.NewReader(data), int64(len(data))); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return r.remember(ctx, keyOf(s.LeafHash()))
}

// remember notes that the store holds a key. The note is the name alone, which is
// a digest.
func (r records) remember(ctx context.Context, key string) error {
	if r.seen == nil {
		return nil
	}
	if _, err := store.CreateIdempotent(ctx, r.seen, "seen/"+key, []byte("seen\n")); err != nil {
		return fmt.Errorf("remember %s: %w", key, err)
	}
	return nil
}

// list reads the signed files directly below a prefix.
func (r records) list(ctx context.Context, prefix string) ([]*sign.Signed, error) {
	var out []*sign.Signed
	for info, err := range r.store.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		base := strings.TrimPrefix(info.Key, prefix)
		if !strings.HasSuffix(base, ".json") || strings.Contains(base, "/") {
			continue
		}
		if len(out) == MaxSignedFiles {
			return nil, fmt.Errorf("list %s: more than %d files: %w", prefix, MaxSignedFiles, ErrTooManyRecords)
		}
		data, err := store.ReadAll(ctx, r.store, info.Key, MaxSignedFile)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", info.Key, err)
		}
		s, err := custody.Open(info.Key, data)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
