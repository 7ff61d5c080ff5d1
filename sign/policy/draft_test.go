package policy_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"exhibit/sign"
	"exhibit/sign/policy"

	"pgregory.net/rapid"
)

func TestDraft(t *testing.T) {
	p := policy.Default(2)
	data := p.Draft()
	got, err := policy.ParseDraft(data)
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("read as %+v, %v", got, err)
	}
	if !bytes.HasPrefix(data, []byte("{\n  \"approvals\": [\n    {\n      \"regime\": null,")) || !bytes.HasSuffix(data, []byte("\n}\n")) {
		t.Errorf("draft is %s", data)
	}
	// The order of members and white space are free.
	s := strings.Replace(string(data), "  \"padding\": true,\n", "", 1)
	s = "\n{ \"padding\":true ,\t" + s[1:] + "\r\n"
	if got, err = policy.ParseDraft([]byte(s)); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("in another order: %v", err)
	}
	if again := got.Draft(); !bytes.Equal(again, data) {
		t.Errorf("written again as %s", again)
	}
}

func TestDraftErrors(t *testing.T) {
	data := string(policy.Default(2).Draft())
	var member *sign.MemberError
	for name, c := range map[string]struct {
		from, to string
		pointer  string
		line     int
		want     error // nil: a *sign.MemberError
	}{
		"unknown":            {`"padding"`, `"paddings"`, "/paddings", lineOf(data, `"padding"`), policy.ErrUnknown},
		"other case":         {`"padding"`, `"Padding"`, "/Padding", lineOf(data, `"padding"`), policy.ErrUnknown},
		"serial":             {"{\n", "{\n  \"serial\": 7,\n", "/serial", 2, policy.ErrUnknown},
		"unknown further in": {`"persons"`, `"people"`, "/approvals/0/people", 6, policy.ErrUnknown},
		"twice":              {`"timestamp"`, `"padding"`, "/padding", lineOf(data, `"timestamp"`), policy.ErrTwice},
		"missing":            {"  \"padding\": true,\n", "", "/padding", 0, policy.ErrMissing},
		"missing further in": {",\n          \"again\": null", "", "/regimes/0/due/0/again", 0, policy.ErrMissing},
		"null for a number":  {`"witnesses": 0`, `"witnesses": null`, "/witnesses", lineOf(data, `"witnesses"`), policy.ErrKind},
		"null for a bool":    {`"timestamp": false`, `"timestamp": null`, "/timestamp", lineOf(data, `"timestamp"`), policy.ErrKind},
		"null for a list":    {`"hold": []`, `"hold": null`, "/regimes/0/hold", lineOf(data, `"hold"`), policy.ErrKind},
		"null for a text":    {`"lock": "none"`, `"lock": null`, "/lock", lineOf(data, `"lock"`), policy.ErrKind},
		"text for a number":  {`"house_minutes": 30`, `"house_minutes": "30"`, "/house_minutes", lineOf(data, `"house_minutes"`), policy.ErrKind},
		"fraction":           {`"house_minutes": 30`, `"house_minutes": 30.5`, "/house_minutes", lineOf(data, `"house_minutes"`), policy.ErrKind},
		"number for a text":  {`"lock": "none"`, `"lock": 1`, "/lock", lineOf(data, `"lock"`), policy.ErrKind},
		"out of bounds":      {`"house_minutes": 30`, `"house_minutes": 0`, "/house_minutes", lineOf(data, `"house_minutes"`), nil},
		"bounds further in":  {`"persons": 2`, `"persons": 11`, "/approvals/0/persons", 6, nil},
		"unsorted":           {`"name": "eu-2023-1543"`, `"name": "a"`, "/regimes/1/name", lineOf(data, `"name": "eu-2023-1543"`), nil},
	} {
		text := strings.Replace(data, c.from, c.to, 1)
		if text == data {
			t.Fatalf("%s: nothing was replaced", name)
		}
		_, err := policy.ParseDraft([]byte(text))
		var bad *policy.DraftError
		if !errors.As(err, &bad) || bad.Pointer != c.pointer || bad.Line != c.line {
			t.Errorf("%s: %v (%+v), want %s, line %d", name, err, bad, c.pointer, c.line)
			continue
		}
		if c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &member) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if !strings.Contains(err.Error(), c.pointer) {
			t.Errorf("%s: %q does not name %s", name, err, c.pointer)
		}
	}
}

