package open

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"exhibit/export/seal"
	"exhibit/sign"
	"exhibit/sign/manifest"
)

// maxHead bounds what stands before the encrypted data of a volume: 64 session
// keys of at most 8 KiB each.
const maxHead = 64 * (8<<10 + 8)

// ageIntro begins an age file (age-encryption.org/v1).
const ageIntro = "age-encryption.org/v1\n"

// stanzas tells of which kind of key a recipient stanza of age is.
var stanzas = map[string]sign.KeyKind{
	"X25519": sign.AgeX25519, "mlkem768x25519": sign.AgeHybrid, "ssh-ed25519": sign.AgeSSH, "ssh-rsa": sign.AgeSSH,
}

// Bytes that begin an OpenPGP packet (RFC 9580, section 4.2).
const (
	sessionKeyTag = 0xC1
	dataTag       = 0xD2
)

var errHead = errors.New("what stands before the encrypted data is not as the format has it")

// checkRecipients checks that a volume, of which head are the first bytes, is
// encrypted to as many keys as the manifest names, of their kind (section 2): a
// further reader would show. Which keys they are only their holders can tell.
func checkRecipients(name string, head []byte, recipients []manifest.Recipient) error {
	kinds, err := sealedTo(head)
	if err != nil {
		return failWith(VolumeInvalid, name, err, "is no volume of format 1")
	}
	if len(kinds) != len(recipients) {
		return fail(RecipientsMismatch, name, "is encrypted to %d keys, where the manifest names %d", len(kinds), len(recipients))
	}
	for _, kind := range kinds {
		if kind != recipients[0].Kind { // the manifest's are all of one kind
			return fail(RecipientsMismatch, name, "is encrypted to a key of kind %s, where the manifest says %s", kind, recipients[0].Kind)
		}
	}
	return nil
}

// errUnnamed says that the key which opened a package is none of those that it
// is signed for.
func errUnnamed() error {
	return fail(RecipientsMismatch, manifest.Name, "does not name the key that opens the package")
}

// named returns the identities that the manifest names, and whether there are
// any. Otherwise it returns all: if none of them opens the package it was the
// wrong file of identities, and if one does the manifest lies.
func named(ids []seal.Identity, recipients []manifest.Recipient) ([]seal.Identity, bool) {
	var list []seal.Identity
	for _, id := range ids {
		if slices.Contains(recipients, manifest.Recipient{Kind: sign.KeyKind(id.Kind()), Fingerprint: id.Fingerprint()}) {
			list = append(list, id)
		}
	}
	if len(list) == 0 {
		return ids, false
	}
	return list, true
}

// sealedTo returns the kind of each key that a volume is encrypted to.
func sealedTo(head []byte) ([]sign.KeyKind, error) {
	if rest, ok := bytes.CutPrefix(head, []byte(ageIntro)); ok {
		return ageKeys(rest)
	}
	return pgpKeys(head)
}

func ageKeys(rest []byte) (kinds []sign.KeyKind, err error) {
	for {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		switch {
		case !ok:
			return nil, errHead
		case bytes.HasPrefix(line, []byte("---")):
			return kinds, nil
		case bytes.HasPrefix(line, []byte("-> ")):
			typ, _, _ := bytes.Cut(line[3:], []byte(" "))
			kind, ok := stanzas[string(typ)]
			if !ok {
				return nil, fmt.Errorf("%w: a recipient of unknown type %s", errHead, show(string(typ)))
			}
			kinds = append(kinds, kind)
		}
		rest = after
	}
}

func pgpKeys(rest []byte) (kinds []sign.KeyKind, err error) {
	for len(rest) >= 6 {
		if rest[0] == dataTag && len(kinds) > 0 {
			return kinds, nil
		}
		if rest[0] != sessionKeyTag {
			return nil, errHead
		}
		var size uint64
		switch first := rest[1]; {
		case first < 192:
			size = 2 + uint64(first)
		case first < 224:
			size = 3 + uint64(first-192)<<8 + uint64(rest[2]) + 192
		case first == 255:
			size = 6 + uint64(binary.BigEndian.Uint32(rest[2:]))
		default:
			return nil, errHead
		}
		if size > uint64(len(rest)) {
			return nil, errHead
		}
		kinds, rest = append(kinds, sign.OpenPGP), rest[size:]
	}
	return nil, errHead
}
