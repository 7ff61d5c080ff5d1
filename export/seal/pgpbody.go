package seal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// errUnended: an OpenPGP packet does not end where its length says.
var errUnended = errors.New("the encrypted data packet is cut short")

// minFirstPart is the least first part of a packet in parts, in bytes
// (RFC 9580 section 4.2.1.4).
const minFirstPart = 512

// packetBody reads the content of a packet that is whole or in parts (RFC 9580
// section 4.2.1). The library's own reader forgets that a packet was cut short
// between two parts, and some of its readers take that for the end.
type packetBody struct {
	src  *bufio.Reader
	left int64 // of the part at hand
	more bool  // parts follow
	err  error
}

// newPacketBody reads the length behind the first byte of a packet.
func newPacketBody(src *bufio.Reader) (*packetBody, error) {
	b := &packetBody{src: src}
	if err := b.length(); err != nil {
		return nil, damaged(err)
	}
	if b.more && b.left < minFirstPart {
		return nil, fmt.Errorf("%w: a packet whose first part has %d bytes", ErrFormat, b.left)
	}
	return b, nil
}

// length reads the length of a part.
func (b *packetBody) length() error {
	var h [5]byte
	if _, err := io.ReadFull(b.src, h[:1]); err != nil {
		return cutShort(err)
	}
	size := 0 // of what follows h[0]
	switch {
	case h[0] < 192:
		b.left, b.more = int64(h[0]), false
	case h[0] < 224:
		size = 1
	case h[0] < 255:
		b.left, b.more = int64(1)<<(h[0]&0x1F), true
	default:
		size = 4
	}
	if size == 0 {
		return nil
	}
	if _, err := io.ReadFull(b.src, h[1:1+size]); err != nil {
		return cutShort(err)
	}
	b.more = false
	if b.left = int64(binary.BigEndian.Uint32(h[1:])); size == 1 {
		b.left = int64(h[0]-192)<<8 + int64(h[1]) + 192
	}
	return nil
}

// Read reads the content. Its error stays: io.EOF only at the packet's end.
func (b *packetBody) Read(p []byte) (int, error) {
	for b.err == nil && b.left == 0 {
		if b.more {
			b.err = b.length()
		} else {
			b.err = io.EOF
		}
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil {
		b.err = cutShort(err)
	}
	return n, b.err
}

// cutShort maps the end of the file to errUnended.
func cutShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errUnended
	}
	return err
}

// readEncryptedData reads the header of the encrypted data packet (RFC 9580
// section 5.13) after its first byte.
func readEncryptedData(src *bufio.Reader) (*packet.SymmetricallyEncrypted, error) {
	body, err := newPacketBody(src)
	if err != nil {
		return nil, err
	}
	data := &packet.SymmetricallyEncrypted{IntegrityProtected: true, Contents: body}
	var h [4]byte
	if _, err := io.ReadFull(body, h[:1]); err != nil {
		return nil, damaged(err)
	}
	switch data.Version = int(h[0]); data.Version {
	case 1:
		return data, nil
	case 2:
	default:
		return nil, fmt.Errorf("%w: encrypted data of version %d", ErrFormat, data.Version)
	}
	if _, err := io.ReadFull(body, h[1:]); err != nil {
		return nil, damaged(err)
	}
	data.Cipher, data.Mode, data.ChunkSizeByte = packet.CipherFunction(h[1]), packet.AEADMode(h[2]), h[3]
	switch {
	case data.Cipher != packet.CipherAES256:
		return nil, errCipher
	case data.Mode.TagLength() == 0:
		return nil, fmt.Errorf("%w: AEAD mode %d", ErrFormat, data.Mode)
	case data.ChunkSizeByte > 16: // RFC 9580 section 5.13.2
		return nil, fmt.Errorf("%w: chunks of size %d", ErrFormat, data.ChunkSizeByte)
	}
	if _, err := io.ReadFull(body, data.Salt[:]); err != nil {
		return nil, damaged(err)
	}
	return data, nil
}

// errCipher: the format has one cipher.
var errCipher = fmt.Errorf("%w: encrypted with another cipher than AES-256", ErrFormat)
