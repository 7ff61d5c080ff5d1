package open

import (
	"bytes"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"exhibit/export/bag"
	"exhibit/export/frame"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
	"exhibit/sign/merkle"
)

var at = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// parties are the keys of one test run.
type parties struct {
	provider *detached.Signer
	stranger *detached.Signer
	trusted  *Keys
	agency   seal.Recipient
	other    seal.Recipient
	ids      []seal.Identity
	identity string // text
}

var keys = sync.OnceValue(func() *parties {
	p := new(parties)
	var err error
	if p.provider, err = detached.Generate("Provider <evidence@provider.example>", at.Add(-time.Hour), rand.Reader); err != nil {
		panic(err)
	}
	if p.stranger, err = detached.Generate("Stranger <who@example.org>", at.Add(-time.Hour), rand.Reader); err != nil {
		panic(err)
	}
	p.trusted = p.provider.PublicKeys()
	for _, r := range []*seal.Recipient{&p.other, &p.agency} {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			panic(err)
		}
		if *r, err = seal.ParseRecipient([]byte(id.Recipient().String())); err != nil {
			panic(err)
		}
		p.identity = id.String()
	}
	if p.ids, err = seal.ParseIdentities([]byte(p.identity), nil); err != nil {
		panic(err)
	}
	return p
})

// encoder is one for all packages: it takes longer to make than to use.
var encoder = sync.OnceValue(func() *frame.Encoder {
	enc, err := frame.NewEncoder()
	if err != nil {
		panic(err)
	}
	return enc
})

const orderText = `type: exhibit/order/v1
reference: "4 Gs 123/26"
authority: {name: Amtsgericht Musterstadt, country: DE}
jurisdiction: DE
regime: eu-2023-1543
legal_basis: "Art. 5 Regulation (EU) 2023/1543"
served: 2026-05-04T09:12:00+02:00
received: 2026-05-04T07:15:30Z
accounts:
  - account: alice@example.org
    start: 2026-01-01T00:00:00Z
    end: 2026-03-31T23:59:59Z
  - account: bob@example.org
    entire: true
categories: [content]
agency: {name: LKA Musterland, key: "%s"}
instrument: {file: warrant.pdf, sha256: %s}
`

// builder makes small packages, true to the format unless a hook spoils them.
type builder struct {
	t         *testing.T
	items     int // of alice; bob has two more
	itemBytes int
	perVolume int // items in a volume; 0: all, and everything in one volume
	pad       bool
	id        sign.ID
	secret    [32]byte
	seed      [32]byte
	recipient seal.Recipient
	sealed    *seal.Recipient  // that volumes are encrypted to in place of recipient
	hidden    []seal.Recipient // that the manifest does not name
	v1        bool             // manifest and package.json are of version 1
	carol     bool             // a third account, with records of traffic and of the subscriber
	signature []byte           // of the agency over the instrument; nil: none
	signer    *detached.Signer // of everything
	inner     *detached.Signer // of the tag manifest

	onOrder    func([]byte) []byte
	onDerived  func(name string, line []byte) []byte // files of derived records
	onRecords  func([]*bag.ItemRecord) []*bag.ItemRecord
	onSources  func([]*bag.SourceLine) []*bag.SourceLine
	onPackage  func(*bag.Package)
	onPayload  func(map[string][]byte) // but items, before the manifests
	onTags     func(map[string][]byte) // before the tag manifest
	onTagLines func([]byte) []byte     // tagmanifest-sha256.txt
	onEntries  func(volume int, list []entry) []entry
	onArchive  func(volume int, archive []byte) []byte
	onStream   func(volume int, stream []byte) []byte
	onSealed   func(volume int, sealed []byte) []byte
	onManifest func(*manifest.Manifest)
	onText     func([]byte) []byte // manifest.json, before it is signed
	onObjects  func(map[string][]byte)

	raw     map[string][]byte // items by name
	records []*bag.ItemRecord
	sources []*bag.SourceLine
	pkg     *bag.Package
	tagText []byte
}

// entry is one tar entry; header, if not nil, takes the place of the right one.
type entry struct {
	name    string
	content []byte
	header  []byte
}

func newBuilder(t *testing.T) *builder {
	k := keys()
	b := &builder{t: t, items: 5, itemBytes: 300, perVolume: 4, pad: true, recipient: k.agency, signer: k.provider, inner: k.provider}
	b.id = sign.ID(bytes.Repeat([]byte{0xA1}, 16))
	b.secret = [32]byte(bytes.Repeat([]byte{7}, 32))
	b.seed = [32]byte(bytes.Repeat([]byte{9}, 32))
	return b
}

func (b *builder) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// itemType is the type of the item records.
func (b *builder) itemType() string {
	if b.v1 {
		return bag.ItemTypeV1
	}
	return bag.ItemType
}

// makeItems makes messages, of which every third was LF and the last of bob is
// an exception.
func (b *builder) makeItems() {
	b.raw = make(map[string][]byte)
	for n := 1; n <= b.items+2; n++ {
		account, rule := "alice@example.org", "account[0]/content/span"
		scope := bag.Scope{Field: ptr("date"), Earliest: ptr(sign.At(at.AddDate(0, -3, 0))), Latest: ptr(sign.At(at.AddDate(0, -3, 0)))}
		number := int64(1)
		if n > b.items {
			account, rule, number, scope = "bob@example.org", "account[1]/content/entire", 2, bag.Scope{}
		}
		scope.Rule = rule
		text := fmt.Sprintf("Message-ID: <%d@example.org>\r\nSubject: Number %d\r\n\r\n%s\r\n", n, n, strings.Repeat(fmt.Sprintf("line %d ", n), b.itemBytes/8))
		source := text
		var transforms []bag.Transform
		if n%3 == 0 {
			source = strings.ReplaceAll(text, "\r\n", "\n")
			transforms = []bag.Transform{{Name: "line-ends", Runs: "L*"}}
		}
		file := fmt.Sprintf("inbox/%d.eml", n)
		rec := &bag.ItemRecord{
			Type: b.itemType(), Exhibit: bag.ExhibitNumber(n), File: bag.ItemName(n, bag.KindMessage), Kind: bag.KindMessage,
			Account: account, Category: "content", Scope: scope,
			Source:     &bag.ItemSource{Number: number, File: file, Format: "eml", Length: int64(len(source)), SHA256: sign.Sum([]byte(source))},
			Transforms: transforms, Size: int64(len(text)), SHA256: sign.Sum([]byte(text)), MD5: md5.Sum([]byte(text)),
			Labels: []string{"inbox"}, Fields: []byte(fmt.Sprintf(`{"message_id":"<%d@example.org>","subject":"Number %d","from":[{"name":"Eve","addr":"eve@example.com"}]}`, n, n)),
		}
		if n == 1 && !b.v1 {
			rec.Fields = append(rec.Fields[:len(rec.Fields)-1], partsOfItem...)
		}
		if n == b.items+2 {
			rec.Exception = ptr("no-header")
		}
		b.raw[rec.File] = []byte(text)
		b.records = append(b.records, rec)
		b.sources = append(b.sources, &bag.SourceLine{Type: bag.SourceType, Account: account, Number: number, File: file, Size: int64(len(source)), SHA256: sign.Sum([]byte(source))})
	}
	if b.carol {
		b.makeDerived()
	}
	if b.onRecords != nil {
		b.records = b.onRecords(b.records)
	}
	if b.onSources != nil {
		b.sources = b.onSources(b.sources)
	}
}

// partsOfItem ends the fields of the first item: a message that carries another
// one, and a file.
const partsOfItem = `,"thread":{"id":"ab","by":"message-id"},"parts":[{"part":"1","type":"multipart/mixed","offset":0,"body":9,"length":99},` +
	`{"part":"1.1","type":"message/rfc822","attachment":true,"offset":9,"body":9,"length":9,"size":9,"message":{"message_id":"<i@example.org>","from":[{"name":"Eve","addr":"eve@example.com"}],"subject":"Inner"}},` +
	`{"part":"1.1.1","type":"application/pdf","name":"=a þ.pdf","crypto":"encrypted","attachment":true,"offset":9,"body":9,"length":9,"size":7,"sha256":"00","md5":"11"},` +
	`{"part":"1.2","type":"text/plain","offset":9,"body":9,"length":9,"size":9,"files":[{"name":"b.bin","origin":"uuencode","size":3,"sha256":"22","md5":"33"}]}]}`

