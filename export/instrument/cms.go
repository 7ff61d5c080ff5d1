package instrument

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"exhibit/sign"
	"exhibit/sign/keyring"
)

// Tags of SignedData (RFC 5652 sections 5.1 to 5.3).
var (
	tag0           = casn1.Tag(0).ContextSpecific()
	tagExplicit0   = tag0.Constructed()
	tagExplicit1   = casn1.Tag(1).ContextSpecific().Constructed()
	oidData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
)

// cmsSignature is what is read of CMS SignedData with one signer.
type cmsSignature struct {
	content      *[]byte  // encapsulated content, or nil where it is detached
	certificates [][]byte // DER
	// The signer's certificate is named by issuer and serial number, or by its
	// subject key identifier.
	issuer    []byte
	serial    *big.Int
	subjectID []byte

	digest, algorithm algorithm
	// attributes is the SET of signed attributes in DER, which is what is signed.
	attributes []byte
	signature  []byte

	messageDigest []byte
	signedAt      time.Time // zero: not stated
}

func malformed(what string) error {
	return fmt.Errorf("%w: CMS: %s", ErrFormat, what)
}

// parseCMS reads SignedData in DER, or in PEM as one block `CMS` or `PKCS7`
// with white space around it at most (RFC 7468 section 8).
func parseCMS(signature []byte) (*cmsSignature, error) {
	der := signature
	if signature[0] != 0x30 {
		text := bytes.TrimSpace(signature)
		block, rest := pem.Decode(text)
		switch {
		case block == nil || block.Type != "CMS" && block.Type != "PKCS7" || len(block.Headers) > 0,
			len(rest) > 0, bytes.Count(text, []byte(armorBegin)) != 1:
			return nil, malformed("want one PEM block and nothing else")
		}
		der = block.Bytes
	}
	input := cryptobyte.String(der)
	var info, explicit, signed cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !input.ReadASN1(&info, casn1.SEQUENCE) || !input.Empty() || !info.ReadASN1ObjectIdentifier(&kind) ||
		!kind.Equal(oidSignedData) || !info.ReadASN1(&explicit, tagExplicit0) || !info.Empty() ||
		!explicit.ReadASN1(&signed, casn1.SEQUENCE) || !explicit.Empty() {
		return nil, malformed("want SignedData in DER")
	}
	s := new(cmsSignature)
	return s, s.readSignedData(signed)
}

// readSignedData reads RFC 5652 section 5.1.
func (s *cmsSignature) readSignedData(signed cryptobyte.String) error {
	var version int64
	var digests, encapsulated, certificates, signers, signer cryptobyte.String
	var carries bool
	if !signed.ReadASN1Integer(&version) || version < 1 || version > 5 ||
		!signed.ReadASN1(&digests, casn1.SET) || !signed.ReadASN1(&encapsulated, casn1.SEQUENCE) ||
		!signed.ReadOptionalASN1(&certificates, &carries, tagExplicit0) || !signed.SkipOptionalASN1(tagExplicit1) ||
		!signed.ReadASN1(&signers, casn1.SET) || !signed.Empty() {
		return malformed("SignedData")
	}
	if err := s.readContent(encapsulated); err != nil {
		return err
	}
	if err := s.readCertificates(certificates); err != nil {
		return err
	}
	if !signers.ReadASN1(&signer, casn1.SEQUENCE) || !signers.Empty() {
		return malformed("want one signer")
	}
	return s.readSigner(signer)
}

// readContent reads EncapsulatedContentInfo (RFC 5652 section 5.2).
func (s *cmsSignature) readContent(encapsulated cryptobyte.String) error {
	var kind asn1.ObjectIdentifier
	var explicit, octets cryptobyte.String
	var there bool
	if !encapsulated.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidData) ||
		!encapsulated.ReadOptionalASN1(&explicit, &there, tagExplicit0) || !encapsulated.Empty() {
		return malformed("want content of type data")
	}
	if !there {
		return nil
	}
	if !explicit.ReadASN1(&octets, casn1.OCTET_STRING) || !explicit.Empty() {
		return malformed("content")
	}
	content := []byte(octets)
	s.content = &content
	return nil
}

