package jobspec

var langCompletion = &block{
	name: "completion", field: "Completion",
	doc: "When a group of a batch job is done, and when it is given up. Being moved, preempted or lost is no failure. Berth's own.",
	attrs: []attr{
		{name: "retries", field: "Retries", kind: kindInt, doc: "How often an index is tried again after failures that count, however long ago. Without it the reschedule block decides; its delays hold in any case."},
		{name: "max_failed", field: "MaxFailed", kind: kindInt, doc: "How many indexes may fail for good; with one more the job is given up: what runs is stopped. Without it each index goes its own way."},
		{name: "success", field: "Success", kind: kindInt, def: "the count", doc: "How many indexes must end well: then the group is done and the rest is stopped."},
	},
	blocks: []*block{{
		name: "on_exit", field: "Rules", many: true, doc: "What follows from exit codes of tasks. The first that matches decides.",
		attrs: []attr{
			{name: "codes", field: "ExitCodes", kind: kindStrings, required: true, doc: `Exit codes from 1 to 255, "42", or from one to another, "100-120".`},
			{name: "task", field: "Task", kind: kindString, doc: "Name of the task that ended so; without it any task of the group."},
			{name: "action", field: "Action", kind: kindString, required: true, allowed: []string{"count", "ignore", "fail_index", "fail_job"}, doc: "count: a failure like any other; ignore: tried again and not counted, here or elsewhere; fail_index: not tried again; fail_job: the job is given up."},
		},
	}},
}
