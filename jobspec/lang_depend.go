package jobspec

var langDependency = &block{
	name: "depends_on", field: "DependsOn", many: true,
	doc: "A job that must have come far enough before anything new of this version is placed. What runs goes on; what has begun once does not look back. Launches and dispatches of the job wait each for itself. Berth's own.",
	attrs: []attr{
		{name: "job", field: "Job", kind: kindString, required: true, doc: "Id of the job to wait for."},
		{name: "namespace", field: "Namespace", kind: kindString, def: "the job's own", doc: "Its namespace."},
		{name: "condition", field: "Condition", kind: kindString, required: true, allowed: []string{"complete", "healthy", "started"}, doc: "complete: all of it ended well (batch and sysbatch); healthy: as many allocations serve as it asks for; started: an allocation of each of its groups has started."},
		{name: "on_failure", field: "OnFailure", kind: kindString, def: "wait", allowed: []string{"wait", "fail"}, doc: "What to do when that job has failed or was stopped: wait until it is mended, or fail."},
	},
}
