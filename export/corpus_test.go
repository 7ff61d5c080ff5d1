package export_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"exhibit/store"
	"exhibit/store/s3"
	"exhibit/store/storetest"
)

// corpus is where the corpus of real mail lies beside a checkout.
const corpus = "../../shared/corpus"

// The whole corpus goes in, comes out of each kind of store, and is the same as
// its sources byte for byte; at least 95 % of it is normalized, the rest is
// listed by reason.
func TestCorpus(t *testing.T) {
	for _, dir := range []string{"eml", "mbox", "msg", "pst"} {
		if _, err := os.Stat(filepath.Join(corpus, dir)); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("the corpus is not beside the checkout: %v", err)
			}
			t.Skipf("the corpus is not beside the checkout: %v", err)
		}
	}
	t.Run("directory", func(t *testing.T) { exportCorpus(t, newDir(t)) })
	t.Run("versitygw", func(t *testing.T) { exportCorpus(t, bucket(t, storetest.StartVersityGW(t))) })
	t.Run("minio", func(t *testing.T) { exportCorpus(t, bucket(t, storetest.StartMinIO(t))) })
}

func bucket(t *testing.T, server *storetest.Server) store.Store {
	t.Helper()
	name := server.Bucket(t, storetest.BucketOptions{Versioned: true})
	st, err := s3.Open(t.Context(), s3.ConfigFromEnv("s3://"+name+"/evidence", server.Getenv))
	check(t, err)
	return st
}

func exportCorpus(t *testing.T, st store.Store) {
	w := newWorld(t, st)
	roots := []string{filepath.Join(corpus, "eml"), filepath.Join(corpus, "mbox"), filepath.Join(corpus, "msg"), filepath.Join(corpus, "pst")}
	res := w.export(w.order(entireA),
		source("a@mail.example", roots[0]), source("a@mail.example", roots[1]), source("a@mail.example", roots[2]), source("a@mail.example", roots[3]))
	bagDir, rep := w.open(res.Package)
	normalized, items := compareWithSources(t, bagDir, roots)
	t.Logf("%d items, %d normalized; exceptions %v; gaps %v", items, normalized, rep.Bag.Exceptions, rep.Bag.Gaps)
	if int64(items) != rep.Counts.Included || rep.Counts.Withheld != 0 {
		t.Errorf("%d records, counts %+v", items, rep.Counts)
	}
	if normalized*100 < items*95 {
		t.Errorf("%d of %d normalized, want 95 %%", normalized, items)
	}
	messages, err := os.ReadDir(roots[0])
	check(t, err)
	perFile := map[string]int{}
	for _, rec := range records(t, bagDir) {
		perFile[fmt.Sprint(rec.Source.Number, "/", rec.Source.File)]++
	}
	for _, e := range messages {
		if perFile["1/"+e.Name()] < 1 {
			t.Errorf("%s is not in the package", e.Name())
		}
	}
	for file, n := range map[string]int{"2/mbox.rlug": 5, "2/sisimai-mbox-0.mbox": 37, "2/simple.mbox": 2} {
		if perFile[file] != n {
			t.Errorf("%s: %d messages, want %d", file, perFile[file], n)
		}
	}
}
