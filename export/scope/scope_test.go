package scope_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"exhibit/export/mail"
	"exhibit/export/mail/limits"
	"exhibit/export/order"
	"exhibit/export/scope"
)

const digest = "0000000000000000000000000000000000000000000000000000000000000000"

func parse(t interface{ Fatal(...any) }, account, extra string) *order.Order {
	o, err := order.Parse("order.yaml", []byte(`type: exhibit/order/v1
reference: r
authority: {name: Court, country: DE}
jurisdiction: DE
regime: test
legal_basis: law
served: 2026-05-01T10:00:00Z
received: 2026-05-01T10:00:00Z
agency: {name: Agency, key: `+digest+`}
instrument: {file: w.txt, sha256: `+digest+`}
accounts:
  - {account: a@mail.example, `+account+`}
`+extra))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const (
	content    = "categories: [content]\n"
	traffic    = "categories: [traffic]\n"
	subscriber = "categories: [subscriber]\n"
	june       = "start: 2026-06-01, end: 2026-06-30, zone: Europe/Berlin"
	counsel    = content + withhold
	withhold   = "withhold:\n  - {address: counsel@kanzlei.example, ground: g}\n  - {domain: notar.example, ground: g}\n"
)

func message(lines ...string) mail.Item {
	return mail.Item{Kind: mail.KindMessage, Format: mail.FormatEML, Raw: []byte(strings.Join(lines, "\n") + "\n\nbody\n")}
}

// doubtful is a message of an mbox that may hold another one.
func doubtful(lines ...string) mail.Item {
	it := message(lines...)
	it.Format, it.Doubtful = mail.FormatMbox, true
	return it
}

func calendar(lines ...string) mail.Item {
	raw := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	return mail.Item{Kind: mail.KindEvent, Format: mail.FormatICS, Raw: []byte(raw)}
}

func TestDecide(t *testing.T) {
	const inside = "Date: Mon, 15 Jun 2026 10:00:00 +0000"
	contact := mail.Item{Kind: mail.KindContact, Format: mail.FormatVCF, Raw: []byte("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bob\r\nEMAIL:bob@x.example\r\nEND:VCARD\r\n")}
	for _, c := range []struct {
		name           string
		account, extra string
		item           mail.Item
		want           scope.Reason // empty: included
	}{
		{"inside", june, content, message(inside), ""},
		{"first second, in the account's zone", june, content, message("Date: Mon, 01 Jun 2026 00:00:00 +0200"), ""},
		{"a second before", june, content, message("Date: Sun, 31 May 2026 23:59:59 +0200"), scope.BeforeSpan},
		{"last second", june, content, message("Date: Tue, 30 Jun 2026 21:59:59 +0000"), ""},
		{"a second after", june, content, message("Date: Tue, 30 Jun 2026 22:00:00 +0000"), scope.AfterSpan},
		{"the relay's time counts, not the sender's", june, content, message("Received: by mx; Wed, 01 Jul 2026 10:00:00 +0000", inside), scope.AfterSpan},
		{"the topmost Received counts", june, content, message("Received: by mx; Mon, 15 Jun 2026 10:00:00 +0000", "Received: by y; Wed, 01 Jul 2026 10:00:00 +0000"), ""},
		{"an unreadable Received is not passed over", june, content, message("Received: by mx; whenever", inside), scope.Undetermined},
		{"no date", june, content, message("Subject: x"), scope.Undetermined},
		{"unreadable date", june, content, message("Date: 31 February 2026 10:00:00 +0000"), scope.Undetermined},
		{"two dates that differ", june, content, message(inside, "Date: Tue, 16 Jun 2026 10:00:00 +0000"), scope.Undetermined},
		{"the same date twice", june, content, message(inside, "Date: Mon, 15 Jun 2026 12:00:00 +0200"), ""},
		{"no zone, surely inside", june, content, message("Date: Mon, 15 Jun 2026 10:00:00"), ""},
		{"no zone, at the edge", june, content, message("Date: Mon, 01 Jun 2026 01:00:00"), scope.Undetermined},
		{"no zone, surely outside", june, content, message("Date: Mon, 01 Jan 2024 10:00:00"), scope.BeforeSpan},
		{"entire account needs no date", "entire: true", content, message("Subject: x"), ""},
		{"category not asked for", "entire: true", subscriber, message(inside), scope.Category},
		{"traffic of a message", "entire: true", traffic, message(inside), ""},
		{"traffic of an event", "entire: true", traffic, calendar("DTSTART:20260615T100000Z"), scope.Category},
		{"traffic of a contact", "entire: true", traffic, contact, scope.Category},
		{"traffic before the span", june, traffic, message("Date: Mon, 01 Jan 2024 10:00:00 +0000"), scope.BeforeSpan},
		{"traffic without a time", june, traffic, message("Subject: x"), scope.Undetermined},
		{"traffic with a privileged sender", june, traffic + withhold, message(inside, "From: counsel@kanzlei.example"), scope.Privileged},
		{"traffic, doubtful", june, traffic, doubtful(inside), scope.Undetermined},
		{"privileged sender", june, counsel, message(inside, "From: Counsel <COUNSEL@Kanzlei.Example>"), scope.Privileged},
		{"privileged in Bcc", june, counsel, message(inside, "From: b@x.example", "Bcc: x@y.example, counsel@kanzlei.example"), scope.Privileged},
		{"privileged in a resent field", june, counsel, message(inside, "Resent-To: counsel@kanzlei.example"), scope.Privileged},
		{"privileged domain", june, counsel, message(inside, "To: anybody@notar.example"), scope.Privileged},
		{"privileged sub-domain", june, counsel, message(inside, "To: anybody@mail.notar.example"), scope.Privileged},
		{"privileged, quoted and commented", june, counsel, message(inside, `To: "counsel"@kanzlei.example (the lawyer)`), scope.Privileged},
		{"privileged domain in ASCII", june, content + "withhold:\n  - {domain: bücher.example, ground: g}\n", message(inside, "To: a@xn--bcher-kva.example"), scope.Privileged},
		{"privileged domain in Unicode", june, content + "withhold:\n  - {address: a@xn--bcher-kva.example, ground: g}\n", message(inside, "To: a@bücher.example"), scope.Privileged},
		{"privileged in an encoded display name", june, counsel, message(inside, "To: =?utf-8?q?counsel=40kanzlei.example?= <x@y.example>"), scope.Privileged},
		{"privileged in a display name of an unknown charset", june, counsel, message(inside, "To: =?x-unknown?q?counsel=40kanzlei.example?= <x@y.example>"), scope.Privileged},
		{"privileged in a damaged encoded word", june, counsel, message(inside, "To: =?utf-8?b?Y291bnNlbEBrYW56bGVpLmV4YW1wbGU?= <x@y.example>"), scope.Privileged},
		{"another address that contains it", june, counsel, message(inside, "To: xcounsel@kanzlei.example, counsel@kanzlei.example.org, a@nonotar.example"), ""},
		{"privileged, folded", june, counsel, message(inside, "To: x@y.example,", " counsel@kanzlei.example"), scope.Privileged},
		{"a broken list may hide one", june, counsel, message(inside, "To: <<<@@@ broken"), scope.Undetermined},
		{"a broken list does not matter without anything to withhold", june, content, message(inside, "To: <<<@@@ broken"), ""},
		{"comment in an address", june, counsel, message(inside, "To: <counsel(x)@kanzlei.example>"), scope.Undetermined},
		{"local part quoted in part", june, counsel, message(inside, `To: "coun".sel@kanzlei.example`), scope.Undetermined},
		{"junk line", june, counsel, message(inside, "a banner, not a field", "To: x@y.example"), ""},
		{"address in a junk line", june, counsel, message(inside, "To: x@y.example,", "counsel@kanzlei.example", "Subject: s"), scope.Undetermined},
		{"privileged behind a junk line", june, counsel, message(inside, "To: x@y.example,", "junk", " counsel@kanzlei.example", "Subject: s"), scope.Undetermined},
		{"privileged behind an old separator", june, counsel, message(inside, "To: x@y.example,", ">From z", " counsel@kanzlei.example"), scope.Undetermined},
		{"privileged where the body may begin", june, counsel, message(inside, "junk"+strings.Repeat("\nFoo: bar", 21), "To: counsel@kanzlei.example"), scope.Undetermined},
		{"privileged in an indented header", june, counsel, message(" Received: by mx; Mon, 15 Jun 2026 10:00:00 +0000", "Subject: s", "To: x@y.example"), scope.Undetermined},
		{"privileged behind a bare CR", june, counsel, message(inside, "Subject: s\rTo: counsel@kanzlei.example"), scope.Undetermined},
		{"privileged with a NUL", june, counsel, message(inside, "To: coun\x00sel@kanzlei.example"), scope.Undetermined},
		{"privileged beyond the fields that are kept", june, counsel,
			message(inside, strings.Repeat("junk\nX-A: b\n", 100)+strings.Repeat("X-B: c\n", limits.Fields)+"To: counsel@kanzlei.example"), scope.Undetermined},
		{"more addresses than are read", june, counsel, message(inside, "To: "+strings.Repeat("a@b.example,", 1<<20/12)+"counsel@kanzlei.example"), scope.Undetermined},
		{"mentions a withheld domain", june, counsel, message(inside, `To: "see www.notar.example" <x@y.example>`), ""},
		{"a Received may be beyond what is kept", june, content, message(inside, strings.Repeat("X-B: c\n", limits.Fields)+"Received: by mx; Wed, 01 Jul 2026 10:00:00 +0000"), scope.Undetermined},
		{"two times in the topmost Received", june, content, message("Received: by mx; Wed, 01 Jul 2026 10:00:00 +0000", " ; Mon, 15 Jun 2026 10:00:00 +0000"), scope.Undetermined},
		{"doubtful, surely outside", june, content, doubtful("Date: Mon, 01 Jan 2024 10:00:00 +0000"), scope.Undetermined},
		{"doubtful, entire account", "entire: true", content, doubtful(inside), ""},
		{"doubtful, entire account, somebody withheld", "entire: true", counsel, doubtful(inside), scope.Undetermined},
		{"doubtful, not asked for", june, subscriber, doubtful(inside), scope.Category},
		{"null return path", june, counsel, message("Return-Path: <>", inside, "To: a@mail.example"), ""},
		{"out of span before privileged", june, counsel, message("Date: Mon, 01 Jan 2024 10:00:00 +0000", "To: counsel@kanzlei.example"), scope.BeforeSpan},
		{"privileged before undetermined", june, counsel, message("To: counsel@kanzlei.example"), scope.Privileged},
		{"event with a privileged delegate", june, counsel, calendar("DTSTART:20260615T100000Z", `ATTENDEE;DELEGATED-TO="mailto:counsel@kanzlei.example":mailto:x@y.example`), scope.Privileged},
		{"event in an event", june, content, calendar("DTSTART:20200101T100000Z", "BEGIN:VEVENT", "DTSTART:20260615T100000Z", "END:VEVENT"), scope.Undetermined},
		{"event inside", june, content, calendar("DTSTART:20260615T100000Z", "DTEND:20260615T110000Z"), ""},
		{"event that ends outside", june, content, calendar("DTSTART:20260630T215000Z", "DTEND:20260630T230000Z"), scope.Undetermined},
		{"event that recurs", june, content, calendar("DTSTART:20260615T100000Z", "RRULE:FREQ=DAILY"), scope.Undetermined},
		{"event with a privileged attendee", june, counsel, calendar("DTSTART:20260615T100000Z", "DTEND:20260615T110000Z", "ATTENDEE:mailto:counsel@kanzlei.example"), scope.Privileged},
		{"contact has no time", june, content, contact, scope.Undetermined},
		{"contact of an entire account", "entire: true", content, contact, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := scope.New(parse(t, c.account, c.extra), nil).Decide(0, c.item)
			if d.Included != (c.want == "") || d.Reason != c.want {
				t.Errorf("included %t, reason %q (%s), want %q", d.Included, d.Reason, d.Detail, c.want)
			}
			if d.Included == (d.Rule == "" || d.Category == "") || d.Admitted {
				t.Errorf("included %t by rule %q as %q, admitted %t", d.Included, d.Rule, d.Category, d.Admitted)
			}
			if d.Reason == scope.Undetermined && d.Detail == "" {
				t.Error("undetermined without saying why")
			}
		})
	}
}

// Invariant 2, for any instant and any span: in exactly when inside, to the second.
func TestSpanProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		from := base.Add(time.Duration(rapid.IntRange(-1e6, 1e6).Draw(t, "from")) * time.Second)
		last := from.Add(time.Duration(rapid.IntRange(0, 1e6).Draw(t, "length")) * time.Second)
		at := base.Add(time.Duration(rapid.IntRange(-3e6, 3e6).Draw(t, "at")) * time.Second)
		offset := rapid.IntRange(-12*60, 14*60).Draw(t, "offset")
		written := at.In(time.FixedZone("", offset*60)).Format(time.RFC1123Z)
		o := parse(t, fmt.Sprintf("start: %q, end: %q", from.Format(time.RFC3339), last.Format(time.RFC3339)), content)
		d := scope.New(o, nil).Decide(0, message("Date: "+written))
		var want scope.Reason
		switch {
		case at.Before(from):
			want = scope.BeforeSpan
		case at.After(last):
			want = scope.AfterSpan
		}
		if d.Reason != want {
			t.Fatalf("%s in %s to %s: %q, want %q", written, from, last, d.Reason, want)
		}
	})
}
