package jobspec

var langToleration = &block{
	name: "toleration", field: "Tolerations", many: true,
	doc: "Lets allocations be on nodes with a taint. A group has its own and the job's. Berth's own.",
	attrs: []attr{
		{name: "key", field: "Key", kind: kindString, doc: `Key of the taint; left out with operator = "exists" for every taint.`},
		{name: "operator", field: "Operator", kind: kindString, def: "equal", allowed: []string{"equal", "exists"}, doc: "Whether the taint must have the value, or may have any."},
		{name: "value", field: "Value", kind: kindString, doc: "Value of the taint."},
		{name: "effect", field: "Effect", kind: kindString, allowed: []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}, doc: "Effect of the taint; left out for all of them."},
		{name: "duration", field: "Duration", kind: kindDuration, doc: "With effect NoExecute: how long what runs may stay after the taint was set; nothing is placed there meanwhile. Left out for ever."},
	},
}
