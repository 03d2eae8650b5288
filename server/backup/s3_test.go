package backup

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// store is an S3-compatible store of the tests: it checks every signature and speaks what is asked of it.
type store struct {
	t       *testing.T
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]map[int][]byte
	aborted int
	refuse  func(r *http.Request) (code int, text string) // 0 lets it pass
	page    int                                           // names of a list
}

const (
	leastPart = 5 << 20 // what the protocol allows
	accessKey = "AKIDBERTH"
	secretKey = "s3cret-s3ntinel"
)

// newStore runs one, and gives a target in its bucket.
func newStore(t *testing.T, secure bool) (*store, *S3) {
	t.Helper()
	s := &store{t: t, objects: map[string][]byte{}, uploads: map[string]map[int][]byte{}, page: 1000, refuse: func(*http.Request) (int, string) { return 0, "" }}
	srv := httptest.NewUnstartedServer(s)
	cfg := S3Config{Bucket: "backups", Prefix: "berth/", PathStyle: true, AccessKey: accessKey, SecretKey: secretKey, Region: "eu-test-1"}
	if secure {
		srv.StartTLS()
		cfg.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(cfg.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		srv.Start()
	}
	cfg.Endpoint = srv.URL
	t.Cleanup(srv.Close)
	target, err := NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Rest)
	target.part = leastPart
	return s, target
}

func hmacOf(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signed reports whether a request carries the signature of version 4 that belongs to it.
func signed(r *http.Request) error {
	var cred, headers, sig string
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(text, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "Credential":
			cred = v
		case "SignedHeaders":
			headers = v
		case "Signature":
			sig = v
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if !ok || err != nil || time.Since(at).Abs() > 15*time.Minute {
		return fmt.Errorf("no signature: %q at %q", text, r.Header.Get("X-Amz-Date"))
	}
	scope := at.Format("20060102") + "/eu-test-1/s3/aws4_request"
	if cred != accessKey+"/"+scope {
		return fmt.Errorf("credential %q", cred)
	}
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20") + "\n"
	for name := range strings.SplitSeq(headers, ";") {
		v := r.Header.Get(name)
		switch name {
		case "host":
			v = r.Host
		case "content-length":
			v = strconv.FormatInt(r.ContentLength, 10)
		}
		canonical += name + ":" + v + "\n"
	}
	canonical += "\n" + headers + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	sum := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + secretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	if want := hex.EncodeToString(hmacOf(key, "AWS4-HMAC-SHA256\n"+at.Format("20060102T150405Z")+"\n"+scope+"\n"+hex.EncodeToString(sum[:]))); want != sig {
		return fmt.Errorf("signature %s, want %s of\n%s", sig, want, canonical)
	}
	return nil
}

// sent reads a body, which may come in chunks that are signed each.
func sent(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	in := bufio.NewReader(r.Body)
	var out []byte
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			_, err := io.Copy(io.Discard, in)
			return out, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return nil, err
		}
		out = append(out, chunk[:n]...)
	}
}

func (s *store) fail(w http.ResponseWriter, code int, name string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>the store says %s</Message></Error>", name, name)
}