// makeDerived makes two traffic records and a subscriber record of carol.
func (b *builder) makeDerived() {
	when := sign.At(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	for i := range 3 {
		n := len(b.records) + 1
		rec := &bag.ItemRecord{Type: bag.ItemType, Exhibit: bag.ExhibitNumber(n), Account: "carol@example.org", Kind: bag.KindTraffic}
		var line []byte
		var err error
		if i < 2 {
			rec.Scope = bag.Scope{Rule: "account[2]/traffic/span", Field: ptr("received"), Earliest: &when, Latest: &when}
			rec.Fields = []byte(`{"from":["eve@example.com"],"message_id":"<1@example.org>"}`)
			line, err = bag.MarshalTraffic(&bag.TrafficRecord{Type: bag.TrafficType, Derived: true, Account: rec.Account,
				Received: &bag.Interval{Earliest: when, Latest: when}, From: []string{"eve@example.com"}, To: []string{"carol@example.org"}, MessageID: ptr("<1@example.org>"), Size: 100 + int64(i)})
		} else {
			rec.Kind, rec.Scope.Rule, rec.Fields = bag.KindSubscriber, "account[2]/subscriber/record", []byte(`{}`)
			line, err = bag.MarshalSubscriber(&bag.SubscriberRecord{Type: bag.SubscriberType, Derived: true, Account: rec.Account, List: "eu-2023-1543",
				Values: []bag.SubscriberValue{{Column: "name", Value: "=Carol"}}})
		}
		b.must(err)
		rec.File, rec.Category = bag.ItemName(n, rec.Kind), rec.Kind
		if b.onDerived != nil {
			line = b.onDerived(rec.File, line)
		}
		data := append(line[:len(line):len(line)], '\n')
		rec.Size, rec.SHA256, rec.MD5 = int64(len(data)), sign.Sum(data), md5.Sum(data)
		b.raw[rec.File] = data
		b.records = append(b.records, rec)
	}
}

// included counts the records of an account that a rule ends with.
func (b *builder) included(account, by string) (n int64) {
	for _, rec := range b.records {
		if rec.Account == account && strings.HasSuffix(rec.Scope.Rule, by) {
			n++
		}
	}
	return n
}

// makePackage returns package.json's facts, with the true counts.
func (b *builder) makePackage(order, instrument []byte, root merkle.Hash) *bag.Package {
	n := int64(len(b.records))
	alice, bob := b.included("alice@example.org", ""), int64(2)
	p := &bag.Package{
		Type: bag.PackageType, Package: b.id, Secret: bag.NewSecret(b.secret), ReceiptKey: bag.NewSecret(b.seed),
		Created: sign.At(at), TimeSource: bag.TimeSource, Provider: "Provider GmbH", Signer: b.inner.Fingerprint(),
		PreparedBy: sign.Person{Name: "frida", Holder: "Frida Muster", Role: sign.Fulfilment, Fingerprint: b.signer.Fingerprint()},
		Tool:       bag.Tool{Name: "exhibit", Version: "1.0.0", SHA256: sign.Sum([]byte("tool"))},
		Order: bag.Order{Reference: "4 Gs 123/26", SHA256: sign.Sum(order), File: bag.OrderYAML,
			Instrument: bag.InstrumentName("warrant.pdf"), InstrumentSHA256: sign.Sum(instrument)},
		Agency:     "LKA Musterland",
		Recipients: []manifest.Recipient{{Kind: sign.KeyKind(b.recipient.Kind), Fingerprint: b.recipient.Fingerprint}},
		Policy:     sign.Sum([]byte("policy")),
		Review:     &bag.Review{Decision: bag.Accept, Holder: "Rita Muster", Fingerprint: b.signer.Fingerprint(), Time: sign.At(at), SHA256: sign.Sum([]byte("review"))},
		Emergency:  ptr(false),
		Approvals:  []bag.Approval{{Holder: "Anna Muster", Fingerprint: keys().stranger.Fingerprint(), Time: sign.At(at), SHA256: sign.Sum([]byte("approval"))}},
		Accounts: []bag.Account{
			{Account: "alice@example.org", Place: ptr(int64(0)), From: ptr(sign.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))), Until: ptr(sign.At(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))),
				Categories: []string{"content"}, Source: alice + 3, Included: alice, Admitted: ptr(b.included("alice@example.org", "/admitted")), Withheld: 3},
			{Account: "bob@example.org", Place: ptr(int64(1)), Entire: true, Categories: []string{"content"}, Source: bob, Included: bob,
				Admitted: ptr(b.included("bob@example.org", "/admitted"))},
		},
		Counts: manifest.Counts{Source: n + 3, Included: n, Withheld: 3, Exceptions: 1},
		Withheld: []bag.ReasonCount{{Reason: "category"}, {Reason: "before-span", Count: 1}, {Reason: "after-span"},
			{Reason: "privileged", Count: 2}, {Reason: "undetermined"}},
		Exceptions: []bag.ReasonCount{{Reason: "no-header", Count: 1}},
		Items:      manifest.Items{Size: n, Root: root},
		Sources:    sign.Sum([]byte("sources")),
	}
	if !b.carol {
		p.Accounts[0].Source, p.Accounts[0].Included = n-bob+3, n-bob
	} else {
		carol := n - alice - bob
		p.Accounts = append(p.Accounts, bag.Account{Account: "carol@example.org", Place: ptr(int64(2)), From: p.Accounts[0].From, Until: p.Accounts[0].Until,
			Categories: []string{"traffic", "subscriber"}, Source: carol, Included: carol, Admitted: ptr(b.included("carol@example.org", "/admitted"))})
	}
	p.Order.SetSignature(nil)
	if b.signature != nil {
		p.Order.SetSignature(&bag.InstrumentSignature{File: bag.InstrumentSignatureName("warrant.pdf.asc"), SHA256: sign.Sum(b.signature),
			Kind: bag.SignatureOpenPGP, Result: bag.SignatureGood, Fingerprint: ptr(strings.Repeat("AB", 20)), Holder: ptr("LKA Musterland")})
	}
	if b.v1 {
		p.Type, p.Review, p.Emergency, p.Order.InstrumentSignature = bag.PackageTypeV1, nil, nil, bag.SignatureMember{}
		for i := range p.Accounts {
			p.Accounts[i].Place, p.Accounts[i].Admitted = nil, nil
		}
	}
	if b.onPackage != nil {
		b.onPackage(p)
	}
	b.pkg = p
	return p
}

