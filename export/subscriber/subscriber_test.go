package subscriber

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// abc is a small list for tests.
func abc() List {
	return List{Name: "abc", Title: "ABC", Source: "test", Columns: []Column{{"a", "A"}, {"b", "B"}, {"c", "C"}}}
}

func read(r io.Reader, format string, list List) ([]Record, error) {
	var all []Record
	n, err := Read(r, format, list, func(r Record) error {
		all = append(all, r)
		return nil
	})
	if n != int64(len(all)) {
		return nil, fmt.Errorf("n is %d for %d records", n, len(all))
	}
	return all, err
}

// records makes records of texts such as "a=1 b=2".
func records(texts ...string) []Record {
	var all []Record
	for _, text := range texts {
		var r Record
		for v := range strings.SplitSeq(text, " ") {
			column, value, _ := strings.Cut(v, "=")
			r.Values = append(r.Values, Value{column, value})
		}
		all = append(all, r)
	}
	return all
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		format, table string
		want          []Record
	}{
		"csv":                 {CSV, "a,b,c\r\n1,2,3\r\n4,5,6\r\n", records("a=1 b=2 c=3", "a=4 b=5 c=6")},
		"csv, no last end":    {CSV, "a,b,c\r\n1,2,3", records("a=1 b=2 c=3")},
		"csv, LF":             {CSV, "a\n1\n", records("a=1")},
		"csv, order of list":  {CSV, "c,a\r\n3,1\r\n", records("a=1 c=3")},
		"csv, mark":           {CSV, "\ufeffa,b\r\n1,2\r\n", records("a=1 b=2")},
		"csv, empty left out": {CSV, "a,b,c\r\n,2,\r\n", records("b=2")},
		"csv, quoted header":  {CSV, "\"a\",b\r\n1,2\r\n", records("a=1 b=2")},
		"csv, quoted empty":   {CSV, "a,b\r\n\"\",2\r\n", records("b=2")},
		"csv, header only":    {CSV, "a,b\r\n", nil},
		"csv, last is empty":  {CSV, "a,b\n1,", records("a=1")},
		"csv, as it stands": {CSV, "a,b\r\n\"x,\"\"y\"\"\r\nz\n\r\", =1+1 \r\n", []Record{{Values: []Value{
			{"a", "x,\"y\"\r\nz\n\r"}, {"b", " =1+1 "}}}}},
		"json":                 {JSON, `[{"a":"1","b":"2"},{"c":"6"}]`, records("a=1 b=2", "c=6")},
		"json, order of list":  {JSON, `[{"c":"3","a":"1"}]`, records("a=1 c=3")},
		"json, empty left out": {JSON, `[{"a":"","b":"2"}]`, records("b=2")},
		"json, none":           {JSON, " [ ] \n", nil},
		"json, escapes": {JSON, `[{"\u0061":"\u00fc\r\n\ud83d\ude00\u0001"}]`, []Record{{Values: []Value{
			{"a", "ü\r\n😀\u0001"}}}}},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.table), iotest.OneByteReader(strings.NewReader(c.table)), iotest.DataErrReader(strings.NewReader(c.table))} {
			got, err := read(r, c.format, abc())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	var notHere *ColumnError
	for name, c := range map[string]struct {
		format, table string
		want          error // nil: a *ColumnError
		record, line  int64
		column        string
	}{
		"csv, nothing":              {CSV, "", ErrSyntax, 0, 1, ""},
		"csv, column":               {CSV, "a,password\r\n1,2\r\n", nil, 0, 1, ""},
		"csv, letter case":          {CSV, "A\r\n1\r\n", nil, 0, 1, ""},
		"csv, blank in header":      {CSV, "a, b\r\n1,2\r\n", nil, 0, 1, ""},
		"csv, no name":              {CSV, "a,\r\n1,2\r\n", nil, 0, 1, ""},
		"csv, two marks":            {CSV, "\ufeff\ufeffa\r\n1\r\n", nil, 0, 1, ""},
		"csv, column twice":         {CSV, "a,b,a\r\n1,2,3\r\n", ErrTwice, 0, 1, ""},
		"csv, too few":              {CSV, "a,b\r\n1,2\r\n1\r\n", ErrFields, 2, 3, ""},
		"csv, too many":             {CSV, "a,b\r\n1,2,3\r\n", ErrFields, 1, 2, ""},
		"csv, empty line":           {CSV, "a,b\r\n1,2\r\n\r\n1,2\r\n", ErrFields, 2, 3, ""},
		"csv, empty line, one":      {CSV, "a\r\n\r\n1\r\n", ErrEmpty, 1, 2, ""},
		"csv, no value":             {CSV, "a,b\r\n,\r\n", ErrEmpty, 1, 2, ""},
		"csv, lazy quote":           {CSV, "a\r\nx\"y\r\n", ErrSyntax, 1, 2, ""},
		"csv, text after quote":     {CSV, "a\r\n\"x\"y\r\n", ErrSyntax, 1, 2, ""},
		"csv, open quote":           {CSV, "a\r\n\"x\r\n", ErrSyntax, 1, 2, ""},
		"csv, bare CR":              {CSV, "a\r\nx\ry\r\n", ErrSyntax, 1, 2, ""},
		"csv, CR at the end":        {CSV, "a\r\nx\r", ErrSyntax, 1, 2, ""},
		"csv, not UTF-8":            {CSV, "a,b\r\n\"1\n\",2\r\n1,\xff\r\n", ErrText, 2, 4, "b"},
		"csv, NUL":                  {CSV, "a,b\r\n1,x\x00\r\n", ErrText, 1, 2, "b"},
		"csv, UTF-16":               {CSV, "\xff\xfea\x00", nil, 0, 1, ""},
		"csv, semicolons":           {CSV, "a;b\r\n1;2\r\n", nil, 0, 1, ""},
		"json, nothing":             {JSON, "", ErrSyntax, 0, 0, ""},
		"json, object":              {JSON, `{"a":"1"}`, ErrSyntax, 0, 0, ""},
		"json, column":              {JSON, `[{"a":"1"},{"password":"1"}]`, nil, 2, 0, ""},
		"json, letter case":         {JSON, `[{"A":"1"}]`, nil, 1, 0, ""},
		"json, empty column":        {JSON, `[{"x":""}]`, nil, 1, 0, ""},
		"json, twice":               {JSON, `[{"a":"1","a":"2"}]`, ErrTwice, 1, 0, ""},
		"json, twice by escape":     {JSON, `[{"a":"1","\u0061":"2"}]`, ErrTwice, 1, 0, ""},
		"json, number":              {JSON, `[{"a":"1"},{"b":1}]`, ErrSyntax, 2, 0, "b"},
		"json, null":                {JSON, `[{"b":null}]`, ErrSyntax, 1, 0, "b"},
		"json, nested":              {JSON, `[{"a":{"b":"1"}}]`, ErrSyntax, 1, 0, "a"},
		"json, list in it":          {JSON, `[{"a":["1"]}]`, ErrSyntax, 1, 0, "a"},
		"json, no object":           {JSON, `["a"]`, ErrSyntax, 1, 0, ""},
		"json, list of lists":       {JSON, `[["a"]]`, ErrSyntax, 1, 0, ""},
		"json, null record":         {JSON, `[null]`, ErrSyntax, 1, 0, ""},
		"json, no value":            {JSON, `[{"a":""}]`, ErrEmpty, 1, 0, ""},
		"json, empty object":        {JSON, `[{"a":"1"},{}]`, ErrEmpty, 2, 0, ""},
		"json, cut":                 {JSON, `[{"a":"1"}`, ErrSyntax, 2, 0, ""},
		"json, cut in a record":     {JSON, `[{"a":"1`, ErrSyntax, 1, 0, ""},
		"json, comma at the end":    {JSON, `[{"a":"1"},]`, ErrSyntax, 2, 0, ""},
		"json, data after it":       {JSON, `[{"a":"1"}] []`, ErrSyntax, 0, 0, ""},
		"json, garbage after it":    {JSON, `[{"a":"1"}]}`, ErrSyntax, 0, 0, ""},
		"json, mark":                {JSON, "\ufeff[]", ErrSyntax, 0, 0, ""},
		"json, lines":               {JSON, "{\"a\":\"1\"}\n{\"a\":\"2\"}\n", ErrSyntax, 0, 0, ""},
		"json, NUL":                 {JSON, `[{"a":"\u0000"}]`, ErrText, 1, 0, "a"},
		"json, not UTF-8":           {JSON, "[{\"a\":\"\xff\"}]", ErrSyntax, 1, 0, ""},
		"json, half of a character": {JSON, `[{"a":"\ud83d"}]`, ErrSyntax, 1, 0, ""},
	} {
		_, err := read(strings.NewReader(c.table), c.format, abc())
		var at *RecordError
		if !errors.As(err, &at) || at.Record != c.record || at.Line != c.line || at.Column != c.column {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.want == nil && !errors.As(err, &notHere) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !reflect.DeepEqual(notHere.Allowed, []string{"a", "b", "c"}) || notHere.List != "abc" {
		t.Errorf("%+v", notHere)
	}
	if _, err := read(strings.NewReader("a\n1\n"), "xlsx", abc()); !errors.Is(err, ErrFormat) {
		t.Errorf("unknown format: %v", err)
	}
}

func TestMessages(t *testing.T) {
	for want, c := range map[string][2]string{
		`record 2 (line 3), column b: not UTF-8 text without NUL`:                                       {CSV, "a,b\n1,2\n1,\xff\n"},
		`header (line 1): column "d" is not on the list abc: allowed are a, b, c`:                       {CSV, "a,d\n"},
		`record 1: column "d" is not on the list abc: allowed are a, b, c`:                              {JSON, `[{"d":"1"}]`},
		`record 1, column a: malformed: want a string`:                                                  {JSON, `[{"a":1}]`},
		`table: malformed: want an array of objects of strings`:                                         {JSON, `{}`},
		`record 1 (line 2): wrong number of fields: 1, the header has 2`:                                {CSV, "a,b\n1\n"},
		`record 1 (line 2): malformed: quote within a field that has none around it`:                    {CSV, "a,b\n1\",2\n"},
		`record 1 (line 2), column a: too large: value of more than ` + fmt.Sprint(MaxValue) + ` bytes`: {CSV, "a\n" + strings.Repeat("x", MaxValue+1)},
	} {
		if _, err := read(strings.NewReader(c[1]), c[0], abc()); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestErrorsOfOthers(t *testing.T) {
	broken, full := errors.New("broken"), errors.New("full")
	for format, table := range map[string]string{CSV: "a\n1\n2\n", JSON: `[{"a":"1"},{"a":"2"}]`} {
		for n := range len(table) {
			r := io.MultiReader(strings.NewReader(table[:n]), iotest.ErrReader(broken))
			if _, err := read(r, format, abc()); !errors.Is(err, broken) {
				t.Errorf("%s, byte %d: %v", format, n, err)
			}
		}
		n, err := Read(strings.NewReader(table), format, abc(), func(r Record) error {
			if r.Values[0].Value == "2" {
				return full
			}
			return nil
		})
		if n != 1 || err != full {
			t.Errorf("%s: %d, %v", format, n, err)
		}
	}
}

func TestValueLimit(t *testing.T) {
	at, past := strings.Repeat("x", MaxValue), strings.Repeat("x", MaxValue+1)
	for format, table := range map[string]string{CSV: "a,b\n1,%s\n", JSON: `[{"a":"1","b":"%s"}]`} {
		if _, err := read(strings.NewReader(fmt.Sprintf(table, at)), format, abc()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		_, err := read(strings.NewReader(fmt.Sprintf(table, past)), format, abc())
		var where *RecordError
		if !errors.Is(err, ErrLimit) || !errors.As(err, &where) || where.Column != "b" {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// wide has columns enough for a record at the limit.
func wide() List {
	l := List{Name: "wide", Title: "Wide", Source: "test"}
	for i := range 40 {
		l.Columns = append(l.Columns, Column{fmt.Sprintf("c%d", i), "x"})
	}
	return l
}

func TestRecordLimit(t *testing.T) {
	// Quotes take two bytes each, so no value is at its own limit.
	var header, line strings.Builder
	var object strings.Builder
	for i := range 40 {
		fmt.Fprintf(&header, ",c%d", i)
		fmt.Fprintf(&line, `,"%s"`, strings.Repeat(`""`, 13000))
		fmt.Fprintf(&object, `,"c%d":"%s"`, i, strings.Repeat(`\"`, 13000))
	}
	csvOf := func(n int) string {
		text := line.String()[1:]
		return header.String()[1:] + "\r\n" + text[:len(text)-1] + strings.Repeat("x", n-len(text)-2) + "\"\r\n"
	}
	jsonOf := func(n int) string {
		text := "{" + object.String()[1:]
		return `[{"c0":"1"},  ` + text + strings.Repeat(" ", n-len(text)-1) + "}]"
	}
	for format, table := range map[string]func(int) string{CSV: csvOf, JSON: jsonOf} {
		if _, err := read(strings.NewReader(table(MaxRecord)), format, wide()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if _, err := read(strings.NewReader(table(MaxRecord+1)), format, wide()); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", format, err)
		}
	}
	// The header is bounded as well, and what stands between records.
	if _, err := read(strings.NewReader(strings.Repeat("x", MaxRecord+1)), CSV, abc()); !errors.Is(err, ErrLimit) {
		t.Errorf("header: %v", err)
	}
	if _, err := read(strings.NewReader(strings.Repeat(",", maxHeader-1)), CSV, abc()); errors.Is(err, ErrFields) {
		t.Errorf("header at the limit: %v", err)
	}
	if _, err := read(strings.NewReader(strings.Repeat("a,", maxHeader)), CSV, abc()); !errors.Is(err, ErrFields) {
		t.Errorf("fields of the header: %v", err)
	}
	if _, err := read(strings.NewReader("["+strings.Repeat(" ", MaxRecord+2*maxBetween)+"]"), JSON, abc()); !errors.Is(err, ErrLimit) {
		t.Errorf("white space: %v", err)
	}
}

// endless gives its text again and again, as much as is asked for.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(p), nil
}

func TestRecordsLimit(t *testing.T) {
	for format, c := range map[string]struct{ first, again, last, end string }{
		CSV:  {"a\n", "1\n", "1\n", ""},
		JSON: {`[`, `{"a":"1"},`, `{"a":"1"}`, `]`},
	} {
		body := func(n int64) io.Reader {
			return io.MultiReader(strings.NewReader(c.first), io.LimitReader(&endless{text: c.again}, (n-1)*int64(len(c.again))),
				strings.NewReader(c.last+c.end))
		}
		count := func(Record) error { return nil }
		if n, err := Read(body(MaxRecords), format, abc(), count); err != nil || n != MaxRecords {
			t.Errorf("%s: %d, %v", format, n, err)
		}
		if n, err := Read(body(MaxRecords+1), format, abc(), count); !errors.Is(err, ErrLimit) || n != MaxRecords {
			t.Errorf("%s: %d, %v", format, n, err)
		}
	}
}

// A table without an end of a line, of a string or of white space is refused
// within the memory of a few records.
func TestMemory(t *testing.T) {
	for name, c := range map[string]struct{ format, first, again string }{
		"csv, bare":       {CSV, "a\n", "x"},
		"csv, quoted":     {CSV, "a\n\"", "x\n"},
		"csv, fields":     {CSV, "a\n", ","},
		"json, string":    {JSON, `[{"a":"`, "x"},
		"json, name":      {JSON, `[{"`, "x"},
		"json, members":   {JSON, `[{"x":"1"`, ` `},
		"json, nested":    {JSON, `[`, `[`},
		"json, top level": {JSON, ``, ` `},
		"json, after it":  {JSON, `[]`, ` `},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(io.MultiReader(strings.NewReader(c.first), &endless{text: c.again}), c.format, abc())
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrFields) {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 32*MaxRecord {
			t.Errorf("%s: %d bytes allocated", name, used)
		}
	}
}

// Whatever values a table has, they come out as they went in, from both formats.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) string {
			return strings.ReplaceAll(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("\r\n\",a ")))).Draw(t, "value"), "\x00", "")
		})
		var want []Record
		var csvText strings.Builder
		csvText.WriteString("c,a,b\r\n")
		objects := []map[string]string{}
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			row := map[string]string{"a": value.Draw(t, "a"), "b": value.Draw(t, "b"), "c": value.Draw(t, "c") + "."}
			quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
			fmt.Fprintf(&csvText, "%s,%s,%s\r\n", quote(row["c"]), quote(row["a"]), quote(row["b"]))
			objects = append(objects, row)
			var r Record
			for _, c := range []string{"a", "b", "c"} {
				if row[c] != "" {
					r.Values = append(r.Values, Value{c, row[c]})
				}
			}
			want = append(want, r)
		}
		jsonText, err := json.Marshal(objects)
		if err != nil {
			t.Fatal(err)
		}
		for format, table := range map[string]string{CSV: csvText.String(), JSON: string(jsonText)} {
			got, err := read(strings.NewReader(table), format, abc())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %q, %v, want %q", format, got, err, want)
			}
		}
	})
}

