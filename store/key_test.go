package store_test

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"

	"exhibit/store"
)

func TestValidateKey(t *testing.T) {
	segment := strings.Repeat("s", store.MaxSegment)
	long := segment + "/" + segment + "/" + segment + "/" + segment + "/" // 1024
	tests := []struct {
		key  string
		good bool
	}{
		{"a", true}, {"a/b/c", true}, {"A-z_0.9+=", true}, {".hidden", true}, {"...", true}, {"a-", true}, {"=", true},
		{"packages/0123/manifest.json.tlog-proof", true}, {"log/tile/x001/067.p/8", true},
		{segment, true}, {segment + "s", false}, {"a/" + segment, true}, {"a/" + segment + "s", false},
		{long[:store.MaxKey-1], true}, {long[:store.MaxKey-2] + "/x", true}, {"b/" + long[:store.MaxKey-3] + "x", true},
		{long[:store.MaxKey-4] + "/xyz", true}, {long[:store.MaxKey-4] + "/xyzz", false},
		{"", false}, {"/", false}, {"/a", false}, {"a/", false}, {"a//b", false}, {".", false}, {"..", false}, {"a/.", false},
		{"a/../b", false}, {"-a", false}, {"a/-", false}, {"a b", false}, {"a~", false}, {"a\x00", false}, {"a\n", false},
		{"a\\b", false}, {"a:b", false}, {"a%b", false}, {"é", false}, {"\xff", false}, {"a?", false}, {"a#", false}, {"@", false},
	}
	for _, tt := range tests {
		err := store.ValidateKey(tt.key)
		if tt.good != (err == nil) {
			t.Errorf("%.40q (%d bytes): %v", tt.key, len(tt.key), err)
		}
		if err != nil && !errors.Is(err, store.ErrInvalidKey) {
			t.Errorf("%.40q: error is %v", tt.key, err)
		}
	}
}

func TestValidatePrefix(t *testing.T) {
	for prefix, good := range map[string]bool{
		"": true, "a": true, "a/": true, "a/.": true, "a/b.": true, strings.Repeat("s", store.MaxSegment): true,
		"/": false, "a//": false, "../": false, "a/../": false, "a/-": false, "~": false, "a/" + strings.Repeat("s", store.MaxSegment+1): false,
	} {
		if err := store.ValidatePrefix(prefix); good != (err == nil) {
			t.Errorf("%.40q: %v", prefix, err)
		}
	}
}

// FuzzValidateKey: a key that is accepted is a clean relative path, stays
// below where it is put, and reads the same in one line.
func FuzzValidateKey(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "../a", "..0", "a/../b", "/a", "a//b", "-", "a/", "a\x00b", "a\nb", ".", "c.d/e_f=g+h-i", "é", strings.Repeat("a/", 600)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		err := store.ValidateKey(key)
		if err != nil {
			if text := err.Error(); strings.ContainsAny(text, "\n\r") || len(text) > 1000 {
				t.Errorf("error is not one line: %q", text)
			}
			return
		}
		if path.Clean(key) != key || !fs.ValidPath(key) || key == "." || path.Join("base", key) != "base/"+key {
			t.Errorf("accepted %q", key)
		}
		if store.ValidatePrefix(key) != nil {
			t.Errorf("%q is a key but no prefix", key)
		}
	})
}
