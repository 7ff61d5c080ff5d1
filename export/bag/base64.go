package bag

import (
	"bytes"
	"encoding/base64"
)

// marshalBase64 returns the JSON string of the base64 of raw, which needs no
// escapes.
func marshalBase64(raw []byte) []byte {
	return append(base64.StdEncoding.AppendEncode([]byte{'"'}, raw), '"')
}

// unmarshalBase64 reads exactly what marshalBase64 writes.
func unmarshalBase64(data []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(bytes.Trim(data, `"`)))
	if err != nil || !bytes.Equal(marshalBase64(raw), data) {
		return nil, invalid("base64")
	}
	return raw, nil
}
