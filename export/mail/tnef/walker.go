package tnef

import (
	"bytes"
	"encoding/binary"

	"exhibit/export/mail/limits"
)

// The attributes that are looked at (MS-OXTNEF section 2.1.2).
const (
	attMessageClass    = 0x00078008
	attSubject         = 0x00018004
	attBody            = 0x0002800C
	attMsgProps        = 0x00069003
	attOemCodepage     = 0x00069007
	attAttachRendData  = 0x00069002
	attAttachTitle     = 0x00018010
	attAttachTransport = 0x00069001
	attAttachData      = 0x0006800F
	attAttachment      = 0x00069005
	typeMessage        = "application/vnd.ms-tnef"
	typeRTF, typeHTML  = "text/rtf", "text/html"
	typePlain          = "text/plain"
	charsetUTF16       = "utf-16le"
	guidBytes          = 16
)

// iidMessage is the interface of a message in an attachment's content,
// {00020307-0000-0000-C000-000000000046} (MS-OXTNEF section 2.1.3.3.15).
var iidMessage = []byte{0x07, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}

// walker puts a message together from its attributes. Texts are decoded at the
// end, as their code page may come after them.
type walker struct {
	*state
	depth    int
	codepage uint32
	internet uint32 // the code page of HTML, 0 when it is not stated

	subject, subjectProp, class, classProp text
	body, bodyProp, html                   text
	hasBody, hasBodyProp                   bool
	hasHTML, binaryHTML                    bool
	rtf                                    []byte
	rtfAt                                  int

	attachments []*attachment
	full        bool // there are more attachments than files may be
}

// attachment is one of a message.
type attachment struct {
	long, title, short, transport, display text
	mediaType                              text
	content                                content // attAttachData
	property                               content // of the MAPI property
	object                                 bool    // the property has an interface before it
	at                                     int     // where it begins
}

type content struct {
	data  []byte
	at    int
	there bool
}

func (w *walker) attribute(a attribute) {
	switch a.id {
	case attOemCodepage:
		c := cursor{data: a.data}
		if n, ok := c.u32(); ok {
			w.codepage = n
		}
	case attSubject:
		w.subject = text{raw: a.data, at: a.at}
	case attMessageClass:
		w.class = text{raw: a.data, at: a.at}
	case attBody:
		w.body, w.hasBody = text{raw: a.data, at: a.at}, true
	case attMsgProps:
		w.properties(a, w.messageProperty)
	default:
		w.ofAttachment(a)
	}
}

func (w *walker) messageProperty(p property) {
	switch {
	case p.id == propSubject && p.isText():
		w.subjectProp = p.text()
	case p.id == propMessageClass && p.isText():
		w.classProp = p.text()
	case p.id == propBody && p.isText():
		w.bodyProp, w.hasBodyProp = p.text(), true
	case p.id == propHTML && (p.isText() || p.kind == typeBinary):
		w.html, w.hasHTML, w.binaryHTML = p.text(), true, p.kind == typeBinary
	case p.id == propInternetPage && p.kind == typeInt32:
		w.internet = binary.LittleEndian.Uint32(p.value)
	case p.id == propRTFCompressed && p.kind == typeBinary:
		w.rtf, w.rtfAt = p.value, p.at
	}
}

// ofAttachment takes an attribute of an attachment.
func (w *walker) ofAttachment(a attribute) {
	if a.id == attAttachRendData {
		w.begin(a.at)
		return
	}
	switch a.id {
	case attAttachTitle, attAttachTransport, attAttachData, attAttachment:
	default:
		return
	}
	if len(w.attachments) == 0 { // its beginning is missing
		w.begin(a.at)
	}
	if w.full {
		return
	}
	at := w.attachments[len(w.attachments)-1]
	switch a.id {
	case attAttachTitle:
		at.title = text{raw: a.data, at: a.at}
	case attAttachTransport:
		at.transport = text{raw: a.data, at: a.at}
	case attAttachData:
		w.take(&at.content, a.data, a.at)
	case attAttachment:
		w.properties(a, func(p property) { w.attachmentProperty(at, p) })
	}
}

func (w *walker) begin(at int) {
	if w.full = len(w.attachments) == limits.Files; w.full {
		w.exceeded(at, "files", limits.Files)
		return
	}
	w.attachments = append(w.attachments, &attachment{at: at})
}

// take keeps the first content.
func (w *walker) take(c *content, data []byte, at int) {
	if c.there {
		w.fault(FaultRepeated, at)
		return
	}
	*c = content{data: data, at: at, there: true}
}

