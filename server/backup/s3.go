package backup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config is a store that speaks Amazon's S3.
type S3Config struct {
	// Endpoint is its address, https://host[:port] or http://...; "" is Amazon's own.
	Endpoint string
	Bucket   string // must be there
	Prefix   string // of the names in it; "berth/" is a folder
	Region   string // "" is us-east-1, what most stores take
	// PathStyle asks for host/bucket instead of bucket.host.
	PathStyle bool
	// AccessKey and SecretKey are the credentials. Without them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, the shared
	// file of Amazon's tools, or what the machine's own role gives.
	AccessKey, SecretKey, SessionToken string
	// CAFile has the certificates that are trusted beside the system's.
	CAFile string
}

// Bounds of the calls to a store.
const (
	// partSize is what is sent at a time, and held in memory, in bytes. 10,000 parts are possible.
	partSize = 16 << 20
	// tries of one call; then the whole is tried again later.
	tries       = 3
	dialTimeout = 10 * time.Second
	// maxAnswer is how long an answer that is no object may be, in bytes; a page of a list has 1,000 names.
	maxAnswer = 8 << 20
	// maxListed is how many names a list may have.
	maxListed      = 100_000
	answerTimeout  = time.Minute
	defaultS3      = "https://s3.amazonaws.com"
	defaultS3Place = "us-east-1"
)

// S3 stores snapshots in a bucket.
type S3 struct {
	cfg    S3Config
	client *minio.Client
	pool   *http.Transport
	part   uint64 // bytes
	answer *bounded
	listed int // names of a list
}

// NewS3 makes one; nothing is asked yet.
func NewS3(cfg S3Config) (*S3, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = defaultS3
	}
	if cfg.Region == "" {
		cfg.Region = defaultS3Place
	}
	if cfg.Bucket == "" {
		return nil, errors.New("bucket is not set")
	}
	at, err := url.Parse(cfg.Endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || strings.Trim(at.Path, "/") != "" || at.User != nil || at.RawQuery != "" {
		return nil, fmt.Errorf("endpoint %q is not an address such as https://s3.example.com:9000", cfg.Endpoint)
	}
	if (cfg.AccessKey == "") != (cfg.SecretKey == "") {
		return nil, errors.New("access_key_id and secret_access_key go together")
	}
	roots, err := trusted(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	pool := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		ResponseHeaderTimeout: answerTimeout, IdleConnTimeout: dialTimeout, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	lookup := minio.BucketLookupAuto
	if cfg.PathStyle {
		lookup = minio.BucketLookupPath
	}
	answer := &bounded{pool, maxAnswer}
	client, err := minio.New(at.Host, &minio.Options{Creds: cfg.credentials(pool), Secure: at.Scheme == "https", Region: cfg.Region, BucketLookup: lookup,
		Transport: answer, MaxRetries: tries})
	if err != nil {
		return nil, err
	}
	client.SetAppInfo("berth", "")
	return &S3{cfg: cfg, client: client, pool: pool, part: partSize, answer: answer, listed: maxListed}, nil
}

func (c S3Config) credentials(pool *http.Transport) *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Transport: pool, Timeout: answerTimeout}}})
}

// trusted are the system's roots and those of a file; nil for the system's alone.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s has no certificate in PEM form", file)
	}
	return roots, nil
}

// String implements Target.
func (s *S3) String() string {
	at, bucket := strings.TrimSuffix(s.cfg.Endpoint, "/"), s.cfg.Bucket+"/"+s.cfg.Prefix
	return "s3: " + bucket + " at " + at
}

// List implements Target.
func (s *S3) List(ctx context.Context, region string) ([]Stored, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop() // an error ends it before its end
	var out []Stored
	listed := 0
	for o := range s.client.ListObjectsIter(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.cfg.Prefix + prefixOf(region)}) {
		if o.Err != nil {
			return nil, o.Err
		}
		if listed++; listed > s.listed {
			return nil, fmt.Errorf("the store lists more than %d names that begin with %q", s.listed, s.cfg.Prefix+prefixOf(region))
		}
		name := strings.TrimPrefix(o.Key, s.cfg.Prefix)
		if at, ok := takenAt(region, name); ok {
			out = append(out, Stored{Name: name, Taken: at, Size: o.Size})
		}
	}
	return out, ctx.Err()
}

// Put implements Target. It is sent in parts, which become an object only when all are there.
func (s *S3) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // always nil
		done <- err
	}()
	_, err := s.client.PutObject(ctx, s.cfg.Bucket, s.cfg.Prefix+name, r, -1,
		minio.PutObjectOptions{PartSize: s.part, ContentType: "application/octet-stream", NumThreads: 1})
	_ = r.CloseWithError(errUnread) // always nil; a writer that is still at it ends
	if werr := <-done; werr != nil && !errors.Is(werr, errUnread) {
		return werr
	}
	return err
}

// errUnread ends a writer whose reader has failed.
var errUnread = errors.New("the upload has ended")

// Open implements Target.
func (s *S3) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	return s.client.GetObject(ctx, s.cfg.Bucket, s.cfg.Prefix+name, minio.GetObjectOptions{})
}

// Remove implements Target.
func (s *S3) Remove(ctx context.Context, name string) error {
	return s.client.RemoveObject(ctx, s.cfg.Bucket, s.cfg.Prefix+name, minio.RemoveObjectOptions{})
}

// Rest ends connections nobody uses: the next snapshot may be hours away.
func (s *S3) Rest() { s.pool.CloseIdleConnections() }

// bounded is a transport that ends answers which are no objects when they are too long: what is read of them is kept in memory.
type bounded struct {
	next http.RoundTripper
	most int64 // bytes
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil && (r.Method != http.MethodGet || r.URL.Query().Has("list-type") || res.StatusCode >= http.StatusMultipleChoices) {
		res.Body = http.MaxBytesReader(nil, res.Body, b.most)
	}
	return res, err
}