// ServeHTTP implements http.Handler.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := signed(r); err != nil {
		s.t.Error(r.Method, r.URL, err)
		s.fail(w, 403, "SignatureDoesNotMatch")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code, text := s.refuse(r); code != 0 {
		s.fail(w, code, text)
		return
	}
	key, ok := strings.CutPrefix(r.URL.Path, "/backups/")
	q := r.URL.Query()
	upload := q.Get("uploadId")
	switch {
	case !ok:
		s.fail(w, 404, "NoSuchBucket")
	case r.Method == "GET" && key == "":
		s.list(w, q)
	case r.Method == "POST" && q.Has("uploads"):
		upload = fmt.Sprint("u", len(s.uploads)+1)
		s.uploads[upload] = map[int][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", upload)
	case r.Method == "PUT" && upload != "":
		n, err := strconv.Atoi(q.Get("partNumber"))
		if body, berr := sent(r); err == nil && berr == nil && s.uploads[upload] != nil {
			s.uploads[upload][n] = body
			w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint("p", n)))
			return
		}
		s.fail(w, 400, "NoSuchUpload")
	case r.Method == "POST" && upload != "":
		var body []byte
		for n := 1; s.uploads[upload][n] != nil; n++ {
			body = append(body, s.uploads[upload][n]...)
		}
		s.objects[key] = body
		delete(s.uploads, upload)
		fmt.Fprintf(w, `<CompleteMultipartUploadResult><Bucket>backups</Bucket><ETag>"x"</ETag></CompleteMultipartUploadResult>`)
	case r.Method == "DELETE" && upload != "":
		delete(s.uploads, upload)
		s.aborted++
		w.WriteHeader(204)
	case r.Method == "GET" || r.Method == "HEAD":
		body, ok := s.objects[key]
		if !ok {
			s.fail(w, 404, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", `"x"`)
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(body))
	case r.Method == "DELETE":
		delete(s.objects, key)
		w.WriteHeader(204)
	default:
		s.fail(w, 405, "MethodNotAllowed")
	}
}

func (s *store) list(w http.ResponseWriter, q url.Values) {
	type object struct {
		Key          string
		Size         int
		LastModified string
	}
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, q.Get("prefix")) && k > q.Get("continuation-token") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if len(keys) > s.page {
		keys, out.IsTruncated, out.NextContinuationToken = keys[:s.page], true, keys[s.page-1]
	}
	for _, k := range keys {
		out.Contents = append(out.Contents, object{k, len(s.objects[k]), "2026-01-01T00:00:00Z"})
	}
	if err := xml.NewEncoder(w).Encode(out); err != nil {
		s.t.Error(err)
	}
}

func (s *store) keys() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for k := range s.objects {
		out = append(out, k)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestSnapshotsGoToAStoreAndOldOnesLeave(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s, target := newStore(t, secure)
		s.page = 2 // lists come in pages
		others := "berth/berth-other-20000101T000000Z.snap berth/notes.txt notes.txt"
		for name := range strings.SplitSeq(others+" berth/berth-global-20000101T000000Z.snap berth/berth-global-20000102T000000Z.snap berth/berth-global-20000103T000000Z.snap", " ") {
			s.objects[name] = []byte("x")
		}
		r := newRig(target, Plan{Keep: Keep{Last: 2}, Every: 24 * time.Hour})
		r.large = leastPart*2 + 5 // three parts
		if _, err := r.saver.once(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := r.saver.Status()
		newest, _ := st.Newest()
		if want := "berth/berth-global-20000103T000000Z.snap berth/" + newest.Name + " " + others; s.keys() != want {
			t.Errorf("stored %s, want %s", s.keys(), want)
		}
		if got := s.objects["berth/"+newest.Name]; len(got) != r.large+len("state 1") || !bytes.HasPrefix(got, []byte("state 1..")) || newest.Size != int64(len(got)) {
			t.Errorf("%d bytes are stored, %d told", len(got), newest.Size)
		}
		if _, err := r.saver.once(t.Context()); err != nil || r.saved != 1 {
			t.Errorf("the slot is saved: %v, %d", err, r.saved)
		}
	}
}

func TestAStoreThatFailsKeepsWhatItHas(t *testing.T) {
	part := func(n string) func(r *http.Request) bool {
		return func(r *http.Request) bool { return r.Method == "PUT" && r.URL.Query().Get("partNumber") == n }
	}
	for _, c := range []struct {
		name    string
		when    func(r *http.Request) bool
		code    int
		text    string
		want    string
		aborted int
	}{
		{"a list that is not allowed", func(r *http.Request) bool { return r.Method == "GET" }, 403, "AccessDenied", "list the snapshots: ", 0},
		{"an upload that is not allowed", func(r *http.Request) bool { return r.Method == "POST" }, 403, "AccessDenied", "save berth-global-", 0},
		{"a part that is refused", part("2"), 403, "QuotaExceeded", "QuotaExceeded", 1},
		{"an end that is refused", func(r *http.Request) bool { return r.Method == "POST" && r.URL.Query().Has("uploadId") }, 400, "InvalidPart", "InvalidPart", 1},
		{"an object that cannot be read back", func(r *http.Request) bool { return r.Method == "GET" && strings.HasSuffix(r.URL.Path, ".snap") }, 403, "AccessDenied", "after it was written", 0},
		{"a removal that is not allowed", func(r *http.Request) bool { return r.Method == "DELETE" }, 403, "AccessDenied", "remove berth-global-19991230T000000Z.snap: ", 0},
	} {
		s, target := newStore(t, false)
		s.objects["berth/berth-global-19991230T000000Z.snap"] = []byte("x")
		s.objects["berth/berth-global-19991231T000000Z.snap"] = []byte("x")
		s.refuse = func(r *http.Request) (int, string) {
			if c.when(r) {
				return c.code, c.text
			}
			return 0, ""
		}
		r := newRig(target, Plan{Keep: Keep{Last: 2}})
		r.large = leastPart + 5
		_, err := r.saver.once(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), secretKey) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if !strings.HasPrefix(s.keys(), "berth/berth-global-19991230T000000Z.snap berth/berth-global-19991231T000000Z.snap") || s.aborted != c.aborted || len(s.uploads) != 0 {
			t.Errorf("%s: stored %s, %d aborted, %d left", c.name, s.keys(), s.aborted, len(s.uploads))
		}
		s.refuse = func(*http.Request) (int, string) { return 0, "" }
		if _, err := r.saver.once(t.Context()); err != nil {
			t.Errorf("%s, and it is well again: %v", c.name, err)
		}
		if strings.Contains(s.keys(), "19991230") || len(r.saver.Status().Stored) != 2 {
			t.Errorf("%s, and it is well again: stored %s", c.name, s.keys())
		}
	}
}

