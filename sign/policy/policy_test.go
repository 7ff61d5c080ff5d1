package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/policy"
)

const provider = "Example Mail"

var (
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now   = start.Add(48 * time.Hour)
	fp    = strings.Repeat("0A", 20)
)

type P = policy.Policy

func ref[T any](v T) *T { return &v }

func sample(signer string) P {
	p := policy.Default(2)
	p.Provider, p.Serial, p.Time, p.Signer = provider, 1, sign.At(start), signer
	return p
}

// check writes and reads p: both must refuse the member, or take all if it is "".
func check(t *testing.T, name string, p P, member string) {
	t.Helper()
	text, err := p.Marshal()
	p.Type = policy.Type
	if member == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if got, err := policy.Parse(text); err != nil || !reflect.DeepEqual(*got, p) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
		return
	}
	var bad *sign.MemberError
	if !errors.As(err, &bad) || bad.Member != member {
		t.Errorf("%s: %v, want %s", name, err, member)
	}
	if text, err = sign.MarshalDocument(&p); err != nil {
		return // the number itself cannot be written
	}
	if _, err := policy.Parse(text); !errors.As(err, &bad) || bad.Member != member {
		t.Errorf("%s, read: %v, want %s", name, err, member)
	}
}

func TestMembers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*P)
		member string
	}{
		"as it is":                {func(*P) {}, ""},
		"no provider":             {func(p *P) { p.Provider = "" }, "provider"},
		"provider 4096":           {func(p *P) { p.Provider = strings.Repeat("x", 4096) }, ""},
		"provider 4097":           {func(p *P) { p.Provider = strings.Repeat("x", 4097) }, "provider"},
		"serial 0":                {func(p *P) { p.Serial = 0 }, "serial"},
		"no emergency":            {func(p *P) { p.Emergency = nil }, ""},
		"emergency persons 0":     {func(p *P) { p.Emergency.Persons = 0 }, "emergency.persons"},
		"emergency persons 10":    {func(p *P) { p.Emergency.Persons = 10 }, ""},
		"emergency persons 11":    {func(p *P) { p.Emergency.Persons = 11 }, "emergency.persons"},
		"emergency hours 0":       {func(p *P) { p.Emergency.Hours = 0 }, "emergency.hours"},
		"emergency hours 168":     {func(p *P) { p.Emergency.Hours = 168 }, ""},
		"emergency hours 169":     {func(p *P) { p.Emergency.Hours = 169 }, "emergency.hours"},
		"house minutes 0":         {func(p *P) { p.HouseMinutes = 0 }, "house_minutes"},
		"house minutes 1":         {func(p *P) { p.HouseMinutes = 1 }, ""},
		"house minutes 525600":    {func(p *P) { p.HouseMinutes = 525600 }, ""},
		"house minutes 525601":    {func(p *P) { p.HouseMinutes = 525601 }, "house_minutes"},
		"retention 0":             {func(p *P) { p.RetentionDays = 0 }, "retention_days"},
		"retention 36500":         {func(p *P) { p.RetentionDays = 36500 }, ""},
		"retention 36501":         {func(p *P) { p.RetentionDays = 36501 }, "retention_days"},
		"lock compliance":         {func(p *P) { p.Lock = policy.LockCompliance }, ""},
		"lock governance":         {func(p *P) { p.Lock = "governance" }, "lock"},
		"span 0":                  {func(p *P) { p.MaxSpanDays = 0 }, "max_span_days"},
		"span 36500":              {func(p *P) { p.MaxSpanDays = 36500 }, ""},
		"span 36501":              {func(p *P) { p.MaxSpanDays = 36501 }, "max_span_days"},
		"no kinds":                {func(p *P) { p.KeyKinds = nil }, "key_kinds"},
		"kinds unsorted":          {func(p *P) { slices.Reverse(p.KeyKinds) }, "key_kinds[1]"},
		"kind twice":              {func(p *P) { p.KeyKinds[1] = p.KeyKinds[0] }, "key_kinds[1]"},
		"kind unknown":            {func(p *P) { p.KeyKinds[0] = "age" }, "key_kinds[0]"},
		"kind of instruments":     {func(p *P) { p.KeyKinds = append(p.KeyKinds, sign.X509) }, "key_kinds[4]"},
		"kind of logs":            {func(p *P) { p.KeyKinds = []sign.KeyKind{sign.Note} }, "key_kinds[0]"},
		"volume 2^20":             {func(p *P) { p.VolumeBytes = 1 << 20 }, ""},
		"volume 2^20 - 1":         {func(p *P) { p.VolumeBytes = 1<<20 - 1 }, "volume_bytes"},
		"volume 2^36":             {func(p *P) { p.VolumeBytes = 1 << 36 }, ""},
		"volume 2^36 + 1":         {func(p *P) { p.VolumeBytes = 1<<36 + 1 }, "volume_bytes"},
		"time-stamp":              {func(p *P) { p.Timestamp, p.Padding = true, false }, ""},
		"witnesses 16":            {func(p *P) { p.Witnesses = 16 }, ""},
		"witnesses 17":            {func(p *P) { p.Witnesses = 17 }, "witnesses"},
		"witnesses less than one": {func(p *P) { p.Witnesses = -1 }, "witnesses"},
		"signer":                  {func(p *P) { p.Signer = strings.ToLower(fp) }, "signer"},
	} {
		p := sample(fp)
		c.change(&p)
		check(t, name, p, c.member)
	}
}

