package custody_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/custody"
	"exhibit/sign/detached"
)

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	order = sign.Sum([]byte("order"))
)

func ref[T any](v T) *T { return &v }

func sample() custody.Record {
	return custody.Record{
		Event: custody.Sealed, Time: sign.At(start),
		Actor:     sign.Person{Name: "bob", Holder: "Bob", Role: sign.Fulfilment, Fingerprint: strings.Repeat("0A", 20)},
		Authority: custody.Authority{Order: &order, Reference: ref("REF-1")}, Package: &sign.ID{1},
		Objects:     []custody.Object{{Name: "volume-0001.tar.zst.age", Size: 1, SHA256: sign.Sum(nil)}},
		Instrument:  custody.Instrument{Name: "exhibit", Version: "v1.0.0", SHA256: sign.Sum(nil), Host: "host.provider.example"},
		DerivedFrom: []sign.Digest{sign.Sum([]byte("statement"))}, Details: []custody.Detail{{Name: "included", Value: "7"}},
	}
}

func TestRecord(t *testing.T) {
	text, err := custody.New(sample(), bytes.NewReader(bytes.Repeat([]byte{5}, 16)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := custody.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Type, want.TimeSource, want.ID = custody.Type, custody.SystemClock, sign.ID(bytes.Repeat([]byte{5}, 16))
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("read as %+v", got)
	}
	if _, err := custody.New(sample(), bytes.NewReader(nil)); err == nil {
		t.Error("an id of nothing")
	}
}

func TestMembers(t *testing.T) {
	type R = custody.Record
	for name, c := range map[string]struct {
		change func(*R)
		member string
	}{
		"order approved":   {func(r *R) { r.Event, r.Package, r.Objects = custody.OrderApproved, nil, nil }, ""},
		"approved of what": {func(r *R) { r.Event, r.DerivedFrom = custody.OrderApproved, nil }, "derived_from"},
		"started":          {func(r *R) { r.Event, r.Objects = custody.ExportStarted, nil }, ""},
		"started of none":  {func(r *R) { r.Event, r.Package = custody.ExportStarted, nil }, "package"},
		"stored":           {func(r *R) { r.Event = custody.Stored }, ""},
		"stored nothing":   {func(r *R) { r.Event, r.Objects = custody.Stored, nil }, "objects"},
		"released":         {func(r *R) { r.Event, r.DerivedFrom = custody.Released, nil }, ""},
		"refused":          {func(r *R) { r.Event, r.Package, r.Objects, r.DerivedFrom = custody.Refused, nil, nil, nil }, ""},
		"reserved":         {func(r *R) { r.Event = "destroyed" }, "event"},
		"received":         {received, ""},
		"received, signed": {func(r *R) {
			received(r)
			r.Objects = append(r.Objects, custody.Object{Name: custody.ObjectInstrumentSignature, Size: 2, SHA256: sign.Sum([]byte("signature"))})
		}, ""},
		"received nothing":        {func(r *R) { received(r); r.Objects = nil }, "objects"},
		"received no instrument":  {func(r *R) { received(r); r.Objects = r.Objects[:1] }, "objects"},
		"received too much":       {func(r *R) { received(r); r.Objects = append(r.Objects, r.Objects...) }, "objects"},
		"received something else": {func(r *R) { received(r); r.Objects[1].Name = "letter" }, "objects[1].name"},
		"received another order":  {func(r *R) { received(r); r.Objects[0].SHA256 = sign.Sum(nil) }, "objects[0].sha256"},
		"reviewed":                {func(r *R) { r.Event, r.Package, r.Objects = custody.OrderReviewed, nil, nil }, ""},
		"reviewed of what":        {func(r *R) { r.Event, r.DerivedFrom = custody.OrderReviewed, nil }, "derived_from"},
		"withdrawn":               {func(r *R) { r.Event, r.Package, r.Objects = custody.OrderWithdrawn, nil, nil }, ""},
		"withdrawn of what":       {func(r *R) { r.Event, r.DerivedFrom = custody.OrderWithdrawn, nil }, "derived_from"},
		"superseded":              {func(r *R) { r.Event, r.Package, r.Objects = custody.OrderSuperseded, nil, nil }, ""},
		"superseded of what":      {func(r *R) { r.Event, r.DerivedFrom = custody.OrderSuperseded, nil }, "derived_from"},
		"hold lifted":             {func(r *R) { r.Event, r.Package, r.Objects = custody.HoldLifted, nil, nil }, ""},
		"hold lifted by what":     {func(r *R) { r.Event, r.DerivedFrom = custody.HoldLifted, nil }, "derived_from"},
		"notice sent":             {func(r *R) { sent(r, "2026-01-31T09:30:00Z") }, ""},
		"notice sent by post": {func(r *R) {
			sent(r, "2026-01-31T09:30:00Z")
			r.Details = append(r.Details, custody.Detail{Name: "way"})
		}, ""},
		"notice sent some day": {func(r *R) { sent(r, "2026-01-31") }, "details[0].value"},
		"notice sent never":    {func(r *R) { sent(r, ""); r.Details = nil }, "details"},
		"notice sent twice":    {func(r *R) { sent(r, "2026-01-31T09:30:00Z"); r.Details = append(r.Details, r.Details[0]) }, "details[1].name"},
		"delivered":            {func(r *R) { r.Event, r.Objects, r.DerivedFrom = custody.Delivered, nil, nil }, ""},
		"delivered nothing":    {func(r *R) { r.Event, r.Package = custody.Delivered, nil }, "package"},
		"acknowledged":         {func(r *R) { r.Event, r.Objects, r.DerivedFrom = custody.Acknowledged, nil, nil }, ""},
		"acknowledged nothing": {func(r *R) { r.Event, r.Package = custody.Acknowledged, nil }, "package"},
		"closed":               {func(r *R) { r.Event, r.Package, r.Objects, r.DerivedFrom = custody.Closed, nil, nil, nil }, ""},
		"closed of no order":   {func(r *R) { r.Event, r.Authority = custody.Closed, custody.Authority{} }, "authority.order"},
		"no order":             {func(r *R) { r.Authority = custody.Authority{} }, "authority.order"},
		"half an authority":    {func(r *R) { r.Authority.Reference = nil }, "authority"},
		"actor":                {func(r *R) { r.Actor.Holder = "" }, "actor.holder"},
		"object's name":        {func(r *R) { r.Objects[0].Name = "" }, "objects[0].name"},
		"object's size":        {func(r *R) { r.Objects[0].Size = -1 }, "objects[0].size"},
		"instrument":           {func(r *R) { r.Instrument.Name = "" }, "instrument.name"},
		"detail's name":        {func(r *R) { r.Details[0].Name = "" }, "details[0].name"},
	} {
		r := sample()
		c.change(&r)
		_, err := custody.New(r, rand.Reader)
		var bad *sign.MemberError
		if c.member == "" && err != nil || c.member != "" && (!errors.As(err, &bad) || bad.Member != c.member) {
			t.Errorf("%s: %v", name, err)
		}
		r.Type, r.TimeSource = custody.Type, custody.SystemClock
		if text, err := sign.MarshalDocument(&r); err == nil {
			if _, err := custody.Parse(text); (err == nil) != (c.member == "") {
				t.Errorf("%s, read: %v", name, err)
			}
		}
	}
}

func received(r *custody.Record) {
	r.Event, r.Package, r.DerivedFrom = custody.OrderReceived, nil, nil
	r.Objects = []custody.Object{
		{Name: custody.ObjectOrder, Size: 5, SHA256: order}, {Name: custody.ObjectInstrument, Size: 9, SHA256: sign.Sum([]byte("instrument"))},
	}
}

func sent(r *custody.Record, at string) {
	r.Event, r.Package, r.Objects, r.DerivedFrom = custody.NoticeSent, nil, nil, nil
	r.Details = []custody.Detail{{Name: custody.DetailSent, Value: at}}
}

func TestKeys(t *testing.T) {
	leaf, id := sign.Sum([]byte("leaf")), sign.ID{1}
	for got, want := range map[string]string{
		custody.KeyringKey(leaf):              "custody/records/keyring/" + leaf.String() + ".json",
		custody.PolicyKey(leaf):               "custody/records/policy/" + leaf.String() + ".json",
		custody.RecordKey(order, leaf):        "custody/records/order/" + order.String() + "/" + leaf.String() + ".json",
		custody.OrderKey(order):               "custody/records/order/" + order.String() + "/order",
		custody.InstrumentKey(order):          "custody/records/order/" + order.String() + "/instrument",
		custody.InstrumentSignatureKey(order): "custody/records/order/" + order.String() + "/instrument-signature",
		custody.SourcesKey(order, id, 2):      "custody/records/order/" + order.String() + "/sources-01000000000000000000000000000000-2.jsonl",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	signer, err := detached.Generate("K <k@provider.example>", start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := custody.New(sample(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sign.NewSigned(text, signer, start, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	key := custody.RecordKey(order, s.LeafHash())
	if got, err := custody.Open(key, data); err != nil || got.LeafHash() != s.LeafHash() {
		t.Errorf("opened: %v", err)
	}
	for _, wrong := range []string{custody.RecordKey(order, order), strings.TrimSuffix(key, ".json"), key + ".json", ""} {
		if _, err := custody.Open(wrong, data); !errors.Is(err, custody.ErrName) {
			t.Errorf("as %q: %v", wrong, err)
		}
	}
	if _, err := custody.Open(key, text); err == nil {
		t.Error("a bare text is taken for a signed file")
	}
}

func TestClaim(t *testing.T) {
	id := sign.ID{1, 2}
	text, err := custody.NewClaim(id, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"type\": \"exhibit/claim/v1\",\n  \"package\": \"01020000000000000000000000000000\",\n  \"sequence\": 2\n}\n"
	if string(text) != want {
		t.Errorf("claim is %s", text)
	}
	if c, err := custody.ParseClaim(text); err != nil || c.Package != id || c.Sequence != 2 {
		t.Errorf("read as %+v, %v", c, err)
	}
	if _, err := custody.NewClaim(id, 0); err == nil {
		t.Error("package 0")
	}
	if _, err := custody.ParseClaim(bytes.Replace(text, []byte("2\n}"), []byte("0\n}"), 1)); err == nil {
		t.Error("package 0 is read")
	}
	key := [32]byte{7}
	m := hmac.New(sha256.New, key[:])
	m.Write(order[:])
	m.Write([]byte{0, 0, 0, 0, 0, 0, 1, 2})
	if got := custody.ClaimKey(key, order, 258); got != "claims/"+hex.EncodeToString(m.Sum(nil)) {
		t.Errorf("claim's name %s", got)
	}
}

func FuzzRecord(f *testing.F) {
	text, err := custody.New(sample(), bytes.NewReader(make([]byte, 16)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("sealed"), []byte("opened"), 1))
	f.Add(bytes.Replace(text, []byte("sealed"), []byte("order-received"), 1))
	f.Add(bytes.Replace(text, []byte("sealed"), []byte("notice-sent"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := custody.Parse(text)
		if err == nil {
			if again, err := sign.MarshalDocument(r); err != nil || !bytes.Equal(again, text) {
				t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
			}
		}
		if c, err := custody.ParseClaim(text); err == nil {
			if again, err := custody.NewClaim(c.Package, c.Sequence); err != nil || !bytes.Equal(again, text) {
				t.Fatalf("accepted claim %q, which is written as %q (%v)", text, again, err)
			}
		}
	})
}
