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
}

// countAllocs counts what became of the node's allocations since the last look. What had ended before the first is not counted.
func (c *Collector) countAllocs(now []client.AllocFigures) {
	first := c.allocs == nil
	seen := make(map[structs.ID]allocSeen, len(now))
	for _, a := range now {
		was, known := c.allocs[a.Alloc.ID]
		seen[a.Alloc.ID] = allocSeen{a.Status, a.Restarts}
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
		count(a.Restarts-min(a.Restarts, was.restarts), "restart")
	}
	c.allocs = seen
}

// collectAgent writes what is of no server and no node.
func (c *Collector) collectAgent(now time.Time) {
	open, refused := c.agent.Connections()
	c.gauge(float64(open), nil, "agent", "http", "connections")
	all, reads := c.agent.Requests()
	was := &c.agentCounts
	c.count(refused-was.refused, "agent", "http", "exceeded")
	c.count(all-was.all, "nomad", "rpc", "request")
	c.count(reads-was.reads, "nomad", "rpc", "query")
	was.refused, was.all, was.reads = refused, all, reads
	if own, root, ok := c.agent.Certificates(); ok {
		c.gauge(own.Sub(now).Seconds(), nil, "tls", "cert", "expire_in_seconds")
		c.gauge(root.Sub(now).Seconds(), nil, "tls", "ca", "expire_in_seconds")
	}
}
