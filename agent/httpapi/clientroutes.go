package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"berth/acl"
	"berth/api"
	"berth/client"
	"berth/client/logs"
	"berth/drivers"
	"berth/structs"
)

func (a *API) clientRoutes() {
	a.route("/v1/client/stats", methods{http.MethodGet: nodeRead().then(a.hostStats)})
	a.route("/v1/client/gc", methods{http.MethodGet: nodeWrite().then(a.clientGC), http.MethodPut: nodeWrite().then(a.clientGC)})
	a.route("/v1/client/fs/ls/{id}", methods{http.MethodGet: ofOwnAlloc(acl.ReadFS).then(a.fsList)})
	a.route("/v1/client/fs/stat/{id}", methods{http.MethodGet: ofOwnAlloc(acl.ReadFS).then(a.fsStat)})
	a.stream("/v1/client/fs/cat/{id}", streams{http.MethodGet: ofOwnAlloc(acl.ReadFS).stream(a.fsCat)})
	a.stream("/v1/client/fs/readat/{id}", streams{http.MethodGet: ofOwnAlloc(acl.ReadFS).stream(a.fsReadAt)})
	a.stream("/v1/client/fs/stream/{id}", streams{http.MethodGet: ofOwnAlloc(acl.ReadFS).stream(a.fsStream)})
	a.stream("/v1/client/fs/logs/{id}", streams{http.MethodGet: ofOwnAlloc(acl.ReadLogs | acl.ReadFS).stream(a.fsLogs)})
	a.stream("/v1/client/image", streams{http.MethodPut: nodeWrite().stream(a.imageLoad)})
	a.route("/v1/client/allocation/{id}/stats", methods{http.MethodGet: ofOwnAlloc(acl.ReadJob).then(a.allocStats)})
	a.route("/v1/client/allocation/{id}/restart", methods{http.MethodPut: ofOwnAlloc(acl.AllocLifecycle).then(a.allocRestart)})
	a.route("/v1/client/allocation/{id}/signal", methods{http.MethodPut: ofOwnAlloc(acl.AllocLifecycle).then(a.allocSignal)})
	a.route("/v1/client/allocation/{id}/gc", methods{http.MethodGet: ofOwnAlloc(acl.SubmitJob | acl.GCAllocation).then(a.allocGC), http.MethodPut: ofOwnAlloc(acl.SubmitJob | acl.GCAllocation).then(a.allocGC)})
	a.stream("/v1/client/allocation/{id}/exec", streams{http.MethodGet: ofOwnAlloc(acl.AllocExec).stream(a.allocExec)})
}

// node gives the node of this process, which holds every allocation there is.
func (a *API) node() (*client.Client, error) {
	if a.Client == nil {
		return nil, notFound("this agent runs no node; ask the agent of the allocation's node")
	}
	return a.Client, nil
}

// startPatience is how long a question waits for a node that is just taking up its tasks.
const startPatience = 15 * time.Second

// alloc is the node and the allocation of the path.
func (r *request) alloc() (*client.Client, structs.ID, error) {
	c, err := r.api.node()
	if err != nil {
		return nil, structs.ID{}, err
	}
	select {
	case <-c.Ready():
	case <-r.ctx().Done():
		return nil, structs.ID{}, r.ctx().Err()
	case <-time.After(startPatience):
		return nil, structs.ID{}, &structs.Error{Kind: structs.KindUnavailable, Err: errors.New("the node is not ready yet"), Hint: "try again in a moment"}
	}
	id, err := r.id("id", "alloc")
	if err != nil {
		return nil, id, notFound("Unknown allocation %q", r.PathValue("id"))
	}
	return c, id, nil
}

func (a *API) hostStats(*request) (any, error) {
	c, err := a.node()
	if err != nil {
		return nil, err
	}
	return c.HostStats()
}

func (a *API) clientGC(*request) (any, error) {
	c, err := a.node()
	if err != nil {
		return nil, err
	}
	c.GCAll()
	return nil, nil
}

func (a *API) allocGC(r *request) (any, error) {
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	return nil, c.GCAlloc(id)
}

// path is the file asked for.
func (r *request) path() string {
	if p := r.query.Get("path"); p != "" {
		return p
	}
	return "/"
}

