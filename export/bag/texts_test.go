package bag

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"exhibit/sign"
	"exhibit/sign/manifest"
)

func ptr[T any](v T) *T { return &v }

func sampleItem() *ItemRecord {
	when, err := sign.ParseTime("2026-02-03T04:05:06Z")
	if err != nil {
		panic(err)
	}
	return &ItemRecord{
		Type: ItemType, Exhibit: "E0000001", File: "data/messages/E0000001.eml", Kind: KindMessage, Account: "alice@example.org", Category: "content",
		Scope:      Scope{Rule: "account[0]/content/span", Field: ptr("received"), Earliest: &when, Latest: &when},
		Source:     &ItemSource{Number: 1, File: "mail.mbox.gz", Format: "mbox", Container: ptr("gzip"), Offset: 10, Length: 100, Dialect: ptr("mboxrd"), Evidence: ptr("takeout")},
		Transforms: []Transform{{Name: "mbox-separator", Line: "RnJvbSB4Cg=="}, {Name: "line-ends", Runs: "L12 C3"}},
		Size:       90, Labels: []string{"inbox", "travel"}, Flags: []string{"Seen"},
		Fields: []byte(`{"message_id":"<1@example.org>","subject":"=SUM(A1)","date_utc":"2026-02-03T04:00:00Z","from":[{"name":"Eve, the first","addr":"eve@example.com"}],"to":["bob@example.org",{"addr":"carol@example.org"}],"cc":7,"mih":"1de319c276884bd0c9e2f1621ada26cc"}`),
	}
}

const sampleLine = `{"type":"exhibit/item/v2","exhibit":"E0000001","file":"data/messages/E0000001.eml","kind":"message","account":"alice@example.org","category":"content",` +
	`"scope":{"rule":"account[0]/content/span","field":"received","earliest":"2026-02-03T04:05:06Z","latest":"2026-02-03T04:05:06Z"},` +
	`"source":{"number":1,"file":"mail.mbox.gz","format":"mbox","container":"gzip","offset":10,"length":100,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","dialect":"mboxrd","evidence":"takeout"},` +
	`"transforms":[{"name":"mbox-separator","line":"RnJvbSB4Cg=="},{"name":"line-ends","runs":"L12 C3"}],"size":90,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","md5":"00000000000000000000000000000000",` +
	`"exception":null,"labels":["inbox","travel"],"flags":["Seen"],"fields":{"message_id":"<1@example.org>","subject":"=SUM(A1)","date_utc":"2026-02-03T04:00:00Z","from":[{"name":"Eve, the first","addr":"eve@example.com"}],"to":["bob@example.org",{"addr":"carol@example.org"}],"cc":7,"mih":"1de319c276884bd0c9e2f1621ada26cc"}}`

