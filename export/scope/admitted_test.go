package scope_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"exhibit/export/mail"
	"exhibit/export/order"
	"exhibit/export/scope"
)

// FORMAT.md section 11: the rule names account, category and basis.
func TestRule(t *testing.T) {
	const inside = "Date: Mon, 15 Jun 2026 10:00:00 +0000"
	for _, c := range []struct {
		account, extra string
		category       order.Category
		want           string
	}{
		{june, content, order.Content, "account[0]/content/span"},
		{"entire: true", content, order.Content, "account[0]/content/entire"},
		{june, traffic, order.Traffic, "account[0]/traffic/span"},
		{"entire: true", traffic, order.Traffic, "account[0]/traffic/entire"},
		{june, "categories: [subscriber, traffic, content]\n", order.Content, "account[0]/content/span"},
		{june, "categories: [subscriber, traffic]\n", order.Traffic, "account[0]/traffic/span"},
	} {
		d := scope.New(parse(t, c.account, c.extra), nil).Decide(0, message(inside))
		if d.Rule != c.want || d.Category != c.category {
			t.Errorf("%s %s: rule %q as %q, want %q as %q", c.account, c.extra, d.Rule, d.Category, c.want, c.category)
		}
	}
}

func admit(account string, it mail.Item) scope.Admitted {
	return scope.Admitted{Account: account, SHA256: sha256.Sum256(it.Raw)}
}

// A reviewer's word lets in what is undetermined, and nothing else.
func TestAdmitted(t *testing.T) {
	const (
		inside = "Date: Mon, 15 Jun 2026 10:00:00 +0000"
		before = "Date: Mon, 01 Jan 2024 10:00:00 +0000"
		after  = "Date: Wed, 01 Jul 2026 10:00:00 +0000"
	)
	contact := mail.Item{Kind: mail.KindContact, Format: mail.FormatVCF, Raw: []byte("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bob\r\nEND:VCARD\r\n")}
	for _, c := range []struct {
		name           string
		account, extra string
		item           mail.Item
		rule           string       // empty: withheld
		reason         scope.Reason // if withheld
	}{
		{"no time", june, content, message("Subject: x"), "account[0]/content/admitted", ""},
		{"no zone, at the edge", june, content, message("Date: Mon, 01 Jun 2026 01:00:00"), "account[0]/content/admitted", ""},
		{"a broken list", june, counsel, message(inside, "To: <<<@@@ broken"), "account[0]/content/admitted", ""},
		{"a broken list, entire account", "entire: true", counsel, message(inside, "To: <<<@@@ broken"), "account[0]/content/admitted", ""},
		{"a contact", june, content, contact, "account[0]/content/admitted", ""},
		{"traffic of a message without a time", june, traffic, message("Subject: x"), "account[0]/traffic/admitted", ""},
		{"doubtful", june, content, doubtful(inside), "account[0]/content/admitted", ""},
		{"doubtful and without a time", june, content, doubtful("Subject: x"), "account[0]/content/admitted", ""},
		{"doubtful traffic", june, traffic, doubtful(inside), "account[0]/traffic/admitted", ""},

		{"needs no word", june, content, message(inside), "account[0]/content/span", ""},
		{"entire account, doubtful, nobody withheld", "entire: true", content, doubtful(inside), "account[0]/content/entire", ""},

		{"before the span", june, content, message(before), "", scope.BeforeSpan},
		{"after the span", june, content, message(after), "", scope.AfterSpan},
		{"doubtful, before the span", june, content, doubtful(before), "", scope.BeforeSpan},
		{"doubtful, after the span", june, content, doubtful(after), "", scope.AfterSpan},
		{"privileged", june, counsel, message(inside, "From: counsel@kanzlei.example"), "", scope.Privileged},
		{"privileged without a time", june, counsel, message("From: counsel@kanzlei.example"), "", scope.Privileged},
		{"privileged and a broken list", june, counsel, message(inside, "From: counsel@kanzlei.example", "To: <<<@@@"), "", scope.Privileged},
		{"doubtful and privileged", june, counsel, doubtful(inside, "From: counsel@kanzlei.example"), "", scope.Privileged},
		{"category not asked for", june, subscriber, message("Subject: x"), "", scope.Category},
		{"a contact where traffic is asked for", june, traffic, contact, "", scope.Category},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := parse(t, c.account, c.extra)
			d := scope.New(o, []scope.Admitted{admit("a@mail.example", c.item)}).Decide(0, c.item)
			if d.Included != (c.rule != "") || d.Rule != c.rule || d.Reason != c.reason {
				t.Errorf("included %t, rule %q, reason %q; want rule %q, reason %q", d.Included, d.Rule, d.Reason, c.rule, c.reason)
			}
			if d.Admitted != strings.HasSuffix(c.rule, "/admitted") || d.Admitted && d.Detail == "" {
				t.Errorf("admitted %t (%s) by rule %q", d.Admitted, d.Detail, d.Rule)
			}
		})
	}
}

