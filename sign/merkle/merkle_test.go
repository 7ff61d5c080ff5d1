package merkle_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"exhibit/sign/merkle"
)

// tree is a tree of n leaves with its level files, and the hashes that tlog
// stores for the same leaves.
type tree struct {
	leaves []merkle.Hash
	levels []*bytes.Buffer
	root   merkle.Hash
	stored []tlog.Hash
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = t.stored[x]
	}
	return out, nil
}

func (t *tree) readers() []io.ReaderAt {
	out := make([]io.ReaderAt, len(t.levels))
	for i, l := range t.levels {
		out[i] = bytes.NewReader(l.Bytes())
	}
	return out
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func grow(t fataler, n int) *tree {
	t.Helper()
	tr := &tree{levels: []*bytes.Buffer{{}}}
	b := merkle.NewBuilder(func(level int, h merkle.Hash) error {
		for len(tr.levels) <= level {
			tr.levels = append(tr.levels, new(bytes.Buffer))
		}
		tr.levels[level].Write(h[:])
		return nil
	})
	for i := range n {
		leaf := tlog.RecordHash(fmt.Append(nil, i))
		if err := b.Add(leaf); err != nil {
			t.Fatal(err)
		}
		more, err := tlog.StoredHashesForRecordHash(int64(i), leaf, tr)
		if err != nil {
			t.Fatal(err)
		}
		tr.leaves, tr.stored = append(tr.leaves, leaf), append(tr.stored, more...)
	}
	if b.Size() != int64(n) {
		t.Fatal("size", b.Size())
	}
	tr.root = b.Root()
	return tr
}

func TestRootIsThatOfTlog(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 1000} {
		tr := grow(t, n)
		want, err := tlog.TreeHash(int64(n), tr)
		if err != nil {
			t.Fatal(err)
		}
		if tr.root != want || merkle.Root(tr.leaves) != want {
			t.Errorf("%d leaves: root %v, want %v", n, tr.root, want)
		}
		for level, size := range merkle.LevelSizes(int64(n)) {
			if int64(tr.levels[level].Len()) != size || len(tr.levels) != len(merkle.LevelSizes(int64(n))) {
				t.Errorf("%d leaves: level %d of %d has %d bytes, want %d", n, level, len(tr.levels), tr.levels[level].Len(), size)
			}
		}
	}
}

// RFC 6962 section 2.1: the hash of an empty list is that of nothing.
func TestEmpty(t *testing.T) {
	var b merkle.Builder
	if h := b.Root(); hex.EncodeToString(h[:]) != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("root %x", h)
	}
	if sizes := merkle.LevelSizes(0); len(sizes) != 1 || sizes[0] != 0 {
		t.Errorf("level files %v", sizes)
	}
	if _, err := merkle.Proof(0, 0, nil); !errors.Is(err, merkle.ErrRange) {
		t.Errorf("proof in an empty tree: %v", err)
	}
}

func TestLevelsHoldCompleteSubtrees(t *testing.T) {
	tr := grow(t, 65536+256+1)
	if len(tr.levels) != 3 {
		t.Fatalf("%d level files", len(tr.levels))
	}
	first := merkle.Root(tr.leaves[:256])
	all := merkle.Root(tr.leaves[:65536])
	if !bytes.Equal(tr.levels[1].Bytes()[:32], first[:]) || !bytes.Equal(tr.levels[2].Bytes(), all[:]) {
		t.Error("a level file does not hold the roots of complete subtrees")
	}
	for _, i := range []int64{0, 255, 256, 65535, 65536, 65792} {
		prove(t, tr, i)
	}
}

func prove(t fataler, tr *tree, i int64) []merkle.Hash {
	t.Helper()
	n := int64(len(tr.leaves))
	proof, err := merkle.Proof(i, n, tr.readers())
	if err != nil {
		t.Fatal(err)
	}
	if err := merkle.VerifyInclusion(i, n, tr.leaves[i], proof, tr.root); err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestProofs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 700).Draw(t, "n")
		i := int64(rapid.IntRange(0, n-1).Draw(t, "i"))
		tr := grow(t, n)
		proof := prove(t, tr, i)
		want, err := tlog.ProveRecord(int64(n), i, tr)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(proof) != fmt.Sprint([]merkle.Hash(want)) {
			t.Fatal("proof is not that of tlog")
		}
		// What is proved of one leaf is proved of no other, and of no other tree.
		other := (i + 1) % int64(n)
		if n > 1 && merkle.VerifyInclusion(i, int64(n), tr.leaves[other], proof, tr.root) == nil {
			t.Fatal("another leaf is included")
		}
		if n > 1 && merkle.VerifyInclusion(other, int64(n), tr.leaves[i], proof, tr.root) == nil {
			t.Fatal("included at another place")
		}
		if merkle.VerifyInclusion(i, int64(n), tr.leaves[i], append(proof, tr.root), tr.root) == nil {
			t.Fatal("a longer proof holds")
		}
		if len(proof) > 0 {
			proof[rapid.IntRange(0, len(proof)-1).Draw(t, "hash")][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
			err := merkle.VerifyInclusion(i, int64(n), tr.leaves[i], proof, tr.root)
			if !errors.Is(err, merkle.ErrNotIncluded) {
				t.Fatalf("altered proof: %v", err)
			}
		}
	})
}

