package bag

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/sign"
)

const trafficLine = `{"type":"exhibit/traffic/v1","derived":true,"account":"alice@mail.example",` +
	`"received":{"earliest":"2026-02-03T04:05:06Z","latest":"2026-02-03T04:05:06Z"},"date":{"earliest":"2026-02-02T14:00:00Z","latest":"2026-02-03T16:00:00Z"},` +
	`"from":["=eve@mail.example"],"sender":[],"return_path":["\"e v e\"@mail.example"],"to":["alice@mail.example","bob@[192.0.2.1]"],"cc":[],"bcc":[],"delivered_to":["alice@mail.example"],` +
	`"message_id":"<1@mail.example>","route":[{"from":"out.mail.example","by":null,"addresses":["192.0.2.1","2001:db8::1"],"earliest":"2026-02-03T04:05:06Z","latest":"2026-02-03T04:05:06Z"}],` +
	`"size":1234,"incomplete":["bcc","route"]}`

const emptyTrafficLine = `{"type":"exhibit/traffic/v1","derived":true,"account":"a","received":null,"date":null,"from":[],"sender":[],"return_path":[],"to":[],"cc":[],"bcc":[],"delivered_to":[],` +
	`"message_id":null,"route":[],"size":0,"incomplete":[]}`

const subscriberLine = `{"type":"exhibit/subscriber/v1","derived":true,"account":"alice@mail.example","list":"us-2703c2","values":[{"column":"name","value":"=Alice, the first"},{"column":"address","value":"1 Main St"}]}`

// derivedItem is the item record of a derived record.
func derivedItem(kind string) *ItemRecord {
	it := &ItemRecord{
		Type: ItemType, Exhibit: "E0000001", File: ItemName(1, kind), Kind: kind, Account: "alice@mail.example", Category: kind,
		Scope: Scope{Rule: "account[3]/subscriber/record"}, Size: 7, Fields: []byte(`{}`),
	}
	if kind == KindTraffic {
		it.Scope.Rule, it.Fields = "account[3]/traffic/admitted", []byte(`{"date_utc":"2026-02-03T04:05:06Z","from":["eve@mail.example"],"message_id":"<1@mail.example>","mih":"x"}`)
	}
	return it
}