func TestApprovals(t *testing.T) {
	eu, us := ref("eu-2023-1543"), ref("us-2703")
	routine, urgent, emergency := ref(policy.PriorityRoutine), ref(policy.PriorityUrgent), ref(policy.PriorityEmergency)
	all := []policy.Rule{
		{nil, nil, 2}, {nil, routine, 3}, {nil, urgent, 4}, {nil, emergency, 1},
		{eu, nil, 5}, {eu, emergency, 6}, {us, routine, 7},
	}
	for name, c := range map[string]struct {
		rules  []policy.Rule
		member string
	}{
		"all":                {all, ""},
		"none":               {[]policy.Rule{}, "approvals"},
		"not for all":        {all[1:], "approvals"},
		"persons 0":          {[]policy.Rule{{nil, nil, 0}}, "approvals[0].persons"},
		"persons 1":          {[]policy.Rule{{nil, nil, 1}}, ""},
		"persons 10":         {[]policy.Rule{{nil, nil, 10}}, ""},
		"persons 11":         {[]policy.Rule{{nil, nil, 11}}, "approvals[0].persons"},
		"twice":              {[]policy.Rule{all[0], all[4], all[4]}, "approvals[2]"},
		"regimes unsorted":   {[]policy.Rule{all[0], all[6], all[5]}, "approvals[2]"},
		"priority unsorted":  {[]policy.Rule{all[0], all[2], all[1]}, "approvals[2]"},
		"null last":          {[]policy.Rule{all[0], all[5], all[4]}, "approvals[2]"},
		"unknown priority":   {[]policy.Rule{all[0], {nil, ref("high"), 1}}, "approvals[1].priority"},
		"no name of regimes": {[]policy.Rule{all[0], {ref("EU"), nil, 1}}, "approvals[1].regime"},
		"no name":            {[]policy.Rule{all[0], {ref(""), nil, 1}}, "approvals[1].regime"},
	} {
		p := sample(fp)
		p.Approvals = c.rules
		check(t, name, p, c.member)
	}
	p := sample(fp)
	p.Approvals = all
	for _, c := range []struct {
		regime, priority string
		persons          int64
	}{
		{"eu-2023-1543", "emergency", 6}, {"eu-2023-1543", "routine", 5}, {"us-2703", "routine", 7},
		{"us-2703", "urgent", 4}, {"us-2703", "emergency", 1}, {"uk-cop-2019", "routine", 3}, {"uk-cop-2019", "", 2},
	} {
		if got := p.Persons(c.regime, c.priority); got != c.persons {
			t.Errorf("%s, %s: %d persons, want %d", c.regime, c.priority, got, c.persons)
		}
	}
	if got := new(P).Persons("us-2703", "routine"); got <= policy.MaxPersons {
		t.Errorf("without any rule %d persons are enough", got)
	}
}

