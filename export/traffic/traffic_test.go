package traffic_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"exhibit/export/bag"
	"exhibit/export/mail"
	"exhibit/export/traffic"
)

const account = "a@mail.example"

func message(lines ...string) mail.Item {
	return mail.Item{Kind: mail.KindMessage, Format: mail.FormatEML, Raw: []byte(strings.Join(lines, "\r\n") + "\r\n\r\nbody\r\n")}
}

// derive returns a record and its line, which reads as the same record.
func derive(t interface {
	Helper()
	Fatalf(string, ...any)
}, it mail.Item) (*bag.TrafficRecord, string) {
	t.Helper()
	r := traffic.Derive(account, it)
	line, err := bag.MarshalTraffic(r)
	if err != nil {
		t.Fatalf("a record that cannot be written: %v", err)
	}
	again, err := bag.ParseTraffic(line)
	if err != nil {
		t.Fatalf("a record that cannot be read: %v", err)
	}
	if second, err := bag.MarshalTraffic(again); err != nil || string(second) != string(line) {
		t.Fatalf("reads as another record: %s, %v", second, err)
	}
	if len(line)+1 > bag.MaxRecord {
		t.Fatalf("a file of %d bytes", len(line)+1)
	}
	return r, string(line)
}

func fieldsOf(t interface {
	Helper()
	Fatalf(string, ...any)
}, r *bag.TrafficRecord) string {
	t.Helper()
	fields, err := traffic.Fields(r)
	if err != nil {
		t.Fatalf("fields: %v", err)
	}
	return string(fields)
}

func TestDerive(t *testing.T) {
	it := message(
		"Return-Path: <bounce@x.example>",
		"Delivered-To: a@mail.example",
		"Received: from mx.x.example (mail.x.example [192.0.2.7]) by mx.mail.example (Postfix)",
		"\twith ESMTPS id 4Xabc for <a@mail.example>; Mon, 15 Jun 2026 10:00:05 +0200 (CEST)",
		"Received: from [IPv6:2001:db8::1] by mx.x.example; Mon, 15 Jun 2026 10:00:03",
		"From: Bob <bob@x.example>",
		"Sender: list@x.example",
		"To: Alice <a@mail.example>, Team: c@x.example, \"d e\"@x.example;",
		"Cc: e@x.example",
		"Bcc: f@[192.0.2.9]",
		"Reply-To: secret@x.example",
		"Subject: Hello",
		"Message-ID: <1@x.example>",
		"In-Reply-To: <0@x.example>",
		"Date: Mon, 15 Jun 2026 10:00:00 +0200",
		"X-Gmail-Labels: Inbox",
	)
	r, line := derive(t, it)
	want := `{"type":"exhibit/traffic/v1","derived":true,"account":"a@mail.example",` +
		`"received":{"earliest":"2026-06-15T08:00:05Z","latest":"2026-06-15T08:00:05Z"},` +
		`"date":{"earliest":"2026-06-15T08:00:00Z","latest":"2026-06-15T08:00:00Z"},` +
		`"from":["bob@x.example"],"sender":["list@x.example"],"return_path":["bounce@x.example"],` +
		`"to":["a@mail.example","c@x.example","\"d e\"@x.example"],"cc":["e@x.example"],"bcc":["f@[192.0.2.9]"],"delivered_to":["a@mail.example"],` +
		`"message_id":"<1@x.example>","route":[` +
		`{"from":"mx.x.example","by":"mx.mail.example","addresses":["192.0.2.7"],"earliest":"2026-06-15T08:00:05Z","latest":"2026-06-15T08:00:05Z"},` +
		`{"from":null,"by":"mx.x.example","addresses":["2001:db8::1"],"earliest":"2026-06-14T20:00:03Z","latest":"2026-06-15T22:00:03Z"}],` +
		fmt.Sprintf(`"size":%d,"incomplete":[]}`, len(it.Raw))
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	fields := `{"date_utc":"2026-06-15T08:00:00Z","from":["bob@x.example"],"to":["a@mail.example","c@x.example","\"d e\"@x.example"],` +
		`"cc":["e@x.example"],"bcc":["f@[192.0.2.9]"],"message_id":"<1@x.example>","mih":"` + mail.EDRMMIH("<1@x.example>") + `"}`
	if got := fieldsOf(t, r); got != fields {
		t.Errorf("fields\ngot  %s\nwant %s", got, fields)
	}
	// Where nothing is known, nothing is shown.
	r, _ = derive(t, message("Subject: x", "Date: Mon, 15 Jun 2026 10:00:00"))
	if got := fieldsOf(t, r); got != "{}" {
		t.Errorf("fields %s", got)
	}
}

