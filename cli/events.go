package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) eventsCommand() *cobra.Command {
	var req api.EventStreamRequest
	var raw, verbose bool
	cmd := &cobra.Command{
		Use: "events [-topic TOPIC[:KEY]] [-index N]", Short: "what happens in the cluster, as it happens", Args: cobra.NoArgs,
		Long: "Shows what changes, one line for each: the index of the change, what it is about, and what became of it. It begins with the last\n" +
			"changes, and goes on until it is ended; when the connection is lost it goes on where it was. What cannot be told any more is said.\n\n" +
			"  berth events                        everything of the namespace\n" +
			"  berth events -topic Job:web         one job\n" +
			"  berth events -topic Allocation:web  the allocations of a job; also of a node, an evaluation or a deployment, by its id\n" +
			"  berth events -index 1200            from an index on, if it is still kept\n\n" +
			"Topics: Job, Evaluation, Allocation, Deployment, Node, NodePool, Namespace, PriorityClass, DisruptionBudget, Queue, Operator, and * for all.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			return c.Events().Follow(cmd.Context(), req, nil, func(line *api.Events) error {
				if raw {
					text, err := json.Marshal(line)
					if err != nil {
						return err
					}
					e.say("%s", text)
					return nil
				}
				return e.events(line, verbose)
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&req.Topics, "topic", nil, "topic, or topic:key; may be repeated")
	f.Uint64Var(&req.Index, "index", 0, "index to begin with")
	f.BoolVar(&raw, "json", false, "print the lines of the API, with the whole objects")
	f.BoolVar(&verbose, "verbose", false, "show ids in full")
	return cmd
}

// events shows one line of the stream.
func (e *env) events(line *api.Events, verbose bool) error {
	if g := line.Gap; g != nil {
		why := "they are not kept any more"
		if g.Restored {
			why = "the state was replaced by that of a snapshot"
		}
		e.say("%s", e.paint("33", fmt.Sprintf("changes %d to %d are missing: %s", g.From, g.To, why)))
	}
	for i := range line.Events {
		ev := &line.Events[i]
		what, err := happened(ev)
		if err != nil {
			return err
		}
		key := ev.Key
		if id, err := structs.ParseID(key); err == nil {
			key = short8(id, verbose)
		}
		e.say("%7d  %-10s  %s  %s", ev.Index, ev.Topic, e.paint("1", key), what)
	}
	return nil
}

// happened says an event in words.
func happened(ev *api.Event) (string, error) {
	if strings.HasSuffix(ev.Type, "Deleted") || ev.Type == "NodeDeregistration" {
		return "is gone", nil
	}
	switch ev.Topic {
	case "Job":
		j, err := ev.Job()
		if err != nil || j == nil {
			return ev.Type, err
		}
		return jobHappened(ev.Type, j), nil
	case "Evaluation":
		x, err := ev.Evaluation()
		if err != nil || x == nil {
			return ev.Type, err
		}
		return words("of job "+x.JobID, "is "+x.Status, triggered(x.TriggeredBy), x.StatusDescription), nil
	case "Allocation":
		a, err := ev.Allocation()
		if err != nil || a == nil {
			return ev.Type, err
		}
		return allocHappened(ev.Type, a), nil
	case "Deployment":
		d, err := ev.Deployment()
		if err != nil || d == nil {
			return ev.Type, err
		}
		healthy, total := 0, 0
		for _, g := range d.TaskGroups {
			healthy, total = healthy+g.HealthyAllocs, total+g.DesiredTotal
		}
		what := map[string]string{"DeploymentPromotion": "canaries promoted", "DeploymentAllocHealth": "health changed"}[ev.Type]
		return words("of job "+d.JobID, what, "is "+d.Status, fmt.Sprintf("%d of %d healthy", healthy, total), d.StatusDescription), nil
	case "Node":
		n, err := ev.Node()
		if err != nil || n == nil {
			return ev.Type, err
		}
		return nodeHappened(ev.Type, n), nil
	}
	return "changed", nil
}

func jobHappened(kind string, j *structs.Job) string {
	switch kind {
	case "JobRegistered":
		return words(fmt.Sprintf("registered, version %d", j.Version), j.Status)
	case "JobDeregistered":
		if j.Stop {
			return "stopped"
		}
		return "is gone"
	}
	return words("is "+j.Status, map[bool]string{true: "version is stable"}[j.Stable])
}

func allocHappened(kind string, a *api.Allocation) string {
	what := ""
	switch {
	case kind == "AllocationUpdateDesiredStatus":
		what = "is asked to move"
	case kind == "PlanResult" && a.DesiredStatus != structs.AllocDesiredRun:
		what = "is told to " + a.DesiredStatus
	case kind == "PlanResult" && a.CreateIndex == a.ModifyIndex:
		what = "placed"
	}
	return words(a.Name+" on "+a.NodeName, what, "is "+a.ClientStatus, a.DesiredDescription, a.ClientDescription)
}

func nodeHappened(kind string, n *api.Node) string {
	what := ""
	switch kind {
	case "NodeRegistration":
		what = "registered"
	case "NodeDrain":
		what = map[bool]string{true: "is drained", false: "is not drained any more"}[n.Drain]
	case "NodeEligibility":
		what = "is " + n.SchedulingEligibility
	case "NodeTaints":
		what = "taints: " + dash(taintNames(n.Taints))
	}
	cause := n.StatusDescription
	if len(n.Events) > 0 && kind == "NodeStreamEvent" {
		cause = n.Events[len(n.Events)-1].Message
	}
	return words(n.Name, what, "is "+string(n.Status), cause)
}

// triggered says in words why an evaluation was made.
func triggered(trigger string) string {
	if trigger == "" {
		return ""
	}
	return "for " + strings.ReplaceAll(trigger, "-", " ")
}

// words joins what is not empty.
func words(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ", ")
}