func (a *API) fsList(r *request) (any, error) {
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	return c.FSList(id, r.path())
}

func (a *API) fsStat(r *request) (any, error) {
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	return c.FSStat(id, r.path())
}

func (a *API) fsCat(w http.ResponseWriter, r *request) error { return a.fsSend(w, r, 0, -1) }

func (r *request) number(name string, missing int64) (int64, error) {
	text := r.query.Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("error parsing %s: %q is not a number of 0 or more", name, text)
	}
	return n, nil
}

func (a *API) fsReadAt(w http.ResponseWriter, r *request) error {
	offset, err := r.number("offset", 0)
	if err != nil {
		return err
	}
	limit, err := r.number("limit", 0)
	if err != nil {
		return err
	}
	if limit == 0 {
		limit = -1
	}
	return a.fsSend(w, r, offset, limit)
}

// fsSend sends a part of a file, to its end with limit -1.
func (a *API) fsSend(w http.ResponseWriter, r *request, offset, limit int64) error {
	c, id, err := r.alloc()
	if err != nil {
		return err
	}
	f, err := c.FSOpen(id, r.path())
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	var in io.Reader = f
	if limit >= 0 {
		in = io.LimitReader(f, limit)
	}
	_, err = io.Copy(w, in)
	return err
}

// frames writes stream frames, with a sign of life while nothing happens. send is safe for one goroutine; the heart beats in
// another until stop.
type frames struct {
	w     http.ResponseWriter
	plain bool
	enc   *json.Encoder
	in    chan logs.Frame
	sent  chan error
}

