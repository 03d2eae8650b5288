package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"berth/api"
)

// Options say what is collected.
type Options struct {
	Duration time.Duration // how long logs and events are followed and lists are taken again
	Interval time.Duration // between the lists
	Profile  time.Duration // length of the profiles of the processor; 0 takes none
	LogLevel string
	Servers  []string // names or ids; nil takes all
	Nodes    []string // ids; nil takes those that are up, at most MaxNodes
	MaxNodes int
	Topics   []string // of the events that are followed; nil follows none. Those of jobs and allocations hold whole jobs
	Stale    bool     // any server may answer the lists
	Version  string
	// Tell says on the terminal what is done.
	Tell func(format string, args ...any)
}

// Bounds of one file.
const (
	maxFile    = 64 << 20 // bytes of an answer
	maxFollow  = 16 << 20 // bytes of a log or of the events
	askTimeout = 30 * time.Second
)

// clusterFiles are taken once, of whoever is asked.
var clusterFiles = [][2]string{
	{"cluster/members.json", "/v1/agent/members"}, {"cluster/leader.json", "/v1/status/leader"}, {"cluster/regions.json", "/v1/regions"},
	{"cluster/raft-configuration.json", "/v1/operator/raft/configuration"}, {"cluster/autopilot-configuration.json", "/v1/operator/autopilot/configuration"},
	{"cluster/autopilot-health.json", "/v1/operator/autopilot/health"}, {"cluster/scheduler-configuration.json", "/v1/operator/scheduler/configuration"},
	{"cluster/namespaces.json", "/v1/namespaces"}, {"cluster/node-pools.json", "/v1/node/pools"},
	{"cluster/priority-classes.json", "/v1/priority-classes"}, {"cluster/disruption-budgets.json", "/v1/disruption-budgets?namespace=*"},
}

// stateFiles are taken every interval.
var stateFiles = [][2]string{
	{"jobs.json", "/v1/jobs?namespace=*"}, {"allocations.json", "/v1/allocations?namespace=*"}, {"evaluations.json", "/v1/evaluations?namespace=*"},
	{"deployments.json", "/v1/deployments?namespace=*"}, {"nodes.json", "/v1/nodes?resources=true"}, {"autopilot-health.json", "/v1/operator/autopilot/health"},
	{"queues.json", "/v1/queues"},
}

// agentFiles are taken of every agent at the beginning; the first one shows whether it answers.
var agentFiles = [][2]string{
	{"self.json", "/v1/agent/self"}, {"health.json", "/v1/agent/health"}, {"host.json", "/v1/agent/host"}, {"goroutines.txt", "/v1/agent/pprof/goroutine?debug=2"},
	{"goroutine.prof", "/v1/agent/pprof/goroutine"}, {"heap.prof", "/v1/agent/pprof/heap"}, {"allocs.prof", "/v1/agent/pprof/allocs"},
	{"threadcreate.prof", "/v1/agent/pprof/threadcreate"}, {"cmdline.txt", "/v1/agent/pprof/cmdline"},
}

// target is an agent.
type target struct {
	dir       string // in the bundle
	key, name string // the parameter that names it, and its value
}

// capture is a bundle while it is made.
type capture struct {
	Options
	client *api.Client
	out    *archive
}

// Capture writes a bundle to w, in the folder root of the archive. It ends early, with what there is, when ctx is done. The error is of w,
// or says that nobody answers.
func Capture(ctx context.Context, client *api.Client, o Options, root string, w io.Writer) (*Index, error) {
	c := &capture{Options: o, client: client, out: newArchive(w, root)}
	x := &Index{Version: o.Version, Address: client.Address(), Began: time.Now().UTC(), Duration: o.Duration.String(), Interval: o.Interval.String()}
	servers, nodes, err := c.targets(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		x.Servers = append(x.Servers, s.name)
	}
	for _, n := range nodes {
		x.Nodes = append(x.Nodes, n.name)
	}
	all := append(servers, nodes...)
	c.Tell("Servers (%d): %s", len(servers), strings.Join(x.Servers, ", "))
	c.Tell("Nodes (%d): %s", len(nodes), strings.Join(x.Nodes, ", "))
	c.Tell("Cluster: members, raft, autopilot, configuration")
	for _, f := range clusterFiles {
		c.take(ctx, f[0], f[1], nil, askTimeout)
	}
	c.Tell("Following logs and events for %s, taking lists and metrics every %s", o.Duration, o.Interval)
	span, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	var agents sync.WaitGroup
	for _, t := range all {
		agents.Go(func() {
			c.follow(span, t.dir+"/monitor.log", "/v1/agent/monitor?plain=true&log_level="+url.QueryEscape(o.LogLevel), &t)
		})
		agents.Go(func() { c.agent(ctx, t) })
	}
	if len(c.Topics) > 0 {
		agents.Go(func() {
			c.follow(span, "events.json", "/v1/event/stream?"+url.Values{"namespace": {"*"}, "topic": c.Topics}.Encode(), nil)
		})
	}
	c.intervals(ctx, span, all)
	agents.Wait()
	x.Cut, x.Ended = ctx.Err() != nil, time.Now().UTC()
	if err := c.out.close(x); err != nil {
		return nil, fmt.Errorf("write the bundle: %w", err)
	}
	if n, reasons := x.failed(); n > 0 {
		c.Tell("%d of %d files are missing or not whole; index.json tells why of each", n, len(x.Files))
		for _, why := range reasons[:min(len(reasons), reasonsTold)] {
			c.Tell("  %s", why)
		}
	}
	return x, nil
}

