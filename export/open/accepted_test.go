package open

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"exhibit/export/bag"
	"exhibit/export/order"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// inPart makes a package of an order that was accepted in part: of alice a
// shorter span.
func inPart(t *testing.T) *builder {
	b := newBuilder(t)
	b.onPackage = func(p *bag.Package) {
		p.Accounts[0].From = ptr(sign.At(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)))
		p.Review.Decision = bag.AcceptInPart
	}
	return b
}

// firstOnly makes a package of the first account alone.
func firstOnly(b *builder) {
	b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
		for _, rec := range r[b.items:] {
			delete(b.raw, rec.File)
		}
		return r[:b.items]
	}
	b.onSources = func(s []*bag.SourceLine) []*bag.SourceLine { return s[:b.items] }
	b.onManifest = func(m *manifest.Manifest) { m.Counts.Exceptions = 0 }
	b.onPackage = func(p *bag.Package) {
		n := int64(b.items)
		p.Accounts, p.Exceptions, p.Counts.Exceptions = p.Accounts[:1], nil, 0
		p.Accounts[0].Included, p.Accounts[0].Source = n, n+3
		p.Review.Decision = bag.AcceptInPart
	}
}

// What was accepted is never more than the order asks for, and is less exactly
// where the review says so (section 13, invariants 2 and 7).
func TestAccepted(t *testing.T) {
	day := func(month time.Month, d int) *sign.Time {
		return ptr(sign.At(time.Date(2026, month, d, 0, 0, 0, 0, time.UTC)))
	}
	alice := func(change func(a *bag.Account)) func(b *builder) {
		return func(b *builder) {
			narrow := b.onPackage
			b.onPackage = func(p *bag.Package) { narrow(p); change(&p.Accounts[0]) }
		}
	}
	decide := func(decision string) func(b *builder) {
		return func(b *builder) {
			narrow := b.onPackage
			b.onPackage = func(p *bag.Package) { narrow(p); p.Review.Decision = decision }
		}
	}
	whole := func(b *builder) { b.onPackage = func(*bag.Package) {} }
	cases := []struct {
		name  string
		alter []func(b *builder)
		want  Code
	}{
		{"narrower span, in part", nil, ""},
		{"narrower span, all accepted", []func(*builder){decide(bag.Accept)}, OrderMismatch},
		{"nothing less, in part", []func(*builder){whole, decide(bag.AcceptInPart)}, OrderMismatch},
		{"nothing less, all accepted", []func(*builder){whole}, ""},
		{"earlier than the order", []func(*builder){alice(func(a *bag.Account) { a.From = ptr(sign.At(time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC))) })}, OrderMismatch},
		{"later than the order", []func(*builder){alice(func(a *bag.Account) { a.Until = ptr(sign.At(time.Date(2026, 4, 1, 0, 0, 1, 0, time.UTC))) })}, OrderMismatch},
		{"later, and narrower at the beginning", []func(*builder){alice(func(a *bag.Account) { a.From, a.Until = day(2, 2), day(4, 2) })}, OrderMismatch},
		{"shorter than the items", []func(*builder){alice(func(a *bag.Account) { a.From = day(3, 1) })}, RecordInvalid},
		{"entire, where the order has a span", []func(*builder){alice(func(a *bag.Account) { a.Entire, a.From, a.Until = true, nil, nil })}, OrderMismatch},
		{"category that was not asked for", []func(*builder){alice(func(a *bag.Account) { a.Categories = []string{"content", "subscriber"} })}, OrderMismatch},
		{"place of another account", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[1].Place = ptr(int64(2)) }
		}}, OrderMismatch},
		{"place beyond the order", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[1].Place = ptr(int64(1) << 52) }
		}}, OrderMismatch},
		{"places exchanged", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[0], p.Accounts[1] = p.Accounts[1], p.Accounts[0] }
		}}, PackageInvalid},
		{"accounts exchanged", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) {
				p.Accounts[0], p.Accounts[1] = p.Accounts[1], p.Accounts[0]
				p.Accounts[0].Place, p.Accounts[1].Place = p.Accounts[1].Place, p.Accounts[0].Place
			}
		}}, OrderMismatch},
		{"account left out", []func(*builder){firstOnly}, ""},
		{"account left out, all accepted", []func(*builder){firstOnly, decide(bag.Accept)}, OrderMismatch},
		{"a span of what the order gives entire", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) {
				p.Accounts[1].Entire, p.Accounts[1].From, p.Accounts[1].Until = false, day(1, 1), day(4, 1)
				p.Review.Decision = bag.AcceptInPart
			}
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				for _, rec := range r[b.items:] {
					rec.Scope = bag.Scope{Rule: "account[1]/content/span", Field: ptr("date"), Earliest: day(2, 2), Latest: day(2, 2)}
				}
				return r
			}
		}}, ""},
		{"fewer categories", []func(*builder){func(b *builder) { b.carol = true }, whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) {
				p.Accounts[2].Categories = []string{"subscriber"}
				p.Review.Decision = bag.AcceptInPart
			}
			b.onRecords = func(r []*bag.ItemRecord) []*bag.ItemRecord {
				for _, rec := range r[len(r)-3:] {
					delete(b.raw, rec.File)
				}
				return r[:len(r)-3]
			}
		}}, ""},
		{"fewer categories, all accepted", []func(*builder){func(b *builder) { b.carol = true }, whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Accounts[2].Categories = []string{"traffic"} }
		}}, OrderMismatch},
		{"said to be whole outside", []func(*builder){func(b *builder) {
			b.onManifest = func(m *manifest.Manifest) { m.Acceptance = manifest.Whole }
		}}, BindingMismatch},
		{"approved by the reviewer", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Approvals[0].Holder = p.Review.Holder }
		}}, PackageInvalid},
		{"approved by the reviewer's key", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Approvals[0].Fingerprint = p.Review.Fingerprint }
		}}, PackageInvalid},
		{"one person's approval twice", []func(*builder){whole, func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Approvals = append(p.Approvals, p.Approvals[0]) }
		}}, PackageInvalid},
		{"refused", []func(*builder){decide("refuse")}, PackageInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := inPart(t)
			for _, alter := range c.alter {
				alter(b)
			}
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}

