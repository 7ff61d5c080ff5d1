package store

import (
	"fmt"
	"strings"
)

// Limits of keys, in bytes: those of S3, and of common file systems.
const (
	MaxKey     = 1024
	MaxSegment = 255
)

// ValidateKey checks that key is one or more segments joined by slashes, each
// of 1 to MaxSegment characters out of A–Z a–z 0–9 . _ = + -, not "." or "..",
// and not starting with a hyphen; MaxKey in all. Such a key means the same
// as a path, in a URL and on a command line. The error is an Error of kind
// ErrInvalidKey.
//
// That no key may be a folder of another ("a" and "a/b") cannot be seen from
// the key; stores answer ErrConflict where they can tell.
func ValidateKey(key string) error {
	if reason := keyDefect(key); reason != "" {
		return &Error{Op: "check key", Kind: ErrInvalidKey, Err: fmt.Errorf("%s: %.80q", reason, key)}
	}
	return nil
}

// keyDefect says what is wrong with key, or nothing.
func keyDefect(key string) string {
	if key == "" {
		return "empty"
	}
	if len(key) > MaxKey {
		return fmt.Sprintf("longer than %d bytes", MaxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return "empty segment"
		case len(segment) > MaxSegment:
			return fmt.Sprintf("segment longer than %d bytes", MaxSegment)
		case segment == "." || segment == "..":
			return "dot segment"
		case segment[0] == '-':
			return "segment starts with a hyphen"
		}
		for i := range len(segment) {
			if !keyChar(segment[i]) {
				return "character not allowed"
			}
		}
	}
	return ""
}

func keyChar(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("._=+-", c) >= 0
}

// ValidatePrefix checks that some key could start with prefix, which may be
// empty or end anywhere in a key.
func ValidatePrefix(prefix string) error {
	if prefix == "" || keyDefect(prefix) == "" {
		return nil
	}
	return ValidateKey(prefix + "0")
}
