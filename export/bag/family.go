package bag

import (
	"fmt"
	"slices"
	"strings"
)

// family makes the rows of one item: its own, and those of its attachments and of
// the messages that it carries, in the order of its parts.
type family struct {
	it   *ItemRecord
	rows []cells
	open []carrier // the carried messages that the next part may lie in, from without
}

// carrier is a part that carries a message, and its row.
type carrier struct {
	part string
	row  cells
}

// familyOf returns the rows of an item in the index files of version 2.
func familyOf(it *ItemRecord, f *Fields) []cells {
	m := &family{it: it}
	own := itemCells(it, f)
	own["ThreadId"], own["InReplyTo"], own["References"], own["Sender"], own["ReplyTo"] = f.ThreadID, f.InReplyTo, f.References, f.Sender, f.ReplyTo
	own["Flags"] = strings.Join(it.Flags, "; ")
	m.rows = append(m.rows, own)
	for i := range f.Parts {
		m.part(&f.Parts[i])
	}
	if len(f.Parts) > 0 {
		own["Part"], own["ContentType"] = f.Parts[0].Number, f.Parts[0].Type
		own["Attachments"] = decimal(int64(len(m.rows) - 1))
	}
	m.bounds()
	return m.rows
}

// part adds the row of a part, if it is a document of its own, and of the files
// inside it.
func (m *family) part(p *Part) {
	for n := len(m.open); n > 0 && !strings.HasPrefix(p.Number, m.open[n-1].part+"."); n-- {
		m.open = m.open[:n-1]
	}
	m.holder().protect(p.Crypto)
	if p.Attachment {
		if c := m.child(p.Number, p.Name, p.Size, p.MD5, p.SHA256); c != nil {
			c["ContentType"] = p.Type
			c.protect(p.Crypto)
			if len(p.Message) > 0 {
				c.carries(ReadFields(p.Message))
				m.open = append(m.open, carrier{p.Number, c})
			}
		}
	}
	for i, f := range p.Files {
		m.child(fmt.Sprintf("%s/%d", p.Number, i+1), f.Name, f.Size, f.MD5, f.SHA256)
	}
}

// holder returns the row of the message that the next part lies in.
func (m *family) holder() cells {
	if n := len(m.open); n > 0 {
		return m.open[n-1].row
	}
	return m.rows[0]
}

// child adds a row below the message that is open, unless there are MaxChildren.
func (m *family) child(part, name string, size *int64, md5, sha256 string) cells {
	if len(m.rows) > MaxChildren {
		return nil
	}
	c := cells{
		"DocID": fmt.Sprintf("%s.%04d", m.it.Exhibit, len(m.rows)), "PARENT_DOCID": m.holder()["DocID"],
		"Account": m.it.Account, "Custodian": m.it.Account, "Labels": m.rows[0]["Labels"], "FilePath": m.it.File, "Category": m.it.Category,
		"Part": part, "FileName": name, "MD5Hash": md5, "SHA256Hash": sha256,
	}
	if size != nil {
		c["FileSize"] = decimal(*size)
	}
	m.rows = append(m.rows, c)
	return c
}

// carries shows the message that the part of the row carries.
func (c cells) carries(f Fields) {
	c["Rfc822MessageId"], c["Subject"], c["DateSent"], c["DateReceived"], c["MIH"] = f.MessageID, f.Subject, f.DateUTC, f.ReceivedUTC, f.MIH
	c["From"], c["To"], c["CC"], c["BCC"], c["Sender"], c["ReplyTo"] = f.From, f.To, f.CC, f.BCC, f.Sender, f.ReplyTo
	c["ThreadId"], c["InReplyTo"], c["References"] = f.ThreadID, f.InReplyTo, f.References
}

// protect adds a mark to those that tell how a message or a part is protected.
func (c cells) protect(mark string) {
	marks := c["Crypto"]
	switch {
	case marks == "":
		c["Crypto"] = mark
	case mark != "" && !slices.Contains(strings.Split(marks, "; "), mark):
		c["Crypto"] = marks + "; " + mark
	}
}

// bounds says, in each row of a family with children, from where to where it goes.
func (m *family) bounds() {
	if len(m.rows) == 1 {
		return
	}
	first, last := m.rows[0]["DocID"], m.rows[len(m.rows)-1]["DocID"]
	for _, c := range m.rows {
		c["BeginAttach"], c["EndAttach"] = first, last
	}
}
