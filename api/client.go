package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client talks to one agent. It is safe for concurrent use.
type Client struct {
	cfg  Config
	base string
	http *http.Client
}

// New makes a client; it does not connect.
func New(cfg Config) (*Client, error) {
	base, socket, err := splitAddress(cfg.Address)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, base: base, http: cfg.HTTPClient}
	if c.http != nil {
		return c, nil
	}
	tlsConfig, err := cfg.TLS.config()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true,
		MaxIdleConns: 32, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	}
	if socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	c.http = &http.Client{Transport: t}
	return c, nil
}

// Address is where requests go, for messages to people.
func (c *Client) Address() string {
	if c.cfg.Address == "" {
		return DefaultAddress
	}
	return c.cfg.Address
}

// Namespace is the one calls use that name none.
func (c *Client) Namespace() string {
	if c.cfg.Namespace == "" {
		return "default"
	}
	return c.cfg.Namespace
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// retryFor bounds how long a read is tried again while the cluster has no leader.
const retryFor = 10 * time.Second

// request is one call before it is sent. Body is kept as bytes, or is a stream that cannot be sent twice.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	stream       io.Reader
	contentType  string
}

// send does the request and gives the answer with a status of 2xx; the caller closes its body.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	deadline := time.Now().Add(retryFor)
	for {
		resp, err := c.once(ctx, r)
		if err == nil {
			return resp, nil
		}
		var answer *Error
		if r.method != http.MethodGet || !errors.As(err, &answer) || answer.Status != http.StatusServiceUnavailable {
			return nil, err
		}
		pause := max(answer.RetryAfter, 200*time.Millisecond)
		if time.Now().Add(pause).After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

func (c *Client) once(ctx context.Context, r request) (*http.Response, error) {
	body := r.stream
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path+"?"+c.withDefaults(r.query).Encode(), body)
	if err != nil {
		return nil, err
	}
	c.setHeaders(req.Header)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.connectError(err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

func (c *Client) setHeaders(h http.Header) {
	if c.cfg.Token != "" {
		h.Set("X-Nomad-Token", c.cfg.Token)
	}
	if user, password, ok := strings.Cut(c.cfg.BasicAuth, ":"); ok {
		req := http.Request{Header: h}
		req.SetBasicAuth(user, password)
	}
}

// withDefaults adds the region and the namespace where the call names none.
func (c *Client) withDefaults(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = v
	}
	if c.cfg.Region != "" && !out.Has("region") {
		out.Set("region", c.cfg.Region)
	}
	if c.cfg.Namespace != "" && !out.Has("namespace") {
		out.Set("namespace", c.cfg.Namespace)
	}
	return out
}

// connectError says in one sentence that nobody answers, and where.
func (c *Client) connectError(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &ConnectError{Address: c.Address(), Err: op.Err}
	}
	return fmt.Errorf("talk to agent at %s: %w", c.Address(), err)
}

// get reads JSON.
func get[T any](ctx context.Context, c *Client, path string, q *QueryOptions) (T, *QueryMeta, error) {
	var out T
	resp, err := c.send(ctx, request{method: http.MethodGet, path: path, query: q.values()})
	if err != nil {
		return out, nil, err
	}
	defer resp.Body.Close()
	meta := readQueryMeta(resp.Header)
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, meta, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return out, meta, nil
}

// write sends JSON (nothing when in is nil) and reads JSON; an empty answer leaves T zero.
func write[T any](ctx context.Context, c *Client, method, path string, in any, q url.Values) (T, *WriteMeta, error) {
	var out T
	r := request{method: method, path: path, query: q}
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return out, nil, fmt.Errorf("encode body of %s: %w", path, err)
		}
		r.body, r.contentType = text, "application/json"
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return out, nil, err
	}
	defer resp.Body.Close()
	meta := readWriteMeta(resp.Header)
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		return out, meta, fmt.Errorf("read answer of %s: %w", path, err)
	}
	return out, meta, nil
}

// put is write with PUT for a namespaced route.
func put[T any](ctx context.Context, c *Client, path string, in any, w *WriteOptions) (T, *WriteMeta, error) {
	return write[T](ctx, c, http.MethodPut, path, in, w.values())
}

// nothing is the answer of a call that has none.
type nothing struct{}

// Raw does one request for a route this package has no method for, and gives the whole answer. The caller closes it.
func (c *Client) Raw(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	return c.send(ctx, request{method: method, path: path, query: query, stream: body})
}

// RawJSON reads any route's answer into out.
func (c *Client) RawJSON(ctx context.Context, path string, q *QueryOptions, out any) (*QueryMeta, error) {
	raw, meta, err := get[json.RawMessage](ctx, c, path, q)
	if err != nil {
		return nil, err
	}
	return meta, json.Unmarshal(raw, out)
}

// escape makes one path segment of a name.
func escape(name string) string { return url.PathEscape(name) }
