package open

import (
	"bytes"
	"strings"
	"testing"

	"exhibit/export/bag"
	"exhibit/sign"
)

// Traffic and subscriber records are what the format has them be, of their
// account, and the tables say the same (invariant 2).
func TestDerivedRecords(t *testing.T) {
	type records = []*bag.ItemRecord
	traffic, other, subscriber := bag.ItemName(8, bag.KindTraffic), bag.ItemName(9, bag.KindTraffic), bag.ItemName(10, bag.KindSubscriber)
	file := func(name, old, with string) func(b *builder) {
		return func(b *builder) {
			b.onDerived = func(file string, line []byte) []byte {
				if file != name {
					return line
				}
				return bytes.Replace(line, []byte(old), []byte(with), -1)
			}
		}
	}
	record := func(n int, change func(r *bag.ItemRecord)) func(b *builder) {
		return func(b *builder) { b.onRecords = func(r records) records { change(r[n-1]); return r } }
	}
	table := func(name, old, with string) func(b *builder) {
		return func(b *builder) {
			b.onPayload = func(p map[string][]byte) { p[name] = bytes.Replace(p[name], []byte(old), []byte(with), 1) }
		}
	}
	cases := []struct {
		name  string
		alter func(b *builder)
		want  Code
	}{
		{"as they are", func(*builder) {}, ""},
		{"traffic of another account", file(traffic, `"account":"carol@example.org"`, `"account":"alice@example.org"`), RecordInvalid},
		{"traffic with a subject", file(traffic, `"size"`, `"subject":"Offer","size"`), RecordInvalid},
		{"traffic with a display name", file(other, `"eve@example.com"`, `"Eve <eve@example.com>"`), RecordInvalid},
		{"traffic that is not said to be derived", file(traffic, `"derived":true`, `"derived":false`), RecordInvalid},
		{"a message in place of traffic", func(b *builder) {
			b.onDerived = func(string, []byte) []byte { return []byte("Subject: Offer\r\n\r\nbody\r") }
		}, RecordInvalid},
		{"two lines", file(traffic, `}`, "}\n"), RecordInvalid},
		{"traffic that its item record shows as something else", file(traffic, "eve@example.com", "mallory@example.com"), RecordInvalid},
		{"a message id that the record has not", file(traffic, `"<1@example.org>"`, `null`), RecordInvalid},
		{"subscriber of another account", file(subscriber, `"account":"carol@example.org"`, `"account":"bob@example.org"`), RecordInvalid},
		{"subscriber column twice", file(subscriber, `[{`, `[{"column":"name","value":"x"},{`), RecordInvalid},
		{"subscriber with a further member", file(subscriber, `"list"`, `"password":"x","list"`), RecordInvalid},
		{"traffic.csv says something else", table(bag.TrafficCSV, ",100\r\n", ",101\r\n"), TablesMismatch},
		{"traffic.csv lacks a record", table(bag.TrafficCSV, "E0000009,carol@example.org,2026-02-03T04:05:06Z,,eve@example.com,,,carol@example.org,,,,<1@example.org>,101\r\n", ""), TablesMismatch},
		{"traffic.csv has LF", table(bag.TrafficCSV, "\r\n", "\n"), TablesMismatch},
		{"subscriber.csv says something else", table(bag.SubscriberCSV, "Carol", "Caroline"), TablesMismatch},
		{"subscriber.csv would be run", table(bag.SubscriberCSV, "'=Carol", "=Carol"), TablesMismatch},
		{"traffic with a source", record(8, func(r *bag.ItemRecord) {
			r.Source = &bag.ItemSource{Number: 3, File: "a.eml", Format: "eml", Length: r.Size, SHA256: r.SHA256}
		}), RecordInvalid},
		{"subscriber with a source", record(10, func(r *bag.ItemRecord) {
			r.Source = &bag.ItemSource{Number: 3, File: "a.eml", Format: "eml", Length: r.Size, SHA256: r.SHA256}
		}), RecordInvalid},
		{"traffic with labels", record(8, func(r *bag.ItemRecord) { r.Labels = []string{"inbox"} }), RecordInvalid},
		{"traffic with a subject in the index", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"subject":"Offer"}`) }), RecordInvalid},
		{"traffic with text for a time in the index", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"date_utc":"Subject: Offer"}`) }), RecordInvalid},
		{"traffic with another time of sending in the index", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"date_utc":"2026-02-03T04:05:06Z"}`) }), RecordInvalid},
		{"traffic with text for a hash in the index", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"mih":"Subject: Offer"}`) }), RecordInvalid},
		{"traffic with more in the index", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"mih":{"subject":"Offer"}}`) }), RecordInvalid},
		{"hash of the message id", record(8, func(r *bag.ItemRecord) { r.Fields = []byte(`{"mih":"345f3cd2195596c6aa83da9cb8a70eca"}`) }), ""},
		{"traffic of another time than its record, which lies outside of the span", file(traffic, "2026-02-03T04:05:06Z", "2019-02-03T04:05:06Z"), RecordInvalid},
		{"traffic of another time, inside the span", record(8, func(r *bag.ItemRecord) {
			r.Scope.Earliest, r.Scope.Latest = ptr(sign.At(at.AddDate(0, -3, 0))), ptr(sign.At(at.AddDate(0, -3, 0)))
		}), RecordInvalid},
		{"traffic judged by a field that it has not", record(8, func(r *bag.ItemRecord) { r.Scope.Field = ptr("date") }), RecordInvalid},
		{"traffic judged as a calendar object", record(8, func(r *bag.ItemRecord) { r.Scope.Field = ptr("calendar") }), RecordInvalid},
		{"size", record(9, func(r *bag.ItemRecord) { r.Size++ }), RecordInvalid},
		{"size that is less", record(9, func(r *bag.ItemRecord) { r.Size-- }), RecordInvalid},
		{"digest", record(9, func(r *bag.ItemRecord) { r.SHA256[3]++ }), RecordInvalid},
		{"kind of the other", record(9, func(r *bag.ItemRecord) {
			r.Kind, r.Category, r.File, r.Scope = bag.KindSubscriber, "subscriber", bag.ItemName(9, bag.KindSubscriber), bag.Scope{Rule: "account[2]/subscriber/record"}
		}), RecordInvalid},
		{"without a source", record(1, func(r *bag.ItemRecord) { r.Source = nil }), RecordInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.carol = true
			c.alter(b)
			objects := b.build()
			_, _, err := openAll(objects, options())
			wantCode(t, err, c.want)
		})
	}
}

// An item is admitted by a rule of its account, for data that is asked for of it.
func TestRules(t *testing.T) {
	rule := func(n int, rule string) func(b *builder) {
		return func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[n-1].Scope.Rule = rule; return r }
		}
	}
	accounts := func(next func(b *builder), change func(p *bag.Package)) func(b *builder) {
		return func(b *builder) { next(b); b.onPackage = change }
	}
	none := func(*builder) {}
	cases := []struct {
		name  string
		alter func(b *builder)
		want  Code
	}{
		{"admitted by a reviewer", rule(1, "account[0]/content/admitted"), ""},
		{"admitted, outside of the span", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				r[0].Scope = bag.Scope{Rule: "account[0]/content/admitted", Field: ptr("date"), Earliest: ptr(sign.At(at.AddDate(-9, 0, 0))), Latest: ptr(sign.At(at))}
				return r
			}
		}, ""},
		{"admitted, of no time", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				r[0].Scope = bag.Scope{Rule: "account[0]/content/admitted"}
				return r
			}
		}, ""},
		{"admitted of an entire account", rule(6, "account[1]/content/admitted"), ""},
		{"traffic that was admitted", rule(8, "account[2]/traffic/admitted"), ""},
		{"admitted, but not counted", accounts(rule(1, "account[0]/content/admitted"), func(p *bag.Package) { p.Accounts[0].Admitted = ptr(int64(0)) }), CountsMismatch},
		{"counted, but not admitted", accounts(none, func(p *bag.Package) { p.Accounts[0].Admitted = ptr(int64(1)) }), CountsMismatch},
		{"admitted of another account", accounts(rule(1, "account[0]/content/admitted"), func(p *bag.Package) {
			p.Accounts[0].Admitted, p.Accounts[1].Admitted = p.Accounts[1].Admitted, p.Accounts[0].Admitted
		}), CountsMismatch},
		{"place of another account", rule(1, "account[1]/content/span"), RecordInvalid},
		{"entire, where there is a span", rule(1, "account[0]/content/entire"), RecordInvalid},
		{"a span, where the account is entire", rule(6, "account[1]/content/span"), RecordInvalid},
		{"traffic rule for content", rule(1, "account[0]/traffic/span"), RecordInvalid},
		{"content rule for traffic", rule(8, "account[2]/content/span"), RecordInvalid},
		{"traffic of an entire account that is not", rule(8, "account[2]/traffic/entire"), RecordInvalid},
		{"subscriber record by its time", rule(10, "account[2]/subscriber/span"), RecordInvalid},
		{"no rule", rule(1, ""), RecordInvalid},
		{"traffic outside of the span", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[7].Scope.Latest = ptr(sign.At(at)); return r }
		}, RecordInvalid},
		{"traffic of an account that is asked for content", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { return r }
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, []byte("[traffic, subscriber]"), []byte("[traffic, subscriber, content]"), 1)
			}
			b.onPackage = func(p *bag.Package) { p.Accounts[2].Categories = []string{"traffic", "subscriber", "content"} }
		}, RecordInvalid},
		{"subscriber record that was not asked for", func(b *builder) {
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, []byte("[traffic, subscriber]"), []byte("[traffic]"), 1)
			}
			b.onPackage = func(p *bag.Package) { p.Accounts[2].Categories = []string{"traffic"} }
		}, RecordInvalid},
		{"content of an account that is asked for traffic alone", func(b *builder) {
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, []byte("    entire: true\n"), []byte("    entire: true\n    categories: [traffic]\n"), 1)
			}
			b.onPackage = func(p *bag.Package) { p.Accounts[1].Categories = []string{"traffic"} }
		}, RecordInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			b.carol = true
			c.alter(b)
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// The list of sources names no file of an account that is not asked for content.
func TestSourcesOfTraffic(t *testing.T) {
	b := newBuilder(t)
	b.carol = true
	b.onSources = func(s []*bag.SourceLine) []*bag.SourceLine {
		return append(s, &bag.SourceLine{Type: bag.SourceType, Account: "carol@example.org", Number: 3, File: "private/offer.eml"})
	}
	_, _, err := openAll(b.build(), options())
	wantCode(t, err, SourcesMismatch)
}

// A derived item that is fetched by itself is checked as well.
func TestFetchDerived(t *testing.T) {
	b := newBuilder(t)
	b.carol = true
	b.onDerived = func(file string, line []byte) []byte {
		return bytes.Replace(line, []byte(`"account":"carol@example.org"`), []byte(`"account":"alice@example.org"`), 1)
	}
	objects := b.build()
	for _, exhibit := range []string{"E0000008", "E0000010"} {
		var out bytes.Buffer
		_, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, exhibit, &out, options())
		wantCode(t, err, RecordInvalid)
		if out.Len() > 0 {
			t.Error("it was written")
		}
	}
	opt, l := options(), formatLimits
	l.record = 10
	opt.limits = &l
	_, err := Item(t.Context(), memory(objects), keys().trusted, keys().ids, "E0000008", &bytes.Buffer{}, opt)
	wantCode(t, err, LimitExceeded)
}

// An item that is fetched by itself is one of what was accepted of its account.
func TestFetchOutOfScope(t *testing.T) {
	for name, c := range map[string]struct {
		exhibit string
		alter   func(b *builder)
	}{
		"content of an account that is asked for traffic alone": {"E0000006", func(b *builder) {
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, []byte("    entire: true\n"), []byte("    entire: true\n    categories: [traffic]\n"), 1)
			}
			b.onPackage = func(p *bag.Package) { p.Accounts[1].Categories = []string{"traffic"} }
		}},
		"outside of the span": {"E0000001", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[0].Scope.Latest = ptr(sign.At(at)); return r }
		}},
		"of an account that is not there": {"E0000001", func(b *builder) {
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord { r[0].Account = "Alice@example.org"; return r }
		}},
	} {
		b := newBuilder(t)
		b.carol = true
		c.alter(b)
		var out bytes.Buffer
		_, err := Item(t.Context(), memory(b.build()), keys().trusted, keys().ids, c.exhibit, &out, options())
		if codeOf(err) != RecordInvalid || out.Len() > 0 {
			t.Errorf("%s: %d bytes, %v", name, out.Len(), err)
		}
	}
}

// What is read of a record's file is either understood whole or refused.
func FuzzReadDerived(f *testing.F) {
	f.Add(true, []byte(`{"type":"exhibit/traffic/v1","derived":true,"account":"a","received":null,"date":null,"from":["e@x"],"sender":[],"return_path":[],"to":[],"cc":[],"bcc":[],"delivered_to":[],"message_id":null,"route":[],"size":0,"incomplete":[]}`+"\n"))
	f.Add(false, []byte(`{"type":"exhibit/subscriber/v1","derived":true,"account":"a","list":"l","values":[{"column":"c","value":"v"}]}`+"\n"))
	f.Fuzz(func(t *testing.T, traffic bool, data []byte) {
		rec := &bag.ItemRecord{Kind: bag.KindSubscriber, Account: "a", File: "x", Fields: []byte(`{}`)}
		if traffic {
			rec.Kind = bag.KindTraffic
		}
		d, err := readDerived(rec, data)
		if err != nil {
			if codeOf(err) == "" {
				t.Fatalf("no failure: %v", err)
			}
			return
		}
		var again []byte
		if traffic {
			again, err = bag.MarshalTraffic(d.traffic)
		} else {
			again, err = bag.MarshalSubscriber(d.subscriber)
		}
		if err != nil || strings.TrimSuffix(string(data), "\n") != string(again) {
			t.Fatalf("%q became %q, %v", data, again, err)
		}
	})
}
