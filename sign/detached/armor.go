package detached

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

const (
	armorSignature = "PGP SIGNATURE"
	armorPublic    = "PGP PUBLIC KEY BLOCK"
	armorSecret    = "PGP PRIVATE KEY BLOCK"
)

// enarmor writes ASCII armor with a CRC-24 line (RFC 9580 section 6.1), which
// gpg up to 2.4 needs. The last line ends with LF as well.
func enarmor(block string, data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.Encode(&out, block, nil)
	if err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// dearmorStrict reads text as exactly one block in the one form that enarmor
// writes, with its CRC.
func dearmorStrict(block string, text []byte) ([]byte, error) {
	data, err := dearmor(block, text)
	if err != nil {
		return nil, err
	}
	again, err := enarmor(block, data)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, text) {
		return nil, fmt.Errorf("%w: want one armor block with its checksum, 64 digits a line, and nothing else", ErrMalformed)
	}
	return data, nil
}

// dearmor reads the first block of text, whatever its headers and line ends.
// The library leaves out the checksum and what stands around the block.
func dearmor(block string, text []byte) ([]byte, error) {
	b, err := armor.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%w: no armor block", ErrMalformed)
	}
	if b.Type != block {
		return nil, fmt.Errorf("%w: armor block is %.40q, not %q", ErrMalformed, b.Type, block)
	}
	data, err := io.ReadAll(b.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: armor: %w", ErrMalformed, err)
	}
	return data, nil
}

// dearmorKeys reads a file of one or more armored public key blocks, between
// which there may be white space only.
func dearmorKeys(text []byte) ([]byte, error) {
	const begin, end = "-----BEGIN " + armorPublic + "-----", "-----END " + armorPublic + "-----"
	var all []byte
	rest := strings.TrimSpace(string(text))
	for rest != "" {
		if strings.HasPrefix(rest, "-----BEGIN "+armorSecret+"-----") {
			return nil, fmt.Errorf("%w: this is a secret key", ErrMalformed)
		}
		n := strings.Index(rest, end)
		if !strings.HasPrefix(rest, begin) || n < 0 {
			return nil, fmt.Errorf("%w: want armored public keys and nothing else", ErrMalformed)
		}
		n += len(end)
		data, err := dearmor(armorPublic, []byte(rest[:n]+"\n"))
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
		rest = strings.TrimSpace(rest[n:])
	}
	return all, nil
}
