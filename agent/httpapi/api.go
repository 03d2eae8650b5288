package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/semaphore"

	"berth/agent/access"
	"berth/agent/config"
	"berth/client"
	"berth/server"
	"berth/server/authority"
	"berth/structs"
)

// ImageLoader puts the images of an archive into the node's store and gives their names.
type ImageLoader interface {
	ImportArchive(ctx context.Context, r io.Reader) ([]string, error)
}

// Metrics are the figures of the process.
type Metrics interface {
	// Summary is the contract's JSON.
	Summary() (any, error)
	// Prometheus answers in that form; nil unless it is enabled.
	Prometheus() http.Handler
}

// Deps are what the handlers answer from.
type Deps struct {
	Config *config.Config
	Server *server.Server
	Client *client.Client // nil without a node
	Images ImageLoader    // nil without a node
	// Authority issues certificates and join tokens; nil in -dev and with certificates of the tls block.
	Authority *authority.Authority
	Limits    structs.Limits // of jobs, with the drivers' checkers
	Logger    hclog.Logger
	// Logs gives the agent's own log for /v1/agent/monitor: lines are sent to the function's channel until it is stopped.
	Logs func(LogOptions) (lines <-chan []byte, stop func())
	// Reload reads again what can be read while the agent runs.
	Reload func() error
	// Metrics has the figures of the process.
	Metrics Metrics
	// Name is the agent's name.
	Name string
	// Access tells who calls; nil lets everybody do everything.
	Access access.Resolver
}

// API is the handlers.
type API struct {
	Deps
	mux *http.ServeMux
	// pools has the routes below poolPrefix: "/v1/node/pool/allocations" may be a pool's page or a node's, and the mux refuses
	// to choose.
	pools *http.ServeMux
	paths []string // of all routes
	// permissions are what the routes need, by method and path.
	permissions []Permission
	// rebalancing is held by the one request that moves allocations.
	rebalancing sync.Mutex
	// bodies is the memory for bodies that are being read.
	bodies *semaphore.Weighted
	// waiting counts the reads that wait for a change.
	waiting atomic.Int64
	// parses are the job texts that are read at a time.
	parses *semaphore.Weighted
}

const poolPrefix = "/v1/node/pool/"

// muxOf chooses the mux of a path or pattern.
func (a *API) muxOf(path string) *http.ServeMux {
	if strings.HasPrefix(path, poolPrefix) {
		return a.pools
	}
	return a.mux
}

// New makes the API.
func New(d Deps) *API {
	a := &API{Deps: d, mux: http.NewServeMux(), pools: http.NewServeMux(), bodies: semaphore.NewWeighted(bodiesBytes),
		parses: semaphore.NewWeighted(parsedAtATime)}
	a.jobRoutes()
	a.evalRoutes()
	a.deploymentRoutes()
	a.allocRoutes()
	a.nodeRoutes()
	a.operatorRoutes()
	a.authorityRoutes()
	a.agentRoutes()
	a.memberRoutes()
	a.raftRoutes()
	a.regionRoutes()
	a.snapshotRoutes()
	a.tagRoutes()
	a.clientRoutes()
	a.explainRoutes()
	a.budgetRoutes()
	a.queueRoutes()
	a.eventRoutes()
	a.aclRoutes()
	for _, m := range []*http.ServeMux{a.mux, a.pools} {
		m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	}
	return a
}

// Handler answers every request.
func (a *API) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil || fault == http.ErrAbortHandler {
				if fault != nil {
					panic(fault)
				}
				return
			}
			a.Logger.Error("a request broke its handler", "method", r.Method, "path", r.URL.Path, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			writeError(w, errors.New("internal error; the agent's log tells more"))
		}()
		for k, v := range a.Config.Headers {
			w.Header().Set(k, v)
		}
		a.muxOf(r.URL.Path).ServeHTTP(w, r)
	})
}

// handler answers a request with a value that is sent as JSON; nil sends nothing.
type handler func(r *request) (any, error)

// methods are the handlers of one path by method, each with what it needs of its caller; PUT stands for POST as well.
type methods map[string]op

// Permission is what a method of a path needs of its caller.
type Permission struct{ Method, Path, Words string }

// declare notes what a route needs. One that says nothing is a fault of the program: it would be open to everybody.
func (a *API) declare(method, path string, p *permission) {
	if p.check == nil || p.words == "" {
		panic("httpapi: " + method + " " + path + " declares no permission")
	}
	a.permissions = append(a.permissions, Permission{method, path, p.words})
}

// wrongMethod is the status of a method that a path does not have. By the contract the peers of raft and autopilot are not found then.
func wrongMethod(path string) int {
	if path == "/v1/operator/raft/peer" || strings.HasPrefix(path, "/v1/operator/autopilot/") {
		return http.StatusNotFound
	}
	return http.StatusMethodNotAllowed
}

