package tnef

import "exhibit/export/mail/limits"

// The MAPI properties that are looked at (MS-OXPROPS), and the numbers that are of
// named properties.
const (
	propMessageClass   = 0x001A
	propSubject        = 0x0037
	propBody           = 0x1000
	propRTFCompressed  = 0x1009
	propHTML           = 0x1013
	propDisplayName    = 0x3001
	propAttachData     = 0x3701
	propAttachFilename = 0x3704
	propAttachLongName = 0x3707
	propAttachMIMETag  = 0x370E
	propInternetPage   = 0x3FDE

	firstNamed = 0x8000
	lastNamed  = 0xFFFE
)

// The types of properties (MS-OXCDATA section 2.11.1).
const (
	typeUnspecified = 0x0000
	typeNull        = 0x0001
	typeInt16       = 0x0002
	typeInt32       = 0x0003
	typeFloat32     = 0x0004
	typeFloat64     = 0x0005
	typeCurrency    = 0x0006
	typeAppTime     = 0x0007
	typeError       = 0x000A
	typeBoolean     = 0x000B
	typeObject      = 0x000D
	typeInt64       = 0x0014
	typeString8     = 0x001E
	typeUnicode     = 0x001F
	typeTime        = 0x0040
	typeGUID        = 0x0048
	typeBinary      = 0x0102

	multiValued = 0x1000
)

// property is one MAPI property; of several values the first.
type property struct {
	id, kind uint16
	value    []byte
	at       int // where value lies
}

// isText reports whether the property is a text.
func (p property) isText() bool { return p.kind == typeString8 || p.kind == typeUnicode }

func (p property) text() text { return text{raw: p.value, unicode: p.kind == typeUnicode, at: p.at} }

// properties calls do for each property of a list (MS-OXTNEF section 2.1.3.4),
// as far as the list can be read.
func (s *state) properties(a attribute, do func(property)) {
	c := &cursor{data: a.data, base: a.at}
	count, ok := c.u32()
	if !ok {
		s.damaged(c.at(), "it ends in a list of properties")
		return
	}
	for range count {
		start := c.at()
		if s.mapi == limits.TNEFProperties {
			s.exceeded(start, "properties", limits.TNEFProperties)
			return
		}
		s.mapi++
		p, ok := c.property()
		if !ok {
			s.damaged(start, "a property that cannot be read")
			return
		}
		if p.id < firstNamed { // what is looked at has no name
			do(p)
		}
	}
}

// property takes the next one.
func (c *cursor) property() (p property, ok bool) {
	kind, ok := c.u16()
	if !ok {
		return p, false
	}
	if p.id, ok = c.u16(); !ok {
		return p, false
	}
	if p.id >= firstNamed && p.id <= lastNamed && !c.skipName() {
		return p, false
	}
	p.kind = kind &^ multiValued
	size, known := fixedSize(p.kind)
	if !known {
		return p, false
	}
	count := uint32(1)
	if kind&multiValued != 0 || size < 0 {
		if count, ok = c.u32(); !ok {
			return p, false
		}
	}
	if size == 0 && count != 1 {
		return p, false
	}
	return p, c.values(&p, size, count)
}

// values takes the values of a property, of size bytes each, or, when it is below
// 0, of a length that stands before each.
func (c *cursor) values(p *property, size int, count uint32) bool {
	for i := range count {
		n := uint32(size)
		if size < 0 {
			var ok bool
			if n, ok = c.u32(); !ok {
				return false
			}
		}
		at := c.at()
		value, ok := c.padded(n)
		if !ok {
			return false
		}
		if i == 0 {
			p.value, p.at = value, at
		}
	}
	return true
}

// skipName passes over the name of a named property: a GUID, and a number or a
// text.
func (c *cursor) skipName() bool {
	const byNumber, byText = 0, 1
	if _, ok := c.take(16); !ok {
		return false
	}
	kind, ok := c.u32()
	if !ok || kind > byText {
		return false
	}
	n, ok := c.u32()
	if !ok || kind == byNumber {
		return ok
	}
	_, ok = c.padded(n)
	return ok
}

// fixedSize returns the size of a value in bytes; below 0 when its length stands
// before it.
func fixedSize(kind uint16) (size int, known bool) {
	switch kind {
	case typeUnspecified, typeNull:
		return 0, true
	case typeInt16, typeBoolean:
		return 2, true // and filled up
	case typeInt32, typeFloat32, typeError:
		return 4, true
	case typeFloat64, typeCurrency, typeAppTime, typeInt64, typeTime:
		return 8, true
	case typeGUID:
		return 16, true
	case typeString8, typeUnicode, typeObject, typeBinary:
		return -1, true
	}
	return 0, false
}
