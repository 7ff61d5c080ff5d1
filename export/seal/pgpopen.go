package seal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// First bytes of the packets of the format (RFC 9580 section 4.2).
const (
	tagSessionKey = 0xC0 | 1
	tagEncrypted  = 0xC0 | 18
	tagLiteral    = 0xC0 | 11
)

// decryptPGP opens an OpenPGP message of exactly the packets of the format.
func decryptPGP(src *bufio.Reader, o opener) (io.Reader, error) {
	sessionKeys, err := readSessionKeys(src)
	if err != nil {
		return nil, err
	}
	if err := o.check(KindOpenPGP, len(sessionKeys)); err != nil {
		return nil, err
	}
	data, err := readEncryptedData(src)
	if err != nil {
		return nil, err
	}
	version := map[int]int{1: 3, 2: 6}[data.Version] // RFC 9580 section 5.1
	for _, k := range sessionKeys {
		if k.Version != version {
			return nil, fmt.Errorf("%w: a session key packet of version %d for data of version %d", ErrFormat, k.Version, data.Version)
		}
	}
	key, err := sessionKey(sessionKeys, o.ids)
	if err != nil {
		return nil, err
	}
	if len(key.Key) != sessionKeySize || data.Version == 1 && key.CipherFunc != packet.CipherAES256 {
		return nil, errCipher
	}
	plain, err := data.Decrypt(packet.CipherAES256, key.Key)
	if err != nil {
		return nil, damaged(err)
	}
	return openLiteral(src, data.Contents, plain)
}

// readSessionKeys reads the session key packets, and the first byte of the
// encrypted data packet behind them.
func readSessionKeys(src *bufio.Reader) ([]*packet.EncryptedKey, error) {
	var keys []*packet.EncryptedKey
	for {
		b, err := src.Peek(1)
		if err != nil {
			return nil, damaged(err)
		}
		switch {
		case b[0] == tagEncrypted && len(keys) > 0:
			_, err := src.Discard(1)
			return keys, err
		case b[0] != tagSessionKey:
			return nil, fmt.Errorf("%w: a packet that begins with %#02x", ErrFormat, b[0])
		case len(keys) == MaxRecipients:
			return nil, fmt.Errorf("%w: more than %d recipients", ErrFormat, MaxRecipients)
		}
		raw, err := readPacket(src)
		if err != nil {
			return nil, err
		}
		p, err := packet.Read(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		key, ok := p.(*packet.EncryptedKey)
		if !ok {
			return nil, fmt.Errorf("%w: no session key packet", ErrFormat)
		}
		keys = append(keys, key)
	}
}

// readPacket reads a packet of known and bounded length (RFC 9580 section
// 4.2.1), its header included.
func readPacket(src *bufio.Reader) ([]byte, error) {
	h, err := src.Peek(6)
	if err != nil {
		return nil, damaged(err)
	}
	header, length := 0, 0
	switch {
	case h[1] < 192:
		header, length = 2, int(h[1])
	case h[1] < 224:
		header, length = 3, (int(h[1])-192)<<8+int(h[2])+192
	case h[1] < 255:
		return nil, fmt.Errorf("%w: a session key packet in parts", ErrFormat)
	default:
		header, length = 6, int(min(binary.BigEndian.Uint32(h[2:]), maxSessionKeyPacket+1))
	}
	if length > maxSessionKeyPacket {
		return nil, fmt.Errorf("%w: a session key packet of more than %d bytes", ErrFormat, maxSessionKeyPacket)
	}
	raw := make([]byte, header+length)
	if _, err := io.ReadFull(src, raw); err != nil {
		return nil, damaged(err)
	}
	return raw, nil
}

// sessionKey decrypts the first session key packet that one of the identities
// fits. Validity of the key is no matter here: what was sealed to it stays its.
func sessionKey(keys []*packet.EncryptedKey, ids []Identity) (*packet.EncryptedKey, error) {
	for _, key := range keys {
		for _, id := range ids {
			for _, secret := range id.secrets {
				if key.KeyId != 0 && key.KeyId != secret.KeyId || key.Algo != secret.PubKeyAlgo {
					continue
				}
				if key.Decrypt(secret, strict()) == nil {
					return key, nil
				}
			}
		}
	}
	return nil, ErrNoIdentity
}

// openLiteral reads the header of the literal data packet in the plaintext.
func openLiteral(src *bufio.Reader, cipher io.Reader, plain io.ReadCloser) (io.Reader, error) {
	inner := bufio.NewReaderSize(plain, 64<<10)
	b, err := inner.Peek(1)
	if err != nil {
		return nil, damaged(err)
	}
	if b[0] != tagLiteral {
		return nil, fmt.Errorf("%w: encrypted data that begins with %#02x", ErrFormat, b[0])
	}
	p, err := packet.Read(inner)
	if err != nil {
		return nil, damaged(err)
	}
	literal, ok := p.(*packet.LiteralData)
	if !ok || literal.Format != 'b' || literal.FileName != "" || literal.Time != 0 {
		return nil, fmt.Errorf("%w: literal data that is not binary, or has a name or a date", ErrFormat)
	}
	return &pgpReader{body: literal.Body, inner: inner, plain: plain, cipher: cipher, src: src}, nil
}

// pgpReader reads the literal data and, at its end, checks what surrounds it.
type pgpReader struct {
	body   io.Reader     // content of the literal data packet
	inner  *bufio.Reader // plaintext of the encrypted data packet
	plain  io.Closer     // the same, to be checked
	cipher io.Reader     // ciphertext of that packet
	src    *bufio.Reader // the file
	err    error
}

func (r *pgpReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.body.Read(p)
	switch {
	case err == io.EOF:
		r.err = r.finish()
	case err != nil:
		r.err = damaged(err)
	}
	return n, r.err
}

// finish returns io.EOF if the message is authentic and nothing is left of it.
func (r *pgpReader) finish() error {
	switch _, err := r.inner.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: a packet after the literal data", ErrFormat)
	case err != io.EOF:
		return damaged(err)
	}
	if err := r.plain.Close(); err != nil {
		return damaged(err)
	}
	// The library takes a packet that is cut short for one that ends, if
	// what there is of it is authentic.
	if _, err := r.cipher.Read(make([]byte, 1)); err != io.EOF {
		return damaged(errors.Join(errUnended, err))
	}
	switch _, err := r.src.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: bytes after the encrypted data", ErrFormat)
	case err != io.EOF:
		return damaged(err)
	}
	return io.EOF
}

// secretKeys returns the keys of an entity that can decrypt.
func secretKeys(e *openpgp.Entity) []*packet.PrivateKey {
	var keys []*packet.PrivateKey
	add := func(k *packet.PrivateKey) {
		if k != nil && !k.Dummy() && !k.Encrypted && k.PubKeyAlgo.CanEncrypt() {
			keys = append(keys, k)
		}
	}
	add(e.PrivateKey)
	for _, s := range e.Subkeys {
		add(s.PrivateKey)
	}
	return keys
}