// route adds a path.
func (a *API) route(path string, m methods) {
	// Why the fastest: an answer goes to a machine near by, and its server has more to do.
	zip, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		panic(err) // the options are constant
	}
	a.paths = append(a.paths, path)
	for method, o := range m {
		a.declare(method, path, &o.permission)
	}
	a.muxOf(path).Handle(path, zip(http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		method := hr.Method
		if method == http.MethodPost || method == http.MethodHead {
			if m[method].do == nil {
				method = map[string]string{http.MethodPost: http.MethodPut, http.MethodHead: http.MethodGet}[method]
			}
		}
		o := m[method]
		if o.do == nil {
			http.Error(w, "Invalid method", wrongMethod(path))
			return
		}
		a.answer(w, hr, &o)
	})))
}

// streams are the handlers of one path that write the answer themselves, piece by piece, by method; PUT stands for POST as well.
type streams map[string]streamOp

type streamOp struct {
	permission
	do streamHandler
}

type streamHandler func(w http.ResponseWriter, r *request) error

// streams says which handler a permission is about.
func (p permission) stream(h streamHandler) streamOp { return streamOp{p, h} }

// stream adds a path whose handlers write the answer themselves. Their callers are looked at again while the answer is written.
func (a *API) stream(path string, m streams) {
	a.paths = append(a.paths, path)
	for method, o := range m {
		a.declare(method, path, &o.permission)
	}
	a.mux.HandleFunc(path, func(w http.ResponseWriter, hr *http.Request) {
		method := hr.Method
		if m[method].do == nil {
			method = map[string]string{http.MethodPost: http.MethodPut}[method]
		}
		o := m[method]
		if o.do == nil {
			writeError(w, status(http.StatusMethodNotAllowed, "Invalid method"))
			return
		}
		out := &begun{ResponseWriter: w}
		if err := a.pour(out, a.request(out, hr), &o); err != nil && !out.yes.Load() {
			if out.cut.Load() { // net/http ends the context of every later request of such a connection
				w.Header().Set("Connection", "close")
			}
			writeError(w, err)
		}
	})
}

// pour runs the handler of a stream for a caller that may, once it has shown its token.
func (a *API) pour(w http.ResponseWriter, r *request, o *streamOp) error {
	if r.flag("ws_handshake") {
		return a.handshake(w, r, o)
	}
	return a.admitted(w, r, o)
}

func (a *API) admitted(w http.ResponseWriter, r *request, o *streamOp) error {
	if err := r.enter(&o.permission); err != nil {
		return err
	}
	r.pinned = nil // an old state must not be held for as long as a stream is open
	stop := r.watch()
	defer stop()
	err := o.do(w, r)
	if context.Cause(r.ctx()) == errRevoked { // an answer that was not begun is a refusal
		return r.needs(access.ErrDenied)
	}
	return err
}

// begun remembers whether an answer was begun: then an error cannot be sent as one.
type begun struct {
	http.ResponseWriter
	yes, over, cut atomic.Bool
}

func (b *begun) WriteHeader(code int) {
	b.yes.Store(true)
	b.ResponseWriter.WriteHeader(code)
}

// Write writes, as long as the caller may see what is written.
func (b *begun) Write(p []byte) (int, error) {
	if b.over.Load() {
		return 0, errRevoked
	}
	b.yes.Store(true)
	return b.ResponseWriter.Write(p)
}

// end takes the stream from a caller that may not any more. Its handler sees that by its context; one that has still not ended by the second
// time, for its caller sends or takes nothing, is cut off, and its connection is of no more use.
func (b *begun) end() {
	if !b.over.Swap(true) {
		return
	}
	b.cut.Store(true)
	ctl := http.NewResponseController(b.ResponseWriter)
	past := time.Unix(1, 0)
	_ = ctl.SetReadDeadline(past) // a connection that has none is a test's, or a websocket: that ends with the context
	if b.yes.Load() {             // an answer that was not begun can be a refusal still
		_ = ctl.SetWriteDeadline(past) // the same
	}
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// Flush sends what was written.
func (b *begun) Flush() {
	_ = http.NewResponseController(b.ResponseWriter).Flush() // a connection that cannot flush is gone
}

func (a *API) answer(w http.ResponseWriter, hr *http.Request, o *op) {
	r := a.request(w, hr)
	err := r.enter(&o.permission)
	var v any
	if err == nil {
		v, err = o.do(r)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	r.done()
	r.writeIndex()
	if v == nil {
		return
	}
	writeJSON(w, v, r.query.Has("pretty") && r.query.Get("pretty") != "0")
}

// writeError sends the text of an error with the status of its kind.
func writeError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var se *statusError
	switch kind := structs.KindOf(err); {
	case errors.As(err, &se):
		status = se.status
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	default:
		status = kind.HTTPStatus()
		if kind == structs.KindNoLeader || kind == structs.KindUnavailable {
			w.Header().Set("Retry-After", "1")
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.TrimRight(err.Error(), "\n"))
}

// statusError is an error whose status the contract fixes.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func status(code int, format string, args ...any) error {
	return &statusError{code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error { return status(http.StatusBadRequest, format, args...) }

func notFound(format string, args ...any) error { return status(http.StatusNotFound, format, args...) }
