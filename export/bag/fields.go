package bag

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fields is what the index files show of an item record's open member fields.
// Its members are read as follows; what is absent or of another shape is empty.
//
//	message_id, subject, date_utc, mih   a string
//	from, to, cc, bcc                         a list of addresses
//
// An address is an object {name, addr} of strings, or a string.
type Fields struct {
	MessageID string
	Subject   string
	DateUTC   string
	MIH       string
	From      string // addresses as `Name <address>`, with `; ` between
	To        string
	CC        string
	BCC       string
}

// ReadFields reads the open member fields of a record.
func ReadFields(fields jsontext.Value) Fields {
	var members map[string]jsontext.Value
	if json.Unmarshal(fields, &members) != nil {
		return Fields{}
	}
	text := func(name string) string {
		var s string
		if json.Unmarshal(members[name], &s) != nil {
			return ""
		}
		return s
	}
	list := func(name string) string { return addressList(members[name]) }
	subject := text("subject")
	if subject == "" { // of a calendar object or a contact
		subject = text("summary")
	}
	return Fields{
		MessageID: text("message_id"), Subject: subject, DateUTC: text("date_utc"), MIH: text("mih"),
		From: list("from"), To: list("to"), CC: list("cc"), BCC: list("bcc"),
	}
}

func addressList(v jsontext.Value) string {
	var elements []jsontext.Value
	if json.Unmarshal(v, &elements) != nil {
		return ""
	}
	var shown []string
	for _, e := range elements {
		if s := address(e); s != "" {
			shown = append(shown, s)
		}
	}
	return strings.Join(shown, "; ")
}

func address(v jsontext.Value) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var a struct {
		Name string `json:"name"`
		Addr string `json:"addr"`
	}
	if json.Unmarshal(v, &a) != nil {
		return ""
	}
	switch {
	case a.Name == "":
		return a.Addr
	case a.Addr == "":
		return a.Name
	}
	return a.Name + " <" + a.Addr + ">"
}
