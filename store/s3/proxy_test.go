package s3_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"exhibit/store"
	"exhibit/store/s3"
	"exhibit/store/storetest"
)

// proxy stands between client and a real server, and loses some answers.
type proxy struct {
	mu   sync.Mutex
	lose func(*http.Request) bool // the whole answer, after the server did its work
	cut  int64                    // from a body, all after so many bytes; 0 for none
	lost int
}

func (p *proxy) set(lose func(*http.Request) bool, cut int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.cut, p.lost = lose, cut, 0
}

// decide says what to do with an answer; it loses one of a kind only.
func (p *proxy) decide(r *http.Request) (lose bool, cut int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose != nil && p.lost == 0 && p.lose(r) {
		p.lost++
		return true, 0
	}
	if r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "" {
		cut = p.cut
	}
	return false, cut
}

func (p *proxy) losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// through opens a store through a proxy.
func through(t *testing.T, server *storetest.Server, address string) (*s3.Store, *proxy) {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	back := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}
	t.Cleanup(back.CloseIdleConnections)
	p := &proxy{}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host, out.RequestURI = target.Scheme, target.Host, "" // the Host header, being signed, stays
		if r.ContentLength == 0 {
			out.Body = nil
		}
		answer, err := back.RoundTrip(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer answer.Body.Close()
		lose, cut := p.decide(r)
		if lose {
			io.Copy(io.Discard, answer.Body)
			panic(http.ErrAbortHandler)
		}
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		if cut > 0 {
			io.CopyN(w, answer.Body, cut)
			panic(http.ErrAbortHandler)
		}
		io.Copy(w, answer.Body)
	}))
	certificate := storetest.NewCertificate(t)
	pair, err := tls.LoadX509KeyPair(certificate.CertFile, certificate.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	front.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	front.StartTLS()
	t.Cleanup(front.Close)
	env := server.Env()
	env["AWS_ENDPOINT_URL_S3"], env["AWS_CA_BUNDLE"] = front.URL, certificate.CAFile
	return openEnv(t, address, lookup(env)), p
}

// testLostAnswers: when only the answer to a write was lost, the write is
// known for what it is: done once, by this caller.
func testLostAnswers(t *testing.T, server *storetest.Server) {
	ctx := t.Context()
	s, p := through(t, server, "s3://"+server.Bucket(t, storetest.BucketOptions{Versioned: true}))
	query := func(method, name string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == method && (name == "" && r.URL.RawQuery == "" || name != "" && r.URL.Query().Has(name))
		}
	}
	put := query(http.MethodPut, "")
	head, err := s.Replace(ctx, "head", []byte("0"), "")
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("large"), part/4)
	tests := []struct {
		name string
		lose func(*http.Request) bool
		do   func() (store.Info, error)
	}{
		{"create", put, func() (store.Info, error) { return s.Create(ctx, "small", strings.NewReader("x"), 1) }},
		{"replace nothing", put, func() (store.Info, error) { return s.Replace(ctx, "new", []byte("x"), "") }},
		{"replace", put, func() (store.Info, error) { return s.Replace(ctx, "head", []byte("1"), head.Tag) }},
		{"begin of upload", query(http.MethodPost, "uploads"), func() (store.Info, error) { return s.Create(ctx, "u", bytes.NewReader(large), -1) }},
		{"part", query(http.MethodPut, "partNumber"), func() (store.Info, error) { return s.Create(ctx, "p", bytes.NewReader(large), -1) }},
		{"complete", query(http.MethodPost, "uploadId"), func() (store.Info, error) { return s.Create(ctx, "c", bytes.NewReader(large), -1) }},
		{"stat", query(http.MethodHead, ""), func() (store.Info, error) { return s.Stat(ctx, "head") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.set(tt.lose, 0)
			info, err := tt.do()
			if err != nil {
				t.Fatal(err)
			}
			if p.losses() != 1 {
				t.Fatalf("%d answers were lost", p.losses())
			}
			stat, err := s.Stat(ctx, info.Key)
			if err != nil || stat.Version != info.Version || stat.Size != info.Size {
				t.Errorf("said %+v, is %+v, %v", info, stat, err)
			}
			if info.Tag != "" {
				if _, err := s.Replace(ctx, info.Key, []byte("next"), info.Tag); err != nil {
					t.Errorf("the tag is not that of the object: %v", err)
				}
			}
		})
	}
	t.Run("exists all the same", func(t *testing.T) {
		p.set(put, 0)
		_, err := s.Create(ctx, "small", strings.NewReader("y"), 1)
		wantKind(t, err, store.ErrExists)
	})
}

// testCutAnswers: a body that breaks off is an error, never an end.
func testCutAnswers(t *testing.T, server *storetest.Server) {
	ctx := t.Context()
	s, p := through(t, server, "s3://"+server.Bucket(t, storetest.BucketOptions{}))
	if _, err := s.Create(ctx, "object", bytes.NewReader(make([]byte, 100_000)), -1); err != nil {
		t.Fatal(err)
	}
	p.set(nil, 60_000)
	for _, from := range [][2]int64{{0, -1}, {1, -1}, {10, 90_000}} {
		r, err := s.Open(ctx, "object", from[0], from[1])
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		r.Close()
		if n > 60_000 || !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("read %d bytes, %v", n, err)
		}
	}
	_, _, err := s.Load(ctx, "object")
	wantKind(t, err, store.ErrUnreachable)
	p.set(nil, 0)
	if data, err := store.ReadAll(ctx, s, "object", 1<<20); err != nil || len(data) != 100_000 {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
}
