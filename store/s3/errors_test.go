package s3_test

import (
	enchex "encoding/hex"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/minio/minio-go/v7"

	"exhibit/store"
	"exhibit/store/s3"
	"exhibit/store/storetest"
)

const wrongSecret = "this-is-not-the-secret"

// testRefusals: what a user is likely to get wrong.
func testRefusals(t *testing.T, server *storetest.Server) {
	name := server.Bucket(t, storetest.BucketOptions{})
	other := storetest.NewCertificate(t)
	toPlain := strings.Replace(server.Endpoint, "https://", "http://", 1)
	httpToTLS := store.ErrProtocol // the server says so
	if server.Name == "versitygw" {
		httpToTLS = store.ErrUnreachable // the server hangs up
	}
	tests := []struct {
		name, address string
		env           map[string]string
		kind          error
	}{
		{"wrong secret", name, map[string]string{"AWS_SECRET_ACCESS_KEY": wrongSecret}, store.ErrCredentials},
		{"unknown key", name, map[string]string{"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": wrongSecret}, store.ErrCredentials},
		{"missing bucket", "no-such-bucket", nil, store.ErrNoBucket},
		{"missing bucket, prefix", "no-such-bucket/some/where", nil, store.ErrNoBucket},
		{"untrusted certificate", name, map[string]string{"AWS_CA_BUNDLE": other.CAFile}, store.ErrTLS},
		{"http to a server with TLS", name, map[string]string{"AWS_ENDPOINT_URL_S3": toPlain}, httpToTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := server.Env()
			maps.Copy(env, tt.env)
			_, err := s3.Open(t.Context(), s3.ConfigFromEnv("s3://"+tt.address, lookup(env)))
			t.Log(err)
			wantKind(t, err, tt.kind)
		})
	}
	t.Run("bucket removed", func(t *testing.T) {
		s := open(t, server, "s3://"+name)
		if err := server.Client.RemoveBucket(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		_, err := s.Create(t.Context(), "x", strings.NewReader("x"), 1)
		wantKind(t, err, store.ErrNoBucket)
		_, _, err = s.Load(t.Context(), "x")
		wantKind(t, err, store.ErrNoBucket)
		_, err = s.Stat(t.Context(), "x")
		wantKind(t, err, store.ErrNoBucket)
	})
}

// testClockSkew: in a synctest bubble the clock stands in the year 2000, and
// the real server refuses what is signed then.
func testClockSkew(t *testing.T, server *storetest.Server) {
	config := s3.ConfigFromEnv("s3://"+server.Bucket(t, storetest.BucketOptions{}), server.Getenv)
	synctest.Test(t, func(t *testing.T) {
		_, err := s3.Open(t.Context(), config)
		t.Log(err)
		wantKind(t, err, store.ErrClockSkew)
	})
}

// TestWrongEndpoint: what answers is no S3 server, or nothing does.
func TestWrongEndpoint(t *testing.T) {
	page := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, text)
		})
	}
	const html = "<!DOCTYPE html>\n<html>\n<title>It works!</title></html>"
	tests := []struct {
		name    string
		handler http.Handler
		kind    error
	}{
		{"200 page", page(200, html), store.ErrProtocol},
		{"200 empty", page(200, ""), store.ErrProtocol},
		{"200 other XML", page(200, "<feed><entry/></feed>"), store.ErrProtocol},
		{"404 page", page(404, html), store.ErrProtocol},
		{"403 page", page(403, html), store.ErrProtocol},
		{"400 text", page(400, "bad\r\nrequest\x1b[31m"), store.ErrProtocol},
		{"301", http.RedirectHandler("https://example.org/", http.StatusMovedPermanently), store.ErrProtocol},
		{"500", page(500, "oops"), store.ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			_, err := s3.Open(t.Context(), s3.ConfigFromEnv("s3://bucket", lookup(env(server.URL))))
			t.Log(err)
			wantKind(t, err, tt.kind)
		})
	}
	t.Run("TLS to a server without", func(t *testing.T) {
		server := httptest.NewServer(page(200, html))
		defer server.Close()
		_, err := s3.Open(t.Context(), s3.ConfigFromEnv("s3://bucket", lookup(env(strings.Replace(server.URL, "http", "https", 1)))))
		t.Log(err)
		wantKind(t, err, store.ErrTLS)
	})
	t.Run("closed port", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_, err = s3.Open(t.Context(), s3.ConfigFromEnv("s3://bucket", lookup(env("http://"+l.Addr().String()))))
		t.Log(err)
		wantKind(t, err, store.ErrUnreachable)
	})
}