func (w *walker) attachmentProperty(at *attachment, p property) {
	if p.id == propAttachData && (p.kind == typeObject || p.kind == typeBinary) {
		at.object = at.object || p.kind == typeObject && !at.property.there
		w.take(&at.property, p.value, p.at)
		return
	}
	if !p.isText() {
		return
	}
	switch p.id {
	case propAttachLongName:
		at.long = p.text()
	case propAttachFilename:
		at.short = p.text()
	case propDisplayName:
		at.display = p.text()
	case propAttachMIMETag:
		at.mediaType = p.text()
	}
}

// finish makes the message of what was gathered.
func (w *walker) finish() Message {
	m := Message{Subject: w.first(w.subjectProp, w.subject), Class: w.first(w.classProp, w.class)}
	for _, at := range w.attachments {
		for _, f := range w.contents(at) {
			if !w.add(&m, f, at.at) {
				return m
			}
			if f.Message && !w.open(&m, f.Data, at.property.at+guidBytes) {
				return m
			}
		}
	}
	for _, f := range w.bodies() {
		if !w.add(&m, f, w.rtfAt) {
			break
		}
	}
	return m
}

// add appends a file, unless there are too many.
func (w *walker) add(m *Message, f File, at int) bool {
	if w.files == limits.Files {
		w.exceeded(at, "files", limits.Files)
		return false
	}
	w.files++
	f.Depth = w.depth
	m.Files = append(m.Files, f)
	return true
}

// open reads the message inside, which lies at base, and appends its files. It
// returns false when no more files are wanted.
func (w *walker) open(m *Message, data []byte, base int) bool {
	if w.depth == limits.TNEFDepth {
		w.exceeded(base, "messages in one another", limits.TNEFDepth)
		return true
	}
	inner := w.message(data, base, w.depth+1)
	if f := &m.Files[len(m.Files)-1]; f.Name == "" {
		f.Name = inner.Subject
	}
	m.Files = append(m.Files, inner.Files...)
	return w.files < limits.Files || w.err == nil
}

// contents makes the files of an attachment: one, or two where it has a content
// of either sort. So Outlook writes, beside a message, what programs are to show
// that cannot open it.
func (w *walker) contents(at *attachment) []File {
	f := File{
		Name: w.first(at.long, at.title, at.short, at.transport, at.display),
		Type: w.first(at.mediaType),
		Data: at.content.data,
	}
	p := at.property
	if !p.there {
		return []File{f}
	}
	second := f
	if second.Data = p.data; at.object {
		if len(p.data) < guidBytes {
			w.damaged(p.at, "it ends in an object")
			return []File{f}
		}
		second.Data = p.data[guidBytes:]
		if second.Message = w.isMessage(p); second.Message {
			second.Type = typeMessage
		}
	}
	if len(f.Data) == 0 || bytes.Equal(f.Data, second.Data) {
		return []File{second}
	}
	return []File{f, second}
}

// isMessage reports whether an object is a message.
func (w *walker) isMessage(p content) bool {
	if !bytes.HasPrefix(p.data, iidMessage) {
		return false
	}
	if !bytes.HasPrefix(p.data[guidBytes:], signature) {
		w.damaged(p.at+guidBytes, "a message inside without its signature")
		return false
	}
	return true
}

// bodies returns the texts of the message: plain, HTML, formatted.
func (w *walker) bodies() []File {
	var list []File
	if !w.hasBody {
		w.body, w.hasBody = w.bodyProp, w.hasBodyProp
	}
	if w.hasBody {
		list = append(list, w.textBody(NameText, typePlain, w.body, w.charset(w.body)))
	}
	if w.hasHTML {
		list = append(list, w.textBody(NameHTML, typeHTML, w.html, w.charsetHTML()))
	}
	if w.rtf != nil {
		if data, ok := w.formatted(w.rtf, w.rtfAt); ok {
			list = append(list, File{Name: NameRTF, Type: typeRTF, Data: data, Body: true})
		}
	}
	return list
}

func (w *walker) textBody(name, mediaType string, t text, charset string) File {
	return File{Name: name, Type: mediaType, Charset: charset, Data: t.trimmed(), Body: true}
}

// charset names the one of a text.
func (w *walker) charset(t text) string {
	if t.unicode {
		return charsetUTF16
	}
	_, charset := codepage(w.codepage)
	return charset
}

// charsetHTML names the one of the HTML text, which has a code page of its own.
func (w *walker) charsetHTML() string {
	if !w.binaryHTML {
		return w.charset(w.html)
	}
	if w.internet == 0 {
		return ""
	}
	_, charset := codepage(w.internet)
	return charset
}