// A traffic record holds what section 6.1 lists, in the shape that it has there,
// and nothing else (invariant 2).
func TestTraffic(t *testing.T) {
	for _, line := range []string{trafficLine, emptyTrafficLine} {
		r, err := ParseTraffic([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := MarshalTraffic(r); err != nil || string(again) != line {
			t.Errorf("written as %s, %v", again, err)
		}
	}
	for _, c := range [][2]string{
		{`"derived":true`, `"derived":false`}, {`"account":"alice@mail.example"`, `"account":""`}, {`traffic/v1`, `traffic/v2`},
		{`"size":1234`, `"size":1234,"subject":"Offer"`}, {`"message_id"`, `"subject":"Offer","message_id"`}, {`"size":1234`, `"size":-1`},
		{`"from":["=eve@mail.example"]`, `"from":["Eve <eve@mail.example>"]`}, {`=eve@mail.example`, `eve`}, {`=eve@mail.example`, `@mail.example`},
		{`=eve@mail.example`, `eve@`}, {`=eve@mail.example`, `eve@mail.example (Eve)`}, {`=eve@mail.example`, `e ve@mail.example`},
		{`=eve@mail.example`, `eve\n@mail.example`}, {`=eve@mail.example`, `eve\u0085@mail.example`}, {`=eve@mail.example`, `a@b, c@d`},
		{`=eve@mail.example`, `\"eve@mail.example`}, {`bob@[192.0.2.1]`, `bob@[192.0.2.1`}, {`"sender":[]`, `"sender":null`},
		{`"sender":[],`, ``}, {`<1@mail.example>`, `1@mail.example`}, {`<1@mail.example>`, `<1 @mail.example>`}, {`<1@mail.example>`, `<1@mail.example><2@mail.example>`},
		{`<1@mail.example>`, `<1>`}, {`<1@mail.example>`, `<é@mail.example>`}, {`out.mail.example`, `out mail`}, {`out.mail.example`, ``}, {`out.mail.example`, `öut.example`},
		{`"192.0.2.1"`, `"[192.0.2.1]"`}, {`"192.0.2.1"`, `"192.0.2.01"`}, {`2001:db8::1`, `2001:DB8::1`}, {`2001:db8::1`, `fe80::1%eth0`}, {`2001:db8::1`, `localhost`},
		{`["bcc","route"]`, `["route","bcc"]`}, {`["bcc","route"]`, `["bcc","bcc"]`}, {`["bcc","route"]`, `["subject"]`}, {`["bcc","route"]`, `["size"]`},
		{`"earliest":"2026-02-02T14:00:00Z"`, `"earliest":"2026-02-04T14:00:00Z"`}, {`"earliest":"2026-02-02T14:00:00Z","latest"`, `"earliest":null,"latest"`},
		{`"2001:db8::1"],"earliest":"2026-02-03T04:05:06Z"`, `"2001:db8::1"],"earliest":null`}, {`"2001:db8::1"],"earliest":"2026-02-03T04:05:06Z"`, `"2001:db8::1"],"earliest":"2026-02-03T04:05:07Z"`},
	} {
		spoilt := strings.Replace(trafficLine, c[0], c[1], 1)
		if spoilt == trafficLine {
			t.Fatalf("%s is not there", c[0])
		}
		var typ *sign.TypeError
		if r, err := ParseTraffic([]byte(spoilt)); !errors.Is(err, ErrInvalid) && !errors.Is(err, sign.ErrNotCanonical) && !errors.As(err, &typ) {
			t.Errorf("%s in place of %s: %+v, %v", c[1], c[0], r, err)
		}
	}
}

// Every limit of section 6.1 and 13: at it, and one past it.
func TestTrafficLimits(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		set  func(r *TrafficRecord, n int)
	}{
		"addresses": {MaxAddresses, func(r *TrafficRecord, n int) {
			r.DeliveredTo = nil
			for i := range n {
				r.DeliveredTo = append(r.DeliveredTo, fmt.Sprintf("%d@mail.example", i))
			}
		}},
		"hops":       {MaxHops, func(r *TrafficRecord, n int) { r.Route = make([]Hop, n) }},
		"IPs":        {MaxAddresses, func(r *TrafficRecord, n int) { r.Route[0].Addresses = strings.Fields(strings.Repeat("192.0.2.1 ", n)) }},
		"message id": {maxMessageID, func(r *TrafficRecord, n int) { r.MessageID = ptr("<" + strings.Repeat("a", n-4) + "@b>") }},
		"record": {MaxRecord, func(r *TrafficRecord, n int) {
			line, err := MarshalTraffic(r)
			if err != nil {
				t.Fatal(err)
			}
			r.Account += strings.Repeat("a", n-len(line))
		}},
	} {
		for past := range 2 {
			r, err := ParseTraffic([]byte(trafficLine))
			if err != nil {
				t.Fatal(err)
			}
			c.set(r, c.most+past)
			line, err := MarshalTraffic(r)
			if (err == nil) != (past == 0) {
				t.Errorf("%s, %d: %v", name, c.most+past, err)
			}
			if err != nil {
				continue
			}
			if _, err := ParseTraffic(line); err != nil {
				t.Errorf("%s, %d: read: %v", name, c.most+past, err)
			}
		}
	}
	var limit *sign.LimitError
	long := strings.Replace(trafficLine, "alice", strings.Repeat("a", MaxRecord), 1)
	if _, err := ParseTraffic([]byte(long)); !errors.As(err, &limit) {
		t.Errorf("a long record: %v", err)
	}
}

func TestSubscriber(t *testing.T) {
	r, err := ParseSubscriber([]byte(subscriberLine))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := MarshalSubscriber(r); err != nil || string(again) != subscriberLine {
		t.Errorf("written as %s, %v", again, err)
	}
	for _, c := range [][2]string{
		{`"derived":true`, `"derived":false`}, {`alice@mail.example`, ``}, {`us-2703c2`, ``}, {`"address"`, `"name"`}, {`"column":"name"`, `"column":""`},
		{`1 Main St`, ``}, {`1 Main St`, `1\u0000`}, {`subscriber/v1`, `subscriber/v2`}, {`"list"`, `"password":"x","list"`},
		{`[{"column":"name","value":"=Alice, the first"},{"column":"address","value":"1 Main St"}]`, `[]`},
	} {
		spoilt := strings.Replace(subscriberLine, c[0], c[1], 1)
		if spoilt == subscriberLine {
			t.Fatalf("%s is not there", c[0])
		}
		if r, err := ParseSubscriber([]byte(spoilt)); err == nil {
			t.Errorf("%s in place of %s: %+v", c[1], c[0], r)
		}
	}
	for past := range 2 {
		r.Values[1].Value = strings.Repeat("x", MaxRecord-len(subscriberLine)+len("1 Main St")+past)
		if line, err := MarshalSubscriber(r); (err == nil) != (past == 0) {
			t.Errorf("%d bytes: %v", len(line), err)
		}
	}
}

// The tables say what the records say, and run nothing (section 10).
func TestTables(t *testing.T) {
	traffic, err := ParseTraffic([]byte(trafficLine))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := ParseTraffic([]byte(emptyTrafficLine))
	if err != nil {
		t.Fatal(err)
	}
	person, err := ParseSubscriber([]byte(subscriberLine))
	if err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	tw, err := NewTrafficCSV(&one)
	if err != nil {
		t.Fatal(err)
	}
	sw, err := NewSubscriberCSV(&two)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tw.Add("E0000001", traffic), tw.Add("E0000002", empty), sw.Add("E0000003", person)); err != nil {
		t.Fatal(err)
	}
	want := "exhibit,account,received,date,from,sender,return_path,to,cc,bcc,delivered_to,message_id,size\r\n" +
		`E0000001,alice@mail.example,2026-02-03T04:05:06Z,2026-02-02T14:00:00Z/2026-02-03T16:00:00Z,'=eve@mail.example,,"""e v e""@mail.example",` +
		"alice@mail.example; bob@[192.0.2.1],,,alice@mail.example,<1@mail.example>,1234\r\nE0000002,a,,,,,,,,,,,0\r\n"
	if one.String() != want {
		t.Errorf("got  %q\nwant %q", one.String(), want)
	}
	want = "exhibit,account,list,column,value\r\nE0000003,alice@mail.example,us-2703c2,name,\"'=Alice, the first\"\r\nE0000003,alice@mail.example,us-2703c2,address,1 Main St\r\n"
	if two.String() != want {
		t.Errorf("got  %q\nwant %q", two.String(), want)
	}
}