// targets are the agents to look into.
func (c *capture) targets(ctx context.Context) (servers, nodes []target, err error) {
	names := c.Servers
	if names == nil {
		m, err := c.client.Agent().Members(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("list the servers: %w", err)
		}
		for _, x := range m.Members {
			if x.Tags["region"] == "" || x.Tags["region"] == m.ServerRegion {
				names = append(names, x.Name)
			}
		}
		if len(m.Members) == 0 { // one that runs alone
			names = []string{"leader"}
		}
	}
	for _, n := range names {
		servers = append(servers, target{"server/" + fileName(n), "server_id", n})
	}
	ids := c.Nodes
	if ids == nil {
		all, _, err := c.client.Nodes().List(ctx, &api.QueryOptions{Stale: c.Stale})
		if err != nil {
			c.Tell("The nodes cannot be listed: %v", err)
		}
		for _, n := range all {
			if n.Status != "down" {
				ids = append(ids, n.ID.String())
			}
		}
		if c.MaxNodes > 0 && len(ids) > c.MaxNodes {
			c.Tell("Of %d nodes the first %d are looked into; -max-nodes or -node-id say otherwise", len(ids), c.MaxNodes)
			ids = ids[:c.MaxNodes]
		}
	}
	for _, id := range ids {
		nodes = append(nodes, target{"client/" + fileName(id), "node_id", id})
	}
	return servers, nodes, nil
}

// fileName makes a name that is one of a folder.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '_'
		}
		return r
	}, s)
	if strings.Trim(s, ".") == "" {
		return "_"
	}
	return s
}

// agent takes the files of one agent. When the first one shows that it cannot be reached the others are not asked for.
func (c *capture) agent(ctx context.Context, t target) {
	files := agentFiles
	seconds := strconv.Itoa(int(c.Profile.Seconds()))
	if c.Profile > 0 {
		files = append(append([][2]string{}, files...), [2]string{"profile.prof", "/v1/agent/pprof/profile?seconds=" + seconds},
			[2]string{"trace.out", "/v1/agent/pprof/trace?seconds=" + seconds})
	}
	var gone error
	for i, f := range files {
		name := t.dir + "/" + f[0]
		if gone != nil {
			c.out.add(Entry{Path: name, From: f[1], At: time.Now().UTC(), Error: reason(gone)}, nil)
			continue
		}
		if err := c.take(ctx, name, f[1], &t, askTimeout+c.Profile); i == 0 && unreachable(err) {
			gone = err
			c.Tell("%s does not answer: %v", t.dir, err)
		}
	}
}

// unreachable reports that an agent was not reached, not that it refused.
func unreachable(err error) bool {
	var answer *api.Error
	return err != nil && (!errors.As(err, &answer) || answer.Status == http.StatusServiceUnavailable || answer.Status == http.StatusNotFound)
}

// intervals takes the lists and the figures again and again until span is over.
func (c *capture) intervals(ctx, span context.Context, all []target) {
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for n := 0; ; n++ {
		dir := fmt.Sprintf("interval/%04d/", n)
		c.Tell("Interval %04d", n)
		for _, f := range stateFiles {
			c.take(ctx, dir+f[0], f[1], nil, askTimeout)
		}
		var asked sync.WaitGroup
		for _, t := range all {
			asked.Go(func() { c.take(ctx, dir+t.dir+"/metrics.json", "/v1/metrics", &t, askTimeout) })
		}
		asked.Wait()
		select {
		case <-span.Done():
			return
		case <-tick.C:
		}
	}
}

// open asks for a route, of an agent if one is named.
func (c *capture) open(ctx context.Context, route string, of *target) (*http.Response, string, error) {
	path, raw, _ := strings.Cut(route, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, route, err
	}
	if of != nil {
		q.Set(of.key, of.name)
	} else if c.Stale {
		q.Set("stale", "true")
	}
	resp, err := c.client.Raw(ctx, http.MethodGet, path, q, nil)
	return resp, path + "?" + q.Encode(), err
}

// take keeps the answer of a route as a file.
func (c *capture) take(ctx context.Context, name, route string, of *target, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e := Entry{Path: name, At: time.Now().UTC()}
	resp, asked, err := c.open(ctx, route, of)
	e.From = asked
	if err != nil {
		e.Error = reason(err)
		c.out.add(e, nil)
		return err
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if err := copyBounded(&b, resp.Body, maxFile); err != nil {
		e.Error = err.Error()
	}
	c.out.add(e, b.Bytes())
	return nil
}

// follow keeps what a stream sends until ctx is done.
func (c *capture) follow(ctx context.Context, name, route string, of *target) {
	e := Entry{Path: name, At: time.Now().UTC()}
	resp, asked, err := c.open(ctx, route, of)
	e.From = asked
	if err != nil {
		e.Error = reason(err)
		c.out.add(e, nil)
		return
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if err := copyBounded(&b, resp.Body, maxFollow); err != nil && ctx.Err() == nil {
		e.Error = err.Error()
	}
	c.out.add(e, b.Bytes())
}

// copyBounded copies at most limit bytes; more is an error.
func copyBounded(to *bytes.Buffer, from io.Reader, limit int64) error {
	n, err := io.Copy(to, io.LimitReader(from, limit+1))
	if err == nil && n > limit {
		to.Truncate(int(limit))
		return fmt.Errorf("cut at %d bytes", limit)
	}
	return err
}

// reasonsTold is how many reasons for missing files are said at the end.
const reasonsTold = 5

// reason is why a file is missing; where the token may not read it, with the permission it would need.
func reason(err error) string {
	var answer *api.Error
	if errors.As(err, &answer) && answer.Permission != "" {
		return answer.Error() + ": it needs " + answer.Permission
	}
	return err.Error()
}