// Lists are taken at their limit and refused one past it.
func TestListLimits(t *testing.T) {
	p := sample(fp)
	for i := range policy.MaxApprovals - 1 {
		p.Approvals = append(p.Approvals, policy.Rule{Regime: ref(fmt.Sprintf("r%04d", i)), Persons: 1})
	}
	check(t, "1000 rules", p, "")
	p.Approvals = append(p.Approvals, policy.Rule{Regime: ref("s"), Persons: 1})
	check(t, "1001 rules", p, "approvals")

	p = sample(fp)
	regime := p.Regimes[0]
	p.Regimes = nil
	for i := range policy.MaxRegimes {
		regime.Name = fmt.Sprintf("r%04d", i)
		p.Regimes = append(p.Regimes, regime)
	}
	check(t, "1000 regimes", p, "")
	regime.Name = "s"
	p.Regimes = append(p.Regimes, regime)
	check(t, "1001 regimes", p, "regimes")
}

func TestRegimes(t *testing.T) {
	type R = policy.Regime
	type L = []policy.Period
	routine, emergency := ref(policy.PriorityRoutine), ref(policy.PriorityEmergency)
	for name, c := range map[string]struct {
		change func(*R)
		member string
	}{
		"as it is":           {func(*R) {}, ""},
		"no name":            {func(r *R) { r.Name = "" }, "name"},
		"name 64":            {func(r *R) { r.Name = strings.Repeat("x", 64) }, ""},
		"name 65":            {func(r *R) { r.Name = strings.Repeat("x", 65) }, "name"},
		"other name":         {func(r *R) { r.Name = "eu_1" }, "name"},
		"no title":           {func(r *R) { r.Title = "" }, "title"},
		"title 4096":         {func(r *R) { r.Title = strings.Repeat("x", 4096) }, ""},
		"title 4097":         {func(r *R) { r.Title = strings.Repeat("x", 4097) }, "title"},
		"no source":          {func(r *R) { r.Source = "" }, "source"},
		"source 4097":        {func(r *R) { r.Source = strings.Repeat("x", 4097) }, "source"},
		"no columns":         {func(r *R) { r.Subscriber = ref("") }, "subscriber"},
		"columns":            {func(r *R) { r.Subscriber = ref("us-2703c2") }, ""},
		"hours 0":            {func(r *R) { r.Hold = L{{nil, 0, nil}} }, ""},
		"hours 876000":       {func(r *R) { r.Hold = L{{nil, 876000, ref(int64(876000))}} }, ""},
		"hours 876001":       {func(r *R) { r.Hold = L{{nil, 876001, nil}} }, "hold[0].hours"},
		"hours less than 0":  {func(r *R) { r.Due = L{{nil, -1, nil}} }, "due[0].hours"},
		"again 876001":       {func(r *R) { r.Preservation = L{{nil, 1, ref(int64(876001))}} }, "preservation[0].again"},
		"unknown priority":   {func(r *R) { r.Objection = L{{ref("x"), 1, nil}} }, "objection[0].priority"},
		"priorities":         {func(r *R) { r.NoticeDelay = L{{nil, 1, nil}, {routine, 1, nil}, {emergency, 1, nil}} }, ""},
		"one only":           {func(r *R) { r.NoticeDelay = L{{emergency, 1, nil}} }, ""},
		"priority twice":     {func(r *R) { r.NoticeDelay = L{{routine, 1, nil}, {routine, 1, nil}} }, "notice_delay[1].priority"},
		"null twice":         {func(r *R) { r.NoticeDelay = L{{nil, 1, nil}, {nil, 1, nil}} }, "notice_delay[1].priority"},
		"priority unsorted":  {func(r *R) { r.Due = L{{emergency, 1, nil}, {routine, 1, nil}} }, "due[1].priority"},
		"null not the first": {func(r *R) { r.Due = L{{emergency, 1, nil}, {nil, 1, nil}} }, "due[1].priority"},
	} {
		p := sample(fp)
		p.Regimes = p.Regimes[:1]
		c.change(&p.Regimes[0])
		member := c.member
		if member != "" {
			member = "regimes[0]." + member
		}
		check(t, name, p, member)
	}
	p := sample(fp)
	p.Regimes[1].Name = p.Regimes[0].Name
	check(t, "regime twice", p, "regimes[1].name")
	p = sample(fp)
	slices.Reverse(p.Regimes)
	check(t, "regimes unsorted", p, "regimes[1].name")
	p = sample(fp)
	p.Regimes = []R{}
	check(t, "no regimes", p, "")
}

