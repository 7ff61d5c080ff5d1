package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"exhibit/export/open"
	"exhibit/sign/detached"
)

// objects is a package in memory.
type objects map[string][]byte

func (o objects) List(context.Context) iter.Seq2[open.Object, error] {
	return func(yield func(open.Object, error) bool) {
		for name, data := range o {
			if !yield(open.Object{Name: name, Size: int64(len(data))}, nil) {
				return
			}
		}
	}
}

func (o objects) Open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	data, ok := o[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	if length < 0 {
		length = int64(len(data)) - offset
	}
	if offset > int64(len(data)) || length > int64(len(data))-offset {
		return nil, fmt.Errorf("%s: %w", name, io.ErrUnexpectedEOF)
	}
	return io.NopCloser(bytes.NewReader(data[offset : offset+length])), nil
}

// loadPackage reads the package of the stage exported, and the provider's key.
func loadPackage(t *testing.T) (objects, *detached.PublicKeys) {
	t.Helper()
	dir, err := stageDir(stageExported)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(packageDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	pkg := objects{}
	for _, e := range entries {
		if pkg[e.Name()], err = os.ReadFile(filepath.Join(packageDir(dir), e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := readTrust("verify", filepath.Join(dir, "agency", "provider.asc"))
	if err != nil {
		t.Fatal(err)
	}
	return pkg, keys
}

// Invariant 6: a thousand flips of one bit over each object of a package: each
// is a verdict on the package, never a success and never a mere error.
func TestThousandFlips(t *testing.T) {
	pkg, keys := loadPackage(t)
	if _, err := open.Verify(t.Context(), pkg, keys, open.Options{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if len(pkg) != 6 {
		t.Fatalf("a package of %d objects", len(pkg))
	}
	const flips = 1000
	for name, genuine := range pkg {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(len(name)), flips))
			spoilt := objects{}
			for n, data := range pkg {
				spoilt[n] = data
			}
			for range flips {
				data := bytes.Clone(genuine)
				bit := random.IntN(len(data) * 8)
				data[bit/8] ^= 1 << (bit % 8)
				spoilt[name] = data
				_, err := open.Verify(t.Context(), spoilt, keys, open.Options{Now: time.Now()})
				if !errors.As(err, new(*open.Failure)) {
					t.Errorf("bit %d of byte %d (%q): %v", bit%8, bit/8, genuine[max(0, bit/8-8):bit/8+1], err)
				}
			}
		})
	}
}
