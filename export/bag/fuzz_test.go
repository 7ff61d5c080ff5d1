package bag

import (
	"bytes"
	"strings"
	"testing"

	"exhibit/sign"
)

// What a parser accepts, its writer writes again.

func FuzzManifest(f *testing.F) {
	f.Add([]byte(sign.Digest{}.String() + "  bagit.txt\n"))
	f.Add([]byte(sign.Digest{}.String() + "  data/messages/E0000001.eml\n" + sign.Digest{1}.String() + "  data/withheld.csv\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		w := NewManifestWriter(&out)
		if ReadManifest(bytes.NewReader(data), w.Add) == nil && !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("%q became %q", data, out.Bytes())
		}
	})
}

func FuzzLocators(f *testing.F) {
	f.Add([]byte("0012 000000000000512 000008589934592 001099511627776 0001048576\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ParseLocator(data)
		if err != nil {
			return
		}
		if again, err := l.Line(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q", data, again)
		}
	})
}

func FuzzContents(f *testing.F) {
	f.Add([]byte("0001 000000000000512 000000000000007 data/order/order.yaml\n9999 999999999999999 000000000000000 locators.txt\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseContents(data)
		if err != nil {
			return
		}
		for _, c := range list {
			if line, err := MarshalContents([]Content{c}); err != nil || !bytes.Contains(data, line) {
				t.Fatalf("%q: %q, %v", data, line, err)
			}
		}
	})
}

func FuzzInfo(f *testing.F) {
	text, err := Info{"Provider", "aa", "2026-05-04", 1, 2, "exhibit 1"}.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := ParseInfo(data)
		if err != nil {
			return
		}
		if again, err := i.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q", data, again)
		}
	})
}

func FuzzItem(f *testing.F) {
	f.Add([]byte(sampleLine))
	f.Add([]byte(strings.Replace(sampleLine, "item/v2", "item/v1", 1)))
	family := sampleItem()
	family.Fields = []byte(familyFields)
	for _, it := range []*ItemRecord{family, derivedItem(KindTraffic), derivedItem(KindSubscriber)} {
		line, err := MarshalItem(it)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		it, err := ParseItem(data, 1)
		if err != nil {
			return
		}
		if again, err := MarshalItem(it); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
		Rows(it)
	})
}

func FuzzPackage(f *testing.F) {
	text, err := MarshalPackage(samplePackage())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	signed := samplePackage()
	signed.Order.SetSignature(sampleSignature())
	for _, p := range []*Package{signed, samplePackageV1()} {
		text, err := MarshalPackage(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePackage(data)
		if err != nil {
			return
		}
		if again, err := MarshalPackage(p); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}

func FuzzTraffic(f *testing.F) {
	f.Add([]byte(trafficLine))
	f.Add([]byte(emptyTrafficLine))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseTraffic(data)
		if err != nil {
			return
		}
		if again, err := MarshalTraffic(r); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}

func FuzzSubscriber(f *testing.F) {
	f.Add([]byte(subscriberLine))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseSubscriber(data)
		if err != nil {
			return
		}
		if again, err := MarshalSubscriber(r); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}

func FuzzRule(f *testing.F) {
	f.Add("account[0]/content/span")
	f.Add("account[12]/traffic/admitted")
	f.Add("account[1]/subscriber/record")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRule(s); err == nil && r.String() != s {
			t.Fatalf("%q became %q", s, r)
		}
	})
}

func FuzzTarHeader(f *testing.F) {
	h, err := TarHeader(IndexJSONL, 12345)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h[:])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != BlockSize {
			return
		}
		name, size, err := ParseTarHeader((*[BlockSize]byte)(data))
		if err != nil {
			return
		}
		if again, err := TarHeader(name, size); err != nil || !bytes.Equal(again[:], data) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}
