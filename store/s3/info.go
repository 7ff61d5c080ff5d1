package s3

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
)

// infoOf describes an object by the headers of an answer to HEAD or GET.
func infoOf(key string, object minio.ObjectInfo) (store.Info, error) {
	if object.Size < 0 {
		return store.Info{}, fmt.Errorf("answer without a length")
	}
	lock, err := lockOf(object.Headers)
	if err != nil {
		return store.Info{}, err
	}
	return store.Info{
		Key: key, Size: object.Size, Version: versionOf(object.VersionID),
		Digest: digestOf(object), Lock: lock, Modified: object.LastModified,
	}, nil
}

// versionOf is the version; S3 says "null" for that of an unversioned bucket.
func versionOf(id string) string {
	if id == "null" {
		return ""
	}
	return id
}

// lockOf reads the lock out of the headers of HEAD, which are right on servers
// whose GetObjectRetention is not.
func lockOf(h http.Header) (*store.Lock, error) {
	lock := store.Lock{
		Mode:      h.Get("X-Amz-Object-Lock-Mode"),
		LegalHold: h.Get("X-Amz-Object-Lock-Legal-Hold") == "ON",
	}
	if until := h.Get("X-Amz-Object-Lock-Retain-Until-Date"); until != "" {
		t, err := time.Parse(time.RFC3339Nano, until)
		if err != nil {
			return nil, fmt.Errorf("end of retention: %w", err)
		}
		lock.Until = t
	}
	if lock == (store.Lock{}) {
		return nil, nil
	}
	return &lock, nil
}

// checksums are those that are compared, the strongest first.
var checksums = []struct {
	name  string
	kind  minio.ChecksumType
	value func(minio.ObjectInfo) string
}{
	{"sha256", minio.ChecksumSHA256, func(o minio.ObjectInfo) string { return o.ChecksumSHA256 }},
	{"crc64nvme", minio.ChecksumCRC64NVME, func(o minio.ObjectInfo) string { return o.ChecksumCRC64NVME }},
	{"crc32c", minio.ChecksumCRC32C, func(o minio.ObjectInfo) string { return o.ChecksumCRC32C }},
	{"crc32", minio.ChecksumCRC32, func(o minio.ObjectInfo) string { return o.ChecksumCRC32 }},
}

// digestOf is the checksum over the whole object, if the server has one: one
// made of the parts' checksums says nothing of the bytes.
func digestOf(object minio.ObjectInfo) store.Digest {
	if object.ChecksumMode != minio.ChecksumFullObjectMode.String() {
		return store.Digest{}
	}
	for _, c := range checksums {
		raw, err := base64.StdEncoding.DecodeString(c.value(object))
		if err == nil && len(raw) == c.kind.RawByteLen() {
			return store.Digest{Algorithm: c.name, Value: hex.EncodeToString(raw)}
		}
	}
	return store.Digest{}
}

// hasher returns the hash of a Digest's algorithm, or nil.
func hasher(algorithm string) hash.Hash {
	for _, c := range checksums {
		if c.name == algorithm {
			return c.kind.Hasher()
		}
	}
	return nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// base64Sum is the form that headers want.
func base64Sum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }
