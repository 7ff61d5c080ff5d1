package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
	"exhibit/store/s3"
	"exhibit/store/storetest"
)

const part = 16 << 20

func TestVersityGW(t *testing.T) {
	server := storetest.StartVersityGW(t)
	testServer(t, server)
	t.Run("conflicts", func(t *testing.T) {
		storetest.RunConflicts(t, func(t *testing.T) store.Store { return bucket(t, server, storetest.BucketOptions{}) })
	})
	t.Run("flipped byte", func(t *testing.T) { testFlippedByteVersityGW(t, server) })
}

func TestMinIO(t *testing.T) {
	server := storetest.StartMinIO(t)
	testServer(t, server)
	t.Run("flipped byte", func(t *testing.T) { testFlippedByteMinIO(t, server) })
}

// TestPlain: over http, which is allowed for the loopback address only.
func TestPlain(t *testing.T) {
	for _, start := range []func(testing.TB) *storetest.Server{storetest.StartVersityGWPlain, storetest.StartMinIOPlain} {
		server := start(t)
		t.Run(server.Name, func(t *testing.T) {
			s := bucket(t, server, storetest.BucketOptions{Versioned: true})
			for key, size := range map[string]int{"empty": 0, "small": 100, "large": part + 1} {
				data := bytes.Repeat([]byte("x"), size)
				if _, err := s.Create(t.Context(), key, bytes.NewReader(data), -1); err != nil {
					t.Fatal(err)
				}
				if got, err := store.ReadAll(t.Context(), s, key, int64(size)); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes came back, %v", len(got), err)
				}
			}
			_, err := s.Create(t.Context(), "small", strings.NewReader("x"), 1)
			wantKind(t, err, store.ErrExists)
		})
	}
}

// testServer is what holds on every server.
func testServer(t *testing.T, server *storetest.Server) {
	t.Run("suite", func(t *testing.T) {
		s := bucket(t, server, storetest.BucketOptions{})
		storetest.Run(t, func(*testing.T) store.Store { return s })
	})
	t.Run("suite with versions and prefix", func(t *testing.T) {
		s := open(t, server, "s3://"+server.Bucket(t, storetest.BucketOptions{Locked: true})+"/some/prefix")
		storetest.Run(t, func(*testing.T) store.Store { return s })
	})
	t.Run("versions and locks", func(t *testing.T) { testVersions(t, server) })
	t.Run("checksum", func(t *testing.T) { testChecksum(t, server) })
	t.Run("deleted", func(t *testing.T) { testDeleted(t, server) })
	t.Run("aborted uploads", func(t *testing.T) { testAborted(t, server) })
	t.Run("lost answers", func(t *testing.T) { testLostAnswers(t, server) })
	t.Run("cut answers", func(t *testing.T) { testCutAnswers(t, server) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, server) })
	t.Run("clock skew", func(t *testing.T) { testClockSkew(t, server) })
	t.Run("restart", func(t *testing.T) { testRestart(t, server) }) // last
}

