package header_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"exhibit/export/mail/header"
	"exhibit/export/mail/limits"
)

// params writes parameters as name=value, with blanks between them.
func params(list []header.Param) string {
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s=%q", p.Name, p.Value))
	}
	return strings.Join(out, " ")
}

func TestContentType(t *testing.T) {
	for _, tt := range []struct{ value, want, defects string }{
		{"text/plain", "text/plain", ""},
		{"TEXT/PLAIN; CHARSET=UTF-8", `text/plain charset="UTF-8"`, ""},
		{" text/plain;charset=x; ", `text/plain charset="x"`, ""},
		{`multipart/mixed; boundary="a;b \"c\" (d)"`, `multipart/mixed boundary="a;b \"c\" (d)"`, ""},
		{"text/html (a (b; c) d); (e) name (f) = (g) x (h)", `text/html name="x"`, ""},
		{"(c) text/html;; ; name=a", `text/html name="a"`, ""},
		{"application/vnd.ms-excel.sheet+xml; type=\"text/xml\"", `application/vnd.ms-excel.sheet+xml type="text/xml"`, ""},
		{"*/*", "*/*", ""},
		// types as senders write them
		{"text / html; name=a", `text/html name="a"`, "parameters"},
		{`"text/html"; name=a`, `text/html name="a"`, "parameters"},
		{"text/plain charset=x", "text/plain", "parameters"},
		{"text/html, name=a", "text/html", "parameters"},
		{"image/jpg: name=a.jpg", "image/jpg", "parameters"},
		{"text/html/x; name=a", `text/html name="a"`, "parameters"},
		{"application/\xc3\xa4; name=a", `application/ä name="a"`, "parameters"},
		{"application/\xe4; name=a", `application/ä name="a"`, "charset-guessed parameters"},
		{"=?utf-8?q?text/html=3B_name=3Dx?=; a=b", `text/html name="x" a="b"`, "parameters"},
		// none that can be read
		{"", "", ""},
		{"text", "", "parameters"},
		{"text; name=a", ` name="a"`, "parameters"},
		{"text//html; name=a", ` name="a"`, "parameters"},
		{"/html", "", "parameters"},
		{"text/; name=a", ` name="a"`, "parameters"},
		{"; name=a", ` name="a"`, "parameters"},
		{"name=a; charset=b", ` name="a" charset="b"`, "parameters"},
		{"application\\pdf", "", "parameters"},
		{"=?", "", "parameters"},
		// a boundary is bytes
		{"multipart/mixed; boundary==_=?utf-8?q?x?=", `multipart/mixed boundary="=_=?utf-8?q?x?="`, "parameters"},
		{"multipart/mixed; boundary=\"\xe4\"", `multipart/mixed boundary="\xe4"`, ""},
		{"multipart/mixed; boundary*0=a; boundary*1*=%E4", `multipart/mixed boundary="a\xe4"`, ""},
		{"multipart/mixed; boundary*=iso-8859-1''%E4", `multipart/mixed boundary="\xe4"`, ""},
	} {
		mediaType, list, defects := header.ContentType(tt.value)
		got := mediaType
		if len(list) > 0 {
			got += " " + params(list)
		}
		if got != tt.want || strings.Join(defects, " ") != tt.defects {
			t.Errorf("%q:\ngot  %s; %q\nwant %s; %q", tt.value, got, defects, tt.want, tt.defects)
		}
	}
}

func TestDisposition(t *testing.T) {
	for _, tt := range []struct{ value, want, disposition, defects string }{
		{"attachment", "", "attachment", ""},
		{"INLINE; FILENAME=A.TXT", `filename="A.TXT"`, "inline", ""},
		{"attachment (c); filename=a.txt; size=3", `filename="a.txt" size="3"`, "attachment", ""},
		{`"attachment"; filename=a.txt`, `filename="a.txt"`, "attachment", "parameters"},
		{"attachment filename=a.txt", "", "attachment", "parameters"},
		{"a/b; filename=a.txt", `filename="a.txt"`, "a", "parameters"},
		{"; filename=a.txt", `filename="a.txt"`, "", "parameters"},
		{"filename=a.txt", `filename="a.txt"`, "", "parameters"},
		{"", "", "", ""},
	} {
		disposition, list, defects := header.Disposition(tt.value)
		if disposition != tt.disposition || params(list) != tt.want || strings.Join(defects, " ") != tt.defects {
			t.Errorf("%q: %q, %s, %q; want %q, %s, %q", tt.value, disposition, params(list), defects, tt.disposition, tt.want, tt.defects)
		}
	}
}

