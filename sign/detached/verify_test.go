package detached

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"
)

func TestSignAndVerify(t *testing.T) {
	for name, m := range modules(t) {
		t.Run(name, func(t *testing.T) {
			s, err := FromCryptoSigner(m, uid, start)
			if err != nil {
				t.Fatal(err)
			}
			sig := mustSign(t, s, "text", later)
			keys, err := ParsePublicKeys(s.Public())
			if err != nil {
				t.Fatal(err)
			}
			got, err := Verify([]byte("text"), sig, keys, later)
			if err != nil {
				t.Fatal(err)
			}
			if got.Fingerprint != s.Fingerprint() || got.KeyFingerprint != s.Fingerprint() || !got.Time.Equal(later) {
				t.Errorf("%+v", got)
			}
			if _, err := Verify([]byte("Text"), sig, keys, later); !errors.Is(err, ErrBad) {
				t.Errorf("other text: %v", err)
			}
			again, err := WithCertificate(m, s.Public())
			if err != nil || again.Fingerprint() != s.Fingerprint() {
				t.Fatalf("with its certificate: %v", err)
			}
			m.fail = errors.New("session is closed")
			if _, err := again.Sign([]byte("text"), later); !errors.Is(err, m.fail) {
				t.Errorf("the module's error is lost: %v", err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	s, other := generate(t), generate(t)
	const text = "text"
	sig := string(mustSign(t, s, text, later))
	packet := rawSign(t, s, 0x00, nil, text, later)
	notation := append([]byte{0x80 | 20, 0x80, 0, 0, 0, 0, 1, 0, 1}, 'n', 'v')
	critical := append([]byte{byte(len(notation))}, notation...)
	expires := appendSubpacket(nil, 3, 0, 0, 0x0e, 0x10) // an hour
	weak := *s
	weak.algo.hash, weak.algo.hashID = crypto.SHA1, 2
	trailing := append(bytes.Clone(packet), packet...)

	for name, c := range map[string]struct {
		sig  []byte
		now  time.Time
		want error
	}{
		"good":               {[]byte(sig), later, nil},
		"ten minutes early":  {[]byte(sig), later.Add(-MaxSkew), nil},
		"too early":          {[]byte(sig), later.Add(-MaxSkew - time.Second), ErrFuture},
		"unknown signer":     {mustSign(t, other, text, later), later, ErrUntrusted},
		"older than its key": {armored(t, rawSign(t, s, 0, nil, text, start.Add(-time.Second))), later, ErrBad},
		"text signature":     {armored(t, rawSign(t, s, 0x01, nil, text, later)), later, ErrMalformed},
		"standalone":         {armored(t, rawSign(t, s, 0x02, nil, text, later)), later, ErrMalformed},
		"critical notation":  {armored(t, rawSign(t, s, 0, critical, text, later)), later, ErrBad},
		"not yet expired":    {armored(t, rawSign(t, s, 0, expires, text, later)), later.Add(59 * time.Minute), nil},
		"expired":            {armored(t, rawSign(t, s, 0, expires, text, later)), later.Add(61 * time.Minute), ErrExpired},
		"SHA-1":              {armored(t, rawSign(t, &weak, 0, nil, text, later)), later, ErrWeak},
		"two packets":        {armored(t, trailing), later, ErrMalformed},
		"two blocks":         {[]byte(sig + sig), later, ErrMalformed},
		"before":             {[]byte("x\n" + sig), later, ErrMalformed},
		"after":              {[]byte(sig + "x\n"), later, ErrMalformed},
		"empty line after":   {[]byte(sig + "\n"), later, ErrMalformed},
		"CRLF":               {[]byte(strings.ReplaceAll(sig, "\n", "\r\n")), later, ErrMalformed},
		"header":             {[]byte(strings.Replace(sig, "\n\n", "\nComment: x\n\n", 1)), later, ErrMalformed},
		"no checksum":        {dropChecksum(sig), later, ErrMalformed},
		"wrong checksum":     {wrongChecksum(sig), later, ErrMalformed},
		"binary":             {packet, later, ErrMalformed},
		"empty":              {nil, later, ErrMalformed},
		"wrong block":        {[]byte(strings.ReplaceAll(sig, "SIGNATURE", "MESSAGE")), later, ErrMalformed},
		"too long":           {bytes.Repeat([]byte("x"), MaxSignature+1), later, ErrMalformed},
		"no issuer":          {armored(t, dropIssuer(packet)), later, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Verify([]byte(text), c.sig, s.PublicKeys(), c.now)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
		})
	}
	var unknown *UntrustedError
	_, err := Verify([]byte(text), mustSign(t, other, text, later), s.PublicKeys(), later)
	if !errors.As(err, &unknown) || unknown.Fingerprint != other.Fingerprint() {
		t.Errorf("unknown signer is not named: %v", err)
	}
	if _, err := Verify([]byte(text), []byte(sig), new(PublicKeys), later); !errors.Is(err, ErrUntrusted) {
		t.Errorf("no keys: %v", err)
	}
}

func dropChecksum(sig string) []byte {
	i := strings.LastIndex(sig, "\n=")
	return []byte(sig[:i] + sig[i+6:])
}

func wrongChecksum(sig string) []byte {
	b := []byte(sig)
	i := bytes.LastIndex(b, []byte("\n=")) + 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return b
}

// dropIssuer renames the issuer's subpacket of a signature to one without meaning.
func dropIssuer(packet []byte) []byte {
	out := bytes.Clone(packet)
	i := bytes.Index(out, []byte{22, subIssuerFingerprint, 4})
	out[i+1] = 100
	return out
}

func TestFlippedBytes(t *testing.T) {
	s := generate(t)
	text, sig := []byte("the text that is signed"), mustSign(t, s, "the text that is signed", later)
	for i := range sig {
		altered := bytes.Clone(sig)
		altered[i] ^= 1
		if _, err := Verify(text, altered, s.PublicKeys(), later); err == nil {
			t.Errorf("byte %d of the signature can be altered", i)
		}
	}
	for i := range text {
		altered := bytes.Clone(text)
		altered[i] ^= 1
		if _, err := Verify(altered, sig, s.PublicKeys(), later); !errors.Is(err, ErrBad) {
			t.Errorf("byte %d of the text: %v", i, err)
		}
	}
}

// The same, byte by byte of the packet under a right checksum. What lies in
// the unhashed area is nobody's word: it may differ, it never decides.
func TestFlippedPacketBytes(t *testing.T) {
	s := generate(t)
	packet := rawSign(t, s, 0, nil, "text", later)
	unhashed := bytes.LastIndex(packet, []byte{9, subIssuerKeyID})
	for i := range packet {
		if i >= unhashed && i < unhashed+10 {
			continue
		}
		for bit := range 8 {
			altered := bytes.Clone(packet)
			altered[i] ^= 1 << bit
			if got, err := Verify([]byte("text"), armored(t, altered), s.PublicKeys(), later); err == nil {
				t.Errorf("bit %d of byte %d of %d can be altered: %+v", bit, i, len(packet), got)
			}
		}
	}
}

func TestUserIDs(t *testing.T) {
	for uid, want := range map[string]error{
		"Ümlaut <u@provider.example>": nil, strings.Repeat("x", maxUserID): nil, strings.Repeat("x", maxUserID+1): ErrMalformed,
		"": ErrMalformed, "a\nb": ErrMalformed, "\xff": ErrMalformed, "\x7f": ErrMalformed,
	} {
		if _, err := Generate(uid, start, rand.Reader); !errors.Is(err, want) {
			t.Errorf("%.20q: %v", uid, err)
		}
	}
}

func TestKeyAtTime(t *testing.T) {
	s := generate(t)
	day := 24 * time.Hour
	flags := appendSubpacket(nil, subKeyFlags, 0x03)
	lifetime := appendSubpacket(bytes.Clone(flags), 9, binary.BigEndian.AppendUint32(nil, uint32(2*day/time.Second))...)
	const superseded, compromised = 1, 2
	for name, c := range map[string]struct {
		keys *PublicKeys
		at   time.Time
		want error
	}{
		"before expiry":       {certificateOf(t, s, lifetime), start.Add(day), nil},
		"after expiry":        {certificateOf(t, s, lifetime), start.Add(2*day + time.Second), ErrExpired},
		"before replacement":  {certificateOf(t, s, nil, revocation(t, s, superseded, start.Add(day))), start.Add(day - time.Second), ErrRevoked},
		"after replacement":   {certificateOf(t, s, nil, revocation(t, s, superseded, start.Add(day))), start.Add(day), ErrRevoked},
		"before compromise":   {certificateOf(t, s, nil, revocation(t, s, compromised, start.Add(day))), start.Add(day - time.Second), ErrRevoked},
		"certifies only":      {certificateOf(t, s, appendSubpacket(nil, subKeyFlags, 0x01)), start.Add(day), ErrBad},
		"before its creation": {certificateOf(t, s, nil), start.Add(-day), ErrBad},
	} {
		t.Run(name, func(t *testing.T) {
			sig := armored(t, rawSign(t, s, 0, nil, "text", c.at))
			if _, err := Verify([]byte("text"), sig, c.keys, start.Add(100*day)); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
		})
	}
}

// The self-signature's hash counts as much as the signature's.
// A revocation certificate is often just put behind the key, in the same file.
func TestRevocationAnywhere(t *testing.T) {
	s := generate(t)
	key, sig := s.PublicKeys().Binary(), mustSign(t, s, "text", later)
	block := func(packets []byte) []byte {
		text, err := enarmor(armorPublic, packets)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, reason := range map[string]byte{"no reason": 0, "superseded": 1, "compromised": 2, "retired": 3} {
		revoked := revocation(t, s, reason, later.Add(time.Hour))
		for place, data := range map[string][]byte{
			"behind the key": bytes.Join([][]byte{key, revoked}, nil),
			"own block":      bytes.Join([][]byte{block(key), block(revoked)}, nil),
		} {
			keys, err := ParsePublicKeys(data)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Verify([]byte("text"), sig, keys, later.Add(2*time.Hour)); !errors.Is(err, ErrRevoked) {
				t.Errorf("%s, %s: error %v", name, place, err)
			}
			// What goes to gpgv has it in its place as well.
			if again, err := ParsePublicKeys(keys.Binary()); err != nil || again.Check(s.Fingerprint(), start) == nil {
				t.Errorf("%s, %s, written again: %v", name, place, err)
			}
		}
	}
	unreadable := revocation(t, s, 0, later)
	packets, err := splitPackets(unreadable)
	if err != nil {
		t.Fatal(err)
	}
	packets[0].body[3] = 99 // hash algorithm
	if _, err := ParsePublicKeys(append(bytes.Clone(key), unreadable...)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a revocation by an unknown hash: %v", err)
	}
	// One that does not verify, such as another key's, revokes nothing.
	other := generate(t)
	keys, err := ParsePublicKeys(append(bytes.Clone(key), revocation(t, other, 0, later)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify([]byte("text"), sig, keys, later); err != nil {
		t.Errorf("a revocation by another key: %v", err)
	}
}

// The owner of a subkey's primary key has revoked the subkey, at any time.
func TestRevokedSubkey(t *testing.T) {
	s, sub := generate(t), generate(t)
	both := func(h hash.Hash) { h.Write(s.prefixed()); h.Write(sub.prefixed()) }
	packet := func(signer *Signer, kind byte, extra []byte, at time.Time) []byte {
		p, err := signer.sign(kind, extra, at, both)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	split, err := splitPackets(packet(sub, 0x19, nil, start))
	if err != nil {
		t.Fatal(err)
	}
	back := split[0].body
	flags := append(appendSubpacket(nil, subKeyFlags, 0x02), append([]byte{byte(1 + len(back)), 32}, back...)...)
	certificate := append(s.PublicKeys().Binary(), appendPacket(nil, tagPublicSubkey, sub.public)...)
	binding := packet(s, 0x18, flags, start)
	sig := mustSign(t, sub, "text", later)
	for name, c := range map[string]struct {
		more []byte
		want error
	}{
		"bound":      {binding, nil},
		"superseded": {append(bytes.Clone(binding), packet(s, 0x28, appendSubpacket(nil, 29, 1), later.Add(time.Hour))...), ErrRevoked},
		"no reason":  {append(bytes.Clone(binding), packet(s, 0x28, appendSubpacket(nil, 29, 0), later.Add(time.Hour))...), ErrRevoked},
	} {
		keys, err := ParsePublicKeys(append(bytes.Clone(certificate), c.more...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Verify([]byte("text"), sig, keys, later.Add(2*time.Hour))
		if !errors.Is(err, c.want) || err == nil && got.Fingerprint != s.Fingerprint() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	packets, err := splitPackets(append(bytes.Clone(certificate), binding...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets { // wherever the revocation stands
		var data []byte
		for k, p := range packets {
			if data = append(data, p.raw...); k == i {
				data = append(data, packet(s, 0x28, nil, start)...)
			}
		}
		keys, err := ParsePublicKeys(data)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Verify([]byte("text"), sig, keys, later); !errors.Is(err, ErrRevoked) {
			t.Errorf("behind packet %d: %+v, %v", i+1, got, err)
		}
	}
}

func TestWeakSelfSignature(t *testing.T) {
	s := generate(t)
	weak := *s
	weak.algo.hash, weak.algo.hashID = crypto.SHA1, 2
	keys := certificateOf(t, &weak, nil)
	sig := mustSign(t, s, "text", later)
	for range 2 { // the library remembers its first verdict
		if _, err := Verify([]byte("text"), sig, keys, later); !errors.Is(err, ErrWeak) {
			t.Fatalf("error %v", err)
		}
	}
	if err := keys.Check(s.Fingerprint(), later); !errors.Is(err, ErrWeak) {
		t.Fatalf("check: %v", err)
	}
}

func TestWeakKeys(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromCryptoSigner(small, uid, start); !errors.Is(err, ErrWeak) {
		t.Errorf("RSA-1024: %v", err)
	}
	// The same key in a certificate of somebody else's making.
	material := appendMPI(appendMPI(nil, small.N.Bytes()), []byte{1, 0, 1})
	s := &Signer{key: small, algo: algorithm{algoRSA, hashSHA512, crypto.SHA512}}
	s.public = append(binary.BigEndian.AppendUint32([]byte{4}, uint32(start.Unix())), algoRSA)
	s.public = append(s.public, material...)
	copy(s.fingerprint[:], sha1Sum(s.prefixed()))
	keys := certificateOf(t, s, nil)
	sig := armored(t, rawSign(t, s, 0, nil, "text", later))
	if _, err := Verify([]byte("text"), sig, keys, later); !errors.Is(err, ErrWeak) {
		t.Errorf("RSA-1024 of another: %v", err)
	}
}

func sha1Sum(b []byte) []byte {
	h := crypto.SHA1.New()
	h.Write(b)
	return h.Sum(nil)
}

func TestPublicKeys(t *testing.T) {
	a, b := generate(t), generate(t)
	want := []string{a.Fingerprint(), b.Fingerprint()}
	both := append(append([]byte{}, a.PublicKeys().Binary()...), b.PublicKeys().Binary()...)
	oneBlock, err := enarmor(armorPublic, both)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"binary": both, "one block": oneBlock, "two blocks": append(append([]byte("\n"), a.Public()...), b.Public()...),
		"CRLF": bytes.ReplaceAll(oneBlock, []byte("\n"), []byte("\r\n")),
	} {
		keys, err := ParsePublicKeys(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if fmt.Sprint(keys.Fingerprints()) != fmt.Sprint(want) || !bytes.Equal(keys.Armored(b.Fingerprint()), b.Public()) {
			t.Errorf("%s: %v", name, keys.Fingerprints())
		}
		if !bytes.Equal(keys.Binary(), both) {
			t.Errorf("%s: binary form differs", name)
		}
	}
	locked, err := a.Lock(NewPassphrase([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := dearmor(armorSecret, locked)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "words": []byte("hello"), "twice": append(a.Public(), a.Public()...),
		"words after": append(a.Public(), "hello"...), "secret": secret, "armored secret": locked,
		"cut": both[:len(both)-1], "no user id": appendPacket(nil, tagPublicKey, a.public),
		"too long": make([]byte, MaxPublicKeys+1), "signature": armored(t, rawSign(t, a, 0, nil, "", later)),
	} {
		if _, err := ParsePublicKeys(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fp, err := CertificateFingerprint(a.Public()); err != nil || fp != a.Fingerprint() {
		t.Errorf("fingerprint %s, %v", fp, err)
	}
	if _, err := CertificateFingerprint(oneBlock); !errors.Is(err, ErrMalformed) {
		t.Errorf("fingerprint of two: %v", err)
	}
	if got := FormatFingerprint("0123456789ABCDEF"); got != "0123 4567 89AB CDEF" {
		t.Errorf("formatted %q", got)
	}
}

func TestJoinAndOnly(t *testing.T) {
	a, b := generate(t), generate(t)
	all, err := Join(a.PublicKeys(), b.PublicKeys(), a.PublicKeys())
	if err != nil || len(all.Fingerprints()) != 2 {
		t.Fatalf("%v, %v", all.Fingerprints(), err)
	}
	if _, err := Join(a.PublicKeys(), certificateOf(t, a, nil)); !errors.Is(err, ErrMalformed) {
		t.Errorf("two certificates of one key: %v", err)
	}
	sig := mustSign(t, b, "text", later)
	if _, err := Verify([]byte("text"), sig, all.Only(a.Fingerprint()), later); !errors.Is(err, ErrUntrusted) {
		t.Errorf("key that was left out: %v", err)
	}
	if all.Armored("00") != nil || len(all.Only("00").Fingerprints()) != 0 {
		t.Error("a certificate that is not here")
	}
	if err := all.Check("00", later); !errors.Is(err, ErrUntrusted) {
		t.Errorf("check: %v", err)
	}
}

func TestPacketLimits(t *testing.T) {
	many := bytes.Repeat([]byte{0xc0 | tagTrust, 0}, MaxPackets)
	if p, err := splitPackets(many); err != nil || len(p) != MaxPackets {
		t.Fatalf("%d packets, %v", len(p), err)
	}
	if _, err := splitPackets(append(many, 0xc0|tagTrust, 0)); !errors.Is(err, ErrMalformed) {
		t.Fatalf("one packet more: %v", err)
	}
	for _, n := range []int{0, 191, 192, 8383, 8384, 70000} {
		p, err := splitPackets(appendPacket(nil, tagUserID, make([]byte, n)))
		if err != nil || len(p) != 1 || len(p[0].body) != n || p[0].tag != tagUserID {
			t.Errorf("body of %d bytes: %v", n, err)
		}
	}
	for _, old := range [][]byte{{0x88, 1, 0}, {0x89, 0, 1, 0}, {0x8a, 0, 0, 0, 1, 0}} {
		p, err := splitPackets(old)
		if err != nil || len(p) != 1 || p[0].tag != tagSignature || len(p[0].body) != 1 {
			t.Errorf("old header %x: %v", old, err)
		}
	}
	for _, bad := range [][]byte{{0x00}, {0x8b, 1}, {0x8a, 255, 255, 255, 255}, {0xc2}, {0xc2, 224, 0}, {0xc2, 255, 255, 255, 255, 255}, {0xc2, 2, 0}} {
		if _, err := splitPackets(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("header %x: %v", bad, err)
		}
	}
}

func TestMaxCertificates(t *testing.T) {
	var all []byte
	for i := range MaxCertificates + 1 {
		if i == MaxCertificates {
			if keys, err := ParsePublicKeys(all); err != nil || len(keys.Fingerprints()) != MaxCertificates {
				t.Fatalf("at the limit: %v", err)
			}
		}
		all = append(all, generate(t).PublicKeys().Binary()...)
	}
	if _, err := ParsePublicKeys(all); !errors.Is(err, ErrMalformed) {
		t.Fatalf("one past the limit: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	s, err := FromCryptoSigner(key, uid, start)
	if err != nil {
		f.Fatal(err)
	}
	text := []byte("text")
	f.Add(rawSign(f, s, 0, nil, "text", later))
	f.Add(rawSign(f, s, 1, nil, "text", later))
	f.Add(s.PublicKeys().Binary())
	f.Add([]byte{0xc2, 5, 4, 0, 22, 10, 0})
	f.Fuzz(func(t *testing.T, packet []byte) {
		_, _ = ParsePublicKeys(packet)
		sig, err := enarmor(armorSignature, packet)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Verify(text, sig, s.PublicKeys(), later)
		if err == nil && got.Fingerprint != s.Fingerprint() {
			t.Fatalf("verified as %+v", got)
		}
		_, _ = Verify(text, packet, s.PublicKeys(), later)
		_, _ = Unlock(packet, Passphrase{})
	})
}
