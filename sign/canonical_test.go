package sign_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"exhibit/sign"
)

const sampleType = "exhibit/sample/v1"

type sample struct {
	Type   string         `json:"type"`
	Text   string         `json:"text"`
	Number int64          `json:"number"`
	Maybe  *string        `json:"maybe"`
	List   []string       `json:"list"`
	Inner  inner          `json:"inner"`
	Bytes  []byte         `json:"bytes"`
	Open   jsontext.Value `json:"open"`
}

type inner struct {
	On     bool        `json:"on"`
	Digest sign.Digest `json:"digest"`
	At     sign.Time   `json:"at"`
}

const digestText = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const sampleDocument = `{
  "type": "exhibit/sample/v1",
  "text": "a\"b\\c\u0001\n\b\t\f\rü€😀/<>&` + "\u2028\x7f" + `",
  "number": 9007199254740991,
  "maybe": null,
  "list": [
    "x",
    "y"
  ],
  "inner": {
    "on": true,
    "digest": "` + digestText + `",
    "at": "2026-01-31T09:30:00Z"
  },
  "bytes": "AAECAw==",
  "open": {
    "z": [],
    "a": {}
  }
}
`

func lineOf(t *testing.T, doc string) string {
	t.Helper()
	out, err := sign.MarshalLine(parse(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func parse(t *testing.T, doc string) *sample {
	t.Helper()
	v := new(sample)
	if err := sign.UnmarshalDocument([]byte(doc), sampleType, v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDocumentAndLine(t *testing.T) {
	v := parse(t, sampleDocument)
	if v.Number != sign.MaxNumber || v.Inner.At.String() != "2026-01-31T09:30:00Z" || string(v.Bytes) != "\x00\x01\x02\x03" {
		t.Fatalf("read as %+v", v)
	}
	again, err := sign.MarshalDocument(v)
	if err != nil || string(again) != sampleDocument {
		t.Fatalf("written again (%v):\n%s", err, again)
	}
	line := lineOf(t, sampleDocument)
	if strings.ContainsAny(line, "\n ") || !strings.Contains(line, `"open":{"z":[],"a":{}}`) {
		t.Fatalf("line: %s", line)
	}
	v = new(sample)
	if err := sign.UnmarshalLine([]byte(line), sampleType, v); err != nil {
		t.Fatal(err)
	}
}

// Invariant 14: one text, one meaning.
func TestRefused(t *testing.T) {
	doc := func(old, new string) string {
		if !strings.Contains(sampleDocument, old) {
			t.Fatalf("%q is not in the sample", old)
		}
		return strings.Replace(sampleDocument, old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"no object":         "[]\n",
		"byte order mark":   "\ufeff" + sampleDocument,
		"duplicate":         doc(`"maybe": null,`, `"maybe": null,`+"\n"+`  "maybe": null,`),
		"duplicate in open": doc(`"z": [],`, `"a": [],`),
		"unknown":           doc(`"maybe": null,`, `"maybe": null,`+"\n"+`  "more": null,`),
		"letter case":       doc(`"number"`, `"Number"`),
		"order":             doc("  \"number\": 9007199254740991,\n  \"maybe\": null,\n", "  \"maybe\": null,\n  \"number\": 9007199254740991,\n"),
		"missing":           doc("  \"maybe\": null,\n", ""),
		"trailing":          sampleDocument + "{}",
		"trailing blank":    sampleDocument + "\n",
		"no line end":       strings.TrimSuffix(sampleDocument, "\n"),
		"CRLF":              strings.ReplaceAll(sampleDocument, "\n", "\r\n"),
		"tabs":              strings.ReplaceAll(sampleDocument, "  ", "\t"),
		"2^53":              doc("9007199254740991", "9007199254740992"),
		"2^64":              doc("9007199254740991", "18446744073709551617"),
		"negative":          doc("9007199254740991", "-1"),
		"minus zero":        doc("9007199254740991", "-0"),
		"leading zero":      doc("9007199254740991", "01"),
		"fraction":          doc("9007199254740991", "1.0"),
		"exponent":          doc("9007199254740991", "1e3"),
		"number as text":    doc("9007199254740991", `"1"`),
		"null for number":   doc("9007199254740991", "null"),
		"null for list":     doc("[\n    \"x\",\n    \"y\"\n  ]", "null"),
		"null for text":     doc(`"digest": "`+digestText+`"`, `"digest": null`),
		"upper-case digest": doc(digestText, strings.ToUpper(digestText)),
		"short digest":      doc(digestText, digestText[2:]),
		"time with offset":  doc("09:30:00Z", "09:30:00+00:00"),
		"time fraction":     doc("09:30:00Z", "09:30:00.5Z"),
		"time of 60":        doc("09:30:00Z", "09:30:60Z"),
		"year 1":            doc("2026-01-31T09:30:00Z", "0001-01-01T00:00:00Z"),
		"base64 bits":       doc("AAECAw==", "AAECAx=="),
		"base64 unpadded":   doc("AAECAw==", "AAECAw"),
		"base64 url":        doc("AAECAw==", "__8="),
		"escaped slash":     doc("😀/", `😀\/`),
		"escaped letter":    doc("€", `\u20ac`),
		"upper-case escape": doc(`\u0001`, `\u000B`),
		"long escape":       doc(`\n`, `\u000a`),
		"raw control":       doc(`\u0001`, "\x01"),
		"lone surrogate":    doc("€", `\ud800`),
		"invalid UTF-8":     doc("€", "\xff"),
		"float in open":     doc(`"z": []`, `"z": 1.5`),
		"escape in open":    doc(`"z": []`, `"z": "\u0041"`),
		"blank in []":       doc(`"z": []`, `"z": [ ]`),
		"compact":           lineOf(t, sampleDocument) + "\n",
		"type not first":    doc("  \"type\": \"exhibit/sample/v1\",\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			if err := sign.UnmarshalDocument([]byte(text), sampleType, new(sample)); !errors.Is(err, sign.ErrNotCanonical) {
				t.Fatalf("error %v", err)
			}
		})
	}
	var wrong *sign.TypeError
	err := sign.UnmarshalDocument([]byte(sampleDocument), "exhibit/other/v1", new(sample))
	if !errors.As(err, &wrong) || wrong.Want != "exhibit/other/v1" || wrong.Got != sampleType {
		t.Fatalf("other type: %v", err)
	}
	if err := sign.UnmarshalLine([]byte(lineOf(t, sampleDocument)+"\n"), sampleType, new(sample)); !errors.Is(err, sign.ErrNotCanonical) {
		t.Fatalf("line with its end: %v", err)
	}
}

func TestLimits(t *testing.T) {
	limit := func(err error) string {
		var l *sign.LimitError
		if errors.As(err, &l) {
			return l.What
		}
		return ""
	}
	fill := func(v *sample, write func(any) ([]byte, error), size int) []byte {
		v.Text = ""
		out, err := write(v)
		if err != nil {
			t.Fatal(err)
		}
		v.Text = strings.Repeat("x", size-len(out))
		if out, err = write(v); err != nil {
			t.Fatal(err)
		}
		if len(out) != size {
			t.Fatalf("%d bytes", len(out))
		}
		return out
	}
	v := parse(t, sampleDocument)
	doc := fill(v, sign.MarshalDocument, sign.MaxDocument)
	if err := sign.UnmarshalDocument(doc, sampleType, new(sample)); err != nil {
		t.Fatal(err)
	}
	v.Text += "x"
	if _, err := sign.MarshalDocument(v); limit(err) != "document" {
		t.Fatalf("one byte more is written: %v", err)
	}
	long := strings.Replace(string(doc), `"text": "`, `"text": "x`, 1)
	if err := sign.UnmarshalDocument([]byte(long), sampleType, new(sample)); limit(err) != "document" {
		t.Fatalf("one byte more is read: %v", err)
	}
	line := fill(v, sign.MarshalLine, sign.MaxLine)
	if err := sign.UnmarshalLine(line, sampleType, new(sample)); err != nil {
		t.Fatal(err)
	}
	if err := sign.UnmarshalLine(append(line, ' '), sampleType, new(sample)); limit(err) != "line" {
		t.Fatalf("long line: %v", err)
	}

	v.Text = ""
	for depth, want := range map[int]string{sign.MaxDepth - 1: "", sign.MaxDepth: "depth"} {
		v.Open = jsontext.Value(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		if _, err := sign.MarshalLine(v); limit(err) != want || (err != nil) != (want != "") {
			t.Fatalf("depth %d: %v", depth+1, err)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, change := range map[string]func(*sample){
		"invalid UTF-8": func(v *sample) { v.Text = "\xff" },
		"negative":      func(v *sample) { v.Number = -1 },
		"2^53":          func(v *sample) { v.Number = 1 << 53 },
		"no time":       func(v *sample) { v.Inner.At = sign.Time{} },
	} {
		v := parse(t, sampleDocument)
		change(v)
		if out, err := sign.MarshalDocument(v); err == nil {
			t.Errorf("%s: written as %s", name, out)
		}
	}
	v := parse(t, sampleDocument)
	v.List = nil
	if out, err := sign.MarshalLine(v); err != nil || !strings.Contains(string(out), `"list":[]`) {
		t.Errorf("nil list: %s, %v", out, err)
	}
}

// FORMAT section 2 says how Python writes the two forms.
func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		needed(t, "python3", "python3")
	}
	for form, program := range map[string]string{
		sampleDocument:            `json.dumps(v, indent=2, ensure_ascii=False) + "\n"`,
		lineOf(t, sampleDocument): `json.dumps(v, separators=(",", ":"), ensure_ascii=False)`,
	} {
		cmd := exec.Command(python, "-c", "import json,sys; v = json.loads(sys.stdin.buffer.read()); sys.stdout.buffer.write(("+program+").encode())")
		cmd.Stdin = strings.NewReader(sampleDocument)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != form {
			t.Errorf("Python writes\n%s\nwant\n%s", out, form)
		}
	}
}

func TestMarshalThenUnmarshal(t *testing.T) {
	text := rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		v := sample{
			Type: sampleType, Text: text.Draw(t, "text"),
			Number: rapid.Int64Range(0, sign.MaxNumber).Draw(t, "number"),
			List:   rapid.SliceOf(text).Draw(t, "list"),
			Bytes:  rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
			Open:   jsontext.Value("null"),
		}
		v.Inner.At, _ = sign.ParseTime("2026-01-31T09:30:00Z")
		if rapid.Bool().Draw(t, "maybe") {
			v.Maybe = &v.Text
		}
		for _, form := range []struct {
			write func(any) ([]byte, error)
			read  func([]byte, string, any) error
		}{{sign.MarshalDocument, sign.UnmarshalDocument}, {sign.MarshalLine, sign.UnmarshalLine}} {
			out, err := form.write(v)
			if err != nil {
				t.Fatal(err)
			}
			var got sample
			if err := form.read(out, sampleType, &got); err != nil {
				t.Fatal(err)
			}
			if got.Text != v.Text || got.Number != v.Number || len(got.List) != len(v.List) || string(got.Bytes) != string(v.Bytes) {
				t.Fatalf("%+v became %+v", v, got)
			}
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(sampleDocument))
	f.Add([]byte(strings.Replace(sampleDocument, "null", "1.5", 1)))
	f.Add([]byte("{\n  \"type\": \"exhibit/sample/v1\"\n}\n"))
	f.Add([]byte(`{"type":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := new(sample)
		if sign.UnmarshalDocument(data, sampleType, v) == nil {
			again, err := sign.MarshalDocument(v)
			if err != nil || string(again) != string(data) {
				t.Fatalf("accepted %q, which is written as %q (%v)", data, again, err)
			}
		}
		if sign.UnmarshalLine(data, sampleType, v) == nil {
			again, err := sign.MarshalLine(v)
			if err != nil || string(again) != string(data) {
				t.Fatalf("accepted line %q, which is written as %q (%v)", data, again, err)
			}
		}
	})
}
