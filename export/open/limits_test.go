package open

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"exhibit/export/bag"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// Each limit of section 13 that this package holds, at the limit and one past.
func TestLimits(t *testing.T) {
	b := newBuilder(t)
	b.carol, b.signature = true, []byte("signature")
	objects := b.build()
	_, sink, err := openAll(objects, options())
	if err != nil {
		t.Fatal(err)
	}
	size := func(names ...string) int64 {
		var most int64
		for _, name := range names {
			if f := sink.files[name]; f != nil {
				most = max(most, int64(len(f.Data)))
			}
			most = max(most, int64(len(objects[name])))
		}
		return most
	}
	longest := 0
	for _, name := range []string{bag.IndexJSONL, bag.SourcesJSONL} {
		for line := range bytes.Lines(sink.files[name].Data) {
			longest = max(longest, len(line)-1)
		}
	}
	cases := []struct {
		name string
		set  func(l *limits, less int)
		want Code
	}{
		{"objects", func(l *limits, less int) { l.objects = len(objects) - less }, LimitExceeded},
		{"text", func(l *limits, less int) { l.text = size(manifest.SumsName, manifest.SumsSigName) - int64(less) }, LimitExceeded},
		{"others", func(l *limits, less int) { l.others = len(sink.files) - len(b.raw) - less }, LimitExceeded},
		{"tail", func(l *limits, less int) {
			l.tail = -int64(less)
			for _, name := range []string{bag.ContentsTXT, bag.PackageJSON, bag.TagManifest, bag.TagSignature} {
				l.tail += bag.BlockSize + size(name) + bag.Padding(size(name))
			}
		}, LimitExceeded},
		{"manifest", func(l *limits, less int) { l.manifest = size(manifest.Name) - int64(less) }, LimitExceeded},
		{"signature", func(l *limits, less int) {
			l.signature = size(manifest.SignatureName, bag.TagSignature) - int64(less)
		}, LimitExceeded},
		{"line", func(l *limits, less int) { l.line = longest - less }, RecordInvalid},
		{"order", func(l *limits, less int) { l.order = size(bag.OrderYAML) - int64(less) }, LimitExceeded},
		{"signature over the instrument", func(l *limits, less int) { l.signed = size(bag.InstrumentSignatureName("w.asc")) - int64(less) }, LimitExceeded},
		{"record", func(l *limits, less int) {
			l.record = size(bag.ItemName(8, bag.KindTraffic), bag.ItemName(9, bag.KindTraffic), bag.ItemName(10, bag.KindSubscriber)) - int64(less)
		}, LimitExceeded},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opt := options()
			l := formatLimits
			opt.limits = &l
			c.set(&l, 0)
			if _, _, err := openAll(objects, opt); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			c.set(&l, 1)
			_, _, err := openAll(objects, opt)
			wantCode(t, err, c.want)
		})
	}
	t.Run("files that the payload manifest lists", func(t *testing.T) {
		b := newBuilder(t)
		b.onPayload = func(files map[string][]byte) {
			for i := range bag.MaxOthers {
				files[fmt.Sprintf("data/order/instrument.x%d", i)] = nil
			}
		}
		b.onEntries = func(_ int, list []entry) []entry { // they are only listed
			return slices.DeleteFunc(list, func(e entry) bool { return strings.HasPrefix(e.name, "data/order/instrument.x") })
		}
		_, _, err := openAll(b.build(), options())
		wantCode(t, err, LimitExceeded)
	})
	t.Run("tail of a bag", func(t *testing.T) {
		opt := options()
		l := formatLimits
		opt.limits = &l
		l.tail = size(bag.PackageJSON, bag.ContentsTXT, bag.TagManifest)
		if _, err := CheckBag(t.Context(), sink.files, keys().trusted, opt); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		l.tail--
		_, err := CheckBag(t.Context(), sink.files, keys().trusted, opt)
		wantCode(t, err, LimitExceeded)
	})
}

func TestItemLimit(t *testing.T) {
	b := newBuilder(t)
	b.itemBytes = 30_000
	objects := b.build()
	opt := options()
	l := formatLimits
	opt.limits = &l
	l.block = 1000 // a file of 30 KB then lies in many blocks
	l.item = b.records[0].Size
	var out bytes.Buffer
	report, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &out, opt)
	if err != nil || !bytes.Equal(out.Bytes(), b.raw[report.File]) {
		t.Fatalf("at the limit: %v", err)
	}
	if !slices.ContainsFunc(report.NotChecked, func(s string) bool { return s[:7] == "nothing" }) {
		t.Error("the report does not say that nothing else was checked")
	}
	l.item--
	out.Reset()
	_, err = Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000001", &out, opt)
	if !errors.Is(err, ErrItemSize) || out.Len() > 0 {
		t.Errorf("one past the limit: %v", err)
	}
}

