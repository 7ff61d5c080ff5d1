package traffic_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/traffic"
)

// marker is what a record has to be free of.
const marker = "MARKER"

// secret is random text with a marker in it.
func secret(t *rapid.T) string {
	return rapid.StringMatching(`[a-zA-Z .]{0,8}MARKER[a-zA-Z .@]{0,8}`).Draw(t, "secret")
}

// drawn is a random message with the addresses that its record has to name.
type drawn struct {
	lines     []string
	addresses map[string][]string // by name of the field
	shown     []string            // those that the index shows
}

// mailbox writes an address in one of the ways in which senders do.
func mailbox(t *rapid.T, address string) string {
	ways := []func() string{
		func() string { return address },
		func() string { return "<" + address + ">" },
		func() string { return fmt.Sprintf(`"%s, x" <%s>`, secret(t), address) },
		func() string { return strings.ReplaceAll(secret(t), ".", " ") + " <" + address + ">" },
		func() string { return address + " (" + secret(t) + ")" },
		func() string { return "(" + secret(t) + ") <" + address + ">" },
		func() string { return "=?utf-8?q?" + strings.ReplaceAll(secret(t), " ", "_") + "?= <" + address + ">" },
		func() string {
			return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(secret(t))) + "?=\r\n <" + address + ">"
		},
		func() string { return "<@" + marker + ".example:" + address + ">" },
		func() string { return "\r\n " + address + "\r\n\t" },
	}
	return rapid.SampledFrom(ways).Draw(t, "way")()
}

func drawMessage(t *rapid.T) drawn {
	d := drawn{addresses: map[string][]string{}}
	local := rapid.StringMatching(`[a-z0-9+_-]{1,8}(\.[a-z0-9]{1,4})?|"[a-z ,;:<>()@]{1,8}"`)
	domain := rapid.StringMatching(`[a-z0-9]{1,8}\.example|\[192\.0\.2\.[1-9]\]|bücher\.example`)
	for _, name := range []string{"From", "Sender", "Return-Path", "To", "Cc", "Bcc", "Delivered-To"} {
		for range rapid.IntRange(0, 2).Draw(t, "fields of "+name) {
			var boxes []string
			for range rapid.IntRange(1, 4).Draw(t, "addresses of "+name) {
				a := local.Draw(t, "local") + "@" + domain.Draw(t, "domain")
				d.addresses[name] = append(d.addresses[name], a)
				boxes = append(boxes, mailbox(t, a))
			}
			value := strings.Join(boxes, ", ")
			if rapid.Bool().Draw(t, "group") {
				value = strings.ReplaceAll(strings.ReplaceAll(secret(t), "@", " "), ".", " ") + ": " + value + ";"
			}
			d.lines = append(d.lines, name+": "+value)
		}
	}
	for _, name := range []string{"From", "To", "Cc", "Bcc"} {
		d.shown = append(d.shown, d.addresses[name]...)
	}
	for _, name := range []string{"Subject", "Reply-To", "References", "In-Reply-To", "X-Anything", "X-Gmail-Labels", "Comments", "Keywords", "List-Id", "Content-Type", "Resent-To"} {
		if rapid.Bool().Draw(t, name) {
			d.lines = append(d.lines, name+": <"+secret(t)+"@x.example>; name="+secret(t))
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "hops") {
		d.lines = append(d.lines, fmt.Sprintf("Received: from x.example (%s [192.0.2.1])\r\n\tby y.example (%s) with %s id %s\r\n\tfor <%s>; Mon, 15 Jun 2026 10:00:00 +0000 (%s)",
			marker, marker, marker, marker, marker+"@x.example", marker))
	}
	d.lines = rapid.Permutation(d.lines).Draw(t, "order")
	return d
}

// What a message says of its content never stands in its record, and every
// address of its envelope does.
func TestMarkersProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawMessage(t)
		it := mail.Item{
			Kind: mail.KindMessage, Format: mail.FormatMaildir, Labels: []string{marker}, Flags: []string{marker},
			Source: mail.Locator{File: marker},
			Raw: []byte("Date: Mon, 15 Jun 2026 10:00:00 +0000\r\n" + strings.Join(d.lines, "\r\n") +
				"\r\n\r\nTo: " + secret(t) + "@x.example\r\nContent-Disposition: attachment; filename=" + secret(t) + "\r\n"),
		}
		r, line := derive(t, it)
		fields := fieldsOf(t, r)
		if strings.Contains(strings.ToUpper(line), marker) || strings.Contains(strings.ToUpper(fields), marker) {
			t.Fatalf("%s\n%s\n%s", it.Raw, line, fields)
		}
		if strings.Contains(line, base64.StdEncoding.EncodeToString([]byte(marker))) {
			t.Fatalf("encoded: %s", line)
		}
		got := map[string][]string{
			"From": r.From, "Sender": r.Sender, "Return-Path": r.ReturnPath, "To": r.To, "Cc": r.Cc, "Bcc": r.Bcc, "Delivered-To": r.DeliveredTo,
		}
		for name, list := range got {
			want := slices.Sorted(slices.Values(d.addresses[name]))
			if !slices.Equal(slices.Sorted(slices.Values(list)), want) {
				t.Fatalf("%s: %q, want %q\n%s", name, list, want, it.Raw)
			}
		}
		shown := bag.ReadFields(jsontext.Value(fields))
		for _, a := range d.shown {
			if !strings.Contains(shown.From+shown.To+shown.CC+shown.BCC, a) {
				t.Fatalf("%s is not shown in %s", a, fields)
			}
		}
		if len(r.Incomplete) > 0 {
			t.Fatalf("incomplete %q\n%s", r.Incomplete, it.Raw)
		}
	})
}

func FuzzDerive(f *testing.F) {
	for _, lines := range [][]string{
		{""},
		{"From: b@x.example", "To: G: \"c d\"@x.example, e@[IPv6:2001:db8::1];", "Message-ID: <1@x.example>", "Date: Mon, 15 Jun 2026 10:00:00"},
		{"Received: from x (y [192.0.2.1]) by z with ESMTP id 1; Mon, 15 Jun 2026 10:00:00 +0000", "Return-Path: <>", "Delivered-To: b"},
		{"To: =?utf-8?q?a=40b?= <c@d", "\t(e", "junk", "Cc: f@g"},
		{"To: \"a\\\"b\"@c\x00,\rd@e", "Received: [[::1%z]]; ;"},
		{"Date: 1 Jan 1900 00:00:00 +1400", "Received: by a; 31 Dec 9999 23:59:59 -1200"},
		{"To: ä\u202e@b, \xff@c, a@\u00a0"},
	} {
		f.Add([]byte(strings.Join(lines, "\r\n")), uint16(1))
	}
	f.Add([]byte("To: "+strings.Repeat("a", 900)+"@b\nCc: "+strings.Repeat("c", 900)+"@d\n"), uint16(700))
	f.Fuzz(func(t *testing.T, raw []byte, times uint16) {
		raw = bytes.Repeat(raw, min(int(times), 2<<20/(len(raw)+1)))
		r, _ := derive(t, mail.Item{Kind: mail.KindMessage, Raw: raw})
		if fields, err := traffic.Fields(r); err != nil || len(fields) > 300<<10 {
			t.Fatalf("fields of %d bytes, %v", len(fields), err)
		}
	})
}