func lineOf(text, part string) int { return 1 + strings.Count(text[:strings.Index(text, part)], "\n") }

func TestNoDraft(t *testing.T) {
	data := string(policy.Default(2).Draft())
	for name, text := range map[string]string{
		"nothing": "", "white space": " \n", "half": data[:len(data)/2], "a list": "[]", "null": "null", "a text": `"x"`,
		"two": data + data, "something after": data + "x", "a comment": "// mine\n" + data, "not UTF-8": strings.Replace(data, "California", "\xff", 1),
	} {
		var bad *policy.DraftError
		if p, err := policy.ParseDraft([]byte(text)); !errors.As(err, &bad) {
			t.Errorf("%s: read as %+v, %v", name, p, err)
		}
	}
	if _, err := policy.ParseDraft([]byte("{\n\"approvals\": [\n,]}")); !strings.Contains(err.Error(), "line 3") {
		t.Errorf("the line is not named: %v", err)
	}
}

func TestDraftLimit(t *testing.T) {
	data := policy.Default(2).Draft()
	data = append(data, bytes.Repeat([]byte{' '}, policy.MaxDraft-len(data))...)
	if _, err := policy.ParseDraft(data); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	var limit *sign.LimitError
	if _, err := policy.ParseDraft(append(data, ' ')); !errors.As(err, &limit) {
		t.Errorf("past the limit: %v", err)
	}
}

// Whatever is taken is written as it was, and read as the same again.
func TestDraftProperty(t *testing.T) {
	priority := rapid.SampledFrom([]*string{nil, ref(policy.PriorityRoutine), ref(policy.PriorityUrgent), ref(policy.PriorityEmergency)})
	rapid.Check(t, func(t *rapid.T) {
		p := policy.Default(rapid.Int64Range(0, 11).Draw(t, "persons"))
		p.HouseMinutes = rapid.Int64Range(-1, policy.MaxHouseMinutes+1).Draw(t, "minutes")
		p.Padding, p.Timestamp = rapid.Bool().Draw(t, "padding"), rapid.Bool().Draw(t, "time-stamp")
		p.Approvals = append(p.Approvals, policy.Rule{Priority: priority.Draw(t, "priority"), Persons: 3})
		r := &p.Regimes[rapid.IntRange(0, len(p.Regimes)-1).Draw(t, "regime")]
		r.Title = rapid.String().Draw(t, "title")
		r.Due = append(r.Due, policy.Period{Priority: priority.Draw(t, "of a period"), Hours: rapid.Int64Range(-1, policy.MaxHours+1).Draw(t, "hours")})
		got, err := policy.ParseDraft(p.Draft())
		signed := p
		signed.Provider, signed.Serial, signed.Time, signed.Signer = provider, 1, sign.At(start), fp
		if _, signErr := signed.Marshal(); (err == nil) != (signErr == nil) {
			t.Fatalf("as a draft %v, signed %v", err, signErr)
		}
		if err == nil && (!reflect.DeepEqual(got, p) || !bytes.Equal(got.Draft(), p.Draft())) {
			t.Fatalf("%+v is read as %+v", p, got)
		}
	})
}

func FuzzDraft(f *testing.F) {
	data := policy.Default(2).Draft()
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("30"), []byte("3e1"), 1))
	f.Add(bytes.Replace(data, []byte("padding"), []byte("lock"), 1))
	f.Add(bytes.Replace(data, []byte("[]"), []byte("null"), 1))
	f.Add([]byte(`{"approvals": [[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.ParseDraft(data)
		if err != nil {
			return
		}
		written := p.Draft()
		again, err := policy.ParseDraft(written)
		if err != nil || !reflect.DeepEqual(again, p) || !bytes.Equal(again.Draft(), written) {
			t.Fatalf("%q is read as %+v, then %+v (%v)", data, p, again, err)
		}
	})
}
