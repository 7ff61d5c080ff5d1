package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exhibit/export/seal"

	"filippo.io/age"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// golden are the kinds of the files in testdata: identity, recipient, and a
// file that was sealed to it when the format was fixed.
var golden = []string{"age-x25519", "age-hybrid", "age-ssh", "openpgp-v4", "openpgp-v6"}

func goldenFile(t testing.TB, name, ending string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+ending))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func goldenSealed(t testing.TB, name string) []byte {
	t.Helper()
	if strings.HasPrefix(name, "openpgp") {
		return goldenFile(t, name, ".gpg")
	}
	return goldenFile(t, name, ".age")
}

// What was sealed once is opened for ever.
func TestGolden(t *testing.T) {
	for _, name := range golden {
		public := goldenFile(t, name, ".recipient")
		r := recipient(t, public)
		if r.Public != string(public) {
			t.Errorf("%s: the canonical text changed to\n%s", name, r.Public)
		}
		ids := identities(t, goldenFile(t, name, ".identity"))
		if ids[0].Fingerprint() != r.Fingerprint {
			t.Errorf("%s: %s, %s", name, ids[0].Fingerprint(), r.Fingerprint)
		}
		if kind := r.Kind; kind != "openpgp" {
			if want := fmt.Sprintf("%x", sha256.Sum256(public)); r.Fingerprint != want {
				t.Errorf("%s: fingerprint %s, want %s", name, r.Fingerprint, want)
			}
		}
		got, err := open(goldenSealed(t, name), ids)
		if err != nil || string(got) != "Subject: sample\r\n\r\nSealed by format 1.\r\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// damage are the errors of an altered file. ErrNoIdentity is one of them: to a
// key that the header no longer names, the file is not for us.
func damage(err error) bool {
	return errors.Is(err, seal.ErrCorrupt) || errors.Is(err, seal.ErrFormat) || errors.Is(err, seal.ErrNoIdentity)
}

func TestTruncated(t *testing.T) {
	const chunk = 64 << 10
	for name, p := range pairs(t) {
		ids := identities(t, p.secret)
		file := sealed(t, text(3*chunk), recipient(t, p.public))
		cuts := []int{0, 1, 10, 22, len(file) - 1, len(file) - 16, len(file) - 22, len(file) - chunk}
		for c := len(file) % (chunk + 16); c < len(file); c += chunk + 16 {
			cuts = append(cuts, c-1, c, c+1) // chunks of age
		}
		for c := chunk; c < len(file); c += chunk {
			for d := -3; d <= 120; d += 3 {
				if c+d < len(file) {
					cuts = append(cuts, c+d) // parts of OpenPGP
				}
			}
		}
		for _, c := range cuts {
			if _, err := open(file[:c], ids); !damage(err) || c > 4000 && errors.Is(err, seal.ErrNoIdentity) {
				t.Errorf("%s: cut to %d of %d bytes: %v", name, c, len(file), err)
			}
		}
		for _, more := range [][]byte{{0}, {0xD2}, text(chunk), file} {
			if _, err := open(append(bytes.Clone(file), more...), ids); !errors.Is(err, seal.ErrCorrupt) && !errors.Is(err, seal.ErrFormat) {
				t.Errorf("%s: %d bytes behind: %v", name, len(more), err)
			}
		}
	}
}

func TestShortTruncated(t *testing.T) {
	for _, name := range golden {
		ids, file := identities(t, goldenFile(t, name, ".identity")), goldenSealed(t, name)
		for c := range file {
			if _, err := open(file[:c], ids); !damage(err) {
				t.Errorf("%s: cut to %d of %d bytes: %v", name, c, len(file), err)
			}
		}
	}
}

// No flipped bit changes what is read. In the session key packet of an OpenPGP
// message there are bits without meaning, such as lengths of numbers; all others
// are found.
func TestFlipped(t *testing.T) {
	const want = "Subject: sample\r\n\r\nSealed by format 1.\r\n"
	inSessionKey := map[string]int{"openpgp-v4": 2 + 94, "openpgp-v6": 2 + 109}
	for _, name := range golden {
		ids, file := identities(t, goldenFile(t, name, ".identity")), goldenSealed(t, name)
		r := mathrand.New(mathrand.NewPCG(7, 7))
		for range 1000 {
			i, bit := r.IntN(len(file)), byte(1)<<r.IntN(8)
			file[i] ^= bit
			got, err := open(file, ids)
			if !damage(err) && !(err == nil && string(got) == want && i < inSessionKey[name]) {
				t.Errorf("%s: byte %d flipped by %#02x: %q, %v", name, i, bit, got, err)
			}
			file[i] ^= bit
		}
	}
}

// A failure to read is neither damage nor a wrong key.
func TestReadErrors(t *testing.T) {
	for name, p := range pairs(t) {
		file := sealed(t, text(200_000), recipient(t, p.public))
		ids := identities(t, p.secret)
		for _, broken := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
			for _, at := range []int{0, 30, 5000, 100_000, len(file)} {
				r, err := seal.Decrypt(io.MultiReader(bytes.NewReader(file[:at]), failing{broken}), ids)
				if err == nil {
					_, err = io.Copy(io.Discard, r)
				}
				if !errors.Is(err, broken) || damage(err) {
					t.Errorf("%s: %v after %d bytes became %v", name, broken, at, err)
				}
			}
			if kindOf(name) == "openpgp" {
				continue
			}
			_, _, err := seal.DecryptAt(failing{broken}, int64(len(file)), ids)
			if !errors.Is(err, broken) || damage(err) {
				t.Errorf("%s: at random, %v became %v", name, broken, err)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)          { return 0, f.err }
func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// A message is an OpenPGP message that is put together by hand.
type message struct {
	bytes.Buffer
	t   *testing.T
	key []byte
	to  *packet.PublicKey
}

func newMessage(t *testing.T) *message {
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(goldenFile(t, "openpgp-v4", ".recipient")))
	if err != nil {
		t.Fatal(err)
	}
	return &message{t: t, key: bytes.Repeat([]byte{7}, 32), to: entities[0].Subkeys[0].PublicKey}
}

func (m *message) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// sessionKey writes a session key packet.
func (m *message) sessionKey(cipher packet.CipherFunction, aead bool) *message {
	m.t.Helper()
	m.ok(packet.SerializeEncryptedKeyAEAD(m, m.to, cipher, aead, m.key[:cipher.KeySize()], nil))
	return m
}

// data writes an encrypted data packet of the given packets.
func (m *message) data(cipher packet.CipherFunction, aead bool, packets ...[]byte) *message {
	m.t.Helper()
	suite := packet.CipherSuite{Cipher: cipher, Mode: packet.AEADModeOCB}
	w, err := packet.SerializeSymmetricallyEncrypted(m, cipher, aead, suite, m.key[:cipher.KeySize()], &packet.Config{})
	m.ok(err)
	_, err = w.Write(bytes.Join(packets, nil))
	m.ok(err)
	m.ok(w.Close())
	return m
}

// raw writes a packet of a tag and a body.
func (m *message) raw(tag byte, body []byte) *message {
	m.Write(rawPacket(tag, body))
	return m
}

// framed writes bytes.
func (m *message) framed(b ...byte) *message {
	m.Write(b)
	return m
}

func rawPacket(tag byte, body []byte) []byte {
	p := append([]byte{0xC0 | tag, 0xFF}, binary.BigEndian.AppendUint32(nil, uint32(len(body)))...)
	return append(p, body...)
}

// literal is a literal data packet.
func literal(format byte, name string, date uint32, content string) []byte {
	body := append([]byte{format, byte(len(name))}, name...)
	body = binary.BigEndian.AppendUint32(body, date)
	return rawPacket(11, append(body, content...))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func compressed(t *testing.T, packets []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := packet.SerializeCompressed(nopCloser{&out}, packet.CompressionZIP, nil)
	if err == nil {
		_, err = w.Write(packets)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Only the shape of the format is opened.
func TestMessageShapes(t *testing.T) {
	const aes = packet.CipherAES256
	ids := identities(t, goldenFile(t, "openpgp-v4", ".identity"))
	good := literal('b', "", 0, "hello")
	var signed bytes.Buffer
	secret, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(goldenFile(t, "openpgp-v4", ".identity")))
	if err != nil {
		t.Fatal(err)
	}
	w, err := openpgp.Sign(&signed, secret, nil, &packet.Config{Time: created})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hello")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := func() *message { return newMessage(t) }
	// The body of an encrypted data packet, of 512 bytes.
	hello := "hello" + strings.Repeat(" ", 427)
	body := m().data(aes, true, literal('b', "", 0, hello)).Bytes()[3:]
	if len(body) != 512 {
		t.Fatalf("%d bytes", len(body))
	}
	for name, c := range map[string]struct {
		file *message
		want error
	}{
		"good, version 1":         {m().sessionKey(aes, false).data(aes, false, good), nil},
		"good, version 2":         {m().sessionKey(aes, true).data(aes, true, good), nil},
		"two keys":                {m().sessionKey(aes, false).sessionKey(aes, false).data(aes, false, good), nil},
		"AES-128":                 {m().sessionKey(packet.CipherAES128, false).data(packet.CipherAES128, false, good), seal.ErrFormat},
		"AES-128, version 2":      {m().sessionKey(packet.CipherAES128, true).data(packet.CipherAES128, true, good), seal.ErrFormat},
		"text":                    {m().sessionKey(aes, false).data(aes, false, literal('u', "", 0, "hello")), seal.ErrFormat},
		"file name":               {m().sessionKey(aes, false).data(aes, false, literal('b', "a.tar", 0, "hello")), seal.ErrFormat},
		"date":                    {m().sessionKey(aes, false).data(aes, false, literal('b', "", 1, "hello")), seal.ErrFormat},
		"compressed":              {m().sessionKey(aes, false).data(aes, false, compressed(t, good)), seal.ErrFormat},
		"signed":                  {m().sessionKey(aes, false).data(aes, false, signed.Bytes()), seal.ErrFormat},
		"two literals":            {m().sessionKey(aes, false).data(aes, false, good, good), seal.ErrFormat},
		"padding inside":          {m().sessionKey(aes, true).data(aes, true, good, rawPacket(21, []byte("xx"))), seal.ErrFormat},
		"marker inside":           {m().sessionKey(aes, false).data(aes, false, rawPacket(10, []byte("PGP")), good), seal.ErrFormat},
		"length past the end":     {m().sessionKey(aes, true).framed(0xD2, 0xFF, 0, 0, 2, 1).framed(body...), seal.ErrCorrupt},
		"length short of the end": {m().sessionKey(aes, true).framed(0xD2, 0xFF, 0, 0, 1, 255).framed(body...), seal.ErrCorrupt},
		"empty last part":         {m().sessionKey(aes, true).framed(0xD2, 0xE9).framed(body...).framed(0), nil},
		"last part missing":       {m().sessionKey(aes, true).framed(0xD2, 0xE9).framed(body...), seal.ErrCorrupt},
		"first part too short":    {m().sessionKey(aes, true).framed(0xD2, 0xE8).framed(body...), seal.ErrFormat},
		"nothing inside":          {m().sessionKey(aes, false).data(aes, false), seal.ErrCorrupt},
		"literal cut short":       {m().sessionKey(aes, false).data(aes, false, good[:len(good)-1]), seal.ErrCorrupt},
		"marker first":            {m().raw(10, []byte("PGP")).sessionKey(aes, false).data(aes, false, good), seal.ErrFormat},
		"marker between":          {m().sessionKey(aes, false).raw(10, []byte("PGP")).data(aes, false, good), seal.ErrFormat},
		"private packet":          {m().raw(60, []byte("x")).sessionKey(aes, false).data(aes, false, good), seal.ErrFormat},
		"data twice":              {m().sessionKey(aes, false).data(aes, false, good).data(aes, false, good), seal.ErrFormat},
		"no session key":          {m().data(aes, false, good), seal.ErrFormat},
		"session key only":        {m().sessionKey(aes, false), seal.ErrCorrupt},
		"versions mixed":          {m().sessionKey(aes, false).data(aes, true, good), seal.ErrFormat},
		"versions mixed, reverse": {m().sessionKey(aes, true).data(aes, false, good), seal.ErrFormat},
		"in the clear":            {m().raw(11, good[6:]), seal.ErrFormat},
		"no integrity":            {m().sessionKey(aes, false).raw(9, make([]byte, 100)), seal.ErrFormat},
		"LibrePGP's OCB":          {m().sessionKey(aes, false).raw(20, make([]byte, 100)), seal.ErrFormat},
		"version 3":               {m().sessionKey(aes, false).raw(18, append([]byte{3}, make([]byte, 99)...)), seal.ErrFormat},
		"session key at limit":    {m().raw(1, make([]byte, 8<<10)), seal.ErrFormat},
		"session key past limit":  {m().raw(1, make([]byte, 8<<10+1)), seal.ErrFormat},
	} {
		got, err := open(c.file.Bytes(), ids)
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || strings.TrimSpace(string(got)) != "hello") {
			t.Errorf("%s: %q, %v, want %v", name, got, err, c.want)
		}
	}
}

// A message to a passphrase has no recipient.
func TestSymmetricMessage(t *testing.T) {
	var out bytes.Buffer
	w, err := openpgp.SymmetricallyEncrypt(&out, []byte("correct horse"), nil, &packet.Config{DefaultCipher: packet.CipherAES256})
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hello")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(out.Bytes(), identities(t, goldenFile(t, "openpgp-v4", ".identity"))); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("%v", err)
	}
}

func TestNumberOfRecipients(t *testing.T) {
	ids := identities(t, goldenFile(t, "openpgp-v4", ".identity"))
	for n, want := range map[int]error{seal.MaxRecipients: nil, seal.MaxRecipients + 1: seal.ErrFormat} {
		m := newMessage(t)
		for range n {
			m.sessionKey(packet.CipherAES256, false)
		}
		m.data(packet.CipherAES256, false, literal('b', "", 0, "hello"))
		if _, err := open(m.Bytes(), ids); !errors.Is(err, want) {
			t.Errorf("OpenPGP, %d recipients: %v", n, err)
		}
		ageID, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		var rs []age.Recipient
		for range n {
			rs = append(rs, ageID.Recipient())
		}
		file := ageFile(t, rs...)
		if _, err := open(file, identities(t, []byte(ageID.String()))); !errors.Is(err, want) {
			t.Errorf("age, %d recipients: %v", n, err)
		}
		_, _, err = seal.DecryptAt(bytes.NewReader(file), int64(len(file)), identities(t, []byte(ageID.String())))
		if !errors.Is(err, want) {
			t.Errorf("age at random, %d recipients: %v", n, err)
		}
	}
}

// ageFile is a file of the age library.
func ageFile(t *testing.T, rs ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, rs...)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hello")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A header is of one kind of recipients, and bounded.
func TestAgeHeaders(t *testing.T) {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	ids := identities(t, []byte(x.String()))
	grease := wrapper{x.Recipient(), "grease", 1}
	long := []byte("age-encryption.org/v1\n-> X25519 " + strings.Repeat("A", 1<<20))
	many := "age-encryption.org/v1\n" + strings.Repeat("-> X25519 AAAA\nAAAA\n", 20_000) + "--- AAAA\n"
	for name, file := range map[string][]byte{
		"another type beside":  ageFile(t, x.Recipient(), grease),
		"SSH beside X25519":    ageFile(t, x.Recipient(), wrapper{x.Recipient(), "ssh-ed25519", 1}),
		"long line":            long,
		"header past limit":    []byte(many),
		"armor":                ageArmored(t, ageFile(t, x.Recipient())),
		"version 2":            []byte("age-encryption.org/v2\n--- AAAA\n"),
		"nothing":              nil,
		"text":                 []byte("hello, here is the volume you asked for\n"),
		"binary":               {0x28, 0xB5, 0x2F, 0xFD, 0, 0},
		"old OpenPGP":          {0x85, 0x01, 0x0c, 3},
		"OpenPGP in ASCII":     []byte("-----BEGIN PGP MESSAGE-----\n\nwV4D\n-----END PGP MESSAGE-----\n"),
		"OpenPGP public key":   []byte{0xC6, 0x01, 4},
		"OpenPGP, no contents": {0xC1},
	} {
		if _, err := open(file, ids); !damage(err) || errors.Is(err, seal.ErrNoIdentity) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := seal.DecryptAt(bytes.NewReader(file), int64(len(file)), ids); err == nil || errors.Is(err, seal.ErrNoIdentity) {
			t.Errorf("%s at random: %v", name, err)
		}
	}
}

// wrapper makes stanzas that bear another name.
type wrapper struct {
	r    age.Recipient
	name string
	n    int
}

func (w wrapper) Wrap(key []byte) ([]*age.Stanza, error) {
	s, err := w.r.Wrap(key)
	if err == nil {
		s[0].Type = w.name
	}
	return s, err
}
