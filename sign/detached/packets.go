package detached

import (
	"crypto"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Packet types (RFC 9580 section 5).
const (
	tagSignature     = 2
	tagSecretKey     = 5
	tagPublicKey     = 6
	tagSecretSubkey  = 7
	tagTrust         = 12
	tagUserID        = 13
	tagPublicSubkey  = 14
	tagUserAttribute = 17
)

// Public key and hash algorithms (RFC 9580 sections 9.1 and 9.5).
const (
	algoRSA     = 1
	algoRSASign = 3
	algoECDSA   = 19
	algoEdDSA   = 22

	hashSHA256 = 8
	hashSHA384 = 9
	hashSHA512 = 10
)

// Signature subpackets (RFC 9580 section 5.2.3.7).
const (
	subCreationTime      = 2
	subPrefSymmetric     = 11
	subIssuerKeyID       = 16
	subPrefHash          = 21
	subKeyFlags          = 27
	subFeatures          = 30
	subIssuerFingerprint = 33
)

// rawPacket is one packet as it stands in its file.
type rawPacket struct {
	tag  byte
	body []byte
	raw  []byte // header and body
}

// splitPackets cuts data into packets of definite length (RFC 9580 section 4.2).
func splitPackets(data []byte) ([]rawPacket, error) {
	var packets []rawPacket
	for len(data) > 0 {
		if len(packets) == MaxPackets {
			return nil, fmt.Errorf("%w: more than %d packets", ErrMalformed, MaxPackets)
		}
		tag, header, length, err := packetHeader(data)
		if err != nil {
			return nil, err
		}
		if length > len(data)-header {
			return nil, fmt.Errorf("%w: packet is cut short", ErrMalformed)
		}
		end := header + length
		packets = append(packets, rawPacket{tag, data[header:end], data[:end]})
		data = data[end:]
	}
	return packets, nil
}

// packetHeader reads a packet's header: its type, the header's length and the body's.
func packetHeader(data []byte) (tag byte, header, length int, err error) {
	first := data[0]
	if first&0x80 == 0 {
		return 0, 0, 0, fmt.Errorf("%w: not an OpenPGP packet", ErrMalformed)
	}
	if first&0x40 != 0 {
		n, used, ok := newLength(data[1:])
		if !ok {
			return 0, 0, 0, fmt.Errorf("%w: packet length", ErrMalformed)
		}
		return first & 0x3f, 1 + used, n, nil
	}
	size := 1 << (first & 3) // octets of the length
	if size == 8 || len(data) < 1+size {
		return 0, 0, 0, fmt.Errorf("%w: packet length", ErrMalformed)
	}
	n := 0
	for _, b := range data[1 : 1+size] {
		n = n<<8 | int(b)
	}
	if n < 0 || n > MaxPublicKeys {
		return 0, 0, 0, fmt.Errorf("%w: packet length", ErrMalformed)
	}
	return first >> 2 & 0xf, 1 + size, n, nil
}

// newLength reads a length in one, two or five octets, as packets and
// subpackets have it. Partial lengths are refused.
func newLength(b []byte) (n, used int, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 192:
		return int(b[0]), 1, true
	case len(b) >= 2 && b[0] < 224:
		return int(b[0]-192)<<8 + int(b[1]) + 192, 2, true
	case len(b) >= 5 && b[0] == 255:
		n := binary.BigEndian.Uint32(b[1:])
		return int(n), 5, n <= MaxPublicKeys
	}
	return 0, 0, false
}

func appendPacket(dst []byte, tag byte, body []byte) []byte {
	dst = append(dst, 0xc0|tag)
	switch n := len(body); {
	case n < 192:
		dst = append(dst, byte(n))
	case n < 8384:
		dst = append(dst, byte((n-192)>>8)+192, byte(n-192))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 255), uint32(n))
	}
	return append(dst, body...)
}

func appendSubpacket(dst []byte, kind byte, value ...byte) []byte {
	return append(append(dst, byte(1+len(value)), kind), value...)
}

// appendMPI appends a multi-precision integer (RFC 9580 section 3.2).
func appendMPI(dst, n []byte) []byte {
	for len(n) > 0 && n[0] == 0 {
		n = n[1:]
	}
	size := 0
	if len(n) > 0 {
		size = 8*(len(n)-1) + bits.Len8(n[0])
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(size)), n...)
}

// cutMPI takes an MPI in its only form from the beginning of b.
func cutMPI(b []byte) (rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, false
	}
	size := int(binary.BigEndian.Uint16(b))
	n := (size + 7) / 8
	b = b[2:]
	if n == 0 || len(b) < n || 8*(n-1)+bits.Len8(b[0]) != size {
		return nil, false
	}
	return b[n:], true
}

// signaturePacket is what this package reads of a signature by itself.
type signaturePacket struct {
	issuer  string // fingerprint in the hashed area
	created uint32
	hash    crypto.Hash
	hashed  []byte // from the version to the end of the hashed area
	prefix  []byte // first two bytes of the digest
	binary  []byte // the whole packet
}

