package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"exhibit/store"
)

// Config says where a store is and who asks.
type Config struct {
	// URL is s3://bucket or s3://bucket/prefix.
	URL string
	// Endpoint is https://host or https://host:port; http only for a loopback
	// address. Empty means Amazon's.
	Endpoint string
	// Region is that of the bucket; if empty, the server is asked.
	Region string
	// CABundle is a PEM file of the authorities to trust instead of the
	// system's; empty for those.
	CABundle string

	// AccessKeyID, SecretAccessKey and SessionToken are credentials. If there
	// are none they come from CredentialsFile and Profile, or, if these are
	// empty too, from the usual AWS files, or the role of the machine.
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	CredentialsFile string
	Profile         string
	// Role allows to ask the machine for its role.
	Role bool
}

// Secret is a text that does not print.
type Secret string

// String returns three asterisks.
func (Secret) String() string { return "***" }

// GoString returns three asterisks.
func (Secret) GoString() string { return "***" }

// ConfigFromEnv makes a Config for address (s3://bucket/prefix) out of the
// usual variables: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION or
// AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN, AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CA_BUNDLE.
// getenv is os.Getenv or like it.
func ConfigFromEnv(address string, getenv func(string) string) Config {
	first := func(names ...string) string {
		for _, name := range names {
			if v := strings.TrimSpace(getenv(name)); v != "" {
				return v
			}
		}
		return ""
	}
	c := Config{
		URL:             address,
		Endpoint:        first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
		Region:          first("AWS_REGION", "AWS_DEFAULT_REGION"),
		CABundle:        first("AWS_CA_BUNDLE"),
		AccessKeyID:     first("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: Secret(first("AWS_SECRET_ACCESS_KEY")),
		SessionToken:    Secret(first("AWS_SESSION_TOKEN")),
		CredentialsFile: first("AWS_SHARED_CREDENTIALS_FILE"),
		Profile:         first("AWS_PROFILE"),
	}
	inContainer := first("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
	c.Role = inContainer != "" || c.Endpoint == ""
	return c
}

// bucket takes the URL apart. The prefix is empty or ends with a slash.
func (c Config) bucket() (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(c.URL, "s3://")
	if !ok {
		return "", "", errors.New("not of the form s3://bucket/prefix")
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	if !bucketName(bucket) {
		return "", "", errors.New("no bucket name, which is 3 to 63 lower-case letters, digits, dots and hyphens")
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		return bucket, "", nil
	}
	if store.ValidateKey(prefix) != nil { // its text may hold what was pasted by mistake
		return "", "", errors.New("prefix cannot be part of a key")
	}
	return bucket, prefix + "/", nil
}

// bucketName reports whether name is one for general purpose buckets: 3 to 63
// lower-case letters, digits, hyphens and dots, a letter or digit at each end.
func bucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && (c != '-' && c != '.' || i == 0 || i == len(name)-1) {
			return false
		}
	}
	return true
}

// endpoint returns host and port, and whether to use TLS.
func (c Config) endpoint() (host string, secure bool, err error) {
	if c.Endpoint == "" {
		return "s3.amazonaws.com", true, nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", false, errors.New("endpoint is not of the form https://host:port")
	}
	switch u.Scheme {
	case "https":
		return u.Host, true, nil
	case "http":
		if loopback(u.Hostname()) {
			return u.Host, false, nil
		}
		return "", false, errors.New("endpoint without TLS: http is only for a loopback address")
	}
	return "", false, errors.New("endpoint is neither https nor http")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Time limits of a connection. None bounds the transfer of a large object.
const (
	dialTimeout   = 3 * time.Second
	tlsTimeout    = 5 * time.Second
	answerTimeout = 2 * time.Minute // a server may put large objects together
)

// transport makes the HTTP side.
func (c Config) transport(secure bool) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   tlsTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true, // bytes as stored
	}
	if !secure {
		return t, nil
	}
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CABundle != "" {
		text, err := os.ReadFile(c.CABundle)
		if err != nil {
			return nil, fmt.Errorf("certificate bundle: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("certificate bundle %s holds no certificate", c.CABundle)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return t, nil
}

// credentials finds the credentials and tries them as far as that goes
// without the store.
func (c Config) credentials() (*credentials.Credentials, error) {
	var creds *credentials.Credentials
	switch {
	case c.AccessKeyID != "" && c.SecretAccessKey != "":
		creds = credentials.NewStaticV4(c.AccessKeyID, string(c.SecretAccessKey), string(c.SessionToken))
	case c.AccessKeyID != "" || c.SecretAccessKey != "":
		return nil, errors.New("of access key and secret one is missing")
	case c.CredentialsFile != "" || c.Profile != "":
		creds = credentials.NewFileAWSCredentials(c.CredentialsFile, c.Profile)
	default:
		chain := []credentials.Provider{&credentials.FileAWSCredentials{}}
		if c.Role {
			chain = append(chain, &credentials.IAM{Client: &http.Client{Timeout: dialTimeout}})
		}
		creds = credentials.NewChainCredentials(chain)
	}
	value, err := creds.GetWithContext(nil)
	if err != nil {
		return nil, err
	}
	if value.AccessKeyID == "" || value.SecretAccessKey == "" {
		return nil, errors.New("none found")
	}
	return creds, nil
}

// client makes the client, without asking the server anything.
func (c Config) client() (*minio.Client, *http.Transport, error) {
	host, secure, err := c.endpoint()
	if err != nil {
		return nil, nil, &store.Error{Kind: store.ErrAddress, Err: err}
	}
	transport, err := c.transport(secure)
	if err != nil {
		return nil, nil, &store.Error{Kind: store.ErrAddress, Err: err}
	}
	creds, err := c.credentials()
	if err != nil {
		return nil, nil, &store.Error{Kind: store.ErrCredentials, Err: err}
	}
	client, err := minio.New(host, &minio.Options{
		Creds: creds, Secure: secure, Transport: transport, Region: c.Region,
		MaxRetries: 1, // retry.go repeats, and knows what it repeats
	})
	if err != nil {
		return nil, nil, &store.Error{Kind: store.ErrAddress, Err: err}
	}
	return client, transport, nil
}