// What is accepted reads the same in the standard library, but for CR LF in a
// value, of which that makes LF, and empty lines, which that skips.
func sameAsLibrary(t *testing.T, table string, got []Record) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(table, "\ufeff")))
	all, err := r.ReadAll()
	if err != nil {
		t.Fatalf("accepted %q: %v", table, err)
	}
	if len(all) != len(got)+1 {
		t.Fatalf("%q: %d records, want %d", table, len(got), len(all)-1)
	}
	for i, record := range got {
		values := make(map[string]string)
		for j, column := range all[0] {
			if v := all[i+1][j]; v != "" {
				values[column] = v
			}
		}
		if len(values) != len(record.Values) {
			t.Fatalf("%q: record %d is %q, want %q", table, i+1, record, values)
		}
		for _, v := range record.Values {
			if strings.ReplaceAll(v.Value, "\r\n", "\n") != values[v.Column] {
				t.Fatalf("%q: record %d is %q, want %q", table, i+1, record, values)
			}
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b,c\r\n1,2,3\r\n", "\ufeffa\n\"x\"\"\r\n\"\n", "b,a\n,1\n", "a\n\n", "a\r\n1\r", "a,a\n1,2\n", "a\n\"1", "d\n1\n", "a\n\xff\n", "a\n\"\r\"\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, table string) {
		got, err := read(strings.NewReader(table), CSV, abc())
		var where *RecordError
		if err == nil {
			sameAsLibrary(t, table, got)
		} else if !errors.As(err, &where) {
			t.Fatalf("%q: %v", table, err)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[{"a":"1","b":"2"},{"c":"\u00e4"}]`, ` [ ] `, `[{"a":"1","a":"2"}]`, `[{"a":1}]`, `[{"a":""}]`, `[{"a":"1"},]`, `[{"a":"\u0000"}]`, `[[]]`, `{}`, `[{"a":"1"}][]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, table string) {
		got, err := read(strings.NewReader(table), JSON, abc())
		var where *RecordError
		if err != nil {
			if !errors.As(err, &where) {
				t.Fatalf("%q: %v", table, err)
			}
			return
		}
		var all []map[string]string
		if err := json.Unmarshal([]byte(table), &all); err != nil || len(all) != len(got) {
			t.Fatalf("accepted %q: %d records, %v", table, len(got), err)
		}
		for i, record := range got {
			for _, v := range record.Values {
				if all[i][v.Column] != v.Value || v.Value == "" {
					t.Fatalf("%q: record %d is %q", table, i+1, record)
				}
			}
		}
	})
}