// typeKeyRevocation is the type of a signature by which a key's owner revokes it
// (RFC 9580 section 5.2.1.11).
const typeKeyRevocation = 0x20

// typeSubkeyRevocation is that of a signature by which a subkey is revoked
// (section 5.2.1.12).
const typeSubkeyRevocation = 0x28

// signatureType returns the type of a signature packet, or 0xff if it has none.
func signatureType(body []byte) byte {
	switch {
	case len(body) > 2 && body[0] < 4: // RFC 9580 section 5.2.2
		return body[2]
	case len(body) > 1 && body[0] >= 4:
		return body[1]
	}
	return 0xff
}

// hashOf returns the hash of that id, or 0 if it is not accepted.
func hashOf(id byte) crypto.Hash {
	switch id {
	case hashSHA256:
		return crypto.SHA256
	case hashSHA384:
		return crypto.SHA384
	case hashSHA512:
		return crypto.SHA512
	}
	return 0
}

// parseSignature reads data as exactly one version 4 signature packet over a
// binary document, whose hashed area names time and issuer, each once.
func parseSignature(data []byte) (*signaturePacket, error) {
	packets, err := splitPackets(data)
	if err != nil {
		return nil, err
	}
	if len(packets) != 1 || packets[0].tag != tagSignature {
		return nil, fmt.Errorf("%w: want one signature packet and nothing else", ErrMalformed)
	}
	b := packets[0].body
	if len(b) < 6 || b[0] != 4 || b[1] != 0x00 {
		return nil, fmt.Errorf("%w: want a version 4 signature over a binary document", ErrMalformed)
	}
	algo, hash := b[2], hashOf(b[3])
	if hash == 0 {
		return nil, fmt.Errorf("%w: hash algorithm %d", ErrWeak, b[3])
	}
	hashed, rest, ok := cutArea(b[4:])
	if !ok {
		return nil, fmt.Errorf("%w: hashed area", ErrMalformed)
	}
	_, rest, ok = cutArea(rest)
	if !ok || len(rest) < 2 {
		return nil, fmt.Errorf("%w: unhashed area", ErrMalformed)
	}
	if err := checkValues(algo, rest[2:]); err != nil {
		return nil, err
	}
	sig := &signaturePacket{hash: hash, hashed: b[:6+len(hashed)], prefix: rest[:2], binary: data}
	return sig, sig.readHashed(hashed)
}

// cutArea takes a two-octet length and as many octets from the beginning of b.
func cutArea(b []byte) (area, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b)-2 < n {
		return nil, nil, false
	}
	return b[2 : 2+n], b[2+n:], true
}

// checkValues checks that b holds the numbers of a signature by algo, only them.
func checkValues(algo byte, b []byte) error {
	numbers := 0
	switch algo {
	case algoRSA, algoRSASign:
		numbers = 1
	case algoECDSA, algoEdDSA:
		numbers = 2
	default:
		return fmt.Errorf("%w: public key algorithm %d", ErrWeak, algo)
	}
	ok := true
	for range numbers {
		if b, ok = cutMPI(b); !ok {
			return fmt.Errorf("%w: number in a signature", ErrMalformed)
		}
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: data after a signature", ErrMalformed)
	}
	return nil
}

// digest returns what is signed with text (RFC 9580 section 5.2.4).
func (s *signaturePacket) digest(text []byte) []byte {
	h := s.hash.New()
	h.Write(text)
	h.Write(s.hashed)
	h.Write(trailer(len(s.hashed)))
	return h.Sum(nil)
}

// trailer ends what a version 4 signature hashes; n is the length of its own
// hashed part.
func trailer(n int) []byte { return binary.BigEndian.AppendUint32([]byte{4, 0xff}, uint32(n)) }

func (s *signaturePacket) readHashed(area []byte) error {
	times, issuers := 0, 0
	for len(area) > 0 {
		n, used, ok := newLength(area)
		if !ok || n == 0 || n > len(area)-used {
			return fmt.Errorf("%w: subpacket", ErrMalformed)
		}
		kind, value := area[used]&0x7f, area[used+1:used+n]
		area = area[used+n:]
		switch kind {
		case subCreationTime:
			if len(value) != 4 {
				return fmt.Errorf("%w: creation time", ErrMalformed)
			}
			s.created = binary.BigEndian.Uint32(value)
			times++
		case subIssuerFingerprint:
			if len(value) != 21 || value[0] != 4 {
				return fmt.Errorf("%w: issuer is not a version 4 key", ErrMalformed)
			}
			s.issuer = fmt.Sprintf("%X", value[1:])
			issuers++
		}
	}
	if times != 1 || issuers != 1 {
		return fmt.Errorf("%w: the hashed area must name creation time and issuer, each once", ErrMalformed)
	}
	return nil
}