// order returns the order's text.
func (b *builder) order() []byte {
	text := fmt.Sprintf(orderText, b.recipient.Fingerprint, sign.Sum([]byte(warrant)))
	if b.carol {
		text = strings.Replace(text, "categories: [content]\n", "  - account: carol@example.org\n    start: 2026-01-01T00:00:00Z\n    end: 2026-03-31T23:59:59Z\n    categories: [traffic, subscriber]\ncategories: [content]\n", 1)
	}
	if b.signature != nil {
		text = strings.Replace(text, "instrument: {", fmt.Sprintf("instrument: {signature: {file: warrant.pdf.asc, sha256: %s}, ", sign.Sum(b.signature)), 1)
	}
	if b.onOrder != nil {
		return b.onOrder([]byte(text))
	}
	return []byte(text)
}

const warrant = "%PDF-1.4 warrant\n"

// makeTables makes traffic.csv and subscriber.csv.
func (b *builder) makeTables(payload map[string][]byte) {
	var traffic, subscriber bytes.Buffer
	tw, err := bag.NewTrafficCSV(&traffic)
	b.must(err)
	sw, err := bag.NewSubscriberCSV(&subscriber)
	b.must(err)
	for _, rec := range b.records {
		line := bytes.TrimSuffix(b.raw[rec.File], []byte("\n"))
		switch rec.Kind { // a record that was spoilt has no line
		case bag.KindTraffic:
			if r, err := bag.ParseTraffic(line); err == nil {
				b.must(tw.Add(rec.Exhibit, r))
			}
		case bag.KindSubscriber:
			if r, err := bag.ParseSubscriber(line); err == nil {
				b.must(sw.Add(rec.Exhibit, r))
			}
		}
	}
	payload[bag.TrafficCSV], payload[bag.SubscriberCSV] = traffic.Bytes(), subscriber.Bytes()
}