// A span in a named time zone may be an hour off on a machine of other time
// zones: a person has to look. More than that is refused, as is everything
// where the order itself says the offset.
func TestSpanInAZone(t *testing.T) {
	for _, c := range []struct {
		zone, start string
		early, late time.Duration
		less, doubt bool
		want        Code
	}{
		{"", "2026-01-01T00:00:00Z", 0, 0, false, false, ""},
		{"", "2026-01-01T00:00:00Z", time.Second, 0, false, false, OrderMismatch},
		{"", "2026-01-01T00:00:00Z", 0, -time.Second, true, false, ""},
		{"Europe/Berlin", "2026-01-01", 0, 0, false, false, ""},
		{"Europe/Berlin", "2026-01-01", time.Hour, -time.Hour, false, true, ""},
		{"Europe/Berlin", "2026-01-01", zoneDoubt, 0, false, true, ""},
		{"Europe/Berlin", "2026-01-01", zoneDoubt + time.Second, 0, false, false, OrderMismatch},
		{"Europe/Berlin", "2026-01-01", time.Hour, -24 * time.Hour, true, true, ""},
		{"Europe/Berlin", "2026-01-01", -time.Hour, 24 * time.Hour, false, false, OrderMismatch},
		{"Europe/Berlin", "2026-01-01T00:00:00+01:00", time.Second, 0, false, false, OrderMismatch},
	} {
		name := fmt.Sprintf("%s %s %s %s", c.zone, c.start, c.early, c.late)
		zone, end := "", "2026-03-31"+c.start[len("2026-01-01"):]
		if c.zone != "" {
			zone = "    zone: " + c.zone + "\n"
		}
		text := strings.Replace(fmt.Sprintf(orderText, keys().agency.Fingerprint, sign.Sum(nil)),
			"    start: 2026-01-01T00:00:00Z\n    end: 2026-03-31T23:59:59Z\n", "    start: "+c.start+"\n    end: "+end+"\n"+zone, 1)
		o, err := order.Parse("order.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a, span := &o.Accounts[0], o.Accounts[0].Span()
		check := &bagCheck{report: &BagReport{}}
		less, doubt, err := check.accepted(a, &bag.Account{Account: a.Name, Categories: []string{"content"},
			From: ptr(sign.At(span.From.Add(-c.early))), Until: ptr(sign.At(span.Until.Add(c.late)))})
		if codeOf(err) != c.want || err == nil && (less != c.less || doubt != c.doubt || doubt != (len(check.report.Warnings) > 0)) {
			t.Errorf("%s: less %v, doubt %v, warnings %q, %v", name, less, doubt, check.report.Warnings, err)
		}
	}
}

// The signature over the instrument is the one that the order names.
func TestInstrumentSignature(t *testing.T) {
	name := bag.InstrumentSignatureName("warrant.pdf.asc")
	for _, c := range []struct {
		what  string
		alter func(b *builder)
		want  Code
	}{
		{"as the order has it", func(*builder) {}, ""},
		{"another file", func(b *builder) { b.onPayload = func(p map[string][]byte) { p[name] = []byte("another") } }, OrderMismatch},
		{"another file, and package.json says so", func(b *builder) {
			b.onPayload = func(p map[string][]byte) { p[name] = []byte("another") }
			b.onPackage = func(p *bag.Package) { p.Order.Signature().SHA256 = sign.Sum([]byte("another")) }
		}, OrderMismatch},
		{"another digest in package.json", func(b *builder) {
			b.onPackage = func(p *bag.Package) { p.Order.Signature().SHA256[0]++ }
		}, OrderMismatch},
		{"left out of the payload", func(b *builder) { b.onPayload = func(p map[string][]byte) { delete(p, name) } }, TagManifestInvalid},
		{"left out altogether", func(b *builder) {
			b.onPayload = func(p map[string][]byte) { delete(p, name) }
			b.onPackage = func(p *bag.Package) { p.Order.SetSignature(nil) }
		}, OrderMismatch},
		{"under another name", func(b *builder) {
			other := bag.InstrumentSignatureName("w.p7s")
			b.onPayload = func(p map[string][]byte) { p[other] = p[name]; delete(p, name) }
			b.onPackage = func(p *bag.Package) { p.Order.Signature().File = other }
		}, OrderMismatch},
		{"that the order does not name", func(b *builder) {
			b.onOrder = func(text []byte) []byte {
				return bytes.Replace(text, fmt.Appendf(nil, "signature: {file: warrant.pdf.asc, sha256: %s}, ", sign.Sum(b.signature)), nil, 1)
			}
		}, OrderMismatch},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := newBuilder(t)
			b.signature = []byte("signature over the warrant")
			c.alter(b)
			_, _, err := openAll(b.build(), options())
			wantCode(t, err, c.want)
		})
	}
}
