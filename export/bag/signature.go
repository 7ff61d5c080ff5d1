package bag

import (
	"encoding/hex"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"exhibit/sign"
)

// Kinds of signatures over an instrument (section 7).
const (
	SignatureOpenPGP = "openpgp" // RFC 9580
	SignatureCMS     = "cms"     // RFC 5652
)

// What the provider found of a signature over an instrument (section 7).
const (
	SignatureGood       = "good"        // a key of the agency made it
	SignatureUnknownKey = "unknown-key" // made by a key that the provider's keyring does not have
)

// maxKeyID bounds the fingerprint of an unknown key, in hexadecimal digits.
const maxKeyID = 64

// InstrumentSignature is the agency's signature over the instrument, and what the
// provider found when it took the order in (section 7). It is the provider's
// word: a reader has not the keyring.
type InstrumentSignature struct {
	File        string      `json:"file"` // name in the bag
	SHA256      sign.Digest `json:"sha256"`
	Kind        string      `json:"kind"`
	Result      string      `json:"result"`
	Fingerprint *string     `json:"fingerprint"` // nil: not known
	Holder      *string     `json:"holder"`      // nil: not known
}

func (s *InstrumentSignature) check() error {
	if slot, _, err := place(s.File); err != nil || slot != slotSignature {
		return sign.BadMember("order.instrument_signature.file", "is %s", quote(s.File))
	}
	if s.Kind != SignatureOpenPGP && s.Kind != SignatureCMS {
		return sign.BadMember("order.instrument_signature.kind", "is %s", quote(s.Kind))
	}
	switch s.Result {
	case SignatureGood:
		return s.checkGood()
	case SignatureUnknownKey:
		return s.checkUnknown()
	}
	return sign.BadMember("order.instrument_signature.result", "is %s", quote(s.Result))
}

func (s *InstrumentSignature) checkGood() error {
	if s.Holder == nil || *s.Holder == "" {
		return sign.BadMember("order.instrument_signature.holder", "is missing of a key that is known")
	}
	if s.Fingerprint == nil {
		return sign.BadMember("order.instrument_signature.fingerprint", "is missing of a key that is known")
	}
	kind := sign.OpenPGP
	if s.Kind == SignatureCMS {
		kind = sign.X509
	}
	return kind.CheckFingerprint("order.instrument_signature.fingerprint", *s.Fingerprint)
}

func (s *InstrumentSignature) checkUnknown() error {
	if s.Holder != nil {
		return sign.BadMember("order.instrument_signature.holder", "is given of a key that is not known")
	}
	if s.Fingerprint == nil {
		return nil
	}
	if _, err := hex.DecodeString(*s.Fingerprint); err != nil || *s.Fingerprint == "" || len(*s.Fingerprint) > maxKeyID {
		return sign.BadMember("order.instrument_signature.fingerprint", "is not in hexadecimal digits")
	}
	return nil
}

// SignatureMember is the member instrument_signature of package.json: in version
// 1 it is not there, which is the zero value; in version 2 it is null or a
// signature, as Order.SetSignature makes it.
type SignatureMember struct {
	there bool
	value *InstrumentSignature
}

// SetSignature sets the member instrument_signature of version 2; nil means that
// the order names no signature.
func (o *Order) SetSignature(s *InstrumentSignature) {
	o.InstrumentSignature = SignatureMember{true, s}
}

// Signature returns the signature over the instrument, or nil.
func (o *Order) Signature() *InstrumentSignature { return o.InstrumentSignature.value }

// IsZero says whether the member is not there, as in version 1.
func (m SignatureMember) IsZero() bool { return !m.there }

// MarshalJSONTo writes null or the signature.
func (m SignatureMember) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, m.value)
}

// UnmarshalJSONFrom is the inverse of MarshalJSONTo.
func (m *SignatureMember) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	m.there, m.value = true, nil
	return json.UnmarshalDecode(dec, &m.value)
}
