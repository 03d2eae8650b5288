package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) nodeEligibility() *cobra.Command {
	var enable, disable, self bool
	cmd := &cobra.Command{
		Use: "eligibility -enable|-disable NODE", Short: "open or close a node for new allocations", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			n, err := e.nodeArg(cmd.Context(), c, self, args)
			if err != nil {
				return err
			}
			id := n.ID.String()
			if _, _, err := c.Nodes().SetEligibility(cmd.Context(), id, enable, nil); err != nil {
				return err
			}
			if enable {
				e.say("Node %q scheduling eligibility set: eligible for scheduling", id)
			} else {
				e.say("Node %q scheduling eligibility set: ineligible for scheduling", id)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&enable, "enable", false, "place on it again")
	f.BoolVar(&disable, "disable", false, "place nothing more on it; what is there stays")
	f.BoolVar(&self, "self", false, "the node of the agent that answers")
	cmd.MarkFlagsMutuallyExclusive("enable", "disable")
	cmd.MarkFlagsOneRequired("enable", "disable")
	return cmd
}

// drainFlags are how a drain is asked for.
type drainFlags struct {
	enable, disable, monitor, force, noDeadline, ignoreSystem, keepIneligible, detach, self, yes bool
	deadline                                                                                     time.Duration
	message                                                                                      string
	meta                                                                                         []string
}

func (e *env) nodeDrain() *cobra.Command {
	var d drainFlags
	cmd := &cobra.Command{
		Use: "drain -enable|-disable|-monitor NODE", Short: "move everything off a node", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			n, err := e.nodeArg(cmd.Context(), c, d.self, args)
			if err != nil {
				return err
			}
			id := n.ID.String()
			if d.monitor {
				return e.watchDrain(cmd.Context(), c, id)
			}
			return e.drain(cmd.Context(), c, id, d)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&d.enable, "enable", false, "start the drain")
	f.BoolVar(&d.disable, "disable", false, "end the drain")
	f.BoolVar(&d.monitor, "monitor", false, "only watch the drain that is under way")
	f.DurationVar(&d.deadline, "deadline", time.Hour, "when what is left is stopped all the same")
	f.BoolVar(&d.force, "force", false, "stop everything at once")
	f.BoolVar(&d.noDeadline, "no-deadline", false, "wait for ever")
	f.BoolVar(&d.ignoreSystem, "ignore-system", false, "leave the allocations of system jobs")
	f.BoolVar(&d.keepIneligible, "keep-ineligible", false, "with -disable: place nothing on it yet")
	f.BoolVar(&d.detach, "detach", false, "do not wait")
	f.BoolVar(&d.self, "self", false, "the node of the agent that answers")
	f.BoolVar(&d.yes, "yes", false, "answer yes to questions")
	f.StringVarP(&d.message, "message", "m", "", "why, for those who look at the node")
	f.StringArrayVar(&d.meta, "meta", nil, "key=value kept with the drain; may be repeated")
	cmd.MarkFlagsMutuallyExclusive("enable", "disable", "monitor")
	cmd.MarkFlagsOneRequired("enable", "disable", "monitor")
	cmd.MarkFlagsMutuallyExclusive("deadline", "force", "no-deadline")
	return cmd
}

func (e *env) drain(ctx context.Context, c *api.Client, id string, d drainFlags) error {
	var spec *structs.DrainSpec
	meta, err := keyValues(d.meta)
	if err != nil {
		return err
	}
	if d.message != "" {
		meta["message"] = d.message
	}
	if d.enable {
		if d.deadline <= 0 {
			return errors.New("-deadline must be more than 0: give -force to stop everything at once, -no-deadline to wait for ever")
		}
		spec = &structs.DrainSpec{Deadline: d.deadline, IgnoreSystemJobs: d.ignoreSystem}
		switch {
		case d.force:
			spec.Deadline = -1
		case d.noDeadline:
			spec.Deadline = 0
		}
	}
	_, _, err = c.Nodes().Drain(ctx, id, spec, d.disable && !d.keepIneligible, meta, nil)
	if err != nil {
		return err
	}
	if d.disable {
		e.say("Node %q drain strategy unset", id)
		return nil
	}
	e.say("Node %q drain strategy set", id)
	if d.detach {
		return nil
	}
	return e.watchDrain(ctx, c, id)
}

// watchDrain tells what leaves a node until its drain is over. The node changes last: it is the one that is waited for, and its
// allocations are read at every change of theirs.
func (e *env) watchDrain(ctx context.Context, c *api.Client, id string) error {
	e.say("%s: Monitoring node %q: Ctrl-C to detach monitoring", now(), id)
	seen := map[structs.ID]string{}
	told := map[string]bool{} // what is waited for
	q := &api.QueryOptions{}
	for {
		n, _, err := c.Nodes().Get(ctx, id, nil)
		if err != nil {
			return err
		}
		all, meta, err := c.Nodes().Allocations(ctx, id, q)
		if err != nil {
			return err
		}
		left := 0
		for _, a := range all {
			state := a.DesiredStatus + "/" + a.ClientStatus
			if old, known := seen[a.ID]; known && old != state {
				e.say("%s: Alloc %q %s", now(), short8(a.ID, false), drainWords(a))
			}
			seen[a.ID] = state
			if !a.Terminal() {
				left++
			}
		}
		if n.DrainStrategy == nil {
			e.say("%s: Drain complete for node %s", now(), id)
			return nil
		}
		if why, _, err := c.WhyNode(ctx, id, nil); err == nil {
			for _, line := range waits(why) {
				if !told[line] {
					e.say("%s: %s", now(), line)
				}
				told[line] = true
			}
		}
		// The drain itself ends with a change of the node, shortly after its last allocation: then it is the node that is asked for.
		if q, err = e.drainWait(ctx, c, n, left, meta.LastIndex); err != nil {
			return err
		}
	}
}

// drainPause bounds the wait for one kind of change, so that the other is noticed as well.
const drainPause = 2 * time.Second

func (e *env) drainWait(ctx context.Context, c *api.Client, n *api.Node, left int, index uint64) (*api.QueryOptions, error) {
	if left > 0 {
		return &api.QueryOptions{WaitIndex: index, WaitTime: drainPause}, nil
	}
	_, _, err := c.Nodes().Get(ctx, n.ID.String(), &api.QueryOptions{WaitIndex: n.ModifyIndex, WaitTime: drainPause})
	return &api.QueryOptions{}, err
}

func drainWords(a *api.Allocation) string {
	switch {
	case a.ClientTerminal():
		return "has ended: " + a.ClientStatus
	case a.ServerTerminal():
		return "is being stopped: " + a.DesiredDescription
	}
	return "is " + a.ClientStatus
}
