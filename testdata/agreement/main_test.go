package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The reader agrees with what independent readers agree on.
func TestCorpus(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no corpus of mail beside the module: %v", err)
		}
		t.Skipf("no corpus of mail beside the module: %v", err)
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"--min", "99.5", dir}, &out, &errs); code != exitAgrees {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

const message = "From: A <A@Example.org>\nTo: b@example.org\nSubject: one\n two\n" +
	"Date: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <m@example.org>\n\nhello\n"

const whole = `{"file":"m.eml","expect":{"mid":"m@example.org","date":1704067200,"from":["a@example.org"],` +
	`"to":["b@example.org"],"subj":"one two","natt":0,"names":[],"sha":[]}}`

// write makes a corpus of one message.
func write(t *testing.T, expected string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, messages), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{agreed: expected, filepath.Join(messages, "m.eml"): message} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		expected string
		args     []string
		code     int
		want     string // in the output
	}{
		"agrees":             {whole, nil, exitAgrees, "100.00"},
		"disagrees":          {strings.Replace(whole, "one two", "three", 1), nil, exitDisagrees, `m.eml: subj: got "one two", want "three"`},
		"disagrees a little": {strings.Replace(whole, "one two", "three", 1), []string{"--min", "0"}, exitAgrees, "subj"},
		"date":               {strings.Replace(whole, "1704067200", "null", 1), nil, exitDisagrees, "date: got 1704067200, want null"},
		"a key without rows": {strings.Replace(whole, `"natt":0,`, "", 1), []string{"--min", "0"}, exitDisagrees, "natt"},
		"no rows":            {"", nil, exitOther, "no rows"},
		"damaged":            {whole + "\n{", nil, exitOther, "line 2"},
		"wrong kind":         {strings.Replace(whole, `"natt":0`, `"natt":"0"`, 1), nil, exitOther, "key natt"},
		"outside":            {strings.Replace(whole, "m.eml", "../m.eml", 1), nil, exitOther, "not the name"},
		"not there":          {strings.Replace(whole, "m.eml", "n.eml", 1), nil, exitOther, "n.eml"},
		"percentage":         {whole, []string{"--min", "101"}, exitOther, "percentage"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			code := run(context.Background(), append(c.args, write(t, c.expected)), &out, &out)
			if code != c.code || !strings.Contains(out.String(), c.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, c.code, c.want, &out)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	var out, errs bytes.Buffer
	dir := write(t, strings.Replace(whole, "one two", "three", 1))
	if code := run(context.Background(), []string{"--json", dir}, &out, &errs); code != exitDisagrees {
		t.Fatalf("exit code %d\n%s", code, &errs)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Files != 1 || len(r.Keys) != len(keys) || len(r.Disagreements) != 1 || r.Disagreements[0].Got != "one two" {
		t.Errorf("%+v", r)
	}
}

// A file that is no mail is told apart, however much is agreed about it.
func TestWithoutItem(t *testing.T) {
	dir := write(t, strings.Replace(whole, "m.eml", "m.png", 1))
	if err := os.WriteFile(filepath.Join(dir, messages, "m.png"), []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	code := run(context.Background(), []string{"--min", "0", dir}, &out, &out)
	if code != exitDisagrees || !strings.Contains(out.String(), "m.png: gives no item") {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}
