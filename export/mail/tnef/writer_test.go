package tnef

import (
	"encoding/binary"
	"unicode/utf16"
)

// The smallest writer of streams, for the tests.

var le = binary.LittleEndian

func stream(attributes ...[]byte) []byte {
	b := append([]byte{}, signature...)
	b = le.AppendUint16(b, 1) // the key
	for _, a := range attributes {
		b = append(b, a...)
	}
	return b
}

func att(id uint32, data []byte) []byte {
	level := byte(levelMessage)
	switch id {
	case attAttachRendData, attAttachTitle, attAttachTransport, attAttachData, attAttachment:
		level = levelAttachment
	}
	b := le.AppendUint32([]byte{level}, id)
	b = le.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	return le.AppendUint16(b, checksum(data))
}

func str(id uint32, s string) []byte { return att(id, []byte(s+"\x00")) }

func rend() []byte { return att(attAttachRendData, make([]byte, 14)) }

func codePage(n uint32) []byte {
	return att(attOemCodepage, le.AppendUint32(le.AppendUint32(nil, n), 0))
}

func props(id uint32, list ...[]byte) []byte {
	b := le.AppendUint32(nil, uint32(len(list)))
	for _, p := range list {
		b = append(b, p...)
	}
	return att(id, b)
}

func tag(kind, id uint16) []byte { return le.AppendUint16(le.AppendUint16(nil, kind), id) }

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// values writes values of variable length.
func values(kind, id uint16, list ...[]byte) []byte {
	b := le.AppendUint32(tag(kind, id), uint32(len(list)))
	for _, v := range list {
		b = le.AppendUint32(b, uint32(len(v)))
		b = pad(append(b, v...))
	}
	return b
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		b = le.AppendUint16(b, u)
	}
	return b
}

func unicodeProp(id uint16, s string) []byte { return values(typeUnicode, id, wide(s)) }

func object(iid, data []byte) []byte {
	return values(typeObject, propAttachData, append(append([]byte{}, iid...), data...))
}

// rtf writes formatted text by literals only.
func rtf(s string) []byte {
	var body []byte
	for i := 0; i < len(s); i += 8 {
		body = append(append(body, 0), s[i:min(i+8, len(s))]...)
	}
	end := (len(dictionaryBegin) + len(s)) % dictionaryBytes
	mark := []byte{byte(end >> 4), byte(end << 4)}
	if len(s)%8 == 0 {
		body = append(append(body, 1), mark...)
	} else {
		body[len(body)-len(s)%8-1] = 1 << (len(s) % 8)
		body = append(body, mark...)
	}
	return rtfStream(body, len(s))
}

func rtfStream(body []byte, size int) []byte {
	b := le.AppendUint32(nil, uint32(len(body)+12))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, rtfCompressed)
	b = le.AppendUint32(b, rtfChecksum(body))
	return append(b, body...)
}