// group2 makes the files of the payload but items, and the tag files but those
// of the tail and the locators.
func (b *builder) group2() (payload, tags map[string][]byte, p *bag.Package) {
	instrument := []byte(warrant)
	order := b.order()
	payload = map[string][]byte{bag.OrderYAML: order, bag.InstrumentName("warrant.pdf"): instrument}
	var index, csv, dat, exceptions, sources bytes.Buffer
	levels := [][]byte{{}}
	tree := merkle.NewBuilder(func(level int, h merkle.Hash) error {
		if level == len(levels) {
			levels = append(levels, nil)
		}
		levels[level] = append(levels[level], h[:]...)
		return nil
	})
	c, err := bag.NewCSVIndex(&csv, b.itemType())
	b.must(err)
	d, err := bag.NewDATIndex(&dat, b.itemType())
	b.must(err)
	e, err := bag.NewExceptionsCSV(&exceptions)
	b.must(err)
	for _, rec := range b.records {
		line, err := sign.MarshalLine(rec)
		b.must(err)
		index.Write(append(line, '\n'))
		b.must(tree.Add(merkle.ItemLeaf(b.secret, rec.Exhibit, line)))
		b.must(c.Add(bag.Rows(rec)))
		b.must(d.Add(bag.Rows(rec)))
		b.must(e.Add(rec))
	}
	for _, s := range b.sources {
		line, err := bag.MarshalSource(s)
		b.must(err)
		sources.Write(append(line, '\n'))
	}
	p = b.makePackage(order, instrument, tree.Root())
	payload[bag.IndexJSONL], payload[bag.IndexCSV], payload[bag.IndexDAT] = index.Bytes(), csv.Bytes(), dat.Bytes()
	payload[bag.ExceptionsCSV], payload[bag.WithheldCSV] = exceptions.Bytes(), bag.MarshalWithheldCSV(p.Withheld)
	var report bytes.Buffer
	b.must(bag.WriteReport(&report, &bag.Report{Reference: p.Order.Reference, Accounts: p.Accounts, Withheld: p.Withheld}))
	payload[bag.ReportHTML] = report.Bytes()
	if b.signature != nil {
		payload[bag.InstrumentSignatureName("warrant.pdf.asc")] = b.signature
	}
	if !b.v1 {
		b.makeTables(payload)
	}
	if b.onPayload != nil {
		b.onPayload(payload)
	}
	tags = map[string][]byte{bag.Declaration: []byte(bag.DeclarationText), bag.SourcesJSONL: sources.Bytes()}
	for level, data := range levels {
		tags[bag.TreeName(level)] = data
	}
	digests := make(map[string]sign.Digest)
	octets := int64(0)
	for _, files := range []map[string][]byte{payload, b.raw} {
		for name, data := range files {
			digests[name] = sign.Sum(data)
			octets += int64(len(data))
		}
	}
	tags[bag.PayloadManifest] = b.lines(digests)
	info, err := p.Info(octets, int64(len(digests))).Marshal()
	b.must(err)
	tags[bag.InfoFile] = info
	return payload, tags, p
}

func (b *builder) lines(digests map[string]sign.Digest) []byte {
	var out bytes.Buffer
	w := bag.NewManifestWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		b.must(w.Add(name, digests[name]))
	}
	return out.Bytes()
}

// rank is the order of section 4, of the files of group 2.
var rank = ranked(bag.OrderYAML, bag.InstrumentName("a.pdf"), bag.InstrumentSignatureName("a.asc"), bag.InstrumentSignatureName("a.p7s"), bag.ExceptionsCSV,
	bag.WithheldCSV, bag.IndexCSV, bag.IndexDAT, bag.IndexJSONL, bag.ReportHTML, bag.SubscriberCSV, bag.TrafficCSV, bag.Declaration, bag.InfoFile,
	bag.PayloadManifest, "item-tree/0", "item-tree/1", bag.SourcesJSONL, bag.LocatorsTXT)

func ranked(names ...string) map[string]int {
	ranks := make(map[string]int)
	for i, name := range names {
		ranks[name] = i
	}
	return ranks
}

