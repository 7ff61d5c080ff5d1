package open

import (
	"bytes"
	"context"
	"testing"

	"exhibit/export/bag"
)

func options() Options { return Options{Now: at, Workers: 2} }

func openAll(objects map[string][]byte, opt Options) (*Report, *folder, error) {
	sink := newFolder()
	k := keys()
	report, err := Open(context.Background(), memory(objects), k.trusted, k.ids, sink, opt)
	return report, sink, err
}

func TestOpenGivesTheItemsBack(t *testing.T) {
	for name, perVolume := range map[string]int{"one volume": 0, "many volumes": 2} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t)
			b.perVolume, b.carol, b.signature = perVolume, true, []byte("signature")
			objects := b.build()
			report, sink, err := openAll(objects, options())
			if err != nil {
				t.Fatal(err)
			}
			for name, raw := range b.raw {
				if f := sink.files[name]; f == nil || !bytes.Equal(f.Data, raw) {
					t.Errorf("%s is not what was packed", name)
				}
			}
			if report.Package != b.id.String() || report.Bag == nil || report.Bag.Files != int64(len(b.raw)+11) {
				t.Errorf("report %+v", report)
			}
			bagReport, err := CheckBag(context.Background(), sink.FS(), keys().trusted, options())
			if err != nil {
				t.Fatal(err)
			}
			if bagReport.Package != b.id.String() || bagReport.Signer != b.signer.Fingerprint() {
				t.Errorf("bag report %+v", bagReport)
			}
			for n := 1; n <= len(b.records); n++ {
				var out bytes.Buffer
				rec, err := Item(context.Background(), memory(objects), keys().trusted, keys().ids, bag.ExhibitNumber(n), &out, options())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), b.raw[rec.File]) {
					t.Errorf("%s is not what was packed", rec.File)
				}
			}
		})
	}
}