// streamFrames calls produce with a function that sends a frame, and beats between frames.
func streamFrames(w http.ResponseWriter, r *request, produce func(send func(logs.Frame) error) error) error {
	f := &frames{w: w, plain: r.flag("plain"), enc: json.NewEncoder(w), in: make(chan logs.Frame), sent: make(chan error)}
	done := make(chan error, 1)
	ctx := r.ctx()
	go func() {
		done <- produce(func(fr logs.Frame) error {
			select {
			case f.in <- fr:
				return <-f.sent
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	begun := false
	begin := func() {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/json")
			if f.plain {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			}
			w.WriteHeader(http.StatusOK)
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	flusher := http.NewResponseController(w)
	for {
		var err error
		select {
		case err := <-done:
			if err != nil && !begun && ctx.Err() == nil {
				return err
			}
			begin()
			return nil
		case fr := <-f.in:
			begin()
			err = f.write(fr)
			if err == nil {
				err = flusher.Flush()
			}
			f.sent <- err
		case <-beat.C:
			if begin(); f.plain {
				continue
			}
			if err = f.enc.Encode(struct{}{}); err == nil {
				err = flusher.Flush()
			}
		}
		if err != nil && ctx.Err() == nil {
			continue // the producer sees the error with its next frame, and the request's context ends
		}
	}
}

func (f *frames) write(fr logs.Frame) error {
	if f.plain {
		_, err := f.w.Write(fr.Data)
		return err
	}
	return f.enc.Encode(fr)
}

func (a *API) fsLogs(w http.ResponseWriter, r *request) error {
	c, id, err := r.alloc()
	if err != nil {
		return err
	}
	offset, err := r.number("offset", 0)
	if err != nil {
		return err
	}
	task := r.query.Get("task")
	if task == "" {
		return invalid("must provide task name")
	}
	req := client.LogsRequest{AllocID: id, Task: task, Type: r.query.Get("type"), Origin: r.query.Get("origin"), Offset: offset, Follow: r.flag("follow")}
	if req.Type == "" {
		return invalid("must provide log type (stdout/stderr)")
	}
	return streamFrames(w, r, func(send func(logs.Frame) error) error { return c.Logs(r.ctx(), req, send) })
}

// fsStream follows any file of an allocation.
func (a *API) fsStream(w http.ResponseWriter, r *request) error {
	c, id, err := r.alloc()
	if err != nil {
		return err
	}
	offset, err := r.number("offset", 0)
	if err != nil {
		return err
	}
	req := client.StreamRequest{AllocID: id, Path: r.path(), Origin: r.query.Get("origin"), Offset: offset, Follow: r.query.Get("follow") != "false"}
	return streamFrames(w, r, func(send func(logs.Frame) error) error { return c.FSStream(r.ctx(), req, send) })
}

// imageLoad takes an archive of images into the node's store.
func (a *API) imageLoad(w http.ResponseWriter, r *request) error {
	if a.Images == nil {
		_, err := a.node()
		return err
	}
	if id := r.query.Get("node_id"); id != "" && a.Client != nil && id != a.Client.NodeID().String() {
		return notFound("node %s is not the node of this agent: send the archive to that agent", id)
	}
	names, err := a.Images.ImportArchive(r.ctx(), r.archive())
	var se *statusError
	switch {
	case errors.As(err, &se):
		return err
	case err != nil:
		return invalid("the archive could not be loaded: %v", err)
	}
	writeJSON(w, &api.ImageLoadResponse{Images: names}, false)
	return nil
}

func (a *API) allocStats(r *request) (any, error) {
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	usage, err := c.AllocStats(r.ctx(), id, r.query.Get("task"))
	if err != nil {
		return nil, err
	}
	out := &api.AllocResourceUsage{Tasks: map[string]*api.TaskResourceUsage{}, Timestamp: time.Now().UnixNano(), ResourceUsage: &api.ResourceUsage{
		MemoryStats: &api.MemoryStats{}, CpuStats: &api.CPUStats{}}}
	for task, u := range usage {
		ru := resourceUsage(u)
		out.Tasks[task] = &api.TaskResourceUsage{ResourceUsage: ru, Timestamp: u.At.UnixNano()}
		sum := out.ResourceUsage
		sum.MemoryStats.RSS += ru.MemoryStats.RSS
		sum.MemoryStats.Usage += ru.MemoryStats.Usage
		sum.MemoryStats.Cache += ru.MemoryStats.Cache
		sum.MemoryStats.Swap += ru.MemoryStats.Swap
		sum.MemoryStats.MaxUsage += ru.MemoryStats.MaxUsage
		sum.CpuStats.TotalTicks += ru.CpuStats.TotalTicks
		sum.CpuStats.ThrottledPeriods += ru.CpuStats.ThrottledPeriods
		sum.CpuStats.ThrottledTime += ru.CpuStats.ThrottledTime
	}
	return out, nil
}

func resourceUsage(u *drivers.Usage) *api.ResourceUsage {
	return &api.ResourceUsage{
		MemoryStats: &api.MemoryStats{RSS: u.MemoryRSS, Cache: u.MemoryCache, Swap: u.MemorySwap, Usage: u.MemoryUsage, MaxUsage: u.MemoryMaxUsage},
		CpuStats:    &api.CPUStats{ThrottledPeriods: u.ThrottledPeriods, ThrottledTime: u.ThrottledNS},
	}
}

func (a *API) allocRestart(r *request) (any, error) {
	var req struct {
		TaskName string
		AllTasks bool
	}
	if r.ContentLength != 0 {
		if err := r.body(&req); err != nil {
			return nil, err
		}
	}
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	if req.AllTasks && req.TaskName != "" {
		return nil, invalid("TaskName and AllTasks exclude each other")
	}
	return struct{}{}, c.RestartAlloc(r.ctx(), id, req.TaskName, req.AllTasks)
}

func (a *API) allocSignal(r *request) (any, error) {
	var req struct{ Task, Signal string }
	if err := r.body(&req); err != nil {
		return nil, err
	}
	c, id, err := r.alloc()
	if err != nil {
		return nil, err
	}
	if req.Signal == "" {
		req.Signal = "SIGKILL"
	}
	return struct{}{}, c.SignalAlloc(r.ctx(), id, req.Task, req.Signal)
}

var errClosed = errors.New("the caller closed its side")

func commandOf(r *request) ([]string, error) {
	var command []string
	if err := json.Unmarshal([]byte(r.query.Get("command")), &command); err != nil || len(command) == 0 {
		return nil, invalid("command must be a JSON list of texts, such as [\"/bin/sh\"]")
	}
	if len(command) > 4096 {
		return nil, invalid("command has more than 4096 words")
	}
	return command, nil
}
