package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// sessionKeySize is that of AES-256, in bytes.
const sessionKeySize = 32

// encryptPGP writes an OpenPGP message: session key packets, an encrypted data
// packet, and a literal data packet in it. It does so packet by packet, as the
// library's own choice of ciphers falls back to AES-128, and may compress.
func encryptPGP(dst io.Writer, keys []loadedKey) (io.WriteCloser, error) {
	aead, mode := true, packet.AEADModeGCM
	for _, k := range keys {
		if k.pgp == nil {
			return nil, errors.New("no OpenPGP key") // loadAll gives one kind
		}
		aead = aead && k.pgp.aead()
		if !k.pgp.gcm() {
			mode = packet.AEADModeOCB // the mode that all must have
		}
	}
	config := strict()
	sessionKey := make([]byte, sessionKeySize)
	rand.Read(sessionKey)
	defer clear(sessionKey)
	for _, k := range keys {
		err := packet.SerializeEncryptedKeyAEAD(dst, k.pgp.public, packet.CipherAES256, aead, sessionKey, config)
		if err != nil {
			return nil, fmt.Errorf("encrypt session key to %s: %w", k.recipient.Fingerprint, err)
		}
	}
	suite := packet.CipherSuite{Cipher: packet.CipherAES256, Mode: mode}
	data, err := packet.SerializeSymmetricallyEncrypted(dst, packet.CipherAES256, aead, suite, sessionKey, config)
	if err != nil {
		return nil, fmt.Errorf("begin encrypted data: %w", err)
	}
	literal, err := packet.SerializeLiteral(data, true, "", 0)
	if err != nil {
		return nil, fmt.Errorf("begin literal data: %w", err)
	}
	return &pieces{w: literal, buf: make([]byte, 0, pieceSize)}, nil
}

// pieceSize is what is written to the packets at a time, in bytes: each piece
// is a partial body (RFC 9580 section 4.2.1.4).
const pieceSize = 64 << 10

// pieces writes in equal pieces, whatever is written to it: the packet
// writers hold a whole write in memory twice, and make small packets of small
// ones.
type pieces struct {
	w   io.WriteCloser
	buf []byte
	err error
}

func (p *pieces) Write(b []byte) (int, error) {
	n := 0
	for p.err == nil && n < len(b) {
		part := min(len(b)-n, pieceSize-len(p.buf))
		p.buf = append(p.buf, b[n:n+part]...)
		n += part
		if len(p.buf) == pieceSize {
			p.flush()
		}
	}
	return n, p.err
}

func (p *pieces) flush() {
	_, p.err = p.w.Write(p.buf)
	p.buf = p.buf[:0]
}

// Close writes what is left and ends all packets.
func (p *pieces) Close() error {
	if p.err == nil && len(p.buf) > 0 {
		p.flush()
	}
	if p.err != nil {
		return p.err
	}
	p.err = errors.New("closed already")
	return p.w.Close()
}
