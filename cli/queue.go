package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"berth/api"
	"berth/structs"
)

func (e *env) queueCommand() *cobra.Command {
	return e.group("queue", "how namespaces share the cluster", e.queueList(), e.queueStatus(), e.queueApply(), e.queueDelete())
}

func (e *env) queueList() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "list", Short: "list queues, and what they hold", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		all, _, err := client.Queues().List(cmd.Context(), nil)
		if err != nil {
			return err
		}
		if done, err := e.print(s, all); done {
			return err
		}
		if len(all) == 0 {
			e.say("No queues")
			return nil
		}
		rows := [][]string{{"Name", "Namespaces", "Weight", "Guarantee", "Limit", "Held", "Share", "Queued"}}
		for _, q := range all {
			rows = append(rows, []string{q.Name, q.Of(), fmt.Sprint(q.Weight), q.Guarantee.Bound(), q.Limit.Bound(), q.Held.String(), percent(q.Share), fmt.Sprint(q.Queued)})
		}
		e.table(rows)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func percent(part float64) string { return fmt.Sprintf("%.1f%%", 100*part) }

func (e *env) queueStatus() *cobra.Command {
	var s shown
	c := &cobra.Command{Use: "status NAME", Short: "show a queue: what it has a right to, and what it holds", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		q, _, err := client.Queues().Get(cmd.Context(), args[0], nil)
		if api.IsNotFound(err) {
			return noQueue(args[0])
		}
		if err != nil {
			return err
		}
		if done, err := e.print(s, q); done {
			return err
		}
		e.showQueue(q)
		return nil
	}}
	c.Flags().BoolVar(&s.json, "json", false, "print JSON")
	c.Flags().StringVarP(&s.template, "template", "t", "", "Go template")
	return c
}

func noQueue(name string) error {
	return fmt.Errorf("there is no queue %q: `berth queue list` shows those that are", name)
}

func (e *env) showQueue(q *api.Queue) {
	e.pairs([][2]string{
		{"Name", q.Name}, {"Description", dash(q.Description)}, {"Namespaces", q.Of()}, {"Weight", fmt.Sprint(q.Weight)},
		{"Guarantee", q.Guarantee.Bound()}, {"Lending", lendingWords[q.Lending]}, {"Limit", q.Limit.Bound()},
		{"Held", fmt.Sprintf("%s by %s", q.Held, plural(q.Allocations, "allocation"))}, {"Borrowed", q.Borrowed.String()},
		{"Leaving", q.Leaving.String()},
		{"Share", percent(q.Share) + " of the cluster"}, {"Queued", plural(q.Queued, "allocation")},
	})
	if q.Queued > 0 {
		e.say("\nWhy something waits: berth why -namespace NAMESPACE JOB")
	}
}

var lendingWords = map[string]string{
	structs.LendReclaim: "reclaim: lent, and taken back by evicting borrowers",
	structs.LendWait:    "wait: lent, and taken back as the work of borrowers ends",
	structs.LendNever:   "never: what is not used stays free",
}

func (e *env) queueApply() *cobra.Command {
	q := &structs.Queue{}
	c := &cobra.Command{
		Use: "apply -of NAMESPACE,... NAME", Short: "create or change a queue", Args: cobra.ExactArgs(1),
		Long: "A queue is a tenant's part of the cluster: the service and batch jobs of some namespaces. Queues get what is free by their weights;\n" +
			"what is guaranteed to one it gets first, and its jobs never hold more than its limit. What is not given is as if it had never been set.",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := e.client()
			if err != nil {
				return err
			}
			if q.Weight == 0 {
				return errors.New("-weight is 0; it must be between 1 and 1000") // 0 in the API is a weight that is not set
			}
			q.Name, q.Namespaces = args[0], namesOf(q.Namespaces)
			resp, _, err := client.Queues().Apply(cmd.Context(), q, nil, nil)
			if err != nil {
				return err
			}
			e.say("Queue %q applied", q.Name)
			if resp.Warnings != "" {
				e.say("%s", e.paint("33", "Warning: "+resp.Warnings))
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringSliceVar(&q.Namespaces, "of", nil, "namespaces whose jobs belong to it (required); '*' alone for all that no other queue names")
	f.IntVar(&q.Weight, "weight", 1, "its part beside the weights of others, 1 to 1000")
	f.Int64Var(&q.Guarantee.CPU, "guarantee-cpu", 0, "MHz that its jobs get whenever they ask")
	f.Int64Var(&q.Guarantee.MemoryMB, "guarantee-memory", 0, "MB that its jobs get whenever they ask")
	f.Int64Var(&q.Limit.CPU, "limit-cpu", 0, "MHz that its jobs hold at most")
	f.Int64Var(&q.Limit.MemoryMB, "limit-memory", 0, "MB that its jobs hold at most")
	f.StringVar(&q.Lending, "lending", structs.LendReclaim, "what becomes of its guarantee while it is not used: reclaim lends it and takes it back by evicting borrowers,\nwait lends it and waits until their work ends, never keeps it free")
	f.StringVar(&q.Description, "description", "", "what it is for")
	if err := c.MarkFlagRequired("of"); err != nil {
		panic(err) // the flag is some lines above
	}
	return c
}

func (e *env) queueDelete() *cobra.Command {
	return &cobra.Command{Use: "delete NAME", Short: "remove a queue: its jobs run on, and belong to none", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		client, err := e.client()
		if err != nil {
			return err
		}
		_, err = client.Queues().Delete(cmd.Context(), args[0], nil)
		if api.IsNotFound(err) {
			return noQueue(args[0])
		}
		if err != nil {
			return err
		}
		e.say("Queue %q deleted", args[0])
		return nil
	}}
}
