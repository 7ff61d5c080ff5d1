package order_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/order"
	samples "exhibit/testdata"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWords(t *testing.T) {
	golden(t, "full.words", order.Words(parse(t, read(t, "full.yaml"))))
	golden(t, "sample.words", order.Words(parse(t, sample(t))))
	golden(t, "minimal.words", order.Words(parse(t, read(t, "minimal.json"))))
}

func TestWordsSayEntireLoudly(t *testing.T) {
	const loud = "THE ENTIRE ACCOUNT, WITHOUT ANY LIMIT OF TIME"
	o := parse(t, read(t, "full.yaml"))
	if n := strings.Count(order.Words(o), loud); n != 1 {
		t.Errorf("said %d times for one entire account of %d", n, len(o.Accounts))
	}
	if strings.Contains(order.Words(parse(t, sample(t))), loud) {
		t.Error("said of an order with a span")
	}
}

// sample is the order of the demonstration, with a key.
func sample(t *testing.T) string {
	t.Helper()
	data, err := samples.Files.ReadFile("order/order.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "AGENCY-KEY"); n != 1 {
		t.Fatalf("the placeholder occurs %d times", n)
	}
	return strings.Replace(string(data), "AGENCY-KEY", "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567", 1)
}

func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parse(t testing.TB, text string) *order.Order {
	t.Helper()
	o, err := order.Parse("order.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
