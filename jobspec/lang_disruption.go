package jobspec

var langDisruption = &block{
	name: "disruption", field: "Disruption",
	doc: "How many allocations of the group may be taken by choice at once: by drains, preemption, taints and rebalancing. Write one of the two. Not for system jobs. Berth's own.",
	attrs: []attr{
		{name: "min_available", field: "MinAvailable", kind: kindString, doc: `How many must stay available: a number, or a share of the count as "50%", rounded up.`},
		{name: "max_unavailable", field: "MaxUnavailable", kind: kindString, doc: "How many may be missing, in the same way."},
	},
}
