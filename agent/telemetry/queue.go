package telemetry

import (
	"github.com/hashicorp/go-metrics"

	"berth/server/placer"
)

// queue writes the figures of a queue of tenants.
func (c *Collector) queue(q *placer.QueueStats) {
	labels := []metrics.Label{{Name: "queue", Value: q.Name}}
	for name, v := range map[string]float64{
		"held_cpu": float64(q.Held.CPU), "held_memory": float64(q.Held.MemoryMB),
		"leaving_cpu": float64(q.Leaving.CPU), "leaving_memory": float64(q.Leaving.MemoryMB),
		"share": q.Share, "ready": float64(q.Ready), "limited": float64(q.Limited),
	} {
		c.gauge(v, labels, "nomad", "queue", name)
	}
}