// The value of one parameter, in all the ways in which senders write it.
func TestParameterValue(t *testing.T) {
	for _, tt := range []struct{ value, want, defects string }{
		{"n=a.txt", "a.txt", ""},
		{"n = a.txt ; x=y", "a.txt", ""},
		{`n="a  b.txt"`, "a  b.txt", ""},
		{`n=" a.txt "`, " a.txt ", ""},
		{`n="a\"b\\c.txt"`, `a"b\c.txt`, ""},
		{`n="C:\dir\file.txt"`, "C:dirfile.txt", ""},
		{`n="../a/b;c.txt" (d)`, "../a/b;c.txt", ""},
		{"n='a.txt'", "'a.txt'", ""},
		{`n=""`, "", ""},
		// without quotes
		{"n=my file.pdf", "my file.pdf", "parameters"},
		{"n=a(b).txt", "a(b).txt", "parameters"},
		{"n=a(b) c.txt", "a(b) c.txt", "parameters"},
		{"n=(d) a.txt (e)", "a.txt", ""},
		{"n=a,b=c[1]@d.txt", "a,b=c[1]@d.txt", "parameters"},
		{`n=C:\dir\file.txt`, `C:\dir\file.txt`, "parameters"},
		{`n=a"b".txt`, `a"b".txt`, "parameters"},
		{`n=""`, "", ""},
		{"n=; n=b", "b", "parameters"}, // nothing is no value
		{"n*=; n=b", "b", "parameters"},
		// half quoted
		{`n="a.txt`, "a.txt", "parameters"},
		{`n="a.txt; size=3`, "a.txt; size=3", "parameters"},
		{`n="a"b.txt; x=y`, "a", "parameters"},
		{`n="a" x="b;c"; y=z`, "a", "parameters"},
		// words among parameters
		{"junk; n=a", "a", "parameters"},
		{"=x; n=a", "a", "parameters"},
		{"n=a; junk", "a", "parameters"},
		{"x y=z; n=a", "a", "parameters"},
		{"n=a; n=b", "a", "parameters"},
		// encoded words
		{`n="=?utf-8?q?=C3=A4.txt?="`, "ä.txt", ""},
		{`n="=?utf-8?q?=C3?= =?utf-8?q?=A4.txt?="`, "ä.txt", ""},
		{`n="a =?utf-8?b?w6Q=?= b.txt"`, "a ä b.txt", ""},
		{"n==?utf-8?q?=C3=A4.txt?=", "ä.txt", "parameters"},
		{"n==?utf-8?q?=C3=A4;b.txt?=; x=y", "ä;b.txt", "parameters"},
		{`n="=?utf-8?q?a.txt"`, "=?utf-8?q?a.txt", ""},
		{`n="=?x-none?q?=C3=A4?="`, "ä", "charset charset-guessed"},
		{`n="=?utf-8?b?w6Qh!?="`, "ä!", "encoded-word"},
		// raw bytes
		{`n="ä.txt"`, "ä.txt", ""},
		{"n=ä.txt", "ä.txt", ""},
		{"n=\"\xe4\x80.txt\"", "ä€.txt", "charset-guessed"},
		// RFC 2231
		{"n*=utf-8''%C3%A4.txt", "ä.txt", ""},
		{"n*=iso-8859-1'de'%E4.txt", "ä.txt", ""},
		{"n*=utf-8''a'b+c.txt", "a'b+c.txt", ""},
		{"n*0=a; n*1=b.txt", "ab.txt", ""},
		{"n*2=c; n*0=a; n*1=b", "abc", ""},
		{"n*00=a; n*01=b", "ab", ""},
		{"n*0*=utf-8''%C3; n*1*=%A4.txt", "ä.txt", ""},
		{`n*0*=utf-8''a; n*1*=%20b; n*2="%20.txt"`, "a b%20.txt", ""},
		{`n*0="a%20"; n*1*=%20b.txt`, "a%20 b.txt", ""},
		{`n*0="=?utf-8?q?=C3"; n*1="=A4?=.txt"`, "ä.txt", ""},
		{"n*=utf-8''b; n=a", "b", ""},
		{"n=a; n*=utf-8''b", "b", ""},
		{"n=x; n*0=a; n*1=b", "ab", ""},
		{"n*0=a; n*1=b; n*=utf-8''x", "x", ""},
		{"n=a; n*=utf-8''%E4", "a", "charset"},
		{"n*0*=x-none''%E4; n*1=b; n=a", "a", "charset charset-guessed"},
		// RFC 2231 with slips
		{`n*="utf-8''%C3%A4.txt"`, "ä.txt", ""},
		{`n*=utf-8''"a b"`, "a b", "parameters"},
		{"n*=utf-8''a b.txt", "a b.txt", "parameters"},
		{"n*=''%C3%A4", "ä", ""},
		{"n*=''%E4", "ä", "charset-guessed"},
		{"n*=%C3%A4", "ä", "parameters"},
		{"n*=utf-8'%C3%A4", "utf-8'ä", "parameters"},
		{"n*=it's a file's", "it's a file's", "parameters"},
		{"n*==?utf-8?q?=C3=A4?=", "ä", "parameters"},
		{"n*=x-none''%E4", "ä", "charset charset-guessed"},
		{"n*=utf-8''%E4", "\uFFFD", "charset"},
		{"n*=utf-8''%C3%A4%2%zz%", "ä%2%zz%", "parameters"},
		{"n*0=a; n*2=c", "ac", "parameters"},
		{"n*1=b", "b", "parameters"},
		{"n*0=a; n*0=b; n*1=c", "ac", "parameters"},
		{"n*=utf-8''a; n*=utf-8''b", "a", "parameters"},
		// not RFC 2231
		{"n*x=a; n=b", "b", ""},
		{"n**=a; n=b", "b", ""},
		{"n*0*x=a; n=b", "b", ""},
		{"n*1234567=a; n=b", "b", ""},
		{"*=a; n=b", "b", ""},
	} {
		_, list, defects := header.Disposition("attachment; " + tt.value)
		i := slices.IndexFunc(list, func(p header.Param) bool { return p.Name == "n" })
		if i < 0 {
			t.Errorf("%q: not found: %q", tt.value, list)
			continue
		}
		if got := list[i].Value; got != tt.want || strings.Join(defects, " ") != tt.defects {
			t.Errorf("%q: got %q; %q, want %q; %q", tt.value, got, defects, tt.want, tt.defects)
		}
	}
}

