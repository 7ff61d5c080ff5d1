package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"exhibit/export/mail"
	"exhibit/export/mail/header"
	"exhibit/export/scope"
)

// printable reports whether a character is one to be seen, and acts on nothing: no
// control character, none that changes the direction of text, none without a width.
func printable(r rune) bool { return r == ' ' || strconv.IsPrint(r) }

// visible is untrusted text on one line, with what acts on a terminal escaped, and
// bytes that are no UTF-8 likewise: as \t, \r, \n, \x1b, \u202e.
func visible(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case printable(r):
			b.WriteString(s[:n])
		default:
			b.WriteString(escaped(r))
		}
		s = s[n:]
	}
	return b.String()
}

func escaped(r rune) string {
	switch {
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r == '\n':
		return `\n`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xFFFF:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// page writes lines of a label and a value; nothing where there is no value.
type page struct{ w io.Writer }

func (p page) line(label, value string) {
	if value != "" {
		fmt.Fprintf(p.w, "  %-14s  %s\n", label, value)
	}
}

func (p page) list(label string, values []string) {
	for _, v := range values {
		p.line(label, visible(v))
		label = ""
	}
}

func (r inspected) text(w io.Writer) {
	fmt.Fprintf(w, "%s: item %d, %s\n", visible(r.File), r.Item, r.Kind)
	p := page{w}
	r.source(p)
	p.line("scope time", r.Time.String())
	switch f := r.Fields.(type) {
	case inspectedMessage:
		p.fields(&f.Metadata.Fields)
		p.parts(&f)
		p.defects(f.Defects)
	case mail.Entry:
		p.line("summary", visible(f.Summary))
		p.line("uid", visible(f.UID))
		p.line("date", f.DateUTC)
		p.list("email", f.Email)
	}
	if r.Header != nil {
		p.header(r.Header)
	}
}

func (p page) header(h *inspectedHead) {
	fmt.Fprintf(p.w, "  header of %s\n", h.Part)
	for _, l := range h.Fields {
		fmt.Fprintf(p.w, "  %9d  %s: %s\n", l.Offset, visible(l.Name), visible(l.raw))
	}
	p.defects(h.Defects)
}

func (p page) parts(m *inspectedMessage) {
	if m.Parts != nil {
		fmt.Fprintln(p.w, "  parts")
	}
	for i := range m.Parts {
		partText(p.w, &m.Parts[i])
	}
	if m.PartsTotal > 0 {
		fmt.Fprintf(p.w, "    and more: %d in all\n", m.PartsTotal)
	}
}

func (p page) defects(list []inspectedFlaw) {
	if len(list) > 0 {
		fmt.Fprintln(p.w, "  defects")
	}
	for _, d := range list {
		fmt.Fprintf(p.w, "    %s in %s at %d: %s\n", d.Name, d.Part, d.Offset, d.Explanation)
	}
}

// source says where an item lies and what it is.
func (r inspected) source(p page) {
	p.line("lies", fmt.Sprintf("at byte %d, %d bytes", r.Offset, r.Length))
	format := r.Format
	if r.Container != "" {
		format += ", " + r.Container + ": offsets are of its content"
	}
	p.line("format", format)
	if r.Dialect != "" {
		p.line("dialect", fmt.Sprintf("%s: %s", r.Dialect, r.Evidence))
	}
	if r.Separator > 0 || r.Trailer > 0 {
		p.line("", fmt.Sprintf("%d bytes of separator line, %d at the end", r.Separator, r.Trailer))
	}
	if r.Doubtful {
		p.line("doubtful", "a line in it may or may not begin another message")
	}
	p.line("sha256", r.SHA256)
	p.list("labels", r.Labels)
	p.line("flags", visible(strings.Join(r.Flags, ", ")))
}

// fields prints what an index shows of a header.
func (p page) fields(f *mail.Fields) {
	p.list("from", addressTexts(f.From))
	p.list("sender", addressTexts(f.Sender))
	p.list("reply-to", addressTexts(f.ReplyTo))
	p.list("to", addressTexts(f.To))
	p.list("cc", addressTexts(f.Cc))
	p.list("bcc", addressTexts(f.Bcc))
	p.line("subject", visible(f.Subject))
	date := visible(f.Date)
	switch {
	case f.DateUTC != "":
		date += " = " + f.DateUTC
	case date != "":
		date += " (not determined)"
	}
	p.line("date", date)
	p.line("received", f.ReceivedUTC)
	p.line("message-id", visible(f.MessageID))
	p.list("in-reply-to", f.InReplyTo)
	p.list("references", f.References)
	if f.Thread != nil {
		p.line("thread", fmt.Sprintf("%s by %s", f.Thread.ID, f.Thread.By))
	}
	p.line("mih", f.EDRMMIH)
	p.line("list-id", visible(f.ListID))
	p.list("keywords", f.Keywords)
	p.list("authentication", f.AuthenticationResults)
}

func addressTexts(list []header.Address) []string {
	texts := make([]string, 0, len(list))
	for _, a := range list {
		switch {
		case a.Name == "":
			texts = append(texts, a.Addr)
		case a.Addr == "":
			texts = append(texts, a.Name)
		default:
			texts = append(texts, a.Name+" <"+a.Addr+">")
		}
	}
	return texts
}

func (t inspectedTime) String() string {
	var b strings.Builder
	switch {
	case t.Earliest == nil:
		b.WriteString("not known")
	case *t.Earliest == *t.Latest:
		b.WriteString(*t.Earliest)
	case t.Field != nil && *t.Field == scope.FieldCalendar:
		fmt.Fprintf(&b, "from %s to %s", *t.Earliest, *t.Latest)
	default:
		fmt.Fprintf(&b, "between %s and %s", *t.Earliest, *t.Latest)
	}
	if t.Field != nil {
		fmt.Fprintf(&b, ", by %s", *t.Field)
	}
	if t.Problem != "" {
		fmt.Fprintf(&b, ": %s", t.Problem)
	}
	return b.String()
}

// partText prints a part, indented by its depth.
func partText(w io.Writer, p *mail.Part) {
	indent := strings.Repeat("  ", 2+strings.Count(p.Number, "."))
	words := []string{p.Number, visible(p.Type)}
	if p.Charset != "" {
		words = append(words, "charset="+visible(p.Charset))
	}
	if p.Encoding != "" {
		words = append(words, p.Encoding)
	}
	if p.Disposition != "" {
		words = append(words, visible(p.Disposition))
	}
	if p.Name != "" {
		words = append(words, strconv.Quote(p.Name))
	}
	if p.ContentID != "" {
		words = append(words, "id="+visible(p.ContentID))
	}
	if p.Crypto != "" {
		words = append(words, p.Crypto)
	}
	fmt.Fprintf(w, "%s%s\n", indent, strings.Join(words, "  "))
	within := ""
	if p.Inner {
		within = ", in the decoded content of the part above"
	}
	fmt.Fprintf(w, "%s  header at %d, content at %d, %d bytes%s\n", indent, p.Offset, p.Body, p.Length, within)
	if p.Size != nil {
		fmt.Fprintf(w, "%s  decoded %d bytes", indent, *p.Size)
		if p.SHA256 != "" {
			fmt.Fprintf(w, "\n%s  sha256 %s", indent, p.SHA256)
		}
		fmt.Fprintln(w)
	}
	if p.Message != nil {
		from := ""
		if len(p.Message.From) > 0 {
			from = " from " + visible(strings.Join(addressTexts(p.Message.From), ", "))
		}
		fmt.Fprintf(w, "%s  carries %s%s\n", indent, strconv.Quote(p.Message.Subject), from)
	}
	for n, f := range p.Files {
		fmt.Fprintf(w, "%s  %s/%d  file in %s  %s  %d bytes\n", indent, p.Number, n+1, f.Origin, strconv.Quote(f.Name), f.Size)
		fmt.Fprintf(w, "%s    sha256 %s\n", indent, f.SHA256)
	}
}

func (g inspectedGap) text(w io.Writer) {
	fmt.Fprintf(w, "%s: no message at byte %d, %d bytes: %s\n", visible(g.File), g.Offset, g.Length, g.Reason)
}

func (f inspectedFile) text(w io.Writer) {
	fmt.Fprintf(w, "%s: mbox of %s, dialect %s: %s\n", visible(f.File), plural(f.Items, "message"), f.Dialect, f.Evidence)
	var counts []string
	for _, d := range slices.Sorted(maps.Keys(f.Dialects)) {
		counts = append(counts, fmt.Sprintf("%d %s", f.Dialects[d], d))
	}
	if len(counts) > 1 || f.Dialects[f.Dialect] == 0 {
		page{w}.line("of them", strings.Join(counts, ", "))
	}
	page{w}.line("sha256", f.SHA256)
}
