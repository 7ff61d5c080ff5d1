package tnef

import (
	"encoding/binary"
	"hash/crc32"

	"exhibit/export/mail/limits"
)

// The head of formatted text (MS-OXRTFCP section 2.1.3.1.1).
const (
	rtfHeadBytes    = 16
	rtfCompressed   = 0x75465A4C // LZFu
	rtfUncompressed = 0x414C454D // MELA
)

// dictionaryBytes is the size of the dictionary that references lead into, and
// dictionaryBegin what is in it at first (MS-OXRTFCP section 2.1.2.1).
const (
	dictionaryBytes = 4096
	dictionaryBegin = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
		"\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`
)

// formatted returns the formatted text whose stored form lies at the place at.
func (s *state) formatted(stored []byte, at int) ([]byte, bool) {
	if len(stored) < rtfHeadBytes {
		s.damaged(at, "it ends in the head of formatted text")
		return nil, false
	}
	compSize, rawSize := binary.LittleEndian.Uint32(stored), binary.LittleEndian.Uint32(stored[4:])
	kind, crc := binary.LittleEndian.Uint32(stored[8:]), binary.LittleEndian.Uint32(stored[12:])
	body := stored[rtfHeadBytes:]
	const counted = rtfHeadBytes - 4 // of the head by compSize
	if uint64(compSize) > uint64(len(body))+counted {
		s.damaged(at, "formatted text that is cut")
	} else if compSize >= counted {
		body = body[:compSize-counted]
	}
	var out []byte
	whole := true
	switch kind {
	case rtfUncompressed:
		out = body[:min(uint64(len(body)), uint64(rawSize))]
	case rtfCompressed:
		if rtfChecksum(body) != crc {
			s.fault(FaultRTF, at)
		}
		if out, whole = inflate(body, min(int64(rawSize), int64(s.rtf)), s.rtf); !whole {
			s.exceeded(at, "bytes of formatted text", limits.TNEFFormattedBytes)
			return nil, false
		}
		s.rtf -= len(out)
	default:
		s.damaged(at, "formatted text in an unknown form")
		return nil, false
	}
	if uint64(len(out)) != uint64(rawSize) {
		s.fault(FaultRTF, at)
	}
	return out, true
}

// rtfChecksum is CRC-32 that neither begins nor ends with all bits set (MS-OXRTFCP
// section 2.1.3.2).
func rtfChecksum(body []byte) uint32 {
	return ^crc32.Update(^uint32(0), crc32.IEEETable, body)
}

// inflate undoes LZFu (MS-OXRTFCP section 2.2), up to its end mark or the end of
// in. It returns false when more than limit bytes come out. expected is a guess.
func inflate(in []byte, expected int64, limit int) ([]byte, bool) {
	var dictionary [dictionaryBytes]byte
	write := copy(dictionary[:], dictionaryBegin)
	const most = 8 // times the input: 17 bytes from 2 and a bit
	out := make([]byte, 0, min(expected, most*int64(len(in))))
	put := func(b byte) {
		out = append(out, b)
		dictionary[write] = b
		write = (write + 1) % dictionaryBytes
	}
	for len(in) > 0 {
		control := in[0]
		in = in[1:]
		for bit := 0; bit < 8 && len(in) > 0; bit++ {
			if control>>bit&1 == 0 {
				put(in[0])
				in = in[1:]
			} else {
				if len(in) < 2 {
					return out, len(out) <= limit
				}
				reference := int(in[0])<<8 | int(in[1])
				in = in[2:]
				offset, length := reference>>4, reference&0xF+2
				if offset == write { // the end
					return out, len(out) <= limit
				}
				for i := range length {
					put(dictionary[(offset+i)%dictionaryBytes])
				}
			}
			if len(out) > limit {
				return nil, false
			}
		}
	}
	return out, true
}