// A snapshot whose making fails in the middle is not stored, however much was sent.
func TestAHalfMadeSnapshotIsNotStored(t *testing.T) {
	s, target := newStore(t, false)
	r := newRig(target, Plan{})
	r.large, r.fail = leastPart*2, errors.New("no space left on device")
	if _, err := r.saver.once(t.Context()); !errors.Is(err, r.fail) {
		t.Error(err)
	}
	if s.keys() != "" || s.aborted != 1 || len(s.uploads) != 0 {
		t.Errorf("stored %s, %d aborted, %d left", s.keys(), s.aborted, len(s.uploads))
	}
}

func TestWhatCannotBeAStoreIsRefused(t *testing.T) {
	good := S3Config{Bucket: "b", Endpoint: "https://s3.example.com:9000", AccessKey: "a", SecretKey: secretKey}
	for _, c := range []struct {
		change func(*S3Config)
		want   string
	}{
		{func(*S3Config) {}, ""},
		{func(c *S3Config) { c.Endpoint = "" }, ""},
		{func(c *S3Config) { c.Bucket = "" }, "bucket is not set"},
		{func(c *S3Config) { c.Endpoint = "s3.example.com" }, `endpoint "s3.example.com" is not an address such as https://`},
		{func(c *S3Config) { c.Endpoint = "https://h/path" }, "is not an address"},
		{func(c *S3Config) { c.Endpoint = "ftp://h" }, "is not an address"},
		{func(c *S3Config) { c.SecretKey = "" }, "access_key_id and secret_access_key go together"},
		{func(c *S3Config) { c.CAFile = "/no/such" }, "read ca_file"},
		{func(c *S3Config) { c.CAFile = "/dev/null" }, "has no certificate"},
	} {
		cfg := good
		c.change(&cfg)
		got, err := NewS3(cfg)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", cfg, err, c.want)
		}
		if err == nil && strings.Contains(got.String(), secretKey) {
			t.Errorf("%s shows the secret", got)
		}
	}
}
