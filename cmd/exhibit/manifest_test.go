package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"exhibit/export/open"
	"exhibit/sign/manifest"
)

// Where an altered manifest is found out.
const (
	byVerify = "verify"
	byOpen   = "open"
	// ownWord is what the signer says of its own store, of which nothing inside
	// speaks: nobody but the provider can know it. Verify reports it.
	ownWord = "nobody"
)

// memberCases alter every member of a manifest, one by one. The text is then
// signed again by the trusted key.
var memberCases = []struct {
	pointer string // of the value; * is any place in a list
	value   func(old string) string
	found   string
	code    open.Code
}{
	{"/type", text("exhibit/manifest/v3"), byVerify, open.ManifestInvalid},
	{"/type", text("exhibit/manifest/v1"), byVerify, open.ManifestInvalid}, // which has no acceptance
	{"/package", digit, byVerify, open.ManifestInvalid},                    // SHA256SUMS names it too
	{"/supersedes", text(strings.Repeat("1", 32)), byOpen, open.BindingMismatch},
	{"/commitment", digit, byOpen, open.BindingMismatch},
	{"/policy", digit, byOpen, open.BindingMismatch},
	{"/acceptance", text("in-part"), byOpen, open.BindingMismatch},
	{"/acceptance", text("partly"), byVerify, open.ManifestInvalid},
	{"/signer", digit, byVerify, open.SignerMismatch},
	{"/recipients/*/kind", text("age-hybrid"), byVerify, open.RecipientsMismatch},
	{"/recipients/*/fingerprint", digit, byOpen, open.BindingMismatch},
	{"/receipt_key", digit, byOpen, open.BindingMismatch},
	{"/counts/source", plus, byVerify, open.ManifestInvalid},
	{"/counts/included", plus, byVerify, open.ManifestInvalid},
	{"/counts/withheld", plus, byVerify, open.ManifestInvalid},
	{"/counts", oneMoreWithheld, byOpen, open.BindingMismatch},
	{"/counts/exceptions", plus, byOpen, open.BindingMismatch},
	{"/items/size", plus, byVerify, open.ManifestInvalid},
	{"/items/root", digit, byOpen, open.BindingMismatch},
	{"/tag_manifest", digit, byOpen, open.BindingMismatch},
	{"/objects/*/name", text("volume-0009.tar.zst.age"), byVerify, open.ManifestInvalid},
	{"/objects/*/role", func(old string) string {
		if old == `"volume"` {
			return `"readme"`
		}
		return `"volume"`
	}, byVerify, open.ManifestInvalid},
	{"/objects/[013]/size", plus, byVerify, open.ObjectAltered},
	{"/objects/2/size", plus, byVerify, open.ManifestInvalid}, // it follows from the others
	{"/objects/[012]/sha256", digit, byVerify, open.ManifestInvalid},
	{"/objects/3/sha256", digit, byVerify, open.ObjectAltered}, // the signature over SHA256SUMS
	{"/objects/*/stored/version", text("7"), ownWord, ""},
	{"/objects/*/stored/method", text("etag"), byVerify, open.ManifestInvalid},
	{"/objects/*/stored/lock", raw(`{"mode":"COMPLIANCE","until":"2099-01-01T00:00:00Z","legal_hold":false}`), ownWord, ""},
	{"/objects/*/stored/lock", raw(`{"mode":null,"until":null,"legal_hold":true}`), ownWord, ""},
	{"/objects/*/stored/lock", raw(`{"mode":"COMPLIANCE","until":null,"legal_hold":false}`), byVerify, open.ManifestInvalid},
	{"/objects/*/stored/lock", raw(`{"mode":null,"until":"2099-01-01T00:00:00Z","legal_hold":false}`), byVerify, open.ManifestInvalid},
	{"/abandoned", raw(`["volume-0001.tar.zst.age"]`), byVerify, open.ManifestInvalid},
	{"/abandoned", raw(`["README.txt"]`), byVerify, open.ManifestInvalid},
	{"/abandoned", raw(`["volume-0001.r9.tar.zst.age"]`), ownWord, ""},
	{"/abandoned/*", text("README.txt"), byVerify, open.ManifestInvalid},
	{"/abandoned/*", text("volume-0001.tar.zst.age"), byVerify, open.ManifestInvalid},
	{"/log", raw(`{"verifier_key":"log+00000000+AA==","proofs":["manifest.json.tlog-proof"]}`), byVerify, open.LogUnsupported},
}

func text(s string) func(string) string { return func(string) string { return strconv.Quote(s) } }
func raw(s string) func(string) string  { return func(string) string { return s } }

// digit changes the first character of a string of digits or base64.
func digit(old string) string {
	c := byte('0')
	if old[1] == c {
		c = '1'
	}
	return `"` + string(c) + old[2:]
}

func plus(old string) string {
	n, err := strconv.Atoi(old)
	if err != nil {
		return old
	}
	return strconv.Itoa(n + 1)
}

// oneMoreWithheld keeps the sum right.
func oneMoreWithheld(old string) string {
	var c manifest.Counts
	if err := json.Unmarshal([]byte(old), &c); err != nil {
		return old
	}
	c.Source, c.Withheld = c.Source+1, c.Withheld+1
	return fmt.Sprintf(`{"source":%d,"included":%d,"withheld":%d,"exceptions":%d}`, c.Source, c.Included, c.Withheld, c.Exceptions)
}

