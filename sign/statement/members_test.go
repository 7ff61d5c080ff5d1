package statement_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"exhibit/sign"
	"exhibit/sign/statement"
)

// decided returns a statement of that decision with all that it needs.
func decided(d statement.Decision, fingerprint string) statement.Statement {
	s := statement.Statement{
		Decision: d, Provider: provider, Order: order, Policy: rules,
		Person: sign.Person{Name: "dave", Holder: "Dave", Role: sign.Reviewer, Fingerprint: fingerprint},
		Time:   sign.At(start.Add(hour)),
	}
	switch d {
	case statement.Accept:
		s.Entire, s.Admitted = statement.List[string]{}, statement.List[statement.Admitted]{}
	case statement.AcceptInPart:
		s.Narrowing = []statement.Narrowed{
			{Account: "b@mail.example", From: ref(sign.At(start)), Until: ref(sign.At(now)), Categories: []string{statement.Traffic, statement.Subscriber}},
			{Account: "a@mail.example", Entire: true, Categories: []string{statement.Content}},
		}
		s.Entire, s.Ground = []string{"a@mail.example"}, ref("too long a span")
		s.Admitted = []statement.Admitted{
			{Account: "a@mail.example", SHA256: sign.Digest{1}, Ground: "a draft of the span"},
			{Account: "a@mail.example", SHA256: sign.Digest{2}, Ground: "another"},
			{Account: "b@mail.example", SHA256: sign.Digest{1}, Ground: "a third"},
		}
	case statement.Approve:
		s.Person.Name, s.Person.Holder, s.Person.Role = "bob", "Bob", sign.Approver
		s.Sequence, s.Review = ref(int64(1)), &sign.Digest{7}
	case statement.Supersede:
		s.Successor, s.Ground = &sign.Digest{8}, ref("corrected")
	default:
		s.Ground = ref("for this reason")
	}
	return s
}

var decisions = []statement.Decision{
	statement.Accept, statement.AcceptInPart, statement.Refuse, statement.Approve,
	statement.NoRefusal, statement.Withdraw, statement.Supersede,
}

var fp = strings.Repeat("0A", 20)

// check writes and reads s: both must refuse the member, or take all if it is "".
func check(t *testing.T, name string, s statement.Statement, member string) {
	t.Helper()
	text, err := s.Marshal()
	s.Type = statement.Type
	if member == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if got, err := statement.Parse(text); err != nil || !reflect.DeepEqual(*got, s) {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
		return
	}
	var bad *sign.MemberError
	if !errors.As(err, &bad) || bad.Member != member {
		t.Errorf("%s: %v, want %s", name, err, member)
	}
	if text, err = sign.MarshalDocument(&s); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if _, err = statement.Parse(text); !errors.As(err, &bad) || bad.Member != member {
		t.Errorf("%s, read: %v, want %s", name, err, member)
	}
}

func TestMembers(t *testing.T) {
	type S = statement.Statement
	other := sign.ID{1}
	for _, c := range []struct {
		decision statement.Decision
		name     string
		change   func(*S)
		member   string
	}{
		{statement.Approve, "all members", func(s *S) {
			s.Sequence, s.Supersedes, s.Expires, s.Ground = ref(int64(2)), &other, ref(sign.At(now)), ref("valid")
		}, ""},
		{"approved", "unknown", func(*S) {}, "decision"},
		{statement.Accept, "provider", func(s *S) { s.Provider = "" }, "provider"},
		{statement.Accept, "reference", func(s *S) { s.Order.Reference = "" }, "order.reference"},
		{statement.Approve, "sequence 0", func(s *S) { s.Sequence = ref(int64(0)) }, "sequence"},
		{statement.Approve, "second of none", func(s *S) { s.Sequence = ref(int64(2)) }, "supersedes"},
		{statement.Approve, "first of another", func(s *S) { s.Supersedes = &other }, "supersedes"},
		{statement.Approve, "expires at once", func(s *S) { s.Expires = &s.Time }, "expires"},
		{statement.Approve, "no ground", func(s *S) { s.Ground = nil }, ""},
		{statement.Approve, "emergency", func(s *S) { s.Emergency, s.Ground = true, ref("a child is missing") }, ""},
		{statement.Approve, "emergency without a ground", func(s *S) { s.Emergency = true }, "ground"},
		{statement.Accept, "empty ground", func(s *S) { s.Ground = ref("") }, "ground"},
		{statement.Accept, "ground", func(s *S) { s.Ground = ref(strings.Repeat("x", statement.MaxGround)) }, ""},
		{statement.Accept, "long ground", func(s *S) { s.Ground = ref(strings.Repeat("x", statement.MaxGround+1)) }, "ground"},
		{statement.Accept, "person's name", func(s *S) { s.Person.Name = "" }, "person.name"},
		{statement.Accept, "holder", func(s *S) { s.Person.Holder = "" }, "person.holder"},
		{statement.Accept, "role", func(s *S) { s.Person.Role = "king" }, "person.role"},
		{statement.Accept, "fingerprint", func(s *S) { s.Person.Fingerprint = "00" }, "person.fingerprint"},
		{statement.Accept, "entire", func(s *S) { s.Entire = []string{"a", "b"} }, ""},
		{statement.Accept, "entire unsorted", func(s *S) { s.Entire = []string{"b", "a"} }, "entire[1]"},
		{statement.Accept, "entire twice", func(s *S) { s.Entire = []string{"a", "a"} }, "entire[1]"},
		{statement.Accept, "entire empty name", func(s *S) { s.Entire = []string{""} }, "entire[0]"},
	} {
		s := decided(c.decision, fp)
		c.change(&s)
		check(t, fmt.Sprintf("%s: %s", c.decision, c.name), s, c.member)
	}
}