// What is admitted counts for its account and its bytes alone.
func TestAdmittedOnlyThat(t *testing.T) {
	undated, other := message("Subject: x"), message("Subject: y")
	two := "  - {account: b@mail.example, " + june + "}\n" + content
	o := parse(t, june, two)
	for _, c := range []struct {
		name     string
		account  int
		admitted []scope.Admitted
		want     bool
	}{
		{"it", 0, []scope.Admitted{admit("a@mail.example", undated)}, true},
		{"it, in other letter case", 0, []scope.Admitted{admit("A@Mail.example", undated)}, true},
		{"it among others", 1, []scope.Admitted{admit("a@mail.example", other), admit("b@mail.example", other), admit("b@mail.example", undated)}, true},
		{"nothing", 0, nil, false},
		{"another item", 0, []scope.Admitted{admit("a@mail.example", other)}, false},
		{"no digest", 0, []scope.Admitted{{Account: "a@mail.example"}}, false},
		{"for another account", 0, []scope.Admitted{admit("b@mail.example", undated)}, false},
		{"for another account, something else for this one", 1, []scope.Admitted{admit("a@mail.example", undated), admit("b@mail.example", other)}, false},
		{"for no account of the order", 0, []scope.Admitted{admit("c@mail.example", undated), admit("", undated)}, false},
	} {
		d := scope.New(o, c.admitted).Decide(c.account, undated)
		if d.Included != c.want || !c.want && d.Reason != scope.Undetermined {
			t.Errorf("%s: included %t, reason %q", c.name, d.Included, d.Reason)
		}
	}
}

// An account of which nothing is left asks for nothing.
func TestDropped(t *testing.T) {
	o := parse(t, "entire: true", content)
	o.Accounts[0].Categories = nil
	it := message("Subject: x")
	if d := scope.New(o, []scope.Admitted{admit("a@mail.example", it)}).Decide(0, it); d.Reason != scope.Category {
		t.Errorf("reason %q, included %t", d.Reason, d.Included)
	}
}

// What staff is told of an undetermined item quotes nothing of it.
func TestDetailQuotesNothing(t *testing.T) {
	const marker = "geheim"
	o := parse(t, june, counsel)
	for _, it := range []mail.Item{
		message("Date: "+marker, "Subject: "+marker),
		message("Received: by " + marker + "; " + marker),
		message("Date: Mon, 15 Jun 2026 10:00:00 +0000", "To: <"+marker),
		message("Date: Mon, 15 Jun 2026 10:00:00 +0000", "Date: "+marker),
		doubtful("Subject: " + marker),
		calendar("DTSTART:" + marker),
	} {
		for _, admitted := range [][]scope.Admitted{nil, {admit("a@mail.example", it)}} {
			d := scope.New(o, admitted).Decide(0, it)
			if d.Detail == "" || strings.Contains(d.Detail, marker) {
				t.Errorf("%q: detail %q", it.Raw, d.Detail)
			}
		}
	}
}
