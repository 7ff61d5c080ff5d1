package bag

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fields is what the index files show of an item record's open member fields, or
// of the member message of a part. Its members are read as follows; what is absent
// or of another shape is empty.
//
//	message_id, subject, date_utc, received_utc, mih   a string
//	in_reply_to, references                            a list of strings
//	from, sender, reply_to, to, cc, bcc                a list of addresses
//	thread                                             an object with the string id
//	parts                                              a list of parts
//
// An address is an object {name, addr} of strings, or a string. A part is an object
// as [Part] has it; when one of them is of another shape, there are none.
type Fields struct {
	MessageID   string
	Subject     string
	DateUTC     string
	ReceivedUTC string
	MIH         string
	From        string // addresses as `Name <address>`, with `; ` between
	To          string
	CC          string
	BCC         string

	Sender     string
	ReplyTo    string
	InReplyTo  string // identifiers with a blank between
	References string
	ThreadID   string
	Parts      []Part
}

// Part is what the index files show of a part of a message.
type Part struct {
	Number     string         `json:"part"`
	Type       string         `json:"type"`
	Name       string         `json:"name"`
	Crypto     string         `json:"crypto"`
	Attachment bool           `json:"attachment"`
	Size       *int64         `json:"size"` // in bytes, of the decoded content; nil when it is not known
	SHA256     string         `json:"sha256"`
	MD5        string         `json:"md5"`
	Message    jsontext.Value `json:"message"` // fields of the message that it carries; empty when it carries none
	Files      []File         `json:"files"`
}

// File is a file inside the content of a part.
type File struct {
	Name   string `json:"name"`
	Size   *int64 `json:"size"`
	SHA256 string `json:"sha256"`
	MD5    string `json:"md5"`
}

// ReadFields reads the open member fields of a record.
func ReadFields(fields jsontext.Value) Fields {
	var members map[string]jsontext.Value
	if json.Unmarshal(fields, &members) != nil {
		return Fields{}
	}
	text := func(name string) string { return textOf(members[name]) }
	list := func(name string) string { return listOf(members[name], "; ", address) }
	texts := func(name string) string { return listOf(members[name], " ", textOf) }
	f := Fields{
		MessageID: text("message_id"), Subject: text("subject"), DateUTC: text("date_utc"), ReceivedUTC: text("received_utc"), MIH: text("mih"),
		From: list("from"), To: list("to"), CC: list("cc"), BCC: list("bcc"), Sender: list("sender"), ReplyTo: list("reply_to"),
		InReplyTo: texts("in_reply_to"), References: texts("references"),
	}
	if f.Subject == "" { // of a calendar object or a contact
		f.Subject = text("summary")
	}
	var thread struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(members["thread"], &thread) == nil {
		f.ThreadID = thread.ID
	}
	if json.Unmarshal(members["parts"], &f.Parts) != nil {
		f.Parts = nil
	}
	return f
}

func textOf(v jsontext.Value) string {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// listOf shows a list, each element as show has it, without those that are empty.
func listOf(v jsontext.Value, between string, show func(jsontext.Value) string) string {
	var elements []jsontext.Value
	if json.Unmarshal(v, &elements) != nil {
		return ""
	}
	var shown []string
	for _, e := range elements {
		if s := show(e); s != "" {
			shown = append(shown, s)
		}
	}
	return strings.Join(shown, between)
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
