package sign

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	signedType = "exhibit/signed/v1"
	leafType   = "exhibit/leaf/v1"
	leafRecord = "record"
)

// A Signer signs texts. Sign returns an armored detached signature over
// exactly the bytes of text, made at the given time.
type Signer interface {
	Sign(text []byte, at time.Time) ([]byte, error)
}

// A Signed is a text with its signature and the salt of its leaf, kept in one
// object so that none of them can be missing (FORMAT section 4).
//
// A Signed is data: nothing here says that its signature is good.
type Signed struct {
	Salt [32]byte
	// Text is a canonical document.
	Text []byte
	// Signature is an armored detached signature over exactly Text.
	Signature []byte
}

type signedFile struct {
	Type      string   `json:"type"`
	Salt      [32]byte `json:"salt"`
	Text      string   `json:"text"`
	Signature string   `json:"signature"`
}

// NewSigned signs text, a canonical document, at the given time, and draws
// its salt from rand.
func NewSigned(text []byte, signer Signer, at time.Time, rand io.Reader) (*Signed, error) {
	if _, err := DocumentType(text); err != nil {
		return nil, fmt.Errorf("text to be signed: %w", err)
	}
	s := &Signed{Text: text}
	if _, err := io.ReadFull(rand, s.Salt[:]); err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	var err error
	if s.Signature, err = signer.Sign(text, at); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return s, nil
}

// ParseSigned reads a signed file. It checks the form of the file and of the
// text in it, not the signature.
func ParseSigned(data []byte) (*Signed, error) {
	var f signedFile
	if err := UnmarshalDocument(data, signedType, &f); err != nil {
		return nil, fmt.Errorf("signed file: %w", err)
	}
	s := &Signed{Salt: f.Salt, Text: []byte(f.Text), Signature: []byte(f.Signature)}
	if _, err := DocumentType(s.Text); err != nil {
		return nil, fmt.Errorf("signed file: text: %w", err)
	}
	if !strings.HasPrefix(f.Signature, "-----BEGIN PGP SIGNATURE-----\n") {
		return nil, fmt.Errorf("signed file: %w", BadMember("signature", "is not in armor"))
	}
	return s, nil
}

// Marshal returns the signed file.
func (s *Signed) Marshal() ([]byte, error) {
	return MarshalDocument(&signedFile{signedType, s.Salt, string(s.Text), string(s.Signature)})
}

// Type returns the type of the text, or "" if it is not canonical.
func (s *Signed) Type() string {
	typ, err := DocumentType(s.Text)
	if err != nil {
		return ""
	}
	return typ
}

// Digest returns the digest of the text.
func (s *Signed) Digest() Digest { return Sum(s.Text) }

// Leaf returns what stands for the text in a log: a salted commitment that
// shows nothing of it.
func (s *Signed) Leaf() []byte {
	text := sha256.Sum256(s.Text)
	commitment := sha256.Sum256(append(s.Salt[:len(s.Salt):len(s.Salt)], text[:]...))
	return []byte(leafType + "\n" + leafRecord + "\n" + base64.StdEncoding.EncodeToString(commitment[:]) + "\n")
}

// LeafHash returns the hash of the leaf (RFC 6962 section 2.1), which names
// the object that holds the file.
func (s *Signed) LeafHash() Digest { return Sum(append([]byte{0}, s.Leaf()...)) }
