package api

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// QueryOptions shape a read. Nil is the same as the zero value.
type QueryOptions struct {
	Namespace string // "*" for all, lists only
	Region    string
	Prefix    string
	Filter    string // go-bexpr expression on the JSON of an element
	// WaitIndex makes the read block until the answer's index is larger, at most WaitTime (0: the agent's maximum, 5 minutes).
	WaitIndex uint64
	WaitTime  time.Duration
	PerPage   int
	NextToken string
	Reverse   bool
	Stale     bool
	// Params are further parameters of the route.
	Params map[string]string
}

// With is a copy with one more parameter.
func (q *QueryOptions) With(key, value string) *QueryOptions {
	out := QueryOptions{}
	if q != nil {
		out = *q
	}
	out.Params = maps.Clone(out.Params)
	if out.Params == nil {
		out.Params = map[string]string{}
	}
	out.Params[key] = value
	return &out
}

func (q *QueryOptions) values() url.Values {
	v := url.Values{}
	if q == nil {
		return v
	}
	for key, value := range map[string]string{
		"namespace": q.Namespace, "region": q.Region, "prefix": q.Prefix, "filter": q.Filter, "next_token": q.NextToken,
	} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if q.WaitIndex > 0 {
		v.Set("index", strconv.FormatUint(q.WaitIndex, 10))
	}
	if q.WaitTime > 0 {
		v.Set("wait", q.WaitTime.String())
	}
	if q.PerPage > 0 {
		v.Set("per_page", strconv.Itoa(q.PerPage))
	}
	if q.Reverse {
		v.Set("reverse", "true")
	}
	if q.Stale {
		v.Set("stale", "true")
	}
	for key, value := range q.Params {
		v.Set(key, value)
	}
	return v
}

// QueryMeta goes with the answer of a read.
type QueryMeta struct {
	LastIndex   uint64 // pass it as WaitIndex to wait for a change
	LastContact time.Duration
	KnownLeader bool
	NextToken   string
}

func readQueryMeta(h http.Header) *QueryMeta {
	m := &QueryMeta{NextToken: h.Get("X-Nomad-Nexttoken"), KnownLeader: h.Get("X-Nomad-Knownleader") == "true"}
	m.LastIndex, _ = strconv.ParseUint(h.Get("X-Nomad-Index"), 10, 64)
	ms, _ := strconv.ParseInt(h.Get("X-Nomad-Lastcontact"), 10, 64)
	m.LastContact = time.Duration(ms) * time.Millisecond
	return m
}

// WriteOptions shape a write. Nil is the same as the zero value.
type WriteOptions struct {
	Namespace string
	Region    string
	// Params are further parameters of the route.
	Params map[string]string
}

func (w *WriteOptions) values() url.Values {
	v := url.Values{}
	if w == nil {
		return v
	}
	if w.Namespace != "" {
		v.Set("namespace", w.Namespace)
	}
	if w.Region != "" {
		v.Set("region", w.Region)
	}
	for key, value := range w.Params {
		v.Set(key, value)
	}
	return v
}

// WriteMeta goes with the answer of a write.
type WriteMeta struct{ LastIndex uint64 }

func readWriteMeta(h http.Header) *WriteMeta {
	m := &WriteMeta{}
	m.LastIndex, _ = strconv.ParseUint(h.Get("X-Nomad-Index"), 10, 64)
	return m
}
