package bag

import (
	"archive/tar"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/sign"
)

func TestExhibitNumbers(t *testing.T) {
	for n, want := range map[int]string{1: "E0000001", 9_999_999: "E9999999"} {
		if got := ExhibitNumber(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
		if got, err := ParseExhibit(want); err != nil || got != n {
			t.Errorf("%s is %d, %v", want, got, err)
		}
	}
	for _, s := range []string{"", "E", "E0000000", "E000001", "e0000001", "E00000001", "E010000000", "E-000001", "E+000001", "E00000 1", ExhibitNumber(MaxItems + 1), "E１２３４５６７", "E99999999999999999999"} {
		if n, err := ParseExhibit(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q is %d, %v", s, n, err)
		}
	}
}

func TestInstrumentName(t *testing.T) {
	for file, want := range map[string]string{
		"warrant.pdf": "data/order/instrument.pdf", "Warrant.PDF": "data/order/instrument.pdf", "a.tar.gz": "data/order/instrument.gz",
		"warrant": "data/order/instrument.bin", "w.": "data/order/instrument.bin", "w.123456789": "data/order/instrument.bin",
		"w.12345678": "data/order/instrument.12345678", "w.pd f": "data/order/instrument.bin", "w.é": "data/order/instrument.bin",
	} {
		if got := InstrumentName(file); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

func wholeSequence(items int) []string {
	var names []string
	for n := 1; n <= items; n++ {
		names = append(names, ItemName(n, KindContact))
	}
	return append(names, OrderJSON, "data/order/instrument.pdf", "data/order/instrument-signature.p7s", ExceptionsCSV, WithheldCSV, IndexCSV, IndexDAT, IndexJSONL,
		ReportHTML, SubscriberCSV, TrafficCSV, Declaration, InfoFile, PayloadManifest, "item-tree/0", "item-tree/1", SourcesJSONL, LocatorsTXT, ContentsTXT, PackageJSON, TagManifest, TagSignature)
}

func TestSequence(t *testing.T) {
	for _, items := range []int{0, 1, 3} {
		names := wholeSequence(items)
		for skip := -1; skip < len(names); skip++ {
			var s Sequence
			var err error
			for i, name := range names {
				if i != skip && err == nil {
					err = s.Next(name)
				}
			}
			if err == nil {
				err = s.Done()
			}
			optional := skip >= 0 && (names[skip] == "item-tree/1" || skip == items-1 || strings.Contains(names[skip], "signature.p7s"))
			if (err == nil) != (skip < 0 || optional) {
				t.Errorf("%d items without entry %d: %v", items, skip, err)
			}
		}
		for i, name := range names {
			var s Sequence
			for _, before := range names[:i+1] {
				if err := s.Next(before); err != nil {
					t.Fatal(err)
				}
			}
			for _, again := range names[:i+1] {
				if err := s.Next(again); !errors.Is(err, ErrDuplicate) || !errors.Is(err, ErrInvalid) {
					t.Errorf("%s again after %s: %v", again, name, err)
				}
			}
		}
	}
	var s Sequence
	for _, name := range []string{"", ".", "..", "/", "data", "data/", "data/x", "../data/index.csv", "/bagit.txt", "bagit.txt/", "BAGIT.TXT", "bagit.txt\x00",
		"data/messages/E0000001.EML", "data/messages/E0000001", "data/messages/E0000001.exe", "data/messages/E000001.eml", "data//messages/E0000001.eml",
		"data/messages/./E0000001.eml", "data/messages/a/b.eml", "item-tree/", "item-tree/00", "item-tree/10", "data/order/instrument.", "data/order/instrument.PDF",
		"data/order/instrument.p/f", "data/order/instrument-signature.", "data/order/instrument-signature.P7S", "data/order/instrument-signature",
		"data/messages/E0000001.traffic", "data/messages/E0000001.json", "data/messages/E0000001.traffic.JSON", "data/messages/E0000001.eml.traffic.json", strings.Repeat("a", 101)} {
		if err := s.Next(name); !errors.Is(err, ErrName) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A bag of package.json version 1 has neither table, and few orders have a
// signature over their instrument; what was left out cannot come later.
func TestSequenceWithout(t *testing.T) {
	left := map[string]bool{"data/order/instrument-signature.p7s": true, SubscriberCSV: true, TrafficCSV: true}
	var s Sequence
	for _, name := range wholeSequence(1) {
		if left[name] {
			continue
		}
		if err := s.Next(name); err != nil {
			t.Fatal(err)
		}
		for late := range left {
			if s.slot < slotDeclaration && late != "data/order/instrument-signature.p7s" || s.slot < slotExceptions {
				continue
			}
			if err := s.Next(late); !errors.Is(err, ErrOrder) {
				t.Errorf("%s after %s: %v", late, name, err)
			}
		}
	}
	if err := s.Done(); err != nil {
		t.Error(err)
	}
	for _, one := range []string{SubscriberCSV, TrafficCSV} {
		s = Sequence{}
		var err error
		for _, name := range wholeSequence(1) {
			if err == nil && name != one {
				err = s.Next(name)
			}
		}
		if !errors.Is(err, ErrOrder) {
			t.Errorf("one table without %s: %v", one, err)
		}
	}
}

// Each kind has names of its own.
func TestItemNames(t *testing.T) {
	seen := make(map[byte]bool)
	for kind, want := range map[string]string{
		KindMessage: "data/messages/E0000007.eml", KindEvent: "data/messages/E0000007.ics", KindContact: "data/messages/E0000007.vcf",
		KindTraffic: "data/messages/E0000007.traffic.json", KindSubscriber: "data/messages/E0000007.subscriber.json",
	} {
		if got := ItemName(7, kind); got != want {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
		if n, got, err := ParseItemName(want); err != nil || n != 7 || got != kind {
			t.Errorf("%s: %d, %s, %v", want, n, got, err)
		}
		if seen[kind[0]] {
			t.Errorf("two kinds begin with %c", kind[0])
		}
		seen[kind[0]] = true
	}
	if got := InstrumentSignatureName("Warrant.PDF.ASC"); got != "data/order/instrument-signature.asc" {
		t.Errorf("the signature over the instrument is %s", got)
	}
}

// The header is what the standard library writes for a ustar entry with these
// fields, and tar programs read.
func TestTarHeader(t *testing.T) {
	for _, size := range []int64{0, 1, 511, 512, 16 << 20, MaxEntry} {
		got, err := TarHeader(IndexJSONL, size)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		w := tar.NewWriter(&want)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: IndexJSONL, Size: size, Mode: 0o644, ModTime: time.Unix(315532800, 0), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[:], want.Bytes()) {
			t.Errorf("size %d:\n%q\n%q", size, got[:], want.Bytes())
		}
		name, n, err := ParseTarHeader(&got)
		if err != nil || name != IndexJSONL || n != size {
			t.Errorf("size %d: %s, %d, %v", size, name, n, err)
		}
	}
	for _, size := range []int64{-1, MaxEntry + 1} {
		if _, err := TarHeader(IndexJSONL, size); !errors.Is(err, ErrInvalid) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	for size, want := range map[int64]int64{0: 0, 1: 511, 512: 0, 513: 511} {
		if Padding(size) != want {
			t.Errorf("padding of %d is %d", size, Padding(size))
		}
	}
}

// No other byte of a header is accepted, whatever its checksum.
func TestTarHeaderIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, err := TarHeader("data/messages/E0000001.eml", rapid.Int64Range(0, MaxEntry).Draw(t, "size"))
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, BlockSize-1).Draw(t, "at")
		h[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if name, size, err := ParseTarHeader(&h); err == nil {
			again, _ := TarHeader(name, size)
			if again != h {
				t.Fatalf("byte %d: %s of %d bytes", i, name, size)
			}
		}
	})
}

func TestManifestLines(t *testing.T) {
	var out bytes.Buffer
	w := NewManifestWriter(&out)
	zero := sign.Digest{}
	for _, name := range []string{Declaration, "item-tree/0", PackageJSON} {
		if err := w.Add(name, zero); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{PackageJSON, Declaration, "zzz"} {
		if err := w.Add(name, zero); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	digits := strings.Repeat("0", 64)
	if want := digits + "  bagit.txt\n" + digits + "  item-tree/0\n" + digits + "  package.json\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	read := func(text string) (n int, err error) {
		err = ReadManifest(strings.NewReader(text), func(string, sign.Digest) error { n++; return nil })
		return n, err
	}
	if n, err := read(out.String()); n != 3 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
	for _, text := range []string{
		digits + "  bagit.txt", digits + " bagit.txt\n", digits + "  bagit.txt\r\n", digits + " *bagit.txt\n", "\n", digits + "  \n",
		strings.Repeat("A", 64) + "  bagit.txt\n", strings.Repeat("g", 64) + "  bagit.txt\n", digits + "  a%0Ab\n",
		digits + "  bagit.txt\n" + digits + "  bagit.txt\n", digits + "  package.json\n" + digits + "  bagit.txt\n",
		digits + "  " + strings.Repeat("a", MaxNameBytes+1) + "\n", "\ufeff" + digits + "  bagit.txt\n", "# a\n",
	} {
		if _, err := read(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	broken := errors.New("broken")
	if err := ReadManifest(io.MultiReader(strings.NewReader(out.String()), failing{broken}), func(string, sign.Digest) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("error of reading: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLocators(t *testing.T) {
	l := Locator{Volume: 12, Offset: 512, Length: 8 << 30, Record: 1 << 40, RecordLength: 1 << 20}
	line, err := l.Line()
	if err != nil {
		t.Fatal(err)
	}
	if want := "0012 000000000000512 000008589934592 001099511627776 0001048576\n"; string(line) != want {
		t.Errorf("%q, want %q", line, want)
	}
	if got, err := ParseLocator(line); err != nil || got != l {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range line {
		spoilt := bytes.Clone(line)
		spoilt[i] = 'x'
		if _, err := ParseLocator(spoilt); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", spoilt, err)
		}
	}
	for _, l := range []Locator{{Volume: 10_000}, {Volume: 1, Offset: -1}, {Volume: 1, Length: 1e15}, {Volume: 1, RecordLength: 1e10}} {
		if line, err := l.Line(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %q, %v", l, line, err)
		}
	}
	if _, err := ParseLocator(append(line, ' ')); !errors.Is(err, ErrInvalid) {
		t.Errorf("a longer line: %v", err)
	}
}

func TestContents(t *testing.T) {
	list := []Content{{OrderYAML, 1, 512, 7}, {LocatorsTXT, 9999, 999_999_999_999_999, 0}}
	text, err := MarshalContents(list)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0001 000000000000512 000000000000007 data/order/order.yaml\n9999 999999999999999 000000000000000 locators.txt\n"; string(text) != want {
		t.Errorf("%q", text)
	}
	got, err := ParseContents(text)
	if err != nil || len(got) != 2 || got[OrderYAML] != list[0] || got[LocatorsTXT] != list[1] {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"x\n", "0000 000000000000512 000000000000007 bagit.txt\n", "0001 00000000000512 000000000000007 bagit.txt\n",
		"0001 000000000000512 000000000000007 ../x\n", "0001 000000000000512 000000000000007 bagit.txt", string(text) + string(text)} {
		if _, err := ParseContents([]byte(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, c := range []Content{{"x", 1, 0, 0}, {OrderYAML, 0, 0, 0}, {OrderYAML, 10_000, 0, 0}, {OrderYAML, 1, -1, 0}, {OrderYAML, 1, 0, 1e15}} {
		if _, err := MarshalContents([]Content{c}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestInfo(t *testing.T) {
	info := Info{"Provider: GmbH & Co", strings.Repeat("a", 32), "2026-05-04", 1 << 40, 12, "exhibit 1.0"}
	text, err := info.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := "Source-Organization: Provider: GmbH & Co\nExternal-Identifier: " + strings.Repeat("a", 32) +
		"\nBagging-Date: 2026-05-04\nPayload-Oxum: 1099511627776.12\nBag-Software-Agent: exhibit 1.0\n"
	if string(text) != want {
		t.Errorf("%q", text)
	}
	if got, err := ParseInfo(text); err != nil || got != info {
		t.Errorf("%+v, %v", got, err)
	}
	for _, spoilt := range []string{want + "X: y\n", strings.Replace(want, "1099", "01099", 1), strings.Replace(want, "05-04", "13-04", 1),
		strings.Replace(want, "\n", "\r\n", 1), strings.Replace(want, ": Provider", ":  Provider", 1), want[1:], "", strings.TrimSuffix(want, "\n"), strings.Replace(want, ".12", "", 1)} {
		if got, err := ParseInfo([]byte(spoilt)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %+v, %v", spoilt, got, err)
		}
	}
	bad := info
	bad.Organization = "a\nPayload-Oxum: 0.0"
	if _, err := bad.Marshal(); !errors.Is(err, ErrInvalid) {
		t.Errorf("a line within a value: %v", err)
	}
	long := info
	long.Agent = strings.Repeat("x", MaxInfoBytes-len(text)+len(info.Agent))
	if text, err := long.Marshal(); err != nil || len(text) != MaxInfoBytes {
		t.Errorf("at the limit: %v", err)
	}
	long.Agent += "x"
	if _, err := long.Marshal(); !errors.Is(err, ErrInvalid) {
		t.Errorf("one past the limit: %v", err)
	}
}

// What writeCSV writes an RFC 4180 reader reads, and one leading ' taken away
// gives each cell back.
func TestCSV(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("a,\"'=+-@\t\n\x00é "))), 2, 5).Draw(t, "cells")
		var out strings.Builder
		if err := WriteCSV(&out, cells); err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(strings.NewReader(out.String()))
		got, err := r.Read()
		if err != nil || len(got) != len(cells) {
			t.Fatalf("%q: %q, %v", cells, got, err)
		}
		for i, cell := range got {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Fatalf("a spreadsheet would run %q", cell)
			}
			if strings.TrimPrefix(cell, "'") != cells[i] {
				t.Fatalf("%q became %q", cells[i], cell)
			}
		}
		if !strings.HasSuffix(out.String(), "\r\n") {
			t.Fatal("no CRLF at the end")
		}
	})
}
