package bag

import (
	"io"
	"path"
	"strconv"
	"strings"
)

// columns are the columns of index.csv and index.dat (section 10).
var columns = []string{
	"Rfc822MessageId", "FileName", "Account", "Labels", "From", "Subject", "To", "CC", "BCC", "DateSent", "DateReceived",
	"DocID", "PARENT_DOCID", "BeginAttach", "EndAttach", "Custodian", "FilePath", "FileSize", "MD5Hash", "SHA256Hash",
	"SourceFile", "SourceOffset", "SourceLength", "SourceSHA256", "MIH", "Category", "Rule", "Exception",
	"ThreadId", "InReplyTo", "References", "Sender", "ReplyTo", "Flags", "Part", "ContentType", "Attachments", "Crypto",
}

// columnsV1 is how many of the columns there are with item records of version 1.
const columnsV1 = 28

// columnsOf returns the columns of index files over item records of a type.
func columnsOf(itemType string) []string {
	if itemType == ItemTypeV1 {
		return columns[:columnsV1]
	}
	return columns
}

// cells are the cells of a row by column; what is not there is empty.
type cells map[string]string

// Rows returns the rows of an item in index.csv and index.dat: one with a record
// of version 1, otherwise one for the item and one for each of its attachments.
// They depend on the record alone.
func Rows(it *ItemRecord) [][]string {
	f := ReadFields(it.Fields)
	var list []cells
	if it.Type == ItemTypeV1 {
		list = []cells{itemCells(it, &f)}
	} else {
		list = familyOf(it, &f)
	}
	names := columnsOf(it.Type)
	rows := make([][]string, len(list))
	for i, c := range list {
		rows[i] = make([]string, len(names))
		for j, name := range names {
			rows[i][j] = c[name]
		}
	}
	return rows
}

// itemCells returns the cells of an item that both versions have.
func itemCells(it *ItemRecord, f *Fields) cells {
	md5, _ := it.MD5.MarshalText()
	c := cells{
		"Rfc822MessageId": f.MessageID, "Subject": f.Subject, "DateSent": f.DateUTC, "MIH": f.MIH,
		"From": f.From, "To": f.To, "CC": f.CC, "BCC": f.BCC,
		"FileName": path.Base(it.File), "Account": it.Account, "Custodian": it.Account, "Labels": strings.Join(it.Labels, "; "),
		"DocID": it.Exhibit, "FilePath": it.File, "FileSize": decimal(it.Size), "MD5Hash": string(md5), "SHA256Hash": it.SHA256.String(),
		"Category": it.Category, "Rule": it.Scope.Rule,
	}
	if s := it.Scope; s.Field != nil && *s.Field == "received" && s.Earliest != nil && s.Latest != nil && *s.Earliest == *s.Latest {
		c["DateReceived"] = s.Earliest.String()
	}
	if it.Exception != nil {
		c["Exception"] = *it.Exception
	}
	if s := it.Source; s != nil { // of a derived record there is none
		c["SourceFile"], c["SourceOffset"], c["SourceLength"], c["SourceSHA256"] = s.File, decimal(s.Offset), decimal(s.Length), s.SHA256.String()
	}
	return c
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// CSVIndex writes index.csv.
type CSVIndex struct{ w io.Writer }

// NewCSVIndex writes the header line over item records of that type to w.
func NewCSVIndex(w io.Writer, itemType string) (*CSVIndex, error) {
	return &CSVIndex{w}, WriteCSV(w, columnsOf(itemType))
}

// Add writes the lines of an item, whose [Rows] these are.
func (c *CSVIndex) Add(rows [][]string) error {
	for _, r := range rows {
		if err := WriteCSV(c.w, r); err != nil {
			return err
		}
	}
	return nil
}

// DATIndex writes index.dat, a Concordance load file.
type DATIndex struct{ w io.Writer }

// NewDATIndex writes the byte order mark and the header line over item records of
// that type to w.
func NewDATIndex(w io.Writer, itemType string) (*DATIndex, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	return &DATIndex{w}, writeDAT(w, columnsOf(itemType))
}

// Add writes the lines of an item, whose [Rows] these are.
func (d *DATIndex) Add(rows [][]string) error {
	for _, r := range rows {
		if err := writeDAT(d.w, r); err != nil {
			return err
		}
	}
	return nil
}

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