// What the tables are given an RFC 4180 reader gives back.
func TestSubscriberTableProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.SampledFrom([]rune("a,\"'=+-@\t\né ")), 1, 8, -1).Draw(t, "value")
		r := &SubscriberRecord{Type: SubscriberType, Derived: true, Account: "a", List: "l", Values: []SubscriberValue{{"name", value}}}
		line, err := MarshalSubscriber(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseSubscriber(line)
		if err != nil || again.Values[0].Value != value {
			t.Fatalf("%q: %+v, %v", value, again, err)
		}
		var out strings.Builder
		w, err := NewSubscriberCSV(&out)
		if err == nil {
			err = w.Add("E0000001", r)
		}
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || len(rows) != 2 || strings.TrimPrefix(rows[1][4], "'") != value {
			t.Fatalf("%q became %q, %v", value, rows, err)
		}
	})
}

// The item record of a derived record tells of no source and shows nothing that
// the record may not have (invariant 2).
func TestDerivedItems(t *testing.T) {
	for _, kind := range []string{KindTraffic, KindSubscriber} {
		line, err := MarshalItem(derivedItem(kind))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(line, []byte(`"source":null,"transforms":[]`)) {
			t.Errorf("%s", line)
		}
		it, err := ParseItem(line, 1)
		if err != nil {
			t.Fatal(err)
		}
		if rows := Rows(it); len(rows) != 1 {
			t.Errorf("%q", rows)
		} else if cells := rows[0]; len(cells) != len(columns) || strings.Join(cells[20:24], "") != "" || cells[1] != "E0000001."+kind+".json" {
			t.Errorf("%q", cells)
		}
		for name, spoil := range map[string]func(it *ItemRecord){
			"source":     func(it *ItemRecord) { it.Source = sampleItem().Source },
			"transforms": func(it *ItemRecord) { it.Transforms = sampleItem().Transforms },
			"exception":  func(it *ItemRecord) { it.Exception = ptr("binary") },
			"labels":     func(it *ItemRecord) { it.Labels = []string{"inbox"} },
			"flags":      func(it *ItemRecord) { it.Flags = []string{"Seen"} },
			"subject":    func(it *ItemRecord) { it.Fields = []byte(`{"subject":"Offer"}`) },
			"category":   func(it *ItemRecord) { it.Category = CategoryContent },
			"rule":       func(it *ItemRecord) { it.Scope.Rule = "account[3]/content/span" },
			"no rule":    func(it *ItemRecord) { it.Scope.Rule = "" },
			"file":       func(it *ItemRecord) { it.File = ItemName(1, KindMessage) },
			"kind":       func(it *ItemRecord) { it.Kind, it.File = KindMessage, ItemName(1, KindMessage) },
		} {
			it := derivedItem(kind)
			spoil(it)
			if _, err := MarshalItem(it); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s with another %s: %v", kind, name, err)
			}
		}
	}
	it := derivedItem(KindSubscriber)
	it.Scope.Field = ptr("date")
	if _, err := MarshalItem(it); !errors.Is(err, ErrInvalid) {
		t.Errorf("a subscriber record with a time: %v", err)
	}
	it = sampleItem()
	it.Source = nil
	if _, err := MarshalItem(it); !errors.Is(err, ErrInvalid) {
		t.Errorf("a message without a source: %v", err)
	}
}

