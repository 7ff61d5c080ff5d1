package open

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sort"

	"exhibit/export/bag"
	"exhibit/sign"
)

// folders of a bag.
var folders = map[string]bool{bag.DataDir: true, bag.MessagesDir: true, bag.OrderDir: true, bag.TreeDir: true}

// walk takes stock of what is there, before anything is opened: regular files
// with names of section 5, in its folders, and nothing else. Of the items it
// keeps their number only: no folder lists a name twice, so that when as many
// are there as there are records, and each record's file is there, there are no
// others.
func (c *bagCheck) walk() error {
	c.found = make(map[string]bool)
	return c.folder(".")
}

func (c *bagCheck) folder(dir string) error {
	f, err := c.fsys.Open(dir)
	if err != nil {
		return fmt.Errorf("read folder %s: %w", dir, err)
	}
	defer f.Close()
	list, ok := f.(fs.ReadDirFile)
	if !ok {
		return fmt.Errorf("read folder %s: %w", dir, errors.ErrUnsupported)
	}
	const some = 1024
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		entries, err := list.ReadDir(some)
		for _, e := range entries {
			if err := c.met(path.Join(dir, e.Name()), e.Type()); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read folder %s: %w", dir, err)
		}
	}
}

// met takes note of one thing that lies in the bag.
func (c *bagCheck) met(name string, typ fs.FileMode) error {
	switch {
	case typ.IsDir() && folders[name]:
		return c.folder(name)
	case typ.IsDir():
		return fail(BagExtra, name, "is no folder of a bag")
	case !typ.IsRegular():
		return fail(BagExtra, name, "is no regular file")
	case bag.CheckName(name) != nil:
		return fail(BagExtra, name, "is no file of a bag")
	}
	if _, _, err := bag.ParseItemName(name); err == nil {
		c.items++
		return nil
	}
	if len(c.found) == c.limits.others {
		return fail(LimitExceeded, "", "more than %d files that are no items", c.limits.others)
	}
	c.found[name] = true
	return nil
}

// complete compares what is there with what is listed.
func (c *bagCheck) complete() error {
	want := map[string]bool{bag.TagManifest: true, bag.TagSignature: true}
	for _, list := range []map[string]sign.Digest{c.tags, c.payload} {
		for name := range list {
			want[name] = true
		}
	}
	if name := without(want, c.found); name != "" {
		return fail(BagMissing, name, "is listed, but not there")
	}
	if name := without(c.found, want); name != "" {
		return fail(BagExtra, name, "is not listed")
	}
	switch n := len(c.digests.list); {
	case c.items > n:
		return fail(BagExtra, bag.MessagesDir, "%d files, of which %d are listed", c.items, n)
	case c.items < n:
		return fail(BagMissing, bag.MessagesDir, "%d files, where %d are listed", c.items, n)
	}
	return nil
}

// without returns the first name of a that b lacks.
func without(a, b map[string]bool) string {
	var names []string
	for name := range a {
		if !b[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	sort.Strings(names)
	return names[0]
}

// checkedFile reads one file of the bag and digests what is read.
type checkedFile struct {
	ctx  context.Context
	c    *bagCheck
	name string
	f    fs.File
	hash io.Writer
	size int64
	err  error
}

// Read implements io.Reader.
func (f *checkedFile) Read(p []byte) (int, error) {
	if f.err == nil {
		f.err = f.ctx.Err()
	}
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.f.Read(p)
	f.size += int64(n)
	_, _ = f.hash.Write(p[:n]) // a hash takes everything
	if err != nil {
		if err != io.EOF {
			err = fmt.Errorf("read %s: %w", f.name, err)
		}
		f.err = err
	}
	return n, err
}

// file reads a file whole through read, which may be nil or stop early, and
// checks its digest; what read says of a file that was altered does not count.
func (c *bagCheck) file(ctx context.Context, name string, want sign.Digest, read func(io.Reader) error) (size int64, err error) {
	f, err := c.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, failWith(BagMissing, name, err, "is not there")
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return 0, fail(BagExtra, name, "is no regular file")
	}
	h := sha256.New()
	in := &checkedFile{ctx: ctx, c: c, name: name, f: f, hash: h}
	var said error
	if read != nil {
		said = read(in)
	}
	buf := make([]byte, min(max(info.Size()-in.size, 512), 256<<10))
	for in.err == nil {
		_, _ = in.Read(buf) // in keeps the error
	}
	c.account(in.size)
	switch {
	case in.err != io.EOF:
		return 0, in.err
	case sign.Digest(h.Sum(nil)) != want:
		return 0, fail(BagAltered, name, "digest is not the one that is listed")
	}
	return in.size, said
}

// account tells of bytes that were read.
func (c *bagCheck) account(n int64) {
	if c.opt.Progress == nil || n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opt.Progress(n)
}

// read reads a small file. Where want is nil its digest is not known.
func (c *bagCheck) read(name string, limit int64, want *sign.Digest) ([]byte, error) {
	f, err := c.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failWith(BagMissing, name, err, "is not there")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	c.account(int64(len(data)))
	switch {
	case int64(len(data)) > limit:
		return nil, fail(LimitExceeded, name, "more than %d bytes", limit)
	case want != nil && sign.Sum(data) != *want:
		return nil, fail(BagAltered, name, "digest is not the one that is listed")
	}
	return data, nil
}

// tag reads a small tag file.
func (c *bagCheck) tag(name string, limit int64) ([]byte, error) {
	want, ok := c.tags[name]
	if !ok {
		return nil, fail(TagManifestInvalid, bag.TagManifest, "does not list %s", name)
	}
	return c.read(name, limit, &want)
}

// asFailure gives an error about hostile content a code, unless it is a
// failure already, or one of reading.
func asFailure(code Code, object string, err error) error {
	var f *Failure
	if errors.As(err, &f) || !contentError(err) {
		return err
	}
	return failWith(code, object, err, "is not as the format has it")
}

// contentError says whether an error is about what was read, rather than about
// reading.
func contentError(err error) bool {
	var limit *sign.LimitError
	var typ *sign.TypeError
	var member *sign.MemberError
	return errors.Is(err, bag.ErrInvalid) || errors.Is(err, sign.ErrNotCanonical) ||
		errors.As(err, &limit) || errors.As(err, &typ) || errors.As(err, &member)
}

// tagFiles checks the tag files that nothing else reads.
func (c *bagCheck) tagFiles() error {
	text, err := c.tag(bag.Declaration, bag.MaxInfoBytes)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, []byte(bag.DeclarationText)) {
		return fail(TagFileInvalid, bag.Declaration, "is not that of a bag of version 1.0")
	}
	contents, err := c.tag(bag.ContentsTXT, c.limits.tail)
	if err != nil {
		return err
	}
	if _, err := bag.ParseContents(contents); err != nil {
		return asFailure(TagFileInvalid, bag.ContentsTXT, err)
	}
	size, err := c.file(c.ctx, bag.LocatorsTXT, c.tags[bag.LocatorsTXT], nil)
	if err != nil {
		return err
	}
	if size != c.facts.pkg.Items.Size*bag.LocatorSize {
		return fail(TagFileInvalid, bag.LocatorsTXT, "%d bytes are not a line for each of %d items", size, c.facts.pkg.Items.Size)
	}
	return nil
}
