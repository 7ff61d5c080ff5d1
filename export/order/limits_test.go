package order_test

import (
	"fmt"
	"strings"
	"testing"

	"exhibit/export/order"
)

// Each limit holds at its value and fails one past it.
func TestLimits(t *testing.T) {
	accounts := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  - {account: a%d, entire: true}\n", i)
		}
		return strings.Replace(base, base[strings.Index(base, "  - account"):strings.Index(base, "categories")], b.String(), 1)
	}
	after := func(text string) string { return with(t, "legal_basis: law", "legal_basis: law\n"+text) }
	tests := []struct {
		name  string
		limit int
		make  func(n int) string
		want  string // the message one past the limit
	}{
		{"file", order.MaxBytes, func(n int) string {
			line := "#" + strings.Repeat("x", 1022) + "\n"
			text := base + strings.Repeat(line, (n-len(base))/len(line)-1)
			return text + "#" + strings.Repeat("x", n-len(text)-2) + "\n"
		}, "more than 1048576 bytes"},
		{"accounts", order.MaxAccounts, accounts, "accounts: more than 1000 entries"},
		{"withheld", order.MaxWithheld, func(n int) string {
			return after("withhold:\n" + strings.Repeat("  - {domain: a.example, ground: x}\n", n))
		}, "withhold: more than 1000 entries"},
		{"keys", order.MaxKeys, func(n int) string {
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprintf("%040X", i)
			}
			return with(t, "key: 0123456789ABCDEF0123456789ABCDEF01234567", "keys: ["+strings.Join(keys, ",")+"]")
		}, "agency.keys: more than 20 entries"},
		{"text", order.MaxText, func(n int) string {
			return with(t, "legal_basis: law", "legal_basis: "+strings.Repeat("é", n))
		}, "legal_basis: more than 4096 characters"},
		{"reference", order.MaxReference, func(n int) string {
			return with(t, `reference: "1"`, "reference: "+strings.Repeat("é", n))
		}, "reference: more than 200 characters"},
		{"regime", 64, func(n int) string {
			return with(t, "regime: eu-2023-1543", "regime: "+strings.Repeat("r", n))
		}, "regime: not an identifier of at most 64"},
		{"file name", 255, func(n int) string {
			return with(t, "file: a.pdf", "file: "+strings.Repeat("f", n))
		}, "instrument.file: not a plain file name"},
		{"domain label", 63, func(n int) string {
			return after("withhold: [{domain: " + strings.Repeat("d", n) + ".example, ground: x}]")
		}, "is not a domain name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parse(t, tt.make(tt.limit))
			if errs := faults(t, "o", tt.make(tt.limit+1)); !strings.Contains(errs[0].Error(), tt.want) {
				t.Errorf("got %s", errs)
			}
		})
	}
}