// span is a value in a JSON text.
type span struct {
	pointer    string
	start, end int
	leaf       bool
}

// spans finds every value in a JSON text, and every name.
func spans(document []byte) (values, names []span, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(document))
	var begun []int
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return values, names, nil
		}
		if err != nil {
			return nil, nil, err
		}
		s := span{pointer: string(d.StackPointer()), end: int(d.InputOffset())}
		s.start = s.end - len(rawToken(token))
		kind, length := d.StackIndex(d.StackDepth())
		switch token.Kind() {
		case '{', '[':
			begun = append(begun, s.start)
			continue
		case '}', ']':
			s.start, begun = begun[len(begun)-1], begun[:len(begun)-1]
			s.leaf = len(bytes.TrimSpace(document[s.start+1:s.end-1])) == 0
		default:
			s.leaf = true
			if kind == '{' && length%2 == 1 {
				names = append(names, s)
				continue
			}
		}
		values = append(values, s)
	}
}

// rawToken is a token as it stands in a text of this format.
func rawToken(t jsontext.Token) string {
	if t.Kind() == '"' {
		return strconv.Quote(t.String())
	}
	return t.String()
}

func matches(t *testing.T, pattern, pointer string) bool {
	ok, err := path.Match(pattern, pointer)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// Invariant 7: every member of the manifest, altered and signed again by the
// trusted key, is found by verify or by open; those that nobody can know but
// the signer are listed by name.
func TestEveryMemberAltered(t *testing.T) {
	t.Parallel()
	dir := stage(t, stageExported)
	genuine, err := os.ReadFile(filepath.Join(packageDir(dir), manifest.Name))
	if err != nil {
		t.Fatal(err)
	}
	values, names, err := spans(genuine)
	if err != nil || len(values) < 40 {
		t.Fatalf("%d values: %v", len(values), err)
	}
	used := make([]bool, len(memberCases))
	for _, v := range values {
		altered := false
		for i, c := range memberCases {
			if !matches(t, c.pointer, v.pointer) {
				continue
			}
			used[i], altered = true, true
			t.Run(strings.TrimPrefix(v.pointer, "/"), func(t *testing.T) {
				value := c.value(string(genuine[v.start:v.end]))
				alterMember(t, dir, genuine, v, value, c.found, c.code)
			})
		}
		if v.leaf && !altered {
			t.Errorf("%s is altered by no case", v.pointer)
		}
	}
	for i, c := range memberCases {
		if !used[i] {
			t.Errorf("the manifest has no %s", c.pointer)
		}
	}
	for _, n := range names {
		t.Run("name/"+n.pointer, func(t *testing.T) {
			name := string(genuine[n.start:n.end])
			alterMember(t, dir, genuine, n, strings.ToUpper(name[:2])+name[2:], byVerify, open.ManifestInvalid)
		})
	}
}

// alterMember puts a value in the place of another, signs the manifest again,
// and looks where it is found out.
func alterMember(t *testing.T, dir string, genuine []byte, at span, value, found string, want open.Code) {
	t.Helper()
	spoilt := fmt.Appendf(nil, "%s%s%s", genuine[:at.start], value, genuine[at.end:])
	document := jsontext.Value(spoilt)
	if err := document.Indent(jsontext.WithIndent("  ")); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(document, genuine) {
		t.Fatal("nothing was altered")
	}
	pkg, target := filepath.Join(t.TempDir(), "pkg"), filepath.Join(t.TempDir(), "out")
	if err := copyTree(packageDir(dir), pkg); err != nil {
		t.Fatal(err)
	}
	if err := resign(pkg, func([]byte) ([]byte, error) { return append(document, '\n'), nil }); err != nil {
		t.Fatal(err)
	}
	// The signature over SHA256SUMS is renewed as well, so its digest too: put
	// the genuine one back, which fits what was not altered.
	for _, name := range []string{manifest.SumsName, manifest.SumsSigName} {
		data, err := os.ReadFile(filepath.Join(packageDir(dir), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pkg, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust := filepath.Join(dir, "agency", "provider.asc")
	wantOutcome(t, exhibit("verify", pkg, "--trust", trust, "--json"), found == byVerify, want)
	wantOutcome(t, exhibit("open", pkg, "--identity", filepath.Join(dir, "agency", "identity.txt"), "--trust", trust, "--to", target, "--json"), found != ownWord, want)
	_, err := os.Stat(target)
	if opened := err == nil; opened != (found == ownWord) {
		t.Errorf("opened: %v", opened)
	}
}

func wantOutcome(t *testing.T, got outcome, failed bool, want open.Code) {
	t.Helper()
	if !failed {
		if got.code != exitDone {
			t.Errorf("exit code %d: %s", got.code, got.stderr)
		}
		return
	}
	var f failure
	if err := json.Unmarshal([]byte(got.stdout), &f); err != nil {
		t.Errorf("exit code %d, want %s: %s", got.code, want, got.stdout)
		return
	}
	if got.code != exitUnverified || f.Code != string(want) {
		t.Errorf("exit code %d and %q, want %q: %s", got.code, f.Code, want, got.stderr)
	}
}
