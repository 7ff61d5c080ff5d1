// Package merkle builds and proves the item tree of a package: a Merkle tree
// with the hashing of RFC 6962 section 2.1 over salted item records, and the
// level files from which anyone can prove one item without showing another
// (export/FORMAT.md section 8). The hashing is that of golang.org/x/mod/sumdb/tlog.
package merkle

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// A Hash is a node of the tree. Its JSON is base64 text.
type Hash = tlog.Hash

const (
	// levelBits is the log2 of how many hashes of a level file have one hash
	// in the next.
	levelBits = 8
	// MaxLeaves bounds the size of a tree, which has six level files then.
	MaxLeaves = 1 << 40
)

var (
	// ErrNotIncluded says that a proof does not lead from the leaf to the root.
	ErrNotIncluded = errors.New("not included in the tree")
	// ErrRange says that an index or size is not one of a tree.
	ErrRange = errors.New("index is outside of the tree")
	// ErrShort says that a level file lacks a hash that it must hold.
	ErrShort = errors.New("level file is too short")
)

// ItemSalt derives the salt of one item from the package secret. exhibit is
// its number, as in "E0000001".
func ItemSalt(secret [32]byte, exhibit string) [32]byte {
	return mac(mac(secret, "exhibit/v1 item"), exhibit)
}

// ItemLeaf returns the leaf hash of one item record, its line without LF.
func ItemLeaf(secret [32]byte, exhibit string, record []byte) Hash {
	return SaltedLeaf(ItemSalt(secret, exhibit), sha256.Sum256(record))
}

// SaltedLeaf returns the leaf hash of an item record of that digest: what one
// proves who knows the item's salt, but not the package secret.
func SaltedLeaf(salt, record [32]byte) Hash {
	return tlog.RecordHash(append(salt[:], record[:]...))
}

func mac(key [32]byte, text string) (out [32]byte) {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte(text))
	m.Sum(out[:0])
	return out
}

// A Builder takes leaf hashes one after the other and hands out the hashes of
// the level files as soon as they are known. It holds one hash for each bit
// of the tree's size. Its zero value is an empty tree that hands out nothing.
type Builder struct {
	emit  func(level int, h Hash) error
	n     int64
	stack [41]Hash // the complete subtree of 2^i leaves, where bit i of n is set
}

// NewBuilder returns a builder of an empty tree that calls emit, unless it is
// nil, for each next hash of the file item-tree/<level>.
func NewBuilder(emit func(level int, h Hash) error) *Builder { return &Builder{emit: emit} }

// Add appends a leaf hash. An error of emit is returned as it is; the builder
// cannot be used after one.
func (b *Builder) Add(leaf Hash) error {
	if b.n == MaxLeaves {
		return fmt.Errorf("tree of more than %d leaves: %w", int64(MaxLeaves), ErrRange)
	}
	h := leaf
	for bit := 0; ; bit++ {
		if bit%levelBits == 0 && b.emit != nil {
			if err := b.emit(bit/levelBits, h); err != nil {
				return err
			}
		}
		if b.n>>bit&1 == 0 {
			b.stack[bit] = h
			break
		}
		h = tlog.NodeHash(b.stack[bit], h)
	}
	b.n++
	return nil
}

// Size returns the number of leaves so far.
func (b *Builder) Size() int64 { return b.n }

// Root returns the root over the leaves so far.
func (b *Builder) Root() Hash {
	if b.n == 0 {
		return sha256.Sum256(nil)
	}
	var root Hash
	first := true
	for bit := range b.stack {
		if b.n>>bit&1 == 0 {
			continue
		}
		if first {
			root, first = b.stack[bit], false
		} else {
			root = tlog.NodeHash(b.stack[bit], root)
		}
	}
	return root
}

// Root returns the root over leaf hashes that are all at hand.
func Root(leaves []Hash) Hash {
	var b Builder
	for _, h := range leaves {
		_ = b.Add(h) // without emit it fails beyond MaxLeaves only
	}
	return b.Root()
}

// LevelSizes returns the size in bytes of each level file of a tree of n
// leaves: at least one file, empty for an empty tree.
func LevelSizes(n int64) []int64 {
	sizes := []int64{n * sha256.Size}
	for n >>= levelBits; n > 0; n >>= levelBits {
		sizes = append(sizes, n*sha256.Size)
	}
	return sizes
}

// Proof returns the audit path (RFC 6962 section 2.1.1) of leaf i in the tree
// of n leaves whose level files are levels. It trusts the files: check what
// comes out with VerifyInclusion.
func Proof(i, n int64, levels []io.ReaderAt) ([]Hash, error) {
	if n > MaxLeaves || i < 0 || i >= n {
		return nil, fmt.Errorf("leaf %d of %d: %w", i, n, ErrRange)
	}
	return tlog.ProveRecord(n, i, levelReader{n, levels})
}

// VerifyInclusion checks that proof leads from leaf, the i-th of n, to root.
// The error is ErrNotIncluded or ErrRange.
func VerifyInclusion(i, n int64, leaf Hash, proof []Hash, root Hash) error {
	if n > MaxLeaves || i < 0 || i >= n {
		return fmt.Errorf("leaf %d of %d: %w", i, n, ErrRange)
	}
	if err := tlog.CheckRecord(proof, n, root, i, leaf); err != nil {
		return fmt.Errorf("leaf %d of %d: %w", i, n, ErrNotIncluded)
	}
	return nil
}

// levelReader reads the complete subtrees of a tree of n leaves from its level files.
type levelReader struct {
	n      int64
	levels []io.ReaderAt
}

// ReadHashes implements tlog.HashReader.
func (r levelReader) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, index := range indexes {
		level, at := tlog.SplitStoredHashIndex(index)
		h, err := r.subtree(level, at)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// subtree returns the root of the at-th complete subtree of 2^level leaves.
func (r levelReader) subtree(level int, at int64) (Hash, error) {
	file, up := level/levelBits, level%levelBits
	if file >= len(r.levels) {
		return Hash{}, fmt.Errorf("level %d: %w", file, ErrShort)
	}
	buf := make([]byte, sha256.Size<<up)
	if n, err := r.levels[file].ReadAt(buf, at<<up*sha256.Size); n < len(buf) {
		if err == nil || errors.Is(err, io.EOF) {
			err = ErrShort
		}
		return Hash{}, fmt.Errorf("level %d: %w", file, err)
	}
	hashes := make([]Hash, 1<<up)
	for i := range hashes {
		copy(hashes[i][:], buf[i*sha256.Size:])
	}
	return Root(hashes), nil // of 2^up hashes: the complete tree over them
}
