package order_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode"
	"unicode/utf8"

	"exhibit/export/order"
)

// FuzzParse holds what is true of any bytes: they are refused with faults that
// have a place, or are an order whose text is its own.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.[yj]*")
	if err != nil || len(seeds) < 2 {
		f.Fatalf("%d seeds, %v", len(seeds), err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")))
	}
	for _, text := range []string{
		base, "", "{", "{}", "---", "- - a", "a: [b, {c: d}]", "a: &b c", "? a", "a: |\n b", "\"\\u0041\": 'x'", "a: \"\n\"", "#", "\ufeff", "%YAML",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := order.Parse("order", data)
		if err == nil {
			if !bytes.Equal(o.Bytes(), data) {
				t.Fatal("the order has other bytes")
			}
			checkOrder(t, o)
			return
		}
		var errs order.Errors
		if !errors.As(err, &errs) || len(errs) == 0 || len(errs) > order.MaxErrors || o != nil {
			t.Fatalf("not errors: %v", err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Msg == "" {
				t.Fatalf("no place or message: %+v", e)
			}
			for _, c := range e.Error() + e.Excerpt {
				if c != '\n' && !unicode.IsGraphic(c) {
					t.Fatalf("%U in %q", c, e.Error()+e.Excerpt)
				}
			}
		}
	})
}

func checkOrder(t *testing.T, o *order.Order) {
	t.Helper()
	if len(o.Accounts) == 0 || len(o.Agency.Keys) == 0 || o.Received.Before(o.Served) {
		t.Fatalf("not valid: %+v", o)
	}
	for i := range o.Accounts {
		a := &o.Accounts[i]
		if s := a.Span(); s.Entire == (s.From.Before(s.Until)) || len(a.Categories) == 0 {
			t.Fatalf("account %+v", a)
		}
		if found, ok := o.Account(a.Name); !ok || found != a {
			t.Fatalf("account %q is not found, or is another", a.Name)
		}
	}
	words := order.Words(o)
	if !utf8.ValidString(words) {
		t.Fatal("words are not UTF-8")
	}
}