// build makes the package's objects.
func (b *builder) build() map[string][]byte {
	b.t.Helper()
	b.makeItems()
	payload, tags, p := b.group2()
	volumes := [][]entry{nil}
	locators := make([]bag.Locator, 0, len(b.records))
	offset := func() int64 {
		var sum int64
		for _, e := range volumes[len(volumes)-1] {
			sum += bag.BlockSize + int64(len(e.content)) + bag.Padding(int64(len(e.content)))
		}
		return sum + bag.BlockSize
	}
	var record int64
	for i, name := range slices.Sorted(maps.Keys(b.raw)) {
		if b.perVolume > 0 && len(volumes[len(volumes)-1]) == b.perVolume {
			volumes = append(volumes, nil)
		}
		if i < len(b.records) {
			line, err := sign.MarshalLine(b.records[i])
			b.must(err)
			locators = append(locators, bag.Locator{Volume: len(volumes), Offset: offset(), Length: int64(len(b.raw[name])), Record: record, RecordLength: int64(len(line))})
			record += int64(len(line)) + 1
		}
		volumes[len(volumes)-1] = append(volumes[len(volumes)-1], entry{name: name, content: b.raw[name]})
	}
	var text bytes.Buffer
	for _, l := range locators {
		line, err := l.Line()
		b.must(err)
		text.Write(line)
	}
	tags[bag.LocatorsTXT] = text.Bytes()
	list := b.place(payload, tags, &volumes, offset)
	b.tail(p, tags, list, &volumes)
	return b.seal(volumes)
}

// place puts the files of group 2 into the volumes.
func (b *builder) place(payload, tags map[string][]byte, volumes *[][]entry, offset func() int64) []bag.Content {
	if b.perVolume > 0 {
		*volumes = append(*volumes, nil)
	}
	all := maps.Clone(payload)
	maps.Copy(all, tags)
	names := slices.Collect(maps.Keys(all))
	sort.Slice(names, func(i, j int) bool { return rank[names[i]] < rank[names[j]] })
	var list []bag.Content
	for _, name := range names {
		last := len(*volumes) - 1
		list = append(list, bag.Content{Name: name, Volume: last + 1, Offset: offset(), Length: int64(len(all[name]))})
		(*volumes)[last] = append((*volumes)[last], entry{name: name, content: all[name]})
	}
	return list
}

// tail makes the files of the tail.
func (b *builder) tail(p *bag.Package, tags map[string][]byte, list []bag.Content, volumes *[][]entry) {
	contents, err := bag.MarshalContents(list)
	b.must(err)
	text, err := sign.MarshalDocument(p)
	b.must(err)
	tags[bag.ContentsTXT], tags[bag.PackageJSON] = contents, text
	if b.onTags != nil {
		b.onTags(tags)
	}
	digests := make(map[string]sign.Digest)
	for name, data := range tags {
		digests[name] = sign.Sum(data)
	}
	b.tagText = b.lines(digests)
	if b.onTagLines != nil {
		b.tagText = b.onTagLines(b.tagText)
	}
	signature, err := b.inner.Sign(b.tagText, at)
	b.must(err)
	last := len(*volumes) - 1
	(*volumes)[last] = append((*volumes)[last], entry{name: bag.ContentsTXT, content: tags[bag.ContentsTXT]}, entry{name: bag.PackageJSON, content: tags[bag.PackageJSON]},
		entry{name: bag.TagManifest, content: b.tagText}, entry{name: bag.TagSignature, content: signature})
}

// archive makes the frames of one volume: a batch, the tail, and the end.
func (b *builder) archive(n int, list []entry, last bool) []byte {
	if b.onEntries != nil {
		list = b.onEntries(n, list)
	}
	enc := encoder()
	var out bytes.Buffer
	w := frame.NewWriter(&out)
	add := func(list []entry) {
		var batch []byte
		for _, e := range list {
			header := e.header
			if header == nil {
				h, err := bag.TarHeader(e.name, int64(len(e.content)))
				b.must(err)
				header = h[:]
			}
			batch = append(append(batch, header...), e.content...)
			batch = append(batch, make([]byte, bag.Padding(int64(len(e.content))))...)
		}
		if b.onArchive != nil {
			batch = b.onArchive(n, batch)
		}
		b.must(w.Append(enc.Encode(nil, batch)))
	}
	if cut := len(list) - 4; last && cut > 0 {
		add(list[:cut])
		add(list[cut:])
	} else {
		add(list)
	}
	b.must(w.Append(enc.Encode(nil, make([]byte, bag.TrailerSize))))
	b.must(w.Close(b.pad))
	if b.onStream != nil {
		return b.onStream(n, out.Bytes())
	}
	return out.Bytes()
}