// Every decision has its own members, and no others.
func TestMembersByDecision(t *testing.T) {
	type S = statement.Statement
	digest, id, when := &sign.Digest{1}, &sign.ID{1}, ref(sign.At(now))
	for _, m := range []struct {
		name   string
		needs  string // decisions, by their words
		may    string
		set    func(*S)
		remove func(*S)
	}{
		{"sequence", "approve", "", func(s *S) { s.Sequence = ref(int64(1)) }, func(s *S) { s.Sequence = nil }},
		{"review", "approve", "", func(s *S) { s.Review = digest }, func(s *S) { s.Review = nil }},
		{"supersedes", "", "", func(s *S) { s.Supersedes = id }, func(s *S) { s.Supersedes = nil }},
		{"narrowing", "accept-in-part", "", func(s *S) { s.Narrowing = []statement.Narrowed{} }, func(s *S) { s.Narrowing = nil }},
		{"entire", "accept accept-in-part", "", func(s *S) { s.Entire = []string{} }, func(s *S) { s.Entire = nil }},
		{"admitted", "accept accept-in-part", "", func(s *S) { s.Admitted = []statement.Admitted{} }, func(s *S) { s.Admitted = nil }},
		{"emergency", "", "approve", func(s *S) { s.Emergency, s.Ground = true, ref("danger") }, func(s *S) { s.Emergency = false }},
		{"successor", "supersede", "", func(s *S) { s.Successor = digest }, func(s *S) { s.Successor = nil }},
		{"expires", "", "approve", func(s *S) { s.Expires = when }, func(s *S) { s.Expires = nil }},
		{"ground", "accept-in-part refuse no-refusal withdraw supersede", "accept approve", func(s *S) { s.Ground = ref("so") }, func(s *S) { s.Ground = nil }},
	} {
		for _, d := range decisions {
			has := func(words string) bool { return strings.Contains(" "+words+" ", " "+string(d)+" ") }
			without, with := decided(d, fp), decided(d, fp)
			m.remove(&without)
			m.set(&with)
			if has(m.needs) {
				check(t, fmt.Sprintf("%s without %s", d, m.name), without, m.name)
				continue
			}
			check(t, fmt.Sprintf("%s without %s", d, m.name), without, "")
			if has(m.may) {
				check(t, fmt.Sprintf("%s with %s", d, m.name), with, "")
			} else {
				check(t, fmt.Sprintf("%s with %s", d, m.name), with, m.name)
			}
		}
	}
}

