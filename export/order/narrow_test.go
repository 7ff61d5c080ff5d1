package order_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/export/order"
)

var traffic = []order.Category{order.Traffic}

// part makes a part of two instants, or without them one that is entire.
func part(t *testing.T, account, from, until string, categories ...order.Category) order.Part {
	t.Helper()
	if from == "" {
		return order.Part{Account: account, Entire: true, Categories: categories}
	}
	return order.Part{Account: account, From: instant(t, from), Until: instant(t, until), Categories: categories}
}

// The accounts of full.yaml, as it asks for them.
func alice(t *testing.T) order.Part {
	return part(t, "alice@example.org", "2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z", order.Content)
}
func bob(t *testing.T) order.Part {
	return part(t, "bob@example.org", "2026-01-01T13:00:00Z", "2026-01-01T13:00:01Z", order.Subscriber, order.Traffic)
}
func third(t *testing.T) order.Part { return part(t, "1e3", "", "", order.Content) }

func narrow(t *testing.T, o *order.Order, parts ...order.Part) *order.Order {
	t.Helper()
	n, err := o.Narrow(parts)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNarrow(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	before := order.Words(o)
	shorter := alice(t)
	shorter.From, shorter.Until = instant(t, "2026-02-01T00:00:00Z"), instant(t, "2026-02-01T00:00:01Z")
	n := narrow(t, o, shorter, third(t))

	same(t, "digest", n.Digest(), o.Digest())
	same(t, "bytes", n.Bytes(), o.Bytes())
	same(t, "places", len(n.Accounts), 3)
	same(t, "narrowed", n.Narrowed(), true)
	same(t, "the order itself", o.Narrowed(), false)

	a := &n.Accounts[0]
	same(t, "from", a.Span().From.UTC(), shorter.From)
	same(t, "until", a.Span().Until.UTC(), shorter.Until)
	same(t, "dropped", a.Dropped, false)
	same(t, "content", a.Allows(order.Content), true)

	left, ok := n.Account("bob@example.org")
	if !ok || !left.Dropped || left.Entire || len(left.Categories) != 0 {
		t.Errorf("bob: %+v", left)
	}
	same(t, "time of a dropped account", left.Span().Contains(instant(t, "2026-01-01T13:00:00Z")), false)
	same(t, "no time", left.Span().Contains(time.Time{}), false)
	same(t, "entire", n.Accounts[2].Span().Entire, true)

	n.Accounts[2].Categories[0], n.Withhold[0].Ground, n.UserNotice.Due = order.Traffic, "x", time.Time{}
	same(t, "the order after it", order.Words(o), before)
}

func TestNarrowRefused(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	with := func(p order.Part, change func(*order.Part)) []order.Part {
		p.Categories = slices.Clone(p.Categories)
		change(&p)
		return []order.Part{p}
	}
	second := time.Second
	tests := []struct {
		name    string
		parts   []order.Part
		account string
		reason  order.NarrowReason
	}{
		{"nothing", nil, "", order.NarrowEmpty},
		{"empty", []order.Part{}, "", order.NarrowEmpty},
		{"unknown", []order.Part{part(t, "carol@example.org", "", "", order.Content)}, "carol@example.org", order.NarrowUnknown},
		{"other letters", with(alice(t), func(p *order.Part) { p.Account = "Alice@example.org" }), "Alice@example.org", order.NarrowUnknown},
		{"twice", []order.Part{alice(t), alice(t)}, "alice@example.org", order.NarrowTwice},
		{"twice, apart", []order.Part{alice(t), bob(t), alice(t)}, "alice@example.org", order.NarrowTwice},
		{"places", []order.Part{bob(t), alice(t)}, "alice@example.org", order.NarrowPlace},
		{"a second before", with(alice(t), func(p *order.Part) { p.From = p.From.Add(-second) }), "alice@example.org", order.NarrowWider},
		{"a second after", with(alice(t), func(p *order.Part) { p.Until = p.Until.Add(second) }), "alice@example.org", order.NarrowWider},
		{"elsewhere", with(alice(t), func(p *order.Part) { p.From, p.Until = p.Until, p.Until.Add(second) }), "alice@example.org", order.NarrowWider},
		{"entire", with(alice(t), func(p *order.Part) { *p = order.Part{Account: p.Account, Entire: true, Categories: p.Categories} }), "alice@example.org", order.NarrowEntire},
		{"entire beside a span", with(third(t), func(p *order.Part) { p.From = instant(t, "2026-01-01T00:00:00Z") }), "1e3", order.NarrowBeside},
		{"no span", with(third(t), func(p *order.Part) { p.Entire = false }), "1e3", order.NarrowSpan},
		{"no start", with(third(t), func(p *order.Part) { p.Entire, p.Until = false, instant(t, "2026-01-01T00:00:00Z") }), "1e3", order.NarrowSpan},
		{"no end", with(alice(t), func(p *order.Part) { p.Until = time.Time{} }), "alice@example.org", order.NarrowSpan},
		{"no time", with(alice(t), func(p *order.Part) { p.Until = p.From }), "alice@example.org", order.NarrowSpan},
		{"backwards", with(alice(t), func(p *order.Part) { p.From, p.Until = p.Until, p.From }), "alice@example.org", order.NarrowSpan},
		{"fraction", with(alice(t), func(p *order.Part) { p.From = p.From.Add(1) }), "alice@example.org", order.NarrowSpan},
		{"no category", with(alice(t), func(p *order.Part) { p.Categories = nil }), "alice@example.org", order.NarrowNoCategory},
		{"empty categories", with(alice(t), func(p *order.Part) { p.Categories = []order.Category{} }), "alice@example.org", order.NarrowNoCategory},
		{"category", with(alice(t), func(p *order.Part) { p.Categories = traffic }), "alice@example.org", order.NarrowCategory},
		{"no such category", with(alice(t), func(p *order.Part) { p.Categories[0] = "x" }), "alice@example.org", order.NarrowCategory},
		{"category twice", with(bob(t), func(p *order.Part) { p.Categories[0] = order.Traffic }), "bob@example.org", order.NarrowCategoryPlace},
		{"categories turned", with(bob(t), func(p *order.Part) { slices.Reverse(p.Categories) }), "bob@example.org", order.NarrowCategoryPlace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := o.Narrow(tt.parts)
			var fault *order.NarrowError
			if n != nil || !errors.As(err, &fault) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			same(t, "error", *fault, order.NarrowError{Account: tt.account, Reason: tt.reason})
			if !strings.Contains(err.Error(), string(tt.reason)) || !strings.Contains(err.Error(), tt.account) {
				t.Errorf("message %q", err)
			}
		})
	}
}

