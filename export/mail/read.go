package mail

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Options says how a source is read. The zero value recognises everything by
// itself.
type Options struct {
	// Format overrides what the source is taken for. For a file: what it is,
	// whatever its name and content. For a folder: FormatMaildir demands a
	// Maildir; FormatMboxo, FormatMboxrd, FormatMboxcl, FormatMboxcl2 and
	// FormatTakeout declare the dialect of the mbox files in it, and FormatEML
	// takes none of its files for an mbox; FormatMbox, FormatICS and FormatVCF say
	// nothing of a folder and are refused.
	Format string
	Limits Limits
	// Progress, when set, is called with the number of stored bytes that were
	// read since the last call.
	Progress func(n int64)
}

// Read reads the file or folder at path and hands what it finds to sink.
// Folders are read recursively, in bytewise order of paths.
//
// Path itself may be a symbolic link; links inside a folder are not followed,
// wherever they lead, and each is a [Gap]. A regular file that is not
// recognised is a gap inside a folder, and a message when it is the root,
// except that Outlook's formats are refused with a [FormatError].
//
// Each file is read once. Of an mbox the first 4 MiB of content are held before
// its first item is handed out, to recognise its dialect by; from there on the
// memory is bounded by the largest message.
//
// A file that cannot be read to its end, one that changes while it is read, a
// damaged container ([ReadError]) and a limit exceeded ([LimitError]) end the
// reading: what the sink got until then is not the whole source. A message of a
// Maildir that only looks like a container is taken as it is stored.
func Read(ctx context.Context, path string, opt Options, sink Sink) error {
	opt.Limits = opt.Limits.withDefaults()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r := &reader{
		ctx: ctx, opt: opt, sink: sink, digest: sha256.New(),
		br: bufio.NewReaderSize(nil, headBytes),
	}
	base := filepath.Base(path)
	switch {
	case info.IsDir():
		if err := checkFolderFormat(base, opt.Format); err != nil {
			return err
		}
		root, err := os.OpenRoot(path)
		if err != nil {
			return err
		}
		defer root.Close()
		r.open = root.Open
		return r.tree(base)
	case info.Mode().IsRegular():
		if err := checkFileFormat(base, opt.Format); err != nil {
			return err
		}
		r.open = func(string) (*os.File, error) { return os.Open(path) }
		return r.file(entry{path: base, name: base, root: true})
	}
	return &FormatError{File: base, Format: info.Mode().Type().String(), Reason: "neither a regular file nor a folder"}
}

func checkFolderFormat(base, format string) error {
	if format == "" || format == FormatEML || format == FormatMaildir || declaredDialect(format) != "" {
		return nil
	}
	return &FormatError{File: base, Format: format, Reason: "not the format of a folder"}
}

func checkFileFormat(base, format string) error {
	switch format {
	case "", FormatEML, FormatMbox, FormatICS, FormatVCF:
		return nil
	case FormatMaildir:
		return &FormatError{File: base, Format: format, Reason: "a file, not a folder"}
	}
	if declaredDialect(format) != "" {
		return nil
	}
	return &FormatError{File: base, Format: format, Reason: "unknown format"}
}

// place is what a folder means for the files in it.
type place int

const (
	placeTree     place = iota // an ordinary folder
	placeMaildir               // holds cur/, new/ and perhaps tmp/
	placeMessages              // cur/ or new/ of a Maildir
	placeTmp                   // tmp/ of a Maildir, or a folder in it
	placeServer                // a folder kept by the mail server for itself
)

// entry is a file to be read.
type entry struct {
	path  string // of [Locator]
	name  string // its last element
	place place
	label string // of the folder that it lies in
	root  bool   // the source is this file
}

// reader holds what one call of Read needs.
type reader struct {
	ctx    context.Context
	opt    Options
	sink   Sink
	open   func(path string) (*os.File, error)
	files  int
	digest interface {
		io.Writer
		Sum([]byte) []byte
		Reset()
	}
	br    *bufio.Reader
	ahead []byte // of lookAhead
}

// tree reads all below the root.
func (r *reader) tree(base string) error {
	list, err := r.list(".")
	if err != nil {
		return err
	}
	dir := folder{place: placeTree}
	if isMaildir(list) {
		dir.place, dir.label = placeMaildir, "INBOX"
	} else if r.opt.Format == FormatMaildir {
		return &FormatError{File: base, Format: FormatMaildir, Reason: "holds no folders cur and new"}
	}
	return r.folder(dir, list)
}

// folder is a folder to be read.
type folder struct {
	path  string // relative to the root, "" for it
	place place
	label string
	depth int
}

// folder reads the sorted entries of dir.
func (r *reader) folder(dir folder, list []fs.DirEntry) error {
	for _, e := range list {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		p := path.Join(dir.path, e.Name())
		if e.IsDir() {
			if err := r.subfolder(dir, p, e.Name()); err != nil {
				return err
			}
			continue
		}
		r.files++
		if r.files > r.opt.Limits.Files {
			return &LimitError{File: p, What: "files", Limit: int64(r.opt.Limits.Files)}
		}
		if err := r.entry(dir, p, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(dir folder, p string, e fs.DirEntry) error {
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		return r.noBytes(p, ReasonSymlink)
	case !e.Type().IsRegular():
		return r.noBytes(p, ReasonSpecial)
	}
	return r.file(entry{path: p, name: e.Name(), place: dir.place, label: dir.label})
}

// noBytes reports a gap that has no bytes of its own.
func (r *reader) noBytes(p string, reason Reason) error {
	return r.sink.Gap(Gap{Source: Locator{File: p}, SHA256: sha256.Sum256(nil), Reason: reason})
}

// subfolder reads the folder name in dir.
func (r *reader) subfolder(dir folder, p, name string) error {
	if dir.depth == r.opt.Limits.Depth {
		return &LimitError{File: p, What: "depth", Limit: int64(r.opt.Limits.Depth)}
	}
	list, err := r.list(p)
	if err != nil {
		return err
	}
	sub := folder{path: p, depth: dir.depth + 1}
	switch {
	case dir.place == placeTmp || dir.place == placeServer:
		sub.place, sub.label = dir.place, dir.label
	case dir.place == placeMaildir && (name == "cur" || name == "new"):
		sub.place, sub.label = placeMessages, dir.label
	case dir.place == placeMaildir && name == "tmp" && !isMaildir(list):
		sub.place, sub.label = placeTmp, dir.label
	case dir.place == placeMaildir && isServerFolder(name) && !isMaildir(list):
		sub.place, sub.label = placeServer, dir.label
	default:
		parent := dir.label
		if dir.place == placeMaildir && dir.path == "" {
			parent = "" // INBOX is no parent of its neighbours
		}
		if isMaildir(list) {
			sub.place = placeMaildir
		}
		sub.label = folderLabel(parent, name, dir.place == placeMaildir, sub.place == placeMaildir)
	}
	return r.folder(sub, list)
}

// list returns the entries of a folder so that the paths of all files below it
// come out in bytewise order: a folder sorts as its name and a slash.
func (r *reader) list(p string) ([]fs.DirEntry, error) {
	f, err := r.open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", p, err)
	}
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	return list, nil
}

// isMaildir reports whether the entries are those of a Maildir.
func isMaildir(list []fs.DirEntry) bool {
	found := 0
	for _, e := range list {
		if e.IsDir() && (e.Name() == "cur" || e.Name() == "new") {
			found++
		}
	}
	return found == 2
}