func TestItemRecord(t *testing.T) {
	line, err := MarshalItem(sampleItem())
	if err != nil {
		t.Fatal(err)
	}
	if string(line) != sampleLine {
		t.Errorf("got  %s\nwant %s", line, sampleLine)
	}
	it, err := ParseItem(line, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MarshalItem(it)
	if err != nil || !bytes.Equal(again, line) {
		t.Errorf("%s, %v", again, err)
	}
	old := strings.Replace(sampleLine, "item/v2", "item/v1", 1)
	if it, err := ParseItem([]byte(old), 1); err != nil || it.Type != ItemTypeV1 || len(Rows(it)[0]) != columnsV1 {
		t.Errorf("version 1: %+v, %v", it, err)
	}
	var typ *sign.TypeError
	if _, err := ParseItem([]byte(strings.Replace(sampleLine, "item/v2", "item/v3", 1)), 1); !errors.As(err, &typ) {
		t.Errorf("version 3: %v", err)
	}
	for old, with := range map[string]string{
		`E0000001",`: `E0000002",`, `.eml`: `.ics`, `"message","account"`: `"letter","account"`, `alice@example.org`: ``, `"content","scope"`: `"traffic","scope"`,
		`"field":"received"`: `"field":"guess"`, `"earliest":"2026-02-03T04:05:06Z"`: `"earliest":null`, `"number":1`: `"number":0`,
		`mail.mbox.gz`: `../mail.mbox`, `"format":"mbox"`: `"format":"ics"`, `"container":"gzip"`: `"container":"rar"`, `"dialect":"mboxrd"`: `"dialect":null`,
		`RnJvbSB4Cg==`: `RnJvbSB4Ch==`, `mbox-separator`: `utf8-bom`, `"runs":"L12 C3"`: `"trailer":"Cg=="`, `"size":90`: `"size":8589934592`,
		`"rule":"account[0]/content/span"`: `"rule":"account[0]/traffic/span"`, `/content/span`: `/content/record`,
		`"exception":null`: `"exception":"binary"`, `"md5":"0`: `"md5":"A`, `"fields":{`: `"fields":{"a":1,"a":2,`, `"labels":["inbox","travel"]`: `"labels":null`,
	} {
		spoilt := strings.Replace(sampleLine, old, with, 1)
		if spoilt == sampleLine {
			t.Fatalf("%s is not there", old)
		}
		if _, err := ParseItem([]byte(spoilt), 1); err == nil {
			t.Errorf("accepted with %s", with)
		}
	}
	if _, err := ParseItem(line, 2); !errors.Is(err, ErrInvalid) {
		t.Errorf("in another place: %v", err)
	}
}

func TestIndexFiles(t *testing.T) {
	for _, typ := range []string{ItemTypeV1, ItemType} {
		it := sampleItem()
		it.Type = typ
		it.Fields = append(it.Fields[:len(it.Fields)-1:len(it.Fields)-1], `,"bcc":["x\r\ny\u0014þ"]}`...)
		c, d := indexFiles(t, it)
		zero := strings.Repeat("0", 64)
		columns, more := columns[:columnsV1], ""
		if typ == ItemType {
			columns, more = columnsOf(typ), ",,,,,,Seen,,,,"
		}
		wantCSV := strings.Join(columns, ",") + "\r\n" +
			`<1@example.org>,E0000001.eml,alice@example.org,inbox; travel,"Eve, the first <eve@example.com>",'=SUM(A1),bob@example.org; carol@example.org,,"x` + "\r\n" + "y\x14þ\"," +
			`2026-02-03T04:00:00Z,2026-02-03T04:05:06Z,E0000001,,,,alice@example.org,data/messages/E0000001.eml,90,` + zero[:32] + "," + zero +
			`,mail.mbox.gz,10,100,` + zero + `,1de319c276884bd0c9e2f1621ada26cc,content,account[0]/content/span,` + more + "\r\n"
		if c != wantCSV {
			t.Errorf("got  %q\nwant %q", c, wantCSV)
		}
		lines := strings.Split(d, "\r\n")
		if len(lines) != 3 || lines[2] != "" || !strings.HasPrefix(lines[0], "\ufeffþRfc822MessageIdþ\x14þFileNameþ\x14") {
			t.Errorf("%q", d)
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(lines[1], "þ"), "þ"), "þ\x14þ")
		if len(cells) != len(columns) || cells[5] != "=SUM(A1)" || cells[8] != "x®y þþ" {
			t.Errorf("%q", cells)
		}
	}
}

// indexFiles makes index.csv and index.dat of one item.
func indexFiles(t *testing.T, it *ItemRecord) (csv, dat string) {
	t.Helper()
	var c, d bytes.Buffer
	cw, err := NewCSVIndex(&c, it.Type)
	if err != nil {
		t.Fatal(err)
	}
	dw, err := NewDATIndex(&d, it.Type)
	if err != nil {
		t.Fatal(err)
	}
	rows := Rows(it)
	if err := errors.Join(cw.Add(rows), dw.Add(rows)); err != nil {
		t.Fatal(err)
	}
	return c.String(), d.String()
}

