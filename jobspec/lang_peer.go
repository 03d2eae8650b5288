package jobspec

var langPeer = &block{
	name: "peer", field: "Peers", many: true,
	doc: "Where the group runs in relation to allocations of other groups and jobs of the namespace. With weight it is a wish, without it must be kept; a required apart holds both ways. Berth's own.",
	attrs: []attr{
		{name: "relation", field: "Relation", kind: kindString, required: true, allowed: []string{"near", "apart"}, doc: "Whether to run where they run, or where they do not."},
		{name: "job", field: "Job", kind: kindString, doc: "Id of the jobs that are meant; * stands for any text."},
		{name: "group", field: "Group", kind: kindString, doc: "Name of the groups that are meant; * stands for any text."},
		{name: "topology", field: "Topology", kind: kindString, def: "${node.unique.id}", doc: "Two nodes are near each other when they have the same value of this, as in constraint. A node without it is near none."},
		{name: "weight", field: "Weight", kind: kindInt, least: 1, most: 100, doc: "1 to 100 for a wish."},
	},
	blocks: []*block{langMeta},
}