func TestRules(t *testing.T) {
	for _, s := range []string{"account[0]/content/span", "account[12]/content/entire", "account[3]/traffic/admitted", "account[1]/subscriber/record"} {
		if r, err := ParseRule(s); err != nil || r.String() != s {
			t.Errorf("%s: %+v, %v", s, r, err)
		}
	}
	for _, s := range []string{"", "account[]/content/span", "account[00]/content/span", "account[-1]/content/span", "account[0]/content", "account[0]/content/record",
		"account[0]/subscriber/span", "account[0]/location/span", "account[0]/content/span/", "Account[0]/content/span", "account[9999999999999999999]/content/span"} {
		if r, err := ParseRule(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %+v, %v", s, r, err)
		}
	}
}

// Version 1 of package.json goes on to be read, without the members of version 2.
func TestPackageVersions(t *testing.T) {
	old, err := MarshalPackage(samplePackageV1())
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"review", "emergency", "instrument_signature", "place", "admitted"} {
		if bytes.Contains(old, []byte(`"`+member+`"`)) {
			t.Errorf("version 1 has %s", member)
		}
	}
	p, err := ParsePackage(old)
	if err != nil || p.Acceptance() != "" {
		t.Fatalf("%+v, %v", p, err)
	}
	if names := strings.Join(p.PayloadFiles(), " "); strings.Contains(names, "traffic") || strings.Contains(names, "signature") {
		t.Errorf("payload of version 1: %s", names)
	}
	now := samplePackage()
	now.Order.SetSignature(sampleSignature())
	text, err := MarshalPackage(now)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := ParsePackage(text); err != nil || *p.Order.Signature().Holder != "Landeskriminalamt Musterland" || p.Acceptance() != "whole" ||
		!strings.Contains(strings.Join(p.PayloadFiles(), " "), "data/order/instrument-signature.asc data/order/instrument.pdf data/order/order.yaml data/report.html data/subscriber.csv data/traffic.csv") {
		t.Errorf("%+v, %v", p, err)
	}
	for name, spoil := range map[string]func(p *Package){
		"review": func(p *Package) { p.Review = samplePackage().Review }, "emergency": func(p *Package) { p.Emergency = ptr(false) },
		"place": func(p *Package) { p.Accounts[0].Place = ptr(int64(0)) }, "admitted": func(p *Package) { p.Accounts[1].Admitted = ptr(int64(0)) },
		"signature": func(p *Package) { p.Order.SetSignature(nil) },
	} {
		p := samplePackageV1()
		spoil(p)
		var member *sign.MemberError
		if _, err := MarshalPackage(p); !errors.As(err, &member) {
			t.Errorf("%s in version 1: %v", name, err)
		}
		text, err := sign.MarshalDocument(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePackage(text); !errors.As(err, &member) {
			t.Errorf("%s in version 1 is read: %v", name, err)
		}
	}
	for _, spoilt := range []string{
		strings.Replace(string(text), PackageType, "exhibit/package/v3", 1), strings.Replace(string(text), PackageType, PackageTypeV1, 1),
		strings.Replace(string(old), PackageTypeV1, PackageType, 1), strings.Replace(string(text), `"emergency": false`, `"emergency": null`, 1),
		strings.Replace(string(text), `"place": 0`, `"place": null`, 1), strings.Replace(string(text), `"kind": "openpgp",`+"\n      \"result\"", `"Kind": "openpgp",`+"\n      \"result\"", 1),
	} {
		if _, err := ParsePackage([]byte(spoilt)); err == nil || spoilt == string(text) {
			t.Errorf("read: %v", err)
		}
	}
}