func testVersions(t *testing.T, server *storetest.Server) {
	ctx := t.Context()
	name := server.Bucket(t, storetest.BucketOptions{Locked: true})
	s := open(t, server, "s3://"+name)
	created, err := s.Create(ctx, "locked", strings.NewReader("evidence"), -1)
	if err != nil {
		t.Fatal(err)
	}
	if created.Version == "" || created.Lock != nil {
		t.Errorf("created: %+v", created)
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	mode := minio.Compliance
	err = server.Client.PutObjectRetention(ctx, name, "locked", minio.PutObjectRetentionOptions{
		VersionID: created.Version, Mode: &mode, RetainUntilDate: &until,
	})
	if err != nil {
		t.Fatal(err)
	}
	hold := minio.LegalHoldEnabled
	if err := server.Client.PutObjectLegalHold(ctx, name, "locked", minio.PutObjectLegalHoldOptions{Status: &hold}); err != nil {
		t.Fatal(err)
	}
	info, err := s.Stat(ctx, "locked")
	if err != nil {
		t.Fatal(err)
	}
	if info.Version != created.Version || info.Lock == nil || info.Lock.Mode != "COMPLIANCE" || !info.Lock.Until.Equal(until) || !info.Lock.LegalHold {
		t.Errorf("locked: %+v, lock %+v", info, info.Lock)
	}
	first, err := s.Replace(ctx, "head", []byte("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Replace(ctx, "head", []byte("2"), first.Tag)
	if err != nil {
		t.Fatal(err)
	}
	if first.Version == "" || second.Version == "" || first.Version == second.Version {
		t.Errorf("versions are %q and %q", first.Version, second.Version)
	}
	plain := bucket(t, server, storetest.BucketOptions{})
	if info, err = plain.Create(ctx, "x", strings.NewReader("x"), 1); err != nil || info.Version != "" || info.Lock != nil {
		t.Errorf("without versions: %+v, %v", info, err)
	}
}

// testChecksum: the store vouches for the CRC-64/NVME of whole objects, of one
// part or more.
func testChecksum(t *testing.T, server *storetest.Server) {
	s := bucket(t, server, storetest.BucketOptions{})
	for key, size := range map[string]int{"empty": 0, "small": 9, "large": part + 9} {
		data := bytes.Repeat([]byte("123456789"), size/9+1)[:size]
		info, err := s.Create(t.Context(), key, bytes.NewReader(data), -1)
		if err != nil {
			t.Fatal(err)
		}
		h := minio.ChecksumCRC64NVME.Hasher()
		h.Write(data)
		want := store.Digest{Algorithm: "crc64nvme", Value: hex(h.Sum(nil))}
		if info.Digest != want {
			t.Errorf("%s: digest is %s, want %s", key, info.Digest, want)
		}
		if key == "small" && want.Value != "ae8b14860a799888" { // the check value of the algorithm
			t.Errorf("check value is %s", want.Value)
		}
	}
}

// testDeleted: a deletion is not absence.
func testDeleted(t *testing.T, server *storetest.Server) {
	ctx := t.Context()
	name := server.Bucket(t, storetest.BucketOptions{Versioned: true})
	s := open(t, server, "s3://"+name)
	head, err := s.Replace(ctx, "log/head", []byte("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Client.RemoveObject(ctx, name, "log/head", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	check := func(what string, err error) {
		t.Helper()
		if wantKind(t, err, store.ErrDeleted); errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrChanged) {
			t.Errorf("%s: a deletion passes for something else: %v", what, err)
		}
	}
	_, err = s.Stat(ctx, "log/head")
	check("stat", err)
	_, err = s.Open(ctx, "log/head", 0, -1)
	check("open", err)
	_, err = s.Open(ctx, "log/head", 0, 1)
	check("open range", err)
	_, _, err = s.Load(ctx, "log/head")
	check("load", err)
	_, err = s.Replace(ctx, "log/head", []byte("2"), "")
	check("replace nothing", err)
	_, err = s.Replace(ctx, "log/head", []byte("2"), head.Tag)
	check("replace", err)
	_, err = s.Create(ctx, "log/head", strings.NewReader("2"), 1)
	check("create", err)
	_, err = s.Create(ctx, "log/head", bytes.NewReader(make([]byte, part+1)), -1)
	check("create large", err)
	_, err = store.CreateIdempotent(ctx, s, "log/head", []byte("1"))
	check("create idempotent", err)
}

// testAborted: a failed large write leaves no parts behind.
func testAborted(t *testing.T, server *storetest.Server) {
	name := server.Bucket(t, storetest.BucketOptions{})
	s := open(t, server, "s3://"+name)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	endings := map[string]io.Reader{
		"failed":    errorReader{errors.New("broken")},
		"cancelled": cancelReader{cancel},
	}
	for key, ending := range endings {
		_, err := s.Create(ctx, key, io.MultiReader(bytes.NewReader(make([]byte, 2*part)), ending), -1)
		if err == nil {
			t.Errorf("%s: no error", key)
		}
		for upload := range server.Client.ListIncompleteUploads(t.Context(), name, key, true) {
			t.Errorf("%s: left behind %+v", key, upload)
		}
	}
}

func testFlippedByteVersityGW(t *testing.T, server *storetest.Server) {
	name := server.Bucket(t, storetest.BucketOptions{})
	s := open(t, server, "s3://"+name)
	for key, size := range map[string]int{"small": 1000, "large": part + 1000} {
		if _, err := s.Create(t.Context(), key, bytes.NewReader(make([]byte, size)), -1); err != nil {
			t.Fatal(err)
		}
		flip(t, filepath.Join(server.Data, name, key), int64(size-1))
		_, err := store.ReadAll(t.Context(), s, key, 1<<30)
		wantKind(t, err, store.ErrCorrupt)
		r, err := s.Open(t.Context(), key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, r)
		wantKind(t, err, store.ErrCorrupt)
		if _, again := r.Read(make([]byte, 1)); !errors.Is(again, store.ErrCorrupt) {
			t.Errorf("after %d bytes, the second time the error is %v", n, again)
		}
	}
}

// testFlippedByteMinIO: there, the server itself notices, and does not answer.
func testFlippedByteMinIO(t *testing.T, server *storetest.Server) {
	name := server.Bucket(t, storetest.BucketOptions{})
	s := open(t, server, "s3://"+name)
	if _, err := s.Create(t.Context(), "large", bytes.NewReader(make([]byte, part+1000)), -1); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(server.Data, name, "large", "*", "part.1"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("parts are %q, %v", parts, err)
	}
	flip(t, parts[0], part/2)
	if data, err := store.ReadAll(t.Context(), s, "large", 1<<30); err == nil {
		t.Errorf("read %d bytes without error", len(data))
	}
}

func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// testRestart: requests outlast the restart of a server, and end soon if it
// does not come back.
func testRestart(t *testing.T, server *storetest.Server) {
	s := bucket(t, server, storetest.BucketOptions{})
	if _, err := s.Create(t.Context(), "before", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	done := make(chan error)
	go func() {
		_, err := s.Create(t.Context(), "during", strings.NewReader("y"), 1)
		done <- err
	}()
	server.Start(t)
	if err := <-done; err != nil {
		t.Errorf("create during restart: %v", err)
	}
	for key, want := range map[string]string{"before": "x", "during": "y"} {
		if got, err := store.ReadAll(t.Context(), s, key, 10); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", key, got, err)
		}
	}
	server.Kill()
	_, err := s.Stat(t.Context(), "before")
	wantKind(t, err, store.ErrUnreachable)
	_, err = s3.Open(t.Context(), s3.ConfigFromEnv(s.String(), server.Getenv))
	wantKind(t, err, store.ErrUnreachable)
	server.Start(t)
}

func open(t *testing.T, server *storetest.Server, address string) *s3.Store {
	t.Helper()
	return openEnv(t, address, server.Getenv)
}

func openEnv(t *testing.T, address string, getenv func(string) string) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), s3.ConfigFromEnv(address, getenv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bucket(t *testing.T, server *storetest.Server, opts storetest.BucketOptions) *s3.Store {
	t.Helper()
	return open(t, server, "s3://"+server.Bucket(t, opts))
}
