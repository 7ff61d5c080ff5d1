package order_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"exhibit/export/order"
)

func narrowingOf(accounts string) string {
	return "type: exhibit/narrowing/v1\naccounts:\n" + accounts + "\n"
}

func TestParseNarrowing(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	change := func(p order.Part, do func(*order.Part)) order.Part { do(&p); return p }
	tests := []struct {
		name, accounts string
		want           []order.Part
	}{
		{"an account as the order has it", "  - account: alice@example.org", []order.Part{alice(t)}},
		{"in other letters", "  - account: ALICE@Example.ORG", []order.Part{alice(t)}},
		{"two in another sequence", "  - {account: bob@example.org, categories: [traffic]}\n  - account: alice@example.org",
			[]order.Part{alice(t), change(bob(t), func(p *order.Part) { p.Categories = traffic })}},
		{"categories in another sequence", "  - {account: bob@example.org, categories: [traffic, subscriber]}", []order.Part{bob(t)}},
		{"an end, in the order's zone", "  - {account: alice@example.org, end: 2026-02-28}",
			[]order.Part{change(alice(t), func(p *order.Part) { p.Until = instant(t, "2026-02-28T23:00:00Z") })}},
		{"a start, in a zone of its own", "  - {account: alice@example.org, start: 2026-02-01, zone: Asia/Kathmandu}",
			[]order.Part{change(alice(t), func(p *order.Part) { p.From = instant(t, "2026-01-31T18:15:00Z") })}},
		{"a day of 23 hours", "  - {account: alice@example.org, start: 2026-03-29, end: 2026-03-29}",
			[]order.Part{part(t, "alice@example.org", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", order.Content)}},
		{"one second", "  - {account: alice@example.org, start: 2026-02-01T00:00:00Z, end: 2026-02-01T00:00:00Z}",
			[]order.Part{part(t, "alice@example.org", "2026-02-01T00:00:00Z", "2026-02-01T00:00:01Z", order.Content)}},
		{"entire", "  - {account: 1E3, entire: true}", []order.Part{third(t)}},
		{"a day of 25 hours of what is entire", "  - {account: 1e3, start: 2026-10-25, end: 2026-10-25, zone: Europe/Berlin}",
			[]order.Part{part(t, "1e3", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", order.Content)}},
		{"not entire", "  - {account: 1e3, entire: false, start: 2026-10-25T00:00:00Z, end: 2026-10-25T00:00:09Z}",
			[]order.Part{part(t, "1e3", "2026-10-25T00:00:00Z", "2026-10-25T00:00:10Z", order.Content)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := order.ParseNarrowing("n.yaml", []byte(narrowingOf(tt.accounts)), o)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "parts", instants(got), instants(tt.want))
			narrow(t, o, got...)
		})
	}
}

// instants gives parts without the zones of their times.
func instants(parts []order.Part) []order.Part {
	for i := range parts {
		if p := &parts[i]; !p.Entire {
			p.From, p.Until = p.From.UTC(), p.Until.UTC()
		}
	}
	return parts
}

// It does not matter to the accepted order who wrote its times at which offset.
func TestNarrowedTimesAreTheOrders(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	byFile, err := order.ParseNarrowing("n", []byte(narrowingOf("  - {account: alice@example.org, start: 2026-02-01, zone: Asia/Tokyo}\n  - {account: 1e3, start: 2026-02-01, end: 2026-02-01, zone: Asia/Tokyo}")), o)
	if err != nil {
		t.Fatal(err)
	}
	byStatement := narrow(t, o, instants(append([]order.Part{}, byFile...))...)
	same(t, "words", order.Words(narrow(t, o, byFile...)), order.Words(byStatement))
	same(t, "as its clocks show it", byStatement.Accounts[0].Span().From.Format(time.RFC3339), "2026-01-31T16:00:00+01:00")
}

func TestNarrowingFaults(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	tests := []struct {
		name, text string
		want       string // the first error, without the file
	}{
		{"empty", "", "1:1: empty"},
		{"type", "type: exhibit/order/v1\naccounts: [{account: 1e3}]", `1:7: type: "exhibit/order/v1" is not exhibit/narrowing/v1`},
		{"type not first", "accounts: [{account: 1e3, entire: true}]\ntype: exhibit/narrowing/v1", "1:1: type: must come first"},
		{"no type", "accounts: [{account: 1e3, entire: true}]", "1:1: type: must come first"},
		{"no accounts", "type: exhibit/narrowing/v1", "1:1: accounts: missing"},
		{"unknown name", narrowingOf("  - {account: 1e3, entire: true}") + "ground: x", "4:1: ground: unknown name; known here: type, accounts"},
		{"accounts as text", narrowingOf("  all"), "3:3: accounts: a text where a list is wanted"},
		{"no account", narrowingOf("  []"), "3:3: accounts: empty list"},
		{"account missing", narrowingOf("  - {entire: true}"), "3:5: accounts[0].account: missing"},
		{"account unknown", narrowingOf("  - account: carol@example.org"), "3:14: accounts[0].account: the order names no such account"},
		{"account twice", narrowingOf("  - account: alice@example.org\n  - account: Alice@example.org"), "4:5: accounts[1].account: the same account as on line 3"},
		{"unknown field", narrowingOf("  - {account: alice@example.org, until: 2026-01-01}"), "3:34: accounts[0].until: unknown name"},
		{"not a date", narrowingOf("  - {account: alice@example.org, end: 2026-02-30}"), "3:39: accounts[0].end: no such date or time"},
		{"zone", narrowingOf("  - {account: alice@example.org, end: 2026-02-28, zone: Berlin}"), `3:57: accounts[0].zone: "Berlin" is not a known IANA time zone`},
		{"bare date without a zone", narrowingOf("  - {account: bob@example.org, start: 2026-01-01}"), "3:39: accounts[0].start: a bare date needs the account's zone"},
		{"skipped midnight", narrowingOf("  - {account: 1e3, start: 2018-11-04, end: 2018-11-04, zone: America/Sao_Paulo}"), "3:27: accounts[0].start: 2018-11-04 00:00:00 does not exist in America/Sao_Paulo"},
		{"backwards", narrowingOf("  - {account: alice@example.org, start: 2026-02-02, end: 2026-02-01}"), "3:58: accounts[0].end: the end is before the start"},
		{"start after the order's end", narrowingOf("  - {account: alice@example.org, start: 2026-04-01}"), "3:41: accounts[0].start: the end is before the start"},
		{"end before the order's start", narrowingOf("  - {account: alice@example.org, end: 2025-12-31}"), "3:39: accounts[0].end: the end is before the start"},
		{"too early", narrowingOf("  - {account: alice@example.org, start: 2025-12-31T23:59:59+01:00}"), "3:41: accounts[0].start: outside the span that the order gives: from 2026-01-01 00:00:00 +01:00 Europe/Berlin (2025-12-31 23:00:00 UTC) to 2026-03-31 23:59:59"},
		{"too late", narrowingOf("  - {account: alice@example.org, end: 2026-04-01T00:00:00+02:00}"), "3:39: accounts[0].end: outside the span"},
		{"entire", narrowingOf("  - {account: alice@example.org, entire: true}"), "3:42: accounts[0].entire: the order does not give the account entire"},
		{"entire not said", narrowingOf("  - account: 1e3"), "3:5: accounts[0]: the order gives the account entire: write either entire: true, or start and end"},
		{"half of a span", narrowingOf("  - {account: 1e3, start: 2026-01-01T00:00:00Z}"), "3:5: accounts[0]: the order gives the account entire: write"},
		{"entire beside a span", narrowingOf("  - {account: 1e3, entire: true, start: 2026-01-01}"), "3:41: accounts[0].start: stands beside entire: true"},
		{"category", narrowingOf("  - {account: alice@example.org, categories: [traffic]}"), "3:46: accounts[0].categories: a category that the order does not ask for"},
		{"no such category", narrowingOf("  - {account: alice@example.org, categories: [x]}"), `3:47: accounts[0].categories[0]: "x" is not subscriber`},
		{"category twice", narrowingOf("  - {account: alice@example.org, categories: [content, content]}"), "3:56: accounts[0].categories[1]: named twice"},
		{"no category", narrowingOf("  - {account: alice@example.org, categories: []}"), "3:46: accounts[0].categories: empty list"},
		{"all of it", narrowingOf("  - account: alice@example.org\n  - account: bob@example.org\n  - {account: 1e3, entire: true}"), "3:3: accounts: nothing is less than the order asks for"},
		{"JSON after its end", `{"type": "exhibit/narrowing/v1", "accounts": [{"account": "alice@example.org"}]}{}`, "1:81: data after its end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts, err := order.ParseNarrowing("n.yaml", []byte(tt.text), o)
			var errs order.Errors
			if !errors.As(err, &errs) || parts != nil {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if got, want := errs[0].Error(), "n.yaml:"+tt.want; !strings.HasPrefix(got, want) {
				t.Errorf("got  %s\nwant %s…", errs, want)
			}
			if errs[0].Excerpt == "" && tt.text != "" {
				t.Error("no excerpt")
			}
		})
	}
}

// All faults are told at once, in the order of the file.
func TestNarrowingFaultsAreCollected(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	_, err := order.ParseNarrowing("n", []byte(narrowingOf("  - account: nobody\n  - {account: alice@example.org, end: x, categories: [y]}\n  - {account: bob@example.org, entire: true}")), o)
	want := `n:3:14: accounts[0].account: the order names no such account
n:4:39: accounts[1].end: not a date: YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss+hh:mm
n:4:55: accounts[1].categories[0]: "y" is not subscriber or traffic or content
n:5:40: accounts[2].entire: the order does not give the account entire`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestNarrowingLimits(t *testing.T) {
	accounts := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  - {account: a%d, entire: true}\n", i)
		}
		return b.String()
	}
	o := parse(t, strings.Replace(base, base[strings.Index(base, "  - account"):strings.Index(base, "categories")], accounts(order.MaxAccounts), 1))
	padded := func(n int) string {
		text := narrowingOf("  - {account: a7, entire: true}")
		for len(text)+1000 < n {
			text += "#" + strings.Repeat("x", 500) + "\n"
		}
		return text + "#" + strings.Repeat("x", n-len(text)-2) + "\n"
	}
	tests := []struct {
		name  string
		limit int
		make  func(int) string
		want  string
	}{
		{"bytes", order.MaxBytes, padded, "more than 1048576 bytes"},
		{"accounts", order.MaxAccounts, func(n int) string { return narrowingOf(accounts(n)) }, "accounts: more than 1000 entries"},
	}
	for _, tt := range tests {
		_, err := order.ParseNarrowing("n", []byte(tt.make(tt.limit)), o)
		if err != nil && !strings.Contains(err.Error(), "nothing is less") {
			t.Errorf("%s, at the limit: %v", tt.name, err)
		}
		_, err = order.ParseNarrowing("n", []byte(tt.make(tt.limit+1)), o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, one past the limit: %v", tt.name, err)
		}
	}
}