func TestInstrumentSignatures(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(s *InstrumentSignature)
		ok    bool
	}{
		"good": {func(*InstrumentSignature) {}, true},
		"cms": {func(s *InstrumentSignature) {
			s.Kind, s.Fingerprint = SignatureCMS, ptr(strings.Repeat("ab", 32))
		}, true},
		"unknown key": {func(s *InstrumentSignature) { s.Result, s.Fingerprint, s.Holder = SignatureUnknownKey, nil, nil }, true},
		"unknown, with a key id": {func(s *InstrumentSignature) {
			s.Result, s.Fingerprint, s.Holder = SignatureUnknownKey, ptr("0123456789ABCDEF"), nil
		}, true},
		"unknown, with a holder":  {func(s *InstrumentSignature) { s.Result = SignatureUnknownKey }, false},
		"unknown, no hexadecimal": {func(s *InstrumentSignature) { s.Result, s.Fingerprint, s.Holder = SignatureUnknownKey, ptr("me"), nil }, false},
		"unknown, at the limit": {func(s *InstrumentSignature) {
			s.Result, s.Fingerprint, s.Holder = SignatureUnknownKey, ptr(strings.Repeat("a", 64)), nil
		}, true},
		"unknown, past the limit": {func(s *InstrumentSignature) {
			s.Result, s.Fingerprint, s.Holder = SignatureUnknownKey, ptr(strings.Repeat("a", 66)), nil
		}, false},
		"good without a holder":    {func(s *InstrumentSignature) { s.Holder = nil }, false},
		"good of nobody":           {func(s *InstrumentSignature) { s.Holder = ptr("") }, false},
		"good without fingerprint": {func(s *InstrumentSignature) { s.Fingerprint = nil }, false},
		"another fingerprint":      {func(s *InstrumentSignature) { s.Fingerprint = ptr(strings.Repeat("ab", 20)) }, false},
		"kind":                     {func(s *InstrumentSignature) { s.Kind = "pgp" }, false},
		"result":                   {func(s *InstrumentSignature) { s.Result = "bad" }, false},
		"file":                     {func(s *InstrumentSignature) { s.File = InstrumentName("w.asc") }, false},
	} {
		p, s := samplePackage(), sampleSignature()
		c.alter(s)
		p.Order.SetSignature(s)
		if _, err := MarshalPackage(p); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSourcesHead(t *testing.T) {
	line, err := MarshalSourcesHead([32]byte{2})
	if err != nil || string(line) != `{"type":"exhibit/sources/v1","salt":"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}` {
		t.Fatalf("%s, %v", line, err)
	}
	if salt, err := ParseSourcesHead(line); err != nil || salt != [32]byte{2} {
		t.Errorf("%x, %v", salt, err)
	}
	if _, err := ParseSourcesHead(bytes.Replace(line, []byte("AgAA"), []byte("AgA"), 1)); err == nil {
		t.Error("a short salt is read")
	}
}

// The report says what was accepted, and of which records the package consists.
func TestReportOfVersion2(t *testing.T) {
	for name, c := range map[string]struct {
		report    *Report
		says, not []string
	}{
		"whole": {&Report{}, []string{"accepted the whole order"}, []string{"in part", "traffic records:"}},
		"in part": {&Report{InPart: true, Traffic: 2, Subscriber: 3, Accounts: samplePackage().Accounts},
			[]string{"<strong>in part</strong>", "asked for more", "2 of the included items are traffic records", "3 of the included items are subscriber records",
				`href="traffic.csv"`, `href="subscriber.csv"`, "<td>traffic, subscriber</td>"}, []string{"whole order"}},
	} {
		var out bytes.Buffer
		if err := WriteReport(&out, c.report); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: does not say %s", name, want)
			}
		}
		for _, bad := range c.not {
			if strings.Contains(out.String(), bad) {
				t.Errorf("%s: says %s", name, bad)
			}
		}
	}
}
