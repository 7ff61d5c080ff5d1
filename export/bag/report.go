package bag

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

// Report is what data/report.html says. It is a part of the payload: nothing
// in it may depend on the package (its id, its time, its secret).
type Report struct {
	Reference      string // of the order
	Authority      string // who asked
	Country        string
	Jurisdiction   string
	Regime         string
	LegalBasis     string
	Agency         string // who receives
	OrderFile      string // name in the bag
	OrderSHA256    string
	InstrumentFile string // name in the bag
	InPart         bool   // the review has accepted less than the order asks for
	Accounts       []Account
	Included       int64
	Traffic        int64 // of the included items, traffic records
	Subscriber     int64 // of the included items, subscriber records
	Source         int64
	Held           int64 // items withheld
	Withheld       []ReasonCount
	Excepted       int64 // items that are exceptions
	Exceptions     []ReasonCount
	Gaps           []ReasonCount
}

//go:embed report.html.tmpl
var reportText string

var reasonWords = map[string]string{
	"category":         "the order does not ask for such data of this account",
	"before-span":      "before the time that the order names",
	"after-span":       "after the time that the order names",
	"privileged":       "a correspondent that the order withholds as privileged",
	"undetermined":     "it could not be determined whether the order covers it; a person of the provider has to look at it",
	"no-header":        "does not begin as a message does",
	"binary":           "declares binary content, or holds zero bytes",
	"bare-cr":          "has carriage returns that are no line ends",
	"runs-limit":       "changes its kind of line end too often",
	"inverse-mismatch": "could not be restored exactly from its normal form",
}

var reportTemplate = template.Must(template.New("report.html").Funcs(template.FuncMap{
	"words": func(reason string) string {
		if w, ok := reasonWords[reason]; ok {
			return w
		}
		return reason
	},
	"together": func(list []string) string { return strings.Join(list, ", ") },
}).Parse(reportText))

// WriteReport writes data/report.html: one page without scripts and without
// anything from elsewhere.
func WriteReport(w io.Writer, r *Report) error { return reportTemplate.Execute(w, r) }
