package order_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
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

// FuzzParseNarrowing holds that what is accepted narrows the order, and that
// its parts are the same however they are had.
func FuzzParseNarrowing(f *testing.F) {
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	o := parse(f, string(data))
	for _, text := range []string{
		narrowingOf("  - {account: alice@example.org}"), narrowingOf("  - account: 1E3\n    entire: true\n  - account: bob@example.org\n    categories: [traffic]"),
		narrowingOf("  - {account: 1e3, start: 2026-10-25, end: 2026-10-25, zone: Europe/Berlin}"),
		`{"type": "exhibit/narrowing/v1", "accounts": [{"account": "alice@example.org", "end": "2026-03-01"}]}`,
		narrowingOf("  []"), "", "{}", "type: exhibit/narrowing/v1", base,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parts, err := order.ParseNarrowing("narrowing", data, o)
		if err != nil {
			var errs order.Errors
			if !errors.As(err, &errs) || len(errs) == 0 || parts != nil || errs[0].Line < 1 || errs[0].Column < 1 {
				t.Fatalf("not errors: %v", err)
			}
			return
		}
		n, err := o.Narrow(parts)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(n.Parts(), parts) {
			t.Fatalf("parts %v, and again %v", parts, n.Parts())
		}
		for i := range n.Accounts {
			within(t, &o.Accounts[i], &n.Accounts[i])
		}
		if !utf8.ValidString(order.Words(n)) {
			t.Fatal("words are not UTF-8")
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