func TestNarrowToAllOfIt(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	for name, parts := range map[string][]order.Part{"the order's": o.Parts(), "in UTC": {alice(t), bob(t), third(t)}} {
		if n, err := o.Narrow(parts); n != nil || !errors.Is(err, order.ErrNotNarrower) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One thing less is less.
func TestNarrowByLittle(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	for name, change := range map[string]func(p []order.Part) []order.Part{
		"first second": func(p []order.Part) []order.Part { p[0].From = p[0].From.Add(time.Second); return p },
		"last second":  func(p []order.Part) []order.Part { p[0].Until = p[0].Until.Add(-time.Second); return p },
		"category":     func(p []order.Part) []order.Part { p[1].Categories = traffic; return p },
		"entire": func(p []order.Part) []order.Part {
			p[2] = part(t, "1e3", "1970-01-01T00:00:00Z", "2999-12-31T00:00:00Z", order.Content)
			return p
		},
		"account": func(p []order.Part) []order.Part { return p[:2] },
	} {
		parts := change(o.Parts())
		n := narrow(t, o, parts...)
		same(t, name, n.Narrowed(), true)
		if _, err := n.Narrow(n.Parts()); !errors.Is(err, order.ErrNotNarrower) {
			t.Errorf("%s, once more: %v", name, err)
		}
	}
}

func TestNarrowFurther(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	once := narrow(t, o, alice(t), third(t))
	twice := narrow(t, once, third(t))
	same(t, "words", order.Words(twice), order.Words(narrow(t, o, third(t))))
	var fault *order.NarrowError
	if _, err := once.Narrow([]order.Part{bob(t)}); !errors.As(err, &fault) || fault.Reason != order.NarrowUnknown {
		t.Errorf("an account that was dropped: %v", err)
	}
}

func TestEntireAccountsAndLongestSpan(t *testing.T) {
	text := strings.Replace(base, "categories: [content]", `  - {account: zoe, entire: true}
  - {account: Zoe2, entire: true}
  - {account: long, start: 2026-03-29, end: 2026-04-28, zone: Europe/Berlin}
  - {account: second, start: 2026-01-01T00:00:00Z, end: 2026-01-01T00:00:00Z}
categories: [content]`, 1)
	o := parse(t, text)
	same(t, "entire", o.EntireAccounts(), []string{"Zoe2", "zoe"})
	longest := func(o *order.Order, account string, d time.Duration) {
		t.Helper()
		gotAccount, got := o.LongestSpan()
		same(t, "longest", gotAccount, account)
		same(t, "length", got, d)
	}
	longest(o, "alice@example.org", 90*24*time.Hour-time.Hour)
	p := o.Parts()
	longest(narrow(t, o, p[1:]...), "long", 31*24*time.Hour-time.Hour)
	longest(narrow(t, o, p[4]), "second", time.Second)
	n := narrow(t, o, p[1])
	same(t, "entire", n.EntireAccounts(), []string{"zoe"})
	longest(n, "", 0)
	if got := narrow(t, o, p[0]).EntireAccounts(); len(got) != 0 {
		t.Errorf("entire: %q", got)
	}
	p[1].Entire, p[1].From, p[1].Until = false, instant(t, "2020-01-01T00:00:00Z"), instant(t, "2025-01-01T00:00:00Z")
	n = narrow(t, o, p...)
	same(t, "entire", n.EntireAccounts(), []string{"Zoe2"})
	longest(n, "zoe", 1827*24*time.Hour)
}

// within fails unless what is accepted of an account is a part of what is asked.
func within(t interface{ Fatalf(string, ...any) }, asked, accepted *order.Account) {
	a, b := asked.Span(), accepted.Span()
	span := a.Entire || !b.Entire && !b.From.Before(a.From) && !b.Until.After(a.Until)
	proper := b.Entire || b.From.Before(b.Until)
	for _, c := range []order.Category{order.Subscriber, order.Traffic, order.Content} {
		if accepted.Allows(c) && !asked.Allows(c) {
			t.Fatalf("%s: category %s", asked.Name, c)
		}
	}
	if accepted.Name != asked.Name || !accepted.Dropped && !(span && proper && len(accepted.Categories) > 0) || accepted.Entire != b.Entire {
		t.Fatalf("asked %+v, accepted %+v", asked, accepted)
	}
}

// Whatever is drawn is refused or lies within the order, and gives back its parts.
func TestNarrowNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawOrder(t)
		w := &writer{t: t}
		w.block(d.tree, "")
		o, err := order.Parse("order", []byte(w.String()))
		if err != nil {
			t.Fatal(err)
		}
		var parts []order.Part
		for _, p := range o.Parts() {
			if rapid.Bool().Draw(t, "left out") {
				continue
			}
			if !p.Entire {
				slack := rapid.Int64Range(-3, p.Until.Unix()-p.From.Unix()+3)
				p.From, p.Until = p.From.Add(time.Duration(slack.Draw(t, "later"))*time.Second), p.Until.Add(-time.Duration(slack.Draw(t, "sooner"))*time.Second)
			} else if rapid.Bool().Draw(t, "some time") {
				p.Entire, p.From, p.Until = false, moments.Draw(t, "from"), moments.Draw(t, "until")
			}
			if rapid.Bool().Draw(t, "fewer") {
				p.Categories = p.Categories[rapid.IntRange(0, len(p.Categories)).Draw(t, "how many fewer"):]
			}
			parts = append(parts, p)
		}
		n, err := o.Narrow(parts)
		var fault *order.NarrowError
		if err != nil {
			if !errors.As(err, &fault) && !errors.Is(err, order.ErrNotNarrower) {
				t.Fatal(err)
			}
			return
		}
		for i := range n.Accounts {
			within(t, &o.Accounts[i], &n.Accounts[i])
		}
		again, err := o.Narrow(n.Parts())
		if err != nil || !reflect.DeepEqual(again.Parts(), n.Parts()) || order.Words(again) != order.Words(n) {
			t.Fatalf("again: %v", err)
		}
	})
}

func TestWordsOfNarrowed(t *testing.T) {
	o := parse(t, read(t, "full.yaml"))
	middle := alice(t)
	middle.From, middle.Until = instant(t, "2026-01-31T23:00:00Z"), instant(t, "2026-02-28T23:00:00Z")
	some := part(t, "1e3", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", order.Content)
	fewer := bob(t)
	fewer.Categories = traffic
	golden(t, "narrowed.words", order.Words(narrow(t, o, middle, fewer, some)))
	golden(t, "dropped.words", order.Words(narrow(t, o, middle)))
	if strings.Contains(order.Words(narrow(t, o, middle)), "THE ENTIRE ACCOUNT") {
		t.Error("an account is said to be let out that is dropped")
	}
}
