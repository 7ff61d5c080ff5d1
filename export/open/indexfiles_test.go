package open

import (
	"bytes"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/sign"
)

// index.csv and index.dat say what the records say, or nothing is opened
// (invariant 6).
func TestIndexFilesMismatch(t *testing.T) {
	alter := func(name, old, with string) func(b *builder) {
		return func(b *builder) {
			b.onPayload = func(p map[string][]byte) {
				was := p[name]
				if p[name] = bytes.Replace(was, []byte(old), []byte(with), 1); bytes.Equal(was, p[name]) {
					t.Fatalf("%s has no %q", name, old)
				}
			}
		}
	}
	type records = []*bag.ItemRecord
	for name, c := range map[string]struct {
		spoil func(b *builder)
		want  Code
	}{
		"another subject":         {alter(bag.IndexCSV, "Number 2", "Number 3"), TablesMismatch},
		"an attachment left out":  {alter(bag.IndexCSV, ",b.bin,", ",c.bin,"), TablesMismatch},
		"another parent":          {alter(bag.IndexCSV, "E0000001.0002,E0000001.0001,", "E0000001.0002,E0000001,"), TablesMismatch},
		"a formula":               {alter(bag.IndexCSV, "'=a", "=a"), TablesMismatch},
		"line ends":               {alter(bag.IndexCSV, "\r\n", "\n"), TablesMismatch},
		"another subject, DAT":    {alter(bag.IndexDAT, "Number 2", "Number 3"), TablesMismatch},
		"no byte order mark, DAT": {alter(bag.IndexDAT, "\ufeff", ""), TablesMismatch},
		"a record of the version before": {func(b *builder) {
			b.onRecords = func(r records) records { r[1].Type = bag.ItemTypeV1; return r }
		}, RecordInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t)
			c.spoil(b)
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// What was compared is said, and what was not.
func TestIndexFilesSaid(t *testing.T) {
	b := newBuilder(t)
	rep, _, err := openAll(b.build(), options())
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(rep.Checked, "\n"); !strings.Contains(said, "index.csv and index.dat say what the records say") {
		t.Errorf("checked: %s", said)
	}
	if said := strings.Join(rep.NotChecked, "\n"); strings.Contains(said, "index.") || !strings.Contains(said, "report.html") || !strings.Contains(said, "not compared with the message") {
		t.Errorf("not checked: %s", said)
	}
}

// Without any record, the files of either version are right, and no other.
func TestIndexFilesEmpty(t *testing.T) {
	for _, typ := range []string{bag.ItemType, bag.ItemTypeV1} {
		var made indexFiles
		if err := made.begin(typ); err != nil {
			t.Fatal(err)
		}
		payload := map[string]sign.Digest{}
		for name, h := range made.sums {
			payload[name] = sign.Digest(h.Sum(nil))
		}
		if err := new(indexFiles).compare(payload); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
		payload[bag.IndexCSV] = sign.Digest{}
		wantCode(t, new(indexFiles).compare(payload), TablesMismatch)
	}
}
