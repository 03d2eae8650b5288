package telemetry

import (
	"time"

	"github.com/hashicorp/go-metrics"

	"berth/client"
	"berth/structs"
)

// allocSeen is how an allocation was when it was seen last.
type allocSeen struct {
	status   string
	restarts uint64
	oom      int64 // when a task was last killed for its memory, Unix ns
}

// countAllocs counts what became of the node's allocations since the last look. What had ended before the first is not counted.
func (c *Collector) countAllocs(now []client.AllocFigures) {
	first := c.allocs == nil
	seen := make(map[structs.ID]allocSeen, len(now))
	for _, a := range now {
		was, known := c.allocs[a.Alloc.ID]
		oom, killed := was.oom, uint64(0)
		for _, at := range a.OOMKills {
			oom = max(oom, at)
			if at > was.oom {
				killed++
			}
		}
		seen[a.Alloc.ID] = allocSeen{a.Status, a.Restarts, oom}
		if first && !known {
			continue
		}
		labels := []metrics.Label{{Name: "namespace", Value: a.Alloc.Namespace}, {Name: "job", Value: a.Alloc.JobID}, {Name: "task_group", Value: a.Alloc.TaskGroup}}
		count := func(n uint64, name string) {
			if n > 0 {
				c.t.global.IncrCounterWithLabels([]string{"client", "allocs", name}, float32(n), labels)
			}
		}
		if was.status != a.Status {
			switch a.Status {
			case structs.AllocClientRunning, structs.AllocClientComplete, structs.AllocClientFailed:
				count(1, a.Status)
			}
		}
		count(killed, "oom_killed")
		count(a.Restarts-min(a.Restarts, was.restarts), "restart")
	}
	c.allocs = seen
}

// collectAgent writes what is of no server and no node.
func (c *Collector) collectAgent(now time.Time) {
	open, refused := c.agent.Connections()
	c.gauge(float64(open), nil, "agent", "http", "connections")
	c.count(refused-c.refused, "agent", "http", "exceeded")
	is, was := c.agent.Requests(), c.requests
	c.count(is.All-was.All, "nomad", "rpc", "request")
	c.count(is.Reads-was.Reads, "nomad", "rpc", "query")
	c.count(is.Failed-was.Failed, "nomad", "rpc", "request_error")
	c.count(is.Accepted-was.Accepted, "nomad", "rpc", "accept_conn")
	c.count(is.Raft-was.Raft, "nomad", "rpc", "raft_handoff")
	c.count(is.Abroad-was.Abroad, "nomad", "rpc", "cross-region")
	c.refused, c.requests = refused, is
	if own, root, ok := c.agent.Certificates(); ok {
		c.gauge(own.Sub(now).Seconds(), nil, "tls", "cert", "expire_in_seconds")
		c.gauge(root.Sub(now).Seconds(), nil, "tls", "ca", "expire_in_seconds")
	}
}
