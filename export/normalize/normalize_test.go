package normalize_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"exhibit/export/mail"
	"exhibit/export/normalize"
)

func eml(raw string) mail.Item {
	return mail.Item{Kind: mail.KindMessage, Format: mail.FormatEML, Raw: []byte(raw)}
}

// mbox makes the item that the reader makes of a file.
func mbox(t *testing.T, format, raw string) mail.Item {
	t.Helper()
	path := filepath.Join(t.TempDir(), "box.mbox")
	if err := os.WriteFile(path, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	var c collector
	if err := mail.Read(context.Background(), path, mail.Options{Format: format}, &c); err != nil {
		t.Fatal(err)
	}
	if len(c) != 1 {
		t.Fatalf("%d items in %q", len(c), raw)
	}
	return c[0]
}

type collector []mail.Item

func (c *collector) Item(it mail.Item) error { *c = append(*c, it); return nil }
func (c *collector) Gap(mail.Gap) error      { return nil }
func (c *collector) File(mail.File) error    { return nil }

const (
	from       = "From a@example.org Mon Jun  1 10:00:00 2015\n"
	fromBase64 = "RnJvbSBhQGV4YW1wbGUub3JnIE1vbiBKdW4gIDEgMTA6MDA6MDAgMjAxNQo="
)

func TestNormalize(t *testing.T) {
	tests := []struct {
		name string
		item mail.Item
		out  string
		json string // of the transforms
	}{
		{"crlf already", eml("A: b\r\n\r\nc\r\n"), "A: b\r\n\r\nc\r\n", `null`},
		{"no line end", eml("A: b"), "A: b", `null`},
		{"lf", eml("A: b\n\nc\n"), "A: b\r\n\r\nc\r\n", `[{"name":"line-ends","runs":"L*"}]`},
		{"cr", eml("A: b\r\rc"), "A: b\r\n\r\nc", `[{"name":"line-ends","runs":"R*"}]`},
		{"mixed", eml("A: b\nC: d\ne: f\r\n\r\ng\nh"), "A: b\r\nC: d\r\ne: f\r\n\r\ng\r\nh", `[{"name":"line-ends","runs":"L2 C2 L1"}]`},
		{"byte order mark", eml("\xef\xbb\xbfA: b\r\n"), "A: b\r\n", `[{"name":"utf8-bom"}]`},
		{"single file cut out of an mbox", eml(from + "A: b\n\nc\n\n"), "A: b\r\n\r\nc\r\n\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `"},{"name":"line-ends","runs":"L*"}]`},
		{"mbox", mbox(t, "", from+"A: b\n\nc\n\n"), "A: b\r\n\r\nc\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"line-ends","runs":"L*"}]`},
		{"mboxrd", mbox(t, "mboxrd", from+"A: b\n\n>From x\n>>From y\n> From z\n\n"), "A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"mboxrd-quoting"},{"name":"line-ends","runs":"L*"}]`},
		{"mboxrd with cr", mbox(t, "mboxrd", "From -\rA: b\r\r>From x\r>>From y\r\r"), "A: b\r\n\r\nFrom x\r\n>From y\r\n",
			`[{"name":"mbox-separator","line":"RnJvbSAtDQ==","trailer":"DQ=="},{"name":"mboxrd-quoting"},{"name":"line-ends","runs":"R*"}]`},
		{"mboxcl2 is not quoted", mbox(t, "mboxcl2", from+"A: b\nContent-Length: 7\n\n>From x\n"), "A: b\r\nContent-Length: 7\r\n\r\n>From x",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"line-ends","runs":"L*"}]`},
		{"mboxo stays quoted", mbox(t, "mboxo", from+"A: b\n\n>From x\n\n"), "A: b\r\n\r\n>From x\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"line-ends","runs":"L*"}]`},
		{"unknown dialect stays quoted", mbox(t, "mbox", from+"A: b\n\n>From x\n\n"), "A: b\r\n\r\n>From x\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"line-ends","runs":"L*"}]`},
		{"mboxrd with an unquoted line stays quoted", mbox(t, "mboxrd", from+"A: b\n\n>From x\nFrom y\n\n"), "A: b\r\n\r\n>From x\r\nFrom y\r\n",
			`[{"name":"mbox-separator","line":"` + fromBase64 + `","trailer":"Cg=="},{"name":"line-ends","runs":"L*"}]`},
		{"binary with crlf", eml("Content-Transfer-Encoding: binary\r\n\r\n\x00"), "Content-Transfer-Encoding: binary\r\n\r\n\x00", `null`},
		{"calendar", mail.Item{Kind: mail.KindEvent, Format: mail.FormatICS, Raw: []byte("\xef\xbb\xbfBEGIN:VCALENDAR\nEND:VCALENDAR\n")},
			"\xef\xbb\xbfBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", `[{"name":"line-ends","runs":"L*"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, transforms, exception := normalize.Normalize(tt.item)
			if exception != "" {
				t.Fatalf("exception %q", exception)
			}
			if string(out) != tt.out {
				t.Errorf("got  %q\nwant %q", out, tt.out)
			}
			if got, err := json.Marshal(transforms); err != nil || string(got) != tt.json {
				t.Errorf("got  %s\nwant %s (%v)", got, tt.json, err)
			}
			if back, err := normalize.Invert(out, transforms); err != nil || !bytes.Equal(back, tt.item.Raw) {
				t.Errorf("inverted %q, want %q (%v)", back, tt.item.Raw, err)
			}
		})
	}
}

func TestNotNormalized(t *testing.T) {
	alternating := func(n int) string { return "A: b\r\n" + strings.Repeat("x\nx\r\n", n) }
	tests := []struct {
		name string
		item mail.Item
		want normalize.Reason
	}{
		{"no field", eml("no field\n"), normalize.ReasonNoHeader},
		{"empty", eml(""), normalize.ReasonNoHeader},
		{"indented", eml(" A: b\r\n\r\n"), normalize.ReasonNoHeader},
		{"no field behind the separator", mbox(t, "mbox", from+"\nbody\n"), normalize.ReasonNoHeader},
		{"nul", eml("A: b\n\n\x00"), normalize.ReasonBinary},
		{"binary in the header", eml("content-transfer-encoding:BINARY\n\nx"), normalize.ReasonBinary},
		{"binary folded", eml("Content-Transfer-Encoding:\n binary\n\nx"), normalize.ReasonBinary},
		{"binary in a part", eml("A: b\n\n--x\nContent-Transfer-Encoding: binary\n\nx"), normalize.ReasonBinary},
		{"binary, cr", eml("A: b\r\rContent-Transfer-Encoding: binary\r\rx"), normalize.ReasonBinary},
		{"bare cr among lf", eml("A: b\n\nc\rd\n"), normalize.ReasonBareCR},
		{"bare cr among crlf", eml("A: b\r\n\r\nc\rd\r\n"), normalize.ReasonBareCR},
		{"bare cr in a calendar", mail.Item{Kind: mail.KindEvent, Raw: []byte("BEGIN:VCALENDAR\n\rX\n")}, normalize.ReasonBareCR},
		{"one run too many", eml(alternating(11000)), normalize.ReasonRunsLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, transforms, exception := normalize.Normalize(tt.item)
			if exception != tt.want {
				t.Errorf("exception %q, want %q", exception, tt.want)
			}
			if len(transforms) != 0 || !bytes.Equal(out, tt.item.Raw) {
				t.Errorf("bytes changed: %d transforms", len(transforms))
			}
		})
	}
}

// The record of the line ends is bounded: at the limit a message is normalized,
// one past it not.
func TestRunsLimit(t *testing.T) {
	// Runs are "C1 L1 C1 …": 3 bytes each but for the first, which has 2.
	message := func(runs int) string {
		var b strings.Builder
		b.WriteString("A: b\r\n")
		for i := 1; i < runs; i++ {
			b.WriteString([]string{"x\r\n", "x\n"}[i%2])
		}
		return b.String()
	}
	const most = (64<<10 + 1) / 3
	out, transforms, exception := normalize.Normalize(eml(message(most)))
	if exception != "" || len(transforms) != 1 || len(transforms[0].Runs) > 64<<10 || len(transforms[0].Runs) < 64<<10-2 {
		t.Errorf("at the limit: %q", exception)
	}
	over := transforms[0]
	over.Runs += " L1"
	if _, err := normalize.Invert(append(out, "x\r\n"...), []normalize.Transform{over}); err == nil {
		t.Error("inverted with runs beyond the limit")
	}
	if _, _, exception := normalize.Normalize(eml(message(most + 1))); exception != normalize.ReasonRunsLimit {
		t.Errorf("past the limit: %q", exception)
	}
}

// Invariant 4: undoing the transforms gives the source.
func TestInvertible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		check(t, arbitrary(t))
	})
}

// arbitrary draws an item whose bytes are made of what matters to transforms.
func arbitrary(t *rapid.T) mail.Item {
	word := rapid.SampledFrom([]string{"\n", "\r\n", "\r", "A: b", "From ", ">From ", ">>From ", ">", "x", "\x00", "\xef\xbb\xbf",
		"From a@example.org\n", "Content-Transfer-Encoding: binary", " ", "\xff"})
	sep := rapid.SampledFrom([]string{"", from, "\xef\xbb\xbf" + from, "From -\r\n"}).Draw(t, "separator")
	trailer := rapid.SampledFrom([]string{"", "\n", "\r\n"}).Draw(t, "trailer")
	head := rapid.SampledFrom([]string{"", "A: b\n", "A: b\r\n", "A: b\r"}).Draw(t, "head")
	body := strings.Join(rapid.SliceOfN(word, 0, 40).Draw(t, "words"), "")
	it := eml(sep + head + body + trailer)
	it.Format = rapid.SampledFrom([]string{mail.FormatEML, mail.FormatMbox}).Draw(t, "format")
	it.Dialect = rapid.SampledFrom([]string{"", mail.DialectMboxrd, mail.DialectMboxo, mail.DialectUnknown}).Draw(t, "dialect")
	it.Kind = rapid.SampledFrom([]mail.Kind{mail.KindMessage, mail.KindEvent, mail.KindContact}).Draw(t, "kind")
	if it.Format == mail.FormatMbox {
		it.Separator, it.Trailer = len(sep), len(trailer)
	}
	return it
}

type failer interface {
	Fatalf(format string, args ...any)
}

// check holds what has to be true of every item.
func check(t failer, it mail.Item) {
	source := bytes.Clone(it.Raw)
	out, transforms, exception := normalize.Normalize(it)
	if !bytes.Equal(it.Raw, source) {
		t.Fatalf("the source was changed: %q", source)
	}
	if exception == normalize.ReasonInverseMismatch {
		t.Fatalf("not invertible: %q", source)
	}
	if exception != "" && (len(transforms) > 0 || !bytes.Equal(out, source)) {
		t.Fatalf("changed in spite of %s: %q", exception, source)
	}
	back, err := normalize.Invert(out, transforms)
	if err != nil || !bytes.Equal(back, source) {
		t.Fatalf("inverted %q, want %q (%v)", back, source, err)
	}
	if exception != "" {
		return
	}
	n := bytes.Count(out, []byte("\r\n"))
	if bytes.Count(out, []byte("\n")) != n || bytes.Count(out, []byte("\r")) != n {
		t.Fatalf("line ends other than CRLF: %q", out)
	}
}

func TestInvertRefuses(t *testing.T) {
	type tf = normalize.Transform
	lines := "a\r\nb\r\nc\r\n"
	tests := []struct {
		name string
		out  string
		list []tf
	}{
		{"unknown", lines, []tf{{Name: "rot13"}}},
		{"no name", lines, []tf{{}}},
		{"twice", lines, []tf{{Name: "utf8-bom"}, {Name: "utf8-bom"}}},
		{"out of order", lines, []tf{{Name: "line-ends", Runs: "L*"}, {Name: "utf8-bom"}}},
		{"foreign member", lines, []tf{{Name: "utf8-bom", Runs: "L*"}}},
		{"line ends without runs", lines, []tf{{Name: "line-ends"}}},
		{"separator without members", lines, []tf{{Name: "mbox-separator"}}},
		{"separator not base64", lines, []tf{{Name: "mbox-separator", Line: "?"}}},
		{"separator with a line end", lines, []tf{{Name: "mbox-separator", Line: "Cg\n=="}}},
		{"separator with stray bits", lines, []tf{{Name: "mbox-separator", Line: "Ch=="}}},
		{"trailer too long", lines, []tf{{Name: "mbox-separator", Trailer: "Cg0K"}}},
		{"line too long", lines, []tf{{Name: "mbox-separator", Line: strings.Repeat("AAAA", 4096)}}},
		{"zero run", lines, []tf{{Name: "line-ends", Runs: "L0 C3"}}},
		{"leading zero", lines, []tf{{Name: "line-ends", Runs: "L01 C2"}}},
		{"sign", lines, []tf{{Name: "line-ends", Runs: "L+1 C2"}}},
		{"single run written out", lines, []tf{{Name: "line-ends", Runs: "L3"}}},
		{"nothing to convert", lines, []tf{{Name: "line-ends", Runs: "C3"}}},
		{"same kind twice", lines, []tf{{Name: "line-ends", Runs: "L1 L2"}}},
		{"mixed with cr", lines, []tf{{Name: "line-ends", Runs: "L1 R2"}}},
		{"too many", lines, []tf{{Name: "line-ends", Runs: "L1 C3"}}},
		{"too few", lines, []tf{{Name: "line-ends", Runs: "L1 C1"}}},
		{"overflow", lines, []tf{{Name: "line-ends", Runs: "L1 C99999999999999999999"}}},
		{"trailing space", lines, []tf{{Name: "line-ends", Runs: "L1 C2 "}}},
		{"leading space", lines, []tf{{Name: "line-ends", Runs: " L1 C2"}}},
		{"bare lf", "a\nb\r\n", []tf{{Name: "line-ends", Runs: "L*"}}},
		{"bare cr", "a\rb\r\n", []tf{{Name: "line-ends", Runs: "L*"}}},
		{"no line end", "a", []tf{{Name: "line-ends", Runs: "L*"}}},
	}
	for _, tt := range tests {
		if b, err := normalize.Invert([]byte(tt.out), tt.list); !isErr(err) {
			t.Errorf("%s: got %q, %v; want ErrTransforms", tt.name, b, err)
		}
	}
}

// At least 95 of 100 messages that real software met are normalized.
func TestCorpus(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpus", "eml")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no corpus of mail beside the module: %v", err)
	}
	var items collector
	if err := mail.Read(context.Background(), dir, mail.Options{}, &items); err != nil {
		t.Fatal(err)
	}
	reasons := map[normalize.Reason]int{}
	for _, it := range items {
		check(t, it)
		_, _, exception := normalize.Normalize(it)
		reasons[exception]++
		if exception != "" {
			t.Logf("%-12s %s", exception, it.Source.File)
		}
	}
	t.Logf("%d of %d normalized: %v", reasons[""], len(items), fmt.Sprint(reasons))
	if len(items) == 0 || reasons[""]*100 < len(items)*95 {
		t.Errorf("only %d of %d messages are normalized", reasons[""], len(items))
	}
}
