package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"exhibit/export/bag"
	"exhibit/export/frame"
	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/detached"
	"exhibit/sign/manifest"
)

// age's chunks (age-encryption.org/v1, "Payload").
const (
	ageNonce = 16
	ageChunk = 64<<10 + 16
)

// cut FILE N shortens an age file to its header, its nonce and N chunks.
func scriptCut(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	mac := bytes.Index(data, []byte("\n--- "))
	if mac < 0 {
		ts.Fatalf("%s is no age file", args[0])
	}
	header := mac + 1 + bytes.IndexByte(data[mac+1:], '\n') + 1
	size := header + ageNonce + n*ageChunk
	if size >= len(data) {
		ts.Fatalf("%s has %d bytes, too few for %d chunks", args[0], len(data), n)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data[:size], 0o600))
}

// forge WHAT PKG [OTHER] spoils a package as only the holder of the provider's
// signing key can: afterwards all digests and signatures outside hold.
func scriptForge(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: forge WHAT PKG [OTHER]")
	}
	dir, other := ts.MkAbs(args[1]), ""
	if len(args) > 2 {
		other = ts.MkAbs(args[2])
	}
	ts.Check(forge(args[0], dir, other))
}

func forge(what, dir, other string) error {
	volume := filepath.Join(dir, manifest.VolumeName(1, 1, manifest.Age))
	var err error
	switch what {
	case "resign": // whatever was done to the files
	case "swap": // the volume of another package of the same order and agency
		var data []byte
		if data, err = os.ReadFile(filepath.Join(other, filepath.Base(volume))); err == nil {
			err = os.WriteFile(volume, data, 0o600)
		}
	case "reencrypt": // to somebody else
		var stranger *age.X25519Identity
		if stranger, err = age.GenerateX25519Identity(); err == nil {
			err = rewrite(volume, stranger.Recipient().String(), func(stream []byte) ([]byte, error) { return stream, nil })
		}
	case "traversal":
		err = rewrite(volume, "", withEntry)
	case "bomb":
		err = rewrite(volume, "", func([]byte) ([]byte, error) { return bomb() })
	default:
		err = fmt.Errorf("cannot forge %q", what)
	}
	if err != nil {
		return err
	}
	return resign(dir, nil)
}

// theProvider is the provider's signing key of the stages.
var theProvider = sync.OnceValues(func() (*detached.Signer, error) {
	dir, err := stageDir(stageFounded)
	if err != nil {
		return nil, err
	}
	locked, err := os.ReadFile(filepath.Join(dir, "ws", "keys", "provider.key.asc"))
	if err != nil {
		return nil, err
	}
	pass, err := readPassphraseFile(filepath.Join(dir, "pass"))
	if err != nil {
		return nil, err
	}
	return detached.Unlock(locked, pass)
})

// theAgency is the agency's identity and its public key.
func theAgency() ([]seal.Identity, string, error) {
	dir, err := stageDir(stageFounded)
	if err != nil {
		return nil, "", err
	}
	secret, err := os.ReadFile(filepath.Join(dir, "agency", "identity.txt"))
	if err != nil {
		return nil, "", err
	}
	public, err := os.ReadFile(filepath.Join(dir, "agency", "recipient.txt"))
	if err != nil {
		return nil, "", err
	}
	ids, err := seal.ParseIdentities(secret, nil)
	return ids, string(public), err
}

// resign states a package anew: sizes and digests of the files that are there,
// SHA256SUMS, and all signatures outside. alter, if not nil, changes the
// manifest's text before it is signed.
func resign(dir string, alter func(text []byte) ([]byte, error)) error {
	signer, err := theProvider()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, manifest.Name))
	if err != nil {
		return err
	}
	m, err := manifest.Parse(text)
	if err != nil {
		return err
	}
	for i := range m.Objects {
		o := &m.Objects[i]
		path := filepath.Join(dir, o.Name)
		switch o.Role {
		case manifest.SumsRole: // volumes and README are done
			err = os.WriteFile(path, m.SHA256SUMS(), 0o600)
		case manifest.SumsSignature:
			var signature []byte
			if signature, err = signer.Sign(m.SHA256SUMS(), time.Now()); err == nil {
				err = os.WriteFile(path, signature, 0o600)
			}
		}
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		o.Size, o.SHA256 = int64(len(data)), sign.Sum(data)
	}
	if text, err = sign.MarshalDocument(m); err != nil { // unchecked
		return err
	}
	if alter != nil {
		if text, err = alter(text); err != nil {
			return err
		}
	}
	signature, err := signer.Sign(text, time.Now())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, manifest.SignatureName), signature, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, manifest.Name), text, 0o600)
}

// rewrite decrypts a volume, changes its zstd stream, and encrypts it again: to
// the agency, or to the public key that is given.
func rewrite(volume, public string, change func(stream []byte) ([]byte, error)) error {
	ids, agency, err := theAgency()
	if err != nil {
		return err
	}
	if public == "" {
		public = agency
	}
	recipient, err := seal.ParseRecipient([]byte(public))
	if err != nil {
		return err
	}
	sealed, err := os.ReadFile(volume)
	if err != nil {
		return err
	}
	plain, err := seal.Decrypt(bytes.NewReader(sealed), ids)
	if err != nil {
		return err
	}
	stream, err := io.ReadAll(plain)
	if err != nil {
		return err
	}
	if stream, err = change(stream); err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := seal.Encrypt(&out, []seal.Recipient{recipient}, time.Now())
	if err != nil {
		return err
	}
	if _, err := w.Write(stream); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(volume, out.Bytes(), 0o600)
}

// withEntry puts an entry named ../x before the others of an archive.
func withEntry(stream []byte) ([]byte, error) {
	r := frame.NewReader(bytes.NewReader(stream), 1)
	archive, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	header, err := bag.TarHeader("bagit.txt", bag.BlockSize)
	if err != nil {
		return nil, err
	}
	copy(header[:100], make([]byte, 100))
	copy(header[:], "../x")
	sum := 0
	for i, c := range header {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	entry := append(header[:], make([]byte, bag.BlockSize)...)
	archive = append(entry, archive...)

	enc, err := frame.NewEncoder()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := frame.NewWriter(&out)
	end := len(archive) - bag.TrailerSize
	for _, part := range [][]byte{archive[:end], archive[end:]} {
		if err := w.Append(enc.Encode(nil, part)); err != nil {
			return nil, err
		}
	}
	err = w.Close(true)
	return out.Bytes(), err
}

// bomb is a stream of 128 MiB of zeros without the padding that would keep its
// ratio, and a seek table that says so.
func bomb() ([]byte, error) {
	enc, err := frame.NewEncoder()
	if err != nil {
		return nil, err
	}
	f := enc.Encode(nil, make([]byte, frame.MaxContent))
	var out, table []byte
	const n = 4
	for range n {
		out = append(out, f.Bytes...)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(f.Bytes)))
		table = binary.LittleEndian.AppendUint32(table, uint32(f.Content))
	}
	out = binary.LittleEndian.AppendUint32(out, 0x184D2A5E)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(table)+9))
	out = append(out, table...)
	out = binary.LittleEndian.AppendUint32(out, n)
	return binary.LittleEndian.AppendUint32(append(out, 0), 0x8F92EAB1), nil
}