func TestProofErrors(t *testing.T) {
	tr := grow(t, 300)
	for _, c := range []struct{ i, n int64 }{{-1, 300}, {300, 300}, {0, merkle.MaxLeaves + 1}, {0, -1}} {
		if _, err := merkle.Proof(c.i, c.n, tr.readers()); !errors.Is(err, merkle.ErrRange) {
			t.Errorf("leaf %d of %d: %v", c.i, c.n, err)
		}
		if err := merkle.VerifyInclusion(c.i, c.n, tr.leaves[0], nil, tr.root); !errors.Is(err, merkle.ErrRange) {
			t.Errorf("leaf %d of %d: %v", c.i, c.n, err)
		}
	}
	if _, err := merkle.Proof(0, 300, nil); !errors.Is(err, merkle.ErrShort) {
		t.Errorf("no level files: %v", err)
	}
	short := []io.ReaderAt{bytes.NewReader(tr.levels[0].Bytes()[:299*32]), bytes.NewReader(tr.levels[1].Bytes())}
	if _, err := merkle.Proof(0, 300, short); !errors.Is(err, merkle.ErrShort) {
		t.Errorf("short level file: %v", err)
	}
	if err := merkle.VerifyInclusion(0, merkle.MaxLeaves, tr.leaves[0], nil, tr.root); !errors.Is(err, merkle.ErrNotIncluded) {
		t.Errorf("tree at the limit: %v", err)
	}
	broken := errors.New("disk")
	b := merkle.NewBuilder(func(int, merkle.Hash) error { return broken })
	if err := b.Add(tr.leaves[0]); !errors.Is(err, broken) {
		t.Errorf("error of the sink: %v", err)
	}
}

// The item leaf as export/FORMAT.md section 8 spells it out.
func TestItemLeaf(t *testing.T) {
	secret := [32]byte{1, 2, 3}
	key := hmac.New(sha256.New, secret[:])
	key.Write([]byte("exhibit/v1 item"))
	salt := hmac.New(sha256.New, key.Sum(nil))
	salt.Write([]byte("E0000001"))
	record := sha256.Sum256([]byte(`{"type":"exhibit/item/v1"}`))
	want := sha256.Sum256(append(append([]byte{0}, salt.Sum(nil)...), record[:]...))
	if got := merkle.ItemLeaf(secret, "E0000001", []byte(`{"type":"exhibit/item/v1"}`)); got != want {
		t.Errorf("leaf %x, want %x", got, want)
	}
	if got := merkle.SaltedLeaf(merkle.ItemSalt(secret, "E0000001"), record); got != want {
		t.Errorf("leaf from its salt %x, want %x", got, want)
	}
}

func FuzzVerifyInclusion(f *testing.F) {
	tr := grow(f, 5)
	proof, err := merkle.Proof(3, 5, tr.readers())
	if err != nil {
		f.Fatal(err)
	}
	var flat []byte
	for _, h := range proof {
		flat = append(flat, h[:]...)
	}
	f.Add(int64(3), int64(5), flat)
	f.Add(int64(0), int64(1), []byte{})
	f.Add(int64(7), int64(5), flat)
	f.Fuzz(func(t *testing.T, i, n int64, flat []byte) {
		var p []merkle.Hash
		for len(flat) >= 32 {
			p, flat = append(p, merkle.Hash(flat[:32])), flat[32:]
		}
		if merkle.VerifyInclusion(i, n, tr.leaves[3], p, tr.root) == nil && (i != 3 || n != 5) && len(p) != len(proof) {
			t.Fatalf("leaf 3 of 5 is proved as %d of %d", i, n)
		}
	})
}
