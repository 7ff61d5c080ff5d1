package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export"
	"exhibit/sign"
	"exhibit/sign/statement"
)

func digestText(n int) string { return sign.Sum([]byte(fmt.Sprint(n))).String() }

func TestListOfUndetermined(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.csv")
	list, err := newList(path)
	if err != nil {
		t.Fatal(err)
	}
	items := []export.Noted{
		{Account: "alice@mail.example", File: "=cmd.eml", Offset: 7, Length: 11, SHA256: sign.Sum([]byte("1")), Reason: "no time is known"},
		{Account: "-alice@mail.example", File: "a,\"b\"\n\xff.eml", SHA256: sign.Sum([]byte("2")), Reason: "x"},
	}
	for _, n := range items {
		if err := list.tell()(n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list that is not whole has its name: %v", err)
	}
	if err := list.keep(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "account,file,offset,length,sha256,reason,ground\r\n" +
		"alice@mail.example,'=cmd.eml,7,11," + digestText(1) + ",no time is known,\r\n" +
		"'-alice@mail.example,\"a,\"\"b\"\"\n\uFFFD.eml\",0,0," + digestText(2) + ",x,\r\n"
	if string(got) != want {
		t.Errorf("the list is\n%q, want\n%q", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: others may read it", info.Mode(), err)
	}
	// Filled in by a person, the list admits what has a ground.
	filled := strings.Replace(want, ",x,\r\n", ",x, 'tis hers \r\n", 1)
	admitted, err := parseAdmitted(strings.NewReader(filled), maxList)
	if err != nil {
		t.Fatal(err)
	}
	if len(admitted) != 1 || admitted[0] != (statement.Admitted{Account: "-alice@mail.example", SHA256: sign.Sum([]byte("2")), Ground: "'tis hers"}) {
		t.Errorf("admitted is %v", admitted)
	}
	if _, err := newList(path); !errors.Is(err, errListExists) {
		t.Errorf("a second list at its place: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Two that begin a list at one place do not overwrite each other.
func TestListIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.csv")
	list, err := newList(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := list.keep(); !errors.Is(err, errListExists) {
		t.Errorf("kept: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "mine" {
		t.Errorf("the file is %q", got)
	}
}

func TestParseAdmitted(t *testing.T) {
	const head = "account,sha256,ground\n"
	line := func(n int, ground string) string { return "a@mail.example," + digestText(n) + "," + ground + "\n" }
	for name, c := range map[string]struct {
		text string
		want int
		says string // of an error
	}{
		"nothing":                {"", 0, "no list"},
		"no ground at all":       {head + line(1, "") + line(2, "  "), 0, ""},
		"one of two":             {head + line(1, "hers") + line(2, ""), 1, ""},
		"mark of UTF-8":          {"\uFEFF" + head + line(1, "hers"), 1, ""},
		"other columns and CRLF": {"x,ground,sha256,y,account\r\n1,hers," + digestText(1) + ",2,a@mail.example\r\n", 1, ""},
		"the same twice":         {head + line(1, "hers") + line(1, "hers"), 1, ""},
		"the same, two grounds":  {head + line(1, "hers") + line(1, "his"), 0, "line 3: no list of undetermined items: the same bytes as in line 2"},
		"the same, one ground":   {head + line(1, "") + line(1, "his"), 0, "line 3"},
		"no ground column":       {"account,sha256\n", 0, "no column ground"},
		"semicolons":             {"account;sha256;ground\n", 0, "no column account"},
		"ground twice":           {"account,ground,sha256,ground\n", 0, "two columns ground"},
		"no digest":              {head + "a@mail.example,xyz,hers\n", 0, "line 2: sha256"},
		"no account":             {head + "," + digestText(1) + ",hers\n", 0, "no account"},
		"a cell too few":         {head + "a@mail.example," + digestText(1) + "\n", 0, "wrong number of fields"},
		"quote":                  {head + "a@mail.example," + digestText(1) + ",\"hers\n", 0, "no list"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseAdmitted(strings.NewReader(c.text), maxList)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("error %v, want %q", err, c.says)
			}
			if len(got) != c.want {
				t.Errorf("%d admitted, want %d", len(got), c.want)
			}
		})
	}
}

func TestParseAdmittedLimits(t *testing.T) {
	const head = "account,sha256,ground\n"
	lines := func(n int) string {
		var b bytes.Buffer
		b.WriteString(head)
		for i := range n {
			fmt.Fprintf(&b, "a@mail.example,%s,hers\n", digestText(i))
		}
		return b.String()
	}
	ground := func(n int) string {
		return head + "a@mail.example," + digestText(1) + "," + strings.Repeat("x", n) + "\n"
	}
	short := lines(3)
	for name, c := range map[string]struct {
		text  string
		limit int64
		ok    bool
	}{
		"items at":    {lines(statement.MaxAdmitted), maxList, true},
		"items past":  {lines(statement.MaxAdmitted + 1), maxList, false},
		"ground at":   {ground(statement.MaxGround), maxList, true},
		"ground past": {ground(statement.MaxGround + 1), maxList, false},
		"bytes at":    {short, int64(len(short)), true},
		"bytes past":  {short, int64(len(short)) - 1, false},
	} {
		_, err := parseAdmitted(strings.NewReader(c.text), c.limit)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, errList) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseAdmitted(f *testing.F) {
	f.Add("account,sha256,ground\na@mail.example," + digestText(1) + ",hers\n")
	f.Add("\uFEFFaccount,file,offset,length,sha256,reason,ground\r\n'=a,\"b\nc\",0,1," + digestText(2) + ",x,\r\n")
	f.Add("account;sha256;ground\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseAdmitted(strings.NewReader(text), 1<<16)
		if err != nil {
			return
		}
		for i, ad := range list {
			if ad.Ground == "" || ad.Account == "" {
				t.Errorf("admitted without a ground or an account: %v", ad)
			}
			if i > 0 && (list[i-1].Account > ad.Account || list[i-1].Account == ad.Account && list[i-1].SHA256.String() >= ad.SHA256.String()) {
				t.Errorf("not sorted, or twice: %v, %v", list[i-1], ad)
			}
		}
	})
}
