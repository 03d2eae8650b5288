package jobspec

// constraintSugar are attributes that set the operator and the right side at once.
var constraintSugar = []string{"version", "semver", "regexp", "set_contains", "set_contains_all", "set_contains_any"}

var langConstraint = &block{
	name: "constraint", field: "Constraints", many: true, sugar: sugarConstraint,
	doc: "A rule that a node must keep. Several must hold together.",
	attrs: []attr{
		{name: "attribute", field: "LTarget", kind: kindString, doc: "What of the node is looked at: ${attr.<name>}, ${meta.<key>}, ${node.unique.id}, ${node.unique.name}, ${node.class}, ${node.pool} or ${node.datacenter}."},
		{name: "operator", field: "Operand", kind: kindString, def: "=", allowed: []string{"=", "!=", "<", "<=", ">", ">=", "regexp", "version", "semver", "set_contains", "set_contains_all", "set_contains_any", "is_set", "is_not_set", "distinct_hosts", "distinct_property"}, doc: "How the two sides are compared. Numbers are compared as numbers."},
		{name: "value", field: "RTarget", kind: kindString, doc: "What it is compared with."},
		{name: "version", field: "RTarget", kind: kindString, doc: `Short for operator = "version": for example ">= 1.2, < 2".`},
		{name: "semver", field: "RTarget", kind: kindString, doc: `Short for operator = "semver": pre-releases ordered as semver says.`},
		{name: "regexp", field: "RTarget", kind: kindString, doc: `Short for operator = "regexp" (RE2).`},
		{name: "set_contains", field: "RTarget", kind: kindString, doc: `Short for operator = "set_contains": all of a comma-separated list are in it.`},
		{name: "set_contains_all", field: "RTarget", kind: kindString, doc: "The same as set_contains."},
		{name: "set_contains_any", field: "RTarget", kind: kindString, doc: "Short for an operator: at least one of a comma-separated list is in it."},
		{name: "distinct_hosts", field: "Operand", kind: kindBool, doc: "Every allocation on a node of its own."},
		{name: "distinct_property", field: "LTarget", kind: kindString, doc: "At most `value` allocations (default 1) for each value of this attribute."},
	},
}

var langAffinity = &block{
	name: "affinity", field: "Affinities", many: true, sugar: sugarAffinity,
	doc: "A wish about nodes. Not for system jobs.",
	attrs: []attr{
		{name: "attribute", field: "LTarget", kind: kindString, doc: "What of the node is looked at, as in constraint."},
		{name: "operator", field: "Operand", kind: kindString, def: "=", allowed: []string{"=", "!=", "<", "<=", ">", ">=", "regexp", "version", "semver", "set_contains", "set_contains_all", "set_contains_any"}, doc: "How the two sides are compared."},
		{name: "value", field: "RTarget", kind: kindString, doc: "What it is compared with."},
		{name: "weight", field: "Weight", kind: kindInt, def: "50", least: -100, most: 100, doc: "-100 to 100, not 0; below 0 it keeps away."},
		{name: "version", field: "RTarget", kind: kindString, doc: `Short for operator = "version".`},
		{name: "semver", field: "RTarget", kind: kindString, doc: `Short for operator = "semver".`},
		{name: "regexp", field: "RTarget", kind: kindString, doc: `Short for operator = "regexp".`},
		{name: "set_contains", field: "RTarget", kind: kindString, doc: `Short for operator = "set_contains".`},
		{name: "set_contains_all", field: "RTarget", kind: kindString, doc: "The same as set_contains."},
		{name: "set_contains_any", field: "RTarget", kind: kindString, doc: `Short for operator = "set_contains_any".`},
	},
}

var langSpread = &block{
	name: "spread", field: "Spreads", many: true, doc: "Shares allocations out over the values of an attribute. Not for system jobs.",
	attrs: []attr{
		{name: "attribute", field: "Attribute", kind: kindString, required: true, doc: "What is shared over, as in constraint."},
		{name: "weight", field: "Weight", kind: kindInt, def: "50", least: 1, most: 100, doc: "1 to 100, against other spreads."},
		{name: "max_skew", field: "MaxSkew", kind: kindInt, least: 1, most: 1 << 30, doc: "Makes it a rule: no value has more than this many allocations of the group more than the value with the fewest; nodes without the attribute get none. Berth's own."},
	},
	blocks: []*block{{
		name: "target", field: "SpreadTarget", label: "value", labelField: "Value", many: true, doc: "Share of one value; what is left goes to the others.",
		attrs: []attr{{name: "percent", field: "Percent", kind: kindInt, def: "0", most: 100, doc: "0 to 100."}},
	}},
}

var langNetwork = &block{
	name: "network", field: "Networks", many: true, doc: "Network of the allocation and its ports.",
	attrs: []attr{
		{name: "mode", field: "Mode", kind: kindString, def: "host", doc: `"host": the node's own network; "bridge": a network of its own behind the node's address; "none": loopback only; "cni/<name>": a CNI configuration of the node.`},
		{name: "hostname", field: "Hostname", kind: kindString, doc: "Host name inside (bridge)."},
		{name: "device", field: "Device", kind: kindString, doc: "Older form.", deprecated: "host_network of a port"},
		{name: "cidr", field: "CIDR", kind: kindString, doc: "Older form.", deprecated: "host_network of a port"},
		{name: "ip", field: "IP", kind: kindString, doc: "Older form.", deprecated: "host_network of a port"},
		{name: "mbits", field: "MBits", kind: kindInt, doc: "Ignored.", deprecated: "remove it"},
	},
	blocks: []*block{
		langPort,
		{
			name: "dns", field: "DNS", doc: "Resolver configuration of the allocation.",
			attrs: []attr{
				{name: "servers", field: "Servers", kind: kindStrings, doc: "Addresses of name servers."},
				{name: "searches", field: "Searches", kind: kindStrings, doc: "Search domains."},
				{name: "options", field: "Options", kind: kindStrings, doc: "Options of resolv.conf."},
			},
		},
		{
			name: "cni", field: "CNI", doc: "Arguments for CNI plugins.",
			attrs:  []attr{},
			blocks: []*block{{name: "args", field: "Args", free: true, mapped: true, doc: "Key-value pairs; no ; in them."}},
		},
	},
}

var langPort = &block{
	name: "port", label: "label", many: true, sugar: sugarPort,
	doc: "A port with a name. Without static, a free one is chosen from the node's dynamic range; tasks see it as NOMAD_PORT_<label>.",
	attrs: []attr{
		{name: "static", field: "Value", kind: kindInt, doc: "Number on the node."},
		{name: "to", field: "To", kind: kindInt, doc: "Number inside the allocation (bridge); -1 is the same as on the node."},
		{name: "host_network", field: "HostNetwork", kind: kindString, def: "default", doc: "Which of the node's networks it is on."},
		{name: "ignore_collision", field: "IgnoreCollision", kind: kindBool, def: "false", doc: "Let several allocations share a static port (mode host)."},
	},
}