// seal encrypts the volumes and makes everything that lies outside.
func (b *builder) seal(volumes [][]entry) map[string][]byte {
	objects := make(map[string][]byte)
	m := &manifest.Manifest{
		Type: manifest.Type, Package: b.id, Policy: sign.Sum([]byte("policy")), Signer: b.signer.Fingerprint(),
		Recipients: []manifest.Recipient{{Kind: sign.KeyKind(b.recipient.Kind), Fingerprint: b.recipient.Fingerprint}},
		ReceiptKey: [32]byte(ed25519.NewKeyFromSeed(b.seed[:]).Public().(ed25519.PublicKey)), TagManifest: sign.Sum(b.tagText),
	}
	var accounts []string
	for _, a := range b.pkg.Accounts {
		accounts = append(accounts, a.Account)
	}
	m.Commitment = manifest.Commitment(b.secret, sign.Sum(b.order()), accounts)
	if m.Acceptance = b.pkg.Acceptance(); m.Acceptance == "" {
		m.Type = manifest.TypeV1
	}
	root := merkle.NewBuilder(nil)
	for _, rec := range b.records {
		line, err := sign.MarshalLine(rec)
		b.must(err)
		b.must(root.Add(merkle.ItemLeaf(b.secret, rec.Exhibit, line)))
	}
	n := int64(len(b.records))
	m.Counts = manifest.Counts{Source: n + 3, Included: n, Withheld: 3, Exceptions: 1}
	m.Items = manifest.Items{Size: n, Root: root.Root()}
	put := func(name string, role manifest.Role, data []byte) {
		objects[name] = data
		m.Objects = append(m.Objects, manifest.Object{Name: name, Role: role, Size: int64(len(data)), SHA256: sign.Sum(data), Stored: manifest.Stored{Method: manifest.ReadBack}})
	}
	for i, list := range volumes {
		stream := b.archive(i+1, list, i == len(volumes)-1)
		var sealed bytes.Buffer
		to := b.recipient
		if b.sealed != nil {
			to = *b.sealed
		}
		w, err := seal.Encrypt(&sealed, append([]seal.Recipient{to}, b.hidden...), at)
		b.must(err)
		_, err = w.Write(stream)
		b.must(err)
		b.must(w.Close())
		data := sealed.Bytes()
		if b.onSealed != nil {
			data = b.onSealed(i+1, data)
		}
		put(manifest.VolumeName(i+1, 1, manifest.ExtOf(m.Recipients[0].Kind)), manifest.Volume, data)
	}
	readme, err := bag.MarshalReadme(bag.Readme{Package: b.id, Signer: b.signer.Fingerprint(), Kind: m.Recipients[0].Kind, Recipients: []string{b.recipient.Fingerprint}})
	b.must(err)
	put(manifest.ReadmeName, manifest.Readme, readme)
	b.finish(m, objects)
	return objects
}

// finish adds SHA256SUMS, the manifest and the signatures.
func (b *builder) finish(m *manifest.Manifest, objects map[string][]byte) {
	sums := m.SHA256SUMS()
	signature, err := b.signer.Sign(sums, at)
	b.must(err)
	for _, o := range []struct {
		name string
		role manifest.Role
		data []byte
	}{{manifest.SumsName, manifest.SumsRole, sums}, {manifest.SumsSigName, manifest.SumsSignature, signature}} {
		objects[o.name] = o.data
		m.Objects = append(m.Objects, manifest.Object{Name: o.name, Role: o.role, Size: int64(len(o.data)), SHA256: sign.Sum(o.data), Stored: manifest.Stored{Method: manifest.ReadBack}})
	}
	if b.onManifest != nil {
		b.onManifest(m)
	}
	text, err := sign.MarshalDocument(m) // unchecked: hooks spoil it
	b.must(err)
	if b.onText != nil {
		text = b.onText(text)
	}
	b.signText(objects, text, b.signer)
	if b.onObjects != nil {
		b.onObjects(objects)
	}
}

func (b *builder) signText(objects map[string][]byte, text []byte, by *detached.Signer) {
	signature, err := by.Sign(text, at)
	b.must(err)
	objects[manifest.Name], objects[manifest.SignatureName] = text, signature
}