func TestParameterLimits(t *testing.T) {
	segments := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "; n*%d=a", i)
		}
		return "a/b" + out.String()
	}
	for n, defects := range map[int][]string{
		limits.Parameters:     nil,
		limits.Parameters + 1: {header.DefectTooManyParams},
		20_000:                {header.DefectTooManyParams},
	} {
		mediaType, list, got := header.ContentType(segments(n))
		if mediaType != "a/b" || params(list) != fmt.Sprintf("n=%q", strings.Repeat("a", limits.Parameters)) || !slices.Equal(got, defects) {
			t.Errorf("%d segments: %q, %d parameters, %q", n, mediaType, len(list), got)
		}
	}
	const head = `a/b; n=`
	for n, defects := range map[int][]string{
		limits.ParameterBytes:     nil,
		limits.ParameterBytes + 1: {header.DefectTooManyParams},
		20 << 20:                  {header.DefectTooManyParams},
	} {
		_, list, got := header.ContentType(head + strings.Repeat("a", n-len(head)))
		if len(list) != 1 || len(list[0].Value) != limits.ParameterBytes-len(head) || !slices.Equal(got, defects) {
			t.Errorf("%d bytes: %d parameters, %q", n, len(list), got)
		}
	}
}

// Values made to waste time are read like any other.
func TestParameterBombs(t *testing.T) {
	for _, part := range []string{"(", ")", `"`, `\"`, "=?", "=?a?q?", ";", "=", "n*0*=utf-8''%", "; n*999999=", "; n=\"", "'", "((a)", "/", "=?a?q??="} {
		for _, head := range []string{"", "a/b; n=", `a/b; n="`, "a/b; n*=utf-8''", "a/b ("} {
			value := head + strings.Repeat(part, limits.ParameterBytes/len(part))
			header.ContentType(value)
			_, list, _ := header.Disposition(value)
			if len(list) > limits.Parameters {
				t.Errorf("%q: %d parameters", part, len(list))
			}
		}
	}
}

