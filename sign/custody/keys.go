package custody

import (
	"errors"
	"fmt"
	"strings"

	"exhibit/sign"
)

// Where the signed files are kept (FORMAT section 4).
const (
	KeyringPrefix = "custody/records/keyring/"
	PolicyPrefix  = "custody/records/policy/"
	OrdersPrefix  = "custody/records/order/"
)

// ErrName says that an object's name is not the leaf hash of what it holds.
var ErrName = errors.New("object is not named by its leaf hash")

// KeyringKey names the object of a keyring entry, or of a confirmation of one,
// with that leaf hash.
func KeyringKey(leaf sign.Digest) string { return KeyringPrefix + leaf.String() + ".json" }

// PolicyKey names the object of a policy, or of a confirmation of one, with
// that leaf hash.
func PolicyKey(leaf sign.Digest) string { return PolicyPrefix + leaf.String() + ".json" }

// OrderPrefix is where all is kept that concerns the order of that digest.
func OrderPrefix(order sign.Digest) string { return OrdersPrefix + order.String() + "/" }

// RecordKey names the object of a statement or record about an order.
func RecordKey(order, leaf sign.Digest) string { return OrderPrefix(order) + leaf.String() + ".json" }

// OrderKey names the object of the order's exact bytes.
func OrderKey(order sign.Digest) string { return OrderPrefix(order) + ObjectOrder }

// InstrumentKey names the object of the exact bytes of the order's legal
// instrument.
func InstrumentKey(order sign.Digest) string { return OrderPrefix(order) + ObjectInstrument }

// InstrumentSignatureKey names the object of the exact bytes of the agency's
// signature over the instrument.
func InstrumentSignatureKey(order sign.Digest) string {
	return OrderPrefix(order) + ObjectInstrumentSignature
}

// SourcesKey names the list of source files and gaps of the n-th export run
// for a package, n from 1.
func SourcesKey(order sign.Digest, pkg sign.ID, n int) string {
	return fmt.Sprintf("%ssources-%s-%d.jsonl", OrderPrefix(order), pkg, n)
}

// Open reads the signed file in the object of that name, and checks that the
// name is its leaf hash: ErrName if not.
func Open(key string, data []byte) (*sign.Signed, error) {
	s, err := sign.ParseSigned(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	base := key[strings.LastIndexByte(key, '/')+1:]
	if base != s.LeafHash().String()+".json" {
		return nil, fmt.Errorf("%s: %w", key, ErrName)
	}
	return s, nil
}