func TestLookups(t *testing.T) {
	p := sample(fp)
	if !p.Allows(sign.OpenPGP) || p.Allows(sign.X509) {
		t.Error("key kinds that are allowed")
	}
	eu, ok := p.Regime("eu-2023-1543")
	if _, unknown := p.Regime("eu"); !ok || unknown {
		t.Fatal("regimes that are listed")
	}
	for _, c := range []struct {
		what     string
		periods  []policy.Period
		priority string
		hours    int64
		there    bool
	}{
		{"due", eu.Due, "routine", 240, true}, {"due", eu.Due, "urgent", 240, true}, {"due", eu.Due, "emergency", 8, true},
		{"hold", eu.Hold, "routine", 240, true}, {"hold", eu.Hold, "emergency", 0, true},
		{"objection", eu.Objection, "routine", 0, false}, {"objection", eu.Objection, "emergency", 96, true},
		{"notice delay", eu.NoticeDelay, "routine", 0, false}, {"preservation", eu.Preservation, "urgent", 1440, true},
	} {
		if got, ok := policy.For(c.periods, c.priority); ok != c.there || got.Hours != c.hours {
			t.Errorf("%s, %s: %+v, %v", c.what, c.priority, got, ok)
		}
	}
}

func TestOldVersion(t *testing.T) {
	text, err := sample(fp).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Parse(bytes.Replace(text, []byte("/v2"), []byte("/v1"), 1)); !errors.Is(err, policy.ErrOldVersion) {
		t.Errorf("version 1: %v", err)
	}
	var typ *sign.TypeError
	if _, err := policy.Parse(bytes.Replace(text, []byte("/v2"), []byte("/v3"), 1)); !errors.As(err, &typ) || errors.Is(err, policy.ErrOldVersion) {
		t.Errorf("version 3: %v", err)
	}
}

// Lists are [], never null.
func TestNoNullLists(t *testing.T) {
	p := sample(fp)
	p.Regimes = nil
	text, err := p.Marshal()
	if err != nil || !bytes.Contains(text, []byte(`"regimes": []`)) {
		t.Fatalf("%s, %v", text, err)
	}
	if _, err := policy.Parse(bytes.Replace(text, []byte(`"regimes": []`), []byte(`"regimes": null`), 1)); !errors.Is(err, sign.ErrNotCanonical) {
		t.Errorf("null: %v", err)
	}
}

func FuzzPolicy(f *testing.F) {
	text, err := sample(fp).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("true"), []byte("null"), 1))
	f.Add(bytes.Replace(text, []byte("[]"), []byte("null"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if err != nil {
			return
		}
		if again, err := p.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
