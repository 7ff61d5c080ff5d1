package confirmation_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"exhibit/sign"
	"exhibit/sign/confirmation"
)

const provider = "Example Mail"

var (
	signer = strings.Repeat("0A", 20)
	at     = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
)

// The bytes are the contract of FORMAT section 5.1.
const golden = `{
  "type": "exhibit/confirmation/v1",
  "provider": "Example Mail",
  "text": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  "time": "2026-01-31T09:30:00Z",
  "signer": "0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A"
}
`

func TestBytes(t *testing.T) {
	text, err := confirmation.New(provider, sign.Sum([]byte("abc")), at.Add(999*time.Millisecond), signer)
	if err != nil || string(text) != golden {
		t.Fatalf("%s, %v", text, err)
	}
	c, err := confirmation.Parse(text)
	want := confirmation.Confirmation{Type: confirmation.Type, Provider: provider, Text: sign.Sum([]byte("abc")), Time: sign.At(at), Signer: signer}
	if err != nil || *c != want {
		t.Fatalf("%+v, %v", c, err)
	}
}

func TestMembers(t *testing.T) {
	for name, c := range map[string]struct {
		provider, signer, member string
	}{
		"no provider":         {"", signer, "provider"},
		"provider too long":   {strings.Repeat("x", confirmation.MaxProvider+1), signer, "provider"},
		"no signer":           {provider, "", "signer"},
		"version 6 signer":    {provider, strings.Repeat("0A", 32), "signer"},
		"lower-case signer":   {provider, strings.ToLower(signer), "signer"},
		"provider, long":      {strings.Repeat("x", confirmation.MaxProvider), signer, ""},
		"provider, not ASCII": {"Beispiel-Post Österreich", signer, ""},
	} {
		_, err := confirmation.New(c.provider, sign.Digest{}, at, c.signer)
		var bad *sign.MemberError
		if c.member == "" && err != nil || c.member != "" && !(errors.As(err, &bad) && bad.Member == c.member) {
			t.Errorf("%s: %v", name, err)
		}
		if c.member == "" {
			continue
		}
		text, err := sign.MarshalDocument(&confirmation.Confirmation{Type: confirmation.Type, Provider: c.provider, Time: sign.At(at), Signer: c.signer})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := confirmation.Parse(text); !errors.As(err, &bad) || bad.Member != c.member {
			t.Errorf("%s is read: %v", name, err)
		}
	}
}

func TestParse(t *testing.T) {
	var typ *sign.TypeError
	if _, err := confirmation.Parse([]byte(strings.Replace(golden, "/v1", "/v2", 1))); !errors.As(err, &typ) {
		t.Errorf("next version: %v", err)
	}
	for name, text := range map[string]string{
		"empty":        "",
		"cut":          golden[:len(golden)-2],
		"trailing":     golden + "\n",
		"fraction":     strings.Replace(golden, "00Z", "00.0Z", 1),
		"zone":         strings.Replace(golden, "00Z", "00+00:00", 1),
		"upper digest": strings.Replace(golden, "ba78", "BA78", 1),
		"unknown":      strings.Replace(golden, `  "signer"`, "  \"x\": 1,\n  \"signer\"", 1),
		"twice":        strings.Replace(golden, `  "time"`, "  \"provider\": \"Example Mail\",\n  \"time\"", 1),
		"no time":      strings.Replace(golden, "  \"time\": \"2026-01-31T09:30:00Z\",\n", "", 1),
		"null":         strings.Replace(golden, `"2026-01-31T09:30:00Z"`, "null", 1),
		"letter case":  strings.Replace(golden, `"time"`, `"Time"`, 1),
	} {
		if _, err := confirmation.Parse([]byte(text)); !errors.Is(err, sign.ErrNotCanonical) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzConfirmation(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(strings.Replace(golden, "00Z", "0Z", 1)))
	f.Add([]byte(strings.Replace(golden, "Example Mail", "", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := confirmation.Parse(text)
		if err != nil {
			return
		}
		again, err := confirmation.New(c.Provider, c.Text, c.Time.Time(), c.Signer)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("accepted %q, which is written as %q (%v)", text, again, err)
		}
	})
}