// Hostile or odd fields give an empty cell, never an error.
func TestReadFields(t *testing.T) {
	for _, fields := range []string{``, `[]`, `7`, `{"subject":7,"from":"x","to":{},"cc":[[]],"bcc":[{"name":[]}]}`, `{"subject"`,
		`{"thread":"x","references":"<1@example.org>","in_reply_to":[7],"parts":{}}`, `{"thread":{"id":7},"parts":[{"part":"1","attachment":true},{"part":1}]}`} {
		if got := ReadFields([]byte(fields)); !reflect.DeepEqual(got, Fields{}) {
			t.Errorf("%s: %+v", fields, got)
		}
	}
}

func samplePackage() *Package {
	when, err := sign.ParseTime("2026-05-04T12:00:00Z")
	if err != nil {
		panic(err)
	}
	until, fp := sign.At(when.Time().AddDate(0, 1, 0)), strings.Repeat("A", 40)
	p := &Package{
		Type: PackageType, Package: sign.ID{1}, Secret: NewSecret([32]byte{2}), ReceiptKey: NewSecret([32]byte{3}), Created: when, TimeSource: TimeSource,
		Provider: "Provider", Signer: fp, PreparedBy: sign.Person{Name: "f", Holder: "Frida", Role: sign.Fulfilment, Fingerprint: fp},
		Tool:  Tool{Name: "exhibit", Version: "1"},
		Order: Order{Reference: "1", File: OrderYAML, Instrument: InstrumentName("a.pdf")}, Agency: "LKA",
		Recipients: []manifest.Recipient{{Kind: sign.OpenPGP, Fingerprint: fp}},
		Review:     &Review{Decision: Accept, Holder: "Rita", Fingerprint: fp, Time: when}, Emergency: ptr(false),
		Approvals: []Approval{{Holder: "Anna", Fingerprint: strings.Repeat("CD", 20), Time: when}},
		Accounts: []Account{
			{Account: "a@example.org", Place: ptr(int64(0)), From: &when, Until: &until, Categories: []string{"content"}, Source: 3, Included: 2, Admitted: ptr(int64(1)), Withheld: 1},
			{Account: "b@example.org", Place: ptr(int64(2)), Entire: true, Categories: []string{"traffic", "subscriber"}, Admitted: ptr(int64(0))}},
		Counts:   manifest.Counts{Source: 3, Included: 2, Withheld: 1},
		Withheld: []ReasonCount{{"category", 0}, {"before-span", 1}, {"after-span", 0}, {"privileged", 0}, {"undetermined", 0}},
		Items:    manifest.Items{Size: 2},
	}
	p.Order.SetSignature(nil)
	return p
}

// samplePackageV1 is the same as of version 1.
func samplePackageV1() *Package {
	p := samplePackage()
	p.Type, p.Review, p.Emergency, p.Order.InstrumentSignature = PackageTypeV1, nil, nil, SignatureMember{}
	for i := range p.Accounts {
		p.Accounts[i].Place, p.Accounts[i].Admitted = nil, nil
	}
	return p
}

func sampleSignature() *InstrumentSignature {
	return &InstrumentSignature{
		File: InstrumentSignatureName("w.asc"), SHA256: sign.Sum([]byte("s")), Kind: SignatureOpenPGP, Result: SignatureGood,
		Fingerprint: ptr(strings.Repeat("B", 40)), Holder: ptr("Landeskriminalamt Musterland"),
	}
}