// readCertificates keeps X.509 certificates; attribute certificates and other
// forms (RFC 5652 section 10.2.2) are skipped.
func (s *cmsSignature) readCertificates(set cryptobyte.String) error {
	for n := 0; !set.Empty(); n++ {
		var element cryptobyte.String
		var tag casn1.Tag
		if n == MaxCertificates {
			return malformed(fmt.Sprintf("more than %d certificates", MaxCertificates))
		}
		if !set.ReadAnyASN1Element(&element, &tag) {
			return malformed("certificates")
		}
		if tag == casn1.SEQUENCE {
			s.certificates = append(s.certificates, element)
		}
	}
	return nil
}

// readSigner reads SignerInfo (RFC 5652 section 5.3).
func (s *cmsSignature) readSigner(signer cryptobyte.String) error {
	var version int64
	if !signer.ReadASN1Integer(&version) || !s.readSignerID(&signer, version) {
		return malformed("signer identifier")
	}
	var attributes, signature cryptobyte.String
	var there bool
	if !s.digest.read(&signer) || !signer.ReadOptionalASN1(&attributes, &there, tagExplicit0) ||
		!s.algorithm.read(&signer) || !signer.ReadASN1(&signature, casn1.OCTET_STRING) ||
		!signer.SkipOptionalASN1(tagExplicit1) || !signer.Empty() {
		return malformed("SignerInfo")
	}
	if !there {
		// What is signed could then be taken for attributes, or these for it.
		return malformed("no signed attributes")
	}
	s.signature = signature
	var set cryptobyte.Builder
	set.AddASN1(casn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	var err error
	if s.attributes, err = set.Bytes(); err != nil {
		return malformed("signed attributes")
	}
	return s.readAttributes(attributes)
}

func (s *cmsSignature) readSignerID(signer *cryptobyte.String, version int64) bool {
	switch version {
	case 1:
		var id, issuer cryptobyte.String
		s.serial = new(big.Int)
		if !signer.ReadASN1(&id, casn1.SEQUENCE) || !id.ReadASN1Element(&issuer, casn1.SEQUENCE) ||
			!id.ReadASN1Integer(s.serial) || !id.Empty() {
			return false
		}
		s.issuer = issuer
		return true
	case 3:
		var id cryptobyte.String
		if !signer.ReadASN1(&id, tag0) || len(id) == 0 {
			return false
		}
		s.subjectID = id
		return true
	}
	return false
}

// readAttributes reads the signed attributes: each type once, in the order of
// DER; content type and message digest must be there (RFC 5652 section 5.3).
func (s *cmsSignature) readAttributes(set cryptobyte.String) error {
	seen := make(map[string]bool)
	var last []byte
	for !set.Empty() {
		var element, attribute, values cryptobyte.String
		var kind asn1.ObjectIdentifier
		if !set.ReadASN1Element(&element, casn1.SEQUENCE) || bytes.Compare(last, element) > 0 {
			return malformed("signed attributes are not in DER")
		}
		last = element
		if !element.ReadASN1(&attribute, casn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&kind) ||
			!attribute.ReadASN1(&values, casn1.SET) || !attribute.Empty() || seen[kind.String()] {
			return malformed("signed attribute")
		}
		seen[kind.String()] = true
		if len(seen) > MaxAttributes {
			return malformed(fmt.Sprintf("more than %d signed attributes", MaxAttributes))
		}
		if !s.readAttribute(kind, values) {
			return malformed("signed attribute " + kind.String())
		}
	}
	if !seen[oidContentType.String()] || !seen[oidDigest.String()] {
		return malformed("content type and message digest are not both signed")
	}
	return nil
}

// readAttribute reads the one value of an attribute that is looked at.
func (s *cmsSignature) readAttribute(kind asn1.ObjectIdentifier, values cryptobyte.String) bool {
	switch {
	case kind.Equal(oidContentType):
		var content asn1.ObjectIdentifier
		return values.ReadASN1ObjectIdentifier(&content) && values.Empty() && content.Equal(oidData)
	case kind.Equal(oidDigest):
		var digest cryptobyte.String
		ok := values.ReadASN1(&digest, casn1.OCTET_STRING) && values.Empty()
		s.messageDigest = digest
		return ok
	case kind.Equal(oidSigningTime):
		var ok bool
		s.signedAt, ok = readTime(values)
		return ok
	}
	return true
}

// readTime reads a signing time (RFC 5652 section 11.3): seconds, UTC.
func readTime(values cryptobyte.String) (time.Time, bool) {
	var text cryptobyte.String
	var tag casn1.Tag
	if !values.ReadAnyASN1(&text, &tag) || !values.Empty() {
		return time.Time{}, false
	}
	layout := "20060102150405Z"
	century := ""
	switch {
	case tag == casn1.UTCTime && len(text) == len("060102150405Z"):
		if century = "20"; text[0] >= '5' {
			century = "19"
		}
	case tag != casn1.GeneralizedTime:
		return time.Time{}, false
	}
	written := century + string(text)
	t, err := time.Parse(layout, written)
	return t, err == nil && t.Format(layout) == written && !t.IsZero()
}

// check verifies the signature with the enrolled certificate that it names, or
// else with the one that it carries.
func (s *cmsSignature) check(instrument []byte, keys *keyring.Keyring, now time.Time) (Result, error) {
	if s.content != nil && !bytes.Equal(*s.content, instrument) {
		return Result{}, fmt.Errorf("%w: it is over other content, which it carries", ErrBad)
	}
	if err := s.checkDigest(instrument); err != nil {
		return Result{}, err
	}
	at, err := times(s.signedAt, now)
	if err != nil {
		return Result{}, err
	}
	enrolled := make(map[string]bool)
	var failed error
	for _, c := range enrolledCertificates(keys) {
		fingerprint := sign.Sum(c.Raw).String()
		enrolled[fingerprint] = true
		if !s.names(c) {
			continue
		}
		if failed = s.verify(c); failed != nil {
			continue
		}
		if err := fit(c, at); err != nil {
			return Result{}, err
		}
		return by(CMS, fingerprint, s.signedAt, now, keys)
	}
	return s.checkUnknown(enrolled, failed)
}

// checkUnknown verifies the signature with a certificate that it carries and
// the keyring does not have. failed is why it does not hold by one that the
// keyring has, if there is one.
func (s *cmsSignature) checkUnknown(enrolled map[string]bool, failed error) (Result, error) {
	unknown := Result{Kind: CMS, Result: UnknownKey, SignedAt: s.signedAt}
	if failed == nil && len(s.certificates) == 0 {
		return unknown, nil
	}
	for _, der := range s.certificates {
		fingerprint := sign.Sum(der).String()
		c, err := x509.ParseCertificate(der)
		if err != nil || enrolled[fingerprint] || !s.names(c) {
			continue
		}
		if failed = s.verify(c); failed == nil {
			unknown.Fingerprint = fingerprint
			return unknown, nil
		}
	}
	if failed == nil {
		failed = fmt.Errorf("%w: the signer's certificate is not among those that it carries, or cannot be read", ErrBad)
	}
	return Result{}, failed
}

// names reports whether the signature names a certificate as its signer's.
func (s *cmsSignature) names(c *x509.Certificate) bool {
	if s.serial != nil {
		return bytes.Equal(s.issuer, c.RawIssuer) && s.serial.Cmp(c.SerialNumber) == 0
	}
	return bytes.Equal(s.subjectID, c.SubjectKeyId)
}

// enrolledCertificates returns the X.509 certificates of the keyring, each once.
func enrolledCertificates(keys *keyring.Keyring) []*x509.Certificate {
	var all []*x509.Certificate
	seen := make(map[string]bool)
	for _, k := range keys.All() {
		if k.Entry.Kind != sign.X509 || k.Entry.PublicKey == nil || seen[k.Entry.Fingerprint] {
			continue
		}
		seen[k.Entry.Fingerprint] = true
		block, _ := pem.Decode([]byte(*k.Entry.PublicKey))
		if block == nil {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || sign.Sum(c.Raw).String() != k.Entry.Fingerprint {
			continue
		}
		all = append(all, c)
	}
	return all
}

// fit checks a certificate's dates, at each of the times.
func fit(c *x509.Certificate, at []time.Time) error {
	for _, t := range at {
		switch {
		case t.Before(c.NotBefore):
			return fmt.Errorf("%w at %s: the certificate is valid from %s", ErrNotValid, t.UTC().Format(time.RFC3339), c.NotBefore.Format(time.RFC3339))
		case t.After(c.NotAfter):
			return fmt.Errorf("%w at %s: the certificate was valid until %s", ErrNotValid, t.UTC().Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
		}
	}
	return nil
}