func TestDeriveMessagesOnly(t *testing.T) {
	for _, kind := range []mail.Kind{mail.KindEvent, mail.KindContact, ""} {
		if r := traffic.Derive(account, mail.Item{Kind: kind, Raw: []byte("From: b@x.example\n\n")}); r != nil {
			t.Errorf("%q has a record", kind)
		}
	}
}

// The size is that of the message, without what its mailbox puts around it.
func TestSize(t *testing.T) {
	const separator, text = "From b@x.example Mon Jun 15 10:00:00 2026\n", "From: b@x.example\n\nbody\n"
	it := mail.Item{Kind: mail.KindMessage, Format: mail.FormatMbox, Raw: []byte(separator + text + "\n"), Separator: len(separator), Trailer: 1}
	r, _ := derive(t, it)
	if r.Size != int64(len(text)) || len(r.From) != 1 || r.From[0] != "b@x.example" {
		t.Errorf("size %d, from %q", r.Size, r.From)
	}
}

// What cannot be read is left out, and the record says where.
func TestIncomplete(t *testing.T) {
	const x = "MARKER"
	many := func(prefix string, n int, line string) []string {
		lines := []string{prefix}
		for range n {
			lines = append(lines, line)
		}
		return lines
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  string // members, with commas
		has   string // in the line
	}{
		{"nothing amiss", []string{"From: b@x.example", "To: undisclosed-recipients:;", "Return-Path: <>", "Bcc:"}, "", "b@x.example"},
		{"no address", []string{"From: " + x, "To: c@x.example"}, "from", "c@x.example"},
		{"a bad one among good ones", []string{"To: c@x.example, " + x + ", d@x.example"}, "to", `["c@x.example","d@x.example"]`},
		{"local part with a blank", []string{"To: <" + x + " y@x.example>"}, "to", ""},
		{"local part with a tab", []string{"To: <" + x + "\ty@x.example>"}, "to", ""},
		{"quoted local part with a control character", []string{"To: \"" + x + "\x07\"@x.example"}, "to", ""},
		{"quoted local part with a tab", []string{"To: \"" + x + "\t\"@x.example"}, "to", ""},
		{"local part in mixed quotes", []string{`To: "` + x + `".y@x.example`}, "to", ""},
		{"local part with a comment", []string{"To: <y(" + x + ")@x.example>"}, "to", ""},
		{"local part with a colon", []string{"To: <mailto:" + x + "@x.example>"}, "to", ""},
		{"two at signs", []string{"To: " + x + "@y@x.example"}, "to", ""},
		{"not UTF-8", []string{"To: " + x + "\xff@x.example"}, "to", ""},
		{"a character that is not seen", []string{"To: " + x + "\u202e@x.example"}, "to", ""},
		{"domain with a space of its own", []string{"To: y@" + x + "\u00a0.example"}, "to", ""},
		{"domain with an empty label", []string{"To: y@" + x + "..example"}, "to", ""},
		{"domain literal that is no address", []string{"To: y@[" + x + "]"}, "to", ""},
		{"domain literal with a zone", []string{"To: y@[IPv6:fe80::1%" + x + "]"}, "to", ""},
		{"address that is too long", []string{"To: " + x + strings.Repeat("a", 998) + "@x.example"}, "to", ""},
		{"encoded word", []string{"To: =?utf-8?q?" + x + "=40x.example?="}, "to", ""},
		{"encoded word as a local part", []string{"To: =?utf-8?q?" + x + "?=@x.example"}, "to", ""},
		{"encoded word in quotes", []string{`To: "=?utf-8?q?` + x + `?="@x.example`}, "to", ""},
		{"encoded word in brackets", []string{"To: <=?utf-8?b?" + x + "?=>"}, "to", ""},
		{"spaced address", []string{"To: " + x + " @ x.example"}, "to", ""},
		{"sentence with an address", []string{"To: write to " + x + "@x.example today"}, "to", ""},
		{"behind a mailbox", []string{"To: <c@x.example> " + x + "@x.example"}, "to", "c@x.example"},
		{"in a quote that is not closed", []string{`To: c@x.example, "D, ` + x + `@x.example`}, "to", "c@x.example"},
		{"in a comment that is not closed", []string{"To: c@x.example, D (e, " + x + "@x.example"}, "to", "c@x.example"},
		{"NUL", []string{"To: " + x + "\x00@x.example", "Cc: c@x.example"}, "to", "c@x.example"},
		{"bare CR", []string{"To: c@x.example,\rSubject: d, " + x + "@x.example", "Cc: c@x.example"}, "to", "c@x.example"},
		{"two bare CR before a blank", []string{"To: c@x.example,\r\r " + x + "@x.example"}, "to", ""},

		{"Message-ID with blanks", []string{"Message-ID: <a " + x + "@x.example>"}, "message_id", ""},
		{"folded Message-ID", []string{"Message-ID: <a" + x, " @x.example>"}, "message_id", ""},
		{"Message-ID without brackets", []string{"Message-ID: " + x + "@x.example"}, "message_id", ""},
		{"Message-ID without an at sign", []string{"Message-ID: <" + x + ">"}, "message_id", ""},
		{"text behind a Message-ID", []string{"Message-ID: <a@x.example> " + x}, "message_id", ""},
		{"two in one Message-ID", []string{"Message-ID: <a@x.example><" + x + "@x.example>"}, "message_id", ""},
		{"two Message-IDs", []string{"Message-ID: <" + x + "@x.example>", "Message-ID: <a@x.example>"}, "message_id", ""},
		{"Message-ID in 8 bits", []string{"Message-ID: <" + x + "ä@x.example>"}, "message_id", ""},
		{"bare CR in a Message-ID", []string{"Message-ID: <" + x + "\r@x.example>"}, "message_id", ""},
		{"Message-ID of nothing", []string{"Message-ID:"}, "message_id", ""},
		{"Message-ID after a fold", []string{"Message-ID:", " <a@x.example>"}, "", "<a@x.example>"},
		{"Message-ID at the limit", []string{"Message-ID: <" + strings.Repeat("a", 994) + "@b>"}, "", "@b>"},
		{"Message-ID past the limit", []string{"Message-ID: <" + strings.Repeat("a", 995) + "@b>"}, "message_id", ""},

		{"unreadable Date", []string{"Date: " + x}, "date", `"date":null`},
		{"two Dates", []string{"Date: Mon, 15 Jun 2026 10:00:00 +0000", "Date: Tue, 16 Jun 2026 10:00:00 +0000"}, "date", `"date":null`},
		{"the same Date twice", []string{"Date: Mon, 15 Jun 2026 10:00:00 +0000", "Date: Mon, 15 Jun 2026 12:00:00 +0200"}, "", "2026-06-15T10:00:00Z"},

		{"Received without a time", []string{"Received: from x.example by y.example; " + x}, "received,route", `"from":"x.example","by":"y.example"`},
		{"lower Received without a time", []string{"Received: by y.example; 15 Jun 2026 10:00:00 +0000", "Received: by z.example"}, "route", `"by":"z.example"`},
		{"host with illegal letters", many("Received: from "+x+"_ by y.example; 15 Jun 2026 10:00:00 +0000", 0, ""), "route", `"by":"y.example"`},
		{"host in UTF-8", []string{"Received: from " + x + "ä.example by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"by":"y.example"`},
		{"host in quotes", []string{`Received: from "` + x + ` by ` + x + `" by y.example; 15 Jun 2026 10:00:00 +0000`}, "route", `"by":"y.example"`},
		{"host that is an address", []string{"Received: from " + x + "@x.example by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"by":"y.example"`},
		{"host that is too long", []string{"Received: from " + x + strings.Repeat("a", 250) + " by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"by":"y.example"`},
		{"no host", []string{"Received: from by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"from":null,"by":"y.example"`},
		{"brackets without an IP address", []string{"Received: from x.example ([" + x + "]) by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"addresses":[]`},
		{"IP address with a zone", []string{"Received: from x.example ([fe80::1%" + x + "]) by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"addresses":[]`},
		{"brackets in brackets", []string{"Received: from x.example ([" + x + "[192.0.2.1]) by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"addresses":["192.0.2.1"]`},
		{"bracket that is not closed", []string{"Received: from x.example ([" + x + ") by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"by":"y.example"`},
		{"comments", []string{"Received: from (" + x + " (by " + x + ") \\) by " + x + ") x.example by y.example(" + x + "); 15 Jun 2026 10:00:00 +0000 (" + x + ")"}, "", `"from":"x.example","by":"y.example"`},
		{"comment that is not closed", []string{"Received: from x.example (by " + x + "; 15 Jun 2026 10:00:00 +0000"}, "route", `"from":"x.example","by":null`},
		{"other clauses", []string{"Received: from x.example by y.example via " + x + " with " + x + " id " + x + " for <" + x + "@x.example>; 15 Jun 2026 10:00:00 +0000"}, "", `"by":"y.example"`},
		{"by behind other clauses", []string{"Received: from x.example with ESMTP id 1 by " + x + "; 15 Jun 2026 10:00:00 +0000"}, "", `"by":null`},
		{"text before the clauses", []string{"Received: " + x + " from x.example by y.example; 15 Jun 2026 10:00:00 +0000"}, "", `"from":"x.example"`},
		{"bare CR in a Received", []string{"Received: from x.example by " + x + "\r; 15 Jun 2026 10:00:00 +0000"}, "route", `"received":{"earliest":"2026-06-15T10:00:00Z"`},
		{"long Received", []string{"Received: from " + x + " (" + strings.Repeat("a", 64<<10) + ") by y.example; 15 Jun 2026 10:00:00 +0000"}, "route", `"from":null,"by":null`},

		{"fields behind a line that is none", []string{"From: b@x.example", "Date: Mon, 15 Jun 2026 10:00:00 +0000", "some text", "To: " + x + "@x.example", "Message-ID: <" + x + "@x.example>"}, "message_id,to", "b@x.example"},
		{"a line that is none in a list", []string{"From: b@x.example", "To: c@x.example,", x + "@x.example", "Subject: s"}, "to", "c@x.example"},
		{"fields behind an old separator", []string{"From: b@x.example", "Subject: s", ">From " + x, "Cc: " + x + "@x.example"}, "cc", "b@x.example"},
		{"a line that is none before all fields", []string{x, "From: b@x.example"}, "", "b@x.example"},
		{"no header", []string{"", x}, "bcc,cc,date,delivered_to,from,message_id,received,return_path,route,sender,to", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, line := derive(t, message(c.lines...))
			if got := strings.Join(r.Incomplete, ","); got != c.want {
				t.Errorf("incomplete %q, want %q", got, c.want)
			}
			if !strings.Contains(line, c.has) {
				t.Errorf("no %s in %s", c.has, line)
			}
			if strings.Contains(line+fieldsOf(t, r), x) {
				t.Errorf("what is no address stands in %s", line)
			}
		})
	}
}

func TestWritten(t *testing.T) {
	for _, a := range []string{
		"a@b", "a.b+c=d@x.example", "a..b.@x.example", "o'neil@x-y.example", "!#$%&'*+-/=?^_{|}~a@x_y.example",
		"ä@bücher.example", "用户@例子.example", `"a b"@x.example`, `"a\"b@c"@x.example`, `""@x.example`,
		"a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", strings.Repeat("a", 987) + "@x.example",
	} {
		for _, as := range []string{"To: " + a, "To: <" + a + ">", "To: Name <" + a + ">,", "To:\r\n " + a + "\r\n (comment)", "To: G: " + a + ";"} {
			r, _ := derive(t, message(as))
			if len(r.To) != 1 || r.To[0] != a || len(r.Incomplete) > 0 {
				t.Errorf("%q: %q, incomplete %q", as, r.To, r.Incomplete)
			}
		}
	}
}

// Names of header fields count in any letter case; several fields of one name
// make one list; folds are taken out, and a message with CR line ends is read.
func TestManners(t *testing.T) {
	text := "FROM: b@x.example\nto: c@x.example,\n\td@x.example\nTo: e@x.example\nmessage-id: <1@x.example>\n\nbody\n"
	for _, end := range []string{"\n", "\r\n", "\r", "\r\r\n"} {
		r, line := derive(t, mail.Item{Kind: mail.KindMessage, Raw: []byte(strings.ReplaceAll(text, "\n", end))})
		if strings.Join(r.From, " ") != "b@x.example" || strings.Join(r.To, " ") != "c@x.example d@x.example e@x.example" ||
			r.MessageID == nil || len(r.Incomplete) > 0 {
			t.Errorf("%q: %s", end, line)
		}
	}
}

func TestLimits(t *testing.T) {
	const hop = "Received: by y.example; 15 Jun 2026 10:00:00 +0000\r\n"
	ip := "Received: from x.example (%s) by y.example; 15 Jun 2026 10:00:00 +0000"
	for _, c := range []struct {
		name  string
		line  string
		count func(r *bag.TrafficRecord) int
		want  int
		cut   string
	}{
		{"addresses at the limit", "To: " + strings.Repeat("c@x.example,", bag.MaxAddresses), to, bag.MaxAddresses, ""},
		{"addresses past it", "To: " + strings.Repeat("c@x.example,", bag.MaxAddresses+1), to, bag.MaxAddresses, "to"},
		{"in two fields, at the limit", "To: " + strings.Repeat("c@x.example,", bag.MaxAddresses-1) + "\r\nTo: c@x.example", to, bag.MaxAddresses, ""},
		{"in two fields, past it", "To: " + strings.Repeat("c@x.example,", bag.MaxAddresses) + "\r\nTo: c@x.example", to, bag.MaxAddresses, "to"},
		{"hops at the limit", strings.Repeat(hop, bag.MaxHops) + "A: b", hops, bag.MaxHops, ""},
		{"hops past it", strings.Repeat(hop, bag.MaxHops+1) + "A: b", hops, bag.MaxHops, "route"},
		{"IP addresses at the limit", fmt.Sprintf(ip, strings.Repeat("[192.0.2.1]", bag.MaxAddresses)), ips, bag.MaxAddresses, ""},
		{"IP addresses past it", fmt.Sprintf(ip, strings.Repeat("[192.0.2.1]", bag.MaxAddresses+1)), ips, bag.MaxAddresses, "route"},
	} {
		r, _ := derive(t, message(c.line))
		if got := c.count(r); got != c.want || strings.Join(r.Incomplete, ",") != c.cut {
			t.Errorf("%s: %d, incomplete %q; want %d, %q", c.name, got, r.Incomplete, c.want, c.cut)
		}
	}
}

func to(r *bag.TrafficRecord) int   { return len(r.To) }
func hops(r *bag.TrafficRecord) int { return len(r.Route) }
func ips(r *bag.TrafficRecord) int  { return len(r.Route[0].Addresses) }

// A record that is too long loses hops first, then addresses from the last list.
func TestBound(t *testing.T) {
	list := func(n int) string {
		return strings.Repeat(strings.Repeat("a", 900)+"@x.example,", n)
	}
	hop := "Received: from x.example by y.example; 15 Jun 2026 10:00:00 +0000"
	r, line := derive(t, message(hop, "To: "+list(1000), "Delivered-To: "+list(100), "Cc: c@x.example"))
	if strings.Join(r.Incomplete, ",") != "" || len(line) > 1<<20 {
		t.Errorf("%d bytes: incomplete %q", len(line), r.Incomplete)
	}
	r, line = derive(t, message(hop, "To: "+list(1000), "Delivered-To: "+list(500), "Cc: c@x.example"))
	if strings.Join(r.Incomplete, ",") != "delivered_to,route" || len(r.Route) != 0 || len(r.To) != 1000 || len(r.Cc) != 1 || len(line) < 1<<20-2000 {
		t.Errorf("%d bytes: incomplete %q, %d hops, %d delivered", len(line), r.Incomplete, len(r.Route), len(r.DeliveredTo))
	}
	r, line = derive(t, message(hop, "To: "+list(1000), "From: "+list(1000), "Bcc: "+list(10), "Delivered-To: "+list(10)))
	if strings.Join(r.Incomplete, ",") != "bcc,delivered_to,route,to" || len(r.From) != 1000 || len(r.To) == 0 || len(line) < 1<<20-2000 {
		t.Errorf("%d bytes: incomplete %q, %d from, %d to", len(line), r.Incomplete, len(r.From), len(r.To))
	}
	// The fields of its item record leave room for the rest of that line.
	if fields := fieldsOf(t, r); len(fields) > 300<<10 || len(fields) < 200<<10 {
		t.Errorf("fields of %d bytes", len(fields))
	}
}

// What is built to be slow is read in a moment.
func TestHostile(t *testing.T) {
	for name, lines := range map[string][]string{
		"addresses":        {"To: " + strings.Repeat("c@x.example, ", 300_000)},
		"bad addresses":    {"To: " + strings.Repeat("c x@, ", 300_000)},
		"open brackets":    {"To: " + strings.Repeat("<", 3_000_000)},
		"open comments":    {"To: " + strings.Repeat("(", 3_000_000)},
		"open quotes":      {"To: " + strings.Repeat(`\"`, 1_500_000)},
		"encoded words":    {"To: " + strings.Repeat("=?utf-8?q?a?= ", 200_000)},
		"folds":            {"To: c@x.example" + strings.Repeat("\r\n ", 1_000_000)},
		"fields":           {strings.Repeat("To: c@x.example\r\n", 300_000) + "A: b"},
		"hops":             {strings.Repeat("Received: from x by y; 15 Jun 2026 10:00:00 +0000\r\n", 300_000) + "A: b"},
		"brackets in hops": {strings.Repeat("Received: "+strings.Repeat("[", 60_000)+"]\r\n", 100) + "A: b"},
		"semicolons":       {"Received: " + strings.Repeat(";", 10_000_000)},
		"carriage returns": {"To: " + strings.Repeat("\r", 10_000_000) + "c@x.example"},
		"one long atom":    {"To: " + strings.Repeat("a", 15_000_000)},
	} {
		t.Run(name, func(t *testing.T) {
			it := message(lines...)
			began := time.Now()
			derive(t, it)
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// What follows an empty first line is the body, even if it looks like a header.
func TestBodyAlone(t *testing.T) {
	for _, before := range []string{"\r\n", "\xef\xbb\xbf\r\n", " \n\n"} {
		it := mail.Item{Kind: mail.KindMessage, Format: mail.FormatEML, Raw: []byte(before +
			"To: the.plan@is.example\r\nMessage-ID: <meet@noon>\r\nReceived: from the.old.mill by dawn; Mon, 2 Feb 2026 10:00:00 +0000\r\n\r\n")}
		r, line := derive(t, it)
		if strings.Contains(line, "plan") || strings.Contains(line, "noon") || strings.Contains(line, "mill") {
			t.Errorf("%q: the body leaves: %s", before, line)
		}
		if got := strings.Join(r.Incomplete, " "); got != "message_id route to" {
			t.Errorf("%q: incomplete %s", before, got)
		}
	}
}