func TestPackage(t *testing.T) {
	text, err := MarshalPackage(samplePackage())
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePackage(text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MarshalPackage(p)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("%s, %v", again, err)
	}
	if !bytes.Contains(text, []byte("\n  \"secret\": \"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\n  \"receipt_private_key\": ")) {
		t.Errorf("%s", text)
	}
	for _, shown := range []string{fmt.Sprint(p), fmt.Sprintf("%v %+v %#v %s", p, p, p, p.Secret)} {
		if strings.Contains(shown, "AgAA") || strings.Contains(shown, "2 0 0 0") || strings.Contains(shown, "0x2, 0x0") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
	for name, spoil := range map[string]func(p *Package){
		"type": func(p *Package) { p.Type = ItemType }, "supersedes itself": func(p *Package) { p.Supersedes = &p.Package },
		"no agency": func(p *Package) { p.Agency = "" }, "no tool": func(p *Package) { p.Tool.Version = "" },
		"no account": func(p *Package) { p.Accounts = nil }, "account twice": func(p *Package) { p.Accounts[1].Account = p.Accounts[0].Account },
		"span backwards": func(p *Package) { p.Accounts[0].From, p.Accounts[0].Until = p.Accounts[0].Until, p.Accounts[0].From },
		"no span":        func(p *Package) { p.Accounts[0].From = nil }, "entire with a span": func(p *Package) { p.Accounts[0].Entire = true },
		"negative": func(p *Package) { p.Accounts[1].Source, p.Accounts[1].Included = -1, -1 },
		"gap of 0": func(p *Package) { p.Gaps = []ReasonCount{{"x", 0}} }, "huge": func(p *Package) { p.Gaps = []ReasonCount{{"x", 1 << 53}} },
		"order elsewhere": func(p *Package) { p.Order.File = "data/order/../order.yaml" }, "signer": func(p *Package) { p.Signer = "x" },
		"no review": func(p *Package) { p.Review = nil }, "refused": func(p *Package) { p.Review.Decision = "refuse" },
		"review without holder": func(p *Package) { p.Review.Holder = "" }, "review by a key that is none": func(p *Package) { p.Review.Fingerprint = "x" },
		"no emergency": func(p *Package) { p.Emergency = nil }, "no signature member": func(p *Package) { p.Order.InstrumentSignature = SignatureMember{} },
		"no place": func(p *Package) { p.Accounts[1].Place = nil }, "place twice": func(p *Package) { p.Accounts[1].Place = ptr(int64(0)) },
		"place backwards": func(p *Package) { p.Accounts[0].Place = ptr(int64(3)) }, "place before the first": func(p *Package) { p.Accounts[0].Place = ptr(int64(-1)) },
		"no admitted": func(p *Package) { p.Accounts[0].Admitted = nil }, "more admitted than included": func(p *Package) { p.Accounts[0].Admitted = ptr(int64(3)) },
		"no category": func(p *Package) { p.Accounts[0].Categories = nil }, "category twice": func(p *Package) { p.Accounts[0].Categories = []string{"content", "content"} },
		"unknown category":        func(p *Package) { p.Accounts[0].Categories = []string{"location"} },
		"approval without holder": func(p *Package) { p.Approvals[0].Holder = "" }, "more than a bag holds": func(p *Package) {
			n := int64(MaxItems + 1)
			p.Items.Size, p.Counts.Included, p.Counts.Source, p.Accounts[0].Included, p.Accounts[0].Source = n, n, n+1, n, n+1
		},
	} {
		p := samplePackage()
		spoil(p)
		if _, err := MarshalPackage(p); err == nil {
			t.Errorf("%s: written", name)
		}
		text, err := sign.MarshalDocument(p)
		if err != nil {
			continue
		}
		if _, err := ParsePackage(text); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	for _, spoilt := range []string{strings.Replace(string(text), "AgAA", "AgA", 1), strings.Replace(string(text), "AAA=\",\n  \"receipt", "AAB=\",\n  \"receipt", 1)} {
		if _, err := ParsePackage([]byte(spoilt)); err == nil {
			t.Error("a spoilt secret is read")
		}
	}
}

func TestSourcesAndGaps(t *testing.T) {
	s := &SourceLine{Type: SourceType, Account: "a@example.org", Number: 1, File: "a/b.eml", Size: 7}
	line, err := MarshalSource(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseSource(line); err != nil || *got != *s {
		t.Errorf("%+v, %v", got, err)
	}
	g := &GapLine{Type: GapType, Account: "a@example.org", Number: 1, File: "a/b.eml", Length: 7, Reason: "empty file"}
	line, err = MarshalGap(g)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseGap(line); err != nil || *got != *g {
		t.Errorf("%+v, %v", got, err)
	}
	for _, file := range []string{"", "/etc/passwd", "a/../b", "..", "a\x00b"} {
		bad := *s
		bad.File = file
		if _, err := MarshalSource(&bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

// The report is one page that fetches and runs nothing, and shows hostile text
// as text.
func TestReport(t *testing.T) {
	p := samplePackage()
	r := &Report{
		Reference: `<script>alert("1")</script>`, Authority: "Amtsgericht", Country: "DE", Jurisdiction: "DE", Regime: "eu", LegalBasis: "Art. 5", Agency: "LKA",
		OrderFile: OrderYAML, OrderSHA256: strings.Repeat("0", 64), InstrumentFile: InstrumentName("a.pdf"), Accounts: p.Accounts,
		Included: 2, Source: 3, Held: 1, Withheld: p.Withheld, Excepted: 1, Exceptions: []ReasonCount{{"bare-cr", 1}}, Gaps: []ReasonCount{{"empty file", 2}},
	}
	var one, two bytes.Buffer
	if err := errors.Join(WriteReport(&one, r), WriteReport(&two, r)); err != nil {
		t.Fatal(err)
	}
	page := one.String()
	if page != two.String() {
		t.Error("two reports of the same differ")
	}
	for _, bad := range []string{"<script", "http://", "https://", "src=", `href="/`, "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("it holds %s", bad)
		}
	}
	for _, want := range []string{"Amtsgericht", "a@example.org", "2026-05-04T12:00:00Z", "the entire account", "bare-cr", "empty file", "privileged", "verify-bag", "&lt;script&gt;", "times are UTC", "a person of the provider", `href="index.csv"`, `href="messages/"`, `href="../package.json"`} {
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %s", want)
		}
	}
	empty := &Report{}
	one.Reset()
	if err := WriteReport(&one, empty); err != nil || !strings.Contains(one.String(), "None: every included item") {
		t.Errorf("without exceptions: %v", err)
	}
}

func TestReadme(t *testing.T) {
	r := Readme{Package: sign.ID{1}, Signer: strings.Repeat("A1", 20), Kind: sign.AgeX25519, Recipients: []string{strings.Repeat("ab", 32)}}
	text, err := MarshalReadme(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{r.Package.String(), "A1A1 A1A1", "abab abab", "age -d -i identity.txt", "after an earlier run: rm -r bag"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it does not say %s", want)
		}
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > 81 && !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "Encrypted to ") {
			t.Errorf("long line: %s", line)
		}
		if strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "    ") || strings.ContainsAny(line, "\t\r") {
			t.Errorf("odd blanks: %q", line)
		}
	}
	r.Kind = sign.AgeHybrid
	if text, err := MarshalReadme(r); err != nil || !strings.Contains(string(text), "age 1.3 or later") {
		t.Errorf("post-quantum: %v", err)
	}
	r.Kind = sign.OpenPGP
	if _, err := MarshalReadme(r); err == nil {
		t.Error("an age fingerprint of an OpenPGP key")
	}
	r.Recipients = []string{strings.Repeat("B", 40)}
	if text, err := MarshalReadme(r); err != nil || strings.Contains(string(text), "age -d") {
		t.Errorf("OpenPGP: %v", err)
	}
	r.Signer = "'; rm -rf /"
	if _, err := MarshalReadme(r); err == nil {
		t.Error("a signer that is a command")
	}
}
