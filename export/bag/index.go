package bag

import (
	"io"
	"path"
	"strconv"
	"strings"
)

// Columns are the columns of index.csv and index.dat (section 10).
var columns = []string{
	"Rfc822MessageId", "FileName", "Account", "Labels", "From", "Subject", "To", "CC", "BCC", "DateSent", "DateReceived",
	"DocID", "PARENT_DOCID", "BeginAttach", "EndAttach", "Custodian", "FilePath", "FileSize", "MD5Hash", "SHA256Hash",
	"SourceFile", "SourceOffset", "SourceLength", "SourceSHA256", "MIH", "Category", "Rule", "Exception",
}

// row returns the cells of one item. Attachments are no documents of their own
// here, so that the columns of families stay empty.
func row(it *ItemRecord) []string {
	f := ReadFields(it.Fields)
	received := ""
	if s := it.Scope; s.Field != nil && *s.Field == "received" && s.Earliest != nil && s.Latest != nil && *s.Earliest == *s.Latest {
		received = s.Earliest.String()
	}
	exception := ""
	if it.Exception != nil {
		exception = *it.Exception
	}
	md5, _ := it.MD5.MarshalText()
	var source [4]string // of a derived record nothing
	if s := it.Source; s != nil {
		source = [4]string{s.File, decimal(s.Offset), decimal(s.Length), s.SHA256.String()}
	}
	return []string{
		f.MessageID, path.Base(it.File), it.Account, strings.Join(it.Labels, "; "), f.From, f.Subject, f.To, f.CC, f.BCC,
		f.DateUTC, received, it.Exhibit, "", "", "", it.Account, it.File, decimal(it.Size), string(md5), it.SHA256.String(),
		source[0], source[1], source[2], source[3], f.MIH,
		it.Category, it.Scope.Rule, exception,
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// CSVIndex writes index.csv.
type CSVIndex struct{ w io.Writer }

// NewCSVIndex writes the header line to w.
func NewCSVIndex(w io.Writer) (*CSVIndex, error) {
	return &CSVIndex{w}, WriteCSV(w, columns)
}

// Add writes the line of an item.
func (c *CSVIndex) Add(it *ItemRecord) error { return WriteCSV(c.w, row(it)) }

// DATIndex writes index.dat, a Concordance load file.
type DATIndex struct{ w io.Writer }

// NewDATIndex writes the byte order mark and the header line to w.
func NewDATIndex(w io.Writer) (*DATIndex, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	return &DATIndex{w}, writeDAT(w, columns)
}

// Add writes the line of an item.
func (d *DATIndex) Add(it *ItemRecord) error { return writeDAT(d.w, row(it)) }

// WriteCSV writes one record of RFC 4180 (section 10). A cell that a spreadsheet would take
// for a formula, or that begins with ', gets a ' put before it. The standard library's writer is not
// used, as it makes CR LF of a LF within quotes.
func WriteCSV(w io.Writer, cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if cell != "" && strings.IndexByte("=+-@\t\r'", cell[0]) >= 0 {
			cell = "'" + cell
		}
		if strings.ContainsAny(cell, "\",\r\n") {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		b.WriteString(cell)
	}
	b.WriteString("\r\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var datEscapes = strings.NewReplacer("\r\n", "®", "\r", "®", "\n", "®", "þ", "þþ", "\x14", " ")

// writeDAT writes one line of a Concordance load file.
func writeDAT(w io.Writer, cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte('\x14')
		}
		b.WriteString("þ" + datEscapes.Replace(cell) + "þ")
	}
	b.WriteString("\r\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// ExceptionsCSVWriter writes exceptions.csv (section 10).
type ExceptionsCSVWriter struct{ w io.Writer }

// NewExceptionsCSV writes the header line to w.
func NewExceptionsCSV(w io.Writer) (*ExceptionsCSVWriter, error) {
	return &ExceptionsCSVWriter{w}, WriteCSV(w, []string{"exhibit", "file", "reason"})
}

// Add writes the line of an item, if it is an exception.
func (e *ExceptionsCSVWriter) Add(it *ItemRecord) error {
	if it.Exception == nil {
		return nil
	}
	return WriteCSV(e.w, []string{it.Exhibit, it.File, *it.Exception})
}

// MarshalWithheldCSV returns withheld.csv: a line for each reason, in the order
// given.
func MarshalWithheldCSV(withheld []ReasonCount) []byte {
	var b strings.Builder
	_ = WriteCSV(&b, []string{"reason", "count"}) // a strings.Builder takes all
	for _, r := range withheld {
		_ = WriteCSV(&b, []string{r.Reason, decimal(r.Count)})
	}
	return []byte(b.String())
}