// Many large items whose transforms are to be undone do not take the memory of
// many at a time.
func TestLargeItemsOneAtATime(t *testing.T) {
	b := newBuilder(t)
	b.items, b.itemBytes = 12, 30_000
	_, sink, err := openAll(b.build(), options())
	if err != nil {
		t.Fatal(err)
	}
	fsys := &slowFS{FS: sink.FS(), slow: make(map[string]int64)}
	for _, rec := range b.records {
		if len(rec.Transforms) > 0 {
			fsys.slow[rec.File] = rec.Size
		}
	}
	opt := options()
	l := formatLimits
	l.large = 1000
	opt.limits, opt.Workers = &l, 4
	if _, err := CheckBag(t.Context(), fsys, keys().trusted, opt); err != nil {
		t.Fatal(err)
	}
	if most := fsys.most.Load(); most != 1 {
		t.Errorf("%d large items were read at a time", most)
	}
}

// slowFS reads some files, of these sizes, slowly, and counts how many at a time.
type slowFS struct {
	fs.FS
	slow      map[string]int64
	now, most atomic.Int64
}

func (s *slowFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if left := s.slow[name]; err == nil && left > 0 {
		return &slowFile{File: f, fs: s, size: left, left: left}, nil
	}
	return f, err
}

type slowFile struct {
	fs.File
	fs         *slowFS
	size, left int64
}

func (f *slowFile) Read(p []byte) (int, error) {
	if f.left == f.size {
		if now := f.fs.now.Add(1); now > f.fs.most.Load() {
			f.fs.most.Store(now)
		}
	}
	runtime.Gosched()
	n, err := f.File.Read(p[:min(len(p), 100)])
	if f.left > 0 {
		if f.left -= int64(n); f.left == 0 {
			f.fs.now.Add(-1)
		}
	}
	return n, err
}

// The digests of a bag's items take a bounded room: what package.json claims is
// believed only as far as the payload manifest is long.
func TestItemsClaimed(t *testing.T) {
	b := newBuilder(t)
	b.onPackage = func(p *bag.Package) {
		more := int64(bag.MaxItems) - p.Items.Size
		p.Items.Size += more
		p.Counts.Source, p.Counts.Included = p.Counts.Source+more, p.Counts.Included+more
		p.Accounts[0].Source, p.Accounts[0].Included = p.Accounts[0].Source+more, p.Accounts[0].Included+more
	}
	_, _, err := openAll(b.build(), options())
	wantCode(t, err, CountsMismatch)
}

func FuzzArchive(f *testing.F) {
	header, err := bag.TarHeader("data/messages/E0000001.eml", 3)
	if err != nil {
		f.Fatal(err)
	}
	whole := append(append(header[:], "abc"...), make([]byte, 509+1024)...)
	f.Add(whole)
	f.Add(whole[:700])
	f.Add(make([]byte, 1024))
	f.Add(append(bytes.Clone(whole[:1024]), whole...))
	f.Fuzz(func(t *testing.T, archive []byte) {
		sink := newFolder()
		u := newUnpacker(sink, formatLimits)
		err := u.archive(t.Context(), bytes.NewReader(archive))
		if err != nil {
			if codeOf(err) == "" {
				t.Fatalf("no failure: %v", err)
			}
			return
		}
		total := int64(bag.TrailerSize)
		for name, file := range sink.files {
			if bag.CheckName(name) != nil {
				t.Fatalf("wrote %q", name)
			}
			n := int64(len(file.Data))
			total += bag.BlockSize + n + bag.Padding(n)
		}
		if total != int64(len(archive)) {
			t.Fatalf("accepted %d bytes that hold %d", len(archive), total)
		}
	})
}

// Any file of a bag that is not the one that was signed is refused.
func FuzzBagFile(f *testing.F) {
	b := newBuilder(&testing.T{})
	_, sink, err := openAll(b.build(), options())
	if err != nil {
		f.Fatal(err)
	}
	names := make([]string, 0, len(sink.files))
	for name := range sink.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		f.Add(uint8(i), sink.files[name].Data)
		f.Add(uint8(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		name := names[int(i)%len(names)]
		files := make(map[string][]byte)
		for name, file := range sink.files {
			files[name] = file.Data
		}
		same := sign.Sum(files[name]) == sign.Sum(data)
		spoilt := newFolder()
		files[name] = data
		for name, data := range files {
			w, err := spoilt.Create(name)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil || w.Close() != nil {
				t.Fatal(err)
			}
		}
		_, err := CheckBag(t.Context(), spoilt.FS(), keys().trusted, options())
		if same && err != nil {
			t.Fatal(err)
		}
		if !same && name != bag.TagSignature && codeOf(err) == "" {
			t.Fatalf("%s with other bytes: %v", name, err)
		}
	})
}
