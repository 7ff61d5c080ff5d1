package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"exhibit/store/storetest"
)

// s3Run carries out a command line with the environment that leads to a server.
func s3Run(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, &environment{
		out: &out, err: &errs, now: time.Now, getenv: func(name string) string { return env[name] },
	})
	return outcome{code: code, stdout: out.String(), stderr: errs.String()}
}

// The main job through the command line, on real S3 servers over TLS.
func TestMainJobOnS3(t *testing.T) {
	for _, start := range []func(testing.TB) *storetest.Server{storetest.StartVersityGW, storetest.StartMinIO} {
		server := start(t)
		t.Run(server.Name, func(t *testing.T) {
			address := "s3://" + server.Bucket(t, storetest.BucketOptions{Versioned: true}) + "/evidence"
			mainJobOnS3(t, server, address)
		})
	}
}

func mainJobOnS3(t *testing.T, server *storetest.Server, address string) {
	env := server.Env()
	dir := stage(t, stageFounded)
	path := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	must := func(args ...string) string {
		t.Helper()
		o := s3Run(t, env, args...)
		if o.code != exitDone {
			t.Fatalf("exhibit %s: exit %d: %s", strings.Join(args, " "), o.code, o.stderr)
		}
		return o.stdout
	}
	common := []string{"--workspace", path("s3"), "--passphrase-file", path("pass")}
	with := func(args ...string) []string { return append(args, common...) }
	must("init", path("s3"), "--provider", "Example Mail", "--holder", "Admin One", "--store", address, "--approvals", "1", "--passphrase-file", path("pass"))
	must("init", path("s3"), "--admin", "admin2", "--holder", "Admin Two", "--passphrase-file", path("pass"))
	for _, p := range demoPeople[:3] {
		must(with("keys", "new", p.name, "--holder", p.holder)...)
		must(with("keys", "enroll", p.name, "--role", p.role, "--holder", p.holder, "--how", "in person", "--as", "admin")...)
		must(with("keys", "enroll", p.name, "--as", "admin2")...)
	}
	must(with("keys", "enroll", "agency", "--role", "agency", "--key", path("agency", "recipient.txt"), "--holder", "Agency", "--how", "call back", "--as", "admin")...)
	must(with("keys", "enroll", "agency", "--key", path("agency", "recipient.txt"), "--as", "admin2")...)
	must(with("order", "review", path("order.yaml"), "--accept", "--as", "reviewer1")...)
	must(with("order", "approve", path("order.yaml"), "--as", "approver1")...)
	var made struct {
		Package string `json:"package"`
		Address string `json:"address"`
	}
	from := "alice@mail.example=" + sampleMailbox()
	if err := json.Unmarshal([]byte(must(with("export", path("order.yaml"), "--from", from, "--json")...)), &made); err != nil {
		t.Fatal(err)
	}
	if want := address + "/packages/" + made.Package; made.Address != want {
		t.Fatalf("address %s, want %s", made.Address, want)
	}
	trust := path("s3", "keys", "provider.asc")
	must("verify", made.Address, "--trust", trust, "--expect", made.Package)
	must("open", made.Address, "--trust", trust, "--identity", path("agency", "identity.txt"), "--to", path("opened-s3"))
	must("verify-bag", path("opened-s3"), "--trust", trust)
	must("open", made.Address, "--trust", trust, "--identity", path("agency", "identity.txt"), "--to", path("one-item"), "--item", "E0000003")
	whole, err := os.ReadFile(path("opened-s3", "data", "messages", "E0000003.eml"))
	if err != nil {
		t.Fatal(err)
	}
	if item, err := os.ReadFile(path("one-item", "E0000003.eml")); err != nil || !bytes.Equal(item, whole) {
		t.Errorf("--item gave other bytes than opening everything: %v", err)
	}
	s3Errors(t, env, made.Address, trust)
}

// s3Errors: each usual mistake gives exit 1, one line, and a hint.
func s3Errors(t *testing.T, env map[string]string, address, trust string) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + closed.Addr().String()
	closed.Close()
	for _, c := range []struct {
		name, address, variable, value, hint string
	}{
		{"wrong secret", address, "AWS_SECRET_ACCESS_KEY", "not-the-secret", "AWS_SECRET_ACCESS_KEY"},
		{"unknown key", address, "AWS_ACCESS_KEY_ID", "nobody", "AWS_ACCESS_KEY_ID"},
		{"missing bucket", "s3://no-such-bucket-here/evidence", "", "", "bucket"},
		{"nobody listens", address, "AWS_ENDPOINT_URL_S3", nobody, "AWS_ENDPOINT_URL"},
		{"unknown authority", address, "AWS_CA_BUNDLE", "", "AWS_CA_BUNDLE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := maps.Clone(env)
			if c.variable != "" {
				changed[c.variable] = c.value
			}
			o := s3Run(t, changed, "verify", c.address, "--trust", trust)
			lines := strings.Split(strings.TrimSpace(o.stderr), "\n")
			if o.code != exitFailed || o.stdout != "" || len(lines) != 2 || !strings.HasPrefix(lines[0], "exhibit: ") ||
				!strings.HasPrefix(lines[1], "hint: ") || !strings.Contains(lines[1], c.hint) {
				t.Errorf("exit %d, stdout %q, stderr:\n%s", o.code, o.stdout, o.stderr)
			}
			if strings.Contains(o.stderr, env["AWS_SECRET_ACCESS_KEY"]) || strings.Contains(o.stderr, "not-the-secret") {
				t.Error("a secret is printed")
			}
		})
	}
}
