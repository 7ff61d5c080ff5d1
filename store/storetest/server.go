package storetest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The only account of the servers; they listen on the loopback address and
// live as long as a test.
const (
	accessKey = "exhibit-test"
	secretKey = "exhibit-test-secret"
	region    = "us-east-1"
)

// Server is a real S3 server, a process on a free port of 127.0.0.1, with its
// data in a temporary folder.
type Server struct {
	// Name is "versitygw" or "minio".
	Name string
	// Endpoint is https://127.0.0.1:port, or http:// if so started.
	Endpoint string
	// Data is the folder in which a bucket is a folder.
	Data string
	// CAFile holds the authority of its certificate; empty without TLS.
	CAFile string
	// Client is an administrator's, for what the package under test cannot do.
	Client *minio.Client

	path, address string
	args, env     []string
	logFile       string
	process       *os.Process
	done          chan struct{} // closed when the process has ended
}

// BucketOptions say what kind of bucket to make.
type BucketOptions struct {
	// Versioned keeps all versions of an object.
	Versioned bool
	// Locked allows locks on objects, and implies Versioned.
	Locked bool
}

// StartVersityGW starts a Versity S3 gateway over a folder, with TLS.
func StartVersityGW(t testing.TB) *Server { return startVersityGW(t, true) }

// StartVersityGWPlain does so without TLS.
func StartVersityGWPlain(t testing.TB) *Server { return startVersityGW(t, false) }

// StartMinIO starts a MinIO over a folder, with TLS.
func StartMinIO(t testing.TB) *Server { return startMinIO(t, true) }

// StartMinIOPlain does so without TLS.
func StartMinIOPlain(t testing.TB) *Server { return startMinIO(t, false) }

func startVersityGW(t testing.TB, secure bool) *Server {
	t.Helper()
	s := newServer(t, versityGW)
	versions := t.TempDir()
	s.env = []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey}
	s.args = []string{"--port", s.address, "--region", region, "--keep-alive"}
	if secure {
		c := NewCertificate(t)
		s.CAFile = c.CAFile
		s.args = append(s.args, "--cert", c.CertFile, "--key", c.KeyFile)
	}
	s.args = append(s.args, "posix", "--versioning-dir", versions, s.Data)
	s.begin(t)
	return s
}

func startMinIO(t testing.TB, secure bool) *Server {
	t.Helper()
	s := newServer(t, minIO)
	certs := t.TempDir()
	s.env = []string{"MINIO_ROOT_USER=" + accessKey, "MINIO_ROOT_PASSWORD=" + secretKey, "MINIO_BROWSER=off",
		"MINIO_UPDATE=off", "MINIO_SITE_REGION=" + region, "HOME=" + t.TempDir()}
	if secure {
		c := NewCertificate(t)
		s.CAFile = c.CAFile
		certs = filepath.Dir(c.CertFile)
	}
	s.args = []string{"server", "--address", s.address, "--certs-dir", certs, "--anonymous", s.Data}
	s.begin(t)
	return s
}

// newServer finds, or builds, the program, and a free port.
func newServer(t testing.TB, p program) *Server {
	t.Helper()
	if folder, err := binFolder(); err == nil {
		t.Logf("%s %s in %s; if it is not there, building it takes minutes", p.name, p.version, folder)
	}
	path, err := p.build(t.Context())
	if err != nil {
		t.Fatalf("%v\nrun: go run ./store/storetest/cmd/testservers", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return &Server{Name: p.name, path: path, address: l.Addr().String(), Data: t.TempDir(),
		logFile: filepath.Join(t.TempDir(), "log")}
}

// begin starts the server and has it stopped at the end of the test.
func (s *Server) begin(t testing.TB) {
	t.Helper()
	s.Endpoint = "http://" + s.address
	if s.CAFile != "" {
		s.Endpoint = "https://" + s.address
	}
	var err error
	s.Client, err = minio.New(s.address, &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: region,
		Secure: s.CAFile != "", Transport: s.transport(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(s.logFile)
			t.Logf("end of the log of %s:\n%s", s.Name, tail(string(log), 40))
		}
	})
	s.Start(t)
}

func (s *Server) transport(t testing.TB) http.RoundTripper {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if s.CAFile != "" {
		text, err := os.ReadFile(s.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Start starts the server, again after Kill, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(s.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(s.path, s.args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = filepath.Dir(s.logFile)
	endWithParent(cmd)
	started := make(chan error)
	done := make(chan struct{})
	go func() {
		// The kernel ends the process when the thread that made it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	s.process, s.done = cmd.Process, done
	s.await(t)
}

// await waits until the server answers.
func (s *Server) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := s.Client.ListBuckets(ctx)
		if err == nil {
			return
		}
		select {
		case <-s.done:
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
			continue
		}
		log, _ := os.ReadFile(s.logFile)
		t.Fatalf("%s does not start: %v\n%s", s.Name, err, tail(string(log), 40))
	}
}

// Kill ends the process at once, as a crash would, and waits for its end.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.Kill()
		<-s.done
		s.process = nil
	}
}

// Env is the environment that leads to the server.
func (s *Server) Env() map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL_S3":   s.Endpoint,
		"AWS_REGION":            region,
		"AWS_ACCESS_KEY_ID":     accessKey,
		"AWS_SECRET_ACCESS_KEY": secretKey,
	}
	if s.CAFile != "" {
		env["AWS_CA_BUNDLE"] = s.CAFile
	}
	return env
}

// Getenv looks a variable up in Env, as os.Getenv does in the process's.
func (s *Server) Getenv(name string) string { return s.Env()[name] }

// Bucket makes a new bucket and returns its name.
func (s *Server) Bucket(t testing.TB, opts BucketOptions) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%016x", rand.Uint64())
	err := s.Client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{Region: region, ObjectLocking: opts.Locked})
	if err == nil && opts.Versioned && !opts.Locked {
		err = s.Client.EnableVersioning(t.Context(), name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}
