package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth/structs"
)

func (e *env) nodeTaint() *cobra.Command {
	var add, remove []string
	var self bool
	cmd := &cobra.Command{
		Use: "taint [-add KEY=VALUE:EFFECT] [-remove KEY] NODE", Short: "keep allocations off a node, or make them leave it", Args: cobra.MaximumNArgs(1),
		Long: "Sets and removes taints of a node; without flags it shows them. The effects:\n\n" +
			"  NoSchedule         nothing is placed there that has no toleration; what runs stays\n" +
			"  PreferNoSchedule   it is placed there last\n" +
			"  NoExecute          nothing is placed there, and what runs leaves, after the duration of its toleration if it has one\n\n" +
			"A taint of the node's own configuration is changed there. Removing a NoExecute taint in time lets everything stay.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			stub, err := e.nodeArg(cmd.Context(), c, self, args)
			if err != nil {
				return err
			}
			n, _, err := c.Nodes().Get(cmd.Context(), stub.ID.String(), nil)
			if err != nil {
				return err
			}
			if len(add)+len(remove) == 0 {
				e.taints(n.Taints)
				return nil
			}
			taints, err := changedTaints(&n.Node, add, remove)
			if err != nil {
				return err
			}
			if _, _, err := c.Nodes().SetTaints(cmd.Context(), n.ID.String(), taints, &n.TaintsIndex, nil); err != nil {
				return err
			}
			e.say("Node %q taints set: %s", n.ID, cmp.Or(taintNames(taints), "none"))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&add, "add", nil, "key=value:effect or key:effect, in the stead of another value of it; may be repeated")
	f.StringArrayVar(&remove, "remove", nil, "key, key:effect or key=value:effect; may be repeated")
	f.BoolVar(&self, "self", false, "the node of the agent that answers")
	return cmd
}

// changedTaints are the operator's taints of a node after a change.
func changedTaints(n *structs.Node, add, remove []string) ([]*structs.Taint, error) {
	taints := n.TaintsOf(structs.TaintFromOperator)
	for _, text := range remove {
		left := slices.DeleteFunc(slices.Clone(taints), func(t *structs.Taint) bool {
			return text == t.Key || text == t.Key+":"+t.Effect || text == t.String()
		})
		if len(left) == len(taints) {
			for _, t := range n.TaintsOf(structs.TaintFromNode) {
				if t.Key == text || t.String() == text {
					return nil, fmt.Errorf("taint %s is set by the node's own configuration: remove it there, from client { taints }", t)
				}
			}
			return nil, fmt.Errorf("the node has no taint %q; it has: %s", text, cmp.Or(taintNames(n.Taints), "none"))
		}
		taints = left
	}
	for _, text := range add {
		t, err := structs.ParseTaint(text)
		if err != nil {
			return nil, err
		}
		taints = slices.DeleteFunc(slices.Clone(taints), func(o *structs.Taint) bool { return o.Key == t.Key && o.Effect == t.Effect })
		taints = append(taints, t)
	}
	return taints, nil
}

func taintNames(taints []*structs.Taint) string {
	names := make([]string, len(taints))
	for i, t := range taints {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// taints shows them as a table.
func (e *env) taints(taints []*structs.Taint) {
	if len(taints) == 0 {
		e.say("The node has no taints")
		return
	}
	rows := [][]string{{"Key", "Value", "Effect", "Set by", "Since"}}
	for _, t := range taints {
		by := t.Source
		if by == structs.TaintFromNode {
			by = "configuration"
		}
		rows = append(rows, []string{t.Key, dash(t.Value), t.Effect, by, ago(t.Since)})
	}
	e.table(rows)
}
