package mime

import (
	"bytes"
	"strings"

	"exhibit/export/mail/header"
	"exhibit/export/mail/transfer"
)

// The fields of a part that are read (RFC 2045, RFC 2183), in lower case. Each may
// be there once.
var partFields = [...]string{"content-type", "content-disposition", "content-transfer-encoding", "content-id"}

// The places of partFields.
const (
	fieldType = iota
	fieldDisposition
	fieldEncoding
	fieldID
)

// values reads the fields of a part's header that say what it is. typ is the type
// that counts when there is none that can be read.
func (w *walker) values(part *Part, typ string) {
	fields := w.contentFields(part)
	part.Type = typ
	if f := fields[fieldType]; f != nil {
		w.contentType(part, f)
	}
	name, named := "", false
	other, _ := param(part.Params, "name")
	if f := fields[fieldDisposition]; f != nil {
		disposition, params, defects := header.Disposition(f.Value())
		w.odd(part, f, defects...)
		part.Disposition = disposition
		if name, named = param(params, "filename"); named && name == "" && other != "" {
			w.odd(part, f, header.DefectParameters)
		}
	}
	if !named {
		name = other
	}
	part.Name = name
	part.Encoding = transfer.Name7Bit
	if f := fields[fieldEncoding]; f != nil {
		w.encoding(part, f)
	}
	if f := fields[fieldID]; f != nil {
		part.ContentID = contentID(f.Value())
	}
}

// contentFields returns the first of each of partFields.
func (w *walker) contentFields(part *Part) (first [len(partFields)]*header.Field) {
	const prefix = "content-"
	for i := range part.Header.Fields {
		f := &part.Header.Fields[i]
		if len(f.Name) <= len(prefix) || !strings.EqualFold(f.Name[:len(prefix)], prefix) {
			continue
		}
		for k, name := range partFields {
			if len(f.Name) != len(name) || !strings.EqualFold(f.Name, name) {
				continue
			}
			if first[k] == nil {
				first[k] = f
			} else if !bytes.Equal(bytes.TrimSpace(first[k].Raw), bytes.TrimSpace(f.Raw)) {
				w.p.defect(part, DefectRepeatedField, part.Begin+int64(f.Offset))
			}
		}
	}
	return first
}

// contentType reads a Content-Type (RFC 2045, section 5).
func (w *walker) contentType(part *Part, f *header.Field) {
	typ, params, defects := header.ContentType(f.Value())
	w.odd(part, f, defects...)
	part.Params = params
	if typ == "" {
		w.odd(part, f, DefectContentType)
	} else {
		part.Type = typ
	}
	charset, _ := param(params, "charset")
	part.Charset = strings.ToLower(strings.TrimSpace(charset))
}

// odd records what was odd in a field's value.
func (w *walker) odd(part *Part, f *header.Field, defects ...string) {
	for _, name := range defects {
		w.p.defect(part, name, part.Begin+int64(f.Offset))
	}
}

// param returns the first parameter of that name.
func param(params []header.Param, name string) (value string, ok bool) {
	for _, p := range params {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// isIdentity reports whether an encoding leaves the content as it is.
func isIdentity(encoding string) bool {
	return encoding == transfer.Name7Bit || encoding == transfer.Name8Bit || encoding == transfer.NameBinary
}

// encoding reads a Content-Transfer-Encoding (RFC 2045, section 6).
func (w *walker) encoding(part *Part, f *header.Field) {
	value := f.Value()
	name, known := transfer.Name(value)
	if known && !transfer.Registered(value) {
		if isIdentity(name) {
			w.odd(part, f, DefectUnknownEncoding)
		} else {
			w.odd(part, f, header.DefectParameters)
		}
	}
	switch {
	case !known:
		w.odd(part, f, DefectUnknownEncoding)
	case isMultipart(part.Type) && !isIdentity(name):
		w.odd(part, f, DefectMultipartEncoded)
	default:
		part.Encoding = name
	}
}

// contentID returns a Content-ID (RFC 2045, section 7) without its brackets.
func contentID(value string) string {
	value, _ = header.DecodeText(value)
	if _, rest, ok := strings.Cut(value, "<"); ok {
		value, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(value)
}