func TestNarrowing(t *testing.T) {
	type N = statement.Narrowed
	for name, c := range map[string]struct {
		change func(*statement.Statement, []N)
		member string
	}{
		"as it is":           {func(*statement.Statement, []N) {}, ""},
		"no account":         {func(_ *statement.Statement, n []N) { n[0].Account = "" }, "narrowing[0].account"},
		"account twice":      {func(_ *statement.Statement, n []N) { n[1].Account = n[0].Account }, "narrowing[1].account"},
		"no from":            {func(_ *statement.Statement, n []N) { n[0].From = nil }, "narrowing[0].from"},
		"no until":           {func(_ *statement.Statement, n []N) { n[0].Until = nil }, "narrowing[0].until"},
		"empty span":         {func(_ *statement.Statement, n []N) { n[0].Until = n[0].From }, "narrowing[0].until"},
		"entire from":        {func(_ *statement.Statement, n []N) { n[1].From = n[0].From }, "narrowing[1].from"},
		"entire until":       {func(_ *statement.Statement, n []N) { n[1].Until = n[0].Until }, "narrowing[1].until"},
		"no categories":      {func(_ *statement.Statement, n []N) { n[0].Categories = nil }, "narrowing[0].categories"},
		"unknown category":   {func(_ *statement.Statement, n []N) { n[0].Categories[1] = "Traffic" }, "narrowing[0].categories[1]"},
		"category twice":     {func(_ *statement.Statement, n []N) { n[0].Categories[1] = statement.Traffic }, "narrowing[0].categories[1]"},
		"entire not said":    {func(s *statement.Statement, _ []N) { s.Entire = []string{} }, "entire"},
		"entire of another":  {func(s *statement.Statement, _ []N) { s.Entire = []string{"b@mail.example"} }, "entire"},
		"empty":              {func(s *statement.Statement, _ []N) { s.Narrowing, s.Entire = []N{}, []string{} }, "narrowing"},
		"admitted unsorted":  {func(s *statement.Statement, _ []N) { s.Admitted[0].SHA256 = sign.Digest{3} }, "admitted[1]"},
		"admitted accounts":  {func(s *statement.Statement, _ []N) { s.Admitted[0].Account = "c@mail.example" }, "admitted[1]"},
		"admitted twice":     {func(s *statement.Statement, _ []N) { s.Admitted[1].SHA256 = sign.Digest{1} }, "admitted[1]"},
		"admitted nowhere":   {func(s *statement.Statement, _ []N) { s.Admitted[0].Account = "" }, "admitted[0].account"},
		"admitted for none":  {func(s *statement.Statement, _ []N) { s.Admitted[0].Ground = "" }, "admitted[0].ground"},
		"admitted at length": {func(s *statement.Statement, _ []N) { s.Admitted[0].Ground = strings.Repeat("x", statement.MaxGround) }, ""},
		"admitted too long":  {func(s *statement.Statement, _ []N) { s.Admitted[0].Ground = strings.Repeat("x", statement.MaxGround+1) }, "admitted[0].ground"},
	} {
		s := decided(statement.AcceptInPart, fp)
		c.change(&s, s.Narrowing)
		check(t, name, s, c.member)
	}
}

func TestAdmittedLimit(t *testing.T) {
	s := decided(statement.Accept, fp)
	for i := range statement.MaxAdmitted {
		s.Admitted = append(s.Admitted, statement.Admitted{Account: "a", SHA256: sign.Digest{byte(i >> 8), byte(i)}, Ground: "x"})
	}
	check(t, "at the limit", s, "")
	s.Admitted = append(s.Admitted, statement.Admitted{Account: "b", Ground: "x"})
	check(t, "past the limit", s, "admitted")
}

// null and [] are two texts, and only one of them is right.
func TestNullIsNoList(t *testing.T) {
	text, err := decided(statement.Accept, fp).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"narrowing": null`, `"entire": []`, `"admitted": []`, `"sequence": null`, `"emergency": false`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	for _, c := range [][2]string{{`"narrowing": null`, `"narrowing": []`}, {`"entire": []`, `"entire": null`}, {`"admitted": []`, `"admitted": null`}} {
		if _, err := statement.Parse(bytes.Replace(text, []byte(c[0]), []byte(c[1]), 1)); err == nil {
			t.Errorf("%s is read as %s", c[1], c[0])
		}
	}
}

func TestOldVersion(t *testing.T) {
	text, err := decided(statement.Approve, fp).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Replace(text, []byte("/v2"), []byte("/v1"), 1)
	var typ *sign.TypeError
	if _, err := statement.Parse(old); !errors.Is(err, statement.ErrOldVersion) || !errors.As(err, &typ) {
		t.Errorf("version 1: %v", err)
	}
	if _, err := statement.Parse(bytes.Replace(text, []byte("/v2"), []byte("/v3"), 1)); err == nil || errors.Is(err, statement.ErrOldVersion) {
		t.Errorf("version 3: %v", err)
	}
}

func FuzzStatement(f *testing.F) {
	for _, d := range decisions {
		text, err := decided(d, fp).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(bytes.Replace(text, []byte("null"), []byte(`"2026-01-31T09:30:00Z"`), 1))
		f.Add(bytes.Replace(text, []byte("null"), []byte("[]"), 1))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := statement.Parse(text)
		if err != nil {
			return
		}
		if again, err := s.Marshal(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