// TestConfig: what is wrong before anything is asked.
func TestConfig(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const good = "https://s3.example.org"
	tests := []struct {
		address, endpoint string
		more              map[string]string
		kind              error
	}{
		{"bucket", good, nil, store.ErrAddress},
		{"https://bucket", good, nil, store.ErrAddress},
		{"s3://", good, nil, store.ErrAddress},
		{"s3://Bucket", good, nil, store.ErrAddress},
		{"s3://ab", good, nil, store.ErrAddress},
		{"s3://user:" + wrongSecret + "@bucket", good, nil, store.ErrAddress},
		{"s3://bucket//x", good, nil, store.ErrAddress},
		{"s3://bucket/a/../b", good, nil, store.ErrAddress},
		{"s3://bucket?key=" + wrongSecret, good, nil, store.ErrAddress},
		{"s3://bucket", "http://s3.example.org", nil, store.ErrAddress},
		{"s3://bucket", "http://192.0.2.1", nil, store.ErrAddress},
		{"s3://bucket", "s3.example.org", nil, store.ErrAddress},
		{"s3://bucket", "ftp://s3.example.org", nil, store.ErrAddress},
		{"s3://bucket", "https://s3.example.org/path", nil, store.ErrAddress},
		{"s3://bucket", "https://user:" + wrongSecret + "@s3.example.org", nil, store.ErrAddress},
		{"s3://bucket", good, map[string]string{"AWS_CA_BUNDLE": filepath.Join(folder, "absent")}, store.ErrAddress},
		{"s3://bucket", good, map[string]string{"AWS_CA_BUNDLE": empty}, store.ErrAddress},
		{"s3://bucket", good, map[string]string{"AWS_ACCESS_KEY_ID": ""}, store.ErrCredentials},
		{"s3://bucket", good, map[string]string{"AWS_SECRET_ACCESS_KEY": ""}, store.ErrCredentials},
		{"s3://bucket", good, map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "none", "AWS_SHARED_CREDENTIALS_FILE": empty}, store.ErrCredentials},
	}
	for _, tt := range tests {
		e := env(tt.endpoint)
		maps.Copy(e, tt.more)
		_, err := s3.Open(t.Context(), s3.ConfigFromEnv(tt.address, lookup(e)))
		t.Log(err)
		wantKind(t, err, tt.kind)
	}
}

// TestCredentialsFile: a profile of the shared file is used.
func TestCredentialsFile(t *testing.T) {
	var authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id=one\naws_secret_access_key=1\n[agency]\naws_access_key_id=two\naws_secret_access_key=2\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_DEFAULT_REGION": "eu-central-1",
		"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_PROFILE": "agency"}
	s3.Open(t.Context(), s3.ConfigFromEnv("s3://bucket", lookup(e)))
	if !strings.Contains(authorization, "Credential=two/") || !strings.Contains(authorization, "/eu-central-1/s3/") {
		t.Errorf("authorization is %q", authorization)
	}
}

func env(endpoint string) map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL_S3": endpoint, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": wrongSecret}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
		return
	}
	text := err.Error()
	if strings.ContainsAny(text, "\r\n\t\x1b") || strings.Contains(text, wrongSecret) || len(text) > 800 {
		t.Errorf("error is not one clear line without secrets: %q", text)
	}
	var e *store.Error
	if !errors.As(err, &e) || e.Op == "" || e.Store == "" {
		t.Errorf("error does not say what failed where: %#v", err)
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && !strings.Contains(text, answer.Code) && !strings.Contains(text, "no S3 error") {
		t.Errorf("error does not name the server's code %s: %s", answer.Code, text)
	}
}

func hex(b []byte) string { return enchex.EncodeToString(b) }

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// cancelReader cancels, and gives one more byte.
type cancelReader struct{ cancel func() }

func (r cancelReader) Read(p []byte) (int, error) {
	r.cancel()
	p[0] = 'x'
	return 1, nil
}
