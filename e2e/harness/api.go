package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// API is the agent's HTTP API, spoken with the contract's paths and nothing of the project's own client.
type API struct {
	Base string
	// Token is the secret that requests show, "" for none.
	Token string
	http  *http.Client
}

// NewAPI dials from inside a machine, or from this one when host is nil.
func NewAPI(host *Host) *API {
	dial := (&net.Dialer{}).DialContext
	if host != nil {
		dial = host.Dial
	}
	return &API{Base: "http://127.0.0.1:4646", http: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}}}
}

// Close drops idle connections.
func (a *API) Close() { a.http.CloseIdleConnections() }

// StatusError is an answer other than 2xx.
type StatusError struct {
	Code int
	Body string
}

// Error is the status and the body.
func (e *StatusError) Error() string { return fmt.Sprintf("%d: %s", e.Code, strings.TrimSpace(e.Body)) }

// Call does one request. in and out may be nil; out may be a *string for a body as it is. The index is X-Nomad-Index.
func (a *API) Call(ctx context.Context, method, path string, in, out any) (index uint64, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.Base+path, body)
	if err != nil {
		return 0, err
	}
	if a.Token != "" {
		req.Header.Set("X-Nomad-Token", a.Token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode/100 != 2 {
		return 0, fmt.Errorf("%s %s: %w", method, path, &StatusError{resp.StatusCode, string(text)})
	}
	index, _ = strconv.ParseUint(resp.Header.Get("X-Nomad-Index"), 10, 64)
	switch out := out.(type) {
	case nil:
		return index, nil
	case *string:
		*out = string(text)
		return index, nil
	}
	return index, json.Unmarshal(text, out)
}

// Get is a GET into out.
func (a *API) Get(ctx context.Context, path string, out any) error {
	_, err := a.Call(ctx, http.MethodGet, path, nil, out)
	return err
}

// Await repeats a blocking query until done says so; it never sleeps. The last answer is in the error.
func Await[T any](ctx context.Context, a *API, path string, done func(T) bool) (T, error) {
	var last T
	index := uint64(0)
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for {
		var got T
		i, err := a.Call(ctx, http.MethodGet, fmt.Sprintf("%s%sindex=%d&wait=30s", path, sep, index), nil, &got)
		if err != nil {
			text, _ := json.Marshal(last)
			return last, fmt.Errorf("waiting for %s: %w; last answer: %.2000s", path, err, text)
		}
		last = got
		if done(got) {
			return got, nil
		}
		index = i
	}
}

// Alloc is an allocation as the API shows it, as far as tests look.
type Alloc struct {
	ID, Name, JobID, TaskGroup, NodeID string
	JobVersion                         uint64
	DesiredStatus, ClientStatus        string
	ClientDescription                  string
	TaskStates                         map[string]*structs.TaskState
	AllocatedResources                 *structs.AllocatedResources
	NetworkStatus                      *structs.AllocNetworkStatus
	CreateTime, ModifyTime             int64
	CreateIndex, ModifyIndex           uint64
}

// JobAllocs waits until a job's allocations are as wanted.
func (a *API) JobAllocs(ctx context.Context, job string, done func([]Alloc) bool) ([]Alloc, error) {
	return Await(ctx, a, "/v1/job/"+url.PathEscape(job)+"/allocations?all=true", done)
}

// nodeReady fails until one node of the cluster is ready.
func (a *API) nodeReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	nodes, err := Await(ctx, a, "/v1/nodes", func(nodes []struct{ Status structs.NodeStatus }) bool {
		for _, n := range nodes {
			if n.Status == structs.NodeStatusReady {
				return true
			}
		}
		return false
	})
	if err != nil {
		return fmt.Errorf("%w (%d nodes)", err, len(nodes))
	}
	return nil
}