// A name comes back from RFC 2231 as it went in, however it is cut.
func TestSegmentsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		encoded := "utf-8''" + percentEncoded(name)
		var parts []string
		for i := 0; encoded != ""; i++ {
			n := rapid.IntRange(1, len(encoded)).Draw(t, "cut")
			if i == 0 {
				n = max(n, len("utf-8''"))
			}
			for n < len(encoded) && strings.IndexByte(encoded[max(0, n-2):n], '%') >= 0 {
				n++ // not within an octet: RFC 2231 does not cut there
			}
			parts = append(parts, fmt.Sprintf("filename*%d*=%s", i, encoded[:n]))
			encoded = encoded[n:]
		}
		parts = rapid.Permutation(parts).Draw(t, "order")
		_, list, defects := header.Disposition("attachment; " + strings.Join(parts, "; "))
		if len(list) != 1 || list[0].Value != name || len(defects) != 0 {
			t.Fatalf("%q: %q, %q", name, list, defects)
		}
	})
}

func percentEncoded(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'a' && c <= 'z' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func checkParams(t *testing.T, value, head string, list []header.Param, defects []string) {
	t.Helper()
	if !utf8.ValidString(head) || len(list) > limits.Parameters {
		t.Fatalf("%q: %q, %d parameters", value, head, len(list))
	}
	names := map[string]bool{}
	for _, p := range list {
		if p.Name == "" || names[p.Name] {
			t.Fatalf("%q: name %q", value, p.Name)
		}
		if p.Name != "boundary" && !utf8.ValidString(p.Value) {
			t.Fatalf("%q: value %q", value, p.Value)
		}
		names[p.Name] = true
	}
	if len(slices.Compact(slices.Sorted(slices.Values(defects)))) != len(defects) {
		t.Fatalf("%q: %q", value, defects)
	}
}

func FuzzContentType(f *testing.F) {
	f.Add(`multipart/mixed; boundary="a\"b"; charset*=utf-8'de'%C3%A4`)
	f.Add("text / plain (c); x*1*=%; x*0=\"=?utf-8?b?w6Q?=\" junk; y")
	f.Add("=?utf-8?q?text/html?=; n*0*=''\xe4; N=\"")
	f.Fuzz(func(t *testing.T, value string) {
		mediaType, list, defects := header.ContentType(value)
		checkParams(t, value, mediaType, list, defects)
		if major, minor, ok := strings.Cut(mediaType, "/"); mediaType != "" && (!ok || major == "" || minor == "" || strings.ContainsAny(mediaType, " \t;\"()")) {
			t.Fatalf("%q: %q", value, mediaType)
		}
	})
}

func FuzzDisposition(f *testing.F) {
	f.Add(`attachment; filename="a.txt"; filename*=utf-8''%C3%A4.txt`)
	f.Add("inline (c); filename=my file(1).pdf; size=3")
	f.Add("filename==?utf-8?q?a;b?=; filename*0=a; filename*2*=%zz")
	f.Fuzz(func(t *testing.T, value string) {
		disposition, list, defects := header.Disposition(value)
		checkParams(t, value, disposition, list, defects)
	})
}

// Parameters are found again however many there are.
func TestManyParameters(t *testing.T) {
	const many = 50
	var value strings.Builder
	value.WriteString("a/b")
	for i := range many {
		fmt.Fprintf(&value, "; n%d=first", i)
	}
	for i := range many {
		fmt.Fprintf(&value, "; n%d=again", i)
	}
	_, params, defects := header.ContentType(value.String())
	if len(params) != many || len(defects) != 1 || defects[0] != header.DefectParameters {
		t.Fatalf("%d parameters, %v", len(params), defects)
	}
	for i, p := range params {
		if want := fmt.Sprint("n", i); p.Name != want || p.Value != "first" {
			t.Errorf("%+v, want %s", p, want)
		}
	}
}
