package open

import (
	"crypto/sha256"
	"hash"

	"exhibit/export/bag"
	"exhibit/sign"
)

// indexFiles makes index.csv and index.dat anew from the records, and keeps
// nothing of them but digests.
type indexFiles struct {
	itemType string // of the records; empty before the first
	sums     map[string]hash.Hash
	csv      *bag.CSVIndex
	dat      *bag.DATIndex
}

// begin makes both files for records of that type.
func (f *indexFiles) begin(itemType string) (err error) {
	f.itemType = itemType
	f.sums = map[string]hash.Hash{bag.IndexCSV: sha256.New(), bag.IndexDAT: sha256.New()}
	if f.csv, err = bag.NewCSVIndex(f.sums[bag.IndexCSV], itemType); err == nil {
		f.dat, err = bag.NewDATIndex(f.sums[bag.IndexDAT], itemType)
	}
	return err
}

// add writes the lines of a record. All records of a bag are of one version.
func (f *indexFiles) add(rec *bag.ItemRecord) error {
	if f.itemType == "" {
		if err := f.begin(rec.Type); err != nil {
			return err
		}
	}
	if rec.Type != f.itemType {
		return fail(RecordInvalid, bag.IndexJSONL, "has records of more than one version")
	}
	rows := bag.Rows(rec)
	if err := f.csv.Add(rows); err != nil {
		return err
	}
	return f.dat.Add(rows)
}

// compare compares the files with the ones in the bag. Without any record they are
// of either version.
func (f *indexFiles) compare(payload map[string]sign.Digest) error {
	if f.itemType != "" {
		return f.same(payload)
	}
	if err := f.begin(bag.ItemType); err != nil {
		return err
	}
	if f.same(payload) == nil {
		return nil
	}
	if err := f.begin(bag.ItemTypeV1); err != nil {
		return err
	}
	return f.same(payload)
}

func (f *indexFiles) same(payload map[string]sign.Digest) error {
	for _, name := range []string{bag.IndexCSV, bag.IndexDAT} {
		if sign.Digest(f.sums[name].Sum(nil)) != payload[name] {
			return fail(TablesMismatch, name, "says something other than the records")
		}
	}
	return nil
}