// The limits of structure: no valid order comes near, so what tells is whether
// the fault of the limit is among those of a faulty one.
func TestStructuralLimits(t *testing.T) {
	nested := func(open, close string) func(int) string {
		return func(n int) string { // n mappings and lists within each other
			return strings.Repeat(open, n-1) + "x" + strings.Repeat(close, n-1)
		}
	}
	lines := func(format string) func(int) string {
		return func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, format, i)
			}
			return b.String()
		}
	}
	tests := []struct {
		name  string
		limit int
		make  func(n int) string
		want  string
	}{
		{"YAML flow depth", order.MaxDepth, func(n int) string { return "x: " + nested("[", "]")(n) }, "nested deeper than 8"},
		{"YAML block depth", order.MaxDepth, func(n int) string {
			var b strings.Builder
			for i := range n - 1 {
				b.WriteString(strings.Repeat(" ", i) + "x:\n")
			}
			return b.String() + strings.Repeat(" ", n-1) + "x: y\n"
		}, "nested deeper than 8"},
		{"JSON depth", order.MaxDepth, func(n int) string {
			return `{"x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
		}, "nested deeper than 8"},
		{"YAML name", order.MaxName, func(n int) string { return strings.Repeat("é", n) + ": x" }, "name of more than 64"},
		{"JSON name", order.MaxName, func(n int) string { return `{"` + strings.Repeat("é", n) + `":"x"}` }, "name of more than 64"},
		{"YAML block fields", order.MaxFields, lines("x%d: y\n"), "more than 64 names"},
		{"YAML flow fields", order.MaxFields, func(n int) string { return "x: {" + lines("x%d: y, ")(n) + "}" }, "more than 64 names"},
		{"JSON fields", order.MaxFields, func(n int) string { return "{" + lines(`"x%d":"",`)(n-1) + `"y":""}` }, "more than 64 names"},
		{"YAML parts", order.MaxParts, func(n int) string { return strings.Repeat("- x\n", n/2) + strings.Repeat("#\n", n%2) }, "more than 100000 parts"},
		{"JSON parts", order.MaxParts, func(n int) string { return `{"x":["x"` + strings.Repeat(`,"x"`, n-3) + "]}" }, "more than 100000 parts"},
		{"YAML line", 6000, func(n int) string { return "x: y #" + strings.Repeat("é", n-6) }, "line of more than 6000"},
		{"YAML indent", 64, func(n int) string { return "x:\n" + strings.Repeat(" ", n) + "- y" }, "indented by more than 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if errs := faults(t, "o", tt.make(tt.limit)); strings.Contains(errs.Error(), tt.want) {
				t.Errorf("at the limit: %s", errs)
			}
			if errs := faults(t, "o", tt.make(tt.limit+1)); !strings.Contains(errs.Error(), tt.want) {
				t.Errorf("one past the limit: %s", errs)
			}
		})
	}
}

func TestErrorsAreLimited(t *testing.T) {
	faulty := func(n int) order.Errors {
		list := strings.TrimSuffix(strings.Repeat("{},", n), ",")
		return faults(t, "o", with(t, "legal_basis: law", "legal_basis: law\nwithhold: ["+list+"]"))
	}
	const more = "(later errors are not listed)"
	// Two faults each: neither address nor domain, and no ground.
	if errs := faulty(49); len(errs) != 98 || strings.Contains(errs.Error(), more) {
		t.Errorf("%d errors of 98", len(errs))
	}
	if errs := faulty(500); len(errs) != order.MaxErrors || !strings.HasSuffix(errs.Error(), more) {
		t.Errorf("%d errors, the last: %v", len(errs), errs[len(errs)-1])
	}
}

// What is large and hostile ends in an error, and in no more time than this
// test has: none of it may take time or memory of the square of its size.
func TestHostileShapes(t *testing.T) {
	const n = order.MaxBytes / 8
	fill := func(s string) string { return strings.Repeat(s, n/len(s)-10) }
	for name, text := range map[string]string{
		"names": fill("a:\n"), "pairs": fill("a: b\n"), "one line": "a: " + fill("b "), "brackets": "a: " + fill("["),
		"closing": "a: " + fill("]"), "entries": "a:\n" + fill("- a\n"), "dashes": fill("- "), "colons": fill("a:\n "),
		"continued": "a: b\n" + fill(" c\n"), "empty lines": fill("\n"), "comments": fill("#\n"), "blanks": fill(" \n"),
		"invalid": fill("@\n"), "separators": "a: \"" + fill("\n---"), "headers": fill("|9a\n"), "quotes": fill("''\n"),
		"literals": fill("a: |\n b\n"), "keys": fill("? a\n"), "tags": fill("!a\n"), "JSON names": "{" + fill(`"a":"",`),
		"JSON far names": "{\"b\":\"" + strings.Repeat("x", n/2) + "\"," + strings.Repeat(`"a":"",`, n/16) + `"a":""}`, "JSON brackets": `{"a":` + fill("["), "JSON lines": "{" + fill("\n") + `"a":[1,1]`, "spaces": fill(" "),
		"braces": fill("{"), "anchors": fill("&a\n"), "staircase": staircase(n),
	} {
		t.Run(name, func(t *testing.T) {
			if len(text) > n {
				t.Fatalf("%d bytes do not get past the first limit", len(text))
			}
			faults(t, "o", text)
		})
	}
}

func staircase(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n-100; i++ {
		b.WriteString(strings.Repeat(" ", i%64) + "a:\n")
	}
	return b.String()
}
